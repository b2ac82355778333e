//! Plugins that ask for what they may not, die with a word, or wait without end: whoever reads the plan, the report, the
//! log or a person's story learns what the plugin did, and no destination is blamed for it.

use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use enroute_fakes::Server;
use enroute_fakes::server::{Recorded, Reply, Service};
use enroute_host::store::Reader;
use enroute_host::sync::{Chapter, LinkPlan, LinkReport, LinkState, RunReport, explain};
use serde_json::{Value, json};

use crate::support::{World, enroute, gold, link, plugin, plugin_entry, with};

/// Turns the direction of writing, hides, and clears a terminal.
const UGLY: &str = "\u{202e}\u{200b}\u{1b}[2J";

/// A destination that takes everybody in, and says so with characters that steer a terminal.
struct Polite;

impl Service for Polite {
    fn answer(&self, _: &Recorded) -> Reply {
        Reply::text(200, &format!("fine\nforged: all members rejected {UGLY}"))
    }
}

/// The world with nothing but the misfit in it.
struct Alone {
    world: World,
    server: Server,
    /// The plugin's file, and what `[plugin.misfit]` says besides.
    file: PathBuf,
    entry: String,
}

impl Alone {
    async fn new(mode: &str) -> Self {
        let world = World::new().await;
        let server = Server::start(Arc::new(Polite)).await.expect("the server starts");
        let alone = Self { world, server, file: plugin("misfit"), entry: String::new() };
        alone.mode(mode);
        let people: Vec<Value> = (0..20).map(|number| gold(&format!("user-{number:02}"))).collect();
        alone.world.people(&people);
        alone
    }

    /// Settings of the destination.
    fn mode(&self, mode: &str) {
        self.configured(&format!("mode = \"{mode}\""), "allow_networks = [\"127.0.0.0/8\"]", &self.server.url());
    }

    fn configured(&self, settings: &str, more: &str, url: &str) {
        let host = url.trim_start_matches("http://").trim_start_matches("https://");
        let entry = plugin_entry("misfit", &self.file);
        let entry = entry.trim_end();
        let plugins = format!(
            "{entry}\n{}\n[destination.misfit]\nplugin = \"misfit\"\nhosts = [\"{host}\"]\n{more}\n\
             settings = {{ base_url = \"{url}\", {settings} }}\nsecrets = {{ token = \"${{file:braze.key}}\" }}\n",
            self.entry
        );
        self.world.write("plugins.toml", &plugins);
        let audiences = "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.gold]\n\
                         where = \"traits ->> 'plan' = 'gold'\"\n\n[[connection]]\naudience = \"gold\"\n\
                         destination = \"misfit\"\nsetup = \"customized\"\n\
                         traits = [{ trait = \"notes\", field = \"value\" }]\n";
        self.world.write("audiences.toml", audiences);
    }

    /// Everybody has the value `none`, and number seven this one.
    fn seventh_says(&self, value: &str) {
        let person = |number: usize| {
            let person = gold(&format!("user-{number:02}"));
            if number == 7 { with(person, "notes", json!(value)) } else { person }
        };
        self.world.people(&(0..20).map(person).collect::<Vec<_>>());
    }

    /// The same plugin in another file: nothing but its digest differs.
    fn another_file(&mut self) {
        let mut bytes = std::fs::read(&self.file).expect("the plugin is read");
        bytes.extend_from_slice(&[0, 5, 1, b'v', 0, 0, 0]);
        self.file = self.world.folder.path().join("misfit.wasm");
        std::fs::write(&self.file, bytes).expect("the plugin is written");
    }

    async fn plan(&self) -> LinkPlan {
        self.world.plan().await.remove(0)
    }

    async fn sync(&self) -> (RunReport, LinkReport) {
        let report = self.world.sync().await;
        let misfit = link(&report, "misfit").clone();
        (report, misfit)
    }

    fn story(&self, id: &str) -> Chapter {
        let reader: Reader = self.world.store().reader().expect("a reader");
        let told = explain(&reader, None, id).expect("the store is read").expect("the person is known");
        told.connections.into_iter().find(|one| one.destination == "misfit").expect("the connection is known")
    }

