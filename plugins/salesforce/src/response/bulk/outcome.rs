//! What became of the rows of a job that has ended.

use std::collections::HashMap;

use enroute_sdk::{Failure, Http, Outcome, Reading, Verdict};

use super::csv::{self, Table};
use super::{AFTER_FAULT_MS, Job, KIND, Step};
use crate::mapping::identity::folded;
use crate::request;
use crate::response::codes::{self, Complaint, Doing};
use crate::response::{fault, worse};
use crate::settings::Settings;

/// The fate of each row, by the external id of its person.
pub(super) fn ended(settings: &Settings, step: &Step, job: &Job, people: &[String], http: &mut dyn Http) -> Reading {
    let rows = people.len() as u64;
    let complete = job.state == "JobComplete";
    if complete && job.number_records_failed == 0 && job.number_records_processed >= rows {
        return Reading::delivered();
    }
    let failed =
        if job.number_records_failed > 0 || !complete { list(settings, step, "failedResults", http) } else { Ok(None) };
    let failed = match failed {
        Ok(failed) => failed,
        Err(Stop::Later(verdict)) => return step.accepted(AFTER_FAULT_MS).verdict(verdict),
        Err(Stop::TooLarge) => return untold(job.number_records_failed),
    };
    let places = places(people);
    let mut fates: Vec<Option<Outcome>> = vec![None; people.len()];
    let named = failed.map_or(0, |failed| refuse(settings, &failed, &places, &mut fates));
    let missing = job.number_records_failed.saturating_sub(named);
    let rest = if complete && missing == 0 && job.number_records_processed >= rows {
        Outcome::Delivered
    } else if complete {
        Outcome::Unknown
    } else {
        match list(settings, step, "successfulResults", http) {
            Ok(succeeded) => deliver(settings, succeeded.as_ref(), &places, &mut fates),
            Err(Stop::Later(verdict)) => return step.accepted(AFTER_FAULT_MS).verdict(verdict),
            Err(Stop::TooLarge) => return untold(0),
        }
        Outcome::Deferred(AFTER_FAULT_MS)
    };
    let own = fates.into_iter().enumerate().filter_map(|(position, fate)| Some((position, fate?)));
    let reading = Reading::by_index(rest, own).verdict(verdict(job));
    if missing == 0 || !complete {
        return reading;
    }
    let count = u32::try_from(missing).unwrap_or(u32::MAX);
    reading.unattributed("salesforce refused rows of a job and did not name them", count)
}

/// Why the fates cannot be told now.
enum Stop {
    /// Ask again.
    Later(Verdict),
    /// The list is larger than an answer may be.
    TooLarge,
}

fn list(settings: &Settings, step: &Step, name: &str, http: &mut dyn Http) -> Result<Option<Table>, Stop> {
    let answer = http.send(KIND, &request::results(settings, step.job(), name)).map_err(|failure| match failure {
        Failure::TooLarge(_) => Stop::TooLarge,
        other => Stop::Later(fault::unsent(&other, Doing::Read).verdict),
    })?;
    if answer.is_success() && answer.body.trim_ascii().is_empty() {
        return Ok(None);
    }
    match fault::read(&answer, Doing::Read) {
        Some(fault) => Err(Stop::Later(fault.verdict)),
        None => Ok(Some(csv::read(&answer.text()))),
    }
}

/// Where the person with an external id stands.
fn places(people: &[String]) -> HashMap<&str, usize> {
    people.iter().enumerate().filter(|(_, id)| !id.is_empty()).map(|(place, id)| (id.as_str(), place)).collect()
}

/// Gives the rows of the list their refusals; tells how many rows it could place.
fn refuse(settings: &Settings, failed: &Table, places: &HashMap<&str, usize>, fates: &mut [Option<Outcome>]) -> u64 {
    let mut named = 0;
    for row in failed.rows() {
        let id = folded(row.get(&settings.external_id_field).unwrap_or_default());
        let Some(fate) = places.get(id.as_str()).and_then(|place| fates.get_mut(*place)) else { continue };
        named += 1;
        let error = row.get("sf__Error").unwrap_or_default();
        let (code, message) = error.split_once(':').unwrap_or((error, ""));
        let complaint = Complaint { code: code.to_owned(), message: message.to_owned(), ..Complaint::default() };
        let outcome = codes::meaning(&complaint, Doing::Upsert).outcome;
        if fate.as_ref().is_none_or(|known| worse(known) < worse(&outcome)) {
            *fate = Some(outcome);
        }
    }
    named
}

fn deliver(
    settings: &Settings,
    succeeded: Option<&Table>,
    places: &HashMap<&str, usize>,
    fates: &mut [Option<Outcome>],
) {
    for row in succeeded.into_iter().flat_map(Table::rows) {
        let id = folded(row.get(&settings.external_id_field).unwrap_or_default());
        if let Some(fate) = places.get(id.as_str()).and_then(|place| fates.get_mut(*place)) {
            fate.get_or_insert(Outcome::Delivered);
        }
    }
}

/// What a job that did not complete says of the connection.
fn verdict(job: &Job) -> Verdict {
    let why = &job.error_message;
    match job.state.as_str() {
        "JobComplete" => Verdict::Ok,
        // The message names columns of the job, and nobody's data.
        "Failed" if why.starts_with("InvalidBatch") => {
            Verdict::Misconfigured("salesforce does not take the columns of the job: a field is unknown".to_owned())
        }
        "Failed" => Verdict::Unavailable("the job failed at salesforce".to_owned()),
        _ => Verdict::Unavailable("somebody aborted the job at salesforce".to_owned()),
    }
}

/// The list of refusals is too large to be read: what became of whom cannot be told.
fn untold(failed: u64) -> Reading {
    let count = u32::try_from(failed).unwrap_or(u32::MAX);
    let why = "the list of refused rows is too large to be read; lower `bulk_job_size`".to_owned();
    let reading = Reading::all(Outcome::Unknown).verdict(Verdict::RefusedWhole(why));
    if count == 0 { reading } else { reading.unattributed("salesforce refused rows of a job", count) }
}
