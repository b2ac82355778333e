//! What a simulated life stands on: a store with people in it, and the connections that are synced from it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enroute_core::manifest::{Manifest, Values};
use enroute_core::retry::Policy;
use enroute_store::ledger::{self, LinkName};
use enroute_store::profiles::{ContentHasher, Incoming, Profiles};
use enroute_store::{Column, Error, Pending, Reader, Store, Transaction};
use serde_json::json;
use tempfile::TempDir;

use super::played::{Far, Played};
use crate::clock::Clock;
use crate::report::RunReport;
use crate::run;
use crate::run::group::Bound;
use crate::run::options::Options;
use crate::setup::columns::{Columns, Identifier};
use crate::setup::link::{self, Link};
use crate::setup::program::Program;

/// What the destination allows: requests in each window.
pub(super) const REQUESTS: u32 = 4;
pub(super) const PER_MS: u32 = 1_000;

const PLUGIN: [u8; 32] = [7; 32];

/// Its pace stands where `{requests}` and `{concurrency}` do.
const MANIFEST: &str = r#"
id = "played"
version = "1.0.0"
contract = "0.1"
name = "Played"
summary = "What a seed says."
docs = "https://far.example/docs"
hosts = ["far.example"]
auth = []

[[identifier]]
kind = "email"
field = "email"

[identity]
use = "all"
values = "last"
key = ["email"]
fold = "lowercase"

[[field]]
name = "email"
format = "e-mail address"
type = "email"
identifier = true

[[field]]
name = "note"
format = "text"
type = "text"

[[operation]]
name = "sync"
members = 3
bytes = 1000000
bucket = "api"
idempotent = true

[[bucket]]
name = "api"
scope = "credential"
requests = {requests}
per_ms = 1000
concurrency = {concurrency}
"#;

/// A store, which is opened anew where its process died.
pub(super) struct Ground {
    folder: TempDir,
    /// Goes before the store: whoever reads is in the way of its end.
    reader: Option<Reader>,
    store: Option<Arc<Store>>,
}

impl Ground {
    pub(super) fn new() -> Self {
        // Nothing here is about what a power cut does to a disk.
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let mut ground = Self { folder: folder.expect("a folder"), reader: None, store: None };
        ground.restart();
        ground
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        self.store.as_ref().expect("it is open")
    }

    pub(super) fn restart(&mut self) {
        self.reader = None;
        let old = self.store.take();
        assert!(old.is_none_or(|store| Arc::try_unwrap(store).is_ok()), "somebody still has the store");
        let store = Store::open(&self.folder.path().join("state")).expect("the store opens");
        self.reader = Some(store.reader().expect("the store is read"));
        self.store = Some(Arc::new(store));
    }

    pub(super) fn reader(&self) -> &Reader {
        self.reader.as_ref().expect("it is open")
    }

    pub(super) fn written<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store().submit_relaxed(f).and_then(Pending::wait).expect("the store is written")
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) far: Arc<Mutex<Far>>,
    audience: String,
    destination: &'static str,
    credential: String,
    manifest: Arc<Manifest>,
}

impl Side {
    /// An audience at a destination of its own, which has a credential of its own.
    pub(super) fn new(audience: &str, destination: &'static str, trouble: u64, concurrency: u32) -> Self {
        let far = Arc::new(Mutex::new(Far::new(trouble)));
        let credential = format!("{audience}/{destination}");
        Self::at(&far, audience, (destination, credential), (REQUESTS, concurrency))
    }

