//! Which identifiers of a person go to a destination, into which field, and which of their values.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use enroute_core::manifest::Values;
use enroute_core::path::trait_names;
use toml::de::DeValue;

use crate::audiences_file::connection::filled;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::walker::{Section, Value, Walker};

/// The most identifiers of a connection of which every value goes out, where the operator says nothing.
///
/// Each such value is a record at the destination, so more than a few are rarely meant.
pub const ALL_MAX_DEFAULT: u8 = 3;

/// A kind of identifier and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The kind on the profile: `email`, `user_id`, or any of the team's own.
    pub kind: Located<String>,
    /// The field at the destination; by the plugin's list where it is not given.
    pub field: Option<Located<String>>,
    /// Which of several values go out; as the plugin's manifest says where it is not given.
    pub values: Option<Values>,
}

/// Reads `identifiers`; nothing where the key is not there.
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<Vec<Identifier>> {
    let place = walker.place(section.table.get("identifiers")?.span());
    let mut identifiers = Vec::new();
    let mut kinds: BTreeMap<String, Identifier> = BTreeMap::new();
    for item in walker.list(section, "identifiers") {
        let Some(identifier) = identifier(walker, item) else { continue };
        match kinds.entry(identifier.kind.value.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(identifier.clone());
            }
            Entry::Occupied(first) => {
                let message = format!("identifier `{}` is named twice", identifier.kind.value);
                let diagnostic = Diagnostic::error(Code::IdentifierTwice, message).at(&identifier.kind.place);
                let diagnostic = diagnostic.also(&first.get().kind.place, "the first one".to_owned());
                walker.found.push(diagnostic.hint("keep one of the two"));
            }
        }
        identifiers.push(identifier);
    }
    let most = walker.small_number(section, "identifiers_all_max").unwrap_or(ALL_MAX_DEFAULT);
    let all = identifiers.iter().filter(|identifier| identifier.values == Some(Values::All)).count();
    if all > usize::from(most) {
        let message = format!("{all} identifiers go out with all their values, allowed are {most}");
        let hint = format!("use \"last\" for some, or raise `identifiers_all_max = {most}`");
        walker.found.push(Diagnostic::error(Code::TooManyAll, message).at(&place).hint(hint));
    }
    Some(identifiers)
}

/// A bare kind, or `{ kind = "…", field = "…", use = "last" }`.
fn identifier(walker: &mut Walker<'_>, item: &Value<'_>) -> Option<Identifier> {
    match item.get_ref() {
        DeValue::String(_) => {
            let kind = whole(filled(walker, item, "identifiers", "kind")?);
            Some(Identifier { kind, field: None, values: None })
        }
        DeValue::Table(table) => {
            let title = "a row of `identifiers`".to_owned();
            let section = Section { table, title, place: walker.place(item.span()) };
            walker.unknown_keys(&section, &["kind", "field", "use"]);
            if !table.contains_key("kind") {
                walker.missing(&section, "kind", "\"email\"");
            }
            let kind = table.get("kind").and_then(|value| filled(walker, value, "identifiers", "kind")).map(whole);
            let field = table.get("field").map(|value| filled(walker, value, "identifiers", "field"));
            let uses = [("last", Values::Last), ("first", Values::First), ("all", Values::All)];
            let values = walker.choice(&section, "use", &uses).map(|values| values.value);
            let field = match field {
                Some(field) => Some(field?),
                None => None,
            };
            Some(Identifier { kind: kind?, field, values })
        }
        _ => {
            let hint = "write \"email\" or { kind = \"email\", field = \"email\", use = \"last\" }".to_owned();
            walker.wrong_type(item, "an entry of `identifiers`", "the kind of an identifier or a table", Some(hint));
            None
        }
    }
}

/// The kind without quotes of its own. A kind is one name in any case, so that they mean nothing.
fn whole(kind: Located<String>) -> Located<String> {
    match trait_names(&kind.value).as_deref() {
        Ok([name]) => Located::new(name.clone(), kind.place),
        _ => kind,
    }
}
