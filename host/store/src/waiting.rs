//! Those who wait or were refused: why, until when, and what ends it early.

use std::collections::HashMap;

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

/// Somebody who waits, as far as a run has to know before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    /// Dense id.
    pub profile: u32,
    /// When it is due, in milliseconds since 1970.
    pub due_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub first_ms: u64,
    /// Whether it waits for a job at the destination.
    pub has_job: bool,
}

pub(super) const EACH: &str = "SELECT profile, due_ms, attempts, first_ms, ticket IS NOT NULL FROM pending
     WHERE connection = ?1 ORDER BY profile";
pub(super) const EARLIEST: &str = "SELECT due_ms FROM pending INDEXED BY pending_by_due
     WHERE connection = ?1 AND state <> 'unknown' ORDER BY due_ms LIMIT 1";
pub(super) const REASONS: &str = "SELECT state, reason, due_ms FROM pending WHERE connection = ?1";

/// Calls `f` for everybody who waits, in ascending order. However many they are, one is in memory at a time.
///
/// # Errors
/// When the store cannot be read.
pub fn each(from: &impl Look, link: i64, mut f: impl FnMut(Waiter)) -> Result<(), Error> {
    let mut statement = from.connection().prepare_cached(EACH)?;
    let mut rows = statement.query([link])?;
    while let Some(row) = rows.next()? {
        f(Waiter {
            profile: row.get(0)?,
            due_ms: row.get::<_, i64>(1)?.cast_unsigned(),
            attempts: row.get(2)?,
            first_ms: row.get::<_, i64>(3)?.cast_unsigned(),
            has_job: row.get(4)?,
        });
    }
    Ok(())
}

/// When the first of those is due who wait for a moment or a job; whoever is in doubt waits for neither.
///
/// # Errors
/// When the store cannot be read.
pub fn earliest(from: &impl Look, link: i64) -> Result<Option<u64>, Error> {
    let mut statement = from.connection().prepare_cached(EARLIEST)?;
    Ok(statement.query_row([link], |row| row.get::<_, i64>(0)).optional()?.map(i64::cast_unsigned))
}

/// Why those who wait do so: what most wait for comes first.
///
/// # Errors
/// When the store cannot be read.
pub fn reasons(from: &impl Look, link: i64) -> Result<Vec<WaitingReason>, Error> {
    let mut statement = from.connection().prepare_cached(REASONS)?;
    let mut rows = statement.query([link])?;
    // Added up here: the database would sort everybody who waits for it, in a file where they are many.
    let mut found: Vec<WaitingReason> = Vec::new();
    let mut places: HashMap<(String, Option<String>), usize> = HashMap::new();
    let mut last = usize::MAX;
    while let Some(row) = rows.next()? {
        let is_text = |error| Error::from(rusqlite::Error::from(error));
        let state = row.get_ref(0)?.as_str().map_err(is_text)?;
        let reason = row.get_ref(1)?.as_str_or_null().map_err(is_text)?;
        let until_ms = row.get::<_, i64>(2)?.cast_unsigned();
        let is_last = found.get(last).is_some_and(|one| one.state == state && one.reason.as_deref() == reason);
        if !is_last {
            last = *places.entry((state.to_owned(), reason.map(str::to_owned))).or_insert_with(|| {
                let (state, reason) = (state.to_owned(), reason.map(str::to_owned));
                found.push(WaitingReason { state, reason, members: 0, until_ms: 0 });
                found.len() - 1
            });
        }
        if let Some(one) = found.get_mut(last) {
            (one.members, one.until_ms) = (one.members + 1, one.until_ms.max(until_ms));
        }
    }
    found.sort_by(|a, b| (b.members, &a.state, &a.reason).cmp(&(a.members, &b.state, &b.reason)));
    Ok(found)
}

/// For what the members of a connection who wait were last tried: nothing where that was never noted.
///
/// # Errors
/// When the store cannot be read.
pub fn tried_for(from: &impl Look, link: i64) -> Result<Option<Vec<u8>>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached("SELECT tried_for FROM connection WHERE id = ?1")?;
    Ok(statement.query_row([link], |row| row.get(0)).optional()?.flatten())
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

pub(super) const BRING_BACK: &str = "UPDATE pending SET due_ms = iif(due_ms > ?3, ?2, due_ms),
     first_ms = min(first_ms, ?2) WHERE connection = ?1 AND (due_ms > ?3 OR first_ms > ?2)";

/// Brings back what a clock that was ahead has noted: nobody waits for a moment that is further away than the longest
/// wait there is, and nothing has happened that is still to come.
///
/// # Errors
/// When the store cannot be written.
pub fn bring_back(tx: &Transaction<'_>, link: i64, now_ms: u64, longest_ms: u64) -> Result<(), Error> {
    let (now, latest) = (now_ms.cast_signed(), now_ms.saturating_add(longest_ms).cast_signed());
    let connection = tx.connection();
    for sql in [BRING_BACK, "UPDATE ticket SET due_ms = ?2 WHERE connection = ?1 AND due_ms > ?3"] {
        connection.prepare_cached(sql)?.execute(params![link, now, latest])?;
    }
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

// One at a time: asked for both at once, the database looks at everybody.
pub(super) const FIRST_DUE: &str = "SELECT min(due_ms) FROM pending WHERE connection = ?1";
pub(super) const LAST_DUE: &str = "SELECT max(due_ms) FROM pending WHERE connection = ?1";

/// When the first and the last of those who wait are due, in milliseconds since 1970.
///
/// # Errors
/// When the store cannot be read.
pub fn due(from: &impl Look, link: i64) -> Result<Option<(u64, u64)>, Error> {
    let connection = from.connection();
    let end = |sql| connection.prepare_cached(sql)?.query_row([link], |row| row.get::<_, Option<i64>>(0));
    let (first, last) = (end(FIRST_DUE)?, end(LAST_DUE)?);
    Ok(first.zip(last).map(|(first, last)| (first.cast_unsigned(), last.cast_unsigned())))
}
