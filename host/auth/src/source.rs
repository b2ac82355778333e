//! One way of getting tokens, ready to ask: the manifest's entry with the operator's settings, secrets and grant.
//!
//! What must never happen: a request to a token endpoint whose host the operator does not grant, or over plain http
//! where no network is allowed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use enroute_core::manifest::{ClientAuth, Grant, Oauth, fill};
use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::answer::{self, Granted, Problem};
use crate::error::{Remedy, TokenError};
use enroute_config::secret::Secret;
use enroute_egress::{
    self as egress, Claims, Client, Credentials, Endpoint, EndpointError, Failure, HostGrant, HostRule,
};
use enroute_egress::{KeyError, Limits, Proof, Refusal, percent, same_origin};
use enroute_store::{Reader, Sealer, tokens};

/// Longest wait for a token; a plugin's call, which waits for it, has a minute in all.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Largest answer: tokens have a few KiB.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How long an endpoint in trouble is left alone where it does not say.
const PAUSE_MS: u64 = 1_000;
/// … and where it does, at most.
const PAUSE_MS_MAX: u64 = 3_600_000;

/// Why tokens cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The operator does not grant the endpoint's host.
    #[error("tokens come from `{endpoint}`, and plugins.toml does not grant host `{rule}`")]
    NotGranted {
        /// The URL.
        endpoint: String,
        /// What to grant.
        rule: HostRule,
    },
    /// The URL is none.
    #[error("`token_url` of the manifest: {0}")]
    Endpoint(#[from] EndpointError),
    /// It is not encrypted, and no network is allowed.
    #[error("tokens come from `{0}`, which must begin with `https://`: the destination has no `allow_networks`")]
    PlainHttp(String),
    /// A setting has no value.
    #[error("auth needs setting `{0}`, which has no value")]
    NoSetting(String),
    /// The key cannot sign.
    #[error("secret `{secret}` cannot sign: {cause}")]
    Key {
        /// Its name.
        secret: String,
        /// Why.
        cause: KeyError,
    },
    /// There is no way out.
    #[error(transparent)]
    Client(#[from] egress::Error),
}

/// What a token is asked for with.
#[derive(Debug, Clone, Copy)]
pub(super) enum With<'a> {
    Refresh(&'a Secret),
    /// What the client has by itself: its credentials, or its key.
    Own,
    /// The code that a person's approval brought.
    Code {
        code: &'a Secret,
        verifier: &'a Secret,
        redirect_uri: &'a str,
    },
}

/// Why asking brought no token.
#[derive(Debug)]
pub(super) struct NotGranted {
    pub(super) error: TokenError,
    /// Whether somebody else is renewing with the same refresh token.
    pub(super) raced: bool,
}

/// One way of getting tokens for one destination.
pub struct Source {
    destination: String,
    /// With settings in place of their names.
    oauth: Oauth,
    endpoint: Endpoint,
    client_secret: Option<Secret>,
    refresh_token: Option<Secret>,
    private_key: Option<Secret>,
    client: Client,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({} at {})", self.oauth.grant.word(), self.endpoint)
    }
}

impl Source {
    /// What the manifest's auth says about tokens, where it does, checked against the grant.
    ///
    /// # Errors
    /// When tokens could not be asked for so.
    pub fn of(
        destination: &str,
        credentials: &Credentials,
        granted: &[HostRule],
        allow_networks: &[IpNet],
    ) -> Result<Option<Self>, SourceError> {
        let Some(oauth) = credentials.oauth() else { return Ok(None) };
        let endpoint = Endpoint::of_manifest(&oauth.token_url, &credentials.settings)?;
        let rule = endpoint.rule();
        if !granted.iter().any(|granted| granted.covers(&rule)) {
            return Err(SourceError::NotGranted { endpoint: endpoint.to_string(), rule });
        }
        if !endpoint.is_https() && allow_networks.is_empty() {
            return Err(SourceError::PlainHttp(endpoint.to_string()));
        }
        let secret = |name: &Option<String>| credentials.configured(name.as_deref()?).cloned();
        let client = Client::new(egress::Config {
            hosts: HostGrant { asked: vec![rule], answers: Vec::new(), granted: granted.to_vec() },
            allow_networks: allow_networks.to_vec(),
            credentials: Credentials::default(),
            limits: Limits { response_bytes_max: ANSWER_BYTES_MAX, ..Limits::default() },
        })?;
        let source = Self {
            destination: destination.to_owned(),
            client_secret: secret(&oauth.client_secret),
            refresh_token: secret(&oauth.refresh_token),
            private_key: secret(&oauth.private_key),
            oauth: filled(oauth, &credentials.settings)?,
            endpoint,
            client,
        };
        source.check_key()?;
        Ok(Some(source))
    }

