//! `enroute sync`: the plan, carried out, with a receipt for every member.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::words::counted;
use enroute_host::sync::{self, Clock, FaultReport, LinkReport, LinkState, Options, RunReport};

use crate::commands::{alert, import, plan};
use crate::output::{Output, connection};
use crate::progress;
use crate::session::{Session, Told};
use crate::signals;

/// What to sync.
#[derive(Debug, clap::Args)]
pub(crate) struct SyncArgs {
    /// Only this audience.
    audience: Option<String>,
    /// Wait for what is due later: throttled requests, and jobs at the destination.
    #[arg(long)]
    wait: bool,
    /// Go on though an audience loses more members than its guard allows.
    #[arg(long)]
    allow_empty: bool,
    /// Sync the profiles as they are in the store, without reading the sources again.
    #[arg(long)]
    no_import: bool,
    /// Only show what would be done, as `enroute plan` does.
    #[arg(long)]
    dry_run: bool,
}

impl SyncArgs {
    /// Whether nothing is sent.
    pub(crate) const fn only_shows(&self) -> bool {
        self.dry_run
    }
}

/// Runs the command.
pub(crate) async fn run(args: SyncArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    if args.dry_run {
        return plan::run(plan::PlanArgs::dry_run(args.audience, args.no_import), folder, output).await;
    }
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let setup = match signals::unless_asked(session.setup_to_run(args.audience.as_deref(), output)).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    if !args.no_import {
        import::sources(&session, None, output).await?;
    }
    let bars = progress::Bars::new(output);
    let options = Options {
        wait: args.wait,
        allow_empty: args.allow_empty,
        progress: bars.sink(),
        halt: signals::halt(),
        ..Options::default()
    };
    let report = sync::sync(&session.store, &setup, &options).await?;
    bars.finish();
    alert::tell(&session, &report, output).await?;
    if let Some(days) = session.config.retention_days {
        sync::fold(&session.store, days, &Clock::System).await?;
    }
    if output.json {
        output.print_json(&report)?;
    } else if report.connections.is_empty() {
        output.line(plan::NOTHING_CONNECTED)?;
    } else {
        show(&report, output)?;
    }
    Ok(ExitCode::from(report.exit_code()))
}

/// Prints a run's report for people.
pub(crate) fn show(report: &RunReport, output: &Output) -> anyhow::Result<()> {
    for link in &report.connections {
        show_link(link, output)?;
    }
    Ok(())
}

fn show_link(link: &LinkReport, output: &Output) -> anyhow::Result<()> {
    let state = match link.state {
        LinkState::Done => "done",
        LinkState::Waiting => "waiting",
        LinkState::Paused => "paused",
        LinkState::Guarded => "stopped by its guard",
        LinkState::Failed => "failed",
        LinkState::Interrupted => "interrupted",
    };
    let name = connection(&link.audience, &link.destination, &link.mapping);
    output.line(format_args!("{name}, {}: {state}", link.plugin))?;
    if let Some(reason) = &link.reason {
        output.line(format_args!("  {reason}"))?;
    }
    for note in &link.notes {
        output.line(format_args!("  note: {note}"))?;
    }
    if link.state == LinkState::Guarded {
        output.line("  look at `enroute plan`; if that is what you want, sync with --allow-empty")?;
        return Ok(());
    }
    let (changes, outcomes, requests) = (&link.changes, &link.outcomes, &link.requests);
    if link.withheld > 0 {
        output.line(format_args!("  held back for want of consent: {}", link.withheld))?;
    }
    output.line(format_args!(
        "  members {}, looked at {}: {} added, {} updated, {} removed",
        link.members,
        changes.total(),
        changes.added,
        changes.updated,
        changes.removed
    ))?;
    let words: Vec<String> = outcomes
        .words()
        .iter()
        .filter(|(word, count)| *count > 0 || *word == "delivered")
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    let sum = if link.adds_up { "adds up" } else { "DOES NOT ADD UP" };
    output.line(format_args!("  {} = {} ({sum})", words.join(" + "), outcomes.total()))?;
    output.line(format_args!(
        "  requests: {} prepared, {} subset, {} derived; held there now: {}",
        requests.prepared, requests.subset, requests.derived, link.held
    ))?;
    if link.in_doubt > 0 {
        output.line(format_args!("  in doubt what it has of them: {}", link.in_doubt))?;
    }
    if link.repeated > 0 {
        output.line(format_args!("  sent again because it was in doubt what had arrived: {}", link.repeated))?;
    }
    plan::reasons("rejected", &link.rejections, output)?;
    if link.refused_before > 0 {
        output.line(format_args!("  refused earlier and not changed since: {}", link.refused_before))?;
    }
    if link.dead_letters > 0 {
        output.line(format_args!("  given up after hours: {}; `enroute retry` sends them again", link.dead_letters))?;
    }
    plan::reasons("waiting", &link.waiting, output)?;
    plan::reasons("worth knowing", &link.warnings, output)?;
    for (reason, count) in &link.unattributed {
        output.line(format_args!("  refused by count only: {count} × {reason}"))?;
    }
    plan::refused(&link.refused_requests, output)?;
    link.faults.iter().try_for_each(|fault| show_fault(fault, output))
}

fn show_fault(fault: &FaultReport, output: &Output) -> anyhow::Result<()> {
    output.line(format_args!(
        "  plugin fault {} in `{}`, {}: {}",
        fault.code,
        fault.function,
        counted(fault.times, "time"),
        fault.reason
    ))?;
    let is_own =
        |frame: &&String| !frame.contains("panic") && !frame.starts_with("std::") && !frame.starts_with("__rust");
    if let Some(frame) = fault.backtrace.iter().find(is_own) {
        output.line(format_args!("    in {frame}"))?;
    }
    if let Some(line) = fault.log.last() {
        output.line(format_args!("    it logged last: {line}"))?;
    }
    Ok(())
}
