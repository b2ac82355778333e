//! What a run makes of tokens that end, are refused, or cannot be had.

use enroute_fakes::Fault;
use enroute_fakes::faults::Action;
use enroute_fakes::oauth::Config;
use enroute_fakes::server::Reply;
use enroute_host::sync::LinkState;
use serde_json::json;

use super::{Beside, ENTRY, LOGIN, REFRESH, SECRET, endpoint};
use crate::support::link;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_with_a_token_that_ended_make_one_renewal() {
    let beside = Beside::new(endpoint(), ENTRY).await;
    let (first, _) = beside.sync().await;
    assert_eq!((first.state, first.outcomes.delivered, beside.asked()), (LinkState::Done, 1, 1), "{first:#?}");
    beside.oauth.expire();
    beside.people(51);
    let (report, _) = beside.sync().await;
    assert_eq!((report.state, report.outcomes.delivered), (LinkState::Done, 50), "{report:#?}");
    assert_eq!((beside.asked(), beside.ids()), (2, 51));
    // Whoever was answered 401 has both requests in the ledger, equal to the byte.
    let refused = beside.server.requests().iter().filter(|request| request.status == Some(401)).count();
    assert!((1..=16).contains(&refused), "{refused}");
    let store = beside.world.store();
    let reader = store.reader().expect("a reader");
    let mut twice = 0;
    for number in 1..51 {
        let id = format!("u{number}");
        let story =
            enroute_host::sync::explain(&reader, None, &id).expect("the store is read").expect("a known profile");
        let chapter = story.connections.iter().find(|chapter| chapter.destination == "crm").expect("a chapter");
        let requests = &chapter.receipts[0].requests;
        let statuses: Vec<_> = requests.iter().map(|request| request.status).collect();
        if statuses == [Some(401), Some(200)] {
            twice += 1;
            assert_eq!(requests[0].digest, requests[1].digest);
        } else {
            assert_eq!(statuses, [Some(200)]);
        }
    }
    assert_eq!(twice, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_after_some_uses_costs_no_delivery() {
    let beside = Beside::new(Config { uses_max: Some(3), ..endpoint() }, ENTRY).await;
    for count in 1..=8 {
        beside.people(count);
        let (report, _) = beside.sync().await;
        assert_eq!((report.state, report.outcomes.delivered), (LinkState::Done, 1), "{report:#?}");
    }
    assert_eq!((beside.ids(), beside.asked()), (8, 3), "each token is used up before the next one is got");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_was_revoked_pauses_its_connection_and_no_other() {
    let beside = Beside::new(endpoint(), ENTRY).await;
    beside.people(30);
    beside.oauth.revoke();
    let (report, whole) = beside.sync().await;
    let reason = report.reason.clone().unwrap_or_default();
    assert_eq!((report.state, report.outcomes.delivered), (LinkState::Paused, 0), "{report:#?}");
    assert!(reason.contains("invalid_grant (the refresh token is invalid, expired or revoked)"), "{reason}");
    assert!(reason.contains("put it into secret `refresh_token`"), "{reason}");
    assert_eq!((beside.asked(), beside.server.requests().len()), (1, 0), "nothing leaves, and nobody asks again");
    for other in ["braze-eu", "facebook-ads"] {
        assert_eq!((link(&whole, other).state, link(&whole, other).outcomes.delivered), (LinkState::Done, 30));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_in_trouble_defers_and_the_next_run_delivers() {
    for action in [Action::Answer(Reply::json(503, &json!({}))), Action::Html, Action::Close] {
        let beside = Beside::new(endpoint(), ENTRY).await;
        beside.tokens.fault(Fault::always(action));
        let (report, _) = beside.sync().await;
        assert_eq!((report.state, report.outcomes.deferred), (LinkState::Waiting, 1), "{report:#?}");
        assert_eq!(beside.server.requests().len(), 0);
        beside.tokens.clear_faults();
        beside.world.clock.sleep_until(beside.world.clock.now_ms() + 3_600_000).await;
        let (report, _) = beside.sync().await;
        assert_eq!((report.state, report.outcomes.delivered), (LinkState::Done, 1), "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_401_is_the_plugins_and_nobody_hammers() {
    let beside = Beside::new(endpoint(), ENTRY).await;
    beside.sync().await;
    beside.people(51);
    *beside.crm.refuses.lock().unwrap() = true;
    beside.server.clear();
    let (report, _) = beside.sync().await;
    assert_eq!(report.state, LinkState::Paused, "{report:#?}");
    assert!(report.reason.clone().unwrap_or_default().contains("answered 401"), "{report:#?}");
    assert_eq!(beside.asked(), 2, "one renewal, for everybody");
    let left = beside.server.requests().len();
    assert!((2..=32).contains(&left), "each that was in flight leaves twice at most: {left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_instance_stops_with_both_named() {
    let config = Config { instance_url: Some("https://other.example".to_owned()), ..endpoint() };
    let beside = Beside::new(config, &format!("{ENTRY}, instance = \"{{base_url}}\"")).await;
    let (report, _) = beside.sync().await;
    let reason = report.reason.clone().unwrap_or_default();
    assert_eq!(report.state, LinkState::Paused, "{report:#?}");
    assert!(reason.contains("`https://other.example`") && reason.contains(&beside.server.url()), "{reason}");
    assert_eq!(beside.server.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoints_host_needs_a_grant_and_plugins_do_not_reach_it() {
    let beside = Beside::new(endpoint(), ENTRY).await;
    beside.configure(&[beside.server.url()], &beside.server.url(), true);
    let host = beside.tokens.url().trim_start_matches("http://").to_owned();
    let found = beside.mistakes().await;
    assert!(found.contains("error[E256]") && found.contains(&format!("add \"{host}\" to `hosts`")), "{found}");
    // Granted, it is still no host of the plugin's own.
    beside.pack(ENTRY, beside.server.url().trim_start_matches("http://"));
    beside.configure(&[beside.server.url(), beside.tokens.url()], &beside.tokens.url(), true);
    let (report, _) = beside.sync().await;
    let reason = report.reason.clone().unwrap_or_default();
    assert!(reason.contains(&format!("manifest does not ask for host `{host}`")), "{report:#?}");
    assert_eq!(beside.tokens.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_login_a_plan_works_and_check_and_sync_say_what_is_missing() {
    let beside = Beside::new(endpoint(), LOGIN).await;
    let plans = beside.world.plan().await;
    let text = serde_json::to_string(&plans).unwrap();
    assert!(text.contains("Bearer {token}"), "{text}");
    assert_eq!(beside.asked(), 0, "a plan needs no token");
    let setup = beside.world.setup().await;
    let store = beside.world.store();
    let found = setup.logins_missing(&store.reader().expect("a reader")).expect("the store is read");
    drop(store);
    let found = found.render(&beside.world.config().files);
    assert!(found.contains("error[E257]: destination `crm` has no refresh token"), "{found}");
    assert!(found.contains("run `enroute login crm`"), "{found}");
    let (report, _) = beside.sync().await;
    let expect = "destination `crm` has no refresh token: run `enroute login crm`";
    assert_eq!((report.state, report.reason.as_deref()), (LinkState::Paused, Some(expect)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_token_is_nowhere() {
    let beside = Beside::new(endpoint(), ENTRY).await;
    beside.people(3);
    let plans = beside.world.plan().await;
    let (report, whole) = beside.sync().await;
    assert_eq!(report.outcomes.delivered, 3, "{report:#?}");
    beside.oauth.expire();
    beside.people(5);
    let (_, second) = beside.sync().await;
    beside.oauth.revoke();
    beside.people(7);
    let (_, third) = beside.sync().await;
    assert_eq!(link(&third, "crm").state, LinkState::Paused);
    let setup = beside.world.setup().await;
    let story = {
        let reader = beside.world.store().reader().expect("a reader");
        enroute_host::sync::explain(&reader, None, "u4").expect("the store is read").expect("a known profile")
    };
    let mut texts = format!("{plans:?}{whole:?}{second:?}{third:?}{story:?}{setup:?}{:?}", setup.source("crm"));
    for value in [json!(plans), json!(whole), json!(second), json!(third), json!(story)] {
        texts.push_str(&value.to_string());
    }
    for canary in ["canary-token-", REFRESH, SECRET] {
        assert!(!texts.contains(canary), "{canary} stands in a plan, a report, a story or a debug text");
        let files = crate::secrets::holders(beside.world.folder.path(), canary);
        assert!(files.iter().all(|file| file == "client.secret" || file == "refresh.token"), "{files:?}");
    }
    let sent = beside.server.requests();
    assert!(sent.iter().any(|request| request.header("authorization").is_some_and(|it| it.contains("canary-token-"))));
}
