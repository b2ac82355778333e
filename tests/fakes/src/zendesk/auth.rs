//! Who asks: an API token of an agent, or an OAuth token that may have been renewed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Config;
use crate::server::{Recorded, Reply};

/// An OAuth client that may renew tokens.
#[derive(Clone, Debug)]
pub struct Client {
    /// The unique identifier.
    pub id: String,
    /// The secret.
    pub secret: String,
    /// The refresh token that is good for the first renewal; each renewal gives out another.
    pub refresh_token: String,
}

/// What was given out.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    good: BTreeSet<String>,
    refresh: String,
    given: u64,
}

impl Tokens {
    pub(super) fn new(config: &Config) -> Self {
        let refresh = config.client.as_ref().map(|client| client.refresh_token.clone()).unwrap_or_default();
        Self { good: config.access_tokens.clone(), refresh, given: 0 }
    }

    pub(super) fn expire(&mut self) {
        self.good.clear();
    }
}

/// Zendesk, "Security and authentication": `{email}/token:{api_token}` in Base64, or a bearer token.
pub(super) fn accepts(request: &Recorded, config: &Config, tokens: &Tokens) -> bool {
    if let Some(token) = request.bearer() {
        return tokens.good.contains(token);
    }
    let basic = request.header("authorization").and_then(|value| value.split_once(' '));
    basic.is_some_and(|(scheme, pair)| {
        let expect = base64(format!("{}/token:{}", config.email, config.api_token).as_bytes());
        scheme.eq_ignore_ascii_case("basic") && pair == expect
    })
}

/// Zendesk, "Refresh token": a new pair for a client that knows its secret; the old refresh token is used up.
pub(super) fn renew(request: &Recorded, config: &Config, tokens: &mut Tokens) -> Reply {
    let refused = |error: &str| Reply::json(400, &json!({"error": error}));
    if request.method != "POST" {
        return super::not_an_endpoint();
    }
    let Some(client) = &config.client else { return refused("invalid_client") };
    let given = |name: &str| field(request, name).unwrap_or_default();
    if given("client_id") != client.id || given("client_secret") != client.secret {
        return Reply::json(401, &json!({"error": "invalid_client"}));
    }
    if given("grant_type") != "refresh_token" {
        return refused("unsupported_grant_type");
    }
    if tokens.refresh.is_empty() || given("refresh_token") != tokens.refresh {
        return refused("invalid_grant");
    }
    tokens.given += 1;
    let access = format!("fake-access-{}", tokens.given);
    tokens.refresh = format!("fake-refresh-{}", tokens.given);
    tokens.good.insert(access.clone());
    let answer = json!({
        "access_token": access, "refresh_token": tokens.refresh, "token_type": "bearer", "expires_in": 1800,
        "scope": "read write"
    });
    Reply::json(200, &answer)
}

/// A field of a form or of a JSON body.
fn field(request: &Recorded, name: &str) -> Option<String> {
    if request.declares_json() {
        return request.json()?.get(name).and_then(Value::as_str).map(str::to_owned);
    }
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
}

/// A value of a form: `+` for a space, `%` and two digits for any byte.
fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let rest = if byte.is_some() { part.get(2..) } else { Some(part) };
        bytes.extend(byte);
        bytes.extend_from_slice(rest.unwrap_or_default().as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| char::from(LETTERS.get((bits & 63) as usize).copied().unwrap_or(b'='));
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |place: usize| u32::from(chunk.get(place).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        text.push(letter(bits >> 18));
        text.push(letter(bits >> 12));
        text.push(if chunk.len() > 1 { letter(bits >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { letter(bits) } else { '=' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, expect) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), expect);
        }
    }
}
