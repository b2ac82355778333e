//! Reading a template.
//!
//! Total: every text is a template or a mistake that says what was expected.

use crate::json::{Json, compare_numbers};
use crate::mapping::TEMPLATE_CHARS_MAX;
use crate::mapping::compile::Build;
use crate::mapping::error::Mistake;
use crate::mapping::filter::Filter;
use crate::mapping::node::Node;
use crate::mapping::template::{COMPARISONS, Comparison, Operand, Output, Part, Template, Test};

/// A piece of a template's text.
enum Token<'t> {
    Text(&'t str),
    Value(&'t str),
    Tag(&'t str),
}

/// Compiles a template; without tags `{%` is text like any other. What is wrong is noted.
pub(in crate::mapping) fn parse(build: &mut Build<'_, '_>, text: &str, has_tags: bool) -> Option<Template> {
    let parts = if text.chars().count() > TEMPLATE_CHARS_MAX {
        Err(Mistake::LongTemplate)
    } else {
        tokens(text, has_tags).and_then(|tokens| {
            let mut rest = tokens.as_slice();
            let parts = parts(build, &mut rest)?;
            match rest.first() {
                Some(Token::Tag(tag)) => Err(mistake(format!("`{tag}` belongs to no open `if` or `unless`"))),
                _ => Ok(parts),
            }
        })
    };
    parts.map(Template).map_err(|mistake| build.wrong(mistake)).ok()
}

/// Cuts a text into constants, values and tags. A hyphen at a brace takes the space outside away, as in Liquid.
fn tokens(text: &str, has_tags: bool) -> Result<Vec<Token<'_>>, Mistake> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        let value = rest.find("{{");
        let tag = rest.find("{%").filter(|_| has_tags);
        let Some(start) = value.into_iter().chain(tag).min() else { break };
        let (before, opened) = rest.split_at(start);
        let (open, close) = if opened.starts_with("{{{") {
            ("{{{", "}}}")
        } else if opened.starts_with("{{") {
            ("{{", "}}")
        } else {
            ("{%", "%}")
        };
        let inner = opened.strip_prefix(open).unwrap_or_default();
        let Some((inner, after)) = inner.split_once(close) else {
            return Err(mistake(format!("`{open}` has no `{close}`")));
        };
        let (inner, trims_before) = inner.strip_prefix('-').map_or((inner, false), |inner| (inner, true));
        let (inner, trims_after) = inner.strip_suffix('-').map_or((inner, false), |inner| (inner, true));
        tokens.push(Token::Text(if trims_before { before.trim_end() } else { before }));
        tokens.push(if open == "{%" { Token::Tag(inner.trim()) } else { Token::Value(inner.trim()) });
        rest = if trims_after { after.trim_start() } else { after };
    }
    tokens.push(Token::Text(rest));
    tokens.retain(|token| !matches!(token, Token::Text("")));
    Ok(tokens)
}

