//! A sync that dies at any point is completed by the next one.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::process::Stdio;
use std::time::Duration;

use enroute_fakes::faults::Action;
use enroute_fakes::{Fault, Recorded};
use enroute_host::catalog::sha256_hex;
use serde_json::{Value, json};

use crate::support::{World, enroute, gold, with};

/// What `enroute --json sync` printed, and whether it ended well.
async fn sync(world: &World, crash: Option<&str>) -> (bool, Value) {
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).args(["--json", "sync"]);
    if let Some(point) = crash {
        command.env("ENROUTE_CRASH", point);
    }
    let ended = command.output().await.expect("the binary runs");
    let error = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() || crash.is_some(), "{error}");
    (ended.status.success(), serde_json::from_slice(&ended.stdout).unwrap_or_default())
}

/// Members that were sent again because they were in doubt, at all destinations or at one.
fn repeated(report: &Value, destination: Option<&str>) -> u64 {
    let links = report["connections"].as_array().expect("connections");
    let asked = links.iter().filter(|link| destination.is_none_or(|wanted| link["destination"] == wanted));
    asked.map(|link| link["repeated"].as_u64().unwrap_or(0)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sync_is_completed_by_the_next() {
    let points = [
        "delivery.intended:1",
        "delivery.intended:3",
        "delivery.answered:1",
        "delivery.answered:4",
        "delivery.settled:2",
    ];
    for point in points {
        let world = World::new().await;
        let people: Vec<_> = (0..400).map(|number| gold(&format!("u{number}"))).collect();
        world.people(&people);
        let (ended_well, _) = sync(&world, Some(point)).await;
        assert!(!ended_well, "{point} was not reached");
        let (_, report) = sync(&world, None).await;
        assert_eq!(world.braze_members().len(), 400, "{point}");
        assert_eq!(world.facebook_emails().len(), 400, "{point}");
        let was_settled = point.starts_with("delivery.settled");
        assert!(repeated(&report, None) > 0 || was_settled, "{point}: what was repeated is reported");
    }
}

/// Numbers from a seed. The seed is printed where the test fails; `KILL_SEED=… cargo test` takes that one again.
struct Dice(u64);

impl Dice {
    #[expect(clippy::print_stdout, reason = "who sees the test fail needs the seed")]
    fn new() -> Self {
        let given = option_env!("KILL_SEED").map(|seed| seed.parse().expect("KILL_SEED is a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("KILL_SEED={seed}");
        Self(seed)
    }

    /// A number below this one: the next of `SplitMix64`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Requests to each destination that may pass before a kill.
const PASSED_MAX: u64 = 3;

/// How the request is treated that the kill follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// It has no effect and gets no answer.
    Lost,
    /// It has an effect and gets no answer.
    Unanswered,
    /// It is answered as usual, so that the kill meets whatever the process is at.
    Answered,
}

/// Starts `enroute sync` and kills it once one of the two servers has seen so many more requests. Neither of them lets
/// more than three pass, however late the kill comes.
async fn sync_killed_at(world: &World, at: usize, requests: u64, last: Last) {
    let servers = [world.braze.server(), world.facebook.server()];
    let without_end = Action::Drip(Duration::from_secs(3_600));
    let (first, slow) = match last {
        Last::Lost => (requests, Action::Hang),
        Last::Unanswered => (requests, without_end),
        Last::Answered => (requests + 1, Action::Hang),
    };
    servers[at].fault(Fault::always(slow).from_call(first));
    servers[1 - at].fault(Fault::always(Action::Hang).from_call(PASSED_MAX + 1));
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).arg("sync").stdout(Stdio::null()).stderr(Stdio::null());
    let target = servers[at].seen() + requests;
    let mut process = command.kill_on_drop(true).spawn().expect("the binary starts");
    tokio::select! {
        biased;
        () = servers[at].until_seen(target) => {}
        ended = process.wait() => panic!("it ended before it was killed: {ended:?}"),
    }
    process.kill().await.expect("it is killed");
    servers.iter().for_each(|server| server.clear_faults());
}

/// Ids in requests that were not answered.
fn in_doubt(requests: &[Recorded]) -> BTreeSet<String> {
    let unanswered = requests.iter().filter(|request| request.status.is_none()).filter_map(Recorded::json);
    let ids = |body: Value| {
        let objects = body["attributes"].as_array().cloned().unwrap_or_default();
        objects.iter().filter_map(|one| one["external_id"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    unanswered.flat_map(ids).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_killed_five_times_at_random_loses_and_invents_nobody() {
    killed_at_random().await;
}

/// Six kills of a sync, and what must be true after the one that is left alone.
#[expect(clippy::print_stdout, reason = "where the kills fell is told when the test fails")]
pub(crate) async fn killed_at_random() {
    let mut dice = Dice::new();
    let world = World::new().await;
    let small = world.plugins_toml().replace("audience_id =", "batch_size = 75, audience_id =");
    world.write("plugins.toml", &small);
    world.people(&(0..300).map(|number| gold(&format!("u{number}"))).collect::<Vec<_>>());
    sync(&world, None).await;
    let person = |number: u32| match number {
        0..30 => with(gold(&format!("u{number}")), "plan", json!("silver")),
        _ => with(gold(&format!("u{number}")), "firstName", json!("Bo")),
    };
    world.people(&(0..1_500).map(person).collect::<Vec<_>>());

    // Twenty requests to each destination are due, and each kill lets at most three of them pass.
    for _ in 0..5 {
        let (at, requests) = (usize::from(dice.below(2) == 1), 1 + dice.below(PASSED_MAX));
        let last = [Last::Lost, Last::Unanswered, Last::Answered][usize::try_from(dice.below(3)).unwrap()];
        println!("killed after {requests} requests to {}, the last is {last:?}", ["braze", "facebook"][at]);
        sync_killed_at(&world, at, requests, last).await;
    }
    world.take_requests();
    sync_killed_at(&world, 0, 2, Last::Lost).await;
    let doubtful = in_doubt(&world.braze.server().requests());
    assert!(!doubtful.is_empty());

    let (_, report) = sync(&world, None).await;
    let expect: BTreeSet<String> = (30..1_500).map(|number| format!("u{number}")).collect();
    assert_eq!(world.braze_members(), expect);
    let hashed = |id: &String| sha256_hex(format!("{id}@example.com").as_bytes());
    assert_eq!(world.facebook_emails(), expect.iter().map(hashed).collect());
    let counted = repeated(&report, Some("braze-eu"));
    assert!(counted >= doubtful.len() as u64, "{} were in doubt, {report:#}", doubtful.len());
    for link in report["connections"].as_array().unwrap() {
        assert_eq!((&link["adds_up"], &link["held"], &link["state"]), (&json!(true), &json!(1470), &json!("done")));
    }
    world.take_requests();
    let (_, report) = sync(&world, None).await;
    assert!(world.take_requests().is_empty(), "nothing is left to do: {report:#}");
}
