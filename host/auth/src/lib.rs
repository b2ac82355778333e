//! Tokens of OAuth 2.0: getting, keeping and renewing them, and the login that begins it.
//!
//! Owns what is asked of a token endpoint ([`Source`]), what its answers mean (`answer`), the one token that is in use
//! ([`Keeper`]) and a person's approval ([`Login`]). Goes out through `egress`, which alone looks at secrets, and keeps
//! tokens in the store, sealed.
//!
//! What must never happen: two renewals of one credential at a time; a token used before the refresh token that came
//! with it is durable; an endpoint asked again after it refused for good; a token in a message.

mod answer;
mod error;
mod keeper;
mod login;
mod source;

pub use error::{Remedy, TokenError};
pub use keeper::{Keeper, Keepers, Token};
pub use login::{Login, LoginError};
pub use source::{Source, SourceError};
