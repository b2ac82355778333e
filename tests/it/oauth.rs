//! Tokens of OAuth 2.0 in a run: renewed once for many, safe from crashes, and a reason to stop where they are refused.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use enroute_fakes::oauth::{Config, TOKEN_PATH};
use enroute_fakes::server::{Recorded, Reply, Service};
use enroute_fakes::{Oauth, Server};
use enroute_host::catalog;
use enroute_host::sync::{LinkReport, RunReport, Setup};
use serde_json::{Value, json};

use crate::support::{AUDIENCES, World, gold, link, plugin, plugin_entry, root};

mod crashes;
mod login;
pub(crate) mod mistakes;
mod runs;

const SECRET: &str = "canary-client-secret-41d7";
const REFRESH: &str = "canary-refresh-token-8e02";

/// The manifest's entry in most tests.
const ENTRY: &str = r#"grant = "refresh_token", refresh_token = "refresh_token""#;
/// … and in those that log in.
const LOGIN: &str = r#"grant = "refresh_token", authorize_url = "{login}/authorize""#;

/// A destination that takes in who comes with a good token.
struct Crm {
    oauth: Arc<Oauth>,
    /// Whether it takes no token at all.
    refuses: Mutex<bool>,
    ids: Mutex<BTreeSet<String>>,
}

impl Service for Crm {
    fn answer(&self, request: &Recorded) -> Reply {
        if *self.refuses.lock().unwrap() {
            return Reply::json(401, &json!({ "error": "invalid_token" }));
        }
        if let Err(refused) = self.oauth.accepts(request) {
            return refused;
        }
        let body: Value = serde_json::from_slice(&request.body).expect("the guest sends JSON");
        let members = body["members"].as_array().cloned().unwrap_or_default();
        self.ids.lock().unwrap().extend(members.iter().filter_map(|member| member["id"].as_str().map(str::to_owned)));
        // Destinations echo; a plugin must not see the token.
        Reply::json(200, &json!({ "echo": request.header("authorization") }))
    }
}

/// A world in which `crm` stands beside Braze and Facebook.
struct Beside {
    world: World,
    oauth: Arc<Oauth>,
    tokens: Server,
    crm: Arc<Crm>,
    server: Server,
}

fn endpoint() -> Config {
    Config {
        client_secret: Some(SECRET.to_owned()),
        refresh_token: Some(REFRESH.to_owned()),
        rotates: true,
        ..Config::default()
    }
}

impl Beside {
    async fn new(config: Config, entry: &str) -> Self {
        let (oauth, tokens) = Oauth::start(config).await.expect("the endpoint starts");
        let (refuses, ids) = (Mutex::default(), Mutex::default());
        let crm = Arc::new(Crm { oauth: Arc::clone(&oauth), refuses, ids });
        let server = Server::start(Arc::clone(&crm)).await.expect("the server starts");
        let beside = Self { world: World::new().await, oauth, tokens, crm, server };
        beside.pack(entry, "{base_url}");
        let world = &beside.world;
        world.write("client.secret", SECRET);
        world.write("refresh.token", REFRESH);
        beside.configure(
            &[beside.server.url(), beside.tokens.url()],
            &beside.server.url(),
            entry.contains("refresh_token = "),
        );
        let connection = "[[connection]]\naudience = \"gold\"\ndestination = \"crm\"\nsetup = \"customized\"\n\
                          traits = [{ trait = \"notes\", field = \"value\" }]\n";
        world.write("audiences.toml", &format!("{AUDIENCES}{connection}"));
        world.people(&[gold("u0")]);
        beside
    }

    /// The misfit, with a manifest of the test's own.
    fn pack(&self, entry: &str, host: &str) {
        let auth = format!(
            r#"auth = [{{ kind = "oauth2", {entry}, token_url = "{{login}}/token", client_id = "app", client_secret = "client_secret", scopes = ["members"] }}]"#
        );
        let setting =
            "[[setting]]\nname = \"login\"\ntype = \"origin\"\nrequired = true\nhelp = \"Where.\"\n\n[[setting]]";
        let secrets = "[[secret]]\nname = \"refresh_token\"\nhelp = \"One.\"\n\n[[secret]]\nname = \"client_secret\"";
        let changes = [
            (r#"auth = [{ kind = "bearer", secret = "token" }]"#, auth.as_str()),
            ("{base_url}", host),
            ("[[setting]]", setting),
            ("[[secret]]\nname = \"token\"", secrets),
            ("members = 100", "members = 1"),
            ("per_ms = 1000", "per_ms = 1000\nconcurrency = 16"),
        ];
        let mut manifest = std::fs::read_to_string(root().join("tests/guests/misfit/plugin.toml")).expect("a manifest");
        for (from, to) in changes {
            assert!(manifest.contains(from), "{from}");
            manifest = manifest.replacen(from, to, 1);
        }
        let component = catalog::read_file(&plugin("misfit")).expect("the plugin is read");
        let packed = catalog::pack(&component, &manifest).expect("it can be packed");
        std::fs::write(self.world.folder.path().join("crm.wasm"), packed).expect("it is written");
    }

    fn configure(&self, granted: &[String], base_url: &str, with_refresh: bool) {
        let hosts: Vec<String> = granted.iter().map(|url| format!("{:?}", url.trim_start_matches("http://"))).collect();
        let refresh = if with_refresh { ", refresh_token = \"${file:refresh.token}\"" } else { "" };
        let destination = format!(
            "{}[destination.crm]\nplugin = \"misfit\"\nhosts = [{}]\nallow_networks = [\"127.0.0.0/8\"]\n\
             settings = {{ base_url = \"{base_url}\", login = \"{}\" }}\n\
             secrets = {{ client_secret = \"${{file:client.secret}}\"{refresh} }}\n",
            plugin_entry("misfit", &self.world.folder.path().join("crm.wasm")),
            hosts.join(", "),
            self.tokens.url(),
        );
        self.world.write("plugins.toml", &format!("{}{destination}", self.world.plugins_toml()));
    }

    fn people(&self, count: u32) {
        self.world.people(&(0..count).map(|number| gold(&format!("u{number}"))).collect::<Vec<_>>());
    }

    async fn sync(&self) -> (LinkReport, RunReport) {
        let report = self.world.sync().await;
        (link(&report, "crm").clone(), report)
    }

    /// What is wrong with the configuration; empty where nothing is.
    async fn mistakes(&self) -> String {
        let config = self.world.config();
        let runtime = crate::support::runtime(enroute_host::runtime::Limits::default());
        let today = self.world.clock.today();
        let (_, found) = Setup::prepare(&config, &runtime, &Default::default(), &today, None).await;
        found.render(&config.files)
    }

    /// How often the endpoint was asked for a token.
    fn asked(&self) -> usize {
        self.tokens.requests().iter().filter(|request| request.path == TOKEN_PATH).count()
    }

    fn ids(&self) -> usize {
        self.crm.ids.lock().unwrap().len()
    }
}
