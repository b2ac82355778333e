//! The operator's two files as typed values, and every mistake in them as a diagnostic.
//!
//! `plugins.toml` says what may run and where it may reach, `audiences.toml` what is sent. This module reads
//! both and, alone in the house, the environment. What must never happen: a panic on any text, a mistake
//! that hides another one, a secret's value in a message (`load/tests.rs`, `plugins_file/tests.rs`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use enroute_core::id::{AudienceKey, DestinationName, PluginId, SourceName};

use crate::audiences_file::alert::Alert;
use crate::audiences_file::audience::Audience;
use crate::audiences_file::computed::ComputedTrait;
use crate::audiences_file::connection::Connection;
use crate::audiences_file::source::Source;
use crate::files::Files;
use crate::plugins_file::{Destination, PluginEntry};

pub mod audiences_file;
pub mod code;
pub mod crash;
pub mod diagnostic;
pub mod files;
pub mod freeze;
mod json;
pub mod load;
pub mod lock;
pub mod plugins_file;
pub mod reference;
pub mod schedule;
pub mod secret;
mod syntax;
mod veil;
mod walker;
pub mod written;

/// Where things are: the operator's two files, and the state beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The operator's folder.
    pub dir: PathBuf,
    /// What may run and where it may reach.
    pub plugins_file: PathBuf,
    /// What is sent.
    pub audiences_file: PathBuf,
    /// What the host remembers: its database, key and cache.
    pub state: PathBuf,
}

impl Paths {
    /// The paths of an operator's folder.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        Self {
            plugins_file: dir.join("plugins.toml"),
            audiences_file: dir.join("audiences.toml"),
            state: dir.join(".enroute"),
            dir,
        }
    }
}

/// What both files say. Names in it refer to each other: each connection's audience and destination is there,
/// and each destination's plugin.
///
/// That holds for [`load::Loaded::config`]; a [`load::Loaded::partial`] one may miss some.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the files are.
    pub paths: Paths,
    /// The plugins that may run.
    pub plugins: BTreeMap<PluginId, PluginEntry>,
    /// The configured destinations, disabled ones too.
    pub destinations: BTreeMap<DestinationName, Destination>,
    /// Where traits come from.
    pub sources: BTreeMap<SourceName, Source>,
    /// The computed traits, by name.
    pub traits: BTreeMap<String, ComputedTrait>,
    /// What is worth telling somebody after a sync.
    pub alerts: Vec<Alert>,
    /// Days for which receipts and requests are kept; for ever where none is given.
    pub retention_days: Option<u32>,
    /// The sets of people.
    pub audiences: BTreeMap<AudienceKey, Audience>,
    /// Which audience goes where, in the order of the file.
    pub connections: Vec<Connection>,
    /// The files' texts, for diagnostics of later checks.
    pub files: Arc<Files>,
}
