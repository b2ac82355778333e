//! The door to the network: every request of a plugin leaves here, and only here is a secret revealed.
//!
//! A request goes through, in this order: what the plugin may say (`policy`), which host it may name (`hosts`),
//! what fills its slots (`slots`), which credential it gets (`secrets`), which address is dialled (`connector`,
//! `address`), how much may come back (`client`), and what is wiped from the answer (`scrub`).
//!
//! What must never happen: a byte to a host that the manifest does not ask for or the operator does not grant; a
//! connection to an address that was not checked; a credential to a host known only from an answer; a secret in an
//! answer handed back; a request that may have left sent again; a redirect followed.

mod address;
mod assertion;
mod client;
mod connector;
mod encode;
mod endpoint;
mod error;
mod hosts;
mod place;
mod policy;
mod preview;
mod refusal;
mod rules;
mod scrub;
mod secrets;
mod slots;
mod trust;
pub mod vault;

pub use assertion::{Claims, KeyError};
pub use client::{Client, Config, Limits};
pub use encode::{base64, base64_url, percent};
pub use endpoint::{Endpoint, EndpointError, TokenAnswer, same_origin};
pub use error::Error;
pub use hosts::{Denied, HostGrant, HostRule, HostRuleError, Standing};
pub use preview::Preview;
pub use refusal::{Failure, Objection, Refusal};
pub use secrets::{Credentials, Proof, seal};
pub use slots::Fill;
pub use slots::unescaped;
