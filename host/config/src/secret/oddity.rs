//! What people copy along with a secret: marks of files, quotes, blanks, the word in front of it in a header.
//!
//! Nothing here holds a part of a secret, so that everything here may be shown.

use std::fmt;

/// Something around a secret, or in it, that hardly belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// The mark that editors of Windows put in front of UTF-8.
    ByteOrderMark,
    /// Characters that nobody sees: of no width, or a blank that is none.
    Invisible,
    /// A line feed at one of its ends, or a second line.
    LineFeed,
    /// A blank or a tab at one of its ends.
    Blank,
    /// Quotes around it.
    Quotes,
    /// The name of a header: `Authorization:`.
    Header,
    /// The word of a header, which is sent in any case: `Bearer`.
    Scheme(&'static str),
    /// A name and an equals sign in front, as files of variables have them.
    Assignment,
    /// A reference that nobody replaced: `${NAME}`.
    Reference,
    /// Angle brackets around it, as manuals write what is to be replaced.
    Placeholder,
}

/// Words in front of a credential in the header `Authorization`.
const SCHEMES: [&str; 6] = ["Bearer", "Basic", "Token", "ApiKey", "Api-Key", "OAuth"];

/// Quotes that editors and shells put around a text.
const QUOTES: [char; 11] = ['"', '\'', '`', '“', '”', '„', '‘', '’', '‚', '«', '»'];

/// Longest name of a variable that is looked for in front of a secret.
const NAME_CHARS_MAX: usize = 64;

/// What is odd about a value, in the order in which it would be taken off.
pub(super) fn of(value: &str) -> Vec<Oddity> {
    let mut found = Vec::new();
    let mut rest = value;
    if let Some(behind) = rest.strip_prefix('\u{feff}') {
        found.push(Oddity::ByteOrderMark);
        rest = behind;
    }
    if rest.contains(is_invisible) {
        found.push(Oddity::Invisible);
    }
    rest = rest.trim_matches(is_invisible);
    let is_file = is_file(rest.trim_start());
    let is_line_end = |c: char| matches!(c, '\n' | '\r');
    // A key file ends with a line feed and has many lines.
    if rest.contains(is_line_end) && !is_file {
        found.push(Oddity::LineFeed);
    }
    if rest.trim_matches(is_line_end).trim() != rest.trim_matches(is_line_end) && !is_file {
        found.push(Oddity::Blank);
    }
    if is_file {
        return found;
    }
    rest = rest.trim();
    if rest.starts_with(QUOTES) || rest.ends_with(QUOTES) && rest.len() > 1 {
        found.push(Oddity::Quotes);
        rest = rest.trim_matches(QUOTES).trim();
    }
    found.extend(front(rest));
    found
}

/// What stands in front of a value that has nothing around it any more.
fn front(mut rest: &str) -> Vec<Oddity> {
    let mut found = Vec::new();
    if let Some((name, behind)) = rest.split_once(':')
        && ["authorization", "x-api-key", "api-key", "api_key"].contains(&name.trim().to_ascii_lowercase().as_str())
    {
        found.push(Oddity::Header);
        rest = behind.trim_start();
    }
    let in_front = |word: &&&str| {
        let word = rest.get(..word.len()).filter(|front| front.eq_ignore_ascii_case(word));
        word.and_then(|word| rest.get(word.len()..)).is_some_and(|behind| behind.starts_with([' ', '\t', ':']))
    };
    if let Some(scheme) = SCHEMES.iter().find(in_front) {
        found.push(Oddity::Scheme(scheme));
        return found;
    }
    let name = rest.strip_prefix("export ").unwrap_or(rest);
    if let Some((name, value)) = name.split_once('=')
        && (2..=NAME_CHARS_MAX).contains(&name.len())
        && name.contains('_')
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && !value.trim_matches('=').is_empty()
    {
        found.push(Oddity::Assignment);
    }
    if rest.starts_with("${") && rest.ends_with('}') || rest.starts_with("{{") && rest.ends_with("}}") {
        found.push(Oddity::Reference);
    }
    if rest.starts_with('<') && rest.ends_with('>') {
        found.push(Oddity::Placeholder);
    }
    found
}

