//! Conditions in the spelling of other languages: what was written, and how it is written here.
//!
//! Segment's FQL writes functions, `!` and `null`; SQL writes `<>`, `is null`, `in` and `like`; programs write `==`,
//! `&&` and `||`. None of it is guessed at: it is refused, and the message shows what can stand in its place.

use serde_json::Value;

use crate::mapping::error::Mistake;
use crate::path::Path;

/// Most bytes of what was written that a message repeats.
const SHOWN_BYTES_MAX: usize = 60;

/// Opposites of the operators that are functions elsewhere.
const NEGATED: [(&str, &str); 4] = [
    ("contains", "not_contains"),
    ("starts_with", "not_starts_with"),
    ("ends_with", "not_ends_with"),
    ("exists", "not_exists"),
];

fn foreign(written: &str, instead: impl Into<String>) -> Mistake {
    let end = written.floor_char_boundary(SHOWN_BYTES_MAX);
    let cut = written.get(..end).unwrap_or(written);
    let dots = if cut.len() < written.len() { "…" } else { "" };
    Mistake::Foreign { written: format!("{cut}{dots}"), instead: instead.into() }
}

/// What stands between two conditions, where it is neither `and` nor `or`.
pub(super) fn joint(rest: &str) -> Mistake {
    let word = rest.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let lower = word.to_lowercase();
    match (word, lower.as_str()) {
        ("&&" | "&", _) => foreign(word, "`and` between two conditions"),
        ("||" | "|", _) => foreign(word, "`or` between two conditions"),
        _ if word.starts_with('\'') => foreign(word, "a text with an apostrophe in double quotes: `\"it's\"`"),
        (_, "and" | "or") if word != lower => foreign(word, format!("`{lower}`, in lower case")),
        _ => Mistake::Condition(format!("`{rest}` is neither `and` nor `or`")),
    }
}

/// A condition that is turned into its opposite by `!` or `not`.
pub(super) fn negation(rest: &str) -> Option<Mistake> {
    let word = rest.get(..3).filter(|word| word.eq_ignore_ascii_case("not"));
    let after_word =
        word.and_then(|_| rest.get(3..)).filter(|inner| inner.starts_with(|c: char| c.is_whitespace() || c == '('));
    let sign = rest.strip_prefix('!').filter(|inner| !inner.starts_with('='));
    let inner = after_word.or(sign)?.trim_start();
    if let Some(call) = Call::read(inner) {
        let written = rest.get(..rest.len() - call.rest.len()).unwrap_or(rest).trim_end();
        return Some(foreign(written, call.instead(true)));
    }
    let path: String = inner.chars().take_while(|c| !c.is_whitespace() && !"=!<>()".contains(*c)).collect();
    let rest_of = inner.get(path.len()..).unwrap_or_default().trim_start();
    let instead = if path.is_empty() || !ends(rest_of) {
        "the opposite of each condition: `!=` for `=`, `not_contains` for `contains`, `>=` for `<`".to_owned()
    } else {
        format!("`{path} is_false`, or `{path} not_exists`")
    };
    Some(foreign(rest.get(..rest.len() - rest_of.len()).unwrap_or(rest).trim_end(), instead))
}

/// A path in which backslashes stand before what no name has, `traits.my\ plan`: the same in quotes.
fn escaped(path: &str, rest: &str) -> Option<Mistake> {
    if !path.contains('\\') || path.contains(['"', '\'']) {
        return None;
    }
    let text = if path.ends_with('\\') { format!("{path} {rest}") } else { path.to_owned() };
    let (mut names, mut chars, mut written) = (vec![String::new()], text.chars(), String::new());
    while let Some(c) = chars.next() {
        let (is_escaped, c) = if c == '\\' { (true, chars.next()?) } else { (false, c) };
        if !is_escaped && (c.is_whitespace() || "=!<>()".contains(c)) {
            break;
        }
        written.extend(is_escaped.then_some('\\'));
        written.push(c);
        match names.last_mut() {
            Some(name) if is_escaped || c != '.' => name.push(c),
            _ => names.push(String::new()),
        }
    }
    let path = Path::of(names.iter().map(String::as_str));
    Some(foreign(&written, format!("`{path}`, with quotes around the name instead of backslashes")))
}

