//! One transaction for what a delivery did: outcomes, what the destination now holds, and who is tried again when.

use crate::change::cutter::{Folded, Unmatched};
use crate::change::elsewhere::HELD_BY_ANOTHER;
use crate::change::lot::{Lot, SentRow, open_sent, seal_sent};
use crate::halt::Halt;
use crate::report::NO_MATCHING_MAPPING;
use crate::setup::link::Link;
use enroute_core::batch::Change;
use enroute_core::outcome::Outcome;
use enroute_core::retry::Policy;
use enroute_store::held::{self, Held};
use enroute_store::ledger::{self, Intent, PendingRow, RejectionRow, RequestRow};
use enroute_store::letters::{self, Death};
use enroute_store::{Error, Store, Transaction, tickets, waiting};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is true of every row that a run writes for a connection.
#[derive(Debug, Clone)]
pub(crate) struct Book {
    pub(crate) store: Arc<Store>,
    pub(crate) link: Arc<Link>,
    pub(crate) run: i64,
    pub(crate) halt: Halt,
}

/// A delivery in the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) operation: String,
    pub(crate) label: &'static str,
    pub(crate) request_key: String,
    pub(crate) attempt: u32,
}

/// How a delivery ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settlement {
    pub(crate) delivery: i64,
    pub(crate) verdict: String,
    pub(crate) requests: Vec<RequestRow>,
    /// Positions with their outcome in this run.
    pub(crate) finished: Vec<(Vec<u32>, Outcome)>,
    /// Positions that are tried again within the run; they stay in doubt until then.
    pub(crate) again: Vec<u32>,
    /// Attempts of this run.
    pub(crate) attempts: u32,
    /// Positions of whom something of this attempt may have left.
    pub(crate) reached: RoaringBitmap,
    /// Whether an earlier attempt may have arrived, so that a refusal does not say what the destination has.
    pub(crate) may_have_left: bool,
    /// Why members are put off.
    pub(crate) reason: Option<String>,
    /// Whether this is one member that failed alone while others passed.
    pub(crate) is_lone: bool,
    pub(crate) at_ms: u64,
}

impl Book {
    /// Makes a delivery's intent durable: before this returns, nothing may leave.
    pub(crate) async fn intend(&self, lot: &Arc<Lot>, entry: &Entry, at_ms: u64) -> Result<i64, Error> {
        let (book, lot, entry) = (self.clone(), Arc::clone(lot), entry.clone());
        self.store
            .write(move |tx| {
                let link = &book.link;
                let rows: Vec<Held> = (0..lot.len()).map(|at| book.doubtful(&lot, at)).collect::<Result<_, _>>()?;
                held::put(tx, link.id, &rows)?;
                let members = lot.batch.members();
                ledger::intend(
                    tx,
                    &Intent {
                        run: book.run,
                        link: link.id,
                        operation: &entry.operation,
                        label: entry.label,
                        request_key: &entry.request_key,
                        members: &members,
                        attempt: entry.attempt,
                        plugin_digest: &link.plugin_digest,
                        version: link.settings_version,
                        at_ms,
                    },
                )
            })
            .await
    }

    /// The row of a member while a request about it is under way: what was sent before, and what is sent now.
    fn doubtful(&self, lot: &Lot, at: usize) -> Result<Held, Error> {
        let position = u32::try_from(at).unwrap_or(u32::MAX);
        let profile = lot.profile(position).unwrap_or_default();
        let meta = lot.meta.get(at);
        let before = meta.and_then(|meta| meta.before.as_ref());
        let mut sent = before.map(|held| open_sent(&self.link.sealer, self.link.id, held)).unwrap_or_default();
        let now = lot.identifiers(position, &self.link.columns.fields);
        if lot.change(position) != Change::Removed && !sent.contains(&now) {
            sent.push(now);
        }
        Ok(Held {
            profile,
            hash: None,
            version: self.link.settings_version,
            identity: match lot.change(position) {
                Change::Removed => before.and_then(|held| held.identity),
                Change::Added | Change::Updated => meta.and_then(|meta| meta.identity),
            },
            folded: false,
            again: false,
            sent: seal_sent(&self.link.sealer, self.link.id, profile, &sent)?,
        })
    }

