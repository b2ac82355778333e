//! `enroute forget --connection`: lets go of everybody whom a connection holds. Nothing is sent: they stay where they are.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::words::counted;
use enroute_host::sync;

use crate::commands::purge::{advice, which};
use crate::output::{Output, connection};
use crate::session::{Session, Told};

/// Runs the command; without `yes`, it only shows what would be forgotten.
pub(crate) async fn run(
    name: &str,
    (only_earlier, yes): (bool, bool),
    folder: &Path,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let which = which(name)?;
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let held = sync::held_by(&session.store.reader()?, &which, only_earlier).map_err(advice)?;
    let rows = held.iter().map(|kept| {
        let name = &kept.name;
        serde_json::json!({ "audience": name.audience, "destination": name.destination, "mapping": name.mapping,
            "held": kept.held })
    });
    let rows: Vec<_> = rows.collect();
    let lines: Vec<String> = held
        .iter()
        .map(|kept| {
            let name = connection(&kept.name.audience, &kept.name.destination, &kept.name.mapping);
            format!("{name}: {}", counted(kept.held, "member"))
        })
        .collect();
    if yes {
        sync::let_go(&session.store, held).await?;
    }
    if output.json {
        output.print_json(&serde_json::json!({ "connections": rows, "forgotten": yes }))?;
        return Ok(ExitCode::SUCCESS);
    }
    lines.iter().try_for_each(|line| output.line(line))?;
    output.line(if yes {
        "forgotten: they stay at the destination, and a connection of this name begins anew"
    } else {
        "nothing was forgotten; --yes forgets them, and they stay at the destination for good"
    })?;
    Ok(ExitCode::SUCCESS)
}
