//! `enroute match`: which field every trait goes into, and the same written into the file.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_host::config::Paths;
use enroute_host::config::freeze::{Frozen, write_fields};
use enroute_host::sync::{InAccount, Matched};

use crate::commands::plugin::write_whole;
use crate::output::{Advice, EXIT_STOPPED, Output, connection, pick};
use crate::session::{Session, Told};

/// Which connections to look at.
#[derive(Debug, clap::Args)]
pub(crate) struct MatchArgs {
    /// Only this audience.
    audience: Option<String>,
    /// Only this destination.
    destination: Option<String>,
    /// Write the fields into audiences.toml, so that they stay whatever the plugin's next version has.
    #[arg(long)]
    write: bool,
    /// Where no field was named, take the one that the destination's account has for the trait; together with
    /// `--write` it stays.
    #[arg(long)]
    account: bool,
}

/// Runs the command.
pub(crate) async fn run(args: MatchArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let mut setup = match session.setup(args.audience.as_deref(), output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    if let Some(destination) = &args.destination {
        let names: Vec<&str> = session.config.destinations.keys().map(|name| name.as_str()).collect();
        pick(destination, &names, &format!("plugins.toml has no destination `{destination}`"))?;
        setup.keep_destination(destination);
    }
    let matched = setup.matched_in_accounts(&session.store.reader()?, args.account)?;
    if output.json {
        output.print_json(&matched)?;
    } else {
        show(&matched, output)?;
    }
    if args.write {
        write(&matched, folder, output)?;
    }
    let is_stopped = matched.iter().any(|one| one.stopped.is_some());
    Ok(if is_stopped { ExitCode::from(EXIT_STOPPED) } else { ExitCode::SUCCESS })
}

fn show(matched: &[Matched], output: &Output) -> anyhow::Result<()> {
    let mut rows = vec![["connection", "trait", "field", "matched", "in the account"].map(str::to_owned).to_vec()];
    for one in matched {
        for row in &one.rows {
            let name = connection(&one.audience, &one.destination, &one.mapping);
            let account = match &row.account {
                None => String::new(),
                Some(InAccount { has: true, .. }) => "yes".to_owned(),
                Some(InAccount { like: Some(like), .. }) => format!("no, but {like}"),
                Some(InAccount { like: None, .. }) => "no".to_owned(),
            };
            rows.push(vec![name, row.from.clone(), row.field.clone(), row.how.to_owned(), account]);
        }
    }
    if rows.len() == 1 {
        output.line("no connection here has traits")?;
    } else {
        if rows.iter().skip(1).all(|row| row.last().is_some_and(String::is_empty)) {
            // Nothing is known of an account that has fields of its own.
            rows.iter_mut().for_each(|row| row.truncate(4));
        }
        output.table(&rows)?;
    }
    for (one, reason) in matched.iter().filter_map(|one| Some((one, one.stopped.as_ref()?))) {
        let name = connection(&one.audience, &one.destination, &one.mapping);
        output.line(format_args!("{name}: stopped: {reason}"))?;
    }
    Ok(())
}

fn write(matched: &[Matched], folder: &Path, output: &Output) -> anyhow::Result<()> {
    let path = Paths::new(folder).audiences_file;
    let advice = || Advice::failed("audiences.toml cannot be written", "mend that and run the command again");
    let text = std::fs::read_to_string(&path).with_context(advice)?;
    let frozen: Vec<Frozen> =
        matched.iter().filter(|one| one.rows.iter().any(|row| row.how != "given")).map(of).collect();
    let written = write_fields(&text, &frozen).with_context(advice)?;
    if written == text {
        output.note("audiences.toml names every field already");
        return Ok(());
    }
    write_whole(&path, written.as_bytes())?;
    output.note(format_args!("wrote the fields into {}", path.display()));
    Ok(())
}

fn of(one: &Matched) -> Frozen {
    Frozen {
        audience: one.audience.clone(),
        destination: one.destination.clone(),
        rows: one.rows.iter().map(|row| (row.from.clone(), row.field.clone())).collect(),
    }
}
