//! `enroute export`: members, receipts, dead letters and coverage as a table for other programs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_host::store::chronicle::{self, Wanted};
use enroute_host::store::{Reader, letters};
use enroute_host::sync::{self, Clock, Detail, LinkPlan};
use serde_json::{Value, json};

use crate::output::{Advice, Output};
use crate::session::{Session, Told, read_store};
use crate::since::{moment_ms, shown};

/// What to export.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// What.
    #[arg(value_enum)]
    what: What,
    /// Only this audience.
    #[arg(long, value_name = "KEY")]
    audience: Option<String>,
    /// Only this destination.
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Of receipts: not before `10m`, `24h`, `14d`, a day or a moment.
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
    /// The form.
    #[arg(long, value_enum, default_value = "ndjson")]
    format: Format,
    /// Write into this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Everybody whom destinations hold.
    Members,
    /// Every outcome of every member, oldest first.
    Receipts,
    /// Everybody who was given up or refused, and why.
    DeadLetters,
    /// How many people have a value for each field and identifier.
    Coverage,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A JSON object a line.
    Ndjson,
    /// A head and a line a row; no cell is a formula to a spreadsheet.
    Csv,
}

/// A row: names and values, in the same order for every row of an export.
type Row = Vec<(&'static str, Value)>;

/// Runs the command.
pub(crate) async fn run(args: ExportArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let now_ms = Clock::System.now_ms();
    let since_ms = args.since.as_ref().map(|text| moment_ms(text, now_ms)).transpose();
    let since_ms = since_ms.map_err(|wrong| Advice::mistake(wrong, "moments are in UTC"))?;
    if args.what == What::Coverage {
        let session = match Session::open(folder, output)? {
            Ok(session) => session,
            Err(Told(code)) => return Ok(code),
        };
        let setup = match session.setup(args.audience.as_deref(), output).await? {
            Ok(setup) => setup,
            Err(Told(code)) => return Ok(code),
        };
        let plans = sync::plan(&session.store, &setup, &Clock::System, Detail { bodies: false, values: false }).await?;
        let is_of = |plan: &&LinkPlan| args.destination.as_ref().is_none_or(|name| *name == plan.destination);
        let rows: Vec<Row> = plans.iter().filter(is_of).flat_map(coverage).collect();
        return write(&args, output, |sink| rows.into_iter().try_for_each(|row| sink.put(row)));
    }
    let reader = read_store(folder)?;
    let (audience, destination) = (args.audience.clone(), args.destination.clone());
    let wanted = Wanted { audience, destination, since_ms, ..Wanted::default() };
    write(&args, output, |sink| tell(args.what, &reader, &wanted, sink))
}

/// Opens the sink and lets it be filled. With `--json` NDJSON becomes one list, so that it is one document.
fn write(
    args: &ExportArgs,
    output: &Output,
    fill: impl FnOnce(&mut Sink) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let to: Box<dyn Write> = match &args.out {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(output.stream()),
    };
    let mut sink = Sink { to, format: args.format, is_list: output.json, has_head: false };
    let ended = fill(&mut sink).and_then(|()| sink.end());
    match ended {
        // Whoever reads our output may stop at any time, as `head` does.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Where rows go, as they come.
struct Sink {
    to: Box<dyn Write>,
    format: Format,
    is_list: bool,
    has_head: bool,
}

impl Sink {
    fn put(&mut self, row: Row) -> anyhow::Result<()> {
        match self.format {
            Format::Ndjson => {
                let object: serde_json::Map<String, Value> =
                    row.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                let is_first = !std::mem::replace(&mut self.has_head, true);
                if self.is_list {
                    self.to.write_all(if is_first { b"[\n" } else { b",\n" })?;
                }
                serde_json::to_writer(&mut self.to, &object).map_err(io::Error::from)?;
                if !self.is_list {
                    self.to.write_all(b"\n")?;
                }
            }
            Format::Csv => {
                if !std::mem::replace(&mut self.has_head, true) {
                    let head: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
                    writeln!(self.to, "{}", head.join(","))?;
                }
                let cells: Vec<String> = row.iter().map(|(_, value)| cell(value)).collect();
                writeln!(self.to, "{}", cells.join(","))?;
            }
        }
        Ok(())
    }
}

impl Sink {
    fn end(&mut self) -> anyhow::Result<()> {
        if self.is_list && self.format == Format::Ndjson {
            self.to.write_all(if self.has_head { b"\n]\n" } else { b"[]\n" })?;
        }
        Ok(self.to.flush()?)
    }
}

/// A value as a cell: quoted where it has to be, and no formula to a spreadsheet, as the page "CSV Injection" of OWASP
/// advises: text that begins like one gets an apostrophe in front.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => return other.to_string(),
    };
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains(['"', ',', '\n', '\r', ';', '\t']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Fills a sink from the store; ends with the first row that cannot be written.
fn tell(what: What, reader: &Reader, wanted: &Wanted, sink: &mut Sink) -> anyhow::Result<()> {
    let mut put = Ok(());
    let mut row = |row: Row| {
        put = sink.put(row);
        put.is_ok()
    };
    match what {
        What::Members => chronicle::members(reader, wanted, |one| {
            row(vec![
                ("profile", one.key.into()),
                ("audience", one.name.audience.into()),
                ("destination", one.name.destination.into()),
                ("mapping", one.name.mapping.into()),
                ("state", one.state.into()),
                ("waiting", one.waiting.into()),
                ("further_record", one.is_further.into()),
                ("settings_version", one.version.into()),
            ])
        })?,
        What::Receipts => chronicle::receipts(reader, wanted, |one| {
            row(vec![
                ("at", shown(one.at_ms).into()),
                ("run", one.run.into()),
                ("delivery", one.delivery.into()),
                ("profile", one.key.into()),
                ("audience", one.name.audience.into()),
                ("destination", one.name.destination.into()),
                ("mapping", one.name.mapping.into()),
                ("change", one.change.into()),
                ("outcome", one.outcome.into()),
                ("code", one.code.into()),
            ])
        })?,
        What::DeadLetters => {
            let (audience, destination) = (wanted.audience.clone(), wanted.destination.clone());
            let wanted = letters::Wanted { audience, destination, ..letters::Wanted::default() };
            letters::each(reader, &wanted, |one| {
                row(vec![
                    ("at", shown(one.at_ms).into()),
                    ("run", one.run.into()),
                    ("profile", one.key.into()),
                    ("audience", one.name.audience.into()),
                    ("destination", one.name.destination.into()),
                    ("mapping", one.name.mapping.into()),
                    ("change", one.change.into()),
                    ("code", one.code.into()),
                    ("field", one.field.into()),
                    ("reason", one.reason.into()),
                    ("attempts", one.attempts.into()),
                    ("first_attempt", one.first_ms.map(shown).into()),
                ])
            })?;
        }
        What::Coverage => {}
    }
    put
}

/// The rows of a plan's coverage.
fn coverage(plan: &LinkPlan) -> Vec<Row> {
    let row = |kind: &str, from: Value, field: &str, numbers: [Option<u64>; 5]| -> Row {
        let [present, empty, null, missing, sent] = numbers.map(Value::from);
        vec![
            ("audience", json!(plan.audience)),
            ("destination", json!(plan.destination)),
            ("mapping", json!(plan.mapping)),
            ("kind", json!(kind)),
            ("from", from),
            ("field", json!(field)),
            ("people", json!(plan.coverage.people)),
            ("present", present),
            ("empty", empty),
            ("null", null),
            ("missing", missing),
            ("sent", sent),
        ]
    };
    let fields = plan.coverage.fields.iter().map(|one| {
        let numbers = [Some(one.present), Some(one.empty), Some(one.null), Some(one.missing), None];
        row("field", json!(one.from), &one.field, numbers)
    });
    let identifiers = plan.coverage.identifiers.iter().map(|one| {
        let numbers = [Some(one.present), None, None, None, Some(one.sent)];
        row("identifier", json!(one.kinds.join(" ")), &one.field, numbers)
    });
    fields.chain(identifiers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (value, expect) in [
            (json!("=1+1"), "'=1+1"),
            (json!("+43 664"), "'+43 664"),
            (json!("-2"), "'-2"),
            (json!("@sum"), "'@sum"),
            (json!("\t=1"), "\"'\t=1\""),
            (json!("plain"), "plain"),
            (json!("a,b"), "\"a,b\""),
            (json!("say \"x\""), "\"say \"\"x\"\"\""),
            (json!(-2), "-2"),
            (json!(null), ""),
        ] {
            assert_eq!(cell(&value), expect);
        }
    }
}
