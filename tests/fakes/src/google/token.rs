//! Who may call, and where tokens come from.

use serde_json::json;

use super::Config;
use super::refusal::Refusal;
use crate::server::{Recorded, Reply};

/// Seconds a token lives, as Google's answers say.
const EXPIRES_S: u32 = 3_599;

/// `POST /token`: a refresh token, or the assertion of a service account, for an access token.
pub(super) fn answer(request: &Recorded, config: &Config) -> Reply {
    let form = form(&String::from_utf8_lossy(&request.body));
    let get = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let refused = |status: u16, error: &str| Reply::json(status, &json!({ "error": error }));
    if request.method != "POST" {
        return refused(405, "invalid_request");
    }
    match get("grant_type") {
        "refresh_token" => {
            if get("client_id") != config.client_id || get("client_secret") != config.client_secret {
                return refused(401, "invalid_client");
            }
            // OAuth 2.0 for web server applications: a revoked or expired refresh token needs a new consent.
            if get("refresh_token") != config.refresh_token {
                return refused(400, "invalid_grant");
            }
        }
        // The signature is not looked at here: this fake has no keys.
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            if get("assertion").split('.').filter(|part| !part.is_empty()).count() != 3 {
                return refused(400, "invalid_grant");
            }
        }
        _ => return refused(400, "unsupported_grant_type"),
    }
    let body = json!({"access_token": config.access_token, "expires_in": EXPIRES_S, "token_type": "Bearer"});
    Reply::json(200, &body)
}

/// Every call has a bearer token.
pub(super) fn check(request: &Recorded, config: &Config) -> Result<(), Refusal> {
    if request.bearer() == Some(config.access_token.as_str()) { Ok(()) } else { Err(Refusal::unauthenticated()) }
}

/// Data Manager API, user lists: the account in the path, and the manager in `login-account`.
pub(super) fn check_account(request: &Recorded, config: &Config, customer: &str) -> Result<(), Refusal> {
    if customer != config.customer_id {
        return Err(Refusal::permission("PERMISSION_DENIED"));
    }
    let wanted = config.login_customer_id.as_ref().map(|id| format!("accountTypes/GOOGLE_ADS/accounts/{id}"));
    if request.header("login-account") == wanted.as_deref() {
        return Ok(());
    }
    Err(Refusal::permission("OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH"))
}

/// Google Ads API: a developer token, the account in the path, and the manager in `login-customer-id`.
pub(super) fn check_ads(request: &Recorded, config: &Config, customer: &str) -> Result<(), Refusal> {
    if request.header("developer-token") != Some(config.developer_token.as_str()) {
        return Err(Refusal::ads(401, "UNAUTHENTICATED", "authenticationError", "DEVELOPER_TOKEN_INVALID"));
    }
    if customer != config.customer_id || request.header("login-customer-id") != config.login_customer_id.as_deref() {
        return Err(Refusal::ads(403, "PERMISSION_DENIED", "authorizationError", "USER_PERMISSION_DENIED"));
    }
    Ok(())
}

/// Name and value of each field of a form.
fn form(body: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name), decode(value))
    };
    body.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                let code = std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
                out.extend(code);
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
