//! Parquet files, as rows of JSON.
//!
//! The rows become lines in the state folder, one object each, and go the way of what a command prints. What a column is,
//! its schema says; the row reader alone does not tell moments with a zone from such without, or identifiers from bytes.
//! What must never happen: a digit that is lost, or half a file that is taken for the whole.

#[cfg(feature = "parquet")]
mod read;
#[cfg(feature = "parquet")]
mod shape;
mod unread;

#[cfg(feature = "parquet")]
pub(super) use read::to_lines;

pub(super) use unread::Unread;

/// How a Parquet file begins, and one whose footer is encrypted.
const BEGINS: [&[u8]; 2] = [b"PAR1", b"PARE"];

/// Whether a file that begins like this is one.
pub(super) fn is_one(head: &[u8]) -> bool {
    BEGINS.iter().any(|begin| head.starts_with(begin))
}

/// Says that this build does not know the format.
#[cfg(not(feature = "parquet"))]
pub(super) fn to_lines(
    _: std::fs::File,
    _: &mut (dyn std::io::Write + Send),
    _: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<String>, Unread> {
    Err(Unread::new(
        "it is a Parquet file, and this build of Enroute was made without the reader of them",
        "build it with `cargo build --release --features parquet`, or have a command print the file (docs/commands.md)",
    ))
}
