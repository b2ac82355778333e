//! Which audience goes to which destination, with which traits.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use enroute_core::id::{AudienceKey, DestinationName};
use enroute_core::path::trait_names;
use enroute_core::suggest::nearest;
use serde_json::Value as Json;
use toml::de::DeValue;

use crate::audiences_file::schedule;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::files::{Located, Place};
use crate::json;
use crate::schedule::Schedule;
use crate::walker::{Section, Value, Walker};

pub mod emits;
pub mod identifiers;

use emits::{Emits, Mapping};
use identifiers::Identifier;

/// The largest share of members that one sync may remove where the operator says nothing, in percent.
pub const REMOVE_MAX_PERCENT_DEFAULT: u8 = 50;

/// An audience that goes to a destination.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Where `[[connection]]` stands.
    pub place: Place,
    /// The audience.
    pub audience: Located<AudienceKey>,
    /// The destination.
    pub destination: Located<DestinationName>,
    /// What goes along with the membership.
    pub setup: Setup,
    /// When a member's traits are sent again.
    pub resend: Resend,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Whether the first sync sends who is a member by then, or takes them as known.
    pub history: bool,
    /// A sync that would remove a larger share of the members is stopped.
    pub remove_max_percent: u8,
    /// Settings of this audience alone, over those of the destination.
    pub settings: BTreeMap<String, Located<Json>>,
    /// The identifiers that go out; those of the plugin's manifest where nothing is said.
    pub identifiers: Option<Vec<Identifier>>,
    /// Events that tell of a change.
    pub emits: Emits,
    /// When it runs; one without a schedule follows its data.
    pub schedule: Option<Schedule>,
    /// What is made of the events; one mapping of the plugin's own where none is given.
    pub mappings: Vec<Mapping>,
}

impl Connection {
    /// The rows of a customized setup; none of a default one.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        match &self.setup {
            Setup::Default => &[],
            Setup::Customized { rows } => rows,
        }
    }
}

/// What goes along with the membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setup {
    /// Nothing but the identifiers that the destination requires.
    Default,
    /// Also the traits of these rows.
    Customized {
        /// In the order of the file; may be empty.
        rows: Vec<Row>,
    },
}

/// A trait and the field it goes into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The trait of the profile.
    pub trait_name: Located<String>,
    /// The field at the destination; found by name where it is not given.
    pub field: Option<Located<String>>,
}

/// When a member's traits are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resend {
    /// Whenever one of them changed.
    #[default]
    Changed,
    /// Only when the member enters the audience anew.
    Entered,
}

/// What a connection refers to, as far as it is understood.
#[derive(Debug)]
pub(crate) struct Link {
    place: Place,
    audience: Option<Located<AudienceKey>>,
    destination: Option<Located<DestinationName>>,
}

/// Reads every `[[connection]]`. What has a mistake in it is reported and left out.
pub(crate) fn read(walker: &mut Walker<'_>, root: &Section<'_, '_>) -> (Vec<Connection>, Vec<Link>) {
    let (mut connections, mut links) = (Vec::new(), Vec::new());
    let Some(value) = root.table.get("connection") else { return (connections, links) };
    let DeValue::Array(items) = value.get_ref() else {
        let hint = "write `[[connection]]`, with two brackets on each side".to_owned();
        walker.wrong_type(value, "`connection`", "a list of tables", Some(hint));
        return (connections, links);
    };
    for item in items {
        if let Some(table) = item.get_ref().as_table() {
            let section = Section { table, title: "[[connection]]".to_owned(), place: walker.place(item.span()) };
            let link = link(walker, &section);
            connections.extend(connection(walker, &section, &link));
            links.push(link);
        } else {
            walker.wrong_type(item, "`connection`", "a table", Some("write `[[connection]]`".to_owned()));
        }
    }
    (connections, links)
}

const KEYS: [&str; 20] = [
    "audience",
    "destination",
    "setup",
    "traits",
    "resend",
    "enabled",
    "paused",
    "history",
    "remove_max_percent",
    "settings",
    "identifiers",
    "identifiers_all_max",
    "send",
    "events",
    "enrich_on_exit",
    "mapping",
    "every",
    "at",
    "cron",
    "zone",
];

