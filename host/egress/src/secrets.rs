//! Credentials: put into a request that nobody changes any more, and wiped from what comes back.
//!
//! The only place that reveals a [`Secret`]. What must never happen: a secret in a request to a host known only
//! from an answer, in a message, or in anything handed to a plugin.

use std::collections::{BTreeMap, BTreeSet};

use enroute_core::manifest::{Auth, Condition, Oauth, fill};
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::assertion::{self, Claims, KeyError};
use crate::encode::{base64, hex, percent};
use crate::error::Error;
use crate::place::{Place, Placed};
use crate::rules::{Refused, is_forbidden};
use crate::scrub::Scrubber;
use crate::slots::{Outgoing, with_field, with_member};
use enroute_config::secret::Secret;
use enroute_store::{self as store, Sealer};

const AUTHORIZATION: &str = "authorization";
const FORM: &str = "application/x-www-form-urlencoded";

/// What authenticates the requests of one destination.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Where the manifest puts secrets. An entry applies when all its secrets are configured.
    pub auth: Vec<Auth>,
    /// The secrets that are configured, by name. An empty one counts as not configured.
    pub secrets: BTreeMap<String, Secret>,
    /// The destination's settings, for `{setting}` and `timed_by`.
    pub settings: Map<String, Value>,
}

/// Whether values are shown by name or as they are.
#[derive(Clone, Copy)]
enum View<'a> {
    Masked,
    Real { unix_seconds: u64, token: &'a str },
}

impl Credentials {
    /// A keyed hash of all secrets, by which two destinations with the same credential are known without
    /// revealing it.
    #[must_use]
    pub fn fingerprint(&self, key: &[u8; 32]) -> [u8; 32] {
        let mut text = Zeroizing::new(String::new());
        for (name, secret) in &self.secrets {
            let value = secret.reveal();
            text.push_str(&format!("{}:{name}{}:", name.len(), value.len()));
            text.push_str(value);
        }
        hmac_sha256(key, text.as_bytes())
    }

