//! What Facebook's answers mean.
//!
//! Pure. Source: Meta, "Customer File Custom Audiences" for the counts of a success, "Handle errors" and "Rate limits"
//! for the rest. The code and subcode of the error say what it is; the HTTP status, 400 for nearly all of them, only
//! where they do not. Must never happen: an answer that is not clearly a success is read as one
//! (test `what_is_no_clear_success_is_none`), or the echo of somebody's data (`invalid_entry_samples`) is repeated.

mod class;
mod fault;
mod usage;

#[cfg(test)]
mod tests;

use enroute_sdk::{AccountItem, Answer, Finding, Http, Level, Method, Outcome, Reading, Sent, Verdict, log};
use serde_json::Value;

use crate::mapping::REPLACE;
use crate::request;
use crate::response::class::Class;
use crate::response::fault::Fault;
use crate::settings::Settings;

/// The bucket of the manifest.
const BUCKET: &str = "audience";

/// Wait after a block for abuse: one hour, so that nobody knocks at a closed door.
const BLOCKED_MS: u64 = 3_600_000;

/// Above so many rows a vague error 1/99 may mean "too many": it was seen for 30,000 rows.
const SUSPECT_ROWS_MIN: usize = 5_000;

/// An audience that Meta flags for hinting at health or finance: uploads are refused.
const STATUS_FLAGGED: u64 = 471;

/// What must be known of a request to read its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    /// Members in the request.
    members: usize,
    /// Whether its rows come.
    adds: bool,
    /// Whether a request with the members' new rows follows.
    replaces: bool,
}

impl About {
    pub(crate) fn of(sent: &Sent<'_>) -> Self {
        let adds = sent.method() == Method::Post;
        Self { members: sent.len(), adds, replaces: !adds && sent.operation() == REPLACE }
    }
}

/// Reads the answer to an upload.
pub(crate) fn read(settings: &Settings, about: About, answer: &Answer) -> Reading {
    let reading = match parsed(answer) {
        Body::Success(body) => success(about, &body, answer),
        Body::Fault(fault) => refused(about, &fault, answer),
        Body::Strange if answer.status == 413 => Reading::deferred(0).verdict(Verdict::TooLarge),
        Body::Strange if answer.status == 429 => throttled(answer),
        Body::Strange => {
            let verdict = Verdict::Unavailable(format!("answered {} with something other than JSON", answer.status));
            let outcome = if answer.is_success() { Outcome::Unknown } else { Outcome::Deferred(0) };
            Reading::all(outcome).verdict(verdict)
        }
    };
    match other_version(settings, answer) {
        true => reading.warn("api_version_differs", None, count(about.members)),
        false => reading,
    }
}

/// What an answer carries.
enum Body {
    /// An object without an error, and a status of success.
    Success(Value),
    /// An error, or a status of one.
    Fault(Fault),
    /// No JSON object: somebody else answered.
    Strange,
}

fn parsed(answer: &Answer) -> Body {
    match answer.json::<Value>() {
        Some(body @ Value::Object(_)) => match Fault::of(&body, answer) {
            Some(fault) => Body::Fault(fault),
            None => Body::Success(body),
        },
        _ => Body::Strange,
    }
}

/// Facebook counts rows it could not use, and does not say which.
fn success(about: About, body: &Value, answer: &Answer) -> Reading {
    let Some(received) = number(body, "num_received") else {
        let verdict = Verdict::Unavailable(format!("answered {} without `num_received`", answer.status));
        return Reading::all(Outcome::Unknown).verdict(verdict);
    };
    let invalid = number(body, "num_invalid_entries").unwrap_or(0).min(received);
    let none_valid = invalid == received;
    if none_valid && !about.replaces {
        let reason = format!("Facebook could use none of the {received} rows of the request");
        return Reading::all(Outcome::rejected("all_rows_invalid", reason));
    }
    let mut reading = Reading::delivered();
    if invalid > 0 {
        let reason = "Facebook could not use these rows and does not say which they are";
        reading = reading.unattributed(reason, u32::try_from(invalid).unwrap_or(u32::MAX));
    }
    // A member has one row that comes, but may have several that go.
    let (members, received) = (about.members as u64, received);
    if received < members || (about.adds && received > members) {
        reading = reading.warn("rows_miscounted", None, count(about.members));
    }
    match usage::pause_ms(answer).filter(|_| !about.replaces) {
        Some(ms) => reading.verdict(answer.throttled(BUCKET, Some(ms)).verdict),
        None => reading,
    }
}

fn refused(about: About, fault: &Fault, answer: &Answer) -> Reading {
    let text = fault.text();
    let later = |verdict| Reading::deferred(0).verdict(verdict);
    match class::of(fault) {
        Class::Throttled => throttled(answer),
        Class::Vague if about.members > SUSPECT_ROWS_MIN => later(Verdict::TooLarge),
        Class::Vague | Class::Transient => later(Verdict::Unavailable(text)),
        Class::Credential => later(Verdict::CredentialInvalid(text)),
        Class::Permission => later(Verdict::PermissionMissing(text)),
        Class::Setup => later(Verdict::Misconfigured(text)),
        Class::Blocked => {
            log(Level::Error, "Facebook has blocked the account for a while; see Account Quality in Business settings");
            Reading::deferred(BLOCKED_MS).verdict(Verdict::PermissionMissing(text))
        }
        Class::TooLarge => later(Verdict::TooLarge),
        Class::Refused => {
            Reading::all(Outcome::rejected("request_refused", text.clone())).verdict(Verdict::RefusedWhole(text))
        }
    }
}

