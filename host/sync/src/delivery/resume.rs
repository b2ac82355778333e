//! Jobs at the destination that members wait for: asked about when they are due, several at a time.

use crate::change::lot::{open_sent, seal_sent};
use crate::clock::Clock;
use crate::delivery::blame::{Call, Trust};
use crate::delivery::circuit::{Leave, Patience};
use crate::delivery::deliver;
use crate::delivery::open;
use crate::delivery::outlet::DeliveryOutlet;
use crate::delivery::pace::Gates;
use crate::delivery::settle::Book;
use crate::delivery::stop::Stop;
use crate::report::Tally;
use enroute_config::crash_point;
use enroute_core::batch::Change;
use enroute_core::cells::{Cells, Value};
use enroute_core::outcome::{Outcome, Report, Verdict};
use enroute_runtime::{Fault, FaultKind, OpenTicket, ResumeWork, Work};
use enroute_store::ledger::{self, PendingRow, RejectionRow, RequestRow};
use enroute_store::tickets::{self, TicketRow};
use enroute_store::{Error, Transaction, held};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::sync::Arc;

/// Tickets in one call: what a destination's status call takes at a time.
const TICKETS_MAX: usize = 50;
/// Members of all tickets in one call, as many as in a batch; a larger job comes alone.
const MEMBERS_MAX: u64 = 10_000;
/// Wait before a plugin that failed is asked again.
const AFTER_FAULT_MS: u64 = 60_000;

/// What asking brought.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) tally: Tally,
    /// Members with an outcome now, whose job an earlier run began.
    pub(crate) of_earlier_runs: u64,
    /// Members with an outcome now, whom this run counted as accepted.
    pub(crate) of_this_run: u64,
    /// What the plugin learned.
    pub(crate) remote: Option<String>,
    /// Why a person is needed.
    pub(crate) pause: Option<String>,
    /// Why nothing is asked for now: the destination is in trouble.
    pub(crate) later: Option<Stop>,
    /// The call that failed, with the number of its members and whether a request may have left; asking ends with it.
    fault: Option<(Fault, usize, bool)>,
    /// Whether a call ended well.
    has_answered: bool,
}

impl Asked {
    /// Adds what was learned later.
    pub(crate) fn absorb(&mut self, later: Self) {
        self.tally.absorb(later.tally);
        self.of_earlier_runs += later.of_earlier_runs;
        self.of_this_run += later.of_this_run;
        self.remote = later.remote.or_else(|| self.remote.take());
        self.pause = later.pause.or_else(|| self.pause.take());
        self.later = later.later.or_else(|| self.later.take());
        self.fault = later.fault.or_else(|| self.fault.take());
        self.has_answered |= later.has_answered;
    }

    /// Tells how the plugin's calls went.
    pub(crate) fn tell(&mut self, trust: &mut Trust) {
        if std::mem::take(&mut self.has_answered) {
            trust.succeeded(Call::Resume);
        }
        if let Some((fault, members, left)) = self.fault.take() {
            trust.failed(Call::Resume, &fault, members, left);
        }
    }
}

/// Open jobs of a connection, oldest first.
pub(crate) async fn open_jobs(book: &Book) -> Result<Vec<TicketRow>, Error> {
    let link = book.link.id;
    book.store.read(move |reader| tickets::all(reader, link)).await
}

