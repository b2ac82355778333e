//! Strict fake destinations on loopback, for the tests, the demo and plugin authors.
//!
//! A fake speaks the destination's HTTP API over plain HTTP on a free port of
//! 127.0.0.1, refuses what the real service is documented to refuse, and keeps
//! the membership a real audience would have, so that a caller can ask who is in
//! it. It never touches another host, the file system or the environment.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use enroute_fakes::{Braze, Fault, braze, faults::Action, server::Reply};
//!
//! let braze = Braze::start(braze::Config { api_key: "not-a-key".into(), ..Default::default() }).await?;
//! braze.server().fault(Fault::once(Action::Answer(Reply::text(503, "try later"))));
//! assert!(braze.server().url().starts_with("http://127.0.0.1:"));
//! assert!(braze.members("high_value").is_empty());
//! # std::io::Result::Ok(())
//! # })?;
//! # std::io::Result::Ok(())
//! ```

pub mod all;
mod base64;
pub mod braze;
pub mod client;
pub mod facebook;
pub mod faults;
pub mod google;
pub mod iterable;
pub mod oauth;
pub mod salesforce;
pub mod sendgrid;
pub mod server;
pub mod stub;
#[cfg(test)]
mod testing;
pub mod zendesk;

pub use braze::Braze;
pub use client::Client;
pub use facebook::Facebook;
pub use faults::Fault;
pub use google::Google;
pub use iterable::Iterable;
pub use oauth::Oauth;
pub use salesforce::Salesforce;
pub use sendgrid::SendGrid;
pub use server::{Recorded, Server};
pub use zendesk::Zendesk;
