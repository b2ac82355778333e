use proptest::prelude::*;

use super::*;
use crate::events::{Events, NewEvent, message_hash};
use crate::profiles::{ContentHasher, PARTS, Profiles};
use crate::tests::{TestStore, line};

const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Clone)]
struct Call {
    message: String,
    key: String,
    name: Option<&'static str>,
    at_ms: i64,
    data: String,
}

fn call(message: &str, key: &str, name: Option<&'static str>, day: i64, data: &str) -> Call {
    Call { message: message.to_owned(), key: key.to_owned(), name, at_ms: day * DAY_MS, data: data.to_owned() }
}

/// Keeps the calls; returns how many were new.
fn put(store: &TestStore, calls: &[Call]) -> usize {
    let (calls, sealer) = (calls.to_vec(), store.sealer().clone());
    let empty = ContentHasher::new(&sealer).hash(&[None; PARTS.len()]);
    let write = move |tx: &Transaction<'_>| {
        let revision = tx.revision()? + 1;
        let (mut profiles, mut events) = (Profiles::new(tx)?, Events::new(tx)?);
        let mut new = 0;
        for call in &calls {
            let (profile, is_added) = profiles.number(&call.key, &empty, revision)?;
            if is_added {
                tx.set_revision(revision)?;
            }
            let message = message_hash(&sealer, Ok(&call.message));
            let data = Some(call.data.as_str());
            let event = NewEvent { message: &message, profile, name: call.name, at_ms: call.at_ms, data };
            new += usize::from(events.add(&event)?);
        }
        Ok(new)
    };
    store.write_blocking(write).unwrap()
}

/// Refreshes all that is due; returns how many were looked at and changed.
fn refresh(store: &TestStore, definitions: &[Definition], day: i64) -> (u64, u64) {
    let mut sum = (0, 0);
    loop {
        let definitions = definitions.to_vec();
        let done = store
            .write_blocking(move |tx| {
                tx.define_computed(&definitions)?;
                tx.refresh(&definitions, day * DAY_MS)
            })
            .unwrap();
        if done.looked_at == 0 {
            return sum;
        }
        sum = (sum.0 + done.looked_at, sum.1 + done.changed);
    }
}

fn define(name: &str, how: How, window_days: Option<i64>) -> Definition {
    let property = if how == How::Count { Vec::new() } else { vec!["total".to_owned()] };
    let window_ms = window_days.map(|days| days * DAY_MS);
    Definition { name: name.to_owned(), how, event: "Order".to_owned(), property, window_ms }
}

fn traits(store: &TestStore, key: &str) -> String {
    store.reader().unwrap().profile(key).unwrap().unwrap().parts[1].clone().unwrap_or_default()
}

const ORDER: Option<&str> = Some("Order");

