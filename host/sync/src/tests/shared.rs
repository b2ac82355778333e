//! Connections that share a credential, and what their destination sees of both.

use std::sync::{Arc, Mutex};

use enroute_store::ledger;

use super::played::Far;
use super::stage::{Ground, PER_MS, Person, Side, import, run_once};
use crate::clock::Clock;
use crate::run::options::Options;

/// What the destination allows in a second.
const ALLOWED: u32 = 30;
/// Members of each audience; three go in a request.
const MEMBERS: usize = 150;
const START_MS: u64 = 1_795_392_000_000;

#[test]
fn a_destination_never_sees_more_than_its_limit_of_two_connections_on_one_credential() {
    let (ground, far, clock) = (Ground::new(), Arc::new(Mutex::new(Far::new(0))), Clock::starting_at(START_MS));
    let audiences = ["gold", "silver"];
    let sides = audiences.map(|name| Side::at(&far, name, ("shop", "one key".to_owned()), (ALLOWED, 4)));
    let mut links = Vec::new();
    for (audience, side) in audiences.iter().zip(&sides) {
        for number in 0..MEMBERS {
            let person = Person { email: format!("{audience}{number}@example.com"), note: "note".to_owned() };
            import(ground.store(), &format!("{audience}{number}"), audience, Some(&person));
        }
        let name = side.name();
        let known = ground.written(move |tx| ledger::link(tx, &name, b"settings"));
        links.push(side.link(ground.store(), &clock, 0, &known));
    }
    let options = Options { clock: clock.clone(), wait: true, ..Options::default() };
    let report = run_once(ground.store(), &options, links).expect("the store works");
    let delivered: Vec<u64> = report.connections.iter().map(|link| link.outcomes.delivered).collect();
    assert_eq!(delivered, [MEMBERS as u64; 2], "{report:#?}");
    let far = far.lock().unwrap();
    assert_eq!((far.there.len(), far.left.len()), (2 * MEMBERS, 2 * MEMBERS / 3));
    let seen_from = |from: u64| far.left.iter().filter(|(_, at)| (from..from + u64::from(PER_MS)).contains(at)).count();
    let busiest = far.left.iter().map(|(_, from)| seen_from(*from)).max();
    let limit = ALLOWED as usize;
    assert!(busiest.is_some_and(|most| (limit / 2..=limit).contains(&most)), "{busiest:?} in a second");
    assert!(far.broken.is_none(), "{:?}", far.broken);
}
