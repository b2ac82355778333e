//! Answers that refuse somebody, or that never come: who is sound arrives in the same run, and the cause is told.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use enroute_fakes::server::{Recorded, Reply, Service};
use enroute_fakes::{Iterable, Server, iterable};
use enroute_host::sync::{self, LinkReport, LinkState};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::support::{World, gold, link, plugin, plugin_entry, with};

/// The one row of a connection with the misfit.
const NOTES: &str = "{ trait = \"notes\", field = \"value\" }";

/// One audience at one destination of a plugin.
async fn world(plugin_id: &str, host: &str, settings: &str, secret: &str, rows: &str) -> World {
    let world = World::new().await;
    world.write(
        "plugins.toml",
        &format!(
            "{}[destination.there]\nplugin = \"{plugin_id}\"\nhosts = [\"{host}\"]\nallow_networks = [\"127.0.0.0/8\"]\n\
             settings = {{ {settings} }}\nsecrets = {{ {secret} = \"${{file:braze.key}}\" }}\n",
            plugin_entry(plugin_id, &plugin(plugin_id))
        ),
    );
    world.write(
        "audiences.toml",
        &format!(
            "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.gold]\nwhere = \"traits ->> 'plan' = 'gold'\"\n\n\
             [[connection]]\naudience = \"gold\"\ndestination = \"there\"\nsetup = \"customized\"\ntraits = [{rows}]\n"
        ),
    );
    world
}

async fn sync_once(world: &World, people: &[Value]) -> LinkReport {
    world.people(people);
    link(&world.sync().await, "there").clone()
}

