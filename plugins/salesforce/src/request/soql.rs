//! Texts inside queries and paths.
//!
//! Invariant: whatever a text holds, it stays one literal (test `no_text_ends_its_literal`).

/// A text as a literal of the query language.
pub(crate) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            '"' => literal.push_str("\\\""),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '\u{8}' => literal.push_str("\\b"),
            '\u{c}' => literal.push_str("\\f"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// A text as a segment of a path inside a body, where nobody escapes it for us.
pub(crate) fn escaped_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => segment.push(char::from(byte)),
            other => segment.push_str(&format!("%{other:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a literal back, as the service does; none where it ends early or escapes wrongly.
    fn read(literal: &str) -> Option<String> {
        let mut inside = literal.strip_prefix('\'')?.strip_suffix('\'')?.chars();
        let mut text = String::new();
        while let Some(c) = inside.next() {
            match c {
                '\'' => return None,
                '\\' => text.push(match inside.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    same @ ('\\' | '\'' | '"') => same,
                    _ => return None,
                }),
                c => text.push(c),
            }
        }
        Some(text)
    }

    #[test]
    fn no_text_ends_its_literal() {
        for text in ["cust-1001", "O'Neil", r"\' OR Name LIKE '%", r"\", r"\\'", "a\nb\r\t\u{8}\u{c}\"", "漢'é", ""] {
            assert_eq!(read(&literal(text)).as_deref(), Some(text));
        }
        assert_eq!(literal(r"\' OR Name LIKE '%"), r"'\\\' OR Name LIKE \'%'");
    }

    #[test]
    fn a_slash_in_an_id_stays_in_its_segment() {
        assert_eq!(escaped_segment("a/b?c d@é"), "a%2Fb%3Fc%20d%40%C3%A9");
        assert_eq!(escaped_segment("A-1._~"), "A-1._~");
    }
}
