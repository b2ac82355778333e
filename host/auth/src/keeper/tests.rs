use super::*;

use std::sync::Arc;
use std::time::Duration;

use enroute_core::manifest::{Auth, ClientAuth, Oauth as Entry};
use enroute_fakes::faults::Action;
use enroute_fakes::oauth::{Config, TOKEN_PATH};
use enroute_fakes::server::Reply;
use enroute_fakes::{Fault, Oauth, Server};
use serde_json::json;

use crate::{Login, LoginError, Remedy, Source, SourceError};
use enroute_egress::{Credentials, HostRule};

/// When every test begins.
const NOW_MS: u64 = 1_795_392_000_000;
const HOUR_MS: u64 = 3_600_000;

/// A token endpoint, a store, and what asks the one and fills the other.
struct World {
    oauth: Arc<Oauth>,
    server: Server,
    store: Arc<Store>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new(config: Config) -> Self {
        let (oauth, server) = Oauth::start(config).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("state")).unwrap());
        Self { oauth, server, store, _folder: folder }
    }

    fn entry(&self, grant: Grant) -> Entry {
        Entry {
            grant,
            when: None,
            token_url: format!("{}{TOKEN_PATH}", self.server.url()),
            authorize_url: Some(format!("{}/authorize", self.server.url())),
            scopes: vec!["one".into(), "two".into()],
            client_id: Some("{id}".into()),
            client_secret: Some("client_secret".into()),
            client_auth: ClientAuth::Form,
            refresh_token: Some("refresh".into()),
            private_key: Some("key".into()),
            issuer: None,
            subject: None,
            audience: None,
            instance: None,
        }
    }

    fn try_source(&self, entry: Entry, secrets: &[(&str, &str)]) -> Result<Option<Source>, SourceError> {
        self.source_within(entry, secrets, &["127.0.0.0/8".parse().unwrap()])
    }

    fn source_within(
        &self,
        entry: Entry,
        secrets: &[(&str, &str)],
        networks: &[ipnet::IpNet],
    ) -> Result<Option<Source>, SourceError> {
        let secret = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::from((*value).to_owned()));
        let credentials = Credentials {
            auth: vec![Auth::Oauth2(Box::new(entry))],
            secrets: secrets.iter().map(secret).collect(),
            settings: json!({ "id": "app" }).as_object().cloned().unwrap(),
        };
        let granted = HostRule::parse(&self.server.addr().to_string()).unwrap();
        Source::of("crm", &credentials, &[granted], networks)
    }

    fn source(&self, entry: Entry, secrets: &[(&str, &str)]) -> Arc<Source> {
        Arc::new(self.try_source(entry, secrets).unwrap().unwrap())
    }

    /// A fresh process, as far as tokens are concerned.
    fn keeper(&self, source: &Arc<Source>) -> Arc<Keeper> {
        Arc::new(Keeper::new(Arc::clone(source), Arc::clone(&self.store)))
    }

    fn refreshing(&self) -> Arc<Source> {
        self.source(self.entry(Grant::RefreshToken), &[("client_secret", "app-secret"), ("refresh", "r-1")])
    }

    fn asked(&self) -> usize {
        self.server.requests().iter().filter(|request| request.path == TOKEN_PATH).count()
    }

    fn answer(&self, status: u16, error: &str, said: &str) {
        let reply = Reply::json(status, &json!({ "error": error, "error_description": said }));
        self.server.fault(Fault::once(Action::Answer(reply)));
    }
}

