//! When two profiles are the same person at a destination.

use crate::manifest::Folding;

/// The form of an identity in which equal persons are equal.
///
/// ```
/// use enroute_core::{fold::folded, manifest::Folding};
/// assert_eq!(folded(" Ann@Example.com", Folding::Lowercase), folded("ann@example.com", Folding::Lowercase));
/// assert_ne!(folded("A1", Folding::Exact), folded("a1", Folding::Exact));
/// ```
#[must_use]
pub fn folded(text: &str, folding: Folding) -> String {
    match folding {
        Folding::Exact => text.trim().to_owned(),
        Folding::Lowercase => text.trim().to_lowercase(),
    }
}
