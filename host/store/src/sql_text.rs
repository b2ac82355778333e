//! Looks at the text of a condition before SQLite does.
//!
//! Pure. Invariant: a condition that passes stays inside the parentheses that it is put in; it cannot close
//! them, begin another statement, or comment them out.

/// What is wrong with a condition, and the byte where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) offset: usize,
    pub(super) message: &'static str,
}

/// Checks that a text can only be a condition, right or wrong.
pub(super) fn check(text: &str) -> Result<(), Flaw> {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let flaw = |message| Err(Flaw { offset: at, message });
        let next = bytes.get(at + 1);
        let close = match (byte, next) {
            (b'(', _) => {
                open.push(at);
                None
            }
            (b')', _) if open.pop().is_none() => return flaw("`)` closes nothing"),
            (b';', _) => return flaw("`;` ends a statement; a condition is only a part of one"),
            (b'?' | b':' | b'@' | b'$' | b'#', _) => {
                return flaw("parameters have no value here; put texts in single quotes");
            }
            (0, _) => return flaw("the condition holds a zero byte"),
            (b'\'', _) => Some(("'", "a text in single quotes is not closed")),
            (b'"', _) => Some(("\"", "a name in double quotes is not closed")),
            (b'`', _) => Some(("`", "a name in backquotes is not closed")),
            (b'[', _) => Some(("]", "a name in brackets is not closed")),
            (b'/', Some(b'*')) => Some(("*/", "a comment is not closed")),
            (b'-', Some(b'-')) => Some(("\n", "")),
            _ => None,
        };
        at += 1;
        if let Some((end, message)) = close {
            // A doubled quote inside reads as two texts side by side, which ends at the same place.
            let inside = if end == "*/" { at + 1 } else { at };
            match text.get(inside..).and_then(|rest| rest.find(end)) {
                Some(length) => at = inside + length + end.len(),
                None if end == "\n" => return closed(&open),
                None => return Err(Flaw { offset: at - 1, message }),
            }
        }
    }
    closed(&open)
}

fn closed(open: &[usize]) -> Result<(), Flaw> {
    open.last().map_or(Ok(()), |offset| Err(Flaw { offset: *offset, message: "`(` is not closed" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, expect: &str) {
        let got = check(text).map_or_else(|flaw| format!("{}: {}", flaw.offset, flaw.message), |()| "ok".to_owned());
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn a_condition_cannot_leave_its_parentheses() {
        check_text("a = (1 + 2) and b", "ok");
        check_text("1) or (1", "1: `)` closes nothing");
        check_text("1) union select 5 --", "1: `)` closes nothing");
        check_text("(1", "0: `(` is not closed");
        check_text("(1 -- )", "0: `(` is not closed");
        check_text("1; drop table profile", "1: `;` ends a statement; a condition is only a part of one");
        check_text("1\0", "1: the condition holds a zero byte");
    }

    #[test]
    fn what_stands_in_quotes_or_comments_does_not_count() {
        check_text("a = ');?''' and \"b)\" = `c;` || [d)]", "ok");
        check_text("1 -- ) ; '\n and 2", "ok");
        check_text("1 -- to the end )", "ok");
        check_text("1 /* ) ' */ and 2", "ok");
        check_text("é = 'é)'", "ok");
    }

    #[test]
    fn what_is_left_open_is_refused() {
        check_text("a = 'b", "4: a text in single quotes is not closed");
        check_text("a = 'b''", "7: a text in single quotes is not closed");
        check_text("\"a", "0: a name in double quotes is not closed");
        check_text("1 /* x", "2: a comment is not closed");
        check_text("1 /*/", "2: a comment is not closed");
        check_text("[a", "0: a name in brackets is not closed");
    }

    #[test]
    fn parameters_are_refused() {
        for text in ["a = ?", "a = ?1", "a = :x", "a = @x", "a = $x"] {
            check_text(text, "4: parameters have no value here; put texts in single quotes");
        }
    }
}
