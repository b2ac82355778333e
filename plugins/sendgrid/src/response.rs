//! What SendGrid's answers mean.
//!
//! Pages "Responses" and "Rate Limits" of SendGrid's documentation. Invariant: a contact is rejected only where an
//! answer names it (test `a_complaint_without_a_contact_blames_nobody`).

mod complaint;
mod errors_file;
pub(crate) mod job;
mod lookup;
mod moved;
pub(crate) mod open;
mod remove;
mod ticket;

use std::collections::HashMap;

use enroute_sdk::{Answer, Context, Delivery, Http, Member, Outcome, Reading, Report, Sent, Tally, Throttle, Verdict};

use crate::mapping::identity::Identities;
use crate::request::{self, CONTACTS, MOVE, REMOVE, REQUESTS};
use crate::settings::Settings;
use complaint::Complaint;
use ticket::{Ticket, What};

/// Wait before what could not be reached is tried again.
const UNREACHABLE_WAIT_MS: u64 = 1_000;

/// Carries out a delivery.
pub(crate) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    match delivery.operation() {
        REMOVE => remove::deliver(ctx, delivery, http),
        MOVE => moved::deliver(ctx, delivery, http),
        _ => upserts(ctx, delivery, http),
    }
}

fn upserts(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    for sent in delivery.requests() {
        if !tally.read(&indices(&sent), upsert(ctx, &sent, http)) {
            break;
        }
    }
    tally.finish()
}

/// Sends a prepared upsert and reads the answer; where SendGrid does not know a custom field, they are learned anew.
fn upsert(ctx: &Context<Settings>, sent: &Sent<'_>, http: &mut dyn Http) -> Reading {
    let answer = match http.send_prepared(sent.index(), &[]) {
        Ok(answer) => answer,
        Err(failure) => return Reading::unanswered(failure),
    };
    let reading = read(ctx, sent, &answer);
    if answer.status != 400 || complaint::unknown_fields(&complaint::all(&answer)).is_none() {
        return reading;
    }
    // The ids have changed since they were learned: the next run needs the new ones.
    let learned = match http.send("fields", &request::definitions(ctx.settings())) {
        Ok(answer) => open::relearned(ctx, &answer),
        Err(_) => None,
    };
    match learned {
        Some(remote) => reading.remote(remote),
        None => reading,
    }
}

/// What the answer to an upsert means for its contacts.
pub(crate) fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
    match answer.status {
        200..=299 => taken_in(answer, What::Upsert),
        400 => refused(ctx, sent, answer),
        404 => Reading::deferred(0).verdict(Verdict::Misconfigured(
            "sendgrid answered 404: the list is gone; name another one in `list_id` or `list_name`".to_owned(),
        )),
        _ => unclear(answer, CONTACTS),
    }
}

/// A job began: its members are asked about later.
fn taken_in(answer: &Answer, what: What) -> Reading {
    let bucket = if what == What::Upsert { CONTACTS } else { REQUESTS };
    if let Some(reading) = answer.classify(bucket) {
        return reading;
    }
    let Some(job) = job::id(answer) else {
        return Reading::all(Outcome::Unknown)
            .verdict(Verdict::Unavailable(format!("sendgrid answered {} without the id of a job", answer.status)));
    };
    let reading = Reading::all(Ticket::new(what, vec![job]).accepted());
    match exhausted(answer, bucket) {
        Some(verdict) => reading.verdict(verdict),
        None => reading,
    }
}

/// Nothing was taken in.
fn refused(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
    let complaints = complaint::all(answer);
    if let Some(ids) = complaint::unknown_fields(&complaints) {
        return Reading::deferred(0).verdict(Verdict::Misconfigured(format!(
            "sendgrid does not know the custom fields {ids}: they were deleted or made anew; sync again"
        )));
    }
    if complaints.iter().any(Complaint::is_about_lists) {
        return Reading::deferred(0).verdict(Verdict::Misconfigured(
            "sendgrid refuses the id of the list; name another one in `list_id` or `list_name`".to_owned(),
        ));
    }
    let places = places(ctx, sent.members());
    let by_value = |value: &str| places.get(value).copied();
    let mut named: Vec<_> = complaints.iter().filter_map(|one| Some((one.position(by_value)?, one))).collect();
    named.retain(|(position, _)| *position < sent.len());
    // Of two reasons for one contact, the one that says more comes first, and holds.
    named.sort_by_key(|(_, complaint)| !complaint.says_why());
    if named.is_empty() {
        let reason = "sendgrid refused the request and named no contact: answered 400".to_owned();
        return Reading::deferred(0).verdict(Verdict::RefusedBisect(reason));
    }
    // The others were not at fault: they go again, without those that were.
    Reading::by_index(Outcome::Deferred(0), named.into_iter().map(|(position, one)| (position, one.outcome())))
}

/// Positions of members by their identifiers.
fn places<'m>(ctx: &Context<Settings>, members: impl Iterator<Item = Member<'m>>) -> HashMap<String, usize> {
    let identities = Identities::new(ctx);
    let ids = |(position, member)| {
        identities.now(member).sound.into_iter().map(move |(_, value)| (value.into_owned(), position))
    };
    members.enumerate().flat_map(ids).collect()
}

/// What all other answers mean.
fn unclear(answer: &Answer, bucket: &str) -> Reading {
    let status = answer.status;
    match status {
        429 => answer.throttled(bucket, wait_ms(answer)),
        401 => Reading::deferred(0)
            .verdict(Verdict::CredentialInvalid("sendgrid does not accept the key: answered 401".to_owned())),
        403 => Reading::deferred(0).verdict(Verdict::PermissionMissing(
            "sendgrid answered 403: the key lacks access to Marketing, or the plan has none".to_owned(),
        )),
        _ => answer.classify(bucket).unwrap_or_else(|| match status {
            200..=299 => Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable(format!(
                "sendgrid answered {status} with something else than documented"
            ))),
            _ => Reading::deferred(0).verdict(Verdict::RefusedWhole(format!("sendgrid answered {status}"))),
        }),
    }
}

/// How long SendGrid asks to wait: to the end of its window, in seconds since 1970.
fn wait_ms(answer: &Answer) -> Option<u64> {
    ["x-ratelimit-reset", "retry-after"].iter().find_map(|header| answer.wait_ms(header))
}

/// Closes the bucket where a good answer says that the window is used up.
fn exhausted(answer: &Answer, bucket: &str) -> Option<Verdict> {
    match (answer.number("x-ratelimit-remaining"), wait_ms(answer)) {
        (Some(0), Some(after_ms @ 1..)) => Some(Verdict::Throttled(Throttle { bucket: bucket.to_owned(), after_ms })),
        _ => None,
    }
}

/// Everybody as they were: a question that changes nothing had no good answer.
fn unasked(reading: Reading) -> Reading {
    match reading.rest {
        Outcome::Unknown => Reading { rest: Outcome::Deferred(UNREACHABLE_WAIT_MS), ..reading },
        _ => reading,
    }
}

/// The members of a request by their number in the delivery.
fn indices(sent: &Sent<'_>) -> Vec<u32> {
    sent.members().map(Member::index).collect()
}

/// The id of the list, from the settings or learned.
fn list_id(ctx: &Context<Settings>) -> Option<&str> {
    ctx.settings().list_id.as_deref().or_else(|| ctx.remote_text(crate::mapping::remote::LIST_ID))
}

#[cfg(test)]
mod tests;
