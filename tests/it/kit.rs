//! The conformance kit is proved: a sound plugin passes, each defect is caught by the one check that it breaks, and
//! the plugins of this repository pass with their own cases.

use std::path::Path;
use std::sync::Mutex;

use enroute_conformance::{Check, Options, Report, State, Subject, examine, examine_loaded};
use enroute_host::catalog::{self, Inspection};
use enroute_host::runtime::{Limits, Plugin};

use crate::support::{plugin, root, runtime};

/// Each defect of `tests/guests/broken`, and the one check that fails over it.
const DEFECTS: [(&str, &str); 216] = [
    ("nothing_is_right", "a_connection_can_be_made"),
    ("validate_sees_the_clock", "validate_is_pure"),
    ("validate_reaches_out", "validate_is_pure"),
    ("validate_traps", "validate_never_fails"),
    ("problem_in_no_row", "problems_have_their_place"),
    ("problem_in_no_setting", "problems_have_their_place"),
    ("problem_without_hint", "problems_have_their_place"),
    ("problem_too_long", "problems_are_short"),
    ("problem_of_two_lines", "problems_are_short"),
    ("problems_without_end", "problems_are_short"),
    ("the_second_of_two_is_the_first", "map_minds_no_neighbours"),
    ("the_31st_loses_its_level", "map_minds_no_neighbours"),
    ("the_101st_loses_its_level", "map_minds_no_neighbours"),
    ("the_1001st_loses_its_level", "map_minds_no_neighbours"),
    ("a_full_batch_loses_a_level", "map_minds_no_neighbours"),
    ("quick_loses_levels", "map_minds_no_neighbours"),
    ("a_header_for_many", "heads_mind_no_neighbours"),
    ("a_path_for_many", "heads_mind_no_neighbours"),
    ("a_query_for_many", "heads_mind_no_neighbours"),
    ("a_method_for_one", "heads_mind_no_neighbours"),
    ("a_name_for_many", "heads_mind_no_neighbours"),
    ("a_flag_for_many", "heads_mind_no_neighbours"),
    ("a_slot_for_many", "heads_mind_no_neighbours"),
    ("hash_of_the_first", "heads_mind_no_neighbours"),
    ("a_contact_twice", "nobody_stands_twice"),
    ("a_contact_twice_among_many", "nobody_stands_twice"),
    ("a_request_twice", "nobody_stands_twice"),
    ("a_comma_too_many", "bodies_are_what_they_say"),
    ("a_line_feed_in_a_text", "bodies_are_what_they_say"),
    ("a_body_without_its_type", "bodies_are_what_they_say"),
    ("a_type_without_a_body", "bodies_are_what_they_say"),
    ("two_types", "bodies_are_what_they_say"),
    ("a_form_that_is_json", "bodies_are_what_they_say"),
    ("a_table_of_ragged_rows", "bodies_are_what_they_say"),
    ("cuts_half_a_character", "bodies_are_what_they_say"),
    ("a_name_twice", "names_stand_once"),
    ("a_name_twice_in_a_contact", "names_stand_once"),
    ("cuts_at_a_byte", "digits_and_characters_are_kept"),
    ("knows_ascii_alone", "digits_and_characters_are_kept"),
    ("reads_bytes_as_latin_1", "digits_and_characters_are_kept"),
    ("numbers_are_doubles", "digits_and_characters_are_kept"),
    ("numbers_are_floats", "digits_and_characters_are_kept"),
    ("numbers_have_six_places", "digits_and_characters_are_kept"),
    ("code_too_long", "rejections_are_well_said"),
    ("reason_too_long", "rejections_are_well_said"),
    ("reason_of_two_lines", "rejections_are_well_said"),
    ("warning_in_camel_case", "warnings_are_well_said"),
    ("warning_of_nobody", "warnings_are_well_said"),
    ("warnings_without_end", "warnings_are_well_said"),
    ("reason_hides_a_value", "reasons_are_impersonal"),
    ("warning_turns_a_value_round", "reasons_are_impersonal"),
    ("log_hashes_a_value", "logs_are_impersonal"),
    ("limit_of_the_manifest", "limits_are_kept"),
    ("bytes_of_the_manifest", "limits_are_kept"),
    ("careful_has_a_key", "hosts_parts_are_left_alone"),
    ("careful_alone_error_is_success", "only_success_is_delivered"),
    ("careful_alone_interrupted_is_deferred", "interrupted_is_unknown"),
    ("careful_alone_trouble_rejects", "trouble_rejects_nobody"),
    ("careful_alone_page_is_unchanged", "unchanged_is_said"),
    ("quick_traps", "map_never_fails"),
    ("address_in_hex", "hashed_fields_leave_hashed"),
    ("address_in_base64", "hashed_fields_leave_hashed"),
    ("address_turned_round", "hashed_fields_leave_hashed"),
    ("removes_the_first_of_several", "removals_reach_all_that_was_sent"),
    ("removes_who_stays", "removals_reach_nobody_else"),
    ("a_refusal_is_an_agreement", "consent_is_said_as_given"),
    ("consent_turned_round", "consent_is_said_as_given"),
    ("consent_is_known_or_not", "consent_is_said_as_given"),
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
    ("no_content_is_success", "only_success_is_delivered"),
    ("partial_content_is_success", "only_success_is_delivered"),
    ("wrong_method_is_success", "only_success_is_delivered"),
    ("gone_is_success", "only_success_is_delivered"),
    ("redirect_is_success", "only_success_is_delivered"),
    ("error_inside_is_success", "errors_outrank_statuses"),
    ("errors_inside_are_success", "errors_outrank_statuses"),
    ("refusals_inside_are_success", "errors_outrank_statuses"),
    ("delivers_without_asking", "nothing_is_claimed_unasked"),
    ("is_unchanged_without_asking", "nothing_is_claimed_unasked"),
    ("accepts_without_asking", "nothing_is_claimed_unasked"),
    ("denied_is_delivered", "nothing_is_claimed_unasked"),
    ("no_connection_is_unchanged", "nothing_is_claimed_unasked"),
    ("resumes_without_asking", "nothing_is_claimed_unasked"),
    ("refusal_is_unchanged", "unchanged_is_said"),
    ("bad_key_is_unchanged", "unchanged_is_said"),
    ("trouble_is_unchanged", "unchanged_is_said"),
    ("page_is_unchanged", "unchanged_is_said"),
    ("no_answer_is_unchanged", "unchanged_is_said"),
    ("error_inside_is_unchanged", "unchanged_is_said"),
    ("sends_the_last_request_first", "requests_are_sent_in_order"),
    ("leaves_the_last_request_out", "requests_are_sent_in_order"),
    ("resumes_with_rejections", "trouble_rejects_nobody"),
    ("forbidden_rejects_all", "everybody_is_not_to_blame"),
    ("not_found_rejects_all", "everybody_is_not_to_blame"),
    ("wrong_method_rejects_all", "everybody_is_not_to_blame"),
    ("conflict_rejects_all", "everybody_is_not_to_blame"),
    ("gone_rejects_all", "everybody_is_not_to_blame"),
    ("too_large_rejects_all", "everybody_is_not_to_blame"),
    ("redirect_rejects_all", "everybody_is_not_to_blame"),
    ("reason_has_a_value_in_base64", "reports_are_impersonal"),
    ("reason_has_a_value_in_hex", "reports_are_impersonal"),
    ("reason_has_the_hash_of_a_value", "reports_are_impersonal"),
    ("warning_has_a_value_in_base64", "reports_are_impersonal"),
    ("count_has_a_value_turned_round", "reports_are_impersonal"),
    ("log_turns_a_value_round", "logs_are_impersonal"),
    ("log_has_a_value_in_hex", "logs_are_impersonal"),
    ("log_has_the_hash_of_a_value", "logs_are_impersonal"),
    ("reason_on_two_lines", "reports_are_well_said"),
    ("reason_is_a_novel", "reports_are_well_said"),
    ("verdict_without_a_reason", "reports_are_well_said"),
    ("refused_without_a_reason", "reports_are_well_said"),
    ("unchanged_in_camel_case", "reports_are_well_said"),
    ("warning_of_a_report_in_camel_case", "reports_are_well_said"),
    ("flood_of_warnings", "reports_are_well_said"),
    ("flood_of_reasons", "reports_are_well_said"),
    ("success_pauses", "pauses_have_a_cause"),
    ("success_holds_the_bucket", "pauses_have_a_cause"),
    ("refusal_pauses", "pauses_have_a_cause"),
    ("refusal_holds_the_bucket", "pauses_have_a_cause"),
    ("trouble_blames_the_key", "pauses_have_a_cause"),
    ("trouble_holds_the_bucket", "pauses_have_a_cause"),
    ("no_connection_pauses", "pauses_have_a_cause"),
    ("probe_blames_the_key", "pauses_have_a_cause"),
    ("seconds_are_milliseconds", "throttling_holds_a_bucket"),
    ("seconds_are_hours", "throttling_holds_a_bucket"),
    ("every_wait_is_a_minute", "throttling_holds_a_bucket"),
    ("a_date_is_a_minute", "throttling_holds_a_bucket"),
    ("a_long_wait_is_none", "throttling_holds_a_bucket"),
    ("trouble_is_deferred_for_a_year", "waits_are_bounded"),
    ("job_is_asked_about_in_a_year", "waits_are_bounded"),
    ("asks_again", "nothing_is_sent_twice"),
    ("probe_is_well_without_an_account", "probe_tells_trouble"),
    ("probe_is_well_with_an_error", "probe_tells_trouble"),
    ("probe_puts", "probe_changes_nothing"),
    ("probe_deletes", "probe_changes_nothing"),
    ("probe_adds_somebody", "probe_changes_nothing"),
    ("remote_is_never_the_same", "open_can_be_repeated"),
    ("open_is_well_without_a_list", "open_tells_trouble"),
    ("creates_without_looking", "open_looks_before_it_creates"),
    ("remote_keeps_the_answer", "remote_is_one_json_value"),
    ("remote_has_a_value_in_hex", "remote_is_one_json_value"),
    ("remote_has_the_hash_of_a_value", "remote_is_one_json_value"),
    ("remote_grows", "remote_stays_as_it_is"),
    ("ticket_turns_a_value_round", "tickets_are_small"),
    ("ticket_has_the_hash_of_a_value", "tickets_are_small"),
    ("ticket_has_a_value_in_base64", "tickets_are_small"),
    ("map_hoards", "memory_is_enough"),
    ("map_floods_the_log", "log_is_bounded"),
    ("hands_over_too_much", "output_is_bounded"),
];

