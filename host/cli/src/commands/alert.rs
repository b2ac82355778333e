//! Tells alerts: runs the command of each, with what happened as JSON on its standard input.

use std::process::Stdio;
use std::time::Duration;

use enroute_host::config::Config;
use enroute_host::config::audiences_file::alert::Alert;
use enroute_host::sync::{self, Clock, Raised, RunReport};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::output::{Output, connection};
use crate::session::Session;

/// Longest time that a command may take; the sync is through by then and must not hang for it.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// Tells whoever is to be told what came of a run. A command that fails is a message and changes nothing else.
pub(crate) async fn tell(session: &Session, report: &RunReport, output: &Output) -> anyhow::Result<()> {
    let Config { alerts, .. } = &session.config;
    for raised in sync::raised(&session.store, alerts, report, &Clock::System).await? {
        let name = connection(&raised.audience, &raised.destination, &raised.mapping);
        output.note(format_args!("alert {}: {name}: {}", raised.alert, raised.message));
        let Some(alert) = alerts.iter().find(|alert| alert.name == raised.alert) else { continue };
        if let Err(failed) = tokio::time::timeout(COMMAND_MAX, run(alert, &raised))
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("it did not end within {} s", COMMAND_MAX.as_secs())))
        {
            output.note(format_args!("alert {}: its command failed: {failed:#}", raised.alert));
        }
    }
    Ok(())
}

async fn run(alert: &Alert, raised: &Raised) -> anyhow::Result<()> {
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
