//! Deliveries to be carried out, and what is true of every call of `send` that has one.

use std::sync::Arc;

use enroute_core::outcome::{Outcome, Report};
use enroute_core::request::{Method, Request};
use enroute_host::runtime::{Delivery, DeliveryWork, Work};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::{asking, said};
use crate::findings::Failure as Failed;
use crate::kit::{Issued, Kit};
use crate::network::{Asked, Network, Play, What};
use crate::people::Crowd;

/// Members of the crowd that deliveries are made of.
const MEMBERS: usize = 10;
/// Deliveries that are tried of one operation with one, or with several requests, and in all.
const OF_OPERATION_MAX: usize = 3;
const TRIALS_MAX: usize = 24;
/// The number from which on people are others than those of the crowd.
const OTHERS_FROM: usize = 500;

/// A delivery to be carried out.
pub(crate) struct Trial<'b> {
    pub(crate) bench: &'b Bench,
    pub(crate) crowd: Crowd,
    /// What `map` prepared, with positions within the delivery.
    pub(crate) prepared: Vec<(Vec<u32>, Request)>,
    /// Which of these carry nothing of anybody: other people are prepared the very same.
    bare: Vec<bool>,
    operation: String,
    work: Work,
}

/// A report, and what had been asked and answered.
pub(crate) struct Sent {
    pub(crate) report: Report,
    pub(crate) asked: Vec<Asked>,
}

/// Deliveries of every operation that ordinary members and the cases' own give rise to.
pub(crate) fn all<'b>(kit: &Kit<'_>, benches: &'b [Bench]) -> Vec<Trial<'b>> {
    let mut trials: Vec<Trial<'b>> = Vec::new();
    for bench in benches {
        let members = MEMBERS.min(bench.batch_members(kit.manifest));
        let others = bench.crowd((0..members).map(|number| bench.person(OTHERS_FROM + number)).collect());
        let others = kit.map(bench, &others, "mapped other members").map(|mapped| mapped.deliveries);
        let others: Vec<Request> =
            others.into_iter().flatten().flat_map(|one| one.requests).map(|one| one.request).collect();
        for crowd in [Some(bench.ordinary(members)), bench.own.clone()].into_iter().flatten() {
            let Some(mapped) = kit.map(bench, &crowd, "mapped members to send them") else { continue };
            for delivery in mapped.deliveries {
                let several = delivery.requests.len() > 1;
                let is_like =
                    |trial: &&Trial<'_>| trial.operation == delivery.operation && (trial.prepared.len() > 1) == several;
                if trials.iter().filter(is_like).count() < OF_OPERATION_MAX && trials.len() < TRIALS_MAX {
                    trials.push(Trial::new(bench, &crowd, delivery, &others));
                }
            }
        }
    }
    trials
}

impl<'b> Trial<'b> {
    fn new(bench: &'b Bench, crowd: &Crowd, delivery: Delivery, others: &[Request]) -> Self {
        let members = delivery.members();
        let local = |at: &u32| members.binary_search(at).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
        let chosen: Vec<usize> = members.iter().map(|at| *at as usize).collect();
        let crowd = crowd.chosen(&chosen);
        let prepared: Vec<(Vec<u32>, Request)> = delivery
            .requests
            .into_iter()
            .map(|request| (request.members.iter().map(local).collect(), request.request))
            .collect();
        let bare = prepared.iter().map(|(_, request)| others.contains(request)).collect();
        let heads = prepared.iter().map(|(members, request)| (members.clone(), request.method, request.path.clone()));
        let work = Work::Deliver(Box::new(DeliveryWork {
            operation: delivery.operation.clone(),
            members: crowd.batch(),
            requests: heads.collect(),
        }));
        Trial { bench, work, crowd, prepared, bare, operation: delivery.operation }
    }

    /// An address of a member, as answers quote it.
    pub(crate) fn echo(&self) -> String {
        let mut marks = self.crowd.people.iter().flat_map(|person| &person.marks);
        let mail = marks.find(|mark| mark.field.to_lowercase().contains("mail")).map(|mark| mark.text.as_str());
        format!("{}@example.com", mail.unwrap_or("somebody"))
    }

    pub(crate) fn did(&self, what: &str) -> String {
        format!("{}: sent `{}`, answered {what}", self.bench.name, self.operation)
    }

    /// The members of a prepared request.
    pub(crate) fn about(&self, index: u32) -> &[u32] {
        self.prepared.get(index as usize).map_or(&[], |(members, _)| members.as_slice())
    }

