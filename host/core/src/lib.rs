//! The pure decisions of Enroute: what is changed, mapped, cut, retried and counted.
//!
//! Nothing here reads a clock, a file or a socket, and nothing is async: time is a parameter.
//! Everything above (`enroute-host`) carries out what is decided here.

pub mod account;
pub mod aggregate;
pub mod batch;
pub mod breaker;
pub mod call;
pub mod cells;
pub mod diff;
pub mod durations;
pub mod emission;
pub mod fold;
pub mod hints;
pub mod id;
pub mod isolate;
pub mod json;
pub mod manifest;
pub mod mapping;
pub mod matching;
pub mod offer;
pub mod outcome;
pub mod pace;
pub mod path;
pub mod places;
pub mod plain;
pub mod request;
pub mod retry;
pub mod suggest;
pub mod words;
