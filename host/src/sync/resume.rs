//! Jobs at the destination that members wait for: asked about when they are due, several at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use enroute_core::batch::Change;
use enroute_core::cells::{Cells, Value};
use enroute_core::outcome::{Outcome, Report};
use roaring::RoaringBitmap;

use crate::runtime::{OpenTicket, ResumeWork, Work};
use crate::store::ledger::{self, PendingRow, RejectionRow, TicketRow};
use crate::store::{Error, Transaction, held};
use crate::sync::clock::Clock;
use crate::sync::deliver;
use crate::sync::lot::open_sent;
use crate::sync::outlet::DeliveryOutlet;
use crate::sync::reading;
use crate::sync::report::{ChangeCounts, Tally};
use crate::sync::settle::Book;

/// Tickets in one call: what a destination's status call takes at a time, and few enough to fit a batch.
const TICKETS_MAX: usize = 50;
/// Wait before a plugin that failed is asked again.
const AFTER_FAULT_MS: u64 = 60_000;

/// What asking brought.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) tally: Tally,
    /// Members whose job was asked about.
    pub(super) changes: ChangeCounts,
    /// Why a person is needed.
    pub(super) pause: Option<String>,
}

/// Asks about every job that is due.
pub(super) async fn ask(book: &Book, clock: &Clock) -> Result<Asked, Error> {
    let link = book.link.id;
    let tickets = reading(&book.store, move |reader| ledger::tickets(reader.connection(), link)).await?;
    let now_ms = clock.now_ms();
    let due: Vec<TicketRow> = tickets.into_iter().filter(|ticket| ticket.due_ms <= now_ms).collect();
    let mut asked = Asked::default();
    for tickets in due.chunks(TICKETS_MAX) {
        ask_some(book, clock, tickets, &mut asked).await?;
    }
    Ok(asked)
}

async fn ask_some(book: &Book, clock: &Clock, tickets: &[TicketRow], asked: &mut Asked) -> Result<(), Error> {
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
    let outlet = Arc::new(DeliveryOutlet {
        link: Arc::clone(link),
        clock: clock.clone(),
        gate: None,
        prepared: Vec::new(),
        label: "derived",
        request_key: String::new(),
        records: Mutex::new(Vec::new()),
    });
    let sent = link.plugin.send(&link.guest, &work, Arc::clone(&outlet) as _).await;
    let rows = outlet.take_records();
    asked.tally.count_requests(&rows);
    let (run, id) = (book.run, link.id);
    book.store.write(move |tx| ledger::requests(tx.connection(), (run, id, None), &rows)).await?;
    match sent {
        Ok((report, usage)) => {
            link.log("send", &usage);
            deliver::remember(book, &report, &mut asked.tally).await?;
            asked.pause = report.verdict.pauses().map(str::to_owned);
            settle(book, clock, tickets, profiles, report, asked).await
        }
        Err(fault) => {
            asked.tally.fault(&fault, profiles.len() as u64);
            let (later, ids) =
                (clock.now_ms() + AFTER_FAULT_MS, tickets.iter().map(|ticket| ticket.id).collect::<Vec<_>>());
            let write = move |tx: &Transaction<'_>| {
                ids.iter().try_for_each(|ticket| ledger::postpone_ticket(tx.connection(), id, *ticket, None, later))
            };
            book.store.write(write).await
        }
    }
}

/// The identifiers that were last sent of these members.
async fn identifiers(book: &Book, profiles: &[u32]) -> Result<Cells, Error> {
    let (link, profiles) = (Arc::clone(&book.link), profiles.to_vec());
    reading(&book.store, move |reader| {
        let fields = &link.columns.fields;
        let columns = u32::try_from(fields.len()).unwrap_or(u32::MAX);
        let mut cells = Cells::with_capacity(columns, profiles.len());
        for profile in profiles {
            let row = held::get(reader.connection(), link.id, profile)?;
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
    let still_accepted = |outcome: &Outcome| matches!(outcome, Outcome::Accepted(_));
    for fate in &report.fates {
        if !still_accepted(&fate.outcome) {
            asked.tally.count(&[(fate.members.clone(), fate.outcome.clone())]);
            asked.changes.updated += fate.members.len() as u64;
        }
    }
    let (book, tickets, now_ms) = (book.clone(), tickets.to_vec(), clock.now_ms());
    let store = book.store.clone();
    store
        .write(move |tx| {
            let mut of_ticket: HashMap<u32, i64> = HashMap::new();
            for ticket in &tickets {
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
            for ticket in &tickets {
                match waiting.get(&ticket.id) {
                    Some((token, members, due_ms)) => {
                        let next = Some((token.as_str(), members));
                        ledger::postpone_ticket(tx.connection(), book.link.id, ticket.id, next, *due_ms)?;
                    }
                    None => ledger::close_ticket(tx.connection(), ticket.id)?,
                }
            }
            Ok(())
        })
        .await
}

impl Book {
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
                for (profile, change, hash) in ledger::accepted(tx.connection(), link, members)? {
                    if change == Change::Removed.word() {
                        held::forget(tx.connection(), link, [profile])?;
                    } else if let Some(mut row) = held::get(tx.connection(), link, profile)? {
                        row.hash = hash;
                        held::put(tx.connection(), link, [&row])?;
                    }
                }
                ledger::clear(tx.connection(), link, members)
            }
            Outcome::Rejected(refusal) => {
                let accepted = ledger::accepted(tx.connection(), link, members)?;
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
                held::forget(tx.connection(), link, fresh)?;
                ledger::clear(tx.connection(), link, members)?;
                let version = (self.link.plugin_digest.as_slice(), self.link.settings_version);
                ledger::reject(tx.connection(), (self.run, link), version, now_ms, &rows)
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
                ledger::put_off(tx.connection(), link, &rows)
            }
        }
    }
}
