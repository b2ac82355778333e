//! The closed sets of words in a manifest, and what is said of one that is in none of them.

use serde_json::Value;

use super::ManifestError;
use super::field::{Fold, Takes};
use crate::suggest::nearest;

/// A place in a manifest that takes a word of a closed set.
struct Place {
    /// The table, or the list of tables, and the key in it; `case` of `identity` is a list in a table.
    at: &'static [&'static str],
    /// What the word is, for people.
    what: &'static str,
    words: &'static [&'static str],
}

/// Every such place. The words are those of the enums that the places are read into
/// (test `every_word_of_a_closed_set_is_read`).
const PLACES: [Place; 13] = [
    Place { at: &["field", "type"], what: "type of a field", words: Takes::WORDS },
    Place { at: &["field", "fold"], what: "way of folding", words: Fold::WORDS },
    Place { at: &["field", "privacy"], what: "privacy", words: &["identifying", "personal", "none"] },
    Place {
        at: &["setting", "type"],
        what: "type of a setting",
        words: &["text", "integer", "boolean", "origin", "digits"],
    },
    Place { at: &["setting", "names"], what: "kind of thing in an account", words: &["field", "list", "object"] },
    Place { at: &["identity", "use"], what: "use of identifiers", words: &["first", "all"] },
    Place { at: &["identity", "values"], what: "choice of values", words: &["last", "first", "all"] },
    Place { at: &["identity", "fold"], what: "way of comparing", words: &["exact", "lowercase"] },
    Place { at: &["identity", "case", "fold"], what: "way of comparing", words: &["exact", "lowercase"] },
    Place { at: &["bucket", "scope"], what: "scope", words: &["credential", "destination", "list"] },
    Place {
        at: &["auth", "kind"],
        what: "way of authenticating",
        words: &["bearer", "header", "basic", "query", "form", "json", "hmac-proof", "oauth2"],
    },
    Place { at: &["auth", "grant"], what: "grant", words: &["refresh_token", "client_credentials", "jwt_bearer"] },
    Place { at: &["auth", "client_auth"], what: "way of a client", words: &["form", "basic"] },
];

/// Refuses every word of the manifest that its place does not know, in a sentence with the one that was meant.
pub(super) fn check(manifest: &Value) -> Result<(), ManifestError> {
    let mut found = Vec::new();
    for place in &PLACES {
        look(manifest, place.at, place, "", &mut found);
    }
    if found.is_empty() { Ok(()) } else { Err(ManifestError::Words(found)) }
}

fn look(value: &Value, path: &[&str], place: &Place, owner: &str, found: &mut Vec<String>) {
    match (value, path) {
        (Value::Array(items), _) => items.iter().for_each(|item| look(item, path, place, owner, found)),
        (Value::Object(table), [key, rest @ ..]) => {
            let name = ["name", "kind", "when"].iter().find_map(|name| table.get(*name)?.as_str());
            let owner = if rest.is_empty() { name.unwrap_or(owner) } else { owner };
            if let Some(value) = table.get(*key) {
                look(value, rest, place, owner, found);
            }
        }
        (Value::String(word), []) if !place.words.contains(&word.as_str()) => {
            let Some((key, tables)) = place.at.split_last() else { return };
            let of = if owner.is_empty() || owner == word { String::new() } else { format!(" of `{owner}`") };
            let hint = match nearest(word, place.words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", place.words.join(", ")),
            };
            found.push(format!("`{key} = \"{word}\"`{of} in `{}` is no {}; {hint}", tables.join("."), place.what));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    const SOUND: &str = r#"
        id = "demo"
        version = "1.0.0"
        contract = "0.1"
        name = "Demo"
        summary = "For tests."
        hosts = ["api.example.com"]
        [[operation]]
        name = "put"
        members = 1
        bytes = 1
        idempotent = true
    "#;

    #[track_caller]
    fn check(more: &str, expect: &[&str]) {
        let got = match Manifest::parse_toml(&format!("{SOUND}{more}")) {
            Ok(_) => Vec::new(),
            Err(ManifestError::Words(found)) => found,
            Err(other) => vec![other.to_string()],
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn a_wrong_word_is_told_with_the_one_that_was_meant() {
        check(
            r#"
            [[field]]
            name = "mail"
            format = "e-mail address"
            type = "emayl"
            identifier = true
            fold = ["trim", "lower_case", "gmail"]
            [[field]]
            name = "born"
            format = "date"
            type = "Date"
            "#,
            &[
                "`type = \"emayl\"` of `mail` in `field` is no type of a field; did you mean `email`?",
                "`type = \"Date\"` of `born` in `field` is no type of a field; did you mean `date`?",
                "`fold = \"lower_case\"` of `mail` in `field` is no way of folding; did you mean `lowercase`?",
                "`fold = \"gmail\"` of `mail` in `field` is no way of folding; did you mean `gmail_plus`?",
            ],
        );
        check(
            r#"
            [[setting]]
            name = "list"
            type = "txt"
            names = "lists"
            help = "h"
            [identity]
            use = "every"
            [[identity.case]]
            when = "list=a"
            fold = "lower"
            "#,
            &[
                "`type = \"txt\"` of `list` in `setting` is no type of a setting; did you mean `text`?",
                "`names = \"lists\"` of `list` in `setting` is no kind of thing in an account; did you mean `list`?",
                "`use = \"every\"` in `identity` is no use of identifiers; there are: first, all",
                "`fold = \"lower\"` of `list=a` in `identity.case` is no way of comparing; did you mean `lowercase`?",
            ],
        );
    }

    #[test]
    fn every_word_of_a_closed_set_is_read() {
        let told = |error: ManifestError, word: &str| {
            let text = error.to_string();
            assert!(!text.contains("unknown variant"), "{word}: {text}");
        };
        for place in &PLACES {
            for word in place.words {
                let value = if place.at == ["field", "fold"] { format!("[\"{word}\"]") } else { format!("\"{word}\"") };
                let (key, rest) = match place.at {
                    ["identity", key] => (*key, "[identity]\n"),
                    ["identity", "case", key] => (*key, "[[identity.case]]\nwhen = \"a=b\"\n"),
                    ["field", key] => (*key, "[[field]]\nname = \"a\"\nformat = \"text\"\n"),
                    ["setting", "type"] => ("type", "[[setting]]\nname = \"a\"\nhelp = \"h\"\n"),
                    ["setting", key] => (*key, "[[setting]]\nname = \"a\"\nhelp = \"h\"\ntype = \"text\"\n"),
                    ["bucket", key] => (*key, "[[bucket]]\nname = \"a\"\nrequests = 1\nper_ms = 1\n"),
                    ["auth", "kind"] => ("kind", "[[auth]]\n"),
                    ["auth", key] => (*key, "[[auth]]\nkind = \"oauth2\"\n"),
                    other => unreachable!("{other:?} has a sample here"),
                };
                if let Err(error) = Manifest::parse_toml(&format!("{SOUND}\n{rest}{key} = {value}\n")) {
                    told(error, word);
                }
            }
        }
    }
}
