//! What an examination found: for people, for programs, and as JUnit for CI.

mod junit;

use crate::catalogue::{Check, Group};
use crate::checks::mapping::FullBatch;
use crate::findings::{Failure, Findings};
use crate::kit::Kit;
use crate::sandbox::Most;
use crate::unknown::{self, Unknown};
use crate::{Options, Subject};
use enroute_core::plain;
use enroute_host::runtime::Limits;
use enroute_sdk::testing::Played;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// Whether a check holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was looked at and held every time.
    Ok,
    /// It did not hold.
    Failed,
    /// There was nothing to look at.
    NotLookedAt,
}

/// One check with what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Its name.
    pub name: &'static str,
    /// The clause of the contract.
    pub clause: &'static str,
    /// What it is about.
    pub group: Group,
    /// What holds where it passes.
    pub says: &'static str,
    /// Whether it holds.
    pub state: State,
    /// How often it was looked at.
    pub times: u64,
    /// How often it did not hold.
    pub failed: u64,
    /// The first of these.
    pub failures: Vec<Failure>,
}

/// One of the plugin's own cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseReport {
    /// `send/rate_limited`.
    pub name: String,
    /// What is not as it expects.
    pub differences: Vec<String>,
}

/// Something that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// What.
    pub name: &'static str,
    /// How much, with its unit.
    pub value: String,
    /// The most that is allowed, where something is.
    pub limit: Option<String>,
}

/// What an examination found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `id version`; empty where the file is no plugin.
    pub plugin: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What repeats this examination.
    pub seed: u64,
    /// All checks.
    pub checks: Vec<CheckReport>,
    /// The plugin's own cases.
    pub cases: Vec<CaseReport>,
    /// What no kit can know, and which cases tell it; nothing where the file is no plugin.
    pub unknown: Vec<Unknown>,
    /// What was measured.
    pub figures: Vec<Figure>,
}

impl Report {
    /// Of a file that is no plugin.
    pub(crate) fn of_a_file(seed: u64, findings: &Findings) -> Self {
        let (plugin, sha256) = (String::new(), String::new());
        let (cases, unknown, figures) = (Vec::new(), Vec::new(), Vec::new());
        Self { plugin, sha256, seed, checks: checks(findings), cases, unknown, figures }
    }

    pub(crate) fn of(
        subject: &Subject,
        options: &Options,
        kit: &Kit<'_>,
        played: Vec<Played>,
        full: Option<FullBatch>,
    ) -> Self {
        let case = |played: Played| CaseReport { name: played.name, differences: played.differences };
        Self {
            plugin: format!("{} {}", subject.manifest.id, subject.manifest.version),
            sha256: subject.sha256.clone(),
            seed: options.seed,
            checks: checks(&kit.findings),
            cases: played.into_iter().map(case).collect(),
            unknown: unknown::all(options.cases.as_deref()),
            figures: figures(subject, kit, full),
        }
    }

    /// Whether nothing failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed().next().is_none() && self.cases.iter().all(|case| case.differences.is_empty())
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().filter(|check| check.state == State::Failed)
    }

    /// The report as JUnit XML, a test case a check and a case.
    #[must_use]
    pub fn to_junit(&self) -> String {
        junit::write(self)
    }

    /// The report for people: a line a check, what failed below it, cases, figures, and the sum.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
        let mut group = None;
        for check in &self.checks {
            if group != Some(check.group) {
                group = Some(check.group);
                let _ = writeln!(text, "{}", check.group.word());
            }
            let word = match check.state {
                State::Ok => format!("ok     {}", times(check.times)),
                State::Failed => format!("FAILED {} of {}", check.failed, times(check.times)),
                State::NotLookedAt => "-      nothing to look at".to_owned(),
            };
            let _ = writeln!(text, "  {:<6} {:<width$}  {word}", check.clause, check.name);
            explain(&mut text, check);
        }
        if !self.cases.is_empty() {
            let _ = writeln!(text, "cases");
        }
        for case in &self.cases {
            let word = if case.differences.is_empty() { "ok" } else { "FAILED" };
            let _ = writeln!(text, "  {:<width$}  {word}", case.name, width = width + 7);
            case.differences.iter().for_each(|difference| {
                let _ = writeln!(text, "         {}", plain::visible(difference));
            });
        }
        self.write_unknown(&mut text);
        self.write_figures(&mut text);
        self.write_sum(&mut text);
        text
    }

    fn write_unknown(&self, text: &mut String) {
        if self.unknown.is_empty() {
            return;
        }
        let _ = writeln!(text, "what the kit cannot know");
        let width = self.unknown.iter().map(|unknown| unknown.name.len()).max().unwrap_or(0);
        for unknown in &self.unknown {
            let _ = writeln!(text, "  {:<width$}  {}", unknown.name, unknown.says);
            let _ = writeln!(text, "  {:<width$}    {}", "", unknown.told());
            if unknown.cases.is_empty() {
                let _ = writeln!(text, "  {:<width$}    write it as {}", "", unknown.case);
            }
        }
    }

    fn write_figures(&self, text: &mut String) {
        if self.figures.is_empty() {
            return;
        }
        let _ = writeln!(text, "figures");
        let width = self.figures.iter().map(|figure| figure.name.len()).max().unwrap_or(0);
        for Figure { name, value, limit } in &self.figures {
            let limit = limit.as_ref().map(|limit| format!("of {limit}")).unwrap_or_default();
            let _ = writeln!(text, "{}", format!("  {name:<width$}  {value:>12}  {limit}").trim_end());
        }
    }

    fn write_sum(&self, text: &mut String) {
        let count = |state| self.checks.iter().filter(|check| check.state == state).count();
        let cases_failed = self.cases.iter().filter(|case| !case.differences.is_empty()).count();
        let plugin = if self.plugin.is_empty() { "the file" } else { &self.plugin };
        let kept = if self.passed() { "keeps the contract, as far as the kit can see" } else { "breaks the contract" };
        let _ = writeln!(
            text,
            "\n{plugin} {kept}: {} checks ok, {} failed, {} with nothing to look at; {} cases ok, {cases_failed} failed; seed {}",
            count(State::Ok),
            count(State::Failed),
            count(State::NotLookedAt),
            self.cases.len() - cases_failed,
            self.seed
        );
    }
}

