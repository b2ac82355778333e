//! A plugin from outside the repository: made by the steps of its own README, built, locked and run.
//!
//! The README of a new plugin walks its steps once for another API. Here somebody follows it to the letter: what it
//! says of a file is done to the file. So a step that does not work is a test that fails.

use std::borrow::BorrowMut;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use enroute_fakes::Server;
use enroute_fakes::server::{Recorded, Reply, Service};
use enroute_host::catalog::sha256_hex;
use serde_json::{Value, json};

use crate::support::{enroute, gold, root, with};

const KEY: &str = "not-a-real-key";
const PEOPLE: usize = 120;

/// The API that the README describes, strict about what it says.
#[derive(Default)]
struct Postbox {
    names: Mutex<BTreeMap<String, Value>>,
}

impl Service for Postbox {
    fn answer(&self, request: &Recorded) -> Reply {
        if request.header("x-postbox-key") != Some(KEY) {
            return Reply::json(401, &json!({ "error": "no such key" }));
        }
        let body = request.json().unwrap_or_default();
        let mut names = self.names.lock().unwrap();
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/lists/7") => Reply::json(200, &json!({ "id": "7", "people": names.len() })),
            ("POST", "/lists/7/subscribers") => join(&mut names, &body["subscribers"]),
            ("POST", "/lists/7/leavers") => {
                texts(&body["addresses"]).iter().for_each(|address| drop(names.remove(address)));
                Reply::json(200, &json!({ "refused": [] }))
            }
            _ => Reply::json(404, &json!({ "error": "no such call" })),
        }
    }
}

fn join(names: &mut BTreeMap<String, Value>, subscribers: &Value) -> Reply {
    let subscribers = subscribers.as_array().cloned().unwrap_or_default();
    if subscribers.len() > 50 {
        return Reply::json(422, &json!({ "error": "too many" }));
    }
    let mut refused = Vec::new();
    for subscriber in subscribers {
        let address = subscriber["address"].as_str().unwrap_or_default().to_owned();
        if address.starts_with("bounced") {
            refused.push(address);
            continue;
        }
        texts(&subscriber["replaces"]).iter().for_each(|old| drop(names.remove(old)));
        names.insert(address, subscriber["name"].clone());
    }
    Reply::json(200, &json!({ "refused": refused }))
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// The fenced blocks of a page: what language each is in, and its text.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut parts = page.split("\n```");
    parts.next();
    let mut found = Vec::new();
    // Behind an opening fence stand its language and its text, behind a closing one the page goes on.
    while let Some(block) = parts.next() {
        let (language, text) = block.split_once('\n').expect("a fence is a line");
        found.push((language, format!("{text}\n")));
        parts.next();
    }
    found
}

/// Does to the folder what a README says: whole files by their name in the first line, and differences.
fn follow(readme: &str, folder: &Path) {
    assert!(readme.contains("`rm cases/*/*.toml`"));
    for kind in ["validate", "map", "send"] {
        let cases = std::fs::read_dir(folder.join("cases").join(kind)).expect("a folder of cases");
        cases.for_each(|case| std::fs::remove_file(case.expect("a case").path()).expect("it is removed"));
    }
    for (language, text) in blocks(readme) {
        let (first, rest) = text.split_once('\n').expect("a block has lines");
        let name = first.strip_prefix("# ").or_else(|| first.strip_prefix("// ")).filter(|name| !name.contains(' '));
        if language == "diff" {
            let path = folder.join(first.strip_prefix("--- ").expect("a difference names its file"));
            let file = std::fs::read_to_string(&path).expect("the file is there");
            std::fs::write(&path, rest.split("@@\n").fold(file, |file, hunk| changed(&file, hunk))).expect("written");
        } else if let Some(name) = name {
            std::fs::write(folder.join(name), &text).expect("a file of the plugin is written");
        }
    }
}

/// The text with one difference made: lines with `-` give way to lines with `+`.
fn changed(text: &str, hunk: &str) -> String {
    let side = |mark: char| -> String {
        let kept = hunk.lines().filter(|line| line.is_empty() || line.starts_with([' ', mark]));
        kept.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
    };
    let (old, new) = (side('-'), side('+'));
    assert_eq!(text.matches(&old).count(), 1, "the README changes what is not there once:\n{old}");
    text.replace(&old, &new)
}

