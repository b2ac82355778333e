//! `enroute plan`: what a sync would do, to the digest of every request; nothing is sent.

use std::path::Path;
use std::process::ExitCode;

use enroute_host::sync::{self, Clock, Detail, LinkPlan, ReasonCount};

use crate::commands::import;
use crate::output::Output;
use crate::session::{Session, Told};

/// What to plan.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Only this audience.
    audience: Option<String>,
    /// Show headers and bodies of requests, too. Bodies hold personal data; secrets stay masked.
    #[arg(long)]
    bodies: bool,
    /// Plan with the profiles as they are in the store, without reading the sources again.
    #[arg(long)]
    no_import: bool,
}

/// Runs the command.
pub(crate) async fn run(args: PlanArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let setup = match session.setup(args.audience.as_deref(), output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    if !args.no_import {
        import::sources(&session, None, output).await?;
    }
    let plans = sync::plan(&session.store, &setup, &Clock::System, Detail { bodies: args.bodies }).await?;
    if output.json {
        output.print_json(&plans)?;
    } else if plans.is_empty() {
        output.line("nothing is connected: audiences.toml has no enabled [[connection]] to an enabled destination")?;
    } else {
        for plan in &plans {
            show(plan, output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Requests shown to people; all are in the JSON.
const REQUESTS_SHOWN: usize = 5;

fn show(plan: &LinkPlan, output: &Output) -> anyhow::Result<()> {
    let changes = &plan.changes;
    output.line(format_args!("{} → {} ({})", plan.audience, plan.destination, plan.plugin))?;
    output.line(format_args!(
        "  members {}: {} to add, {} to look at again, {} to remove",
        plan.members, changes.added, changes.updated, changes.removed
    ))?;
    output.line(format_args!(
        "  sendable {}, unchanged {}, waiting {}, under older settings {}",
        plan.sendable, plan.unchanged, plan.waiting, plan.stale
    ))?;
    reasons("cannot be sent", &plan.rejections, output)?;
    reasons("worth knowing", &plan.warnings, output)?;
    for fault in &plan.faults {
        output.line(format_args!("  plugin failed in `{}` {} times: {}", fault.function, fault.times, fault.reason))?;
    }
    if let Some(guard) = &plan.guard {
        output.line(format_args!("  a sync would stop: {guard}"))?;
    }
    let pace = plan.pace_ms.div_ceil(1_000);
    output.line(format_args!("  {} requests, at least {pace} s at the destination's pace", plan.requests.len()))?;
    for request in plan.requests.iter().take(REQUESTS_SHOWN) {
        let digest = request.digest.get(..12).unwrap_or(&request.digest);
        output.line(format_args!(
            "    {} {}  {} members, {} bytes, digest {digest}…",
            request.method, request.url, request.members, request.body_bytes
        ))?;
        for (name, value) in request.headers.iter().flatten() {
            output.line(format_args!("      {name}: {value}"))?;
        }
        if let Some(body) = &request.body {
            output.line(format_args!("      {body}"))?;
        }
    }
    let more = plan.requests.len().saturating_sub(REQUESTS_SHOWN);
    if more > 0 {
        output.line(format_args!("    … and {more} more; --json lists all"))?;
    }
    Ok(())
}

/// Reasons with the number of members, and what to do.
pub(crate) fn reasons(title: &str, reasons: &[ReasonCount], output: &Output) -> anyhow::Result<()> {
    for reason in reasons {
        let field = reason.field.as_deref().map_or(String::new(), |field| format!(" ({field})"));
        let text = if reason.reason.is_empty() { String::new() } else { format!(": {}", reason.reason) };
        output.line(format_args!("  {title}: {} × {}{field}{text}", reason.members, reason.code))?;
        if let Some(hint) = &reason.hint {
            output.line(format_args!("    {hint}"))?;
        }
    }
    Ok(())
}

impl PlanArgs {
    /// The plan of a sync that is not carried out.
    pub(crate) const fn dry_run(audience: Option<String>, no_import: bool) -> Self {
        Self { audience, bodies: false, no_import }
    }
}
