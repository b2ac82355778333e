//! A seeded simulator: real runs (`run::side_by_side`, with everything below it: snapshot, cutter, dispatch, gates, breaker,
//! settlement, ledger) in virtual time, at a destination that does what chance says, among ends of the process at any crash
//! point, failing commits, restarts, jumps of the clock and edits of people and configuration. What was promised is checked
//! behind every step.
//!
//! Only the plugin and what is behind the way out are played (`played.rs`). A failure prints its seed:
//! `SIMULATE_SEED=… cargo nextest run -p enroute-sync simulated` takes that one again, and `SIMULATE_SEEDS=10000` in the
//! same place is the long way. `docs/guarantees.md` says how long it takes.

use std::collections::BTreeMap;

use enroute_core::diff::Candidates;
use enroute_core::retry::WAIT_MS_MAX;
use enroute_store::held::{self, Held};
use enroute_store::ledger;
use enroute_store::{Reader, pace};

use super::chance::{Dice, die_at};
use super::played::{BAD, Lie, UNFIT};
use super::stage::{Ground, PER_MS, Person, REQUESTS, Side, import, run_once};
use crate::change::enrich::fingerprint;
use crate::change::snapshot::{self, Seen, Snapshot};
use crate::clock::Clock;
use crate::run::options::Options;
use crate::setup::link::Link;

/// Members of the small world.
const MEMBERS: u64 = 6;
const DAY_MS: u64 = 86_400_000;
const START_MS: u64 = 1_795_392_000_000;
/// Lives in a run of the tests; `SIMULATE_SEEDS` asks for more.
const SEEDS: u64 = 400;
/// Lives that share a file, so that it stays small.
const LIVES_PER_STORE: u64 = 50;
/// Quiet runs behind a life: so many at least, and at most until everything must have come right.
const ROUNDS_MIN: u32 = 3;
const ROUNDS_MAX: u32 = 14;
/// Points of a run at which it can end; there are more in a long one.
const POINTS_MAX: u64 = 60;

/// A defect that is planted on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    Nothing,
    /// Who may be at the destination is forgotten with the process.
    NoIntent,
    /// A lost request counts as success.
    LostIsDone,
    /// A request that took effect counts as one that never left.
    DoneIsUnsent,
    /// Changes count as looked at though a run ended early.
    RevisionTooEarly,
    /// The pace is forgotten with the process.
    PaceIsForgotten,
    /// What was confirmed is not remembered.
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

/// What is known of a connection.
struct Known {
    link: Link,
    snapshot: Snapshot,
    rows: BTreeMap<u32, Held>,
    /// Numbers of the members' profiles.
    numbers: BTreeMap<u64, u32>,
}

struct Simulation<'a> {
    ground: &'a mut Ground,
    dice: Dice,
    seed: u64,
    plant: Plant,
    now_ms: u64,
    people: BTreeMap<u64, Person>,
    settings: u8,
    sides: [Side; 2],
    /// Runs so far.
    runs: u64,
}

impl<'a> Simulation<'a> {
    fn new(ground: &'a mut Ground, seed: u64, plant: Plant) -> Self {
        let audience = format!("life{seed}");
        // Where two requests may be under way, chance also decides which of them comes first.
        let concurrency = if seed % 4 == 3 { 2 } else { 1 };
        let sides = [Side::new(&audience, "troubled", 45, concurrency), Side::new(&audience, "sound", 0, 2)];
        let lie = match plant {
            Plant::LostIsDone => Lie::LostIsDone,
            Plant::DoneIsUnsent => Lie::DoneIsUnsent,
            _ => Lie::None,
        };
        sides[0].far().lie = lie;
        Self {
            ground,
            dice: Dice(seed),
            seed,
            plant,
            now_ms: START_MS,
            people: BTreeMap::new(),
            settings: 0,
            sides,
            runs: 0,
        }
    }

