//! `enroute retry`: sends dead letters again, and what else was refused.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use enroute_core::words::counted;
use enroute_host::store::ledger::LinkName;
use enroute_host::store::letters::{GIVEN_UP, Wanted};
use enroute_host::sync::{self, Clock, LetterCount, Options, Retriable};

use crate::commands::alert;
use crate::commands::sync::show;
use crate::output::{Advice, Output, connection};
use crate::progress;
use crate::session::{Session, Told};

/// Whom to try again. Without a choice: everybody who was given up after hours.
#[derive(Debug, clap::Args)]
pub(crate) struct RetryArgs {
    /// Only this audience.
    audience: Option<String>,
    /// Only this destination.
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Those who were rejected with this code, instead of those who were given up.
    #[arg(long, value_name = "CODE", default_value = GIVEN_UP)]
    code: String,
    /// Only those whose reason has this text in it.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only this person, by the profile's id, whatever the code.
    #[arg(long, value_name = "ID")]
    person: Option<String>,
    /// Only show who would be tried again, and why they were refused.
    #[arg(long)]
    dry_run: bool,
    /// Leave the sending to the next sync.
    #[arg(long)]
    no_send: bool,
    /// Wait for what is due later, as `enroute sync --wait` does.
    #[arg(long)]
    wait: bool,
}

/// Runs the command.
pub(crate) async fn run(args: RetryArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let found = find(&args, &session, output)?;
    if args.dry_run || found.is_empty() {
        tell(&found, 0, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.no_send {
        let members = sync::bring_back(&session.store, &found.members, &Clock::System).await?;
        tell(&found, members, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Whatever keeps the configuration from running is told before anything is changed.
    let setup = match session.setup_to_run(args.audience.as_deref(), output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    sync::bring_back(&session.store, &found.members, &Clock::System).await?;
    let bars = progress::Bars::new(output);
    let among = Some(Arc::new(found.members));
    let options = Options { wait: args.wait, among, progress: bars.sink(), ..Options::default() };
    let report = sync::sync(&session.store, &setup, &options).await?;
    bars.finish();
    alert::tell(&session, &report, output).await?;
    if output.json {
        output.print_json(&report)?
    } else {
        show(&report, output)?
    }
    Ok(ExitCode::from(report.exit_code()))
}

fn find(args: &RetryArgs, session: &Session, output: &Output) -> anyhow::Result<Retriable> {
    let reader = session.store.reader()?;
    let config = &session.config;
    let profile = match &args.person {
        None => None,
        Some(id) => Some(reader.profile(id)?.map(|found| found.id).ok_or_else(|| {
            Advice::mistake(
                format!("no profile has the id `{id}`"),
                "ids are case-sensitive; is it in the last import?",
            )
        })?),
    };
    // Of one person every refusal is meant, unless a code was named.
    let code = (profile.is_none() || args.code != GIVEN_UP).then(|| args.code.clone());
    let wanted = Wanted {
        audience: args.audience.clone(),
        destination: args.destination.clone(),
        code,
        reason: args.reason.clone(),
        profile,
    };
    let runs = |name: &LinkName| {
        config.connections.iter().any(|one| {
            one.enabled
                && one.audience.value.as_str() == name.audience
                && one.destination.value.as_str() == name.destination
                && config.destinations.get(&one.destination.value).is_some_and(|destination| destination.enabled)
        })
    };
    let found = sync::retriable(&reader, &wanted, runs)?;
    if found.elsewhere > 0 {
        let members = counted(found.elsewhere, "member");
        output.note(format_args!("{members} of connections that are not enabled are left as they are"));
    }
    Ok(found)
}

/// Prints who is meant; `brought_back` of them are due now.
fn tell(found: &Retriable, brought_back: u64, output: &Output) -> anyhow::Result<()> {
    if output.json {
        return output.print_json(&serde_json::json!({
            "members": found.len(),
            "brought_back": brought_back,
            "reasons": found.reasons,
        }));
    }
    if found.is_empty() {
        return output.line("nobody is refused for this; there is nothing to try again");
    }
    for LetterCount { audience, destination, mapping, code, reason, members, since, until } in &found.reasons {
        let name = connection(audience, destination, mapping);
        output.line(format_args!("{name}: {members} × {code}, {since} to {until}: {reason}"))?;
    }
    if brought_back > 0 {
        output.line(format_args!("{} will go out with the next sync", counted(brought_back, "member")))?;
    } else {
        output.line(format_args!("{} would be tried again", counted(found.len(), "member")))?;
    }
    Ok(())
}
