//! `--json`: standard output is one document, whatever is worth a warning and whether or not the command succeeds.

use std::process::Output;

use serde_json::Value;

use crate::support::{AUDIENCES, World, enroute, gold, plugin};

async fn run(world: &World, words: &[&str]) -> Output {
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).arg("--json").args(words).output().await.expect("the binary runs")
}

/// The one document on standard output.
async fn document(world: &World, words: &[&str], code: i32) -> Value {
    let ended = run(world, words).await;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(code), "{words:?}: {told}");
    let mut documents = serde_json::Deserializer::from_slice(&ended.stdout).into_iter::<Value>();
    let first = documents.next().unwrap_or_else(|| panic!("{words:?} prints nothing: {told}"));
    let first = first.unwrap_or_else(|error| panic!("{words:?} prints something else: {error}"));
    assert!(documents.next().is_none(), "{words:?} prints more than a document");
    first
}

/// A world in which the plugin and the host have something to warn of.
async fn world() -> World {
    let world = World::new().await;
    world.people(&[gold("u1"), gold("u2")]);
    let audiences = AUDIENCES.replace("field = \"first_name\"", "field = \"firstName\"");
    world.write("audiences.toml", &audiences.replace("'gold'", "'gold' or traits ->> 'plan' = 'Gold'"));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_prints_one_document_though_there_are_warnings() {
    let world = world().await;
    document(&world, &["import"], 0).await;
    let check = document(&world, &["check"], 0).await;
    let codes: Vec<&str> =
        check["warnings"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(codes, ["E262", "E280"], "{check:#}");
    assert_eq!(document(&world, &["plan"], 0).await.as_array().map(Vec::len), Some(2));
    document(&world, &["match"], 0).await;
    document(&world, &["match", "--write"], 0).await;
    document(&world, &["try", "gold", "braze-eu", "--profile", "u1"], 0).await;
    document(&world, &["sync", "--dry-run"], 0).await;
    assert!(document(&world, &["sync"], 0).await["connections"].is_array());
    document(&world, &["try", "gold", "braze-eu", "--profile", "u1", "--send"], 0).await;
    document(&world, &["status"], 0).await;
    document(&world, &["traits"], 0).await;
    document(&world, &["explain", "u1"], 0).await;
    document(&world, &["plugin", "list"], 0).await;
    document(&world, &["plugin", "lock"], 0).await;
    document(&world, &["plugin", "inspect", &plugin("braze").display().to_string()], 0).await;
    let ended = run(&world, &["plan"]).await;
    assert!(String::from_utf8_lossy(&ended.stderr).contains("warning[E262]"), "people are told as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_prints_one_document_as_well() {
    let world = world().await;
    for words in [
        &["status"][..],
        &["explain", "nobody"],
        &["plan", "nothing"],
        &["import", "nothing"],
        &["try", "gold", "nowhere", "--profile", "u1"],
        &["try", "gold", "braze-eu", "--profile", "nobody"],
        &["match", "gold", "nowhere"],
        &["login", "braze-eu"],
        &["plugin", "inspect", "missing.wasm"],
        &["plugin", "lock", "nothing"],
        &["--log", "=nonsense=", "status"],
        &["no-such-command"],
        &["sync", "--no-such-option"],
    ] {
        let code = run(&world, words).await.status.code().unwrap_or_default();
        assert!(code == 1 || code == 2, "{words:?} ends with {code}");
        let told = document(&world, words, code).await;
        assert!(told["error"].is_string() && told["hint"].is_string(), "{words:?}: {told:#}");
    }
    world.write("profiles.ndjson", "id,plan\nu1,gold\n");
    let told = document(&world, &["sync"], 1).await;
    assert!(told["hint"].as_str().is_some_and(|hint| hint.contains("`format = \"csv\"`")), "{told:#}");
    world.write("audiences.toml", "[audience.gold]\nwhere = 1\n");
    assert_eq!(document(&world, &["plan"], 2).await[0]["code"], "E213");
    world.write("audiences.toml", &AUDIENCES.replace("traits ->> 'plan' = 'gold'", "plan = 'gold'"));
    let told = document(&world, &["check"], 2).await;
    assert_eq!(
        (&told[0]["code"], &told[0]["hint"]),
        (&Value::from("E281"), &Value::from("a trait is read from the profile: `traits ->> 'plan'`"),)
    );
}
