//! `enroute plan`: what a sync would do, to the digest of every request; nothing is sent.

use std::path::Path;
use std::process::ExitCode;

use enroute_core::manifest::Values;
use enroute_core::outcome::OTHERS;
use enroute_core::words::{counted, noun};
use enroute_host::sync::{
    self, ChangeCounts, Clock, Coverage, Detail, IdentifierCoverage, LeftBehind, LinkPlan, PlannedRequest, ReasonCount,
    RefusedRequests,
};

use crate::commands::import;
use crate::output::{EXIT_STOPPED, Output, connection};
use crate::session::{Session, Told};
use crate::signals;

/// What to plan.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Only this audience.
    audience: Option<String>,
    /// Show headers and bodies of requests, too. Bodies hold personal data; secrets stay masked.
    #[arg(long)]
    bodies: bool,
    /// Show samples of values as they are, not by their shape.
    #[arg(long)]
    values: bool,
    /// Plan with the profiles as they are in the store, without reading the sources again.
    #[arg(long)]
    no_import: bool,
}

/// Runs the command.
pub(crate) async fn run(args: PlanArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let setup = match signals::unless_asked(session.setup(args.audience.as_deref(), output)).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    if !args.no_import {
        import::sources(&session, None, output).await?;
    }
    let detail = Detail { bodies: args.bodies, values: args.values };
    let mut plans =
        signals::unless_asked(async { Ok(sync::plan(&session.store, &setup, &Clock::System, detail).await?) }).await?;
    let left = sync::left_behind(&session.store.reader()?, &session.config)?.into_iter();
    let is_asked = |one: &LeftBehind| args.audience.as_ref().is_none_or(|audience| *audience == one.audience);
    plans.extend(left.filter(|one| one.code.is_some() && is_asked(one)).map(LinkPlan::of_left_behind));
    if output.json {
        output.print_json(&plans)?;
    } else {
        if plans.iter().all(|plan| plan.paused.is_some()) {
            output.line(NOTHING_CONNECTED)?;
        }
        for plan in &plans {
            show(plan, output)?;
        }
    }
    let is_stopped = plans.iter().any(|plan| plan.stopped.is_some());
    Ok(if is_stopped { ExitCode::from(EXIT_STOPPED) } else { ExitCode::SUCCESS })
}

/// What is said where there is nothing to run.
pub(crate) const NOTHING_CONNECTED: &str =
    "nothing is connected: audiences.toml has no enabled [[connection]] to an enabled destination";

/// Requests shown to people; all are in the JSON.
const REQUESTS_SHOWN: usize = 5;

