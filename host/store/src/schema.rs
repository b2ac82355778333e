//! The formats of the file, and the way from each to the next.
//!
//! A migration is one transaction: after a crash the file has the old format or the new one. A file of a
//! newer format is refused, never guessed at.

use std::path::Path;

use enroute_config::crash_point;
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use crate::Error;
use crate::seal::Sealer;

/// Marks the file as ours: `EnRt`.
const APPLICATION_ID: i64 = 0x456E_5274;

/// The statements that lead from format `i` to format `i + 1`. Published ones never change.
const MIGRATIONS: &[&str] = &[
    include_str!("v1.sql"),
    include_str!("v2.sql"),
    include_str!("v3.sql"),
    include_str!("v4.sql"),
    include_str!("v5.sql"),
    include_str!("v6.sql"),
    include_str!("v7.sql"),
    include_str!("v8.sql"),
    include_str!("v9.sql"),
];

/// Name in `meta` of the last revision that changed a profile.
pub(super) const REVISION: &str = "revision";

/// Name in `meta` of a hash that only the key of this store gives.
const KEY_CHECK: &str = "key_check";

pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Refuses a file of another program, and a newer one.
pub(super) fn check_identity(connection: &Connection, path: &Path) -> Result<(), Error> {
    let (id, found) = (pragma(connection, "application_id")?, pragma(connection, "user_version")?);
    let is_empty = connection.query_row("select count(*) = 0 from sqlite_schema", (), |row| row.get(0))?;
    if id != APPLICATION_ID && !(is_empty && id == 0 && found == 0) {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    if found > known() {
        return Err(Error::Newer { path: path.to_owned(), found, known: known() });
    }
    Ok(())
}

/// Refuses a file that must be migrated first.
pub(super) fn check_current(connection: &Connection, path: &Path) -> Result<(), Error> {
    match pragma(connection, "user_version")? {
        0 => Err(Error::Missing { path: path.to_owned() }),
        found if found < known() => Err(Error::Older { path: path.to_owned(), found }),
        _ => Ok(()),
    }
}

/// Brings the file to the newest format, one step a transaction.
pub(super) fn migrate(connection: &Connection) -> Result<(), Error> {
    let found = pragma(connection, "user_version")?;
    for (statements, version) in MIGRATIONS.iter().zip(1i64..).filter(|(_, version)| *version > found) {
        let step = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        step.execute_batch(statements)?;
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", version)?;
        crash_point!("store.migrating");
        step.commit()?;
        crash_point!("store.migrated");
    }
    Ok(())
}

/// Refuses a key that is not the one the store was made with; with `may_record` a new store takes it on.
pub(super) fn check_key(connection: &Connection, path: &Path, sealer: &Sealer, may_record: bool) -> Result<(), Error> {
    let ours = sealer.keyed_hash(KEY_CHECK, b"");
    match meta::<Vec<u8>>(connection, KEY_CHECK)? {
        Some(theirs) if theirs == ours => Ok(()),
        None if may_record => Ok(set_meta(connection, KEY_CHECK, ours.as_slice())?),
        _ => Err(Error::KeyWrong { path: path.with_file_name("store.key") }),
    }
}

/// Whether a table of ours has this name.
pub(super) fn is_table(name: &str) -> bool {
    let made = |statements: &str| statements.contains(&format!("create table {name} ("));
    MIGRATIONS.iter().any(|statements| made(statements))
}

pub(super) fn revision(connection: &Connection) -> Result<i64, rusqlite::Error> {
    Ok(meta(connection, REVISION)?.unwrap_or(0))
}

pub(super) fn meta<T: FromSql>(connection: &Connection, name: &str) -> Result<Option<T>, rusqlite::Error> {
    connection.prepare_cached("select value from meta where name = ?1")?.query_row([name], |row| row.get(0)).optional()
}

pub(super) fn set_meta(connection: &Connection, name: &str, value: impl ToSql) -> Result<(), rusqlite::Error> {
    let sql = "insert into meta (name, value) values (?1, ?2) on conflict (name) do update set value = excluded.value";
    connection.prepare_cached(sql)?.execute((name, value)).map(drop)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
