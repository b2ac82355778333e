//! The error envelope of Google's APIs.

use enroute_sdk::Answer;
use enroute_sdk::text::quotable;
use serde_json::Value;

use super::class;

/// Longest part of a message that is repeated.
const MESSAGE_CHARS_MAX: usize = 300;

/// Longest part of a reason or of a path that is repeated.
const NAME_CHARS_MAX: usize = 100;

/// Code of a member that is named with a reason which no table lists.
pub(super) const MEMBER_REFUSED: &str = "member_refused";

/// What is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Fault {
    /// `error.code`, or else the HTTP status.
    pub(super) code: u64,
    /// `error.status`.
    pub(super) status: String,
    message: String,
    reasons: Vec<String>,
    /// What is wrong with which part of it.
    pub(super) violations: Vec<Violation>,
    /// How long to wait, where the answer says so.
    pub(super) retry_ms: Option<u64>,
    /// The quota that is used up.
    pub(super) quota: Option<String>,
}

/// What of a request a violation is about, by the path of the field that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The member in this position of the request.
    Member(usize),
    /// The members, none by its position.
    Members,
    /// Another field than the members, by its path: the destination, consent, terms, the job, the list.
    Setup(String),
    /// Nothing is named.
    Whole,
}

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) place: Place,
    pub(super) reason: String,
}

impl Violation {
    /// The code of a rejection.
    pub(super) fn code(&self) -> String {
        if class::is_record(&self.reason) { self.reason.to_ascii_lowercase() } else { MEMBER_REFUSED.to_owned() }
    }

    /// A sentence without the value, which descriptions may repeat.
    pub(super) fn text(&self) -> String {
        format!("Google refuses the member: {}", quotable(&self.reason, NAME_CHARS_MAX))
    }

    /// The member that is named, by its position in the request.
    pub(super) const fn position(&self) -> Option<usize> {
        match self.place {
            Place::Member(position) => Some(position),
            _ => None,
        }
    }
}

impl Fault {
    /// Reads an error; none where the answer is no error.
    pub(super) fn of(body: &Value, answer: &Answer) -> Option<Self> {
        let error = body.get("error").filter(|error| error.is_object());
        if error.is_none() && answer.is_success() {
            return None;
        }
        let error = error.unwrap_or(&Value::Null);
        let mut fault = Self {
            code: error.get("code").and_then(Value::as_u64).unwrap_or_else(|| u64::from(answer.status)),
            status: text(error, "status").to_owned(),
            ..Self::of_partial(error)
        };
        // Where body and status disagree, the body knows better; but an error with a code of success is none we know.
        if fault.code < 300 {
            fault.code = u64::from(answer.status);
        }
        Some(fault)
    }

    /// Reads what stands in a status object: an error, or a partial failure.
    pub(super) fn of_partial(error: &Value) -> Self {
        let mut fault = Self { message: text(error, "message").to_owned(), ..Self::default() };
        for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
            fault.detail(detail);
        }
        fault
    }

    fn detail(&mut self, detail: &Value) {
        let kind = text(detail, "@type");
        let list = |name: &str| detail.get(name).and_then(Value::as_array).into_iter().flatten();
        if kind.ends_with("ErrorInfo") {
            self.reasons.push(text(detail, "reason").to_owned());
            let quota = detail.pointer("/metadata/quota_limit").and_then(Value::as_str);
            self.quota = quota.map(str::to_owned).or(self.quota.take());
        } else if kind.ends_with("RetryInfo") {
            self.retry_ms = duration_ms(text(detail, "retryDelay")).or(self.retry_ms);
        } else if kind.ends_with("BadRequest") {
            self.violations.extend(list("fieldViolations").map(|violation| Violation {
                place: place(text(violation, "field")),
                reason: text(violation, "reason").to_owned(),
            }));
        } else if kind.ends_with("GoogleAdsFailure") {
            for error in list("errors") {
                let delay = error.pointer("/details/quotaErrorDetails/retryDelay").and_then(Value::as_str);
                self.retry_ms = delay.and_then(duration_ms).or(self.retry_ms);
                let code = error.get("errorCode").and_then(Value::as_object).and_then(|code| code.values().next());
                let reason = code.and_then(Value::as_str).unwrap_or_default().to_owned();
                self.violations.push(Violation { place: element(error), reason });
            }
        }
    }

    /// The reason for the whole, where it says more than the status.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reasons.iter().map(String::as_str).find(|reason| *reason != self.status)
    }

    /// Whether there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code == 404 || self.status == "NOT_FOUND" || self.violations.iter().any(|v| v.reason == "NOT_FOUND")
    }

    /// For the operator: the reasons, or the message where there is none.
    pub(crate) fn text(&self) -> String {
        let of_violation = |violation: &Violation| match &violation.place {
            Place::Setup(path) => {
                let reason = if violation.reason.is_empty() { "refused" } else { violation.reason.as_str() };
                format!("{} at {path}", quotable(reason, NAME_CHARS_MAX))
            }
            _ => quotable(&violation.reason, NAME_CHARS_MAX),
        };
        let mut reasons: Vec<String> = self.violations.iter().map(of_violation).collect();
        reasons.extend(self.reasons.iter().cloned());
        reasons.retain(|reason| !reason.is_empty() && *reason != self.status);
        reasons.sort_unstable();
        reasons.dedup();
        let what = if self.status.is_empty() { self.code.to_string() } else { self.status.clone() };
        let closed = |reason: &String| reason.starts_with("CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE");
        let advice =
            if reasons.iter().any(closed) { "; use `api = \"data_manager\"`, which is open to everybody" } else { "" };
        if !reasons.is_empty() {
            return format!("{what}: {}{advice}", reasons.join(", "));
        }
        format!("{what}: {}", quotable(&self.message, MESSAGE_CHARS_MAX))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What a path such as `audience_members[3].user_data` is about; without a number it is the first member.
fn place(path: &str) -> Place {
    let Some(rest) = path.strip_prefix("audience_members").or_else(|| path.strip_prefix("audienceMembers")) else {
        return if path.is_empty() { Place::Whole } else { Place::Setup(quotable(path, NAME_CHARS_MAX)) };
    };
    let position = match rest.strip_prefix('[') {
        Some(rest) => rest.split(']').next().and_then(|number| number.parse().ok()),
        None => rest.starts_with('.').then_some(0),
    };
    position.map_or(Place::Members, Place::Member)
}

/// What an error of the Google Ads API is about: an operation of this call, which is a member, or another field.
/// Without a number it is the first operation.
fn element(error: &Value) -> Place {
    let path = error.pointer("/location/fieldPathElements").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let Some(operation) = path.iter().find(|element| text(element, "fieldName") == "operations") else {
        let names: Vec<&str> = path.iter().map(|element| text(element, "fieldName")).collect();
        return if names.is_empty() { Place::Whole } else { Place::Setup(quotable(&names.join("."), NAME_CHARS_MAX)) };
    };
    let index = operation.get("index").unwrap_or(&Value::Null);
    let index = index.as_u64().or_else(|| index.as_str()?.parse().ok()).unwrap_or(0);
    usize::try_from(index).map_or(Place::Members, Place::Member)
}

/// A duration of proto3 JSON: `1.5s`.
fn duration_ms(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.strip_suffix('s')?.split_once('.').unwrap_or((text.strip_suffix('s')?, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let (seconds, ms): (u64, u64) = (seconds.parse().ok()?, digits.parse().ok()?);
    Some(seconds.saturating_mul(1_000).saturating_add(ms))
}
