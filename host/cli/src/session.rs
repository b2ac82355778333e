//! What most commands begin with: the configuration, the store and the sandbox of an operator's folder.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use enroute_host::config::diagnostic::{Diagnostics, Paint};
use enroute_host::config::files::Files;
use enroute_host::config::load::{Loaded, load};
use enroute_host::config::reference::Sealed;
use enroute_host::config::{Config, Paths};
use enroute_host::egress::vault;
use enroute_host::runtime::{Cache, Limits, Runtime};
use enroute_host::server::Asked;
use enroute_host::store::ledger::Remotes;
use enroute_host::store::{Error, Reader, Store};
use enroute_host::sync::{Clock, Setup};

use crate::commands::compile;
use crate::loan;
use crate::output::{Advice, EXIT_MISTAKE, Output};

/// An operator's folder, open.
pub(crate) struct Session {
    pub(crate) folder: PathBuf,
    pub(crate) config: Config,
    pub(crate) store: Arc<Store>,
    /// Warnings, and what costs single connections, that were told: for the commands whose document has them.
    warnings: RefCell<Vec<serde_json::Value>>,
    /// Held until the store is closed, where the host lent it.
    _loan: Option<Asked>,
}

/// Mistakes in the configuration: they were told, the command ends with this code.
pub(crate) struct Told(pub(crate) ExitCode);

impl Session {
    /// What was read and opened already.
    pub(crate) fn of(folder: &Path, config: Config, store: Arc<Store>) -> Self {
        Self { folder: folder.to_path_buf(), config, store, warnings: RefCell::default(), _loan: None }
    }

    /// The sandbox of the folder.
    pub(crate) fn runtime(&self) -> anyhow::Result<Runtime> {
        runtime(&self.folder, &self.store)
    }

    /// Reads the configuration; where it has mistakes, tells all of them.
    pub(crate) fn configuration(folder: &Path, output: &Output) -> anyhow::Result<Result<Config, Told>> {
        let Loaded { config, diagnostics, files, .. } = load(folder);
        if !diagnostics.is_empty() {
            tell(&diagnostics, &files, output)?;
        }
        Ok(config.ok_or(Told(ExitCode::from(EXIT_MISTAKE))))
    }

    /// Reads the configuration and opens the store for writing.
    pub(crate) fn open(folder: &Path, output: &Output) -> anyhow::Result<Result<Self, Told>> {
        let mut config = match Self::configuration(folder, output)? {
            Ok(config) => config,
            Err(told) => return Ok(Err(told)),
        };
        let (store, loan) = loan::open(&Paths::new(folder).state)?;
        config.sealed = sealed(&store)?;
        let warnings = RefCell::default();
        Ok(Ok(Self { folder: folder.to_path_buf(), config, store: Arc::new(store), warnings, _loan: loan }))
    }

    /// Tells what was found and ends the command where it has errors; keeps it for the document that is still to come.
    pub(crate) fn tell(&self, found: &Diagnostics, output: &Output) -> anyhow::Result<()> {
        self.keep(found);
        tell(found, &self.config.files, output)
    }

    fn keep(&self, found: &Diagnostics) {
        if let serde_json::Value::Array(found) = found.to_json(&self.config.files) {
            self.warnings.borrow_mut().extend(found);
        }
    }

    /// Whether errors were told that cost single connections.
    pub(crate) fn has_errors(&self) -> bool {
        self.warnings.borrow().iter().any(|one| one.get("severity").is_some_and(|severity| severity == "error"))
    }

    /// What was told so far, as JSON.
    pub(crate) fn warnings(&self) -> Vec<serde_json::Value> {
        self.warnings.borrow().clone()
    }

    /// Reads the configuration and opens the store as its owner: no host lends it.
    pub(crate) fn open_own(folder: &Path, output: &Output) -> anyhow::Result<Result<Self, Told>> {
        let mut config = match Self::configuration(folder, output)? {
            Ok(config) => config,
            Err(told) => return Ok(Err(told)),
        };
        let store = Store::open(&Paths::new(folder).state).with_context(|| {
            Advice::failed("the store cannot be opened", "end the other process, or use another folder with `-C`")
        })?;
        config.sealed = sealed(&store)?;
        Ok(Ok(Self::of(folder, config, Arc::new(store))))
    }

