//! Values as people write them, and what each of the seven destinations makes of them.
//!
//! `tables/` has a table for each kind of value: what is given, and the one reading of it. Every row goes through the
//! `map` of all seven plugins, as their own code, at every place that takes such a value, and what would be sent is
//! compared with the reading. Where a destination differs, the row says for which and why.
//! `destinations.toml` says where the places are.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod contact;
mod place;
mod table;
mod values;
