//! `enroute purge`: withdraws everybody whom a connection holds that is not synced any more.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::words::counted;
use enroute_host::sync::{self, Clock, Detail, LinkPlan, Options, Which};

use crate::commands::{plan, sync as syncing};
use crate::output::{Advice, EXIT_STOPPED, Output, connection};
use crate::progress;
use crate::session::{Session, Told};

/// Whom to withdraw.
#[derive(Debug, clap::Args)]
pub(crate) struct PurgeArgs {
    /// The connection: AUDIENCE/DESTINATION, with /MAPPING behind it where only one is meant.
    connection: String,
    /// Send; without this, only what would be sent is shown.
    #[arg(long)]
    yes: bool,
    /// Only show what would be sent, which is what happens without `--yes`.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Wait for what is due later: throttled requests, and jobs at the destination.
    #[arg(long)]
    wait: bool,
}

/// Runs the command.
pub(crate) async fn run(args: PurgeArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let which = which(&args.connection)?;
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let setup = match session.setup_to_run(None, output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    let held = sync::held_by(&session.store.reader()?, &which, false).map_err(advice)?;
    if let Some(synced) = held.iter().find(|kept| !kept.is_gone && setup.syncs(&kept.own_name())) {
        let name = synced.own_name();
        let what = format!("`{}/{}` is synced: whoever is withdrawn comes back", name.audience, name.destination);
        let next = "remove the connection from audiences.toml, or set `enabled = false` there, and purge it then";
        return Err(Advice::mistake(what, next).into());
    }
    if !args.yes {
        let plans = sync::plan_purge(&session.store, &setup, &held, &Clock::System, Detail::default()).await?;
        return show(&plans, output);
    }
    let bars = progress::Bars::new(output);
    let options = Options { wait: args.wait, progress: bars.sink(), ..Options::default() };
    let report = sync::purge(&session.store, &setup, &held, &options).await?;
    bars.finish();
    if output.json {
        output.print_json(&report)?
    } else {
        syncing::show(&report, output)?
    }
    Ok(ExitCode::from(report.exit_code()))
}

/// Reads which connections are meant.
pub(crate) fn which(text: &str) -> anyhow::Result<Which> {
    Which::parse(text).ok_or_else(|| {
        let what = format!("`{text}` names no connection");
        Advice::mistake(what, "write AUDIENCE/DESTINATION, or AUDIENCE/DESTINATION/MAPPING").into()
    })
}

/// What a person can do about it.
pub(crate) fn advice(error: sync::LeftError) -> anyhow::Error {
    match error {
        sync::LeftError::Mistake { message, hint } => Advice::mistake(message, hint).into(),
        error => error.into(),
    }
}

fn show(plans: &[LinkPlan], output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        output.print_json(&plans)?;
    }
    for one in plans.iter().filter(|_| !output.json) {
        let name = connection(&one.audience, &one.destination, &one.mapping);
        output.line(format_args!("{name}: {} to withdraw", counted(one.changes.removed, "member")))?;
        if let Some(reason) = &one.stopped {
            output.line(format_args!("  cannot be withdrawn: {reason}"))?;
            continue;
        }
        let requests = counted(one.requests.len(), "request");
        output.line(format_args!("  sendable {}, unchanged {}, {requests}", one.sendable, one.unchanged))?;
        plan::reasons("cannot be sent", &one.rejections, output)?;
        plan::reasons("worth knowing", &one.warnings, output)?;
    }
    output.line("nothing was sent; --yes sends it")?;
    let is_stopped = plans.iter().any(|plan| plan.stopped.is_some());
    Ok(if is_stopped { ExitCode::from(EXIT_STOPPED) } else { ExitCode::SUCCESS })
}
