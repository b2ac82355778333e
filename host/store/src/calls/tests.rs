use super::*;
use crate::computed::Refreshed;
use crate::tests::{TestStore, line};

/// A call in short: `track u1/a1 Order 10 {"total":5}`; `-` for what is not there.
fn call(text: &str) -> Call<'static> {
    let mut words = text.splitn(5, ' ').map(str::to_owned);
    let kind = CallKind::parse(&words.next().unwrap()).unwrap();
    let who = words.next().unwrap();
    let (user, other) = who.split_once('/').unwrap_or((&who, "-"));
    let there = |text: &str| (text != "-").then(|| Cow::Owned(text.to_owned()));
    let (user, other) = (there(user), there(other));
    let name = words.next().filter(|name| name != "-").map(Cow::Owned);
    let at_ms = words.next().map_or(0, |at| at.parse().unwrap());
    let data = words.next().map(|data| Cow::Owned(RawValue::from_string(data).unwrap()));
    let (anonymous, previous) = if kind == CallKind::Alias { (None, other) } else { (other, None) };
    let mut message = [0; HASH_BYTES];
    message.iter_mut().zip(text.bytes().rev()).for_each(|(to, from)| *to = from);
    Call { kind, user, anonymous, previous, name, at_ms, message, data }
}

fn apply_to(store: &TestStore, anonymous: bool, calls: &[&str]) -> Applied {
    let calls: Vec<_> = calls.iter().map(|text| call(text)).collect();
    let calls = pack(&calls).unwrap();
    let row = Row { id: 1, source: "app".to_owned(), anonymous, received_ms: 0, count: 1, calls };
    let sealer = store.sealer().clone();
    store.write_blocking(move |tx| tx.apply_calls(&[row], &sealer, 1000)).unwrap()
}

fn refresh(store: &TestStore) -> Refreshed {
    store.write_blocking(|tx| tx.refresh(&[], 1000)).unwrap()
}

fn traits(store: &TestStore, key: &str) -> String {
    let profile = store.reader().unwrap().profile(key).unwrap();
    profile.map_or("nobody".to_owned(), |profile| profile.parts[1].clone().unwrap_or_default())
}

fn events(store: &TestStore, key: &str) -> i64 {
    let sql = "select count(*) from event where profile = (select id from profile where key = ?1)";
    store.reader().unwrap().connection().query_row(sql, [key], |row| row.get(0)).unwrap()
}

#[track_caller]
fn fates(applied: &Applied, expect: &[(&str, &str, u64)]) {
    let found: Vec<_> =
        applied.fates.iter().map(|((_, kind, fate), count)| (kind.as_str(), fate.as_str(), *count)).collect();
    assert_eq!(found, expect);
}

#[test]
fn calls_become_what_they_were() {
    let calls = [call("track u\u{0}1/ä Order 10 {\"n\":1.50}"), call("identify -/a - -5"), call("alias u2/u1")];
    let packed = pack(&calls).unwrap();
    assert_eq!(format!("{:?}", unpack(&packed).unwrap()), format!("{calls:?}"));
    assert!(unpack(b"{}").is_err());
}

