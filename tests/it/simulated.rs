//! A seeded simulator of whole runs: the real `sync`, its plugins in the sandbox and the fakes behind their sockets, in
//! virtual time, among scripted faults of a destination, ends in the middle, restarts, jumps of the clock and edits of
//! people and configuration. What was promised is checked behind every step, with the fakes as judges.
//!
//! The pure decisions have a simulator with many more lives: `host/sync/src/tests/simulator.rs`. A failure here prints its
//! seed; `SIMULATE_RUN=… cargo nextest run -p enroute-tests simulated` takes that one again, and `SIMULATE_RUNS=1000` takes
//! so many. The script of a life comes from its seed alone; which of several requests under way arrives first does not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_fakes::{Fault, Recorded};
use enroute_host::catalog::sha256_hex;
use enroute_host::store::ledger::{self, LinkName};
use enroute_host::store::{Reader, Store, held};
use enroute_host::sync::{self, Clock, Halt, LinkState, Options, RunReport, Setup};
use serde_json::{Value, json};

use crate::support::{AUDIENCES, START_MS, World, gold, import_from, link, with};

/// Lives in a run of the tests.
const LIVES: u64 = 24;
/// People of a life; what happens to one happens to those beside it, so that there are several requests.
const PEOPLE: u64 = 160;
const TOGETHER: u64 = 20;
const DAY_MS: u64 = 86_400_000;

/// A defect that is planted on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    Nothing,
    /// What was written of a run that was cut off is lost.
    LostIntents,
    /// A success is reported of what had no effect.
    FalseSuccess,
}

/// Numbers from a seed, by `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What all lives share: the fakes, and the configuration in its two versions.
struct Stage {
    world: World,
    setups: [Setup; 2],
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let small = world.plugins_toml().replace("audience_id =", "batch_size = 50, audience_id =");
        world.write("plugins.toml", &small);
        let first = world.setup().await;
        world.write("audiences.toml", &AUDIENCES.replace("  \"ltv\",\n", ""));
        let second = world.setup().await;
        Self { world, setups: [first, second] }
    }
}

/// One life of an operator's folder.
struct Life<'a> {
    stage: &'a Stage,
    seed: u64,
    plant: Plant,
    dice: Dice,
    clock: Clock,
    state: PathBuf,
    /// Who is in the audience, with which first name.
    people: BTreeMap<u64, u64>,
    settings: usize,
}

impl<'a> Life<'a> {
    fn new(stage: &'a Stage, seed: u64, plant: Plant) -> Self {
        let state = stage.world.folder.path().join(format!("state-{seed}-{plant:?}"));
        let (dice, clock) = (Dice(seed), Clock::starting_at(START_MS));
        Self { stage, seed, plant, dice, clock, state, people: BTreeMap::new(), settings: 0 }
    }

    async fn live(mut self) -> Result<(), String> {
        self.edit();
        for _ in 0..5 + self.dice.below(4) {
            let what = self.step().await?;
            self.check().map_err(|promise| format!("{promise}, after {what}"))?;
        }
        self.quiet().await
    }

    /// All is well again: everything comes right, and then nothing is sent.
    async fn quiet(mut self) -> Result<(), String> {
        self.stage.world.braze.server().clear_faults();
        for _ in 0..6 {
            self.pass(2 * DAY_MS);
            self.run(Options { wait: true, ..self.options() }, false).await?;
            self.check()?;
        }
        for name in ["braze-eu", "facebook-ads"] {
            self.exact(name).map_err(|promise| format!("P1: {promise}, though all is quiet"))?;
        }
        self.stage.world.take_requests();
        self.run(self.options(), false).await?;
        let sent = self.stage.world.take_requests().len();
        if sent == 0 { Ok(()) } else { Err(format!("P2: {sent} requests though nothing has changed")) }
    }