    /// Writes how a delivery ended, in one transaction. Returns how many of those who had been given up are tried again
    /// because of it.
    pub(crate) async fn settle(&self, lot: &Arc<Lot>, settlement: Settlement) -> Result<u64, Error> {
        let (book, lot) = (self.clone(), Arc::clone(lot));
        self.store.write(move |tx| book.settle_in(tx, &lot, &settlement)).await
    }

    fn settle_in(&self, tx: &Transaction<'_>, lot: &Lot, done: &Settlement) -> Result<u64, Error> {
        let link = &self.link;
        let delivered = done.finished.iter().filter(|(_, outcome)| *outcome == Outcome::Delivered);
        let delivered: RoaringBitmap = delivered.flat_map(|(at, _)| at).filter_map(|at| lot.profile(*at)).collect();
        // Before what was known of the delivered is forgotten.
        let revived = if delivered.is_empty() { 0 } else { letters::revive(tx, link.id, &delivered, done.at_ms)? };
        ledger::settle(tx, done.delivery, &done.verdict, done.at_ms)?;
        ledger::requests(tx, (self.run, link.id, Some(done.delivery)), &done.requests)?;
        for (positions, outcome) in &done.finished {
            self.receipts(tx, done.delivery, lot, positions, outcome)?;
            match outcome {
                Outcome::Delivered | Outcome::Unchanged { .. } => self.confirm(tx, lot, positions)?,
                Outcome::Rejected(refusal) => {
                    let source = if refusal.code == letters::GIVEN_UP { "host" } else { "destination" };
                    let row = |at: &u32| self.rejection(lot, *at, &refusal.code, None, &refusal.reason, source);
                    let rows: Vec<RejectionRow> = positions.iter().map(row).collect();
                    self.refuse(tx, lot, positions, &rows, done)?;
                }
                Outcome::Deferred { after_ms } => {
                    self.put_off(tx, lot, positions, "deferred", done.at_ms.saturating_add(*after_ms), None, done)?;
                }
                Outcome::Accepted(ticket) => {
                    let due = done.at_ms.saturating_add(ticket.ask_after_ms);
                    let members: RoaringBitmap = positions.iter().filter_map(|at| lot.profile(*at)).collect();
                    let number = tickets::open(tx, link.id, done.delivery, &ticket.token, &members, due)?;
                    self.put_off(tx, lot, positions, "accepted", due, Some(number), done)?;
                }
                Outcome::Unknown => self.put_off(tx, lot, positions, "unknown", done.at_ms, None, done)?,
            }
        }
        if !done.may_have_left {
            // Of whom nothing reached the destination, nobody is in doubt.
            let waits = |outcome: &Outcome| matches!(outcome, Outcome::Deferred { .. } | Outcome::Unknown);
            let put_off = done.finished.iter().filter(|(_, outcome)| waits(outcome)).flat_map(|(at, _)| at);
            self.restore(tx, lot, put_off.chain(&done.again).filter(|at| !done.reached.contains(**at)))?;
        }
        if !done.again.is_empty() {
            self.receipts(tx, done.delivery, lot, &done.again, &Outcome::Deferred { after_ms: 0 })?;
        }
        Ok(revived)
    }

    fn receipts(
        &self,
        tx: &Transaction<'_>,
        delivery: i64,
        lot: &Lot,
        positions: &[u32],
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let mut by_change: BTreeMap<Change, RoaringBitmap> = BTreeMap::new();
        for at in positions {
            if let Some(profile) = lot.profile(*at) {
                by_change.entry(lot.change(*at)).or_default().insert(profile);
            }
        }
        let code = match outcome {
            Outcome::Unchanged { code } => Some(code.as_str()),
            Outcome::Rejected(refusal) => Some(refusal.code.as_str()),
            _ => None,
        };
        for (change, members) in by_change {
            ledger::receipt(tx, delivery, outcome.word(), code, change.word(), &members)?;
        }
        Ok(())
    }

