//! Figures with their spread, in the order in which they were first taken.

use std::time::Duration;

use serde::Serialize;

use crate::commands::bench::measure::{Cost, Spread};

/// What was measured of one subject in one scenario.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figure {
    pub(super) scenario: &'static str,
    /// A destination, a size, or what was done.
    pub(super) subject: String,
    /// Members in one round.
    pub(super) members: u64,
    /// Requests in one round, where some were made.
    pub(super) requests: u64,
    /// The most memory during the rounds, in MiB, where that is what is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_mib: Option<u64>,
    #[serde(skip)]
    rounds: Vec<Cost>,
}

/// A figure as it is told.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    figure: &'a Figure,
    members_per_cpu_s: Option<Spread>,
    members_per_s: Option<Spread>,
    cpu_ms: Option<Spread>,
    wall_ms: Option<Spread>,
    instructions_per_member: Option<Spread>,
}

impl Figure {
    /// Members per CPU second.
    pub(super) fn per_cpu_s(&self) -> Option<Spread> {
        Spread::highest(self.rounds.iter().map(|cost| self.rate(cost.cpu)))
    }

    /// Members per second.
    pub(super) fn per_s(&self) -> Option<Spread> {
        Spread::highest(self.rounds.iter().map(|cost| self.rate(cost.wall)))
    }

    /// CPU time of a round in milliseconds.
    pub(super) fn cpu_ms(&self) -> Option<Spread> {
        Spread::lowest(self.rounds.iter().map(|cost| cost.cpu.as_secs_f64() * 1e3))
    }

    /// Wall time of a round in milliseconds.
    pub(super) fn wall_ms(&self) -> Option<Spread> {
        Spread::lowest(self.rounds.iter().map(|cost| cost.wall.as_secs_f64() * 1e3))
    }

    /// CPU time of a member in microseconds, in the best round.
    pub(super) fn cpu_us_a_member(&self) -> Option<f64> {
        Some(1e6 / self.per_cpu_s()?.best)
    }

    /// Instructions of a member.
    pub(super) fn instructions(&self) -> Option<Spread> {
        let each = self.rounds.iter().filter_map(|cost| Some(cost.instructions? as f64 / self.members.max(1) as f64));
        Spread::lowest(each)
    }

    fn rate(&self, time: Duration) -> f64 {
        self.members as f64 / time.as_secs_f64()
    }

    fn told(&self) -> Told<'_> {
        Told {
            figure: self,
            members_per_cpu_s: self.per_cpu_s(),
            members_per_s: self.per_s(),
            cpu_ms: self.cpu_ms(),
            wall_ms: self.wall_ms(),
            instructions_per_member: self.instructions(),
        }
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<Figure>);

impl Figures {
    /// Takes in what one round cost.
    pub(super) fn add(&mut self, scenario: &'static str, subject: &str, (members, requests): (u64, u64), cost: Cost) {
        if self.get(scenario, subject).is_none() {
            let (subject, rounds) = (subject.to_owned(), Vec::new());
            self.0.push(Figure { scenario, subject, members, requests, memory_mib: None, rounds });
        }
        if let Some(figure) = self.get_mut(scenario, subject) {
            (figure.members, figure.requests) = (members, requests);
            figure.rounds.push(cost);
        }
    }

    /// Notes the most memory of a figure.
    pub(super) fn memory(&mut self, scenario: &str, subject: &str, mib: Option<u64>) {
        if let Some(figure) = self.get_mut(scenario, subject) {
            figure.memory_mib = figure.memory_mib.max(mib);
        }
    }

    fn get_mut(&mut self, scenario: &str, subject: &str) -> Option<&mut Figure> {
        self.0.iter_mut().find(|figure| figure.scenario == scenario && figure.subject == subject)
    }

    pub(super) fn get(&self, scenario: &str, subject: &str) -> Option<&Figure> {
        self.0.iter().find(|figure| figure.scenario == scenario && figure.subject == subject)
    }

    /// All of a scenario.
    pub(super) fn of<'a>(&'a self, scenario: &'a str) -> impl Iterator<Item = &'a Figure> {
        self.0.iter().filter(move |figure| figure.scenario == scenario)
    }

    pub(super) fn all(&self) -> &[Figure] {
        &self.0
    }

    pub(super) fn told(&self) -> Vec<Told<'_>> {
        self.0.iter().map(Figure::told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_a_subject_make_one_figure() {
        let mut figures = Figures::default();
        for ms in [10, 20, 40] {
            let time = Duration::from_millis(ms);
            figures.add(
                "plan",
                "braze",
                (1_000, 14),
                Cost { cpu: time, wall: 2 * time, instructions: Some(ms * 1_000) },
            );
        }
        let figure = figures.get("plan", "braze").unwrap();
        let spread = figure.per_cpu_s().unwrap();
        assert_eq!([spread.best, spread.median, spread.worst].map(f64::round), [100_000.0, 50_000.0, 25_000.0]);
        assert_eq!(figure.instructions().unwrap().best, 10.0);
        assert_eq!(figures.of("plan").count(), 1);
    }
}
