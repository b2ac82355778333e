//! Versions of what decides what is sent: each is found again by its digest, so that an edit which is undone gives the
//! version of before, and nobody is sent again for it.

use rusqlite::{OptionalExtension as _, params};

use crate::{Error, Look, Transaction};

/// A version of a connection's settings and mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub number: u64,
    /// When it was first in force, in milliseconds since 1970; none for one of before versions were kept.
    pub first_ms: Option<u64>,
    /// What decides, JSON.
    pub decides: Option<String>,
    /// The connection as `audiences.toml` had it, TOML.
    pub written: Option<String>,
    /// Members who were last sent under it.
    pub held: u64,
}

/// The number of the version with this digest: the one in force, one of before, or the next.
///
/// # Errors
/// When the store cannot be read.
pub fn number(from: &impl Look, link: i64, digest: &[u8]) -> Result<u64, Error> {
    let connection = from.connection();
    let current = connection
        .prepare_cached("SELECT settings_version, settings_digest IS ?2 FROM connection WHERE id = ?1")?
        .query_row(params![link, digest], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))
        .optional()?;
    let (current, is_current) = current.unwrap_or((0, false));
    if is_current {
        return Ok(current.cast_unsigned());
    }
    let earlier: Option<i64> = connection
        .prepare_cached("SELECT version FROM settings_version WHERE connection = ?1 AND digest = ?2")?
        .query_row(params![link, digest], |row| row.get(0))
        .optional()?;
    if let Some(earlier) = earlier {
        return Ok(earlier.cast_unsigned());
    }
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(version) FROM settings_version WHERE connection = ?1")?
        .query_row([link], |row| row.get(0))?;
    Ok(last.unwrap_or(0).max(current).cast_unsigned() + 1)
}

/// Puts the version with this digest in force and returns its number.
///
/// # Errors
/// When the store cannot be written.
pub(crate) fn put_in_force(tx: &Transaction<'_>, link: i64, digest: &[u8]) -> Result<u64, Error> {
    let number = number(tx, link, digest)?;
    tx.connection()
        .prepare_cached("UPDATE connection SET settings_version = ?2, settings_digest = ?3 WHERE id = ?1")?
        .execute(params![link, number.cast_signed(), digest])?;
    tx.connection()
        .prepare_cached("INSERT OR IGNORE INTO settings_version (connection, version, digest) VALUES (?1, ?2, ?3)")?
        .execute(params![link, number.cast_signed(), digest])?;
    Ok(number)
}

/// Describes a version that is in force, so that it can be shown and brought back. The date and what decides stay as
/// they were first described; how it is written is the newest.
///
/// # Errors
/// When the store cannot be written.
pub fn describe(tx: &Transaction<'_>, link: i64, version: &Version) -> Result<(), Error> {
    tx.connection()
        .prepare_cached(
            "UPDATE settings_version SET first_ms = coalesce(first_ms, ?3), decides = coalesce(decides, ?4), written = ?5
             WHERE connection = ?1 AND version = ?2 AND (decides IS NULL OR written IS NOT ?5)",
        )?
        .execute(params![
            link,
            version.number.cast_signed(),
            version.first_ms.map(u64::cast_signed),
            version.decides,
            version.written,
        ])?;
    Ok(())
}

/// Every version of a connection, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub fn all(from: &impl Look, link: i64) -> Result<Vec<Version>, Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT version, first_ms, decides, written,
           (SELECT count(*) FROM held WHERE held.connection = ?1 AND held.version = settings_version.version)
         FROM settings_version WHERE connection = ?1 ORDER BY version",
    )?;
    let rows = statement.query_map([link], |row| {
        Ok(Version {
            number: row.get::<_, i64>(0)?.cast_unsigned(),
            first_ms: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
            decides: row.get(2)?,
            written: row.get(3)?,
            held: row.get::<_, i64>(4)?.cast_unsigned(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{self, LinkName};
    use crate::tests::TestStore;

    fn name() -> LinkName {
        LinkName { audience: "gold".to_owned(), destination: "braze".to_owned(), mapping: String::new() }
    }

    #[test]
    fn an_edit_that_is_undone_gives_the_version_of_before() {
        let store = TestStore::new();
        let bind = |digest: &'static [u8]| {
            let bound = store.write_blocking(move |tx| Ok(ledger::link(tx, &name(), digest)?.settings_version));
            bound.unwrap()
        };
        assert_eq!([b"a", b"b", b"a", b"b", b"c"].map(|digest| bind(digest)), [1, 2, 1, 2, 3]);
    }

    #[test]
    fn a_plan_knows_the_version_that_a_sync_would_give() {
        let store = TestStore::new();
        let link = store.write_blocking(|tx| ledger::link(tx, &name(), b"a")).unwrap().id;
        let reader = store.reader().unwrap();
        assert_eq!([b"a", b"b"].map(|digest| number(&reader, link, digest).unwrap()), [1, 2]);
        store.write_blocking(|tx| ledger::link(tx, &name(), b"b")).unwrap();
        assert_eq!([b"a", b"b", b"c"].map(|digest| number(&reader, link, digest).unwrap()), [1, 2, 3]);
    }

    #[test]
    fn a_version_keeps_its_first_date_and_its_newest_spelling() {
        let store = TestStore::new();
        let link = store.write_blocking(|tx| ledger::link(tx, &name(), b"a")).unwrap().id;
        for (at_ms, written) in [(1, "a"), (2, "a # better said")] {
            let (decides, written) = (Some("{}".to_owned()), Some(written.to_owned()));
            let version = Version { number: 1, first_ms: Some(at_ms), decides, written, held: 0 };
            store.write_blocking(move |tx| describe(tx, link, &version)).unwrap();
        }
        let found = all(&store.reader().unwrap(), link).unwrap();
        assert_eq!((found[0].first_ms, found[0].written.as_deref()), (Some(1), Some("a # better said")));
    }
}
