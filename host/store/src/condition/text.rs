//! What a condition looks at and compares, read from its text.
//!
//! Pure. What is not understood is passed over: a condition may be any SQL, and only what it plainly says is judged.

use std::ops::Range;

/// A part of the profile that conditions look into.
pub(super) const PARTS: [&str; 3] = ["traits", "identifiers", "context"];

/// Words behind which a comparison may begin.
const BEFORE: [&str; 10] = ["and", "or", "not", "where", "when", "then", "else", "on", "having", "case"];

/// Words before which it may end.
const AFTER: [&str; 10] = ["and", "or", "then", "when", "else", "end", "order", "group", "limit", "union"];

/// What of a value is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    /// The value itself, by `->>` or `json_extract`.
    Value,
    /// Its JSON, by `->`.
    Json,
    /// The name of its type, by `json_type`.
    Type,
    /// What is in it, by `json_each` and the like.
    Inside,
}

/// A value of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operand {
    /// One of [`PARTS`].
    pub(super) part: &'static str,
    /// The names that lead to it; `[0]` for a place in a list.
    pub(super) steps: Vec<String>,
    pub(super) of: Of,
    /// `lower` or `upper`, where one stands around it.
    pub(super) case: Option<&'static str>,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    Truth(bool),
    Null,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    /// Less, greater or between.
    Order,
    Like,
    /// `is true`, `is false`.
    Truth,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparison {
    pub(super) operand: Operand,
    pub(super) relation: Relation,
    /// Whether it asks for the opposite.
    pub(super) is_not: bool,
    pub(super) literals: Vec<Literal>,
    /// Where it stands in the text.
    pub(super) at: Range<usize>,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) operands: Vec<(Operand, Range<usize>)>,
    pub(super) comparisons: Vec<Comparison>,
    /// Comparisons with null by an operator, and whether it is one of inequality.
    pub(super) nulls: Vec<(Range<usize>, bool)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A name or a word, in lower case.
    Word(String),
    /// A name in quotes.
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

const SIGNS: [&str; 24] = [
    "->>", "->", "==", "!=", "<>", "<=", ">=", "||", "<<", ">>", "=", "<", ">", "(", ")", ",", ".", "+", "-", "*", "/",
    "%", "&", "|",
];

type Place = (Token, Range<usize>);

/// Reads a condition.
pub(super) fn read(text: &str) -> Text {
    let places = tokens(text);
    let tokens = Tokens(&places);
    let mut found = Text::default();
    let mut at = 0;
    while at < places.len() {
        tokens.null(at, &mut found);
        let Some((operand, next)) = tokens.operand(at) else {
            at += 1;
            continue;
        };
        let whole = tokens.span(at, next);
        let compared = if tokens.begins(at) { tokens.behind(&operand, at, next) } else { None };
        found.comparisons.extend(compared.or_else(|| tokens.before(&operand, at, next)));
        found.operands.push((operand, whole));
        at = next;
    }
    found
}

fn tokens(text: &str) -> Vec<Place> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        let quoted = |end: char| {
            let mut length = first.len_utf8();
            let mut content = String::new();
            while let Some((piece, after)) = rest.get(length..).and_then(|rest| rest.split_once(end)) {
                content.push_str(piece);
                length += piece.len() + end.len_utf8();
                if end == ']' || !after.starts_with(end) {
                    return Some((content, length));
                }
                content.push(end);
                length += end.len_utf8();
            }
            None
        };
        let (token, length) = match first {
            _ if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
            _ if rest.starts_with("/*") => (None, rest.find("*/").map_or(rest.len(), |end| end + 2)),
            '\'' => quoted('\'').map_or((None, rest.len()), |(content, length)| (Some(Token::Text(content)), length)),
            '"' | '`' | '[' => {
                let end = if first == '[' { ']' } else { first };
                quoted(end).map_or((None, rest.len()), |(content, length)| (Some(Token::Name(content)), length))
            }
            _ if first.is_ascii_digit() || first == '.' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) => {
                let length = number_length(rest);
                let number = rest.get(..length).and_then(|digits| digits.parse().ok());
                (Some(number.map_or(Token::Word("?".to_owned()), Token::Number)), length)
            }
            _ if first.is_alphabetic() || first == '_' => {
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                (Some(Token::Word(rest.get(..length).unwrap_or_default().to_ascii_lowercase())), length)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Some(Token::Sign(sign)), sign.len()),
                None => (None, first.len_utf8()),
            },
        };
        if let Some(token) = token {
            found.push((token, at..at + length));
        }
        at += length.max(1);
    }
    found
}

