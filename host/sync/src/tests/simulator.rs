//! A seeded simulator: the decisions of a sync (whom to look at, what follows from an answer, when to try again, how
//! fast) with the ledger of the store, in virtual time, among scripted faults of destination, disk, clock, process and
//! configuration. What was promised is checked behind every step.
//!
//! The async parts are not in it; `tests/it/crashes.rs` and `tests/it/killed.rs` drive those. A failure prints its seed:
//! `SIMULATE_SEED=… cargo nextest run -p enroute-sync simulated` takes that one again, and
//! `SIMULATE_SEEDS=100000` in the same place is the long way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use enroute_core::batch::Change;
use enroute_core::diff::{Candidates, State, candidates};
use enroute_core::outcome::{Outcome, Verdict};
use enroute_core::pace::{Kept, Pace};
use enroute_core::retry::{WAIT_MS_MAX, is_due};
use enroute_store::held::{self, Held};
use enroute_store::ledger::{self, Intent, LinkName};
use enroute_store::{Error, Reader, Store, Transaction, waiting};
use roaring::RoaringBitmap;

use super::settling::{Done, PLUGIN, Settling, Trail, follow_ups, hash};
use super::world::{BAD, Destination, Dice, Item};
use crate::delivery::decide::{Standing, decide};

/// Members of the small world.
const MEMBERS: u64 = 6;
/// Members in a request.
const LOT: usize = 3;
/// What the destination allows: requests in each window.
const REQUESTS: u32 = 4;
const PER_MS: u32 = 1_000;
const DAY_MS: u64 = 86_400_000;
const START_MS: u64 = 1_795_392_000_000;
/// Simulated worlds that share a file, so that it stays small.
const SEEDS_PER_STORE: u64 = 250;
/// Lives in a run of the tests; `SIMULATE_SEEDS` asks for more.
const SEEDS: u64 = 10_000;
/// Quiet runs behind a life: so many at least, and at most until everything must have come right.
const ROUNDS_MIN: u32 = 3;
const ROUNDS_MAX: u32 = 12;

/// A defect that is planted on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    Nothing,
    /// Nothing is written before a request leaves.
    NoIntent,
    /// A lost answer counts as success.
    LostIsDelivered,
    /// A lost answer counts as a failure that changed nothing.
    LostIsUndone,
    /// Changes count as looked at though a run ended early.
    RevisionTooEarly,
    /// The pace is forgotten with the process.
    PaceIsForgotten,
    /// What is unchanged is sent all the same.
    NoMemory,
}

/// Why a step ends early.
enum Break {
    /// The process died, or the disk failed under it.
    Died,
    /// A promise is broken.
    Broken(String),
}

impl From<String> for Break {
    fn from(promise: String) -> Self {
        Self::Broken(promise)
    }
}

/// One connection.
struct Side {
    id: i64,
    name: LinkName,
    destination: Destination,
    pace: Pace,
    /// The pace as it was last written down.
    kept: Option<Kept>,
    /// When requests left, and between which jumps of the clock.
    left: Vec<(u32, u64)>,
    /// Chance of a fault in percent; 0 where nothing ever goes wrong.
    trouble: u64,
}

/// What is known before a run.
struct Seen {
    state: State,
    found: Candidates,
    rows: BTreeMap<u32, Held>,
}

struct Simulation<'a> {
    store: &'a Store,
    reader: Reader,
    dice: Dice,
    plant: Plant,
    now_ms: u64,
    /// Jumps of the clock so far.
    jumps: u32,
    audience: BTreeMap<u32, u8>,
    revision: i64,
    revisions: BTreeMap<u32, i64>,
    settings: u8,
    sides: [Side; 2],
    run: i64,
}