/// Whether a value is the content of a key file, PEM or JSON, in which lines and blanks mean nothing.
fn is_file(value: &str) -> bool {
    value.starts_with("-----BEGIN ")
        || value.starts_with('{') && value.trim_end().ends_with('}') && !value.starts_with("{{")
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202f}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What is odd, behind the name of the secret.
impl fmt::Display for Oddity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByteOrderMark => out.write_str("begins with a byte-order mark"),
            Self::Invisible => out.write_str("has characters in it that nobody sees, such as a blank of no width"),
            Self::LineFeed => out.write_str("has a line feed at its beginning, at its end or in it"),
            Self::Blank => out.write_str("has a blank at its beginning or at its end"),
            Self::Quotes => out.write_str("has quotes around it"),
            Self::Header => out.write_str("begins with the name of a header"),
            Self::Scheme(word) => write!(out, "begins with `{word}`"),
            Self::Assignment => out.write_str("begins with a name and an equals sign"),
            Self::Reference => out.write_str("is a reference that nobody replaced by what it stands for"),
            Self::Placeholder => out.write_str("stands in angle brackets, as an example does"),
        }
    }
}

impl Oddity {
    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::ByteOrderMark => "save the file as UTF-8 without a byte-order mark",
            Self::Invisible => "copy the secret anew from where it was made, and nothing around it",
            Self::LineFeed => "take it out: `printf %s` writes none, `echo` does",
            Self::Blank => "take it out",
            Self::Quotes => "take them out: what a file or a variable holds is taken as it is",
            Self::Header | Self::Scheme(_) => {
                "take it out: what belongs in front of a secret is put there when it is sent"
            }
            Self::Assignment => "keep what stands behind the equals sign, and nothing else",
            Self::Reference => "have the shell or the secret manager put the value in its place",
            Self::Placeholder => "put the secret in its place, without the brackets",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expect: &[Oddity]) {
        assert_eq!(of(value), expect, "{value:?}");
    }

    #[test]
    fn what_was_copied_along_is_found() {
        use Oddity::*;
        check("\u{feff}not-a-real-key", &[ByteOrderMark]);
        check("not-a-real-key\u{200b}", &[Invisible]);
        check("not\u{a0}a-real-key", &[Invisible]);
        check(" not-a-real-key", &[Blank]);
        check("not-a-real-key\t", &[Blank]);
        check("not-a-real-key\n", &[LineFeed]);
        check("not-a-real-key\r\n\r\n", &[LineFeed]);
        check("not-a-\nreal-key", &[LineFeed]);
        check("\"not-a-real-key\"", &[Quotes]);
        check("'not-a-real-key'", &[Quotes]);
        check("“not-a-real-key”", &[Quotes]);
        check("not-a-real-key\"", &[Quotes]);
        for scheme in SCHEMES {
            check(&format!("{scheme} not-a-real-key"), &[Scheme(scheme)]);
            check(&format!("{} not-a-real-key", scheme.to_lowercase()), &[Scheme(scheme)]);
        }
        check("Authorization: Bearer not-a-real-key", &[Header, Scheme("Bearer")]);
        check("\u{feff} \"Bearer not-a-real-key\" \n", &[ByteOrderMark, LineFeed, Blank, Quotes, Scheme("Bearer")]);
        check("BRAZE_API_KEY=not-a-real-key", &[Assignment]);
        check("export BRAZE_API_KEY=not-a-real-key", &[Assignment]);
        check("${BRAZE_API_KEY}", &[Reference]);
        check("<your key>", &[Placeholder]);
    }

    #[test]
    fn what_secrets_look_like_is_not_odd() {
        for sound in [
            "not-a-real-key",
            "a b",
            "token",
            "bearer",
            "basic-plan",
            "AAAA=",
            "ABC_DEF==",
            "a:b",
            "user:pass'word",
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
            "{\n  \"type\": \"service_account\"\n}\n",
            "1//0example-of-a-refresh_token",
            "",
        ] {
            check(sound, &[]);
        }
    }
}
