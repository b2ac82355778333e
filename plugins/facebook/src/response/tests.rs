use enroute_sdk::{Answer, Outcome};

use super::{About, read};
use crate::settings::Settings;

fn settings() -> Settings {
    serde_json::from_value(serde_json::json!({
        "audience_id": "1", "base_url": "https://graph.facebook.com", "api_version": "v25.0", "hashing": "auto",
        "value_based": false, "ldu": "off", "appsecret_proof_mode": "plain", "allow_custom_traits": false,
    }))
    .expect("the settings of the manifest")
}

fn about(members: usize) -> About {
    About { members, adds: true, replaces: false }
}

/// Outcome and verdict of an answer, each as its first word and number.
fn words(about: About, answer: &Answer) -> String {
    let reading = read(&settings(), about, answer);
    let outcome = match &reading.rest {
        Outcome::Rejected(refusal) => format!("rejected {}", refusal.code),
        other => format!("{other:?}").to_lowercase(),
    };
    let verdict = format!("{:?}", reading.verdict).to_lowercase();
    let verdict = verdict.split('(').next().unwrap_or_default();
    format!("{}, {}", outcome.trim_start_matches("outcome::"), verdict.trim_start_matches("verdict::"))
}

#[track_caller]
fn check(status: u16, error: &str, expect: &str) {
    let answer = Answer::new(status, format!("{{\"error\":{{\"message\":\"m\",{error}}}}}"));
    assert_eq!(words(about(10), &answer), expect, "{status} {error}");
}

const THROTTLED: &str = "deferred(60000), throttled";
const TRANSIENT: &str = "deferred(0), unavailable";
const CREDENTIAL: &str = "deferred(0), credentialinvalid";
const PERMISSION: &str = "deferred(0), permissionmissing";
const SETUP: &str = "deferred(0), misconfigured";
const TOO_LARGE: &str = "deferred(0), toolarge";
const REFUSED: &str = "rejected request_refused, refusedwhole";

#[test]
fn codes_of_throttling_wait() {
    for code in [4, 17, 32, 341, 613, 80_000, 80_003, 80_004, 80_014] {
        check(400, &format!("\"code\":{code}"), THROTTLED);
    }
    for (code, subcode) in [(17, 2_446_079), (613, 1_487_742), (613, 1_996)] {
        check(400, &format!("\"code\":{code},\"error_subcode\":{subcode}"), THROTTLED);
    }
    check(429, "\"code\":99999", THROTTLED);
    check(429, "\"type\":\"none\"", THROTTLED);
}

#[test]
fn codes_of_trouble_at_facebook_are_tried_again() {
    for code in [1, 2, 5_000, 21_009, -1, -3] {
        check(400, &format!("\"code\":{code}"), TRANSIENT);
    }
    check(400, "\"code\":1,\"error_subcode\":99", TRANSIENT);
    check(400, "\"code\":99999,\"is_transient\":true", TRANSIENT);
    check(400, "\"code\":100,\"is_transient\":true", TRANSIENT);
    check(500, "\"code\":99999", TRANSIENT);
    check(503, "\"type\":\"none\"", TRANSIENT);
}

#[test]
fn a_dead_token_asks_for_a_new_one() {
    check(400, "\"code\":102", CREDENTIAL);
    check(400, "\"code\":190", CREDENTIAL);
    for subcode in [458, 459, 460, 463, 464, 467, 492] {
        check(400, &format!("\"code\":190,\"error_subcode\":{subcode}"), CREDENTIAL);
    }
    check(401, "\"type\":\"none\"", CREDENTIAL);
    check(500, "\"code\":190", CREDENTIAL);
}

#[test]
fn what_a_person_must_mend_is_not_tried_again() {
    for code in [3, 10, 200, 270, 294] {
        check(400, &format!("\"code\":{code}"), PERMISSION);
    }
    check(403, "\"type\":\"none\"", PERMISSION);
    for code in [2_650, 2_654, 2_655, 1_487_301, 1_487_366] {
        check(400, &format!("\"code\":{code}"), SETUP);
    }
    for (code, subcode) in [
        (200, 1_870_034),
        (200, 1_870_047),
        (100, 33),
        (100, 1_713_230),
        (100, 1_713_231),
        (100, 1_487_301),
        (99_999, 1_487_366),
    ] {
        check(400, &format!("\"code\":{code},\"error_subcode\":{subcode}"), SETUP);
    }
    check(404, "\"type\":\"none\"", SETUP);
}

