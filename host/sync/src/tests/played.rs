//! A plugin, its way out and its destination, which are played: what they do is what a seed says.
//!
//! What the real ones would do wrong is their tests' matter. These keep the contract, and the destination notes whatever
//! breaks a promise: a person in two requests at a time (P3), what it has already without a reason (P2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enroute_core::batch::{Batch, Change};
use enroute_core::cells::Value;
use enroute_core::outcome::{Fate, Outcome, Refusal, Report, Verdict};
use enroute_core::request::{Item, Method, Request, Response};
use enroute_egress::{Failure, Fill, Objection, Preview};
use enroute_runtime::{
    Connection, Delivery, DeliveryWork, Fault, Limits, Mapped, Outlet, PreparedRequest, Problem, Rejection,
    RequestKind, Usage, Work,
};

use super::chance::Dice;
use crate::clock::Clock;
use crate::setup::outside::{Coming, WayOut, Worker};

/// Members in a request.
pub(super) const LOT: usize = 3;
/// Requests that a process may not have noted the end of, when it dies.
const LAST: usize = 3;
/// A value that the destination refuses, and one that the plugin does not send.
pub(super) const BAD: &str = "bad";
pub(super) const UNFIT: &str = "unfit";

/// A destination: who is there, with what.
#[derive(Debug, Default)]
pub(super) struct Far {
    pub(super) there: BTreeMap<String, String>,
    /// Repeats that are allowed for, because it was in doubt what had arrived.
    doubts: BTreeMap<String, u32>,
    /// Who is in a request under way.
    under_way: BTreeSet<String>,
    /// What the last requests of this run were about: a host that dies may not have noted how they ended.
    last: Vec<Vec<Part>>,
    /// Bodies of this run, and how often each came.
    came: BTreeMap<Vec<u8>, u64>,
    /// When requests left, and between which jumps of the clock.
    pub(super) left: Vec<(u32, u64)>,
    pub(super) jumps: u32,
    /// Chance of a fault in percent; 0 where nothing ever goes wrong.
    pub(super) trouble: u64,
    pub(super) lie: Lie,
    /// The seed of this run.
    seed: u64,
    /// The first promise that was broken.
    pub(super) broken: Option<String>,
}

/// How a destination betrays the host, to see that it is found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Lie {
    #[default]
    None,
    /// What was lost is answered as if it had taken effect.
    LostIsDone,
    /// What took effect is told as if nothing had left.
    DoneIsUnsent,
}

/// What a request says of one person: what is to be there, or nothing.
type Part = (String, Option<String>);

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fortune {
    Well,
    Unreachable,
    Lost { has_effect: bool },
    Down,
    Busy { after_s: u64 },
    Unauthorized,
}

impl Far {
    pub(super) fn new(trouble: u64) -> Self {
        Self { trouble, ..Self::default() }
    }

    /// A process begins: what the last one had under way may have taken effect or not.
    pub(super) fn begin(&mut self, seed: u64) {
        self.last.clear();
        self.came.clear();
        self.seed = seed;
    }

    /// A process died: it may not have noted how its last requests ended, nor know whether those left that it was about to
    /// send, which were about these.
    pub(super) fn died(&mut self, intended: Vec<String>) {
        for parts in std::mem::take(&mut self.last) {
            self.doubt(&parts);
        }
        self.doubt(&intended.into_iter().map(|who| (who, None)).collect::<Vec<_>>());
        self.under_way.clear();
    }

