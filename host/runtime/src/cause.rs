//! Why a guest died, in its own words: what the runtimes of Rust, Python and JavaScript write to standard error, as one
//! clause, and without the values of the members that the call was about.
//!
//! Pure. What a guest wrote may quote anything that it was given; so values are covered before anything is looked for.

use std::collections::{BTreeSet, HashSet};

use enroute_core::cells::{Cells, Value};

/// What stands in place of a value.
const COVER: &str = "[value]";
/// Shortest value that is covered; shorter ones are words such as `DE` or `gold`, which a message may have of its own.
const VALUE_BYTES_MIN: usize = 5;
/// Shortest identifier that is covered.
const IDENTIFIER_BYTES_MIN: usize = 3;

/// The clause that says why a guest died: `it panicked: …`, `it raised …`, `it threw …`. None where nothing that it wrote
/// says so.
pub(super) fn cause(written: &str) -> Option<String> {
    let lines: Vec<&str> = written.lines().map(str::trim_end).collect();
    raised(&lines).or_else(|| panicked(&lines)).or_else(|| thrown(&lines))
}

/// The last line that is neither empty nor part of a stack or a hint.
pub(super) fn last_line(written: &str) -> Option<&str> {
    let is_of_the_runtime = |line: &str| line.starts_with("note: ") || line.starts_with("Redirecting call to abort()");
    let is_telling = |line: &&str| !line.is_empty() && !is_of_the_runtime(line) && !is_frame(line);
    written.lines().map(str::trim).rev().find(is_telling)
}

/// Python: the first line behind the last traceback that is not indented.
fn raised(lines: &[&str]) -> Option<String> {
    let head = lines.iter().rposition(|line| line.trim_start().starts_with("Traceback (most recent call last)"))?;
    let is_exception = |line: &&&str| !line.is_empty() && !line.starts_with(char::is_whitespace);
    let exception = lines.get(head + 1..)?.iter().find(is_exception)?;
    Some(format!("it raised {exception}"))
}

/// Rust: what stands behind the last `panicked at PLACE:`, up to the hint; or within it, as before 1.73.
fn panicked(lines: &[&str]) -> Option<String> {
    const MARK: &str = "panicked at ";
    let head = lines.iter().rposition(|line| line.starts_with("thread ") && line.contains(MARK))?;
    let (_, place) = lines.get(head)?.split_once(MARK)?;
    let Some(place) = place.strip_suffix(':') else { return Some(format!("it panicked: {place}")) };
    let is_message = |line: &&&str| !line.starts_with("note: ") && !line.starts_with("stack backtrace:");
    let message: Vec<&str> = lines.get(head + 1..)?.iter().take_while(is_message).map(|line| line.trim()).collect();
    Some(format!("it panicked: {}, at {place}", message.join(" ").trim()))
}

/// JavaScript: the line in front of the last stack, with the place on top of it.
fn thrown(lines: &[&str]) -> Option<String> {
    let Some(head) = lines.iter().rposition(|line| line.trim() == "Stack:") else { return named(lines) };
    let message = lines.get(..head)?.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty())?;
    let place = lines.get(head + 1).and_then(|frame| frame.split_once('@')).map(|(_, place)| format!(", at {place}"));
    Some(format!("it threw an error: {message}{}", place.unwrap_or_default()))
}

/// The last line that has the name of an error in it, whatever stands in front of that.
fn named(lines: &[&str]) -> Option<String> {
    lines.iter().rev().find_map(|line| {
        let line = line.trim();
        let error = (0..line.len()).filter(|at| line.is_char_boundary(*at)).find_map(|at| {
            let (before, rest) = line.split_at_checked(at)?;
            let starts_word = before.chars().next_back().is_none_or(|last| !last.is_alphanumeric());
            let name = rest.split(|c: char| !c.is_alphanumeric()).next()?;
            let is_error = name.starts_with(|c: char| c.is_ascii_uppercase()) && name.ends_with("Error");
            (starts_word && is_error && rest.get(name.len()..)?.starts_with(": ")).then_some(rest)
        })?;
        Some(format!("it threw {error}"))
    })
}

/// Whether a line is a place in a stack: `at f (file:1:2)`, `f@file:1:2`, `12: name`.
fn is_frame(line: &str) -> bool {
    let number = line.split(':').next().unwrap_or_default();
    line.starts_with("at ")
        || (line.contains('@') && !line.contains(' '))
        || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The texts of members that no message may repeat.
#[derive(Debug, Default)]
pub(super) struct Values<'a> {
    identifiers: Vec<&'a Cells>,
    others: Vec<&'a Cells>,
}

impl<'a> Values<'a> {
    /// Tables of identifiers, and tables of other values.
    pub(super) fn new(identifiers: Vec<&'a Cells>, others: Vec<&'a Cells>) -> Self {
        Self { identifiers, others }
    }