fn link(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Link {
    let audience = walker.required(section, "audience", "\"KEY\"").and_then(|text| walker.name(&text));
    let destination = walker.required(section, "destination", "\"NAME\"").and_then(|text| walker.name(&text));
    Link { place: section.place.clone(), audience, destination }
}

fn connection(walker: &mut Walker<'_>, section: &Section<'_, '_>, link: &Link) -> Option<Connection> {
    walker.unknown_keys(section, &KEYS);
    let setup = setup(walker, section, link.audience.as_ref().map(|key| key.value.as_str()));
    let resend = walker.choice(section, "resend", &[("changed", Resend::Changed), ("entered", Resend::Entered)]);
    let enabled = walker.boolean(section, "enabled", true) & !walker.boolean(section, "paused", false);
    let history = walker.boolean(section, "history", true);
    let remove_max_percent = walker.whole_percent(section, "remove_max_percent");
    let settings = json::settings(walker, section);
    let identifiers = identifiers::read(walker, section);
    let emits = emits::read(walker, section);
    let mappings = emits::mappings(walker, section);
    let part = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let audience = part(link.audience.as_ref().map(|key| key.value.as_str()));
    let destination = part(link.destination.as_ref().map(|name| name.value.as_str()));
    let schedule = schedule::read(walker, section, &format!("connection/{audience}/{destination}"));
    Some(Connection {
        place: section.place.clone(),
        audience: link.audience.clone()?,
        destination: link.destination.clone()?,
        setup: setup?,
        resend: resend.map(|resend| resend.value).unwrap_or_default(),
        enabled,
        history,
        remove_max_percent: remove_max_percent.map_or(REMOVE_MAX_PERCENT_DEFAULT, |percent| percent.value),
        settings,
        identifiers,
        emits,
        schedule,
        mappings,
    })
}

fn setup(walker: &mut Walker<'_>, section: &Section<'_, '_>, audience: Option<&str>) -> Option<Setup> {
    let given = section.table.contains_key("setup");
    let customized = walker.choice(section, "setup", &[("default", false), ("customized", true)]);
    let rows = rows(walker, section, audience);
    let Some(traits) = section.table.get("traits").filter(|_| !rows.is_empty()) else {
        return match customized {
            Some(customized) if customized.value => Some(Setup::Customized { rows }),
            Some(_) => Some(Setup::Default),
            None => (!given).then_some(Setup::Default),
        };
    };
    match customized {
        Some(customized) if customized.value => Some(Setup::Customized { rows }),
        None if given => None,
        _ => {
            let message = "`traits` is given, but the setup is \"default\"";
            let hint = "write `setup = \"customized\"`, or remove `traits`";
            let place = walker.place(traits.span());
            walker.found.push(Diagnostic::error(Code::RowsInDefault, message).at(&place).hint(hint));
            None
        }
    }
}

fn rows(walker: &mut Walker<'_>, section: &Section<'_, '_>, audience: Option<&str>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut fields: BTreeMap<String, Row> = BTreeMap::new();
    for item in walker.list(section, "traits") {
        let Some(row) = row(walker, item) else { continue };
        let is_membership = |key: &str| trait_names(&row.trait_name.value).is_ok_and(|names| names == [key]);
        if audience.is_some_and(is_membership) {
            let message = format!("`{}` is the audience's own key; it is no trait to map", row.trait_name.value);
            let hint = "remove the row: the membership is always sent";
            walker.found.push(Diagnostic::error(Code::MembershipRow, message).at(&row.trait_name.place).hint(hint));
        }
        // Bare names are matched later, beside the plugin; the same name twice is a mistake in any case.
        let field = row.field.as_ref().unwrap_or(&row.trait_name);
        match fields.entry(field.value.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(row.clone());
            }
            Entry::Occupied(first) => walker.found.push(field_twice(first.get(), &row)),
        }
        rows.push(row);
    }
    rows
}

fn field_twice(first: &Row, second: &Row) -> Diagnostic {
    let (one, two) = (&first.trait_name.value, &second.trait_name.value);
    let place = |row: &Row| row.field.as_ref().unwrap_or(&row.trait_name).clone();
    let field = place(second).value;
    let message = if one == two {
        format!("trait `{one}` goes into field `{field}` twice")
    } else {
        format!("traits `{one}` and `{two}` both go into field `{field}`")
    };
    Diagnostic::error(Code::FieldTwice, message)
        .at(&place(second).place)
        .also(&place(first).place, format!("`{one}` goes there"))
        .hint("a field takes one value: remove one of the two, or give it another field")
}