fn show(plan: &LinkPlan, output: &Output) -> anyhow::Result<()> {
    let changes = &plan.changes;
    let name = connection(&plan.audience, &plan.destination, &plan.mapping);
    if let Some(left) = &plan.left_behind {
        let code = left.code.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
        output.line(format_args!("{name}: left behind{code}"))?;
        return plan.notes.iter().try_for_each(|note| output.line(format_args!("  {note}")));
    }
    let plugin = if plan.plugin.is_empty() { String::new() } else { format!(", {}", plan.plugin) };
    output.line(format_args!("{name}{plugin}"))?;
    if let Some(reason) = &plan.paused {
        return paused(reason, changes, output);
    }
    if let Some(why) = &plan.withdraws {
        output.line(format_args!("  everybody is withdrawn: {why}"))?;
    }
    if let Some(reason) = &plan.stopped {
        output.line(format_args!("  stopped: {reason}"))?;
        if plan.members + plan.changes.total() == 0 {
            return Ok(());
        }
    }
    for note in &plan.notes {
        output.line(format_args!("  note: {note}"))?;
    }
    coverage(&plan.coverage, output)?;
    output.line(format_args!(
        "  members {}: {} to add, {} to look at again, {} to remove",
        plan.members, changes.added, changes.updated, changes.removed
    ))?;
    output.line(format_args!(
        "  sendable {}, unchanged {}, waiting {}, under older settings {}",
        plan.sendable, plan.unchanged, plan.waiting, plan.stale
    ))?;
    reasons("cannot be sent", &plan.rejections, output)?;
    reasons("worth knowing", &plan.warnings, output)?;
    refused(&plan.refused_requests, output)?;
    if !plan.refused_requests.is_empty() {
        output.line("  a sync would stop there: mend the plugin, or grant what it asks for")?;
    }
    for fault in &plan.faults {
        let times = counted(fault.times, "time");
        output.line(format_args!("  plugin failed in `{}` {times}: {}", fault.function, fault.reason))?;
    }
    if let Some(guard) = &plan.guard {
        output.line(format_args!("  a sync would stop: {guard}"))?;
    }
    let pace = match plan.pace_ms {
        0 => "no wait".to_owned(),
        ms => format!("at least {} s", ms.div_ceil(1_000)),
    };
    let requests = counted(plan.requests.len(), "request");
    output.line(format_args!("  {requests}, {pace} at the destination's pace"))?;
    for quota in &plan.quotas {
        output.line(format_args!("  {}", quota.told()))?;
    }
    for request in plan.requests.iter().take(REQUESTS_SHOWN) {
        show_request(request, output)?;
    }
    let more = plan.requests.len().saturating_sub(REQUESTS_SHOWN);
    if more > 0 {
        output.line(format_args!("    … and {more} more; --json lists all"))?;
    }
    Ok(())
}

/// What has gathered at a connection that is paused.
fn paused(reason: &str, changes: &ChangeCounts, output: &Output) -> anyhow::Result<()> {
    output.line(format_args!("  paused: {reason}"))?;
    output.line(format_args!(
        "  once it is resumed: {} to add, {} to look at again, {} to remove",
        changes.added, changes.updated, changes.removed
    ))
}

/// A request, with headers and body where they were asked for.
pub(crate) fn show_request(request: &PlannedRequest, output: &Output) -> anyhow::Result<()> {
    let digest = request.digest.get(..12).unwrap_or(&request.digest);
    output.line(format_args!(
        "    {} {}  {}, {}, digest {digest}…",
        request.method,
        request.url,
        counted(request.members, "member"),
        counted(request.body_bytes, "byte")
    ))?;
    if let Some(reason) = &request.refused {
        output.line(format_args!("      the host would refuse it: {reason}"))?;
    }
    for (name, value) in request.headers.iter().flatten() {
        output.line(format_args!("      {name}: {value}"))?;
    }
    if let Some(body) = &request.body {
        output.line(format_args!("      {body}"))?;
    }
    Ok(())
}

/// Fields shown to people; all are in the JSON.
const FIELDS_SHOWN: usize = 50;

