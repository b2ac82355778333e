//! SQL taken apart into rows.

use crate::rows::operators::{OPERATORS, Operator};
use crate::rows::tokens::{Token, is_number, tokens, unquoted};
use crate::rows::tree::{Node, Row, joined, named, write};

/// How deep groups may stand in each other.
const DEPTH_MAX: usize = 3;

/// The rows of a condition, or nothing where it must stay text. A part without a row becomes [`Node::Sql`].
#[must_use]
pub fn parse(sql: &str) -> Option<Node> {
    let found = tokens(sql)?;
    if found.is_empty() || found.iter().any(|token| matches!(token.text.as_str(), "case" | "with" | "?" | "@")) {
        return None;
    }
    let node = match part(sql, &found, 1)? {
        node @ (Node::All(_) | Node::Any(_)) => node,
        one => Node::All(vec![one]),
    };
    // What is written of the rows must be the text, whatever its spaces and superfluous brackets.
    let again = tokens(&write(&node).ok()?)?;
    let bare = |tokens: &[Token]| -> Vec<String> {
        tokens.iter().filter(|token| token.text != "(" && token.text != ")").map(|token| token.text.clone()).collect()
    };
    (bare(&again) == bare(&found)).then_some(node)
}

fn part(sql: &str, tokens: &[Token], depth: usize) -> Option<Node> {
    if let Some(row) = row(tokens) {
        return Some(Node::Row(row));
    }
    let tokens = stripped(tokens);
    if let Some(row) = row(tokens) {
        return Some(Node::Row(row));
    }
    for (word, is_any) in [("or", true), ("and", false)] {
        let parts = split(tokens, word)?;
        if parts.len() > 1 && depth <= DEPTH_MAX {
            let parts = parts.into_iter().map(|one| part(sql, one, depth + 1)).collect::<Option<Vec<_>>>()?;
            return Some(if is_any { Node::Any(parts) } else { Node::All(parts) });
        }
    }
    let (first, last) = (tokens.first()?, tokens.last()?);
    Some(Node::Sql(sql.get(first.at.start..last.at.end)?.to_owned()))
}

/// Without brackets around the whole.
fn stripped(mut tokens: &[Token]) -> &[Token] {
    while let [first, inner @ .., last] = tokens
        && first.text == "("
        && last.text == ")"
        && is_balanced(inner)
    {
        tokens = inner;
    }
    tokens
}

fn is_balanced(tokens: &[Token]) -> bool {
    let mut depth = 0_i32;
    let stays = tokens.iter().all(|token| {
        depth += i32::from(token.text == "(") - i32::from(token.text == ")");
        depth >= 0
    });
    stays && depth == 0
}

/// The parts between a word that stands in no brackets; the `and` of `between` is none.
fn split<'a>(tokens: &'a [Token], word: &str) -> Option<Vec<&'a [Token]>> {
    let (mut parts, mut from, mut depth, mut between) = (Vec::new(), 0, 0_i32, 0_u32);
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            "between" if depth == 0 => between += 1,
            "and" if depth == 0 && between > 0 => between -= 1,
            text if depth == 0 && text == word => {
                parts.push(tokens.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    parts.push(tokens.get(from..)?);
    (depth == 0 && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

fn row(tokens: &[Token]) -> Option<Row> {
    OPERATORS.iter().find_map(|operator| fits(operator, tokens))
}

/// What a pattern found.
#[derive(Default)]
struct Found {
    what: Option<String>,
    values: Vec<String>,
}

fn fits(operator: &Operator, tokens: &[Token]) -> Option<Row> {
    let (mut found, mut rest) = (Found::default(), tokens);
    for wanted in operator.sql.split(' ') {
        rest = step(wanted, rest, &mut found)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let is_list = operator.sql.contains(['L', 'K']) || found.values.len() > 1;
    let value = if is_list { joined(&found.values) } else { found.values.into_iter().next().unwrap_or_default() };
    // A value that the form would read otherwise stays SQL.
    (value.trim() == value).then(|| Row { what: found.what.unwrap_or_default(), op: operator.key.to_owned(), value })
}

fn step<'a>(wanted: &str, tokens: &'a [Token], found: &mut Found) -> Option<&'a [Token]> {
    let (first, rest) = tokens.split_first()?;
    match wanted {
        "T" => {
            if first.text == "id" {
                found.what = Some("id".to_owned());
                return Some(rest);
            }
            let column = ["traits", "identifiers"].into_iter().find(|column| *column == first.text)?;
            let [arrow, path, rest @ ..] = rest else { return None };
            let what = (arrow.text == "->>").then(|| named(column, &unquoted(&path.text)?)).flatten()?;
            found.what = Some(what);
            Some(rest)
        }
        "J" => {
            found.what = Some(named("traits", &unquoted(&first.text)?)?);
            Some(rest)
        }
        "S" => keep(found, unquoted(&first.text)?, rest, true),
        "P" | "F" => {
            let sign = if wanted == "P" { '-' } else { '+' };
            let value = unquoted(&first.text)?.strip_prefix(sign)?.to_owned();
            keep(found, value, rest, true)
        }
        "N" | "M" => {
            let (value, rest) = number(tokens)?;
            keep(found, value, rest, false)
        }
        "L" | "K" => {
            let mut rest = tokens;
            loop {
                let value;
                (value, rest) = if wanted == "K" {
                    number(rest)?
                } else {
                    let (first, rest) = rest.split_first()?;
                    (unquoted(&first.text)?, rest)
                };
                found.values.push(value);
                match rest.split_first() {
                    Some((comma, more)) if comma.text == "," => rest = more,
                    _ => return Some(rest),
                }
            }
        }
        word => (first.text == word).then_some(rest),
    }
}

/// Keeps a value; a place that comes twice, as in `starts with`, must say the same twice.
fn keep<'a>(found: &mut Found, value: String, rest: &'a [Token], once: bool) -> Option<&'a [Token]> {
    if once && let Some(first) = found.values.first() {
        return (*first == value).then_some(rest);
    }
    if value.is_empty() {
        return None;
    }
    found.values.push(value);
    Some(rest)
}