    async fn step(&mut self) -> Result<&'static str, String> {
        match self.dice.below(10) {
            0..3 => {
                self.edit();
                Ok("an edit of the people")
            }
            3 => {
                self.settings = 1 - self.settings;
                Ok("an edit of the configuration")
            }
            4 => {
                let by = [1_000, 3_600_000, DAY_MS, 400 * DAY_MS][usize::try_from(self.dice.below(4)).unwrap()];
                let now_ms = self.clock.now_ms();
                let is_ahead = self.dice.below(2) == 0;
                self.clock = Clock::starting_at(if is_ahead { now_ms + by } else { now_ms.saturating_sub(by) });
                Ok("a jump of the clock")
            }
            5..8 => {
                self.faults();
                self.run(self.options(), false).await?;
                Ok("a run in trouble")
            }
            _ => {
                self.faults();
                self.run(self.options(), true).await?;
                Ok("a run that was cut off")
            }
        }
    }

    /// Whoever of the world stands together enters, changes, or leaves together.
    fn edit(&mut self) {
        for _ in 0..=self.dice.below(3) {
            let first = self.dice.below(PEOPLE / TOGETHER) * TOGETHER;
            let name = self.dice.below(4);
            for one in first..first + TOGETHER {
                if name == 3 {
                    self.people.remove(&one)
                } else {
                    self.people.insert(one, name)
                };
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.clock = Clock::starting_at(self.clock.now_ms() + ms);
    }

    fn options(&self) -> Options {
        Options { clock: self.clock.clone(), allow_empty: true, ..Options::default() }
    }

    /// Trouble that Braze makes in the next run.
    fn faults(&mut self) {
        let server = self.stage.world.braze.server();
        server.clear_faults();
        if self.plant == Plant::FalseSuccess {
            server.fault(Fault::once(Action::Answer(Reply::json(201, &json!({ "message": "success" })))));
        }
        for _ in 0..=self.dice.below(3) {
            let busy = Reply::text(429, "slow down").header("retry-after", "5");
            let actions = [
                Action::Reset,
                Action::CutBody,
                Action::Close,
                Action::Garbage,
                Action::Html,
                Action::Answer(busy),
                Action::Answer(Reply::text(503, "not now")),
                Action::Answer(Reply::text(500, "oops")),
            ];
            let action = actions[usize::try_from(self.dice.below(8)).unwrap()].clone();
            let (times, first) = (1 + self.dice.below(4), 1 + self.dice.below(3));
            server.fault(Fault::times(times, action).path("/users/track").from_call(first));
        }
    }

    /// A process from its start to its end: opens the store, imports, runs.
    async fn run(&self, options: Options, is_cut_off: bool) -> Result<(), String> {
        let world = &self.stage.world;
        let braze = world.braze.server();
        let before = self.state.with_extension("before");
        if self.plant == Plant::LostIntents && is_cut_off && self.state.exists() {
            copy(&self.state, &before);
        }
        let store = Arc::new(Store::open(&self.state).map_err(|error| format!("the store does not open: {error}"))?);
        world.people(&self.people.iter().map(|(number, name)| self.person(*number, *name)).collect::<Vec<_>>());
        import_from(&store, world.folder.path());
        self.forget_the_gone(&store);
        braze.clear();
        let halt = Halt::default();
        if is_cut_off {
            let nth = braze.seen() + 1;
            braze.fault(Fault::always(Action::Hang).path("/users/track"));
            let cut = halt.clone();
            let options = Options { halt, ..options.clone() };
            let report = sync::sync(&store, &self.stage.setups[self.settings], &options);
            tokio::pin!(report);
            let ended = tokio::select! {
                biased;
                ended = &mut report => Some(ended),
                () = braze.until_seen(nth) => None,
            };
            cut.cut_off();
            let ended = match ended {
                Some(ended) => ended,
                None => report.await,
            };
            self.judge(&ended.map_err(|error| error.to_string())?, true)?;
            braze.clear_faults();
        } else {
            let ended = sync::sync(&store, &self.stage.setups[self.settings], &options).await;
            self.judge(&ended.map_err(|error| error.to_string())?, false)?;
        }
        drop(store);
        if before.exists() {
            std::fs::remove_dir_all(&self.state).expect("it goes");
            std::fs::rename(&before, &self.state).expect("it comes back");
        }
        Ok(())
    }

    /// Whoever left the audience is still known, and has another plan.
    fn forget_the_gone(&self, store: &Store) {
        let gone = (0..PEOPLE).filter(|number| !self.people.contains_key(number));
        let gone: Vec<Value> = gone.map(|number| with(self.person(number, 0), "plan", json!("none"))).collect();
        self.stage.world.people(&gone);
        import_from(store, self.stage.world.folder.path());
    }

    fn person(&self, number: u64, name: u64) -> Value {
        with(gold(&self.id(number)), "firstName", json!(format!("Ann{name}")))
    }

    fn id(&self, number: u64) -> String {
        format!("{:?}{}u{number:03}", self.plant, self.seed).to_lowercase()
    }

    /// What must be true of a run.
    fn judge(&self, report: &RunReport, is_cut_off: bool) -> Result<(), String> {
        if let Some(link) = report.connections.iter().find(|link| !link.adds_up) {
            return Err(format!("P1: {} members do not add up: {link:#?}", link.destination));
        }
        let twice = twice_at_a_time(&self.stage.world.braze.server().requests());
        if !twice.is_empty() {
            return Err(format!("P3: in two requests at a time: {twice:?}"));
        }
        let sound = link(report, "facebook-ads");
        if !is_cut_off && sound.state != LinkState::Done {
            return Err(format!("P6: the sound one is {:?}: {:?}", sound.state, sound.reason));
        }
        if is_cut_off { Ok(()) } else { self.exact("facebook-ads").map_err(|promise| format!("P6: {promise}")) }
    }

    fn key(name: &str, id: &str) -> String {
        if name == "braze-eu" { id.to_owned() } else { sha256_hex(format!("{id}@example.com").as_bytes()) }
    }

    /// Who of this life is at a destination.
    fn there(&self, name: &str) -> BTreeSet<String> {
        let world = &self.stage.world;
        let all = if name == "braze-eu" { world.braze_members() } else { world.facebook_emails() };
        let is_there = |id: &String| all.contains(&Self::key(name, id));
        (0..PEOPLE).map(|number| self.id(number)).filter(is_there).collect()
    }

    /// What must be true at every moment: who is there is known, and who counts as delivered is there.
    fn check(&self) -> Result<(), String> {
        let Ok(reader) = Store::open_read(&self.state) else { return Ok(()) };
        for name in ["braze-eu", "facebook-ads"] {
            let (held, in_doubt) = self.held(&reader, name)?;
            let there = self.there(name);
            if let Some(id) = there.difference(&held).next() {
                return Err(format!("P1: {id} is at {name}, and nobody knows"));
            }
            let believed: BTreeSet<String> = held.difference(&in_doubt).cloned().collect();
            if let Some(id) = believed.difference(&there).next() {
                return Err(format!("P1: {id} counts as delivered to {name}, and is not there"));
            }
        }
        Ok(())
    }

    fn held(&self, reader: &Reader, name: &str) -> Result<(BTreeSet<String>, BTreeSet<String>), String> {
        let text = |error: enroute_host::store::Error| error.to_string();
        let link = LinkName { audience: "gold".to_owned(), destination: name.to_owned(), mapping: String::new() };
        let Some(link) = ledger::find_link(reader, &link).map_err(text)? else { return Ok(Default::default()) };
        let (held, in_doubt) = held::sets(reader, link.id).map_err(text)?;
        let (mut ids, mut doubtful) = (BTreeSet::new(), BTreeSet::new());
        for id in (0..PEOPLE).map(|number| self.id(number)) {
            let Some(profile) = reader.profile(&id).map_err(text)? else { continue };
            if in_doubt.contains(profile.id) {
                doubtful.insert(id.clone());
            }
            if held.contains(profile.id) {
                ids.insert(id);
            }
        }
        Ok((ids, doubtful))
    }

    /// Whether a destination has the audience.
    fn exact(&self, name: &str) -> Result<(), String> {
        let (expect, there): (BTreeSet<_>, _) =
            (self.people.keys().map(|one| self.id(*one)).collect(), self.there(name));
        let (missing, strangers) = (expect.difference(&there).count(), there.difference(&expect).count());
        if missing + strangers == 0 { Ok(()) } else { Err(format!("{name}: {missing} missing, {strangers} strangers")) }
    }
}

/// Who was in a request while another one with the same person was on its way.
fn twice_at_a_time(requests: &[Recorded]) -> BTreeSet<String> {
    let (mut until, mut twice) = (BTreeMap::<String, u64>::new(), BTreeSet::new());
    for request in requests {
        // One without an answer ended when the host saw that, of which the server knows nothing.
        let end = request.seen_when_answered.unwrap_or(request.sequence);
        let body = request.json().unwrap_or_default();
        for one in body["attributes"].as_array().into_iter().flatten() {
            let id = one["external_id"].as_str().unwrap_or_default().to_owned();
            if until.insert(id.clone(), end).is_some_and(|until| request.sequence < until) {
                twice.insert(id);
            }
        }
    }
    twice
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a file");
    }
}

/// The first of these seeds at which a promise is broken, and which.
async fn first_broken(seeds: Range<u64>, plant: Plant) -> Option<(u64, String)> {
    let stage = Stage::new().await;
    for seed in seeds {
        if let Err(promise) = Life::new(&stage, seed, plant).live().await {
            return Some((seed, promise));
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_runs_break_no_promise() {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let seeds = match option_env!("SIMULATE_RUN").map(number) {
        Some(seed) => seed..seed + 1,
        None => 0..option_env!("SIMULATE_RUNS").map_or(LIVES, number),
    };
    let found = first_broken(seeds, Plant::Nothing).await;
    assert!(found.is_none(), "SIMULATE_RUN={}: {}", found.as_ref().unwrap().0, found.as_ref().unwrap().1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_run_finds_each_defect_that_is_planted() {
    for plant in [Plant::LostIntents, Plant::FalseSuccess] {
        let found = first_broken(0..LIVES, plant).await;
        assert!(found.as_ref().is_some_and(|(_, broken)| broken.starts_with("P1")), "{plant:?}: {found:?}");
    }
}