/// What people have for each field.
fn coverage(found: &Coverage, output: &Output) -> anyhow::Result<()> {
    let share = |count: u64| share(count, found.people);
    for one in &found.identifiers {
        let kinds = if one.kinds.is_empty() { "a trait".to_owned() } else { one.kinds.join(" or ") };
        output.line(format_args!("  identifier {kinds} → {}: {}", one.field, identifier(one, found.people)))?;
    }
    if found.fields.is_empty() {
        return Ok(());
    }
    let head = ["  trait", "field", "matched", "has it", "empty", "null", "missing", "samples"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for field in found.fields.iter().take(FIELDS_SHOWN) {
        let mut row = vec![format!("  {}", field.from), field.field.clone(), field.matched.to_owned()];
        row.extend([field.present, field.empty, field.null, field.missing].map(share));
        row.push(field.samples.join("  "));
        rows.push(row);
    }
    output.table(&rows)?;
    let more = found.fields.len().saturating_sub(FIELDS_SHOWN);
    if more > 0 {
        output.line(format_args!("  … and {more} more {}; --json lists all", noun(more as u64, "field")))?;
    }
    Ok(())
}

/// How many of the people, in percent.
fn share(count: u64, people: u64) -> String {
    match people {
        0 => "–".to_owned(),
        people if count > 0 && count * 100 < people => "<1 %".to_owned(),
        people => format!("{} %", count * 100 / people),
    }
}

/// Who has an identifier, and what of it goes out.
fn identifier(one: &IdentifierCoverage, people: u64) -> String {
    let values = match one.values {
        Values::Last => "the last value goes out",
        Values::First => "the first value goes out",
        Values::All => "every value goes out",
    };
    let has = match one.present {
        _ if people == 0 => "nobody is in the audience".to_owned(),
        0 => "nobody has it".to_owned(),
        present => format!("{} have it", share(present, people)),
    };
    if let Some((setting, value)) = one.kept_back.as_deref().and_then(|when| when.split_once('=')) {
        let quote = if matches!(value, "true" | "false") { "" } else { "\"" };
        return format!("{has}, and it goes out only with `{setting} = {quote}{value}{quote}`");
    }
    match one.sent {
        _ if people == 0 => format!("{has}, {values}"),
        _ if one.present == 0 => has,
        0 => format!("{has}, none is needed: another one comes first"),
        sent if sent < one.present => {
            format!("{has}, {values} for {}: others have one that comes first", share(sent, people))
        }
        _ => format!("{has}, {values}"),
    }
}

/// Requests that the host refuses, by reason.
pub(crate) fn refused(refused: &[RefusedRequests], output: &Output) -> anyhow::Result<()> {
    for RefusedRequests { code, reason, requests } in refused {
        let requests = counted(*requests, "request");
        output.line(format_args!("  refused by the host, the plugin is at fault: {requests}, {code}: {reason}"))?;
    }
    Ok(())
}

/// Reasons with the number of members, and what to do.
pub(crate) fn reasons(title: &str, reasons: &[ReasonCount], output: &Output) -> anyhow::Result<()> {
    for reason in reasons {
        if reason.code == OTHERS {
            output
                .line(format_args!("  {title}: … and {} others, whose reasons are not told apart", reason.members))?;
            continue;
        }
        let field = reason.field.as_deref().map_or(String::new(), |field| format!(" ({field})"));
        let text = if reason.reason.is_empty() { String::new() } else { format!(": {}", reason.reason) };
        let until = reason.until.as_ref().map_or_else(String::new, |until| format!(", until {until}"));
        output.line(format_args!("  {title}: {} × {}{field}{text}{until}", reason.members, reason.code))?;
        if let Some(hint) = &reason.hint {
            output.line(format_args!("    {hint}"))?;
        }
    }
    Ok(())
}

impl PlanArgs {
    /// The plan of a sync that is not carried out.
    pub(crate) const fn dry_run(audience: Option<String>, no_import: bool) -> Self {
        Self { audience, bodies: false, values: false, no_import }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check([people, present, sent]: [u64; 3], kept_back: Option<&str>, expect: &str) {
        let kept_back = kept_back.map(str::to_owned);
        let one = IdentifierCoverage { values: Values::All, present, sent, kept_back, ..IdentifierCoverage::default() };
        assert_eq!(identifier(&one, people), expect);
    }

    #[test]
    fn an_identifier_is_told_with_what_goes_out_of_it() {
        check([4, 4, 4], None, "100 % have it, every value goes out");
        check([4, 2, 2], None, "50 % have it, every value goes out");
        check([4, 0, 0], None, "nobody has it");
        check([4, 4, 0], None, "100 % have it, none is needed: another one comes first");
        check([4, 4, 1], None, "100 % have it, every value goes out for 25 %: others have one that comes first");
        check([0, 0, 0], None, "nobody is in the audience, every value goes out");
        check(
            [4, 3, 0],
            Some("extern_id=user_id"),
            "75 % have it, and it goes out only with `extern_id = \"user_id\"`",
        );
        check([4, 0, 0], Some("extended=true"), "nobody has it, and it goes out only with `extended = true`");
    }
}
