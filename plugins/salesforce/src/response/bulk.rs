//! Jobs of Bulk API 2.0, step by step.
//!
//! Nothing happens to records before a job is closed, so a delivery ends with the upload, and a job that could not be
//! filled is aborted. Closing and asking follow by tickets: one for each step that cannot be taken back. A ticket says
//! how far the job is, and that is all there is to know.

mod csv;
mod outcome;

use enroute_sdk::{Context, Delivery, Http, Item, Outcome, Reading, Report, Resume, Tally, Ticket, Verdict};
use serde::Deserialize;

use crate::mapping::identity::folded;
use crate::request::{self, JOB};
use crate::response::codes::Doing;
use crate::response::fault::{self, Fault};
use crate::settings::Settings;
use crate::settings::catalogue::is_record_id;

/// The derived kind of requests about a job.
const KIND: &str = "job";

/// Pause before a job is asked about for the first time; it doubles each time.
const ASK_MS_MIN: u64 = 5_000;

/// Longest pause between two questions.
const ASK_MS_MAX: u64 = 300_000;

/// Pause after a question that was not answered.
const AFTER_FAULT_MS: u64 = 60_000;

/// What Salesforce says of a job.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    #[serde(default)]
    id: String,
    state: String,
    #[serde(default)]
    number_records_processed: u64,
    #[serde(default)]
    number_records_failed: u64,
    #[serde(default)]
    error_message: String,
}

/// How far a job is: the token of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Its rows are there; it waits to be closed.
    Uploaded(String),
    /// It is worked on; asked about so many times.
    Closed(String, u32),
}

impl Step {
    fn read(token: &str) -> Option<Self> {
        let mut words = token.split(' ');
        let (step, job) = (words.next()?, words.next().filter(|job| is_record_id(job))?.to_owned());
        match (step, words.next()) {
            ("uploaded", None) => Some(Self::Uploaded(job)),
            ("closed", Some(asked)) => Some(Self::Closed(job, asked.parse().ok()?)),
            _ => None,
        }
    }

    fn job(&self) -> &str {
        match self {
            Self::Uploaded(job) | Self::Closed(job, _) => job,
        }
    }

    fn token(&self) -> String {
        match self {
            Self::Uploaded(job) => format!("uploaded {job}"),
            Self::Closed(job, asked) => format!("closed {job} {asked}"),
        }
    }

    /// The same fate for everybody: accepted, and asked about after this long.
    fn accepted(&self, ask_after_ms: u64) -> Reading {
        Reading::all(Outcome::Accepted(Ticket { token: self.token(), ask_after_ms }))
    }
}

/// Makes a job and uploads its rows.
pub(crate) fn begin(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    let members: Vec<u32> = delivery.members().members().map(enroute_sdk::Member::index).collect();
    let reading = match make(http) {
        Ok(job) => upload(ctx.settings(), job, http),
        Err(fault) => fault.into(),
    };
    tally.read(&members, reading);
    tally.finish()
}

/// Sends the first request, and gives the id of the job. A job that was made without our learning of it stays empty
/// and is never worked on, so trying again does no harm.
fn make(http: &mut dyn Http) -> Result<String, Fault> {
    let answer = http.send_prepared(0, &[]).map_err(|failure| harmless(fault::unsent(&failure, Doing::Upsert)))?;
    if let Some(fault) = fault::read(&answer, Doing::Upsert) {
        return Err(harmless(fault));
    }
    match answer.json::<Job>() {
        Some(job) if is_record_id(&job.id) => Ok(job.id),
        _ => Err(harmless(crate::response::unclear(&answer))),
    }
}

fn upload(settings: &Settings, job: String, http: &mut dyn Http) -> Reading {
    let learned = [Item { name: JOB.to_owned(), value: job.clone() }];
    let failed = match http.send_prepared(1, &learned) {
        Ok(answer) if matches!(answer.status, 200 | 201) && !answer.is_html() => {
            return Step::Uploaded(job).accepted(0);
        }
        Ok(answer) => fault::read(&answer, Doing::Upsert).unwrap_or_else(|| crate::response::unclear(&answer)),
        Err(failure) => fault::unsent(&failure, Doing::Upsert),
    };
    // Whether this arrives or not: a job that is never closed changes nothing.
    let _unneeded = http.send(KIND, &request::move_job(settings, &job, "Aborted"));
    harmless(failed).into()
}

