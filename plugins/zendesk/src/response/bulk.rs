//! Jobs that begin: the page "Job Statuses", and the pages of the requests that make them.

use enroute_sdk::{Answer, Context, Delivery, Http, Outcome, Reading, Report, Sent, Tally, Ticket, Verdict};
use serde_json::Value;

use super::job::Token;
use super::{BUCKET, classify, error_name, id_text, not_found, paced, refusal};
use crate::request::UPSERT_MANY;
use crate::settings::remote::Remote;
use crate::settings::{Settings, WriteMode};

/// First question after a job, which takes two seconds at least.
const FIRST_ASK_MS: u64 = 2_000;
/// Wait where too many jobs are open: about as long as one of them takes.
const JOBS_WAIT_MS: u64 = 10_000;

/// Carries out deliveries of `upsert_many` and `update_many`.
pub(super) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    for sent in delivery.requests() {
        let members: Vec<u32> = sent.members().map(enroute_sdk::Member::index).collect();
        let reading = match http.send_prepared(sent.index(), &[]) {
            Ok(answer) => read(ctx, &sent, &answer),
            Err(failure) => Reading::unanswered(failure),
        };
        if !tally.read(&members, reading) {
            break;
        }
    }
    tally.finish()
}

/// What the answer to the request that begins a job means.
pub(crate) fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
    let error = error_name(answer).unwrap_or_default();
    let joins = sent.member(0).is_none_or(|member| !member.is_removed());
    match answer.status {
        403 if !answer.is_html() => return forbidden(ctx),
        429 if error.to_lowercase().contains("job") => {
            return answer.throttled(BUCKET, answer.retry_after_ms().or(Some(JOBS_WAIT_MS)));
        }
        400 if error == "TooManyValues" => return Reading::deferred(0).verdict(Verdict::TooLarge),
        _ => {}
    }
    if let Some(reading) = classify(answer) {
        return reading;
    }
    let body: Value = answer.json().unwrap_or_default();
    match answer.status {
        200..=299 => match body.pointer("/job_status/id").and_then(id_text) {
            Some(id) => {
                let token = Token::new(ctx, sent, sent.operation() == UPSERT_MANY, joins, &id).to_text();
                let ticket = Ticket { token, ask_after_ms: FIRST_ASK_MS };
                paced(Reading::all(Outcome::Accepted(ticket)), answer)
            }
            None => Reading::all(Outcome::Unknown)
                .verdict(Verdict::Unavailable(format!("zendesk answered {} without naming a job", answer.status))),
        },
        404 if sent.len() == 1 => Reading::all(not_found(joins)),
        400 | 404 | 422 => culprits(sent, answer, &body),
        409 => Reading::deferred(super::CONFLICT_WAIT_MS),
        status => Reading::deferred(0).verdict(Verdict::RefusedWhole(format!("zendesk answered {status}"))),
    }
}

/// The account may not write users by jobs, or the agent may not at all; only single requests tell which.
fn forbidden(ctx: &Context<Settings>) -> Reading {
    if ctx.settings().write_mode == WriteMode::Bulk {
        return Reading::deferred(0).verdict(Verdict::PermissionMissing(
            "zendesk answered 403 to a job: have data imports enabled for the account, or set `write_mode = \"auto\"`"
                .to_owned(),
        ));
    }
    let remote = Remote::of(ctx).without_bulk("bulk_not_allowed");
    Reading::deferred(0).remote(remote.to_json()).warn("bulk_not_allowed", None, 1)
}

/// A request that was refused for some users: those that the text names by their place, or somebody.
fn culprits(sent: &Sent<'_>, answer: &Answer, body: &Value) -> Reading {
    let text = answer.text();
    let places = text.split("users").skip(1).filter_map(|rest| {
        let digits: String = rest.strip_prefix(['.', '['])?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok().filter(|place| *place < sent.len())
    });
    let named: Vec<(usize, Outcome)> = places.map(|place| (place, refusal::read(body))).collect();
    if named.is_empty() {
        return Reading::deferred(0)
            .verdict(Verdict::RefusedBisect(format!("zendesk answered {} and named nobody", answer.status)));
    }
    Reading::by_index(Outcome::Deferred(0), named)
}