/// Runs a command that ends well, or with this code.
fn run(mut command: impl BorrowMut<Command>, code: i32) -> Output {
    let command = command.borrow_mut();
    let ended = command.output().expect("the command starts");
    let [out, error] = [&ended.stdout, &ended.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert_eq!(ended.status.code(), Some(code), "{command:?}\n{out}\n{error}");
    ended
}

fn text(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

/// Makes the plugin as its author would. What is built lands in the repository's `target`, so that little is built
/// twice, and with the versions of its Cargo.lock, so that nothing has to be downloaded.
fn author(folder: &Path) {
    let crate_folder = folder.join("acme");
    let sdk = root().join("sdk/rust");
    run(enroute().args(["plugin", "new", "acme", "--sdk"]).arg(sdk).current_dir(folder), 0);
    follow(&std::fs::read_to_string(crate_folder.join("README.md")).expect("the README"), &crate_folder);
    std::fs::copy(root().join("Cargo.lock"), crate_folder.join("Cargo.lock")).expect("a file is copied");
    let shared = |mut command: Command, words: &[&str]| {
        command.args(words).current_dir(&crate_folder);
        command.env("CARGO_TARGET_DIR", root().join("target")).env("CARGO_NET_OFFLINE", "true");
        run(command.env("CARGO_INCREMENTAL", "0"), 0);
    };
    shared(Command::new("cargo"), &["test", "--quiet"]);
    shared(enroute(), &["plugin", "build"]);
}

#[test]
fn what_plugin_new_writes_keeps_the_contract_untouched() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let crate_folder = folder.path().join("acme-untouched");
    run(enroute().args(["plugin", "new", "acme-untouched", "--language", "rust"]).current_dir(folder.path()), 0);
    std::fs::copy(root().join("Cargo.lock"), crate_folder.join("Cargo.lock")).expect("a file is copied");
    let mut build = enroute();
    build.args(["plugin", "build"]).current_dir(&crate_folder).env("CARGO_TARGET_DIR", root().join("target"));
    let built = text(&run(build.env("CARGO_NET_OFFLINE", "true").env("CARGO_INCREMENTAL", "0"), 0));
    assert!(built.contains("s to compile here"), "the first load has its price: {built}");
    run(enroute().args(["plugin", "test", "acme-untouched.wasm"]).current_dir(&crate_folder), 0);
}

#[test]
fn a_plugin_that_was_built_warm_is_not_compiled_again_by_the_host() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = temporary.path();
    let build = |code| {
        let mut command = enroute();
        command.args(["plugin", "build"]).arg(root().join("tests/guests/misfit")).arg("--warm").arg(folder);
        command.arg("--out").arg(folder.join("misfit.wasm")).env("CARGO_NET_OFFLINE", "true");
        text(&run(command, code))
    };
    // Where no host is, nothing is built and nothing is left.
    build(2);
    assert_eq!(std::fs::read_dir(folder).expect("the folder").count(), 0);

    let plugins = "[plugin.misfit]\nfile = \"misfit.wasm\"\n\n[destination.here]\nplugin = \"misfit\"\n\
                   hosts = [\"127.0.0.1:9\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
                   settings = { base_url = \"http://127.0.0.1:9\" }\nsecrets = { token = \"${env:POSTBOX_KEY}\" }\n";
    let audiences = "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.gold]\nwhere = \"traits ->> 'plan' = 'gold'\"\n\n\
                     [[connection]]\naudience = \"gold\"\ndestination = \"here\"\nsetup = \"customized\"\n\
                     traits = [{ trait = \"firstName\", field = \"value\" }]\n";
    std::fs::write(folder.join("plugins.toml"), plugins).expect("plugins.toml is written");
    std::fs::write(folder.join("audiences.toml"), audiences).expect("audiences.toml is written");
    import(folder, &[gold("u1")]);
    let said = build(0);
    assert!(said.contains("kept in its cache"), "{said}");
    let cache = || -> Vec<_> {
        let files = std::fs::read_dir(folder.join(".enroute/cache")).expect("the cache");
        let seen =
            files.map(|file| file.expect("a file")).map(|file| (file.path(), file.metadata().unwrap().modified()));
        seen.map(|(path, written)| (path, written.unwrap())).collect()
    };
    let kept = cache();
    assert_eq!(kept.len(), 1);

    run(command(folder, &["plugin", "lock"]), 0);
    assert!(text(&run(command(folder, &["check"]), 0)).contains("1 connection is in order"));
    assert_eq!(cache(), kept, "nothing was compiled and nothing was written anew");
}

#[test]
fn a_tool_that_is_missing_is_named_with_the_command_that_installs_it() {
    for (language, tool, command) in
        [("javascript", "`esbuild`", "run `npm install`"), ("python", "`componentize-py`", "pip install -r")]
    {
        let folder = tempfile::tempdir().expect("a temporary folder");
        run(enroute().args(["plugin", "new", "acme", "--language", language]).current_dir(folder.path()), 0);
        let mut build = enroute();
        let ended = run(build.args(["plugin", "build", "acme"]).current_dir(folder.path()).env("PATH", "/nowhere"), 1);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains(tool) && said.contains(command), "{said}");
    }
}

