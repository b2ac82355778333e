//! What a destination answered, and the readings that most destinations share.
//!
//! Pure. Invariant: an answer that is not clearly a success is never read as one
//! (test `html_and_nothing_are_no_success`).

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::date::http_seconds;
use crate::reading::Reading;
use crate::{Answer, Outcome, Throttle, Verdict};

/// Longest wait that an answer may ask for: one hour.
///
/// A header gone wrong must not stop a destination for a day; the host asks again after that.
pub(crate) const WAIT_MS_MAX: u64 = 3_600_000;

/// Wait where a destination asks for a pause and names no time: one minute.
const WAIT_MS_DEFAULT: u64 = 60_000;

/// Numbers above this are points in time (2001 and later), below it spans of seconds.
const EPOCH_SECONDS_MIN: u64 = 1_000_000_000;

impl Answer {
    /// An answer without headers.
    ///
    /// ```
    /// let answer = enroute_sdk::Answer::new(201, "{\"message\":\"success\"}").with_header("Date", "now");
    /// assert_eq!(answer.header("date"), Some("now"));
    /// ```
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(crate::Item { name: name.to_ascii_lowercase(), value: value.to_owned() });
        self
    }

    /// Whether the status is one of 200 to 299.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The first header with this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|item| item.name.eq_ignore_ascii_case(name));
        found.map(|item| item.value.as_str())
    }

    /// The body as JSON of this shape.
    ///
    /// ```
    /// let answer = enroute_sdk::Answer::new(200, "{\"n\":1}");
    /// assert_eq!(answer.json::<serde_json::Value>().unwrap()["n"], 1);
    /// ```
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text, with replacement characters where it is none.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Whether the body is a web page: something between us and the destination answered.
    ///
    /// ```
    /// assert!(enroute_sdk::Answer::new(200, " <!DOCTYPE html><html>").is_html());
    /// assert!(!enroute_sdk::Answer::new(200, "{}").is_html());
    /// ```
    #[must_use]
    pub fn is_html(&self) -> bool {
        let typed = self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("text/html"));
        typed || self.body.trim_ascii_start().first() == Some(&b'<')
    }

    /// Whether the body is a JSON object that calls itself an error, whatever the status says: with an `error` or
    /// `errors` that is not empty, a `success` or `ok` that is false, or a list all of whose entries are such objects.
    ///
    /// ```
    /// use enroute_sdk::Answer;
    ///
    /// assert!(Answer::new(200, "{\"ok\":false,\"error\":\"invalid_auth\"}").names_an_error());
    /// assert!(Answer::new(207, "{\"results\":[{\"status\":400,\"error\":\"no\"}]}").names_an_error());
    /// assert!(!Answer::new(200, "{\"id\":7,\"error\":null,\"errors\":[]}").names_an_error());
    /// ```
    #[must_use]
    pub fn names_an_error(&self) -> bool {
        match self.json() {
            Some(Value::Object(body)) => {
                let all =
                    |value: &Value| value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(error_in));
                is_error(&body) || body.values().any(all)
            }
            _ => false,
        }
    }

    /// How long `retry-after` asks to wait, at most one hour: seconds, or a date seen from the answer's own `date`.
    ///
    /// ```
    /// use enroute_sdk::Answer;
    ///
    /// let answer = Answer::new(429, "").with_header("Retry-After", "30");
    /// assert_eq!(answer.retry_after_ms(), Some(30_000));
    /// let answer = Answer::new(503, "")
    ///     .with_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
    ///     .with_header("Retry-After", "Sun, 06 Nov 1994 08:49:39 GMT");
    /// assert_eq!(answer.retry_after_ms(), Some(2_000));
    /// ```
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.wait_ms("retry-after")
    }

    /// How long any header asks to wait, at most one hour: seconds, seconds since 1970 or an HTTP date. A point in
    /// time is seen from the answer's own `date`; without one it says nothing.
    ///
    /// ```
    /// use enroute_sdk::Answer;
    ///
    /// let answer = Answer::new(429, "")
    ///     .with_header("Date", "Mon, 23 Nov 2026 10:00:00 GMT")
    ///     .with_header("X-RateLimit-Reset", "1795428003");
    /// assert_eq!(answer.wait_ms("x-ratelimit-reset"), Some(3_000));
    /// let answer = Answer::new(429, "").with_header("X-RateLimit-Reset", "2.5");
    /// assert_eq!(answer.wait_ms("x-ratelimit-reset"), Some(2_500));
    /// ```
    #[must_use]
    pub fn wait_ms(&self, header: &str) -> Option<u64> {
        let text = self.header(header)?.trim();
        let until = |then: i64| {
            let now = self.header("date").and_then(http_seconds)?;
            Some(u64::try_from(then.saturating_sub(now)).unwrap_or(0).saturating_mul(1_000))
        };
        let ms = match text.parse::<u64>() {
            Ok(seconds) if seconds >= EPOCH_SECONDS_MIN => until(i64::try_from(seconds).ok()?)?,
            Ok(seconds) => seconds.saturating_mul(1_000),
            Err(_) => match text.parse::<f64>() {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to the range before")]
                Ok(seconds) if seconds.is_finite() => (seconds.clamp(0.0, 3_600.0) * 1_000.0) as u64,
                _ => until(http_seconds(text)?)?,
            },
        };
        Some(ms.min(WAIT_MS_MAX))
    }

    /// The whole number in a header, such as what is left of a rate limit.
    ///
    /// ```
    /// let answer = enroute_sdk::Answer::new(200, "").with_header("X-RateLimit-Remaining", "0");
    /// assert_eq!(answer.number("x-ratelimit-remaining"), Some(0));
    /// ```
    #[must_use]
    pub fn number(&self, header: &str) -> Option<u64> {
        self.header(header)?.trim().parse().ok()
    }

    /// The reading of answers that mean the same at most destinations; none where the plugin has to look closer.
    ///
    /// | Answer | Members | Verdict |
    /// |---|---|---|
    /// | 200–202 with HTML or nothing | unknown | unavailable |
    /// | 3xx | deferred | misconfigured |
    /// | 401 | deferred | credential invalid |
    /// | 403 | deferred | permission missing |
    /// | 408, 425, 5xx | deferred, as `retry-after` says | unavailable |
    /// | 413 | deferred | too large |
    /// | 429 | deferred, as `retry-after` says | throttled, for this bucket of the manifest |
    ///
    /// Repeating must be safe after a 5xx: where it is not, the plugin reads those itself, as unknown. A destination
    /// whose success has no body looks at the status before it asks here.
    ///
    /// ```
    /// use enroute_sdk::{Answer, Verdict};
    ///
    /// let reading = Answer::new(503, "").classify("api").unwrap();
    /// assert!(matches!(reading.verdict, Verdict::Unavailable(_)));
    /// assert!(Answer::new(400, "{}").classify("api").is_none());
    /// ```
    #[must_use]
    pub fn classify(&self, bucket: &str) -> Option<Reading> {
        let status = self.status;
        let later = |verdict| Some(Reading::deferred(self.retry_after_ms().unwrap_or(0)).verdict(verdict));
        match status {
            200..=202 if self.is_html() => Some(
                Reading::all(Outcome::Unknown)
                    .verdict(Verdict::Unavailable(format!("answered {status} with a web page instead of JSON"))),
            ),
            200..=202 if self.body.trim_ascii().is_empty() => Some(
                Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable(format!("answered {status} with nothing"))),
            ),
            300..=399 => later(Verdict::Misconfigured(format!("answered {status}: the address has moved"))),
            401 => later(Verdict::CredentialInvalid("answered 401: the credential is not accepted".to_owned())),
            403 => later(Verdict::PermissionMissing("answered 403: the credential lacks a permission".to_owned())),
            408 | 425 | 500..=599 => later(Verdict::Unavailable(format!("answered {status}"))),
            413 => later(Verdict::TooLarge),
            429 => Some(self.throttled(bucket, self.retry_after_ms())),
            _ => None,
        }
    }

    /// Everybody deferred and the bucket closed: for this long, or a minute where the answer names no time.
    ///
    /// ```
    /// use enroute_sdk::{Answer, Verdict};
    ///
    /// let reading = Answer::new(429, "").throttled("api", Some(5_000));
    /// assert!(matches!(reading.verdict, Verdict::Throttled(throttle) if throttle.after_ms == 5_000));
    /// ```
    #[must_use]
    pub fn throttled(&self, bucket: &str, wait_ms: Option<u64>) -> Reading {
        let after_ms = wait_ms.unwrap_or(WAIT_MS_DEFAULT).min(WAIT_MS_MAX);
        Reading::deferred(after_ms).verdict(Verdict::Throttled(Throttle { bucket: bucket.to_owned(), after_ms }))
    }
}