fn number(tokens: &[Token]) -> Option<(String, &[Token])> {
    let (first, rest) = tokens.split_first()?;
    if first.text == "-" {
        let (digits, rest) = rest.split_first()?;
        return is_number(&digits.text).then(|| (format!("-{}", digits.text), rest));
    }
    is_number(&first.text).then(|| (first.text.clone(), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rows::operators::Asks;

    fn row(what: &str, op: &str, value: &str) -> Node {
        Node::Row(Row { what: what.into(), op: op.into(), value: value.into() })
    }

    #[track_caller]
    fn check(sql: &str, expect: Node) {
        assert_eq!(parse(sql), Some(expect), "{sql}");
    }

    #[test]
    fn a_condition_by_hand_becomes_rows_whatever_its_spaces_and_brackets() {
        let two = Node::All(vec![row("traits.plan", "is", "gold"), row("traits.lifetime_value", "gt", "100")]);
        check("traits ->> 'plan' = 'gold' and traits ->> 'lifetime_value' > 100", two.clone());
        check("((traits->>'plan'='gold') AND (traits ->> 'lifetime_value'>100))", two);
        check("id in ('u2', 'u''3')", Node::All(vec![row("id", "any_of", "u2, u'3")]));
        check("traits ->> '$.address.city' is not null", Node::All(vec![row("traits.address.city", "has", "")]));
    }

    #[test]
    fn a_part_without_a_row_stays_its_text_and_what_cannot_be_taken_apart_stays_whole() {
        let like = "traits ->> 'a' like 'b%'";
        let both = Node::All(vec![Node::Sql(like.into()), row("traits.b", "has", "")]);
        check(&format!("{like} and traits ->> 'b' is not null"), both);
        for whole in ["case when 1 then 1 end", "1 -- all", "(1", "'open", ""] {
            assert_eq!(parse(whole), None, "{whole}");
        }
    }

    #[test]
    fn the_and_of_between_divides_nothing() {
        let node = Node::All(vec![row("traits.v", "between", "50, 500"), row("traits.b", "has", "")]);
        check("traits ->> 'v' between 50 and 500 and traits ->> 'b' is not null", node);
    }

    #[test]
    fn an_unfinished_row_is_named_and_never_left_out() {
        let node = Node::All(vec![row("traits.a", "has", ""), row("traits.b", "is", "")]);
        assert_eq!(write(&node).unwrap_err().row, 2);
    }

    fn value(asks: Asks) -> BoxedStrategy<String> {
        let text = "[a-zA-ZäÖ '\",0-9.$%]{0,8}[a-z\"',]";
        let number = || "-?[1-9][0-9]{0,4}(\\.[0-9]{1,2})?";
        match asks {
            Asks::Nothing => Just(String::new()).boxed(),
            Asks::Text => text.prop_map(|text| text.trim().to_owned()).boxed(),
            Asks::Number => number().prop_filter("1 is true", |text| text != "1").boxed(),
            Asks::Two => prop::collection::vec(number(), 2).prop_map(|two| joined(&two)).boxed(),
            Asks::Texts => prop::collection::vec(text, 1..4).prop_map(|all| joined(&all)).boxed(),
            Asks::Numbers => prop::collection::vec(number(), 1..4).prop_map(|all| joined(&all)).boxed(),
            Asks::Day => "20[0-9]{2}-0[1-9]-[12][0-9]".boxed(),
            Asks::Span => "[1-9][0-9]{0,2} (hours|days|months|years)".boxed(),
        }
    }

    fn any_row() -> impl Strategy<Value = Node> {
        let what =
            prop_oneof!["traits\\.[a-z_]{1,6}", "traits\\.[a-z]{1,4}\\.[a-z]{1,4}", "traits\\.\"[a-z]\\.[a-z']\""];
        (0..OPERATORS.len(), what).prop_flat_map(|(at, what)| {
            let operator = &OPERATORS[at];
            value(operator.asks)
                .prop_map(move |value| Node::Row(Row { what: what.clone(), op: operator.key.to_owned(), value }))
        })
    }

    fn any_tree() -> impl Strategy<Value = Node> {
        let group = prop::collection::vec(any_row(), 2..4);
        let inner = prop_oneof![3 => any_row(), 1 => group.clone().prop_map(Node::Any)];
        prop_oneof![prop::collection::vec(inner, 1..4).prop_map(Node::All), group.prop_map(Node::Any)]
    }

    proptest! {
        #[test]
        fn rows_become_sql_and_the_same_rows_again(tree in any_tree()) {
            let sql = write(&tree).unwrap();
            let again = parse(&sql);
            prop_assert_eq!(again.as_ref(), Some(&tree), "{}", sql);
        }

        #[test]
        fn no_text_is_turned_into_another(sql in "[a-z ()'<>=,0-9\\-]{0,40}") {
            if let Some(node) = parse(&sql) {
                let again = write(&node).unwrap();
                prop_assert_eq!(parse(&again), Some(node), "{} became {}", sql, again);
            }
        }
    }
}