    /// The destination has what was sent: rows get their hash, removed members are forgotten.
    fn confirm(&self, tx: &Transaction<'_>, lot: &Lot, positions: &[u32]) -> Result<(), Error> {
        let link = &self.link;
        let gone = |at: &&u32| lot.change(**at) == Change::Removed;
        let removed = positions.iter().filter(gone).filter_map(|at| lot.profile(*at));
        held::forget(tx, link.id, removed)?;
        let mut rows = Vec::with_capacity(positions.len());
        for at in positions.iter().filter(|at| !gone(at)) {
            let (Some(meta), Some(profile)) = (lot.meta.get(*at as usize), lot.profile(*at)) else { continue };
            let now = [lot.identifiers(*at, &link.columns.fields)];
            rows.push(Held {
                profile,
                hash: Some(meta.hash),
                version: link.settings_version,
                identity: meta.identity,
                folded: false,
                again: false,
                sent: seal_sent(&link.sealer, link.id, profile, &now)?,
            });
        }
        held::put(tx, link.id, &rows)?;
        // Who was withdrawn because it was refused is not tried until it changes.
        let is_refused = |at: &&u32| lot.meta.get(**at as usize).is_some_and(|meta| meta.is_refused);
        let (refused, others): (Vec<&u32>, Vec<&u32>) = positions.iter().partition(is_refused);
        let members = |positions: Vec<&u32>| positions.into_iter().filter_map(|at| lot.profile(*at)).collect();
        ledger::clear_waiting(tx, link.id, &members(refused))?;
        ledger::clear(tx, link.id, &members(others))
    }

