//! `audiences.toml`: what is sent – sources of profiles, sets of people, and which set goes where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use enroute_core::id::{AudienceKey, SourceName};

use crate::config::audiences_file::connection::{Connection, Link};
use crate::config::code::Code;
use crate::config::diagnostic::Diagnostic;
use crate::config::files::Located;
use crate::config::walker::{Section, Walker};

pub mod connection;

/// The share of a source's lines that may be unreadable where the operator says nothing, in percent.
pub const BAD_LINES_MAX_PERCENT_DEFAULT: f64 = 1.0;

/// Where profiles come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, and where `[source.<name>]` stands.
    pub name: Located<SourceName>,
    /// The file, found from the folder of `audiences.toml`.
    pub file: Located<PathBuf>,
    /// How the file is written.
    pub format: Format,
    /// The member or column that holds the profile's id.
    pub id: String,
    /// A read with a larger share of unreadable lines is given up.
    pub bad_lines_max_percent: f64,
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

/// A set of people, by a condition.
#[derive(Debug, Clone)]
pub struct Audience {
    /// Its key, and where `[audience.<key>]` stands.
    pub key: Located<AudienceKey>,
    /// What people call it.
    pub name: String,
    /// The SQL condition that a profile must meet.
    pub condition: Located<String>,
}

/// What `audiences.toml` says.
#[derive(Debug, Default)]
pub(super) struct AudiencesFile {
    pub(super) sources: BTreeMap<SourceName, Source>,
    pub(super) audiences: BTreeMap<AudienceKey, Audience>,
    pub(super) connections: Vec<Connection>,
    /// What all connections in the file refer to, also those with mistakes in them.
    pub(super) links: Vec<Link>,
    /// The keys of all audiences in the file, also of those with mistakes in them.
    pub(super) audience_keys: BTreeSet<String>,
}

/// Reads the file's tables. What has a mistake in it is reported and left out.
pub(super) fn read(walker: &mut Walker<'_>, root: &Section<'_, '_>, dir: &Path) -> AudiencesFile {
    let mut file = AudiencesFile::default();
    top_level_keys(walker, root);
    for (name, section) in walker.named(root, "source") {
        if let Some(source) = source(walker, &name, &section, dir) {
            file.sources.insert(source.name.value.clone(), source);
        }
    }
    for (key, section) in walker.named(root, "audience") {
        file.audience_keys.insert(key.value.clone());
        if let Some(audience) = audience(walker, &key, &section) {
            file.audiences.insert(audience.key.value.clone(), audience);
        }
    }
    (file.connections, file.links) = connection::read(walker, root);
    file
}

fn top_level_keys(walker: &mut Walker<'_>, root: &Section<'_, '_>) {
    for (key, value) in root.table {
        if matches!(key.get_ref().as_ref(), "plugin" | "destination") {
            let message = format!("`{}` does not belong into {}", key.get_ref(), root.title);
            let diagnostic = Diagnostic::error(Code::UnknownKey, message).at(&walker.place(key.span()));
            walker.found.push(diagnostic.hint("move it to plugins.toml"));
            walker.cover_texts(value);
        }
    }
    walker.unknown_keys_but(root, &["source", "audience", "connection"], &["plugin", "destination"]);
}

fn source(walker: &mut Walker<'_>, name: &Located<String>, section: &Section<'_, '_>, dir: &Path) -> Option<Source> {
    walker.unknown_keys(section, &["file", "format", "id", "delimiter", "bad_lines_max_percent"]);
    let source_name = walker.name::<SourceName>(name);
    let file = walker.required(section, "file", "\"profiles.ndjson\"");
    let format = format(walker, section, file.as_ref());
    let id = walker.text(section, "id").map_or_else(|| "id".to_owned(), |id| id.value);
    let percent = walker.percent(section, "bad_lines_max_percent");
    Some(Source {
        name: source_name?,
        file: file?.map(|file| dir.join(file)),
        format: format?,
        id,
        bad_lines_max_percent: percent.map_or(BAD_LINES_MAX_PERCENT_DEFAULT, |percent| percent.value),
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

fn audience(walker: &mut Walker<'_>, key: &Located<String>, section: &Section<'_, '_>) -> Option<Audience> {
    walker.unknown_keys(section, &["where", "name"]);
    let audience_key = walker.name::<AudienceKey>(key);
    let condition = walker.required(section, "where", "\"traits ->> 'plan' = 'gold'\"");
    let name = walker.text(section, "name");
    Some(Audience {
        key: audience_key?,
        name: name.map_or_else(|| key.value.clone(), |name| name.value),
        condition: condition?,
    })
}

#[cfg(test)]
mod tests;