fn explain(text: &mut String, check: &CheckReport) {
    if check.state != State::Failed {
        return;
    }
    let _ = writeln!(text, "         {} says that {}", check.clause, check.says);
    for failure in &check.failures {
        let [did, expected, got] = [&failure.did, &failure.expected, &failure.got].map(|text| plain::visible(text));
        let _ = writeln!(text, "         did       {did}\n         expected  {expected}\n         got       {got}");
    }
}

fn times(times: u64) -> String {
    if times == 1 { "1 time".to_owned() } else { format!("{times} times") }
}

fn checks(findings: &Findings) -> Vec<CheckReport> {
    let one = |check: &Check| {
        let seen = findings.of(*check);
        let state = match (seen.times, seen.failed) {
            (0, _) => State::NotLookedAt,
            (_, 0) => State::Ok,
            _ => State::Failed,
        };
        CheckReport {
            name: check.name(),
            clause: check.clause(),
            group: check.group(),
            says: check.says(),
            state,
            times: seen.times,
            failed: seen.failed,
            failures: seen.shown,
        }
    };
    Check::ALL.iter().map(one).collect()
}

fn figures(subject: &Subject, kit: &Kit<'_>, full: Option<FullBatch>) -> Vec<Figure> {
    let meter = kit.sandbox.meter();
    let figure = |name, value: String, limit: Option<&str>| Figure { name, value, limit: limit.map(str::to_owned) };
    let mut figures = vec![
        figure("file", bytes(subject.size_bytes), Some("32.0 MiB")),
        figure("load (compile) time", milliseconds(subject.load), None),
    ];
    for (name, most, cpu) in [
        (["validate, most CPU time", "validate, most memory"], meter.validate, "1 s"),
        (["map, most CPU time", "map, most memory"], meter.map, "2 s"),
        (["send, most CPU time", "send, most memory"], meter.send, "5 s"),
    ] {
        let [time, memory] = name;
        figures.push(figure(time, milliseconds(most.cpu), Some(cpu)));
        figures.push(figure(memory, bytes(most.memory_bytes), Some("64.0 MiB")));
    }
    let lines = meter.validate.log_lines.max(meter.map.log_lines).max(meter.send.log_lines);
    figures.push(figure("log, most lines of a call", lines.to_string(), Some("500")));
    let limits = Limits::default();
    let all = [meter.validate, meter.map, meter.send];
    let most = |of: fn(&Most) -> u64| all.iter().map(of).max().unwrap_or(0);
    let counted = |name, used: u64, limit: u64| figure(name, used.to_string(), Some(&limit.to_string()));
    figures.push(counted("most log of a call, KiB", most(|one| one.log_kib), limits.log_bytes as u64 >> 10));
    figures.push(counted("most table slots of a call", most(|one| one.table_slots), limits.table_slots as u64));
    figures.push(counted("most host calls of a call", most(|one| one.host_calls), limits.host_calls));
    figures.push(counted("send, most requests", meter.send.requests, u64::from(limits.requests)));
    let pure = meter.validate.wall.max(meter.map.wall);
    figures.push(figure("validate and map, most wall time", milliseconds(pure), Some("30 s")));
    figures.push(figure("send, most wall time", milliseconds(meter.send.wall), Some("60 s")));
    let output = most(|one| one.output_bytes);
    figures.push(figure(
        "most handed over at once",
        bytes(usize::try_from(output).unwrap_or(usize::MAX)),
        Some("32.0 MiB"),
    ));
    figures.push(figure("largest body", bytes(meter.body_bytes), None));
    figures.push(figure("most bodies of a call", bytes(meter.output_bytes), Some("32.0 MiB")));
    if let Some(full) = full {
        let members = u32::try_from(full.members).unwrap_or(u32::MAX).max(1);
        figures.push(figure("full batch", format!("{members} members"), None));
        figures.push(figure("full batch, CPU time of map", milliseconds(full.cpu), Some("2 s")));
        let each = full.cpu.as_nanos() / u128::from(members);
        figures.push(figure("full batch, map a member", format!("{}.{:02} us", each / 1_000, each % 1_000 / 10), None));
        figures.push(figure("full batch, memory", bytes(full.memory_bytes), Some("64.0 MiB")));
        figures.push(figure("full batch, bodies", bytes(full.body_bytes), None));
    }
    let calls = meter.validate.calls + meter.map.calls + meter.send.calls;
    figures.push(figure("calls", calls.to_string(), None));
    figures
}

fn milliseconds(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10)
}

fn bytes(bytes: usize) -> String {
    let tenths = |unit: usize| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", tenths(1 << 10)),
        _ => format!("{} MiB", tenths(1 << 20)),
    }
}