    fn cli(&self, words: &[&str]) -> Output {
        let mut command = enroute();
        tokio::task::block_in_place(|| command.args(words).current_dir(self.world.folder.path()).output())
            .expect("enroute runs")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What must hold wherever a request of the plugin was refused for the plugin's own sake.
async fn check_refused(alone: &Alone, code: &str, words: &str) {
    let plan = alone.plan().await;
    let planned = plan.requests.first().and_then(|request| request.refused.clone()).unwrap_or_default();
    assert!(planned.contains(words), "{plan:#?}");
    assert_eq!((plan.sendable, plan.refused_requests[0].code.as_str()), (0, code), "{plan:#?}");
    let (report, misfit) = alone.sync().await;
    assert_eq!((misfit.state, report.exit_code()), (LinkState::Paused, 5), "{misfit:#?}");
    assert_eq!((misfit.outcomes.deferred, misfit.outcomes.total()), (20, 20), "nobody is rejected: {misfit:#?}");
    assert_eq!(misfit.refused_requests[0].code, code, "{misfit:#?}");
    let reason = misfit.reason.clone().unwrap_or_default();
    assert!(reason.contains("the host refused a request of the plugin") && reason.contains(words), "{reason}");
    assert!(!serde_json::to_string(&misfit).unwrap().contains("did not answer"), "{misfit:#?}");
    assert!(alone.server.requests().is_empty(), "nothing left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_refuses_is_the_plugins_doing_in_plan_and_report() {
    let alone = Alone::new("bad_host").await;
    check_refused(&alone, "host_refused", "does not ask for host `elsewhere.example`").await;
    let alone = Alone::new("header").await;
    check_refused(&alone, "header_refused", "header `authorization` belongs to the host").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_refused_before_it_is_dialled() {
    let alone = Alone::new("ok").await;
    alone.configured("mode = \"ok\"", "", "https://10.0.0.7");
    check_refused(&alone, "address_refused", "host `10.0.0.7` must not be reached: address 10.0.0.7 is private").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_one_member_spoils_costs_that_member() {
    let alone = Alone::new("path_value").await;
    alone.seventh_says("..");
    let plan = alone.plan().await;
    assert_eq!((plan.sendable, plan.rejections[0].members), (19, 1), "{plan:#?}");
    let (_, misfit) = alone.sync().await;
    assert_eq!((misfit.outcomes.delivered, misfit.outcomes.rejected), (19, 1), "{misfit:#?}");
    let rejection = &misfit.rejections[0];
    assert_eq!(rejection.code, "plugin_broke_contract");
    assert!(rejection.reason.contains("the host refuses its request: path segment 1 is `.` or `..`"), "{rejection:#?}");
    assert!(alone.story("user-07").refusal.unwrap().reason.contains("path segment 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_cannot_blame_the_destination_for_what_the_host_refused() {
    let alone = Alone::new("blame").await;
    let (report, misfit) = alone.sync().await;
    assert_eq!((misfit.state, report.exit_code()), (LinkState::Paused, 5), "{misfit:#?}");
    assert_eq!((misfit.outcomes.deferred, misfit.rejections.len()), (20, 0), "{misfit:#?}");
    assert_eq!((misfit.refused_requests[0].code.as_str(), misfit.refused_requests[0].requests), ("host_refused", 1));
    let told = serde_json::to_string(&misfit).unwrap();
    assert!(told.contains("elsewhere.example") && !told.contains("did not answer"), "{told}");
    let story = alone.story("user-01");
    assert!(story.waits_because.is_some_and(|why| why.contains("elsewhere.example")));
    assert!(story.refused_requests[0].contains("elsewhere.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_report_log_and_story_tell_people_what_was_refused() {
    let alone = Alone::new("bad_host").await;
    let plan = alone.cli(&["plan"]);
    let told = text(&plan.stdout);
    assert!(told.contains("refused by the host, the plugin is at fault: 1 request, host_refused"), "{told}");
    assert!(told.contains("the host would refuse it: the plugin's manifest does not ask for host"), "{told}");
    let sync = alone.cli(&["sync", "--no-import"]);
    assert_eq!(sync.status.code(), Some(5));
    assert!(text(&sync.stdout).contains("elsewhere.example"), "{}", text(&sync.stdout));
    assert!(text(&sync.stderr).contains("request of the plugin refused"), "{}", text(&sync.stderr));
    let json: Value = serde_json::from_slice(&alone.cli(&["--json", "sync", "--no-import"]).stdout).unwrap();
    assert_eq!(json["connections"][0]["refused_requests"][0]["code"], "host_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_tells_its_cause_in_one_clean_line_everywhere() {
    let alone = Alone::new("trap_telling").await;
    alone.seventh_says("trap");
    let (_, misfit) = alone.sync().await;
    assert_eq!((misfit.outcomes.delivered, misfit.outcomes.rejected), (19, 1), "{misfit:#?}");
    let fault = &misfit.faults[0];
    // The panic quotes the member's id, which no report repeats, and what is hidden is written out.
    let cause = "it panicked: cannot read [value]\\u{202e}\\u{200b}\\u{1b}[2J, at ";
    assert!(fault.reason.starts_with(cause), "{fault:#?}");
    assert_eq!(fault.log, ["warn: about to fail at [value]\\n\\u{202e}\\u{200b}\\u{1b}[2J"], "{fault:#?}");
    assert!(!serde_json::to_string(&misfit).unwrap().contains("user-07"), "{misfit:#?}");
    assert!(misfit.rejections[0].reason.contains(cause), "{misfit:#?}");
    let story = alone.story("user-07");
    assert!(story.refusal.unwrap().reason.contains(cause));
    assert_eq!(story.plugin_faults[0].log, fault.log);
    let explained = text(&alone.cli(&["explain", "user-07"]).stdout);
    assert!(explained.contains(cause) && explained.contains("it logged last: warn: about to fail"), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_what_a_failed_call_logged_and_wrote() {
    let alone = Alone::new("trap_telling").await;
    alone.seventh_says("trap");
    let sync = alone.cli(&["--log", "debug", "sync"]);
    let (log, told) = (text(&sync.stderr), text(&sync.stdout));
    assert!(log.contains("about to fail at [value]") && log.contains("cannot read [value]"), "{log}");
    assert!(told.contains("it panicked: cannot read [value]") && told.contains("it logged last"), "{told}");
    assert!(![&log, &told].iter().any(|text| text.contains('\u{202e}')), "{log}{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_answers_are_shown_on_one_line_and_are_exact_in_json() {
    let alone = Alone::new("ugly").await;
    let body = format!("{{\n\"note\":\"{UGLY}\",\"members\":[");
    for words in [&["plan", "--bodies"][..], &["try", "gold", "misfit", "--profile", "user-03", "--send"]] {
        let shown = text(&alone.cli(words).stdout);
        assert!(shown.contains("{\\n\"note\":\"\\u{202e}\\u{200b}\\u{1b}[2J\""), "{shown}");
        assert!(!shown.contains(['\u{202e}', '\u{200b}', '\u{1b}']), "{shown}");
        assert!(!shown.lines().any(|line| line.starts_with("\"note\"") || line.starts_with("forged")), "{shown}");
    }
    let plan: Value = serde_json::from_slice(&alone.cli(&["--json", "plan", "--bodies"]).stdout).unwrap();
    let shown = plan[0]["requests"][0]["body"].as_str().unwrap();
    assert!(shown.starts_with(&body), "{shown:?}");
    let words = ["--json", "try", "gold", "misfit", "--profile", "user-04", "--send"];
    let tried: Value = serde_json::from_slice(&alone.cli(&words).stdout).unwrap();
    let answer = tried["sent"]["exchanges"][0]["answer"].as_str().unwrap();
    assert_eq!(answer, format!("fine\nforged: all members rejected {UGLY}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_cut_to_a_day_and_its_end_is_told() {
    let alone = Alone::new("wait").await;
    let (_, misfit) = alone.sync().await;
    assert_eq!((misfit.state, misfit.outcomes.deferred), (LinkState::Waiting, 20), "{misfit:#?}");
    let due = "2026-11-24T00:00:0";
    assert!(misfit.waiting[0].until.as_ref().is_some_and(|until| until.starts_with(due)), "{misfit:#?}");
    assert!(misfit.next_due.as_ref().is_some_and(|until| until.starts_with(due)), "{misfit:#?}");
    assert!(alone.story("user-00").due.is_some_and(|until| until.starts_with(due)));
    let explained = text(&alone.cli(&["explain", "user-00"]).stdout);
    assert!(explained.contains(&format!("waits until {due}")), "{explained}");
    let status = text(&alone.cli(&["status"]).stdout);
    assert!(status.contains(due), "{status}");
    // Nothing changed: nobody is looked at.
    assert_eq!(alone.sync().await.1.changes.total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plugin_setting_or_secret_ends_a_wait() {
    let mut alone = Alone::new("wait").await;
    assert_eq!(alone.sync().await.1.outcomes.deferred, 20);
    for change in ["settings", "secret", "plugin"] {
        assert_eq!(alone.sync().await.1.changes.total(), 0, "before the {change}");
        match change {
            "settings" => {}
            "secret" => alone.world.write("braze.key", "another-secret-9c1f"),
            _ => alone.another_file(),
        }
        let seek = if change == "settings" { ", seek = \"x=00\"" } else { ", seek = \"y=00\"" };
        alone.configured(&format!("mode = \"wait\"{seek}"), "allow_networks = [\"127.0.0.0/8\"]", &alone.server.url());
        assert_eq!(alone.plan().await.changes.total(), 20, "a plan forecasts it: {change}");
        assert_eq!(alone.sync().await.1.changes.total(), 20, "{change}");
        if change == "settings" {
            alone.configured(
                "mode = \"wait\", seek = \"y=00\"",
                "allow_networks = [\"127.0.0.0/8\"]",
                &alone.server.url(),
            );
            assert_eq!(alone.sync().await.1.changes.total(), 20, "{change} again");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_an_older_plugin_refused_is_looked_at_again() {
    let mut alone = Alone::new("ok").await;
    assert_eq!(alone.sync().await.1.outcomes.delivered, 20);
    alone.mode("trap");
    alone.seventh_says("trap");
    let (_, misfit) = alone.sync().await;
    assert_eq!((misfit.changes.updated, misfit.outcomes.rejected), (1, 1), "{misfit:#?}");
    assert_eq!(alone.sync().await.1.changes.total(), 0);
    alone.another_file();
    alone.mode("trap");
    let (_, misfit) = alone.sync().await;
    assert_eq!((misfit.changes.updated, misfit.outcomes.rejected), (1, 1), "{misfit:#?}");
    // Whoever is as the destination has it is refused nothing any more.
    alone.mode("ok");
    alone.seventh_says("none");
    let (_, misfit) = alone.sync().await;
    assert_eq!((misfit.outcomes.unchanged, misfit.outcomes.total()), (1, 1), "{misfit:#?}");
    assert_eq!((alone.sync().await.1.changes.total(), alone.story("user-07").refusal), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_the_operators_and_their_use_is_shown() {
    let mut alone = Alone::new("allocate").await;
    alone.entry = "limits = { memory_mib = 8 }\n".to_owned();
    alone.mode("allocate");
    let (_, misfit) = alone.sync().await;
    assert_eq!(misfit.faults[0].reason, "it asked for more than 8 MiB of memory", "{misfit:#?}");
    alone.entry = "limits = { host_calls = 1000, table_slots = 5000 }\n".to_owned();
    alone.mode("flood");
    let (_, misfit) = alone.sync().await;
    assert_eq!(misfit.faults[0].code, "plugin_too_many_calls", "{misfit:#?}");
    assert!(misfit.faults[0].reason.starts_with("it called the host more than 1000 times"), "{misfit:#?}");
    alone.mode("ok");
    let (_, misfit) = alone.sync().await;
    assert_eq!(misfit.outcomes.delivered, 20, "whoever was refused for a limit is tried again: {misfit:#?}");
    let of = |key: &str| misfit.usage.iter().find(|peak| peak.limit == key).map(|peak| (peak.used, peak.most));
    assert!(of("memory_mib").is_some_and(|(used, most)| (1..=64).contains(&used) && most == 64), "{misfit:#?}");
    assert_eq!(of("host_calls"), Some((1, 1000)));
    assert_eq!(of("requests"), Some((1, 1000)));
    let status = text(&alone.cli(&["status"]).stdout);
    assert!(status.contains("host_calls") && status.contains("1 of 1000"), "{status}");
}
