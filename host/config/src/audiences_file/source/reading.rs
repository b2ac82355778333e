//! What the columns of a source are, and how much a read of it says: whether it holds everybody, and where the next
//! read begins.

use std::collections::BTreeMap;

use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::{Located, Place};
use crate::walker::{Section, Walker};

/// Keys of what is read from a table, wherever that is.
pub(super) const KEYS: [&str; 5] = ["holds", "columns", "complete", "remove_max_percent", "cursor"];

/// The share of a source's people who may be gone at once where the operator says nothing, in percent.
pub const REMOVE_MAX_PERCENT_DEFAULT: f64 = 25.0;

/// What is read of a source, and how much that says.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Other names for columns: what one is called, and what it is to be.
    pub columns: BTreeMap<String, String>,
    /// Whether the source holds everybody, so that who is missing is gone.
    pub complete: bool,
    /// The share of people who may be gone at once, in percent.
    pub remove_max_percent: f64,
    /// The column that grows with each change.
    pub cursor: Option<Located<String>>,
    /// Where `complete`, `columns` or the source itself stands.
    pub place: Place,
}

/// What a source is, as far as that decides how it may be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Whether its rows are profiles.
    pub(super) has_profiles: bool,
    /// Whether they have columns with names.
    pub(super) has_columns: bool,
    /// Whether increments can be asked for.
    pub(super) has_increments: bool,
}

/// Reads what is said of it.
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>, kind: Kind) -> Option<Reading> {
    let columns = texts(walker, section, "columns", "{ mail = \"identifiers.email\" }");
    let complete = walker.boolean(section, "complete", false);
    let percent = walker.percent(section, "remove_max_percent");
    let cursor = walker.text(section, "cursor");
    let span = |key: &str| section.table.get(key).map(|value| value.span());
    let mut fits = true;
    let mut refuse = |key: &str, what: String, hint: &str| {
        if let Some(span) = span(key) {
            let place = walker.place(span);
            let message = format!("`{key}` in {} {what}", section.title);
            walker.found.push(Diagnostic::error(Code::NoSnapshot, message).at(&place).hint(hint));
            fits = false;
        }
    };
    if !kind.has_profiles {
        let only = "remove it, or write `holds = \"profiles\"`";
        ["columns", "complete", "remove_max_percent", "cursor"]
            .iter()
            .for_each(|key| refuse(key, "is for a source of profiles".to_owned(), only));
    } else {
        if !kind.has_columns {
            let hint = "remove it: a line of JSON says itself what is an identifier and what a trait";
            refuse("columns", "is for a file that has columns".to_owned(), hint);
        }
        if !kind.has_increments {
            refuse("cursor", "is for a query".to_owned(), "a file is read as a whole: remove the key");
        }
        if !complete {
            let hint = "add `complete = true`, or remove the key: without it nobody is taken as gone";
            refuse("remove_max_percent", "has no meaning without `complete`".to_owned(), hint);
        }
    }
    let place =
        span("complete").or_else(|| span("columns")).map_or_else(|| section.place.clone(), |span| walker.place(span));
    fits.then_some(Reading {
        columns: columns?,
        complete,
        remove_max_percent: percent.map_or(REMOVE_MAX_PERCENT_DEFAULT, |percent| percent.value),
        cursor,
        place,
    })
}

/// A table of texts by name.
pub(super) fn texts(
    walker: &mut Walker<'_>,
    section: &Section<'_, '_>,
    key: &str,
    example: &str,
) -> Option<BTreeMap<String, String>> {
    let Some(value) = section.table.get(key) else { return Some(BTreeMap::new()) };
    let DeValue::Table(table) = value.get_ref() else {
        walker.wrong_type(value, &format!("`{key}`"), "a table of texts", Some(format!("write `{key} = {example}`")));
        return None;
    };
    let mut texts = BTreeMap::new();
    let mut fits = true;
    for (name, value) in table {
        match walker.as_text(value, &format!("`{}` of `{key}`", name.get_ref())) {
            Some(text) if !text.value.trim().is_empty() => {
                texts.insert(name.get_ref().to_string(), text.value);
            }
            Some(text) => {
                let message = format!("`{}` of `{key}` in {} is empty", name.get_ref(), section.title);
                walker.bad_value(&text.place, message, "remove it: a column goes by its own name");
                fits = false;
            }
            None => fits = false,
        }
    }
    fits.then_some(texts)
}
