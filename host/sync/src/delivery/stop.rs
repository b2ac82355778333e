//! Why a connection ends early.

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
    pub(crate) fn at_a_closed_gate(wait_ms: u64) -> Self {
        Self::Later(format!("the destination asks to wait {} s", wait_ms.div_ceil(1_000)))
    }
}
