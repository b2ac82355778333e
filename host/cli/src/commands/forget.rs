//! `enroute forget`: withdraws one person everywhere, erases what is kept, and keeps the person from coming back; or lets go
//! of what is known of a connection, without a request.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::words::counted;
use enroute_host::sync::{self, ForgetPreview, Forgetting, Left, Options};

use crate::output::{self, Advice, Output};
use crate::progress;
use crate::session::{Session, Told};

mod connection;

/// A destination has not confirmed yet.
const EXIT_WAITS: u8 = 3;

/// Whom to forget.
#[derive(Debug, clap::Args)]
pub(crate) struct ForgetArgs {
    /// The profile's id.
    #[arg(required_unless_present = "of", conflicts_with = "of")]
    person: Option<String>,
    /// Whom a connection holds, as AUDIENCE/DESTINATION or AUDIENCE/DESTINATION/MAPPING: they stay at the destination.
    #[arg(long = "connection", value_name = "CONNECTION")]
    of: Option<String>,
    /// Only whom it holds at places where it put members before.
    #[arg(long, requires = "of")]
    earlier: bool,
    /// Forget; without this, only what would be done is shown.
    #[arg(long)]
    yes: bool,
    /// Only show what would be done, which is what happens without `--yes`.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Wait for what is due later: throttled requests, and jobs at the destination.
    #[arg(long)]
    wait: bool,
}

/// Runs the command.
pub(crate) async fn run(args: ForgetArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    if let Some(name) = args.of {
        return connection::run(&name, (args.earlier, args.yes), folder, output).await;
    }
    let person = args.person.unwrap_or_default();
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let reader = session.store.reader()?;
    let (preview, begun) = (sync::forget_preview(&reader, &person)?, sync::forgetting(&reader, &person)?);
    if preview.is_none() && begun.is_none() {
        let what = format!("no profile has the id `{person}`");
        return Err(Advice::mistake(what, "ids are case-sensitive; is it in the last import?").into());
    }
    if let (false, Some(preview)) = (args.yes, &preview) {
        return show_preview(preview, output);
    }
    if let Some(begun) = begun.filter(|begun| !args.yes || begun.is_over()) {
        return show(&begun, None, output);
    }
    let setup = match session.setup_to_run(None, output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    let bars = progress::Bars::new(output);
    let options = Options { wait: args.wait, progress: bars.sink(), ..Options::default() };
    let forgotten = sync::forget(&session.store, &setup, &options, &person).await?;
    bars.finish();
    let Some((forgetting, report)) = forgotten else {
        return Err(Advice::failed("the person was gone before it began", "look at `enroute status`").into());
    };
    show(&forgetting, report.map(|report| report.run), output)
}

fn show_preview(preview: &ForgetPreview, output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        output.print_json(preview)?;
        return Ok(ExitCode::SUCCESS);
    }
    output.line(format_args!("profile {}", preview.profile))?;
    for left in &preview.withdrawn_from {
        output.line(format_args!("  to withdraw from {}", name(left)))?;
    }
    if preview.withdrawn_from.is_empty() {
        output.line("  no destination holds the person")?;
    }
    let kinds =
        if preview.tombstones.is_empty() { String::new() } else { format!(", {}", preview.tombstones.join(", ")) };
    output
        .line(format_args!("  to erase: the profile with all its traits, and {}", counted(preview.events, "event")))?;
    output.line(format_args!("  no import brings back: the id{kinds}"))?;
    for shared in &preview.shared {
        output.line(format_args!(
            "  `{}` is shared with {}: whoever has it too stays, at destinations as well",
            shared.identifier,
            shared.profiles.join(", ")
        ))?;
    }
    output.line("nothing was done; --yes does it, and it cannot be undone")?;
    Ok(ExitCode::SUCCESS)
}

/// Shows how far it is, and ends with the code for that.
pub(crate) fn show(forgetting: &Forgetting, run: Option<i64>, output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        let mut document = serde_json::to_value(forgetting)?;
        if let (Some(run), Some(members)) = (run, document.as_object_mut()) {
            members.insert("run".to_owned(), run.into());
        }
        output.print_json(&document)?;
    } else {
        lines(forgetting, output)?;
    }
    Ok(if forgetting.is_over() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_WAITS) })
}

/// Tells people how far it is.
pub(crate) fn lines(forgetting: &Forgetting, output: &Output) -> anyhow::Result<()> {
    let person = forgetting.profile.as_deref().unwrap_or("a person");
    match &forgetting.ended {
        Some(ended) => {
            output.line(format_args!("{person}: forgotten, asked for {}, over {ended}", forgetting.asked))?
        }
        None => output.line(format_args!("{person}: being forgotten since {}", forgetting.asked))?,
    }
    for left in &forgetting.left {
        let reason = left.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        output.line(format_args!("  not yet confirmed by {}{reason}", name(left)))?;
    }
    if !forgetting.is_over() {
        output.line("  every sync goes on with it")?;
    }
    Ok(())
}

fn name(left: &Left) -> String {
    output::connection(&left.audience, &left.destination, &left.mapping)
}
