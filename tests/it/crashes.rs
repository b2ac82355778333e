//! The process dies at every named point and behind every commit; the next run ends exact.
//!
//! The judge is what the fakes have. Between death and next run somebody leaves the audience: a host that forgot what it
//! was about to send would leave them where they are.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Output;

use enroute_host::catalog::sha256_hex;
use enroute_host::config::crash::POINTS;
use enroute_host::sources::CHUNK_LINES;
use serde_json::{Value, json};

use crate::support::{World, enroute, gold, root, with};

mod elsewhere;

/// Points that only a renewal of a token reaches; `oauth/crashes.rs` dies at each of them.
const OF_TOKENS: [&str; 2] = ["token.granted", "token.saved"];
/// Signal that `abort` ends a process with.
const ABORTED: i32 = 6;
/// Members that come and go in one round.
const FRESH: u32 = 4;

/// A world in which each round has people of its own: some come, some change, one leaves.
struct Rounds {
    world: World,
    round: u32,
    gone: BTreeSet<String>,
}

impl Rounds {
    async fn new() -> Self {
        let world = World::new().await;
        let sources = "[source.events]\nfile = \"events.ndjson\"\nholds = \"events\"\n\n[source.scores]\nfile = \"scores.csv\"\n\
                       holds = \"predictions\"\n\n[trait.orders]\ncompute = \"count\"\nevent = \"Ordered\"\n\n";
        world.write("audiences.toml", &format!("{sources}{}", crate::support::AUDIENCES));
        let mut rounds = Self { world, round: 0, gone: BTreeSet::new() };
        rounds.next();
        rounds.sync_well("the first run").await;
        rounds
    }

    fn everybody(&self) -> u32 {
        self.round * FRESH
    }

    /// Writes the sources as they stand.
    fn write(&self) {
        let person = |number: u32| {
            let id = format!("u{number}");
            let plan = if self.gone.contains(&id) { "none" } else { "gold" };
            with(with(gold(&id), "plan", json!(plan)), "firstName", json!(format!("Ann{}", self.round)))
        };
        self.world.people(&(0..self.everybody()).map(person).collect::<Vec<_>>());
        let event = |number: u32| {
            json!({ "type": "track", "messageId": format!("m{number}"), "userId": format!("u{number}"), "event": "Ordered",
                "properties": {}, "timestamp": "2026-03-02T09:15:00Z" })
        };
        let events: String = (0..self.everybody()).map(|number| format!("{}\n", event(number))).collect();
        self.world.write("events.ndjson", &events);
        let score = |number: u32| format!("u{number},0.{}\n", 1 + self.round % 9);
        self.world.write("scores.csv", &format!("id,churn\n{}", (0..self.everybody()).map(score).collect::<String>()));
    }

    /// New people come, and everybody changes.
    fn next(&mut self) {
        self.round += 1;
        self.write();
    }

    /// Adds so many people whom nobody is to be told of that the file is read in several chunks.
    fn many_strangers(&self) {
        let path = self.world.folder.path().join("profiles.ndjson");
        let ours = std::fs::read_to_string(&path).expect("the file is there");
        let strangers = (0..3 * CHUNK_LINES).map(|number| format!("{{\"id\":\"s{number}\",\"traits\":{{}}}}\n"));
        std::fs::write(path, ours + &strangers.collect::<String>()).expect("the file is written");
    }

    /// Somebody of this round leaves.
    fn leave(&mut self) {
        self.gone.insert(format!("u{}", self.everybody() - 1));
        self.write();
    }

    async fn run(&self, crash: Option<&str>) -> Output {
        let mut command = tokio::process::Command::from(enroute());
        command.arg("-C").arg(self.world.folder.path()).args(["--json", "sync"]);
        if let Some(point) = crash {
            command.env("ENROUTE_CRASH", point);
        }
        command.output().await.expect("the binary runs")
    }

