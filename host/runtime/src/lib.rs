//! The sandbox: compiles plugins, runs them in fresh instances, and stops them at their limits.
//!
//! Owns everything that names wasmtime. May reach the network only through the [`Outlet`] that a caller of
//! [`Plugin::send`] hands in; `validate` and `map` get none. Nothing of one call is visible to the next: each
//! has an instance, a memory and a budget of its own, and a call that breaks a limit costs only itself.

mod bindings;
mod cache;
mod call;
mod cause;
mod compile;
mod convert;
mod cpu;
mod engine;
mod fault;
#[cfg(test)]
mod fuel;
mod lane;
mod limits;
mod meter;
mod plugin;
mod said;
mod settings;
mod state;
mod ticker;
mod types;
mod usage;

pub use cache::Cache;
pub use compile::{CompileError, CompileLimits, CompileProgram, compile_in_this_process};
pub use engine::Runtime;
pub use fault::{Fault, FaultKind, LoadError};
pub use limits::Limits;
pub use plugin::Plugin;
pub use state::{Outlet, RequestKind, World};
pub use types::{
    Connection, Delivery, DeliveryWork, Mapped, OpenTicket, PreparedRequest, Problem, ProblemPlace, Rejection,
};
pub use types::{LogLine, ResumeWork, Work};
pub use usage::{Peak, Peaks, Usage};
