//! Versions of what decides what is sent: told, undone, and what gathers in a pause.

use enroute_host::sync::{self, Options};
use serde_json::{Value, json};

use crate::support::{AUDIENCES, World, enroute, gold, link};

fn run(world: &World, words: &[&str]) -> Value {
    let output = enroute().arg("-C").arg(world.folder.path()).arg("--json").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// The digests of what a run that sends everybody again would send to Braze.
fn digests(world: &World) -> Vec<Value> {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(world.folder.path()).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() {
            std::fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let output = enroute().arg("-C").arg(copy.path()).args(["--json", "plan"]).output().unwrap();
    let plans: Value = serde_json::from_slice(&output.stdout).unwrap();
    let braze = plans.as_array().unwrap().iter().find(|plan| plan["destination"] == "braze-eu").unwrap();
    braze["requests"].as_array().unwrap().iter().map(|request| request["digest"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_is_edited_in_a_run_and_undone_brings_the_old_digests_back() {
    let world = World::new().await;
    let written = AUDIENCES.replace("  \"ltv\",", "  \"ltv\", # what they are worth");
    world.write("audiences.toml", &written);
    world.people(&(0..90).map(|number| gold(&format!("u{number}"))).collect::<Vec<_>>());
    let before = digests(&world);
    // The run began with the mapping as it was; the edit is made while it runs.
    let store = world.store();
    world.import(&store);
    let setup = world.setup().await;
    let edited = written.replace("  \"ltv\", # what they are worth\n", "").replace("\"visits\", ", "");
    let (folder, text) = (world.folder.path().to_owned(), edited.clone());
    let edit =
        move |_: &str, _: &str, _: &sync::Progress| std::fs::write(folder.join("audiences.toml"), &text).unwrap();
    let options = Options { progress: std::sync::Arc::new(edit), ..world.options() };
    let report = sync::sync(&store, &setup, &options).await.unwrap();
    assert_eq!((link(&report, "braze-eu").outcomes.delivered, link(&report, "braze-eu").settings_version), (90, 1));
    drop((store, setup));
    assert_eq!(std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap(), edited);
    assert_ne!(digests(&world), before);

    let stale = |plans: &Value| {
        plans.as_array().unwrap().iter().map(|plan| plan["stale"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(stale(&run(&world, &["plan"])), [90, 0]);
    let diff = run(&world, &["diff", "gold/braze-eu"]);
    assert_eq!((&diff["from"], &diff["to"], &diff["stale"]), (&json!(1), &json!(2), &json!(90)), "{diff:#}");
    let what: Vec<&str> =
        diff["differences"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["field.ltv", "field.visits"]);

    run(&world, &["undo", "gold/braze-eu"]);
    assert_eq!(
        std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap(),
        edited,
        "it was only shown"
    );
    run(&world, &["undo", "gold/braze-eu", "--yes"]);
    assert_eq!(std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap(), written);
    assert_eq!(digests(&world), before);
    assert_eq!(stale(&run(&world, &["plan"])), [0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_refuses_what_does_not_stand_in_the_connection() {
    let world = World::new().await;
    world.people(&[gold("u1")]);
    world.sync().await;
    let plugins = world.plugins_toml();
    world.write(
        "plugins.toml",
        &plugins.replace("settings = { endpoint", "settings = { date_order = \"dmy\", endpoint"),
    );
    let output = enroute().arg("-C").arg(world.folder.path()).args(["undo", "gold/braze-eu"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("what differs stands elsewhere: setting.date_order"), "{told}");
    let output = enroute().arg("-C").arg(world.folder.path()).args(["diff", "gold/nowhere"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are: gold/braze-eu, gold/facebook-ads"));
}
