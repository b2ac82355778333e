//! Text that must never be seen.
//!
//! Owns the value of a credential while the host runs. What must never happen: that a value reaches a log, a
//! message or a serialiser. So [`Secret`] has no `Display` and no `Serialize`, and its `Debug` is redacted.

mod oddity;

use std::fmt;

pub use oddity::Oddity;
use zeroize::Zeroizing;

/// The value of a credential: wiped from memory when dropped, and shown as `[secret]`.
///
/// ```
/// let secret = enroute_config::secret::Secret::from("hunter2".to_owned());
/// assert_eq!(format!("{secret:?}"), "[secret]");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value in.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// What stands around the value that hardly belongs to it, in the order in which it would be taken off.
    ///
    /// ```
    /// use enroute_config::secret::{Oddity, Secret};
    /// let secret = Secret::from("Bearer not-a-real-key\n".to_owned());
    /// assert_eq!(secret.oddities(), [Oddity::LineFeed, Oddity::Scheme("Bearer")]);
    /// ```
    #[must_use]
    pub fn oddities(&self) -> Vec<Oddity> {
        oddity::of(&self.0)
    }

    /// Whether this is the value, in a time that does not depend on where the two differ.
    ///
    /// ```
    /// let secret = enroute_config::secret::Secret::from("not-a-real-key".to_owned());
    /// assert!(secret.is("not-a-real-key") && !secret.is("not-a-real-kez") && !secret.is(""));
    /// ```
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        let (ours, given) = (self.0.as_bytes(), given.as_bytes());
        let differing = ours.iter().zip(given).fold(0, |sum, (a, b)| std::hint::black_box(sum | (a ^ b)));
        ours.len() == given.len() && differing == 0
    }

    /// The value. Called in `egress/secrets.rs`, for the URL of a database in `sources/postgres.rs`, and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