#[test]
fn events_become_traits_beside_those_of_the_own_line() {
    let store = TestStore::with(&[line("a", r#"{"plan": "gold"}"#)]);
    let definitions = [define("orders", How::Count, None), define("spent", How::Sum, None)];
    assert_eq!(
        put(
            &store,
            &[
                call("1", "a", ORDER, 1, r#"{"total": 42.50}"#),
                call("2", "a", ORDER, 2, r#"{"total": "no"}"#),
                call("3", "b", Some("Other"), 2, "{}"),
            ]
        ),
        3
    );
    assert_eq!(refresh(&store, &definitions, 3), (2, 1));
    assert_eq!(traits(&store, "a"), r#"{"orders":2,"plan":"gold","spent":42.5}"#);
    assert_eq!(traits(&store, "b"), "", "without such an event there is no trait");
}

#[test]
fn a_message_counts_once_and_a_repeated_import_changes_no_revision() {
    let store = TestStore::new();
    let definitions = [define("orders", How::Count, None)];
    let calls = [call("1", "a", ORDER, 1, "{}"), call("1", "a", ORDER, 1, "{}"), call("2", "a", ORDER, 1, "{}")];
    assert_eq!(put(&store, &calls), 2);
    assert_eq!(refresh(&store, &definitions, 3), (1, 1));
    let before = store.reader().unwrap().revision().unwrap();
    assert_eq!(put(&store, &calls), 0);
    assert_eq!(refresh(&store, &definitions, 4), (0, 0), "nobody is due");
    assert_eq!(store.reader().unwrap().revision().unwrap(), before);
}

#[test]
fn what_leaves_its_window_is_noticed_on_that_day_and_costs_nobody_else() {
    let store = TestStore::new();
    let definitions = [define("orders_7d", How::Count, Some(7)), define("best_7d", How::Max, Some(7))];
    put(
        &store,
        &[
            call("1", "a", ORDER, 1, r#"{"total": 9}"#),
            call("2", "a", ORDER, 3, r#"{"total": 5}"#),
            call("3", "b", ORDER, 6, r#"{"total": 1}"#),
        ],
    );
    assert_eq!(refresh(&store, &definitions, 6), (2, 2));
    assert_eq!(traits(&store, "a"), r#"{"best_7d":9,"orders_7d":2}"#);
    assert_eq!(refresh(&store, &definitions, 7), (0, 0));
    assert_eq!(refresh(&store, &definitions, 8), (1, 1));
    assert_eq!(traits(&store, "a"), r#"{"best_7d":5,"orders_7d":1}"#);
    assert_eq!(refresh(&store, &definitions, 10), (1, 1));
    assert_eq!(traits(&store, "a"), r#"{"best_7d":null,"orders_7d":0}"#);
    assert_eq!(refresh(&store, &definitions, 100), (1, 1), "the other person");
    assert_eq!(refresh(&store, &definitions, 1_000), (0, 0));
}

#[test]
fn identify_calls_say_custom_traits_and_the_last_one_wins_by_its_time() {
    let store = TestStore::with(&[line("a", r#"{"plan": "free", "city": "Oslo"}"#)]);
    put(
        &store,
        &[
            call("2", "a", None, 2, r#"{"plan": "gold", "note": "", "age": 30}"#),
            call("1", "a", None, 1, r#"{"plan": "silver", "age": null, "seen": null}"#),
            call("3", "a", None, 2, r#"{"age": 31, "city": null}"#),
        ],
    );
    refresh(&store, &[], 3);
    assert_eq!(traits(&store, "a"), r#"{"age":31,"note":"","plan":"gold"}"#);
    store.put(&[line("a", r#"{"plan": "free", "city": "Bergen", "vip": true}"#)]);
    assert_eq!(traits(&store, "a"), r#"{"age":31,"note":"","plan":"gold","vip":true}"#);
}

#[test]
fn another_definition_has_everybody_looked_at_again_and_a_dropped_one_takes_the_trait_away() {
    let store = TestStore::new();
    put(&store, &[call("1", "a", ORDER, 1, r#"{"total": 2}"#), call("2", "b", ORDER, 1, r#"{"total": 3}"#)]);
    assert_eq!(refresh(&store, &[define("n", How::Count, None)], 2), (2, 2));
    assert_eq!(refresh(&store, &[define("n", How::Sum, None)], 2), (2, 2));
    assert_eq!([traits(&store, "a"), traits(&store, "b")], [r#"{"n":2}"#, r#"{"n":3}"#]);
    assert_eq!(refresh(&store, &[], 2), (2, 2));
    assert_eq!(traits(&store, "a"), "");
}

#[test]
fn a_trait_of_two_kinds_is_an_error_as_long_as_somebody_has_both() {
    let store = TestStore::with(&[line("a", r#"{"n": 1}"#)]);
    let name = |tx: &Transaction<'_>| tx.add_traits(tx.trait_source(Kind::Custom, "crm")?, &["n"]);
    store.write_blocking(name).unwrap();
    let define_n = |tx: &Transaction<'_>| tx.define_computed(&[define("n", How::Count, None)]);
    let error = store.write_blocking(define_n).unwrap_err();
    assert_eq!(
        error.to_string(),
        "trait `n` is a computed trait, and a custom trait of source `crm` as well; give one of them another name"
    );
    store.put(&[line("a", r#"{"m": 1}"#)]);
    store.write_blocking(define_n).unwrap();
    let known = store.reader().unwrap().known_traits().unwrap();
    assert_eq!(known.iter().map(|one| (one.name.as_str(), one.kind)).collect::<Vec<_>>(), [("n", Kind::Computed)]);
}

#[test]
fn an_event_that_no_trait_looks_at_has_nobody_looked_at() {
    let store = TestStore::new();
    let orders = [define("n", How::Count, None)];
    refresh(&store, &orders, 1);
    assert_eq!(put(&store, &[call("1", "a", Some("Product Viewed"), 1, "{}"), call("2", "b", ORDER, 1, "{}")]), 2);
    assert_eq!(refresh(&store, &orders, 2), (1, 1));
    let viewed = Definition { event: "Product Viewed".to_owned(), ..define("n", How::Count, None) };
    assert_eq!(refresh(&store, &[viewed], 3), (2, 2), "another definition looks at everybody with events");
    put(&store, &[call("3", "c", None, 3, r#"{"plan":"gold"}"#)]);
    assert_eq!(refresh(&store, &orders, 4).0, 3, "who was said something of is looked at in any case");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn refreshing_on_the_way_ends_where_refreshing_once_ends(
        calls in prop::collection::vec(("[a-c]", 0i64..12, 0u8..4), 0..12), days in prop::collection::vec(0i64..15, 0..4),
    ) {
        let definitions = [define("n", How::Count, Some(5)), define("spent", How::Sum, None), define("last", How::Last, Some(3))];
        let calls: Vec<Call> = calls.iter().enumerate().map(|(id, (key, day, total))| {
            call(&id.to_string(), key, ORDER, *day, &format!("{{\"total\":{total}}}"))
        }).collect();
        let (often, once) = (TestStore::new(), TestStore::new());
        let mut days = days;
        days.sort_unstable();
        let (early, late) = calls.split_at(calls.len() / 2);
        put(&often, early);
        for day in &days {
            refresh(&often, &definitions, *day);
        }
        put(&often, late);
        refresh(&often, &definitions, 20);
        put(&once, &calls);
        refresh(&once, &definitions, 20);
        for key in ["a", "b", "c"].iter().filter(|key| calls.iter().any(|call| call.key == **key)) {
            prop_assert_eq!(traits(&often, key), traits(&once, key));
        }
    }
}
