//! Sending uploads in order, and asking for their end.

use enroute_sdk::{Context, Delivery, Http, Item, Outcome, Reading, Report, Resume, Sent, Tally, Verdict};
use serde_json::Value;

use crate::request::{LEARNED_ADD, LEARNED_RUN, head};
use crate::response::status::{End, Job, job_failed};
use crate::response::ticket::Ticket;
use crate::response::{self, Body};
use crate::settings::{Api, Settings};

/// Carries out a delivery.
pub(crate) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    match ctx.settings().api {
        Api::DataManager => requests(ctx.settings(), delivery, http),
        Api::GoogleAds => jobs(ctx.settings(), delivery, http),
    }
}

fn positions(sent: Sent<'_>) -> Vec<u32> {
    sent.members().map(enroute_sdk::Member::index).collect()
}

fn send(settings: &Settings, sent: Sent<'_>, learned: &[Item], http: &mut dyn Http) -> Reading {
    match http.send_prepared(sent.index(), learned) {
        Ok(answer) => response::read(settings, sent.len(), &answer),
        Err(failure) => Reading::unanswered(failure),
    }
}

/// Requests of the Data Manager API. A member of several has arrived when the last of them has ended.
fn requests(settings: &Settings, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    let (mut ids, mut readings) = (Vec::new(), Vec::new());
    let mut all_well = true;
    for sent in delivery.requests() {
        let members = positions(sent);
        if !all_well {
            members.iter().for_each(|member| tally.settle(*member, Outcome::Deferred(0)));
            continue;
        }
        let reading = send(settings, sent, &[], http);
        match &reading.rest {
            Outcome::Accepted(ticket) => ids.extend(Ticket::parse(&ticket.token).into_iter().flat_map(|t| t.requests)),
            Outcome::Delivered => {}
            _ => all_well = false,
        }
        readings.push((members, reading));
    }
    let outcome = Ticket::of_requests(ids).outcome();
    for (members, mut reading) in readings {
        if matches!(reading.rest, Outcome::Accepted(_)) {
            reading.rest = outcome.clone();
        }
        tally.read(&members, reading);
    }
    tally.finish()
}

/// Jobs of the Google Ads API: each is made, filled, and run unless another has to end first.
fn jobs(settings: &Settings, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    let steps: Vec<Sent<'_>> = delivery.requests().collect();
    let starts: Vec<usize> =
        (0..steps.len()).filter(|at| steps.get(*at).is_some_and(|step| is_create(*step))).collect();
    let waits = starts.len() > 1;
    let mut made = Vec::new();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(steps.len());
        let runs = !waits || number == 0;
        let steps = steps.get(*start..end).unwrap_or_default();
        match job(settings, steps, runs, &mut tally, http) {
            Some(id) => made.push(id),
            None => {
                // Nobody has arrived: members of later steps were not sent, those of earlier ones go again.
                let everybody = delivery.members().members();
                everybody.for_each(|member| tally.settle(member.index(), Outcome::Deferred(0)));
                return tally.finish();
            }
        }
    }
    let mut made = made.into_iter();
    if let Some(first) = made.next() {
        // A job that has to follow another needs to know that it ended, whatever is set.
        let ticket = Ticket::of_job(first, made.next());
        let outcome = if settings.poll_status || waits { ticket.outcome() } else { Outcome::Delivered };
        delivery.members().members().for_each(|member| tally.settle(member.index(), outcome.clone()));
    }
    tally.finish()
}

fn is_create(step: Sent<'_>) -> bool {
    step.path().last().is_some_and(|segment| segment.ends_with(":create"))
}

/// Makes a job, fills it and runs it; its id, or nothing where a step went wrong.
fn job(settings: &Settings, steps: &[Sent<'_>], runs: bool, tally: &mut Tally, http: &mut dyn Http) -> Option<String> {
    let (create, steps) = steps.split_first()?;
    let (run, fills) = if runs { steps.split_last().map(|(run, fills)| (Some(run), fills))? } else { (None, steps) };
    let body = step(settings, *create, &[], tally, http)?;
    let id = body.get("resourceName").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
    let Some(id) = id.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())) else {
        let verdict = Verdict::Unavailable("a job was made without `resourceName`".to_owned());
        tally.read(&positions(*create), Reading::deferred(0).verdict(verdict));
        return None;
    };
    let learned = |name: &str, verb: &str| [Item { name: name.to_owned(), value: format!("{id}:{verb}") }];
    for fill in fills {
        let reading = send(settings, *fill, &learned(LEARNED_ADD, "addOperations"), http);
        let is_in = reading.rest == Outcome::Delivered;
        let kept =
            Reading { rest: if is_in { Outcome::Unchanged(String::new()) } else { reading.rest.clone() }, ..reading };
        if !tally.read(&positions(*fill), kept) || !is_in {
            return None;
        }
    }
    if let Some(run) = run {
        step(settings, *run, &learned(LEARNED_RUN, "run"), tally, http)?;
    }
    Some(id.to_owned())
}

