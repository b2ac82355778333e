//! The host that stays: it keeps every connection in step by itself, takes events in as they happen, follows edits of
//! its files, and tells people and machines how it is.
//!
//! The files stand on floors: what is told (`state`, `metrics`), what is decided without I/O (`unit`), what is looked at
//! (`watch`, `reload`), who is spoken to (`hands`, `handover`, `manager`, `http`), then the loop (`conductor`,
//! `taking`, `telling`) and the service that puts it together (`service`).

mod conductor;
mod handover;
mod hands;
mod http;
pub mod ingest;
mod intake;
mod lines;
pub mod listen;
mod manager;
mod metrics;
mod reload;
mod service;
mod state;
mod taking;
mod telling;
mod unit;
mod watch;
mod work;

pub use handover::{Answer, Asked, Question, Want};
pub use hands::Hands;
pub use service::{Config, Error, Handle, Service};
