//! Runs, deliveries, receipts, refusals and what waits: the record that makes a run repeatable and explainable.
//!
//! One row a delivery, its members as a bitmap; a row a member only where it was refused or waits. A delivery's
//! intent is durable before its first byte leaves, and its outcomes, what the destination then holds and the next
//! attempts are written in one transaction.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, params};

use crate::{Error, Look, Transaction, versions};

/// A connection as the store knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub id: i64,
    /// Store revision up to which every change was looked at.
    pub revision: i64,
    /// Version of settings and mapping.
    pub settings_version: u64,
    /// What the plugin learned of account and list, as JSON text.
    pub remote: Option<String>,
    /// When the list was last found or created and the account looked at, and for which settings and plugin.
    pub opened: Option<(u64, Vec<u8>)>,
}

/// What a connection is found by.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkName {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name; empty where the connection names none.
    pub mapping: String,
}

impl LinkName {
    fn columns(&self) -> [&str; 3] {
        [&self.audience, &self.destination, &self.mapping]
    }
}

/// What plugins learned, by audience and destination.
pub type Remotes = BTreeMap<(String, String), String>;

/// A delivery about to be sent.
#[derive(Debug, Clone)]
pub struct Intent<'a> {
    /// The run.
    pub run: i64,
    /// The connection.
    pub link: i64,
    /// The operation.
    pub operation: &'a str,
    /// `prepared` or `subset`.
    pub label: &'static str,
    /// The same for every repetition.
    pub request_key: &'a str,
    /// Dense ids.
    pub members: &'a RoaringBitmap,
    /// From 1.
    pub attempt: u32,
    /// Digest of the plugin's file.
    pub plugin_digest: &'a [u8],
    /// Settings version.
    pub version: u64,
    /// Now.
    pub at_ms: u64,
}

/// A request that left, or was refused at egress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// `prepared`, `subset`, `derived`, `probe` or `open`.
    pub label: &'static str,
    /// The manifest's kind, for derived ones.
    pub kind: Option<String>,
    /// Digest of the request with its slots unfilled.
    pub digest: [u8; 32],
    /// Status of the answer.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// The beginning of an answer that is no success, masked.
    pub answer: Option<String>,
    /// Whether anything of it may have left.
    pub left: bool,
    /// When.
    pub at_ms: u64,
}

/// A member that cannot be delivered, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionRow {
    /// Dense id.
    pub profile: u32,
    /// snake_case.
    pub code: String,
    /// The field at fault.
    pub field: Option<String>,
    /// One sentence.
    pub reason: String,
    /// `plugin`, `destination` or `host`.
    pub source: &'static str,
    /// What was refused.
    pub change: &'static str,
    /// Keyed hash of what was refused, so that it is tried again only when it changes.
    pub hash: Option<[u8; 16]>,
}

/// A member that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRow {
    /// Dense id.
    pub profile: u32,
    /// `deferred`, `accepted` or `unknown`.
    pub state: String,
    /// Not before this moment.
    pub due_ms: u64,
    /// Attempts so far.
    pub attempts: u32,
    /// When the first attempt was.
    pub first_ms: u64,
    /// The job it waits for.
    pub ticket: Option<i64>,
    /// Why.
    pub reason: Option<String>,
    /// For a job: the change that was accepted.
    pub change: Option<&'static str>,
    /// For a job: keyed hash of what the destination has once the job is done.
    pub hash: Option<[u8; 16]>,
}

pub(super) fn set_bytes(members: &RoaringBitmap) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(members.serialized_size());
    members.serialize_into(&mut bytes).map_err(|_| Error::Broken("a set of members cannot be written"))?;
    Ok(bytes)
}

/// A set of dense ids as the store keeps it.
///
/// # Errors
/// When the bytes are no such set.
pub fn members(bytes: &[u8]) -> Result<RoaringBitmap, Error> {
    RoaringBitmap::deserialize_from(bytes).map_err(|_| Error::Broken("a set of members cannot be read"))
}

/// Finds a connection, if it was ever run.
///
/// # Errors
/// When the store cannot be read.
pub fn find_link(from: &impl Look, name: &LinkName) -> Result<Option<Link>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(
        "SELECT id, revision, settings_version, remote, opened_ms, opened_for FROM connection
         WHERE audience = ?1 AND destination = ?2 AND mapping = ?3",
    )?;
    let found = statement.query_row(name.columns(), |row| {
        Ok(Link {
            id: row.get(0)?,
            revision: row.get(1)?,
            settings_version: row.get::<_, i64>(2)?.cast_unsigned(),
            remote: row.get::<_, Option<Vec<u8>>>(3)?.and_then(|bytes| String::from_utf8(bytes).ok()),
            opened: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned).zip(row.get(5)?),
        })
    });
    Ok(found.optional()?)
}