/// Asks about every job that is due.
pub(crate) async fn ask(book: &Book, gates: &Arc<Gates>, clock: &Clock, patience: Patience) -> Result<Asked, Error> {
    let now_ms = clock.now_ms();
    let mut due = open_jobs(book).await?.into_iter().filter(|ticket| ticket.due_ms <= now_ms).peekable();
    let mut asked = Asked::default();
    while !book.halt.is_asked()
        && let Some(first) = due.next()
    {
        let mut members = first.members.len();
        let mut some = vec![first];
        while some.len() < TICKETS_MAX
            && let Some(next) = due.next_if(|next| members + next.members.len() <= MEMBERS_MAX)
        {
            members += next.members.len();
            some.push(next);
        }
        // A question is a request like any other: an outage is probed by one, and the others wait for it.
        let leave = tokio::select! {
            biased;
            () = book.halt.asked() => break,
            leave = gates.circuit().pass(&book.link.destination, clock, patience) => leave,
        };
        let leave = match leave {
            Ok(leave) => leave,
            Err(Stop::Person(reason)) => {
                asked.pause = Some(reason);
                break;
            }
            Err(stop) => {
                asked.later = Some(stop);
                break;
            }
        };
        asked.absorb(ask_some(book, (gates, leave), clock, &some).await?);
        if asked.pause.is_some() || asked.fault.is_some() {
            break;
        }
    }
    Ok(asked)
}

async fn ask_some(
    book: &Book,
    (gates, leave): (&Arc<Gates>, Leave),
    clock: &Clock,
    tickets: &[TicketRow],
) -> Result<Asked, Error> {
    let mut asked = Asked::default();
    let link = &book.link;
    let profiles: Vec<u32> = tickets.iter().flat_map(|ticket| ticket.members.iter()).collect();
    let work = Work::Resume(ResumeWork {
        tickets: tickets
            .iter()
            .map(|ticket| OpenTicket {
                token: ticket.token.clone(),
                request_key: ticket.request_key.clone(),
                members: u32::try_from(ticket.members.len()).unwrap_or(u32::MAX),
            })
            .collect(),
        identifiers: identifiers(book, &profiles).await?,
    });
    let outlet = Arc::new(DeliveryOutlet::new(link, gates, clock, "derived"));
    let sent = link.plugin.send(&link.guest, &work, Arc::clone(&outlet) as _).await;
    crash_point!("job.answered");
    let reach = outlet.reach(profiles.len());
    let sent = deliver::believe(&outlet, sent, &reach, true);
    let rows = outlet.take_records();
    tell(leave, clock, &sent, (&rows, !reach.left.is_empty())).await?;
    asked.tally.count_requests(&rows);
    asked.tally.refused.absorb(outlet.take_refusals());
    let (run, id) = (book.run, link.id);
    book.store.write(move |tx| ledger::requests(tx, (run, id, None), &rows)).await?;
    match sent {
        Ok(report) => {
            asked.has_answered = true;
            deliver::remember(book, &report, &mut asked.tally).await?;
            asked.pause = report.verdict.pauses().map(str::to_owned);
            asked.remote.clone_from(&report.remote);
            gates.heed(link, &report.verdict, clock);
            settle(book, clock, tickets, profiles, report, &mut asked).await?;
            crash_point!("job.settled");
        }
        Err(fault) => {
            link.log_fault(&fault);
            asked.tally.fault(&fault, profiles.len() as u64);
            let (later, ids) =
                (clock.now_ms() + AFTER_FAULT_MS, tickets.iter().map(|ticket| ticket.id).collect::<Vec<_>>());
            let write = move |tx: &Transaction<'_>| {
                ids.iter().try_for_each(|ticket| tickets::postpone(tx, id, *ticket, None, later))
            };
            book.store.write(write).await?;
            asked.pause = outlet.take_pause().as_ref().and_then(Verdict::pauses).map(str::to_owned);
            asked.fault = Some((fault, profiles.len(), !reach.left.is_empty()));
        }
    }
    Ok(asked)
}

/// Tells everybody else what the answers about jobs showed of the destination.
async fn tell(
    leave: Leave,
    clock: &Clock,
    sent: &Result<Report, Fault>,
    (requests, left): (&[RequestRow], bool),
) -> Result<(), Error> {
    let (is_in_order, failure) = match sent {
        Ok(report) => (Some(deliver::is_in_order(&report.verdict)), open::cause(&report.verdict, requests)),
        Err(fault) => ((fault.kind == FaultKind::Late && left).then_some(false), Some(fault.to_string())),
    };
    let refused = match sent {
        Ok(Report { verdict: verdict @ Verdict::CredentialInvalid(_), .. }) => verdict.pauses(),
        _ => None,
    };
    deliver::tell(leave, clock, (is_in_order, failure.as_deref()), refused).await
}