    /// A life of some steps, then quiet, in which everything must come right.
    fn live(mut self) -> Result<(), String> {
        let steps = 6 + self.dice.below(10);
        for _ in 0..steps {
            let what = self.step()?;
            self.check().map_err(|promise| format!("{promise}, after {what}"))?;
        }
        self.sides[0].far().trouble = 0;
        for round in 0..ROUNDS_MAX {
            // Nobody is to be looked at and nobody waits: a further run would do nothing.
            if round >= ROUNDS_MIN && (0..2).all(|at| self.is_quiet(at)) {
                break;
            }
            // Behind the first run nobody waits longer than the longest wait there is, whatever the clock has noted.
            self.now_ms += if round == 0 { 70_000 } else { WAIT_MS_MAX };
            for at in 0..2 {
                match self.sync(at, 0) {
                    Err(Break::Broken(promise)) => return Err(promise),
                    Err(Break::Died) => return Err("nothing kills a quiet run".to_owned()),
                    Ok(()) => self.check()?,
                }
            }
        }
        (0..2).try_for_each(|at| self.exact(at).map_err(|promise| format!("P1: {promise}, though all is quiet")))
    }

    fn step(&mut self) -> Result<&'static str, String> {
        match self.dice.below(10) {
            0..4 => {
                for _ in 0..=self.dice.below(3) {
                    self.edit();
                }
                Ok("an edit of the people")
            }
            4 => {
                self.settings = self.settings.wrapping_add(1);
                Ok("an edit of the configuration")
            }
            5 => {
                let by = [1_000, 3_600_000, DAY_MS, 400 * DAY_MS][usize::try_from(self.dice.below(4)).unwrap()];
                self.now_ms = if self.dice.percent(50) { self.now_ms + by } else { self.now_ms.saturating_sub(by) };
                self.sides.iter().for_each(|side| side.far().jumps += 1);
                Ok("a jump of the clock")
            }
            6 => {
                self.now_ms += self.dice.below(600_000);
                Ok("a pause")
            }
            7 => {
                if let Err(Break::Broken(promise)) = self.sync(1, 0) {
                    return Err(promise);
                }
                // What goes wrong elsewhere is none of its business.
                self.exact(1).map_err(|promise| format!("P6: {promise} at the sound destination"))?;
                Ok("a run of the sound one")
            }
            _ => {
                let dies = if self.dice.percent(50) { 1 + self.dice.below(POINTS_MAX) } else { 0 };
                match self.sync(0, u32::try_from(dies).unwrap()) {
                    Err(Break::Broken(promise)) => Err(promise),
                    Err(Break::Died) => Ok("the death of a run"),
                    Ok(()) => Ok("a run of the troubled one"),
                }
            }
        }
    }

    fn key(&self, member: u64) -> String {
        format!("l{}m{member}", self.seed)
    }

    fn edit(&mut self) {
        let member = self.dice.below(MEMBERS);
        let note = match self.dice.below(100) {
            0..12 => BAD.to_owned(),
            12..20 => UNFIT.to_owned(),
            number => format!("note {}", number % 3),
        };
        let is_leaving = self.dice.percent(30);
        let moves = self.dice.percent(15);
        if is_leaving {
            self.people.remove(&member);
        } else {
            self.people.insert(member, Person { email: email(member, u8::from(moves)), note });
        }
        let (key, audience) = (self.key(member), self.sides[0].name().audience);
        import(self.ground.store(), &key, &audience, self.people.get(&member));
    }

    /// A run of one connection, which ends at the `dies`-th point that it meets, or at none where that is 0.
    fn sync(&mut self, at: usize, dies: u32) -> Result<(), Break> {
        self.runs += 1;
        let (side, settings) = (&self.sides[at], self.settings);
        side.far().begin(self.seed << 20 | self.runs);
        let clock = Clock::starting_at(self.now_ms);
        let before = (self.plant == Plant::NoIntent).then(|| self.known(at).rows);
        let name = side.name();
        let digest = side.link(self.ground.store(), &clock, settings, &ledger::Link::default()).settings_digest();
        let known = self.ground.written(move |tx| ledger::link(tx, &name, &digest));
        let link = side.link(self.ground.store(), &clock, settings, &known);
        let id = link.id;
        let waits = dies == 0 && self.dice.percent(20);
        let options = Options { clock: clock.clone(), allow_empty: true, wait: waits, ..Options::default() };
        // Either the thread of the run dies, or the one that writes.
        let (of_run, of_writer) = if dies.is_multiple_of(2) { (dies / 2, 0) } else { (0, dies / 2 + 3) };
        self.ground.written(move |_| {
            die_at(of_writer);
            Ok(())
        });
        die_at(of_run);
        let ended = run_once(self.ground.store(), &options, vec![link]);
        die_at(0);
        self.now_ms = clock.now_ms();
        if ended.is_err() {
            self.ground.restart();
            let Known { snapshot, numbers, .. } = self.known(at);
            let intended = numbers.into_iter().filter(|(_, number)| snapshot.state.in_doubt.contains(*number));
            let intended = intended.flat_map(|(member, _)| [0, 1].map(|edition| email(member, edition)));
            self.sides[at].far().died(intended.collect());
        } else {
            self.ground.written(|_| {
                die_at(0);
                Ok(())
            });
        }
        self.spoil(id, before);
        if let Some(promise) = self.sides[at].far().broken.take() {
            return Err(Break::Broken(promise));
        }
        match ended {
            Ok(report) if report.connections.iter().all(|link| link.adds_up) => Ok(()),
            Ok(report) => Err(Break::Broken(format!("P1: outcomes do not add up: {report:?}"))),
            Err(_) if dies > 0 => Err(Break::Died),
            Err(error) => Err(Break::Broken(format!("a run failed by itself: {error}"))),
        }
    }

    /// Plants the defect that is one of what is remembered.
    fn spoil(&self, link: i64, before: Option<BTreeMap<u32, Held>>) {
        let far_future = u64::MAX >> 2;
        match (self.plant, before) {
            (Plant::PaceIsForgotten, _) => self.ground.written(move |tx| pace::forget_old(tx, far_future)),
            (Plant::RevisionTooEarly, _) => {
                self.ground.written(move |tx| ledger::set_revision(tx, link, tx.revision()?))
            }
            (Plant::NoIntent, Some(before)) => {
                let reader = self.ground.reader();
                let (held, in_doubt) = held::sets(reader, link).expect("it is read");
                let fresh = (held & in_doubt).into_iter().filter(|one| !before.contains_key(one)).collect::<Vec<_>>();
                self.ground.written(move |tx| held::forget(tx, link, fresh));
            }
            (Plant::NoMemory, _) => {
                let reader = self.ground.reader();
                let (held, in_doubt) = held::sets(reader, link).expect("it is read");
                let row = |one| held::get(reader, link, one).expect("it is read").expect("it is there");
                let rows: Vec<Held> =
                    (held - in_doubt).into_iter().map(|one| Held { again: true, ..row(one) }).collect();
                self.ground.written(move |tx| held::put(tx, link, &rows));
            }
            _ => {}
        }
    }

    /// Looks at a connection as a run does before it begins.
    fn known(&self, at: usize) -> Known {
        let (store, reader, side) = (self.ground.store(), self.ground.reader(), &self.sides[at]);
        let known = ledger::find_link(reader, &side.name()).expect("it is read").unwrap_or_default();
        let link = side.link(store, &Clock::starting_at(self.now_ms), self.settings, &known);
        let seen = Seen { revision: known.revision, ..Seen::default() };
        let snapshot = snapshot::take(reader, &link, seen, self.now_ms).expect("it is read");
        let row = |one| held::get(reader, link.id, one).expect("it is read").expect("it is there");
        let rows = snapshot.state.held.iter().map(|one| (one, row(one))).collect();
        Known { rows, numbers: self.numbers(reader), link, snapshot }
    }

    fn numbers(&self, reader: &Reader) -> BTreeMap<u64, u32> {
        let number = |member| Some((member, reader.profile(&self.key(member)).expect("it is read")?.id));
        (0..MEMBERS).filter_map(number).collect()
    }

    /// Whether a run would find nobody to look at, and nobody waits.
    fn is_quiet(&self, at: usize) -> bool {
        let Known { snapshot, .. } = self.known(at);
        let state = &snapshot.state;
        let waits = state.waiting.is_empty() && state.due.is_empty() && state.in_doubt.is_empty();
        waits && snapshot.candidates == Candidates::default() && self.exact(at).is_ok()
    }

    /// What must be true at every moment.
    fn check(&self) -> Result<(), String> {
        (0..2).try_for_each(|at| {
            self.check_people(at)?;
            let far = self.sides[at].far();
            let window = |(jumps, from): &(u32, u64)| {
                let to = from + u64::from(PER_MS);
                far.left.iter().filter(|(other, at)| other == jumps && (*from..to).contains(at)).count()
            };
            match far.left.iter().any(|one| window(one) > REQUESTS as usize) {
                true => Err(format!("P4: more than {REQUESTS} requests within {PER_MS} ms")),
                false => Ok(()),
            }
        })
    }

    fn check_people(&self, at: usize) -> Result<(), String> {
        let Known { link, snapshot, rows, numbers } = self.known(at);
        let (state, found) = (&snapshot.state, &snapshot.candidates);
        let there = self.sides[at].far().there.clone();
        let visible = &state.waiting | &state.due | &state.refused | &state.refused_removals | &state.in_doubt;
        let looked_at = &found.added | &found.updated | &found.removed;
        for (member, number) in &numbers {
            let under: Vec<(&String, &String)> = there.iter().filter(|(who, _)| is_of(who, *member)).collect();
            let (row, person) = (rows.get(number), self.people.get(member));
            if !under.is_empty() && row.is_none() {
                return Err(format!("P1: {member} is at the destination, and nobody knows"));
            }
            let believed = row.and_then(|row| row.hash);
            if believed.is_some() && under.len() != 1 {
                return Err(format!("P1: {member} counts as delivered, and is there {} times", under.len()));
            }
            let is_well = believed.is_some() && person.map(|person| fingerprint_of(&link, person)) == believed;
            if let (true, Some(person)) = (is_well, person)
                && under != [(&person.email, &person.note)]
            {
                return Err(format!("P1: {member} counts as delivered, and the destination has something else"));
            }
            if person.is_some() && !is_well && !looked_at.contains(*number) && !visible.contains(*number) {
                return Err(format!("P9: {member} is not as it should be, and nothing says so"));
            }
            if person.is_none() && !under.is_empty() && !looked_at.contains(*number) && !visible.contains(*number) {
                return Err(format!("P1: {member} stays though nobody wants it there"));
            }
        }
        Ok(())
    }

    /// Whether a destination has the audience, less those whom it refuses.
    fn exact(&self, at: usize) -> Result<(), String> {
        let there = self.sides[at].far().there.clone();
        for member in 0..MEMBERS {
            let under: Vec<(&String, &String)> = there.iter().filter(|(who, _)| is_of(who, member)).collect();
            let person = self.people.get(&member);
            // Whom the destination refuses stays there as before, or not at all.
            if person.is_some_and(|person| person.note == BAD) {
                continue;
            }
            let expect = person.filter(|person| person.note != UNFIT).map(|person| (&person.email, &person.note));
            if under != expect.into_iter().collect::<Vec<_>>() {
                let Known { snapshot, rows, numbers, .. } = self.known(at);
                let row = numbers.get(&member).and_then(|number| rows.get(number)).map(|row| row.hash);
                let state = snapshot.state;
                return Err(format!("{member} is {under:?} instead of {expect:?}: held {row:?}, {state:?}"));
            }
        }
        Ok(())
    }
}

