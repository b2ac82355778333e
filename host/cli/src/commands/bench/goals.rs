//! What is aimed at, beside what was reached: always ratios within one run, so that the machine does not matter.

use serde::Serialize;

use crate::commands::bench::days::{DELTA, IMPORT, ONE_PROFILE, PLAN, PROFILES, SQLITE, SYNC, UNCHANGED};
use crate::commands::bench::figures::{Figure, Figures};
use crate::commands::bench::peer::Peer;
use crate::commands::bench::scale::{self, SCALE};
use crate::commands::bench::serve::{ACCEPTED, ANSWERS, APPLIED, ARRIVES, IDLE, READY, SERVE};
use crate::commands::bench::start::{CHECK, START};
use crate::commands::bench::transform::{SANDBOX, TRANSFORM};
use crate::commands::bench::wire::{BARE, END_TO_END, WIRE};

/// A goal, and what was reached.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Goal {
    /// What is measured.
    pub(super) measure: String,
    /// The destination or subject; empty where there is one only.
    pub(super) subject: String,
    /// `at least` or `at most`.
    pub(super) bound: &'static str,
    pub(super) goal: f64,
    pub(super) reached: f64,
    /// `×`, `%`, `ms`, `MiB` or `/s`.
    pub(super) unit: &'static str,
    /// How far the goal is exceeded; less than one where it is missed.
    pub(super) ratio: f64,
}

const AT_LEAST: &str = "at least";
const AT_MOST: &str = "at most";

impl Goal {
    fn new(
        (measure, subject): (&str, &str),
        (bound, goal, unit): (&'static str, f64, &'static str),
        reached: Option<f64>,
    ) -> Option<Self> {
        let reached = reached.filter(|reached| reached.is_finite())?;
        let ratio = if bound == AT_LEAST { reached / goal } else { goal / reached };
        Some(Self { measure: measure.to_owned(), subject: subject.to_owned(), bound, goal, reached, unit, ratio })
    }
}

/// Every goal for which something was measured.
pub(super) fn reached(figures: &Figures, peers: &[Peer], members: u64) -> Vec<Goal> {
    let mut goals: Vec<Goal> = peers.iter().flat_map(|peer| beside(peer, figures)).collect();
    goals.extend(figures.of(PLAN).filter_map(|plan| {
        let sandbox = cpu_us(figures, SANDBOX, &plan.subject)?;
        let own = plan.cpu_us_a_member()? - sandbox;
        Goal::new((OWN_WORK, &plan.subject), (AT_MOST, 1.5, "×"), Some(own / sandbox))
    }));
    goals.extend(within(figures));
    for (scenario, goal) in [(UNCHANGED, 0.5), (DELTA, 1.0)] {
        goals.extend(figures.of(scenario).filter_map(|figure| {
            let first = figures.get(SYNC, &figure.subject)?.cpu_ms()?.best;
            let measure =
                if scenario == UNCHANGED { "unchanged sync ÷ first sync" } else { "0.1 % changed ÷ first sync" };
            let reached = 100.0 * figure.cpu_ms()?.best / first;
            Goal::new((measure, &figure.subject), (AT_MOST, goal, "%"), Some(reached))
        }));
    }
    goals.extend(growth(figures, members));
    goals.extend(serving(figures));
    goals
}

const OWN_WORK: &str = "the host's own work in `plan` ÷ the sandbox's";

/// Ours ÷ a peer's transform of the same rows.
fn beside(peer: &Peer, figures: &Figures) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (scenario, goal) in [(TRANSFORM, 10.0), (PLAN, 5.0), (SYNC, 2.0)] {
        for (destination, theirs) in peer.results() {
            // A tool whose own part does little leaves less to gain.
            let goal = if (scenario, destination) == (TRANSFORM, "braze") { 5.0 } else { goal };
            let ours = figures.get(scenario, destination).and_then(Figure::per_cpu_s);
            let measure = format!("{scenario} ÷ the peer's transform");
            goals.extend(Goal::new(
                (&measure, destination),
                (AT_LEAST, goal, "×"),
                ours.map(|ours| ours.best / theirs.best),
            ));
        }
    }
    goals
}

/// Goals that need no second size and no peer.
fn within(figures: &Figures) -> Vec<Goal> {
    let rate = |scenario, subject| Some(figures.get(scenario, subject)?.per_cpu_s()?.best);
    let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let wall = |scenario, subject| Some(figures.get(scenario, subject)?.wall_ms()?.best);
    let goals = [
        Goal::new(
            ("import ÷ SQLite's own import of the same lines, in CPU time", ""),
            (AT_MOST, 1.5, "×"),
            ratio(rate(IMPORT, SQLITE), rate(IMPORT, PROFILES)),
        ),
        Goal::new(
            ("end to end ÷ a bare client posting the same bytes, in CPU time", ""),
            (AT_LEAST, 0.5, "×"),
            ratio(rate(WIRE, END_TO_END), rate(WIRE, BARE)),
        ),
        Goal::new(
            ("one changed profile: import to request prepared", ""),
            (AT_MOST, 50.0, "ms"),
            wall(DELTA, ONE_PROFILE),
        ),
        Goal::new(("start with all plugins from the cache", ""), (AT_MOST, 100.0, "ms"), wall(START, CHECK)),
    ];
    goals.into_iter().flatten().collect()
}

