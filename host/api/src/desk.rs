//! The questions that programs and pages ask, and their answers as plain data.
//!
//! Every question that reads takes a reader of its own on a thread where blocking is fine. Values come masked by their
//! shape (`Ann-7` is `Xxx-9`) unless they were asked for, which only an operator may and the audit log keeps.

pub mod audiences;
pub mod connections;
pub mod destinations;
pub mod files;
pub mod live;
pub mod overview;
pub mod people;
pub mod plugins;
pub mod runs;
pub mod sources;
pub mod traits;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use enroute_config::Config;
use enroute_config::load::load;
use enroute_runtime::Runtime;
use enroute_server::Handle;
use enroute_store::access::Role;
use enroute_store::{Reader, Store, audit};
use enroute_sync::Clock;

use crate::access::{self, Caller, Door};
use crate::problem::Problem;

/// Rows on one page of a list.
pub const PAGE: usize = 50;

/// What the questions are answered from.
#[derive(Debug, Clone)]
pub struct Office {
    /// The operator's folder.
    pub folder: PathBuf,
    /// The store.
    pub store: Arc<Store>,
    /// The sandbox.
    pub runtime: Runtime,
    /// The host that runs.
    pub handle: Handle,
    /// Whether nothing may be changed here.
    pub is_read_only: bool,
    /// The host's version.
    pub version: &'static str,
}

/// Where questions are asked.
#[derive(Debug, Clone)]
pub struct Desk {
    office: Arc<Office>,
    door: Door,
    /// The configuration as it was when it had no mistakes last.
    sound: Arc<Mutex<Option<Arc<Config>>>>,
    /// One that saves at a time.
    saving: Arc<tokio::sync::Mutex<()>>,
    /// Those who read what happens.
    live: Arc<live::Live>,
}

impl Desk {
    /// A desk in an office.
    #[must_use]
    pub fn new(office: Office) -> Self {
        let door = Door::new(Arc::clone(&office.store));
        Self { office: Arc::new(office), door, sound: Arc::default(), saving: Arc::default(), live: Arc::default() }
    }

    /// Who knows tokens and logins.
    #[must_use]
    pub const fn door(&self) -> &Door {
        &self.door
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        Clock::System.now_ms()
    }

    /// Whether nothing may be changed here.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.office.is_read_only
    }

    /// The host's version.
    #[must_use]
    pub fn version(&self) -> &'static str {
        self.office.version
    }

    /// The operator's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.office.folder
    }

    /// The host that runs.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.office.handle
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.office.store
    }

    /// Goes on only where the caller has the role and something may be changed here.
    ///
    /// # Errors
    /// [`Problem::ReadOnly`] or [`Problem::Forbidden`].
    pub fn may_change(&self, caller: &Caller, role: Role) -> Result<(), Problem> {
        if self.office.is_read_only {
            return Err(Problem::ReadOnly);
        }
        caller.needs(role)
    }

    /// Does something that blocks on a thread where that is fine.
    ///
    /// # Errors
    /// What `work` returns, or [`Problem::Failed`] where it was lost.
    pub async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let desk = self.clone();
        tokio::task::spawn_blocking(move || work(desk))
            .await
            .map_err(|_| Problem::Failed("a question was lost".to_owned()))?
    }

    /// Reads the store.
    ///
    /// # Errors
    /// As [`Self::aside`].
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, &Reader) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.aside(move |desk| work(&desk, &desk.office.store.reader()?)).await
    }

    /// The configuration of the files; where they have mistakes, the one before, as far as it was seen. Blocks.
    #[must_use]
    pub fn config(&self) -> Option<Arc<Config>> {
        let mut sound = self.sound.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = load(&self.office.folder).config {
            *sound = Some(Arc::new(config));
        }
        sound.clone()
    }

    /// The same, or why there is none.
    ///
    /// # Errors
    /// [`Problem::Mistakes`].
    pub fn sound_config(&self) -> Result<Arc<Config>, Problem> {
        self.config().ok_or_else(|| {
            let loaded = load(&self.office.folder);
            Problem::Mistakes(files::mistakes(&loaded))
        })
    }

    /// Writes a line of the audit log. Blocks.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note(&self, by: &Caller, what: &str, about: &str) -> Result<(), Problem> {
        let entry = access::entry(by, what, about, self.now_ms());
        Ok(self.office.store.write_blocking(move |tx| audit::note(tx, &entry))?)
    }
}

/// A moment in UTC, to the second.
pub(crate) fn moment(ms: u64) -> String {
    enroute_sync::moment(ms)
}
