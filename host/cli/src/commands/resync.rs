//! `enroute resync`: sends again what destinations hold, after showing how many that are.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::words::counted;
use enroute_host::sync::{self, Clock, LinkResync, Options, Resend};

use crate::commands::{import, plan, sync as syncing};
use crate::output::{Advice, EXIT_STOPPED, Output, connection, pick};
use crate::progress;
use crate::session::{Session, Told};

/// What to send again.
#[derive(Debug, clap::Args)]
pub(crate) struct ResyncArgs {
    /// Only this audience.
    audience: Option<String>,
    /// Only its connection to this destination.
    #[arg(requires = "audience")]
    destination: Option<String>,
    /// Only members who were last sent under other settings, or another mapping.
    #[arg(long)]
    stale: bool,
    /// Only this person, by the profile's id.
    #[arg(long, value_name = "ID", conflicts_with = "stale")]
    person: Option<String>,
    /// Send; without this, only what would be sent is shown.
    #[arg(long)]
    yes: bool,
    /// Only show what would be sent, which is what happens without `--yes`.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Wait for what is due later: throttled requests, and jobs at the destination.
    #[arg(long)]
    wait: bool,
    /// Use the profiles as they are in the store, without reading the sources again.
    #[arg(long)]
    no_import: bool,
}

/// Runs the command.
pub(crate) async fn run(args: ResyncArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let mut setup = match session.setup_to_run(args.audience.as_deref(), output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    if let (Some(audience), Some(destination)) = (&args.audience, &args.destination) {
        let connected = session.config.connections.iter().filter(|one| one.audience.value.as_str() == audience);
        let names: Vec<&str> = connected.map(|one| one.destination.value.as_str()).collect();
        let what = format!("audience `{audience}` is not connected to a destination `{destination}`");
        pick(destination, &names, &what)?;
        setup.keep_destination(destination);
    }
    if !args.no_import {
        import::sources(&session, None, output).await?;
    }
    let resend = match &args.person {
        Some(id) => {
            let Some(found) = session.store.reader()?.profile(id)? else {
                let what = format!("no profile has the id `{id}`");
                return Err(Advice::mistake(what, "ids are case-sensitive; is it in the last import?").into());
            };
            Resend::Person(found.id)
        }
        None if args.stale => Resend::Stale,
        None => Resend::All,
    };
    if !args.yes {
        let found = sync::preview(&session.store, &setup, &Clock::System, resend).await?;
        return show(&found, output);
    }
    let bars = progress::Bars::new(output);
    let options =
        Options { wait: args.wait, progress: bars.sink(), halt: crate::signals::halt(), ..Options::default() };
    let report = sync::resync(&session.store, &setup, &options, resend).await?;
    bars.finish();
    if output.json {
        output.print_json(&report)?;
    } else if report.connections.is_empty() {
        output.line(plan::NOTHING_CONNECTED)?;
    } else {
        syncing::show(&report, output)?;
    }
    Ok(ExitCode::from(report.exit_code()))
}

fn show(found: &[LinkResync], output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        output.print_json(&found)?;
    } else if found.is_empty() {
        output.line(plan::NOTHING_CONNECTED)?;
    }
    for one in found.iter().filter(|_| !output.json) {
        let name = connection(&one.audience, &one.destination, &one.mapping);
        output.line(format_args!("{name}, {}", one.plugin))?;
        if let Some(reason) = &one.stopped {
            output.line(format_args!("  stopped: {reason}"))?;
        }
        if one.goes_on {
            output.line("  a resync was cut off: this one goes on with those who are left")?;
        }
        let members = counted(one.members, "member");
        output.line(format_args!("  {members} to send again, under older settings {}", one.stale))?;
        let pace =
            if one.pace_ms == 0 { "no wait".to_owned() } else { format!("at least {} s", one.pace_ms.div_ceil(1_000)) };
        let requests = counted(one.requests, "request");
        output.line(format_args!("  sendable {}, {requests}, {pace} at the destination's pace", one.sendable))?;
        plan::reasons("cannot be sent", &one.rejections, output)?;
        if let Some(guard) = &one.guard {
            output.line(format_args!("  it would stop: {guard}"))?;
        }
    }
    output.line("nothing was sent; --yes sends it")?;
    let is_stopped = found.iter().any(|one| one.stopped.is_some());
    Ok(if is_stopped { ExitCode::from(EXIT_STOPPED) } else { ExitCode::SUCCESS })
}