    fn arrive(&mut self, body: &[u8], clock: &Clock) -> (Vec<Part>, Fortune) {
        let parts: Vec<Part> = serde_json::from_slice(body).expect("the plugin writes it");
        for (who, _) in &parts {
            if self.under_way.contains(who) {
                self.broken.get_or_insert(format!("P3: {who} is in two requests at a time"));
            }
        }
        self.under_way.extend(parts.iter().map(|(who, _)| who.clone()));
        self.last.push(parts.clone());
        if self.last.len() > LAST {
            self.last.remove(0);
        }
        let nth = self.came.entry(body.to_vec()).or_default();
        *nth += 1;
        let mut dice = Dice(body.iter().fold(self.seed ^ *nth, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte)));
        let fortune = match if dice.percent(self.trouble) { 1 + dice.below(6) } else { 0 } {
            0 => Fortune::Well,
            1 => Fortune::Unreachable,
            2 => Fortune::Lost { has_effect: false },
            3 => Fortune::Lost { has_effect: true },
            4 => Fortune::Down,
            5 => Fortune::Busy { after_s: dice.below(60) },
            _ => Fortune::Unauthorized,
        };
        if fortune != Fortune::Unreachable {
            self.left.push((self.jumps, clock.now_ms()));
        }
        (parts, fortune)
    }

    fn answer(&mut self, parts: &[Part], fortune: Fortune) -> Result<Response, Failure> {
        self.under_way.retain(|one| parts.iter().all(|(who, _)| who != one));
        // Of whom a request was not clearly answered may be sent once more than needed.
        if !matches!(fortune, Fortune::Well | Fortune::Unreachable) {
            self.doubt(parts);
        }
        let refused: Vec<&str> =
            parts.iter().filter(|(_, value)| value.as_deref() == Some(BAD)).map(|(who, _)| who.as_str()).collect();
        if matches!(fortune, Fortune::Well | Fortune::Lost { has_effect: true }) && refused.is_empty() {
            self.apply(parts);
        }
        match fortune {
            Fortune::Well if refused.is_empty() => Ok(response(200, b"[]")),
            // A request with a bad member is refused as a whole: with a sentence, or naming it.
            Fortune::Well => {
                self.doubt(parts);
                let names = parts.len().is_multiple_of(2);
                let body = serde_json::to_vec(&refused).expect("it is written");
                Ok(if names { response(207, &body) } else { response(400, b"something is bad") })
            }
            Fortune::Lost { has_effect: false } if self.lie == Lie::LostIsDone => Ok(response(200, b"[]")),
            Fortune::Lost { has_effect: true } if self.lie == Lie::DoneIsUnsent => {
                Err(Failure::Unreachable("connection refused".to_owned()))
            }
            Fortune::Lost { .. } => Err(Failure::Interrupted("reset".to_owned())),
            Fortune::Unreachable => Err(Failure::Unreachable("connection refused".to_owned())),
            Fortune::Down => Ok(response(503, b"not now")),
            Fortune::Busy { after_s } => {
                let header = Item { name: "retry-after".to_owned(), value: after_s.to_string() };
                Ok(Response { headers: vec![header], ..response(429, b"slow down") })
            }
            Fortune::Unauthorized => Ok(response(401, b"no such key")),
        }
    }

    /// Lets a request take effect; a part that changes nothing must have had a reason.
    fn apply(&mut self, parts: &[Part]) {
        for (who, wanted) in parts {
            if self.there.get(who) == wanted.as_ref() {
                match self.doubts.get_mut(who).filter(|left| **left > 0) {
                    Some(left) => *left -= 1,
                    None => drop(self.broken.get_or_insert(format!("P2: {who} was sent though nothing was in doubt"))),
                }
            }
            match wanted {
                Some(value) => drop(self.there.insert(who.clone(), value.clone())),
                None => drop(self.there.remove(who)),
            }
        }
    }

    fn doubt(&mut self, parts: &[Part]) {
        parts.iter().for_each(|(who, _)| *self.doubts.entry(who.clone()).or_default() += 1);
    }
}

fn response(status: u16, body: &[u8]) -> Response {
    Response { status, headers: vec![], body: body.to_vec() }
}

/// The plugin and its way out.
#[derive(Debug)]
pub(super) struct Played {
    far: Arc<Mutex<Far>>,
    clock: Clock,
    limits: Limits,
}

impl Played {
    pub(super) fn new(far: &Arc<Mutex<Far>>, clock: &Clock) -> Arc<Self> {
        Arc::new(Self { far: Arc::clone(far), clock: clock.clone(), limits: Limits::default() })
    }

    fn far(&self) -> MutexGuard<'_, Far> {
        self.far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text(value: Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_owned()),
        _ => None,
    }
}

/// What a request says of the member at a position: what was sent before and is no more, then what is.
fn parts(batch: &Batch, at: u32) -> Vec<Part> {
    let row = at as usize;
    let now = text(batch.identifiers.value(row, 0)).filter(|_| batch.changes[row] != Change::Removed);
    let sent = batch.sent_members.iter().enumerate().filter(|(_, owner)| **owner == at);
    let sent: BTreeSet<String> = sent.filter_map(|(row, _)| text(batch.sent.value(row, 0))).collect();
    let gone = sent.into_iter().filter(|who| Some(who) != now.as_ref()).map(|who| (who, None));
    let stays = now.clone().map(|who| (who, text(batch.values.value(row, 0))));
    gone.chain(stays).collect()
}