/// The identifiers that were last sent of these members.
async fn identifiers(book: &Book, profiles: &[u32]) -> Result<Cells, Error> {
    let (link, profiles) = (Arc::clone(&book.link), profiles.to_vec());
    book.store
        .read(move |reader| {
            let fields = &link.columns.fields;
            let columns = u32::try_from(fields.len()).unwrap_or(u32::MAX);
            let mut cells = Cells::with_capacity(columns, profiles.len());
            for profile in profiles {
                let row = held::get(reader, link.id, profile)?;
                let sent = row.map(|held| open_sent(&link.sealer, link.id, &held)).unwrap_or_default();
                let last = sent.last();
                for field in fields {
                    cells.push(last.and_then(|row| row.get(field)).map_or(Value::Absent, Value::Text));
                }
            }
            Ok(cells)
        })
        .await
}

/// Writes what was learned of each member, and closes jobs whose members all have an outcome.
async fn settle(
    book: &Book,
    clock: &Clock,
    tickets: &[TicketRow],
    profiles: Vec<u32>,
    report: Report,
    asked: &mut Asked,
) -> Result<(), Error> {
    let of_this_run: RoaringBitmap =
        tickets.iter().filter(|ticket| ticket.run == book.run).flat_map(|ticket| &ticket.members).collect();
    for fate in report.fates.iter().filter(|fate| !matches!(fate.outcome, Outcome::Accepted(_))) {
        asked.tally.count(&[(fate.members.clone(), fate.outcome.clone())]);
        let is_of_this_run =
            |at: &&u32| profiles.get(**at as usize).is_some_and(|profile| of_this_run.contains(*profile));
        let of_this_run = fate.members.iter().filter(is_of_this_run).count() as u64;
        asked.of_this_run += of_this_run;
        asked.of_earlier_runs += fate.members.len() as u64 - of_this_run;
    }
    let (book, rows, now_ms) = (book.clone(), tickets.to_vec(), clock.now_ms());
    let store = book.store.clone();
    store
        .write(move |tx| {
            let mut of_ticket: HashMap<u32, i64> = HashMap::new();
            for ticket in &rows {
                of_ticket.extend(ticket.members.iter().map(|profile| (profile, ticket.id)));
            }
            let mut waiting: HashMap<i64, (String, RoaringBitmap, u64)> = HashMap::new();
            for fate in &report.fates {
                let members: RoaringBitmap =
                    fate.members.iter().filter_map(|at| profiles.get(*at as usize).copied()).collect();
                if let Outcome::Accepted(ticket) = &fate.outcome {
                    for profile in &members {
                        if let Some(id) = of_ticket.get(&profile) {
                            let fresh = || (ticket.token.clone(), RoaringBitmap::new(), now_ms + ticket.ask_after_ms);
                            waiting.entry(*id).or_insert_with(fresh).1.insert(profile);
                        }
                    }
                    continue;
                }
                book.resolve(tx, &members, &fate.outcome, now_ms)?;
            }
            for ticket in &rows {
                match waiting.get(&ticket.id) {
                    Some((token, members, due_ms)) => {
                        let next = Some((token.as_str(), members));
                        tickets::postpone(tx, book.link.id, ticket.id, next, *due_ms)?;
                    }
                    None => tickets::close(tx, ticket.id)?,
                }
            }
            Ok(())
        })
        .await
}