    /// Finds out before anything is sent whether every credential can be put where it belongs.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut taken = BTreeSet::new();
        for auth in self.applicable() {
            if let Auth::Basic { user, .. } = auth {
                fill(user, &self.settings).map_err(Error::NoSetting)?;
            }
            // Seconds of any time do: they are digits.
            for placed in self.placed(auth, View::Real { unix_seconds: 0, token: "" }) {
                if let Place::Header(name) = &placed.place {
                    let fits = name == AUTHORIZATION || !is_forbidden(name);
                    if !fits || HeaderName::from_bytes(name.as_bytes()).is_err() {
                        return Err(Error::HeaderName(name.clone()));
                    }
                    if HeaderValue::from_str(&placed.value).is_err() {
                        return Err(Error::Unsendable(auth.secrets().join("`, `")));
                    }
                }
                if !taken.insert(placed.place.clone()) {
                    return Err(Error::PlaceTaken(placed.place.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Every place that the manifest's auth speaks of, whether its secrets are configured or not.
    pub(super) fn owned(&self) -> Vec<Place> {
        self.auth.iter().flat_map(|auth| self.placed(auth, View::Masked)).map(|placed| placed.place).collect()
    }

    /// What will be put in, with names in place of values.
    pub(super) fn masked(&self) -> Vec<Placed> {
        self.applicable().flat_map(|auth| self.placed(auth, View::Masked)).collect()
    }

    /// Puts the credentials in. Returns what was computed from secrets and must be wiped from the answer as well.
    pub(super) fn apply(
        &self,
        outgoing: &mut Outgoing,
        unix_seconds: u64,
        token: Option<&Secret>,
    ) -> Result<Applied, Refused> {
        let mut applied = Applied { any: false, derived: Vec::new() };
        let token = match (token.map(Secret::reveal), self.oauth()) {
            (Some(token), Some(_)) => {
                applied.derived.push(("token".to_owned(), Zeroizing::new(token.to_owned())));
                token
            }
            (None, Some(_)) => return Err(Refused::NoToken),
            (_, None) => "",
        };
        for auth in self.applicable() {
            for placed in self.placed(auth, View::Real { unix_seconds, token }) {
                applied.any |= put(outgoing, &placed)?;
                if let Some(name) = placed.derived_from {
                    applied.derived.push((name, placed.value));
                }
            }
        }
        Ok(applied)
    }

    /// The way in which tokens are got, where one applies.
    #[must_use]
    pub fn oauth(&self) -> Option<&Oauth> {
        self.applicable().find_map(|auth| if let Auth::Oauth2(oauth) = auth { Some(oauth.as_ref()) } else { None })
    }

    /// A secret that is configured and not empty.
    #[must_use]
    pub fn configured(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(name).filter(|secret| !secret.reveal().is_empty())
    }

    /// What wipes the secrets from an answer.
    pub(super) fn scrubber(&self) -> Scrubber {
        let mut scrubber = Scrubber::default();
        for (name, secret) in &self.secrets {
            scrubber.add(name, secret.reveal());
        }
        for auth in self.applicable() {
            if let Auth::Basic { user, secret } = auth {
                let pair = Zeroizing::new(format!("{}:{}", self.shown_user(user), self.value(secret)));
                scrubber.add(secret, &base64(pair.as_bytes()));
            }
        }
        scrubber
    }

    fn applicable(&self) -> impl Iterator<Item = &Auth> {
        let configured = |name: &str| self.configured(name).is_some();
        let chosen = |auth: &Auth| match auth {
            Auth::Oauth2(oauth) => Condition(oauth.when.as_deref()).holds(&self.settings),
            _ => true,
        };
        self.auth.iter().filter(move |auth| chosen(auth) && auth.secrets().into_iter().all(configured))
    }

    fn value(&self, name: &str) -> &str {
        self.secrets.get(name).map_or("", Secret::reveal)
    }

    fn placed(&self, auth: &Auth, view: View<'_>) -> Vec<Placed> {
        let text = |name: &str| match view {
            View::Masked => format!("{{secret:{name}}}"),
            View::Real { .. } => self.value(name).to_owned(),
        };
        let one = |place, value: String| vec![Placed { place, value: Zeroizing::new(value), derived_from: None }];
        match auth {
            Auth::Bearer { secret } => one(
                Place::Header(AUTHORIZATION.to_owned()),
                format!("Bearer {}", Zeroizing::new(text(secret)).as_str()),
            ),
            Auth::Header { name, secret } => one(Place::Header(name.to_ascii_lowercase()), text(secret)),
            Auth::Query { name, secret } => one(Place::Query(name.clone()), text(secret)),
            Auth::Form { name, secret } => one(Place::Form(name.clone()), text(secret)),
            Auth::Json { name, secret } => one(Place::Json(name.clone()), text(secret)),
            Auth::Basic { user, secret } => {
                let pair = Zeroizing::new(format!("{}:{}", self.shown_user(user), text(secret)));
                let shown = match view {
                    View::Masked => format!("{{base64:{}}}", pair.as_str()),
                    View::Real { .. } => base64(pair.as_bytes()),
                };
                one(Place::Header(AUTHORIZATION.to_owned()), format!("Basic {shown}"))
            }
            Auth::Oauth2(_) => {
                let token = match view {
                    View::Masked => "{token}",
                    View::Real { token, .. } => token,
                };
                let bearer = Zeroizing::new(format!("Bearer {token}"));
                vec![Placed { place: Place::Header(AUTHORIZATION.to_owned()), value: bearer, derived_from: None }]
            }
            Auth::HmacProof { name, key, message, time_name, timed_by } => {
                let time_name = time_name.as_deref().filter(|_| Condition(timed_by.as_deref()).holds(&self.settings));
                self.proof(name, key, message, time_name, view)
            }
        }
    }

    fn proof(&self, name: &str, key: &str, message: &str, time_name: Option<&str>, view: View<'_>) -> Vec<Placed> {
        let (value, time) = match view {
            View::Masked => (format!("{{proof:{key},{message}}}"), "{unix-seconds}".to_owned()),
            View::Real { unix_seconds, .. } => {
                let mut signed = Zeroizing::new(self.value(message).to_owned());
                if time_name.is_some() {
                    signed.push_str(&format!("|{unix_seconds}"));
                }
                (hex(&hmac_sha256(self.value(key).as_bytes(), signed.as_bytes())), unix_seconds.to_string())
            }
        };
        let derived_from = Some(key.to_owned());
        let mut all = vec![Placed { place: Place::Query(name.to_owned()), value: Zeroizing::new(value), derived_from }];
        if let Some(time_name) = time_name {
            let place = Place::Query(time_name.to_owned());
            all.push(Placed { place, value: Zeroizing::new(time), derived_from: None });
        }
        all
    }

    fn shown_user(&self, user: &str) -> String {
        fill(user, &self.settings).unwrap_or_else(|_| user.to_owned())
    }
}

/// What [`Credentials::apply`] did.
pub(super) struct Applied {
    /// Whether the request carries a credential.
    pub(super) any: bool,
    /// Name of the secret and the value computed from it.
    pub(super) derived: Vec<(String, Zeroizing<String>)>,
}

/// What a request for a token is authenticated with.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// A secret as a field of the form.
    Field(&'static str, &'a Secret),
    /// Id and secret of the client as `Authorization: Basic`, each escaped as in a form (RFC 6749, section 2.3.1).
    Basic(&'a str, &'a Secret),
    /// An assertion, signed by a key.
    Assertion(&'a Secret, &'a Claims),
}

impl Proof<'_> {
    /// Whether it can be made at all; nothing is sent.
    ///
    /// # Errors
    /// When the key of an assertion is none.
    pub fn check(&self) -> Result<(), KeyError> {
        match self {
            Self::Assertion(key, claims) => assertion::check(key.reveal(), claims.issuer.is_some()),
            _ => Ok(()),
        }
    }
}

/// Puts proofs in. Returns what wipes them from what is shown of the answer.
pub(super) fn prove(outgoing: &mut Outgoing, proofs: &[Proof<'_>]) -> Result<Scrubber, Refused> {
    let mut scrubber = Scrubber::default();
    for proof in proofs {
        let (place, value) = match proof {
            Proof::Field(name, secret) => {
                scrubber.add(name, secret.reveal());
                (Place::Form((*name).to_owned()), Zeroizing::new(secret.reveal().to_owned()))
            }
            Proof::Basic(user, secret) => {
                scrubber.add("client_secret", secret.reveal());
                let pair = Zeroizing::new(format!("{}:{}", percent(user), percent(secret.reveal())));
                let encoded = Zeroizing::new(base64(pair.as_bytes()));
                scrubber.add("client_secret", &encoded);
                (Place::Header(AUTHORIZATION.to_owned()), Zeroizing::new(format!("Basic {}", encoded.as_str())))
            }
            Proof::Assertion(key, claims) => {
                let signed = assertion::sign(key.reveal(), claims)?;
                scrubber.add("assertion", &signed);
                (Place::Form("assertion".to_owned()), signed)
            }
        };
        put(outgoing, &Placed { place, value, derived_from: None })?;
    }
    Ok(scrubber)
}

/// A secret as the store keeps it.
///
/// # Errors
/// If the system gives no random bytes.
pub fn seal(secret: &Secret, sealer: &Sealer, context: &[u8]) -> Result<Vec<u8>, store::Error> {
    sealer.seal(context, secret.reveal().as_bytes())
}

/// Puts one value in its place. False where the request has no body that it could go into.
fn put(outgoing: &mut Outgoing, placed: &Placed) -> Result<bool, Refused> {
    match &placed.place {
        Place::Header(name) => {
            let unfit = |_| Refused::HeaderValue(name.clone());
            let mut value = HeaderValue::from_str(&placed.value).map_err(unfit)?;
            value.set_sensitive(true);
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Refused::HeaderName(name.clone()))?;
            outgoing.headers.push((name, value));
        }
        Place::Query(name) => outgoing.push_query(name, &placed.value),
        Place::Form(_) | Place::Json(_) if outgoing.body.is_empty() => return Ok(false),
        Place::Form(name) => {
            let kind = outgoing.header("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if !kind.eq_ignore_ascii_case(FORM) {
                return Err(Refused::BodyKind { wanted: "form" });
            }
            outgoing.body = with_field(&outgoing.body, name, &placed.value)?;
        }
        Place::Json(name) => outgoing.body = with_member(&outgoing.body, name, &placed.value)?,
    }
    Ok(true)
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    // Keys longer than a block are hashed first (RFC 2104); a block is the one length that never fails.
    let mut block = Zeroizing::new([0; 64]);
    let hashed = Sha256::digest(key);
    let used = if key.len() > block.len() { hashed.as_slice() } else { key };
    block.iter_mut().zip(used).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&(*block).into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
