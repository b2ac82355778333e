//! What Braze's answers mean.
//!
//! Pages "Errors & responses", "User attributes object" and "API limits" of Braze's documentation. Invariants: an
//! object is rejected only where the answer names it (test `errors_without_an_index_blame_nobody`), and one that is
//! named is not tried for hours (test `an_object_that_is_named_in_unknown_words_is_looked_at_alone`).

use enroute_sdk::{Answer, Outcome, Reading, Verdict};
use serde::Deserialize;

use crate::BUCKET;

pub(crate) mod account;
mod codes;

/// Wait before what Braze did not explain is tried again: one minute.
const UNEXPLAINED_WAIT_MS: u64 = 60_000;

/// What Braze answers with.
#[derive(Debug, Default, Deserialize)]
struct Body {
    #[serde(default)]
    message: String,
    attributes_processed: Option<usize>,
    #[serde(default)]
    errors: Vec<Complaint>,
}

/// One entry of `errors`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Complaint {
    Object {
        #[serde(default, rename = "type")]
        kind: String,
        input_array: Option<String>,
        index: Option<usize>,
    },
    /// A bare sentence, or anything else: it blames nobody.
    Other(serde::de::IgnoredAny),
}

/// What an answer means for the objects of a request.
pub(crate) fn read(objects: usize, answer: &Answer) -> Reading {
    let body: Option<Body> = answer.json();
    match (answer.status, body) {
        (429, _) => answer.throttled(BUCKET, wait_ms(answer)),
        (401 | 403 | 404, body) => Reading::deferred(0).verdict(refused_key(answer.status, body.as_ref())),
        (400, Some(body)) => bad_request(objects, body),
        (200..=299, Some(body)) if is_success(&body) => success(objects, answer, body),
        (status, _) => answer.classify(BUCKET).unwrap_or_else(|| unclear(status)),
    }
}

/// What the answer to a request without objects means.
pub(crate) fn read_probe(answer: &Answer) -> Verdict {
    match answer.status {
        // The key was accepted, and then the missing data was noticed.
        400 if answer.json::<Body>().is_some() => Verdict::Ok,
        _ => read(0, answer).verdict,
    }
}

fn is_success(body: &Body) -> bool {
    body.message == "success" || body.message == "queued"
}

/// How long to wait before the next request.
///
/// Newer plans name seconds in `x-ratelimit-retry-after`; older ones the end of the window in `x-ratelimit-reset`, as
/// seconds since 1970 or from now.
fn wait_ms(answer: &Answer) -> Option<u64> {
    ["x-ratelimit-retry-after", "retry-after", "x-ratelimit-reset"].iter().find_map(|header| answer.wait_ms(header))
}

fn refused_key(status: u16, body: Option<&Body>) -> Verdict {
    let said = body.map(|body| body.message.to_lowercase()).unwrap_or_default();
    match status {
        401 => Verdict::CredentialInvalid("braze does not accept the key: answered 401".to_owned()),
        404 if said.contains("key") => Verdict::CredentialInvalid(
            "braze does not know the key on this instance: answered 404; check `endpoint` too".to_owned(),
        ),
        404 => Verdict::Misconfigured("the endpoint has no /users/track: answered 404".to_owned()),
        _ => Verdict::PermissionMissing(
            "braze answered 403: the key lacks `users.track`, or the account or plan is inactive".to_owned(),
        ),
    }
}

/// Some objects were taken, and others named.
fn success(objects: usize, answer: &Answer, body: Body) -> Reading {
    let Sorted { named, unplaced } = sort(objects, body.errors);
    let places: std::collections::BTreeSet<usize> = named.iter().map(|(place, _)| *place).collect();
    let told = places.len() + unplaced;
    let rest = if unplaced == 0 { Outcome::Delivered } else { Outcome::Deferred(UNEXPLAINED_WAIT_MS) };
    let mut reading = Reading::all(rest).complaints(named);
    let processed = body.attributes_processed.unwrap_or(objects).saturating_add(told);
    if processed < objects {
        let count = u32::try_from(objects - processed).unwrap_or(u32::MAX);
        reading = reading.unattributed("braze processed fewer objects than were sent", count);
    }
    match (answer.number("x-ratelimit-remaining"), wait_ms(answer)) {
        (Some(0), Some(ms @ 1..)) if reading.verdict == Verdict::Ok => {
            let verdict = answer.throttled(BUCKET, Some(ms)).verdict;
            reading.verdict(verdict)
        }
        _ => reading,
    }
}

