//! `enroute check`: everything that is wrong, at once; nothing is sent but probes, and those only when asked for.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use enroute_core::words::{counted, noun};
use enroute_host::config::diagnostic::Diagnostics;
use enroute_host::sync::{self, Clock, Probed, Setup};

use crate::commands::import::{self, Asked};
use crate::output::{EXIT_MISTAKE, Output, connection};
use crate::session::{Session, Told};

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Test the credentials at the destinations too; nothing there is changed.
    #[arg(long)]
    probe: bool,
}

/// Runs the command.
pub(crate) async fn run(args: CheckArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let setup = match session.setup(None, output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    let missing = setup.logins_missing(&session.store.reader()?)?;
    if !missing.is_empty() {
        session.tell(&missing, output)?;
        return Ok(ExitCode::from(EXIT_MISTAKE));
    }
    let (store, config) = (Arc::clone(&session.store), session.config.clone());
    let doubted = tokio::task::spawn_blocking(move || sync::conditions(&store.reader()?, &config));
    let doubted = doubted.await.context("the conditions were lost")?.context("the store cannot be read")?;
    if !doubted.is_empty() {
        session.tell(&doubted, output)?;
    }
    if doubted.errors() > 0 {
        return Ok(ExitCode::from(EXIT_MISTAKE));
    }
    let probed = if args.probe { sync::probe(&session.store, &setup, &Clock::System).await? } else { Vec::new() };
    let asked = if args.probe { import::asked(&session).await? } else { Vec::new() };
    let absent = setup.account_remarks(&session.store.reader()?)?;
    if !absent.is_empty() {
        session.tell(&absent, output)?;
    }
    let failed = probed.iter().any(Probed::has_failed) || asked.iter().any(|one| one.problem.is_some());
    let stopped = setup.stopped();
    if output.json {
        output.print_json(
            &serde_json::json!({ "connections": setup.len(), "stopped": stopped, "probes": probed, "sources": asked, "warnings": session.warnings() }),
        )?;
    } else {
        for probed in &probed {
            let reason = probed.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
            output.line(format_args!("{} → {}: {}{reason}", probed.audience, probed.destination, probed.verdict))?;
        }
        asked.iter().try_for_each(|one| show(one, output))?;
        for one in stopped {
            let name = connection(&one.audience, &one.destination, &one.mapping);
            output.line(format_args!("{name}: stopped: {}", one.reason))?;
        }
        output.line(summary(&setup, &probed, &absent))?;
    }
    Ok(match (session.has_errors(), failed) {
        (true, _) => ExitCode::from(EXIT_MISTAKE),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    })
}

/// What a query gives, or why it gives nothing.
fn show(one: &Asked, output: &Output) -> anyhow::Result<()> {
    if let Some(problem) = &one.problem {
        return output.line(format_args!("source {}: {problem}", one.source));
    }
    output.line(format_args!("source {}: {}", one.source, counted(one.columns.len() as u64, "column")))?;
    let rows = one.columns.iter().map(|(name, becomes)| vec![format!("  {name}"), becomes.clone()]);
    output.table(&rows.collect::<Vec<_>>())
}

/// The last line. Beside what failed, nothing reads as if all were in order.
fn summary(setup: &Setup, probed: &[Probed], absent: &Diagnostics) -> String {
    let all = setup.len() as u64;
    let failed = probed.iter().filter(|probed| probed.has_failed()).count() as u64;
    if failed > 0 {
        return format!("{failed} of {} failed the probe", counted(all, "connection"));
    }
    if absent.errors() > 0 {
        return format!("{} to mend, see above", counted(absent.errors(), "mistake"));
    }
    let stopped = setup.stopped().len();
    let beside = if stopped > 0 { format!(", {stopped} stopped") } else { String::new() };
    format!("{} {} in order{beside}", counted(all, "connection"), noun(all, "is"))
}
