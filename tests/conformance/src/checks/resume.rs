//! `resume`: only tickets that the plugin issued are asked about, and a bad answer about a job claims nothing.

use enroute_core::outcome::Outcome;
use enroute_host::runtime::{OpenTicket, ResumeWork, Work};

use crate::answers::{Answer, Meaning};
use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::outcomes;
use crate::checks::trial::shown;
use crate::checks::work::{Called, always, call};
use crate::convert;
use crate::findings::Failure;
use crate::kit::{Issued, Kit};
use crate::network::Asked;
use crate::people::Crowd;

/// Pairs of tickets that are asked about, and how many of one connection.
const PAIRS_MAX: usize = 10;
const OF_BENCH_MAX: usize = 3;

/// Tickets of one connection that are asked about together.
struct Pair<'b> {
    bench: &'b Bench,
    tickets: Vec<Issued>,
}

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench], all: &[Answer]) {
    let own = of_cases(kit);
    for pair in pairs(kit, benches, &own) {
        for answer in all {
            resume(kit, &pair, answer);
        }
    }
}

/// The tickets of the plugin's own cases, each on the connection of its case.
fn of_cases(kit: &Kit<'_>) -> Vec<(Bench, Issued)> {
    let mut found: Vec<(Bench, Issued)> = Vec::new();
    for given in &kit.givens {
        let Some(token) = given.ticket.clone() else { continue };
        let connection = convert::connection_in(&given.fixture.connection());
        let name = format!("case {}", given.name);
        let Ok(bench) = Bench::new(name.clone(), kit.manifest, connection) else { continue };
        let crowd = Crowd::from(&convert::batch_in(&given.fixture.packed()));
        if crowd.len() > 0 && found.len() < PAIRS_MAX && !found.iter().any(|(_, known)| known.token == token) {
            found.push((bench, Issued { bench: name, token, crowd }));
        }
    }
    found
}

/// Tickets that were issued in this examination, two at a time, then those of cases.
fn pairs<'b>(kit: &Kit<'_>, benches: &'b [Bench], own: &'b [(Bench, Issued)]) -> Vec<Pair<'b>> {
    let mut pairs: Vec<Pair<'b>> = Vec::new();
    for bench in benches {
        let mut of_bench: Vec<Issued> = Vec::new();
        for issued in kit.issued.borrow().iter().filter(|issued| issued.bench == bench.name) {
            if !of_bench.iter().any(|known| known.token == issued.token) {
                of_bench.push(issued.clone());
            }
        }
        of_bench.truncate(OF_BENCH_MAX * 2);
        pairs.extend(of_bench.chunks(2).map(|tickets| Pair { bench, tickets: tickets.to_vec() }));
    }
    pairs.truncate(PAIRS_MAX);
    pairs.extend(own.iter().map(|(bench, issued)| Pair { bench, tickets: vec![issued.clone()] }));
    pairs.truncate(PAIRS_MAX * 2);
    pairs
}

fn resume(kit: &Kit<'_>, pair: &Pair<'_>, answer: &Answer) {
    let crowd = together(&pair.tickets);
    let shown: String = pair.tickets.first().map(|ticket| ticket.token.chars().take(30).collect()).unwrap_or_default();
    let did = format!("{}: resumed ticket `{shown}`, answered {}", pair.bench.name, answer.name);
    let ticket = |issued: &Issued| OpenTicket {
        token: issued.token.clone(),
        request_key: "kit-request-key".to_owned(),
        members: u32::try_from(issued.crowd.len()).unwrap_or(u32::MAX),
    };
    let tickets = pair.tickets.iter().map(ticket).collect();
    let work = Work::Resume(ResumeWork { tickets, identifiers: crowd.batch().identifiers });
    let called = call(kit, pair.bench, &pair.bench.connection, (&work, &crowd), always(&answer.reply), &did);
    let Some(called) = called else { return };
    fates(kit, answer, &called, &did);
    if called.asked.iter().any(Asked::left) && answer.meaning.blames_nobody() {
        outcomes::causes(kit, answer, &called.report.verdict, &did);
    }
}

/// Nobody is delivered, nothing is claimed where nothing left, and nobody is rejected for trouble.
fn fates(kit: &Kit<'_>, answer: &Answer, called: &Called, did: &str) {
    let left = called.asked.iter().any(Asked::left);
    for fate in called.report.fates.iter().filter(|fate| !fate.members.is_empty()) {
        let expect = |check, holds, expected: &str| {
            kit.findings.expect(check, holds, || {
                let got = format!("{} members are {}", fate.members.len(), shown(&fate.outcome));
                Failure::new(did, expected, got)
            });
        };
        let is_unchanged = matches!(fate.outcome, Outcome::Unchanged { .. });
        let is_done = matches!(fate.outcome, Outcome::Delivered) || is_unchanged;
        if left {
            let is_delivered = matches!(fate.outcome, Outcome::Delivered);
            expect(Check::ResumeClaimsNothing, !is_delivered, "nobody delivered");
            let may_be = matches!(answer.meaning, Meaning::Absent | Meaning::Conflict);
            expect(Check::UnchangedIsSaid, !is_unchanged || may_be, "nobody unchanged: the answer says no such thing");
        } else {
            expect(Check::NothingIsClaimedUnasked, !is_done, "nobody delivered or unchanged: no request left");
        }
        if answer.meaning.blames_nobody() {
            let is_rejected = matches!(fate.outcome, Outcome::Rejected(_));
            expect(Check::TroubleRejectsNobody, !is_rejected, "nobody rejected: it is not the member's fault");
        }
    }
}

/// The members of all tickets, one behind the other.
fn together(tickets: &[Issued]) -> Crowd {
    let mut all: Option<Crowd> = None;
    for issued in tickets {
        match &mut all {
            Some(crowd) => crowd.people.extend(issued.crowd.people.iter().cloned()),
            None => all = Some(issued.crowd.clone()),
        }
    }
    all.unwrap_or_default()
}
