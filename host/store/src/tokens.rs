//! Tokens of OAuth 2.0, sealed by whoever writes them.
//!
//! A rotated refresh token is lost for good if its write is: callers wait for [`Store::write`](crate::Store)
//! before they use what came with it.

use rusqlite::{OptionalExtension as _, params};

use crate::{Error, Look, Transaction};

/// What is kept for a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRow {
    /// Keyed hash of what tokens are asked for with.
    pub credential: Vec<u8>,
    /// The destination that asked last.
    pub destination: String,
    /// Number of the token; each new one has a higher one.
    pub generation: i64,
    /// The refresh token, sealed.
    pub refresh: Option<Vec<u8>>,
    /// The access token, sealed.
    pub access: Option<Vec<u8>>,
    /// Until when the access token is used, where that is known.
    pub use_until_ms: Option<u64>,
    /// When it was written.
    pub at_ms: u64,
}

/// Finds what is kept.
///
/// # Errors
/// When the store cannot be read.
pub fn find(from: &impl Look, credential: &[u8]) -> Result<Option<TokenRow>, Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT credential, destination, generation, refresh, access, use_until_ms, at_ms FROM token
         WHERE credential = ?1",
    )?;
    let found = statement.query_row([credential], |row| {
        Ok(TokenRow {
            credential: row.get(0)?,
            destination: row.get(1)?,
            generation: row.get(2)?,
            refresh: row.get(3)?,
            access: row.get(4)?,
            use_until_ms: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
            at_ms: row.get::<_, i64>(6)?.cast_unsigned(),
        })
    });
    Ok(found.optional()?)
}

/// Keeps a row in place of the one before.
///
/// # Errors
/// When the store cannot be written.
pub fn put(tx: &Transaction<'_>, row: &TokenRow) -> Result<(), Error> {
    tx.connection().execute(
        "INSERT OR REPLACE INTO token (credential, destination, generation, refresh, access, use_until_ms, at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            row.credential,
            row.destination,
            row.generation,
            row.refresh,
            row.access,
            row.use_until_ms.map(u64::cast_signed),
            row.at_ms.cast_signed(),
        ],
    )?;
    Ok(())
}
