//! Why a connection ends early.

use crate::clock::{Clock, moment};

/// Why a connection ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A person must mend something first.
    Person(String),
    /// The destination is in trouble: later may be better.
    Later(String),
    /// Members were to be withdrawn, more than the operator allows without being asked.
    Guarded(String),
    /// The run was asked to end before it was through.
    Asked,
}

impl Stop {
    /// Why, in words.
    pub(crate) fn into_reason(self) -> String {
        match self {
            Self::Person(reason) | Self::Later(reason) | Self::Guarded(reason) => reason,
            Self::Asked => "it was told to stop before it was through; the next run goes on from here".to_owned(),
        }
    }

    /// A destination that asks for more time than a run has is left to a later one.
    pub(crate) fn at_a_closed_gate(wait_ms: u64, clock: &Clock) -> Self {
        let until = moment(clock.now_ms().saturating_add(wait_ms));
        Self::Later(format!("the destination asks to wait {} s, until {until}", wait_ms.div_ceil(1_000)))
    }
}
