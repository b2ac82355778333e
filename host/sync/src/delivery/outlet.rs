//! The way out of the sandbox for one `send`: keeps the bytes of prepared requests, labels and records what leaves.

use crate::clock::{Clock, moment};
use crate::delivery::blame::Reach;
use crate::delivery::gate::{Gate, Turn};
use crate::delivery::masked::masked;
use crate::delivery::pace::Gates;
use crate::report::bounded::Bounded;
use crate::setup::link::Link;
use enroute_auth::{Keeper, Token, TokenError};
use enroute_core::outcome::{Fate, Outcome, Report, Verdict};
use enroute_core::plain;
use enroute_core::request::{Item, Request, Response};
use enroute_egress::{Failure, Fill, Refusal};
use enroute_runtime::{Delivery, Outlet, PreparedRequest, RequestKind};
use enroute_store::ledger::RequestRow;
use roaring::RoaringBitmap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest wait for one answer.
///
/// Meta and Braze advise time-outs of 30 s; a bulk call of 10,000 rows may take longer.
const ANSWER_MAX: Duration = Duration::from_secs(50);

/// Longest wait for the pace inside a plugin's call, which itself has 60 s. A longer one is not sat out there: nothing
/// leaves, and the members are tried again later.
const GATE_WAIT_MS_MAX: u64 = 20_000;

/// The outlet of one delivery, probe or open.
pub(crate) struct DeliveryOutlet {
    link: Arc<Link>,
    clock: Clock,
    gates: Arc<Gates>,
    /// The operation of the delivery; none for calls without one.
    operation: Option<String>,
    /// The delivery's requests, byte for byte, each with the members that it is about.
    prepared: Vec<PreparedRequest>,
    /// `prepared` or `subset`; for calls without a delivery `probe` or `open`.
    label: &'static str,
    request_key: String,
    /// The turn of the first request, which was waited for before the call.
    turn: Mutex<Option<Turn>>,
    records: Mutex<Vec<Record>>,
    /// Why nothing will go before a person has done something: no token, or a destination that is not trusted.
    pause: Mutex<Option<Verdict>>,
    refusals: Mutex<Refusals>,
}

/// What the plugin asked for in one call and may not.
#[derive(Default)]
struct Refusals {
    /// Requests by what is wrong with them.
    requests: Bounded<Refusal>,
    /// What was wrong with a prepared request, of which members depend; else with the first other one.
    worst: Option<(bool, Refusal)>,
}

/// A request that was begun.
struct Record {
    row: RequestRow,
    /// Its number in the delivery; none of a derived one.
    prepared: Option<u32>,
}

/// What a request is in the ledger.
#[derive(Clone)]
struct Entry {
    prepared: Option<u32>,
    label: &'static str,
    kind: Option<String>,
    digest: [u8; 32],
}

impl DeliveryOutlet {
    /// The way out for a call without a delivery.
    pub(crate) fn new(link: &Arc<Link>, gates: &Arc<Gates>, clock: &Clock, label: &'static str) -> Self {
        Self {
            link: Arc::clone(link),
            clock: clock.clone(),
            gates: Arc::clone(gates),
            operation: None,
            prepared: Vec::new(),
            label,
            request_key: String::new(),
            turn: Mutex::default(),
            records: Mutex::default(),
            pause: Mutex::default(),
            refusals: Mutex::default(),
        }
    }

    /// The way out for a delivery whose first request has its turn.
    pub(crate) fn with_delivery(self, delivery: &Delivery, request_key: String, turn: Option<Turn>) -> Self {
        let prepared = delivery.requests.clone();
        let turn = Mutex::new(turn);
        Self { operation: Some(delivery.operation.clone()), prepared, request_key, turn, ..self }
    }