/// Finds a connection or makes one, and puts the version of its settings with `settings_digest` in force.
///
/// # Errors
/// When the store cannot be written.
pub fn link(tx: &Transaction<'_>, name: &LinkName, settings_digest: &[u8]) -> Result<Link, Error> {
    let connection = tx.connection();
    let [audience, destination, mapping] = name.columns();
    connection
        .prepare_cached(
            "INSERT INTO connection (audience, destination, mapping) VALUES (?1, ?2, ?3)
             ON CONFLICT (audience, destination, mapping) DO NOTHING",
        )?
        .execute(params![audience, destination, mapping])?;
    let vanished = || Error::Broken("a connection vanished");
    versions::put_in_force(tx, find_link(tx, name)?.ok_or_else(vanished)?.id, settings_digest)?;
    find_link(tx, name)?.ok_or_else(vanished)
}

/// Remembers what a plugin learned of account and list.
///
/// # Errors
/// When the store cannot be written.
pub fn set_remote(tx: &Transaction<'_>, link: i64, remote: &str) -> Result<(), Error> {
    let connection = tx.connection();
    connection.execute("UPDATE connection SET remote = ?2 WHERE id = ?1", params![link, remote.as_bytes()])?;
    Ok(())
}

/// Remembers that the list was found or created, when, and for which settings and plugin.
///
/// # Errors
/// When the store cannot be written.
pub fn set_opened(tx: &Transaction<'_>, link: i64, at_ms: u64, digest: &[u8]) -> Result<(), Error> {
    let connection = tx.connection();
    connection.execute(
        "UPDATE connection SET opened_ms = ?2, opened_for = ?3 WHERE id = ?1",
        params![link, at_ms.cast_signed(), digest],
    )?;
    Ok(())
}

/// Forgets that the list was found, so that the next run opens it again.
///
/// # Errors
/// When the store cannot be written.
pub fn forget_opened(tx: &Transaction<'_>, link: i64) -> Result<(), Error> {
    let connection = tx.connection();
    connection.execute("UPDATE connection SET opened_ms = NULL, opened_for = NULL WHERE id = ?1", [link])?;
    Ok(())
}

