//! A world for one test: an operator's folder, strict fakes, and the host on top of them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use enroute_fakes::{Braze, Facebook, Recorded, braze, facebook};
use enroute_host::catalog;
use enroute_host::config::Config;
use enroute_host::config::load::load;
use enroute_host::runtime::{Cache, Limits, Runtime};
use enroute_host::sources::{Format, Import, Options as ImportOptions, Report};
use enroute_host::store::Store;
use enroute_host::store::ledger::Remotes;
use enroute_host::sync::{self, Clock, Detail, LinkPlan, LinkReport, Options, RunReport, Setup};
use serde_json::{Value, json};

pub(crate) const BRAZE_KEY: &str = "canary-braze-key-0f3b";
pub(crate) const TOKEN: &str = "canary-facebook-token-77aa";
pub(crate) const APP_SECRET: &str = "canary-app-secret-1c9d";
pub(crate) const LIST: &str = "23848494844100489";
/// When every test begins: 23 November 2026.
pub(crate) const START_MS: u64 = 1_795_392_000_000;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stand in the repository").to_path_buf()
}

/// The binary that `tests/run` built.
pub(crate) fn enroute() -> Command {
    let binary = root().join("target/debug/enroute");
    assert!(binary.is_file(), "{} is missing: run tests/run, which builds it", binary.display());
    Command::new(binary)
}

/// A plugin that `tests/run` built.
pub(crate) fn plugin(id: &str) -> PathBuf {
    let file = root().join("target/plugins").join(format!("{id}.wasm"));
    assert!(file.is_file(), "{} is missing: run tests/run, which builds it", file.display());
    file
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) braze: Braze,
    pub(crate) facebook: Facebook,
    pub(crate) clock: Clock,
}

impl World {
    pub(crate) async fn new() -> Self {
        let braze = braze::Config { api_key: BRAZE_KEY.to_owned(), ..Default::default() };
        let facebook = facebook::Config {
            access_token: TOKEN.to_owned(),
            app_secret: Some(APP_SECRET.to_owned()),
            audiences: vec![facebook::Audience::new(LIST, "Gold")],
            ..Default::default()
        };
        let world = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            braze: Braze::start(braze).await.expect("the fake Braze starts"),
            facebook: Facebook::start(facebook).await.expect("the fake Facebook starts"),
            clock: Clock::starting_at(START_MS),
        };
        world.write("braze.key", BRAZE_KEY);
        world.write("facebook.token", TOKEN);
        world.write("facebook.secret", APP_SECRET);
        world.write("plugins.toml", &world.plugins_toml());
        world.write("audiences.toml", AUDIENCES);
        world
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file of the test is written");
    }

    pub(crate) fn plugins_toml(&self) -> String {
        let mut text = String::new();
        for id in ["braze", "facebook"] {
            text.push_str(&plugin_entry(id, &plugin(id)));
        }
        let (braze, facebook) = (self.braze.server().url(), self.facebook.server().url());
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        text.push_str(&format!(
            r#"
[destination.braze-eu]
plugin = "braze"
hosts = ["{}"]
allow_networks = ["127.0.0.0/8"]
settings = {{ endpoint = "{braze}" }}
secrets = {{ api_key = "${{file:braze.key}}" }}

[destination.facebook-ads]
plugin = "facebook"
hosts = ["{}"]
allow_networks = ["127.0.0.0/8"]
settings = {{ audience_id = "{LIST}", base_url = "{facebook}" }}
secrets = {{ access_token = "${{file:facebook.token}}", app_secret = "${{file:facebook.secret}}" }}
"#,
            host(&braze),
            host(&facebook)
        ));
        text
    }

    /// Writes the profiles; each value is a line.
    pub(crate) fn people(&self, people: &[Value]) {
        let text: String = people.iter().map(|person| format!("{person}\n")).collect();
        self.write("profiles.ndjson", &text);
    }

    pub(crate) fn config(&self) -> Config {
        load_config(self.folder.path())
    }

    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::new(Store::open(&self.state()).expect("the store opens"))
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join(".enroute")
    }

    pub(crate) fn import(&self, store: &Store) -> Report {
        import_from(store, self.folder.path())
    }

    pub(crate) async fn setup(&self) -> Setup {
        let config = self.config();
        let (runtime, none) = (runtime(Limits::default()), Remotes::default());
        let (setup, found) = Setup::prepare(&config, &runtime, &none, &self.clock.today(), None).await;
        setup.unwrap_or_else(|| panic!("{}", found.render(&config.files)))
    }

    pub(crate) fn options(&self) -> Options {
        Options { clock: self.clock.clone(), ..Options::default() }
    }

    /// Import and sync, as `enroute sync` does.
    pub(crate) async fn sync(&self) -> RunReport {
        self.sync_with(&self.options()).await
    }

    pub(crate) async fn sync_with(&self, options: &Options) -> RunReport {
        let store = self.store();
        self.import(&store);
        let report = sync::sync(&store, &self.setup().await, options).await.expect("the store works");
        for link in &report.connections {
            assert!(link.adds_up, "outcomes do not add up: {link:#?}");
        }
        report
    }

    /// Import and plan, as `enroute plan` does.
    pub(crate) async fn plan(&self) -> Vec<LinkPlan> {
        let store = self.store();
        self.import(&store);
        let setup = self.setup().await;
        sync::plan(&store, &setup, &self.clock, Detail { bodies: true, values: false }).await.expect("the store works")
    }

    pub(crate) fn braze_members(&self) -> BTreeSet<String> {
        self.braze.members("gold")
    }

    pub(crate) fn facebook_emails(&self) -> BTreeSet<String> {
        self.facebook.members_by(LIST, "EMAIL")
    }

    /// Every request that both fakes saw, and forgets them.
    pub(crate) fn take_requests(&self) -> Vec<Recorded> {
        let mut seen = Vec::new();
        for server in [self.braze.server(), self.facebook.server()] {
            seen.extend(server.requests());
            server.clear();
        }
        seen
    }
}