fn map(batch: &Batch) -> Mapped {
    let is_unfit = |at: &u32| {
        batch.changes[*at as usize] != Change::Removed
            && text(batch.values.value(*at as usize, 0)).as_deref() == Some(UNFIT)
    };
    let everybody = 0..u32::try_from(batch.len()).unwrap();
    let (unfit, members): (Vec<u32>, Vec<u32>) = everybody.partition(is_unfit);
    let reject = |member| Rejection { member, field: None, code: "unfit".into(), reason: "it is of no use".into() };
    let deliver = |members: &[u32]| {
        let parts: Vec<Part> = members.iter().flat_map(|at| parts(batch, *at)).collect();
        let request = Request {
            method: Method::Post,
            origin: "https://far.example".to_owned(),
            path: vec!["sync".to_owned()],
            query: vec![],
            headers: vec![],
            body: serde_json::to_vec(&parts).expect("it is written"),
            slots: vec![],
        };
        let request = PreparedRequest { members: members.to_vec(), request };
        Delivery { operation: "sync".to_owned(), requests: vec![request] }
    };
    Mapped {
        deliveries: members.chunks(LOT).map(deliver).collect(),
        rejections: unfit.into_iter().map(reject).collect(),
        warnings: vec![],
    }
}

/// What the plugin makes of an answer.
fn report(work: &DeliveryWork, answer: Result<Response, Failure>) -> Report {
    let batch = &work.members;
    let everybody: Vec<u32> = (0..u32::try_from(batch.len()).unwrap()).collect();
    let all = |outcome, verdict| (vec![Fate { members: everybody.clone(), outcome }], verdict);
    let later = || Outcome::Deferred { after_ms: 0 };
    let (fates, verdict) = match answer {
        Ok(Response { status: 200, .. }) => all(Outcome::Delivered, Verdict::Ok),
        Ok(Response { status: 207, body, .. }) => {
            let named: BTreeSet<String> = serde_json::from_slice(&body).expect("the destination writes it");
            let is_named = |at: &u32| parts(batch, *at).iter().any(|(who, _)| named.contains(who));
            let (bad, others): (Vec<u32>, Vec<u32>) = everybody.iter().partition(|at| is_named(at));
            let refused = Outcome::Rejected(Refusal { code: "bad".into(), reason: "it is bad".into() });
            let fates = [(bad, refused), (others, later())].map(|(members, outcome)| Fate { members, outcome });
            (fates.into_iter().filter(|fate| !fate.members.is_empty()).collect(), Verdict::Ok)
        }
        Ok(Response { status: 400, .. }) => all(later(), Verdict::RefusedBisect("something is bad".into())),
        Ok(Response { status: 401, .. }) => all(later(), Verdict::CredentialInvalid("no such key".into())),
        Ok(Response { status: 429, headers, .. }) => {
            let after_s = headers.first().and_then(|header| header.value.parse::<u64>().ok()).unwrap_or_default();
            all(later(), Verdict::Throttled { bucket: "api".into(), after_ms: after_s * 1_000 })
        }
        Ok(Response { .. }) => all(later(), Verdict::Unavailable("not now".into())),
        Err(Failure::Interrupted(_)) => all(Outcome::Unknown, Verdict::Ok),
        Err(_) => all(later(), Verdict::Unavailable("no connection".into())),
    };
    Report { fates, verdict, unattributed: vec![], remote: None, account: None, warnings: vec![] }
}

impl Worker for Played {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn validate<'a>(&'a self, _: &'a Connection) -> Coming<'a, Result<(Vec<Problem>, Usage), Fault>> {
        Box::pin(async { Ok((vec![], Usage::default())) })
    }

    fn map<'a>(&'a self, _: &'a Connection, batch: &'a Batch) -> Coming<'a, Result<(Mapped, Usage), Fault>> {
        Box::pin(async { Ok((map(batch), Usage::default())) })
    }

    fn send<'a>(
        &'a self,
        _: &'a Connection,
        work: &'a Work,
        outlet: Arc<dyn Outlet>,
    ) -> Coming<'a, Result<(Report, Usage), Fault>> {
        Box::pin(async move {
            let Work::Deliver(work) = work else {
                return Err(Fault::contract("played 1.0.0", "send", "it delivers, and nothing else".to_owned()));
            };
            let answer = outlet.send(RequestKind::Prepared { index: 0, learned: vec![] }).await;
            Ok((report(work, answer), Usage::default()))
        })
    }
}

impl WayOut for Played {
    fn wants_token(&self, _: &Request) -> bool {
        false
    }

    fn objection(&self, _: &Request) -> Option<Objection> {
        None
    }

    fn preview(&self, _: &Request) -> Preview {
        unreachable!("nobody plans here")
    }

    fn send<'a>(&'a self, request: &'a Request, _: &'a Fill<'a>, _: Duration) -> Coming<'a, Result<Response, Failure>> {
        Box::pin(async move {
            let (parts, fortune) = self.far().arrive(&request.body, &self.clock);
            // Whoever else is under way comes in between.
            tokio::task::yield_now().await;
            self.far().answer(&parts, fortune)
        })
    }
}