/// Compiles parts up to the end, or to a tag that ends or continues a block and is left where it is.
fn parts(build: &mut Build<'_, '_>, rest: &mut &[Token<'_>]) -> Result<Vec<Part>, Mistake> {
    let mut parts = Vec::new();
    while let Some((token, after)) = rest.split_first() {
        match token {
            Token::Text(text) => parts.push(Part::Text((*text).to_owned())),
            Token::Value(text) => parts.push(Part::Value(output(build, text)?)),
            Token::Tag(tag) => match word(tag) {
                ("else" | "elsif" | "endif" | "endunless", _) => return Ok(parts),
                ("if", test) => {
                    *rest = after;
                    parts.push(block(build, test, false, rest)?);
                    continue;
                }
                ("unless", test) => {
                    *rest = after;
                    parts.push(block(build, test, true, rest)?);
                    continue;
                }
                (name, _) => {
                    return Err(mistake(format!("there is no tag `{name}`; tags are if, unless, elsif and else")));
                }
            },
        }
        *rest = after;
    }
    Ok(parts)
}

/// Compiles a block behind its opening tag, and takes its closing one.
fn block(build: &mut Build<'_, '_>, first: &str, is_unless: bool, rest: &mut &[Token<'_>]) -> Result<Part, Mistake> {
    let (name, end) = if is_unless { ("unless", "endunless") } else { ("if", "endif") };
    let first = test(build, first)?;
    let mut test_now = if is_unless { Test::Not(Box::new(first)) } else { first };
    let mut branches = Vec::new();
    let mut is_last = false;
    loop {
        let inner = build.deeper(|build| Some(parts(build, rest))).unwrap_or(Err(Mistake::TooDeep))?;
        branches.push((test_now, inner));
        let Some((Token::Tag(tag), after)) = rest.split_first() else {
            return Err(mistake(format!("`{name}` has no `{end}`")));
        };
        *rest = after;
        test_now = match word(tag) {
            (word, _) if word == end => return Ok(Part::If(branches)),
            ("else", _) if !is_last => {
                is_last = true;
                Test::Always
            }
            ("elsif", further) if !is_last => test(build, further)?,
            (word, _) => return Err(mistake(format!("`{word}` cannot stand here: `{name}` ends with `{end}`"))),
        };
    }
}

/// A path or a constant with its filters.
fn output(build: &mut Build<'_, '_>, text: &str) -> Result<Output, Mistake> {
    let mut pieces = split(text, |c| c == '|').into_iter();
    let node = operand(build, pieces.next().unwrap_or_default())?;
    let mut filters = Vec::new();
    for piece in pieces {
        let (name, arguments) = piece.split_once(':').unwrap_or((piece, ""));
        let arguments = if arguments.trim().is_empty() { Vec::new() } else { split(arguments, |c| c == ',') };
        let arguments = arguments.into_iter().map(|text| operand(build, text)).collect::<Result<Vec<_>, _>>()?;
        filters.push((Filter::parse(name.trim(), arguments.len())?, arguments));
    }
    Ok(Output { node, filters })
}

/// A constant, or a path.
fn operand(build: &mut Build<'_, '_>, text: &str) -> Result<Node, Mistake> {
    let text = text.trim();
    let constant = match text {
        "" => return Err(mistake("a path or a constant is missing")),
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        "nil" | "null" => Json::Null,
        number if Json::parse(number).is_ok() && compare_numbers(number, "0").is_some() => {
            Json::Number(number.to_owned())
        }
        other => match quoted(other) {
            Some(inner) => Json::from(inner),
            None => return Ok(build.deeper(|build| Some(build.path(other))).unwrap_or(Node::Missing)),
        },
    };
    Ok(Node::Literal(constant))
}

/// A test: comparisons joined by `and`, or by `or`; both at once would be read in two ways.
fn test(build: &mut Build<'_, '_>, text: &str) -> Result<Test, Mistake> {
    let words = words(text);
    let (has_and, has_or) = (words.contains(&"and"), words.contains(&"or"));
    if has_and && has_or {
        return Err(mistake("a test joins its parts by `and` or by `or`, not by both"));
    }
    let parts = words.split(|word| matches!(*word, "and" | "or"));
    let mut tests = parts.map(|part| comparison(build, part)).collect::<Result<Vec<_>, _>>()?;
    match tests.len() {
        1 => Ok(tests.pop().unwrap_or(Test::Always)),
        _ if has_and => Ok(Test::All(tests)),
        _ => Ok(Test::Any(tests)),
    }
}

fn comparison(build: &mut Build<'_, '_>, words: &[&str]) -> Result<Test, Mistake> {
    match words {
        [single] => Ok(Test::Truthy(operand(build, single)?)),
        [left, sign, right] => {
            let found = COMPARISONS.iter().find(|(written, _)| written == sign);
            let (_, comparison) = found.ok_or_else(|| mistake(format!("`{sign}` compares nothing")))?;
            let left = operand(build, left)?;
            let right = match *right {
                "blank" | "empty" => match comparison {
                    Comparison::Equal | Comparison::NotEqual => Operand::Blank,
                    _ => return Err(mistake(format!("`{sign}` cannot stand before `{right}`"))),
                },
                other => Operand::Node(operand(build, other)?),
            };
            Ok(Test::Compare(left, *comparison, right))
        }
        _ => Err(mistake("a test is a path, or a comparison of two values with spaces around its sign")),
    }
}

/// The first word and the rest.
fn word(tag: &str) -> (&str, &str) {
    tag.split_once(char::is_whitespace).map_or((tag, ""), |(word, rest)| (word, rest.trim()))
}

/// The inside of a text that is one quoted constant.
fn quoted(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    })
}

/// Cuts at a character outside quotes.
fn split(text: &str, at: fn(char) -> bool) -> Vec<&str> {
    let mut quote = None;
    let is_cut = |c: char| match quote {
        Some(open) => {
            if c == open {
                quote = None;
            }
            false
        }
        None if c == '"' || c == '\'' => {
            quote = Some(c);
            false
        }
        None => at(c),
    };
    text.split(is_cut).collect()
}

/// Cuts at spaces outside quotes.
fn words(text: &str) -> Vec<&str> {
    split(text, char::is_whitespace).into_iter().filter(|word| !word.is_empty()).collect()
}

/// The mistake of a template.
fn mistake(text: impl Into<String>) -> Mistake {
    Mistake::Template(text.into())
}
