//! How a plugin's destination hands out tokens of OAuth 2.0 (RFC 6749).

use serde::{Deserialize, Serialize};

/// What a token is asked for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A refresh token, from a secret or from `enroute login` (RFC 6749, section 6).
    RefreshToken,
    /// The client's own credentials (RFC 6749, section 4.4).
    ClientCredentials,
    /// A signed assertion (RFC 7523), RS256.
    JwtBearer,
}

/// Where the client's secret stands in a request for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In the form.
    #[default]
    Form,
    /// As `Authorization: Basic`.
    Basic,
}

/// One way of getting tokens. Texts may have `{setting}` in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oauth {
    /// What a token is asked for with.
    pub grant: Grant,
    /// `setting=value`: the entry applies only where the setting has this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Where tokens come from: a URL. Its host needs the operator's grant, and plugins cannot reach it.
    pub token_url: String,
    /// Where a person approves, for `enroute login`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The client's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Name of the secret that is the client's; none for public clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Where the client's id and secret stand.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Name of the secret that is a refresh token, where an operator has one already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Name of the secret that signs assertions: a key in PEM form, or a key file of Google's as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// Who issues the assertion; from the key file where that says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whom the assertion is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whom the assertion is for; `token_url` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The origin that an answer's `instance_url` must be, so that a token goes only where the operator said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

impl Oauth {
    /// Secrets without which no token can be asked for. A refresh token may come from `enroute login` instead.
    #[must_use]
    pub fn secrets_needed(&self) -> Vec<&str> {
        let needed = match self.grant {
            Grant::RefreshToken | Grant::ClientCredentials => &self.client_secret,
            Grant::JwtBearer => &self.private_key,
        };
        needed.iter().map(String::as_str).collect()
    }

    /// All secrets that it names.
    #[must_use]
    pub fn secrets_named(&self) -> Vec<&str> {
        let named = [&self.client_secret, &self.refresh_token, &self.private_key];
        named.into_iter().flatten().map(String::as_str).collect()
    }

    /// Texts that may have `{setting}` in them.
    pub(super) fn templates(&self) -> impl Iterator<Item = &str> {
        let optional =
            [&self.authorize_url, &self.client_id, &self.issuer, &self.subject, &self.audience, &self.instance];
        std::iter::once(self.token_url.as_str()).chain(optional.into_iter().flatten().map(String::as_str))
    }

    /// What it lacks for its grant; empty where it has all.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut needs = |name: &str, there: bool| {
            if !there {
                found.push(format!("oauth2 with grant `{}` needs `{name}`", self.grant.word()));
            }
        };
        match self.grant {
            Grant::RefreshToken => needs("client_id", self.client_id.is_some()),
            Grant::ClientCredentials => {
                needs("client_id", self.client_id.is_some());
                needs("client_secret", self.client_secret.is_some());
            }
            Grant::JwtBearer => needs("private_key", self.private_key.is_some()),
        }
        found
    }
}

impl Grant {
    /// As manifests write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::JwtBearer => "jwt_bearer",
        }
    }
}
