//! Jobs that end: what became of each user of them.
//!
//! The page "Job Statuses": a job is known for about an hour, and its results come in several shapes. A result counts
//! for a member by external id, by address or by place; results that name nobody count only where all are well and
//! there are as many as members. Who has no result is `unknown`.

mod results;
mod token;

use enroute_sdk::{Answer, Context, Http, Outcome, Reading, Report, Resume, Tally, Ticket, Verdict};
use serde_json::Value;

use super::{classify, id_text};
use crate::request::{jobs, tag};
use crate::settings::remote::Remote;
use crate::settings::{Settings, membership_tag};
use results::{Fate, People};

pub(super) use token::Token;

/// Next question about a job that goes on.
const ASK_MS: u64 = 5_000;
/// Questions after which a job counts as lost: ten minutes.
const ASKS_MAX: u32 = 120;
/// Wait before users of a job that ended early are sent again.
const AGAIN_MS: u64 = 5_000;
/// Wait for jobs that had to stand back in this call.
const NEXT_CALL_MS: u64 = 1_000;
/// Users who get a tag in one call: each is a request, and a call has a minute.
const TAGS_MAX: usize = 100;

/// Asks about all jobs in one request.
pub(crate) fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
    let tokens: Vec<Option<Token>> = work.tickets().iter().map(|ticket| Token::parse(&ticket.token)).collect();
    let ids: Vec<&str> = tokens.iter().flatten().map(|token| token.job.as_str()).collect();
    let mut tally = Tally::new(work.len() as usize);
    let answered = if ids.is_empty() { Ok(Vec::new()) } else { ask(ctx, http, &ids) };
    let mut call = Call { ctx, people: People::new(ctx, work.identifiers()), remote: Remote::of(ctx), tags: 0 };
    let before = call.remote.clone();
    for (ticket, token) in work.tickets().iter().zip(&tokens) {
        let members: Vec<u32> = (ticket.first_member..).take(ticket.members as usize).collect();
        let reading = match (token, &answered) {
            (None, _) => Reading::all(Outcome::Unknown),
            (Some(token), Err(trouble)) => still_open(token, trouble.0).verdict(trouble.1.clone()),
            (Some(token), Ok(statuses)) => match statuses.iter().find(|status| status.id == token.job) {
                Some(status) => call.one(http, token, status, &members),
                // Gone, after about an hour: what became of its users is not known any more.
                None => Reading::all(Outcome::Unknown),
            },
        };
        tally.read(&members, reading);
    }
    let mut report = tally.finish();
    if call.remote != before {
        report.remote = Some(call.remote.to_json());
    }
    report
}

/// A job as it stands.
struct Status {
    id: String,
    state: String,
    results: Value,
}

/// Why jobs could not be asked about: how long to wait, and what is wrong.
struct Trouble(u64, Verdict);

fn ask(ctx: &Context<Settings>, http: &mut dyn Http, ids: &[&str]) -> Result<Vec<Status>, Trouble> {
    let trouble = |reading: Reading| {
        let wait_ms = if let Outcome::Deferred(ms) = reading.rest { ms.max(ASK_MS) } else { ASK_MS };
        Trouble(wait_ms, reading.verdict)
    };
    let answer =
        http.send("job", &jobs(ctx.settings(), ids)).map_err(|failure| trouble(Reading::unanswered(failure)))?;
    if answer.status == 404 && classify(&answer).is_none() {
        return Ok(Vec::new());
    }
    if let Some(reading) = classify(&answer) {
        return Err(trouble(reading));
    }
    statuses(&answer).ok_or_else(|| {
        let why = format!("a question about jobs was answered with {} and no list", answer.status);
        Trouble(ASK_MS, Verdict::Unavailable(why))
    })
}

