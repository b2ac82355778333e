use super::*;
use crate::Store;
use crate::held::{self, Held};
use crate::ledger::{self, RejectionRow};
use crate::tests::TestStore;

const ANN: &str = r#"{"id": "canary-ann", "identifiers": {"email": ["Canary.Ann+x@gmail.com", "shared@x.example"], "phone": "+351 910 000 001"}, "traits": {"email": "trait@canary.example", "plan": "gold"}}"#;
const BOB: &str = r#"{"id": "bob", "identifiers": {"email": "Shared@x.example"}, "traits": {"plan": "gold"}}"#;

fn store() -> (TestStore, i64) {
    let store = TestStore::with(&[BOB.to_owned(), ANN.to_owned()]);
    let name = LinkName { audience: "gold".to_owned(), destination: "braze".to_owned(), mapping: String::new() };
    let fill = move |tx: &Transaction<'_>| {
        let link = ledger::link(tx, &name, b"a")?.id;
        held::put(tx, link, &[Held { profile: 2, hash: Some([1; 16]), ..Held::default() }])?;
        let refused = RejectionRow {
            profile: 2,
            code: "invalid".to_owned(),
            field: None,
            reason: "Canary.Ann+x@gmail.com is no address".to_owned(),
            source: "destination",
            change: "removed",
            hash: None,
        };
        ledger::reject(tx, (1, link), (b"", 1), 0, &[refused])?;
        let run = ledger::begin_run(tx, 0)?;
        let report =
            r#"{"connections":[{"audience":"gold","rejections":[{"reason":"canary.ann+X@gmail.com is bad"}]}]}"#;
        ledger::end_run(tx, run, 1, report)?;
        Ok(link)
    };
    let link = store.write_blocking(fill).unwrap();
    (store, link)
}

fn forget(store: &Store, key: &'static str) -> Option<u32> {
    let sealer = store.sealer().clone();
    store.write_blocking(move |tx| begin(tx, &sealer, key, 5)).unwrap()
}

fn end(store: &Store) -> u64 {
    let sealer = store.sealer().clone();
    store.write_blocking(move |tx| finish(tx, &sealer, 9)).unwrap()
}

#[test]
fn a_person_is_being_forgotten_until_no_destination_holds_anything() {
    let (store, link) = store();
    assert_eq!(forget(&store, "canary-ann"), Some(2));
    assert_eq!(forget(&store, "canary-ann"), None);
    assert_eq!(end(&store), 0, "a destination holds the person");
    let reader = store.reader().unwrap();
    let known = being_forgotten(&reader, store.sealer()).unwrap();
    assert_eq!(known[0].key.as_deref(), Some("canary-ann"));
    assert_eq!((known[0].left.len(), known[0].ended_ms), (1, None));
    assert_eq!(ledger::refused(&reader, link, b"", 1).unwrap().1.len(), 0, "no refusal keeps the exit from going out");
    store.write_blocking(move |tx| held::forget(tx, link, [2])).unwrap();
    assert_eq!(end(&store), 1);
    let ended = with_id(&store.reader().unwrap(), store.sealer(), "canary-ann").unwrap().unwrap();
    assert_eq!((ended.asked_ms, ended.ended_ms, ended.key, ended.left), (5, Some(9), None, Vec::new()));
}

#[test]
fn nothing_of_a_forgotten_person_is_in_the_state_folder() {
    let (mut store, link) = store();
    forget(&store, "canary-ann");
    store.write_blocking(move |tx| held::forget(tx, link, [2])).unwrap();
    end(&store);
    store.close();
    for file in std::fs::read_dir(store.state()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for canary in ["canary", "910 000 001", "351910000001"] {
            assert!(!text.contains(canary), "{canary}");
        }
    }
}

#[track_caller]
fn check(line: &str, expect: bool) {
    let (store, _) = store();
    forget(&store, "canary-ann");
    let found: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
    let part = |name: &str| found.get(name).map(ToString::to_string);
    let (key, identifiers, traits) = (found["id"].as_str().unwrap().to_owned(), part("identifiers"), part("traits"));
    let sealer = store.sealer().clone();
    let covered = store
        .write_blocking(move |tx| Tombstones::new(tx, &sealer)?.cover(&key, identifiers.as_deref(), traits.as_deref()));
    assert_eq!(covered.unwrap(), expect, "{line}");
}

#[test]
fn a_forgotten_person_does_not_come_back_under_id_or_identifier() {
    check(ANN, true);
    check(r#"{"id": "canary-ann"}"#, true);
    check(r#"{"id": "x", "identifiers": {"email": "canaryann@gmail.com "}}"#, true);
    check(r#"{"id": "x", "identifiers": {"phone": "+351910000001"}}"#, true);
    check(r#"{"id": "x", "traits": {"email": "TRAIT@canary.example"}}"#, true);
    check(r#"{"id": "x", "identifiers": {"email": "another@gmail.com"}}"#, false);
}

#[test]
fn what_another_profile_has_too_is_that_ones_own() {
    let (store, _) = store();
    let found = known(&store.reader().unwrap(), "canary-ann").unwrap().unwrap();
    assert_eq!(found.identifiers, ["email", "phone"]);
    assert_eq!(found.shared, [("email".to_owned(), vec!["bob".to_owned()])]);
    check(BOB, false);
}

#[test]
fn a_number_is_never_given_to_somebody_else() {
    let (store, _) = store();
    assert_eq!(forget(&store, "canary-ann"), Some(2));
    let added = store.put(&[crate::tests::line("new", "{}")]);
    assert_eq!(added, [crate::profiles::Upserted::Added { id: 3 }]);
    assert_eq!(store.reader().unwrap().profile_count().unwrap(), 2);
}

#[test]
fn every_table_about_profiles_is_erased_or_says_why_not() {
    // What was sent stays until it is withdrawn; jobs are waited for; records, numbers and tombstones hold hashes.
    let kept = ["forgotten", "held", "pending", "record", "tombstone"];
    let (store, _) = store();
    let reader = store.reader().unwrap();
    let sql = "select m.name from sqlite_schema m, pragma_table_info(m.name) c
        where m.type = 'table' and c.name = 'profile' order by 1";
    let mut statement = reader.connection().prepare(sql).unwrap();
    let found: BTreeSet<String> = statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let expect: BTreeSet<String> = ERASED.iter().chain(&kept).map(|&name| name.to_owned()).collect();
    assert_eq!(found, expect);
}
