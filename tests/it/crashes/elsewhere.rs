//! The process dies where a sync of Braze and Facebook never comes by: a store that is made or migrated, lists that are
//! made, jobs that are asked about, accounts that are read, people who are forgotten.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use enroute_fakes::all::{self, AUDIENCE_NAME, person};
use enroute_host::store::Store;
use enroute_host::sync::{self, Clock, Options};
use serde_json::{Value, json};

use super::ABORTED;
use crate::seven::{World, keys, people};
use crate::support::{enroute, link};

/// Points that are reached here.
pub(super) const ELSEWHERE: [&str; 9] = [
    "store.migrating",
    "store.migrated",
    "account.answered",
    "list.answered",
    "list.opened",
    "job.answered",
    "job.settled",
    "forget.begun",
    "forget.withdrawn",
];

/// Destinations that make a list on the first day and take members as jobs.
const OURS: [&str; 2] = ["google-ads", "sendgrid-marketing"];

/// An hour, which the clock of the test is behind that of the machine, so that jobs are due to the binary.
const HOUR_MS: u64 = 3_600_000;

/// Runs the command and tells whether it died at the point.
async fn dies(folder: &Path, words: &[&str], point: &str) -> bool {
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(folder).args(words).env("ENROUTE_CRASH", point);
    let ended = command.output().await.expect("the binary runs");
    let has_died = ended.status.signal() == Some(ABORTED);
    assert!(has_died || ended.status.success(), "{point}: {}", String::from_utf8_lossy(&ended.stderr));
    has_died
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_step_to_a_format_a_process_dies_at_the_next_one_goes_on_from_there() {
    for point in ["store.migrating", "store.migrated"] {
        let mut steps = 0;
        loop {
            let folder = tempfile::tempdir().expect("a folder");
            let audiences = "[source.crm]\nfile = \"profiles.ndjson\"\n";
            std::fs::write(folder.path().join("audiences.toml"), audiences).expect("a file");
            std::fs::write(folder.path().join("plugins.toml"), "").expect("a file");
            std::fs::write(folder.path().join("profiles.ndjson"), format!("{}\n", person("u1"))).expect("a file");
            let has_died = dies(folder.path(), &["import"], &format!("{point}:{}", steps + 1)).await;
            assert!(!dies(folder.path(), &["import"], "none").await);
            let reader = Store::open_read(&folder.path().join(".enroute")).expect("the store opens");
            assert_eq!(reader.profile_count().unwrap(), 1, "{point}, step {}", steps + 1);
            if !has_died {
                break;
            }
            steps += 1;
        }
        assert!(steps > 7, "there are more formats than {steps}");
    }
}

/// A world with two of the seven destinations, an hour behind.
async fn world() -> World {
    let mut world = World::new().await;
    world.clock = Clock::starting_at(Clock::System.now_ms() - HOUR_MS);
    let audiences = std::fs::read_to_string(world.folder.path().join("audiences.toml")).expect("a file");
    let (before, _) = audiences.split_once("[[connection]]").expect("there are connections");
    let connections = all::connections();
    let is_ours = |one: &&str| OURS.iter().any(|name| one.contains(name));
    let ours: String =
        connections.split("[[connection]]").filter(is_ours).map(|one| format!("[[connection]]{one}")).collect();
    world.write("audiences.toml", &format!("{before}{ours}"));
    world
}

/// Runs to the end, and judges.
async fn check(world: &mut World, everybody: &[Value], expect: &[Value], what: &str) {
    world.clock = Clock::starting_at(Clock::System.now_ms());
    let report = world.sync(everybody).await;
    for name in OURS {
        let link = link(&report, name);
        assert_eq!((link.in_doubt, link.held), (0, expect.len() as u64), "{what}: {link:#?}");
        assert_eq!(world.fakes.members(name), keys(name, expect), "{what}, {name}");
    }
    let lists = world.fakes.google.lists().into_iter().map(|list| list.name);
    let lists: Vec<String> = lists.chain(world.fakes.sendgrid.lists().into_iter().map(|(_, name)| name)).collect();
    assert_eq!(lists, [AUDIENCE_NAME; 2], "{what}: each list was made once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_made_when_the_process_died_is_found_again() {
    let mut world = world().await;
    let everybody = people(6);
    world.import(&everybody);
    for point in ["list.answered", "list.opened"] {
        assert!(dies(world.folder.path(), &["sync"], point).await, "{point} was not reached");
    }
    check(&mut world, &everybody, &everybody, "lists").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_asked_about_when_the_process_died_is_asked_about_again_and_not_made_anew() {
    let mut world = world().await;
    let everybody = people(6);
    let store = world.import(&everybody);
    let setup = world.setup().await.expect("no mistakes");
    let options = Options { clock: world.clock.clone(), ..Options::default() };
    let report = sync::sync(&store, &setup, &options).await.expect("the store works");
    assert_eq!(link(&report, "sendgrid-marketing").outcomes.accepted, 6, "{report:#?}");
    drop((store, setup, options));
    for point in ["job.answered", "job.settled"] {
        assert!(dies(world.folder.path(), &["sync"], point).await, "{point} was not reached");
    }
    check(&mut world, &everybody, &everybody, "jobs").await;
    let requests = world.fakes.sendgrid.server().requests();
    let uploads = requests.iter().filter(|request| request.method == "PUT" && request.path.ends_with("/contacts"));
    assert_eq!(uploads.count(), 1, "what was accepted is not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_being_forgotten_when_the_process_dies_is_forgotten_by_the_next_sync() {
    let mut world = world().await;
    let everybody = people(6);
    world.sync(&everybody).await;
    let folder = world.folder.path().to_owned();
    assert!(dies(&folder, &["check", "--probe"], "account.answered").await, "no account was read");
    let mut gone = BTreeSet::new();
    for (id, point) in [("u00001", "forget.begun"), ("u00002", "forget.withdrawn")] {
        assert!(dies(&folder, &["forget", id, "--yes"], point).await, "{point} was not reached");
        gone.insert(id);
        let stay = |person: &&Value| !gone.iter().any(|id| person["id"] == json!(id));
        let others: Vec<Value> = everybody.iter().filter(stay).cloned().collect();
        check(&mut world, &everybody, &others, point).await;
        let reader = world.open().reader().expect("the store is read");
        assert!(sync::being_forgotten(&reader).unwrap().is_empty(), "{point}: the next sync ended it");
    }
    assert!(!dies(&folder, &["check", "--probe"], "none").await);
    assert_eq!(world.open().reader().unwrap().accounts().unwrap().len(), 2, "the accounts are read after all");
}
