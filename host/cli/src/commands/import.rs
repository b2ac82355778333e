//! `enroute import`: sources into the store, in bounded memory, with every bad line named.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_core::words::counted;
use enroute_host::config::audiences_file::source::{FileOrigin, Holds as Held, Origin, Source};
use enroute_host::sources::{Error, Import, Report};
use enroute_host::store::computed::Refreshed;
use enroute_host::store::{Reader, feeds};
use enroute_host::sync::Clock;
use serde::Serialize;

use crate::output::{self, Advice, Output};
use crate::progress;
use crate::session::{Session, Told};
use crate::signals;

pub(crate) use self::asked::{Asked, asked};

mod asked;
mod computed;
mod freeze;
mod profiles;
pub(crate) mod reading;
mod replace;

use self::reading::Reading;

/// What to import.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// Only this source of audiences.toml.
    source: Option<String>,
    /// Write the types that were found into audiences.toml, in place of `types = "auto"`.
    #[arg(long)]
    freeze_types: bool,
    /// Read everything of a source that has a cursor, and not only what changed.
    #[arg(long)]
    full: bool,
    /// Set the source's cursor to this value first, and read from there on.
    #[arg(long, value_name = "VALUE", requires = "source", conflicts_with = "full")]
    since: Option<String>,
    /// Take over what the source has, though it looks as if it had lost people.
    #[arg(long, requires = "source")]
    accept: bool,
}

/// What is to be read.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted<'a> {
    /// Only this source.
    only: Option<&'a str>,
    /// Everything, wherever a cursor stands.
    is_full: bool,
    /// Whatever speaks against it.
    is_accepted: bool,
}

/// What an import did: a part for each source, and one for computed traits.
#[derive(Debug, Default, Serialize)]
struct Done {
    /// Whether a signal ended it before it was through.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
    sources: Vec<Imported>,
    computed: Computed,
    /// What kept sources from being read; the first one ends the command.
    #[serde(skip)]
    failed: Vec<anyhow::Error>,
}

/// What became of computed traits and identify calls.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Computed {
    traits: usize,
    looked_at: u64,
    changed: u64,
}

/// What one import did.
#[derive(Debug, Default, Serialize)]
struct Imported {
    source: String,
    holds: &'static str,
    read: u64,
    added: u64,
    updated: u64,
    unchanged: u64,
    rejected: u64,
    repeated: u64,
    skipped: u64,
    dropped_out: u64,
    /// People whom a complete source does not hold any more.
    gone: u64,
    /// Values without end or that are no number, which became null.
    endless: u64,
    resumed_at: Option<u64>,
    incomplete_line: Option<u64>,
    /// The first bad lines: number, code and reason.
    bad_lines: Vec<(u64, String, String)>,
    /// What is not wrong with the source and worth a look.
    notes: Vec<String>,
    /// The types that were found, by column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    types: BTreeMap<String, String>,
    /// Files of a pattern that were read now, and those that were read before.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<(u64, u64)>,
}

/// Bad lines that are shown; the store keeps more.
const BAD_LINES_SHOWN: usize = 5;

/// Runs the command.
pub(crate) async fn run(args: ImportArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    if let (Some(source), Some(value)) = (&args.source, &args.since) {
        set_back(&session, source, value).await?;
    }
    let wanted = Wanted { only: args.source.as_deref(), is_full: args.full, is_accepted: args.accept };
    let done = all_or_first_failure(read_all(&session, wanted, output).await?, output)?;
    if args.freeze_types {
        freeze::types(&session, &done, output)?;
    }
    if output.json {
        output.print_json(&done)?;
    } else {
        done.in_words().into_iter().try_for_each(|line| output.text(line))?;
    }
    if done.interrupted {
        return Err(interrupted());
    }
    Ok(ExitCode::SUCCESS)
}

fn interrupted() -> anyhow::Error {
    signals::interrupted("run it again: an import goes on where it stopped, and nothing was sent").into()
}

/// Imports every source before a plan or a sync, and says so on standard error.
pub(crate) async fn sources(session: &Session, only: Option<&str>, output: &Output) -> anyhow::Result<()> {
    let done = read_all(session, Wanted { only, ..Wanted::default() }, output).await?;
    let done = all_or_first_failure(done, output)?;
    for line in done.in_words() {
        output.note(line);
    }
    if done.interrupted { Err(interrupted()) } else { Ok(()) }
}

/// One source that fails leaves the others alone; then what they did is told, and the first failure is the command's.
fn all_or_first_failure(mut done: Done, output: &Output) -> anyhow::Result<Done> {
    if done.failed.is_empty() {
        return Ok(done);
    }
    for line in done.in_words() {
        output.note(line);
    }
    let first = done.failed.remove(0);
    for other in done.failed.iter().filter(|other| !other.is::<output::Told>()) {
        output.note(format_args!("error: {other:#}"));
    }
    Err(first)
}