    /// Whom the requests so far were about, among so many members. A derived request follows from an answer and may be
    /// about anybody.
    pub(crate) fn reach(&self, members: usize) -> Reach {
        let everybody = || (0..u32::try_from(members).unwrap_or(u32::MAX)).collect::<RoaringBitmap>();
        let mut reach = Reach::default();
        for Record { row, prepared } in self.records.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let about = prepared.and_then(|index| self.prepared.get(index as usize));
            let about = about.map_or_else(everybody, |request| request.members.iter().collect());
            if row.left {
                reach.left |= &about;
            }
            if row.status.is_some() {
                reach.answered |= about;
            }
        }
        reach
    }

    /// The connection that it is of.
    pub(crate) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// What left so far, in order.
    pub(crate) fn take_records(&self) -> Vec<RequestRow> {
        let records = std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner));
        records.into_iter().map(|record| record.row).collect()
    }

    /// Requests that the host refused, by reason.
    pub(crate) fn take_refusals(&self) -> Bounded<Refusal> {
        std::mem::take(&mut self.refusals.lock().unwrap_or_else(PoisonError::into_inner).requests)
    }

    /// The verdict of a call in which a token was refused for good, or the destination was not trusted.
    pub(crate) fn take_pause(&self) -> Option<Verdict> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A report, with what the way out knows better than the plugin: that a token was refused for good, that the
    /// destination is not trusted, or that the host refused the plugin's own request, so that no destination said anything.
    pub(crate) fn corrected(&self, mut report: Report) -> Report {
        if let Some(verdict) = self.take_pause() {
            report.verdict = verdict;
            return report;
        }
        self.say_the_fix(&mut report.verdict);
        let worst = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).worst.take();
        let Some((is_prepared, refusal)) = worst else { return report };
        let nothing_left =
            !self.records.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|record| record.row.left);
        if nothing_left {
            // Whatever it says of members, no destination was asked about them.
            let members: Vec<u32> = report.fates.drain(..).flat_map(|fate| fate.members).collect();
            report
                .fates
                .extend((!members.is_empty()).then_some(Fate { members, outcome: Outcome::Deferred { after_ms: 0 } }));
        }
        if nothing_left || is_prepared || report.verdict != Verdict::Ok {
            report.verdict = Verdict::Misconfigured(refusal.told());
        }
        report
    }

    /// A plugin says what the destination answered, and not what the operator of this host can do about it.
    fn say_the_fix(&self, verdict: &mut Verdict) {
        let destination = &self.link.destination;
        match verdict {
            Verdict::CredentialInvalid(told) => {
                *told = format!(
                    "{told}; mend the credential of destination `{destination}` and sync again: until then everybody waits"
                );
            }
            Verdict::PermissionMissing(told) => {
                *told = format!(
                    "{told}; give the credential of destination `{destination}` the right and sync again: until then \
                     everybody waits"
                );
            }
            _ => {}
        }
    }

    /// Notes what the plugin may not, and logs it once a call.
    fn note(&self, refusal: &Refusal, requests: u32, is_prepared: bool) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !refusals.requests.iter().any(|(known, _)| known == refusal);
        refusals.requests.add(refusal.clone(), u64::from(requests));
        if refusals.worst.as_ref().is_none_or(|(was_prepared, _)| is_prepared && !was_prepared) {
            refusals.worst = Some((is_prepared, refusal.clone()));
        }
        drop(refusals);
        if is_new {
            self.link.log_refusal(refusal);
        }
    }

    /// Sends a request with the token of the moment. One that is answered 401 was not processed: it leaves a second
    /// time, byte for byte, with a new token; what is answered then is for the plugin.
    async fn leave(
        &self,
        request: &Request,
        learned: &[Item],
        (prepared, label, kind): (Option<u32>, &'static str, Option<String>),
    ) -> Result<Response, Failure> {
        let entry = Entry { prepared, label, kind, digest: request.digest().0 };
        let Some(keeper) = self.link.tokens.as_ref().filter(|_| self.link.client.wants_token(request)) else {
            return self.leave_once(request, learned, entry, None).await;
        };
        let token = self.token(keeper, None, &entry).await?;
        let answer = self.leave_once(request, learned, entry.clone(), Some(&token)).await;
        if answer.as_ref().map(|response| response.status) != Ok(401) {
            if answer.is_ok() {
                token.was_accepted();
            }
            return answer;
        }
        if !token.may_be_renewed() {
            return answer;
        }
        let newer = self.token(keeper, Some(&token), &entry).await?;
        let answer = self.leave_once(request, learned, entry, Some(&newer)).await;
        if answer.as_ref().is_ok_and(|response| response.status != 401) {
            newer.was_accepted();
        }
        answer
    }

    /// The token of the moment, or the reason why nothing leaves.
    async fn token(&self, keeper: &Arc<Keeper>, refused: Option<&Token>, entry: &Entry) -> Result<Arc<Token>, Failure> {
        keeper.token(self.clock.now_ms(), refused).await.map_err(|error: TokenError| {
            let told = error.told(&self.link.destination);
            if error.is_definite() {
                *self.pause.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Verdict::CredentialInvalid(told.clone()));
            }
            let failure = Failure::Unreachable(told);
            let row = self.begin(entry, self.clock.now_ms());
            self.end(row, &Err(failure.clone()), &[]);
            failure
        })
    }

    async fn leave_once(
        &self,
        request: &Request,
        learned: &[Item],
        entry: Entry,
        token: Option<&Token>,
    ) -> Result<Response, Failure> {
        let bucket = self.bucket(entry.kind.as_deref());
        let mut turn = match bucket.and_then(|bucket| self.gates.of(&self.link, bucket)) {
            Some(gate) => Some(self.turn(&gate, bucket.unwrap_or_default()).await?),
            None => None,
        };
        let at_ms = self.clock.now_ms();
        if let Some(turn) = &mut turn {
            turn.leave(at_ms);
        }
        // Written before anything leaves, so that a call that is cut off in between has its row too.
        let row = self.begin(&entry, at_ms);
        let fill = Fill {
            remote: self.link.remote.as_ref(),
            request_key: &self.request_key,
            learned,
            unix_seconds: at_ms / 1_000,
            token: token.map(Token::secret),
        };
        let answer = self.link.client.send(request, &fill, ANSWER_MAX).await;
        if let (Some(turn), Ok(answer)) = (&turn, &answer) {
            turn.answered(answer, &self.clock);
        }
        drop(turn);
        self.count(&entry, &answer, bucket, self.clock.now_ms().saturating_sub(at_ms));
        if let Err(Failure::Untrusted(fault)) = &answer {
            let next =
                "see that the host is right, that nothing stands between, and that the clock is, then sync again";
            *self.pause.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Verdict::Misconfigured(format!("{fault}; {next}")));
        }
        if let Some(watch) = &self.link.trial {
            watch.saw(request, &answer);
        }
        self.end(row, &answer, &request.body);
        answer
    }

    /// The turn of a request: the one that was waited for before the call, else one that is waited for now.
    async fn turn(&self, gate: &Arc<Gate>, bucket: &str) -> Result<Turn, Failure> {
        let taken = self.turn.lock().unwrap_or_else(PoisonError::into_inner).take_if(|turn| turn.is_for(gate));
        if let Some(turn) = taken {
            return Ok(turn);
        }
        let since_ms = self.clock.now_ms();
        let turn = gate.enter(&self.clock, self.link.party, true, GATE_WAIT_MS_MAX).await;
        let took = Duration::from_millis(self.clock.now_ms().saturating_sub(since_ms));
        self.link.figures.waited(&self.link.destination, bucket, took);
        turn.map_err(|wait_ms| {
            let until = moment(self.clock.now_ms().saturating_add(wait_ms));
            Failure::Unreachable(format!("the destination asks to wait {} s, until {until}", wait_ms.div_ceil(1_000)))
        })
    }

    /// Counts a request, for metrics.
    fn count(&self, entry: &Entry, answer: &Result<Response, Failure>, bucket: Option<&str>, took_ms: u64) {
        let (figures, destination) = (&self.link.figures, &self.link.destination);
        let status = answer.as_ref().ok().map(|response| response.status);
        let kind = entry.kind.as_deref().or(self.operation.as_deref()).unwrap_or(entry.label);
        figures.answered(destination, kind, status, Duration::from_millis(took_ms));
        if status == Some(429) {
            figures.throttled(destination, bucket.unwrap_or_default());
        }
    }

    /// The bucket that paces a request: that of its kind, else the one of the operation.
    fn bucket(&self, kind: Option<&str>) -> Option<&str> {
        let derived = kind.and_then(|kind| self.link.manifest.derived.iter().find(|derived| derived.kind == kind));
        let operation = || self.link.manifest.operation(self.operation.as_deref()?)?.bucket.as_deref();
        derived.and_then(|derived| derived.bucket.as_deref()).or_else(operation)
    }

    fn begin(&self, entry: &Entry, at_ms: u64) -> usize {
        let Entry { prepared, label, kind, digest } = entry.clone();
        let failure = Some("the call was cut off".to_owned());
        let row = RequestRow { label, kind, digest, status: None, failure, answer: None, left: true, at_ms };
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.push(Record { row, prepared });
        records.len() - 1
    }

    /// `sent` is the request's body: what was in it is not kept of the answer.
    fn end(&self, row: usize, answer: &Result<Response, Failure>, sent: &[u8]) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Record { row, .. }) = records.get_mut(row) else { return };
        row.status = answer.as_ref().ok().map(|response| response.status);
        row.failure = answer.as_ref().err().map(ToString::to_string);
        let complaint = answer.as_ref().ok().filter(|response| !(200..300).contains(&response.status));
        row.answer = complaint.and_then(|response| masked(&response.body, sent));
        row.left = !answer.as_ref().is_err_and(Failure::left_nothing);
    }
}

