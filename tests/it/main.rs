//! The integration tests: one binary, so that the host is linked once.
//!
//! They run the built plugins (`tests/run` builds them) against strict fakes on loopback, with a clock that a wait
//! moves forward at once. No test depends on time, on an order, or on a port.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

mod account;
mod answers;

mod bench;
mod causes;
mod command_sources;
mod compiling;
mod conditions;
mod crashes;
mod day;
mod documents;
mod enrichment;
mod exports;
mod faults;
mod guests;
mod init;
mod jobs;
mod killed;
mod kinds;
mod kit;
mod letters;
mod life;
mod mistakes;
mod names;
mod oauth;
mod outages;
mod outside;
mod pages;
mod parquets;
mod places;
mod queries;
mod quotas;
mod refusals;
mod secrets;
mod serve;
mod seven;
mod signals;
mod tidy;
mod warehouse;
