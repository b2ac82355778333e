//! `[source.NAME]`: where traits come from – a file of profiles, events or predictions, a query, or calls as they happen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use enroute_core::id::SourceName;

use crate::audiences_file::schedule;
use crate::audiences_file::source::listen::Listen;
use crate::audiences_file::source::query::QueryOrigin;
use crate::audiences_file::source::reading::Reading;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::reference::SecretRef;
use crate::schedule::Schedule;
use crate::walker::{Section, Walker};

pub mod listen;
pub mod query;
pub mod reading;

/// The share of a source's lines that may be unreadable where the operator says nothing, in percent.
pub const BAD_LINES_MAX_PERCENT_DEFAULT: f64 = 1.0;

/// Keys of a source that is a file.
const FILE_KEYS: [&str; 4] = ["file", "format", "delimiter", "bad_lines_max_percent"];

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
    /// The file, found from the folder of `audiences.toml`.
    pub file: Located<PathBuf>,
    /// How the file is written.
    pub format: Format,
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
    let reads = [&["id"], FILE_KEYS.as_slice(), &query::KEYS, &reading::KEYS, &schedule::KEYS].concat();
    walker.unknown_keys(section, &[reads.as_slice(), &listen::KEYS].concat());
    let source_name = walker.name::<SourceName>(name);
    if listen::is_wanted(walker, section) {
        let listen = listen::read(walker, section, &reads, dir);
        let (name, origin) = (source_name?, Origin::Listen(listen?));
        return Some(Source { name, id: "userId".to_owned(), origin, schedule: None });
    }
    let is_query = query::KEYS.iter().any(|key| section.table.contains_key(*key));
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
    let file = walker.required_path(section, "file", "\"profiles.ndjson\"");
    let choices = [("profiles", Holds::Profiles), ("events", Holds::Events), ("predictions", Holds::Predictions)];
    let holds = if section.table.contains_key("holds") {
        walker.choice(section, "holds", &choices)
    } else {
        Some(Located::new(Holds::Profiles, section.place.clone()))
    };
    let format = format(walker, section, file.as_ref());
    let percent = walker.percent(section, "bad_lines_max_percent");
    let (holds, format) = (holds?, format?);
    let kind = reading::Kind {
        has_profiles: holds.value == Holds::Profiles,
        has_columns: matches!(format, Format::Csv { .. }),
        has_increments: false,
    };
    let reading = reading::read(walker, section, kind)?;
    if holds.value == Holds::Events && format != Format::Ndjson {
        let message = format!("the events of {} cannot be CSV", section.title);
        walker.bad_value(&holds.place, message, "write them as NDJSON, one call a line");
        return None;
    }
    Some(FileOrigin {
        file: file?.map(|file| dir.join(file)),
        format,
        holds: holds.value,
        bad_lines_max_percent: percent.map_or(BAD_LINES_MAX_PERCENT_DEFAULT, |percent| percent.value),
        reading,
    })
}

fn format(walker: &mut Walker<'_>, section: &Section<'_, '_>, file: Option<&Located<String>>) -> Option<Format> {
    let delimiter = delimiter(walker, section);
    let csv = if section.table.contains_key("format") {
        walker.choice(section, "format", &[("ndjson", false), ("csv", true)])?.value
    } else {
        by_extension(walker, file?)?
    };
    match (csv, delimiter) {
        (true, delimiter) => Some(Format::Csv { delimiter: delimiter.map_or(b',', |byte| byte.value) }),
        (false, None) => Some(Format::Ndjson),
        (false, Some(delimiter)) => {
            let message = format!("`delimiter` in {} has no meaning for ndjson", section.title);
            walker.bad_value(&delimiter.place, message, "remove it, or write `format = \"csv\"`");
            None
        }
    }
}

/// Whether the file's extension says that it is CSV; reported where it says nothing.
fn by_extension(walker: &mut Walker<'_>, file: &Located<String>) -> Option<bool> {
    let extension = Path::new(&file.value).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "ndjson" | "jsonl" => Some(false),
        "csv" => Some(true),
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
