//! The conformance kit is proved: a sound plugin passes, each defect is caught by the one check that it breaks, and
//! the plugins of this repository pass with their own cases.

use std::path::Path;
use std::sync::Mutex;

use enroute_conformance::{Check, Options, Report, State, Subject, examine, examine_loaded};
use enroute_host::catalog::{self, Inspection};
use enroute_host::runtime::{Limits, Plugin};

use crate::support::{plugin, root, runtime};

/// Each defect of `tests/guests/broken`, and the one check that fails over it.
const DEFECTS: [(&str, &str); 78] = [
    ("nothing_is_right", "a_connection_can_be_made"),
    ("validate_sees_the_clock", "validate_is_pure"),
    ("validate_reaches_out", "validate_is_pure"),
    ("validate_traps", "validate_never_fails"),
    ("problem_in_no_row", "problems_have_their_place"),
    ("problem_in_no_setting", "problems_have_their_place"),
    ("problem_without_hint", "problems_have_their_place"),
    ("leaves_a_member_out", "map_is_total"),
    ("names_a_member_twice", "map_is_total"),
    ("names_a_stranger", "map_is_total"),
    ("names_too_few", "requests_name_their_members"),
    ("order_of_members", "requests_name_their_members"),
    ("request_for_nobody", "nobody_makes_no_request"),
    ("map_sees_the_clock", "map_is_deterministic"),
    ("map_sees_chance", "map_is_deterministic"),
    ("map_reaches_out", "map_leaves_the_network_alone"),
    ("first_level_for_all", "map_minds_no_neighbours"),
    ("one_spoils_all", "map_minds_no_neighbours"),
    ("code_in_camel_case", "rejections_are_well_said"),
    ("rejection_without_reason", "rejections_are_well_said"),
    ("rejection_for_no_field", "rejections_are_well_said"),
    ("reason_quotes_a_value", "reasons_are_impersonal"),
    ("warning_quotes_a_value", "reasons_are_impersonal"),
    ("log_quotes_a_value", "logs_are_impersonal"),
    ("map_traps_on_nul", "map_never_fails"),
    ("map_traps_on_large_numbers", "map_never_fails"),
    ("map_traps_on_deep_values", "map_never_fails"),
    ("too_many_members", "limits_are_kept"),
    ("too_many_bytes", "limits_are_kept"),
    ("unknown_operation", "operations_are_declared"),
    ("foreign_host", "hosts_are_declared"),
    ("own_authorization", "hosts_parts_are_left_alone"),
    ("own_length", "hosts_parts_are_left_alone"),
    ("derived_with_a_key", "hosts_parts_are_left_alone"),
    ("slot_is_filled", "slots_are_well_formed"),
    ("slot_stands_nowhere", "slots_are_well_formed"),
    ("slot_stands_twice", "slots_are_well_formed"),
    ("sends_the_address", "hashed_fields_leave_hashed"),
    ("sends_ids_as_written", "folded_spellings_are_one"),
    ("removes_who_is_there_now", "removals_name_what_was_sent"),
    ("removes_one_of_several", "removals_reach_all_that_was_sent"),
    ("code_without_advice", "codes_have_advice"),
    ("refusal_without_advice", "codes_have_advice"),
    ("send_traps", "send_never_fails"),
    ("report_leaves_out", "reports_name_everybody_once"),
    ("report_names_twice", "reports_name_everybody_once"),
    ("page_is_success", "only_success_is_delivered"),
    ("half_an_answer_is_success", "only_success_is_delivered"),
    ("nothing_is_success", "only_success_is_delivered"),
    ("error_is_success", "only_success_is_delivered"),
    ("not_found_is_success", "only_success_is_delivered"),
    ("conflict_is_success", "only_success_is_delivered"),
    ("job_without_a_job", "only_success_is_delivered"),
    ("trouble_rejects", "trouble_rejects_nobody"),
    ("bad_key_rejects", "trouble_rejects_nobody"),
    ("unreachable_is_unknown", "unsent_is_deferred"),
    ("interrupted_is_deferred", "interrupted_is_unknown"),
    ("too_large_is_deferred", "interrupted_is_unknown"),
    ("reason_quotes_the_answer", "reports_are_impersonal"),
    ("trouble_is_well", "trouble_is_told"),
    ("bad_key_is_trouble", "bad_credential_pauses"),
    ("throttling_is_trouble", "throttling_holds_a_bucket"),
    ("unknown_bucket", "throttling_holds_a_bucket"),
    ("throttled_for_no_time", "throttling_holds_a_bucket"),
    ("sends_again", "nothing_is_sent_twice"),
    ("unlisted_kind", "derived_kinds_are_declared"),
    ("derived_elsewhere", "derived_hosts_are_declared"),
    ("probe_is_always_well", "probe_tells_trouble"),
    ("probe_sends_a_delivery", "probe_sends_nothing_prepared"),
    ("opens_differently_each_time", "open_can_be_repeated"),
    ("open_is_always_well", "open_tells_trouble"),
    ("remote_is_no_json", "remote_is_one_json_value"),
    ("ticket_is_too_long", "tickets_are_small"),
    ("ticket_names_a_member", "tickets_are_small"),
    ("resumes_with_success", "resume_claims_nothing"),
    ("map_hoards", "memory_is_enough"),
    ("map_floods_the_log", "log_is_bounded"),
    ("hands_over_too_much", "output_is_bounded"),
];

