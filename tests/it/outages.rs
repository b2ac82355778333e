//! Destinations in trouble for longer than a moment, and what their trouble must not do to pace and to others.

use std::collections::BTreeSet;

use enroute_fakes::Fault;
use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_host::sync::{self, LinkState, Options};

use crate::support::{START_MS, World, gold, link};

const HOUR_MS: u64 = 3_600_000;
/// Requests of Braze that an hour's newcomers take.
const HOURLY: u32 = 4;
/// Members of one request of Braze.
const LOT: u32 = 75;

async fn world(people: u32) -> World {
    let world = World::new().await;
    world.people(&(0..people).map(|number| gold(&format!("u{number}"))).collect::<Vec<_>>());
    world
}

fn failing(times: u64) -> Fault {
    Fault::times(times, Action::Answer(Reply::text(500, "trouble"))).path("/users/track")
}

fn tracked(world: &World) -> usize {
    world.take_requests().iter().filter(|request| request.path == "/users/track").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_sits_an_outage_out_with_a_probe_now_and_then() {
    let world = world(12 * LOT).await;
    // Four are in flight when the fifth in a row fails; the probes after 1, 2, 4, 8 and 16 seconds fail, too.
    world.braze.server().fault(failing(13));
    let report = world.sync_with(&Options { wait: true, ..world.options() }).await;
    let braze = link(&report, "braze-eu");
    assert_eq!((braze.state, braze.outcomes.delivered), (LinkState::Done, u64::from(12 * LOT)), "{braze:#?}");
    let took_ms = world.clock.now_ms() - START_MS;
    assert!(took_ms >= 31_000, "the outage was hammered away in {took_ms} ms");
    assert_eq!(world.braze_members().len(), 12 * LOT as usize);
    assert_eq!(tracked(&world), 12 + 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_outlives_the_run_and_the_next_one_sends_one_probe() {
    let world = world(12 * LOT).await;
    world.braze.server().fault(failing(u64::MAX));
    let report = world.sync().await;
    let braze = link(&report, "braze-eu");
    let reason = braze.reason.clone().expect("the run says why it ended");
    assert!(braze.state == LinkState::Waiting && reason.contains("500") && reason.contains("probed"), "{braze:#?}");
    assert!(tracked(&world) <= 9, "five in a row, and what was in flight");
    let status = sync::status(&world.store().reader().expect("the store is read"), &world.config());
    let held_back = status.expect("the store is read").held_back;
    assert_eq!((held_back[0].destination.as_str(), held_back[0].kind), ("braze-eu", "outage"), "{held_back:#?}");
    world.sync().await;
    assert_eq!(tracked(&world), 1);
    world.braze.server().clear_faults();
    let report = world.sync_with(&Options { wait: true, ..world.options() }).await;
    assert_eq!(link(&report, "braze-eu").outcomes.delivered, u64::from(12 * LOT), "{report:#?}");
    let status = sync::status(&world.store().reader().expect("the store is read"), &world.config());
    assert!(status.expect("the store is read").held_back.iter().all(|one| one.kind != "outage"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_fails_at_random_for_a_day_gets_everybody_and_is_not_hammered() {
    for seed in 1..=3 {
        fails_for_a_day(seed).await;
    }
}

/// 7 of 100 requests fail, as the seed says, in each hour of a day.
async fn fails_for_a_day(seed: u64) {
    let world = World::new().await;
    let trouble = Action::Answer(Reply::text(500, "trouble"));
    world.braze.server().fault(Fault::by_chance(7, seed, trouble).path("/users/track"));
    let (mut people, mut requests, mut asked) = (Vec::new(), 0, 0);
    for hour in 0..24 {
        world.clock.sleep_until(START_MS + hour * HOUR_MS).await;
        people.extend((0..HOURLY * LOT).map(|number| gold(&format!("u{hour}-{number}"))));
        world.people(&people);
        let report = world.sync().await;
        let braze = link(&report, "braze-eu");
        assert_eq!(braze.outcomes.rejected, 0, "seed {seed}: {braze:#?}");
        assert!(braze.adds_up, "who is not there is told: seed {seed}: {braze:#?}");
        requests += tracked(&world);
        asked += HOURLY as usize;
    }
    let there = world.braze_members().len();
    assert!(
        there * 1_000 >= people.len() * 999,
        "seed {seed}: {there} of {} without an end of the trouble",
        people.len()
    );
    let report = world.sync_with(&Options { wait: true, ..world.options() }).await;
    assert_eq!(link(&report, "braze-eu").state, LinkState::Done, "{report:#?}");
    let expect: BTreeSet<String> = people.iter().filter_map(|one| Some(one["id"].as_str()?.to_owned())).collect();
    assert_eq!(world.braze_members(), expect);
    assert!(requests <= asked * 115 / 100, "seed {seed}: {requests} requests where {asked} would do without failures");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_below_the_documented_one_is_kept_from_the_first_refusal_on() {
    let world = world(8 * LOT).await;
    let busy = Reply::text(429, "slow down").header("retry-after", "2");
    world.braze.server().fault(Fault::times(1, Action::Answer(busy)).path("/users/track"));
    let report = world.sync().await;
    assert_eq!(link(&report, "braze-eu").outcomes.delivered, u64::from(8 * LOT), "{report:#?}");
    let status = sync::status(&world.store().reader().expect("the store is read"), &world.config());
    let held_back = status.expect("the store is read").held_back;
    assert!(held_back.iter().any(|one| one.kind == "slower" && one.reason.contains("1500 requests")), "{held_back:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_stops_all_audiences_of_the_destination_and_keeps_them() {
    let world = world(2 * LOT).await;
    let second =
        crate::support::AUDIENCES.replace("[audience.gold]", "[audience.all]\nwhere = \"true\"\n\n[audience.gold]");
    let connection = "\n[[connection]]\naudience = \"all\"\ndestination = \"braze-eu\"\nsetup = \"customized\"\n\
                      traits = [{ trait = \"email\", field = \"email\" }]\n";
    world.write("audiences.toml", &format!("{second}{connection}"));
    world.write("braze.key", "wrong");
    let report = world.sync().await;
    let of_braze: Vec<_> = report.connections.iter().filter(|one| one.destination == "braze-eu").collect();
    assert!(of_braze.len() == 2 && of_braze.iter().all(|one| one.state == LinkState::Paused), "{of_braze:#?}");
    let reason = of_braze[0].reason.clone().unwrap_or_default();
    assert!(reason.contains("mend the credential of destination `braze-eu`"), "{reason}");
    assert!(tracked(&world) <= 4, "what was in flight, and no more");
    world.write("braze.key", crate::support::BRAZE_KEY);
    let report = world.sync_with(&Options { wait: true, ..world.options() }).await;
    assert!(report.connections.iter().all(|one| one.state == LinkState::Done), "{report:#?}");
    assert_eq!(world.braze.members("all").len(), 2 * LOT as usize);
}
