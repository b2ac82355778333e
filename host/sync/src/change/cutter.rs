//! Candidates read, enriched, folded and cut into lots, in an order that is the same for plan and sync.
//!
//! Runs on a thread of its own and hands lots over through a bounded channel, so that memory is bounded however
//! large the audience is. Only the columns of the mapping are read: a trait that is not mapped never leaves the store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use enroute_core::batch::Change;
use enroute_core::cells::Value;
use enroute_core::diff::Candidates;
use roaring::RoaringBitmap;
use tokio::sync::oneshot;

use crate::change::coverage::Survey;
use crate::change::elsewhere::Elsewhere;
use crate::change::enrich::{Enriched, Fingerprints, Member, Stored};
use crate::change::lot::{Lot, Meta, SentRow, Tried, open_sent};
use crate::setup::link::Link;
use enroute_store::forgotten;
use enroute_store::held::{self, Held};
use enroute_store::records::{self, RECORD_ID_MIN};
use enroute_store::{Reader, ValueReader};

/// Members in one lot, whatever the manifest says.
const LOT_MEMBERS_MAX: usize = 10_000;
/// Bytes of one lot on their way across the border.
const LOT_BYTES_MAX: usize = 8 << 20;
/// Lots with different consent that are open at the same time.
const LOTS_OPEN_MAX: usize = 16;
/// Members read from the store at a time.
const CHUNK: usize = 1_000;

/// What comes out of the cutter, in order.
#[derive(Debug)]
pub(crate) enum Cutting {
    /// Members to map and send.
    Lot(Box<Lot>),
    /// Members of whom nothing that is sent has changed, and those whose hash has to be refreshed silently.
    Same(RoaringBitmap),
    /// Members whose person another profile carries.
    Folded(Vec<Folded>),
    /// Members whom the mapping's condition leaves out.
    Unmatched(Vec<Unmatched>),
    /// Members who leave the audience and stay at the place, because another connection holds them there.
    LetGo(RoaringBitmap),
    /// What was sent of an identity that a member gives up belongs to another profile that shares it.
    Bequest { heir: u32, sent: Vec<SentRow> },
    /// Everything before must be settled before anything behind is read or sent: removals go first. Answered when it is,
    /// with the members who were refused and have to be withdrawn under what was sent of them before.
    Barrier(oneshot::Sender<RoaringBitmap>),
    /// Everybody was cut.
    End,
}

/// A member that is not sent because it shares its identity with another one.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) profile: u32,
    pub(crate) change: Change,
    pub(crate) hash: [u8; 16],
    pub(crate) identity: Option<[u8; 16]>,
    /// For a removal: the profile that stays, and what was sent of the one that leaves.
    pub(crate) heir: Option<(u32, Vec<SentRow>)>,
}

/// A member whom the mapping's condition leaves out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unmatched {
    pub(crate) profile: u32,
    pub(crate) change: Change,
    pub(crate) hash: [u8; 16],
}

/// Where cuttings go; false when nobody wants more.
pub(crate) type Sink<'a> = dyn FnMut(Cutting) -> bool + 'a;

/// Cuts everything there is to look at.
pub(crate) struct Cutter<'a> {
    link: &'a Link,
    reader: &'a Reader,
    values: ValueReader<'a>,
    candidates: &'a Candidates,
    tried: &'a HashMap<u32, Tried>,
    fingerprints: Fingerprints<'a>,
    /// Whether anybody can be held whom this run did not add; if not, there is nothing to look up of what is held.
    holds_anybody: bool,
    /// People whose values are counted in passing, where that is wanted.
    survey: Option<Survey>,
    open: BTreeMap<Option<String>, Lot>,
    /// Identities that a member of this phase carries.
    carried: HashSet<[u8; 16]>,
    /// Identities that a member of this phase gives up.
    given_up: HashSet<[u8; 16]>,
    /// Members who take over an identity that another one gives up in the same phase: they come behind a barrier.
    late: RoaringBitmap,
    /// Members of the audience who are withdrawn, because they were refused as they are now.
    outdated: RoaringBitmap,
    /// Members who are withdrawn though the mapping sends no exits: people who are being forgotten.
    forgotten: RoaringBitmap,
    folded: Vec<Folded>,
    unmatched: Vec<Unmatched>,
    same: RoaringBitmap,
    elsewhere: Elsewhere<'a>,
    let_go: RoaringBitmap,
    /// What is handed over once the moment of the store is ended: whoever takes it may take long.
    ready: Vec<Cutting>,
    sink: &'a mut Sink<'a>,
    wanted: bool,
}