impl Outlet for DeliveryOutlet {
    fn send(&self, request: RequestKind) -> Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + '_>> {
        Box::pin(async move {
            let (answer, is_prepared) = match request {
                RequestKind::Prepared { index, learned } => match self.prepared.get(index as usize) {
                    Some(prepared) => {
                        (self.leave(&prepared.request, &learned, (Some(index), self.label, None)).await, true)
                    }
                    None => (Err(unknown(format!("the delivery has no request number {index}"))), true),
                },
                RequestKind::Derived { kind, request } => {
                    let answer = if self.link.manifest.derived.iter().any(|derived| derived.kind == kind) {
                        let label = if matches!(self.label, "probe" | "open") { self.label } else { "derived" };
                        self.leave(&request, &[], (None, label, Some(kind))).await
                    } else {
                        let kind = plain::line(kind);
                        Err(unknown(format!("the manifest lists no derived request of kind `{kind}`")))
                    };
                    (answer, false)
                }
            };
            if let Err(Failure::Refused(refusal)) = &answer {
                self.note(refusal, 1, is_prepared);
            }
            answer
        })
    }

    fn refused(&self, refusal: &Refusal, requests: u32) {
        self.note(refusal, requests, false);
    }
}

fn unknown(reason: String) -> Failure {
    Failure::Refused(Refusal::new(Refusal::UNKNOWN, reason))
}
