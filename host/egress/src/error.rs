//! Why there is no client, and why a request has no answer.

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Auth names a header that cannot carry a credential.
    #[error("auth puts a secret into header `{0}`, which is not a header of a destination's own")]
    HeaderName(String),
    /// A secret cannot stand in a header.
    #[error("secret `{0}` has a character that headers cannot carry, such as a line break")]
    Unsendable(String),
    /// Two entries of auth that apply have the same place.
    #[error("auth puts two secrets into the same place, {0}")]
    PlaceTaken(String),
    /// Auth needs a setting without value.
    #[error("auth needs setting `{0}`, which has no value")]
    NoSetting(String),
    /// TLS does not start.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// Why a request has no answer, as the contract words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The host's policy refused the request; nothing left.
    #[error("request denied: {0}")]
    Denied(String),
    /// No connection (name, address, TLS); nothing left.
    #[error("destination unreachable: {0}")]
    Unreachable(String),
    /// Bytes may have left and no complete answer came.
    #[error("no complete answer: {0}")]
    Interrupted(String),
    /// The answer was larger than this many bytes.
    #[error("the answer has more than {0} bytes")]
    TooLarge(u64),
}