/// A bare name, or `{ trait = "…", field = "…" }`.
fn row(walker: &mut Walker<'_>, item: &Value<'_>) -> Option<Row> {
    match item.get_ref() {
        DeValue::String(_) => {
            let trait_name = filled(walker, item, "traits", "trait")?;
            Some(Row { trait_name, field: None })
        }
        DeValue::Table(table) => {
            let section = Section { table, title: "a row of `traits`".to_owned(), place: walker.place(item.span()) };
            walker.unknown_keys(&section, &["trait", "field"]);
            if !table.contains_key("trait") {
                walker.missing(&section, "trait", "\"NAME\"");
            }
            let name = table.get("trait").and_then(|value| filled(walker, value, "traits", "trait"));
            let field = match table.get("field") {
                Some(value) => Some(filled(walker, value, "traits", "field")?),
                None => None,
            };
            Some(Row { trait_name: name?, field })
        }
        _ => {
            let hint = "write \"firstName\" or { trait = \"firstName\", field = \"first_name\" }".to_owned();
            walker.wrong_type(item, "an entry of `traits`", "the name of a trait or a table", Some(hint));
            None
        }
    }
}

/// A text that is not empty: `what` of a row of `list`.
fn filled(walker: &mut Walker<'_>, value: &Value<'_>, list: &str, what: &str) -> Option<Located<String>> {
    let text = walker.as_text(value, &format!("`{what}`"))?;
    if text.value.trim().is_empty() {
        let diagnostic = Diagnostic::error(Code::EmptyRow, format!("a row of `{list}` has an empty {what}"));
        walker.found.push(diagnostic.at(&text.place).hint(format!("name the {what}, or remove the row")));
        return None;
    }
    Some(text)
}

/// The names that connections may refer to. Nothing where the file that defines them could not be read.
pub(crate) struct KnownNames<'a> {
    pub(crate) audiences: Option<&'a BTreeSet<String>>,
    pub(crate) destinations: Option<&'a BTreeSet<String>>,
}

/// Reports connections to nowhere, and those that are there twice.
pub(crate) fn check_names(links: &[Link], known: &KnownNames<'_>, found: &mut Diagnostics) {
    let mut pairs = BTreeMap::new();
    for link in links {
        if let (Some(audience), Some(keys)) = (&link.audience, known.audiences)
            && !keys.contains(audience.value.as_str())
        {
            let message = format!("there is no audience `{}`", audience.value);
            let hint = which(audience.value.as_str(), keys, "add `[audience.KEY]` with its `where`", found);
            found.push(Diagnostic::error(Code::UnknownAudience, message).at(&audience.place).hint(hint));
        }
        if let (Some(destination), Some(names)) = (&link.destination, known.destinations)
            && !names.contains(destination.value.as_str())
        {
            let message = format!("there is no destination `{}`", destination.value);
            let hint = which(destination.value.as_str(), names, "add `[destination.NAME]` to plugins.toml", found);
            found.push(Diagnostic::error(Code::UnknownDestination, message).at(&destination.place).hint(hint));
        }
        let (Some(audience), Some(destination)) = (&link.audience, &link.destination) else { continue };
        match pairs.entry((audience.value.as_str(), destination.value.as_str())) {
            Entry::Vacant(entry) => {
                entry.insert(&link.place);
            }
            Entry::Occupied(first) => found.push(connected_twice(first.key(), first.get(), &link.place)),
        }
    }
}

fn connected_twice((audience, destination): &(&str, &str), first: &Place, second: &Place) -> Diagnostic {
    let message = format!("audience `{audience}` is connected to destination `{destination}` twice");
    Diagnostic::error(Code::ConnectedTwice, message)
        .at(second)
        .also(first, "the first one")
        .hint("put the traits of both into one, or add a second destination of the same plugin")
}

/// The nearest name, or all there are.
fn which(wrong: &str, names: &BTreeSet<String>, none: &str, found: &Diagnostics) -> String {
    if found.is_full() || names.is_empty() {
        return none.to_owned();
    }
    if let Some(near) = nearest(wrong, names.iter().map(String::as_str)) {
        return format!("did you mean \"{near}\"?");
    }
    let some: Vec<_> = names.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect();
    let more = if names.len() > some.len() { ", …" } else { "" };
    format!("there are: {}{more}", some.join(", "))
}

/// Most names listed where none is alike; more do not help to choose.
const NAMES_SHOWN_MAX: usize = 20;
