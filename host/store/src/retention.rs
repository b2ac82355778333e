//! Deliveries that are so old that nobody asks about them: their receipts and requests go, what destinations hold stays.
//!
//! What must never happen: that something goes that a run still needs, such as the delivery of an open job, or a refusal
//! that stands. Runs stay with their reports, which have the numbers.

use rusqlite::params;

use crate::{Error, Transaction};

/// Rows of the ledger that are dropped in one transaction, so that others get their turn.
const ROWS_MAX: i64 = 5_000;

/// Drops some of what was settled before a moment. Returns whether there may be more.
///
/// # Errors
/// When the store cannot be written.
pub fn fold(tx: &Transaction<'_>, before_ms: u64) -> Result<bool, Error> {
    let (connection, before) = (tx.connection(), before_ms.cast_signed());
    // Numbers ascend with time, so that the oldest come first and nothing is scanned that stays.
    let mut old = connection.prepare_cached(
        "SELECT id, settled_ms IS NOT NULL AND settled_ms < ?1 AND state = 'settled' FROM delivery
         WHERE id NOT IN (SELECT delivery FROM ticket WHERE delivery IS NOT NULL) ORDER BY id LIMIT ?2",
    )?;
    let rows = old.query_map(params![before, ROWS_MAX], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))?;
    let oldest: Vec<(i64, bool)> = rows.collect::<Result<_, _>>()?;
    let deliveries: Vec<i64> = oldest.iter().take_while(|(_, is_old)| *is_old).map(|(id, _)| *id).collect();
    let mut delete = [
        connection.prepare_cached("DELETE FROM receipt WHERE delivery = ?1")?,
        connection.prepare_cached("DELETE FROM request WHERE delivery = ?1")?,
        connection.prepare_cached("DELETE FROM delivery WHERE id = ?1")?,
    ];
    for id in &deliveries {
        delete.iter_mut().try_for_each(|statement| statement.execute([id]).map(drop))?;
    }
    // What belongs to no delivery: openings, jobs that were asked about, and the history of rejections.
    let rest = [
        "DELETE FROM request WHERE id IN (SELECT id FROM
           (SELECT id, at_ms, delivery FROM request ORDER BY id LIMIT ?2) WHERE at_ms < ?1 AND delivery IS NULL)",
        "DELETE FROM rejection WHERE id IN (SELECT id FROM
           (SELECT id, at_ms FROM rejection ORDER BY id LIMIT ?2) WHERE at_ms < ?1)",
    ];
    let mut gone = deliveries.len();
    for sql in rest {
        gone += connection.prepare_cached(sql)?.execute(params![before, ROWS_MAX])?;
    }
    Ok(gone > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{self, Intent, LinkName, RejectionRow};
    use crate::tests::TestStore;
    use crate::{letters, story, tickets};
    use roaring::RoaringBitmap;

    #[test]
    fn what_is_old_goes_and_what_is_needed_stays() {
        let store = TestStore::new();
        let name = LinkName { audience: "a".to_owned(), destination: "d".to_owned(), mapping: String::new() };
        let write = move |tx: &Transaction<'_>| {
            let link = ledger::link(tx, &name, b"s")?.id;
            let run = ledger::begin_run(tx, 1)?;
            let members = RoaringBitmap::from_iter([1]);
            for at_ms in [10, 20, 30, 40] {
                let intent = Intent {
                    run,
                    link,
                    operation: "add",
                    label: "prepared",
                    request_key: "k",
                    members: &members,
                    attempt: 1,
                    plugin_digest: b"p",
                    version: 1,
                    at_ms,
                };
                let delivery = ledger::intend(tx, &intent)?;
                ledger::receipt(tx, delivery, "delivered", None, "added", &members)?;
                if at_ms == 10 {
                    tickets::open(tx, link, delivery, "job", &members, 99)?;
                }
                // The last one is still on its way.
                if at_ms < 40 {
                    ledger::settle(tx, delivery, "ok", at_ms)?;
                }
            }
            let (code, reason) = (letters::GIVEN_UP.to_owned(), "down".to_owned());
            let row =
                RejectionRow { profile: 1, code, field: None, reason, source: "host", change: "added", hash: None };
            ledger::reject(tx, (run, link), (b"p", 1), 10, &[row])?;
            while fold(tx, 25)? {}
            Ok(link)
        };
        let link = store.write_blocking(write).unwrap();
        let reader = store.reader().unwrap();
        let told = story::of(&reader, 1).unwrap().remove(0);
        let left: Vec<_> = told.receipts.iter().map(|receipt| receipt.delivery).collect();
        assert_eq!(left, [4, 3, 1], "an open job's delivery stays, and so does what is newer");
        assert_eq!(letters::count(&reader, link).unwrap(), 1, "a refusal that stands is no history");
    }
}
