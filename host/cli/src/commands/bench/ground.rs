//! What all scenarios stand on: rows, plugins, the sandbox, the servers, and the operator's folder.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use enroute_core::id::SourceName;
use enroute_fakes::all::SECRETS;
use enroute_host::catalog;
use enroute_host::config::load::{Loaded, load};
use enroute_host::config::{Config, Paths};
use enroute_host::runtime::Runtime;
use enroute_host::sources::{Format, Import, Options};
use enroute_host::store::Store;
use enroute_host::store::ledger::Remotes;
use enroute_host::sync::{Clock, Setup};
use tempfile::TempDir;

use crate::commands::bench::destinations::{self, BRAZE, Case};
use crate::commands::bench::people::{self, Row};
use crate::commands::bench::servers::Servers;
use crate::output::Advice;
use crate::session;

/// Everything that is made once.
pub(super) struct Ground {
    folder: TempDir,
    pub(super) cases: Vec<&'static Case>,
    pub(super) runtime: Runtime,
    pub(super) servers: Servers,
    pub(super) seed: u64,
    /// The rows, one a line, and how many.
    pub(super) rows: PathBuf,
    pub(super) members: u64,
    plugins_toml: String,
    audiences_toml: String,
}

/// Where the rows come from.
pub(super) struct Rows<'a> {
    pub(super) input: Option<&'a Path>,
    pub(super) members: Option<u32>,
    pub(super) seed: u64,
}

/// How many people are made up where nobody says.
const MEMBERS: u32 = 10_000;

impl Ground {
    /// Makes or reads the rows, starts the servers, and writes the operator's folder.
    pub(super) fn lay(
        cases: Vec<&'static Case>,
        with_stub: bool,
        plugins: &[(String, PathBuf)],
        rows: &Rows<'_>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder can be made")?;
        let members = take_rows(&folder.path().join(ROWS), rows)?;
        let servers = Servers::start()?;
        let mut text = String::new();
        let is_needed = |id: &str| cases.iter().any(|case| case.id == id) || (with_stub && id == BRAZE);
        for (id, file) in plugins.iter().filter(|(id, _)| is_needed(id)) {
            let digest = catalog::sha256_hex(&catalog::read_file(file)?);
            let file = toml::Value::String(file.display().to_string());
            text.push_str(&format!("[plugin.{id}]\nfile = {file}\nsha256 = \"{digest}\"\n\n"));
        }
        let addresses = &servers.addresses;
        let stub = with_stub.then_some(addresses.stub.as_str());
        text.push_str(&destinations::plugins_toml(&addresses.destinations, &cases, stub)?);
        let audiences_toml = destinations::audiences_toml(&cases, with_stub);
        let home = folder.path().join(HOME);
        write_files(&home, &text, &audiences_toml)?;
        let runtime = session::runtime_of(&home)?;
        let rows_file = folder.path().join(ROWS);
        Ok(Self {
            folder,
            cases,
            runtime,
            servers,
            seed: rows.seed,
            rows: rows_file,
            members,
            plugins_toml: text,
            audiences_toml,
        })
    }

    /// The operator's folder whose cache has the plugins.
    pub(super) fn home(&self) -> PathBuf {
        self.folder.path().join(HOME)
    }

    /// The file of a plugin.
    pub(super) fn plugin(&self, id: &str) -> anyhow::Result<PathBuf> {
        let files: toml::Table = self.plugins_toml.parse()?;
        let file = files.get("plugin").and_then(|all| all.get(id)?.get("file")?.as_str());
        file.map(PathBuf::from).with_context(|| format!("the bench was laid without plugin `{id}`"))
    }

    /// The rows, one a line.
    pub(super) fn lines(&self) -> anyhow::Result<Vec<String>> {
        let file = File::open(&self.rows).context("the rows cannot be read")?;
        BufReader::new(file).lines().collect::<Result<_, _>>().context("the rows cannot be read")
    }

