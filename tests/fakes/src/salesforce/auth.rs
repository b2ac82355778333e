//! The token endpoint and the sessions it hands out. Signatures are not checked, claims are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Config, text};
use crate::base64;
use crate::server::{Recorded, Reply};

/// Grant of RFC 7523.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Hosts that an assertion may be for, beside the fake itself.
const AUDIENCES: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];

/// Sessions and the refresh token.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Calls left of each session; none where it never ends.
    open: BTreeMap<String, Option<u64>>,
    refresh: String,
    made: u64,
}

impl Sessions {
    pub(super) fn new(config: &Config) -> Self {
        let open = BTreeMap::from([(config.access_token.clone(), None)]);
        Self { open, refresh: config.refresh_token.clone(), made: 0 }
    }

    /// Whether a token is a session; a call of it is used up.
    pub(super) fn accepts(&mut self, token: &str) -> bool {
        match self.open.get_mut(token) {
            Some(Some(0)) | None => false,
            Some(Some(left)) => {
                *left -= 1;
                true
            }
            Some(None) => true,
        }
    }

    pub(super) fn expire(&mut self) {
        self.open.clear();
    }

    pub(super) fn refresh_token(&self) -> &str {
        &self.refresh
    }

    /// Answers a request below `/services/oauth2`.
    pub(super) fn answer(&mut self, path: &[&str], request: &Recorded, config: &Config) -> Reply {
        let form = form(&request.body);
        let is_form =
            request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        match (request.method.as_str(), path) {
            ("POST", ["token"]) if !is_form => refused("invalid_request", "the body must be a form"),
            ("POST", ["token"]) => match self.grant(&form, request, config) {
                Ok(refresh) => self.session(refresh, request, config),
                Err((error, description)) => refused(error, description),
            },
            ("POST", ["revoke"]) => {
                self.open.remove(value(&form, "token"));
                Reply::empty(200)
            }
            _ => Reply::text(404, "not found"),
        }
    }

    /// Checks a grant; tells whether the answer has a refresh token.
    fn grant(
        &mut self,
        form: &[(String, String)],
        request: &Recorded,
        config: &Config,
    ) -> Result<bool, (&'static str, &'static str)> {
        match value(form, "grant_type") {
            "client_credentials" => client(form, request, config, true).map(|()| false),
            JWT_BEARER => assertion(value(form, "assertion"), request, config).map(|()| false),
            "refresh_token" => {
                client(form, request, config, false)?;
                if value(form, "refresh_token") != self.refresh {
                    return Err(("invalid_grant", "expired access/refresh token"));
                }
                if config.rotate_refresh_tokens {
                    // Rotation: the old token dies on use.
                    self.refresh = format!("{}-{}", config.refresh_token, self.made + 1);
                }
                Ok(config.rotate_refresh_tokens)
            }
            // The password grant is off by default in new orgs.
            _ => Err(("unsupported_grant_type", "grant type not supported")),
        }
    }

    /// A new session. The answer has no `expires_in`.
    fn session(&mut self, refresh: bool, request: &Recorded, config: &Config) -> Reply {
        self.made += 1;
        let token = format!("00Dfake!session-{}", self.made);
        self.open.insert(token.clone(), config.session_calls);
        let own = own_url(request);
        let mut answer = json!({
            "access_token": token,
            "instance_url": config.instance_url.clone().unwrap_or(own.clone()),
            "id": format!("{own}/id/00D000000000001EAA/005000000000001AAA"),
            "token_type": "Bearer",
            "issued_at": "1795428000000",
            "signature": "not-a-signature",
            "scope": "api",
        });
        if let (true, Some(members)) = (refresh, answer.as_object_mut()) {
            members.insert("refresh_token".to_owned(), self.refresh.clone().into());
        }
        Reply::json(200, &answer)
    }
}

fn own_url(request: &Recorded) -> String {
    format!("http://{}", request.header("host").unwrap_or_default())
}

/// The app's key and secret, in a Basic header or in the form.
fn client(
    form: &[(String, String)],
    request: &Recorded,
    config: &Config,
    needs_secret: bool,
) -> Result<(), (&'static str, &'static str)> {
    let basic = request.header("authorization").and_then(|header| header.strip_prefix("Basic "));
    let basic = basic.and_then(base64::decoded).and_then(|bytes| String::from_utf8(bytes).ok());
    let (id, secret) = match basic.as_deref().and_then(|text| text.split_once(':')) {
        Some((id, secret)) => (id.to_owned(), secret.to_owned()),
        None => (value(form, "client_id").to_owned(), value(form, "client_secret").to_owned()),
    };
    if id != config.client_id {
        return Err(("invalid_client_id", "client identifier invalid"));
    }
    if secret != config.client_secret && (needs_secret || !secret.is_empty()) {
        return Err(("invalid_client", "invalid client credentials"));
    }
    Ok(())
}

/// The claims of an assertion: issuer, user, audience and a time.
fn assertion(token: &str, request: &Recorded, config: &Config) -> Result<(), (&'static str, &'static str)> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Err(("invalid_grant", "invalid assertion")) };
    let read = |part: &str| base64::decoded(part).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let (Some(header), Some(claims)) = (read(header), read(claims)) else {
        return Err(("invalid_grant", "invalid assertion"));
    };
    if text(&header, "alg") != "RS256" || signature.is_empty() {
        return Err(("invalid_grant", "invalid assertion"));
    }
    if text(&claims, "iss") != config.client_id {
        return Err(("invalid_client_id", "client identifier invalid"));
    }
    if text(&claims, "sub") != config.username {
        return Err(("invalid_grant", "user hasn't approved this consumer"));
    }
    let audience = text(&claims, "aud");
    if !AUDIENCES.contains(&audience) && audience != own_url(request) {
        return Err(("invalid_grant", "audience is invalid"));
    }
    // Libraries write the time as a number or as its digits.
    let time = claims.get("exp").and_then(|time| time.as_f64().or_else(|| time.as_str()?.parse().ok()));
    if time.is_none() {
        return Err(("invalid_grant", "expired authorization code"));
    }
    Ok(())
}

/// Token errors are an object.
fn refused(error: &str, description: &str) -> Reply {
    Reply::json(400, &json!({"error": error, "error_description": description}))
}

fn value<'f>(form: &'f [(String, String)], name: &str) -> &'f str {
    form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body).replace('+', " ");
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (super::decoded(name), super::decoded(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}
