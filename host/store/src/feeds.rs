//! What is kept of each source of profiles from one read to the next: whom it holds, how its columns were filled, and
//! how far its cursor came.
//!
//! Invariant: it is written in the transaction that ends a read, so that a read which broke off has left nothing here.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, Row, named_params};

use crate::ledger::{members, set_bytes};
use crate::{Error, Look, Transaction, forgotten};

/// A source of profiles when it was last read to its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Feed {
    /// Its name.
    pub source: String,
    /// A keyed hash of what is read, as hexadecimal digits.
    pub digest: String,
    /// How many rows had a value in each column. None where nobody counted.
    pub columns: BTreeMap<String, u64>,
    /// Rows of the last read of all of it.
    pub rows: u64,
    /// When it was last read to its end, in ms since 1970.
    pub read_ms: Option<i64>,
    /// When all of it was last read, in ms since 1970.
    pub full_ms: Option<i64>,
    /// The moment that the snapshot itself is of, in ms since 1970.
    pub as_of_ms: Option<i64>,
    /// The greatest value of its cursor, as the server writes it.
    pub cursor: Option<String>,
    /// The people whom it holds.
    pub members: RoaringBitmap,
}

const COLUMNS: &str = "source, digest, columns, rows, read_ms, full_ms, as_of_ms, cursor, members";

/// What is kept of a source, if it was ever read to its end. Who was forgotten is not among its people.
///
/// # Errors
///
/// If the file cannot be read.
pub fn find(from: &impl Look, source: &str) -> Result<Option<Feed>, Error> {
    let sql = format!("select {COLUMNS} from feed where source = ?1");
    let found = from.connection().prepare_cached(&sql)?.query_row([source], raw).optional()?;
    let found = found.map(feed).transpose()?;
    found.map(|found| Ok(Feed { members: &found.members - forgotten::all(from)?, ..found })).transpose()
}

/// What is kept of all sources, by name.
///
/// # Errors
///
/// If the file cannot be read.
pub fn all(from: &impl Look) -> Result<Vec<Feed>, Error> {
    let sql = format!("select {COLUMNS} from feed order by source");
    let found: Vec<_> = from.connection().prepare_cached(&sql)?.query_map((), raw)?.collect::<Result<_, _>>()?;
    found.into_iter().map(feed).collect()
}

/// The people whom sources other than this one hold.
///
/// # Errors
///
/// If the file cannot be read.
pub fn held_by_others(from: &impl Look, source: &str) -> Result<RoaringBitmap, Error> {
    let mut statement =
        from.connection().prepare_cached("select members from feed where source <> ?1 and members is not null")?;
    let mut held = RoaringBitmap::new();
    for bytes in statement.query_map([source], |row| row.get::<_, Vec<u8>>(0))? {
        held |= members(&bytes?)?;
    }
    Ok(held)
}

/// Keeps what a read left.
///
/// # Errors
///
/// If the file cannot be written.
pub fn keep(tx: &Transaction<'_>, feed: &Feed) -> Result<(), Error> {
    let mut held = feed.members.clone();
    // Numbers are given in the order of reading: most of them are a run, which takes a few bytes.
    held.optimize();
    let columns = serde_json::to_string(&feed.columns).map_err(|_| Error::Broken("columns can be written as JSON"))?;
    let sql = format!(
        "insert or replace into feed ({COLUMNS})
         values (:source, :digest, :columns, :rows, :read_ms, :full_ms, :as_of_ms, :cursor, :members)"
    );
    tx.connection().prepare_cached(&sql)?.execute(named_params! {
        ":source": feed.source, ":digest": feed.digest, ":columns": columns,
        ":rows": i64::try_from(feed.rows).unwrap_or(i64::MAX), ":read_ms": feed.read_ms, ":full_ms": feed.full_ms,
        ":as_of_ms": feed.as_of_ms, ":cursor": feed.cursor, ":members": set_bytes(&held)?,
    })?;
    Ok(())
}

/// Notes that a source holds more people than was known.
///
/// # Errors
///
/// If the file cannot be written.
pub fn holds_too(tx: &Transaction<'_>, source: &str, people: &RoaringBitmap) -> Result<(), Error> {
    let mut feed = find(tx, source)?.unwrap_or_else(|| Feed { source: source.to_owned(), ..Feed::default() });
    if people.is_subset(&feed.members) {
        return Ok(());
    }
    feed.members |= people;
    keep(tx, &feed)
}

/// Sets a cursor to another value, or to none, so that the next read is of everything; tells whether there was one.
///
/// # Errors
///
/// If the file cannot be written.
pub fn set_cursor(tx: &Transaction<'_>, source: &str, cursor: Option<&str>) -> Result<bool, Error> {
    let sql = "update feed set cursor = ?2 where source = ?1";
    Ok(tx.connection().prepare_cached(sql)?.execute((source, cursor))? > 0)
}

type Raw = (Feed, String, Option<Vec<u8>>);

fn raw(row: &Row<'_>) -> Result<Raw, rusqlite::Error> {
    let feed = Feed {
        source: row.get("source")?,
        digest: row.get("digest")?,
        columns: BTreeMap::new(),
        rows: row.get::<_, i64>("rows")?.unsigned_abs(),
        read_ms: row.get("read_ms")?,
        full_ms: row.get("full_ms")?,
        as_of_ms: row.get("as_of_ms")?,
        cursor: row.get("cursor")?,
        members: RoaringBitmap::new(),
    };
    Ok((feed, row.get("columns")?, row.get("members")?))
}

fn feed((feed, columns, held): Raw) -> Result<Feed, Error> {
    let columns = serde_json::from_str(&columns).map_err(|_| Error::Broken("columns of a source are JSON"))?;
    Ok(Feed { columns, members: held.map_or_else(|| Ok(RoaringBitmap::new()), |bytes| members(&bytes))?, ..feed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestStore;

    #[test]
    fn what_is_kept_of_a_source_reads_back() {
        let store = TestStore::new();
        let feed = Feed {
            source: "crm".to_owned(),
            digest: "d".to_owned(),
            columns: [("email".to_owned(), 3)].into(),
            rows: 4,
            read_ms: Some(7),
            full_ms: None,
            as_of_ms: Some(6),
            cursor: Some("2026-03-02 09:15:00.123456+00".to_owned()),
            members: [1, 2, 9].into_iter().collect(),
        };
        let kept = feed.clone();
        store.write_blocking(move |tx| keep(tx, &kept)).unwrap();
        store.write_blocking(|tx| holds_too(tx, "shop", &[9, 10].into_iter().collect())).unwrap();
        let reader = store.reader().unwrap();
        assert_eq!(find(&reader, "crm").unwrap(), Some(feed));
        assert_eq!(held_by_others(&reader, "crm").unwrap().iter().collect::<Vec<_>>(), [9, 10]);
        assert_eq!(all(&reader).unwrap().len(), 2);
        assert!(store.write_blocking(|tx| set_cursor(tx, "crm", None)).unwrap());
        assert_eq!(find(&store.reader().unwrap(), "crm").unwrap().unwrap().cursor, None);
        assert!(!store.write_blocking(|tx| set_cursor(tx, "nobody", None)).unwrap());
    }
}