fn throttled(answer: &Answer) -> Reading {
    // Meta sends no `retry-after`; what stands in front of it may.
    answer.throttled(BUCKET, usage::regain_ms(answer).or_else(|| answer.retry_after_ms()))
}

/// Reads the answer to the probe: whether members can be uploaded to the audience.
fn read_probe(settings: &Settings, answer: &Answer) -> Finding {
    let body = match parsed(answer) {
        Body::Success(body) => body,
        Body::Fault(fault) => {
            let about = About { members: 0, adds: false, replaces: false };
            return Finding::verdict(refused(about, &fault, answer).verdict);
        }
        Body::Strange => {
            let text = format!("answered {} with something other than JSON", answer.status);
            return Finding::verdict(Verdict::Unavailable(text));
        }
    };
    if let Some(text) = unfit(settings, &body) {
        return Finding::verdict(Verdict::Misconfigured(text));
    }
    let mut finding = Finding::ok();
    let status = status_code(&body);
    if (400..500).contains(&status) {
        finding = finding.warn("audience_status", None, 1);
    }
    if other_version(settings, answer) {
        finding = finding.warn("api_version_differs", None, 1);
    }
    finding
}

/// Pages of audiences that are read; with 200 on each, as many as a host keeps.
const PAGES_MAX: usize = 25;

/// The probe, and the audiences of the ad account, where the settings name it.
pub(crate) fn probe(settings: &Settings, http: &mut dyn Http) -> Finding {
    let finding = match http.send("probe", &request::probe(settings)) {
        Ok(answer) => read_probe(settings, &answer),
        Err(failure) => return Finding::verdict(Reading::unanswered(failure).verdict),
    };
    let Some(id) = settings.ad_account().filter(|_| finding.verdict == Verdict::Ok) else { return finding };
    // Whoever may upload to an audience may not always list the others: that is no fault.
    let page = |after: Option<&str>| {
        let answer = http.send("audiences", &request::audiences(settings, id, after)).ok()?;
        let Body::Success(body) = parsed(&answer) else { return None };
        let next = body.get("paging").filter(|paging| paging.get("next").is_some());
        let next = next.and_then(|paging| paging.pointer("/cursors/after")).and_then(Value::as_str).map(str::to_owned);
        Some((body.get("data")?.as_array()?.iter().filter_map(uploadable).collect(), next))
    };
    match AccountItem::pages(PAGES_MAX, page) {
        Some(items) => finding.account(items),
        None => finding,
    }
}

/// An audience that members can be uploaded to.
fn uploadable(audience: &Value) -> Option<AccountItem> {
    let text = |name: &str| audience.get(name).and_then(Value::as_str);
    text("subtype").is_none_or(|subtype| subtype == "CUSTOM").then_some(())?;
    Some(AccountItem::list(text("id")?, text("name").unwrap_or_default()))
}

/// Why members cannot be uploaded to the audience that answered the probe.
fn unfit(settings: &Settings, body: &Value) -> Option<String> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let id = &settings.audience_id;
    if text("id") != Some(id) {
        return Some(format!("asked for audience {id} and got {}", text("id").unwrap_or("no id")));
    }
    if let Some(subtype) = text("subtype").filter(|subtype| *subtype != "CUSTOM") {
        return Some(format!("audience {id} is of subtype {subtype} and members can be uploaded to CUSTOM only"));
    }
    let is_value_based =
        body.get("is_value_based").and_then(Value::as_bool).or(number(body, "is_value_based").map(|n| n > 0));
    if let Some(is_value_based) = is_value_based.filter(|is| *is != settings.value_based) {
        let set = settings.value_based;
        return Some(format!(
            "`is_value_based` of audience {id} is {is_value_based} and the setting `value_based` is {set}"
        ));
    }
    if status_code(body) == STATUS_FLAGGED {
        return Some(format!(
            "Meta has flagged audience {id} for hinting at health or finance (471) and refuses uploads"
        ));
    }
    let account = text("account_id").zip(settings.ad_account());
    let (account, set) = account.filter(|(account, set)| account.trim_start_matches("act_") != *set)?;
    Some(format!("audience {id} belongs to ad account {account}, not to {set}"))
}

fn status_code(body: &Value) -> u64 {
    body.get("operation_status").and_then(|status| number(status, "code")).unwrap_or(0)
}

/// Whether another version answered than was asked: an expired one is served by the next, without an error.
fn other_version(settings: &Settings, answer: &Answer) -> bool {
    answer.header("facebook-api-version").is_some_and(|version| version.trim() != settings.api_version)
}

/// A whole number, written as a number or as a text.
fn number(body: &Value, name: &str) -> Option<u64> {
    let value = body.get(name)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn count(members: usize) -> u32 {
    u32::try_from(members).unwrap_or(u32::MAX)
}
