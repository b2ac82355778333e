//! Where profiles come from: files of JSON lines or CSV, read as streams.
//!
//! Owns the reading and checking of files; what was read goes to `store` in transactions, each with the place
//! in the file that it came to. What must never happen: half a profile, a line that is lost without being
//! counted, a value that is rounded or guessed, a value in a message, or memory that grows with the file.

pub mod body;
pub mod calls;
mod cells;
mod chunk;
mod columns;
pub mod command;
mod csv;
mod cursor;
pub mod database;
mod decode;
mod events;
mod guards;
mod import;
mod json;
mod json_list;
mod lines;
mod look;
pub mod members;
mod mysql;
mod names;
mod parquet;
mod pg_types;
mod postgres;
pub mod predictions;
pub mod query;
mod reject;
mod rows;
pub mod sample;
mod server;
pub mod snapshot;
mod staged;
#[cfg(test)]
mod tests;
pub mod types;
mod whole;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use enroute_config::audiences_file::source::types::Kind;
use enroute_core::id::SourceName;

pub use self::cells::Decided;
pub use self::guards::Guard;
pub use self::import::Import;
pub use self::reject::{Code, ID_BYTES_MAX, JSON_DEPTH_MAX};
pub use self::server::Access;
pub use self::staged::Replaced;
pub use tokio_util::sync::CancellationToken;

pub use self::whole::{REMOVE_MAX_PERCENT, Read, Snapshot};
use enroute_store as store;
use enroute_store::imports::{Record, Rejection};
use enroute_store::seal::HASH_BYTES;

/// Longest line, or CSV record over several lines. A profile of a thousand traits has some 50 KiB.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Lines in one transaction: a commit and its `fsync` cost little beside so many, and a killed import
/// repeats no more than that.
pub const CHUNK_LINES: usize = 5_000;

/// Bytes of profiles in one transaction, whatever the number of lines. Two are in memory at a time.
pub const CHUNK_BYTES: usize = 8 << 20;

/// Share of lines that may be bad, in percent, unless the operator says otherwise.
pub const BAD_LINES_MAX_PERCENT: f64 = 1.0;

/// Lines that are read before a high share of bad ones stops the import, so that two of the first ten do not.
pub const BAD_LINES_JUDGED_AFTER: u64 = 1_000;

/// Most columns of a CSV file.
pub const CSV_COLUMNS_MAX: usize = 10_000;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// RFC 4180 with a header line.
    Csv {
        /// What separates cells.
        delimiter: u8,
    },
}

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Profiles: each line is all that a source knows of a person.
    Profiles,
    /// Calls: what a person did, or what was said of them.
    Events,
}

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The source that the file belongs to.
    pub source: SourceName,
    /// The file.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// What its lines are.
    pub holds: Holds,
    /// The key or column of the identifier `user_id`.
    pub id_key: String,
    /// Other names for columns: what one is called, and what it is to be, such as `identifiers.email`.
    pub columns: BTreeMap<String, String>,
    /// What the cells of columns are; all others are texts.
    pub types: BTreeMap<String, Kind>,
    /// Whether each object is a row whose keys are columns, and need not be a profile.
    pub has_rows: bool,
    /// What is read in place of the file: the same as plain text.
    pub body: Option<body::Body>,
    /// See [`BAD_LINES_MAX_PERCENT`].
    pub bad_lines_max_percent: f64,
    /// See [`LINE_BYTES_MAX`].
    pub line_bytes_max: usize,
    /// See [`CHUNK_LINES`].
    pub chunk_lines: usize,
}

impl Options {
    /// The usual options for a file.
    #[must_use]
    pub fn new(source: SourceName, path: PathBuf, format: Format) -> Self {
        Self {
            source,
            path,
            format,
            holds: Holds::Profiles,
            id_key: "id".to_owned(),
            columns: BTreeMap::new(),
            types: BTreeMap::new(),
            has_rows: false,
            body: None,
            bad_lines_max_percent: BAD_LINES_MAX_PERCENT,
            line_bytes_max: LINE_BYTES_MAX,
            chunk_lines: CHUNK_LINES,
        }
    }

    /// The file whose bytes are read.
    #[must_use]
    pub fn body(&self) -> &Path {
        self.body.as_ref().map_or(&self.path, body::Body::path)
    }
}

/// How far an import came. `read` is the sum of the six counts after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of the file that are dealt with.
    pub bytes: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
    /// Profiles read, rejected ones included. Blank lines and the header are none.
    pub read: u64,
    /// Profiles that were not known.
    pub added: u64,
    /// Profiles whose content is another.
    pub updated: u64,
    /// Profiles whose content is the same.
    pub unchanged: u64,
    /// Lines that are not a profile.
    pub rejected: u64,
    /// Profiles that this import wrote before; the last one stands.
    pub repeated: u64,
    /// Calls that say nothing of a known person.
    pub skipped: u64,
}

impl From<&Record> for Progress {
    fn from(record: &Record) -> Self {
        Self {
            bytes: record.offset,
            bytes_total: record.bytes,
            read: record.read,
            added: record.added,
            updated: record.updated,
            unchanged: record.unchanged,
            rejected: record.rejected,
            repeated: record.repeated,
            skipped: record.skipped,
        }
    }
}

