//! What answers mean.
//!
//! The statuses that mean the same everywhere are here; `refusal` has the words for refused users, `bulk` jobs that
//! begin, `job` jobs that end, `single` users who go alone, `find` look-ups, and `open` what the account is like.
//! Invariant: an answer that does not say success is none (test `success_names_the_user`).

pub(crate) mod bulk;
mod find;
pub(crate) mod job;
pub(crate) mod open;
mod refusal;
mod single;

use enroute_sdk::{Answer, Context, Delivery, Finding, Http, Outcome, Reading, Report, Throttle, Verdict};
use serde_json::Value;

use crate::request::{UPDATE_MANY, UPSERT_MANY};
use crate::settings::Settings;

/// The one bucket of the manifest.
const BUCKET: &str = "api";

/// Wait after a 503 that names none, as Zendesk's own client waits.
const UNAVAILABLE_WAIT_MS: u64 = 10_000;
/// Wait for one user whose pace was too high and the answer names none: the limit counts by the minute.
const ONE_USER_WAIT_MS: u64 = 60_000;
/// Wait after two writers met.
const CONFLICT_WAIT_MS: u64 = 1_000;
/// One part in so many of the account's pace is left to its agents.
const RESERVE_SHARE: u64 = 5;

/// Members whose user is not there.
pub(crate) const NOT_FOUND: &str = "user_not_found";

/// Carries out a delivery.
pub(crate) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    match delivery.operation() {
        UPSERT_MANY | UPDATE_MANY => bulk::deliver(ctx, delivery, http),
        _ => single::deliver(ctx, delivery, http),
    }
}

/// What the answer to a probe means: a credential that is not known may still be answered, as an anonymous user.
pub(crate) fn read_probe(answer: &Answer) -> Finding {
    if let Some(reading) = classify(answer) {
        return Finding::verdict(reading.verdict);
    }
    let body: Value = answer.json().unwrap_or_default();
    let role = body.pointer("/user/role").and_then(Value::as_str).unwrap_or_default();
    Finding::verdict(match body.pointer("/user/id") {
        _ if !answer.is_success() => Verdict::RefusedWhole(format!("the probe was answered with {}", answer.status)),
        None | Some(Value::Null) => Verdict::CredentialInvalid(
            "zendesk answered as to an anonymous user: the token is not known, or `email` is not its agent".to_owned(),
        ),
        Some(_) if role == "end-user" => Verdict::PermissionMissing(
            "the credential is an end user's: users are managed by an admin, or an agent whose role allows it"
                .to_owned(),
        ),
        Some(_) => Verdict::Ok,
    })
}

/// Answers that mean the same for every request; none where it depends on what was asked.
fn classify(answer: &Answer) -> Option<Reading> {
    let error = error_name(answer);
    match answer.status {
        429 if is_one_user(answer) => Some(Reading::deferred(answer.retry_after_ms().unwrap_or(ONE_USER_WAIT_MS))),
        429 => Some(answer.throttled(BUCKET, answer.retry_after_ms().or_else(|| reset_ms(answer)))),
        503 => {
            let wait_ms = answer.retry_after_ms().unwrap_or(UNAVAILABLE_WAIT_MS);
            Some(Reading::deferred(wait_ms).verdict(Verdict::Unavailable("zendesk answered 503".to_owned())))
        }
        401 => Some(
            Reading::deferred(0).verdict(Verdict::CredentialInvalid(
                "zendesk does not accept the credential: answered 401; check the token, and `email` with an API token"
                    .to_owned(),
            )),
        ),
        403 => Some(Reading::deferred(0).verdict(Verdict::PermissionMissing(
            "zendesk answered 403: managing users needs an admin, or an agent whose role allows it".to_owned(),
        ))),
        404 if error.as_deref() != Some("RecordNotFound") => Some(Reading::deferred(0).verdict(
            Verdict::Misconfigured("zendesk has no such address: answered 404; check `subdomain`".to_owned()),
        )),
        _ => answer.classify(BUCKET),
    }
}

/// Whether a 429 is about the pace of one user, not of the account.
fn is_one_user(answer: &Answer) -> bool {
    answer.text().to_lowercase().contains("single unique user")
}

/// The `error` of an envelope: a name, or the title of an object.
fn error_name(answer: &Answer) -> Option<String> {
    let body: Value = answer.json()?;
    let error = body.get("error")?;
    let text = error.as_str().or_else(|| error.get("title").and_then(Value::as_str))?;
    Some(text.to_owned())
}

/// Time to the end of the account's minute, in either spelling.
fn reset_ms(answer: &Answer) -> Option<u64> {
    ["ratelimit-reset", "rate-limit-reset", "x-rate-limit-reset"].iter().find_map(|header| answer.wait_ms(header))
}

/// The reading of a success, with the bucket closed where only the agents' share of the minute is left.
fn paced(reading: Reading, answer: &Answer) -> Reading {
    let number = |headers: [&str; 3]| headers.iter().find_map(|header| answer.number(header));
    let limit = number(["ratelimit-limit", "rate-limit", "x-rate-limit"]);
    let left = number(["ratelimit-remaining", "rate-limit-remaining", "x-rate-limit-remaining"]);
    match (limit, left, reset_ms(answer)) {
        (Some(limit), Some(left), Some(after_ms @ 1..))
            if left.saturating_mul(RESERVE_SHARE) < limit && reading.verdict == Verdict::Ok =>
        {
            reading.verdict(Verdict::Throttled(Throttle { bucket: BUCKET.to_owned(), after_ms }))
        }
        _ => reading,
    }
}

/// A user who is not there: nothing to do for who leaves, and nothing that can be done for who joins.
fn not_found(joins: bool) -> Outcome {
    if joins {
        Outcome::rejected(NOT_FOUND, "zendesk has no such user, and nothing may create it")
    } else {
        Outcome::Unchanged(NOT_FOUND.to_owned())
    }
}

/// An id of Zendesk as text: a number, or digits in quotes.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