    /// The destination has what it had before this run.
    fn restore<'a>(
        &self,
        tx: &Transaction<'_>,
        lot: &Lot,
        positions: impl IntoIterator<Item = &'a u32>,
    ) -> Result<(), Error> {
        let before = |at: u32| lot.meta.get(at as usize).and_then(|meta| meta.before.clone());
        let (mut known, mut fresh) = (Vec::new(), Vec::new());
        for at in positions {
            match before(*at) {
                Some(held) => known.push(held),
                None => fresh.extend(lot.profile(*at)),
            }
        }
        held::put(tx, self.link.id, &known)?;
        held::forget(tx, self.link.id, fresh)
    }

    /// The destination refused members, so it has what it had before.
    fn refuse(
        &self,
        tx: &Transaction<'_>,
        lot: &Lot,
        positions: &[u32],
        rows: &[RejectionRow],
        done: &Settlement,
    ) -> Result<(), Error> {
        let link = &self.link;
        if !done.may_have_left {
            self.restore(tx, lot, positions)?;
        }
        let members: RoaringBitmap = positions.iter().filter_map(|at| lot.profile(*at)).collect();
        ledger::clear(tx, link.id, &members)?;
        ledger::reject(tx, (self.run, link.id), (&link.plugin_digest, link.settings_version), done.at_ms, rows)?;
        if rows.iter().all(|row| row.code != letters::GIVEN_UP) {
            return Ok(());
        }
        let death = |at: &u32| {
            let tried = lot.meta.get(*at as usize)?.tried?;
            Some(Death {
                profile: lot.profile(*at)?,
                alone: done.is_lone || tried.alone,
                attempts: tried.attempts + done.attempts,
                first_ms: tried.first_ms,
            })
        };
        letters::bury(tx, link.id, &positions.iter().filter_map(death).collect::<Vec<_>>())
    }

    fn rejection(
        &self,
        lot: &Lot,
        at: u32,
        code: &str,
        field: Option<&str>,
        reason: &str,
        source: &'static str,
    ) -> RejectionRow {
        RejectionRow {
            profile: lot.profile(at).unwrap_or_default(),
            code: code.to_owned(),
            field: field.map(str::to_owned),
            reason: reason.to_owned(),
            source,
            change: lot.change(at).word(),
            hash: lot.meta.get(at as usize).map(|meta| meta.hash),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a row")]
    fn put_off(
        &self,
        tx: &Transaction<'_>,
        lot: &Lot,
        positions: &[u32],
        state: &str,
        due_ms: u64,
        ticket: Option<i64>,
        done: &Settlement,
    ) -> Result<(), Error> {
        let row = |at: &u32| -> Option<PendingRow> {
            let tried = lot.meta.get(*at as usize).and_then(|meta| meta.tried);
            let pause_ms =
                Policy::next_run_ms(if ticket.is_some() { 0 } else { tried.map_or(0, |tried| tried.attempts) });
            Some(PendingRow {
                profile: lot.profile(*at)?,
                state: state.to_owned(),
                due_ms: due_ms.max(done.at_ms.saturating_add(pause_ms)),
                attempts: done.attempts,
                first_ms: done.at_ms,
                ticket,
                reason: done.reason.clone(),
                change: Some(lot.change(*at).word()),
                // Who is withdrawn because it was refused has none: what it is now stays refused.
                hash: lot.meta.get(*at as usize).filter(|meta| !meta.is_refused).map(|meta| meta.hash),
            })
        };
        let rows: Vec<PendingRow> = positions.iter().filter_map(row).collect();
        ledger::put_off(tx, self.link.id, &rows)?;
        // Who is tried again stands refused for nothing: it would be left out, and waited for in vain.
        letters::absolve(tx, self.link.id, rows.iter().filter(|row| row.hash.is_some()).map(|row| row.profile))?;
        if lot.len() > 1 {
            return Ok(());
        }
        // Whoever failed alone goes alone, so nobody else has to be noted anew.
        letters::set_alone(tx, self.link.id, &rows.iter().map(|row| row.profile).collect(), done.is_lone)
    }

    /// Records members whom the plugin or the host could not map; nothing of them left.
    pub(crate) async fn reject_unsent(
        &self,
        rejections: Vec<(Lot, enroute_runtime::Rejection)>,
        source: &'static str,
        at_ms: u64,
    ) -> Result<(), Error> {
        if rejections.is_empty() {
            return Ok(());
        }
        let book = self.clone();
        self.store
            .write(move |tx| {
                let row = |(lot, rejection): &(Lot, enroute_runtime::Rejection)| {
                    let field = rejection.field.as_deref();
                    book.rejection(lot, 0, &rejection.code, field, &rejection.reason, source)
                };
                let rows: Vec<RejectionRow> = rejections.iter().map(row).collect();
                let link = &book.link;
                let members = rows.iter().map(|row| row.profile).collect();
                ledger::clear(tx, link.id, &members)?;
                let version = (link.plugin_digest.as_slice(), link.settings_version);
                held::forget(tx, link.id, rejections.iter().filter_map(|(lot, _)| given_away(lot)))?;
                ledger::reject(tx, (book.run, link.id), version, at_ms, &rows)
            })
            .await
    }

    /// Records members whom the mapping's condition leaves out, so that they are not looked at again until they change.
    pub(crate) async fn leave_out(&self, unmatched: Vec<Unmatched>, at_ms: u64) -> Result<(), Error> {
        let book = self.clone();
        let row = |one: &Unmatched| RejectionRow {
            profile: one.profile,
            code: NO_MATCHING_MAPPING.to_owned(),
            field: None,
            reason: "the condition of the mapping is not met".to_owned(),
            source: "host",
            change: one.change.word(),
            hash: Some(one.hash),
        };
        let rows: Vec<RejectionRow> = unmatched.iter().map(row).collect();
        self.store
            .write(move |tx| {
                let link = &book.link;
                let version = (link.plugin_digest.as_slice(), link.settings_version);
                ledger::clear(tx, link.id, &rows.iter().map(|row| row.profile).collect())?;
                ledger::reject(tx, (book.run, link.id), version, at_ms, &rows)
            })
            .await
    }

    /// Members who are at the destination as they should be wait for nothing and are refused nothing.
    pub(crate) async fn keep(&self, members: RoaringBitmap) -> Result<(), Error> {
        let link = self.link.id;
        self.store.write(move |tx| waiting::clear_listed(tx, link, &members)).await
    }

    /// Lets go of members whom another connection holds at the same place, with a receipt and without a request.
    pub(crate) async fn let_go(&self, members: RoaringBitmap, at_ms: u64) -> Result<(), Error> {
        let book = self.clone();
        self.store
            .write(move |tx| {
                let link = &book.link;
                held::forget(tx, link.id, members.iter())?;
                ledger::clear(tx, link.id, &members)?;
                let intent = Intent {
                    run: book.run,
                    link: link.id,
                    operation: "none",
                    label: "prepared",
                    request_key: HELD_BY_ANOTHER,
                    members: &members,
                    attempt: 1,
                    plugin_digest: &link.plugin_digest,
                    version: link.settings_version,
                    at_ms,
                };
                let delivery = ledger::intend(tx, &intent)?;
                ledger::settle(tx, delivery, HELD_BY_ANOTHER, at_ms)?;
                ledger::receipt(tx, delivery, "unchanged", Some(HELD_BY_ANOTHER), Change::Removed.word(), &members)
            })
            .await
    }

    /// Records members whose person another profile carries.
    pub(crate) async fn fold(&self, folded: Vec<Folded>) -> Result<(), Error> {
        let book = self.clone();
        self.store.write(move |tx| folded.into_iter().try_for_each(|one| book.fold_one(tx, one))).await
    }

    fn fold_one(&self, tx: &Transaction<'_>, folded: Folded) -> Result<(), Error> {
        let link = &self.link;
        ledger::clear(tx, link.id, &RoaringBitmap::from_iter([folded.profile]))?;
        if folded.change == Change::Removed {
            held::forget(tx, link.id, [folded.profile])?;
            return match folded.heir {
                Some((heir, sent)) => self.inherit(tx, heir, sent),
                None => Ok(()),
            };
        }
        let row = Held {
            profile: folded.profile,
            hash: Some(folded.hash),
            version: link.settings_version,
            identity: folded.identity,
            folded: true,
            again: false,
            sent: Vec::new(),
        };
        held::put(tx, link.id, [&row])
    }

    /// Hands what was sent of an identity on to another profile that shares it.
    pub(crate) async fn bequeath(&self, heir: u32, sent: Vec<SentRow>) -> Result<(), Error> {
        let book = self.clone();
        self.store.write(move |tx| book.inherit(tx, heir, sent)).await
    }

    /// The profile that stays carries the person from now on, with everything that was sent of it; the destination has
    /// the other one's values, so it is in doubt and sent again.
    fn inherit(&self, tx: &Transaction<'_>, heir: u32, sent: Vec<SentRow>) -> Result<(), Error> {
        let link = &self.link;
        let Some(mut row) = held::get(tx, link.id, heir)? else { return Ok(()) };
        let mut rows = open_sent(&link.sealer, link.id, &row);
        rows.extend(sent.into_iter().filter(|one| !rows.contains(one)).collect::<Vec<_>>());
        row.folded = false;
        row.hash = None;
        row.sent = seal_sent(&link.sealer, link.id, heir, &rows)?;
        held::put(tx, link.id, [&row])
    }
}

/// A member of a lot of one whose every identity there is somebody else's by now, so that nothing is left to withdraw.
fn given_away(lot: &Lot) -> Option<u32> {
    let held = lot.meta.first()?.before.as_ref()?;
    let is_given_away = lot.change(0) == Change::Updated && !held.sent.is_empty() && lot.batch.sent_members.is_empty();
    lot.profile(0).filter(|_| is_given_away)
}
