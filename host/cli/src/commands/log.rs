//! `enroute log`: what runs did, and every request with its answer.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::words::counted;
use enroute_host::store::chronicle::{self, Request, Run, Wanted};
use enroute_host::sync::Clock;
use serde::Serialize;
use serde_json::Value;

use crate::output::{Advice, Output, connection};
use crate::session::read_store;
use crate::since::{moment_ms, shown};

/// What to show, newest first.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// Only this audience.
    audience: Option<String>,
    /// Only this destination.
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Show requests and their answers instead of runs; personal data in answers is masked.
    #[arg(long)]
    requests: bool,
    /// Only this run.
    #[arg(long, value_name = "NUMBER")]
    run: Option<i64>,
    /// Not before: `10m`, `24h`, `14d`, a day or a moment.
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
    /// Not after.
    #[arg(long, value_name = "MOMENT")]
    until: Option<String>,
    /// Of runs: a state (`paused`) or an outcome (`rejected`). Of requests: `ok`, `failed`, a status (`503`) or a verdict.
    #[arg(long, value_name = "WORD")]
    outcome: Option<String>,
    /// Most entries.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
}

/// One connection in one run.
#[derive(Debug, Serialize)]
struct RunLine {
    run: i64,
    started: String,
    /// None while it runs, or where it was cut off.
    ended: Option<String>,
    connection: String,
    state: String,
    outcomes: Value,
    requests: Value,
    reason: Option<String>,
}

/// One request.
#[derive(Debug, Serialize)]
struct RequestLine {
    at: String,
    run: i64,
    connection: String,
    delivery: Option<i64>,
    operation: Option<String>,
    kind: Option<String>,
    label: String,
    members: u64,
    digest: String,
    status: Option<u16>,
    failure: Option<String>,
    answer: Option<String>,
    verdict: Option<String>,
}

/// What is said where there is nothing to show.
const NOTHING: &str = "nothing of the kind is in the log; `enroute sync` writes it";

