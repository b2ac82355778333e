//! Edits of the two files: comments and order stay, and only what differs from the default is written.
//!
//! Pure: texts in, texts out. Invariant: an edit that says what the file says already changes no byte
//! (`what_the_file_says_already_changes_no_byte`).

use serde_json::Value as Json;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, TomlError, Value};

/// Why a file cannot be edited here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// It is not TOML.
    #[error("{file} is not TOML: {why}")]
    NotToml {
        /// The file.
        file: &'static str,
        /// What the parser says; never a line of the file.
        why: String,
    },
    /// Something stands there that is written otherwise than a page can edit.
    #[error("`{0}` is written in a way that a page cannot edit; edit the text")]
    Shape(&'static str),
    /// What is to be edited is not there any more.
    #[error("{0} is not there any more")]
    Gone(String),
}

type Edited = Result<String, EditError>;

/// A row of traits: the trait, and the field where it is named.
pub type TraitRow = (String, Option<String>);

/// A row of identifiers: kind, field and use.
pub type IdentifierRow = (String, Option<String>, Option<String>);

/// What a connection should say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wish {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// Whether it runs.
    pub enabled: bool,
    /// The rows of a customized setup; nothing for a default one.
    pub traits: Option<Vec<TraitRow>>,
    /// Identifiers as kind, field and use; nothing where the plugin decides.
    pub identifiers: Option<Vec<IdentifierRow>>,
    /// Settings of this audience alone.
    pub settings: Vec<(String, Json)>,
    /// Whether identify calls go out.
    pub identify: bool,
    /// Whether track calls go out.
    pub track: bool,
    /// Names of the events; empty where they are the usual ones.
    pub events: (String, String),
    /// Whether traits are sent only when a member enters.
    pub on_entry: bool,
    /// Whether traits ride along on exits.
    pub on_exit: bool,
    /// The largest share that one run may remove.
    pub remove_max_percent: Option<i64>,
}

fn parse(file: &'static str, text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|error: TomlError| EditError::NotToml { file, why: error.message().to_owned() })
}

fn audiences(text: &str) -> Result<DocumentMut, EditError> {
    parse("audiences.toml", text)
}

/// The text again, with the byte order mark and line ends that it had.
fn finish(before: &str, document: &DocumentMut) -> String {
    let mut text = document.to_string();
    let head = before.trim_start_matches('\u{feff}').trim_end();
    if !head.is_empty() && head.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        // A file of comments alone: for the parser they stand behind everything, for people above it.
        let rest = text.trim_end().strip_suffix(head.trim_start()).map(str::to_owned);
        text = rest.map_or(text, |rest| format!("{head}\n\n{}\n", rest.trim()));
    }
    if before.contains("\r\n") {
        text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if before.starts_with('\u{feff}') && !text.starts_with('\u{feff}') {
        text.insert(0, '\u{feff}');
    }
    text
}

/// Sets a key, unless it says so already.
fn set(table: &mut dyn TableLike, key: &str, value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if plain(old) == plain(&value) => {}
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// What a value says, however it is written.
fn plain(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::String(text.value().clone()),
        Value::Integer(number) => Json::from(*number.value()),
        Value::Float(number) => Json::from(*number.value()),
        Value::Boolean(flag) => Json::from(*flag.value()),
        Value::Datetime(moment) => Json::String(moment.value().to_string()),
        Value::Array(list) => list.iter().map(plain).collect(),
        Value::InlineTable(table) => table.iter().map(|(key, value)| (key.to_owned(), plain(value))).collect(),
    }
}

/// A value as TOML, inline; nulls are left out.
#[must_use]
pub fn toml(value: &Json) -> Value {
    match value {
        Json::Null => Value::from(""),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(list) => Value::Array(list.iter().map(toml).collect::<Array>()),
        Json::Object(object) => {
            Value::InlineTable(object.iter().map(|(key, value)| (key.as_str(), toml(value))).collect::<InlineTable>())
        }
    }
}

/// A group of named tables, made where there is none.
fn group<'a>(document: &'a mut DocumentMut, name: &'static str) -> Result<&'a mut dyn TableLike, EditError> {
    let item = document.entry(name).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    item.as_table_like_mut().ok_or(EditError::Shape(name))
}

