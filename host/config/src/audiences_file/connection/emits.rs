//! In which form a connection's changes are told to its mappings, and what the mappings are.

use serde_json::Value as Json;
use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::{Located, Place};
use crate::json::json;
use crate::walker::{Section, Walker};

/// What happens when somebody enters or leaves: events in one form or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emits {
    /// Whether a change is an Identify call.
    pub identify: bool,
    /// Whether a change is a Track call.
    pub track: bool,
    /// Name of the Track call of an entry.
    pub entered: String,
    /// Name of the Track call of an exit.
    pub exited: String,
    /// Whether the mapped traits ride along on exits.
    pub enrich_on_exit: bool,
    /// Where `send` or the connection stands.
    pub place: Place,
}

/// A condition on events and the fields that are filled from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Its name, which reports show.
    pub name: Located<String>,
    /// Whether anything is sent by it.
    pub enabled: bool,
    /// A ready-made mapping of the plugin that it begins with.
    pub preset: Option<Located<String>>,
    /// The condition; that of the preset, or any event, where there is none.
    pub when: Option<Located<Json>>,
    /// What the fields hold, in the order of their names.
    pub fields: Vec<(Located<String>, Json)>,
}

/// Reads `send`, `events` and `enrich_on_exit`.
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Emits {
    let value = section.table.get("send");
    let place = value.map_or_else(|| section.place.clone(), |value| walker.place(value.span()));
    let (mut identify, mut track) = (value.is_none(), false);
    for form in walker.texts(section, "send") {
        match form.value.as_str() {
            "identify" => identify = true,
            "track" => track = true,
            other => {
                let message = format!("`send` cannot have \"{other}\"");
                walker.bad_value(&form.place, message, "choose from: identify, track");
            }
        }
    }
    let mut names = ["Audience Entered", "Audience Exited"].map(str::to_owned);
    if let Some(value) = section.table.get("events") {
        if let Some(table) = value.get_ref().as_table() {
            let events = Section { table, title: "`events`".to_owned(), place: walker.place(value.span()) };
            walker.unknown_keys(&events, &["entered", "exited"]);
            for (name, key) in names.iter_mut().zip(["entered", "exited"]) {
                if let Some(given) = walker.text(&events, key) {
                    *name = given.value;
                }
            }
        } else {
            let hint = "write `events = { entered = \"Audience Entered\", exited = \"Audience Exited\" }`".to_owned();
            walker.wrong_type(value, "`events`", "a table", Some(hint));
        }
    }
    let [entered, exited] = names;
    if entered == exited {
        let hint = "entries and exits need names of their own";
        walker.bad_value(&place, format!("both events are named \"{entered}\""), hint);
    }
    let enrich_on_exit = walker.boolean(section, "enrich_on_exit", false);
    Emits { identify, track, entered, exited, enrich_on_exit, place }
}

/// Reads every `[[connection.mapping]]`.
pub(super) fn mappings(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Vec<Mapping> {
    let mut mappings: Vec<Mapping> = Vec::new();
    for item in walker.list(section, "mapping") {
        let Some(table) = item.get_ref().as_table() else {
            walker.wrong_type(item, "`mapping`", "a table", Some("write `[[connection.mapping]]`".to_owned()));
            continue;
        };
        let title = "[[connection.mapping]]".to_owned();
        let section = Section { table, title, place: walker.place(item.span()) };
        let Some(mapping) = mapping(walker, &section) else { continue };
        if let Some(first) = mappings.iter().find(|first| first.name.value == mapping.name.value) {
            let message = format!("two mappings of the connection are named \"{}\"", mapping.name.value);
            let diagnostic = Diagnostic::error(Code::MappingTwice, message).at(&mapping.name.place);
            let diagnostic = diagnostic.also(&first.name.place, "the first one".to_owned());
            walker.found.push(diagnostic.hint("give one another name: receipts are kept under it"));
        }
        mappings.push(mapping);
    }
    mappings
}

fn mapping(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<Mapping> {
    walker.unknown_keys(section, &["name", "enabled", "preset", "when", "fields"]);
    let name = walker.required(section, "name", "\"Gold customers\"");
    let enabled = walker.boolean(section, "enabled", true);
    let preset = walker.text(section, "preset");
    let when = section.table.get("when").and_then(|value| {
        let condition = json(walker, "when", value)?;
        Some(Located::new(condition, walker.place(value.span())))
    });
    let mut fields = Vec::new();
    if let Some(value) = section.table.get("fields") {
        if let DeValue::Table(table) = value.get_ref() {
            for (key, value) in table {
                let field = Located::new(key.get_ref().to_string(), walker.place(key.span()));
                fields.extend(json(walker, &field.value, value).map(|value| (field, value)));
            }
        } else {
            let hint = "write `fields = { first_name = { \"@path\" = \"traits.firstName\" } }`".to_owned();
            walker.wrong_type(value, "`fields`", "a table", Some(hint));
        }
    }
    Some(Mapping { name: name?, enabled, preset, when, fields })
}
