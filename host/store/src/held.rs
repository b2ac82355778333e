//! What each destination holds, member by member: change hash, identity and the identifiers that were sent.
//!
//! Invariant: a row exists before the first byte about its member leaves, and until a removal is confirmed. A row
//! without a hash says that it is in doubt what the destination has.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::{Error, Look, Transaction};

/// What is known of one member at one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Dense id of the profile.
    pub profile: u32,
    /// Keyed hash of what was confirmed; none while in doubt.
    pub hash: Option<[u8; 16]>,
    /// Settings version of the last request.
    pub version: u64,
    /// Keyed hash of the folded identity, where the destination folds.
    pub identity: Option<[u8; 16]>,
    /// Whether another profile with the same identity carries the person.
    pub folded: bool,
    /// Whether the member is sent again though nothing of it has changed.
    pub again: bool,
    /// The identifiers in deliveries that stand, sealed.
    pub sent: Vec<u8>,
}

fn row(row: &Row<'_>) -> rusqlite::Result<Held> {
    let fixed = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    Ok(Held {
        profile: row.get(0)?,
        hash: fixed(row.get(1)?),
        version: row.get::<_, i64>(2)?.cast_unsigned(),
        identity: fixed(row.get(3)?),
        folded: row.get(4)?,
        sent: row.get::<_, Option<Vec<u8>>>(5)?.unwrap_or_default(),
        again: row.get(6)?,
    })
}

/// Everybody the destination holds or may hold, and of those the ones in doubt: a row without a hash, or one that says
/// another profile carries the person where none does.
///
/// # Errors
/// When the store cannot be read.
pub fn sets(from: &impl Look, link: i64) -> Result<(RoaringBitmap, RoaringBitmap), Error> {
    let connection = from.connection();
    let mut held = RoaringBitmap::new();
    let mut in_doubt = RoaringBitmap::new();
    let mut statement = connection.prepare_cached(
        "SELECT profile, hash IS NULL OR (folded AND NOT EXISTS (
             SELECT 1 FROM held c INDEXED BY held_by_identity WHERE c.connection = held.connection
               AND c.identity = held.identity AND c.identity IS NOT NULL AND NOT c.folded))
         FROM held WHERE connection = ?1 ORDER BY profile",
    )?;
    let mut rows = statement.query([link])?;
    while let Some(found) = rows.next()? {
        let profile: u32 = found.get(0)?;
        held.insert(profile);
        if found.get(1)? {
            in_doubt.insert(profile);
        }
    }
    Ok((held, in_doubt))
}

/// Whether the destination holds anybody, or may.
///
/// # Errors
/// When the store cannot be read.
pub fn is_any(from: &impl Look, link: i64) -> Result<bool, Error> {
    let mut statement = from.connection().prepare_cached("SELECT EXISTS (SELECT 1 FROM held WHERE connection = ?1)")?;
    Ok(statement.query_row([link], |row| row.get(0))?)
}

/// What is known of one member.
///
/// # Errors
/// When the store cannot be read.
pub fn get(from: &impl Look, link: i64, profile: u32) -> Result<Option<Held>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(
        "SELECT profile, hash, version, identity, folded, sent, again FROM held WHERE connection = ?1 AND profile = ?2",
    )?;
    Ok(statement.query_row(params![link, profile], row).optional()?)
}

/// Other members with this identity; those who carry the person first. With `carriers_only`, nobody else.
///
/// # Errors
/// When the store cannot be read.
pub fn same_identity(
    from: &impl Look,
    link: i64,
    identity: &[u8; 16],
    profile: u32,
    carriers_only: bool,
) -> Result<Vec<u32>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(
        // The index is named because the planner would rather walk the whole connection than sort two rows.
        "SELECT profile FROM held INDEXED BY held_by_identity
         WHERE connection = ?1 AND identity = ?2 AND identity IS NOT NULL AND profile <> ?3 AND NOT (folded AND ?4)
         ORDER BY folded, profile",
    )?;
    let parameters = params![link, identity.as_slice(), profile, carriers_only];
    let rows = statement.query_map(parameters, |found| found.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes rows; give them in ascending order, which is several times faster in a large table.
///
/// # Errors
/// When the store cannot be written.
pub fn put<'a>(tx: &Transaction<'_>, link: i64, rows: impl IntoIterator<Item = &'a Held>) -> Result<(), Error> {
    let connection = tx.connection();
    let mut statement = connection.prepare_cached(
        "INSERT INTO held (connection, profile, hash, version, identity, folded, sent, again)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (connection, profile) DO UPDATE SET hash = excluded.hash, version = excluded.version,
           identity = excluded.identity, folded = excluded.folded, sent = excluded.sent,
           again = excluded.again",
    )?;
    for held in rows {
        statement.execute(params![
            link,
            held.profile,
            held.hash.as_ref().map(<[u8; 16]>::as_slice),
            held.version.cast_signed(),
            held.identity.as_ref().map(<[u8; 16]>::as_slice),
            held.folded,
            held.sent,
            held.again,
        ])?;
    }
    Ok(())
}

/// Forgets members who left.
///
/// # Errors
/// When the store cannot be written.
pub fn forget(tx: &Transaction<'_>, link: i64, profiles: impl IntoIterator<Item = u32>) -> Result<(), Error> {
    let connection = tx.connection();
    let mut statement = connection.prepare_cached("DELETE FROM held WHERE connection = ?1 AND profile = ?2")?;
    for profile in profiles {
        statement.execute(params![link, profile])?;
    }
    Ok(())
}

/// How many members were last sent under other settings than these.
///
/// # Errors
/// When the store cannot be read.
pub fn stale(from: &impl Look, link: i64, version: u64) -> Result<u64, Error> {
    let connection = from.connection();
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM held WHERE connection = ?1 AND version <> ?2")?;
    let count: i64 = statement.query_row(params![link, version.cast_signed()], |found| found.get(0))?;
    Ok(count.cast_unsigned())
}
