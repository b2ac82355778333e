//! `enroute adopt`: says what a connection is called now. Nothing is sent.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::words::counted;
use enroute_host::sync;

use crate::commands::purge::{advice, which};
use crate::output::Output;
use crate::session::{Session, Told};

/// What has another name.
#[derive(Debug, clap::Args)]
pub(crate) struct AdoptArgs {
    /// What it was called: AUDIENCE, AUDIENCE/DESTINATION or AUDIENCE/DESTINATION/MAPPING.
    old: String,
    /// What it is called in audiences.toml now, in the same form; what is left out stays the same.
    new: String,
    /// Only show what would be done.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub(crate) async fn run(args: AdoptArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let (old, new) = (which(&args.old)?, which(&args.new)?);
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let found = sync::adoption(&session.store.reader()?, &session.config, &old, &new).map_err(advice)?;
    if !args.dry_run {
        sync::adopt(&session.store, found.clone()).await?;
    }
    if output.json {
        output.print_json(&serde_json::json!({ "adopted": found, "dry_run": args.dry_run }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in &found {
        output.line(format_args!("{} goes on as {} with {}", one.from, one.to, counted(one.held, "member")))?;
    }
    output.line(if args.dry_run { "nothing was changed: it was a dry run" } else { "nothing was sent" })?;
    Ok(ExitCode::SUCCESS)
}
