//! Write an Enroute destination in Rust.
//!
//! A plugin implements [`Destination`] and names the type in [`export!`]. It says how members become requests
//! ([`Destination::map`]) and what an answer means for them ([`Destination::read`]); credentials, retries, pacing
//! and the network belong to the host. Everything here runs natively too, so plugins are tested with `cargo test`
//! (see [`testing`]).
//!
//! ```
//! use enroute_sdk::{Answer, Batch, Context, Destination, Frame, Mapping, Packer, Reading, Request, Sent, json};
//!
//! struct Contacts;
//!
//! #[derive(serde::Deserialize)]
//! struct Settings {
//!     base_url: String,
//! }
//!
//! impl Destination for Contacts {
//!     type Settings = Settings;
//!
//!     fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
//!         let build = |body, _members| Request::put(&ctx.settings().base_url).path(["contacts"]).json(body);
//!         let mut packer = Packer::new("put", ctx.limit("put"), Frame::json_array("{\"contacts\":[", "]}"), build);
//!         for member in batch.members() {
//!             packer.push(out, member, |body, _| {
//!                 body.extend_from_slice(b"{\"id\":");
//!                 json::write_value(body, member.identifier(0));
//!                 body.push(b'}');
//!                 Ok(())
//!             });
//!         }
//!         packer.finish(out);
//!     }
//!
//!     fn read(_: &Context<Settings>, _: &Sent<'_>, answer: &Answer) -> Reading {
//!         answer.classify("api").unwrap_or_else(Reading::delivered)
//!     }
//! }
//!
//! enroute_sdk::export!(Contacts);
//! # fn main() {
//! use enroute_sdk::testing::{Fixture, Person};
//! let mapped = Fixture::new()
//!     .setting("base_url", "https://api.example.com")
//!     .identifier_field("id")
//!     .limit("put", 100, 1_000_000)
//!     .member(Person::added("u1").identifier("id", "u1"))
//!     .map::<Contacts>();
//! assert_eq!(mapped.deliveries[0].requests[0].request.body, br#"{"contacts":[{"id":"u1"}]}"#);
//! # }
//! ```

mod answer;
mod batch;
pub mod bindings;
mod cells;
mod context;
pub mod country;
pub mod date;
mod deliver;
mod destination;
pub mod email;
mod finding;
#[doc(hidden)]
pub mod guest;
pub mod hash;
mod http;
pub mod json;
mod mapping;
mod packer;
pub mod phone;
pub mod problem;
mod reading;
mod request;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod text;

pub use batch::{Batch, Identifiers, Member};
pub use bindings::enroute::destination::log::Level;
pub use bindings::enroute::destination::types::{
    AccountItem, AccountKind, Change, Failure, Fate, Item, MappingRow as Row, Method, Outcome, Place, Problem, Refusal,
    Report, Request, Response as Answer, Severity, Slot, SlotPlace, SlotValue, Throttle, Ticket, Unattributed,
    ValueType, Verdict, Warning,
};
pub use cells::{Malformed, Value};
pub use context::{Context, Limit, SettingsError};
pub use deliver::{Delivery, Resume, Sent, Tally};
pub use destination::Destination;
pub use finding::{ACCOUNT_ITEMS_MAX, Finding};
pub use http::{Http, log};
pub use mapping::{Mapping, Reject};
pub use packer::{Frame, Packer, Rounds};
pub use reading::Reading;