/// A named table in a group, made where there is none.
fn entry<'a>(group: &'a mut dyn TableLike, name: &str) -> Result<&'a mut dyn TableLike, EditError> {
    if group.get(name).is_none() {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        group.insert(name, Item::Table(table));
    }
    group.get_mut(name).and_then(Item::as_table_like_mut).ok_or(EditError::Shape("table"))
}

/// Writes an audience. `name` is left out where it is the key.
///
/// # Errors
/// When the file cannot be edited.
pub fn audience(text: &str, key: &str, name: &str, condition: &str) -> Edited {
    let mut document = audiences(text)?;
    let table = entry(group(&mut document, "audience")?, key)?;
    if name.is_empty() || (name == key && table.get("name").is_none()) {
        table.remove("name");
    } else {
        set(table, "name", Value::from(name));
    }
    set(table, "where", Value::from(condition));
    Ok(finish(text, &document))
}

/// Takes an audience and its connections away.
///
/// # Errors
/// When the file cannot be edited.
pub fn remove_audience(text: &str, key: &str) -> Edited {
    let mut document = audiences(text)?;
    group(&mut document, "audience")?.remove(key);
    if let Some(list) = document.get_mut("connection").and_then(Item::as_array_of_tables_mut) {
        list.retain(|one| one.get("audience").and_then(Item::as_str) != Some(key));
    }
    Ok(finish(text, &document))
}

fn is_of(table: &Table, audience: &str, destination: &str) -> bool {
    let says = |key: &str, value: &str| table.get(key).and_then(Item::as_str) == Some(value);
    says("audience", audience) && says("destination", destination)
}

fn links(document: &mut DocumentMut) -> Result<&mut ArrayOfTables, EditError> {
    let item = document.entry("connection").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    item.as_array_of_tables_mut().ok_or(EditError::Shape("connection"))
}

fn link<'a>(document: &'a mut DocumentMut, audience: &str, destination: &str) -> Result<&'a mut Table, EditError> {
    let found = links(document)?.iter_mut().find(|one| is_of(one, audience, destination));
    found.ok_or_else(|| EditError::Gone(format!("the connection {audience} → {destination}")))
}

/// Sets a flag that is true where it is not written.
fn flag(table: &mut dyn TableLike, key: &str, wanted: bool, usual: bool) {
    let says = table.get(key).and_then(Item::as_bool).unwrap_or(usual);
    if says == wanted {
        return;
    }
    if wanted == usual {
        table.remove(key);
    } else {
        set(table, key, Value::from(wanted));
    }
}

/// Turns a connection on or off.
///
/// # Errors
/// When the file cannot be edited.
pub fn toggle(text: &str, audience: &str, destination: &str, enabled: bool) -> Edited {
    let mut document = audiences(text)?;
    flag(link(&mut document, audience, destination)?, "enabled", enabled, true);
    Ok(finish(text, &document))
}

/// Takes a connection away.
///
/// # Errors
/// When the file cannot be edited.
pub fn disconnect(text: &str, audience: &str, destination: &str) -> Edited {
    let mut document = audiences(text)?;
    links(&mut document)?.retain(|one| !is_of(one, audience, destination));
    Ok(finish(text, &document))
}

/// Writes a connection.
///
/// # Errors
/// When the file cannot be edited.
pub fn connect(text: &str, wish: &Wish) -> Edited {
    let mut document = audiences(text)?;
    let list = links(&mut document)?;
    if !list.iter().any(|one| is_of(one, &wish.audience, &wish.destination)) {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        table.insert("audience", toml_edit::value(wish.audience.as_str()));
        table.insert("destination", toml_edit::value(wish.destination.as_str()));
        list.push(table);
    }
    let table = link(&mut document, &wish.audience, &wish.destination)?;
    flag(table, "enabled", wish.enabled, true);
    rows(table, wish)?;
    identifiers(table, wish);
    settings(table, "settings", &wish.settings)?;
    send(table, wish);
    flag(table, "enrich_on_exit", wish.on_exit, false);
    let is_entered = table.get("resend").and_then(Item::as_str) == Some("entered");
    match (is_entered, wish.on_entry) {
        (false, true) => set(table, "resend", Value::from("entered")),
        (true, false) => drop(table.remove("resend")),
        _ => {}
    }
    match wish.remove_max_percent {
        Some(percent) => set(table, "remove_max_percent", Value::from(percent)),
        None => drop(table.remove("remove_max_percent")),
    }
    Ok(finish(text, &document))
}