/// Defects that show in a batch of over a thousand only: the guest is given such a batch.
const OF_THOUSANDS: [&str; 2] = ["the_1001st_loses_its_level", "a_full_batch_loses_a_level"];

/// What takes its whole budget of CPU time is looked at alone, so that it slows nothing else down.
const SLOW_DEFECTS: [(&str, &str); 2] = [("map_spins", "time_is_enough"), ("map_spins_on_a_value", "time_is_enough")];

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
    let mut manifest = manifest().replace("default = \"none\"", &format!("default = \"{defect}\""));
    if OF_THOUSANDS.contains(&defect) {
        manifest = manifest.replace("batch_members = 110", "batch_members = 1100");
    }
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
    wrong.extend(SLOW_DEFECTS.iter().filter_map(|(defect, expect)| differs(defect, expect, &guest, &code)));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_setting_that_is_the_country_of_numbers_is_named_and_no_other() {
    let sendgrid = bytes("sendgrid");
    let code = runtime(Limits::default()).load("sendgrid", &sendgrid).expect("the plugin compiles");
    let text = std::fs::read_to_string(root().join("plugins/sendgrid/plugin.toml")).expect("the manifest");
    let named = "region_settings = [\"phone_region\"]\n";
    assert!(text.contains(named));
    for (instead, expect) in [
        (named, &[][..]),
        ("", &["regions_are_told"][..]),
        ("region_settings = []\n", &["regions_are_told"][..]),
        ("region_settings = [\"phone_region\", \"list_name\"]\n", &["regions_are_told"][..]),
    ] {
        let subject = subject(&sendgrid, &text.replace(named, instead), &code);
        let report = examine_loaded(&subject, &options("plugins/sendgrid"), &|_| {}).expect("the kit runs");
        assert_eq!(failed(&report), expect, "{instead:?}: {}", report.to_text());
    }
}

