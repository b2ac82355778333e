//! `enroute bench`: every scenario runs from the binary alone, and prints figures that programs can read. What they are
//! is not looked at: they are the machine's.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;

use crate::support::{enroute, plugin};

const DESTINATIONS: [&str; 7] = ["braze", "facebook", "google", "iterable", "salesforce", "sendgrid", "zendesk"];

fn bench(words: &[&str]) -> Output {
    enroute().arg("bench").args(words).output().expect("the binary runs")
}

/// The folder in which `tests/run` puts plugins.
fn plugins() -> String {
    plugin("braze").parent().expect("plugins stand in a folder").display().to_string()
}

/// The one document on standard output.
fn document(words: &[&str]) -> Value {
    let ended = bench(words);
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{words:?}: {told}");
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {told}"))
}

#[test]
fn a_small_bench_prints_every_scenario_with_its_spread_and_goals() {
    // Another tool prints what ours prints.
    let peer = r#"test -s {input} && echo '{"results":{"braze":{"text":{"cpu_best":10}}}}'"#;
    let found = document(&["--json", "--members", "40", "--rounds", "1", "--plugins", &plugins(), "--peer", peer]);
    let figures = found["figures"].as_array().expect("there are figures");
    let of = |scenario: &str| -> BTreeSet<&str> {
        let these = figures.iter().filter(|figure| figure["scenario"] == scenario);
        these.filter_map(|figure| figure["subject"].as_str()).collect()
    };
    for scenario in ["transform", "sandbox", "plan", "sync", "unchanged", "delta"] {
        let subjects = of(scenario);
        assert!(DESTINATIONS.iter().all(|id| subjects.contains(id)), "{scenario}: {subjects:?}");
    }
    assert!(of("delta").contains("one profile"));
    assert_eq!(of("import"), BTreeSet::from(["profiles", "unchanged profiles", "SQLite's own"]));
    let sizes = ["import of 40", "import of 400", "sync of 40", "sync of 400"];
    assert_eq!(of("scale"), BTreeSet::from(sizes));
    assert_eq!(of("start").len(), 1);
    assert_eq!(of("serve").len(), 8);
    assert_eq!(of("wire"), BTreeSet::from(["end to end", "bare client"]));
    for figure in figures {
        let [best, median, worst] = ["best", "median", "worst"].map(|one| figure["wall_ms"][one].as_f64());
        assert!(best.is_some() && best <= median && median <= worst, "{figure}");
    }
    for id in DESTINATIONS {
        assert!(found["results"][id]["text"]["cpu_best"].as_f64() > Some(0.0), "{id}: {}", found["results"]);
        assert_eq!(found["results"][id]["ok"], 40);
    }
    assert_eq!(found["peers"][0]["members_per_cpu_s"]["braze"]["best"], 10.0);
    let goals = found["goals"].as_array().expect("there are goals");
    for measure in ["transform ÷ the peer's transform", "plan ÷ the peer's transform", "memory at 400"] {
        assert!(goals.iter().any(|goal| goal["measure"] == measure), "{measure}: {goals:#?}");
    }
}

#[test]
fn rows_of_ones_own_are_measured_and_two_binaries_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.ndjson");
    let row = |number: u32| {
        format!("{{\"user_id\":\"u{number}\",\"traits\":{{\"email\":\"u{number}@example.com\",\"ltv\":1}}}}\n")
    };
    std::fs::write(&rows, (0..30).map(row).collect::<String>()).unwrap();
    let (rows, own, plugins) = (rows.display().to_string(), enroute(), plugins());
    let own = own.get_program().to_str().expect("a path is text");
    let common = ["transform", "--destination", "braze", "--input", &rows, "--plugins", &plugins, "--rounds", "1"];
    let found = document(&[&common[..], &["--json", "--against", own]].concat());
    assert_eq!(found["ratios"].as_array().map(Vec::len), Some(1), "{found}");
    assert!(found["ratios"][0]["cpu"]["median"].as_f64() > Some(0.0), "{found}");
    let ended = bench(&common);
    let text = String::from_utf8_lossy(&ended.stdout);
    assert!(text.starts_with("30 members, 1 round, ") && text.contains("\ntransform  braze "), "{text}");
}

#[test]
fn what_the_bench_cannot_measure_is_told_and_nothing_is_begun() {
    #[track_caller]
    fn check(words: &[&str], expect: &str) {
        let ended = bench(words);
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{told}");
        assert!(told.contains(expect), "{told}");
    }
    let plugins = plugins();
    check(&["plann"], "invalid value 'plann' for '[SCENARIO]...'");
    check(&["--members", "0"], "0 is not in 1..");
    check(&["--destination", "facebok"], "did you mean `facebook`?");
    check(&["--plugins", "no-such-folder"], "there is no `no-such-folder`");
    check(&["--plugins", &plugins, "--input", "no-such-file"], "`no-such-file` cannot be read");
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.ndjson");
    std::fs::write(&rows, "{\"user_id\":\"u1\",\"traits\":{}}\n{\"id\":\"u2\"}\n").unwrap();
    check(&["--plugins", &plugins, "--input", &rows.display().to_string()], "line 2 of the input is no row");
}
