//! What Ctrl-C and SIGTERM do to a command that is at work.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};

use enroute_fakes::faults::{Action, Latch};
use enroute_fakes::server::Reply;
use enroute_fakes::{Fault, Recorded};
use enroute_host::sync::{Halt, LinkState, Options};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr};

use crate::support::{World, enroute, gold, link};

/// A world whose destinations take members in requests of 75 at most.
async fn world(people: u32) -> World {
    let world = World::new().await;
    let small = world.plugins_toml().replace("audience_id =", "batch_size = 75, audience_id =");
    world.write("plugins.toml", &small);
    world.people(&(0..people).map(|number| gold(&format!("u{number}"))).collect::<Vec<_>>());
    world
}

/// A command at work.
struct Running {
    process: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
}

impl Running {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut command = tokio::process::Command::from(enroute());
        command.arg("-C").arg(world.folder.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn().expect("the binary starts");
        let stderr = BufReader::new(process.stderr.take().expect("standard error is piped"));
        Self { process, stderr, told: String::new() }
    }

    fn of_proc(&self, name: &str) -> String {
        let path = format!("/proc/{}/{name}", self.process.id().expect("it runs"));
        std::fs::read_to_string(path).expect("Linux tells of its processes")
    }

    /// Waits until it listens to SIGTERM.
    async fn listens(&self) {
        let listens = |status: &str| {
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
            u64::from_str_radix(caught.trim(), 16).is_ok_and(|mask| mask & (1 << 14) != 0)
        };
        while !listens(&self.of_proc("status")) {
            tokio::task::yield_now().await;
        }
    }