impl<'a> Simulation<'a> {
    fn new(store: &'a Store, seed: u64, plant: Plant) -> Self {
        let side = |destination: &str, trouble| {
            let name =
                LinkName { audience: format!("a{seed}"), destination: destination.to_owned(), mapping: String::new() };
            let named = name.clone();
            let id = written(store, move |tx| ledger::link(tx, &named, &[0])).id;
            let pace = Pace::new(REQUESTS, PER_MS);
            Side { id, name, destination: Destination::default(), pace, kept: None, left: vec![], trouble }
        };
        let sides = [side("troubled", 45), side("sound", 0)];
        let run = written(store, |tx| ledger::begin_run(tx, START_MS));
        let reader = store.reader().expect("the store is read");
        Self {
            store,
            reader,
            dice: Dice(seed),
            plant,
            now_ms: START_MS,
            jumps: 0,
            audience: BTreeMap::new(),
            revision: 0,
            revisions: BTreeMap::new(),
            settings: 0,
            sides,
            run,
        }
    }

    /// A life of some steps, then quiet, in which everything must come right.
    fn live(mut self) -> Result<(), String> {
        let steps = 8 + self.dice.below(10);
        for _ in 0..steps {
            let what = self.step()?;
            self.check().map_err(|promise| format!("{promise}, after {what}"))?;
        }
        self.sides[0].trouble = 0;
        for round in 0..ROUNDS_MAX {
            // Nobody is to be looked at and nobody waits: a further run would do nothing.
            if round >= ROUNDS_MIN && (0..2).all(|at| self.is_quiet(at)) {
                break;
            }
            // Behind the first run nobody waits longer than the longest wait there is, whatever the clock has noted.
            self.now_ms += if round == 1 { WAIT_MS_MAX } else { 70_000 };
            for at in 0..2 {
                match self.sync(at, false) {
                    Err(Break::Broken(promise)) => return Err(promise),
                    Err(Break::Died) => return Err("nothing kills a quiet run".to_owned()),
                    Ok(_) => self.check()?,
                }
            }
        }
        (0..2).try_for_each(|at| self.exact(at).map_err(|promise| format!("P1: {promise}, though all is quiet")))
    }

    /// Whether the last run found nobody to look at, and nobody waits.
    fn is_quiet(&self, at: usize) -> bool {
        let Seen { state, found, .. } = self.look(at);
        let waits = state.waiting.is_empty() && state.due.is_empty() && state.in_doubt.is_empty();
        waits && found == Candidates::default() && self.exact(at).is_ok()
    }