impl<'a> Cutter<'a> {
    /// Prepares to cut.
    pub(crate) fn new(
        link: &'a Link,
        reader: &'a Reader,
        candidates: &'a Candidates,
        tried: &'a HashMap<u32, Tried>,
        survey: Option<Survey>,
        sink: &'a mut Sink<'a>,
    ) -> Result<Self, enroute_store::Error> {
        let values = ValueReader::new(reader, &link.columns.read)?;
        Ok(Self {
            link,
            reader,
            values,
            candidates,
            tried,
            fingerprints: Fingerprints::new(link),
            holds_anybody: held::is_any(reader, link.id)?,
            survey,
            open: BTreeMap::new(),
            carried: HashSet::new(),
            given_up: HashSet::new(),
            late: RoaringBitmap::new(),
            outdated: candidates.outdated.clone(),
            forgotten: forgotten::open_numbers(reader)?,
            folded: Vec::new(),
            unmatched: Vec::new(),
            same: RoaringBitmap::new(),
            elsewhere: Elsewhere::of(reader, link)?,
            let_go: RoaringBitmap::new(),
            ready: Vec::new(),
            sink,
            wanted: true,
        })
    }

    /// Reads, folds and cuts: removals, a barrier, then the rest. Members who take over what another one gives up in
    /// this run come last, behind a barrier of their own, or the withdrawal might arrive after the entry. Behind each
    /// barrier those are withdrawn who were refused before it.
    pub(crate) fn run(mut self) -> Result<(), enroute_store::Error> {
        let Candidates { added, updated, removed, .. } = self.candidates;
        self.phase(removed, |_| Change::Removed)?;
        if !self.settle_everything()? {
            return Ok(());
        }
        self.carried.clear();
        self.given_up.clear();
        let change = |profile| if added.contains(profile) { Change::Added } else { Change::Updated };
        self.phase(&(added | updated), change)?;
        if !self.settle_everything()? {
            return Ok(());
        }
        let late = std::mem::take(&mut self.late);
        if !late.is_empty() {
            self.given_up.clear();
            self.phase(&late, change)?;
            if !self.settle_everything()? {
                return Ok(());
            }
        }
        self.give(Cutting::End);
        self.hand_over();
        self.survey.take().map_or(Ok(()), |survey| survey.end(self.reader, &self.link.columns))
    }

    /// Waits until everything that was cut is settled, with the withdrawals that follow from it. False where nobody is
    /// there any more.
    fn settle_everything(&mut self) -> Result<bool, enroute_store::Error> {
        loop {
            let (settled, wait) = oneshot::channel();
            self.give(Cutting::Barrier(settled));
            self.hand_over();
            let Ok(refused) = wait.blocking_recv() else { return Ok(false) };
            if refused.is_empty() {
                return Ok(true);
            }
            // Each was carried by itself a moment ago; whoever else has its identity now is found in the store.
            let carried = std::mem::take(&mut self.carried);
            self.holds_anybody = true;
            self.outdated |= &refused;
            self.phase(&refused, |_| Change::Removed)?;
            self.carried = carried;
        }
    }

