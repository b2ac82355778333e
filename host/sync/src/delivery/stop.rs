//! Why a connection ends early.

use crate::clock::{Clock, moment};

/// Why a connection ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A person must mend something first.
    Person(String),
    /// The destination is in trouble: later may be better.
    Later(String),
}

impl Stop {
    /// A destination that asks for more time than a run has is left to a later one.
    pub(crate) fn at_a_closed_gate(wait_ms: u64, clock: &Clock) -> Self {
        let until = moment(clock.now_ms().saturating_add(wait_ms));
        Self::Later(format!("the destination asks to wait {} s, until {until}", wait_ms.div_ceil(1_000)))
    }
}
