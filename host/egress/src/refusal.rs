//! Why a request has no answer; and where the host lets it not leave, what operators read: a code, and a clause with the
//! host, header or path.
//!
//! Pure. A refusal is the doing of the plugin, or of its grant; no destination was asked.

use serde::Serialize;

use crate::rules::Refused;

/// Why a request has no answer, as the contract words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The plugin asks for what it may not; nothing left.
    #[error("refused by the host, so that nothing left: {0}")]
    Refused(Refusal),
    /// The host cannot complete the request, which is not the plugin's doing; nothing left.
    #[error("request denied: {0}")]
    Denied(String),
    /// No connection (name, address, TLS); nothing left.
    #[error("destination unreachable: {0}")]
    Unreachable(String),
    /// The destination was reached and its certificate does not hold, which time does not mend; nothing left.
    #[error("destination not trusted: {0}")]
    Untrusted(String),
    /// Bytes may have left and no complete answer came.
    #[error("no complete answer: {0}")]
    Interrupted(String),
    /// The answer was larger than this many bytes.
    #[error("the answer has more than {0} bytes")]
    TooLarge(u64),
}

impl Failure {
    pub(super) fn of_policy(refused: Refused) -> Self {
        refused.refusal().map_or_else(|| Self::Denied(refused.to_string()), Self::Refused)
    }

    /// Whether nothing of the request can have left.
    #[must_use]
    pub const fn left_nothing(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Denied(_) | Self::Unreachable(_) | Self::Untrusted(_))
    }
}

/// Why a prepared request would not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// What is wrong with it.
    pub refusal: Refusal,
    /// Whether that may come from one of its members, so that the others may be sent.
    pub may_be_of_a_member: bool,
}

/// A request that the plugin may not make. Nothing of it left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Refusal {
    /// snake_case: which part of the request is at fault.
    pub code: &'static str,
    /// One clause that names the host, header, path segment or item, and no value of a member.
    pub reason: String,
}

impl Refusal {
    /// Code of a host that the manifest does not ask for, the operator does not grant, or that is none.
    pub const HOST: &'static str = "host_refused";
    /// Code of an address that is not public and not allowed.
    pub const ADDRESS: &'static str = "address_refused";
    /// Code of a request that no manifest lists and no delivery has.
    pub const UNKNOWN: &'static str = "request_unknown";
    /// Code of a request beyond what one call may make.
    pub const TOO_MANY: &'static str = "too_many_requests";

    /// A refusal with this code.
    #[must_use]
    pub fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// What an operator is told where this stops a connection.
    #[must_use]
    pub fn told(&self) -> String {
        format!("the host refused a request of the plugin, and nothing of it left: {}", self.reason)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Refused {
    /// The refusal as operators read it; none where the request lacks something that is not the plugin's to give.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let code = match self {
            Self::Origin(_) | Self::PlainHttp(_) | Self::Host(_) => Refusal::HOST,
            Self::Address { .. } => Refusal::ADDRESS,
            Self::Dots(_) | Self::SegmentCharacter(_) | Self::SegmentEmpty(_) | Self::Url => "path_refused",
            Self::HeaderForbidden(_) | Self::HeaderName(_) | Self::HeaderValue(_) => "header_refused",
            Self::QueryOwned(_) => "query_refused",
            Self::BodyOwned(_) | Self::BodyKind { .. } => "body_refused",
            Self::TooMuch { .. } => "request_too_large",
            Self::Slot { .. } | Self::NoValue { .. } => "slot_refused",
            Self::NoToken | Self::Unsigned(_) => return None,
        };
        Some(Refusal::new(code, self.to_string()))
    }

    /// Whether what is refused may come from one member, so that others may be sent without it.
    pub(super) const fn may_be_of_a_member(&self) -> bool {
        matches!(
            self,
            Self::Dots(_)
                | Self::SegmentCharacter(_)
                | Self::SegmentEmpty(_)
                | Self::HeaderValue(_)
                | Self::TooMuch { .. }
                | Self::Slot { .. }
        )
    }
}
