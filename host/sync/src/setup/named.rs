//! What rows and settings name in a destination's account.

use enroute_config::files::Place;
use enroute_core::account::Kind;

/// What an account has of a field that the plugin's manifest does not name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InAccount {
    /// Whether it has a field of that name.
    pub has: bool,
    /// The one that is most like it, where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
}

/// A setting that names something in the account, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Naming {
    pub(super) setting: String,
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) place: Place,
}