/// The operator's folder beside it.
fn operator(folder: &Path, url: &str) {
    let host = url.trim_start_matches("http://");
    let plugins = format!(
        "[plugin.acme]\nfile = \"acme/acme.wasm\"\n\n[destination.postbox]\nplugin = \"acme\"\nhosts = [\"{host}\"]\n\
         allow_networks = [\"127.0.0.0/8\"]\nsettings = {{ base_url = \"{url}\", list = \"7\" }}\n\
         secrets = {{ api_key = \"${{env:POSTBOX_KEY}}\" }}\n"
    );
    let audiences = "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.gold]\nwhere = \"traits ->> 'plan' = 'gold'\"\n\n\
                     [[connection]]\naudience = \"gold\"\ndestination = \"postbox\"\nsetup = \"customized\"\n\
                     traits = [{ trait = \"firstName\", field = \"name\" }]\n";
    std::fs::write(folder.join("plugins.toml"), plugins).expect("plugins.toml is written");
    std::fs::write(folder.join("audiences.toml"), audiences).expect("audiences.toml is written");
}

fn import(folder: &Path, people: &[Value]) {
    let lines: String = people.iter().map(|person| format!("{person}\n")).collect();
    std::fs::write(folder.join("profiles.ndjson"), lines).expect("the profiles are written");
    run(command(folder, &["import"]), 0);
}

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = enroute();
    command.arg("-C").arg(folder).args(words).env("POSTBOX_KEY", KEY);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_made_by_its_readme_outside_the_repository_reaches_another_api() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = temporary.path();
    author(folder);
    let postbox = Arc::new(Postbox::default());
    let server = Server::start(Arc::clone(&postbox)).await.expect("the server starts");
    operator(folder, &server.url());

    let seen = text(&run(enroute().args(["plugin", "inspect", "acme/acme.wasm"]).current_dir(folder), 0));
    assert!(
        seen.contains("header X-Postbox-Key: <api_key>") && seen.contains("the host of setting `base_url`"),
        "{seen}"
    );
    run(command(folder, &["check"]), 2);
    run(command(folder, &["plugin", "lock", "acme"]), 0);

    let mut people: Vec<Value> = (0..PEOPLE).map(|number| gold(&format!("u{number}"))).collect();
    people[3] = with(people[3].clone(), "email", json!("Bounced@example.com"));
    people[4] = with(people[4].clone(), "email", json!("nowhere"));
    import(folder, &people);
    let refused = text(&run(command(folder, &["check", "--probe"]).env("POSTBOX_KEY", "another-key"), 1));
    assert!(refused.contains("credential"), "{refused}");
    assert!(text(&run(command(folder, &["check", "--probe"]), 0)).contains("gold → postbox: ok"));
    let plan: Value = serde_json::from_slice(&run(command(folder, &["--json", "plan"]), 0).stdout).expect("a plan");
    assert!(server.requests().iter().all(|request| request.method == "GET"), "a plan sends nothing");
    server.clear();

    let report: Value = serde_json::from_slice(&run(command(folder, &["--json", "sync"]), 4).stdout).expect("a report");
    let link = &report["connections"][0];
    assert_eq!(link["adds_up"], true, "{link:#}");
    assert_eq!((&link["outcomes"]["delivered"], &link["outcomes"]["rejected"]), (&json!(118), &json!(2)), "{link:#}");
    let codes: Vec<&str> =
        link["rejections"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(codes, ["address_refused", "address_unusable"]);
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.header("x-postbox-key") == Some(KEY)));
    let mut sent: Vec<String> = requests.iter().map(|request| sha256_hex(&request.body)).collect();
    let planned = plan[0]["requests"].as_array().unwrap().iter().map(|one| one["body_sha256"].as_str().unwrap());
    let mut planned: Vec<String> = planned.map(str::to_owned).collect();
    sent.sort();
    planned.sort();
    assert_eq!(sent, planned);
    let there = postbox.names.lock().unwrap().clone();
    assert_eq!((there.len(), &there["u0@example.com"]), (118, &json!("Ann")));

    people[0] = with(people[0].clone(), "plan", json!("silver"));
    people[1] = with(people[1].clone(), "email", json!("new@example.com"));
    import(folder, &people);
    // Those who were refused on the first day stand so.
    run(command(folder, &["sync"]), 4);
    let there = postbox.names.lock().unwrap().clone();
    let has = |address: &str| there.contains_key(address);
    assert!(!has("u0@example.com") && !has("u1@example.com") && has("new@example.com"), "{there:?}");
    assert_eq!(there.len(), 117);
}
