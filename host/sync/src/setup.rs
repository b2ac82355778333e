//! Everything that is decided before the first member is read: configuration and plugins put together.
//!
//! A connection is thought through ([`planned`]) and then bound to the store as a [`link`] for each of its mappings.

pub(crate) mod account;
pub(crate) mod columns;
mod connection;
mod destination;
pub(crate) mod identify;
pub(crate) mod link;
mod loose;
pub(crate) mod named;
pub(crate) mod outside;
pub(crate) mod paused;
pub(crate) mod place;
pub(crate) mod planned;
mod plugins;
pub(crate) mod prepare;
pub(crate) mod program;
mod retrying;
mod rows;
mod shared;
pub(crate) mod stopped;
mod unused;
pub(crate) mod watch;
mod wiring;
pub(crate) mod withdrawal;
pub(crate) mod words;
