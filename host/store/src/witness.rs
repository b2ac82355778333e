//! What the file was like when it was closed, so that one that was lost is not taken for a new one.
//!
//! A store that is gone, emptied, cut off or older than it was would have everybody sent again and nobody withdrawn.
//! So its size and its counter of changes stand in a file beside it from each clean stop, and are compared at the
//! start; where anything else differs, its pages are checked.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::Error;
use crate::folder::{Folder, private};

/// Where the counter of changes stands in the header, four bytes, big-endian: the documentation of SQLite's file format.
const CHANGES_AT: usize = 24;
const HEADER_BYTES: usize = 100;

/// What is known of a closed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Witness {
    bytes: u64,
    changes: u32,
    modified_ns: u128,
    /// Bytes of the log beside it, which is mostly empty or gone by then.
    log_bytes: u64,
}

impl Witness {
    /// What the file is like now; none where nothing is in it.
    fn of(database: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(database) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let about = file.metadata()?;
        if about.len() == 0 {
            return Ok(None);
        }
        let mut header = Vec::with_capacity(HEADER_BYTES);
        file.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
        let changes = header.get(CHANGES_AT..).and_then(|from| from.first_chunk()).copied().map(u32::from_be_bytes);
        let modified_ns = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let log_bytes = fs::metadata(database.with_extension("db-wal")).map_or(0, |log| log.len());
        Ok(Some(Self { bytes: about.len(), changes: changes.unwrap_or(0), modified_ns, log_bytes }))
    }

    /// What was written at the last clean stop; none where there was none yet.
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut numbers = text.split_whitespace().map(str::parse::<u128>);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            bytes: next()?.try_into().ok()?,
            changes: next()?.try_into().ok()?,
            modified_ns: next()?,
            log_bytes: next()?.try_into().ok()?,
        })
    }

    fn text(self) -> String {
        format!("{} {} {} {}\n", self.bytes, self.changes, self.modified_ns, self.log_bytes)
    }
}

/// Compares the file with what it was when it was closed, and tells whether its pages have to be checked.
pub(super) fn compare(folder: &Folder, was_left_open: bool) -> Result<bool, Error> {
    let (now, then) = (now(folder)?, Witness::read(&folder.witness()));
    let log_is_gone = !folder.database().with_extension("db-wal").exists();
    let Some(now) = now else {
        return if was_left_open || then.is_some() { Err(lost(folder, GONE)) } else { Ok(false) };
    };
    let Some(then) = then else {
        return if was_left_open && log_is_gone { Err(lost(folder, LOG)) } else { Ok(was_left_open) };
    };
    if now.bytes < then.bytes {
        return Err(lost(folder, format!("it has {} bytes, and had {} when it was closed", now.bytes, then.bytes)));
    }
    if !was_left_open && now.changes < then.changes {
        return Err(lost(folder, "it is older than when it was closed"));
    }
    let is_the_same = Witness { log_bytes: 0, ..now } == Witness { log_bytes: 0, ..then };
    let log_had_more = if was_left_open { !is_the_same } else { is_the_same && then.log_bytes > 0 };
    if log_is_gone && log_had_more {
        return Err(lost(folder, LOG));
    }
    Ok(was_left_open || !is_the_same)
}

/// Refuses a folder whose store was there and is not any more; nothing where there never was one.
pub(super) fn refuse_lost(folder: &Folder) -> Result<(), Error> {
    let now = now(folder)?;
    if now.is_none() && Witness::read(&folder.witness()).is_some() { Err(lost(folder, GONE)) } else { Ok(()) }
}

fn now(folder: &Folder) -> Result<Option<Witness>, Error> {
    let path = folder.database();
    Witness::of(&path).map_err(Error::folder("read", &path))
}

fn lost(folder: &Folder, detail: impl Into<String>) -> Error {
    Error::Lost { path: folder.database(), dir: folder.dir().to_owned(), detail: detail.into() }
}

/// What is said of a file that is not there, or in which nothing is.
const GONE: &str = "nothing is in it any more";
/// What is said of a log that is gone.
const LOG: &str = "its log store.db-wal is gone, with what was written last";

/// Writes down what the file is like. It is whole or the old one, whatever happens meanwhile.
pub(super) fn write(folder: &Folder) -> io::Result<()> {
    let Some(now) = Witness::of(&folder.database())? else { return Ok(()) };
    let (path, unfinished) = (folder.witness(), folder.witness().with_extension("closed.new"));
    let mut file = private().write(true).create(true).truncate(true).open(&unfinished)?;
    file.write_all(now.text().as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}
