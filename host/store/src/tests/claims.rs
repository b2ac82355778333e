//! What a run asks the ledger for before it begins costs what is due, and not what the ledger holds.

use rusqlite::{Connection, StatementStatus, params_from_iter, types::Value};

use super::*;
use crate::{ledger, letters, tickets, waiting};

/// What claims due work, each with its parameters behind the number of the connection.
fn claims() -> [(&'static str, usize); 14] {
    [
        (waiting::EACH, 0),
        (waiting::EARLIEST, 0),
        (waiting::FIRST_DUE, 0),
        (waiting::LAST_DUE, 0),
        (waiting::REASONS, 0),
        (waiting::BRING_BACK, 2),
        (tickets::ALL, 0),
        (tickets::PUT_OFF, 3),
        (ledger::RECEIPT_OF_ORPHANS, 0),
        (ledger::SETTLE_ORPHANS, 1),
        (letters::IS_ANY_DEAD, 0),
        (letters::REASON_OF_DEAD, 1),
        (letters::DEAD_TOGETHER, 1),
        (letters::DEAD_ALIKE, 2),
    ]
}

/// The connection that is asked about, and one that holds most of the ledger.
const OURS: i64 = 7;
const THEIRS: i64 = 8;

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
    // What is not bound is null, which changes no plan.
    let (mut rows, mut told) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next().unwrap() {
        told.push(row.get(3).unwrap());
    }
    told
}

/// Steps of the database's machine that a statement takes, and how many rows it gives.
fn steps(connection: &Connection, sql: &str, further: usize) -> (i32, usize) {
    let mut statement = connection.prepare(sql).unwrap();
    let parameters = std::iter::once(Value::from(OURS)).chain((0..further).map(|_| Value::from(1_000_000_i64)));
    for (at, parameter) in parameters.enumerate() {
        statement.raw_bind_parameter(at + 1, parameter).unwrap();
    }
    let (mut rows, mut count) = (statement.raw_query(), 0);
    while rows.next().unwrap().is_some() {
        count += 1;
    }
    drop(rows);
    (statement.get_status(StatementStatus::VmStep), count)
}

/// Puts members of a connection off, and so many deliveries behind it.
fn fill(connection: &Connection, link: i64, count: i64) {
    let held: i64 =
        connection.query_row("select count(*) from pending where connection = ?1", [link], |row| row.get(0)).unwrap();
    for at in held..held + count {
        let row = [link, at + 1, 1_000 + at, 1, 500].map(Value::from);
        let put_off = "insert into pending (connection, profile, state, due_ms, attempts, first_ms)
                       values (?1, ?2, 'deferred', ?3, ?4, ?5)";
        connection.execute(put_off, params_from_iter(row)).unwrap();
        let delivery = "insert into delivery (run, connection, operation, request_key, state, attempt, settled_ms)
                        values (1, ?1, 'add', 'k', 'settled', 1, 5)";
        connection.execute(delivery, [link]).unwrap();
        let ticket =
            "insert into ticket (connection, delivery, token, request_key, due_ms) values (?1, ?2, 't', 'k', 5)";
        connection.execute(ticket, [link, connection.last_insert_rowid()]).unwrap();
    }
}

/// Every claim with the steps that it takes and the rows that it gives.
fn costs(store: &TestStore) -> Vec<(&'static str, (i32, usize))> {
    let cost = |tx: &Transaction<'_>| {
        Ok(claims().map(|(sql, further)| (sql, steps(tx.connection, sql, further))).into_iter().collect())
    };
    store.write_blocking(cost).unwrap()
}

#[test]
fn what_is_due_is_found_by_an_index() {
    let store = TestStore::new();
    let reader = store.reader().unwrap();
    for (sql, _) in claims() {
        let plan = plan(&reader.connection, sql);
        let is_bad = |step: &String| step.contains("SCAN") || step.contains("TEMP B-TREE");
        assert!(!plan.is_empty() && !plan.iter().any(is_bad), "{sql}: {plan:?}");
        assert!(plan[0].contains("(connection=?"), "{sql}: {plan:?}");
    }
    let scans = "select profile from pending where due_ms <= 5";
    assert!(plan(&reader.connection, scans)[0].contains("SCAN"), "one that scans is told");
}

#[test]
fn what_is_due_costs_the_same_however_much_the_ledger_holds() {
    let store = TestStore::new();
    let few = |tx: &Transaction<'_>| {
        [OURS, THEIRS].into_iter().for_each(|link| fill(tx.connection, link, 3));
        Ok(())
    };
    store.write_blocking(few).unwrap();
    let before = costs(&store);
    assert!(before.iter().all(|(sql, (steps, _))| *steps > 0 && !sql.is_empty()), "{before:?}");
    let many = |tx: &Transaction<'_>| {
        fill(tx.connection, THEIRS, 2_000);
        Ok(())
    };
    store.write_blocking(many).unwrap();
    assert_eq!(costs(&store), before, "what another connection has does not matter");
    let later = |tx: &Transaction<'_>| {
        fill_later(tx.connection);
        Ok(())
    };
    store.write_blocking(later).unwrap();
    let (after, ends) = (costs(&store), [waiting::EARLIEST, waiting::FIRST_DUE, waiting::LAST_DUE]);
    for ((sql, after), (_, before)) in after.iter().zip(&before).filter(|((sql, _), _)| ends.contains(sql)) {
        assert_eq!(after, before, "the first and the last are found without a look at those between: {sql}");
    }
}

/// Many more of ours, who wait as well.
fn fill_later(connection: &Connection) {
    for at in 10..2_000_i64 {
        let put_off = "insert into pending (connection, profile, state, due_ms, attempts, first_ms)
                       values (?1, ?2, 'deferred', 1001, 1, 500)";
        connection.execute(put_off, [OURS, at]).unwrap();
    }
}
