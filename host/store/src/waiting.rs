//! Those who wait or were refused: why, until when, and what ends it early.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, params};

use crate::ledger::clear;
use crate::{Error, Look, Transaction};

/// Those who wait for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingReason {
    /// `deferred`, `accepted` or `unknown`.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// How many.
    pub members: u64,
    /// When the last of them is due, in milliseconds since 1970.
    pub until_ms: u64,
}

/// Why those who wait do so.
///
/// # Errors
/// When the store cannot be read.
pub fn reasons(from: &impl Look, link: i64) -> Result<Vec<WaitingReason>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(
        "SELECT state, reason, count(*), max(due_ms) FROM pending WHERE connection = ?1
         GROUP BY state, reason ORDER BY count(*) DESC, state, reason",
    )?;
    let rows = statement.query_map([link], |row| {
        Ok(WaitingReason {
            state: row.get(0)?,
            reason: row.get(1)?,
            members: row.get::<_, i64>(2)?.cast_unsigned(),
            until_ms: row.get::<_, i64>(3)?.cast_unsigned(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// For what the members of a connection who wait were last tried: nothing where that was never noted.
///
/// # Errors
/// When the store cannot be read.
pub fn tried_for(from: &impl Look, link: i64) -> Result<Option<Vec<u8>>, Error> {
    let connection = from.connection();
    let found = connection.query_row("SELECT tried_for FROM connection WHERE id = ?1", [link], |row| row.get(0));
    Ok(found.optional()?.flatten())
}

/// Notes for what members are tried from now on. Where that is something else than before, all who wait are due at once
/// and as if for the first time. Returns whether it is.
///
/// # Errors
/// When the store cannot be written.
pub fn try_for(tx: &Transaction<'_>, link: i64, digest: &[u8], now_ms: u64) -> Result<bool, Error> {
    let connection = tx.connection();
    let known = tried_for(tx, link)?;
    if known.as_deref() == Some(digest) {
        return Ok(false);
    }
    connection.execute("UPDATE connection SET tried_for = ?2 WHERE id = ?1", params![link, digest])?;
    if known.is_none() {
        return Ok(false);
    }
    let now_ms = now_ms.cast_signed();
    connection.execute(
        "UPDATE pending SET due_ms = min(due_ms, ?2), attempts = 0, first_ms = ?2 WHERE connection = ?1",
        params![link, now_ms],
    )?;
    connection.execute("UPDATE ticket SET due_ms = min(due_ms, ?2) WHERE connection = ?1", params![link, now_ms])?;
    Ok(true)
}

/// Brings back what a clock that was ahead has noted: nobody waits for a moment that is further away than the longest
/// wait there is, and nothing has happened that is still to come.
///
/// # Errors
/// When the store cannot be written.
pub fn bring_back(tx: &Transaction<'_>, link: i64, now_ms: u64, longest_ms: u64) -> Result<(), Error> {
    let (now, latest) = (now_ms.cast_signed(), now_ms.saturating_add(longest_ms).cast_signed());
    let connection = tx.connection();
    connection.execute(
        "UPDATE pending SET due_ms = iif(due_ms > ?3, ?2, due_ms), first_ms = min(first_ms, ?2)
         WHERE connection = ?1 AND (due_ms > ?3 OR first_ms > ?2)",
        params![link, now, latest],
    )?;
    connection
        .execute("UPDATE ticket SET due_ms = ?2 WHERE connection = ?1 AND due_ms > ?3", params![link, now, latest])?;
    Ok(())
}

/// Members whose update was refused by another plugin or under other settings, for what it was then.
///
/// # Errors
/// When the store cannot be read.
pub fn updates_refused_before(
    from: &impl Look,
    link: i64,
    (plugin_digest, version): (&[u8], u64),
    but_for: &str,
) -> Result<RoaringBitmap, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(
        "SELECT profile FROM refusal WHERE connection = ?1 AND change = 'updated' AND code <> ?4
           AND (plugin_digest <> ?2 OR version <> ?3)",
    )?;
    let rows = statement
        .query_map(params![link, plugin_digest, version.cast_signed(), but_for], |row| row.get::<_, u32>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes those of many members off the lists of refused and waiting ones who are on them.
///
/// # Errors
/// When the store cannot be written.
pub fn clear_listed(tx: &Transaction<'_>, link: i64, profiles: &RoaringBitmap) -> Result<(), Error> {
    let connection = tx.connection();
    let mut statement = connection.prepare_cached(
        "SELECT profile FROM refusal WHERE connection = ?1
         UNION SELECT profile FROM pending WHERE connection = ?1 AND ticket IS NULL",
    )?;
    let listed: RoaringBitmap = statement.query_map([link], |row| row.get::<_, u32>(0))?.collect::<Result<_, _>>()?;
    clear(tx, link, &(listed & profiles))
}

/// When the first and the last of those who wait are due, in milliseconds since 1970.
///
/// # Errors
/// When the store cannot be read.
pub fn due(from: &impl Look, link: i64) -> Result<Option<(u64, u64)>, Error> {
    let connection = from.connection();
    let mut statement =
        connection.prepare_cached("SELECT min(due_ms), max(due_ms) FROM pending WHERE connection = ?1")?;
    let found =
        statement.query_row([link], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    Ok(found.0.zip(found.1).map(|(first, last)| (first.cast_unsigned(), last.cast_unsigned())))
}