/// What follows a path, where it is no operator.
pub(super) fn condition(path: &str, rest: &str) -> Option<Mistake> {
    if let Some(mistake) = escaped(path, rest) {
        return Some(mistake);
    }
    if rest.starts_with('(') {
        let call = Call::of(path, rest)?;
        let written = format!("{path}{}", rest.get(..rest.len() - call.rest.len()).unwrap_or(rest).trim_end());
        return Some(foreign(&written, call.instead(false)));
    }
    for (sign, instead) in [("==", "="), ("<>", "!="), ("=~", "contains"), ("=>", ">="), ("=<", "<="), ("!==", "!=")] {
        if let Some(value) = rest.strip_prefix(sign) {
            let value = first_value(value.trim_start_matches('=').trim_start());
            return Some(match is_nothing(value) {
                true => nothing(path, sign, value, instead == "!="),
                false => foreign(&format!("{path} {sign} {value}"), format!("`{path} {instead} {value}`")),
            });
        }
    }
    let mut words = rest.split_whitespace();
    let lower = |word: Option<&str>| word.unwrap_or_default().trim_end_matches(')').to_lowercase();
    let (first, second, third) = (lower(words.next()), lower(words.next()), lower(words.next()));
    match (first.as_str(), second.as_str(), third.as_str()) {
        ("is", "not", "null") => Some(nothing(path, "is not", "null", true)),
        ("is", word, _) if is_nothing(word) => Some(nothing(path, "is", "null", false)),
        ("is", "true" | "false", _) => Some(foreign(&format!("{path} is {second}"), format!("`{path} is_{second}`"))),
        ("in", ..) => Some(foreign(&format!("{path} {}", upto(rest, ')')), one_of(path, rest, "=", "or"))),
        ("not", "in", _) => Some(foreign(&format!("{path} {}", upto(rest, ')')), one_of(path, rest, "!=", "and"))),
        ("like" | "ilike" | "match" | "matches", ..) => {
            let value = first_value(rest.get(first.len()..).unwrap_or_default().trim_start());
            Some(foreign(&format!("{path} {first} {value}"), pattern(path, value, false)))
        }
        ("not", "like" | "contains" | "exists" | "starts_with" | "ends_with", _) => Some(foreign(
            &format!("{path} not {second}"),
            format!("`{path} not_{}`", second.replace("like", "contains")),
        )),
        _ if ends(rest) && path.contains('.') => Some(foreign(path, format!("`{path} is_true`, or `{path} exists`"))),
        _ => None,
    }
}