/// Nothing was taken.
fn bad_request(objects: usize, body: Body) -> Reading {
    let said = body.message.to_lowercase();
    if said.contains("max input length") || said.contains("max number of") {
        return Reading::deferred(0).verdict(Verdict::TooLarge);
    }
    let Sorted { named, unplaced } = sort(objects, body.errors);
    if !named.is_empty() {
        // The others were not at fault: they go again, without those that were.
        return Reading::deferred(0).complaints(named);
    }
    let reason = "braze refused the request and named no object: answered 400".to_owned();
    let verdict = if unplaced > 0 { Verdict::RefusedBisect(reason) } else { Verdict::RefusedWhole(reason) };
    Reading::deferred(0).verdict(verdict)
}

fn unclear(status: u16) -> Reading {
    match status {
        200..=299 => Reading::all(Outcome::Unknown)
            .verdict(Verdict::Unavailable(format!("braze answered {status} without saying whether it succeeded"))),
        _ => Reading::deferred(0).verdict(Verdict::RefusedWhole(format!("braze answered {status}"))),
    }
}

/// Errors by the object that they name, and the number of those that name none.
struct Sorted {
    named: Vec<(usize, Result<Outcome, String>)>,
    unplaced: usize,
}

fn sort(objects: usize, complaints: Vec<Complaint>) -> Sorted {
    let mut sorted = Sorted { named: Vec::new(), unplaced: 0 };
    for complaint in complaints {
        match complaint {
            Complaint::Object { kind, input_array, index: Some(index) }
                if index < objects && input_array.as_deref().is_none_or(|array| array == "attributes") =>
            {
                sorted.named.push((index, outcome(&kind)));
            }
            Complaint::Object { .. } | Complaint::Other(_) => sorted.unplaced += 1,
        }
    }
    sorted
}

