//! Rules that the text of the repository keeps: floors, doors, sizes, folders that look alike, pages that exist.
//!
//! Every rule is a table and a loop over it. A failure names file and line, and says what to do. Nothing is run here
//! but the tests themselves, and nothing outside the repository is read.

mod behaviours;
mod code;
mod contract;
mod guarantees;
mod pages;
mod repository;
mod rooms;
mod shape;

/// Fails with everything that was found, a line each.
#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "{} to mend:\n{}", problems.len(), problems.join("\n"));
}
