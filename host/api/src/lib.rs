//! What a running host is asked, by programs and by pages: questions, what may be changed, and who may.
//!
//! The files stand on floors: what can go wrong (`conflict`, `problem`), who asks (`access`), the questions (`desk`), their JSON form
//! (`routes`). What must never happen: a value that leaves unmasked without a line in the audit log, and an edit that
//! overwrites another that its author has not seen.

pub mod access;
mod conflict;
pub mod desk;
pub mod problem;
mod routes;

pub use access::Caller;
pub use desk::{Desk, Office};
pub use problem::Problem;
pub use routes::router;
