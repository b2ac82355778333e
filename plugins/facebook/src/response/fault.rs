//! The error envelope of the Graph API, and what a person gets to read of it.
//!
//! Must never happen: a token or somebody's data comes through in the text (test `nothing_secret_comes_through`).

use enroute_sdk::Answer;
use enroute_sdk::text::quotable;
use serde_json::Value;

/// Longest part of a message that is shown.
///
/// Meta's own are under 300 bytes; a longer one repeats what was sent.
const PART_CHARS_MAX: usize = 400;

/// What is known of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) code: Option<i64>,
    pub(super) subcode: Option<i64>,
    pub(super) is_transient: bool,
    parts: Vec<String>,
    trace: Option<String>,
}

impl Fault {
    /// The error of an answer whose body is this object; none where it is a success.
    pub(super) fn of(body: &Value, answer: &Answer) -> Option<Self> {
        let Some(error) = body.get("error").filter(|error| !error.is_null()) else {
            return (!answer.is_success()).then(|| Self { status: answer.status, ..Self::default() });
        };
        let clean = |said: &str| quotable(said, PART_CHARS_MAX);
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(clean).filter(|text| !text.is_empty());
        let number = |name: &str| {
            let value = error.get(name)?;
            value.as_i64().or_else(|| value.as_str()?.parse().ok())
        };
        // An error that is a text instead of an object.
        let bare = error.as_str().map(clean);
        let mut parts: Vec<String> = Vec::new();
        for part in ["error_user_title", "error_user_msg", "message"].into_iter().filter_map(text).chain(bare) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        Some(Self {
            status: answer.status,
            code: number("code"),
            subcode: number("error_subcode"),
            is_transient: error.get("is_transient").and_then(Value::as_bool).unwrap_or(false),
            parts,
            trace: text("fbtrace_id"),
        })
    }

    /// Title, user's message and message, then code, subcode and trace id, as far as they are there.
    pub(super) fn text(&self) -> String {
        let mut ids = Vec::new();
        match self.code {
            Some(code) => ids.push(format!("code {code}")),
            None => ids.push(format!("status {}", self.status)),
        }
        ids.extend(self.subcode.map(|subcode| format!("subcode {subcode}")));
        ids.extend(self.trace.as_ref().map(|trace| format!("fbtrace_id {trace}")));
        let said = if self.parts.is_empty() { "no message".to_owned() } else { self.parts.join(": ") };
        format!("{said} ({})", ids.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expect: &str) {
        let answer = Answer::new(400, body);
        let body: Value = answer.json().expect("JSON");
        let got = Fault::of(&body, &answer).map(|fault| fault.text());
        assert_eq!(got.as_deref(), Some(expect));
    }

    #[test]
    fn the_text_joins_what_is_there() {
        check(
            r#"{"error":{"message":"(#100) Invalid parameter","type":"OAuthException","code":100,"error_subcode":33,
                "error_user_title":"Audience gone","error_user_msg":"It was deleted.","fbtrace_id":"AbC"}}"#,
            "Audience gone: It was deleted.: (#100) Invalid parameter (code 100, subcode 33, fbtrace_id AbC)",
        );
        check(r#"{"error":{"message":"x","error_user_msg":"x","code":"4"}}"#, "x (code 4)");
        check(r#"{"error":{}}"#, "no message (status 400)");
        check(r#"{"error":"gone\naway"}"#, "gone away (status 400)");
        check("{}", "no message (status 400)");
    }

    #[test]
    fn nothing_secret_comes_through() {
        let hash = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
        let body = format!(
            r#"{{"error":{{"message":"no user ann@example.com in [\"{hash}\"], token EAAB{hash}","code":1}}}}"#
        );
        check(&body, "no user […] in […] token […] (code 1)");
        let long = "ha ".repeat(1_000);
        let answer = Answer::new(400, format!(r#"{{"error":{{"message":"{long}"}}}}"#));
        let body: Value = answer.json().expect("JSON");
        assert!(Fault::of(&body, &answer).expect("an error").text().len() < 500);
    }
}
