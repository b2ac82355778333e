//! Why a Parquet file is not read.

use std::io;

/// Why a file is not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// What is in it, and what to do.
    File {
        /// What is wrong; fits behind "cannot be read as a whole:".
        reason: String,
        /// What to do.
        hint: String,
    },
    /// Its lines cannot be kept.
    Kept(io::Error),
}

impl Unread {
    pub(super) fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::File { reason: reason.into(), hint: hint.into() }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Kept(error)
    }
}
