//! The Enroute host: keeps destinations in step with audiences, through sandboxed plugins.
//!
//! The modules stand on floors, and each uses only what stands before it in this list:
//! [`config`], [`telemetry`], [`store`], [`sources`], [`egress`], [`auth`], [`runtime`], [`catalog`], [`sync`].
//! What is decided without I/O lives in `enroute-core`, below all of them.

pub mod auth;
pub mod catalog;
pub mod config;
pub mod egress;
pub mod runtime;
pub mod sources;
pub mod store;
pub mod sync;
pub mod telemetry;
