//! `[source.NAME]`: where traits come from – a file of profiles, events or predictions, a query, or calls as they happen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use enroute_core::id::SourceName;
use toml::de::DeValue;

use crate::audiences_file::schedule;
use crate::audiences_file::source::command::Command;
use crate::audiences_file::source::listen::Listen;
use crate::audiences_file::source::types::Types;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::reference::SecretRef;
use crate::schedule::Schedule;
use crate::walker::{Section, Value, Walker, is_reference};

pub mod command;
pub mod listen;
pub mod types;

/// The share of a source's lines that may be unreadable where the operator says nothing, in percent.
pub const BAD_LINES_MAX_PERCENT_DEFAULT: f64 = 1.0;

/// Keys of a source that is a file, and of one that is a query.
const FILE_KEYS: [&str; 5] = ["file", "holds", "format", "delimiter", "bad_lines_max_percent"];
const TEXT_KEYS: [&str; 2] = ["types", "encoding"];
const QUERY_KEYS: [&str; 2] = ["database", "query"];

/// Where traits come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, and where `[source.<name>]` stands.
    pub name: Located<SourceName>,
    /// The key or column that holds the profile's id.
    pub id: String,
    /// What is read.
    pub origin: Origin,
    /// When it is read; a source without one is read when it changes, or when somebody asks.
    pub schedule: Option<Schedule>,
}

/// What a source reads.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A file.
    File(FileOrigin),
    /// A query of a database.
    Query(QueryOrigin),
    /// Calls that clients send to the running host.
    Listen(Listen),
}

/// A file, and what is in it.
#[derive(Debug, Clone)]
pub struct FileOrigin {
    /// The file, found from the folder of `audiences.toml`; the pattern of several, or the program of a command.
    pub file: Located<PathBuf>,
    /// Whether that is a pattern.
    pub is_pattern: bool,
    /// The command that prints it, where it is no file.
    pub command: Option<Command>,
    /// How the file is written.
    pub format: Format,
    /// Whether the operator says what separates cells.
    pub is_delimiter_said: bool,
    /// The name of its encoding, where it is not UTF-8 and does not say itself.
    pub encoding: Option<String>,
    /// What the cells of its columns are.
    pub types: Types,
    /// What its lines are.
    pub holds: Holds,
    /// A read with a larger share of unreadable lines is given up.
    pub bad_lines_max_percent: f64,
}

/// A query, and the database that answers it.
#[derive(Debug, Clone)]
pub struct QueryOrigin {
    /// The database.
    pub database: Located<Database>,
    /// The statement.
    pub query: Located<String>,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A server of PostgreSQL, by the reference to its URL.
    Postgres(SecretRef),
}

/// How a source's file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// One list of JSON objects.
    Json,
    /// A line of column names, then a line a profile.
    Csv {
        /// The byte between two columns.
        delimiter: u8,
    },
}

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Profiles.
    Profiles,
    /// Calls of `track` and `identify`.
    Events,
    /// Scores.
    Predictions,
}

pub(super) fn read(
    walker: &mut Walker<'_>,
    name: &Located<String>,
    section: &Section<'_, '_>,
    dir: &Path,
) -> Option<Source> {
    let keys = [&["id"], FILE_KEYS.as_slice(), &TEXT_KEYS, &command::KEYS, &QUERY_KEYS, &schedule::KEYS, &listen::KEYS].concat();
    walker.unknown_keys(section, &keys);
    let source_name = walker.name::<SourceName>(name);
    if listen::is_wanted(walker, section) {
        let others = [&["id"], FILE_KEYS.as_slice(), &TEXT_KEYS, &command::KEYS, &QUERY_KEYS, &schedule::KEYS].concat();
        let listen = listen::read(walker, section, &others, dir);
        let (name, origin) = (source_name?, Origin::Listen(listen?));
        return Some(Source { name, id: "userId".to_owned(), origin, schedule: None });
    }
    let is_query = QUERY_KEYS.iter().any(|key| section.table.contains_key(*key));
    let (origin, id_default) = if is_query {
        let fits = do_not_mix(walker, section);
        let query = query(walker, section, dir);
        (query.filter(|_| fits).map(Origin::Query), "id")
    } else {
        let file = file(walker, section, dir);
        let is_events = file.as_ref().is_some_and(|file| file.holds == Holds::Events);
        (file.map(Origin::File), if is_events { "userId" } else { "id" })
    };
    let id = walker.text(section, "id").map_or_else(|| id_default.to_owned(), |id| id.value);
    let schedule = schedule::read(walker, section, &format!("source/{}", name.value));
    Some(Source { name: source_name?, id, origin: origin?, schedule })
}