    /// A folder of an operator in which nothing has happened yet.
    pub(super) fn world(&self) -> anyhow::Result<World> {
        let folder = tempfile::tempdir_in(self.folder.path()).context("no temporary folder can be made")?;
        write_files(folder.path(), &self.plugins_toml, &self.audiences_toml)?;
        let store = Store::open(&Paths::new(folder.path()).state)?;
        let Loaded { config, diagnostics, files, .. } = load(folder.path());
        let config =
            config.with_context(|| format!("the bench's own files are wrong: {}", diagnostics.render(&files)))?;
        Ok(World { folder, store: Arc::new(store), config, clock: Clock::starting_at(Clock::System.now_ms()) })
    }
}

const ROWS: &str = "rows.ndjson";
const HOME: &str = "home";

/// Writes the rows into one file. Returns how many there are.
fn take_rows(path: &Path, rows: &Rows<'_>) -> anyhow::Result<u64> {
    let mut file = BufWriter::new(File::create(path).context("the rows cannot be written")?);
    let mut members = 0;
    let mut put = |line: &str| {
        members += 1;
        writeln!(file, "{line}").context("the rows cannot be written")
    };
    match rows.input {
        None => people::rows(rows.members.unwrap_or(MEMBERS), rows.seed).try_for_each(|line| put(&line))?,
        Some(input) => {
            let unreadable = || Advice::mistake(format!("`{}` cannot be read", input.display()), INPUT_HINT);
            let given = BufReader::new(File::open(input).with_context(unreadable)?);
            let most = rows.members.map_or(usize::MAX, |members| members as usize);
            for (number, line) in given.lines().take(most).enumerate() {
                let line = line.with_context(unreadable)?;
                let no_row = || Advice::mistake(format!("line {} of the input is no row", number + 1), INPUT_HINT);
                Row::read(&line).with_context(no_row)?;
                put(&line)?;
            }
        }
    }
    if members == 0 {
        return Err(Advice::mistake("there is nobody to measure with", INPUT_HINT).into());
    }
    Ok(members)
}

const INPUT_HINT: &str = "give a file of JSON lines with `user_id` and `traits`, or none: then people are made up";

fn write_files(folder: &Path, plugins_toml: &str, audiences_toml: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let put = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).with_context(|| format!("{name} cannot be written"))
    };
    SECRETS.iter().try_for_each(|(name, value)| put(name, value))?;
    put("plugins.toml", plugins_toml)?;
    put("audiences.toml", audiences_toml)
}

/// One operator's folder, with a store of its own.
pub(super) struct World {
    folder: TempDir,
    pub(super) store: Arc<Store>,
    config: Config,
    /// Waits are part of a run, and this clock jumps over them.
    pub(super) clock: Clock,
}

impl World {
    /// Where a file of this folder is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes lines into a file.
    pub(super) fn write(
        &self,
        name: &str,
        lines: impl IntoIterator<Item = anyhow::Result<String>>,
    ) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        let mut file = BufWriter::new(File::create(&path).with_context(|| format!("{name} cannot be written"))?);
        for line in lines {
            writeln!(file, "{}", line?).context("profiles cannot be written")?;
        }
        file.flush().context("profiles cannot be written")?;
        Ok(path)
    }

    /// Imports a file of profiles. Returns how many were read.
    pub(super) async fn import(&self, file: PathBuf) -> anyhow::Result<u64> {
        let (store, source) = (Arc::clone(&self.store), "crm".parse::<SourceName>()?);
        let now_ms = || Clock::System.now_ms().cast_signed();
        let imported = tokio::task::spawn_blocking(move || {
            let options = Options::new(source, file, Format::Ndjson);
            Import::run(&store, &options, now_ms, |_| ControlFlow::Continue(()))
        });
        let progress = imported.await.context("the import was lost")??.progress;
        anyhow::ensure!(progress.rejected == 0, "{} profiles of the bench were refused", progress.rejected);
        Ok(progress.read)
    }

    /// The connection to one destination, or all where none is named.
    pub(super) async fn setup(&self, ground: &Ground, only: Option<&str>) -> anyhow::Result<Setup> {
        let (setup, found) =
            Setup::prepare(&self.config, &ground.runtime, &Remotes::new(), &self.clock.today(), None).await;
        let mut setup = setup.with_context(|| found.render(&self.config.files))?;
        if let Some(stopped) = setup.stopped().first() {
            anyhow::bail!("the connection to `{}` cannot run: {}", stopped.destination, stopped.reason);
        }
        if let Some(only) = only {
            setup.keep_destination(only);
        }
        Ok(setup)
    }
}
