//! How large audiences were over time.

use crate::{Error, Look, Transaction};

/// A size is kept at most so often.
const EVERY_MS: u64 = 60 * 60 * 1000;
/// How long sizes are kept.
const KEPT_MS: u64 = 400 * 24 * 60 * 60 * 1000;

/// Keeps an audience's size of now, in place of the one of the same hour.
///
/// # Errors
/// When the store cannot be written.
pub fn keep(tx: &Transaction<'_>, audience: &str, members: u64, now_ms: u64) -> Result<(), Error> {
    let hour_ms = (now_ms - now_ms % EVERY_MS).cast_signed();
    let sql = "insert or replace into audience_size (audience, at_ms, members) values (?1, ?2, ?3)";
    tx.connection().prepare_cached(sql)?.execute((audience, hour_ms, members.cast_signed()))?;
    let oldest_ms = now_ms.saturating_sub(KEPT_MS).cast_signed();
    let sql = "delete from audience_size where audience = ?1 and at_ms < ?2";
    tx.connection().prepare_cached(sql)?.execute((audience, oldest_ms))?;
    Ok(())
}

/// The sizes of an audience since a moment, in milliseconds since 1970, the oldest first.
///
/// # Errors
/// When the store cannot be read.
pub fn since(from: &impl Look, audience: &str, since_ms: u64) -> Result<Vec<(u64, u64)>, Error> {
    let sql = "select at_ms, members from audience_size where audience = ?1 and at_ms >= ?2 order by at_ms";
    let mut statement = from.connection().prepare_cached(sql)?;
    let row =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()));
    Ok(statement.query_map((audience, since_ms.cast_signed()), row)?.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestStore;

    #[test]
    fn an_hour_has_one_size() {
        let store = TestStore::new();
        for (members, now_ms) in [(5, EVERY_MS), (6, EVERY_MS + 1), (7, 2 * EVERY_MS)] {
            store.write_blocking(move |tx| keep(tx, "gold", members, now_ms)).unwrap();
        }
        let found = since(&store.reader().unwrap(), "gold", 0).unwrap();
        assert_eq!(found, [(EVERY_MS, 6), (2 * EVERY_MS, 7)]);
    }
}
