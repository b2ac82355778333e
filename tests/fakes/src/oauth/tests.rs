use super::*;
use crate::testing::{Raw, exchange, request};

const FORM_HEADER: (&str, &str) = ("content-type", FORM);
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn post(server: &Server, headers: &[(&str, &str)], body: &str) -> Raw {
    exchange(server.addr(), &request("POST", TOKEN_PATH, headers, body.as_bytes())).await
}

#[track_caller]
fn refused(raw: &Raw, status: u16, error: &str) {
    assert_eq!((raw.status(), raw.json()["error"].as_str()), (status, Some(error)), "{}", raw.text());
}

async fn with_refresh(rotates: bool) -> (Arc<Oauth>, Server) {
    let config = Config { refresh_token: Some("r-1".to_owned()), rotates, ..Config::default() };
    Oauth::start(config).await.unwrap()
}

const REFRESH: &str = "grant_type=refresh_token&client_id=app&client_secret=app-secret&refresh_token=";

#[tokio::test]
async fn a_request_that_is_no_form_or_repeats_itself_is_invalid() {
    let (_oauth, server) = with_refresh(false).await;
    refused(&post(&server, &[("content-type", "application/json")], "{}").await, 400, "invalid_request");
    refused(&post(&server, &[FORM_HEADER], "client_id=app").await, 400, "invalid_request");
    let twice = format!("{REFRESH}r-1&client_id=app");
    refused(&post(&server, &[FORM_HEADER], &twice).await, 400, "invalid_request");
    let other = "grant_type=password&client_id=app&client_secret=app-secret";
    refused(&post(&server, &[FORM_HEADER], other).await, 400, "unsupported_grant_type");
}

#[tokio::test]
async fn a_client_proves_itself_in_the_way_agreed_on_and_in_no_other() {
    let (_oauth, server) = with_refresh(false).await;
    let wrong = REFRESH.replace("app-secret", "other");
    refused(&post(&server, &[FORM_HEADER], &format!("{wrong}r-1")).await, 401, "invalid_client");
    let header = ("authorization", "Basic YXBwOmFwcC1zZWNyZXQ=");
    refused(&post(&server, &[FORM_HEADER, header], &format!("{REFRESH}r-1")).await, 400, "invalid_request");
    let config = Config { client_auth: ClientAuth::Basic, ..Config::default() };
    let (_oauth, server) = Oauth::start(config).await.unwrap();
    let form = "grant_type=client_credentials";
    refused(&post(&server, &[FORM_HEADER], form).await, 401, "invalid_client");
    assert_eq!(post(&server, &[FORM_HEADER, header], form).await.status(), 200);
    let config = Config { client_secret: None, refresh_token: Some("r-1".to_owned()), ..Config::default() };
    let (_oauth, server) = Oauth::start(config).await.unwrap();
    refused(&post(&server, &[FORM_HEADER], &format!("{REFRESH}r-1")).await, 401, "invalid_client");
    let public = "grant_type=refresh_token&client_id=app&refresh_token=r-1";
    assert_eq!(post(&server, &[FORM_HEADER], public).await.status(), 200);
}

#[tokio::test]
async fn a_refresh_token_that_rotates_is_good_once() {
    let (oauth, server) = with_refresh(true).await;
    let answer = post(&server, &[FORM_HEADER], &format!("{REFRESH}r-1")).await.json();
    refused(&post(&server, &[FORM_HEADER], &format!("{REFRESH}r-1")).await, 400, "invalid_grant");
    let next = answer["refresh_token"].as_str().unwrap();
    assert_eq!(oauth.refresh_tokens(), [next]);
    assert_eq!(post(&server, &[FORM_HEADER], &format!("{REFRESH}{next}")).await.status(), 200);
    oauth.revoke();
    let (oauth, server) = with_refresh(false).await;
    for _ in 0..2 {
        assert_eq!(post(&server, &[FORM_HEADER], &format!("{REFRESH}r-1")).await.status(), 200);
    }
    assert_eq!(oauth.granted(), 2);
}

#[tokio::test]
async fn a_code_is_good_once_for_its_verifier_and_address() {
    let (_oauth, server) = Oauth::start(Config::default()).await.unwrap();
    let code = async |challenge: &str| {
        let query = format!(
            "{AUTHORIZE_PATH}?response_type=code&client_id=app&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback\
             &state=s&code_challenge={challenge}&code_challenge_method=S256"
        );
        let raw = exchange(server.addr(), &request("GET", &query, &[], b"")).await;
        let to = raw.header("location").unwrap();
        assert!(to.starts_with("http://127.0.0.1:1/callback?") && to.ends_with("&state=s"), "{to}");
        to.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default().to_owned()
    };
    let form = |code: &str, verifier: &str| {
        format!(
            "grant_type=authorization_code&client_id=app&client_secret=app-secret&code={code}\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&code_verifier={verifier}"
        )
    };
    let good = code(CHALLENGE).await;
    assert_eq!(post(&server, &[FORM_HEADER], &form(&good, VERIFIER)).await.status(), 200);
    refused(&post(&server, &[FORM_HEADER], &form(&good, VERIFIER)).await, 400, "invalid_grant");
    let other = code(CHALLENGE).await;
    refused(&post(&server, &[FORM_HEADER], &form(&other, &VERIFIER.replace('d', "e"))).await, 400, "invalid_grant");
    let elsewhere = form(&code(CHALLENGE).await, VERIFIER).replace("A1%2F", "A2%2F");
    refused(&post(&server, &[FORM_HEADER], &elsewhere).await, 400, "invalid_grant");
    assert_eq!(code("too-short").await, "", "there is no code without a challenge");
}

#[tokio::test]
async fn a_token_ends_by_its_uses_or_when_it_is_told_to() {
    let config = Config { uses_max: Some(2), ..Config::default() };
    let (oauth, _server) = Oauth::start(config).await.unwrap();
    let ask = |token: &str| {
        let recorded = Recorded {
            sequence: 0,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            query: Vec::new(),
            headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
            body: bytes::Bytes::new(),
            status: None,
            seen_when_answered: None,
        };
        oauth.accepts(&recorded).map_err(|reply| reply.status)
    };
    let token = oauth.issue();
    assert_eq!([ask(&token), ask(&token), ask(&token)], [Ok(()), Ok(()), Err(401)]);
    let token = oauth.issue();
    oauth.expire();
    assert_eq!(ask(&token), Err(401));
}