    /// The text with each value covered, in upper case or lower.
    pub(super) fn cover(&self, text: &str) -> String {
        let lower = text.to_ascii_lowercase();
        let begins: HashSet<&[u8]> = lower.as_bytes().windows(IDENTIFIER_BYTES_MIN).collect();
        // Longest first, so that no part of one is left over.
        let mut found: BTreeSet<(std::cmp::Reverse<usize>, String)> = BTreeSet::new();
        let tables = [(&self.identifiers, IDENTIFIER_BYTES_MIN), (&self.others, VALUE_BYTES_MIN)];
        for (tables, least) in tables {
            for cells in tables {
                each_text(cells, &mut |value| {
                    let value = value.to_ascii_lowercase();
                    let begin = value.as_bytes().get(..IDENTIFIER_BYTES_MIN);
                    if value.len() >= least
                        && begin.is_some_and(|begin| begins.contains(begin))
                        && lower.contains(&value)
                    {
                        found.insert((std::cmp::Reverse(value.len()), value));
                    }
                });
            }
        }
        let mut covered = text.to_owned();
        for (_, value) in found {
            covered = replaced(&covered, &value);
        }
        covered
    }
}

/// Every text in a table, also those within lists and objects.
fn each_text(cells: &Cells, feed: &mut impl FnMut(&str)) {
    for row in 0..cells.rows() {
        for column in 0..cells.columns as usize {
            match cells.value(row, column) {
                Value::Text(text) | Value::Number(text) => feed(text),
                Value::Json(text) => {
                    feed(text);
                    within(&serde_json::from_str(text).unwrap_or_default(), feed);
                }
                Value::Absent | Value::Null | Value::Bool(_) => {}
            }
        }
    }
}

fn within(json: &serde_json::Value, feed: &mut impl FnMut(&str)) {
    match json {
        serde_json::Value::String(text) => feed(text),
        serde_json::Value::Number(number) => feed(&number.to_string()),
        serde_json::Value::Array(list) => list.iter().for_each(|one| within(one, feed)),
        serde_json::Value::Object(members) => members.values().for_each(|one| within(one, feed)),
        serde_json::Value::Null | serde_json::Value::Bool(_) => {}
    }
}

/// The text with a value, which is in lower case, covered wherever it stands.
fn replaced(text: &str, value: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find(value)) {
        out.push_str(text.get(from..from + at).unwrap_or_default());
        out.push_str(COVER);
        from += at + value.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expect: Option<&str>) {
        assert_eq!(cause(written).as_deref(), expect, "{written}");
    }

    #[test]
    fn the_runtimes_of_three_languages_are_understood() {
        check(
            "thread '<unnamed>' (1) panicked at src/mapping.rs:104:5:\na member says no\nnote: run with `RUST_BACKTRACE=1`",
            Some("it panicked: a member says no, at src/mapping.rs:104:5"),
        );
        check(
            "thread 'main' panicked at src/a.rs:1:2:\nassertion `left == right` failed\n  left: 1\n right: 2\n",
            Some("it panicked: assertion `left == right` failed left: 1 right: 2, at src/a.rs:1:2"),
        );
        check("thread 'main' panicked at 'old', src/a.rs:1:2", Some("it panicked: 'old', src/a.rs:1:2"));
        let python = "Traceback (most recent call last):\n  File \"/0/a.py\", line 3, in f\n    g()\nKeyError: 'first'\n\n\
                      During handling of the above exception, another exception occurred:\n\n\
                      Traceback (most recent call last):\n  File \"/0/a.py\", line 5, in f\n    raise\n    ^^^^^\n\
                      ValueError: cannot be read\n\
                      thread '<unnamed>' panicked at runtime/src/lib.rs:1:2:\nPython function threw an exception\n";
        check(python, Some("it raised ValueError: cannot be read"));
        check(
            "it cannot be read\nStack:\n  map@build/plugin.js:1003:30\n  run@build/plugin.js:7:1\n\
             Redirecting call to abort() to mozalloc_abort\n",
            Some("it threw an error: it cannot be read, at build/plugin.js:1003:30"),
        );
        check("while mapping: TypeError: x is undefined\nf@/a.js:3:9\n", Some("it threw TypeError: x is undefined"));
        check("ready\n", None);
        check("", None);
    }

    #[test]
    fn the_last_line_is_no_frame_and_no_hint() {
        assert_eq!(
            last_line("first\nlast\n   3: std::panic\n  at f (a.js:1:2)\nf@a.js:1\nnote: try\n\n"),
            Some("last")
        );
        assert_eq!(last_line("\n"), None);
    }

    #[test]
    fn no_value_of_a_member_is_in_what_is_told() {
        let mut identifiers = Cells::with_capacity(1, 2);
        identifiers.push(Value::Text("Ann@Example.com"));
        identifiers.push(Value::Text("u7"));
        let mut values = Cells::with_capacity(2, 1);
        values.push(Value::Text("gold"));
        values.push(Value::Json(r#"{"street":["Elm Road 7"],"n":123456}"#));
        let covered = Values::new(vec![&identifiers], vec![&values])
            .cover("no ann@example.COM, gold u7: ELM ROAD 7, elm road 7 and 123456é");
        assert_eq!(covered, "no [value], gold u7: [value], [value] and [value]é");
        assert_eq!(Values::default().cover("é"), "é");
    }
}
