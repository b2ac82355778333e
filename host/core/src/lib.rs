//! The pure decisions of Enroute: what is changed, mapped, cut, retried and counted.
//!
//! Nothing here reads a clock, a file or a socket, and nothing is async: time is a parameter.
//! Everything above (`enroute-host`) carries out what is decided here.

// batch
// cells
// diff
// fold
pub mod id;
pub mod manifest;
// outcome
// pace
pub mod request;
// retry
pub mod suggest;
// traits