fn rows(table: &mut Table, wish: &Wish) -> Result<(), EditError> {
    let Some(wanted) = &wish.traits else {
        table.remove("traits");
        table.remove("setup");
        return Ok(());
    };
    // Rows make it a customized setup; without any it must be said.
    if table.get("setup").is_some() || wanted.is_empty() || table.get("traits").is_none() {
        set(table, "setup", Value::from("customized"));
    }
    if wanted.is_empty() && table.get("traits").is_none() {
        return Ok(());
    }
    let item = table.entry("traits").or_insert_with(|| toml_edit::value(Array::new()));
    let list = item.as_array_mut().ok_or(EditError::Shape("traits"))?;
    if list.iter().map(trait_row).collect::<Vec<_>>() == wanted.iter().cloned().map(Some).collect::<Vec<_>>() {
        return Ok(());
    }
    let old: Vec<Value> = list.iter().cloned().collect();
    list.clear();
    let in_lines = wanted.len() > 2;
    for row in wanted {
        let kept = old.iter().find(|one| trait_row(one).as_ref() == Some(row));
        let mut value = kept.cloned().unwrap_or_else(|| row_value(row));
        let has_comment =
            value.decor().prefix().and_then(|prefix| prefix.as_str()).is_some_and(|text| text.contains('#'));
        if !has_comment {
            value.decor_mut().set_prefix(if in_lines {
                "\n  "
            } else if list.is_empty() {
                ""
            } else {
                " "
            });
            value.decor_mut().set_suffix("");
        }
        list.push_formatted(value);
    }
    list.set_trailing(if in_lines { "\n" } else { "" });
    list.set_trailing_comma(in_lines);
    Ok(())
}

fn trait_row(value: &Value) -> Option<TraitRow> {
    if let Some(name) = value.as_str() {
        return Some((name.to_owned(), None));
    }
    let table = value.as_inline_table()?;
    let text = |key: &str| table.get(key).and_then(Value::as_str).map(str::to_owned);
    Some((text("trait")?, text("field")))
}

fn row_value((name, field): &TraitRow) -> Value {
    match field {
        None => Value::from(name.as_str()),
        Some(field) => {
            let pairs = [("trait", Value::from(name.as_str())), ("field", Value::from(field.as_str()))];
            Value::InlineTable(pairs.into_iter().collect::<InlineTable>())
        }
    }
}

fn identifiers(table: &mut Table, wish: &Wish) {
    let Some(wanted) = &wish.identifiers else {
        table.remove("identifiers");
        return;
    };
    let one = |(kind, field, values): &(String, Option<String>, Option<String>)| {
        if field.is_none() && values.is_none() {
            return Value::from(kind.as_str());
        }
        let mut object = InlineTable::new();
        object.insert("kind", Value::from(kind.as_str()));
        field.iter().for_each(|field| drop(object.insert("field", Value::from(field.as_str()))));
        values.iter().for_each(|values| drop(object.insert("use", Value::from(values.as_str()))));
        Value::InlineTable(object)
    };
    set(table, "identifiers", Value::Array(wanted.iter().map(one).collect::<Array>()));
}

/// Settings or secrets, key by key; a table without any is taken away.
fn settings(table: &mut dyn TableLike, key: &'static str, wanted: &[(String, Json)]) -> Result<(), EditError> {
    if table.get(key).is_none() {
        if wanted.is_empty() {
            return Ok(());
        }
        table.insert(key, toml_edit::value(InlineTable::new()));
    }
    let inner = table.get_mut(key).and_then(Item::as_table_like_mut).ok_or(EditError::Shape(key))?;
    let gone: Vec<String> = inner.iter().map(|(name, _)| name.to_owned()).collect();
    for name in gone.iter().filter(|name| !wanted.iter().any(|(one, _)| one == *name)) {
        inner.remove(name);
    }
    for (name, value) in wanted {
        set(inner, name, toml(value));
    }
    if inner.is_empty() {
        table.remove(key);
    }
    Ok(())
}

