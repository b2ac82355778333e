//! What must not be shown of a `plugins.toml` that is not TOML.
//!
//! A missing quote is the likeliest mistake of somebody who pastes a secret into the file, and then no parser
//! can say which bytes are the secret. So everything is covered but what cannot be one: headers, the keys
//! that we know, and the values of those that hold no secrets. Comments are covered too: old keys live on in them.

use std::ops::Range;

/// Keys whose values may be shown. The rest may be secrets, `secrets` itself or a misspelling of it.
const HARMLESS: [&str; 8] = ["file", "sha256", "plugin", "enabled", "paused", "hosts", "allow_networks", "settings"];

/// The bytes to cover.
pub(super) fn doubtful(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut state = State::Top;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begin = line.trim_start();
        let indent = line.len() - begin.len();
        let may_show;
        (state, may_show) = state.next(begin);
        if !may_show {
            let shown_key = key(begin).filter(|key| *key == "secrets" || HARMLESS.contains(key));
            cover(line, indent + shown_key.map_or(0, str::len), at, &mut spans);
        } else if let Some(comment) = line.find('#') {
            spans.push(at + comment + 1..at + line.len());
        }
        at += line.len();
    }
    spans
}

/// What the lines so far say of the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A new key or header must come.
    Top,
    /// The harmless list or table of the last key is still open.
    Open,
    /// Within a table of secrets.
    Secrets,
}

impl State {
    /// The state behind a line, and whether the line may be shown.
    fn next(self, line: &str) -> (Self, bool) {
        if is_header(line) {
            return (if line.contains("secret") { Self::Secrets } else { Self::Top }, true);
        }
        if line.contains("secret") {
            return (if line.starts_with('[') { Self::Secrets } else { self.outside() }, false);
        }
        if self == Self::Secrets {
            return (self, line.trim().is_empty());
        }
        if let Some(key) = key(line) {
            let harmless = HARMLESS.contains(&key);
            let value = line.split_once('=').map(|(_, value)| value.trim()).unwrap_or_default();
            let open = harmless && value.starts_with(['[', '{']) && !value.contains([']', '}']);
            return (if open { Self::Open } else { Self::Top }, harmless);
        }
        let item = self == Self::Open && line.starts_with(['"', '\'', ']', '}']);
        let closes = line.starts_with([']', '}']);
        let shown = item || line.trim().is_empty() || line.starts_with('#');
        (if closes || !shown { self.outside() } else { self }, shown)
    }

    /// The state when a value has ended.
    const fn outside(self) -> Self {
        match self {
            Self::Secrets => Self::Secrets,
            Self::Top | Self::Open => Self::Top,
        }
    }
}

/// Whether a line is the header of a section, maybe without its last bracket.
fn is_header(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    let name = line.trim_start_matches(['[', ' ']);
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '[' | ']' | '"') || c.is_whitespace();
    line.starts_with('[') && (name.starts_with("plugin") || name.starts_with("destination")) && line.chars().all(fits)
}

/// The key at the begin of a line, if there is one.
fn key(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim_end();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // A line of Base64 ends with `=`; it has no key.
    let is_key = !key.is_empty() && key.chars().all(fits) && !value.trim().is_empty() && !value.starts_with('=');
    is_key.then_some(key)
}

/// Covers the text of a line behind its first `skip` bytes, but references and the signs around values.
fn cover(line: &str, skip: usize, at: usize, spans: &mut Vec<Range<usize>>) {
    let mut from = skip;
    while let Some(rest) = line.get(from..)
        && let Some(char) = rest.chars().next()
    {
        let reference = rest.starts_with("${env:").then(|| rest.find('}')).flatten();
        let length = reference.map_or(char.len_utf8(), |end| end + 1);
        if reference.is_none() && !char.is_whitespace() && !matches!(char, '"' | '\'' | '{' | '}' | '[' | ']' | '=') {
            spans.push(at + from..at + from + length);
        }
        from += length;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::files::Files;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let mut files = Files::default();
        let id = files.add(Path::new("plugins.toml"), text);
        files.cover(id, &doubtful(text));
        assert_eq!(files.text(id), expect);
    }

    #[test]
    fn what_may_be_a_secret_is_covered() {
        check("secrets = { api_key = sk_live }", "secrets = { ******* = ******* }");
        check("secrets = { api_key = \"sk_live", "secrets = { ******* = \"*******");
        check("secrets = { a = \"${env:A}\", b = x }", "secrets = { * = \"${env:A}\"* * = * }");
        check(
            "[destination.x.secrets]\nfile = sk\n[plugin.a]\nfile = x",
            "[destination.x.secrets]\nfile = **\n[plugin.a]\nfile = x",
        );
        check("api_key = sk_live # sk\nfile = a", "******* = ******* * **\nfile = a");
        check("hosts = [1]\n\"ecrets = { a = \"sk\" }", "hosts = [1]\n\"****** = { * = \"**\" }");
        check("secrets = {\n  a = \"x\",\n  MIIE=\n}", "secrets = {\n  * = \"*\"*\n  ****=\n}");
    }

    #[test]
    fn what_holds_no_secret_stays() {
        for text in ["[destination.braze]\n", "hosts = [\n  \"a\" \"b\"\n]\n", "settings = { a = 1 b }", "\nfile = \"a"]
        {
            check(text, text);
        }
    }
}