/// Sets a cursor to another value.
async fn set_back(session: &Session, source: &str, value: &str) -> anyhow::Result<()> {
    let found = session.config.sources.values().find(|one| one.name.value.as_str() == source);
    let has_cursor = found.is_some_and(|one| match &one.origin {
        Origin::Query(query) => query.reading.cursor.is_some(),
        Origin::File(_) | Origin::Listen(_) => false,
    });
    if !has_cursor {
        let next = "leave --since out, or add `cursor` to the source in audiences.toml";
        return Err(Advice::mistake(format!("source `{source}` has no cursor"), next).into());
    }
    if !value.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        let next = "write a moment, a date or a whole number, as `enroute sources` shows it";
        return Err(Advice::mistake("--since is no value of a cursor", next).into());
    }
    let (source, value) = (source.to_owned(), value.to_owned());
    let name = source.clone();
    let is_set = session.store.write(move |tx| feeds::set_cursor(tx, &source, Some(&value))).await?;
    if !is_set {
        let next = "leave --since out: everything is read";
        return Err(Advice::mistake(format!("source `{name}` was never read"), next).into());
    }
    Ok(())
}

/// Reads the sources in the order of the file, then looks at computed traits.
async fn read_all(session: &Session, wanted: Wanted<'_>, output: &Output) -> anyhow::Result<Done> {
    let only = wanted.only;
    let names = session.config.sources.keys().map(|name| name.as_str());
    if let Some(only) = only
        && !names.clone().any(|name| name == only)
    {
        let next = format!("it has: {}", names.collect::<Vec<_>>().join(", "));
        return Err(Advice::mistake(format!("audiences.toml has no source `{only}`"), next).into());
    }
    let definitions = computed::define(session).await?;
    let mut done = Done::default();
    let mut sources: Vec<&Source> = session.config.sources.values().collect();
    sources.sort_by_key(|source| source.name.place.span.start);
    for source in sources.into_iter().filter(|source| only.is_none_or(|only| only == source.name.value.as_str())) {
        let read = match &source.origin {
            Origin::Listen(_) if only.is_some() => return Err(nothing_to_read(source).into()),
            Origin::Listen(_) => continue,
            Origin::File(file) if file.holds == Held::Predictions => {
                replace::predictions(session, source, file, output).await
            }
            Origin::File(file) if file.reading.complete => {
                profiles::complete_file(session, source, file, wanted, output).await
            }
            Origin::File(file) => read_file(session, source, file, output).await,
            Origin::Query(query) => profiles::query(session, source, query, wanted, output).await,
        };
        match read {
            Ok(imported) => done.sources.push(imported),
            Err(error) => done.failed.push(error),
        }
        if signals::halt().is_asked() {
            return Ok(Done { interrupted: true, ..done });
        }
    }
    let Refreshed { looked_at, changed } = computed::refresh(session, &definitions, output).await?;
    done.interrupted = signals::halt().is_asked();
    done.computed = Computed { traits: definitions.len(), looked_at, changed };
    Ok(done)
}

/// What is said when somebody wants to import a source that listens.
fn nothing_to_read(source: &Source) -> Advice {
    let what = format!("source `{}` listens: there is nothing to import", source.name.value);
    Advice::mistake(what, "its calls come in while `enroute serve` runs")
}

/// Imports a file of profiles or events, those of a pattern, or what a command prints.
async fn read_file(session: &Session, source: &Source, file: &FileOrigin, output: &Output) -> anyhow::Result<Imported> {
    let name = source.name.value.as_str();
    let store = session.store.clone();
    let reading = Reading::of(session, source, file).await?;
    let (holds, unit) = match file.holds {
        Held::Events => ("events", "calls"),
        Held::Profiles | Held::Predictions => ("profiles", "profiles"),
    };
    let bar = progress::bytes(name, output);
    let shown = bar.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut whole: Option<Imported> = None;
        let (mut read, mut known) = (0, 0);
        for path in reading.files()? {
            let (options, decided) = reading.prepared(path)?;
            if reading.is_pattern && Import::is_known(&store, &options)? {
                known += 1;
                continue;
            }
            let report = Import::run(&store, &options, now_ms, |progress| {
                shown.set_length(progress.bytes_total);
                shown.set_position(progress.bytes);
                shown.set_message(format!("{} {unit}, {} bad", progress.read, progress.rejected));
                if signals::halt().is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            let mut one = told(options.source.as_str(), holds, &report, &store.reader()?)?;
            reading::tell(&mut one, &decided);
            read += 1;
            whole = Some(match whole {
                Some(before) => before.and(one),
                None => one,
            });
            if signals::halt().is_asked() {
                break;
            }
        }
        let nothing = || Imported { source: reading.source.clone(), holds, ..Imported::default() };
        let files = reading.is_pattern.then_some((read, known));
        Ok::<_, anyhow::Error>(Imported { files, ..whole.unwrap_or_else(nothing) })
    });
    let read = read.await.context("the import was lost")?;
    bar.finish_and_clear();
    let hint = read.as_ref().err().map_or_else(String::new, |error| hint(error, name));
    read.with_context(|| {
        let what = format!("source `{name}` cannot be imported");
        Advice::failed(what, hint)
    })
}