/// The configuration in a folder, which has no mistake.
pub(crate) fn load_config(folder: &Path) -> Config {
    let loaded = load(folder);
    loaded.config.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(&loaded.files)))
}

/// Imports `profiles.ndjson` of a folder.
pub(crate) fn import_from(store: &Store, folder: &Path) -> Report {
    let path = folder.join("profiles.ndjson");
    let options = ImportOptions::new("crm".parse().expect("a name"), path, Format::Ndjson);
    let import = || Import::run(store, &options, || 0, |_| ControlFlow::Continue(()));
    tokio::task::block_in_place(import).expect("the import ends")
}

/// The report of one destination.
pub(crate) fn link<'a>(report: &'a RunReport, destination: &str) -> &'a LinkReport {
    report.connections.iter().find(|link| link.destination == destination).expect("the destination is in the report")
}

pub(crate) fn plugin_entry(id: &str, file: &Path) -> String {
    let digest = catalog::sha256_hex(&catalog::read_file(file).expect("the plugin is read"));
    format!("[plugin.{id}]\nfile = {:?}\nsha256 = \"{digest}\"\n\n", file.display().to_string())
}

/// A runtime with a cache that all tests share, so that each plugin is compiled once.
pub(crate) fn runtime(limits: Limits) -> Runtime {
    let cache = Cache::new(root().join("target/tmp/enroute-cache"), [7; 32]);
    Runtime::new(limits, Some(cache)).expect("the sandbox starts")
}

/// A gold member with an e-mail address.
pub(crate) fn gold(id: &str) -> Value {
    json!({ "id": id, "traits": {
        "email": format!("{id}@example.com"), "firstName": "Ann", "plan": "gold", "ltv": 450.0, "notes": "none",
    }})
}

/// The same person with another value of one trait.
pub(crate) fn with(mut person: Value, name: &str, value: Value) -> Value {
    person["traits"][name] = value;
    person
}

pub(crate) const AUDIENCES: &str = r#"[source.crm]
file = "profiles.ndjson"

[audience.gold]
where = "traits ->> 'plan' = 'gold'"

[[connection]]
audience = "gold"
destination = "braze-eu"
setup = "customized"
traits = [
  { trait = "firstName", field = "first_name" },
  { trait = "email", field = "email" },
  "ltv",
  "visits", "orders", "wishes",
]

[[connection]]
audience = "gold"
destination = "facebook-ads"
setup = "customized"
traits = [{ trait = "email", field = "EMAIL" }, { trait = "firstName", field = "FN" }]
"#;
