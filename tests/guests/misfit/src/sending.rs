//! `send`, in order and out of order.

use crate::mapping::UNGRANTED;
use crate::mode::{Mode, Settings};
use enroute_sdk::{
    Answer, Context, Delivery, Destination, Failure, Http, Outcome, Reading, Report, Request, Resume, Sent, Tally,
    Ticket, Verdict,
};
use serde::Deserialize;

/// Requests of a plugin that does not stop.
const MANY_REQUESTS: u32 = 2_000;
/// A wait that nobody means.
const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 3_600_000;
/// Wait before a job is asked for.
const ASK_AFTER_MS: u64 = 1_000;

/// What `POST /members` answers in mode `ticket`.
#[derive(Deserialize)]
struct Taken {
    job: String,
}

/// What `GET /jobs/ID` answers: `{"state": "running" | "done" | "failed", "refused": [0]}`.
#[derive(Deserialize)]
struct Job {
    state: State,
    /// Positions of members that were refused.
    #[serde(default)]
    refused: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    Done,
    Failed,
}

pub(crate) fn deliver<D: Destination<Settings = Settings>>(
    ctx: &Context<Settings>,
    delivery: &Delivery<'_>,
    http: &mut dyn Http,
) -> Report {
    match ctx.settings().mode {
        Mode::Blame => return blame(delivery, http),
        Mode::Wait => return all(delivery, Reading::deferred(TEN_YEARS_MS)),
        _ => {}
    }
    let mut tally = Tally::new(delivery.members().len());
    for sent in delivery.requests() {
        let members: Vec<u32> = sent.members().map(|member| member.index()).collect();
        let reading = match http.send_prepared(sent.index(), &[]) {
            Ok(answer) => read::<D>(ctx, &sent, &answer),
            Err(failure) => Reading::unanswered(failure),
        };
        if !tally.read(&members, reading) {
            break;
        }
    }
    let mut report = tally.finish();
    follow(ctx.settings(), &mut report, http);
    report
}

/// Asks where it may not, and makes the destination answer for it.
fn blame(delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let request = Request::post(UNGRANTED).path(["after"]).json(b"{}".to_vec());
    let _ = http.send("after", &request);
    let blamed = Verdict::Unavailable("the destination did not answer".to_owned());
    all(delivery, Reading::all(Outcome::rejected("destination_says_no", "the destination refused it")).verdict(blamed))
}

/// The same for every request of a delivery.
fn all(delivery: &Delivery<'_>, reading: Reading) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    for sent in delivery.requests() {
        let members: Vec<u32> = sent.members().map(|member| member.index()).collect();
        tally.read(&members, reading.clone());
    }
    tally.finish()
}

fn read<D: Destination<Settings = Settings>>(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
    let makes_jobs = matches!(ctx.settings().mode, Mode::Ticket | Mode::TrapResume | Mode::LieResume);
    if !makes_jobs || !answer.is_success() {
        return D::read(ctx, sent, answer);
    }
    match answer.json::<Taken>() {
        Some(taken) => Reading::all(accepted(taken.job)),
        None => Reading::all(Outcome::Unknown),
    }
}

/// Requests that nobody asked for, after the delivery.
fn follow(settings: &Settings, report: &mut Report, http: &mut dyn Http) {
    let (kind, times) = match settings.mode {
        Mode::Derived => ("after", 1),
        Mode::Many => ("many", MANY_REQUESTS),
        _ => return,
    };
    let request = Request::post(&settings.base_url).path([kind]).json(b"{}".to_vec());
    let denied = (0..times).filter(|_| matches!(http.send(kind, &request), Err(Failure::Denied(_)))).count();
    if let Some(count) = u32::try_from(denied).ok().filter(|count| *count > 0) {
        report.warnings.push(enroute_sdk::Warning { code: "requests_denied".to_owned(), field: None, count });
    }
}

/// Asks for each job once.
pub(crate) fn resume(settings: &Settings, work: &Resume, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(work.len() as usize);
    for ticket in work.tickets() {
        let members: Vec<u32> = (ticket.first_member..).take(ticket.members as usize).collect();
        let request = Request::get(&settings.base_url).path(["jobs", &ticket.token]);
        let reading = match http.send("status", &request) {
            Ok(answer) => job(&ticket.token, &answer),
            Err(failure) => Reading::unanswered(failure),
        };
        tally.read(&members, reading);
    }
    tally.finish()
}

fn job(token: &str, answer: &Answer) -> Reading {
    let Some(job) = answer.json::<Job>() else { return Reading::all(accepted(token.to_owned())) };
    match job.state {
        State::Running => Reading::all(accepted(token.to_owned())),
        State::Failed => Reading::all(Outcome::rejected("job_failed", "the job failed")),
        State::Done => {
            let refused = job.refused.into_iter().filter_map(|position| usize::try_from(position).ok());
            refused.fold(Reading::delivered(), |reading, position| {
                reading.reject(position, "refused_by_job", "the job refused the member")
            })
        }
    }
}

fn accepted(token: String) -> Outcome {
    Outcome::Accepted(Ticket { token, ask_after_ms: ASK_AFTER_MS })
}
