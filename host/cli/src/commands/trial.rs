//! `enroute try`: one person at one connection: the event, which mappings it meets, and the requests.

use std::path::Path;
use std::process::ExitCode;

use enroute_host::sync::{self, Clock, Sent, Trial, TriedMapping};

use crate::commands::{import, plan};
use crate::output::{Advice, EXIT_STOPPED, Output, pick};
use crate::session::{Session, Told};

/// Whom to try where.
#[derive(Debug, clap::Args)]
pub(crate) struct TryArgs {
    /// The audience.
    audience: String,
    /// The destination.
    destination: String,
    /// The profile's id.
    #[arg(long, value_name = "ID")]
    profile: String,
    /// Send what is shown, and show what is answered; the ledger has it like every other request.
    #[arg(long)]
    send: bool,
    /// Use the profiles as they are in the store, without reading the sources again.
    #[arg(long)]
    no_import: bool,
}

/// Runs the command.
pub(crate) async fn run(args: TryArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let connected = session.config.connections.iter().filter(|one| one.audience.value.as_str() == args.audience);
    let names: Vec<&str> = connected.map(|one| one.destination.value.as_str()).collect();
    let mut setup = match session.setup(Some(&args.audience), output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    let what = format!("audience `{}` is not connected to a destination `{}`", args.audience, args.destination);
    pick(&args.destination, &names, &what)?;
    setup.keep_destination(&args.destination);
    if setup.is_empty() {
        let what = format!("the connection of `{}` to `{}` is not enabled", args.audience, args.destination);
        return Err(Advice::mistake(what, "see `enroute status`").into());
    }
    if let (0, [stopped, ..]) = (setup.len(), setup.stopped()) {
        let what = format!("the connection of `{}` to `{}` is stopped", args.audience, args.destination);
        let next = "mend that first; other connections can be tried";
        return Err(anyhow::anyhow!("{}", stopped.reason).context(Advice::stopped(what, next)));
    }
    if !args.no_import {
        import::sources(&session, None, output).await?;
    }
    let (store, config) = (&session.store, &session.config);
    let tried = sync::try_profile(store, &setup, config, &args.profile, &Clock::System, args.send).await?;
    let Some(tried) = tried else {
        let what = format!("no profile has the id `{}`", args.profile);
        return Err(Advice::mistake(what, "ids are case-sensitive; is it in the last import?").into());
    };
    if output.json {
        output.print_json(&tried)?;
    } else {
        show(&tried, output)?;
    }
    let plans = tried.mappings.iter().filter_map(|mapping| mapping.plan.as_ref());
    let is_stopped = !setup.stopped().is_empty() || plans.into_iter().any(|plan| plan.stopped.is_some());
    Ok(match &tried.sent {
        Some(sent) => ExitCode::from(sent.report.exit_code()),
        None if is_stopped => ExitCode::from(EXIT_STOPPED),
        None => ExitCode::SUCCESS,
    })
}

fn show(tried: &Trial, output: &Output) -> anyhow::Result<()> {
    let state = if tried.is_member { "in the audience" } else { "not in the audience, or held back" };
    output.line(format_args!("profile {}: {state}", tried.profile))?;
    for mapping in &tried.mappings {
        show_mapping(mapping, output)?;
    }
    match &tried.sent {
        Some(sent) => show_sent(sent, output),
        None => output.line("nothing was sent; --send sends it"),
    }
}

fn show_mapping(mapping: &TriedMapping, output: &Output) -> anyhow::Result<()> {
    let name = if mapping.mapping.is_empty() { "mapping" } else { &mapping.mapping };
    let matches = if mapping.matches { "matches" } else { "does not match" };
    output.line(format_args!("{name}: {matches}"))?;
    if let Some(reason) = &mapping.reason {
        output.line(format_args!("  {reason}"))?;
    }
    for condition in &mapping.conditions {
        let met = if condition.is_met { "met" } else { "not met" };
        output.line(format_args!("  {met}: {}", condition.condition))?;
    }
    if let Some(event) = &mapping.event {
        output.line(format_args!("  event {event}"))?;
    }
    let Some(plan) = &mapping.plan else { return Ok(()) };
    plan::reasons("cannot be sent", &plan.rejections, output)?;
    plan::reasons("worth knowing", &plan.warnings, output)?;
    if let Some(reason) = &plan.stopped {
        output.line(format_args!("  stopped: {reason}"))?;
    }
    plan::refused(&plan.refused_requests, output)?;
    for fault in &plan.faults {
        output.line(format_args!("  plugin failed in `{}`: {}", fault.function, fault.reason))?;
    }
    for request in &plan.requests {
        plan::show_request(request, output)?;
    }
    Ok(())
}

fn show_sent(sent: &Sent, output: &Output) -> anyhow::Result<()> {
    for exchange in &sent.exchanges {
        let digest = exchange.digest.get(..12).unwrap_or(&exchange.digest);
        let what = match (exchange.status, &exchange.failure) {
            (Some(status), _) => format!("answered {status}"),
            (None, Some(failure)) => failure.clone(),
            (None, None) => "not answered".to_owned(),
        };
        output.line(format_args!("sent {} {digest}…: {what}", exchange.method))?;
        if let Some(answer) = exchange.answer.as_ref().filter(|answer| !answer.is_empty()) {
            output.line(format_args!("  {answer}"))?;
        }
    }
    if sent.exchanges.is_empty() {
        output.line("there was nothing to send")?;
    }
    super::sync::show(&sent.report, output)
}
