//! Why there is no token, and what to do about it.

/// Why there is no token. Definite reasons need a person; the others go away by themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nobody has approved yet.
    #[error("it has no refresh token")]
    LoginMissing,
    /// The endpoint refuses.
    #[error("{endpoint} refused: {said}")]
    Refused {
        /// The URL.
        endpoint: String,
        /// What it says.
        said: String,
        /// What to do.
        remedy: Remedy,
    },
    /// The token is for another place than the operator's.
    #[error("{endpoint} gave a token for `{found}`, and the destination is configured for `{configured}`")]
    OtherInstance {
        /// The URL.
        endpoint: String,
        /// What the destination is configured for.
        configured: String,
        /// What the answer names.
        found: String,
    },
    /// The token cannot be sent as bearer.
    #[error("{endpoint} gave a token of type `{kind}`, and only `Bearer` can be sent")]
    NotBearer {
        /// The URL.
        endpoint: String,
        /// The type.
        kind: String,
    },
    /// The request for a token may not leave.
    #[error("{endpoint} cannot be asked: {why}")]
    Denied {
        /// The URL.
        endpoint: String,
        /// Why.
        why: String,
    },
    /// The endpoint is not who it says.
    #[error("{endpoint} is not trusted: {why}")]
    Untrusted {
        /// The URL.
        endpoint: String,
        /// What is wrong with its certificate.
        why: String,
    },
    /// The endpoint gave no clear answer.
    #[error("{endpoint} gave no token: {why}")]
    Unavailable {
        /// The URL.
        endpoint: String,
        /// Why.
        why: String,
        /// Milliseconds to leave it alone.
        after_ms: u64,
    },
    /// The store failed.
    #[error("tokens cannot be kept: {0}")]
    Store(String),
}

/// What a person can do about a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Approve again.
    Login,
    /// Put a new refresh token into this secret.
    RefreshToken(String),
    /// Correct the client's id, or this secret.
    Client(Option<String>),
    /// See that key, issuer and subject belong together.
    Assertion(String),
    /// See to the account.
    Account,
    /// Nothing that is known here.
    Documentation,
}

impl TokenError {
    /// Whether asking again cannot help before a person has done something.
    #[must_use]
    pub const fn is_definite(&self) -> bool {
        !matches!(self, Self::Unavailable { .. } | Self::Store(_))
    }

    /// The whole story for the operator: what, why, and what next.
    #[must_use]
    pub fn told(&self, destination: &str) -> String {
        let what = format!("no token for destination `{destination}`");
        match self {
            Self::LoginMissing => {
                format!("destination `{destination}` has no refresh token: run `enroute login {destination}`")
            }
            Self::Refused { remedy, .. } => format!("{what}: {self}; {}", remedy.words(destination)),
            Self::OtherInstance { .. } => {
                format!("{what}: {self}; correct the setting, or let the account of the configured place approve")
            }
            Self::NotBearer { .. } => format!("{what}: {self}; ask the plugin's author"),
            Self::Denied { .. } => format!("{what}: {self}; correct its URL or the grant in plugins.toml"),
            Self::Untrusted { .. } => {
                format!("{what}: {self}; see that the URL is right, or have the certificate mended")
            }
            Self::Unavailable { .. } | Self::Store(_) => format!("{what}: {self}"),
        }
    }
}

impl Remedy {
    fn words(&self, destination: &str) -> String {
        match self {
            Self::Login => format!("log in again with `enroute login {destination}`"),
            Self::RefreshToken(secret) => format!("get a new refresh token and put it into secret `{secret}`"),
            Self::Client(Some(secret)) => format!("correct the client's id or secret `{secret}`"),
            Self::Client(None) => "correct the client's id".to_owned(),
            Self::Assertion(secret) => {
                format!("see that secret `{secret}` is the issuer's key and that the subject has approved the app")
            }
            Self::Account => "see that the account at the destination is active".to_owned(),
            Self::Documentation => "see what the destination's documentation says of it".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_told_what_why_and_what_next() {
        let refused = |remedy| TokenError::Refused {
            endpoint: "https://login.example.com/token".into(),
            said: "invalid_grant (token expired)".into(),
            remedy,
        };
        let check = |error: &TokenError, expect: &str| assert_eq!(error.told("crm"), expect);
        check(&TokenError::LoginMissing, "destination `crm` has no refresh token: run `enroute login crm`");
        check(
            &refused(Remedy::Login),
            "no token for destination `crm`: https://login.example.com/token refused: invalid_grant (token expired); \
             log in again with `enroute login crm`",
        );
        assert!(refused(Remedy::Client(Some("client_secret".into()))).told("crm").ends_with("secret `client_secret`"));
        let later = TokenError::Unavailable { endpoint: "https://x/token".into(), why: "503".into(), after_ms: 1 };
        check(&later, "no token for destination `crm`: https://x/token gave no token: 503");
        assert!(refused(Remedy::Account).is_definite() && !later.is_definite());
    }
}
