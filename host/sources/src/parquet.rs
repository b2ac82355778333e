//! Parquet files, as rows of JSON.
//!
//! The rows become lines in the state folder, one object each, and go the way of what a command prints. What a column is,
//! its schema says; the row reader alone does not tell moments with a zone from such without, or identifiers from bytes.
//! What must never happen: a digit that is lost, or half a file that is taken for the whole.

#[cfg(feature = "parquet")]
mod read;
#[cfg(feature = "parquet")]
mod shape;

#[cfg(feature = "parquet")]
pub(super) use read::to_lines;

use std::io;

/// How a Parquet file begins, and one whose footer is encrypted.
const BEGINS: [&[u8]; 2] = [b"PAR1", b"PARE"];

/// Whether a file that begins like this is one.
pub(super) fn is_one(head: &[u8]) -> bool {
    BEGINS.iter().any(|begin| head.starts_with(begin))
}

/// Why a file is not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// What is in it, and what to do.
    File { reason: String, hint: String },
    /// Its lines cannot be kept.
    Kept(io::Error),
}

impl Unread {
    fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::File { reason: reason.into(), hint: hint.into() }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Kept(error)
    }
}

/// Says that this build does not know the format.
#[cfg(not(feature = "parquet"))]
pub(super) fn to_lines(_: std::fs::File, _: &mut dyn io::Write, _: &dyn Fn() -> bool) -> Result<(), Unread> {
    Err(Unread::new(
        "it is a Parquet file, and this build of Enroute was made without the reader of them",
        "build it with `cargo build --release --features parquet`, or have a command print the file (docs/commands.md)",
    ))
}
