//! Taking people off the list: their contacts are looked up, and those on the list leave it in one request.
//!
//! Invariant: who is not found, or is not on the list, is done with and costs no request
//! (cases `removal_of_nobody` and `removal_of_a_stranger_to_the_list`).

use std::collections::BTreeMap;

use enroute_sdk::{Answer, Context, Delivery, Http, Item, Outcome, Reading, Report, Sent, Tally, Verdict};

use super::lookup::{self, Contact};
use super::ticket::What;
use super::{indices, list_id, taken_in, unclear};
use crate::mapping::identity::Identities;
use crate::request::{CONTACT_IDS, REQUESTS};
use crate::settings::{RemoveMode, Settings};

/// Most ids of contacts in one request: with 36 characters each, its address stays below 4 KB.
pub(super) const IDS_MAX: usize = 100;

/// Wait before contacts are looked up again that were there a moment ago.
const VANISHED_WAIT_MS: u64 = 60_000;

/// Carries out a removal.
pub(super) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    for sent in delivery.requests() {
        match leaving(ctx, &sent, http) {
            Ok(leaving) => leave(&sent, http, leaving, &mut tally),
            Err(reading) => {
                tally.read(&indices(&sent), *reading);
            }
        }
    }
    tally.finish()
}

/// Contacts that have to go, by member; and members without any, with the reason.
#[derive(Debug, Default)]
struct Leaving {
    contacts: BTreeMap<u32, Vec<String>>,
    done: Vec<(u32, &'static str)>,
}

fn leaving(ctx: &Context<Settings>, sent: &Sent<'_>, http: &mut dyn Http) -> Result<Leaving, Box<Reading>> {
    let list = list_id(ctx);
    let deletes = ctx.settings().remove_mode == RemoveMode::DeleteContact;
    if list.is_none() && !deletes {
        let reason = "the list was not opened yet".to_owned();
        return Err(Box::new(Reading::deferred(0).verdict(Verdict::Misconfigured(reason))));
    }
    let identities = Identities::new(ctx);
    let mut sets = Vec::new();
    for member in sent.members() {
        sets.extend(identities.to_withdraw(member).into_iter().map(|set| (member.index(), set)));
    }
    let wanted: Vec<_> = sets.iter().map(|(_, set)| set.as_slice()).collect();
    let found = lookup::find(ctx, http, &wanted)?;
    let mut leaving = Leaving::default();
    let goes = |contact: &Contact| deletes || list.is_some_and(|list| contact.is_on(list));
    for index in indices(sent) {
        let own =
            || sets.iter().zip(&found).filter(|((owner, _), _)| *owner == index).filter_map(|(_, one)| one.as_ref());
        let mut ids: Vec<String> = own().filter(|contact| goes(contact)).map(|contact| contact.id.clone()).collect();
        ids.dedup();
        if ids.is_empty() {
            let code = if own().next().is_some() { "not_on_list" } else { "contact_not_found" };
            leaving.done.push((index, code));
        } else {
            leaving.contacts.insert(index, ids);
        }
    }
    Ok(leaving)
}

fn leave(sent: &Sent<'_>, http: &mut dyn Http, leaving: Leaving, tally: &mut Tally) {
    for (index, code) in leaving.done {
        tally.settle(index, Outcome::Unchanged(code.to_owned()));
    }
    let (mut ids, mut members) = (Vec::new(), Vec::new());
    for (index, contacts) in leaving.contacts {
        let fits = ids.len() + contacts.len() <= IDS_MAX;
        if fits || ids.is_empty() {
            for id in contacts.into_iter().take(IDS_MAX) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        // Who does not fit as a whole comes again, and finds less to do then.
        if fits { members.push(index) } else { tally.settle(index, Outcome::Deferred(0)) }
    }
    if ids.is_empty() {
        return;
    }
    let learned = [Item { name: CONTACT_IDS.to_owned(), value: ids.join(",") }];
    let reading = match http.send_prepared(sent.index(), &learned) {
        Ok(answer) => read(&answer),
        Err(failure) => Reading::unanswered(failure),
    };
    tally.read(&members, reading);
}

/// What the answer to a removal means for those who are to leave.
pub(super) fn read(answer: &Answer) -> Reading {
    match answer.status {
        200..=299 => taken_in(answer, What::Remove),
        // A contact, or the list, is gone since the look-up: the next one finds less.
        404 => Reading::deferred(VANISHED_WAIT_MS),
        400 => Reading::deferred(0)
            .verdict(Verdict::RefusedBisect("sendgrid refused to remove the contacts: answered 400".to_owned())),
        _ => unclear(answer, REQUESTS),
    }
}