fn statuses(answer: &Answer) -> Option<Vec<Status>> {
    let body: Value = answer.json().filter(|_| answer.is_success())?;
    let list = body.get("job_statuses")?.as_array()?.clone();
    let status = |entry: Value| {
        let id = entry.get("id").and_then(id_text)?;
        let state = entry.get("status").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let results = entry.get("results").cloned().unwrap_or_default();
        Some(Status { id, state, results })
    };
    Some(list.into_iter().filter_map(status).collect())
}

fn still_open(token: &Token, wait_ms: u64) -> Reading {
    let token = Token { asked: token.asked.saturating_add(1), ..token.clone() };
    if token.asked > ASKS_MAX {
        return Reading::all(Outcome::Unknown);
    }
    Reading::all(Outcome::Accepted(Ticket { token: token.to_text(), ask_after_ms: wait_ms }))
}

/// What one call of `resume` knows.
struct Call<'a> {
    ctx: &'a Context<Settings>,
    people: People<'a>,
    remote: Remote,
    tags: usize,
}

impl Call<'_> {
    fn one(&mut self, http: &mut dyn Http, token: &Token, status: &Status, members: &[u32]) -> Reading {
        match status.state.as_str() {
            "completed" => {}
            "failed" | "killed" => {
                self.remote = self.remote.clone().with_failed_job();
                return Reading::deferred(AGAIN_MS);
            }
            _ => return still_open(token, ASK_MS),
        }
        let tag = membership_tag(self.ctx).filter(|_| token.upserts);
        if tag.is_some() && self.tags > 0 && self.tags + members.len() > TAGS_MAX {
            return still_open(token, NEXT_CALL_MS);
        }
        match self.people.fates(self.ctx, http, token, &status.results, members) {
            Err(reading) => still_open(token, ASK_MS).verdict(reading.verdict),
            Ok(fates) => {
                let unclear = fates.iter().any(|fate| fate.outcome == Outcome::Unknown);
                if unclear {
                    // Users go one by one if it comes to that again, and then each has an answer of its own.
                    self.remote = self.remote.clone().with_failed_job();
                } else if self.remote.failed_jobs > 0 {
                    self.remote.failed_jobs = 0;
                }
                match tag {
                    Some(tag) => self.tagged(http, &tag, fates),
                    None => reading(fates),
                }
            }
        }
    }

    /// Adds the tag to users that the job wrote. Where that fails, the member is sent again.
    fn tagged(&mut self, http: &mut dyn Http, name: &str, fates: Vec<Fate>) -> Reading {
        let user = |fate: &Fate| fate.user.clone().filter(|_| fate.outcome == Outcome::Delivered);
        let users: Vec<Option<String>> = fates.iter().map(user).collect();
        let requests: Vec<_> = users.iter().flatten().map(|id| tag(self.ctx.settings(), id, name)).collect();
        self.tags += requests.len();
        let mut answers = http.send_all("tag", &requests).into_iter();
        let mut verdict = Verdict::Ok;
        let mut told = Vec::with_capacity(fates.len());
        for (fate, user) in fates.into_iter().zip(users) {
            let outcome = match (fate.outcome, user) {
                (Outcome::Delivered, Some(_)) => match answers.next() {
                    Some(answer) => {
                        let read = |answer: Answer| super::single::read(&answer, true, None);
                        let reading = answer.map_or_else(Reading::unanswered, read);
                        if verdict == Verdict::Ok {
                            verdict = reading.verdict;
                        }
                        reading.rest
                    }
                    None => Outcome::Deferred(0),
                },
                // The job did not say which user it was.
                (Outcome::Delivered, None) => Outcome::Unknown,
                (outcome, _) => outcome,
            };
            told.push(outcome);
        }
        Reading::by_index(Outcome::Unknown, told.into_iter().enumerate()).verdict(verdict)
    }
}

fn reading(fates: Vec<Fate>) -> Reading {
    Reading::by_index(Outcome::Unknown, fates.into_iter().map(|fate| fate.outcome).enumerate())
}
