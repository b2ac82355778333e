//! A token endpoint of OAuth 2.0 that refuses what RFC 6749, 7523 and 7636 say is to be refused, in their words.
//!
//! Generic: a fake destination can carry it on its own server ([`Oauth::answer`]) and ask it who a bearer is
//! ([`Oauth::accepts`]). Tokens end by a number of uses or by [`Oauth::expire`], never by a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use crate::server::{Recorded, Reply, Server, Service, lock};

mod assertion;
mod form;

use form::{Form, client_of};

/// Where tokens are asked for.
pub const TOKEN_PATH: &str = "/token";
/// Where a person approves; here everybody does at once.
pub const AUTHORIZE_PATH: &str = "/authorize";

const FORM: &str = "application/x-www-form-urlencoded";

/// Where the client's id and secret must stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the form.
    #[default]
    Form,
    /// As `Authorization: Basic`.
    Basic,
}

/// What the endpoint takes, and how it answers.
#[derive(Clone, Debug)]
pub struct Config {
    /// The client's id.
    pub client_id: String,
    /// Its secret; none for a public client, which must not send one.
    pub client_secret: Option<String>,
    /// Where they stand.
    pub client_auth: ClientAuth,
    /// A refresh token that is there from the start.
    pub refresh_token: Option<String>,
    /// Whether each renewal brings a new refresh token and ends the old one.
    pub rotates: bool,
    /// `expires_in` of the answers.
    pub expires_in: Option<u64>,
    /// Uses after which an access token ends.
    pub uses_max: Option<u32>,
    /// `instance_url` of the answers.
    pub instance_url: Option<String>,
    /// `token_type` of the answers.
    pub token_type: String,
    /// DER of the RSA key that assertions are checked with; none takes no assertion.
    pub public_key: Option<Vec<u8>>,
    /// Whom assertions must be for.
    pub audience: String,
    /// In front of every token, so that tests can search for it.
    pub prefix: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            client_id: "app".to_owned(),
            client_secret: Some("app-secret".to_owned()),
            client_auth: ClientAuth::Form,
            refresh_token: None,
            rotates: false,
            expires_in: Some(3_600),
            uses_max: None,
            instance_url: None,
            token_type: "Bearer".to_owned(),
            public_key: None,
            audience: "https://login.example.com".to_owned(),
            prefix: "canary-token-".to_owned(),
        }
    }
}

/// A code that was handed out.
#[derive(Clone, Debug)]
struct Code {
    redirect_uri: String,
    challenge: String,
}

#[derive(Debug, Default)]
struct State {
    issued: u64,
    granted: u64,
    /// Access tokens that are good, and how often each was used.
    access: BTreeMap<String, u32>,
    refresh: BTreeSet<String>,
    codes: BTreeMap<String, Code>,
}

/// A refusal: status, `error`, `error_description`.
type Refusal = (u16, &'static str, &'static str);

/// The endpoint's rules and state.
#[derive(Debug)]
pub struct Oauth {
    config: Config,
    state: Mutex<State>,
}

impl Oauth {
    /// An endpoint, to be served by whoever wants one.
    pub fn new(config: Config) -> Arc<Self> {
        let refresh = config.refresh_token.iter().cloned().collect();
        Arc::new(Self { config, state: Mutex::new(State { refresh, ..State::default() }) })
    }

    /// An endpoint on a server of its own.
    pub async fn start(config: Config) -> std::io::Result<(Arc<Self>, Server)> {
        let oauth = Self::new(config);
        let server = Server::start(Arc::clone(&oauth)).await?;
        Ok((oauth, server))
    }

    /// Ends every access token, as a policy or a person does.
    pub fn expire(&self) {
        lock(&self.state).access.clear();
    }

    /// Ends every refresh token, too.
    pub fn revoke(&self) {
        let mut state = lock(&self.state);
        state.access.clear();
        state.refresh.clear();
    }

    /// An access token that is good, as if it had been asked for before.
    pub fn issue(&self) -> String {
        let mut state = lock(&self.state);
        let token = self.fresh(&mut state, "access");
        state.access.insert(token.clone(), 0);
        token
    }

    /// How many tokens were granted.
    pub fn granted(&self) -> u64 {
        lock(&self.state).granted
    }

    /// The refresh tokens that are good.
    pub fn refresh_tokens(&self) -> Vec<String> {
        lock(&self.state).refresh.iter().cloned().collect()
    }

    /// Whether a request has a good bearer; the use counts.
    ///
    /// # Errors
    /// The answer that RFC 6750, section 3.1 asks for.
    pub fn accepts(&self, request: &Recorded) -> Result<(), Reply> {
        let refused = || {
            let said = r#"Bearer error="invalid_token", error_description="The access token expired""#;
            Reply::json(401, &json!({ "error": "invalid_token" })).header("www-authenticate", said)
        };
        let token = request.bearer().ok_or_else(refused)?;
        let mut state = lock(&self.state);
        let uses = state.access.get_mut(token).ok_or_else(refused)?;
        *uses += 1;
        if self.config.uses_max.is_some_and(|max| *uses >= max) {
            state.access.remove(token);
        }
        Ok(())
    }

    fn fresh(&self, state: &mut State, kind: &str) -> String {
        state.issued += 1;
        format!("{}{kind}-{}", self.config.prefix, state.issued)
    }