    /// An audience at a destination with this credential, and so many requests in each window.
    pub(super) fn at(
        far: &Arc<Mutex<Far>>,
        audience: &str,
        (destination, credential): (&'static str, String),
        (requests, concurrency): (u32, u32),
    ) -> Self {
        let text = MANIFEST.replace("{requests}", &requests.to_string());
        let text = text.replace("{concurrency}", &concurrency.to_string());
        let manifest = Arc::new(Manifest::parse_toml(&text).expect("the manifest holds"));
        Self { far: Arc::clone(far), audience: audience.to_owned(), destination, credential, manifest }
    }

    pub(super) fn far(&self) -> MutexGuard<'_, Far> {
        self.far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn name(&self) -> LinkName {
        let (audience, destination) = (self.audience.clone(), self.destination.to_owned());
        LinkName { audience, destination, mapping: String::new() }
    }

    /// The connection under these settings, as the store knows it.
    pub(super) fn link(&self, store: &Store, clock: &Clock, settings: u8, known: &ledger::Link) -> Link {
        let manifest = Arc::clone(&self.manifest);
        let (kind, field) = ("email".to_owned(), "email".to_owned());
        let identifier = Identifier { kind, field, values: Values::Last, kept_back: None };
        let program = Program::of_traits(vec![Column::Trait(vec!["note".to_owned()])], false);
        let columns = Columns::new(&manifest, &manifest.identity.key, &[identifier], &["note".to_owned()], program);
        let columns = columns.expect("the columns hold");
        let played = Played::new(&self.far, clock);
        let guest = enroute_runtime::Connection {
            audience_key: self.audience.clone(),
            audience_name: self.audience.clone(),
            settings: json!({ "edition": settings }).to_string(),
            identifier_fields: columns.fields.clone(),
            rows: vec![("note".to_owned(), "note".to_owned())],
            limits: link::limits(&manifest, &serde_json::Map::new()),
            ..enroute_runtime::Connection::default()
        };
        Link {
            id: known.id,
            party: known.id,
            audience: self.audience.clone(),
            destination: self.destination.to_owned(),
            mapping: String::new(),
            condition: format!("traits ->> 'life' = '{}'", self.audience),
            plugin_name: "played 1.0.0".to_owned(),
            plugin: Arc::clone(&played) as _,
            plugin_digest: PLUGIN,
            remote: None,
            columns,
            program_text: String::new(),
            requires_consent: vec![],
            retry: Policy::default(),
            sends_exits: true,
            identity: manifest.identity.under(&serde_json::Map::new()),
            phone_regions: link::phone_regions(&manifest, "{}"),
            client: played,
            tokens: None,
            sealer: store.sealer().clone(),
            settings_version: known.settings_version,
            batch_members: link::batch_members(&manifest, &guest.limits),
            manifest,
            guest,
            resend_changes: true,
            history: true,
            remove_max_percent: 100,
            credential_scope: self.credential.clone(),
            opened: None,
            peaks: Arc::default(),
            figures: Arc::default(),
            trial: None,
            target: self.name().destination,
            released: Arc::default(),
            withdraws: None,
            earlier: vec![],
            reused: None,
        }
    }
}

/// Somebody as an import brings them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) email: String,
    pub(super) note: String,
}

/// Imports a profile: somebody of this audience, or of none.
pub(super) fn import(store: &Store, key: &str, audience: &str, person: Option<&Person>) {
    let hasher = ContentHasher::new(store.sealer());
    let (key, audience, person) = (key.to_owned(), audience.to_owned(), person.cloned());
    let write = move |tx: &Transaction<'_>| {
        let revision = tx.revision()? + 1;
        tx.set_revision(revision)?;
        let identifiers = person.as_ref().map(|person| json!({ "email": person.email }).to_string());
        let traits = person.as_ref().map(|person| json!({ "life": audience, "note": person.note }));
        let traits = traits.unwrap_or_else(|| json!({})).to_string();
        let parts = [identifiers.as_deref(), Some(traits.as_str()), None, None];
        Profiles::new(tx)?.upsert(&Incoming { key: &key, hash: &hasher.hash(&parts), parts }, revision)?;
        Ok::<_, Error>(())
    };
    store.submit_relaxed(write).and_then(Pending::wait).expect("the store is written");
}

/// A process from its begin to its end: what it leaves behind is in the store.
pub(super) fn run_once(store: &Arc<Store>, options: &Options, links: Vec<Link>) -> Result<RunReport, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (run, started_ms) = run::begin(store, options).await?;
        let reports = run::side_by_side(store, (run, options), vec![Bound::of(links)]).await?;
        let connections = reports.into_iter().flatten().collect();
        let report = RunReport { run, started_ms, ended_ms: options.clock.now_ms(), connections };
        run::end(store, options, &report).await?;
        Ok(report)
    })
}
