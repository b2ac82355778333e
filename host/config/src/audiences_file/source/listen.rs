//! A source that listens: calls come in while the host runs, from clients that know its key.

use std::collections::BTreeSet;
use std::path::Path;

use enroute_core::call::CallKind;
use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::reference::SecretRef;
use crate::walker::{Section, Walker, is_reference};

/// Keys that only a source that listens has.
pub(super) const KEYS: [&str; 6] = ["listen", "key", "anonymous", "calls", "origins", "enabled"];

const KEY_EXAMPLE: &str = "\"${env:WRITE_KEY}\"";

/// A source that listens.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where its write key comes from.
    pub key: Located<SecretRef>,
    /// Whether visitors without a user id are profiles too.
    pub anonymous: bool,
    /// The kinds of calls that are taken; others are counted.
    pub calls: BTreeSet<CallKind>,
    /// The sites whose pages may send calls; none where all may.
    pub origins: Vec<String>,
    /// Whether calls are kept; those of a source that is switched off are counted.
    pub enabled: bool,
}

/// Whether the source listens. Reports what only a source that listens has, where it does not.
pub(super) fn is_wanted(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> bool {
    if walker.boolean(section, "listen", false) {
        return true;
    }
    let stray = section.table.iter().find(|(key, _)| {
        let key = key.get_ref().as_ref();
        KEYS.contains(&key) && key != "listen"
    });
    if let Some((key, value)) = stray {
        let message = format!("`{}` in {} is for a source that listens", key.get_ref(), section.title);
        let hint = "add `listen = true`, or remove the key";
        walker.cover_texts(value);
        walker.found.push(Diagnostic::error(Code::MixedListener, message).at(&walker.place(key.span())).hint(hint));
    }
    false
}

/// Reads a source that listens; `others` are the keys of sources that read.
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>, others: &[&str], dir: &Path) -> Option<Listen> {
    let fits = reads_nothing(walker, section, others);
    let key = key(walker, section, dir);
    let calls = calls(walker, section);
    let origins = walker.texts(section, "origins");
    let wrong: Vec<_> = origins.iter().filter(|origin| !is_origin(&origin.value)).collect();
    for origin in &wrong {
        let message = format!("\"{}\" is not the origin of a page", origin.value);
        let hint = "write scheme and host, like \"https://www.example.com\"";
        walker.found.push(Diagnostic::error(Code::BadOrigin, message).at(&origin.place).hint(hint));
    }
    let fits = fits && wrong.is_empty();
    let anonymous = walker.boolean(section, "anonymous", false);
    let enabled = walker.boolean(section, "enabled", true);
    let (key, calls) = (key?, calls?);
    let origins = origins.into_iter().map(|origin| origin.value).collect();
    fits.then_some(Listen { key, anonymous, calls, origins, enabled })
}

/// Reports keys of a source that reads, and what cannot be listened for.
fn reads_nothing(walker: &mut Walker<'_>, section: &Section<'_, '_>, others: &[&str]) -> bool {
    let found = section.table.iter().find(|(key, _)| {
        let key = key.get_ref().as_ref();
        others.contains(&key) && key != "holds"
    });
    if let Some((key, _)) = found {
        let message = format!("`{}` in {} does not go together with `listen`", key.get_ref(), section.title);
        let hint = "a source listens or reads: remove the key, or make two sources of it";
        walker.found.push(Diagnostic::error(Code::MixedListener, message).at(&walker.place(key.span())).hint(hint));
        return false;
    }
    let Some(holds) = section.table.get("holds") else {
        walker.missing(section, "holds", "\"events\"");
        return false;
    };
    if holds.get_ref().as_str() == Some("events") {
        return true;
    }
    let message = format!("{} listens, which only a source of events can", section.title);
    let diagnostic = Diagnostic::error(Code::MixedListener, message).at(&walker.place(holds.span()));
    walker.found.push(diagnostic.hint("write `holds = \"events\"`"));
    false
}

/// The reference to the write key. What is none may be the key itself, and is never shown.
fn key(walker: &mut Walker<'_>, section: &Section<'_, '_>, dir: &Path) -> Option<Located<SecretRef>> {
    let Some(value) = section.table.get("key") else {
        walker.missing(section, "key", KEY_EXAMPLE);
        return None;
    };
    let place = walker.place(value.span());
    let wrong = match value.get_ref() {
        DeValue::String(text) if is_reference(text) => match SecretRef::parse(text) {
            Ok(reference) => return Some(Located::new(reference.under(dir), place)),
            Err(error) => {
                let message = format!("`key` in {}: {error}", section.title);
                Diagnostic::error(Code::BadReference, message).hint(error.hint())
            }
        },
        DeValue::String(_) => {
            let message = format!("the key of {} stands in the file", section.title);
            let hint = format!("put it into a variable and refer to it: `key = {KEY_EXAMPLE}`");
            Diagnostic::error(Code::LiteralSecret, message).label("not shown").hint(hint)
        }
        _ => {
            walker.cover_texts(value);
            walker.wrong_type(value, "`key`", "a text in quotes", Some(format!("write `key = {KEY_EXAMPLE}`")));
            return None;
        }
    };
    let span = value.span();
    walker.covered.push(span.start + 1..span.end.saturating_sub(1));
    walker.found.push(wrong.at(&place));
    None
}

