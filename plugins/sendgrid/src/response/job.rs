//! How accepted jobs ended.
//!
//! SendGrid's "Import Contacts Status" page: pending, completed, errored (some) or failed (all, or unreadable). Who was
//! refused stands in a file at another host; where that cannot be had, refusals are counted and nobody is blamed.

use std::collections::HashMap;

use enroute_sdk::bindings::enroute::destination::types::Cells;
use enroute_sdk::{Answer, Context, Failure, Http, Outcome, Reading, Report, Resume, Tally, Value, Verdict};
use serde_json::Value as Json;

use super::errors_file::culprits;
use super::ticket::{Ticket, What, is_job_id};
use super::{moved, unclear};
use crate::mapping::identity::{Identities, Kind};
use crate::request::{self, REQUESTS};
use crate::settings::Settings;

/// Most questions in one call: 20 seconds of the bucket's pace, in a call that may last 60.
const QUESTIONS_MAX: usize = 200;

/// Wait before members of a job that came to nothing are sent again.
const AGAIN_WAIT_MS: u64 = 60_000;

/// The id of the job that an answer says it began.
pub(super) fn id(answer: &Answer) -> Option<String> {
    let id = match answer.json::<Json>()?.get("job_id")? {
        Json::String(id) => id.clone(),
        Json::Number(id) => id.to_string(),
        _ => return None,
    };
    is_job_id(&id).then_some(id)
}

/// Asks about every job of every ticket.
pub(crate) fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(work.len() as usize);
    let (mut asked, mut requests) = (Vec::new(), Vec::new());
    for open in work.tickets() {
        let members: Vec<u32> = (open.first_member..).take(open.members as usize).collect();
        let Some(ticket) = Ticket::parse(&open.token) else {
            tally.read(&members, Reading::all(Outcome::Unknown));
            continue;
        };
        if requests.len() + ticket.jobs.len() > QUESTIONS_MAX {
            tally.read(&members, Reading::all(ticket.accepted()));
            continue;
        }
        requests.extend(ticket.jobs.iter().map(|job| request::job(ctx.settings(), job)));
        asked.push((ticket, members));
    }
    let mut answers = http.send_all("job", &requests).into_iter();
    for (ticket, members) in asked {
        let states: Vec<State> = answers.by_ref().take(ticket.jobs.len()).map(state).collect();
        let people = People { ctx, cells: work.identifiers(), members: &members };
        let reading = ending(&people, &ticket, states, http);
        tally.read(&members, reading);
    }
    tally.finish()
}

/// How one job stands.
#[derive(Debug)]
enum State {
    Pending,
    Completed,
    /// It ended, and some or all of it came to nothing.
    Errored(Results),
    /// SendGrid does not know it any more.
    Gone,
    /// There was no answer to tell from.
    Unclear(Verdict),
}

/// What a job that did not go well left behind.
#[derive(Debug, Default)]
struct Results {
    failed: bool,
    errored: Option<u64>,
    errors_url: Option<String>,
}

fn state(answer: Result<Answer, Failure>) -> State {
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => return State::Unclear(Reading::unanswered(failure).verdict),
    };
    if answer.status == 404 {
        return State::Gone;
    }
    let body = answer.json::<Json>().filter(|_| answer.status == 200);
    let Some(status) = body.as_ref().and_then(|body| body.get("status")).and_then(Json::as_str) else {
        return State::Unclear(unclear(&answer, REQUESTS).verdict);
    };
    let result = |key: &str| body.as_ref().and_then(|body| body.get("results")).and_then(|results| results.get(key));
    match status {
        "completed" => State::Completed,
        "errored" | "failed" => State::Errored(Results {
            failed: status == "failed",
            errored: result("errored_count").and_then(Json::as_u64),
            errors_url: result("errors_url").and_then(Json::as_str).map(str::to_owned),
        }),
        // `pending`, and whatever else SendGrid may come to say before the end.
        _ => State::Pending,
    }
}