#[test]
fn a_block_for_abuse_waits_an_hour_and_calls_a_person() {
    check(400, "\"code\":368", "deferred(3600000), permissionmissing");
}

#[test]
fn too_much_data_asks_for_less() {
    check(400, "\"code\":105", TOO_LARGE);
    check(413, "\"type\":\"none\"", TOO_LARGE);
    assert_eq!(words(about(1), &Answer::new(413, "<html>")), TOO_LARGE);
    let vague = Answer::new(500, r#"{"error":{"message":"An unknown error occurred","code":1,"error_subcode":99}}"#);
    assert_eq!(words(about(5_000), &vague), TRANSIENT);
    assert_eq!(words(about(5_001), &vague), TOO_LARGE);
}

#[test]
fn everything_else_is_refused_for_good() {
    check(400, "\"code\":100", REFUSED);
    check(400, "\"code\":100,\"error_subcode\":1234", REFUSED);
    check(400, "\"code\":99999", REFUSED);
    check(200, "\"code\":99999", REFUSED);
    check(400, "\"type\":\"none\"", REFUSED);
}

#[test]
fn what_is_no_clear_success_is_none() {
    let answers =
        ["", "<html>", "Service Unavailable", "\"Service Unavailable\"", "true", "[]", "{}", "{\"success\":true}"];
    for body in answers {
        let got = words(about(1), &Answer::new(200, body));
        assert_eq!(got, "unknown, unavailable", "{body}");
    }
    for body in ["", "<html>", "Bad gateway", "null"] {
        assert_eq!(words(about(1), &Answer::new(502, body)), TRANSIENT);
        assert_eq!(words(about(1), &Answer::new(400, body)), TRANSIENT);
    }
    assert_eq!(words(about(1), &Answer::new(429, "")), THROTTLED);
}

#[test]
fn counts_may_be_texts_and_nothing_received_is_nothing_delivered() {
    let received = |body: &str| words(about(2), &Answer::new(200, body));
    assert_eq!(received(r#"{"num_received":"2","num_invalid_entries":"0"}"#), "delivered, ok");
    assert_eq!(received(r#"{"num_received":2}"#), "delivered, ok");
    assert_eq!(received(r#"{"num_received":2,"num_invalid_entries":3}"#), "rejected all_rows_invalid, ok");
    assert_eq!(received(r#"{"num_received":0,"num_invalid_entries":0}"#), "rejected all_rows_invalid, ok");
}

#[test]
fn rows_that_go_may_be_more_than_members() {
    let answer = Answer::new(200, r#"{"num_received":3,"num_invalid_entries":0}"#);
    let warned = |about| !read(&settings(), about, &answer).warnings.is_empty();
    assert!(!warned(About { members: 2, adds: false, replaces: false }));
    assert!(warned(About { members: 2, adds: true, replaces: false }));
    assert!(warned(About { members: 4, adds: false, replaces: false }));
}

#[test]
fn a_wait_is_the_longest_of_all_accounts_and_at_most_an_hour() {
    let wait = |usage: &str| {
        let error = r#"{"error":{"message":"m","code":4}}"#;
        let answer = Answer::new(400, error).with_header("X-Business-Use-Case-Usage", usage);
        words(about(1), &answer)
    };
    let entry = |minutes: u32| format!(r#"[{{"type":"x","estimated_time_to_regain_access":{minutes}}}]"#);
    assert_eq!(wait(&format!(r#"{{"1":{},"2":{}}}"#, entry(1), entry(3))), "deferred(180000), throttled");
    assert_eq!(wait(&format!(r#"{{"1":{}}}"#, entry(600))), "deferred(3600000), throttled");
    assert_eq!(wait(&format!(r#"{{"1":{}}}"#, entry(0))), THROTTLED);
    assert_eq!(wait("no JSON"), THROTTLED);
}
