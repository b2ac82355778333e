//! Whom a destination stumbles over, and who is given up: nobody else suffers, and there is a way back.

use enroute_fakes::Fault;
use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_host::store::letters::Wanted;
use enroute_host::sync::{self, LinkReport, LinkState, Options, RunReport};
use serde_json::json;

use crate::support::{World, enroute, gold, link};

const HOUR_MS: u64 = 3_600_000;
const PATH: &str = "/users/track";

async fn world(people: u32) -> World {
    let world = World::new().await;
    world.people(&(0..people).map(|number| gold(&format!("u{number:03}"))).collect::<Vec<_>>());
    world
}

async fn later(world: &World, ms: u64) {
    world.clock.sleep_until(world.clock.now_ms() + ms).await;
}

fn braze(report: &RunReport) -> &LinkReport {
    link(report, "braze-eu")
}

/// What a destination does whenever one person is in the body.
fn stumbles() -> [(&'static str, Action); 4] {
    let sentence = Reply::json(400, &json!({ "message": "Something about this request is not right" }));
    [
        ("sentence", Action::Answer(sentence)),
        ("500", Action::Answer(Reply::text(500, "oops"))),
        ("503", Action::Answer(Reply::text(503, "down"))),
        ("reset", Action::Reset),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_whom_the_destination_stumbles_over_costs_one() {
    for people in [75, 300] {
        // One lot and several are treated differently; every kind of stumbling is treated alike.
        for (name, action) in stumbles().into_iter().take(if people == 75 { 4 } else { 2 }) {
            let world = world(people).await;
            world.braze.server().fault(Fault::always(action.clone()).path(PATH).holding("u042"));
            let mut requests = 0;
            for _ in 0..2 {
                let report = world.sync().await;
                requests += braze(&report).requests.prepared + braze(&report).requests.subset;
                later(&world, 60_000).await;
            }
            // A reset comes after the request took effect.
            let mut members = world.braze_members();
            members.remove("u042");
            assert_eq!(members.len(), people as usize - 1, "{name}, {people} people, {requests} requests");
            assert!(requests < 60, "{name}, {people} people, {requests} requests");
            for _ in 0..6 {
                later(&world, HOUR_MS).await;
                world.sync().await;
            }
            let report = world.sync().await;
            let link = braze(&report);
            assert_eq!((link.refused, link.dead_letters, report.exit_code()), (1, 1, 4), "{name}: {link:#?}");
            // Well again: one of each reason is tried, and here that is all of them.
            world.braze.server().clear_faults();
            later(&world, HOUR_MS).await;
            let report = world.sync().await;
            let link = braze(&report);
            assert_eq!((link.outcomes.delivered, link.refused, report.exit_code()), (1, 0, 0), "{name}: {link:#?}");
            assert_eq!(world.braze_members().len(), people as usize, "{name}");
        }
    }
}

/// Hourly syncs for five hours at a destination that is down.
async fn given_up(people: u32) -> World {
    let world = world(people).await;
    let down = Reply::text(503, "down");
    world.braze.server().fault(Fault::always(Action::Answer(down)).path(PATH));
    let mut report = world.sync().await;
    for _ in 0..5 {
        later(&world, HOUR_MS).await;
        report = world.sync().await;
    }
    let link = braze(&report);
    assert_eq!((link.dead_letters, report.exit_code()), (u64::from(people), 4), "{link:#?}");
    let refusals = world.braze.server().requests().len();
    assert!(refusals < 130, "a destination that is down is not hammered: {refusals} requests");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_given_up_comes_back_when_anybody_gets_through() {
    let world = given_up(40).await;
    let report = world.sync().await;
    assert_eq!((braze(&report).dead_letters, report.exit_code()), (40, 4), "a second sync does not hide them");
    world.braze.server().clear_faults();
    later(&world, HOUR_MS).await;
    let report = world.sync().await;
    assert_eq!((braze(&report).state, braze(&report).refused), (LinkState::Done, 0), "{report:#?}");
    assert_eq!(world.braze_members().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_brings_all_of_them_in() {
    let world = given_up(40).await;
    world.braze.server().clear_faults();
    let store = world.store();
    let wanted = |reason: &str| Wanted { reason: Some(reason.to_owned()), ..Wanted::default() };
    let reader = store.reader().unwrap();
    assert!(sync::retriable(&reader, &wanted("nothing of the kind"), |_| true).unwrap().is_empty());
    let found = sync::retriable(&reader, &wanted("answered 503"), |_| true).unwrap();
    assert_eq!((found.len(), found.reasons.len()), (40, 1), "{found:#?}");
    drop(reader);
    sync::bring_back(&store, &found.members, &world.clock).await.unwrap();
    let options = Options { among: Some(found.members.into()), ..world.options() };
    let report = sync::sync(&store, &world.setup().await, &options).await.unwrap();
    assert_eq!(report.connections.len(), 1, "nothing else runs");
    assert_eq!((braze(&report).outcomes.delivered, report.exit_code()), (40, 0), "{report:#?}");
    assert_eq!(world.braze_members().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_shows_dead_letters_and_sends_them() {
    let world = given_up(12).await;
    let run = |args: &[&str]| {
        let ran = enroute().arg("-C").arg(world.folder.path()).args(args).output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let (code, told) = run(&["--json", "retry", "--dry-run"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["members"]), (Some(0), &json!(12)), "{told:#}");
    assert!(told["reasons"][0]["reason"].as_str().unwrap().contains("answered 503"), "{told:#}");
    assert_eq!(run(&["retry", "--reason", "no such"]).0, Some(0));
    assert_eq!(run(&["retry", "--person", "nobody"]).0, Some(2));
    world.braze.server().clear_faults();
    let (code, told) = run(&["retry"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(world.braze_members().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_left_meanwhile_is_no_dead_letter() {
    let world = given_up(12).await;
    world.people(&(0..5).map(|number| gold(&format!("u{number:03}"))).collect::<Vec<_>>());
    let text = std::fs::read_to_string(world.folder.path().join("profiles.ndjson")).unwrap();
    let gone = (5..12).map(|number| crate::support::with(gold(&format!("u{number:03}")), "plan", json!("none")));
    let gone: String = gone.map(|person| format!("{person}\n")).collect();
    world.write("profiles.ndjson", &(text + &gone));
    world.sync_with(&Options { allow_empty: true, ..world.options() }).await;
    let reader = world.store().reader().unwrap();
    let found = sync::retriable(&reader, &Wanted::default(), |_| true).unwrap();
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_too_long_is_no_fault_of_the_plugin() {
    for people in [1, 10] {
        let world = world(people).await;
        let limited =
            world.plugins_toml().replace("[plugin.braze]", "[plugin.braze]\nlimits = { wall_send_ms = 1_000 }");
        assert!(limited.contains("wall_send_ms"));
        world.write("plugins.toml", &limited);
        world.braze.server().fault(Fault::always(Action::Hang).path(PATH));
        let report = world.sync().await;
        let link = braze(&report);
        assert_eq!((link.outcomes.rejected, link.outcomes.unknown), (0, u64::from(people)), "{link:#?}");
        assert_eq!((link.state, link.faults[0].code.as_str()), (LinkState::Waiting, "call_too_late"), "{link:#?}");
        world.braze.server().clear_faults();
        later(&world, HOUR_MS).await;
        let report = world.sync().await;
        assert_eq!((braze(&report).outcomes.delivered, report.exit_code()), (u64::from(people), 0), "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_in_doubt_of_whom_nothing_left() {
    let world = world(10).await;
    // A port on which nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let braze = world.braze.server().url().trim_start_matches("http://").to_owned();
    world.write("plugins.toml", &world.plugins_toml().replace(&braze, &free));
    let report = world.sync().await;
    let link = self::braze(&report);
    assert_eq!((link.in_doubt, link.outcomes.unknown, link.outcomes.deferred), (0, 0, 10), "{link:#?}");
    assert!(link.waiting[0].reason.contains("refused"), "the cause as it was: {link:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_and_export_tell_what_happened_without_anybodys_data() {
    let world = world(12).await;
    let refusal = Reply::json(500, &json!({ "message": "u003@example.com of list 48151623 is odd" }));
    world.braze.server().fault(Fault::once(Action::Answer(refusal)).path(PATH));
    world.sync().await;
    let run = |args: &[&str]| {
        let ran = enroute().arg("-C").arg(world.folder.path()).args(args).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let runs: serde_json::Value = serde_json::from_str(&run(&["--json", "log", "--destination", "braze-eu"])).unwrap();
    assert_eq!((runs.as_array().unwrap().len(), &runs[0]["outcomes"]["delivered"]), (1, &json!(12)), "{runs:#}");
    let failed = run(&["log", "--requests", "--outcome", "failed"]);
    assert!(failed.contains("answered 500") && failed.contains("is odd"), "{failed}");
    assert!(!failed.contains("u003") && !failed.contains("48151623"), "{failed}");
    assert_eq!(run(&["log", "--requests", "--outcome", "500"]).matches("answered 500").count(), 1);
    let members = run(&["export", "members", "--destination", "braze-eu"]);
    assert_eq!((members.lines().count(), members.matches("\"held\"").count()), (12, 12), "{members}");
    let receipts = run(&["export", "receipts", "--format", "csv", "--destination", "braze-eu"]);
    assert!(receipts.starts_with("at,run,delivery,profile,"), "{receipts}");
    // The head, one receipt of the attempt that failed and one of the one that did not.
    assert_eq!(receipts.lines().count(), 25, "{receipts}");
    assert_eq!(run(&["export", "dead-letters"]), "");
    assert!(run(&["export", "coverage"]).lines().count() > 2);
    let list: serde_json::Value = serde_json::from_str(&run(&["--json", "export", "members"])).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 24);
    let status: serde_json::Value = serde_json::from_str(&run(&["--json", "status", "--since", "2026-11-01"])).unwrap();
    assert_eq!(status["since"][0]["outcomes"]["delivered"], json!(12), "{status:#}");
    assert!(status["since"][0]["latency_ms"]["p95"].is_u64(), "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_told_once_with_what_happened() {
    let world = world(12).await;
    let audiences = std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap();
    let alert = "\n[alert.ops]\npaused = true\ncommand = [\"sh\", \"-c\", \"cat >> \\\"$0\\\"\", \"OUT\"]\n";
    let out = world.folder.path().join("told.ndjson");
    world.write("audiences.toml", &(audiences + &alert.replace("OUT", &out.display().to_string())));
    world.write("braze.key", "wrong");
    let sync = || enroute().arg("-C").arg(world.folder.path()).args(["sync"]).output().unwrap().status.code();
    assert_eq!(sync(), Some(5));
    // Another key is tried at once.
    world.write("braze.key", "wrong as well");
    assert_eq!(sync(), Some(5));
    let told = std::fs::read_to_string(&out).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["kind"], &told["destination"]), (&json!("paused"), &json!("braze-eu")), "{told:#}");
}
