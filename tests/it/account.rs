//! What accounts have of their own: read at all seven destinations, kept, and offered where fields are matched and
//! checked.

use std::process::Output;

use enroute_fakes::all::{SECRETS, connections, person};
use enroute_fakes::braze::{self, Attribute};
use enroute_fakes::{Braze, Recorded, Server};
use enroute_host::store::Store;
use enroute_host::sync;
use serde_json::Value;

use crate::seven::World;
use crate::support::{enroute, plugin};

/// Codes whose cases are here: they need an account that was read, or a plugin that was made wrong.
pub(crate) const CODES: [&str; 3] = ["E320", "E321", "E322"];

/// The command in the world's folder, while the fakes answer.
async fn run(world: &World, words: &[&str]) -> Output {
    let (folder, words) = (world.folder.path().to_owned(), words.iter().map(ToString::to_string).collect::<Vec<_>>());
    let ran = tokio::task::spawn_blocking(move || enroute().args(words).current_dir(folder).output());
    ran.await.expect("it ends").expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn reads(server: &Server) -> usize {
    server.requests().iter().filter(|request: &&Recorded| request.method == "GET").count()
}

/// The accounts of all destinations in one line each: `iterable-us field email`.
fn accounts(world: &World) -> Vec<String> {
    let reader = Store::open_read(&world.folder.path().join(".enroute")).expect("the store opens");
    let known = reader.accounts().unwrap();
    let line = |destination: &str, item: &enroute_core::account::Item| {
        format!("{destination} {} {} {}", item.kind.word(), item.name, item.takes.word())
    };
    known.iter().flat_map(|(name, account)| account.items.iter().map(move |item| line(name, item))).collect()
}

/// Probes every connection, as `enroute check --probe` does.
async fn probe(world: &World) -> Vec<sync::Probed> {
    let store = world.import(&[person("u1")]);
    let setup = world.setup().await.unwrap();
    sync::probe(&store, &setup, &world.clock).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_tells_what_every_account_has_and_the_host_keeps_it() {
    let world = World::new().await;
    let facebook = "audience_id = ";
    let plugins = std::fs::read_to_string(world.folder.path().join("plugins.toml")).unwrap();
    world.write("plugins.toml", &plugins.replace(facebook, &format!("ad_account_id = \"1000\", {facebook}")));
    // The first sync makes the lists.
    world.sync(&[person("u1")]).await;
    let probed = probe(&world).await;
    assert!(probed.iter().all(|one| one.verdict == "ok"), "{probed:#?}");
    let known = accounts(&world);
    for expect in [
        "facebook-ads list 23848494844100489 any",
        "google-ads list 7100000000 any",
        "iterable-us field lifetime_value number",
        "salesforce-crm field Lifetime_Value__c number",
        "salesforce-crm field LastName text",
        "sendgrid-marketing field lifetime_value number",
        "zendesk-support field lifetime_value number",
    ] {
        assert!(known.iter().any(|line| line == expect), "{expect} is not in {known:#?}");
    }
    let list = known.iter().find(|line| line.starts_with("sendgrid-marketing list "));
    assert!(list.is_some(), "{known:#?}");
    // A probe that fails leaves what was known.
    world.write("plugins.toml", &plugins.replace("${file:zendesk.token}", "${file:braze.key}"));
    let probed = probe(&world).await;
    assert_eq!(probed.iter().filter(|one| one.verdict != "ok").count(), 1, "{probed:#?}");
    assert!(accounts(&world).iter().any(|line| line == "zendesk-support field lifetime_value number"));
}

/// A folder with one connection, to a Braze with these attributes.
async fn braze_world(config: braze::Config, traits: &str) -> (World, Braze) {
    let world = World::new().await;
    let braze = Braze::start(config).await.expect("the fake starts");
    let plugins = std::fs::read_to_string(world.folder.path().join("plugins.toml")).unwrap();
    let (entries, _) = plugins.split_once("[destination.").unwrap();
    let destination = format!(
        "[destination.crm]\nplugin = \"braze\"\nhosts = [\"{0}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
         settings = {{ endpoint = \"{1}\" }}\nsecrets = {{ api_key = \"${{file:braze.key}}\" }}\n",
        braze.server().addr(),
        braze.server().url()
    );
    world.write("plugins.toml", &format!("{entries}{destination}"));
    let audiences = format!(
        "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.gold]\nwhere = \"traits ->> 'plan' = 'gold'\"\n\n\
         [[connection]]\naudience = \"gold\"\ndestination = \"crm\"\nsetup = \"customized\"\ntraits = [{traits}]\n"
    );
    world.write("audiences.toml", &audiences);
    (world, braze)
}

fn config(attributes: &[(&str, &str)]) -> braze::Config {
    let key = SECRETS.iter().find(|(name, _)| *name == "braze.key").map(|(_, key)| (*key).to_owned());
    let api_key = key.expect("the key of the fakes");
    let attributes = attributes.iter().map(|(name, kind)| Attribute::new(name, kind)).collect();
    braze::Config { api_key, attributes, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_account_has_is_offered_and_what_it_lacks_is_told() {
    let attributes = [("lifetime_value", "Number"), ("favourite_color", "String")];
    let (world, braze) =
        braze_world(config(&attributes), "\"lifetimeValue\", \"favourite_color\", \"shoe_size\"").await;
    let unknown = run(&world, &["account", "crm"]).await;
    let expect = "nothing is known of the account of `crm`; read it with `--probe`\n";
    assert_eq!((unknown.status.code(), text(&unknown.stdout).as_str()), (Some(0), expect));
    let quiet = run(&world, &["check"]).await;
    assert!(!text(&quiet.stderr).contains("E320"), "nothing is said of an account that nobody has read");

    let checked = run(&world, &["check", "--probe"]).await;
    let told = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(0), "{told}");
    // Braze makes attributes as they come: only what is nearly there looks like a mistake.
    assert_eq!(told.matches("warning[E320]").count(), 1, "{told}");
    assert!(told.contains("the account of destination `crm` has no field `lifetimeValue`"), "{told}");
    assert!(told.contains("did you mean `lifetime_value`?"), "{told}");

    let before = reads(braze.server());
    let shown = text(&run(&world, &["account", "crm"]).await.stdout);
    assert!(shown.contains("field  favourite_color         text"), "{shown}");
    assert_eq!(reads(braze.server()), before, "what is kept costs no request");
    let shown: Value = serde_json::from_slice(&run(&world, &["--json", "account", "crm"]).await.stdout).unwrap();
    assert_eq!((&shown["plugin"], &shown["whole"]), (&Value::from("braze"), &Value::from(true)));
    assert_eq!(shown["items"][1]["name"], "lifetime_value");

    let matched: Value = serde_json::from_slice(&run(&world, &["--json", "match"]).await.stdout).unwrap();
    let row = |matched: &Value, at: usize| {
        let row = &matched[0]["rows"][at];
        format!("{} {} {}", row["field"], row["how"], row["account"])
    };
    assert_eq!(row(&matched, 0), r#""lifetimeValue" "same name" {"has":false,"like":"lifetime_value"}"#);
    assert_eq!(row(&matched, 1), r#""favourite_color" "same name" {"has":true}"#);
    assert_eq!(row(&matched, 2), r#""shoe_size" "same name" {"has":false}"#);
    let taken = run(&world, &["--json", "match", "--account", "--write"]).await;
    let matched: Value = serde_json::from_slice(&taken.stdout).unwrap();
    assert_eq!(row(&matched, 0), r#""lifetime_value" "account" {"has":true}"#);
    let audiences = std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap();
    assert!(audiences.contains(r#"field = "lifetime_value""#), "{audiences}");
    let told = text(&run(&world, &["check"]).await.stderr);
    assert!(!told.contains("E320"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_another_place_is_not_taken_for_this_one() {
    let (world, _braze) = braze_world(config(&[("lifetime_value", "Number")]), "\"lifetimeValue\"").await;
    let probed = run(&world, &["account", "crm", "--probe"]).await;
    assert!(text(&probed.stdout).contains("lifetime_value"), "{probed:?}");
    let other = Braze::start(config(&[])).await.expect("the fake starts");
    let plugins = std::fs::read_to_string(world.folder.path().join("plugins.toml")).unwrap();
    let (entries, _) = plugins.split_once("[destination.").unwrap();
    let destination = format!(
        "[destination.crm]\nplugin = \"braze\"\nhosts = [\"{0}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
         settings = {{ endpoint = \"{1}\" }}\nsecrets = {{ api_key = \"${{file:braze.key}}\" }}\n",
        other.server().addr(),
        other.server().url()
    );
    world.write("plugins.toml", &format!("{entries}{destination}"));
    assert!(text(&run(&world, &["account", "crm"]).await.stdout).starts_with("nothing is known"));
    assert!(!text(&run(&world, &["check"]).await.stderr).contains("E320"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_read_the_account_is_a_good_key() {
    let without = braze::Config { reads_attributes: false, ..config(&[("lifetime_value", "Number")]) };
    let (world, _braze) = braze_world(without, "\"lifetimeValue\"").await;
    let probed = run(&world, &["account", "crm", "--probe"]).await;
    let expect = "nothing is known of the account of `crm`; its plugin reports nothing of it\n";
    assert_eq!((probed.status.code(), text(&probed.stdout).as_str()), (Some(0), expect), "{probed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_attributes_than_a_page_has_are_all_read() {
    let names: Vec<String> = (0..120).map(|number| format!("attribute_{number:03}")).collect();
    let attributes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "Boolean")).collect();
    let (world, _braze) = braze_world(config(&attributes), "\"lifetimeValue\"").await;
    let shown = run(&world, &["--json", "account", "crm", "--probe"]).await;
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["items"].as_array().map(Vec::len), Some(120));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_the_account_has_not_is_told_with_the_nearest() {
    let world = World::new().await;
    let folder = world.folder.path();
    let plugins = std::fs::read_to_string(folder.join("plugins.toml")).unwrap();
    let plugins = plugins.replace("audience_id = ", "ad_account_id = \"1000\", audience_id = ");
    world.write("plugins.toml", &plugins);
    let audiences = "[audience.gold]\nwhere = \"traits ->> 'plan' = 'gold'\"\n\n\
                     [[connection]]\naudience = \"gold\"\ndestination = \"facebook-ads\"\n";
    world.write("audiences.toml", audiences);
    let shown = text(&run(&world, &["account", "facebook-ads", "--probe"]).await.stdout);
    assert!(shown.contains("list  23848494844100489"), "{shown}");
    let told = text(&run(&world, &["check"]).await.stderr);
    assert!(!told.contains("E321"), "{told}");
    world.write("audiences.toml", &format!("{audiences}settings = {{ audience_id = \"23848494844100498\" }}\n"));
    let checked = run(&world, &["check"]).await;
    let told = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(0), "a warning: {told}");
    let expect = "warning[E321]: the account of destination `facebook-ads` has no list `23848494844100498`, \
                  which `audience_id` names";
    assert!(told.contains(expect) && told.contains("--> audiences.toml:7:28"), "{told}");
    assert!(told.contains("hint: did you mean `23848494844100489` ("), "{told}");
}

#[test]
fn a_word_of_a_manifest_that_means_nothing_is_told_with_the_one_that_was_meant() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut bytes = enroute_host::catalog::read_file(&plugin("iterable")).expect("the plugin is read");
    let (from, to) = (b"\"type\":\"phone_e164\"", b"\"type\":\"phone_e146\"");
    let at = bytes.windows(from.len()).position(|window| window == from).expect("the word is in the manifest");
    bytes[at..at + to.len()].copy_from_slice(to);
    std::fs::write(folder.path().join("iterable.wasm"), &bytes).expect("it is written");
    let plugins = format!(
        "[plugin.iterable]\nfile = \"iterable.wasm\"\nsha256 = \"{}\"\n\n[destination.crm]\nplugin = \"iterable\"\nhosts = []\n",
        enroute_host::catalog::sha256_hex(&bytes)
    );
    std::fs::write(folder.path().join("plugins.toml"), plugins).expect("it is written");
    std::fs::write(folder.path().join("audiences.toml"), "[audience.all]\nwhere = \"1\"\n").expect("it is written");
    let run = |words: &[&str]| enroute().args(words).current_dir(folder.path()).output().expect("the binary runs");
    let checked = run(&["check"]);
    let told = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(2), "{told}");
    assert!(told.contains("error[E322]: plugin `iterable` is refused: its manifest is unusable: "), "{told}");
    let expect =
        "`type = \"phone_e146\"` of `phoneNumber` in `field` is no type of a field; did you mean `phone_e164`?";
    assert!(told.contains(expect), "{told}");

    let manifest = "id = \"a\"\nversion = \"1.0.0\"\ncontract = \"0.1\"\nname = \"A\"\nsummary = \"s\"\nhosts = []\n\
                    [[field]]\nname = \"id\"\nformat = \"text\"\nidentifier = true\nfold = [\"lower\"]\n";
    std::fs::write(folder.path().join("plugin.toml"), manifest).expect("it is written");
    let packed = run(&["plugin", "pack", "braze.wasm"]);
    let told = text(&packed.stderr);
    assert_eq!(packed.status.code(), Some(2), "{told}");
    assert!(told.contains("error: [E322] `plugin.toml` cannot be used as a manifest"), "{told}");
    assert!(told.contains("is no way of folding; did you mean `lowercase`?"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_spellings_of_one_address_are_one_person_at_google() {
    let world = World::new().await;
    let text = connections();
    let google = text.split("[[connection]]").find(|one| one.contains("google-ads")).expect("there is one");
    let audiences = std::fs::read_to_string(world.folder.path().join("audiences.toml")).unwrap();
    let (head, _) = audiences.split_once("[[connection]]").unwrap();
    world.write("audiences.toml", &format!("{head}[[connection]]{google}"));
    let somebody = |id: &str, email: &str, plan: &str| {
        let mut person = person(id);
        person["traits"]["email"] = email.into();
        person["traits"]["plan"] = plan.into();
        person
    };
    let others = (0..20).map(|number| person(&format!("o{number}")));
    let mut people = vec![somebody("u1", "a.nn@gmail.com", "gold"), somebody("u2", "Ann+news@gmail.com", "gold")];
    people.extend(others);
    world.sync(&people).await;
    assert_eq!(world.fakes.members("google-ads").len(), 21);
    // Google would take the one address off, and with it the person who stays.
    people[0] = somebody("u1", "a.nn@gmail.com", "silver");
    let report = world.sync(&people).await;
    assert_eq!(report.connections[0].changes.removed, 1, "{report:#?}");
    assert_eq!(world.fakes.members("google-ads").len(), 21);
    people[1] = somebody("u2", "Ann+news@gmail.com", "silver");
    world.sync(&people).await;
    assert_eq!(world.fakes.members("google-ads").len(), 20);
}