/// A value that is none here.
pub(super) fn value(path: &str, operator: &str, rest: &str) -> Option<Mistake> {
    let word = first_value(rest);
    let is_equality = matches!(operator, "=" | "!=" | "number_equals" | "number_not_equals");
    if is_equality && is_nothing(word) {
        return Some(nothing(path, operator, word, operator.contains('!') || operator.contains("not")));
    }
    let written = || format!("{path} {operator} {word}");
    let truth = word.to_lowercase();
    if is_equality && matches!(truth.as_str(), "true" | "false") {
        let is_true = (truth == "true") == !matches!(operator, "!=");
        return Some(foreign(&written(), format!("`{path} is_{is_true}`")));
    }
    if let Some(inner) = word.strip_prefix(['“', '”', '„', '‘', '’', '`', '«']) {
        let inner = inner.trim_end_matches(['“', '”', '‘', '’', '`', '»']);
        return Some(foreign(&written(), format!("`{path} {operator} \"{inner}\"`, with straight quotes")));
    }
    if Call::read(rest).is_some() {
        return Some(foreign(
            &written(),
            "a text in quotes, a number, true or false: nothing is computed in a condition",
        ));
    }
    let is_path =
        ["traits.", "properties.", "context."].iter().any(|front| word.trim_start_matches("$.").starts_with(front));
    if is_path {
        let why = "a condition that compares with a constant; two traits are compared in `where` of the audience";
        return Some(foreign(&written(), why));
    }
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '.'));
    let number = word.trim_start_matches('+');
    let number = if number.starts_with('.') { format!("0{number}") } else { number.trim_end_matches('.').to_owned() };
    if serde_json::from_str::<serde_json::Number>(&number).is_ok() {
        return Some(foreign(&written(), format!("`{path} {operator} {number}`")));
    }
    let is_about_text = !matches!(operator, "<" | "<=" | ">" | ">=" | "number_equals" | "number_not_equals");
    (is_word && is_about_text).then(|| foreign(&written(), format!("`{path} {operator} \"{word}\"`, with quotes")))
}

/// How `= null` is asked here, with a value that is taken for a table's `value`.
pub(in crate::mapping) fn null(path: &str, operator: &str) -> Option<Mistake> {
    matches!(operator, "=" | "!=").then(|| nothing(path, operator, "null", operator == "!="))
}

fn nothing(path: &str, operator: &str, word: &str, is_there: bool) -> Mistake {
    let instead = if is_there { "exists" } else { "not_exists" };
    foreign(&format!("{path} {operator} {word}"), format!("`{path} {instead}`"))
}

fn is_nothing(word: &str) -> bool {
    ["null", "undefined", "none", "nil"].iter().any(|nothing| word.eq_ignore_ascii_case(nothing))
}

/// Whether a condition would end here.
fn ends(rest: &str) -> bool {
    let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
    rest.is_empty() || rest.starts_with([')', '&', '|']) || matches!(word.to_lowercase().as_str(), "and" | "or")
}

/// A value up to its closing quote, or a word up to what cannot be in it.
fn first_value(rest: &str) -> &str {
    let mut chars = rest.char_indices();
    let end = match chars.next() {
        Some((_, quote @ ('"' | '\''))) => chars.find(|(_, c)| *c == quote).map(|(at, c)| at + c.len_utf8()),
        _ => rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',')),
    };
    rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest)
}

fn upto(rest: &str, end: char) -> &str {
    rest.find(end).and_then(|at| rest.get(..=at)).unwrap_or(rest)
}

/// `in (…)` as one condition for each value.
fn one_of(path: &str, rest: &str, operator: &str, joint: &str) -> String {
    let list = rest.split_once(['(', '[']).map_or("", |(_, list)| list.split([')', ']']).next().unwrap_or_default());
    let mut values: Vec<String> =
        list.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
    if values.is_empty() {
        values = vec!["\"a\"".to_owned(), "\"b\"".to_owned()];
    }
    let each: Vec<String> = values.iter().map(|value| format!("{path} {operator} {value}")).collect();
    format!("`{}`", each.join(&format!(" {joint} ")))
}

/// The operator that a pattern with stars stands for.
fn pattern(path: &str, written: &str, negated: bool) -> String {
    let text = unquoted(written).replace('%', "*");
    let inner = text.trim_matches('*');
    let name = match (text.starts_with('*'), text.ends_with('*')) {
        _ if inner.is_empty() => return format!("`{path} {}`", if negated { "not_exists" } else { "exists" }),
        (true, true) => "contains",
        (false, true) => "starts_with",
        (true, false) => "ends_with",
        (false, false) if negated => "!=",
        (false, false) => "=",
    };
    if inner.contains(['*', '?']) {
        let (front, back) = inner.split_once('*').unwrap_or((inner, ""));
        let (start, end) = (Value::from(front), Value::from(back));
        return format!("`{path} starts_with {start} and {path} ends_with {end}`; there are no patterns");
    }
    format!("`{path} {} {}`", opposite(name, negated), Value::from(inner))
}

