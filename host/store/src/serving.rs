//! What a host that stays asks the store: when things had their turn, and what is due next.

use rusqlite::{OptionalExtension as _, params};

use crate::{Error, Look, Transaction};

/// A connection of which something waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// When the first of those who wait, or a job, is due, in milliseconds since 1970.
    pub first_ms: Option<u64>,
    /// Whether a delivery has an intent and no outcome: it is under way, or the process that made it died.
    pub is_in_flight: bool,
}

/// When something with a schedule last had its turn, in milliseconds since 1970.
///
/// # Errors
/// When the store cannot be read.
pub fn slot(from: &impl Look, name: &str) -> Result<Option<u64>, Error> {
    let mut statement = from.connection().prepare_cached("SELECT at_ms FROM slot WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get::<_, i64>(0)).optional()?.map(i64::cast_unsigned))
}

/// Notes that something with a schedule has its turn: belongs into the transaction that starts it.
///
/// # Errors
/// When the store cannot be written.
pub fn keep_slot(tx: &Transaction<'_>, name: &str, at_ms: u64) -> Result<(), Error> {
    let sql = "INSERT INTO slot (name, at_ms) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms";
    tx.connection().prepare_cached(sql)?.execute(params![name, at_ms.cast_signed()])?;
    Ok(())
}

/// Every connection of which something waits or is under way, its mappings together.
///
/// # Errors
/// When the store cannot be read.
pub fn due(from: &impl Look) -> Result<Vec<Due>, Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT audience, destination, min(due_ms), max(in_flight) FROM (
           SELECT audience, destination,
             (SELECT min(due_ms) FROM (
               SELECT * FROM (SELECT due_ms FROM pending
                 WHERE connection = connection.id AND state <> 'unknown' ORDER BY due_ms LIMIT 1)
               UNION ALL SELECT due_ms FROM ticket WHERE ticket.connection = connection.id)) AS due_ms,
             EXISTS (SELECT 1 FROM delivery WHERE state = 'intent' AND delivery.connection = connection.id) AS in_flight
           FROM connection)
         WHERE due_ms IS NOT NULL OR in_flight GROUP BY audience, destination",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Due {
            audience: row.get(0)?,
            destination: row.get(1)?,
            first_ms: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned),
            is_in_flight: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes back a run of which nothing came: no delivery, no receipt, nothing to tell.
///
/// # Errors
/// When the store cannot be written.
pub fn drop_run(tx: &Transaction<'_>, run: i64) -> Result<(), Error> {
    tx.connection().execute("DELETE FROM run WHERE id = ?1", [run])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::ledger::{self, LinkName};
    use crate::tests::TestStore;

    #[test]
    fn a_store_that_was_lent_is_written_to_by_both_and_has_no_new_owner_before_the_guest_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let owner = Store::open(&state).unwrap();
        assert!(matches!(Store::open(&state), Err(Error::Locked { .. })));
        let guest = Store::open_beside(&state).unwrap();
        owner.write_blocking(|tx| keep_slot(tx, "owner", 1)).unwrap();
        guest.write_blocking(|tx| keep_slot(tx, "guest", 2)).unwrap();
        owner.write_blocking(|tx| keep_slot(tx, "owner", 3)).unwrap();
        let both = |store: &Store| {
            let reader = store.reader().unwrap();
            ["owner", "guest"].map(|name| slot(&reader, name).unwrap())
        };
        assert_eq!((both(&owner), both(&guest)), ([Some(3), Some(2)], [Some(3), Some(2)]));
        drop(owner);
        assert!(matches!(Store::open(&state), Err(Error::Locked { .. })), "the guest still writes");
        drop(guest);
        assert_eq!(both(&Store::open(&state).unwrap()), [Some(3), Some(2)]);
    }

    #[test]
    fn the_last_turn_is_kept_and_the_next_moment_of_each_connection_known() {
        let store = TestStore::new();
        let name = |audience: &str| LinkName {
            audience: audience.to_owned(),
            destination: "braze".to_owned(),
            mapping: String::new(),
        };
        store
            .write_blocking(move |tx| {
                keep_slot(tx, "source/crm", 10)?;
                keep_slot(tx, "source/crm", 20)?;
                for audience in ["a", "b", "c"] {
                    ledger::link(tx, &name(audience), &[0; 32])?;
                }
                let id = |audience: &str| ledger::find_link(tx, &name(audience)).map(|link| link.unwrap().id);
                let wait = "INSERT INTO pending (connection, profile, state, due_ms) VALUES (?1, ?2, ?3, ?4)";
                for (profile, state, due_ms) in [(1, "deferred", 70), (2, "deferred", 60), (3, "unknown", 5)] {
                    tx.connection().execute(wait, params![id("a")?, profile, state, due_ms])?;
                }
                tx.connection().execute(wait, params![id("b")?, 1, "unknown", 5])?;
                let flight = "INSERT INTO delivery (connection, state) VALUES (?1, 'intent')";
                tx.connection().execute(flight, [id("c")?])?;
                Ok(())
            })
            .unwrap();
        let reader = store.reader().unwrap();
        assert_eq!((slot(&reader, "source/crm").unwrap(), slot(&reader, "other").unwrap()), (Some(20), None));
        let found = due(&reader).unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.audience.as_str(), one.first_ms, one.is_in_flight)).collect();
        assert_eq!(told, [("a", Some(60), false), ("c", None, true)]);
    }
}
