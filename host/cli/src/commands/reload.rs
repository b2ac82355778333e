//! `enroute reload`: a running host reads its files now, and says whether they are in force.

use std::path::Path;
use std::process::ExitCode;

use enroute_host::config::Paths;
use enroute_host::server::{Answer, Want};

use crate::loan;
use crate::output::{Advice, EXIT_MISTAKE, Output};

/// Runs the command.
pub(crate) fn run(folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let state = Paths::new(folder).state;
    let answer = loan::ask(&state, Some(Want::Reload)).and_then(|mut asked| asked.answer(|| false));
    let refused = match answer {
        Some(Answer::Reloaded(refused)) => refused,
        Some(Answer::Refused(why)) => return Err(Advice::failed(why, "start it again").into()),
        _ => {
            let next = "start `enroute serve` in this folder; other commands read the files whenever they run";
            return Err(Advice::failed("no `enroute serve` runs in this folder", next).into());
        }
    };
    if output.json {
        output.print_json(&serde_json::json!({ "in_force": refused.is_none(), "refused": refused }))?;
    } else if let Some(refused) = &refused {
        output.notes(refused);
        output.note("the configuration before it stays in force");
    } else {
        output.line("what is in the files is in force")?;
    }
    Ok(if refused.is_some() { ExitCode::from(EXIT_MISTAKE) } else { ExitCode::SUCCESS })
}