fn rotating() -> Config {
    Config { refresh_token: Some("r-1".into()), rotates: true, ..Config::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_wait_are_served_by_one_renewal() {
    let world = World::new(rotating()).await;
    let keeper = world.keeper(&world.refreshing());
    let first = keeper.token(NOW_MS, None).await.unwrap();
    assert_eq!(world.asked(), 1);
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (keeper, first) = (Arc::clone(&keeper), Arc::clone(&first));
            tokio::spawn(async move { keeper.token(NOW_MS, Some(&first)).await.unwrap().generation })
        })
        .collect();
    for one in waiting {
        assert_eq!(one.await.unwrap(), first.generation + 1);
    }
    assert_eq!((world.asked(), world.oauth.granted()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_used_until_a_minute_before_its_end_and_over_restarts() {
    let world = World::new(rotating()).await;
    let source = world.refreshing();
    let token = async |now_ms| world.keeper(&source).token(now_ms, None).await.unwrap().generation;
    assert_eq!(token(NOW_MS).await, 1);
    assert_eq!(token(NOW_MS + HOUR_MS - 60_001).await, 1);
    assert_eq!(world.asked(), 1, "what the store has is used by the next process");
    assert_eq!(token(NOW_MS + HOUR_MS - 60_000).await, 2);
    // A clock that goes back makes a token look good for longer; a refusal settles it.
    let keeper = world.keeper(&source);
    let old = keeper.token(NOW_MS - HOUR_MS, None).await.unwrap();
    assert_eq!(old.generation, 2);
    assert_eq!(keeper.token(NOW_MS - HOUR_MS, Some(&old)).await.unwrap().generation, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_short_life_is_used_for_half_of_it() {
    let world = World::new(Config { expires_in: Some(30), ..rotating() }).await;
    let keeper = world.keeper(&world.refreshing());
    for (after_ms, generation) in [(0, 1), (14_999, 1), (15_000, 2)] {
        assert_eq!(keeper.token(NOW_MS + after_ms, None).await.unwrap().generation, generation);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_for_good_is_not_asked_again() {
    for (status, error, remedy) in [
        (400, "invalid_grant", Remedy::RefreshToken("refresh".into())),
        (401, "invalid_client", Remedy::Client(Some("client_secret".into()))),
        (400, "unauthorized_client", Remedy::Client(Some("client_secret".into()))),
        (400, "inactive_user", Remedy::Account),
        (400, "invalid_scope", Remedy::Documentation),
    ] {
        let world = World::new(rotating()).await;
        world.answer(status, error, "because");
        let keeper = world.keeper(&world.refreshing());
        for _ in 0..3 {
            let endpoint = format!("{}{TOKEN_PATH}", world.server.url());
            let said = format!("{error} (because)");
            let expect = TokenError::Refused { endpoint, said, remedy: remedy.clone() };
            assert_eq!(keeper.token(NOW_MS, None).await.unwrap_err(), expect);
        }
        assert_eq!(world.asked(), 1, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_in_trouble_is_left_alone_for_a_while() {
    let faults = [
        Action::Answer(Reply::json(503, &json!({})).header("retry-after", "7")),
        Action::Answer(Reply::text(429, "").header("retry-after", "7")),
        Action::Html,
        Action::Garbage,
        Action::HugeBody(80 << 10),
        Action::Close,
        Action::Redirect("https://elsewhere.example".into()),
    ];
    for fault in faults {
        let world = World::new(rotating()).await;
        world.server.fault(Fault::once(fault.clone()));
        let keeper = world.keeper(&world.refreshing());
        for _ in 0..3 {
            assert!(!keeper.token(NOW_MS, None).await.unwrap_err().is_definite(), "{fault:?}");
        }
        assert_eq!(world.asked(), 1, "{fault:?}");
        assert!(keeper.token(NOW_MS + 7_000, None).await.is_ok(), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_renewals_that_raced_the_loser_looks_again_once() {
    let world = World::new(rotating()).await;
    world.answer(400, "invalid_grant", "token request is already being processed");
    let keeper = world.keeper(&world.refreshing());
    assert!(keeper.token(NOW_MS, None).await.is_ok());
    assert_eq!(world.asked(), 2);
    let world = World::new(rotating()).await;
    (0..2).for_each(|_| world.answer(400, "invalid_grant", "token request is already being processed"));
    let error = world.keeper(&world.refreshing()).token(NOW_MS, None).await.unwrap_err();
    assert!(!error.is_definite() && world.asked() == 2, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_refresh_token_is_kept_sealed_and_the_credential_stays_the_same() {
    let world = World::new(rotating()).await;
    let source = world.refreshing();
    let before = source.credential(world.store.sealer());
    world.keeper(&source).token(NOW_MS, None).await.unwrap();
    let row = tokens::find(&world.store.reader().unwrap(), &before).unwrap().unwrap();
    assert!(row.refresh.is_some() && row.destination == "crm");
    let held = world.store.reader().unwrap().tables_holding("canary-token-").unwrap();
    assert_eq!(held, Vec::<String>::new());
    // The next process goes on with the new one, also where the client's secret was corrected meanwhile.
    let next = world.keeper(&source).token(NOW_MS + 2 * HOUR_MS, None).await.unwrap();
    assert_eq!(next.generation, 2);
    assert_eq!(source.credential(world.store.sealer()), before);
    let corrected =
        world.source(world.entry(Grant::RefreshToken), &[("client_secret", "corrected"), ("refresh", "r-1")]);
    assert_eq!(corrected.credential(world.store.sealer()), before);
    assert_ne!(corrected.settings(world.store.sealer()), source.settings(world.store.sealer()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_place_or_of_another_type_is_not_used() {
    let elsewhere = Config { instance_url: Some("https://other.example:8443/x".into()), ..rotating() };
    let world = World::new(elsewhere).await;
    let entry = |instance: &str| Entry { instance: Some(instance.into()), ..world.entry(Grant::RefreshToken) };
    let secrets = [("client_secret", "app-secret"), ("refresh", "r-1")];
    let keeper = world.keeper(&world.source(entry("https://own.example"), &secrets));
    let error = keeper.token(NOW_MS, None).await.unwrap_err();
    let told = error.told("crm");
    assert!(error.is_definite() && told.contains("https://other.example:8443/x"), "{told}");
    assert!(told.contains("`https://own.example`"), "{told}");
    // The refresh token that came along is not lost, and a corrected setting is enough.
    let corrected = world.keeper(&world.source(entry("https://OTHER.example:8443"), &secrets));
    assert!(corrected.token(NOW_MS, None).await.is_ok());
    let world = World::new(Config { token_type: "mac".into(), ..rotating() }).await;
    let error = world.keeper(&world.refreshing()).token(NOW_MS, None).await.unwrap_err();
    assert!(error.is_definite() && error.to_string().contains("type `mac`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_grant_speaks_as_a_strict_endpoint_wants_it() {
    let world = World::new(Config::default()).await;
    let own = world.source(world.entry(Grant::ClientCredentials), &[("client_secret", "app-secret")]);
    assert!(world.keeper(&own).token(NOW_MS, None).await.is_ok());
    let config = Config {
        client_auth: enroute_fakes::oauth::ClientAuth::Basic,
        client_secret: Some("p&ss w:rd%+/=".into()),
        ..Config::default()
    };
    let world = World::new(config).await;
    let entry = Entry { client_auth: ClientAuth::Basic, ..world.entry(Grant::ClientCredentials) };
    let basic = world.source(entry, &[("client_secret", "p&ss w:rd%+/=")]);
    assert!(world.keeper(&basic).token(NOW_MS, None).await.is_ok());

    let key = include_str!("../../../egress/src/assertion/pkcs8.pem");
    let public_key = include_bytes!("../../../egress/src/assertion/public.der").to_vec();
    let world = World::new(Config { public_key: Some(public_key), ..Config::default() }).await;
    let file = json!({ "private_key": key, "client_email": "robot@example.com" }).to_string();
    let entry = Entry { audience: Some("https://login.example.com".into()), ..world.entry(Grant::JwtBearer) };
    let signing = world.source(entry.clone(), &[("key", &file)]);
    assert!(world.keeper(&signing).token(NOW_MS, None).await.is_ok());
    let error = world.try_source(entry, &[("key", key)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "secret `key` cannot sign: neither it nor the manifest says who issues the assertion"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn destinations_with_one_credential_share_its_token_and_logins_do_not() {
    let world = World::new(rotating()).await;
    let keepers = Keepers::default();
    let same = [world.refreshing(), world.refreshing()].map(|source| keepers.of(&source, &world.store));
    assert!(Arc::ptr_eq(&same[0], &same[1]));
    let login = world.source(world.entry(Grant::RefreshToken), &[("client_secret", "app-secret")]);
    assert!(!Arc::ptr_eq(&keepers.of(&login, &world.store), &same[0]));
    assert_eq!(world.keeper(&login).token(NOW_MS, None).await.unwrap_err(), TokenError::LoginMissing);
    assert_eq!(world.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_granted_and_plain_http_are_refused_before_anything_is_sent() {
    let world = World::new(Config::default()).await;
    let entry = Entry { token_url: "https://login.example.com/token".into(), ..world.entry(Grant::ClientCredentials) };
    let error = world.try_source(entry, &[("client_secret", "app-secret")]).unwrap_err();
    assert!(matches!(error, SourceError::NotGranted { .. }), "{error}");
    let entry = world.entry(Grant::ClientCredentials);
    let error = world.source_within(entry, &[("client_secret", "app-secret")], &[]).unwrap_err();
    assert!(matches!(error, SourceError::PlainHttp(_)), "{error}");
    // What is granted and encrypted still goes to judged addresses only.
    let entry =
        Entry { token_url: format!("https://{}/token", world.server.addr()), ..world.entry(Grant::ClientCredentials) };
    let source = world.source_within(entry, &[("client_secret", "app-secret")], &[]).unwrap().unwrap();
    let error = world.keeper(&Arc::new(source)).token(NOW_MS, None).await.unwrap_err();
    assert!(matches!(error, TokenError::Denied { .. }) && world.server.requests().is_empty(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_holds_a_token_prints_it() {
    let world = World::new(rotating()).await;
    let keeper = world.keeper(&world.refreshing());
    let token = keeper.token(NOW_MS, None).await.unwrap();
    let text = format!("{token:?} {keeper:?} {:?} {:?}", keeper.source, Keepers::default());
    assert!(!text.contains("canary") && !text.contains("r-1") && !text.contains("app-secret"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_nobody_answers_ends_and_one_that_is_not_needed_does_not_begin() {
    let world = World::new(rotating()).await;
    let source = world.source(world.entry(Grant::RefreshToken), &[("client_secret", "app-secret")]);
    let login = Login::begin(source, 0).await.unwrap();
    let ended = login.finish(&world.store, NOW_MS, Duration::from_millis(20)).await;
    assert!(matches!(ended, Err(LoginError::Late(_))));
    let refused = Login::begin(world.refreshing(), 0).await;
    assert!(matches!(refused, Err(LoginError::HasSecret { .. })));
    let own = world.source(world.entry(Grant::ClientCredentials), &[("client_secret", "app-secret")]);
    assert!(matches!(Login::begin(own, 0).await, Err(LoginError::NotByLogin(_))));
}
