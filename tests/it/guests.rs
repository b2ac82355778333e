//! Plugins that break rules: each costs itself or one member, the report says so, and the rest is delivered.

mod claims;
mod connections;
mod crowd;
mod patience;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use enroute_fakes::Server;
use enroute_fakes::server::{Recorded, Reply, Service};
use enroute_host::runtime::Limits;
use enroute_host::store::ledger::Remotes;
use enroute_host::sync::{self, Clock, LinkState, Options, RunReport, Setup};
use serde_json::{Value, json};

pub(crate) use connections::CODES;

use crate::support::{AUDIENCES, START_MS, World, gold, link, plugin_entry, runtime, with};

/// A destination that takes every member in, but those named `poison`.
#[derive(Default)]
struct Members {
    ids: Mutex<BTreeSet<String>>,
    jobs_asked: Mutex<u32>,
}

impl Service for Members {
    fn answer(&self, request: &Recorded) -> Reply {
        if request.path.starts_with("/jobs") {
            let mut asked = self.jobs_asked.lock().unwrap();
            *asked += 1;
            let state = if *asked > 1 { "done" } else { "running" };
            return Reply::json(200, &json!({ "state": state, "refused": [] }));
        }
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else { return Reply::json(200, &json!({})) };
        let members = body["members"].as_array().cloned().unwrap_or_default();
        if members.iter().any(|member| member["value"] == "poison") {
            return Reply::json(400, &json!({ "error": "somebody is bad" }));
        }
        let mut ids = self.ids.lock().unwrap();
        ids.extend(members.iter().filter_map(|member| member["id"].as_str().map(str::to_owned)));
        Reply::json(200, &json!({ "job": "j1" }))
    }
}

/// The world, with the misfit's destination in it.
struct Beside {
    world: World,
    server: Server,
    service: Arc<Members>,
    limits: Limits,
}

impl Beside {
    /// The misfit as it is built, in a mode.
    async fn new(mode: &str) -> Self {
        let beside = Self::packed(&[]).await;
        beside.set(&format!("mode = \"{mode}\""));
        beside
    }

    /// The misfit with lines of its manifest replaced.
    async fn packed(changes: &[(&str, &str)]) -> Self {
        let service = Arc::new(Members::default());
        let server = Server::start(Arc::clone(&service)).await.expect("the server starts");
        let world = World::new().await;
        crate::jobs::pack(&world.folder.path().join("misfit.wasm"), changes);
        let connection = "[[connection]]\naudience = \"gold\"\ndestination = \"misfit\"\nsetup = \"customized\"\n\
                          traits = [{ trait = \"notes\", field = \"value\" }]\n";
        world.write("audiences.toml", &format!("{AUDIENCES}{connection}"));
        let beside = Self { world, server, service, limits: Limits::default() };
        beside.set("");
        beside
    }