    fn phase(&mut self, members: &RoaringBitmap, change: impl Fn(u32) -> Change) -> Result<(), enroute_store::Error> {
        let mut ids = members.iter();
        loop {
            let chunk: Vec<u32> = ids.by_ref().take(CHUNK).collect();
            if chunk.is_empty() || !self.wanted {
                break;
            }
            let moment = self.reader.moment()?;
            let enriched = self.enrich(&chunk, &change)?;
            for member in enriched.members() {
                self.place(&enriched, *member)?;
            }
            moment.end()?;
            self.hand_over();
        }
        for (_, lot) in std::mem::take(&mut self.open) {
            self.give_lot(lot);
        }
        self.give_unsent();
        let same = std::mem::take(&mut self.same);
        if !same.is_empty() {
            self.give(Cutting::Same(same));
        }
        let let_go = std::mem::take(&mut self.let_go);
        if !let_go.is_empty() {
            self.give(Cutting::LetGo(let_go));
        }
        Ok(())
    }

    /// Hands over those who are not sent.
    fn give_unsent(&mut self) {
        let folded = std::mem::take(&mut self.folded);
        if !folded.is_empty() {
            self.give(Cutting::Folded(folded));
        }
        let unmatched = std::mem::take(&mut self.unmatched);
        if !unmatched.is_empty() {
            self.give(Cutting::Unmatched(unmatched));
        }
    }

    fn give_lot(&mut self, lot: Lot) {
        lot.apart().into_iter().for_each(|part| self.give(Cutting::Lot(Box::new(part))));
    }

    fn give(&mut self, cutting: Cutting) {
        self.ready.push(cutting);
    }

    fn hand_over(&mut self) {
        for cutting in self.ready.drain(..) {
            self.wanted = self.wanted && (self.sink)(cutting);
        }
    }