/// What plugins learned, by audience and destination.
///
/// # Errors
/// When the store cannot be read.
pub fn remotes(from: &impl Look) -> Result<Remotes, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare(
        "SELECT audience, destination, remote FROM connection
         WHERE remote IS NOT NULL AND id NOT IN (SELECT connection FROM place WHERE earlier IS NOT NULL)",
    )?;
    let rows = statement.query_map([], |row| {
        let remote: Vec<u8> = row.get(2)?;
        Ok(((row.get(0)?, row.get(1)?), String::from_utf8_lossy(&remote).into_owned()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Remembers that every change up to `revision` was looked at.
///
/// # Errors
/// When the store cannot be written.
pub fn set_revision(tx: &Transaction<'_>, link: i64, revision: i64) -> Result<(), Error> {
    let connection = tx.connection();
    let sql = "UPDATE connection SET revision = max(revision, ?2) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![link, revision])?;
    Ok(())
}

/// Begins a run and returns its number.
///
/// # Errors
/// When the store cannot be written.
pub fn begin_run(tx: &Transaction<'_>, at_ms: u64) -> Result<i64, Error> {
    let connection = tx.connection();
    connection.execute("INSERT INTO run (started_ms, state) VALUES (?1, 'running')", [at_ms.cast_signed()])?;
    Ok(connection.last_insert_rowid())
}

/// Ends a run; `summary` is its report as JSON.
///
/// # Errors
/// When the store cannot be written.
pub fn end_run(tx: &Transaction<'_>, run: i64, at_ms: u64, summary: &str) -> Result<(), Error> {
    tx.connection().execute(
        "UPDATE run SET ended_ms = ?2, state = 'done', summary = ?3 WHERE id = ?1",
        params![run, at_ms.cast_signed(), summary],
    )?;
    Ok(())
}

/// The reports of the newest runs that ended, so many at most, newest first.
///
/// # Errors
/// When the store cannot be read.
pub fn last_runs(from: &impl Look, most: u32) -> Result<Vec<String>, Error> {
    let mut statement =
        from.connection().prepare_cached("SELECT summary FROM run WHERE state = 'done' ORDER BY id DESC LIMIT ?1")?;
    let rows = statement.query_map([most], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a delivery's intent and returns its number.
///
/// # Errors
/// When the store cannot be written.
pub fn intend(tx: &Transaction<'_>, intent: &Intent<'_>) -> Result<i64, Error> {
    let connection = tx.connection();
    connection
        .prepare_cached(
            "INSERT INTO delivery (run, connection, operation, label, request_key, members, state, attempt,
               created_ms, plugin_digest, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'intent', ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            intent.run,
            intent.link,
            intent.operation,
            intent.label,
            intent.request_key,
            set_bytes(intent.members)?,
            intent.attempt,
            intent.at_ms.cast_signed(),
            intent.plugin_digest,
            intent.version.cast_signed(),
        ])?;
    Ok(connection.last_insert_rowid())
}

/// Marks a delivery as settled.
///
/// # Errors
/// When the store cannot be written.
pub fn settle(tx: &Transaction<'_>, delivery: i64, verdict: &str, at_ms: u64) -> Result<(), Error> {
    tx.connection()
        .prepare_cached("UPDATE delivery SET state = 'settled', verdict = ?2, settled_ms = ?3 WHERE id = ?1")?
        .execute(params![delivery, verdict, at_ms.cast_signed()])?;
    Ok(())
}

pub(super) const RECEIPT_OF_ORPHANS: &str = "INSERT INTO receipt (delivery, outcome, code, members, change)
     SELECT id, 'unknown', 'interrupted', members, NULL FROM delivery WHERE state = 'intent' AND connection = ?1";
pub(super) const SETTLE_ORPHANS: &str = "UPDATE delivery SET state = 'settled', verdict = 'interrupted',
     settled_ms = ?2 WHERE state = 'intent' AND connection = ?1";

/// Settles what a run that was cut off left behind: its members stay in doubt. Returns how many deliveries.
///
/// # Errors
/// When the store cannot be written.
pub fn settle_orphans(tx: &Transaction<'_>, link: i64, at_ms: u64) -> Result<usize, Error> {
    let connection = tx.connection();
    connection.prepare_cached(RECEIPT_OF_ORPHANS)?.execute([link])?;
    Ok(connection.prepare_cached(SETTLE_ORPHANS)?.execute(params![link, at_ms.cast_signed()])?)
}

/// Writes one receipt for members who share an outcome and a change.
///
/// # Errors
/// When the store cannot be written.
pub fn receipt(
    tx: &Transaction<'_>,
    delivery: i64,
    outcome: &str,
    code: Option<&str>,
    change: &str,
    members: &RoaringBitmap,
) -> Result<(), Error> {
    tx.connection()
        .prepare_cached("INSERT INTO receipt (delivery, outcome, code, members, change) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![delivery, outcome, code, set_bytes(members)?, change])?;
    Ok(())
}

/// Writes the requests of a call.
///
/// # Errors
/// When the store cannot be written.
pub fn requests(
    tx: &Transaction<'_>,
    (run, link, delivery): (i64, i64, Option<i64>),
    rows: &[RequestRow],
) -> Result<(), Error> {
    let connection = tx.connection();
    let mut statement = connection.prepare_cached(
        "INSERT INTO request (delivery, run, connection, label, kind, digest, status, failure, at_ms, answer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for row in rows {
        statement.execute(params![
            delivery,
            run,
            link,
            row.label,
            row.kind,
            row.digest.as_slice(),
            row.status,
            row.failure,
            row.at_ms.cast_signed(),
            row.answer,
        ])?;
    }
    Ok(())
}

/// Records rejections: one row for the history, one that keeps the member from being tried again unchanged.
///
/// # Errors
/// When the store cannot be written.
pub fn reject(
    tx: &Transaction<'_>,
    (run, link): (i64, i64),
    (plugin_digest, version): (&[u8], u64),
    at_ms: u64,
    rows: &[RejectionRow],
) -> Result<(), Error> {
    let connection = tx.connection();
    let mut history = connection.prepare_cached(
        "INSERT INTO rejection (run, connection, profile, code, field, reason, source, at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut standing = connection.prepare_cached(
        "INSERT OR REPLACE INTO refusal (connection, profile, hash, plugin_digest, version, code, field, reason,
           run, at_ms, change, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for row in rows {
        history.execute(params![
            run,
            link,
            row.profile,
            row.code,
            row.field,
            row.reason,
            row.source,
            at_ms.cast_signed()
        ])?;
        standing.execute(params![
            link,
            row.profile,
            row.hash.as_ref().map(<[u8; 16]>::as_slice),
            plugin_digest,
            version.cast_signed(),
            row.code,
            row.field,
            row.reason,
            run,
            at_ms.cast_signed(),
            row.change,
            row.source,
        ])?;
    }
    Ok(())
}

/// Members refused by this plugin under these settings: additions and updates, then removals.
///
/// # Errors
/// When the store cannot be read.
pub fn refused(
    from: &impl Look,
    link: i64,
    plugin_digest: &[u8],
    version: u64,
) -> Result<(RoaringBitmap, RoaringBitmap), Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(
        "SELECT profile, change IS 'removed' FROM refusal
         WHERE connection = ?1 AND plugin_digest = ?2 AND version = ?3 ORDER BY profile",
    )?;
    let mut rows = statement.query(params![link, plugin_digest, version.cast_signed()])?;
    let (mut kept, mut removals) = (RoaringBitmap::new(), RoaringBitmap::new());
    while let Some(row) = rows.next()? {
        let set = if row.get(1)? { &mut removals } else { &mut kept };
        set.insert(row.get(0)?);
    }
    Ok((kept, removals))
}

/// Takes members off the lists of refused and waiting ones.
///
/// # Errors
/// When the store cannot be written.
pub fn clear(tx: &Transaction<'_>, link: i64, profiles: &RoaringBitmap) -> Result<(), Error> {
    let connection = tx.connection();
    let mut refusal = connection.prepare_cached("DELETE FROM refusal WHERE connection = ?1 AND profile = ?2")?;
    let mut pending = connection.prepare_cached("DELETE FROM pending WHERE connection = ?1 AND profile = ?2")?;
    let empty = |table: &str| -> Result<bool, Error> {
        let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {table} WHERE connection = ?1)");
        Ok(connection.prepare_cached(&sql)?.query_row([link], |row| row.get(0))?)
    };
    let (no_refusals, no_pending) = (empty("refusal")?, empty("pending")?);
    for profile in profiles {
        if !no_refusals {
            refusal.execute(params![link, profile])?;
        }
        if !no_pending {
            pending.execute(params![link, profile])?;
        }
    }
    Ok(())
}

/// Takes members off the list of waiting ones; who is refused stays so.
///
/// # Errors
/// When the store cannot be written.
pub fn clear_waiting(tx: &Transaction<'_>, link: i64, profiles: &RoaringBitmap) -> Result<(), Error> {
    let connection = tx.connection();
    let mut pending = connection.prepare_cached("DELETE FROM pending WHERE connection = ?1 AND profile = ?2")?;
    for profile in profiles {
        pending.execute(params![link, profile])?;
    }
    Ok(())
}

/// Puts members off. The first attempt's moment is kept from an earlier row.
///
/// # Errors
/// When the store cannot be written.
pub fn put_off(tx: &Transaction<'_>, link: i64, rows: &[PendingRow]) -> Result<(), Error> {
    let connection = tx.connection();
    let mut statement = connection.prepare_cached(
        "INSERT INTO pending (connection, profile, state, due_ms, attempts, first_ms, ticket, reason, change, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (connection, profile) DO UPDATE SET state = excluded.state, due_ms = excluded.due_ms,
           attempts = pending.attempts + excluded.attempts, ticket = excluded.ticket, reason = excluded.reason,
           change = excluded.change, hash = excluded.hash",
    )?;
    for row in rows {
        statement.execute(params![
            link,
            row.profile,
            row.state,
            row.due_ms.cast_signed(),
            row.attempts,
            row.first_ms.cast_signed(),
            row.ticket,
            row.reason,
            row.change,
            row.hash.as_ref().map(<[u8; 16]>::as_slice),
        ])?;
    }
    Ok(())
}

/// Everybody who waits.
///
/// # Errors
/// When the store cannot be read.
pub fn waiting(from: &impl Look, link: i64) -> Result<Vec<PendingRow>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(
        "SELECT profile, state, due_ms, attempts, first_ms, ticket, reason FROM pending
         WHERE connection = ?1 ORDER BY profile",
    )?;
    let rows = statement.query_map([link], |row| {
        Ok(PendingRow {
            profile: row.get(0)?,
            state: row.get(1)?,
            due_ms: row.get::<_, i64>(2)?.cast_unsigned(),
            attempts: row.get(3)?,
            first_ms: row.get::<_, i64>(4)?.cast_unsigned(),
            ticket: row.get(5)?,
            reason: row.get(6)?,
            change: None,
            hash: None,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A member whose job was accepted: the change that was accepted, and the hash of what the destination will have.
pub type Accepted = (u32, String, Option<[u8; 16]>);

/// Of members whose job was accepted: the change, and the hash of what the destination will have.
///
/// # Errors
/// When the store cannot be read.
pub fn accepted(from: &impl Look, link: i64, members: &RoaringBitmap) -> Result<Vec<Accepted>, Error> {
    let connection = from.connection();
    let mut statement = connection
        .prepare_cached("SELECT coalesce(change, ''), hash FROM pending WHERE connection = ?1 AND profile = ?2")?;
    let mut found = Vec::new();
    for profile in members {
        let row = statement
            .query_row(params![link, profile], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<Vec<u8>>>(1)?)))
            .optional()?;
        if let Some((change, hash)) = row {
            found.push((profile, change, hash.and_then(|bytes| bytes.try_into().ok())));
        }
    }
    Ok(found)
}