/// The bytes of a number, which may have an exponent.
fn number_length(text: &str) -> usize {
    let plain = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_').unwrap_or(text.len());
    let has_exponent = text.get(..plain).is_some_and(|digits| digits.ends_with(['e', 'E']));
    match text.get(plain..) {
        Some(rest) if has_exponent && rest.starts_with(['+', '-']) => {
            let digits = rest.get(1..).unwrap_or_default();
            plain + 1 + digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())
        }
        _ => plain,
    }
}

struct Tokens<'a>(&'a [Place]);

impl Tokens<'_> {
    fn get(&self, at: usize) -> Option<&Token> {
        self.0.get(at).map(|(token, _)| token)
    }

    fn is_sign(&self, at: usize, sign: &str) -> bool {
        matches!(self.get(at), Some(Token::Sign(found)) if *found == sign)
    }

    fn word(&self, at: usize) -> Option<&str> {
        if let Some(Token::Word(word)) = self.get(at) { Some(word) } else { None }
    }

    /// The bytes of the tokens before `next`.
    fn span(&self, at: usize, next: usize) -> Range<usize> {
        let start = self.0.get(at).map_or(0, |(_, span)| span.start);
        start..next.checked_sub(1).and_then(|last| self.0.get(last)).map_or(start, |(_, span)| span.end)
    }

    /// Whether an expression begins here, and is no argument of a function.
    fn begins(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return true };
        if self.is_sign(before, "(") {
            return before.checked_sub(1).is_none_or(|outer| {
                self.is_sign(outer, "(") || self.word(outer).is_some_and(|word| BEFORE.contains(&word))
            });
        }
        self.word(before).is_some_and(|word| BEFORE.contains(&word))
    }

    /// Whether an expression ends before this place.
    fn ends(&self, at: usize) -> bool {
        match self.get(at) {
            None => true,
            Some(Token::Sign(sign)) => matches!(*sign, ")" | ","),
            Some(Token::Word(word)) => AFTER.contains(&word.as_str()),
            Some(_) => false,
        }
    }

    /// A value of a profile, and the place behind it.
    fn operand(&self, at: usize) -> Option<(Operand, usize)> {
        if self.is_sign(at, "(") {
            let (operand, next) = self.operand(at + 1)?;
            return self.is_sign(next, ")").then_some((operand, next + 1));
        }
        if let Some(function) = self.word(at).filter(|_| self.is_sign(at + 1, "(")) {
            return self.called(function, at + 2);
        }
        let (part, mut next) = self.part(at)?;
        let mut operand = Operand { part, steps: Vec::new(), of: Of::Value, case: None };
        loop {
            operand.of = match self.get(next) {
                Some(Token::Sign("->>")) => Of::Value,
                Some(Token::Sign("->")) => Of::Json,
                _ => break,
            };
            match self.get(next + 1)? {
                Token::Text(label) => operand.steps.extend(steps(label)?),
                Token::Number(place) => operand.steps.push(format!("[{place}]")),
                _ => return None,
            }
            next += 2;
        }
        (!operand.steps.is_empty()).then_some((operand, next))
    }

    /// A value inside of a function; `at` is behind the parenthesis.
    fn called(&self, function: &str, at: usize) -> Option<(Operand, usize)> {
        let case = match function {
            "lower" => Some("lower"),
            "upper" => Some("upper"),
            _ => None,
        };
        if case.is_some() {
            let (operand, next) = self.operand(at)?;
            let is_plain = operand.case.is_none() && operand.of == Of::Value;
            return (is_plain && self.is_sign(next, ")")).then_some((Operand { case, ..operand }, next + 1));
        }
        let of = match function {
            "json_extract" => Of::Value,
            "json_type" => Of::Type,
            "json_each" | "json_tree" | "json_array_length" => Of::Inside,
            _ => return None,
        };
        let (part, next) = self.part(at)?;
        let Some(Token::Text(path)) = self.get(next + 1).filter(|_| self.is_sign(next, ",")) else { return None };
        let steps = steps(path).filter(|steps| !steps.is_empty() && path.starts_with('$'))?;
        self.is_sign(next + 2, ")").then_some((Operand { part, steps, of, case }, next + 3))
    }

    /// The name of a part, by itself or of `profiles`.
    fn part(&self, at: usize) -> Option<(&'static str, usize)> {
        let at = if self.is_sign(at + 1, ".") { at + 2 } else { at };
        let name = match self.get(at)? {
            Token::Word(name) => name.clone(),
            Token::Name(name) => name.to_ascii_lowercase(),
            _ => return None,
        };
        PARTS.into_iter().find(|part| *part == name).map(|part| (part, at + 1))
    }

    fn literal(&self, at: usize) -> Option<(Literal, usize)> {
        Some(match self.get(at)? {
            Token::Text(text) => (Literal::Text(text.clone()), at + 1),
            Token::Number(number) => (Literal::Number(*number), at + 1),
            Token::Sign("-") => match self.get(at + 1)? {
                Token::Number(number) => (Literal::Number(-number), at + 2),
                _ => return None,
            },
            Token::Word(word) => match word.as_str() {
                "true" => (Literal::Truth(true), at + 1),
                "false" => (Literal::Truth(false), at + 1),
                "null" => (Literal::Null, at + 1),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// What stands behind a value.
    fn behind(&self, operand: &Operand, start: usize, at: usize) -> Option<Comparison> {
        let made = |relation, is_not, literals, next| {
            let at = self.span(start, next);
            self.ends(next).then(|| Comparison { operand: operand.clone(), relation, is_not, literals, at })
        };
        if let Some((relation, is_not)) = self.sign(at) {
            let (literal, next) = self.literal(at + 1)?;
            return made(relation, is_not, vec![literal], next);
        }
        let is_not = self.word(at) == Some("not");
        let at = if is_not { at + 1 } else { at };
        match self.word(at)? {
            "is" => {
                let is_not = self.word(at + 1) == Some("not");
                let (literal, next) = self.literal(at + 1 + usize::from(is_not))?;
                let relation = if matches!(literal, Literal::Truth(_)) { Relation::Truth } else { Relation::Equal };
                let is_null = literal == Literal::Null;
                if is_null { None } else { made(relation, is_not, vec![literal], next) }
            }
            "in" if self.is_sign(at + 1, "(") => {
                let (mut literals, mut next) = (Vec::new(), at + 2);
                loop {
                    let (literal, behind) = self.literal(next)?;
                    literals.push(literal);
                    next = behind + 1;
                    if self.is_sign(behind, ")") {
                        return made(Relation::Equal, is_not, literals, next);
                    }
                    if !self.is_sign(behind, ",") {
                        return None;
                    }
                }
            }
            "like" => {
                let (literal, next) = self.literal(at + 1)?;
                made(Relation::Like, is_not, vec![literal], next)
            }
            "between" => {
                let (from, next) = self.literal(at + 1)?;
                let (to, next) = self.literal(next + 1).filter(|_| self.word(next) == Some("and"))?;
                made(Relation::Order, is_not, vec![from, to], next)
            }
            _ => None,
        }
    }

    /// What stands before a value: `'gold' = traits ->> 'plan'`.
    fn before(&self, operand: &Operand, at: usize, next: usize) -> Option<Comparison> {
        let (relation, is_not) = self.sign(at.checked_sub(1)?)?;
        let is_negative = at >= 3 && self.is_sign(at - 3, "-");
        let start = at.checked_sub(if is_negative { 3 } else { 2 })?;
        let (literal, _) = self.literal(start).filter(|(_, behind)| behind + 1 == at)?;
        (self.begins(start) && self.ends(next)).then(|| Comparison {
            operand: operand.clone(),
            relation,
            is_not,
            literals: vec![literal],
            at: self.span(start, next),
        })
    }

    fn sign(&self, at: usize) -> Option<(Relation, bool)> {
        let Some(Token::Sign(sign)) = self.get(at) else { return None };
        Some(match *sign {
            "=" | "==" => (Relation::Equal, false),
            "!=" | "<>" => (Relation::Equal, true),
            "<" | "<=" | ">" | ">=" => (Relation::Order, false),
            _ => return None,
        })
    }

    /// A comparison with null at this place.
    fn null(&self, at: usize, found: &mut Text) {
        if let Some((_, is_not)) = self.sign(at)
            && self.word(at + 1) == Some("null")
            && self.ends(at + 2)
        {
            found.nulls.push((self.span(at, at + 2), is_not));
        }
    }
}

/// The names that a label or a path leads over; none where it is no path.
fn steps(label: &str) -> Option<Vec<String>> {
    let Some(path) = label.strip_prefix('$') else { return is_name(label).then(|| vec![label.to_owned()]) };
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(place) = rest.strip_prefix('[') {
            let (place, after) = place.split_once(']')?;
            steps.push(format!("[{place}]"));
            rest = after;
            continue;
        }
        let name = rest.strip_prefix('.')?;
        if let Some(quoted) = name.strip_prefix('"') {
            let (name, after) = quoted.split_once('"')?;
            steps.push(name.to_owned());
            rest = after;
        } else {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at_checked(end)?;
            steps.push(name.to_owned());
            rest = after;
        }
    }
    steps.iter().all(|step| is_name(step)).then_some(steps)
}

/// Whether a path can name it.
fn is_name(step: &str) -> bool {
    !step.is_empty() && !step.contains(['"', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(operand: &Operand) -> String {
        let Operand { part, steps, of, case } = operand;
        format!("{}{part}.{} {of:?}", case.map_or(String::new(), |case| format!("{case} ")), steps.join("."))
    }

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let found = read(text);
        let one = |one: &Comparison| {
            let not = if one.is_not { "not " } else { "" };
            format!("{} {not}{:?} {:?}", shown(&one.operand), one.relation, one.literals)
        };
        assert_eq!(found.comparisons.iter().map(one).collect::<Vec<_>>(), expect, "{text}");
    }

    #[track_caller]
    fn check_operands(text: &str, expect: &[&str]) {
        let found = read(text);
        assert_eq!(found.operands.iter().map(|(one, _)| shown(one)).collect::<Vec<_>>(), expect, "{text}");
        assert!(found.comparisons.is_empty(), "{text}");
    }

    #[test]
    fn comparisons_are_read_in_all_their_forms() {
        check("traits ->> 'plan' = 'gold'", &["traits.plan Value Equal [Text(\"gold\")]"]);
        check("(Traits->>'plan') <> 'it''s'", &["traits.plan Value not Equal [Text(\"it's\")]"]);
        check("'gold' == profiles.traits ->> '$.plan'", &["traits.plan Value Equal [Text(\"gold\")]"]);
        check("-5 < traits ->> 'n'", &["traits.n Value Order [Number(-5.0)]"]);
        check("traits -> 'a' ->> 'b' >= 1.5e3", &["traits.a.b Value Order [Number(1500.0)]"]);
        check("traits ->> '$.a.\"b c\"[0]' is not 'x'", &["traits.a.b c.[0] Value not Equal [Text(\"x\")]"]);
        check("traits -> 'vip' = true", &["traits.vip Json Equal [Truth(true)]"]);
        check("not traits ->> 'vip' is false", &["traits.vip Value Truth [Truth(false)]"]);
        check(
            "traits ->> 'a' not in ('x', 2, null) and traits ->> 'b' like 'y%' or json_type(context, '$.c') = 'text'",
            &[
                "traits.a Value not Equal [Text(\"x\"), Number(2.0), Null]",
                "traits.b Value Like [Text(\"y%\")]",
                "context.c Type Equal [Text(\"text\")]",
            ],
        );
        check(
            "traits ->> 'n' not between 1 and '5' and lower(traits ->> 'plan') = 'Gold'",
            &["traits.n Value not Order [Number(1.0), Text(\"5\")]", "lower traits.plan Value Equal [Text(\"Gold\")]"],
        );
        check("case when \"traits\" ->> 'a' = 'b' then 1 end", &["traits.a Value Equal [Text(\"b\")]"]);
    }

    #[test]
    fn what_is_more_than_a_comparison_is_passed_over() {
        check_operands("traits ->> 'a' = 'b' || 'c'", &["traits.a Value"]);
        check_operands("traits ->> 'n' + 1 > '5'", &["traits.n Value"]);
        check_operands("coalesce(traits ->> 'a', 'x') = 'y'", &["traits.a Value"]);
        check_operands("cast(traits ->> 'n' as real) > '5'", &["traits.n Value"]);
        check_operands("traits ->> 'a' = 'b' collate nocase", &["traits.a Value"]);
        check_operands("traits ->> 'a' = traits ->> 'b'", &["traits.a Value", "traits.b Value"]);
        check_operands("traits ->> 'a' is null and 2 * traits ->> 'n' = 4", &["traits.a Value", "traits.n Value"]);
        check_operands("exists (select 1 from json_each(traits, '$.tags') where value = 'b')", &["traits.tags Inside"]);
        check_operands("id = 'u1' and traits is not null -- traits ->> 'x' = 'y'", &[]);
        check_operands("traits ->> ('a' || 'b') = 'c' /* traits ->> 'x' */ and 'traits ->> 1' > ''", &[]);
        check_operands("'open", &[]);
    }

    #[test]
    fn comparisons_with_null_are_found_wherever_they_stand() {
        let nulls = |text: &str| read(text).nulls.into_iter().map(|(_, is_not)| is_not).collect::<Vec<_>>();
        assert_eq!(nulls("traits ->> 'a' = null or x + 1 <> NULL"), [false, true]);
        assert!(nulls("traits ->> 'a' is null and b = 'null'").is_empty());
    }
}
