//! Why there is no client.

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