/// The fate of an object that is blamed for this; where nobody knows the words, the words.
fn outcome(kind: &str) -> Result<Outcome, String> {
    let (code, reason) = codes::refusal(kind).ok_or_else(|| {
        let said = codes::told(kind);
        format!("braze refused the object: {}", if said.is_empty() { "it does not say why" } else { said.as_str() })
    })?;
    Ok(Outcome::rejected(code, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, rest: &Outcome, exceptions: &[(usize, &str)]) {
        let reading = read(3, &Answer::new(status, body));
        assert_eq!(reading.rest, *rest);
        let got: Vec<_> = reading
            .exceptions
            .iter()
            .map(|(position, outcome)| match outcome {
                Outcome::Rejected(refusal) => (*position, refusal.code.as_str()),
                _ => (*position, "later"),
            })
            .collect();
        assert_eq!(got, exceptions);
    }

    #[test]
    fn an_object_is_rejected_for_what_it_is_blamed_for() {
        let body = r#"{"message":"success","attributes_processed":1,"errors":[
            {"type":"EMAIL_BAD_FORMAT","input_array":"attributes","index":1},
            {"type":"'external_id' must be fewer than 988 bytes","input_array":"attributes","index":2}]}"#;
        check(201, body, &Outcome::Delivered, &[(1, "email_bad_format"), (2, "external_user_id_too_large")]);
    }

    #[test]
    fn an_object_that_is_named_in_unknown_words_is_looked_at_alone() {
        let error = r#"{"type":"'x' of ann@example.com is odd","input_array":"attributes","index":0}"#;
        for (status, message, rest) in [(201, "success", Outcome::Delivered), (400, "no", Outcome::Deferred(0))] {
            let body = format!(r#"{{"message":"{message}","errors":[{error}]}}"#);
            check(status, &body, &rest, &[(0, "later")]);
            let verdict = read(3, &Answer::new(status, body)).verdict;
            assert_eq!(verdict, Verdict::RefusedBisect("braze refused the object: […] of […] is odd".to_owned()));
        }
    }

    #[test]
    fn one_known_reason_is_enough_in_either_order() {
        let error = |kind: &str| format!(r#"{{"type":"{kind}","input_array":"attributes","index":1}}"#);
        for [first, second] in [["EMAIL_BAD_FORMAT", "NEW_KIND"], ["NEW_KIND", "EMAIL_BAD_FORMAT"]] {
            let errors = format!("[{},{}]", error(first), error(second));
            for (status, message, rest) in [(201, "success", Outcome::Delivered), (400, "no", Outcome::Deferred(0))] {
                let body = format!(r#"{{"message":"{message}","errors":{errors}}}"#);
                check(status, &body, &rest, &[(1, "email_bad_format")]);
                assert_eq!(read(3, &Answer::new(status, body)).verdict, Verdict::Ok);
            }
        }
    }

    #[test]
    fn errors_without_an_index_blame_nobody() {
        let later = Outcome::Deferred(UNEXPLAINED_WAIT_MS);
        for errors in [
            r#"["something went wrong"]"#,
            r#"[{"type":"EMAIL_BAD_FORMAT"}]"#,
            r#"[{"type":"EMAIL_BAD_FORMAT","input_array":"events","index":0}]"#,
            r#"[{"type":"EMAIL_BAD_FORMAT","input_array":"attributes","index":3}]"#,
            "[7]",
        ] {
            check(201, &format!(r#"{{"message":"success","errors":{errors}}}"#), &later, &[]);
        }
    }

    #[test]
    fn success_must_be_said() {
        check(200, r#"{"message":"success"}"#, &Outcome::Delivered, &[]);
        check(202, r#"{"message":"queued"}"#, &Outcome::Delivered, &[]);
        check(200, r#"{"message":"maintenance"}"#, &Outcome::Unknown, &[]);
        check(200, "{}", &Outcome::Unknown, &[]);
        check(200, "", &Outcome::Unknown, &[]);
        check(200, "[]", &Outcome::Unknown, &[]);
    }

    #[test]
    fn fewer_processed_than_sent_is_told_without_blaming() {
        let reading = read(3, &Answer::new(201, r#"{"message":"success","attributes_processed":1}"#));
        assert_eq!((reading.rest, reading.unattributed[0].count), (Outcome::Delivered, 2));
    }

    #[test]
    fn an_empty_window_closes_the_bucket_before_braze_does() {
        let answer = Answer::new(201, r#"{"message":"success"}"#)
            .with_header("X-RateLimit-Remaining", "0")
            .with_header("X-RateLimit-Reset", "2");
        let reading = read(3, &answer);
        assert_eq!(reading.rest, Outcome::Delivered);
        assert!(matches!(reading.verdict, Verdict::Throttled(throttle) if throttle.after_ms == 2_000));
    }

    #[test]
    fn the_two_spellings_of_a_rate_limit_are_read() {
        let wait = |header: &str, value: &str| match read(1, &Answer::new(429, "").with_header(header, value)).verdict {
            Verdict::Throttled(throttle) => throttle.after_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("X-Ratelimit-Retry-After", "12"), 12_000);
        assert_eq!(wait("X-RateLimit-Reset", "3"), 3_000);
        assert_eq!(wait("X-Unrelated", "3"), 60_000);
    }

    #[test]
    fn a_probe_is_well_when_only_data_is_missing() {
        let verdict = |status, body: &str| read_probe(&Answer::new(status, body));
        assert_eq!(
            verdict(400, r#"{"message":"Valid data must be provided in the 'attributes' field."}"#),
            Verdict::Ok
        );
        assert_eq!(verdict(201, r#"{"message":"success"}"#), Verdict::Ok);
        assert!(matches!(verdict(401, "{}"), Verdict::CredentialInvalid(_)));
        assert!(matches!(verdict(404, r#"{"message":"Unknown REST API key"}"#), Verdict::CredentialInvalid(_)));
        assert!(matches!(verdict(404, "<html>"), Verdict::Misconfigured(_)));
        assert!(matches!(verdict(400, "<html>"), Verdict::RefusedWhole(_)));
    }
}
