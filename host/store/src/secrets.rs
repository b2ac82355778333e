//! Secrets that somebody gave us to keep, sealed by whoever writes them.

use rusqlite::params;

use crate::{Error, Look, Transaction};

/// A secret that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// What references call it.
    pub name: String,
    /// Its value, sealed.
    pub sealed: Vec<u8>,
    /// When it was set, in milliseconds since 1970.
    pub at_ms: u64,
}

/// All that are kept, by name.
///
/// # Errors
/// When the store cannot be read.
pub fn all(from: &impl Look) -> Result<Vec<SecretRow>, Error> {
    let mut statement = from.connection().prepare_cached("SELECT name, sealed, at_ms FROM secret ORDER BY name")?;
    let rows = statement.query_map([], |row| {
        Ok(SecretRow { name: row.get(0)?, sealed: row.get(1)?, at_ms: row.get::<_, i64>(2)?.cast_unsigned() })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps a secret in place of the one of the same name; tells whether there was one.
///
/// # Errors
/// When the store cannot be written.
pub fn put(tx: &Transaction<'_>, row: &SecretRow) -> Result<bool, Error> {
    let had = remove(tx, &row.name)?;
    let sql = "INSERT INTO secret (name, sealed, at_ms) VALUES (?1, ?2, ?3)";
    tx.connection().execute(sql, params![row.name, row.sealed, row.at_ms.cast_signed()])?;
    Ok(had)
}

/// Keeps a secret no longer; tells whether there was one.
///
/// # Errors
/// When the store cannot be written.
pub fn remove(tx: &Transaction<'_>, name: &str) -> Result<bool, Error> {
    Ok(tx.connection().execute("DELETE FROM secret WHERE name = ?1", [name])? > 0)
}
