//! Where in a request a credential stands.

use std::fmt;

use zeroize::Zeroizing;

/// Where a credential stands. Names of headers are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Header(String),
    Query(String),
    Form(String),
    Json(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header `{name}`"),
            Self::Query(name) => write!(f, "query item `{name}`"),
            Self::Form(name) => write!(f, "form field `{name}`"),
            Self::Json(name) => write!(f, "body member `{name}`"),
        }
    }
}

/// A value and its place.
pub(super) struct Placed {
    pub(super) place: Place,
    pub(super) value: Zeroizing<String>,
    /// The secret that the value was computed from, where it is not the secret itself.
    pub(super) derived_from: Option<String>,
}