    /// Reads the columns of these profiles and records, whose numbers ascend.
    fn enrich(
        &mut self,
        chunk: &[u32],
        change: &impl Fn(u32) -> Change,
    ) -> Result<Enriched<'a>, enroute_store::Error> {
        let mut enriched = Enriched::new(self.link, chunk.len());
        let further = chunk.partition_point(|id| *id < RECORD_ID_MIN);
        let (profiles, records) = chunk.split_at_checked(further).unwrap_or((chunk, &[]));
        let survey = &mut self.survey;
        let mut gone = profiles.iter().copied().peekable();
        self.values.read(profiles.iter().copied(), |profile, _, consent, json| {
            while let Some(gone) = gone.next_if(|gone| *gone < profile) {
                enriched.push(gone, change(gone), None, survey);
            }
            gone.next();
            enriched.push(profile, change(profile), Some(&Stored { consent, json, record: None }), survey);
            Ok::<_, enroute_store::Error>(())
        })?;
        gone.for_each(|gone| enriched.push(gone, change(gone), None, survey));
        for id in records {
            let mut is_there = false;
            if let Some(record) = records::get(self.reader, *id)? {
                self.values.read([record.profile], |_, _, consent, json| {
                    is_there = true;
                    let stored = Stored { consent, json, record: Some(record) };
                    enriched.push(*id, change(*id), Some(&stored), &mut None);
                    Ok::<_, enroute_store::Error>(())
                })?;
            }
            if !is_there {
                enriched.push(*id, change(*id), None, &mut None);
            }
        }
        Ok(enriched)
    }

    fn place(&mut self, enriched: &Enriched<'_>, member: Member) -> Result<(), enroute_store::Error> {
        let (link, profile) = (self.link, member.profile);
        if member.change == Change::Removed && !link.sends_exits && !self.forgotten.contains(profile) {
            let identity = None;
            self.folded.push(Folded { profile, change: member.change, hash: [0; 16], identity, heir: None });
            return Ok(());
        }
        let before = match member.change {
            _ if !self.holds_anybody => None,
            Change::Added if !link.folds() => None,
            _ => held::get(self.reader, link.id, profile)?,
        };
        let hash = self.fingerprints.of_member(enriched, member);
        let identity = self.fingerprints.identity_of(enriched, member);
        let is_same = before.as_ref().is_some_and(|held| held.hash == Some(hash));
        let carries = before.as_ref().is_some_and(|held| !held.folded) || !link.folds();
        let is_asked_for = link.trial.is_some() || self.candidates.again.contains(profile);
        if member.change == Change::Updated && is_same && carries && !is_asked_for {
            self.same.insert(profile);
            return Ok(());
        }
        if !member.matches {
            self.unmatched.push(Unmatched { profile, change: member.change, hash });
            if self.unmatched.len() >= CHUNK {
                self.give_unsent();
            }
            return Ok(());
        }
        let is_leaving = member.change == Change::Removed;
        if !is_leaving && identity.is_some_and(|identity| self.given_up.contains(&identity)) {
            self.late.insert(profile);
            return Ok(());
        }
        let mut sent = before.as_ref().map(|held| open_sent(&link.sealer, link.id, held)).unwrap_or_default();
        if link.folds()
            && let Some(folded) = self.fold(member, hash, identity, before.as_ref(), &mut sent)?
        {
            self.folded.push(folded);
            if self.folded.len() >= CHUNK {
                self.give_unsent();
            }
            return Ok(());
        }
        if self.elsewhere.is_shared() && self.leaves_to_others(member, identity, before.as_ref(), &mut sent)? {
            self.let_go.insert(profile);
            return Ok(());
        }
        let is_refused = is_leaving && self.outdated.contains(profile);
        let meta = Meta { hash, identity, before, tried: self.tried.get(&profile).copied(), is_refused };
        self.push(enriched, member, &sent, meta);
        Ok(())
    }

    /// Decides whether somebody else carries this person, and keeps from being withdrawn what others still hold.
    fn fold(
        &mut self,
        member: Member,
        hash: [u8; 16],
        identity: Option<[u8; 16]>,
        before: Option<&Held>,
        sent: &mut Vec<SentRow>,
    ) -> Result<Option<Folded>, enroute_store::Error> {
        let Member { profile, change, .. } = member;
        if change == Change::Removed && before.is_some_and(|held| held.folded) {
            return Ok(Some(Folded { profile, change, hash, identity, heir: None }));
        }
        let known = if change == Change::Removed { before.and_then(|held| held.identity) } else { identity };
        let Some(known) = known else {
            if change == Change::Updated {
                self.give_up(profile, change, None, sent)?;
            }
            return Ok(None);
        };
        let heir = self.heir(profile, &known, change != Change::Removed)?;
        let carries_itself = before.is_some_and(|held| !held.folded && held.identity == Some(known));
        let is_shared = match change {
            Change::Removed => heir.is_some() || !self.carried.insert(known),
            Change::Added | Change::Updated => {
                let first = self.carried.insert(known);
                let leaves_others = before.is_some_and(|held| !held.folded) && !sent.is_empty();
                (!first || (heir.is_some() && !carries_itself)) && !leaves_others
            }
        };
        if !is_shared {
            self.give_up(profile, change, Some(known), sent)?;
            return Ok(None);
        }
        let heir = heir.filter(|_| change == Change::Removed).map(|heir| (heir, std::mem::take(sent)));
        Ok(Some(Folded { profile, change, hash, identity, heir }))
    }

    /// Leaves to other profiles what was sent of identities that a member has no more; the rest is given up by it.
    fn give_up(
        &mut self,
        profile: u32,
        change: Change,
        known: Option<[u8; 16]>,
        sent: &mut Vec<SentRow>,
    ) -> Result<(), enroute_store::Error> {
        let mut kept = Vec::new();
        for row in sent.drain(..) {
            let Some(other) = self.fingerprints.identity_of_row(&row).filter(|other| Some(*other) != known) else {
                kept.push(row);
                continue;
            };
            if change != Change::Removed && self.carried.contains(&other) {
                // Somebody took it over in this very run, and names it in what is sent of them.
                continue;
            }
            match self.heir(profile, &other, false)? {
                Some(heir) => self.give(Cutting::Bequest { heir, sent: vec![row] }),
                None => {
                    self.given_up.insert(other);
                    kept.push(row);
                }
            }
        }
        *sent = kept;
        Ok(())
    }

    /// Keeps from being withdrawn what another connection holds at the same place. True where nothing is left to do for
    /// somebody who leaves.
    fn leaves_to_others(
        &self,
        member: Member,
        identity: Option<[u8; 16]>,
        before: Option<&Held>,
        sent: &mut Vec<SentRow>,
    ) -> Result<bool, enroute_store::Error> {
        let profile = member.profile;
        let now = if member.change == Change::Removed { None } else { identity };
        let mut kept = Vec::new();
        let had_some = !sent.is_empty();
        for row in sent.drain(..) {
            let identity = self.fingerprints.identity_of_row(&row);
            let is_still_sent = identity.is_some() && identity == now;
            if is_still_sent || !self.elsewhere.holds(profile, identity)? {
                kept.push(row);
            }
        }
        *sent = kept;
        Ok(match member.change {
            Change::Removed if had_some => sent.is_empty(),
            Change::Removed => self.elsewhere.holds(profile, before.and_then(|held| held.identity))?,
            Change::Added | Change::Updated => false,
        })
    }

    /// Another member with this identity who stays in the audience.
    fn heir(
        &self,
        profile: u32,
        identity: &[u8; 16],
        carriers_only: bool,
    ) -> Result<Option<u32>, enroute_store::Error> {
        if !self.holds_anybody {
            // Who shares it came in this very run, and is known to carry it.
            return Ok(None);
        }
        let others = held::same_identity(self.reader, self.link.id, identity, profile, carriers_only)?;
        let leaves = |other: &u32| self.candidates.removed.contains(*other) || self.outdated.contains(*other);
        Ok(others.into_iter().find(|other| !leaves(other)))
    }

    fn push(&mut self, enriched: &Enriched<'_>, member: Member, sent: &[SentRow], meta: Meta) {
        let columns = &self.link.columns;
        let consent = enriched.consent(member).map(str::to_owned);
        let new = || Lot::new(columns.fields.len(), columns.rows(), consent.clone());
        let lot = self.open.entry(consent.clone()).or_insert_with(new);
        let position = u32::try_from(lot.len()).unwrap_or(u32::MAX);
        lot.batch.profiles.push(member.profile);
        lot.batch.changes.push(member.change);
        enriched.copy(member, &mut lot.batch.identifiers, &mut lot.batch.values);
        for row in sent {
            for field in &columns.fields {
                lot.batch.sent.push(row.get(field).map_or(Value::Absent, Value::Text));
            }
            lot.batch.sent_members.push(position);
        }
        lot.meta.push(meta);
        let is_full = lot.len() >= self.link.batch_members.min(LOT_MEMBERS_MAX) || lot.batch.bytes() >= LOT_BYTES_MAX;
        if is_full && let Some(lot) = self.open.remove(&consent) {
            self.give_lot(lot);
        } else if self.open.len() > LOTS_OPEN_MAX
            && let Some((_, lot)) = self.open.pop_first()
        {
            self.give_lot(lot);
        }
    }
}

/// Runs a cutter on a thread where blocking is fine and hands its cuttings over one by one.
pub(crate) fn spawn(
    link: Arc<Link>,
    reader: Reader,
    candidates: Arc<Candidates>,
    tried: Arc<HashMap<u32, Tried>>,
    survey: Option<Survey>,
) -> tokio::sync::mpsc::Receiver<Result<Cutting, enroute_store::Error>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(CUTTINGS_AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut sink = |cutting| sender.blocking_send(Ok(cutting)).is_ok();
        let cut = Cutter::new(&link, &reader, &candidates, &tried, survey, &mut sink).and_then(Cutter::run);
        if let Err(error) = cut {
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

/// Cuttings that wait between reading and mapping: one in work, one ready.
const CUTTINGS_AHEAD: usize = 2;
