//! `[source.NAME]`: where traits come from – a file of profiles, events or predictions, a query, or calls as they happen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use enroute_core::id::SourceName;

use crate::audiences_file::schedule;
use crate::audiences_file::source::command::Command;
use crate::audiences_file::source::listen::Listen;
use crate::audiences_file::source::query::QueryOrigin;
use crate::audiences_file::source::reading::Reading;
use crate::audiences_file::source::types::Types;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::reference::SecretRef;
use crate::schedule::Schedule;
use crate::walker::{Section, Walker};

pub mod command;
pub mod listen;
pub mod query;
pub mod reading;
pub mod types;

/// The share of a source's lines that may be unreadable where the operator says nothing, in percent.
pub const BAD_LINES_MAX_PERCENT_DEFAULT: f64 = 1.0;

/// Keys of a source that is a file.
const FILE_KEYS: [&str; 4] = ["file", "format", "delimiter", "bad_lines_max_percent"];
/// Keys of what is written as text, wherever that comes from.
const TEXT_KEYS: [&str; 2] = ["types", "encoding"];

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
    /// What its columns are, and how much it says.
    pub reading: Reading,
}

/// How a source's file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// One list of JSON objects.
    Json,
    /// Columns with types of their own.
    Parquet,
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
    let texts = [FILE_KEYS.as_slice(), &TEXT_KEYS, &command::KEYS].concat();
    let reads = [&["id"], texts.as_slice(), &query::KEYS, &reading::KEYS, &schedule::KEYS].concat();
    walker.unknown_keys(section, &[reads.as_slice(), &listen::KEYS].concat());
    let source_name = walker.name::<SourceName>(name);
    if listen::is_wanted(walker, section) {
        let listen = listen::read(walker, section, &reads, dir);
        let (name, origin) = (source_name?, Origin::Listen(listen?));
        return Some(Source { name, id: "userId".to_owned(), origin, schedule: None });
    }
    // A file of CSV has types of its own.
    let mut of_queries = query::KEYS.iter().filter(|key| **key != "types");
    let is_query = of_queries.any(|key| section.table.contains_key(*key));
    let (origin, id_default) = if is_query {
        let fits = do_not_mix(walker, section);
        let query = query::read(walker, section, dir);
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
    let kind = reading::Kind {
        has_profiles: holds.value == Holds::Profiles,
        has_columns: is_csv || is_command || matches!(format, Format::Json | Format::Parquet),
        has_increments: false,
    };
    let reading = reading::read(walker, section, kind)?;
    if holds.value == Holds::Events && is_csv {
        let message = format!("the events of {} cannot be CSV", section.title);
        walker.bad_value(&holds.place, message, "write them as NDJSON, one call a line");
        return None;
    }
    let types = types?;
    if !types.is_empty() && !is_csv {
        let message = format!("`types` in {} is for CSV, whose cells are texts", section.title);
        let hint = "remove it: JSON and Parquet say themselves what is a number and what is a text";
        walker.found.push(Diagnostic::error(Code::BadType, message).at(&section.place).hint(hint));
        return None;
    }
    let file = file?;
    let is_pattern = !is_command && file.value.contains(['*', '?', '[']) && !dir.join(&file.value).exists();
    if is_pattern && (reading.complete || holds.value == Holds::Predictions) {
        let what = if reading.complete { "`complete`" } else { "`holds = \"predictions\"`" };
        let message = format!("{what} in {} does not go together with a pattern", section.title);
        let hint = "name one file: each file of a pattern is read once, so none of them holds everybody";
        walker.found.push(Diagnostic::error(Code::NoSnapshot, message).at(&reading.place).hint(hint));
        return None;
    }
    Some(FileOrigin {
        is_pattern,
        file: file.map(|file| dir.join(file)),
        command,
        format,
        is_delimiter_said: section.table.contains_key("delimiter"),
        encoding: encoding.map(|encoding| encoding.value),
        types,
        holds: holds.value,
        bad_lines_max_percent: percent.map_or(BAD_LINES_MAX_PERCENT_DEFAULT, |percent| percent.value),
        reading,
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
        let choices =
            [("ndjson", Format::Ndjson), ("json", Format::Json), ("csv", comma), ("parquet", Format::Parquet)];
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
            let message = format!("`delimiter` in {} has a meaning for CSV alone", section.title);
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
        "parquet" => Some(Format::Parquet),
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