/// The kinds of calls that are taken: all of them where nothing is said.
fn calls(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<BTreeSet<CallKind>> {
    if !section.table.contains_key("calls") {
        return Some(CallKind::ALL.into());
    }
    let mut calls = BTreeSet::new();
    let texts = walker.texts(section, "calls");
    let said = texts.len();
    for text in texts {
        if let Some(kind) = CallKind::parse(&text.value) {
            calls.insert(kind);
        } else {
            let kinds = CallKind::ALL.map(CallKind::as_str).join(", ");
            walker.bad_value(
                &text.place,
                format!("`calls` cannot have \"{}\"", text.value),
                format!("choose of: {kinds}"),
            );
            return None;
        }
    }
    if said == 0 {
        let place =
            section.table.get("calls").map_or_else(|| section.place.clone(), |value| walker.place(value.span()));
        walker.bad_value(&place, format!("`calls` in {} is empty", section.title), "leave it out to take all kinds");
        return None;
    }
    Some(calls)
}

/// Whether a browser could send this as the origin of a page.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    host.is_some_and(|host| !host.is_empty() && host.chars().all(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Paths;
    use crate::audiences_file::source::Origin;
    use crate::diagnostic::Diagnostics;
    use crate::load::{Loaded, understand};

    fn load(text: &str) -> Loaded {
        understand(Paths::new("conf"), Some(""), Some(text), Diagnostics::default())
    }

    #[track_caller]
    fn check(lines: &str, expect: &[&str]) {
        let loaded = load(&format!("[source.app]\n{lines}\n"));
        let found = loaded.diagnostics.render(&loaded.files);
        let told: Vec<_> = found.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(told, expect, "{found}");
        assert!(!found.contains("hunter2"), "{found}");
    }

    fn listen(lines: &str) -> Listen {
        let loaded = load(&format!("[source.app]\nholds = \"events\"\nlisten = true\n{lines}\n"));
        let config = loaded.config.unwrap();
        match config.sources.values().next().unwrap().origin.clone() {
            Origin::Listen(listen) => listen,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_source_that_listens_has_a_key_and_takes_all_calls_of_known_people() {
        let found = listen("key = \"${env:APP_KEY}\"");
        assert_eq!(found.key.value, SecretRef::Env("APP_KEY".to_owned()));
        assert!(found.enabled && !found.anonymous && found.origins.is_empty());
        assert_eq!(found.calls.len(), 6);
        let narrow = "key = \"${file:k}\"\nanonymous = true\nenabled = false\ncalls = [\"track\", \"page\"]\norigins = [\"https://www.example.com\", \"http://localhost:8080\"]";
        let found = listen(narrow);
        assert_eq!(found.key.value, SecretRef::File("conf/k".into()));
        assert!(found.anonymous && !found.enabled && found.origins.len() == 2);
        assert_eq!(found.calls, BTreeSet::from([CallKind::Track, CallKind::Page]));
    }

    #[test]
    fn a_source_listens_or_reads() {
        let listens = "holds = \"events\"\nlisten = true\nkey = \"${env:K}\"";
        let with = |line: &str| format!("{listens}\n{line}");
        let mixed = |key: &str| format!("error[E360]: `{key}` in [source.app] does not go together with `listen`");
        check(&with("file = \"a.ndjson\""), &[&mixed("file")]);
        check(&with("query = \"select 1\""), &[&mixed("query")]);
        check(&with("id = \"user\""), &[&mixed("id")]);
        let of_profiles = "holds = \"profiles\"\nlisten = true\nkey = \"${env:K}\"";
        check(of_profiles, &["error[E360]: [source.app] listens, which only a source of events can"]);
        check("listen = true\nkey = \"${env:K}\"", &["error[E212]: [source.app] has no `holds`"]);
        check("holds = \"events\"\nlisten = true", &["error[E212]: [source.app] has no `key`"]);
        let stray = "error[E360]: `anonymous` in [source.app] is for a source that listens";
        check("file = \"a.ndjson\"\nanonymous = true", &[stray]);
        check("file = \"a.ndjson\"\nlisten = false", &[]);
    }

    #[test]
    fn the_key_stands_elsewhere_and_is_never_shown() {
        let with = |key: &str| format!("holds = \"events\"\nlisten = true\nkey = {key}");
        check(&with("\"hunter2\""), &["error[E224]: the key of [source.app] stands in the file"]);
        check(&with("\"${hunter2}\""), &["error[E225]: `key` in [source.app]: the text is not a reference"]);
        check(&with("[\"hunter2\"]"), &["error[E213]: `key` must be a text in quotes, not a list"]);
        let shared = with("\"${env:K}\"\n[source.web]\nholds = \"events\"\nlisten = true\nkey = \"${env:K}\"");
        check(&shared, &["error[E361]: the sources `app` and `web` have one key"]);
    }

    #[test]
    fn calls_and_origins_are_what_clients_send() {
        let with = |line: &str| format!("holds = \"events\"\nlisten = true\nkey = \"${{env:K}}\"\n{line}");
        check(&with("calls = [\"click\"]"), &["error[E214]: `calls` cannot have \"click\""]);
        check(&with("calls = []"), &["error[E214]: `calls` in [source.app] is empty"]);
        for origin in ["www.example.com", "https://www.example.com/", "https://", "*", "null", "https://A.example"] {
            let expect = format!("error[E362]: \"{origin}\" is not the origin of a page");
            check(&with(&format!("origins = [\"{origin}\"]")), &[&expect]);
        }
    }
}
