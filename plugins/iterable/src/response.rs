//! What Iterable's answers mean.
//!
//! The status decides first, because the code of a refusal may read `Success`. Invariant: a member is rejected only
//! where the answer names it, and what is counted without being named is never a success
//! (case `more_failed_than_named`).

pub(crate) mod catalogue;
mod refusal;
mod users;

use enroute_sdk::{Answer, Context, Delivery, Http, Outcome, Reading, Report, Sent, Tally, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::settings::Settings;

/// The bucket that paces deliveries.
const BUCKET: &str = "api";

/// Wait where a 429 names no time: the limits are per second.
const THROTTLED_WAIT_MS: u64 = 1_000;

/// Code of people who were forgotten on request, who are never sent again.
const FORGOTTEN: &str = "suppressed_gdpr";

/// What an answer is made of when nothing went well.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refused {
    #[serde(default)]
    code: String,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    params: Option<Map<String, Value>>,
}

/// Carries out a delivery: its requests in order, until one is not well.
///
/// Nobody goes on to the next request of a delivery in which somebody was refused or is forgotten: the host prepares it
/// again without them, so that nobody stands on a list whose fields were refused.
pub(crate) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    let mut done: Vec<u32> = Vec::new();
    let mut ended = false;
    for sent in delivery.requests() {
        let members: Vec<u32> = sent.members().map(|member| member.index()).collect();
        if ended {
            let open = members.iter().filter(|member| !done.contains(member));
            open.for_each(|member| tally.settle(*member, Outcome::Deferred(0)));
            continue;
        }
        let reading = match http.send_prepared(sent.index(), &[]) {
            Ok(answer) => read(ctx, &sent, &answer),
            Err(failure) => Reading::unanswered(failure),
        };
        let finished = reading.exceptions.iter().filter(|(_, outcome)| is_final(outcome));
        done.extend(finished.filter_map(|(position, _)| members.get(*position)));
        let nobody = done.is_empty() && !is_final(&reading.rest);
        ended = !tally.read(&members, reading) || !nobody;
    }
    tally.finish()
}

/// Whether nothing more is to be sent of a member, in this delivery or another.
fn is_final(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(_)) || matches!(outcome, Outcome::Unchanged(code) if code == FORGOTTEN)
}

/// What an answer means for the users of a request.
pub(crate) fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
    match answer.status {
        200..=299 => match answer.json() {
            Some(body) if !answer.is_html() => users::read(ctx, sent, body),
            _ => answer.classify(BUCKET).unwrap_or_else(|| unclear(answer)),
        },
        400 | 409 | 500..=599 if answer.json::<Refused>().is_some() => {
            let refused = answer.json().unwrap_or_default();
            refusal::read(ctx, sent, answer, &refused)
        }
        _ => Reading::deferred(0).verdict(common(answer)),
    }
    .with_wait(answer)
}

/// Members wait as long as an answer asks for.
trait WithWait {
    fn with_wait(self, answer: &Answer) -> Self;
}

impl WithWait for Reading {
    fn with_wait(mut self, answer: &Answer) -> Self {
        let asked = match &self.verdict {
            Verdict::Throttled(throttle) => Some(throttle.after_ms),
            Verdict::Unavailable(_) => answer.retry_after_ms(),
            _ => None,
        };
        if let (Outcome::Deferred(0), Some(ms)) = (&self.rest, asked) {
            self.rest = Outcome::Deferred(ms);
        }
        self
    }
}

/// What an answer other than a success says of the call, whatever was asked.
pub(crate) fn common(answer: &Answer) -> Verdict {
    let Refused { code, msg, .. } = answer.json().unwrap_or_default();
    match answer.status {
        401 if msg.to_lowercase().contains("insufficient privileges") => Verdict::PermissionMissing(
            "iterable answered 401: the key is disabled, or of a type without this right; make a server-side key"
                .to_owned(),
        ),
        401 => Verdict::CredentialInvalid(
            "iterable does not accept the key: answered 401; check `data_center` too".to_owned(),
        ),
        403 => Verdict::PermissionMissing("iterable answered 403: the key lacks a right, or is restricted".to_owned()),
        404 => Verdict::Misconfigured("iterable answered 404: the address or the list does not exist".to_owned()),
        429 => answer.throttled(BUCKET, Some(answer.retry_after_ms().unwrap_or(THROTTLED_WAIT_MS))).verdict,
        status => match answer.classify(BUCKET) {
            Some(reading) => reading.verdict,
            None if code.is_empty() => Verdict::RefusedWhole(format!("iterable answered {status}")),
            None => Verdict::RefusedWhole(format!("iterable answered {status}: {}", plain(&code))),
        },
    }
}

/// A success that says nothing that can be read.
fn unclear(answer: &Answer) -> Reading {
    let why = format!("iterable answered {} without saying how many users it took", answer.status);
    Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable(why))
}

/// A code or a name of an answer, short and without anything that could be a person's.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' ')).take(60).collect()
}

#[cfg(test)]
mod tests;