    fn check_key(&self) -> Result<(), SourceError> {
        let Some(key) = self.private_key.as_ref().filter(|_| self.oauth.grant == Grant::JwtBearer) else {
            return Ok(());
        };
        let secret = self.oauth.private_key.clone().unwrap_or_default();
        Proof::Assertion(key, &self.claims(0)).check().map_err(|cause| SourceError::Key { secret, cause })
    }

    /// The destination that it is for.
    #[must_use]
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// Whether its refresh token comes from `enroute login` and not from a secret.
    #[must_use]
    pub fn needs_login(&self) -> bool {
        self.oauth.grant == Grant::RefreshToken && self.refresh_token.is_none()
    }

    /// Whether somebody could log in.
    #[must_use]
    pub const fn can_login(&self) -> bool {
        self.oauth.authorize_url.is_some()
    }

    /// Whether somebody has to log in before a token can be got.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn lacks_login(&self, reader: &Reader) -> Result<bool, enroute_store::Error> {
        if !self.needs_login() {
            return Ok(false);
        }
        let known = tokens::find(reader, &self.credential(reader.sealer()))?;
        Ok(known.is_none_or(|row| row.refresh.is_none()))
    }

    /// The manifest's entry, with settings in place of their names.
    #[must_use]
    pub const fn oauth(&self) -> &Oauth {
        &self.oauth
    }

    pub(super) const fn own_refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// Names what tokens are asked for with, so that they are found again: the same before and after a rotation, and
    /// after a correction of the client's secret.
    pub(super) fn credential(&self, sealer: &Sealer) -> [u8; 16] {
        let oauth = &self.oauth;
        let mut hash = sealer.keyed_hasher("token credential");
        let mut part = |text: Option<&str>| hash.update_part(text.map(str::as_bytes));
        part(Some(oauth.grant.word()));
        part(Some(&self.endpoint.to_string()));
        part(oauth.client_id.as_deref());
        let secret = match oauth.grant {
            Grant::RefreshToken => &self.refresh_token,
            Grant::ClientCredentials => &self.client_secret,
            Grant::JwtBearer => &self.private_key,
        };
        if oauth.grant == Grant::RefreshToken {
            // Whoever approved did so for one destination.
            part(secret.is_none().then_some(self.destination.as_str()));
        } else {
            [&oauth.issuer, &oauth.subject, &oauth.audience].into_iter().for_each(|text| part(text.as_deref()));
            part(Some(&oauth.scopes.join(" ")));
        }
        hash.update_part(secret.as_ref().map(|secret| fingerprint(sealer, secret)).as_ref().map(<[u8; 32]>::as_slice));
        hash.finish()
    }

    /// Names everything that a token depends on: one that was got under other settings is not used.
    pub(super) fn settings(&self, sealer: &Sealer) -> [u8; 16] {
        let mut hash = sealer.keyed_hasher("token settings");
        hash.update_part(Some(&self.credential(sealer)));
        hash.update_part(Some(self.oauth.scopes.join(" ").as_bytes()));
        hash.update_part(self.oauth.instance.as_deref().map(str::as_bytes));
        let client = self.client_secret.as_ref().map(|secret| fingerprint(sealer, secret));
        hash.update_part(client.as_ref().map(<[u8; 32]>::as_slice));
        hash.finish()
    }

    fn claims(&self, issued_s: u64) -> Claims {
        let scope = self.oauth.scopes.join(" ");
        Claims {
            issuer: self.oauth.issuer.clone(),
            subject: self.oauth.subject.clone(),
            audience: self.oauth.audience.clone().unwrap_or_else(|| self.endpoint.to_string()),
            scope: Some(scope).filter(|scope| !scope.is_empty()),
            issued_s,
        }
    }

    /// Asks once.
    pub(super) async fn ask(&self, with: With<'_>, now_ms: u64) -> Result<Granted, NotGranted> {
        let claims = self.claims(now_ms / 1_000);
        let (form, proofs) = self.request(with, &claims);
        let later = |why: String| NotGranted { error: self.unavailable(why, None), raced: false };
        let answer = match self.client.ask(&self.endpoint.post(form), &proofs, ANSWER_MAX).await {
            Ok(answer) => answer,
            Err(Failure::Refused(Refusal { reason: why, .. }) | Failure::Denied(why)) => {
                let error = TokenError::Denied { endpoint: self.endpoint.to_string(), why };
                return Err(NotGranted { error, raced: false });
            }
            Err(Failure::Untrusted(why)) => {
                let error = TokenError::Untrusted { endpoint: self.endpoint.to_string(), why };
                return Err(NotGranted { error, raced: false });
            }
            Err(failure) => return Err(later(failure.to_string())),
        };
        answer::read(&answer).map_err(|problem| match problem {
            Problem::Raced(said) => NotGranted { error: self.unavailable(said, None), raced: true },
            Problem::Later { why, after_s } => NotGranted { error: self.unavailable(why, after_s), raced: false },
            Problem::Refused { code, said } => {
                let remedy = self.remedy(&code, with);
                let error = TokenError::Refused { endpoint: self.endpoint.to_string(), said, remedy };
                NotGranted { error, raced: false }
            }
        })
    }

    /// What an answer openly says, and what proves it.
    fn request<'a>(&'a self, with: With<'a>, claims: &'a Claims) -> (String, Vec<Proof<'a>>) {
        let oauth = &self.oauth;
        let mut fields = Vec::new();
        let mut proofs = Vec::new();
        match with {
            With::Refresh(token) => {
                fields.push(("grant_type", "refresh_token".to_owned()));
                proofs.push(Proof::Field("refresh_token", token));
            }
            With::Code { code, verifier, redirect_uri } => {
                fields.push(("grant_type", "authorization_code".to_owned()));
                fields.push(("redirect_uri", redirect_uri.to_owned()));
                proofs.extend([Proof::Field("code", code), Proof::Field("code_verifier", verifier)]);
            }
            With::Own => match (oauth.grant, &self.private_key) {
                (Grant::JwtBearer, Some(key)) => {
                    fields.push(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
                    proofs.push(Proof::Assertion(key, claims));
                    return (form(&fields), proofs);
                }
                _ => {
                    fields.push(("grant_type", "client_credentials".to_owned()));
                    fields.extend(claims.scope.iter().map(|scope| ("scope", scope.clone())));
                }
            },
        }
        let id = oauth.client_id.as_deref().unwrap_or_default();
        match (&self.client_secret, oauth.client_auth) {
            (Some(secret), ClientAuth::Basic) => proofs.push(Proof::Basic(id, secret)),
            (secret, _) => {
                fields.push(("client_id", id.to_owned()));
                proofs.extend(secret.iter().map(|secret| Proof::Field("client_secret", secret)));
            }
        }
        (form(&fields), proofs)
    }

    fn unavailable(&self, why: String, after_s: Option<u64>) -> TokenError {
        let after_ms = after_s.map_or(PAUSE_MS, |seconds| seconds.saturating_mul(1_000).min(PAUSE_MS_MAX));
        TokenError::Unavailable { endpoint: self.endpoint.to_string(), why, after_ms }
    }

    fn remedy(&self, code: &str, with: With<'_>) -> Remedy {
        let named = |name: &Option<String>| name.clone().unwrap_or_default();
        match code {
            "invalid_client" | "invalid_client_id" | "unauthorized_client" => {
                Remedy::Client(self.oauth.client_secret.clone())
            }
            "inactive_user" | "inactive_org" => Remedy::Account,
            "invalid_grant" => match (self.oauth.grant, with) {
                (_, With::Code { .. }) => Remedy::Login,
                (Grant::RefreshToken, _) if self.needs_login() => Remedy::Login,
                (Grant::RefreshToken, _) => Remedy::RefreshToken(named(&self.oauth.refresh_token)),
                (Grant::JwtBearer, _) => Remedy::Assertion(named(&self.oauth.private_key)),
                (Grant::ClientCredentials, _) => Remedy::Client(self.oauth.client_secret.clone()),
            },
            _ => Remedy::Documentation,
        }
    }

    /// Why a token that was granted may not be used.
    pub(super) fn flaw(&self, granted: &Granted) -> Option<TokenError> {
        let endpoint = self.endpoint.to_string();
        if let Some(kind) = granted.token_type.as_ref().filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Some(TokenError::NotBearer { endpoint, kind: kind.clone() });
        }
        let (configured, found) = (self.oauth.instance.as_ref()?, granted.instance_url.as_ref()?);
        (!same_origin(configured, found)).then(|| TokenError::OtherInstance {
            endpoint,
            configured: configured.clone(),
            found: found.clone(),
        })
    }
}

/// A keyed hash of a secret.
fn fingerprint(sealer: &Sealer, secret: &Secret) -> [u8; 32] {
    let secrets = BTreeMap::from([("secret".to_owned(), secret.clone())]);
    Credentials { secrets, ..Credentials::default() }.fingerprint(&sealer.derived_key("token credential"))
}

fn form(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    fields.join("&")
}

/// The entry with settings in place of their names.
fn filled(oauth: &Oauth, settings: &Map<String, Value>) -> Result<Oauth, SourceError> {
    let one = |text: &Option<String>| {
        text.as_deref().map(|text| fill(text, settings)).transpose().map_err(SourceError::NoSetting)
    };
    Ok(Oauth {
        authorize_url: one(&oauth.authorize_url)?,
        client_id: one(&oauth.client_id)?,
        issuer: one(&oauth.issuer)?,
        subject: one(&oauth.subject)?,
        audience: one(&oauth.audience)?,
        instance: one(&oauth.instance)?,
        ..oauth.clone()
    })
}

/// Sources are shared by the destinations of a setup.
pub(super) type Shared = Arc<Source>;
