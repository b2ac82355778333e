//! An edit that came too late: what it is told instead of being saved.

use serde::Serialize;
use utoipa::ToSchema;

/// An edit that came too late.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Conflict {
    /// The version that the files have now.
    pub version: String,
    /// From the files as they are now to the edit, as lines with `+`, `-` and a blank before them.
    pub difference: String,
    /// Both edits put together, where they do not touch the same lines.
    pub merged: Option<Merged>,
}

/// Two edits put together.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Merged {
    /// The text of `plugins.toml`.
    pub plugins: String,
    /// The text of `audiences.toml`.
    pub audiences: String,
}
