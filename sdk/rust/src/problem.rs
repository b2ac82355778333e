//! Problems of a connection, as `validate` reports them.

use crate::{Place, Problem, Severity};

/// Something that keeps the connection from running: its place, what is wrong (lower case, no full stop), and what to
/// do about it.
///
/// ```
/// use enroute_sdk::{Place, Severity, problem};
///
/// let found = problem::error(Place::Audience, "the key is taken".to_owned(), "choose another key");
/// assert_eq!(found.severity, Severity::Error);
/// ```
pub fn error(place: Place, message: String, hint: impl Into<String>) -> Problem {
    Problem { severity: Severity::Error, place, message, hint: hint.into() }
}

/// Something worth knowing that keeps nothing from running.
///
/// ```
/// use enroute_sdk::{Place, Severity, problem};
///
/// let place = Place::Setting("list_name".to_owned());
/// assert_eq!(problem::warning(place, "it has no effect".to_owned(), "remove it").severity, Severity::Warning);
/// ```
pub fn warning(place: Place, message: String, hint: impl Into<String>) -> Problem {
    Problem { severity: Severity::Warning, ..error(place, message, hint) }
}
