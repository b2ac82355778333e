//! `enroute status` and `enroute explain`: where connections stand, and one person's story.

use crate::commands::forget;
use crate::commands::window;
use crate::loan;
use crate::output::{Advice, Output, connection};
use crate::session::{Session, Told, read_store};
use crate::since::{moment_ms, shown};
use enroute_host::config::Paths;
use enroute_host::config::load::load;
use enroute_host::runtime::Peak;
use enroute_host::server::{Answer, Want};
use enroute_host::sync::{self, Clock, Explanation, Standing, Status};
use std::path::Path;
use std::process::ExitCode;

/// Whose story to tell.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The profile's id.
    profile: String,
}

/// What to show beside where everything stands.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Also what became of members since then: `10m`, `24h`, `14d`, a day or a moment.
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
    /// Show the ids of rejected members whole.
    #[arg(long, requires = "since")]
    ids: bool,
}

/// Runs `enroute status`.
pub(crate) fn status(args: &StatusArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let now_ms = Clock::System.now_ms();
    let since_ms = args.since.as_ref().map(|text| moment_ms(text, now_ms)).transpose();
    let since_ms = since_ms.map_err(|wrong| Advice::mistake(wrong, "moments are in UTC"))?;
    let host = host(folder);
    if !output.json && let Some(host) = &host {
        show_host(host, output)?;
    }
    let config = match Session::configuration(folder, output)? {
        Ok(config) => config,
        Err(Told(code)) => return Ok(code),
    };
    let reader = read_store(folder)?;
    let found = sync::status(&reader, &config)?;
    let windows = match since_ms {
        Some(since_ms) => Some(sync::windows(&reader, &found.connections, (since_ms, now_ms), args.ids)?),
        None => None,
    };
    if output.json {
        let mut document = serde_json::to_value(&found)?;
        if let (Some(host), Some(document)) = (host, document.as_object_mut()) {
            document.insert("serve".to_owned(), host);
        }
        if let (Some(windows), Some(document)) = (windows, document.as_object_mut()) {
            document.insert("since".to_owned(), serde_json::to_value(windows)?);
        }
        output.print_json(&document)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["destination", "plugin", "state"].map(str::to_owned).to_vec()];
    for one in &found.destinations {
        rows.push(vec![one.destination.clone(), one.plugin.clone(), one.state.to_owned()]);
    }
    output.table(&rows)?;
    output.line("")?;
    let mut rows = vec![
        ["connection", "state", "held", "in doubt", "refused", "given up", "waiting", "settings", "due"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for one in &found.connections {
        let numbers = [one.held, one.in_doubt, one.refused, one.dead_letters, one.waiting, one.settings_version];
        let mut row = vec![connection(&one.audience, &one.destination, &one.mapping), one.state.to_owned()];
        row.extend(numbers.map(|number| number.to_string()));
        row.push(match (&one.next_due, &one.waits_until) {
            (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
            (first, _) => first.clone().unwrap_or_default(),
        });
        rows.push(row);
    }
    output.table(&rows)?;
    show_what_is_to_know(&found, output)?;
    show_usage(&found.connections, output)?;
    if let (Some(windows), Some(since_ms)) = (windows, since_ms) {
        window::show(&windows, &shown(since_ms), output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a running `enroute serve` tells of itself; nothing where none runs.
fn host(folder: &Path) -> Option<serde_json::Value> {
    match loan::ask(&Paths::new(folder).state, Some(Want::State))?.answer(|| false)? {
        Answer::State(host) => Some(host),
        _ => None,
    }
}

fn show_host(host: &serde_json::Value, output: &Output) -> anyhow::Result<()> {
    let text = |pointer: &str| host.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
    let process = host.get("process").and_then(serde_json::Value::as_u64).unwrap_or_default();
    let (address, status, since) = (text("/address"), text("/status"), text("/configuration/since"));
    output.line(format_args!("enroute serve, process {process}: {address}, {status}; configuration of {since}"))?;
    let refused = text("/configuration/refused");
    if !refused.is_empty() {
        output.line("what is in the files is not in force:")?;
        output.text(refused)?;
    }
    output.line("")
}

/// What stands behind the numbers, or beside them: reasons, pauses, people who are being forgotten or left behind.
fn show_what_is_to_know(found: &Standing, output: &Output) -> anyhow::Result<()> {
    for (one, reason) in found.connections.iter().filter_map(|one| Some((one, one.stopped_because.as_ref()?))) {
        let name = connection(&one.audience, &one.destination, &one.mapping);
        output.line(format_args!("{name}: the last run ended early: {reason}"))?;
    }
    for (one, changes) in found.connections.iter().filter_map(|one| Some((one, one.on_resume.as_ref()?))) {
        let name = connection(&one.audience, &one.destination, &one.mapping);
        output.line(format_args!(
            "{name}: once it is resumed: {} to add, {} to look at again, {} to remove",
            changes.added, changes.updated, changes.removed
        ))?;
    }
    for one in &found.being_forgotten {
        forget::lines(one, output)?;
    }
    for one in &found.left_behind {
        let code = one.code.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
        output.line(format_args!("left behind{code}: {}", one.message()))?;
        if one.code.is_some() {
            output.line(format_args!("  {}", one.hint()))?;
        }
    }
    for one in &found.held_back {
        let until =
            one.until.as_ref().map_or(String::new(), |until| format!("; the next request may leave at {until}"));
        output.line(format_args!("{}: {}{until}", one.destination, one.reason))?;
    }
    Ok(())
}

/// The most that one call used in the last run, beside what it may.
fn show_usage(connections: &[Status], output: &Output) -> anyhow::Result<()> {
    let used: Vec<_> = connections.iter().filter(|one| !one.usage.is_empty()).collect();
    if used.is_empty() {
        return Ok(());
    }
    output.line("")?;
    output.line("most that one call of the plugin used in the last run, of what it may")?;
    for one in used {
        output.line(format_args!("  {}", connection(&one.audience, &one.destination, &one.mapping)))?;
        for Peak { limit, used, most } in &one.usage {
            output.line(format_args!("    {limit:<15}  {used:>8} of {most}"))?;
        }
    }
    Ok(())
}

/// Runs `enroute explain`.
pub(crate) fn explain(args: &ExplainArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    explain_profile(&args.profile, folder, output)
}

/// Tells the story of one profile.
pub(crate) fn explain_profile(profile: &str, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    // What is wrong with the configuration is for other commands to tell.
    let config = load(folder).config;
    let reader = read_store(folder)?;
    let Some(found) = sync::explain(&reader, config.as_ref(), profile)? else {
        if let Some(forgotten) = sync::forgetting(&reader, profile)? {
            return forget::show(&forgotten, None, output);
        }
        let what = format!("no profile has the id `{profile}`");
        return Err(Advice::mistake(what, "ids are case-sensitive; is it in the last import?").into());
    };
    if output.json {
        output.print_json(&found)?;
    } else {
        show(&found, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(found: &Explanation, output: &Output) -> anyhow::Result<()> {
    output.line(format_args!("profile {}", found.profile))?;
    for chapter in &found.connections {
        let name = connection(&chapter.audience, &chapter.destination, &chapter.mapping);
        let further = if chapter.further_record { ", under a further identifier" } else { "" };
        output.line(format_args!("  {name}{further}: {}", chapter.state))?;
        if let Some(purpose) = &chapter.consent_missing {
            output.line(format_args!("    held back: the person has not agreed to `{purpose}`"))?;
        }
        if !chapter.identifiers_sent.is_empty() {
            // Without an answer nobody knows whether anything is there.
            let how = if chapter.state == "held" { "identified there by" } else { "last sent with" };
            output.line(format_args!("    {how} {}", chapter.identifiers_sent.join(", ")))?;
        }
        if let Some(refusal) = &chapter.refusal {
            let field = refusal.field.as_deref().map_or(String::new(), |field| format!(" ({field})"));
            output.line(format_args!("    refused: {}{field}: {}", refusal.code, refusal.reason))?;
            if let Some(hint) = &refusal.hint {
                output.line(format_args!("      {hint}"))?;
            }
        }
        if let Some(reason) = &chapter.waits_because {
            output.line(format_args!("    waits because of this: {reason}"))?;
        }
        if let Some(due) = &chapter.due {
            output.line(format_args!("    waits until {due}"))?;
        }
        for fault in &chapter.plugin_faults {
            output.line(format_args!(
                "    the plugin failed in `{}` in the last run: {}",
                fault.function, fault.reason
            ))?;
            if let Some(line) = fault.log.last() {
                output.line(format_args!("      it logged last: {line}"))?;
            }
        }
        for reason in &chapter.refused_requests {
            output.line(format_args!("    the host refused requests of the plugin in the last run: {reason}"))?;
        }
        if let Some(reason) = &chapter.connection_stopped {
            output.line(format_args!("    the last run ended early: {reason}"))?;
        }
        for receipt in &chapter.receipts {
            let code = receipt.code.as_deref().map_or(String::new(), |code| format!(" ({code})"));
            let change = receipt.change.as_deref().unwrap_or("sent");
            output.line(format_args!("    run {}: {change}, {}{code}", receipt.run, receipt.outcome))?;
            for request in &receipt.requests {
                let digest = request.digest.get(..12).unwrap_or(&request.digest);
                let answer = match (request.status, &request.failure) {
                    (Some(status), _) => format!("answered {status}"),
                    (None, Some(failure)) => failure.clone(),
                    (None, None) => "got no answer".to_owned(),
                };
                output.line(format_args!("      {} request {digest}… {answer}", request.label))?;
            }
        }
    }
    Ok(())
}
