//! What the answer of a token endpoint means.
//!
//! Pure. Read leniently, for endpoints differ: what is not a clear refusal is trouble that may pass.

use serde::Deserialize;
use serde_json::Value;

use enroute_config::secret::Secret;
use enroute_egress::TokenAnswer;

/// Longest token: what still fits a header.
const TOKEN_BYTES_MAX: usize = 12 << 10;
/// Longest life of a token that is believed.
const LIFE_S_MAX: u64 = 366 * 24 * 3_600;

/// How endpoints say that two renewals met.
const RACED: [&str; 2] = ["token request is already being processed", "expired authorization code"];

/// A token, and what came with it.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) expires_in_s: Option<u64>,
    pub(super) instance_url: Option<String>,
    pub(super) token_type: Option<String>,
}

/// No token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// Another request with the same refresh token is on its way.
    Raced(String),
    /// The endpoint will say the same again.
    Refused { code: String, said: String },
    /// Later may be better.
    Later { why: String, after_s: Option<u64> },
}

#[derive(Deserialize)]
struct Body {
    access_token: Option<String>,
    refresh_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<Value>,
    instance_url: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Reads an answer.
pub(super) fn read(answer: &TokenAnswer) -> Result<Granted, Problem> {
    let status = answer.status();
    let later = |why: String| Problem::Later { why, after_s: answer.retry_after_s() };
    if status == 429 || status >= 500 {
        return Err(later(format!("answered {status}")));
    }
    if (300..400).contains(&status) {
        return Err(later(format!("answered {status}, and redirects are not followed")));
    }
    let Ok(body) = serde_json::from_slice::<Body>(answer.body()) else {
        return Err(later(format!("answered {status} with something other than JSON")));
    };
    if let Some(code) = &body.error {
        return Err(refusal(answer, code, body.error_description.as_deref(), later));
    }
    match body.access_token {
        Some(token) if (200..300).contains(&status) && is_sendable(&token) => Ok(Granted {
            access: Secret::new(token),
            refresh: body.refresh_token.filter(|token| is_sendable(token)).map(Secret::new),
            expires_in_s: body.expires_in.as_ref().and_then(seconds),
            instance_url: body.instance_url.map(|url| answer.shown(&url)),
            token_type: body.token_type.map(|kind| answer.shown(&kind)),
        }),
        _ => Err(later(format!("answered {status} without a usable `access_token`"))),
    }
}

fn refusal(answer: &TokenAnswer, code: &str, description: Option<&str>, later: impl Fn(String) -> Problem) -> Problem {
    let (code, description) = (answer.shown(code), answer.shown(description.unwrap_or_default()));
    let said = if description.is_empty() { code.clone() } else { format!("{code} ({description})") };
    match code.as_str() {
        // The refresh token itself may be in order: another holder is using it at this moment. Salesforce says either.
        "invalid_grant" if RACED.iter().any(|words| description.to_ascii_lowercase().contains(words)) => {
            Problem::Raced(said)
        }
        "temporarily_unavailable" | "server_error" | "slow_down" | "rate_limit_exceeded" => later(said),
        _ => Problem::Refused { code, said },
    }
}

/// Seconds, also where they are written as text.
fn seconds(value: &Value) -> Option<u64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` keeps within bounds")]
    let whole = number as u64;
    Some(whole.min(LIFE_S_MAX))
}

/// Whether a text can stand in a header.
fn is_sendable(token: &str) -> bool {
    !token.is_empty() && token.len() <= TOKEN_BYTES_MAX && token.bytes().all(|byte| (0x21..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expect: &str) {
        let got = match read(&TokenAnswer::of(status, body, "hunter2")) {
            Ok(granted) => format!(
                "{:?} {:?} refresh {} for {:?}",
                granted.access,
                granted.token_type,
                granted.refresh.is_some(),
                granted.expires_in_s
            ),
            Err(problem) => format!("{problem:?}"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn a_token_is_read_leniently() {
        check(200, r#"{"access_token":"t"}"#, "[secret] None refresh false for None");
        let more = r#"{"access_token":"t","token_type":"bearer","expires_in":"3599","refresh_token":"r","x":[1]}"#;
        check(200, more, r#"[secret] Some("bearer") refresh true for Some(3599)"#);
        check(200, r#"{"access_token":"t","expires_in":3599.0}"#, "[secret] None refresh false for Some(3599)");
        check(200, r#"{"access_token":"t","expires_in":-5}"#, "[secret] None refresh false for Some(0)");
    }

    #[test]
    fn refusals_are_told_from_trouble() {
        let refused = r#"Refused { code: "invalid_grant", said: "invalid_grant (expired)" }"#;
        check(400, r#"{"error":"invalid_grant","error_description":"expired"}"#, refused);
        check(200, r#"{"error":"invalid_client"}"#, r#"Refused { code: "invalid_client", said: "invalid_client" }"#);
        check(
            400,
            r#"{"error":"invalid_grant","error_description":"token request is already being processed"}"#,
            r#"Raced("invalid_grant (token request is already being processed)")"#,
        );
        let later = |why: &str| format!("Later {{ why: {why:?}, after_s: None }}");
        check(503, r#"{"error":"invalid_grant"}"#, &later("answered 503"));
        check(429, "", &later("answered 429"));
        check(307, "", &later("answered 307, and redirects are not followed"));
        check(400, "<html>", &later("answered 400 with something other than JSON"));
        check(200, "{}", &later("answered 200 without a usable `access_token`"));
        check(200, r#"{"access_token":"a b"}"#, &later("answered 200 without a usable `access_token`"));
        check(400, r#"{"error":"temporarily_unavailable"}"#, &later("temporarily_unavailable"));
    }

    #[test]
    fn what_an_endpoint_says_is_shown_short_and_without_secrets() {
        let long = format!(r#"{{"error":"bad","error_description":"hunter2\n\u001b[2J {}"}}"#, "x".repeat(500));
        let Err(Problem::Refused { said, .. }) = read(&TokenAnswer::of(400, &long, "hunter2")) else {
            panic!("it is a refusal")
        };
        assert!(said.starts_with("bad ([secret token] [2J xxx") && said.len() < 220, "{said}");
    }
}
