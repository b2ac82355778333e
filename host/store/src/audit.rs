//! Who changed or revealed what, and when.

use rusqlite::params;

use crate::{Error, Look, Transaction};

/// How long it is kept.
pub const KEPT_MS: u64 = 90 * 24 * 60 * 60 * 1000;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number; later ones are higher.
    pub id: i64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The token's name.
    pub who: String,
    /// Its role then.
    pub role: String,
    /// What was done, as a short sentence.
    pub what: String,
    /// What it was done to: never a value, and never who a person is.
    pub about: String,
    /// Where it came from: an address, or `command`.
    pub source: String,
}

/// Adds a line, and drops those that are too old.
///
/// # Errors
/// When the store cannot be written.
pub fn note(tx: &Transaction<'_>, entry: &Entry) -> Result<(), Error> {
    let sql = "insert into audit (at_ms, who, role, what, about, source) values (?1, ?2, ?3, ?4, ?5, ?6)";
    let Entry { at_ms, who, role, what, about, source, .. } = entry;
    tx.connection().prepare_cached(sql)?.execute(params![at_ms.cast_signed(), who, role, what, about, source])?;
    let oldest_ms = at_ms.saturating_sub(KEPT_MS).cast_signed();
    tx.connection().prepare_cached("delete from audit where at_ms < ?1")?.execute([oldest_ms])?;
    Ok(())
}

/// Lines before this one, the newest first.
///
/// # Errors
/// When the store cannot be read.
pub fn before(from: &impl Look, id: Option<i64>, count_max: u32) -> Result<Vec<Entry>, Error> {
    let sql = "select id, at_ms, who, role, what, about, source from audit where id < ?1 order by id desc limit ?2";
    let mut statement = from.connection().prepare_cached(sql)?;
    let rows = statement.query_map((id.unwrap_or(i64::MAX), count_max), |row| {
        Ok(Entry {
            id: row.get(0)?,
            at_ms: row.get::<_, i64>(1)?.cast_unsigned(),
            who: row.get(2)?,
            role: row.get(3)?,
            what: row.get(4)?,
            about: row.get(5)?,
            source: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestStore;

    #[test]
    fn the_log_is_read_backwards_and_forgets_what_is_old() {
        let store = TestStore::new();
        let entry = |at_ms, what: &str| Entry {
            id: 0,
            at_ms,
            who: "ann".to_owned(),
            role: "admin".to_owned(),
            what: what.to_owned(),
            about: String::new(),
            source: "command".to_owned(),
        };
        for (at_ms, what) in [(1, "one"), (2, "two"), (KEPT_MS + 2, "three")] {
            let entry = entry(at_ms, what);
            store.write_blocking(move |tx| note(tx, &entry)).unwrap();
        }
        let reader = store.reader().unwrap();
        let read = |id| before(&reader, id, 1).unwrap().pop().map(|entry| (entry.id, entry.what));
        assert_eq!(read(None), Some((3, "three".to_owned())));
        assert_eq!(read(Some(3)), Some((2, "two".to_owned())));
        assert_eq!(read(Some(2)), None, "it was too old");
    }
}