/// What takes its whole budget of CPU time is looked at alone, so that it slows nothing else down.
const SLOW_DEFECT: (&str, &str) = ("map_spins", "time_is_enough");

/// Defects that are looked at side by side.
const THREADS: usize = 2;

fn bytes(id: &str) -> Vec<u8> {
    catalog::read_file(&plugin(id)).expect("the plugin is read")
}

/// The guest with another manifest: packed, read back, and run by the code that was compiled once.
fn subject(packed: &[u8], manifest: &str, code: &Plugin) -> Subject {
    let packed = catalog::pack(packed, manifest).expect("the manifest fits");
    let Inspection { manifest, sha256, size_bytes, .. } = Inspection::read(&packed).expect("a plugin");
    Subject { manifest, sha256, size_bytes, load: std::time::Duration::ZERO, plugin: code.clone() }
}

fn manifest() -> String {
    std::fs::read_to_string(root().join("tests/guests/broken/plugin.toml")).expect("the guest's manifest")
}

fn options(folder: &str) -> Options {
    Options { seed: 1, cases: Some(root().join(folder).join("cases")), ..Options::default() }
}

fn failed(report: &Report) -> Vec<&str> {
    report.failed().map(|check| check.name).collect()
}

/// Examines the guest with this defect and says what is wrong with the result.
fn differs(defect: &str, expect: &str, guest: &[u8], code: &Plugin) -> Option<String> {
    let manifest = manifest().replace("default = \"none\"", &format!("default = \"{defect}\""));
    let subject = subject(guest, &manifest, code);
    let report = examine_loaded(&subject, &options("tests/guests/broken"), &|_| {}).expect("the kit runs");
    let got = failed(&report);
    (got != [expect]).then(|| format!("{defect}: {got:?} failed, not {expect}"))
}

