//! Jobs at destinations that members wait for.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, params};

use crate::ledger::{members, set_bytes};
use crate::{Error, Look, Transaction};

/// A job at the destination that members wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRow {
    /// Its number.
    pub id: i64,
    /// The run whose delivery was accepted.
    pub run: i64,
    /// The plugin's words.
    pub token: String,
    /// Key of the delivery.
    pub request_key: String,
    /// Dense ids.
    pub members: RoaringBitmap,
    /// Not to be asked before.
    pub due_ms: u64,
    /// The operation that was accepted.
    pub operation: String,
}

/// Remembers a job and returns its number.
///
/// # Errors
/// When the store cannot be written.
pub fn open(
    tx: &Transaction<'_>,
    link: i64,
    delivery: i64,
    token: &str,
    waiting: &RoaringBitmap,
    due_ms: u64,
) -> Result<i64, Error> {
    let connection = tx.connection();
    connection
        .prepare_cached(
            "INSERT INTO ticket (connection, delivery, token, request_key, members, due_ms, attempts, first_ms)
             SELECT ?1, ?2, ?3, request_key, ?4, ?5, 0, ?5 FROM delivery WHERE id = ?2",
        )?
        .execute(params![link, delivery, token, set_bytes(waiting)?, due_ms.cast_signed()])?;
    Ok(connection.last_insert_rowid())
}

pub(super) const ALL: &str = "SELECT ticket.id, delivery.run, token, ticket.request_key, ticket.members, due_ms,
     delivery.operation
     FROM ticket JOIN delivery ON delivery.id = ticket.delivery WHERE ticket.connection = ?1 ORDER BY ticket.id";

/// All open jobs of a connection.
///
/// # Errors
/// When the store cannot be read.
pub fn all(from: &impl Look, link: i64) -> Result<Vec<TicketRow>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(ALL)?;
    let rows = statement.query_map([link], |row| {
        let set: Vec<u8> = row.get(4)?;
        Ok((
            set,
            TicketRow {
                id: row.get(0)?,
                run: row.get(1)?,
                token: row.get(2)?,
                request_key: row.get(3)?,
                members: RoaringBitmap::new(),
                due_ms: row.get::<_, i64>(5)?.cast_unsigned(),
                operation: row.get(6)?,
            },
        ))
    })?;
    rows.map(|row| {
        let (set, ticket) = row?;
        Ok(TicketRow { members: members(&set)?, ..ticket })
    })
    .collect()
}

/// Forgets a job whose members all have an outcome.
///
/// # Errors
/// When the store cannot be written.
pub fn close(tx: &Transaction<'_>, ticket: i64) -> Result<(), Error> {
    tx.connection().prepare_cached("DELETE FROM ticket WHERE id = ?1")?.execute([ticket])?;
    Ok(())
}

/// Asks about a job later; `next` is what the plugin said last of it: its words, and the members who still wait.
///
/// # Errors
/// When the store cannot be written.
pub fn postpone(
    tx: &Transaction<'_>,
    link: i64,
    ticket: i64,
    next: Option<(&str, &RoaringBitmap)>,
    due_ms: u64,
) -> Result<(), Error> {
    let connection = tx.connection();
    let due_ms = due_ms.cast_signed();
    let (token, waiting) = match next {
        Some((token, waiting)) => (Some(token), Some(set_bytes(waiting)?)),
        None => (None, None),
    };
    connection
        .prepare_cached(
            "UPDATE ticket SET due_ms = ?2, attempts = attempts + 1, token = coalesce(?3, token),
               members = coalesce(?4, members) WHERE id = ?1",
        )?
        .execute(params![ticket, due_ms, token, waiting])?;
    let waiting: Option<Option<Vec<u8>>> = connection
        .prepare_cached("SELECT members FROM ticket WHERE id = ?1")?
        .query_row([ticket], |row| row.get(0))
        .optional()?;
    let Some(waiting) = waiting.flatten() else { return Ok(()) };
    // Each by its number: to find them by their job, the database would look at everybody who waits.
    let mut put_off = connection.prepare_cached(PUT_OFF)?;
    for profile in members(&waiting)? {
        put_off.execute(params![link, due_ms, profile, ticket])?;
    }
    Ok(())
}

pub(super) const PUT_OFF: &str =
    "UPDATE pending SET due_ms = ?2 WHERE connection = ?1 AND profile = ?3 AND ticket = ?4";
