//! What Google's answers mean.
//!
//! Pure. Source: "Understand API errors" of the Data Manager API, "Common errors" of the Google Ads API. The path of
//! the field says whose fault it is, the reason refines it; the status decides only where neither is known. Must never happen: an answer that is not clearly a
//! success is read as one (test `what_is_no_clear_success_is_none`).

mod class;
pub(crate) mod delivery;
mod fault;
pub(crate) mod list;
pub(crate) mod status;
pub(crate) mod ticket;

#[cfg(test)]
mod tests;

use enroute_sdk::{Answer, Outcome, Reading, Verdict};
use serde_json::Value;

use crate::response::class::Class;
pub(crate) use crate::response::fault::Fault;
use crate::response::fault::Violation;
use crate::response::ticket::Ticket;
use crate::settings::{Api, Settings};

/// Wait where a quota of the day is used up: the host asks again after that.
const DAY_WAIT_MS: u64 = 3_600_000;

/// What an answer carries.
#[derive(Debug)]
pub(crate) enum Body {
    /// An object without an error, and a status of success.
    Success(Value),
    /// An error, or a status of one.
    Fault(Fault),
    /// No JSON object: somebody else answered.
    Strange,
}

/// Takes an answer apart.
pub(crate) fn body(answer: &Answer) -> Body {
    match answer.json::<Value>() {
        Some(body @ Value::Object(_)) => match Fault::of(&body, answer) {
            Some(fault) => Body::Fault(fault),
            None => Body::Success(body),
        },
        _ => Body::Strange,
    }
}

/// Reads the answer to an upload about so many members.
pub(crate) fn read(settings: &Settings, members: usize, answer: &Answer) -> Reading {
    match body(answer) {
        Body::Success(body) if settings.api == Api::GoogleAds => operations(settings, members, &body, answer),
        Body::Success(body) => taken_in(settings, &body, answer),
        Body::Fault(fault) => refused(settings, members, &fault, answer),
        Body::Strange => strange(settings, answer),
    }
}

/// What an answer that is no JSON object means.
pub(crate) fn strange(settings: &Settings, answer: &Answer) -> Reading {
    match answer.classify(bucket(settings)) {
        // A web page in front of Google says nothing of the account.
        Some(reading) if matches!(answer.status, 408 | 413 | 425 | 429 | 500..=599) => reading,
        _ => {
            let verdict = Verdict::Unavailable(format!("answered {} with something other than JSON", answer.status));
            Reading::all(if answer.is_success() { Outcome::Unknown } else { Outcome::Deferred(0) }).verdict(verdict)
        }
    }
}

/// The Data Manager API takes a request in and processes it later.
fn taken_in(settings: &Settings, body: &Value, answer: &Answer) -> Reading {
    let Some(id) = body.get("requestId").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
        let verdict = Verdict::Unavailable(format!("answered {} without `requestId`", answer.status));
        return Reading::all(Outcome::Unknown).verdict(verdict);
    };
    let outcome =
        if settings.poll_status { Ticket::of_requests(vec![id.to_owned()]).outcome() } else { Outcome::Delivered };
    let warnings = body.get("fieldWarnings").and_then(Value::as_array).map_or(0, Vec::len);
    let reading = Reading::all(outcome);
    if warnings == 0 {
        reading
    } else {
        reading.warn("field_warning", None, u32::try_from(warnings).unwrap_or(u32::MAX))
    }
}

/// The Google Ads API takes operations into a job, and names those that it refuses.
fn operations(settings: &Settings, members: usize, body: &Value, answer: &Answer) -> Reading {
    let Some(partial) = body.get("partialFailureError").filter(|partial| !partial.is_null()) else {
        return Reading::delivered();
    };
    let fault = Fault::of_partial(partial);
    if fault.violations.is_empty() || fault.violations.iter().any(|violation| violation.position().is_none()) {
        return refused(settings, members, &fault, answer);
    }
    let mut reading = Reading::delivered();
    let mut violations: Vec<&Violation> = fault.violations.iter().collect();
    violations.sort_by_key(|violation| !class::is_record(&violation.reason));
    for violation in violations {
        let position = violation.position().unwrap_or_default();
        match class::of(violation) {
            Some(Class::Record) => reading = reading.reject(position, &violation.code(), violation.text()),
            Some(Class::Transient | Class::Throttled) => {
                reading = reading.except(position, Outcome::Deferred(0));
            }
            _ => return refused(settings, members, &fault, answer),
        }
    }
    reading
}

/// What a refusal means for the members of the request, of which nothing was processed.
pub(crate) fn refused(settings: &Settings, members: usize, fault: &Fault, answer: &Answer) -> Reading {
    let text = fault.text();
    // In a request about no members, what is named in the way of one is part of what is asked for.
    let of = |violation| class::of(violation).map(|class| if members == 0 { class.of_setup() } else { class });
    let classes: Vec<Option<Class>> = fault.violations.iter().map(of).collect();
    // What concerns all comes before what concerns one.
    let of_all = classes.iter().flatten().find(|class| **class != Class::Record).copied();
    if let Some(class) = of_all.or_else(|| fault.reason().and_then(class::of_reason).filter(|c| *c != Class::Record)) {
        return meaning(settings, class, fault, answer);
    }
    if classes.is_empty() {
        return meaning(settings, class::of_status(fault), fault, answer);
    }
    // Of two reasons for one member, the one that says more comes first, and holds.
    let mut named: Vec<(usize, &Violation)> =
        fault.violations.iter().filter_map(|v| Some((v.position()?, v))).collect();
    named.retain(|(position, _)| *position < members);
    named.sort_by_key(|(_, violation)| !class::is_record(&violation.reason));
    let reading = if named.len() < fault.violations.len() {
        Reading::deferred(0).verdict(Verdict::RefusedBisect(text))
    } else {
        Reading::deferred(0)
    };
    named
        .into_iter()
        .fold(reading, |reading, (position, violation)| reading.reject(position, &violation.code(), violation.text()))
}

fn meaning(settings: &Settings, class: Class, fault: &Fault, answer: &Answer) -> Reading {
    let text = fault.text();
    let later = |verdict| Reading::deferred(0).verdict(verdict);
    match class {
        Class::Throttled => {
            let day = fault.quota.as_deref().is_some_and(|quota| quota.contains("PerDay")).then_some(DAY_WAIT_MS);
            answer.throttled(bucket(settings), fault.retry_ms.or_else(|| answer.retry_after_ms()).or(day))
        }
        Class::Transient => {
            let wait = fault.retry_ms.or_else(|| answer.retry_after_ms()).unwrap_or(0);
            Reading::deferred(wait).verdict(Verdict::Unavailable(text))
        }
        Class::Credential => later(Verdict::CredentialInvalid(text)),
        Class::Permission => later(Verdict::PermissionMissing(text)),
        Class::Setup => later(Verdict::Misconfigured(text)),
        Class::TooLarge => later(Verdict::TooLarge),
        Class::Record | Class::Refused => {
            Reading::all(Outcome::rejected("request_refused", text.clone())).verdict(Verdict::RefusedWhole(text))
        }
    }
}

/// The bucket of uploads.
const fn bucket(settings: &Settings) -> &'static str {
    match settings.api {
        Api::DataManager => "requests",
        Api::GoogleAds => "jobs",
    }
}

/// Codes of rejections that come from a reason of Google's.
#[cfg(test)]
pub(crate) fn record_codes() -> impl Iterator<Item = String> {
    class::RECORD.iter().copied().chain([class::REQUIRED, fault::MEMBER_REFUSED]).map(str::to_ascii_lowercase)
}