#[test]
fn each_defect_is_caught_by_the_one_check_that_it_breaks() {
    let guest = bytes("broken");
    let code = runtime(Limits::default()).load("broken", &guest).expect("the guest compiles");
    let (next, wrong) = (Mutex::new(DEFECTS.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((defect, expect)) = { next.lock().unwrap().next() } {
                    wrong.lock().unwrap().extend(differs(defect, expect, &guest, &code));
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.extend(differs(SLOW_DEFECT.0, SLOW_DEFECT.1, &guest, &code));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_sound_plugin_passes_every_check_and_its_cases() {
    let report = examine(&bytes("broken"), &options("tests/guests/broken"), &|_| {}).expect("the kit runs");
    assert!(report.passed(), "{}", report.to_text());
    assert_eq!(report.cases.len(), 6);
}

#[test]
fn the_same_seed_gives_the_same_examination() {
    let guest = bytes("broken");
    let code = runtime(Limits::default()).load("broken", &guest).expect("the guest compiles");
    let looked_at = |seed| {
        let options = Options { seed, ..options("tests/guests/broken") };
        let report = examine_loaded(&subject(&guest, &manifest(), &code), &options, &|_| {}).expect("the kit runs");
        assert!(report.passed(), "seed {seed}: {}", report.to_text());
        report.checks
    };
    assert_eq!(looked_at(7), looked_at(7));
    looked_at(8);
}

#[test]
fn the_plugins_of_this_repository_keep_the_contract() {
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(root().join("target/plugins")).expect("tests/run builds them").flatten() {
        let path = entry.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let sources = root().join("plugins").join(&id);
        // Guests of the tests are broken on purpose.
        if path.extension().is_none_or(|extension| extension != "wasm") || !sources.is_dir() {
            continue;
        }
        let report = examine(&bytes(&id), &options(&format!("plugins/{id}")), &|_| {}).expect("the kit runs");
        assert!(!report.cases.is_empty(), "{id} has cases");
        if !report.passed() {
            wrong.push(report.to_text());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_no_plugin_fails_the_one_check_that_says_why() {
    let guest = bytes("broken");
    let patched = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let mut bytes = guest.clone();
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(from.len()).position(|window| window == from.as_bytes()) {
            bytes[at + found..at + found + to.len()].copy_from_slice(to.as_bytes());
            at += found + to.len();
        }
        assert_ne!(bytes, guest, "{from} is in the file");
        bytes
    };
    let mut second = guest.clone();
    second.extend(*b"\x00\x11\x0eenroute:plugin{}");
    let half = guest[..guest.len() / 2].to_vec();
    let files: [(&str, Vec<u8>, &str); 11] = [
        ("an empty file", Vec::new(), "file_is_a_component"),
        ("half a file", half, "file_is_a_component"),
        ("a core module", b"\0asm\x01\0\0\0".to_vec(), "file_is_a_component"),
        ("something else", b"#!/bin/sh\nexit 0\n".to_vec(), "file_is_a_component"),
        ("a foreign import", patched("enroute:destination/log@", "enroute:destination/lag@"), "imports_are_offered"),
        ("an import of the web", patched("wasi:cli/environment", "wasi:web/environment"), "imports_are_offered"),
        ("another contract", patched("destination/http@0.1.0", "destination/http@0.2.0"), "contract_is_known"),
        ("no manifest", patched("enroute:plugin", "enroute:nothin"), "manifest_is_readable"),
        ("two manifests", second, "manifest_is_readable"),
        ("an unknown key", patched("\"summary\":", "\"sumnary\":"), "manifest_is_readable"),
        ("another version", patched("\"contract\":\"0.1\"", "\"contract\":\"0.2\""), "manifest_agrees_with_itself"),
    ];
    for (what, bytes, expect) in files {
        let report = examine(&bytes, &Options::default(), &|_| {}).expect("the kit runs");
        assert_eq!(failed(&report), [expect], "{what}");
    }
    let unfit = manifest().replace("default = 20", "default = \"twenty\"");
    let code = runtime(Limits::default()).load("broken", &guest).expect("the guest compiles");
    let report = examine_loaded(&subject(&guest, &unfit, &code), &Options::default(), &|_| {}).expect("the kit runs");
    assert_eq!(failed(&report), ["manifest_agrees_with_itself"], "a default that does not fit");
}

#[test]
fn a_failure_says_what_was_done_expected_and_got() {
    let report = examine(b"", &Options::default(), &|_| {}).expect("the kit runs");
    let text = report.to_text();
    for said in [
        "K1.1   file_is_a_component               FAILED 1 of 1 time\n",
        "         K1.1 says that the file is one whole WebAssembly component of at most 32 MiB\n",
        "         did       read the file, without running it\n",
        "         got       it is empty, 0 bytes long\n",
        "the file breaks the contract: 0 checks ok, 1 failed",
    ] {
        assert!(text.contains(said), "{said}\nis not in\n{text}");
    }
    let junit = report.to_junit();
    assert!(junit.contains("<testcase classname=\"file\" name=\"K1.1 file_is_a_component\"><failure"), "{junit}");
    assert_eq!(junit.matches("<testcase").count(), Check::ALL.len());
    assert!(report.checks.iter().all(|check| check.state != State::Ok));
}

#[test]
fn every_check_has_its_line_in_the_documentation() {
    let page = std::fs::read_to_string(root().join("docs/conformance.md")).expect("the page is there");
    for check in Check::ALL {
        let line = format!("| {} | `{}` | {} |", check.clause(), check.name(), check.says());
        assert!(page.contains(&line), "docs/conformance.md lacks\n{line}");
    }
}

#[test]
fn cases_are_found_beside_the_file() {
    let folder = |path: &str| enroute_conformance::cases_beside(Path::new(path));
    let beside = root().join("plugins/braze/braze.wasm");
    assert_eq!(folder(&beside.display().to_string()), Some(root().join("plugins/braze/cases")));
    assert_eq!(folder("/nowhere/braze.wasm"), None);
}