    fn step(&mut self) -> Result<&'static str, String> {
        match self.dice.below(10) {
            0..4 => {
                for _ in 0..=self.dice.below(3) {
                    self.edit();
                }
                Ok("an edit of the audience")
            }
            4 => {
                self.settings = self.settings.wrapping_add(1);
                Ok("an edit of the configuration")
            }
            5 => {
                self.jumps += 1;
                let by = [1_000, 3_600_000, DAY_MS, 400 * DAY_MS][usize::try_from(self.dice.below(4)).unwrap()];
                self.now_ms = if self.dice.percent(50) { self.now_ms + by } else { self.now_ms.saturating_sub(by) };
                Ok("a jump of the clock")
            }
            6 => {
                self.now_ms += self.dice.below(120_000);
                Ok("a pause")
            }
            7 => {
                if let Err(Break::Broken(promise)) = self.sync(1, false) {
                    return Err(promise);
                }
                // What goes wrong elsewhere is none of its business.
                self.exact(1).map_err(|promise| format!("P6: {promise} at the sound destination"))?;
                Ok("a run of the sound one")
            }
            _ => match self.sync(0, true) {
                Err(Break::Broken(promise)) => Err(promise),
                Err(Break::Died) => Ok("the death of a run"),
                Ok(()) => Ok("a run of the troubled one"),
            },
        }
    }

    fn edit(&mut self) {
        let member = u32::try_from(self.dice.below(MEMBERS)).unwrap();
        let value = if self.dice.percent(12) { BAD } else { u8::try_from(self.dice.below(3)).unwrap() };
        self.revision += 1;
        self.revisions.insert(member, self.revision);
        if self.dice.percent(30) {
            self.audience.remove(&member);
        } else {
            self.audience.insert(member, value);
        }
    }

    /// A run is a process: it knows what was written, and nothing else.
    fn restart(&mut self, at: usize) {
        let (side, fresh) = (&mut self.sides[at], Pace::new(REQUESTS, PER_MS));
        side.pace = match side.kept.clone().filter(|_| self.plant != Plant::PaceIsForgotten) {
            Some(kept) => fresh.with_kept(kept, self.now_ms, WAIT_MS_MAX),
            None => fresh,
        };
    }

    /// Looks at a connection as a run does before it begins.
    fn look(&self, at: usize) -> Seen {
        self.reader.snapshot(|reader| Ok(self.look_with(at, reader))).expect("it is read")
    }

    fn look_with(&self, at: usize, reader: &Reader) -> Seen {
        let side = &self.sides[at];
        let known = ledger::find_link(reader, &side.name).expect("it is read").expect("it is there");
        let (held, in_doubt) = held::sets(reader, side.id).expect("it is read");
        let (refused, refused_removals) =
            ledger::refused(reader, side.id, &PLUGIN, known.settings_version).expect("it is read");
        let later = self.revisions.iter().filter(|(_, revision)| **revision > known.revision);
        let mut state = State {
            audience: self.audience.keys().copied().collect(),
            held,
            in_doubt,
            changed: later.map(|(member, _)| *member).collect(),
            refused,
            refused_removals,
            ..State::default()
        };
        let version = (PLUGIN.as_slice(), known.settings_version);
        state.due = waiting::updates_refused_before(reader, side.id, version, "").expect("it is read");
        let sort = |row: waiting::Waiter| {
            let set = if is_due(row.due_ms, self.now_ms, WAIT_MS_MAX) { &mut state.due } else { &mut state.waiting };
            set.insert(row.profile);
        };
        waiting::each(reader, side.id, sort).expect("it is read");
        let row = |member| held::get(reader, side.id, member).expect("it is read").expect("it is there");
        let rows = state.held.iter().map(|member| (member, row(member))).collect();
        Seen { found: candidates(&state, true), state, rows }
    }

    /// A run of one connection.
    fn sync(&mut self, at: usize, may_die: bool) -> Result<(), Break> {
        let (id, name, now_ms, digest) = (self.sides[at].id, self.sides[at].name.clone(), self.now_ms, [self.settings]);
        self.restart(at);
        self.dies(may_die, 2)?;
        let version = written(self.store, move |tx| {
            let link = ledger::link(tx, &name, &digest)?;
            ledger::settle_orphans(tx, id, now_ms)?;
            waiting::bring_back(tx, id, now_ms, WAIT_MS_MAX)?;
            waiting::try_for(tx, id, &digest, now_ms)?;
            Ok(link.settings_version)
        });
        let (seen, revision) = (self.look(at), self.revision);
        let (mut same, mut sent) = (RoaringBitmap::new(), Vec::new());
        for member in &seen.found.added | &seen.found.updated {
            let value = self.audience[&member];
            let is_same = seen.rows.get(&member).is_some_and(|row| row.hash == Some(hash(value)));
            if is_same && self.plant != Plant::NoMemory {
                same.insert(member);
            } else {
                let change = if seen.found.added.contains(member) { Change::Added } else { Change::Updated };
                sent.push(Item { member, change, value });
            }
        }
        written(self.store, move |tx| waiting::clear_listed(tx, id, &same));
        let gone: Vec<Item> =
            seen.found.removed.iter().map(|member| Item { member, change: Change::Removed, value: 0 }).collect();
        let (mut complete, mut touched) = (true, BTreeSet::new());
        for lot in gone.chunks(LOT).chain(sent.chunks(LOT)) {
            if !lot.iter().all(|item| touched.insert(item.member)) {
                return Err(Break::Broken("P3: somebody is in two lots of one run".to_owned()));
            }
            if complete {
                complete = self.lot(at, lot, &seen.rows, version, may_die)?;
            }
        }
        let overtaken = &seen.state.waiting & &seen.state.changed;
        if complete && overtaken.is_empty() || self.plant == Plant::RevisionTooEarly {
            written(self.store, move |tx| ledger::set_revision(tx, id, revision));
        }
        Ok(())
    }

    /// Delivers a lot and everything that follows from it; tells whether the run may go on.
    fn lot(
        &mut self,
        at: usize,
        lot: &[Item],
        rows: &BTreeMap<u32, Held>,
        version: u64,
        may_die: bool,
    ) -> Result<bool, Break> {
        let fresh = Trail { attempt: 1, waited_ms: 0, may_have_left: false, refused: false };
        let mut queue = VecDeque::from([(lot.to_vec(), fresh)]);
        while let Some((items, trail)) = queue.pop_front() {
            if !self.passes(at) {
                return Ok(false);
            }
            let delivery = self.intend(at, &items, rows, version, may_die)?;
            let (dice, side) = (&mut self.dice, &mut self.sides[at]);
            let answer = side.destination.answer(&items, dice, side.trouble)?;
            self.dies_in_flight(at, &items, may_die)?;
            let mut report = answer.report;
            let lost = |outcome: &Outcome| *outcome == Outcome::Unknown;
            let planted = match self.plant {
                Plant::LostIsDelivered => Some(Outcome::Delivered),
                Plant::LostIsUndone => Some(Outcome::Deferred { after_ms: 0 }),
                _ => None,
            };
            let mut left = answer.left;
            if let Some(outcome) = planted
                && report.fates.iter().any(|fate| lost(&fate.outcome))
            {
                report.fates.iter_mut().for_each(|fate| fate.outcome = outcome.clone());
                left = false;
            }
            if let Verdict::Throttled { after_ms, .. } = &report.verdict {
                self.sides[at].pace.hold(self.now_ms, *after_ms);
            }
            let standing = Standing { members: items.len(), idempotent: true, refused_before: trail.refused };
            let mut decision = decide(report, standing);
            let again = follow_ups(&mut decision, trail, left, self.dice.below(u64::MAX));
            let repeated: Vec<u32> = again.iter().flat_map(|(members, ..)| members.clone()).collect();
            let finished: usize = decision.finished.iter().map(|(members, _)| members.len()).sum();
            if finished + repeated.len() != items.len() {
                let outcomes = finished + repeated.len();
                return Err(Break::Broken(format!("P1: {} members have {outcomes} outcomes", items.len())));
            }
            let done = Done { delivery, finished: decision.finished, again: repeated, left, trail };
            self.settle(at, &items, rows, version, done, may_die)?;
            if decision.pause.is_some() {
                return Ok(false);
            }
            for (members, trail, after_ms, halved) in again {
                let part: Vec<Item> = members.iter().map(|at| items[*at as usize]).collect();
                self.now_ms += after_ms;
                let cut = if halved { part.len().div_ceil(2) } else { part.len() };
                queue.extend(part.chunks(cut.max(1)).map(|part| (part.to_vec(), trail)));
            }
        }
        Ok(true)
    }

    /// Waits for the pace; `false` where that takes too long for a run.
    fn passes(&mut self, at: usize) -> bool {
        let side = &mut self.sides[at];
        while side.pace.reserve(self.now_ms).is_err() {
            let wait_ms = side.pace.wait(self.now_ms).max(1);
            if wait_ms > super::settling::PATIENCE_MS {
                return false;
            }
            self.now_ms += wait_ms;
        }
        if let Some(cover) = side.pace.uncovered() {
            side.kept = Some(side.pace.kept(self.now_ms, cover.ahead));
            side.pace.cover(cover);
        }
        side.pace.leave(self.now_ms);
        side.left.push((self.jumps, self.now_ms));
        true
    }

    fn intend(
        &mut self,
        at: usize,
        items: &[Item],
        rows: &BTreeMap<u32, Held>,
        version: u64,
        may_die: bool,
    ) -> Result<i64, Break> {
        let (link, run, at_ms, plant) = (self.sides[at].id, self.run, self.now_ms, self.plant);
        let members: RoaringBitmap = items.iter().map(|item| item.member).collect();
        let doubtful = |item: &Item| Held {
            profile: item.member,
            hash: None,
            version,
            ..rows.get(&item.member).cloned().unwrap_or_default()
        };
        let doubtful: Vec<Held> = items.iter().map(doubtful).collect();
        let fails = may_die && self.dice.percent(2);
        let intended = write(self.store, move |tx| {
            if plant != Plant::NoIntent {
                held::put(tx, link, &doubtful)?;
            }
            let intent = Intent {
                run,
                link,
                operation: "sync",
                label: "prepared",
                request_key: "key",
                members: &members,
                attempt: 1,
                plugin_digest: &PLUGIN,
                version,
                at_ms,
            };
            let number = ledger::intend(tx, &intent)?;
            if fails { Err(Error::Broken("the disk is full")) } else { Ok(number) }
        });
        let number = intended.map_err(|_| Break::Died)?;
        self.dies_in_flight(at, items, may_die)?;
        Ok(number)
    }

    /// Writes how a delivery ended, in one transaction.
    fn settle(
        &mut self,
        at: usize,
        items: &[Item],
        rows: &BTreeMap<u32, Held>,
        version: u64,
        done: Done,
        may_die: bool,
    ) -> Result<(), Break> {
        let fails = may_die && self.dice.percent(2);
        let settling = Settling {
            link: self.sides[at].id,
            run: self.run,
            at_ms: self.now_ms,
            version,
            items: items.to_vec(),
            rows: rows.clone(),
            done,
        };
        let settled = write(self.store, move |tx| {
            settling.carry_out(tx)?;
            if fails { Err(Error::Broken("the disk is full")) } else { Ok(()) }
        });
        if settled.is_err() {
            self.sides[at].destination.doubt(items);
            return Err(Break::Died);
        }
        self.dies(may_die, 4)
    }

    fn dies(&mut self, may_die: bool, chance: u64) -> Result<(), Break> {
        if may_die && self.dice.percent(chance) { Err(Break::Died) } else { Ok(()) }
    }

    /// Dies with a request under way, of which nobody will know what it did.
    fn dies_in_flight(&mut self, at: usize, items: &[Item], may_die: bool) -> Result<(), Break> {
        let died = self.dies(may_die, 4);
        if died.is_err() {
            self.sides[at].destination.doubt(items);
        }
        died
    }

    /// What must be true at every moment.
    fn check(&self) -> Result<(), String> {
        for (at, side) in self.sides.iter().enumerate() {
            let Seen { state, found, rows } = self.look(at);
            let there = &side.destination.there;
            if let Some(member) = there.keys().find(|member| !state.held.contains(**member)) {
                return Err(format!("P1: {member} is at the destination, and nobody knows"));
            }
            let believed = rows.iter().filter_map(|(member, row)| Some((member, row.hash?)));
            for (member, believed) in believed {
                if there.get(member).copied().map(hash) != Some(believed) {
                    return Err(format!("P1: {member} counts as delivered, and the destination has something else"));
                }
            }
            let visible = &state.waiting | &state.due | &state.refused | &state.refused_removals;
            let looked_at = &found.added | &found.updated | &found.removed;
            for (member, value) in &self.audience {
                let is_well = rows.get(member).is_some_and(|row| row.hash == Some(hash(*value)));
                if !is_well && !looked_at.contains(*member) && !visible.contains(*member) {
                    return Err(format!("P9: {member} is not as it should be, and nothing says so"));
                }
            }
            let lost = |member: &&u32| {
                !self.audience.contains_key(member) && !looked_at.contains(**member) && !visible.contains(**member)
            };
            if let Some(member) = there.keys().find(lost) {
                return Err(format!("P1: {member} stays though nobody wants it there"));
            }
            let window = |(jumps, from): &(u32, u64)| {
                let to = from + u64::from(PER_MS);
                side.left.iter().filter(|(other, at)| other == jumps && (*from..to).contains(at)).count()
            };
            if side.left.iter().any(|one| window(one) > REQUESTS as usize) {
                return Err(format!("P4: more than {REQUESTS} requests within {PER_MS} ms"));
            }
        }
        Ok(())
    }

    /// Whether a destination has the audience, less those whom it refuses.
    fn exact(&self, at: usize) -> Result<(), String> {
        let there = &self.sides[at].destination.there;
        for (member, value) in self.audience.iter().filter(|(_, value)| **value != BAD) {
            if there.get(member) != Some(value) {
                let Seen { state, rows, .. } = self.look(at);
                let row = rows.get(member).map(|row| row.hash);
                return Err(format!("{member} is {:?} instead of {value}: held {row:?}, {state:?}", there.get(member)));
            }
        }
        match there.keys().find(|member| !self.audience.contains_key(member)) {
            Some(member) => Err(format!("{member} should have left")),
            None => Ok(()),
        }
    }
}

