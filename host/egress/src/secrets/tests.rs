use super::*;
use bytes::Bytes;
use enroute_core::request::Method;

use crate::hosts::Origin;

fn credentials(auth: Vec<Auth>) -> Credentials {
    let secret = |name: &str, value: &str| (name.to_owned(), Secret::from(value.to_owned()));
    Credentials {
        auth,
        secrets: [
            secret("api_key", "s3cr&t-value"),
            secret("app_secret", "dummySecret"),
            secret("token", "ABC"),
            secret("none", ""),
        ]
        .into_iter()
        .collect(),
        settings: serde_json::json!({"account": "ann", "mode": "timed"}).as_object().cloned().unwrap(),
    }
}

fn outgoing(kind: &str, body: &str) -> Outgoing {
    Outgoing {
        method: Method::Post,
        origin: Origin::parse("https://api.example.com").unwrap().unwrap(),
        path: "/x".into(),
        query: "a=1".into(),
        headers: vec![(HeaderName::from_static("content-type"), HeaderValue::from_str(kind).unwrap())],
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

#[track_caller]
fn check(auth: Auth, kind: &str, body: &str, expect: &str) {
    let mut request = outgoing(kind, body);
    let got = match credentials(vec![auth]).apply(&mut request, 1_697_328_000, None) {
        Ok(_) => {
            let headers = request.headers.iter().skip(1);
            let headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
            format!("{} | {} | {}", request.query, headers.join("; "), String::from_utf8_lossy(&request.body))
        }
        Err(refused) => refused.to_string(),
    };
    assert_eq!(got, expect);
}

fn name(text: &str) -> String {
    text.to_owned()
}

fn proof(timed_by: Option<&str>) -> Auth {
    Auth::HmacProof {
        name: name("proof"),
        key: name("app_secret"),
        message: name("token"),
        time_name: Some(name("time")),
        timed_by: timed_by.map(name),
    }
}

#[test]
fn each_kind_of_auth_has_its_place() {
    let (json, form) = ("application/json", "application/x-www-form-urlencoded; charset=utf-8");
    check(Auth::Bearer { secret: name("api_key") }, json, "{}", "a=1 | authorization: Bearer s3cr&t-value | {}");
    check(
        Auth::Header { name: name("X-Api-Key"), secret: name("api_key") },
        json,
        "{}",
        "a=1 | x-api-key: s3cr&t-value | {}",
    );
    check(
        Auth::Basic { user: name("{account}/token"), secret: name("token") },
        json,
        "{}",
        "a=1 | authorization: Basic YW5uL3Rva2VuOkFCQw== | {}",
    );
    check(Auth::Query { name: name("key"), secret: name("api_key") }, json, "", "a=1&key=s3cr%26t-value |  | ");
    check(Auth::Form { name: name("key"), secret: name("api_key") }, form, "b=2", "a=1 |  | b=2&key=s3cr%26t-value");
    check(
        Auth::Json { name: name("key"), secret: name("api_key") },
        json,
        r#"{"n":1}"#,
        r#"a=1 |  | {"key":"s3cr&t-value","n":1}"#,
    );
    check(
        Auth::Form { name: name("key"), secret: name("api_key") },
        json,
        "{}",
        "the credential goes into a form body, and this body is none",
    );
    check(Auth::Form { name: name("key"), secret: name("api_key") }, json, "", "a=1 |  | ");
}

#[test]
fn a_proof_agrees_with_published_vectors() {
    let plain = "b65114480019ded6a613dfeb8dcc8b3411598ba1405c65c89dc0c360c72a4732";
    let timed = "d103874f3b5f01f57c4f84edfb96ac94055da8f83c2b45e6f26dafca9188ff4d";
    check(proof(Some("mode=plain")), "a", "", &format!("a=1&proof={plain} |  | "));
    check(proof(Some("mode=timed")), "a", "", &format!("a=1&proof={timed}&time=1697328000 |  | "));
}

#[test]
fn hmac_agrees_with_rfc_4231_for_a_long_key() {
    let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
    assert_eq!(
        hex(&hmac_sha256(&[0xaa; 131], text)),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

#[test]
fn an_entry_applies_when_all_its_secrets_are_configured() {
    for secret in ["missing", "none"] {
        check(Auth::Bearer { secret: name(secret) }, "a", "", "a=1 |  | ");
    }
    let owned = credentials(vec![Auth::Header { name: name("X-Key"), secret: name("missing") }]).owned();
    assert_eq!(owned, [Place::Header(name("x-key"))]);
}

#[test]
fn what_cannot_be_sent_is_found_before_anything_is() {
    let problem = |auth: Vec<Auth>| {
        let mut credentials = credentials(auth);
        credentials.secrets.insert(name("broken"), Secret::from("a\nb".to_owned()));
        credentials.check().unwrap_err().to_string()
    };
    assert_eq!(
        problem(vec![Auth::Bearer { secret: name("broken") }]),
        "secret `broken` has a character that headers cannot carry, such as a line break"
    );
    assert_eq!(
        problem(vec![Auth::Header { name: name("Host"), secret: name("api_key") }]),
        "auth puts a secret into header `host`, which is not a header of a destination's own"
    );
    assert_eq!(
        problem(vec![Auth::Basic { user: name("{who}"), secret: name("api_key") }]),
        "auth needs setting `who`, which has no value"
    );
    let twice = [Auth::Bearer { secret: name("api_key") }, Auth::Bearer { secret: name("token") }];
    assert_eq!(problem(twice.to_vec()), "auth puts two secrets into the same place, header `authorization`");
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let auth = vec![Auth::Bearer { secret: name("api_key") }];
    let credentials = credentials(auth);
    let mut request = outgoing("a", "");
    credentials.apply(&mut request, 0, None).unwrap();
    let shown = format!("{credentials:?} {request:?} {:?} {:?}", credentials.scrubber(), request.headers);
    for secret in ["s3cr&t-value", "dummySecret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn oauth() -> Auth {
    let text = r#"{"kind":"oauth2","grant":"client_credentials","token_url":"https://t/x","client_id":"app",
        "client_secret":"api_key","when":"mode=timed"}"#;
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_token_stands_as_bearer_and_is_wiped_from_the_answer() {
    let (credentials, token) = (credentials(vec![oauth()]), Secret::from("tok/en+1".to_owned()));
    let mut request = outgoing("a", "");
    let applied = credentials.apply(&mut request, 0, Some(&token)).unwrap();
    assert_eq!(request.headers[1].1, "Bearer tok/en+1");
    assert!(request.headers[1].1.is_sensitive() && applied.any);
    let mut scrubber = credentials.scrubber();
    applied.derived.iter().for_each(|(name, value)| scrubber.add(name, value));
    for echoed in ["Bearer tok/en+1", "t=tok%2Fen%2B1", r#"{"t":"tok\/en+1"}"#] {
        let wiped = scrubber.scrub_text(echoed.as_bytes());
        assert!(wiped.contains("[secret token]"), "{wiped}");
    }
    assert_eq!(credentials.masked()[0].value.as_str(), "Bearer {token}");
    assert_eq!(credentials.apply(&mut outgoing("a", ""), 0, None).err(), Some(Refused::NoToken));
}

#[test]
fn proofs_of_a_client_are_put_where_they_belong_and_wiped_from_what_is_shown() {
    let secret = Secret::from("p&ss w:rd".to_owned());
    let mut request = outgoing(FORM, "grant_type=refresh_token");
    let proofs = [Proof::Field("refresh_token", &secret), Proof::Basic("an app", &secret)];
    let scrubber = prove(&mut request, &proofs).unwrap();
    assert_eq!(request.body, "grant_type=refresh_token&refresh_token=p%26ss%20w%3Ard");
    assert_eq!(request.headers[1].1, format!("Basic {}", base64(b"an%20app:p%26ss%20w%3Ard")));
    assert_eq!(scrubber.scrub_text(b"bad p&ss w:rd"), "bad [secret refresh_token]");
    assert!(!format!("{proofs:?}").contains("p&ss"));
}

#[test]
fn a_fingerprint_tells_credentials_apart() {
    let (one, key) = (credentials(vec![]), [7; 32]);
    let mut other = one.clone();
    assert_eq!(one.fingerprint(&key), other.fingerprint(&key));
    other.secrets.insert(name("token"), Secret::from("ABD".to_owned()));
    assert_ne!(one.fingerprint(&key), other.fingerprint(&key));
    assert_ne!(one.fingerprint(&key), one.fingerprint(&[8; 32]));
}
