//! The configuration in force, and how another one comes to be: aside, whole, and only where nothing is wrong with it.
//!
//! What must never happen: half of an edit in force, and an edit that stops what ran before it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use enroute_config::audiences_file::source::Origin;
use enroute_config::diagnostic::Diagnostics;
use enroute_config::files::Files;
use enroute_config::load::{Loaded, load};
use enroute_config::{Config, Paths};
use enroute_egress::vault;
use enroute_runtime::Runtime;
use enroute_store::Store;
use enroute_store::ledger::Remotes;
use enroute_sync::{Clock, Setup};

use crate::ingest::tracking::{Listening, listening};

/// A configuration that can be in force.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) config: Arc<Config>,
    pub(crate) setup: Setup,
    /// The sources that listen, with their keys.
    pub(crate) listening: Vec<Listening>,
    /// The day that it was made for, `YYYY-MM-DD`.
    pub(crate) today: String,
    /// Mistakes that cost single connections, as people read them.
    pub(crate) remarks: String,
}

/// Why a configuration cannot be in force, as people read it.
#[derive(Debug, Clone)]
pub(crate) struct Refused(pub(crate) String);

impl Ready {
    /// Reads, checks and compiles. Blocks: not to be called where others wait.
    ///
    /// A mistake that costs a connection is none at the start, where nothing ran before; an edit that stops a connection
    /// that ran is refused (`before`).
    pub(crate) fn load(
        folder: &Path,
        runtime: &Runtime,
        store: &Store,
        clock: &Clock,
        before: Option<&BTreeSet<String>>,
    ) -> Result<Self, Refused> {
        if before.is_some()
            && let Some(empty) = the_two(&Paths::new(folder)).into_iter().find(|file| is_empty(file))
        {
            return Err(Refused(format!("{} is empty, which nobody means while connections run", empty.display())));
        }
        let Loaded { config, diagnostics, files, .. } = load(folder);
        let told = |found: &Diagnostics, files: &Files| Refused(found.render(files).trim_end().to_owned());
        let Some(mut config) = config else { return Err(told(&diagnostics, &files)) };
        let sealed = store.reader().and_then(|reader| vault::open(&reader, store.sealer()));
        config.sealed = sealed.map_err(|error| Refused(format!("error: what is sealed cannot be opened: {error}")))?;
        let today = clock.today();
        let remotes = Remotes::new();
        let prepare = Setup::prepare(&config, runtime, &remotes, &today, None);
        let (setup, mut found) = tokio::runtime::Handle::current().block_on(prepare);
        let Some(setup) = setup else { return Err(told(&found, &config.files)) };
        if let Some(before) = before
            && stopped(&setup).iter().any(|name| !before.contains(name))
        {
            return Err(told(&found, &config.files));
        }
        // What cannot be read now is told by the runs.
        if let Ok(more) = store.reader().and_then(|reader| setup.left_remarks(&reader, &config)) {
            found.append(more);
        }
        let remarks = found.render(&config.files);
        let listening = tokio::runtime::Handle::current().block_on(listening(&config));
        let listening = listening.map_err(|(source, error)| {
            Refused(format!("error: the key of source `{source}` cannot be had: {error}"))
        })?;
        Ok(Self { config: Arc::new(config), setup, listening, today, remarks })
    }

    /// The connections that do not run because of their plugins.
    pub(crate) fn stopped(&self) -> BTreeSet<String> {
        stopped(&self.setup)
    }

    /// The files that decide what is in force: the two, and the plugins that are named.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let plugins = self.config.plugins.values().map(|plugin| plugin.file.value.clone());
        the_two(&self.config.paths).into_iter().chain(plugins).collect()
    }

    /// The files of sources that follow them, each with the source's name.
    pub(crate) fn followed(&self) -> Vec<(PathBuf, String)> {
        let sources = self.config.sources.values().filter(|source| source.schedule.is_none());
        sources
            .filter_map(|source| match &source.origin {
                // What a command would print is not known before it runs: it is read like a query.
                Origin::File(file) if file.command.is_some() => None,
                Origin::File(file) => {
                    let followed = if file.is_pattern { folder_of(&file.file.value) } else { file.file.value.clone() };
                    Some((followed, source.name.value.to_string()))
                }
                Origin::Query(_) | Origin::Listen(_) => None,
            })
            .collect()
    }
}

/// The folder that the files of a pattern lie in, or the first above it that is no pattern itself.
fn folder_of(pattern: &Path) -> PathBuf {
    let is_plain = |part: &std::path::Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    pattern.components().take_while(is_plain).collect()
}

/// The operator's two files.
pub(crate) fn the_two(paths: &Paths) -> [PathBuf; 2] {
    [paths.plugins_file.clone(), paths.audiences_file.clone()]
}

/// Whether a file is there and nothing is in it: somebody may have died while saving it.
fn is_empty(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|file| file.len() == 0)
}

fn stopped(setup: &Setup) -> BTreeSet<String> {
    setup.stopped().iter().map(|one| format!("{}/{}/{}", one.audience, one.destination, one.mapping)).collect()
}