/// Whether an object calls itself an error.
fn is_error(object: &Map<String, Value>) -> bool {
    let is_there = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    ["error", "errors"].iter().any(|name| object.get(*name).is_some_and(is_there))
        || ["success", "ok"].iter().any(|name| object.get(*name) == Some(&Value::Bool(false)))
}

fn error_in(entry: &Value) -> bool {
    entry.as_object().is_some_and(is_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_and_nothing_are_no_success() {
        for answer in [
            Answer::new(200, ""),
            Answer::new(200, "<html>"),
            Answer::new(202, "Sign in").with_header("Content-Type", "text/html; charset=utf-8"),
        ] {
            let reading = answer.classify("api").expect("read by the shared rules");
            assert_eq!(reading.rest, Outcome::Unknown, "{answer:?}");
            assert!(matches!(reading.verdict, Verdict::Unavailable(_)));
        }
        assert!(Answer::new(200, "{}").classify("api").is_none());
    }

    #[test]
    fn a_wait_is_at_most_an_hour() {
        let wait = |text: &str| Answer::new(429, "").with_header("retry-after", text).retry_after_ms();
        assert_eq!(wait("86400"), Some(WAIT_MS_MAX));
        assert_eq!(wait("1e300"), Some(WAIT_MS_MAX));
        assert_eq!(wait("-5"), Some(0));
        assert_eq!(wait("NaN"), None);
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), None, "there is no `date` to see it from");
    }

    #[test]
    fn a_date_in_the_past_asks_for_no_wait() {
        let answer = Answer::new(503, "")
            .with_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .with_header("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(answer.retry_after_ms(), Some(0));
    }
}
