//! The beginning of an answer that is no success, for the log: what a destination says, without what is somebody's.
//!
//! Pure. Invariant: no word of three letters or more that was sent as a value is in it
//! (test `nothing_that_was_sent_comes_back`).

/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 2_048;
/// Characters that are kept.
const KEPT_MAX: usize = 300;
/// Shortest word that is looked for in what was sent; shorter ones say nothing of anybody.
const WORD_MIN: usize = 3;
/// Digits in a row from which on a number may be somebody's.
const DIGITS_MAX: usize = 3;
/// What stands in place of what is masked.
const MASK: &str = "…";

/// What may be shown of an answer to a request with this body.
pub(crate) fn masked(answer: &[u8], sent: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer.get(..ANSWER_BYTES_MAX).unwrap_or(answer));
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let begin = text.get(..15).unwrap_or(text).to_lowercase();
    if begin.starts_with("<!doctype") || begin.starts_with("<html") {
        return Some(format!("a web page of {} bytes", answer.len()));
    }
    let sent = String::from_utf8_lossy(sent).to_lowercase();
    let mut shown = String::new();
    let mut rest = text;
    while !rest.is_empty() && shown.chars().count() < KEPT_MAX {
        let end = rest.find(is_gap).unwrap_or(rest.len());
        if end == 0 {
            let gap = rest.chars().next().unwrap_or(' ');
            shown.push(if gap.is_whitespace() || gap.is_control() { ' ' } else { gap });
            rest = rest.get(gap.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (word, behind) = rest.split_at(end);
        let is_hidden = is_telling(word) || is_a_value(&word.to_lowercase(), &sent);
        shown.push_str(if is_hidden { MASK } else { word });
        rest = behind;
    }
    Some(shown.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether a character stands between words. What joins parts of an address or a number does not.
fn is_gap(character: char) -> bool {
    !(character.is_alphanumeric() || "@._-+%".contains(character))
}

/// Whether a word may be somebody's by its looks: an address, a number, an id.
fn is_telling(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    word.contains('@') || word.contains("%40") || digits > DIGITS_MAX || !word.is_ascii()
}

/// Whether a word is part of a value that was sent. The name of a field is none.
fn is_a_value(word: &str, sent: &str) -> bool {
    let word = word.trim_matches(['.', '-', '_', '+', '%']);
    word.len() >= WORD_MIN && sent.contains(word) && !sent.contains(&format!("\"{word}\":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expect: Option<&str>) {
        let sent = br#"{"attributes":[{"email":"ann@example.com","first_name":"Ann","city":"Graz","plan":"gold"}]}"#;
        assert_eq!(masked(answer.as_bytes(), sent).as_deref(), expect);
    }

    #[test]
    fn nothing_that_was_sent_comes_back() {
        check(
            r#"{"message": "ann@example.com of Graz is no email", "id": 48151623}"#,
            Some(r#"{"message": "… of … is no email", "id": …}"#),
        );
        check("ANN has plan GOLD since 2026-11-30", Some("… has plan … since …"));
        check("error 42: code invalid_email", Some("error 42: code invalid_email"));
    }

    #[test]
    fn a_page_is_told_by_its_size_and_nothing_by_nothing() {
        check("<!DOCTYPE html><html>Ann</html>", Some("a web page of 31 bytes"));
        check("  \n ", None);
    }

    #[test]
    fn a_long_answer_is_cut() {
        let long = masked("word ".repeat(1_000).as_bytes(), b"").unwrap();
        assert!(long.len() <= KEPT_MAX + 8, "{}", long.len());
    }
}
