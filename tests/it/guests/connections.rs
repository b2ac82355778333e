//! One connection costs one connection: whatever a plugin does where the connection as a whole is concerned, the others
//! go on, in every command.

use std::time::Duration;

use enroute_host::catalog;
use enroute_host::runtime::Limits;
use enroute_host::sync::{self, Clock, Detail, LinkState};
use serde_json::Value;

use super::{Beside, people};
use crate::support::{START_MS, enroute, link, plugin};

/// Codes that are told here, beside the tables of mistakes.
pub(crate) const CODES: [&str; 1] = ["E310"];

const DAY_MS: u64 = 24 * 3_600_000;
/// The day after the tests begin.
const TOMORROW: &str = "2026-11-24";

fn quick() -> Limits {
    let short = Duration::from_millis(200);
    Limits { cpu_validate: short, cpu_map: short, cpu_send: short, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_plugin_does_in_validate_stops_its_own_connection() {
    for (mode, words, code) in [
        (
            "trap_validate",
            "plugin `misfit` failed in `validate`: it panicked: `validate` was called",
            Some("plugin_trap"),
        ),
        ("loop_validate", "it used up its 200ms of CPU time", Some("plugin_timeout")),
        ("allocate_validate", "it asked for more than 64 MiB of memory", Some("plugin_out_of_memory")),
        ("object", "misfit says: this mode is not liked (choose another)", None),
    ] {
        let beside = Beside { limits: quick(), ..Beside::new(mode).await };
        let report = beside.sync(&people(20)).await;
        let misfit = link(&report, "misfit");
        assert_eq!((misfit.state, report.exit_code()), (LinkState::Failed, 5), "{mode}: {misfit:#?}");
        assert!(misfit.reason.as_ref().is_some_and(|reason| reason.contains(words)), "{mode}: {misfit:#?}");
        assert_eq!(misfit.faults.first().map(|fault| fault.code.as_str()), code, "{mode}: {misfit:#?}");
        assert!(beside.ids().is_empty(), "{mode}");
        let (store, setup) = (beside.world.store(), beside.setup().await);
        let plans = sync::plan(&store, &setup, &beside.world.clock, Detail::default()).await.unwrap();
        let stopped: Vec<bool> = plans.iter().map(|plan| plan.stopped.is_some()).collect();
        assert_eq!(stopped, [false, false, true], "{mode}");
        let matched: Vec<(usize, bool)> =
            setup.matched().iter().map(|one| (one.rows.len(), one.stopped.is_some())).collect();
        assert_eq!(matched, [(6, false), (2, false), (1, true)], "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_in_validate_is_not_asked_about_every_connection() {
    let beside = Beside { limits: quick(), ..Beside::new("loop_validate").await };
    let text = std::fs::read_to_string(beside.world.folder.path().join("audiences.toml")).unwrap();
    let more: String = (0..30)
        .map(|number| {
            format!(
                "\n[audience.a{number}]\nwhere = \"id is null\"\n[[connection]]\naudience = \"a{number}\"\n\
                 destination = \"misfit\"\n"
            )
        })
        .collect();
    beside.world.write("audiences.toml", &(text + &more));
    let setup = beside.setup().await;
    assert_eq!((setup.len(), setup.stopped().len()), (2, 31));
    let asked = setup.stopped().iter().filter(|stopped| !stopped.reason.contains("is not asked again")).count();
    assert_eq!(asked, 3);
}

/// The misfit with one more module inside, whose code is none.
fn not_to_be_compiled() -> Vec<u8> {
    let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x05\x01\x03\0\x6a\x0b";
    let mut bytes = catalog::read_file(&plugin("misfit")).expect("the plugin is read");
    bytes.extend([1, u8::try_from(module.len()).unwrap()]);
    bytes.extend(module);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_fit_to_run_stops_its_own_connection() {
    let bytes = not_to_be_compiled();
    assert!(catalog::Inspection::read(&bytes).is_ok(), "by its looks it is a plugin");
    for (bytes, words) in [(bytes, "plugin `misfit` cannot be compiled"), (Vec::new(), "it is empty")] {
        let beside = Beside::new("ok").await;
        std::fs::write(beside.world.folder.path().join("misfit.wasm"), bytes).expect("it is written");
        beside.set("mode = \"ok\"");
        let report = beside.sync(&people(20)).await;
        let misfit = link(&report, "misfit");
        assert_eq!((misfit.state, report.exit_code()), (LinkState::Failed, 5), "{misfit:#?}");
        assert!(misfit.reason.as_ref().is_some_and(|reason| reason.contains(words)), "{misfit:#?}");
        assert_eq!(misfit.plugin, "misfit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_in_open_or_probe_stops_its_own_connection() {
    let beside = Beside::packed(&[("custom_fields", "opens = true\ncustom_fields")]).await;
    beside.set("mode = \"trap_open\"");
    let report = beside.sync(&people(20)).await;
    let misfit = link(&report, "misfit");
    assert_eq!((misfit.state, report.exit_code()), (LinkState::Paused, 5), "{misfit:#?}");
    assert_eq!((misfit.faults[0].function.as_str(), misfit.faults[0].code.as_str()), ("send", "plugin_trap"));
    let probed = sync::probe(&beside.world.store(), &beside.setup().await, &beside.world.clock).await.unwrap();
    let verdicts: Vec<&str> = probed.iter().map(|probed| probed.verdict.as_str()).collect();
    assert_eq!(verdicts, ["ok", "ok", "plugin_trap"], "{probed:#?}");
}

/// A plugin is sound for a day, and from the next one on breaks a rule.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_does_on_a_date_of_its_choice_costs_no_more() {
    for mode in ["trap_validate", "loop_validate", "object", "trap_map", "loop_map", "leave_out"] {
        let mut beside = Beside { limits: quick(), ..Beside::new(mode).await };
        beside.set(&format!("mode = \"{mode}\", from = \"{TOMORROW}\""));
        let report = beside.sync(&people(20)).await;
        assert_eq!((link(&report, "misfit").outcomes.delivered, report.exit_code()), (20, 0), "{mode}");
        beside.world.clock = Clock::starting_at(START_MS + DAY_MS);
        check_failed(&beside, mode, &people(40)).await;
    }
    for mode in ["trap_send", "loop_after", "lie_delivered", "allocate_after"] {
        let beside = Beside { limits: quick(), ..Beside::new(mode).await };
        // The clock of `send` is the real one: the moment is far away, and then past.
        beside.set(&format!("mode = \"{mode}\", from_s = \"99999999999\""));
        let report = beside.sync(&people(20)).await;
        assert_eq!((link(&report, "misfit").outcomes.delivered, report.exit_code()), (20, 0), "{mode}");
        beside.set(&format!("mode = \"{mode}\", from_s = \"1\""));
        check_failed(&beside, mode, &people(40)).await;
    }
}

async fn check_failed(beside: &Beside, mode: &str, people: &[Value]) {
    let report = beside.sync(people).await;
    let misfit = link(&report, "misfit");
    assert!(matches!(misfit.state, LinkState::Failed | LinkState::Paused), "{mode}: {misfit:#?}");
    assert_eq!((misfit.outcomes.delivered, misfit.outcomes.rejected), (0, 0), "{mode}: {misfit:#?}");
    assert_eq!(report.exit_code(), 5, "{mode}");
}

/// Exit code, standard output and standard error of a command.
fn run(beside: &Beside, words: &[&str]) -> (i32, String, String) {
    let ended = enroute().arg("-C").arg(beside.world.folder.path()).args(words).output().expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ended.status.code().unwrap_or(-1), text(&ended.stdout), text(&ended.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_it_of_the_connection_and_goes_on_with_the_others() {
    let beside = Beside::new("trap_validate").await;
    beside.world.people(&people(3));
    let reason = "plugin `misfit` failed in `validate`: it panicked: `validate` was called";
    for (words, code, told) in [
        (&["check"][..], 2, &["gold → misfit: stopped: ", "2 connections are in order"][..]),
        (&["check", "--probe"], 2, &["gold → braze-eu: ok", "gold → misfit: stopped: "]),
        (&["plan"], 5, &["gold → braze-eu, braze", "sendable 3", "gold → misfit, misfit", "  stopped: "]),
        (&["match"], 5, &["first_name", "gold → misfit: stopped: "]),
        (&["try", "gold", "braze-eu", "--profile", "u1"], 0, &["matches"]),
        (&["try", "gold", "misfit", "--profile", "u1"], 5, &[]),
        (&["sync"], 5, &["gold → braze-eu, braze", "delivered 3", "misfit 0.1.0: failed"]),
        (&["status"], 0, &["gold → misfit: the last run ended early: "]),
    ] {
        let (ended, data, messages) = run(&beside, words);
        assert_eq!(ended, code, "{words:?}: {data}{messages}");
        told.iter().for_each(|told| assert!(data.contains(told), "{words:?}: no `{told}` in {data}"));
        let is_told = words[0] == "status" || messages.contains("error[E310]");
        assert!(is_told && format!("{data}{messages}").contains(reason), "{words:?}: {data}{messages}");
        let (ended, document, _) = run(&beside, &[&["--json"], words].concat());
        assert_eq!(ended, code, "{words:?}");
        let document: Value = serde_json::from_str(&document).unwrap_or_else(|_| panic!("{words:?}: {document}"));
        let is_about_another = words[0] == "try" && code == 0;
        assert!(is_about_another || document.to_string().contains(reason), "{words:?}: {document:#}");
    }
    assert_eq!(beside.world.braze_members().len(), 3);
}
