//! Jobs at a destination, what is learned of it, and patience: what happens between one request and the next run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use enroute_fakes::faults::Action;
use enroute_fakes::server::{Recorded, Reply, Service};
use enroute_fakes::{Fault, Server};
use enroute_host::catalog;
use enroute_host::sync::{LinkReport, LinkState, Options, RunReport};
use serde_json::{Value, json};

use crate::support::{World, gold, link, plugin, plugin_entry, root, with};

/// A destination whose account changes, and whose jobs end when they were asked about twice.
#[derive(Default)]
struct Account {
    /// What `GET /account` says.
    way: Mutex<String>,
    jobs: Mutex<BTreeMap<String, u32>>,
    most_open: Mutex<usize>,
    ids: Mutex<BTreeSet<String>>,
}

impl Service for Account {
    fn answer(&self, request: &Recorded) -> Reply {
        if request.path == "/account" {
            return Reply::json(200, &json!({ "way": *self.way.lock().unwrap() }));
        }
        if let Some(job) = request.path.strip_prefix("/jobs/") {
            let mut jobs = self.jobs.lock().unwrap();
            let Some(asked) = jobs.get_mut(job) else { return Reply::json(404, &json!({})) };
            *asked += 1;
            if *asked < 2 {
                return Reply::json(200, &json!({ "state": "running" }));
            }
            jobs.remove(job);
            return Reply::json(200, &json!({ "state": "done" }));
        }
        let body: Value = serde_json::from_slice(&request.body).expect("the guest sends JSON");
        if body["way"] == "bulk" && *self.way.lock().unwrap() == "singles" {
            return Reply::json(403, &json!({}));
        }
        let members = body["members"].as_array().cloned().unwrap_or_default();
        self.ids.lock().unwrap().extend(members.iter().filter_map(|member| member["id"].as_str().map(str::to_owned)));
        let mut jobs = self.jobs.lock().unwrap();
        let job = format!("j{}", request.sequence);
        jobs.insert(job.clone(), 0);
        let mut most_open = self.most_open.lock().unwrap();
        *most_open = most_open.max(jobs.len());
        Reply::json(200, &json!({ "job": job }))
    }
}

/// A world in which the misfit stands alone, packed with a manifest of the test's own.
struct Alone {
    world: World,
    server: Server,
    account: Arc<Account>,
}