fn send(table: &mut Table, wish: &Wish) {
    let has = |word: &str| {
        let list = table.get("send").and_then(Item::as_array);
        list.map_or(word == "identify", |list| list.iter().any(|one| one.as_str() == Some(word)))
    };
    if (has("identify"), has("track")) != (wish.identify, wish.track) {
        if wish.identify && !wish.track {
            table.remove("send");
        } else {
            let words = [("identify", wish.identify), ("track", wish.track)];
            let words = words.into_iter().filter(|(_, wanted)| *wanted).map(|(word, _)| word);
            set(table, "send", Value::Array(words.collect::<Array>()));
        }
    }
    let usual = |text: &str, usual: &str| text.is_empty() || text == usual;
    let (entered, exited) = &wish.events;
    if usual(entered, "Audience Entered") && usual(exited, "Audience Exited") {
        table.remove("events");
        return;
    }
    let pairs = [("entered", entered), ("exited", exited)];
    let events =
        pairs.into_iter().filter(|(_, name)| !name.is_empty()).map(|(key, name)| (key, Value::from(name.as_str())));
    set(table, "events", Value::InlineTable(events.collect::<InlineTable>()));
}

/// What a destination should say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DestinationWish {
    /// Its name.
    pub name: String,
    /// Its plugin.
    pub plugin: String,
    /// The component's file and digest, where the plugin is not in the file yet.
    pub component: Option<(String, String)>,
    /// Whether anything is sent to it.
    pub enabled: bool,
    /// The hosts that it may reach.
    pub hosts: Vec<String>,
    /// Private networks that it may reach.
    pub networks: Vec<String>,
    /// Its settings.
    pub settings: Vec<(String, Json)>,
    /// References to its secrets.
    pub secrets: Vec<(String, Json)>,
}

/// Writes a destination, and its plugin where that is not there yet.
///
/// # Errors
/// When the file cannot be edited.
pub fn destination(text: &str, wish: &DestinationWish) -> Edited {
    let mut document = parse("plugins.toml", text)?;
    if let Some((file, digest)) = &wish.component {
        let table = entry(group(&mut document, "plugin")?, &wish.plugin)?;
        set(table, "file", Value::from(file.as_str()));
        set(table, "sha256", Value::from(digest.as_str()));
    }
    let table = entry(group(&mut document, "destination")?, &wish.name)?;
    set(table, "plugin", Value::from(wish.plugin.as_str()));
    flag(table, "enabled", wish.enabled, true);
    for (key, list) in [("hosts", &wish.hosts), ("allow_networks", &wish.networks)] {
        if list.is_empty() && table.get(key).is_none() {
            continue;
        }
        set(table, key, Value::Array(list.iter().map(String::as_str).collect::<Array>()));
    }
    settings(table, "settings", &wish.settings)?;
    settings(table, "secrets", &wish.secrets)?;
    Ok(finish(text, &document))
}

/// Turns a destination on or off.
///
/// # Errors
/// When the file cannot be edited.
pub fn toggle_destination(text: &str, name: &str, enabled: bool) -> Edited {
    let mut document = parse("plugins.toml", text)?;
    let found = document.get_mut("destination").and_then(Item::as_table_like_mut).and_then(|group| group.get_mut(name));
    let table =
        found.and_then(Item::as_table_like_mut).ok_or_else(|| EditError::Gone(format!("destination {name}")))?;
    flag(table, "enabled", enabled, true);
    Ok(finish(text, &document))
}

/// What a mapping should say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MappingWish {
    /// Its name now; empty for a new one.
    pub was: String,
    /// Its name.
    pub name: String,
    /// Whether it sends.
    pub enabled: bool,
    /// The preset that it begins with; empty for none.
    pub preset: String,
    /// Its condition; nothing where the preset's holds.
    pub when: Option<Json>,
    /// Its fields.
    pub fields: Vec<(String, Json)>,
}