/// Sends a request that is about the job, not about members: its answer, or nothing where it went wrong.
fn step(
    settings: &Settings,
    sent: Sent<'_>,
    learned: &[Item],
    tally: &mut Tally,
    http: &mut dyn Http,
) -> Option<Value> {
    let reading = match http.send_prepared(sent.index(), learned) {
        Ok(answer) => match response::body(&answer) {
            Body::Success(body) => return Some(body),
            Body::Fault(fault) => response::refused(settings, 0, &fault, &answer),
            Body::Strange => response::strange(settings, &answer),
        },
        Err(failure) => Reading::unanswered(failure),
    };
    tally.read(&positions(sent), reading);
    None
}

/// Asks for the end of uploads that were taken in.
pub(crate) fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(work.len() as usize);
    for open in work.tickets() {
        let members: Vec<u32> = (open.first_member..open.first_member.saturating_add(open.members)).collect();
        let reading = match Ticket::parse(&open.token) {
            Some(ticket) if ticket.job.is_some() => end_of_job(ctx.settings(), &ticket, http),
            Some(ticket) => end_of_requests(ctx.settings(), &ticket, http),
            None => Reading::all(Outcome::Unknown),
        };
        tally.read(&members, reading);
    }
    tally.finish()
}

/// What an answer says: its body, that there is no such thing, or what is wrong with asking.
enum Asked {
    Body(Value),
    NotFound,
    Trouble(Verdict),
}

fn ask(settings: &Settings, answer: Result<enroute_sdk::Answer, enroute_sdk::Failure>) -> Asked {
    match answer {
        Ok(answer) => match response::body(&answer) {
            Body::Success(body) => Asked::Body(body),
            Body::Fault(fault) if fault.is_not_found() => Asked::NotFound,
            Body::Fault(fault) => match response::refused(settings, 0, &fault, &answer).verdict {
                // The bucket of uploads is not to blame for questions.
                Verdict::Throttled(_) => Asked::Trouble(Verdict::Unavailable(fault.text())),
                verdict => Asked::Trouble(verdict),
            },
            Body::Strange => Asked::Trouble(response::strange(settings, &answer).verdict),
        },
        Err(failure) => Asked::Trouble(Reading::unanswered(failure).verdict),
    }
}

fn end_of_requests(settings: &Settings, ticket: &Ticket, http: &mut dyn Http) -> Reading {
    let questions: Vec<_> = ticket.requests.iter().map(|id| head::status(settings, id)).collect();
    let mut end = End::default();
    for answer in http.send_all("status", &questions) {
        match ask(settings, answer) {
            Asked::Body(body) => end.add_request(&body),
            Asked::NotFound => return Reading::all(Outcome::Unknown).warn("status_gone", None, 1),
            Asked::Trouble(verdict) => return Reading::all(ticket.outcome()).verdict(verdict),
        }
    }
    if !end.is_open {
        return end.reading();
    }
    match ticket.asked_again() {
        Some(ticket) => Reading::all(ticket.outcome()),
        None => Reading::all(Outcome::Unknown).warn("status_late", None, 1),
    }
}

fn end_of_job(settings: &Settings, ticket: &Ticket, http: &mut dyn Http) -> Reading {
    let job = ticket.job.as_deref().unwrap_or_default();
    let status = match ask(settings, http.send("status", &head::job_status(settings, job))) {
        Asked::Body(body) => Job::of(&body),
        Asked::NotFound => Job::Gone,
        Asked::Trouble(verdict) => return Reading::all(ticket.outcome()).verdict(verdict),
    };
    // Where a second job waits, nobody has arrived yet.
    let lost = |code| match ticket.then {
        Some(_) => Reading::deferred(0).warn(code, None, 1),
        None => Reading::all(Outcome::Unknown).warn(code, None, 1),
    };
    match (status, &ticket.then) {
        (Job::Open, _) => {
            ticket.asked_again().map_or_else(|| lost("status_late"), |ticket| Reading::all(ticket.outcome()))
        }
        (Job::Gone, _) => lost("status_gone"),
        (Job::Failed(reason), _) => job_failed(&reason),
        (Job::Done, None) => Reading::delivered(),
        (Job::Done, Some(next)) => match ask(settings, http.send("run", &head::run(settings, next))) {
            Asked::Body(_) => Reading::all(Ticket::of_job(next.clone(), None).outcome()),
            Asked::NotFound => Reading::deferred(0),
            Asked::Trouble(verdict) => Reading::all(ticket.outcome()).verdict(verdict),
        },
    }
}
