//! Carrying out a delivery: requests in order, and what follows from their answers.
//!
//! A look-up is followed by withdrawals of what it found; in two membership modes, written records are followed by
//! joining. No request is sent twice.

mod find;
mod join;
mod withdraw;

use enroute_sdk::{Answer, Context, Delivery, Http, Method, Outcome, Reading, Report, Request, Sent, Tally, Verdict};

use crate::mapping::BULK;
use crate::mapping::identity::Identities;
use crate::request;
use crate::response::codes::Doing;
use crate::response::{self, bulk, fault, quota, worse};
use crate::settings::Settings;

/// Most records in a request that follows from an answer.
const RECORDS_MAX: usize = 200;

/// The derived kind of requests that change records.
const WRITE: &str = "write";

/// Carries out a delivery: of records, or of a job's first steps.
pub(crate) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    if delivery.operation() == BULK {
        return bulk::begin(ctx, delivery, http);
    }
    let mut tally = Tally::new(delivery.members().len());
    let count = delivery.requests().count();
    let mut requests = delivery.requests();
    for sent in requests.by_ref() {
        let members = members(&sent);
        let reading = match http.send_prepared(sent.index(), &[]) {
            Ok(answer) => {
                let mut reading = follow(ctx, &sent, &answer, http);
                let reserve = ctx.settings().daily_quota_reserve_percent;
                // What is begun is brought to its end, also where it reaches into the reserve.
                let is_last = sent.index() as usize + 1 == count;
                if let (Verdict::Ok, true, Some(held)) = (&reading.verdict, is_last, quota::verdict(&answer, reserve)) {
                    reading.verdict = held;
                }
                reading
            }
            Err(failure) => fault::unsent(&failure, doing(&sent)).into(),
        };
        if !tally.read(&members, reading) {
            break;
        }
    }
    // A member of several requests has arrived only when the last of them has.
    for unsent in requests {
        members(&unsent).into_iter().for_each(|member| tally.settle(member, Outcome::Deferred(0)));
    }
    tally.finish()
}

/// What the answer to a prepared request means by itself.
pub(crate) fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer) -> Reading {
    match doing(sent) {
        Doing::Update => {
            let identities = Identities::new(ctx);
            let id = |member| identities.now(member).unwrap_or_default();
            let references: Vec<String> = sent.members().map(|member| request::reference(&id(member))).collect();
            response::composite(&references, answer)
        }
        doing => response::collection(sent.len(), answer, doing),
    }
}

fn follow(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer, http: &mut dyn Http) -> Reading {
    if doing(sent) == Doing::Read {
        return withdraw::withdraw(ctx, sent, answer, http);
    }
    let reading = read(ctx, sent, answer);
    if ctx.settings().joins_afterwards() { join::join(ctx, sent, answer, reading, http) } else { reading }
}

/// What a prepared request does, by its method and path.
fn doing(sent: &Sent<'_>) -> Doing {
    let collection = sent.path().iter().any(|segment| segment == "sobjects");
    match sent.method() {
        Method::Get => Doing::Read,
        Method::Post if collection => Doing::Create,
        Method::Post => Doing::Update,
        _ => Doing::Upsert,
    }
}

fn members(sent: &Sent<'_>) -> Vec<u32> {
    sent.members().map(enroute_sdk::Member::index).collect()
}

/// A request about some records, each of which belongs to the member in a position.
struct Derived {
    request: Request,
    positions: Vec<usize>,
}

/// Sends requests that follow from an answer, and puts the fate of each record to its member's. Of two fates of a
/// member, the one that leaves more to be done holds.
fn carry_out(http: &mut dyn Http, derived: &[Derived], doing: Doing, fates: &mut [Option<Outcome>]) -> Verdict {
    let requests: Vec<Request> = derived.iter().map(|derived| derived.request.clone()).collect();
    let mut verdict = Verdict::Ok;
    for (derived, answer) in derived.iter().zip(http.send_all(WRITE, &requests)) {
        let records = derived.positions.len();
        let reading = match answer {
            Ok(answer) => response::collection(records, &answer, doing),
            Err(failure) => fault::unsent(&failure, doing).into(),
        };
        for (position, outcome) in derived.positions.iter().zip(outcomes(&reading, records)) {
            if let Some(fate) = fates.get_mut(*position)
                && fate.as_ref().is_none_or(|known| worse(known) < worse(&outcome))
            {
                *fate = Some(outcome);
            }
        }
        if verdict == Verdict::Ok {
            verdict = reading.verdict;
        }
    }
    verdict
}

/// The fate of each of so many records.
fn outcomes(reading: &Reading, records: usize) -> Vec<Outcome> {
    let mut outcomes = vec![reading.rest.clone(); records];
    for (position, outcome) in &reading.exceptions {
        if let Some(own) = outcomes.get_mut(*position) {
            *own = outcome.clone();
        }
    }
    outcomes
}

/// Bodies of collections, cut to what a request takes. Records are complete JSON objects.
fn collections(records: Vec<(usize, String)>, build: impl Fn(Vec<u8>) -> Request) -> Vec<Derived> {
    let cut = records.chunks(RECORDS_MAX).map(|chunk| {
        let texts: Vec<&str> = chunk.iter().map(|(_, record)| record.as_str()).collect();
        let body = [request::RECORDS, texts.join(",").as_bytes(), request::END].concat();
        Derived { request: build(body), positions: chunk.iter().map(|(position, _)| *position).collect() }
    });
    cut.collect()
}
