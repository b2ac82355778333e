//! Users who go alone: looked for where they must exist, then written request by request.

use std::collections::BTreeMap;

use enroute_sdk::{Answer, Context, Delivery, Http, Item, Member, Outcome, Reading, Report, Sent, Tally, Verdict};
use serde_json::Value;

use super::find::{Found, find};
use super::{CONFLICT_WAIT_MS, classify, id_text, not_found, paced, refusal};
use crate::mapping::identity::{Identities, Target};
use crate::mapping::step::{Step, moves_address, steps};
use crate::request::{LEARNED_ID, identities, make_primary};
use crate::settings::Settings;

/// How far a member is.
struct Progress<'m> {
    steps: Vec<Step<'m>>,
    /// The step and the request in it that come next.
    step: usize,
    request: usize,
    /// The user that the step is about, once it is known.
    user: Option<String>,
    /// Whether nothing more is sent of the member.
    ended: bool,
}

/// Carries out deliveries of `upsert_one` and `update_each`.
pub(super) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let known = Identities::new(ctx);
    let mut tally = Tally::new(delivery.members().len());
    let mut people: BTreeMap<u32, Progress<'_>> = BTreeMap::new();
    for member in delivery.members().members() {
        if let Ok(steps) = steps(ctx, known, member) {
            let progress = Progress { steps, step: 0, request: 0, user: None, ended: false };
            people.insert(member.index(), progress);
        }
    }
    let targets: Vec<&Target<'_>> =
        people.values().flat_map(|progress| progress.steps.iter().filter_map(Step::target)).collect();
    let found = match find(ctx, http, &targets) {
        Ok(found) => found,
        Err(reading) => {
            let everybody: Vec<u32> = delivery.members().members().map(Member::index).collect();
            tally.read(&everybody, *reading);
            return tally.finish();
        }
    };
    let found: Vec<(Target<'_>, Found)> = targets.into_iter().cloned().zip(found).collect();
    let run = Run { ctx, found, identities: known };
    let mut stopped = false;
    for sent in delivery.requests() {
        let Some(member) = sent.member(0) else { continue };
        if stopped {
            // A member of several requests has arrived only when the last of them has.
            tally.settle(member.index(), Outcome::Deferred(0));
        } else if let Some(progress) = people.get_mut(&member.index()) {
            stopped = !run.one(&mut tally, http, sent, member, progress);
        }
    }
    tally.finish()
}

struct Run<'c, 'm> {
    ctx: &'c Context<Settings>,
    found: Vec<(Target<'m>, Found)>,
    identities: Identities,
}

impl Run<'_, '_> {
    /// Sends one request, unless its member has ended. Returns whether others may follow.
    fn one(
        &self,
        tally: &mut Tally,
        http: &mut dyn Http,
        sent: Sent<'_>,
        member: Member<'_>,
        progress: &mut Progress<'_>,
    ) -> bool {
        while progress.steps.get(progress.step).is_some_and(|step| progress.request >= step.requests(self.ctx)) {
            (progress.step, progress.request, progress.user) = (progress.step + 1, 0, None);
        }
        let Some(step) = progress.steps.get(progress.step) else { return true };
        progress.request += 1;
        if progress.ended {
            return true;
        }
        let about = [member.index()];
        let joins = !matches!(step, Step::Withdraw(_));
        if let (Some(target), 1) = (step.target(), progress.request) {
            match self.found.iter().find(|(known, _)| known == target).map(|(_, found)| found) {
                Some(Found::One(id)) => progress.user = Some(id.clone()),
                Some(Found::Several) => {
                    let reason = "several zendesk users have this identity, and none is chosen by guessing";
                    tally.settle(member.index(), Outcome::rejected("several_users", reason));
                    progress.ended = true;
                    return true;
                }
                Some(Found::Nobody) | None => {
                    let stays = !member.is_removed() && !joins;
                    if !stays {
                        tally.settle(member.index(), not_found(joins));
                    }
                }
            }
        }
        let upserts = *step == Step::Upsert && progress.request == 1;
        let learned = match &progress.user {
            Some(id) => vec![Item { name: LEARNED_ID.to_owned(), value: id.clone() }],
            None if upserts => Vec::new(),
            // Nobody is there to be written.
            None => return true,
        };
        let reading = match http.send_prepared(sent.index(), &learned) {
            Ok(answer) => read(&answer, joins, upserts.then_some(&mut progress.user)),
            Err(failure) => Reading::unanswered(failure),
        };
        progress.ended = !matches!(reading.rest, Outcome::Delivered | Outcome::Unchanged(_));
        let mut well = tally.read(&about, reading);
        let wrote_user = progress.request == 1 && joins && step.writes_user(self.ctx);
        if wrote_user && well && !progress.ended && moves_address(self.ctx, self.identities, member) {
            let address = self.identities.address_now(member);
            if let (Some(user), Some(address)) = (&progress.user, address)
                && let Some(reading) = self.first_address(http, user, &address)
            {
                well = tally.read(&about, reading);
            }
        }
        well
    }

    /// Makes an address that Zendesk has added the user's first. What went wrong, if anything did.
    fn first_address(&self, http: &mut dyn Http, user: &str, address: &str) -> Option<Reading> {
        let settings = self.ctx.settings();
        let answer = match http.send("identity", &identities(settings, user)) {
            Ok(answer) => answer,
            Err(failure) => return Some(Reading::unanswered(failure)),
        };
        if let Some(reading) = classify(&answer) {
            return Some(reading);
        }
        let body: Value = answer.json().unwrap_or_default();
        let fits = |identity: &&Value| {
            let text = |name: &str| identity.get(name).and_then(Value::as_str).unwrap_or_default();
            text("type") == "email" && text("value").to_lowercase() == address
        };
        let mine = body.get("identities").and_then(Value::as_array).and_then(|all| all.iter().find(fits))?;
        let id = mine.get("id").and_then(id_text)?;
        if mine.get("primary") == Some(&Value::Bool(true)) {
            return None;
        }
        match http.send("identity", &make_primary(settings, user, &id)) {
            Ok(answer) if answer.is_success() => None,
            Ok(answer) => Some(read(&answer, true, None)),
            Err(failure) => Some(Reading::unanswered(failure)),
        }
    }
}

/// What the answer to a request about one user means. An upsert tells which user it was.
pub(super) fn read(answer: &Answer, joins: bool, upserted: Option<&mut Option<String>>) -> Reading {
    if let Some(reading) = classify(answer) {
        return reading;
    }
    let body: Value = answer.json().unwrap_or_default();
    match (answer.status, upserted) {
        (200..=201, Some(user)) => match body.pointer("/user/id").and_then(id_text) {
            Some(id) => {
                *user = Some(id);
                paced(Reading::delivered(), answer)
            }
            None => unclear(answer),
        },
        (200..=201, None) if !body.is_object() => unclear(answer),
        (200..=299, None) => paced(Reading::delivered(), answer),
        (404, _) => Reading::all(not_found(joins)),
        (409, _) => Reading::deferred(CONFLICT_WAIT_MS),
        (400 | 422, _) if body.is_object() => Reading::all(refusal::read(&body)),
        (200..=299, _) => unclear(answer),
        (status, _) => Reading::deferred(0).verdict(Verdict::RefusedWhole(format!("zendesk answered {status}"))),
    }
}

fn unclear(answer: &Answer) -> Reading {
    let why = format!("zendesk answered {} without naming the user", answer.status);
    Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable(why))
}