fn opposite(name: &str, negated: bool) -> &str {
    let found = NEGATED.iter().find(|(known, _)| negated && *known == name);
    found.map_or(name, |(_, opposite)| opposite)
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// A function and its arguments.
struct Call<'t> {
    name: &'t str,
    arguments: Vec<&'t str>,
    /// What follows the closing bracket.
    rest: &'t str,
}

impl<'t> Call<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        let (name, rest) = text.split_at_checked(end)?;
        Self::of(name, rest)
    }

    /// `rest` begins with the opening bracket.
    fn of(name: &'t str, rest: &'t str) -> Option<Self> {
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let inside = rest.strip_prefix('(').filter(|_| is_name)?;
        let (mut arguments, mut from, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
        for (at, c) in inside.char_indices() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, '(' | '[') => depth += 1,
                (None, ')') if depth == 0 => {
                    arguments.push(inside.get(from..at).unwrap_or_default().trim());
                    return Some(Self { name, arguments, rest: inside.get(at + 1..).unwrap_or_default() });
                }
                (None, ')' | ']') => depth = depth.saturating_sub(1),
                (None, ',') if depth == 0 => {
                    arguments.push(inside.get(from..at).unwrap_or_default().trim());
                    from = at + 1;
                }
                _ => {}
            }
        }
        arguments.push(inside.get(from..).unwrap_or_default().trim());
        Some(Self { name, arguments, rest: "" })
    }

    fn argument(&self, at: usize) -> &'t str {
        self.arguments.get(at).copied().filter(|text| !text.is_empty()).unwrap_or("traits.NAME")
    }

    /// The same here.
    fn instead(&self, negated: bool) -> String {
        let (path, value) = (self.argument(0), self.arguments.get(1).copied().unwrap_or("\"…\""));
        let compared = self.rest.trim_start();
        let name = self.name.to_lowercase();
        match name.as_str() {
            "contains" | "includes" => format!("`{path} {} {value}`", opposite("contains", negated)),
            "starts_with" | "startswith" => format!("`{path} {} {value}`", opposite("starts_with", negated)),
            "ends_with" | "endswith" => format!("`{path} {} {value}`", opposite("ends_with", negated)),
            "match" | "matches" | "like" | "regex" => pattern(path, value, negated),
            "exists" | "has" | "defined" => format!("`{path} {}`", opposite("exists", negated)),
            "is_null" | "isnull" | "empty" | "is_empty" => format!("`{path} {}`", if negated { "exists" } else { "not_exists" }),
            "is_true" | "is_false" => format!("`{path} is_{}`", (name == "is_true") != negated),
            "lowercase" | "lower" | "uppercase" | "upper" | "snakecase" | "titlecase" => {
                let text = first_value(compared.trim_start_matches(['=', '!', ' ']));
                let text = if text.is_empty() { "\"gold\"" } else { text };
                format!("each spelling, `{path} = {text} or …`, or `lower(…)` in `where` of the audience: nothing is computed in a condition")
            }
            "length" | "size" | "len" | "count" => format!(
                "`json_array_length(traits -> 'NAME')` or `length(traits ->> 'NAME')` in `where` of the audience; `{path} exists` says that there is one"
            ),
            "typeof" | "type_of" => {
                format!("what the value is: `{path} exists`, `{path} is_true`, `{path} number_equals 30`; texts and numbers never equal each other")
            }
            "is_subset" | "in" | "any" | "all" | "some" => {
                "`json_each(traits -> 'NAME')` in `where` of the audience: a condition looks at one value".to_owned()
            }
            _ => "a path and an operator, such as `traits.plan = \"gold\"`; what has to be computed belongs into `where` of the audience".to_owned(),
        }
    }
}
