//! Tests of plugins, without a host: connections and members from plain data, answers from a list.
//!
//! Three ways, from small to whole: unit tests call the pure functions with a [`Fixture`]; stories about answers run
//! [`Fixture::send`] against a [`Script`]; most stories are data in `cases/`, run by [`cases()`].
//! This module exists in native builds only.

mod cases;
mod compare;
mod fixture;
mod person;
mod script;
mod stage;
mod story;

pub use cases::{Given, Played, cases, givens, play};
pub use fixture::Fixture;
pub use person::{Cell, Person};
pub use script::{Called, Script};
pub use stage::Stage;
