//! `enroute diff` and `enroute undo`: what changed in what decides what is sent, who is stale, and the way back.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_core::words::counted;
use enroute_host::config::Paths;
use enroute_host::config::written::put_back;
use enroute_host::sync::{self, Setup, VersionDiff, VersionError};

use crate::commands::plugin::write_whole;
use crate::output::{Advice, Output, connection};
use crate::session::{Session, Told};

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// The connection; with several mappings, AUDIENCE/DESTINATION/MAPPING.
    #[arg(value_name = "AUDIENCE/DESTINATION")]
    connection: String,
    /// The one version; by default that of the last run, or the one before.
    from: Option<u64>,
    /// The other version; by default what the files have.
    to: Option<u64>,
}

/// What to bring back.
#[derive(Debug, clap::Args)]
pub(crate) struct UndoArgs {
    /// The connection; with several mappings, AUDIENCE/DESTINATION/MAPPING.
    #[arg(value_name = "AUDIENCE/DESTINATION")]
    connection: String,
    /// The version; by default that of the last run, or the one before.
    version: Option<u64>,
    /// Write it into audiences.toml; without this, only what would change is shown.
    #[arg(long)]
    yes: bool,
    /// Only show what would change, which is what happens without `--yes`.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// Runs `enroute diff`.
pub(crate) async fn diff(args: DiffArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let (session, setup) = match open(folder, output).await? {
        Ok(opened) => opened,
        Err(Told(code)) => return Ok(code),
    };
    let found = sync::diff(&session.store.reader()?, &setup, &args.connection, (args.from, args.to));
    let found = found.map_err(|error| explained(error, &setup))?;
    if output.json {
        output.print_json(&found)?;
    } else {
        show(&found, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `enroute undo`.
pub(crate) async fn undo(args: UndoArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let (session, setup) = match open(folder, output).await? {
        Ok(opened) => opened,
        Err(Told(code)) => return Ok(code),
    };
    let found = sync::undo(&session.store.reader()?, &setup, &args.connection, args.version);
    let found = found.map_err(|error| explained(error, &setup))?;
    let path = Paths::new(folder).audiences_file;
    let text = std::fs::read_to_string(&path).with_context(unwritable)?;
    let written = put_back(&text, &found.diff.audience, &found.diff.destination, &found.written);
    let written = written.with_context(unwritable)?;
    if output.json {
        output.print_json(&found)?;
    } else {
        show(&found.diff, output)?;
    }
    if !args.yes {
        output.line("nothing was written; --yes writes it into audiences.toml")?;
        return Ok(ExitCode::SUCCESS);
    }
    write_whole(&path, written.as_bytes())?;
    let version = found.diff.to;
    output.note(format_args!("wrote version {version} into {}; nothing was sent", path.display()));
    Ok(ExitCode::SUCCESS)
}

async fn open(folder: &Path, output: &Output) -> anyhow::Result<Result<(Session, Setup), Told>> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(told) => return Ok(Err(told)),
    };
    let setup = session.setup(None, output).await?;
    Ok(setup.map(|setup| (session, setup)))
}

fn unwritable() -> Advice {
    Advice::mistake("audiences.toml cannot be changed back", "change it by hand, with what `enroute diff` shows")
}

fn explained(error: VersionError, setup: &Setup) -> anyhow::Error {
    let next = match &error {
        VersionError::Store(_) => return anyhow::Error::new(error),
        VersionError::NoConnection(_) if setup.titles().is_empty() => {
            "no [[connection]] of audiences.toml runs; `enroute check` says why".to_owned()
        }
        VersionError::NoConnection(_) => format!("there are: {}", setup.titles().join(", ")),
        VersionError::NeverSynced => "run `enroute sync` first".to_owned(),
        VersionError::NoVersion(_) | VersionError::NoOther | VersionError::NotKept(_) => {
            "`enroute diff` without versions lists those there are".to_owned()
        }
        VersionError::Elsewhere(_) => {
            "an undo changes the connection in audiences.toml alone: change these by hand".to_owned()
        }
    };
    Advice::mistake(error.to_string(), next).into()
}

fn show(found: &VersionDiff, output: &Output) -> anyhow::Result<()> {
    output.line(connection(&found.audience, &found.destination, &found.mapping))?;
    for one in &found.versions {
        let since = one.since.as_ref().map(|since| format!(", since {since}")).unwrap_or_default();
        let force = if one.in_force { ", of the last run" } else { "" };
        let files = if one.in_files { ", in the files" } else { "" };
        output.line(format_args!("  version {}{since}{force}{files}: holds {}", one.version, one.held))?;
    }
    output.line(format_args!("  from version {} to version {}:", found.from, found.to))?;
    for one in &found.differences {
        let [before, after] = [&one.before, &one.after].map(|text| text.as_deref().unwrap_or("nothing"));
        output.line(format_args!("    {}: {before} → {after}", one.what))?;
    }
    if found.differences.is_empty() {
        output.line("    no difference")?;
    }
    let members = counted(found.stale, "member");
    output.line(format_args!("  {members} stale under version {}; `enroute resync --stale` sends them again", found.to))
}