impl Book {
    /// What was sent last of a member was refused: the destination has what was sent before, where that was another
    /// identity.
    fn take_back(&self, tx: &Transaction<'_>, profile: u32) -> Result<(), Error> {
        let link = &self.link;
        let Some(mut row) = held::get(tx, link.id, profile)? else { return Ok(()) };
        let mut sent = open_sent(&link.sealer, link.id, &row);
        sent.pop();
        let Some(before) = sent.last() else { return Ok(()) };
        row.identity = link.identity_of_row(before);
        row.sent = seal_sent(&link.sealer, link.id, profile, &sent)?;
        held::put(tx, link.id, [&row])
    }

    /// What a job's end means for what is known of its members.
    fn resolve(
        &self,
        tx: &Transaction<'_>,
        members: &RoaringBitmap,
        outcome: &Outcome,
        now_ms: u64,
    ) -> Result<(), Error> {
        let link = self.link.id;
        match outcome {
            Outcome::Delivered | Outcome::Unchanged { .. } => {
                let mut stand_refused = RoaringBitmap::new();
                for (profile, change, hash) in ledger::accepted(tx, link, members)? {
                    if change == Change::Removed.word() {
                        held::forget(tx, link, [profile])?;
                        stand_refused.extend(hash.is_none().then_some(profile));
                    } else if let Some(mut row) = held::get(tx, link, profile)? {
                        // What was sent last is all that is there: a job that moved a member has withdrawn the rest.
                        let last = open_sent(&self.link.sealer, link, &row).pop();
                        row.sent = seal_sent(&self.link.sealer, link, profile, last.as_slice())?;
                        row.hash = hash;
                        held::put(tx, link, [&row])?;
                    }
                }
                ledger::clear_waiting(tx, link, &stand_refused)?;
                ledger::clear(tx, link, &(members - &stand_refused))
            }
            Outcome::Rejected(refusal) => {
                let accepted = ledger::accepted(tx, link, members)?;
                let is_fresh = |row: &&ledger::Accepted| row.1 == Change::Added.word();
                let fresh: Vec<u32> = accepted.iter().filter(is_fresh).map(|(profile, ..)| *profile).collect();
                let of: HashMap<u32, (String, Option<[u8; 16]>)> =
                    accepted.into_iter().map(|(profile, change, hash)| (profile, (change, hash))).collect();
                let row = |profile: u32| RejectionRow {
                    profile,
                    code: refusal.code.clone(),
                    field: None,
                    reason: refusal.reason.clone(),
                    source: "destination",
                    change: match of.get(&profile).map(|(change, _)| change.as_str()) {
                        Some("added") => "added",
                        Some("removed") => "removed",
                        _ => "updated",
                    },
                    hash: of.get(&profile).and_then(|(_, hash)| *hash),
                };
                let rows: Vec<RejectionRow> = members.iter().map(row).collect();
                let is_update =
                    |profile: &u32| of.get(profile).is_some_and(|(change, _)| change == Change::Updated.word());
                members.iter().filter(is_update).try_for_each(|profile| self.take_back(tx, profile))?;
                held::forget(tx, link, fresh)?;
                ledger::clear(tx, link, members)?;
                let version = (self.link.plugin_digest.as_slice(), self.link.settings_version);
                ledger::reject(tx, (self.run, link), version, now_ms, &rows)
            }
            Outcome::Deferred { .. } | Outcome::Unknown | Outcome::Accepted(_) => {
                let after_ms = if let Outcome::Deferred { after_ms } = outcome { *after_ms } else { 0 };
                let row = |profile: u32| PendingRow {
                    profile,
                    state: if *outcome == Outcome::Unknown { "unknown" } else { "deferred" }.to_owned(),
                    due_ms: now_ms + after_ms,
                    attempts: 1,
                    first_ms: now_ms,
                    ticket: None,
                    reason: None,
                    change: None,
                    hash: None,
                };
                let rows: Vec<PendingRow> = members.iter().map(row).collect();
                ledger::put_off(tx, link, &rows)
            }
        }
    }
}
