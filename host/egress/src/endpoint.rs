//! The place where tokens come from: its URL, taken apart once, and what it answers.

use std::fmt;

use enroute_core::manifest::fill;
use enroute_core::request::{Item, Method, Request, Response};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::hosts::{HostRule, HostRuleError, Origin};
use crate::scrub::Scrubber;

/// Most letters of what an endpoint says that are shown.
const SAID_LETTERS_MAX: usize = 200;

/// A URL that is asked for tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    origin: Origin,
    path: Vec<String>,
}

/// Why a text is no such URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// A setting has no value.
    #[error("`{0}` needs setting `{1}`, which has no value")]
    NoSetting(String, String),
    /// It is not a URL of the form that is needed.
    #[error("`{0}` must be like `https://login.example.com/oauth2/token`, without query, user and escapes")]
    NotAUrl(String),
    /// Its host is none.
    #[error("`{0}` has no usable host: {1}")]
    Host(String, #[source] HostRuleError),
}

impl Endpoint {
    /// Takes apart a URL of a manifest, with `{setting}` filled in. A setting within a name must be one label of it.
    ///
    /// # Errors
    /// When the result is no URL, or goes to another host than the manifest's text leads to expect.
    pub fn of_manifest(template: &str, settings: &Map<String, Value>) -> Result<Self, EndpointError> {
        let url = fill(template, settings).map_err(|name| EndpointError::NoSetting(template.to_owned(), name))?;
        let endpoint = Self::parse(&url)?;
        // What a setting says must not end the host's name and begin a path, user or port of its own.
        let expected = template.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
        if let Some(host) = expected.filter(|host| host.contains('{')) {
            let rule =
                HostRule::of_manifest(host, settings).map_err(|error| EndpointError::Host(url.clone(), error))?;
            let whole = host.starts_with('{') && host.ends_with('}');
            if !whole && rule.as_ref() != Some(&endpoint.rule()) {
                return Err(EndpointError::NotAUrl(url));
            }
        }
        Ok(endpoint)
    }

    fn parse(url: &str) -> Result<Self, EndpointError> {
        let not_a_url = || EndpointError::NotAUrl(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(not_a_url)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains(['?', '#', '%', '\\']) || path.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(not_a_url());
        }
        let origin = Origin::parse(&format!("{scheme}://{host}")).ok_or_else(not_a_url)?;
        let origin = origin.map_err(|error| EndpointError::Host(url.to_owned(), error))?;
        Ok(Self { origin, path: path.split('/').map(str::to_owned).collect() })
    }

    /// The rule that the operator must grant.
    #[must_use]
    pub fn rule(&self) -> HostRule {
        HostRule::of_origin(&self.origin)
    }

    /// Whether it is encrypted.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.origin.https
    }

    /// The request that posts a form there.
    #[must_use]
    pub fn post(&self, form: String) -> Request {
        let header = |name: &str, value: &str| Item { name: name.to_owned(), value: value.to_owned() };
        Request {
            method: Method::Post,
            origin: self.origin.to_string(),
            path: self.path.clone(),
            query: Vec::new(),
            headers: vec![
                header("content-type", "application/x-www-form-urlencoded"),
                header("accept", "application/json"),
            ],
            body: form.into_bytes(),
            slots: Vec::new(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.origin, self.path.join("/"))
    }
}

/// Whether two URLs have the same scheme, host and port. False where one of them is none.
#[must_use]
pub fn same_origin(one: &str, other: &str) -> bool {
    let origin = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        Origin::parse(&format!("{}://{host}", scheme.to_ascii_lowercase()))?.ok()
    };
    origin(one).is_some_and(|one| origin(other) == Some(one))
}

/// What an endpoint answered. Not scrubbed, because tokens are what it brings: nothing of it goes to a plugin.
pub struct TokenAnswer {
    status: u16,
    retry_after_s: Option<u64>,
    body: Zeroizing<Vec<u8>>,
    scrubber: Scrubber,
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenAnswer({})", self.status)
    }
}

impl TokenAnswer {
    pub(super) fn new(response: Response, scrubber: Scrubber) -> Self {
        let later = response.headers.iter().find(|item| item.name.eq_ignore_ascii_case("retry-after"));
        Self {
            status: response.status,
            retry_after_s: later.and_then(|item| item.value.trim().parse().ok()),
            body: Zeroizing::new(response.body),
            scrubber,
        }
    }

    /// The answer to a request that was made with one secret, which is masked wherever the answer is shown.
    #[must_use]
    pub fn of(status: u16, body: &str, secret: &str) -> Self {
        let mut scrubber = Scrubber::default();
        scrubber.add("token", secret);
        Self::new(Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }, scrubber)
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Seconds to wait, where it says so.
    #[must_use]
    pub const fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// The body. What is taken from it for a person goes through [`TokenAnswer::shown`].
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Text of the answer as a person may see it: short, one line, without the secrets that it was asked with.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        let clean = self.scrubber.scrub_text(text.as_bytes());
        let line = clean.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        line.collect::<Vec<_>>().join(" ").chars().take(SAID_LETTERS_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, expect: &str) {
        let settings = serde_json::json!({ "login": "https://login.example.com", "account": "acme",
            "evil": "evil.example/", "local": "http://127.0.0.1:8080" });
        let got = match Endpoint::of_manifest(template, settings.as_object().unwrap()) {
            Ok(endpoint) => format!("{endpoint} at {}", endpoint.rule()),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn a_url_is_taken_apart_and_a_setting_cannot_lead_elsewhere() {
        check("https://login.example.com/oauth2/token", "https://login.example.com/oauth2/token at login.example.com");
        check("{login}/oauth2/token", "https://login.example.com/oauth2/token at login.example.com");
        check("{local}/token", "http://127.0.0.1:8080/token at 127.0.0.1:8080");
        check("https://{account}.example.com/token", "https://acme.example.com/token at acme.example.com");
        check(
            "https://{evil}.example.com/token",
            "`https://evil.example/.example.com/token` has no usable host: host rule `evil.example/` has a label \
             that is empty, longer than 63 bytes or not of letters, digits and `-`",
        );
        check(
            "https://{none}.example.com/x",
            "`https://{none}.example.com/x` needs setting `none`, which has no value",
        );
        let not = "must be like `https://login.example.com/oauth2/token`, without query, user and escapes";
        check("https://login.example.com/token?a=1", &format!("`https://login.example.com/token?a=1` {not}"));
        check("ftp://login.example.com/token", &format!("`ftp://login.example.com/token` {not}"));
    }

    #[test]
    fn origins_are_compared_and_not_texts() {
        for same in ["https://a.example", "https://A.example:443", "HTTPS://a.example/path"] {
            assert!(same_origin("https://a.example/", same), "{same}");
        }
        for other in ["http://a.example", "https://a.example:8443", "https://a.example.evil.example", "a.example", ""] {
            assert!(!same_origin("https://a.example", other), "{other}");
        }
    }
}
