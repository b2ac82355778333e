//! The tokens of SQLite's language, as far as conditions need them, each with where it stands.

use std::ops::Range;

/// A token and its bytes in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Keywords in small letters, strings in their quotes, everything else as it is.
    pub text: String,
    /// Its bytes.
    pub at: Range<usize>,
}

/// Takes a text apart; nothing where it has a comment, an open quote, or a sign of no condition.
#[must_use]
pub fn tokens(sql: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = sql.char_indices().peekable();
    while let Some((start, char)) = rest.next() {
        if char.is_whitespace() {
            continue;
        }
        let mut end = start + char.len_utf8();
        let mut text = String::from(char);
        let next = rest.peek().map(|(_, next)| *next);
        match (char, next) {
            ('-', Some('-')) | ('/', Some('*')) | (';', _) => return None,
            ('\'' | '"' | '`', _) => loop {
                let (at, inner) = rest.next()?;
                end = at + inner.len_utf8();
                text.push(inner);
                if inner == char {
                    match rest.next_if(|(_, next)| *next == char) {
                        Some(_) => text.push(char),
                        None => break,
                    }
                }
            },
            ('-', Some('>')) | ('<' | '>' | '!' | '=' | '|' | ':', _) => {
                while let Some((at, next)) = rest.next_if(|(_, next)| matches!(next, '<' | '>' | '=' | '|')) {
                    end = at + 1;
                    text.push(next);
                }
            }
            _ if char.is_alphanumeric() || char == '_' || char == '.' => {
                let number = char.is_ascii_digit() || char == '.';
                while let Some((at, next)) =
                    rest.next_if(|(_, next)| next.is_alphanumeric() || *next == '_' || (number && *next == '.'))
                {
                    end = at + next.len_utf8();
                    text.push(next);
                }
                text = text.to_ascii_lowercase();
            }
            _ => {}
        }
        found.push(Token { text, at: start..end });
    }
    Some(found)
}

/// The value of a string literal.
#[must_use]
pub fn unquoted(token: &str) -> Option<String> {
    Some(token.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
}

/// A string literal.
#[must_use]
pub fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Whether a text is a number as SQLite and people write it.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut parts = digits.split('.');
    let is_whole =
        |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    is_whole(parts.next()) && parts.next().is_none_or(|part| is_whole(Some(part))) && parts.next().is_none()
}
