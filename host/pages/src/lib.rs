//! The pages of the running host: whatever the commands do, with a mouse.
//!
//! The files stand on floors: what is pure (`words`, `form`, `rows`, `edit`, `parts`), who asks and how a page is framed
//! (`page`), what is shown (`look`), what an edit is (`change`), then a file a section (`routes`), put together by `router`.
//! What must never happen: a value of a person in an address or unmasked without a line in the audit log, markup from
//! outside, a change by GET.

pub mod edit;
pub mod form;
mod look;
mod page;
mod parts;
mod routes;
pub mod rows;
pub mod words;

pub use routes::router;
