//! `enroute import`: sources into the store, in bounded memory, with every bad line named.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_host::config::audiences_file::{Format as Written, Source};
use enroute_host::sources::{Format, Import, Options, Report};
use enroute_host::store::Reader;
use enroute_host::sync::Clock;
use serde::Serialize;

use crate::output::{Advice, Output};
use crate::progress;
use crate::session::{Session, Told};

/// What to import.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// Only this source of audiences.toml.
    source: Option<String>,
}

/// What one import did.
#[derive(Debug, Serialize)]
struct Imported {
    source: String,
    read: u64,
    added: u64,
    updated: u64,
    unchanged: u64,
    rejected: u64,
    repeated: u64,
    resumed_at: Option<u64>,
    incomplete_line: Option<u64>,
    /// The first bad lines: number, code and reason.
    bad_lines: Vec<(u64, String, String)>,
}

/// Bad lines that are shown; the store keeps more.
const BAD_LINES_SHOWN: usize = 5;

/// Runs the command.
pub(crate) async fn run(args: ImportArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let imported = read_all(&session, args.source.as_deref(), output).await?;
    if output.json {
        output.print_json(&imported)?;
    } else {
        imported.iter().try_for_each(|one| output.line(in_words(one)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Imports every source before a plan or a sync, and says so on standard error.
pub(crate) async fn sources(session: &Session, only: Option<&str>, output: &Output) -> anyhow::Result<()> {
    for one in read_all(session, only, output).await? {
        output.note(in_words(&one));
    }
    Ok(())
}

async fn read_all(session: &Session, only: Option<&str>, output: &Output) -> anyhow::Result<Vec<Imported>> {
    let mut imported = Vec::new();
    let names = session.config.sources.keys().map(|name| name.as_str());
    if let Some(only) = only
        && !names.clone().any(|name| name == only)
    {
        let next = format!("it has: {}", names.collect::<Vec<_>>().join(", "));
        return Err(Advice::mistake(format!("audiences.toml has no source `{only}`"), next).into());
    }
    for (name, source) in &session.config.sources {
        if only.is_some_and(|only| only != name.as_str()) {
            continue;
        }
        let (store, options) = (session.store.clone(), options(source));
        let bar = progress::bytes(name.as_str(), output);
        let shown = bar.clone();
        let read = tokio::task::spawn_blocking(move || {
            let now_ms = || Clock::System.now_ms().cast_signed();
            let report = Import::run(&store, &options, now_ms, |progress| {
                shown.set_length(progress.bytes_total);
                shown.set_position(progress.bytes);
                shown.set_message(format!("{} profiles, {} bad", progress.read, progress.rejected));
                ControlFlow::Continue(())
            })?;
            Ok::<_, anyhow::Error>((report, store.reader()?))
        });
        let read = read.await.context("the import was lost")?;
        bar.finish_and_clear();
        let (report, reader) = read.with_context(|| {
            let what = format!("source `{name}` cannot be imported");
            Advice::failed(what, "mend the file, or raise `bad_lines_max_percent` of the source in audiences.toml")
        })?;
        imported.push(told(name.as_str(), &report, &reader)?);
    }
    Ok(imported)
}

fn options(source: &Source) -> Options {
    let format = match source.format {
        Written::Ndjson => Format::Ndjson,
        Written::Csv { delimiter } => Format::Csv { delimiter },
    };
    let mut options = Options::new(source.name.value.clone(), source.file.value.clone(), format);
    options.id_key.clone_from(&source.id);
    options.bad_lines_max_percent = source.bad_lines_max_percent;
    options
}

fn told(source: &str, report: &Report, reader: &Reader) -> anyhow::Result<Imported> {
    let bad = if report.progress.rejected == 0 { Vec::new() } else { reader.import_rejections(report.import)? };
    let progress = &report.progress;
    Ok(Imported {
        source: source.to_owned(),
        read: progress.read,
        added: progress.added,
        updated: progress.updated,
        unchanged: progress.unchanged,
        rejected: progress.rejected,
        repeated: progress.repeated,
        resumed_at: report.resumed_at,
        incomplete_line: report.incomplete.map(|incomplete| incomplete.line),
        bad_lines: bad.into_iter().take(BAD_LINES_SHOWN).map(|bad| (bad.line, bad.code, bad.reason)).collect(),
    })
}

fn in_words(one: &Imported) -> String {
    let mut text = format!(
        "   {}: {} profiles read, {} new, {} changed, {} the same",
        one.source, one.read, one.added, one.updated, one.unchanged
    );
    if one.repeated > 0 {
        text.push_str(&format!(", {} repeated (the last one stands)", one.repeated));
    }
    if let Some(line) = one.incomplete_line {
        text.push_str(&format!("; line {line} is not complete yet and is left for the next import"));
    }
    if one.rejected > 0 {
        text.push_str(&format!("; {} lines rejected:", one.rejected));
        for (line, code, reason) in &one.bad_lines {
            text.push_str(&format!("\n     line {line}: {code}: {reason}"));
        }
    }
    text
}
