//! `enroute forget`: lets go of what is known, without a request.

use std::path::Path;
use std::process::ExitCode;

use crate::output::Output;

mod connection;

/// What to forget.
#[derive(Debug, clap::Args)]
pub(crate) struct ForgetArgs {
    /// Whom a connection holds, as AUDIENCE/DESTINATION or AUDIENCE/DESTINATION/MAPPING: they stay at the destination.
    #[arg(long, value_name = "CONNECTION", required = true)]
    connection: Option<String>,
    /// Only whom it holds at places where it put members before.
    #[arg(long, requires = "connection")]
    earlier: bool,
    /// Forget; without this, only what would be done is shown.
    #[arg(long)]
    yes: bool,
    /// Only show what would be done, which is what happens without `--yes`.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// Runs the command.
pub(crate) async fn run(args: ForgetArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let name = args.connection.unwrap_or_default();
    connection::run(&name, (args.earlier, args.yes), folder, output).await
}
