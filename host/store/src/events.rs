//! Calls as they happened: what a person did (`track`) and what was said of them (`identify`).
//!
//! Invariant: a message is kept once, however often it comes, so that an import can be repeated.

use std::collections::HashSet;
use std::fmt;

use rusqlite::{CachedStatement, Row};

use crate::seal::{HASH_BYTES, Sealer};
use crate::{Error, Reader, Transaction, schema};

/// A call as a source wrote it.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a> {
    /// What tells it from others, by [`message_hash`].
    pub message: &'a [u8; HASH_BYTES],
    /// The person's dense number.
    pub profile: u32,
    /// What happened; none for an identify call.
    pub name: Option<&'a str>,
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// The JSON object of its properties or traits.
    pub data: Option<&'a str>,
}

/// The keyed hash of a message's id, or of the whole line where there is none.
#[must_use]
pub fn message_hash(sealer: &Sealer, id: Result<&str, &[u8]>) -> [u8; HASH_BYTES] {
    match id {
        Ok(id) => sealer.keyed_hash("message id", id.as_bytes()),
        Err(line) => sealer.keyed_hash("message", line),
    }
}

/// The statements that write events, prepared once for many.
pub struct Events<'a> {
    add: CachedStatement<'a>,
    due: CachedStatement<'a>,
    /// The events that a computed trait looks at; all of them where that is not known.
    looked_at: Option<HashSet<String>>,
    /// Who is due already, because of these events.
    are_due: HashSet<u32>,
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events(..)")
    }
}

impl<'a> Events<'a> {
    /// Prepares to write events.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn new(transaction: &'a Transaction<'a>) -> Result<Self, Error> {
        let add = "insert into event (message, profile, name, at_ms, data) values (?1, ?2, ?3, ?4, jsonb(?5))
            on conflict (message) do nothing";
        let due = "insert or replace into refresh (profile, due_ms) values (?1, 0)";
        let prepare = |sql| transaction.connection.prepare_cached(sql);
        let looked_at: Option<String> = schema::meta(transaction.connection, schema::COUNTED)?;
        let looked_at = looked_at.map(|names| serde_json::from_str(&names));
        let looked_at = looked_at.transpose().map_err(|_| Error::Broken("the names of events are a list"))?;
        Ok(Self { add: prepare(add)?, due: prepare(due)?, looked_at, are_due: HashSet::new() })
    }

    /// Keeps a call, and has the person's traits looked at; false if it is known already.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add(&mut self, event: &NewEvent<'_>) -> Result<bool, Error> {
        let NewEvent { message, profile, name, at_ms, data } = *event;
        let is_new = self.add.execute((message, profile, name, at_ms, data))? == 1;
        // An identify call says traits; of the others, most are of no trait's concern.
        let is_looked_at = |name| self.looked_at.as_ref().is_none_or(|names| names.contains(name));
        if is_new && name.is_none_or(is_looked_at) && self.are_due.insert(profile) {
            self.due.execute([profile])?;
        }
        Ok(is_new)
    }
}

impl Reader {
    /// Everybody's id, and how many calls are kept of each, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn event_counts(&self) -> Result<Vec<(String, u64)>, Error> {
        let sql = "select key, (select count(*) from event where event.profile = profile.id) from profile order by id";
        let mut statement = self.connection().prepare_cached(sql)?;
        let count = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()));
        Ok(statement.query_map((), count)?.collect::<Result<_, _>>()?)
    }
}