#[test]
fn people_appear_with_what_was_said_last_of_them() {
    let store = TestStore::new();
    let said = [
        r#"identify u1 - 10 {"plan":"gold","n":1.50,"gone":1}"#,
        r#"identify u1 - 30 {"gone":null,"empty":"","list":[],"object":{}}"#,
        r#"identify u1 - 20 {"plan":"trial"}"#,
        r#"track u2 Order 40 {"total":5}"#,
    ];
    let applied = apply_to(&store, false, &said);
    fates(&applied, &[("track", "kept", 1), ("identify", "kept", 3)]);
    assert_eq!(applied.touched, BTreeSet::from([1, 2]));
    assert_eq!(refresh(&store).looked_at, 2);
    assert_eq!(traits(&store, "u1"), r#"{"empty":"","list":[],"n":1.50,"object":{},"plan":"trial"}"#);
    let known = store.reader().unwrap().known_traits().unwrap();
    assert!(known.iter().any(|one| one.name == "plan" && one.source == "app"));
    // Applied twice, as after a crash between the store's commit and the inbox's.
    let again = apply_to(&store, false, &said);
    fates(&again, &[("track", "duplicate", 1), ("identify", "duplicate", 3)]);
    assert_eq!((again.touched.len(), refresh(&store).looked_at), (0, 0));
}

#[test]
fn a_visitor_joins_the_first_user_seen_with_it_and_no_other() {
    let store = TestStore::new();
    let applied = apply_to(
        &store,
        false,
        &[
            "track -/a1 Order 1",
            "identify u1/a1 - 2",
            "track -/a1 Order 3",
            "track u2/a1 Order 4",
            "track -/a1 Order 5",
        ],
    );
    fates(&applied, &[("track", "kept", 3), ("track", "anonymous", 1), ("identify", "kept", 1)]);
    assert_eq!([events(&store, "u1"), events(&store, "u2")], [3, 1]);
    assert!(applied.joined.is_empty());
}

#[test]
fn a_page_view_can_be_what_says_who_a_visitor_is() {
    let store = TestStore::new();
    let applied = apply_to(&store, false, &["page u1/a1", "page -/a2", "group u3", "track -/a1 Order 3"]);
    fates(&applied, &[("track", "kept", 1), ("page", "noted", 2), ("group", "noted", 1)]);
    assert_eq!((events(&store, "u1"), traits(&store, "u3")), (1, "nobody".to_owned()));
}

#[test]
fn a_visitor_that_is_a_profile_becomes_part_of_the_person() {
    let store = TestStore::with(&[line("u1", r#"{"plan": "gold"}"#)]);
    let applied = apply_to(&store, true, &[r#"identify -/a1 - 5 {"city":"Oslo","plan":"x"}"#, "track -/a1 Order 6"]);
    assert_eq!(applied.touched, BTreeSet::from([2]));
    refresh(&store);
    assert_eq!(traits(&store, "anonymous:a1"), r#"{"city":"Oslo","plan":"x"}"#);
    let joined = apply_to(&store, true, &["track u1/a1 Order 7"]);
    assert_eq!((joined.joined.as_slice(), &joined.touched), (&[(2, 1)][..], &BTreeSet::from([1])));
    refresh(&store);
    assert_eq!(traits(&store, "anonymous:a1"), "nobody");
    assert_eq!((events(&store, "u1"), traits(&store, "u1")), (3, r#"{"city":"Oslo","plan":"x"}"#.to_owned()));
    let profile = store.reader().unwrap().profile("u1").unwrap().unwrap();
    assert_eq!(profile.parts[0].as_deref(), Some(r#"{"anonymous_id":"a1"}"#));
    // The number of the one that is gone is nobody's, and the count of people is right.
    assert_eq!(apply_to(&store, true, &["track u9 Order 8"]).touched, BTreeSet::from([3]));
    assert_eq!(store.reader().unwrap().profile_count().unwrap(), 2);
}

#[test]
fn an_alias_leaves_a_pointer_and_never_a_chain() {
    let store =
        TestStore::with(&[line("old", r#"{"city": "Oslo", "plan": "trial"}"#), line("new", r#"{"plan": "gold"}"#)]);
    let applied = apply_to(
        &store,
        false,
        &["track old Order 1", "alias new/old", "track old Order 2", "alias newest/new", "track old Order 3"],
    );
    fates(&applied, &[("track", "kept", 3), ("alias", "kept", 2)]);
    refresh(&store);
    assert_eq!([traits(&store, "old"), traits(&store, "new")], ["nobody", "nobody"]);
    assert_eq!(
        (events(&store, "newest"), traits(&store, "newest")),
        (3, r#"{"city":"Oslo","plan":"gold"}"#.to_owned())
    );
    let odd = ["alias newest/newest", "alias old/newest", "alias newest/nobody", "alias newest/old"];
    fates(
        &apply_to(&store, false, &odd),
        &[("alias", "duplicate", 1), ("alias", "alias_loop", 2), ("alias", "alias_unknown", 1)],
    );
    assert_eq!(events(&store, "newest"), 3);
}

#[test]
fn an_alias_of_a_visitor_gives_it_to_the_person() {
    let store = TestStore::new();
    let applied = apply_to(&store, true, &["track -/a1 Order 1", "alias u1/a1", "track -/a1 Order 2", "alias u1/a1"]);
    fates(&applied, &[("track", "kept", 2), ("alias", "kept", 1), ("alias", "duplicate", 1)]);
    assert_eq!(events(&store, "u1"), 2);
}

#[test]
fn a_trait_of_another_source_is_not_said_over() {
    let store = TestStore::new();
    let own = |tx: &Transaction<'_>| {
        let source = tx.trait_source(Kind::Sql, "w")?;
        tx.own_traits(source, &["plan"])
    };
    store.write_blocking(own).unwrap();
    let applied = apply_to(&store, false, &[r#"identify u1 - 1 {"plan":"x"}"#, r#"identify u1 - 2 {"city":"Oslo"}"#]);
    fates(&applied, &[("identify", "kept", 1), ("identify", "trait_taken", 1)]);
}

#[test]
fn nobody_who_was_forgotten_comes_back_by_any_id() {
    let store = TestStore::new();
    apply_to(&store, true, &[r#"identify u0 - 1 {"email":"ann@example.com"}"#, "track u1/a1 Order 2", "alias u1/u0"]);
    refresh(&store);
    let sealer = store.sealer().clone();
    store.write_blocking(move |tx| forgotten::begin(tx, &sealer, "u1", 5)).unwrap().unwrap();
    let back = [
        "track u1 Order 3",
        "track -/a1 Order 4",
        "track u0 Order 5",
        r#"identify u7 - 6 {"email":"Ann@example.com"}"#,
    ];
    fates(&apply_to(&store, true, &back), &[("track", "forgotten", 3), ("identify", "forgotten", 1)]);
    assert_eq!(store.reader().unwrap().profile_count().unwrap(), 0);
}