impl Alone {
    async fn new(mode: &str, changes: &[(&str, &str)]) -> Self {
        let account = Arc::new(Account::default());
        *account.way.lock().unwrap() = "bulk".to_owned();
        let server = Server::start(Arc::clone(&account)).await.expect("the server starts");
        let world = World::new().await;
        let file = world.folder.path().join("misfit.wasm");
        pack(&file, changes);
        let url = server.url();
        let host = url.trim_start_matches("http://");
        world.write(
            "plugins.toml",
            &format!(
                "{}[destination.misfit]\nplugin = \"misfit\"\nhosts = [\"{host}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
                 settings = {{ base_url = \"{url}\", mode = \"{mode}\" }}\nsecrets = {{ token = \"${{file:braze.key}}\" }}\n",
                plugin_entry("misfit", &file)
            ),
        );
        world.write("audiences.toml", &audiences("value"));
        world.people(&people(20));
        Self { world, server, account }
    }

    async fn sync(&self) -> LinkReport {
        self.sync_with(&self.world.options()).await
    }

    async fn sync_with(&self, options: &Options) -> LinkReport {
        link(&self.world.sync_with(options).await, "misfit").clone()
    }

    fn asked(&self, path: &str) -> usize {
        self.server.requests().iter().filter(|request| request.path.starts_with(path)).count()
    }
}

/// The misfit with lines of its manifest replaced.
pub(crate) fn pack(file: &Path, changes: &[(&str, &str)]) {
    let mut manifest = std::fs::read_to_string(root().join("tests/guests/misfit/plugin.toml")).expect("the manifest");
    for (from, to) in changes {
        assert!(manifest.contains(from), "{from}");
        manifest = manifest.replacen(from, to, 1);
    }
    let component = catalog::read_file(&plugin("misfit")).expect("the plugin is read");
    std::fs::write(file, catalog::pack(&component, &manifest).expect("it can be packed")).expect("it is written");
}

fn audiences(field: &str) -> String {
    format!(
        "[source.crm]\nfile = \"profiles.ndjson\"\n[audience.gold]\nwhere = \"traits ->> 'plan' = 'gold'\"\n\
         [[connection]]\naudience = \"gold\"\ndestination = \"misfit\"\nsetup = \"customized\"\n\
         traits = [{{ trait = \"notes\", field = \"{field}\" }}]\n"
    )
}

fn people(count: u32) -> Vec<Value> {
    (0..count).map(|number| gold(&format!("u{number}"))).collect()
}

const DAY_MS: u64 = 24 * 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn no_more_jobs_are_open_than_the_destination_allows() {
    let alone = Alone::new("ticket", &[("members = 100", "members = 5\nopen_tickets = 2")]).await;
    let report = alone.sync().await;
    assert_eq!(*alone.account.most_open.lock().unwrap(), 2);
    assert_eq!(alone.account.ids.lock().unwrap().len(), 20);
    // The last two jobs have nobody waiting behind them: the next run asks.
    assert_eq!((report.outcomes.delivered, report.outcomes.accepted), (10, 10), "{report:#?}");
    let report = alone.sync_with(&Options { wait: true, ..alone.world.options() }).await;
    assert_eq!((report.outcomes.delivered, report.held, report.state), (10, 20, LinkState::Done), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_open_learned_lasts_for_a_day_and_for_the_same_settings() {
    let alone = Alone::new("learn", &[("custom_fields", "opens = true\ncustom_fields")]).await;
    alone.sync().await;
    alone.sync().await;
    assert_eq!(alone.asked("/account"), 1);
    alone.world.write("audiences.toml", &audiences("other"));
    alone.sync().await;
    assert_eq!(alone.asked("/account"), 2);
    let day_later = Options {
        clock: enroute_host::sync::Clock::starting_at(alone.world.clock.now_ms() + DAY_MS),
        ..alone.world.options()
    };
    alone.sync_with(&day_later).await;
    assert_eq!(alone.asked("/account"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_yesterday_does_until_the_destination_is_well_again() {
    let alone = Alone::new("learn", &[("custom_fields", "opens = true\ncustom_fields")]).await;
    alone.server.fault(Fault::once(Action::Answer(Reply::text(503, "later"))));
    let report = alone.sync().await;
    assert_eq!((report.state, report.members), (LinkState::Waiting, 0), "{report:#?}");
    assert_eq!(alone.sync().await.outcomes.delivered, 20);
    alone.server.fault(Fault::once(Action::Answer(Reply::text(503, "later"))));
    let day_later = Options {
        clock: enroute_host::sync::Clock::starting_at(alone.world.clock.now_ms() + DAY_MS),
        ..alone.world.options()
    };
    assert_eq!(alone.sync_with(&day_later).await.state, LinkState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_that_only_the_remote_tells_stops_the_connection() {
    let alone = Alone::new("learn", &[("custom_fields", "opens = true\ncustom_fields")]).await;
    *alone.account.way.lock().unwrap() = "closed".to_owned();
    let report = alone.sync().await;
    assert_eq!(report.state, LinkState::Paused);
    assert_eq!(report.reason.as_deref(), Some("the account is closed (open it again)"));
    assert_eq!(alone.asked("/members"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_delivery_taught_decides_how_the_rest_is_mapped() {
    let alone = Alone::new("learn", &[("custom_fields", "opens = true\ncustom_fields")]).await;
    alone.sync().await;
    *alone.account.way.lock().unwrap() = "singles".to_owned();
    let changed: Vec<Value> = people(20).into_iter().map(|person| with(person, "notes", json!("new"))).collect();
    alone.world.people(&changed);
    let report = alone.sync().await;
    assert_eq!((report.outcomes.delivered, report.state), (20, LinkState::Done), "{report:#?}");
    let bodies = alone.server.requests();
    let ways: Vec<String> = bodies
        .iter()
        .filter(|request| request.path == "/members")
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()["way"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ways, ["bulk", "bulk", "singles"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_asks_for_hours_is_left_to_a_later_run() {
    let world = World::new().await;
    world.people(&people(300));
    let hours = Reply::text(429, "slow down").header("retry-after", "7200");
    world.braze.server().fault(Fault::always(Action::Answer(hours)));
    let started = world.clock.now_ms();
    let report: RunReport = world.sync().await;
    let braze = link(&report, "braze-eu");
    assert_eq!((braze.state, braze.outcomes.deferred), (LinkState::Waiting, 300), "{braze:#?}");
    assert!(world.clock.now_ms() < started + 60_000, "a run waited for hours");
    world.braze.server().clear_faults();
    world.clock.sleep_until(started + 7_200_000).await;
    assert_eq!(link(&world.sync().await, "braze-eu").outcomes.delivered, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_swap_addresses_are_both_there_afterwards() {
    let world = World::new().await;
    let (ann, bob) = (gold("ann"), gold("bob"));
    world.people(&[ann.clone(), bob.clone()]);
    world.sync().await;
    let before = world.facebook_emails();
    assert_eq!(before.len(), 2);
    world.people(&[with(ann, "email", json!("bob@example.com")), with(bob, "email", json!("ann@example.com"))]);
    let report = world.sync().await;
    assert_eq!(world.facebook_emails(), before, "{:#?}", link(&report, "facebook-ads"));
}
