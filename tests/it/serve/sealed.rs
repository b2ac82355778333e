//! Secrets that the store keeps: set, named in the files, replaced while a host runs, and never seen again.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{Host, command, ids, people, until_braze_has};
use crate::support::{BRAZE_KEY, World, enroute};

/// Sets a secret as an operator does, by standard input.
async fn set(world: &World, name: &str, value: &str) -> (i32, Value) {
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).args(["--json", "secret", "set", name]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the binary starts");
    let mut stdin = process.stdin.take().expect("standard input is piped");
    // One that refuses its arguments does not read.
    let _ = stdin.write_all(value.as_bytes()).await;
    drop(stdin);
    let ended = process.wait_with_output().await.expect("it ends");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(value.trim().is_empty() || !told.contains(value.trim()), "{told}");
    let document = serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("no document: {told}"));
    (ended.status.code().expect("no signal killed it"), document)
}

fn sealed(world: &World) -> String {
    world.plugins_toml().replace("${file:braze.key}", "${sealed:BRAZE}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_secret_is_used_by_its_name_and_a_missing_one_says_how_it_is_set() {
    let world = World::new().await;
    people(&world, 0..3);
    world.write("plugins.toml", &sealed(&world));
    let (code, told) = command(&world, &["check"]).await;
    assert_eq!((code, &told[0]["code"]), (2, &json!("E390")), "{told:#}");
    assert!(told[0]["hint"].as_str().is_some_and(|hint| hint.contains("enroute secret set BRAZE")), "{told:#}");

    let (code, told) = set(&world, "BRAZE", &format!("{BRAZE_KEY}\n")).await;
    assert_eq!((code, told), (0, json!({ "name": "BRAZE", "replaced": false })));
    let (code, _) = command(&world, &["import"]).await;
    assert_eq!(code, 0);
    let (code, report) = command(&world, &["sync"]).await;
    assert_eq!((code, world.braze_members()), (0, ids(0..3)), "{report:#}");

    let (code, told) = command(&world, &["secret", "list"]).await;
    assert_eq!((code, &told["secrets"][0]["name"]), (0, &json!("BRAZE")), "{told:#}");
    assert_eq!(told["secrets"][0]["users"], json!(["destination braze-eu"]), "{told:#}");
    assert!(!told.to_string().contains(BRAZE_KEY));
    let (code, told) = command(&world, &["secret", "remove", "BRAZ"]).await;
    assert_eq!((code, &told["hint"]), (2, &json!("did you mean `BRAZE`?")), "{told:#}");
    let (code, told) = command(&world, &["secret", "remove", "BRAZE"]).await;
    assert_eq!((code, told), (0, json!({ "name": "BRAZE", "removed": true })));
    let (code, told) = command(&world, &["secret", "list"]).await;
    assert_eq!((code, told), (0, json!({ "secrets": [] })));
    for (name, value) in [("no name", "x"), ("", "x"), ("EMPTY", "\n")] {
        let (code, told) = set(&world, name, value).await;
        assert_eq!(code, 2, "{name}: {told:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_replaced_ends_the_wait_for_it_in_a_host_that_runs() {
    let world = World::new().await;
    people(&world, 0..4);
    assert_eq!(set(&world, "BRAZE", "not-the-right-one").await.0, 0);
    world.write("plugins.toml", &sealed(&world));
    let host = Host::start(&world).await;
    let told = host.until(|told| told["connections"]["gold/braze-eu"]["reason"].is_string()).await;
    assert!(world.braze_members().is_empty(), "{told:#}");
    let (code, told) = set(&world, "BRAZE", BRAZE_KEY).await;
    assert_eq!((code, &told["replaced"]), (0, &json!(true)), "{told:#}");
    until_braze_has(&host, &world, &ids(0..4)).await;
    host.stop().await;
    let state = std::fs::read_dir(world.state()).expect("the state folder");
    for file in state.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).expect("it is read");
        let is_there = bytes.windows(BRAZE_KEY.len()).any(|window| window == BRAZE_KEY.as_bytes());
        assert!(!is_there, "{} has the secret in plain", file.display());
    }
}