/// Reports sources that listen for one key.
pub(super) fn refuse_shared_keys(walker: &mut Walker<'_>, sources: &BTreeMap<SourceName, Source>) {
    let mut seen: Vec<(&SecretRef, &SourceName)> = Vec::new();
    for (name, source) in sources {
        let Origin::Listen(listen) = &source.origin else { continue };
        if let Some((_, first)) = seen.iter().find(|(key, _)| **key == listen.key.value) {
            let message = format!("the sources `{first}` and `{name}` have one key");
            let hint = "give one of them another key: it tells which source a call is for";
            walker.found.push(Diagnostic::error(Code::SharedKey, message).at(&listen.key.place).hint(hint));
        }
        seen.push((&listen.key.value, name));
    }
}

/// Reports keys of a file in a source that is a query.
fn do_not_mix(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> bool {
    let found = section.table.iter().find(|(key, _)| FILE_KEYS.contains(&key.get_ref().as_ref()));
    let Some((key, _)) = found else { return true };
    let message = format!("`{}` in {} does not go together with a query", key.get_ref(), section.title);
    let hint = "a source is a file or a query: remove the key, or make two sources of it";
    walker.found.push(Diagnostic::error(Code::MixedSource, message).at(&walker.place(key.span())).hint(hint));
    false
}

fn query(walker: &mut Walker<'_>, section: &Section<'_, '_>, dir: &Path) -> Option<QueryOrigin> {
    let database = database(walker, section, dir);
    let query = walker.required(section, "query", "\"select id, plan from accounts\"");
    Some(QueryOrigin { database: database?, query: query? })
}

fn database(walker: &mut Walker<'_>, section: &Section<'_, '_>, dir: &Path) -> Option<Located<Database>> {
    let Some(value) = section.table.get("database") else {
        walker.missing(section, "database", "\"sqlite:warehouse.db\"");
        return None;
    };
    let place = walker.place(value.span());
    let reference = match value.get_ref() {
        DeValue::String(text) if is_reference(text) => SecretRef::parse(text).map_err(|error| {
            if error.may_hold_a_secret() {
                walker.cover_texts(value);
            }
            let message = format!("`database` in {}: {error}", section.title);
            Diagnostic::error(Code::BadReference, message).hint(error.hint())
        }),
        DeValue::String(text) => match text.strip_prefix("sqlite:").filter(|path| !path.trim().is_empty()) {
            Some(path) => {
                let database = Database::Sqlite(dir.join(path));
                return walker.is_path(path, "database", &place).then(|| Located::new(database, place));
            }
            None => Err(literal(walker, section, text, value)),
        },
        _ => {
            let hint = "write \"sqlite:FILE\" or a reference like \"${env:WAREHOUSE_URL}\"".to_owned();
            walker.cover_texts(value);
            walker.wrong_type(value, "`database`", "a text in quotes", Some(hint));
            return None;
        }
    };
    match reference {
        Ok(reference) => Some(Located::new(Database::Postgres(reference.under(dir)), place)),
        Err(diagnostic) => {
            walker.found.push(diagnostic.at(&place));
            None
        }
    }
}

/// A text that is neither a file of SQLite nor a reference. It may be a URL with a password in it.
fn literal(walker: &mut Walker<'_>, section: &Section<'_, '_>, text: &str, value: &Value<'_>) -> Diagnostic {
    walker.cover_texts(value);
    let hint = "write \"sqlite:FILE\", or put the URL into a variable and refer to it: \"${env:WAREHOUSE_URL}\"";
    if text.contains("://") || text.contains('@') {
        let message = format!("`database` in {} is an address, which may hold a password", section.title);
        return Diagnostic::error(Code::LiteralSecret, message).label("not shown").hint(hint);
    }
    Diagnostic::error(Code::BadValue, format!("`database` in {} is no database", section.title)).hint(hint)
}

fn file(walker: &mut Walker<'_>, section: &Section<'_, '_>, dir: &Path) -> Option<FileOrigin> {
    let is_command = section.table.contains_key("command");
    let command = if is_command { Some(command::read(walker, section, dir)?) } else { None };
    let file = match &command {
        Some(command) => one_of_the_two(walker, section).then(|| {
            let program = command.words.first().cloned().unwrap_or_default();
            Located::new(program, section.place.clone())
        }),
        None => walker.required_path(section, "file", "\"profiles.ndjson\""),
    };
    let choices = [("profiles", Holds::Profiles), ("events", Holds::Events), ("predictions", Holds::Predictions)];
    let holds = if section.table.contains_key("holds") {
        walker.choice(section, "holds", &choices)
    } else {
        Some(Located::new(Holds::Profiles, section.place.clone()))
    };
    let format = format(walker, section, file.as_ref().filter(|_| !is_command));
    let (encoding, types) = (walker.text(section, "encoding"), types::read(walker, section));
    let percent = walker.percent(section, "bad_lines_max_percent");
    let (holds, format) = (holds?, format?);
    let is_csv = matches!(format, Format::Csv { .. });
    if holds.value == Holds::Events && is_csv {
        let message = format!("the events of {} cannot be CSV", section.title);
        walker.bad_value(&holds.place, message, "write them as NDJSON, one call a line");
        return None;
    }
    let types = types?;
    if !types.is_empty() && !is_csv {
        let message = format!("`types` in {} is for CSV, whose cells are texts", section.title);
        let hint = "remove it: JSON says itself what is a number and what is a text";
        walker.found.push(Diagnostic::error(Code::BadType, message).at(&section.place).hint(hint));
        return None;
    }
    let file = file?;
    Some(FileOrigin {
        is_pattern: !is_command && file.value.contains(['*', '?', '[']) && !dir.join(&file.value).exists(),
        file: file.map(|file| dir.join(file)),
        command,
        format,
        is_delimiter_said: section.table.contains_key("delimiter"),
        encoding: encoding.map(|encoding| encoding.value),
        types,
        holds: holds.value,
        bad_lines_max_percent: percent.map_or(BAD_LINES_MAX_PERCENT_DEFAULT, |percent| percent.value),
    })
}

/// Whether a source of a command names no file; reported where it does.
fn one_of_the_two(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> bool {
    let Some(file) = section.table.get("file") else { return true };
    let message = format!("`file` in {} does not go together with a command", section.title);
    let place = walker.place(file.span());
    let hint = "a source is a file or a command: remove the key, or make two sources of it";
    walker.found.push(Diagnostic::error(Code::MixedSource, message).at(&place).hint(hint));
    false
}

/// How it is written; what a command prints is NDJSON where nothing else is said.
fn format(walker: &mut Walker<'_>, section: &Section<'_, '_>, file: Option<&Located<String>>) -> Option<Format> {
    let delimiter = delimiter(walker, section);
    let comma = Format::Csv { delimiter: b',' };
    let format = if section.table.contains_key("format") {
        let choices = [("ndjson", Format::Ndjson), ("json", Format::Json), ("csv", comma)];
        walker.choice(section, "format", &choices)?.value
    } else if section.table.contains_key("command") {
        Format::Ndjson
    } else {
        by_extension(walker, file?)?
    };
    match (format, delimiter) {
        (Format::Csv { .. }, Some(delimiter)) => Some(Format::Csv { delimiter: delimiter.value }),
        (format, None) => Some(format),
        (_, Some(delimiter)) => {
            let message = format!("`delimiter` in {} has no meaning for ndjson", section.title);
            walker.bad_value(&delimiter.place, message, "remove it, or write `format = \"csv\"`");
            None
        }
    }
}

/// The format that the file's extension says; reported where it says nothing.
fn by_extension(walker: &mut Walker<'_>, file: &Located<String>) -> Option<Format> {
    let lower = file.value.to_ascii_lowercase();
    let packed = [".gz", ".zst"].iter().find_map(|end| lower.strip_suffix(end));
    let name = Path::new(packed.unwrap_or(&lower));
    match name.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv { delimiter: b',' }),
        "tsv" => Some(Format::Csv { delimiter: b'\t' }),
        _ => {
            let message = format!("the name of \"{}\" does not tell its format", file.value);
            let hint = "add `format = \"ndjson\"` or `format = \"csv\"`";
            walker.found.push(Diagnostic::error(Code::UnknownFormat, message).at(&file.place).hint(hint));
            None
        }
    }
}

fn delimiter(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<Located<u8>> {
    let value = section.table.get("delimiter")?;
    let text = walker.as_text(value, "`delimiter`")?;
    match text.value.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => Some(Located::new(*byte, text.place)),
        _ => {
            let hint = "write a comma, a semicolon or \"\\t\"";
            walker.bad_value(&text.place, "`delimiter` must be one character of ASCII".to_owned(), hint);
            None
        }
    }
}
