//! Who has to be looked at, with what, and in which lots.

pub(crate) mod coverage;
pub(crate) mod cutter;
pub(crate) mod elsewhere;
pub(crate) mod enrich;
pub(crate) mod guard;
pub(crate) mod lot;
pub(crate) mod only;
pub(crate) mod records;
pub(crate) mod resend;
pub(crate) mod snapshot;