/// Runs the command.
pub(crate) fn run(args: &LogArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let wanted = wanted(args)?;
    let reader = read_store(folder)?;
    if args.requests {
        let mut lines = Vec::new();
        chronicle::requests(&reader, &wanted, |request| {
            if args.outcome.as_deref().is_none_or(|outcome| ended_so(&request, outcome)) {
                lines.push(request_line(request));
            }
            lines.len() < args.limit
        })?;
        if output.json {
            output.print_json(&lines)?;
        } else if lines.is_empty() {
            output.note(NOTHING);
        } else {
            lines.iter().try_for_each(|line| show_request(line, output))?;
        }
    } else {
        let mut lines = Vec::new();
        chronicle::runs(&reader, &wanted, |run| {
            lines.extend(run_lines(&run, args));
            lines.len() < args.limit
        })?;
        lines.truncate(args.limit);
        if output.json {
            output.print_json(&lines)?;
        } else if lines.is_empty() {
            output.note(NOTHING);
        } else {
            lines.iter().try_for_each(|line| show_run(line, output))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted(args: &LogArgs) -> anyhow::Result<Wanted> {
    let now_ms = Clock::System.now_ms();
    let moment = |text: &Option<String>| -> anyhow::Result<Option<u64>> {
        let found = text.as_ref().map(|text| moment_ms(text, now_ms)).transpose();
        found.map_err(|wrong| Advice::mistake(wrong, "moments are in UTC").into())
    };
    Ok(Wanted {
        audience: args.audience.clone(),
        destination: args.destination.clone(),
        since_ms: moment(&args.since)?,
        until_ms: moment(&args.until)?,
        run: args.run,
    })
}

/// Whether a request ended as it is asked for.
fn ended_so(request: &Request, outcome: &str) -> bool {
    let is_ok = request.failure.is_none() && request.status.is_some_and(|status| (200..300).contains(&status));
    match outcome {
        "ok" => is_ok,
        "failed" => !is_ok,
        other => {
            request.status.is_some_and(|status| status.to_string() == other)
                || request.verdict.as_deref() == Some(other)
        }
    }
}

fn request_line(request: Request) -> RequestLine {
    RequestLine {
        at: shown(request.at_ms),
        run: request.run,
        connection: connection(&request.name.audience, &request.name.destination, &request.name.mapping),
        delivery: request.delivery,
        operation: request.operation,
        kind: request.kind,
        label: request.label,
        members: request.members,
        digest: request.digest,
        status: request.status,
        failure: request.failure,
        answer: request.answer,
        verdict: request.verdict,
    }
}

/// The connections of a run that are asked for.
fn run_lines(run: &Run, args: &LogArgs) -> Vec<RunLine> {
    let summary: Value = run.summary.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let word = |link: &Value, name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let line = |link: &Value| RunLine {
        run: run.run,
        started: shown(run.started_ms),
        ended: run.ended_ms.map(shown),
        connection: connection(&word(link, "audience"), &word(link, "destination"), &word(link, "mapping")),
        state: word(link, "state"),
        outcomes: link.get("outcomes").cloned().unwrap_or_default(),
        requests: link.get("requests").cloned().unwrap_or_default(),
        reason: Some(word(link, "reason")).filter(|reason| !reason.is_empty()),
    };
    let fits = |link: &&Value| {
        let is_of = |name: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|it| *it == word(link, name));
        let ended_so = |outcome: &String| {
            let members = link.get("outcomes").and_then(|outcomes| outcomes.get(outcome)).and_then(Value::as_u64);
            word(link, "state") == *outcome || members.is_some_and(|members| members > 0)
        };
        is_of("audience", &args.audience)
            && is_of("destination", &args.destination)
            && args.outcome.as_ref().is_none_or(ended_so)
    };
    let links = summary.get("connections").and_then(Value::as_array);
    match links {
        Some(links) => links.iter().filter(fits).map(line).collect(),
        // It runs, or was cut off: which connections it is about nobody has written down.
        None if args.outcome.is_none() && args.audience.is_none() && args.destination.is_none() => {
            vec![RunLine { state: "not ended".to_owned(), connection: String::new(), ..line(&Value::Null) }]
        }
        None => Vec::new(),
    }
}

fn show_run(line: &RunLine, output: &Output) -> anyhow::Result<()> {
    let counts = |value: &Value| {
        let parts = value.as_object().into_iter().flatten().filter(|(_, count)| count.as_u64() > Some(0));
        parts.map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
    };
    let ended = line.ended.as_deref().unwrap_or("…");
    let (outcomes, requests) = (counts(&line.outcomes), counts(&line.requests));
    let outcomes = if outcomes.is_empty() { "nobody to look at".to_owned() } else { outcomes };
    let requests = if requests.is_empty() { "no requests".to_owned() } else { format!("requests: {requests}") };
    let RunLine { run, started, connection, state, .. } = line;
    output.line(format_args!("run {run}, {started} to {ended}  {connection}: {state}; {outcomes}; {requests}"))?;
    line.reason.as_ref().map_or(Ok(()), |reason| output.line(format_args!("  {reason}")))
}

fn show_request(line: &RequestLine, output: &Output) -> anyhow::Result<()> {
    let what = line.kind.as_deref().or(line.operation.as_deref()).unwrap_or(&line.label);
    let answer = match (line.status, &line.failure) {
        (Some(status), _) => format!("answered {status}"),
        (None, Some(failure)) => failure.clone(),
        (None, None) => "got no answer".to_owned(),
    };
    let digest = line.digest.get(..12).unwrap_or(&line.digest);
    let members = if line.members > 0 { format!(", {}", counted(line.members, "member")) } else { String::new() };
    let verdict = line.verdict.as_ref().map_or_else(String::new, |verdict| format!(" ({verdict})"));
    let RequestLine { at, run, connection, label, .. } = line;
    output
        .line(format_args!("{at}  run {run}  {connection}: {what}, {label}{members}, {digest}… {answer}{verdict}"))?;
    line.answer.as_ref().map_or(Ok(()), |answer| output.line(format_args!("  {answer}")))
}