    /// Carries the delivery out, and looks at everything that every report can show.
    pub(crate) fn send(&self, kit: &Kit<'_>, play: Play, what: &str) -> Option<Sent> {
        let did = self.did(what);
        let network = Arc::new(Network::new(self.prepared.len(), &kit.kinds, play));
        let outlet = Arc::clone(&network);
        let called = kit.sandbox.send(&kit.findings, &self.bench.connection, &self.work, outlet, &did);
        let asked = network.asked();
        asking::look(kit, self.bench, &asked, &did);
        asking::at_once(kit, &asked, &did);
        let (report, log) = called?;
        said::report(kit, &report, &self.crowd, &did);
        said::log(kit, &log, &self.crowd, &did);
        let sent = Sent { report, asked };
        self.claims(kit, &sent, &did);
        self.arrivals(kit, &sent, &did);
        kit.issued.borrow_mut().extend(sent.report.fates.iter().filter_map(|fate| {
            let Outcome::Accepted(ticket) = &fate.outcome else { return None };
            let members: Vec<usize> = fate.members.iter().map(|member| *member as usize).collect();
            Some(Issued {
                bench: self.bench.name.clone(),
                token: ticket.token.clone(),
                crowd: self.crowd.chosen(&members),
            })
        }));
        Some(sent)
    }

    /// Where nothing left, nothing was done.
    fn claims(&self, kit: &Kit<'_>, sent: &Sent, did: &str) {
        let claimed = sent.claims().filter(|_| !sent.left());
        let first = claimed.map(|(member, outcome)| format!("member {member} is {}", shown(outcome))).next();
        kit.findings.expect(Check::NothingIsClaimedUnasked, first.is_none(), || {
            let asked = if sent.asked.is_empty() { "it asked for nothing" } else { "no request left" };
            Failed::new(
                did,
                "nobody delivered, accepted or unchanged",
                format!("{}; {asked}", first.unwrap_or_default()),
            )
        });
    }

    /// Who has arrived has done so with all prepared requests, unless an answer told that one is not needed.
    fn arrivals(&self, kit: &Kit<'_>, sent: &Sent, did: &str) {
        if !sent.left() {
            return;
        }
        let is_sent = |index: &u32| sent.asked.iter().any(|asked| asked.what == What::Prepared(*index));
        let learned = sent.asked.iter().any(Asked::is_derived);
        let changed = sent.asked.iter().any(|asked| asked.left() && self.method(asked) != Method::Get);
        for (member, _) in sent.claims().filter(|(_, outcome)| arrived(outcome)) {
            let own = (0..).take(self.prepared.len()).filter(|index| self.about(*index).contains(&member));
            let missing = if learned { None } else { own.into_iter().find(|index| !is_sent(index)) };
            let holds = missing.is_none() && changed;
            kit.findings.expect(Check::RequestsAreSentInOrder, holds, || {
                let what = match missing {
                    Some(index) => format!("request {index} was not sent"),
                    None => "it only asked for things".to_owned(),
                };
                let expected = "nobody who has arrived before all requests were sent";
                Failed::new(did, expected, format!("member {member} has arrived, and {what}"))
            });
        }
    }

    fn method(&self, asked: &Asked) -> Method {
        match &asked.what {
            What::Prepared(index) => self.prepared.get(*index as usize).map_or(Method::Get, |(_, one)| one.method),
            What::Derived(_, request) => request.method,
        }
    }

    /// Whether a prepared request that changes something was sent for this member, with something of somebody in it: a
    /// job that was made, and not filled yet, has changed nothing for anybody.
    pub(crate) fn was_sent(&self, asked: &[Asked], member: u32) -> bool {
        asked.iter().any(|asked| match asked.what {
            What::Prepared(index) => {
                let is_bare = self.bare.get(index as usize).copied().unwrap_or(false);
                !is_bare && self.about(index).contains(&member) && self.method(asked) != Method::Get
            }
            What::Derived(..) => false,
        })
    }
}

impl Sent {
    /// Whether bytes left for anything that was asked.
    pub(crate) fn left(&self) -> bool {
        self.asked.iter().any(Asked::left)
    }

    /// The outcome of each member, by position.
    pub(crate) fn fates(&self) -> impl Iterator<Item = (u32, &Outcome)> {
        self.report.fates.iter().flat_map(|fate| fate.members.iter().map(move |member| (*member, &fate.outcome)))
    }

    /// Who has arrived, or had nothing to be done.
    fn claims(&self) -> impl Iterator<Item = (u32, &Outcome)> {
        self.fates().filter(|(_, outcome)| arrived(outcome) || matches!(outcome, Outcome::Unchanged { .. }))
    }
}

/// Whether the destination is said to have the change, or to work on it.
pub(crate) const fn arrived(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered | Outcome::Accepted(_))
}

pub(crate) fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rejected(refusal) => format!("rejected as {}", refusal.code),
        Outcome::Unchanged { code } => format!("unchanged: {code}"),
        other => other.word().to_owned(),
    }
}
