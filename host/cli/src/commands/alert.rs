//! Tells alerts: runs the command of each, with what happened as JSON on its standard input. `enroute alert test` tries it.

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use enroute_host::config::Config;
use enroute_host::config::audiences_file::alert::Alert;
use enroute_host::sync::{self, Clock, Raised, RunReport};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::output::{Advice, Output, connection, pick};
use crate::session::{Session, Told};

/// Longest time that a command may take; the sync is through by then and must not hang for it.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// What to try.
#[derive(Debug, clap::Args)]
pub(crate) struct AlertArgs {
    #[command(subcommand)]
    command: AlertCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AlertCommand {
    /// Run an alert's command with something made up, once for each thing that it watches.
    Test {
        /// The alert's name; all where none is given.
        name: Option<String>,
    },
}

/// Runs the command.
pub(crate) async fn run(args: AlertArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let AlertCommand::Test { name } = args.command;
    let config = match Session::configuration(folder, output)? {
        Ok(config) => config,
        Err(Told(code)) => return Ok(code),
    };
    if config.alerts.is_empty() {
        let next = "add one: `[alert.ops]` with `paused = true` and `command = [\"notify-ops\"]`";
        return Err(Advice::mistake("audiences.toml has no alert", next).into());
    }
    if let Some(name) = &name {
        let names: Vec<&str> = config.alerts.iter().map(|alert| alert.name.as_str()).collect();
        pick(name, &names, &format!("audiences.toml has no alert `{name}`"))?;
    }
    let (mut tried, mut all_arrived) = (Vec::new(), true);
    for alert in config.alerts.iter().filter(|alert| name.as_ref().is_none_or(|name| *name == alert.name)) {
        for raised in sync::made_up(alert) {
            let failed = told(alert, &raised).await.err().map(|failed| format!("{failed:#}"));
            all_arrived &= failed.is_none();
            if !output.json {
                let how = failed.as_ref().map_or("told".to_owned(), |failed| format!("its command failed: {failed}"));
                output.line(format_args!("alert {}: {}: {how}", alert.name, raised.kind))?;
            }
            tried.push(serde_json::json!({ "alert": alert.name, "kind": raised.kind, "failed": failed }));
        }
    }
    if output.json {
        output.print_json(&serde_json::json!({ "tried": tried }))?;
    }
    Ok(if all_arrived { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells whoever is to be told what came of a run. A command that fails is a message and changes nothing else.
pub(crate) async fn tell(session: &Session, report: &RunReport, output: &Output) -> anyhow::Result<()> {
    let Config { alerts, .. } = &session.config;
    for raised in sync::raised(&session.store, alerts, report, &Clock::System).await? {
        let name = connection(&raised.audience, &raised.destination, &raised.mapping);
        output.note(format_args!("alert {}: {name}: {}", raised.alert, raised.message));
        let Some(alert) = alerts.iter().find(|alert| alert.name == raised.alert) else { continue };
        if let Err(failed) = told(alert, &raised).await {
            output.note(format_args!("alert {}: its command failed: {failed:#}", raised.alert));
        }
    }
    Ok(())
}

/// Runs the command of an alert, and waits until it is through.
async fn told(alert: &Alert, raised: &Raised) -> anyhow::Result<()> {
    let ended = tokio::time::timeout(COMMAND_MAX, carry(alert, raised)).await;
    ended.unwrap_or_else(|_| Err(anyhow::anyhow!("it did not end within {} s", COMMAND_MAX.as_secs())))
}

async fn carry(alert: &Alert, raised: &Raised) -> anyhow::Result<()> {
    let Some((program, arguments)) = alert.command.split_first() else { return Ok(()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        let mut text = serde_json::to_vec(raised)?;
        text.push(b'\n');
        // A command that does not read is none that failed.
        let _ = input.write_all(&text).await;
    }
    let ended = child.wait().await?;
    if ended.success() { Ok(()) } else { Err(anyhow::anyhow!("{ended}")) }
}