    /// Writes the misfit's settings.
    fn set(&self, settings: &str) {
        let url = self.server.url();
        let host = url.trim_start_matches("http://");
        let misfit = format!(
            "{}[destination.misfit]\nplugin = \"misfit\"\nhosts = [\"{host}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
             settings = {{ base_url = \"{url}\", {settings} }}\nsecrets = {{ token = \"${{file:braze.key}}\" }}\n",
            plugin_entry("misfit", &self.world.folder.path().join("misfit.wasm"))
        );
        self.world.write("plugins.toml", &format!("{}{misfit}", self.world.plugins_toml()));
    }

    /// What the configuration makes, though plugins may object.
    async fn setup(&self) -> Setup {
        let (config, none) = (self.world.config(), Remotes::default());
        let today = self.world.clock.today();
        let (setup, found) = Setup::prepare(&config, &runtime(self.limits), &none, &today, None).await;
        setup.unwrap_or_else(|| panic!("{}", found.render(&config.files)))
    }

    async fn sync(&self, people: &[Value]) -> RunReport {
        self.sync_with(people, &self.world.options()).await
    }

    /// Runs a sync in which the misfit stands beside two others, and sees to it that these are not disturbed.
    async fn sync_with(&self, people: &[Value], options: &Options) -> RunReport {
        self.world.people(people);
        let store = self.world.store();
        self.world.import(&store);
        let report = sync::sync(&store, &self.setup().await, options).await.expect("the store works");
        assert!(report.connections.iter().all(|link| link.adds_up), "outcomes do not add up: {report:#?}");
        assert_eq!(self.world.braze_members().len(), people.len(), "the healthy destination gets everybody");
        assert_eq!(self.world.facebook_emails().len(), people.len(), "the healthy destination gets everybody");
        for healthy in ["braze-eu", "facebook-ads"] {
            let link = link(&report, healthy);
            assert_eq!((link.state, link.faults.len()), (LinkState::Done, 0), "{healthy} is disturbed: {link:#?}");
        }
        report
    }

    fn ids(&self) -> BTreeSet<String> {
        self.service.ids.lock().unwrap().clone()
    }

    /// How often each member was sent.
    fn sent(&self) -> BTreeMap<String, usize> {
        let mut sent = BTreeMap::new();
        for request in self.server.requests() {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            for member in body["members"].as_array().into_iter().flatten() {
                *sent.entry(member["id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
        sent
    }
}

/// Runs a sync in which the misfit stands beside two others.
async fn beside_braze(mode: &str, people: &[Value]) -> (Beside, RunReport, BTreeSet<String>) {
    beside_braze_at(START_MS, mode, people).await
}

/// The same at another time.
async fn beside_braze_at(start_ms: u64, mode: &str, people: &[Value]) -> (Beside, RunReport, BTreeSet<String>) {
    let mut beside = Beside::new(mode).await;
    beside.world.clock = Clock::starting_at(start_ms);
    let report = beside.sync(people).await;
    let ids = beside.ids();
    (beside, report, ids)
}

fn people(count: usize) -> Vec<Value> {
    (0..count).map(|number| gold(&format!("u{number}"))).collect()
}

fn people_with_one(value: &str) -> Vec<Value> {
    (0..20)
        .map(|number| {
            let person = gold(&format!("u{number}"));
            if number == 7 { with(person, "notes", json!(value)) } else { person }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_member_costs_one_member() {
    for (mode, value, code) in [
        ("trap", "trap", "plugin_trap"),
        ("loop", "loop", "plugin_timeout"),
        ("refuse_bisect", "poison", "refused_by_destination"),
    ] {
        let (_world, report, ids) = beside_braze(mode, &people_with_one(value)).await;
        let misfit = link(&report, "misfit");
        assert_eq!((misfit.outcomes.delivered, misfit.outcomes.rejected), (19, 1), "{mode}: {misfit:#?}");
        assert_eq!(misfit.rejections[0].code, code, "{mode}");
        assert_eq!(ids.len(), 19, "{mode}");
        assert!(!ids.contains("u7"), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_names_plugin_function_and_reason_with_the_guests_backtrace() {
    let (_world, report, _) = beside_braze("trap", &people_with_one("trap")).await;
    let fault = &link(&report, "misfit").faults[0];
    assert_eq!((fault.function.as_str(), fault.code.as_str()), ("map", "plugin_trap"));
    assert!(fault.backtrace.iter().any(|frame| frame.contains("misfit")), "{fault:#?}");
    assert!(fault.stderr.contains("panicked"), "{fault:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_allocates_without_end_costs_only_its_own_connection() {
    let (_world, report, ids) = beside_braze("allocate", &people_with_one("none")).await;
    let misfit = link(&report, "misfit");
    assert_eq!(misfit.outcomes.delivered, 0);
    assert_eq!(misfit.faults[0].code, "plugin_out_of_memory", "{misfit:#?}");
    assert!(ids.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_add_up_is_a_fault_and_never_a_success() {
    for mode in ["leave_out", "twice", "stranger", "huge"] {
        let (_world, report, _) = beside_braze(mode, &people_with_one("none")).await;
        let misfit = link(&report, "misfit");
        let expect = if mode == "huge" { "plugin_output_too_large" } else { "plugin_broke_contract" };
        assert!(misfit.faults.iter().any(|fault| fault.code == expect), "{mode}: {misfit:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_in_send_leaves_nobody_uncounted() {
    let (_world, report, _) = beside_braze("trap_send", &people_with_one("none")).await;
    let misfit = link(&report, "misfit");
    assert_eq!(misfit.outcomes.delivered, 0);
    assert!(misfit.faults.iter().all(|fault| fault.function == "send"), "{misfit:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn map_has_no_network_a_frozen_clock_and_fixed_random_numbers() {
    let (_world, report, _) = beside_braze("net_in_map", &people_with_one("none")).await;
    let misfit = link(&report, "misfit");
    assert_eq!(misfit.outcomes.rejected, 20);
    assert!(misfit.rejections[0].reason.contains("the network is open in `send` only"), "{misfit:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_input_gives_equal_bytes_whatever_the_time() {
    // Two worlds have nothing in common but what is given: neither time, store key, folder nor process of a plugin.
    let bodies = async |start_ms| {
        let (beside, report, _) = beside_braze_at(start_ms, "clock", &people_with_one("none")).await;
        assert_eq!(link(&report, "misfit").outcomes.delivered, 20);
        let World { braze, facebook, .. } = &beside.world;
        [&beside.server, braze.server(), facebook.server()].map(|server| {
            let mut bodies: Vec<Vec<u8>> = server.requests().iter().map(|request| request.body.to_vec()).collect();
            bodies.sort();
            bodies
        })
    };
    let (one, other) = (bodies(START_MS).await, bodies(START_MS + 3 * 3_600_000).await);
    assert!(one.iter().all(|bodies| !bodies.is_empty()));
    assert!(String::from_utf8_lossy(&one[0][0]).starts_with("{\"time\":"), "the plugin asks for the time");
    assert_eq!(one, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn egress_refuses_foreign_hosts_and_forged_credentials() {
    for (mode, words) in [("bad_host", "does not ask for host"), ("header", "authorization")] {
        let (_world, report, ids) = beside_braze(mode, &people_with_one("none")).await;
        let misfit = link(&report, "misfit");
        assert_eq!(misfit.outcomes.delivered, 0, "{mode}");
        let text = serde_json::to_string(misfit).unwrap().to_lowercase();
        assert!(text.contains(words), "{mode}: {misfit:#?}");
        assert!(ids.is_empty(), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_at_the_destination_is_asked_about_by_the_next_run() {
    let (beside, report, _) = beside_braze("ticket", &people_with_one("none")).await;
    let world = &beside.world;
    assert_eq!(link(&report, "misfit").outcomes.accepted, 20);
    assert_eq!(report.exit_code(), 3);
    let options = enroute_host::sync::Options { wait: true, ..world.options() };
    let later = world.sync_with(&options).await;
    let misfit = link(&later, "misfit");
    assert_eq!((misfit.outcomes.delivered, misfit.held), (20, 20), "{misfit:#?}");
    assert_eq!(misfit.state, LinkState::Done, "{misfit:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_request_is_labelled_so() {
    let (_world, report, _) = beside_braze("derived", &people_with_one("none")).await;
    let requests = &link(&report, "misfit").requests;
    assert_eq!((requests.prepared, requests.derived), (1, 1));
}
