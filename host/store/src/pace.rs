//! What outlives a run of the promises made to a destination: the paces of buckets, and the breakers that are open.
//!
//! Bounded: a row a bucket and credential that was used in the last weeks, a row a destination that fails.

use enroute_core::breaker::Part;
use enroute_core::pace::Kept;
use rusqlite::{OptionalExtension as _, params};

use crate::{Error, Look, Transaction};

/// A pace that was not written for so long says nothing any more: the longest window is a day, times 64 where even one
/// request in it was too many.
const KEPT_MS_MAX: u64 = 64 * 24 * 3_600_000;

/// A bucket for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name in the manifest.
    pub name: String,
    /// The destination that used it last.
    pub destination: String,
    /// When the next request may leave, in milliseconds since 1970.
    pub open_ms: u64,
    /// Requests in a window where that is fewer than the manifest allows, because the destination refused more.
    pub lowered_to: Option<u32>,
}

/// A breaker that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The destination that fails.
    pub destination: String,
    /// Where it stands.
    pub part: Part,
}

/// How a bucket was left, if that is known.
///
/// # Errors
/// When the store cannot be read.
pub fn kept(from: &impl Look, bucket: &[u8]) -> Result<Option<Kept>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached("SELECT kept FROM pace WHERE bucket = ?1")?;
    let text: Option<String> = statement.query_row([bucket], |row| row.get(0)).optional()?;
    // What cannot be read was written by nobody who is trusted: the pace begins anew.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Keeps how a bucket stands.
///
/// # Errors
/// When the store cannot be written.
pub fn keep(
    tx: &Transaction<'_>,
    bucket: &[u8],
    (name, destination): (&str, &str),
    (at_ms, open_ms): (u64, u64),
    kept: &Kept,
) -> Result<(), Error> {
    let text = serde_json::to_string(kept).map_err(|_| Error::Broken("a pace cannot be written as JSON"))?;
    let connection = tx.connection();
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO pace (bucket, name, destination, at_ms, open_ms, kept) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    statement.execute(params![bucket, name, destination, at_ms.cast_signed(), open_ms.cast_signed(), text])?;
    Ok(())
}

/// Forgets buckets that were not used for weeks.
///
/// # Errors
/// When the store cannot be written.
pub fn forget_old(tx: &Transaction<'_>, now_ms: u64) -> Result<(), Error> {
    let before = now_ms.saturating_sub(KEPT_MS_MAX).cast_signed();
    tx.connection().execute("DELETE FROM pace WHERE at_ms < ?1", [before])?;
    Ok(())
}

/// All buckets that are known.
///
/// # Errors
/// When the store cannot be read.
pub fn buckets(from: &impl Look) -> Result<Vec<Bucket>, Error> {
    let connection = from.connection();
    let mut statement = connection
        .prepare_cached("SELECT name, destination, open_ms, kept FROM pace ORDER BY destination, name, open_ms")?;
    let rows = statement.query_map([], |row| {
        let kept: Option<Kept> = serde_json::from_str(&row.get::<_, String>(3)?).ok();
        Ok(Bucket {
            name: row.get(0)?,
            destination: row.get(1)?,
            open_ms: row.get::<_, i64>(2)?.cast_unsigned(),
            lowered_to: kept.and_then(|kept| kept.lowered_to()),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The destinations of a credential that fail.
///
/// # Errors
/// When the store cannot be read.
pub fn breaker(from: &impl Look, credential: &[u8]) -> Result<Vec<(String, Part)>, Error> {
    let found = open_where(from, "WHERE credential = ?1", [credential])?;
    Ok(found.into_iter().map(|open| (open.destination, open.part)).collect())
}

/// All destinations that fail.
///
/// # Errors
/// When the store cannot be read.
pub fn open_breakers(from: &impl Look) -> Result<Vec<Open>, Error> {
    open_where(from, "ORDER BY destination", [])
}

fn open_where(from: &impl Look, which: &str, values: impl rusqlite::Params) -> Result<Vec<Open>, Error> {
    let connection = from.connection();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT destination, failures, opened_ms, until_ms, probes, reason FROM breaker {which}"
    ))?;
    let rows = statement.query_map(values, |row| {
        let part = Part {
            failures: row.get(1)?,
            opened_ms: Some(row.get::<_, i64>(2)?.cast_unsigned()),
            until_ms: row.get::<_, i64>(3)?.cast_unsigned(),
            probes: row.get(4)?,
            reason: row.get(5)?,
        };
        Ok(Open { destination: row.get(0)?, part })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps which destinations of a credential fail, in place of what was kept before.
///
/// # Errors
/// When the store cannot be written.
pub fn keep_breaker(tx: &Transaction<'_>, credential: &[u8], parts: &[(String, Part)]) -> Result<(), Error> {
    let connection = tx.connection();
    connection.execute("DELETE FROM breaker WHERE credential = ?1", [credential])?;
    for (destination, part) in parts {
        let Some(opened_ms) = part.opened_ms else { continue };
        connection.execute(
            "INSERT INTO breaker (credential, destination, failures, opened_ms, until_ms, probes, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                credential,
                destination,
                part.failures,
                opened_ms.cast_signed(),
                part.until_ms.cast_signed(),
                part.probes,
                part.reason
            ],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use enroute_core::pace::Pace;

    use super::*;
    use crate::Store;

    #[tokio::test]
    async fn a_pace_and_a_breaker_are_found_again_as_they_were_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut pace = Pace::new(2, 1_000);
        pace.take(10).unwrap();
        let before = pace.kept(10, 3);
        let part = |reason: &str| Part {
            failures: 5,
            opened_ms: Some(10),
            until_ms: 1_010,
            probes: 0,
            reason: reason.to_owned(),
        };
        let closed = Part { opened_ms: None, ..part("500") };
        let kept = before.clone();
        let write = move |tx: &Transaction<'_>| {
            keep(tx, b"one", ("api", "crm"), (10, 1_010), &kept)?;
            let parts = [("crm".to_owned(), part("500")), ("shop".to_owned(), closed)];
            keep_breaker(tx, b"key", &parts)
        };
        store.write_relaxed(write).await.unwrap();
        let reader = store.reader().unwrap();
        assert_eq!(super::kept(&reader, b"one").unwrap(), Some(before));
        assert_eq!(super::kept(&reader, b"two").unwrap(), None);
        let bucket = Bucket { name: "api".into(), destination: "crm".into(), open_ms: 1_010, lowered_to: None };
        assert_eq!(buckets(&reader).unwrap(), [bucket]);
        assert_eq!(breaker(&reader, b"key").unwrap(), [("crm".to_owned(), part("500"))]);
        assert_eq!(open_breakers(&reader).unwrap().len(), 1);
        let write = move |tx: &Transaction<'_>| {
            keep_breaker(tx, b"key", &[])?;
            forget_old(tx, 11 + KEPT_MS_MAX)
        };
        store.write(write).await.unwrap();
        assert!(breaker(&reader, b"key").unwrap().is_empty() && buckets(&reader).unwrap().is_empty());
    }
}