    /// Runs to the end, and judges.
    async fn sync_well(&self, what: &str) {
        let Output { status, stdout, stderr } = self.run(None).await;
        assert!(status.success(), "{what}: {}", String::from_utf8_lossy(&stderr));
        let report: Value = serde_json::from_slice(&stdout).expect("the report is JSON");
        let expect = u64::from(self.everybody()) - self.gone.len() as u64;
        for link in report["connections"].as_array().expect("connections") {
            let told = (&link["state"], &link["adds_up"], &link["held"], &link["in_doubt"]);
            assert_eq!(told, (&json!("done"), &json!(true), &json!(expect), &json!(0)), "{what}: {link:#}");
            let most = u64::from(self.everybody());
            assert!(link["repeated"].as_u64() <= Some(most), "{what}: repeats are bounded: {link:#}");
        }
        assert_eq!(self.difference(), Vec::<String>::new(), "{what}");
    }

    /// Who is at a destination and should not be, and who should and is not.
    fn difference(&self) -> Vec<String> {
        let ids: BTreeSet<String> = (0..self.everybody()).map(|number| format!("u{number}")).collect();
        let ids = &ids - &self.gone;
        let emails = ids.iter().map(|id| sha256_hex(format!("{id}@example.com").as_bytes())).collect();
        let mut found = Vec::new();
        for (name, expect, there) in
            [("Braze", &ids, self.world.braze_members()), ("Facebook", &emails, self.world.facebook_emails())]
        {
            found.extend(expect.difference(&there).map(|id| format!("{name} lacks {id}")));
            found.extend(there.difference(expect).map(|id| format!("{name} still has {id}")));
        }
        found
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            std::fs::copy(entry.path(), target).expect("a file");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_point_a_process_dies_at_the_next_run_ends_exact() {
    let mut rounds = Rounds::new().await;
    let elsewhere = |point: &&&str| OF_TOKENS.contains(*point) || elsewhere::ELSEWHERE.contains(*point);
    for point in POINTS.iter().filter(|point| !elsewhere(point)) {
        rounds.next();
        if *point == "import.read" {
            rounds.many_strangers();
        }
        let died = rounds.run(Some(&format!("{point}:1"))).await;
        assert_eq!(died.status.signal(), Some(ABORTED), "{point} was not reached");
        rounds.leave();
        rounds.sync_well(point).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_commit_a_process_dies_behind_the_next_run_ends_exact() {
    let mut rounds = Rounds::new().await;
    let mut commit = 1;
    loop {
        rounds.next();
        let point = format!("store.committed:{commit}");
        let died = rounds.run(Some(&point)).await;
        rounds.leave();
        rounds.sync_well(&point).await;
        if died.status.success() {
            break;
        }
        assert_eq!(died.status.signal(), Some(ABORTED), "{point}");
        commit += 1;
    }
    assert!(commit > 10, "a run has more than {commit} commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_forgets_its_intents_is_found_out() {
    let mut rounds = Rounds::new().await;
    rounds.next();
    let (state, before) = (rounds.world.state(), rounds.world.folder.path().join("before"));
    copy(&state, &before);
    let died = rounds.run(Some("delivery.answered:2")).await;
    assert_eq!(died.status.signal(), Some(ABORTED), "it was not reached");
    // The defect: nothing of the run that died was durable.
    std::fs::remove_dir_all(&state).expect("it goes");
    copy(&before, &state);
    rounds.leave();
    rounds.run(None).await;
    let found = rounds.difference();
    assert!(found.iter().any(|one| one.contains("still has")), "{found:?}");
}

#[test]
fn every_point_in_the_code_is_enumerated() {
    fn points(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                points(&entry, found);
            } else if entry.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&entry).expect("a file");
                let names = text.split("crash_point!(\"").skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(names.map(str::to_owned));
            }
        }
    }
    let mut found = BTreeSet::new();
    points(&root().join("host"), &mut found);
    assert_eq!(found, POINTS.iter().map(|point| (*point).to_owned()).collect());
}
