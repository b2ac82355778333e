//! Answers that are an error as a whole: `[{"message": …, "errorCode": …}]`, or a page of whatever stands in between.

use enroute_sdk::{Answer, Outcome, Reading, Throttle, Verdict};

use super::codes::BUCKET;
use super::codes::{Complaint, Doing, EXHAUSTED_MS, LATER_MS};

/// Wait when too many long requests run at the same time.
const CONCURRENT_MS: u64 = 10_000;

/// Why nothing is known of single records: the fate of all of them, and what it says of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) outcome: Outcome,
    pub(crate) verdict: Verdict,
}

impl From<Fault> for Reading {
    fn from(fault: Fault) -> Self {
        Self::all(fault.outcome).verdict(fault.verdict)
    }
}

/// What an answer means that says nothing of single records; none where it is a success to look into.
pub(crate) fn read(answer: &Answer, doing: Doing) -> Option<Fault> {
    if answer.is_success() && !answer.is_html() && !answer.body.trim_ascii().is_empty() {
        return None;
    }
    if answer.is_success() {
        let verdict = Verdict::Unavailable(format!(
            "answered {} with {}",
            answer.status,
            if answer.is_html() { "a web page instead of JSON" } else { "nothing" }
        ));
        return Some(Fault { outcome: unsure(doing), verdict });
    }
    let complaint = first(answer);
    let verdict = verdict(answer, &complaint);
    let outcome = match &verdict {
        // The service may have acted before it failed, and creating twice makes two records.
        Verdict::Unavailable(_) if doing == Doing::Create && answer.status >= 500 => Outcome::Unknown,
        Verdict::Unavailable(_) => Outcome::Deferred(answer.retry_after_ms().unwrap_or(LATER_MS)),
        Verdict::Throttled(throttle) => Outcome::Deferred(throttle.after_ms),
        _ => Outcome::Deferred(0),
    };
    Some(Fault { outcome, verdict })
}

const fn unsure(doing: Doing) -> Outcome {
    if matches!(doing, Doing::Read) { Outcome::Deferred(LATER_MS) } else { Outcome::Unknown }
}

/// The error of the answer, the first of several whose code is known; empty where it has none.
pub(crate) fn first(answer: &Answer) -> Complaint {
    let mut list: Vec<Complaint> = answer.json().unwrap_or_default();
    let known = list.iter().position(|one| !matches!(verdict(answer, one), Verdict::RefusedWhole(_)));
    let place = known.unwrap_or(0);
    if place < list.len() { list.swap_remove(place) } else { answer.json().unwrap_or_default() }
}

fn verdict(answer: &Answer, complaint: &Complaint) -> Verdict {
    let (status, code) = (answer.status, complaint.code.as_str());
    let misconfigured = |what: &str| Verdict::Misconfigured(format!("{what}: answered {status} {code}"));
    match (status, code) {
        (
            _,
            "UNABLE_TO_LOCK_ROW" | "QUERY_TIMEOUT" | "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE" | "SERVER_UNAVAILABLE",
        ) => Verdict::Unavailable(format!("answered {status} {code}")),
        (_, "REQUEST_LIMIT_EXCEEDED") => throttled(exhausted_ms(complaint)),
        (429, _) => throttled(answer.retry_after_ms().unwrap_or(60_000)),
        (401, _) => Verdict::CredentialInvalid(format!(
            "salesforce does not accept the token, also after it was renewed: answered 401 {code}"
        )),
        (403, "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED") => {
            Verdict::PermissionMissing("the API is not enabled for this org or user: answered 403".to_owned())
        }
        (403, "ORG_LOCKED" | "PASSWORD_LOCKOUT") => {
            Verdict::CredentialInvalid(format!("the org or its user is locked: answered 403 {code}"))
        }
        (403, _) => Verdict::PermissionMissing(format!("the user lacks a right: answered 403 {code}")),
        (400, "EXCEEDED_ID_LIMIT") | (413 | 414 | 431, _) => Verdict::TooLarge,
        (400, "INVALID_FIELD" | "INVALID_TYPE") => misconfigured("the object or one of its fields is unknown"),
        (400, "INVALIDVERSION" | "InvalidVersion") | (410, _) => {
            misconfigured("this version of the API is retired, so set a newer `api_version`")
        }
        // A value in the wrong form makes the whole body unreadable, and the answer does not say whose it is.
        (400, "JSON_PARSER_ERROR") => {
            Verdict::RefusedBisect("salesforce cannot read a value and does not say whose".to_owned())
        }
        (300..=399, _) => misconfigured("the org has moved, so correct `instance_url`"),
        (404, _) => misconfigured("the object, its external id field or the version of the API is unknown"),
        (408 | 420 | 425 | 500..=599, _) => Verdict::Unavailable(format!("answered {status} {code}")),
        _ => Verdict::RefusedWhole(format!("salesforce answered {status} {code}")),
    }
}

/// Concurrent requests end in seconds; the day's allowance comes back over a day, so one request asks each hour.
fn exhausted_ms(complaint: &Complaint) -> u64 {
    if complaint.message.contains("oncurrent") { CONCURRENT_MS } else { EXHAUSTED_MS }
}

fn throttled(after_ms: u64) -> Verdict {
    Verdict::Throttled(Throttle { bucket: BUCKET.to_owned(), after_ms })
}

/// What a request without an answer means.
pub(crate) fn unsent(failure: &enroute_sdk::Failure, doing: Doing) -> Fault {
    use enroute_sdk::Failure;
    let (outcome, verdict) = match failure {
        Failure::Denied(why) => (Outcome::Deferred(0), Verdict::Misconfigured(why.clone())),
        Failure::Unreachable(why) => (Outcome::Deferred(1_000), Verdict::Unavailable(why.clone())),
        Failure::Interrupted(why) => (unsure(doing), Verdict::Unavailable(why.clone())),
        Failure::TooLarge(bytes) => {
            (unsure(doing), Verdict::Unavailable(format!("the answer is larger than {bytes} bytes")))
        }
    };
    Fault { outcome, verdict }
}