/// A hundred people of whom every fourth is marked.
fn hundred(trait_name: &str, sound: &Value, marked: &Value) -> Vec<Value> {
    let person = |number: usize| {
        let value = if number % 4 == 3 { marked } else { sound };
        with(gold(&format!("u{number:03}")), trait_name, value.clone())
    };
    (0..100).map(person).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_clash_below_the_top_costs_the_value_and_nobody_waits() {
    let known = [("prefs", "object"), ("prefs.a", "object")];
    for fields in [&known[..], &[]] {
        let fields = fields.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
        let api_key = crate::support::BRAZE_KEY.to_owned();
        let config =
            iterable::Config { api_key, project_type: iterable::ProjectType::Hybrid, fields, ..Default::default() };
        let fake = Iterable::start(config).await.expect("the fake Iterable starts");
        let settings =
            format!("project_type = \"hybrid\", data_center = \"other\", base_url = \"{}\"", fake.server().url());
        let host = fake.server().addr().to_string();
        let world = world("iterable", &host, &settings, "api_key", "\"email\", \"prefs\"").await;
        let people = hundred("prefs", &json!({ "a": { "b": 1 }, "c": "x" }), &json!({ "a": 1, "c": "x" }));
        let report = sync_once(&world, &people).await;
        assert_eq!((report.outcomes.delivered, report.state), (100, LinkState::Done), "{report:#?}");
        assert_eq!(fake.members("gold").len(), 100);
        let warned = report.warnings.iter().find(|warning| warning.code == "type_mismatch").expect("it is told");
        assert_eq!((warned.field.as_deref(), warned.members), (Some("prefs.a"), 25), "{report:#?}");
        let prefs = |id: &str| fake.user(id).expect("the user is there")["dataFields"]["prefs"].clone();
        assert_eq!(prefs("u000"), json!({ "a": { "b": 1 }, "c": "x" }));
        assert_eq!(prefs("u003"), json!({ "c": "x" }));
    }
}

/// A destination that takes every member in but the bad ones, and names nobody.
#[derive(Default)]
struct Picky(Mutex<BTreeSet<String>>);

impl Service for Picky {
    fn answer(&self, request: &Recorded) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let members = body["members"].as_array().cloned().unwrap_or_default();
        if members.iter().any(|member| member["value"] == "poison") {
            return Reply::json(400, &json!({ "error": "somebody is bad" }));
        }
        let ids = members.iter().filter_map(|member| member["id"].as_str().map(str::to_owned));
        self.0.lock().unwrap().extend(ids);
        Reply::json(200, &json!({}))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fourth_costs_only_itself() {
    for (mode, marked) in [("refuse_bisect", "poison"), ("trap", "trap")] {
        let service = Arc::new(Picky::default());
        let server = Server::start(Arc::clone(&service)).await.expect("the server starts");
        let settings = format!("base_url = \"{}\", mode = \"{mode}\"", server.url());
        let rows = "{ trait = \"notes\", field = \"value\" }";
        let world = world("misfit", &server.addr().to_string(), &settings, "token", rows).await;
        let report = sync_once(&world, &hundred("notes", &json!("none"), &json!(marked))).await;
        assert_eq!((report.outcomes.delivered, report.outcomes.rejected), (75, 25), "{mode}: {report:#?}");
        assert_eq!(service.0.lock().unwrap().len(), 75, "{mode}");
        assert!(server.requests().len() < 200, "{mode}: {}", server.requests().len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_refuses_everybody_is_asked_a_few_times() {
    let server = Server::start(Arc::new(Picky::default())).await.expect("the server starts");
    let settings = format!("base_url = \"{}\", mode = \"refuse_bisect\"", server.url());
    let rows = "{ trait = \"notes\", field = \"value\" }";
    let world = world("misfit", &server.addr().to_string(), &settings, "token", rows).await;
    let report = sync_once(&world, &hundred("notes", &json!("poison"), &json!("poison"))).await;
    assert_eq!(report.outcomes.delivered, 0, "{report:#?}");
    assert_eq!(report.outcomes.rejected + report.outcomes.deferred, 100, "{report:#?}");
    assert!(server.requests().len() <= 31, "{}", server.requests().len());
    assert!(report.waiting[0].reason.contains("400"), "{report:#?}");
}

/// A Braze that names an object in words that nobody knows.
struct Odd;

impl Service for Odd {
    fn answer(&self, request: &Recorded) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let objects = body["attributes"].as_array().cloned().unwrap_or_default();
        let odd = objects.iter().position(|object| object["external_id"] == "u003");
        match odd {
            Some(index) => {
                let errors = [json!({ "type": "the stars are wrong", "input_array": "attributes", "index": index })];
                Reply::json(400, &json!({ "message": "bad", "errors": errors }))
            }
            None => Reply::json(201, &json!({ "message": "success", "attributes_processed": objects.len() })),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_named_in_unknown_words_is_refused_and_does_not_wait_for_hours() {
    let server = Server::start(Arc::new(Odd)).await.expect("the server starts");
    let settings = format!("endpoint = \"{}\"", server.url());
    let world = world("braze", &server.addr().to_string(), &settings, "api_key", "\"email\"").await;
    let people: Vec<Value> = (0..20).map(|number| gold(&format!("u{number:03}"))).collect();
    let report = sync_once(&world, &people).await;
    assert_eq!((report.outcomes.delivered, report.outcomes.rejected), (19, 1), "{report:#?}");
    assert!(report.rejections[0].reason.contains("the stars are wrong"), "{report:#?}");
}

/// What a run at a place that cannot be reached says, and what `explain` says of one person.
async fn unreached(url: &str) -> (LinkReport, sync::Explanation) {
    let host = url.split("//").nth(1).expect("a host");
    let settings = format!("base_url = \"{url}\"");
    let world = world("misfit", host, &settings, "token", NOTES).await;
    let report = sync_once(&world, &[gold("u1"), gold("u2")]).await;
    let store = world.store();
    let story = sync::explain(&store.reader().expect("the store opens"), None, "u1").expect("the store is read");
    (report, story.expect("the person is there"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_cannot_be_reached_is_told_with_its_cause() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address");
    let plain = Server::start(Arc::new(Picky::default())).await.expect("the server starts");
    for (url, cause) in [
        (format!("http://{closed}"), "does not accept a connection on port"),
        (format!("https://{}", plain.addr()), "TLS"),
    ] {
        let (report, story) = unreached(&url).await;
        assert_eq!((report.outcomes.deferred, report.state), (2, LinkState::Waiting), "{report:#?}");
        assert_eq!((report.held, report.in_doubt), (0, 0), "nothing left: {report:#?}");
        let told = report.reason.clone().unwrap_or_else(|| report.waiting[0].reason.clone());
        assert!(told.contains(cause) && told.contains("127.0.0.1"), "{report:#?}");
        assert!(report.waiting[0].reason.contains(cause), "{report:#?}");
        let chapter = &story.connections[0];
        assert_eq!(chapter.state, "waiting (deferred)", "{story:#?}");
        assert!(chapter.waits_because.as_deref().is_some_and(|reason| reason.contains(cause)), "{story:#?}");
        assert_eq!(chapter.connection_stopped, report.reason, "{story:#?}");
        let failure = chapter.receipts[0].requests[0].failure.as_deref();
        assert!(failure.is_some_and(|failure| failure.contains(cause)), "{story:#?}");
    }
}

/// For `api.example.com`, vouched for by nobody but itself; with a key that guards nothing.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIBEzAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9hcGkuZXhh
bXBsZS5jb20wIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
BgNVBAMMD2FwaS5leGFtcGxlLmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BICoLMmbZr0Dt2VbhiSFhMvVhIcCV+ugkkjrpPXh5Aowq7Kmp3FZxJFHv/LJZeRg
xmYlcHlLhVG9thsrnWz3k+WjSDBGMBoGA1UdEQQTMBGCD2FwaS5leGFtcGxlLmNv
bTAJBgNVHRMEAjAAMB0GA1UdDgQWBBSr2MPeUQYunYuxHZrRIzzCv4V+IjAKBggq
hkjOPQQDAgNIADBFAiAFMAGVimFPTSZfrmfERYfyLKoM1F9GB7jKvpoEhjUC/gIh
AIidZcb9xoUGax71OjR8XUaGdoSKXH/gVC1EviBjgmbY
-----END CERTIFICATE-----";
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKhI6kKEPoF2PhreK
7o9Fw7kpq2u+01PWIzVbHc02I5OhRANCAASAqCzJm2a9A7dlW4YkhYTL1YSHAlfr
oJJI66T14eQKMKuypqdxWcSRR7/yyWXkYMZmJXB5S4VRvbYbK51s95Pl
-----END PRIVATE KEY-----";

/// A server that nobody believes.
pub(crate) fn impostor() -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            // A client that does not believe the certificate ends the conversation here.
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_not_trusted_pauses_and_comes_back_when_it_is() {
    let picky = Arc::new(Picky::default());
    let sound = Server::start(Arc::clone(&picky)).await.expect("the server starts");
    let (right, wrong) = (sound.addr().to_string(), impostor().to_string());
    let world = world("misfit", &wrong, &format!("base_url = \"https://{wrong}\""), "token", NOTES).await;
    let people = [gold("u1"), gold("u2")];
    let report = sync_once(&world, &people).await;
    let reason = report.reason.as_deref().unwrap_or_default();
    assert_eq!((report.state, report.held, report.in_doubt), (LinkState::Paused, 0, 0), "{report:#?}");
    assert!(reason.contains("its certificate is self-signed") && reason.contains(&wrong), "{report:#?}");
    assert_eq!(report.outcomes.deferred, 2, "who waits is kept: {report:#?}");
    let path = world.folder.path().join("plugins.toml");
    let text = std::fs::read_to_string(&path).expect("the file is there");
    world.write("plugins.toml", &text.replace(&format!("https://{wrong}"), &sound.url()).replace(&wrong, &right));
    let report = sync_once(&world, &people).await;
    assert_eq!((report.state, report.outcomes.delivered), (LinkState::Done, 2), "{report:#?}");
    assert_eq!(picky.0.lock().unwrap().len(), 2);
}