    /// Approves at once, and sends the person back with a code (RFC 6749, section 4.1.2).
    fn authorize(&self, request: &Recorded) -> Reply {
        let (Some(client), Some(back)) = (request.parameter("client_id"), request.parameter("redirect_uri")) else {
            return Reply::text(400, "client_id and redirect_uri are required");
        };
        // RFC 8252, section 7.3: any port of the loopback address.
        if client != self.config.client_id || !back.starts_with("http://127.0.0.1:") {
            return Reply::text(400, "unknown client or redirect_uri");
        }
        let state = request.parameter("state").unwrap_or_default();
        let parameter = |name| request.parameter(name).unwrap_or_default();
        let challenge = parameter("code_challenge");
        if parameter("response_type") != "code" {
            return found(back, "error=unsupported_response_type", state);
        }
        // RFC 7636, section 4.4.1.
        if challenge.len() != 43 || parameter("code_challenge_method") != "S256" {
            return found(back, "error=invalid_request&error_description=code+challenge+required", state);
        }
        let mut kept = lock(&self.state);
        let code = self.fresh(&mut kept, "code");
        kept.codes.insert(code.clone(), Code { redirect_uri: back.to_owned(), challenge: challenge.to_owned() });
        found(back, &format!("code={code}"), state)
    }

    fn token(&self, request: &Recorded) -> Result<Value, Refusal> {
        let form = Form::of(request)?;
        let grant = form.get("grant_type").ok_or((400, "invalid_request", "grant_type is missing"))?;
        if grant == "urn:ietf:params:oauth:grant-type:jwt-bearer" {
            let signed = form.get("assertion").ok_or((400, "invalid_request", "assertion is missing"))?;
            let key = self.config.public_key.as_deref().ok_or((400, "unsupported_grant_type", ""))?;
            assertion::check(signed, key, &self.config.audience)?;
            return Ok(self.grant(&mut lock(&self.state), false));
        }
        client_of(request, &form, &self.config)?;
        let mut state = lock(&self.state);
        match grant {
            "client_credentials" if self.config.client_secret.is_some() => Ok(self.grant(&mut state, false)),
            "client_credentials" => Err((400, "unauthorized_client", "a public client has no credentials")),
            "refresh_token" => {
                let token = form.get("refresh_token").ok_or((400, "invalid_request", "refresh_token is missing"))?;
                if !state.refresh.contains(token) {
                    return Err((400, "invalid_grant", "the refresh token is invalid, expired or revoked"));
                }
                if self.config.rotates {
                    state.refresh.remove(token);
                }
                Ok(self.grant(&mut state, self.config.rotates))
            }
            "authorization_code" => {
                let code = form.get("code").ok_or((400, "invalid_request", "code is missing"))?;
                // A code is good for one use, also where that use fails.
                let known = state.codes.remove(code).ok_or((400, "invalid_grant", "expired authorization code"))?;
                if form.get("redirect_uri") != Some(known.redirect_uri.as_str()) {
                    return Err((400, "invalid_grant", "redirect_uri does not match"));
                }
                let verifier = form.get("code_verifier").unwrap_or_default();
                if !form::proves(verifier, &known.challenge) {
                    return Err((400, "invalid_grant", "code verifier does not match the challenge"));
                }
                Ok(self.grant(&mut state, true))
            }
            _ => Err((400, "unsupported_grant_type", "")),
        }
    }

    fn grant(&self, state: &mut State, with_refresh: bool) -> Value {
        state.granted += 1;
        let access = self.fresh(state, "access");
        state.access.insert(access.clone(), 0);
        let mut answer = Map::new();
        answer.insert("access_token".to_owned(), json!(access));
        answer.insert("token_type".to_owned(), json!(self.config.token_type));
        answer.extend(self.config.expires_in.iter().map(|seconds| ("expires_in".to_owned(), json!(seconds))));
        answer.extend(self.config.instance_url.iter().map(|url| ("instance_url".to_owned(), json!(url))));
        if with_refresh {
            let refresh = self.fresh(state, "refresh");
            state.refresh.insert(refresh.clone());
            answer.insert("refresh_token".to_owned(), json!(refresh));
        }
        Value::Object(answer)
    }
}

impl Service for Oauth {
    fn answer(&self, request: &Recorded) -> Reply {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", AUTHORIZE_PATH) => self.authorize(request),
            ("POST", TOKEN_PATH) => match self.token(request) {
                Ok(answer) => Reply::json(200, &answer).header("cache-control", "no-store"),
                Err((status, error, said)) => {
                    let reply = Reply::json(status, &json!({ "error": error, "error_description": said }));
                    if status == 401 { reply.header("www-authenticate", "Basic realm=\"token\"") } else { reply }
                }
            },
            (_, TOKEN_PATH) => Reply::json(405, &json!({ "error": "invalid_request" })),
            _ => Reply::text(404, "not found"),
        }
    }
}

/// Sends the person back.
fn found(back: &str, said: &str, state: &str) -> Reply {
    let mark = if back.contains('?') { '&' } else { '?' };
    Reply::empty(302).header("location", &format!("{back}{mark}{said}&state={state}"))
}

#[cfg(test)]
mod tests;
