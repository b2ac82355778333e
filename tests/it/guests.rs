//! Plugins that break rules: each costs itself or one member, the report says so, and the rest is delivered.

use std::collections::BTreeSet;
use std::sync::Mutex;

use enroute_fakes::Server;
use enroute_fakes::server::{Recorded, Reply, Service};
use enroute_host::sync::{Clock, LinkState, RunReport};
use serde_json::{Value, json};

use crate::support::{AUDIENCES, START_MS, World, gold, link, plugin, plugin_entry, with};

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
}

/// Runs a sync in which the misfit stands beside Braze.
async fn beside_braze(mode: &str, people: &[Value]) -> (Beside, RunReport, BTreeSet<String>) {
    beside_braze_at(START_MS, mode, people).await
}

/// The same at another time.
async fn beside_braze_at(start_ms: u64, mode: &str, people: &[Value]) -> (Beside, RunReport, BTreeSet<String>) {
    let service = std::sync::Arc::new(Members::default());
    let server = Server::start(std::sync::Arc::clone(&service)).await.expect("the server starts");
    let world = World { clock: Clock::starting_at(start_ms), ..World::new().await };
    let url = server.url();
    let host = url.trim_start_matches("http://");
    let misfit = format!(
        "{}[destination.misfit]\nplugin = \"misfit\"\nhosts = [\"{host}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
         settings = {{ base_url = \"{url}\", mode = \"{mode}\" }}\nsecrets = {{ token = \"${{file:braze.key}}\" }}\n",
        plugin_entry("misfit", &plugin("misfit"))
    );
    world.write("plugins.toml", &format!("{}{misfit}", world.plugins_toml()));
    let connection = "[[connection]]\naudience = \"gold\"\ndestination = \"misfit\"\nsetup = \"customized\"\n\
                      traits = [{ trait = \"notes\", field = \"value\" }]\n";
    world.write("audiences.toml", &format!("{AUDIENCES}{connection}"));
    world.people(people);
    let report = world.sync().await;
    let ids = service.ids.lock().unwrap().clone();
    assert_eq!(world.braze_members().len(), people.len(), "the healthy destination gets everybody");
    assert_eq!(link(&report, "braze-eu").state, LinkState::Done);
    (Beside { world, server }, report, ids)
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
