//! `enroute account`: what a destination's account has of its own, as its plugin reported it last.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::account::Item;
use enroute_host::sync::{self, Clock, KnownAccount};

use crate::output::{Advice, Output, pick};
use crate::session::{Session, Told};

/// Whose account to show.
#[derive(Debug, clap::Args)]
pub(crate) struct AccountArgs {
    /// The destination.
    destination: String,
    /// Ask the destination first; nothing there is changed.
    #[arg(long)]
    probe: bool,
}

/// Most choices that a line shows.
const CHOICES_SHOWN: usize = 8;

/// Runs the command.
pub(crate) async fn run(args: AccountArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let name = &args.destination;
    let names: Vec<&str> = session.config.destinations.keys().map(|name| name.as_str()).collect();
    pick(name, &names, &format!("plugins.toml has no destination `{name}`"))?;
    let mut setup = match session.setup(None, output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    setup.keep_destination(name);
    if setup.is_empty() {
        let what = format!("no audience is connected to `{name}`, so nothing asks for its account");
        return Err(Advice::mistake(what, "add a [[connection]] to audiences.toml, and enable the destination").into());
    }
    let mut failed = false;
    if args.probe {
        for probed in sync::probe(&session.store, &setup, &Clock::System).await? {
            if probed.verdict != "ok" {
                failed = true;
                let reason = probed.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
                output.note(format_args!("{} → {}: {}{reason}", probed.audience, probed.destination, probed.verdict));
            }
        }
    }
    let known = setup.account(&session.store.reader()?, name)?;
    if output.json {
        output.print_json(&known)?;
    } else {
        show(known.as_ref(), name, args.probe, output)?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(known: Option<&KnownAccount>, name: &str, was_asked: bool, output: &Output) -> anyhow::Result<()> {
    let Some(known) = known else {
        let next = if was_asked { "its plugin reports nothing of it" } else { "read it with `--probe`" };
        return output.line(format_args!("nothing is known of the account of `{name}`; {next}"));
    };
    output.line(format_args!("the account of `{name}`, read {}", known.read_at))?;
    if known.items.is_empty() {
        return output.line("it has nothing of its own");
    }
    let mut rows = vec![["kind", "name", "label", "takes", "required", "choices"].map(str::to_owned).to_vec()];
    rows.extend(known.items.iter().map(row));
    output.table(&rows)?;
    if !known.whole {
        output.line("and more, which is not kept")?;
    }
    Ok(())
}

fn row(item: &Item) -> Vec<String> {
    let mut choices: Vec<&str> = item.choices.iter().take(CHOICES_SHOWN).map(String::as_str).collect();
    let rest = item.choices.len().saturating_sub(CHOICES_SHOWN);
    let more = format!("and {rest} more");
    if rest > 0 {
        choices.push(&more);
    }
    let required = if item.required { "yes" } else { "" };
    vec![
        item.kind.word().to_owned(),
        item.name.clone(),
        item.label.clone(),
        item.takes.word().to_owned(),
        required.to_owned(),
        choices.join(", "),
    ]
}
