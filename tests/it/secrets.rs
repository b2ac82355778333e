//! Canaries: a secret, an unmapped trait and a mapped trait, searched for in everything that a run leaves behind.

use std::path::Path;

use enroute_fakes::Server;
use enroute_fakes::server::{Recorded, Reply, Service};
use serde_json::json;

use crate::support::{APP_SECRET, AUDIENCES, BRAZE_KEY, TOKEN, World, gold, link, plugin, plugin_entry, with};

const UNMAPPED: &str = "canary-unmapped-5b1e";
const MAPPED: &str = "canary-mapped-9c44";

/// Files under `folder` that hold these bytes.
pub(crate) fn holders(folder: &Path, needle: &str) -> Vec<String> {
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
    let story = enroute_host::sync::explain(&reader, None, "u1").expect("the store is read").expect("a known profile");
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

/// A destination that tells everybody the credential it was called with: in a header, and in the body in several forms.
struct Echo;

impl Service for Echo {
    fn answer(&self, request: &Recorded) -> Reply {
        let credential = request.header("authorization").unwrap_or_default();
        assert_eq!(credential, format!("Bearer {BRAZE_KEY}"));
        let hex: String = BRAZE_KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
        let body = json!({ "you_said": credential, "again": [credential, hex], "beside": "plain-marker-4d7a" });
        Reply::json(200, &body).header("x-debug", credential)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_destination_echoes_is_nowhere_in_the_plugins_memory() {
    let server = Server::start(Echo).await.expect("the server starts");
    let url = server.url();
    let hex: String = BRAZE_KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    // The plugin gets what it searches for masked, or it would find its own instructions.
    let masked = |text: &str| text.bytes().map(|byte| format!("{:02x}", byte ^ 0x5a)).collect::<String>();
    let half = &BRAZE_KEY[..BRAZE_KEY.len() / 2];
    let seek = [
        ("secret", BRAZE_KEY),
        ("half", half),
        ("hex", &hex),
        ("mask", "[secret token]"),
        ("marker", "plain-marker-4d7a"),
    ];
    let seek = seek.map(|(name, text)| format!("{name}={}", masked(text))).join(" ");
    let world = World::new().await;
    let misfit = format!(
        "{}[destination.misfit]\nplugin = \"misfit\"\nhosts = [\"{}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
         settings = {{ base_url = \"{url}\", mode = \"seek\", seek = \"{seek}\" }}\n\
         secrets = {{ token = \"${{file:braze.key}}\" }}\n",
        plugin_entry("misfit", &plugin("misfit")),
        url.trim_start_matches("http://")
    );
    world.write("plugins.toml", &format!("{}{misfit}", world.plugins_toml()));
    let connection = "[[connection]]\naudience = \"gold\"\ndestination = \"misfit\"\n";
    world.write("audiences.toml", &format!("{AUDIENCES}{connection}"));
    world.people(&[gold("u1"), gold("u2")]);
    let report = world.sync().await;
    let found = &link(&report, "misfit").rejections;
    assert_eq!(server.requests().len(), 1);
    // What stands beside the secret in the answer is found, and what it was replaced by: so the search finds things.
    assert_eq!(found[0].code, "found_mask_marker", "{found:#?}");
    assert_eq!((found.len(), found[0].members), (1, 2));
}