/// What the states of a ticket's jobs mean for its members.
fn ending(people: &People<'_>, ticket: &Ticket, states: Vec<State>, http: &mut dyn Http) -> Reading {
    let mut pending = Vec::new();
    let mut errored = None;
    let mut gone = false;
    for (job, state) in ticket.jobs.iter().zip(states) {
        match state {
            State::Unclear(verdict) => return Reading::all(ticket.accepted()).verdict(verdict),
            State::Pending => pending.push(job.clone()),
            State::Errored(results) => errored = Some(results),
            State::Gone => gone = true,
            State::Completed => {}
        }
    }
    let again = |wait_ms| match ticket.what {
        What::Upsert => Reading::all(Outcome::Unknown),
        What::Remove | What::Move => Reading::deferred(wait_ms),
    };
    match (ticket.what, errored) {
        (What::Upsert, Some(results)) => people.refused(&results, http),
        // Who is still on the list is seen at the next look-up.
        (What::Remove, Some(_)) => Reading::deferred(AGAIN_WAIT_MS),
        (What::Move, Some(_)) => Reading::all(moved::refusal()),
        (_, None) if !pending.is_empty() => {
            let patience_ms = people.ctx.settings().import_patience_minutes.saturating_mul(60_000);
            if ticket.waited_ms() >= patience_ms { again(0) } else { Reading::all(ticket.again(pending).accepted()) }
        }
        (_, None) if gone => again(0),
        (What::Upsert | What::Remove, None) => Reading::delivered(),
        (What::Move, None) => Reading::deferred(0),
    }
}

/// The members of one ticket.
struct People<'w> {
    ctx: &'w Context<Settings>,
    cells: &'w Cells,
    members: &'w [u32],
}

impl People<'_> {
    /// What an import that refused contacts means for its members.
    fn refused(&self, results: &Results, http: &mut dyn Http) -> Reading {
        let (named, why) = self.named(results, http);
        let (total, told) = (self.members.len() as u64, named.len() as u64);
        let errored = results.errored.unwrap_or_default().max(told);
        if results.failed && errored == 0 {
            let reason = "an import failed, and sendgrid did not say why".to_owned();
            return Reading::deferred(AGAIN_WAIT_MS).verdict(Verdict::Unavailable(reason));
        }
        if errored >= total {
            let rest = Outcome::rejected("import_failed", "sendgrid refused every contact of the import");
            return Reading::by_index(rest, named);
        }
        // A job that errored has refused somebody, even where it does not count.
        let unnamed = errored.max(1).saturating_sub(told);
        let reading = Reading::by_index(Outcome::Delivered, named);
        match u32::try_from(unnamed).unwrap_or(u32::MAX) {
            0 => reading,
            count => reading.unattributed(format!("refused by an import of sendgrid; {why}"), count),
        }
    }

    /// Positions of members that the file of errors names; otherwise why it names nobody.
    fn named(&self, results: &Results, http: &mut dyn Http) -> (Vec<(usize, Outcome)>, String) {
        let Some(request) = results.errors_url.as_deref().and_then(request::file) else {
            return (Vec::new(), "sendgrid gave no file that names them".to_owned());
        };
        match http.send("errors", &request) {
            Ok(answer) if answer.status == 200 && !answer.is_html() => {
                let places = self.places();
                let find = |kind: Option<Kind>, value: &str| {
                    let of = |kind: Kind| places.get(&(kind, value.to_owned())).copied();
                    kind.map_or_else(|| Kind::ALL.into_iter().find_map(of), of)
                };
                (culprits(&answer.text(), find), "the file of errors names no others".to_owned())
            }
            Ok(answer) => (Vec::new(), format!("the file that names them was answered with {}", answer.status)),
            Err(Failure::Denied(_)) => {
                let host = request.origin.rsplit('/').next().unwrap_or_default();
                (Vec::new(), format!("grant the host `{host}` in plugins.toml to learn whom"))
            }
            Err(_) => (Vec::new(), "the file that names them could not be fetched".to_owned()),
        }
    }

    /// Positions in the ticket by identifier.
    fn places(&self) -> HashMap<(Kind, String), usize> {
        let identities = Identities::new(self.ctx);
        let mut places = HashMap::new();
        for (position, member) in self.members.iter().enumerate() {
            let ids = identities.ids(|column| cell(self.cells, *member as usize, column));
            places.extend(ids.sound.into_iter().map(|(kind, value)| ((kind, value.into_owned()), position)));
        }
        places
    }
}

/// The text in a cell of a packed table.
fn cell(cells: &Cells, row: usize, column: usize) -> Value<'_> {
    let at = row * cells.columns as usize + column;
    let end = |at: usize| cells.ends.get(at).map(|end| *end as usize);
    let start = at.checked_sub(1).map_or(Some(0), end);
    let text = || cells.text.get(start?..end(at)?);
    match (column < cells.columns as usize, cells.kinds.get(at), text()) {
        (true, Some(4 | 5), Some(text)) => Value::Text(text),
        _ => Value::Absent,
    }
}
