use enroute_core::manifest::Scope;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

use super::*;

const PATIENT: u64 = u64::MAX;
/// What an answer takes.
const ANSWER_MS: u64 = 50;

fn bucket(requests: u32, concurrency: u32) -> Bucket {
    Bucket {
        name: "api".to_owned(),
        scope: Scope::Credential,
        requests,
        requests_setting: None,
        per_ms: 1_000,
        concurrency,
    }
}

fn gate(requests: u32, concurrency: u32) -> Arc<Gate> {
    Arc::new(Gate::new(&bucket(requests, concurrency), requests, None, None))
}

/// Sends one request; returns when it left.
async fn send(gate: &Arc<Gate>, clock: &Clock, party: Party) -> u64 {
    let mut turn = gate.enter(clock, party, false, PATIENT).await.expect("the gate opens");
    let at_ms = clock.now_ms();
    turn.leave(at_ms);
    tokio::task::yield_now().await;
    clock.sleep_until(at_ms + ANSWER_MS).await;
    at_ms
}

/// As many requests as `count`, by so many workers; returns when they left.
async fn send_many(gate: &Arc<Gate>, clock: &Clock, party: Party, (count, workers): (usize, usize)) -> Vec<u64> {
    let mut running = JoinSet::new();
    for worker in 0..workers {
        let (gate, clock) = (Arc::clone(gate), clock.clone());
        running.spawn(async move {
            let mut left = Vec::new();
            for _ in (worker..count).step_by(workers) {
                left.push(send(&gate, &clock, party).await);
            }
            left
        });
    }
    running.join_all().await.concat()
}

fn busiest(left: &[u64]) -> usize {
    let inside = |from: &u64| left.iter().filter(|at| (*from..from + 1_000).contains(at)).count();
    left.iter().map(inside).max().unwrap_or(0)
}

#[tokio::test]
async fn many_at_once_pass_a_gate_at_its_pace() {
    let (gate, clock) = (gate(10, 4), Clock::starting_at(0));
    let left = send_many(&gate, &clock, 1, (100, 100)).await;
    assert!(busiest(&left) <= 10, "{left:?}");
    assert!(clock.now_ms() < 10_000, "nobody waited longer than the pace asks: {}", clock.now_ms());
}

#[tokio::test]
async fn a_small_sync_passes_within_seconds_beside_a_large_one_on_its_credential() {
    let (gate, clock) = (gate(30, 4), Clock::starting_at(0));
    let large = tokio::spawn({
        let (gate, clock) = (Arc::clone(&gate), clock.clone());
        gate.join(1);
        async move { send_many(&gate, &clock, 1, (3_000, 16)).await }
    });
    while clock.now_ms() < 20_000 {
        tokio::task::yield_now().await;
    }
    gate.join(2);
    let from_ms = clock.now_ms();
    let small = send_many(&gate, &clock, 2, (100, 4)).await;
    gate.part(2);
    let took_ms = small.iter().max().unwrap_or(&0) - from_ms;
    assert!(took_ms < 9_000, "100 requests at half of 30 a second took {took_ms} ms");
    let large = large.await.expect("the large sync ends");
    assert_eq!(large.len(), 3_000);
    assert!(busiest(&[large, small].concat()) <= 30);
}

#[tokio::test]
async fn a_destination_that_hangs_leaves_the_other_its_rate() {
    let (gate, clock) = (gate(60, 4), Clock::starting_at(0));
    gate.join(1);
    gate.join(2);
    let (hung, hanging) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let mut running = JoinSet::new();
    for _ in 0..16 {
        let (gate, clock, hung, hanging) = (Arc::clone(&gate), clock.clone(), Arc::clone(&hung), Arc::clone(&hanging));
        running.spawn(async move {
            let mut turn = gate.enter(&clock, 1, false, PATIENT).await.expect("the gate opens");
            turn.leave(clock.now_ms());
            hung.store(true, Ordering::SeqCst);
            hanging.notified().await;
        });
    }
    while !hung.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let left = send_many(&gate, &clock, 2, (200, 4)).await;
    assert!(left.iter().max() < Some(&12_000), "200 requests of 50 ms took {:?} ms", left.iter().max());
}

#[tokio::test]
async fn whoever_gives_up_waiting_holds_up_nobody() {
    let (gate, clock) = (gate(1, 1), Clock::starting_at(0));
    send(&gate, &clock, 1).await;
    gate.hold(&clock, 60_000);
    assert_eq!(gate.enter(&clock, 1, false, 1_000).await.map(|_| ()), Err(60_000));
    assert_eq!(send(&gate, &clock, 2).await, 60_000 + ANSWER_MS);
    let turn = gate.enter(&clock, 2, false, PATIENT).await.expect("the gate opens");
    let queued = tokio::spawn({
        let (gate, clock) = (Arc::clone(&gate), clock.clone());
        async move { gate.enter(&clock, 1, false, PATIENT).await.map(|_| ()) }
    });
    tokio::task::yield_now().await;
    queued.abort();
    assert!(queued.await.is_err(), "it was in the queue");
    drop(turn);
    assert!(gate.enter(&clock, 2, false, PATIENT).await.is_ok());
}

#[tokio::test]
async fn a_turn_that_is_not_used_costs_nobody_anything() {
    let (gate, clock) = (gate(1, 1), Clock::starting_at(0));
    drop(gate.enter(&clock, 1, false, PATIENT).await);
    assert_eq!((send(&gate, &clock, 1).await, clock.now_ms()), (0, ANSWER_MS));
}

#[tokio::test]
async fn the_pace_survives_a_process_that_is_killed_and_one_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let clock = Clock::starting_at(0);
    let names = ("api".to_owned(), "crm".to_owned());
    let record = Record { store: Arc::clone(&store), key: [1; 16], names };
    let mut left = Vec::new();
    for is_killed in [true, false, true, true, false] {
        let kept = pace::kept(&store.reader().unwrap(), &record.key).unwrap();
        let known = kept.map(|kept| (kept, clock.now_ms()));
        let gate = Arc::new(Gate::new(&bucket(4, 4), 4, known, Some(record.clone())));
        for _ in 0..3 {
            let mut turn = gate.enter(&clock, 1, false, PATIENT).await.expect("the gate opens");
            left.push(clock.now_ms());
            turn.leave(clock.now_ms());
        }
        if !is_killed {
            gate.close(&clock).await.unwrap();
        }
    }
    assert!(busiest(&left) <= 4, "{left:?}");
    assert!(left.iter().max() < Some(&8_000), "a restart costs a window at most: {left:?}");
}

#[tokio::test]
async fn an_answer_holds_everybody_back_at_once() {
    let (gate, clock) = (gate(10, 4), Clock::starting_at(0));
    let mut turn = gate.enter(&clock, 1, false, PATIENT).await.expect("the gate opens");
    turn.leave(0);
    let header = |name: &str, value: &str| enroute_core::request::Item { name: name.into(), value: value.into() };
    turn.answered(&Response { status: 429, headers: vec![header("retry-after", "7")], body: Vec::new() }, &clock);
    drop(turn);
    assert_eq!(gate.wait_ms(&clock), 7_000);
    assert_eq!(send(&gate, &clock, 2).await, 7_000);
}
