use super::*;
use enroute_sdk::Answer;

fn verdict_of(status: u16, body: &str) -> Verdict {
    read_probe(&Answer::new(status, body)).verdict
}

#[test]
fn an_anonymous_answer_is_no_good_credential() {
    assert_eq!(verdict_of(200, r#"{"user":{"id":7,"role":"admin"}}"#), Verdict::Ok);
    assert!(matches!(verdict_of(200, r#"{"user":{"id":null,"role":"end-user"}}"#), Verdict::CredentialInvalid(_)));
    assert!(matches!(verdict_of(200, r#"{"user":{"id":7,"role":"end-user"}}"#), Verdict::PermissionMissing(_)));
    assert!(matches!(verdict_of(401, "{}"), Verdict::CredentialInvalid(_)));
    assert!(matches!(verdict_of(403, "{}"), Verdict::PermissionMissing(_)));
    assert!(matches!(verdict_of(404, "<html>"), Verdict::Misconfigured(_)));
    assert!(matches!(verdict_of(404, r#"{"error":"InvalidEndpoint"}"#), Verdict::Misconfigured(_)));
    assert!(matches!(verdict_of(200, "<html>"), Verdict::Unavailable(_)));
}

#[test]
fn success_names_the_user() {
    let rest = |status, body: &str| single::read(&Answer::new(status, body), true, Some(&mut None)).rest;
    assert_eq!(rest(201, r#"{"user":{"id":7}}"#), Outcome::Delivered);
    assert_eq!(rest(200, r#"{"user":{}}"#), Outcome::Unknown);
    assert_eq!(rest(200, "[]"), Outcome::Unknown);
    assert_eq!(rest(200, ""), Outcome::Unknown);
}

#[test]
fn the_spellings_of_a_rate_limit_are_read() {
    let wait = |headers: &[(&str, &str)]| {
        let answer = headers
            .iter()
            .fold(Answer::new(429, "Number of allowed API requests per minute exceeded"), |answer, (name, value)| {
                answer.with_header(name, value)
            });
        match classify(&answer).map(|reading| reading.verdict) {
            Some(Verdict::Throttled(throttle)) => throttle.after_ms,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wait(&[("Retry-After", "27"), ("ratelimit-reset", "9")]), 27_000);
    assert_eq!(wait(&[("RateLimit-Reset", "9")]), 9_000);
    assert_eq!(wait(&[("Rate-Limit-Reset", "41")]), 41_000);
    assert_eq!(wait(&[("X-Rate-Limit", "700")]), 60_000);
}

#[test]
fn the_agents_share_of_the_minute_is_left_to_them() {
    let verdict = |limit: (&str, &str), left: (&str, &str), reset: (&str, &str)| {
        let answer = Answer::new(200, "{}").with_header(limit.0, limit.1).with_header(left.0, left.1);
        paced(Reading::delivered(), &answer.with_header(reset.0, reset.1)).verdict
    };
    let held = |verdict| matches!(verdict, Verdict::Throttled(throttle) if throttle.after_ms == 12_000);
    assert!(held(verdict(("ratelimit-limit", "400"), ("ratelimit-remaining", "79"), ("ratelimit-reset", "12"))));
    assert!(held(verdict(("Rate-Limit", "400"), ("Rate-Limit-Remaining", "0"), ("Rate-Limit-Reset", "12"))));
    assert_eq!(
        verdict(("ratelimit-limit", "400"), ("ratelimit-remaining", "80"), ("ratelimit-reset", "12")),
        Verdict::Ok
    );
}

#[test]
fn one_user_who_is_changed_too_often_waits_alone() {
    let text = "You have exceeded the rate limit for updating a single unique user. Try again later.";
    let reading = classify(&Answer::new(429, text).with_header("retry-after", "27")).expect("read");
    assert_eq!((reading.rest, reading.verdict), (Outcome::Deferred(27_000), Verdict::Ok));
}