fn write<T: Send + 'static>(
    store: &Store,
    write: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    store.submit_relaxed(write)?.wait()
}

fn written<T: Send + 'static>(
    store: &Store,
    to_write: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
) -> T {
    write(store, to_write).expect("the store is written")
}

/// The first of these seeds at which a promise is broken, and which.
fn first_broken(seeds: std::ops::Range<u64>, plant: Plant) -> Option<(u64, String)> {
    let mut seeds = seeds.peekable();
    while seeds.peek().is_some() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("state")).expect("a store");
        for seed in seeds.by_ref().take(usize::try_from(SEEDS_PER_STORE).unwrap()) {
            if let Err(promise) = Simulation::new(&store, seed, plant).live() {
                return Some((seed, promise));
            }
        }
    }
    None
}

#[test]
fn simulated_lives_break_no_promise() {
    if let Some(seed) = option_env!("SIMULATE_SEED") {
        let seed = seed.parse().expect("SIMULATE_SEED is a number");
        assert_eq!(first_broken(seed..seed + 1, Plant::Nothing), None);
        return;
    }
    let seeds: u64 = option_env!("SIMULATE_SEEDS").map_or(SEEDS, |seeds| seeds.parse().expect("a number"));
    let half = seeds / 2;
    let found = std::thread::scope(|scope| {
        let first = scope.spawn(move || first_broken(0..half, Plant::Nothing));
        let second = first_broken(half..seeds, Plant::Nothing);
        first.join().expect("it ends").or(second)
    });
    assert!(found.is_none(), "SIMULATE_SEED={}: {}", found.as_ref().unwrap().0, found.as_ref().unwrap().1);
}

#[test]
fn a_simulated_life_finds_each_defect_that_is_planted() {
    for (plant, promise) in [
        (Plant::NoIntent, "P1"),
        (Plant::LostIsDelivered, "P1"),
        (Plant::LostIsUndone, "P1"),
        (Plant::RevisionTooEarly, "P9"),
        (Plant::PaceIsForgotten, "P4"),
        (Plant::NoMemory, "P2"),
    ] {
        let found = first_broken(0..500, plant);
        assert!(found.as_ref().is_some_and(|(_, broken)| broken.starts_with(promise)), "{plant:?}: {found:?}");
        // The same seed finds it again.
        let (seed, broken) = found.unwrap();
        assert_eq!(first_broken(seed..seed + 1, plant), Some((seed, broken)));
    }
}
