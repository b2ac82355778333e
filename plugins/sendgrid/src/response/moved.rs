//! Members who changed identity: the contact forgets what they do not have any more before it is updated.
//!
//! SendGrid updates a contact only if all its identifiers come with the request, and its jobs have no order. So old
//! identifiers are taken off first, members wait for that job, and the upsert follows when a look-up finds nothing
//! left (cases `moved_identity_is_detached_first` and `moved_identity_is_sent_when_nothing_is_left`).

use std::collections::{BTreeMap, BTreeSet};

use enroute_sdk::{Answer, Context, Delivery, Failure, Http, Outcome, Reading, Report, Request, Sent, Tally};

use super::lookup::{self, Contact};
use super::remove::IDS_MAX;
use super::ticket::{Ticket, What};
use super::{indices, job, list_id, unasked, unclear, upsert};
use crate::mapping::identity::{Earlier, Id, Identities};
use crate::request::{self, REQUESTS};
use crate::settings::Settings;

/// Wait where an identifier was taken off without a job to ask about.
const SETTLING_WAIT_MS: u64 = 10_000;

/// Carries out an upsert of members who were known by other identifiers.
pub(super) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    for sent in delivery.requests() {
        let steps = match steps(ctx, &sent, http) {
            Ok(steps) => steps,
            Err(reading) => {
                tally.read(&indices(&sent), *reading);
                continue;
            }
        };
        if steps.is_empty() {
            tally.read(&indices(&sent), upsert(ctx, &sent, http));
        } else {
            // The others come again without those who wait.
            take(ctx, http, &steps, &mut tally);
        }
    }
    tally.finish()
}

/// What has to happen before members can be sent.
#[derive(Debug, Default)]
struct Steps {
    /// Identifiers to take off a contact, by member.
    detach: Vec<(u32, Request)>,
    /// Contacts that leave the list, by member.
    leave: Vec<(u32, String)>,
}

impl Steps {
    fn is_empty(&self) -> bool {
        self.detach.is_empty() && self.leave.is_empty()
    }

    fn add(&mut self, ctx: &Context<Settings>, index: u32, now: &[Id<'_>], earlier: &Earlier<'_>, contact: &Contact) {
        let stays = if contact.tells_ids() { now.iter().any(|id| contact.has(id)) } else { earlier.stays };
        if stays {
            let gone = earlier.gone.iter().filter(|id| !contact.tells_ids() || contact.has(id));
            self.detach.extend(gone.map(|id| (index, request::detach(ctx.settings(), &contact.id, id))));
        } else if list_id(ctx).is_some_and(|list| contact.is_on(list)) {
            self.leave.push((index, contact.id.clone()));
        }
    }
}

fn steps(ctx: &Context<Settings>, sent: &Sent<'_>, http: &mut dyn Http) -> Result<Steps, Box<Reading>> {
    let identities = Identities::new(ctx);
    let members: Vec<_> = sent.members().map(|member| (member, identities.earlier(member))).collect();
    let wanted: Vec<_> =
        members.iter().flat_map(|(_, earlier)| earlier.iter().map(|one| one.gone.as_slice())).collect();
    let mut found = lookup::find(ctx, http, &wanted)?.into_iter();
    let mut steps = Steps::default();
    for (member, earlier) in &members {
        let now = identities.now(*member).sound;
        for (one, contact) in earlier.iter().zip(found.by_ref()) {
            if let Some(contact) = contact {
                steps.add(ctx, member.index(), &now, one, &contact);
            }
        }
    }
    Ok(steps)
}

/// Takes the steps; members whose step began wait for its job.
fn take(ctx: &Context<Settings>, http: &mut dyn Http, steps: &Steps, tally: &mut Tally) {
    let mut jobs: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    let requests: Vec<Request> = steps.detach.iter().map(|(_, request)| request.clone()).collect();
    for ((index, _), answer) in steps.detach.iter().zip(http.send_all("detach", &requests)) {
        begun(answer, &[*index], &mut jobs, tally);
    }
    let (owners, ids): (Vec<u32>, Vec<&str>) =
        steps.leave.iter().take(IDS_MAX).map(|(index, id)| (*index, id.as_str())).unzip();
    if let Some(list) = list_id(ctx).filter(|_| !ids.is_empty()) {
        let answer = http.send("leave", &request::leave(ctx.settings(), list, &ids.join(",")));
        begun(answer, &owners, &mut jobs, tally);
    }
    for (index, jobs) in jobs {
        tally.settle(index, Ticket::new(What::Move, jobs.into_iter().collect()).accepted());
    }
}

/// Reads the answer to a step.
fn begun(
    answer: Result<Answer, Failure>,
    members: &[u32],
    jobs: &mut BTreeMap<u32, BTreeSet<String>>,
    tally: &mut Tally,
) {
    let reading = match answer {
        Ok(answer) => match (answer.status, job::id(&answer)) {
            (200..=299, Some(job)) => {
                members.iter().for_each(|index| {
                    jobs.entry(*index).or_default().insert(job.clone());
                });
                return;
            }
            (200..=299, None) if !answer.is_html() => Reading::deferred(SETTLING_WAIT_MS),
            // Nothing is there to be taken off.
            (404, _) => Reading::deferred(0),
            (400, _) => Reading::all(refusal()),
            _ => unclear(&answer, REQUESTS),
        },
        Err(failure) => Reading::unanswered(failure),
    };
    // A step may be repeated, so not even a lost answer leaves a doubt.
    tally.read(members, unasked(reading));
}

/// The fate of a member whose contact keeps an old identifier.
pub(super) fn refusal() -> Outcome {
    Outcome::rejected("identifier_not_removable", "sendgrid keeps an identifier that the member does not have any more")
}