/// Nothing happens to records before their job is closed, so what is not known did no harm.
fn harmless(fault: Fault) -> Fault {
    match fault.outcome {
        Outcome::Unknown => Fault { outcome: Outcome::Deferred(0), ..fault },
        _ => fault,
    }
}

/// Takes every job one step on.
pub(crate) fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(work.len() as usize);
    let ids = csv::column(work.identifiers(), ctx.identifier(crate::mapping::identity::EXTERNAL_ID));
    for ticket in work.tickets() {
        let range = ticket.first_member..ticket.first_member.saturating_add(ticket.members);
        let members: Vec<u32> = range.collect();
        let people: Vec<String> =
            members.iter().map(|member| ids.get(*member as usize).map_or_else(String::new, |id| folded(id))).collect();
        let reading = match Step::read(&ticket.token) {
            Some(step) => advance(ctx.settings(), &step, &people, http),
            // A ticket of another version: sending again does no harm.
            None => Reading::all(Outcome::Unknown),
        };
        tally.read(&members, reading);
    }
    tally.finish()
}

fn advance(settings: &Settings, step: &Step, people: &[String], http: &mut dyn Http) -> Reading {
    let later = |verdict: Verdict| step.accepted(AFTER_FAULT_MS).verdict(verdict);
    let answer = match http.send(KIND, &request::job_state(settings, step.job())) {
        Ok(answer) => answer,
        Err(failure) => return later(fault::unsent(&failure, Doing::Read).verdict),
    };
    if answer.status == 404 {
        // Salesforce keeps jobs for a week. What became of this one nobody can tell any more.
        return Reading::all(Outcome::Unknown);
    }
    if let Some(fault) = fault::read(&answer, Doing::Read) {
        return later(fault.verdict);
    }
    let Some(job) = answer.json::<Job>() else { return later(crate::response::unclear(&answer).verdict) };
    match job.state.as_str() {
        "Open" => close(settings, step, http),
        "UploadComplete" | "InProgress" => {
            let asked = if let Step::Closed(_, asked) = step { asked.saturating_add(1) } else { 0 };
            let pause = ASK_MS_MIN.saturating_mul(1 << asked.min(10)).min(ASK_MS_MAX);
            Step::Closed(step.job().to_owned(), asked).accepted(pause)
        }
        "JobComplete" | "Failed" | "Aborted" => outcome::ended(settings, step, &job, people, http),
        other => later(Verdict::Unavailable(format!("salesforce says that the job is `{other}`"))),
    }
}

fn close(settings: &Settings, step: &Step, http: &mut dyn Http) -> Reading {
    match http.send(KIND, &request::move_job(settings, step.job(), "UploadComplete")) {
        Ok(answer) if answer.is_success() => Step::Closed(step.job().to_owned(), 0).accepted(ASK_MS_MIN),
        // The state that is asked for next time says whether it was closed.
        Ok(answer) => {
            let verdict = fault::read(&answer, Doing::Read).map_or(Verdict::Ok, |fault| fault.verdict);
            step.accepted(AFTER_FAULT_MS).verdict(verdict)
        }
        Err(failure) => step.accepted(AFTER_FAULT_MS).verdict(fault::unsent(&failure, Doing::Read).verdict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_how_far_the_job_is() {
        for step in [Step::Uploaded("7505g00000AbCdE".to_owned()), Step::Closed("7505g00000AbCdE".to_owned(), 3)] {
            assert_eq!(Step::read(&step.token()), Some(step));
        }
        for other in ["", "ticket-1", "uploaded ../x", "closed 7505g00000AbCdE", "uploaded 7505g00000AbCdE 1"] {
            assert_eq!(Step::read(other), None, "{other}");
        }
    }
}