/// What a host that stays reaches.
fn serving(figures: &Figures) -> Vec<Goal> {
    let rate = |subject| Some(figures.get(SERVE, subject)?.per_s()?.best);
    let ms = |subject| Some(figures.get(SERVE, subject)?.wall_ms()?.best);
    let idle = figures.get(SERVE, IDLE);
    let cpu = idle.and_then(|idle| Some(100.0 * idle.cpu_ms()?.best / idle.wall_ms()?.best));
    let memory = idle.and_then(|idle| idle.memory_mib).map(|mib| mib as f64);
    let [.., (_, slowest)] = ANSWERS;
    let goals = [
        Goal::new(("events accepted a second", ""), (AT_LEAST, 50_000.0, "/s"), rate(ACCEPTED)),
        Goal::new(("events applied a second", ""), (AT_LEAST, 10_000.0, "/s"), rate(APPLIED)),
        Goal::new((slowest, ""), (AT_MOST, 50.0, "ms"), ms(slowest)),
        Goal::new((ARRIVES, ""), (AT_MOST, 2_000.0, "ms"), ms(ARRIVES)),
        Goal::new(("CPU of an idle host", ""), (AT_MOST, 1.0, "%"), cpu),
        Goal::new(("memory of an idle host", ""), (AT_MOST, 150.0, "MiB"), memory),
        Goal::new((READY, ""), (AT_MOST, 1_000.0, "ms"), ms(READY)),
    ];
    goals.into_iter().flatten().collect()
}

/// What a member costs where there are more of them.
fn growth(figures: &Figures, members: u64) -> Vec<Goal> {
    let (small, large) = scale::sizes(members);
    let mut goals = Vec::new();
    for what in [IMPORT, SYNC] {
        let cost = |members| cpu_us(figures, SCALE, &scale::subject(what, members));
        let growth = cost(large).zip(cost(small)).map(|(large, small)| large / small);
        let measure = format!("CPU per member at {large} ÷ at {small}");
        goals.extend(Goal::new((&measure, what), (AT_MOST, 1.15, "×"), growth));
        let memory = figures.get(SCALE, &scale::subject(what, large)).and_then(|figure| figure.memory_mib);
        let measure = format!("memory at {large}");
        goals.extend(Goal::new((&measure, what), (AT_MOST, 512.0, "MiB"), memory.map(|mib| mib as f64)));
    }
    goals
}

fn cpu_us(figures: &Figures, scenario: &str, subject: &str) -> Option<f64> {
    figures.get(scenario, subject)?.cpu_us_a_member()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::commands::bench::measure::Cost;

    fn taken(entries: &[(&'static str, &str, u64, u64)]) -> Figures {
        let mut figures = Figures::default();
        for (scenario, subject, members, us) in entries {
            let time = Duration::from_micros(*us);
            figures.add(scenario, subject, (*members, 0), Cost { cpu: time, wall: time, instructions: None });
        }
        figures
    }

    #[track_caller]
    fn check(entries: &[(&'static str, &str, u64, u64)], expect: &[&str]) {
        let found = reached(&taken(entries), &[], 100);
        let told = |goal: &Goal| {
            let Goal { measure, subject, bound, goal: aim, reached, unit, ratio } = goal;
            format!("{measure} {subject}: {bound} {aim} {unit}, {reached:.2}, {ratio:.2}")
        };
        assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn only_what_was_measured_is_beside_its_goal() {
        check(&[], &[]);
        check(&[(PLAN, "braze", 10, 400)], &[]);
        check(
            &[(PLAN, "braze", 10, 400), (SANDBOX, "braze", 5, 50)],
            &["the host's own work in `plan` ÷ the sandbox's braze: at most 1.5 ×, 3.00, 0.50"],
        );
        check(
            &[(SYNC, "braze", 1_000, 100_000), (UNCHANGED, "braze", 1_000, 500), (DELTA, "braze", 1_000, 500)],
            &[
                "unchanged sync ÷ first sync braze: at most 0.5 %, 0.50, 1.00",
                "0.1 % changed ÷ first sync braze: at most 1 %, 0.50, 2.00",
            ],
        );
        check(
            &[(WIRE, END_TO_END, 100, 1_000), (WIRE, BARE, 100, 250)],
            &["end to end ÷ a bare client posting the same bytes, in CPU time : at least 0.5 ×, 0.25, 0.50"],
        );
        check(
            &[(SCALE, "import of 100", 100, 1_000), (SCALE, "import of 1000", 1_000, 20_000)],
            &["CPU per member at 1000 ÷ at 100 import: at most 1.15 ×, 2.00, 0.57"],
        );
    }
}
