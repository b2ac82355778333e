//! The error envelope of Google's APIs.

use enroute_sdk::Answer;
use enroute_sdk::text::quotable;
use serde_json::Value;

/// Longest part of a message that is repeated.
const MESSAGE_CHARS_MAX: usize = 300;

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

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Violation {
    /// The member at fault, by its position in the request.
    pub(super) position: Option<usize>,
    pub(super) reason: String,
}

impl Violation {
    /// The code of a rejection.
    pub(super) fn code(&self) -> String {
        self.reason.to_ascii_lowercase()
    }

    /// A sentence without the value, which descriptions may repeat.
    pub(super) fn text(&self) -> String {
        format!("Google refuses the member: {}", self.reason)
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
                position: member(text(violation, "field")),
                reason: text(violation, "reason").to_owned(),
            }));
        } else if kind.ends_with("GoogleAdsFailure") {
            for error in list("errors") {
                let delay = error.pointer("/details/quotaErrorDetails/retryDelay").and_then(Value::as_str);
                self.retry_ms = delay.and_then(duration_ms).or(self.retry_ms);
                let code = error.get("errorCode").and_then(Value::as_object).and_then(|code| code.values().next());
                let reason = code.and_then(Value::as_str).unwrap_or_default().to_owned();
                self.violations.push(Violation { position: operation(error), reason });
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
        let mut reasons: Vec<&str> = self.violations.iter().map(|violation| violation.reason.as_str()).collect();
        reasons.extend(self.reasons.iter().map(String::as_str));
        reasons.retain(|reason| !reason.is_empty() && *reason != self.status);
        reasons.sort_unstable();
        reasons.dedup();
        let what = if self.status.is_empty() { self.code.to_string() } else { self.status.clone() };
        let advice = if reasons.contains(&"CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE") {
            "; use `api = \"data_manager\"`, which is open to everybody"
        } else {
            ""
        };
        if !reasons.is_empty() {
            return format!("{what}: {}{advice}", reasons.join(", "));
        }
        format!("{what}: {}", quotable(&self.message, MESSAGE_CHARS_MAX))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The member that a path such as `audience_members[3].user_data` begins with; without a number it is the first.
fn member(path: &str) -> Option<usize> {
    let rest = path.strip_prefix("audience_members").or_else(|| path.strip_prefix("audienceMembers"))?;
    match rest.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?.parse().ok(),
        None => (rest.starts_with('.')).then_some(0),
    }
}

/// The operation of this call that an error of the Google Ads API names; without a number it is the first.
fn operation(error: &Value) -> Option<usize> {
    let path = error.pointer("/location/fieldPathElements")?.as_array()?;
    let element = path.iter().find(|element| text(element, "fieldName") == "operations")?;
    let index = element.get("index").unwrap_or(&Value::Null);
    let index = index.as_u64().or_else(|| index.as_str()?.parse().ok()).unwrap_or(0);
    usize::try_from(index).ok()
}

/// A duration of proto3 JSON: `1.5s`.
fn duration_ms(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.strip_suffix('s')?.split_once('.').unwrap_or((text.strip_suffix('s')?, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let (seconds, ms): (u64, u64) = (seconds.parse().ok()?, digits.parse().ok()?);
    Some(seconds.saturating_mul(1_000).saturating_add(ms))
}