/// An import that came to its end, or was asked to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its number in the store, by which its rejected lines are found.
    pub import: i64,
    /// The counts, those of earlier runs of this import included.
    pub progress: Progress,
    /// The offset at which an earlier run had stopped, if this one went on from there.
    pub resumed_at: Option<u64>,
    /// The last line, if it is not whole yet. It is left for the next run.
    pub incomplete: Option<Incomplete>,
    /// Whether it was asked to stop before the end; the next run goes on from there.
    pub interrupted: bool,
    /// What is not wrong with the file and worth a look.
    pub notes: Vec<String>,
}

/// The end of a file that is still being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incomplete {
    /// The number of the line.
    pub line: u64,
    /// How much of it there is.
    pub bytes: u64,
}

/// Why an import stopped.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}; what was imported before stays, and the next import goes on from there")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file is of another kind.
    #[error("{path} is {what}")]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to do.
        hint: String,
    },
    /// It is packed or written in another way, and cannot be made plain text.
    #[error("{path} cannot be read as a whole: {reason}; nothing of it was imported")]
    Body {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A command that printed nothing that can be used.
    #[error("the command `{program}` {reason}; nothing of it was imported")]
    Command {
        /// The program.
        program: String,
        /// What happened, with the last that it said.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The header of a CSV file makes no sense.
    #[error("the header of {path} cannot be used: {reason}")]
    Header {
        /// The file.
        path: PathBuf,
        /// Why, naming the column.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// Too many lines are bad.
    #[error("{rejected} of {read} lines of {path} are bad, more than {percent} %: {}; {kept} profiles were kept", List(.first))]
    TooManyBad {
        /// The file.
        path: PathBuf,
        /// How many lines were rejected.
        rejected: u64,
        /// How many were read.
        read: u64,
        /// How many percent may be bad.
        percent: f64,
        /// The first of them.
        first: Vec<Rejection>,
        /// Profiles that were added, updated or found to be the same.
        kept: u64,
        /// What to do, where the lines or the beginning of the file tell.
        hint: Option<String>,
    },
    /// A result that cannot be used.
    #[error("the result cannot be used: {reason}")]
    Result {
        /// Why.
        reason: String,
    },
    /// A read that is not believed. Nothing of it was taken over.
    #[error("it is not believed: {guard}; nothing was changed")]
    Guarded {
        /// What speaks against it.
        guard: Guard,
    },
    /// A cursor that leads nowhere.
    #[error("it cannot be read in increments: {reason}")]
    Cursor {
        /// Why.
        reason: String,
    },
    /// Columns that do not go where the operator wants them.
    #[error("its columns cannot be used: {reason}")]
    Columns {
        /// Why.
        reason: String,
    },
    /// Somebody asked it to stop.
    #[error("it was stopped before it was through; nothing of it was taken over")]
    Stopped,
    /// A database that cannot be asked.
    #[error("the database cannot be asked: {reason}")]
    Database {
        /// Why.
        reason: String,
    },
    /// The store failed. What was imported before stays.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Whether a query, or the name of its file, has to be mended; otherwise the same query may do later.
    #[must_use]
    pub const fn is_of_the_query(&self) -> bool {
        matches!(self, Self::Result { .. } | Self::Columns { .. } | Self::Store(store::Error::Warehouse { .. }))
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self, source: &str) -> String {
        match self {
            Self::Read { .. } => {
                format!("see that `file` of [source.{source}] in audiences.toml is there, and that you may read it")
            }
            Self::NotText { hint, .. }
            | Self::Header { hint, .. }
            | Self::Body { hint, .. }
            | Self::Command { hint, .. }
            | Self::TooManyBad { hint: Some(hint), .. } => hint.clone(),
            Self::TooManyBad { read, rejected, .. } if read == rejected => {
                "mend the file, or what writes it: no line of it can be read".to_owned()
            }
            Self::TooManyBad { .. } => format!(
                "mend these lines, or, if they may be missing, raise `bad_lines_max_percent` of [source.{source}]"
            ),
            Self::Guarded { .. } => format!(
                "look at what it reads; if everything is in order, take it over with `enroute import {source} --accept`"
            ),
            Self::Cursor { .. } => format!(
                "name a column of moments, dates or whole numbers as `cursor` of [source.{source}], or leave `cursor` out"
            ),
            Self::Columns { .. } => format!("mend `columns` or `query` of [source.{source}] in audiences.toml"),
            Self::Stopped => "run it again".to_owned(),
            Self::Result { .. } | Self::Database { .. } => {
                format!("mend what [source.{source}] of audiences.toml reads; nothing was written")
            }
            Self::Store(store::Error::TraitTaken { .. }) => {
                format!("rename the trait where it comes from, here or in [source.{source}]; nothing was written")
            }
            Self::Store(_) => "mend that, and run the command again; what was written before stays".to_owned(),
        }
    }
}

/// A keyed hash as text.
fn hexadecimal(hash: [u8; HASH_BYTES]) -> String {
    format!("{:032x}", u128::from_be_bytes(hash))
}

struct List<'a>(&'a [Rejection]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}line {} ({})", one.line, one.reason)?;
        }
        Ok(())
    }
}