    /// Loads plugins and checks everything against them, with what they learned in earlier runs; where there are
    /// mistakes, tells all of them. What costs single connections is told too, and others go on.
    pub(crate) async fn setup(&self, only: Option<&str>, output: &Output) -> anyhow::Result<Result<Setup, Told>> {
        let remotes = self.store.remotes().context("the store cannot be read")?;
        self.setup_knowing(&remotes, only, output).await
    }

    /// The same without what was learned: a run learns anew where it must, and may find that a mistake is mended.
    pub(crate) async fn setup_to_run(
        &self,
        only: Option<&str>,
        output: &Output,
    ) -> anyhow::Result<Result<Setup, Told>> {
        self.setup_knowing(&Remotes::new(), only, output).await
    }

    async fn setup_knowing(
        &self,
        remotes: &Remotes,
        only: Option<&str>,
        output: &Output,
    ) -> anyhow::Result<Result<Setup, Told>> {
        if let Some(only) = only
            && !self.config.audiences.keys().any(|key| key.as_str() == only)
        {
            let names: Vec<&str> = self.config.audiences.keys().map(|key| key.as_str()).collect();
            let near = enroute_core::suggest::nearest(only, names.iter().copied());
            let next =
                near.map_or_else(|| format!("it has: {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
            return Err(Advice::mistake(format!("audiences.toml has no audience `{only}`"), next).into());
        }
        let runtime = runtime(&self.folder, &self.store)?;
        let (setup, mut found) = Setup::prepare(&self.config, &runtime, remotes, &Clock::System.today(), only).await;
        if let Some(setup) = &setup {
            let reader = self.store.reader()?;
            found.append(setup.remarks(&reader)?);
            found.append(setup.left_remarks(&reader, &self.config)?);
        }
        if setup.is_some() {
            self.keep(&found);
            draw(&found, &self.config.files, output);
        } else {
            self.tell(&found, output)?;
        }
        Ok(setup.ok_or(Told(ExitCode::from(EXIT_MISTAKE))))
    }
}

/// The secrets that the store keeps.
fn sealed(store: &Store) -> anyhow::Result<Sealed> {
    let next = "if the store's key was replaced, bring back the one that it was made with";
    let told = || Advice::failed("the secrets that the store keeps cannot be opened", next);
    vault::open(&store.reader()?, store.sealer()).with_context(told)
}

/// The sandbox of an operator's folder, with its cache: what is compiled is compiled by a process of this program.
fn runtime(folder: &Path, store: &Store) -> anyhow::Result<Runtime> {
    let cache = Cache::new(Paths::new(folder).state.join("cache"), store.sealer().derived_key("cache"));
    let program = compile::program().context("this program cannot be found, to compile plugins with it")?;
    Runtime::new(Limits::default(), Some(cache.filled_by(program))).context("the sandbox cannot start")
}

/// The same for a command that needs nothing else of the folder.
pub(crate) fn runtime_of(folder: &Path) -> anyhow::Result<Runtime> {
    if !folder.join("plugins.toml").is_file() {
        let what = format!("`{}` is no folder of an operator: it has no plugins.toml", folder.display());
        return Err(Advice::mistake(what, "name the folder in which `enroute sync` is run").into());
    }
    let (store, _loan) = loan::open(&Paths::new(folder).state)?;
    runtime(folder, &store)
}

/// Opens the store to read it; one that cannot be read is not called one that is not there.
pub(crate) fn read_store(folder: &Path) -> anyhow::Result<Reader> {
    Store::open_read(&Paths::new(folder).state).map_err(|error| match error {
        Error::Missing { .. } => {
            let advice = Advice::mistake("there is no store in this folder yet", "run `enroute import` first");
            anyhow::Error::new(error).context(advice)
        }
        error => anyhow::Error::new(error).context("the store cannot be read"),
    })
}

/// Shows mistakes on standard error. Where data is JSON, mistakes that end the command are its document; what is only a
/// warning stands beside the document that is still to come.
pub(crate) fn tell(diagnostics: &Diagnostics, files: &Files, output: &Output) -> anyhow::Result<()> {
    if output.json && diagnostics.errors() > 0 {
        return output.print_json(&diagnostics.to_json(files));
    }
    draw(diagnostics, files, output);
    Ok(())
}

/// Shows what was found on standard error.
fn draw(diagnostics: &Diagnostics, files: &Files, output: &Output) {
    let paint = if std::io::IsTerminal::is_terminal(&std::io::stderr()) { Paint::Coloured } else { Paint::Plain };
    output.drawn(diagnostics.render_as(files, paint));
}
