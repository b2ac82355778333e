//! What Salesforce's answers mean, and what follows from them.
//!
//! "Status Codes and Error Responses" and the status codes of the object reference. Invariant: a record is delivered
//! only where its own result says success (test `http_200_is_not_success`).

pub(crate) mod bulk;
pub(crate) mod codes;
pub(crate) mod deliver;
pub(crate) mod fault;
pub(crate) mod open;
mod quota;

use enroute_sdk::{Answer, Outcome, Reading, Verdict};
use serde::Deserialize;

use codes::{Complaint, Doing, Meaning};
use fault::Fault;

/// One result of a collection, in the order of its records.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Written {
    /// The record's id, where it was written.
    pub(crate) id: Option<String>,
    success: bool,
    errors: Vec<Complaint>,
}

/// The answer to a composite.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Composite {
    composite_response: Vec<Part>,
}

/// The answer to one part of a composite.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(default)]
    body: serde_json::Value,
    http_status_code: u16,
    reference_id: String,
}

/// The results of a collection; none where the answer is no list.
pub(crate) fn written(answer: &Answer) -> Option<Vec<Written>> {
    answer.is_success().then(|| answer.json()).flatten()
}

/// What the answer to a collection of this many records means for each.
pub(crate) fn collection(records: usize, answer: &Answer, doing: Doing) -> Reading {
    if let Some(fault) = fault::read(answer, doing) {
        return fault.into();
    }
    let Some(results) = written(answer) else { return unclear(answer).into() };
    let fates: Vec<Meaning> = results.iter().map(|result| meaning(result, doing)).collect();
    judged(records, fates)
}

/// What the answer to a composite means for the records with these references.
pub(crate) fn composite(references: &[String], answer: &Answer) -> Reading {
    if let Some(fault) = fault::read(answer, Doing::Update) {
        return fault.into();
    }
    let Some(Composite { composite_response: parts }) = answer.json() else { return unclear(answer).into() };
    let fates = references.iter().map(|reference| {
        let part = parts.iter().find(|part| part.reference_id == *reference);
        part.map_or_else(|| Meaning::of(Outcome::Unknown), part_meaning)
    });
    judged(references.len(), fates.collect())
}

/// A fate for each record, and what all of them together say of the call.
fn judged(records: usize, fates: Vec<Meaning>) -> Reading {
    if fates.len() > records {
        return Reading::all(Outcome::Unknown)
            .warn("answer_names_no_member", None, 1)
            .verdict(Verdict::Unavailable("salesforce answered with more results than records were sent".to_owned()));
    }
    let verdict = codes::verdict(records, &fates);
    // A fault that all records have in common says nothing against any of them.
    let shared = matches!(verdict, Verdict::Misconfigured(_) | Verdict::PermissionMissing(_));
    let outcome = |meaning: Meaning| match meaning.outcome {
        Outcome::Rejected(_) if shared && meaning.beyond != codes::Beyond::Nothing => Outcome::Deferred(0),
        outcome => outcome,
    };
    // What has no result of its own is unknown.
    Reading::by_index(Outcome::Unknown, fates.into_iter().map(outcome).enumerate()).verdict(verdict)
}

fn meaning(result: &Written, doing: Doing) -> Meaning {
    match (result.success, codes::of_all(&result.errors, doing)) {
        (true, None) => Meaning::of(Outcome::Delivered),
        (false, Some(meaning)) => meaning,
        _ => Meaning::of(Outcome::Unknown),
    }
}

fn part_meaning(part: &Part) -> Meaning {
    let complaints: Vec<Complaint> = serde_json::from_value(part.body.clone()).unwrap_or_default();
    match (part.http_status_code, complaints.first()) {
        (200..=299, _) => Meaning::of(Outcome::Delivered),
        (300, _) => Meaning::of(Outcome::rejected("several_records_match", "several records have this external id")),
        (404, complaint) if complaint.is_none_or(|complaint| complaint.code == "NOT_FOUND") => {
            Meaning::of(Outcome::Unchanged(codes::NOT_PRESENT.to_owned()))
        }
        (_, Some(_)) => codes::of_all(&complaints, Doing::Update).unwrap_or(Meaning::of(Outcome::Unknown)),
        (500..=599, None) => Meaning::of(Outcome::Deferred(codes::LATER_MS)),
        _ => Meaning::of(Outcome::Unknown),
    }
}

/// An answer that is neither an error nor what was expected.
pub(crate) fn unclear(answer: &Answer) -> Fault {
    let said = format!("salesforce answered {} without saying what became of the records", answer.status);
    Fault { outcome: Outcome::Unknown, verdict: Verdict::Unavailable(said) }
}

/// Which of two fates of a member leaves more to be done.
pub(crate) const fn worse(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Unchanged(_) => 0,
        Outcome::Delivered => 1,
        Outcome::Accepted(_) => 2,
        Outcome::Deferred(_) => 3,
        Outcome::Unknown => 4,
        Outcome::Rejected(_) => 5,
    }
}

#[cfg(test)]
mod tests;