#[test]
fn a_sound_plugin_passes_every_check_and_its_cases() {
    let report = examine(&bytes("broken"), &options("tests/guests/broken"), &|_| {}).expect("the kit runs");
    assert!(report.passed(), "{}", report.to_text());
    assert_eq!(report.cases.len(), 7);
}

#[test]
fn a_setting_that_is_given_reaches_the_cases_that_do_not_say_it() {
    let given = |name: &str, value: &str| {
        let settings = [(name.to_owned(), serde_json::Value::from(value))].into_iter().collect();
        let options = Options { settings, ..options("tests/guests/broken") };
        let report = examine(&bytes("broken"), &options, &|_| {}).expect("the kit runs");
        report.cases.into_iter().filter(|case| !case.differences.is_empty()).map(|case| case.name).collect::<Vec<_>>()
    };
    assert_eq!(given("defect", "a_contact_twice"), ["map/entry_and_exit"]);
    // Cases that say it themselves keep what they say.
    assert_eq!(given("base_url", "https://elsewhere.example.com"), [""; 0]);
}

#[test]
fn a_report_says_what_it_cannot_know_and_which_case_tells() {
    let with_cases = examine(&bytes("broken"), &options("tests/guests/broken"), &|_| {}).expect("the kit runs");
    let told = |report: &Report, name: &str| {
        report.unknown.iter().find(|unknown| unknown.name == name).expect("it is listed").cases.clone()
    };
    assert_eq!(told(&with_cases, "addresses"), ["map/entry_and_exit"]);
    let by_send = ["send/a_job_begins", "send/a_job_is_done", "send/everybody_arrives", "send/leaving_in_steps"];
    assert_eq!(told(&with_cases, "success"), by_send);
    assert_eq!(told(&with_cases, "opening"), ["send/the_list_is_found"]);
    assert_eq!(told(&with_cases, "refused_members"), [""; 0]);
    let text = with_cases.to_text();
    assert!(text.contains("told by map/entry_and_exit\n"), "{text}");
    assert!(text.contains("write it as cases/send/: the real answer, and `members` of which some are"), "{text}");
    let json = serde_json::to_value(&with_cases).expect("a report is JSON");
    assert_eq!(json["unknown"][0]["name"], "addresses");
    assert!(with_cases.passed(), "what cannot be known fails nothing");
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
    let unfit = manifest().replace("default = 20\n", "default = \"twenty\"\n");
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