/// One of the two addresses that somebody has in the course of a life.
fn email(member: u64, edition: u8) -> String {
    format!("m{member}.{edition}@example.com")
}

fn is_of(email: &str, member: u64) -> bool {
    email.starts_with(&format!("m{member}."))
}

fn fingerprint_of(link: &Link, person: &Person) -> [u8; 16] {
    let json = |text: &str| serde_json::to_string(text).expect("it is written");
    let (email, note) = (json(&person.email), json(&person.note));
    fingerprint(link, &[Some(&email), Some(&note)])
}

/// The first of these seeds at which a promise is broken, and which.
fn first_broken(seeds: std::ops::Range<u64>, plant: Plant) -> Option<(u64, String)> {
    let mut ground = Ground::new();
    for seed in seeds {
        if seed % LIVES_PER_STORE == 0 {
            ground = Ground::new();
        }
        if let Err(promise) = Simulation::new(&mut ground, seed, plant).live() {
            return Some((seed, promise));
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
        (Plant::LostIsDone, "P1"),
        (Plant::DoneIsUnsent, "P1"),
        (Plant::RevisionTooEarly, "P9"),
        (Plant::PaceIsForgotten, "P4"),
        (Plant::NoMemory, "P2"),
    ] {
        let found = first_broken(0..200, plant);
        assert!(found.as_ref().is_some_and(|(_, broken)| broken.starts_with(promise)), "{plant:?}: {found:?}");
        // The same seed finds it again.
        let (seed, broken) = found.unwrap();
        assert_eq!(first_broken(seed..seed + 1, plant), Some((seed, broken)));
    }
}
