//! What goes wrong with a plugin, in words that name plugin, function and reason.

use std::fmt;

use enroute_core::plain;

use crate::limits::Limits;
use crate::types::LogLine;

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Compiling or linking failed.
    #[error("plugin `{plugin}` cannot be compiled: {reason}")]
    Compile {
        /// The plugin.
        plugin: String,
        /// What the compiler says.
        reason: String,
    },
    /// The exports are not those of the contract.
    #[error("plugin `{plugin}` does not fit the contract: {reason}")]
    Contract {
        /// The plugin.
        plugin: String,
        /// What does not fit.
        reason: String,
    },
    /// The engine could not be set up.
    #[error("the sandbox cannot start: {0}")]
    Engine(String),
}

/// The way in which a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The guest trapped or panicked.
    Trap,
    /// It used up its CPU time.
    TimeOut,
    /// It did not end in time, though it had not used up its CPU time: it waited, or the host stood still.
    Late,
    /// The host had no memory for it.
    NoRoom,
    /// It asked for more memory or larger tables than it may have.
    Memory,
    /// It called the host more often than it may.
    Calls,
    /// It handed over more than it may.
    Output,
    /// What it returned does not add up.
    Contract,
}

impl FaultKind {
    /// The code that reports and receipts show.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Trap => "plugin_trap",
            Self::TimeOut => "plugin_timeout",
            Self::Late => "call_too_late",
            Self::NoRoom => "host_out_of_memory",
            Self::Memory => "plugin_out_of_memory",
            Self::Calls => "plugin_too_many_calls",
            Self::Output => "plugin_output_too_large",
            Self::Contract => "plugin_broke_contract",
        }
    }

    /// Whether the plugin is to blame. Time that passes while it waits, and memory that the host lacks, are not its own.
    #[must_use]
    pub const fn is_of_the_plugin(self) -> bool {
        !matches!(self, Self::Late | Self::NoRoom)
    }
}

/// A failed call. It costs the batch it was made for, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// The plugin, with its version.
    pub plugin: String,
    /// `validate`, `map` or `send`.
    pub function: &'static str,
    /// In which way.
    pub kind: FaultKind,
    /// One sentence, with the guest's own words where it left some: the message of a panic or an exception. Values of
    /// the call's members are covered in it, as in everything below.
    pub reason: String,
    /// Function names of the guest, innermost first; empty where there is none.
    pub backtrace: Box<[String]>,
    /// The last lines that the guest wrote to standard error.
    pub stderr: Box<str>,
    /// The last lines that it logged during the call.
    pub log: Box<[LogLine]>,
}

impl Fault {
    /// A call whose result breaks the contract.
    #[must_use]
    pub fn contract(plugin: impl Into<String>, function: &'static str, reason: impl Into<String>) -> Self {
        Self {
            plugin: plugin.into(),
            function,
            kind: FaultKind::Contract,
            reason: reason.into(),
            backtrace: Box::default(),
            stderr: Box::default(),
            log: Box::default(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.kind.is_of_the_plugin() { "failed" } else { "was cut off" };
        write!(f, "plugin `{}` {what} in `{}`: {}", self.plugin, self.function, self.reason)
    }
}

/// A guest that calls the host without end.
#[derive(Debug, thiserror::Error)]
#[error("the host was called too often")]
pub(super) struct TooManyCalls;

/// Whether the system refused memory that the plugin may have: for its instance, its stack, or while it grew.
fn is_for_want_of_memory(error: &wasmtime::Error, text: &str) -> bool {
    let is_refused = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::OutOfMemory)
    };
    // A growth that the limits allow and the system refuses: words of wasmtime's `StoreLimits`.
    text.contains("forcing a memory growth failure") || text.contains(NO_MEMORY) || error.chain().any(is_refused)
}

/// What Linux says where there is no memory: errno 12 in words.
const NO_MEMORY: &str = "Cannot allocate memory";

/// Says in one sentence what a failed call ran into.
pub(super) fn classify(error: &wasmtime::Error, text: &str, limits: &Limits) -> (FaultKind, String) {
    if is_for_want_of_memory(error, text) {
        return (FaultKind::NoRoom, "the host has no memory for it".to_owned());
    }
    if text.contains("forcing trap when growing memory") {
        return (FaultKind::Memory, format!("it asked for more than {} MiB of memory", limits.memory_bytes >> 20));
    }
    if text.contains("forcing trap when growing table") {
        return (FaultKind::Memory, format!("it asked for a table of more than {} slots", limits.table_slots));
    }
    if error.downcast_ref::<TooManyCalls>().is_some() {
        return (FaultKind::Calls, format!("it called the host more than {} times", limits.host_calls));
    }
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return (FaultKind::Output, format!("it handed over more than {} MiB at once", limits.output_bytes >> 20));
    }
    if let Some(trap) = error.downcast_ref::<wasmtime::Trap>() {
        return (FaultKind::Trap, format!("it trapped: {trap}"));
    }
    let last = error.chain().last().map_or_else(|| text.to_owned(), ToString::to_string);
    (FaultKind::Trap, format!("it trapped: {}", plain::line(last)))
}
