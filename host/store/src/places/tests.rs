//! Places that are left, taken up again, renamed and forgotten.

use super::*;
use crate::held::{self, Held};
use crate::tests::TestStore;

const NAME: [&str; 3] = ["gold", "ads", ""];

fn name([audience, destination, mapping]: [&str; 3]) -> LinkName {
    LinkName { audience: audience.to_owned(), destination: destination.to_owned(), mapping: mapping.to_owned() }
}

fn place(target: &str) -> Place {
    Place { plugin: "demo".to_owned(), target: target.to_owned(), sends_exits: true, ..Place::default() }
}

/// The connection puts these members into this place, as a run would.
fn run(store: &TestStore, target: &str, members: &'static [u32]) -> i64 {
    let target = target.to_owned();
    let bound = store.write_blocking(move |tx| {
        if let Some(kept) = of(tx, &name(NAME))?.filter(|kept| kept.is_known && kept.place.target != target) {
            leave(tx, &kept, &target)?;
        }
        let link = ledger::link(tx, &name(NAME), b"digest")?;
        put(tx, link.id, "", &place(&target))?;
        ledger::set_remote(tx, link.id, &format!("\"{target}\""))?;
        let rows: Vec<Held> = members.iter().map(|id| Held { profile: *id, ..Held::default() }).collect();
        held::put(tx, link.id, &rows)?;
        Ok(link.id)
    });
    bound.unwrap()
}

fn withdraw(store: &TestStore, link: i64, members: &'static [u32]) {
    store.write_blocking(move |tx| held::forget(tx, link, members.iter().copied())).unwrap();
}

/// Each earlier place with its members.
fn left(store: &TestStore) -> Vec<(String, u64)> {
    let found = earlier(&store.reader().unwrap(), &name(NAME)).unwrap();
    found.into_iter().map(|one| (one.place.target, one.held)).collect()
}

#[test]
fn members_stay_with_the_place_that_is_left_and_with_what_reaches_them_there() {
    let store = TestStore::new();
    let first = run(&store, "111", &[1, 2]);
    assert_eq!(left(&store), []);
    let second = run(&store, "999", &[1]);
    assert_ne!(first, second);
    assert_eq!(left(&store), [("111".to_owned(), 2)]);
    let reader = store.reader().unwrap();
    let kept = earlier(&reader, &name(NAME)).unwrap().remove(0);
    assert_eq!((kept.link, kept.name.mapping.as_str()), (first, "(earlier place 1)"));
    assert_eq!(link(&reader, &kept).unwrap().remote.as_deref(), Some("\"111\""));
    assert_eq!(store.remotes().unwrap().into_values().collect::<Vec<_>>(), ["\"999\""]);
    withdraw(&store, first, &[1, 2]);
    assert_eq!(left(&store), []);
    store.write_blocking(|tx| note_gone(tx, |_| true)).unwrap();
    assert_eq!(link(&store.reader().unwrap(), &kept).unwrap().remote, None, "nobody is there to be reached");
}

#[test]
fn a_place_that_is_taken_up_again_is_the_one_that_it_was() {
    let store = TestStore::new();
    let first = run(&store, "111", &[1, 2]);
    let second = run(&store, "999", &[1]);
    assert_eq!(run(&store, "111", &[]), first);
    assert_eq!(left(&store), [("999".to_owned(), 1)]);
    withdraw(&store, second, &[1]);
    run(&store, "555", &[]);
    assert_eq!(left(&store), [("111".to_owned(), 2)]);
}

#[test]
fn where_nobody_is_held_nothing_is_left_behind() {
    let store = TestStore::new();
    let first = run(&store, "111", &[]);
    assert_eq!(run(&store, "999", &[]), first);
    assert_eq!(left(&store), []);
}

#[test]
fn connections_with_one_target_share_it() {
    let store = TestStore::new();
    let first = run(&store, "111", &[1]);
    let other = store.write_blocking(|tx| {
        let link = ledger::link(tx, &name(["silver", "ads", ""]), b"digest")?;
        put(tx, link.id, "", &place("111"))?;
        Ok(link.id)
    });
    let reader = store.reader().unwrap();
    assert_eq!(sharing(&reader, "111", first).unwrap(), [other.unwrap()]);
    assert_eq!(sharing(&reader, "999", first).unwrap(), Vec::<i64>::new());
}

#[test]
fn an_adopted_connection_holds_what_the_old_one_held() {
    let store = TestStore::new();
    run(&store, "111", &[1, 2]);
    let second = run(&store, "999", &[1]);
    let new = name(["vip", "ads", "main"]);
    let old = of(&store.reader().unwrap(), &name(NAME)).unwrap().unwrap();
    let to = new.clone();
    store.write_blocking(move |tx| adopt(tx, &old, &to, b"definition")).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(of(&reader, &name(NAME)).unwrap(), None);
    let now = of(&reader, &new).unwrap().unwrap();
    assert_eq!((now.link, now.held, now.mapping.as_str()), (second, 1, "main"));
    assert_eq!(now.place.definition, b"definition");
    assert_eq!(earlier(&reader, &new).unwrap().iter().map(|one| one.held).collect::<Vec<_>>(), [2]);
}

#[test]
fn nobody_is_adopted_over_others() {
    let store = TestStore::new();
    run(&store, "111", &[1]);
    let there = store.write_blocking(|tx| {
        let link = ledger::link(tx, &name(["vip", "ads", ""]), b"digest")?;
        held::put(tx, link.id, [&Held { profile: 9, ..Held::default() }])
    });
    there.unwrap();
    let old = of(&store.reader().unwrap(), &name(NAME)).unwrap().unwrap();
    let adopted = store.write_blocking(move |tx| adopt(tx, &old, &name(["vip", "ads", ""]), b""));
    assert!(adopted.is_err());
}

#[test]
fn what_is_gone_is_known_until_it_is_forgotten() {
    let store = TestStore::new();
    let gone = run(&store, "111", &[1]);
    store.write_blocking(|tx| note_gone(tx, |_| false)).unwrap();
    store.write_blocking(|tx| note_gone(tx, |_| false)).unwrap();
    let found = holding(&store.reader().unwrap(), |_| true).unwrap();
    assert_eq!(found.iter().map(|one| (one.is_gone, one.held)).collect::<Vec<_>>(), [(true, 1)]);
    store.write_blocking(move |tx| forget(tx, gone)).unwrap();
    assert_eq!(holding(&store.reader().unwrap(), |_| true).unwrap(), []);
}