/// What to do about an import that failed.
fn hint(error: &anyhow::Error, source: &str) -> String {
    let found = error.downcast_ref::<Error>().map(|error| error.hint(source));
    found.unwrap_or_else(|| format!("look at [source.{source}] in audiences.toml"))
}

/// The machine's time, in ms since 1970.
fn now_ms() -> i64 {
    Clock::System.now_ms().cast_signed()
}

fn told(source: &str, holds: &'static str, report: &Report, reader: &Reader) -> anyhow::Result<Imported> {
    let bad = if report.progress.rejected == 0 { Vec::new() } else { reader.import_rejections(report.import)? };
    let progress = &report.progress;
    Ok(Imported {
        source: source.to_owned(),
        holds,
        read: progress.read,
        added: progress.added,
        updated: progress.updated,
        unchanged: progress.unchanged,
        rejected: progress.rejected,
        repeated: progress.repeated,
        skipped: progress.skipped,
        dropped_out: 0,
        gone: 0,
        endless: 0,
        notes: report.notes.clone(),
        resumed_at: report.resumed_at,
        incomplete_line: report.incomplete.map(|incomplete| incomplete.line),
        bad_lines: bad.into_iter().take(BAD_LINES_SHOWN).map(|bad| (bad.line, bad.code, bad.reason)).collect(),
        ..Imported::default()
    })
}

impl Imported {
    /// This and what the next file of the pattern did.
    fn and(mut self, next: Self) -> Self {
        self.read += next.read;
        self.added += next.added;
        self.updated += next.updated;
        self.unchanged += next.unchanged;
        self.rejected += next.rejected;
        self.repeated += next.repeated;
        self.skipped += next.skipped;
        self.resumed_at = next.resumed_at;
        self.incomplete_line = next.incomplete_line;
        self.bad_lines.extend(next.bad_lines);
        self.bad_lines.truncate(BAD_LINES_SHOWN);
        next.notes.into_iter().for_each(|note| {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        });
        self.types = next.types;
        self
    }
}

impl Done {
    fn in_words(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.sources.iter().map(in_words).collect();
        let Computed { traits, looked_at, changed } = self.computed;
        if traits > 0 || looked_at > 0 {
            lines.push(format!(
                "   computed traits: {traits}, {} looked at, {changed} changed",
                counted(looked_at, "profile")
            ));
        }
        lines
    }
}

fn in_words(one: &Imported) -> String {
    let mut text = match one.holds {
        "events" => {
            let read = counted(one.read, "call");
            format!("   {}: {read} read, {} new, {} known", one.source, one.added, one.unchanged)
        }
        _ => format!(
            "   {}: {} read, {} new, {} changed, {} the same",
            one.source,
            counted(one.read, "profile"),
            one.added,
            one.updated,
            one.unchanged
        ),
    };
    if one.skipped > 0 {
        text.push_str(&format!(", {} of no known person, of one who was forgotten, or of another kind", one.skipped));
    }
    if one.dropped_out > 0 {
        text.push_str(&format!(", {} dropped out", one.dropped_out));
    }
    if one.gone > 0 {
        text.push_str(&format!(", {} gone", one.gone));
    }
    if one.endless > 0 {
        text.push_str(&format!(", {} values without end or that are no number: null in their place", one.endless));
    }
    if one.repeated > 0 {
        text.push_str(&format!(", {} repeated (the last one stands)", one.repeated));
    }
    if let Some(line) = one.incomplete_line {
        text.push_str(&format!("; line {line} is not complete yet and is left for the next import"));
    }
    if one.rejected > 0 {
        text.push_str(&format!("; {} rejected:", counted(one.rejected, "line")));
        for (line, code, reason) in &one.bad_lines {
            text.push_str(&format!("\n     line {line}: {code}: {reason}"));
        }
    }
    if let Some((read, known)) = one.files {
        text.push_str(&format!("\n     {} read, {known} known from before", counted(read, "file")));
    }
    if !one.types.is_empty() {
        let types: Vec<String> = one.types.iter().map(|(name, kind)| format!("{name} = \"{kind}\"")).collect();
        text.push_str(&format!("\n     types: {{ {} }}", types.join(", ")));
    }
    for note in &one.notes {
        text.push_str(&format!("\n     note: {note}"));
    }
    text
}