/// Writes a mapping of a connection.
///
/// # Errors
/// When the file cannot be edited.
pub fn mapping(text: &str, audience: &str, destination: &str, wish: &MappingWish) -> Edited {
    let mut document = audiences(text)?;
    let table = link(&mut document, audience, destination)?;
    let item = table.entry("mapping").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let list = item.as_array_of_tables_mut().ok_or(EditError::Shape("mapping"))?;
    let is_it = |one: &Table| !wish.was.is_empty() && one.get("name").and_then(Item::as_str) == Some(&wish.was);
    if !list.iter().any(is_it) {
        let mut table = Table::new();
        table.insert("name", toml_edit::value(wish.was.as_str()));
        list.push(table);
    }
    let found = list.iter_mut().find(|one| one.get("name").and_then(Item::as_str) == Some(&wish.was));
    let table = found.ok_or_else(|| EditError::Gone(format!("mapping {}", wish.was)))?;
    set(table, "name", Value::from(wish.name.as_str()));
    flag(table, "enabled", wish.enabled, true);
    if wish.preset.is_empty() {
        table.remove("preset");
    } else {
        set(table, "preset", Value::from(wish.preset.as_str()));
    }
    match &wish.when {
        Some(when) => set(table, "when", toml(when)),
        None => drop(table.remove("when")),
    }
    settings(table, "fields", &wish.fields)?;
    Ok(finish(text, &document))
}

/// Takes a mapping away.
///
/// # Errors
/// When the file cannot be edited.
pub fn remove_mapping(text: &str, audience: &str, destination: &str, name: &str) -> Edited {
    let mut document = audiences(text)?;
    let table = link(&mut document, audience, destination)?;
    if let Some(list) = table.get_mut("mapping").and_then(Item::as_array_of_tables_mut) {
        list.retain(|one| one.get("name").and_then(Item::as_str) != Some(name));
    }
    Ok(finish(text, &document))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# ours\n[audience.gold]  # the best\nname = 'Gold'\nwhere = \"traits ->> 'plan' = 'gold'\"\n\n\
        # first\n[[connection]]\naudience = \"gold\"\ndestination = \"fb\"\nsetup = \"customized\"\n\
        traits = [\n  \"email\", # the address\n  { trait = \"birthday\", field = \"DOBD\" },\n]\n";

    fn wish() -> Wish {
        Wish {
            audience: "gold".into(),
            destination: "fb".into(),
            enabled: true,
            identify: true,
            traits: Some(vec![("email".into(), None), ("birthday".into(), Some("DOBD".into()))]),
            ..Wish::default()
        }
    }

    #[test]
    fn what_the_file_says_already_changes_no_byte() {
        assert_eq!(connect(FILE, &wish()).unwrap(), FILE);
        assert_eq!(audience(FILE, "gold", "Gold", "traits ->> 'plan' = 'gold'").unwrap(), FILE);
        assert_eq!(toggle(FILE, "gold", "fb", true).unwrap(), FILE);
    }

    #[test]
    fn comments_stay_and_only_what_differs_is_written() {
        let mut wish = wish();
        wish.track = true;
        wish.traits.as_mut().unwrap().push(("city".into(), Some("CT".into())));
        let text = connect(FILE, &wish).unwrap();
        assert!(text.contains("# the address") && text.contains("# first") && text.contains("# the best"), "{text}");
        assert!(text.contains("send = [\"identify\", \"track\"]") && text.contains("field = \"CT\""), "{text}");
        assert!(!text.contains("enabled") && !text.contains("remove_max_percent"), "{text}");
        assert_eq!(toggle(&toggle(FILE, "gold", "fb", false).unwrap(), "gold", "fb", true).unwrap(), FILE);
    }

    #[test]
    fn a_file_of_comments_alone_keeps_them_on_top() {
        let edited = audience("# Kept by the team.\n# Twice.\n", "gold", "gold", "true").expect("it can be edited");
        assert!(edited.starts_with("# Kept by the team.\n# Twice.\n\n[audience.gold]\n"), "{edited}");
        assert_eq!(edited.matches("# Kept").count(), 1, "{edited}");
    }

    #[test]
    fn an_empty_file_gets_an_audience_and_a_connection() {
        let text = audience("", "vip_buyers", "VIP buyers", "id = 'a'").unwrap();
        let text = connect(&text, &Wish { audience: "vip_buyers".into(), ..wish() }).unwrap();
        assert!(
            text.contains("[audience.vip_buyers]\nname = \"VIP buyers\"") && text.contains("[[connection]]"),
            "{text}"
        );
        let mapping_wish =
            MappingWish { name: "Update".into(), enabled: true, preset: "Update".into(), ..MappingWish::default() };
        let text = mapping(&text, "vip_buyers", "fb", &mapping_wish).unwrap();
        assert!(text.contains("[[connection.mapping]]\nname = \"Update\"\npreset = \"Update\""), "{text}");
    }
}
