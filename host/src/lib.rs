//! The Enroute host: keeps destinations in step with audiences, through sandboxed plugins.
//!
//! Each floor is a package of its own, and uses only what stands before it in this list:
//! [`config`], [`store`], [`sources`], [`egress`], [`auth`], [`runtime`], [`catalog`], [`sync`],
//! [`server`], [`api`].
//! What is decided without I/O lives in `enroute-core`, below all of them.

pub mod telemetry;

pub use enroute_api as api;
pub use enroute_auth as auth;
pub use enroute_catalog as catalog;
pub use enroute_config as config;
pub use enroute_egress as egress;
pub use enroute_pages as pages;
pub use enroute_runtime as runtime;
pub use enroute_server as server;
pub use enroute_sources as sources;
pub use enroute_store as store;
pub use enroute_sync as sync;