    fn signal(&self, name: &str) {
        let process = self.process.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args([name, &process]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Sends a signal and waits until it was heeded.
    async fn stop(&mut self, name: &str) {
        self.signal(name);
        let mut line = String::new();
        while !line.starts_with("stopping:") {
            line.clear();
            let read = self.stderr.read_line(&mut line).await.expect("standard error is text");
            assert!(read > 0, "it ended before it said that it stops: {}", self.told);
            self.told.push_str(&line);
        }
    }

    async fn end(mut self) -> (i32, Value, String) {
        self.stderr.read_to_string(&mut self.told).await.expect("standard error is text");
        let Output { status, stdout, .. } = self.process.wait_with_output().await.expect("it ends");
        let document = serde_json::from_slice(&stdout).unwrap_or_default();
        (status.code().expect("no signal killed it"), document, self.told)
    }
}

/// How often each id is in these requests.
fn times_sent(requests: &[Recorded]) -> BTreeMap<String, u32> {
    let mut times = BTreeMap::new();
    for body in requests.iter().filter_map(Recorded::json) {
        for one in body["attributes"].as_array().into_iter().flatten() {
            *times.entry(one["external_id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_told_to_stop_ends_in_order_and_repeats_nothing() {
    let world = world(1_000).await;
    let latch = Latch::default();
    world.braze.server().fault(Fault::always(Action::Hold(latch.clone())).path("/users/track").from_call(2));
    let mut running = Running::start(&world, &["--json", "sync"]);
    world.braze.server().until_seen(3).await;
    let limits = running.of_proc("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the limit is told");
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "no core dump: {core}");

    running.stop("-TERM").await;
    let before = world.braze.server().seen();
    latch.open();
    let (code, report, told) = running.end().await;
    assert_eq!(code, 6, "{told}");
    assert!(world.braze.server().seen() <= before + 1, "nothing new was started");
    let requests = world.braze.server().requests();
    assert!(requests.iter().all(|request| request.status.is_some()), "what was in flight was waited for");
    let braze =
        report["connections"].as_array().unwrap().iter().find(|link| link["destination"] == "braze-eu").unwrap();
    assert_eq!((&braze["state"], &braze["adds_up"]), (&json!("interrupted"), &json!(true)), "{braze:#}");
    assert_eq!((&braze["outcomes"]["unknown"], &braze["in_doubt"]), (&json!(0), &json!(0)), "{braze:#}");
    assert_eq!(braze["outcomes"]["delivered"], json!(times_sent(&requests).len()), "{braze:#}");
    assert!(braze["outcomes"]["deferred"].as_u64() > Some(0), "{braze:#}");

    let (code, report, told) = Running::start(&world, &["--json", "sync"]).end().await;
    assert_eq!(code, 0, "{told} {report:#}");
    let times = times_sent(&world.braze.server().requests());
    assert_eq!((world.braze_members().len(), world.facebook_emails().len(), times.len()), (1_000, 1_000, 1_000));
    assert!(times.values().all(|times| *times == 1), "nobody was sent twice: {times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_sync_at_once_and_the_next_is_exact() {
    let world = world(300).await;
    let latch = Latch::default();
    world.braze.server().fault(Fault::always(Action::Hold(latch.clone())).path("/users/track").from_call(2));
    let mut running = Running::start(&world, &["sync"]);
    world.braze.server().until_seen(2).await;
    running.stop("-INT").await;
    running.signal("-INT");
    let (code, _, told) = running.end().await;
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("ended at once"), "{told}");
    latch.open();
    world.braze.server().clear_faults();
    let (code, report, told) = Running::start(&world, &["--json", "sync"]).end().await;
    assert_eq!(code, 0, "{told} {report:#}");
    assert_eq!((world.braze_members().len(), world.facebook_emails().len()), (300, 300));
    assert!(report["connections"].as_array().unwrap().iter().any(|link| link["repeated"].as_u64() > Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_back_in_time_is_left_in_doubt_and_taken_up_by_the_next_run() {
    let world = world(300).await;
    world.braze.server().fault(Fault::always(Action::Hang).path("/users/track").from_call(2));
    let halt = Halt::default();
    let options = Options { halt: halt.clone(), ..world.options() };
    let held = async {
        world.braze.server().until_seen(2).await;
        halt.cut_off();
    };
    let (report, ()) = tokio::join!(world.sync_with(&options), held);
    let braze = link(&report, "braze-eu");
    assert_eq!((braze.state, report.exit_code()), (LinkState::Interrupted, 6), "{braze:#?}");
    assert!(braze.outcomes.unknown > 0 && braze.outcomes.unknown.is_multiple_of(75), "{braze:#?}");
    world.braze.server().clear_faults();
    let report = world.sync().await;
    let again = link(&report, "braze-eu");
    assert_eq!((world.braze_members().len(), again.repeated), (300, braze.outcomes.unknown), "{again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_waits_for_a_moment_does_not_sit_it_out_when_told_to_stop() {
    let world = world(10).await;
    let busy = Reply::json(429, &json!({ "message": "slow down" })).header("x-ratelimit-retry-after", "600");
    world.braze.server().fault(Fault::always(Action::Answer(busy)).path("/users/track"));
    let mut running = Running::start(&world, &["--json", "sync", "--wait"]);
    world.braze.server().until_seen(1).await;
    world.facebook.server().until_seen(1).await;
    running.stop("-INT").await;
    let (code, report, told) = running.end().await;
    assert_eq!(code, 6, "{told}");
    assert!(report["connections"].as_array().unwrap().iter().all(|link| link["adds_up"] == true), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_only_look_end_when_they_are_told_to() {
    let world = world(10).await;
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i as user_id, i as x from n";
    let held = Latch::default();
    world.braze.server().fault(Fault::always(Action::Hold(held.clone())));
    world.facebook.server().fault(Fault::always(Action::Hold(held)));
    for (args, needs_source) in [
        (&["check", "--probe"][..], false),
        (&["import"][..], true),
        (&["plan"][..], true),
        (&["sync"][..], true),
        (&["sync", "--dry-run"][..], true),
    ] {
        if needs_source {
            world.write("warehouse.db", "");
            let source = format!(
                "[source.accounts]\ndatabase = \"sqlite:warehouse.db\"\nid = \"user_id\"\nquery = \"{endless}\"\n\n"
            );
            world.write("audiences.toml", &format!("{source}{}", crate::support::AUDIENCES));
        }
        let mut running = Running::start(&world, args);
        running.listens().await;
        running.stop("-TERM").await;
        let (code, _, told) = running.end().await;
        assert_eq!(code, 6, "{args:?}: {told}");
        assert!(told.contains("run it again"), "{args:?}: {told}");
    }
}
