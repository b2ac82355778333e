//! Canaries: a secret, an unmapped trait and a mapped trait, searched for in everything that a run leaves behind.

use std::path::Path;

use serde_json::json;

use crate::support::{APP_SECRET, BRAZE_KEY, TOKEN, World, gold, with};

const UNMAPPED: &str = "canary-unmapped-5b1e";
const MAPPED: &str = "canary-mapped-9c44";

/// Files under `folder` that hold these bytes.
fn holders(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holders(&path, needle));
        } else if std::fs::read(&path).expect("a file").windows(needle.len()).any(|part| part == needle.as_bytes()) {
            found.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

async fn run_with_canaries() -> (World, String) {
    let world = World::new().await;
    let person = with(with(gold("u1"), "firstName", json!(MAPPED)), "notes", json!(UNMAPPED));
    world.people(&[person, gold("u2")]);
    let plans = world.plan().await;
    let report = world.sync().await;
    let reader = world.store().reader().expect("a reader");
    let story = enroute_host::sync::explain(&reader, "u1").expect("the store is read").expect("a known profile");
    let texts = [
        serde_json::to_string(&plans).unwrap(),
        serde_json::to_string(&report).unwrap(),
        serde_json::to_string(&story).unwrap(),
        format!("{plans:?}{report:?}{:?}{:?}", world.config(), world.setup().await),
    ];
    (world, texts.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_secret_is_nowhere() {
    let (world, texts) = run_with_canaries().await;
    for secret in [BRAZE_KEY, TOKEN, APP_SECRET] {
        assert!(!texts.contains(secret), "{secret} stands in a plan, a report, a story or a debug text");
        let files = holders(world.folder.path(), secret);
        assert!(files.iter().all(|file| file.starts_with("braze.") || file.starts_with("facebook.")), "{files:?}");
    }
    let sent: Vec<String> = world.take_requests().iter().map(|request| format!("{:?}", request.headers)).collect();
    assert!(sent.iter().any(|headers| headers.contains(BRAZE_KEY)), "the destination itself gets it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_trait_that_is_not_mapped_stays_in_the_profiles_table() {
    let (world, texts) = run_with_canaries().await;
    assert!(!texts.contains(UNMAPPED));
    let files = holders(&world.state(), UNMAPPED);
    assert!(files.iter().all(|file| file.starts_with("store.db")), "{files:?}");
    assert_eq!(plain_outside_profiles(&world, UNMAPPED), Vec::<String>::new());
    let wire: Vec<u8> = world.take_requests().into_iter().flat_map(|request| request.body.to_vec()).collect();
    assert!(!String::from_utf8_lossy(&wire).contains(UNMAPPED));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_trait_that_is_mapped_is_in_plain_only_there_and_on_the_wire() {
    let (world, _) = run_with_canaries().await;
    assert_eq!(plain_outside_profiles(&world, MAPPED), Vec::<String>::new());
    let wire: Vec<u8> = world.take_requests().into_iter().flat_map(|request| request.body.to_vec()).collect();
    assert!(String::from_utf8_lossy(&wire).contains(MAPPED));
}

/// Tables other than `profile` with a value that holds these bytes.
fn plain_outside_profiles(world: &World, needle: &str) -> Vec<String> {
    let store = world.store();
    let reader = store.reader().expect("a reader");
    reader.tables_holding(needle).expect("the store is read").into_iter().filter(|table| table != "profile").collect()
}
