//! The figures for people.

use crate::commands::bench::figures::{Figure, Figures};
use crate::commands::bench::goals::Goal;
use crate::commands::bench::measure::Spread;
use crate::commands::bench::peer::Peer;
use crate::commands::bench::serve::SERVE;
use crate::commands::bench::start::START;
use crate::output::Output;

/// What was measured: rates, and times where a rate would say nothing.
pub(super) fn figures(figures: &Figures, output: &Output) -> anyhow::Result<()> {
    if figures.all().is_empty() {
        return Ok(());
    }
    let head = [
        "scenario",
        "of",
        "members/CPU s",
        "median",
        "worst",
        "µs CPU a member",
        "members/s",
        "CPU ms",
        "wall ms",
        "instructions a member",
        "MiB",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(figures.all().iter().map(row));
    output.table(&rows)
}

fn row(figure: &Figure) -> Vec<String> {
    let is_rate = figure.members > 1;
    let rate = |value: Option<f64>| value.filter(|_| is_rate).map_or(String::new(), |value| format!("{value:.0}"));
    let cpu = figure.per_cpu_s();
    let ms = |spread: Option<Spread>| spread.map_or(String::new(), |spread| format!("{:.2}", spread.best));
    // The CPU time of a start, and of a host, is another process's.
    let is_ours = figure.scenario != START && figure.scenario != SERVE;
    vec![
        figure.scenario.to_owned(),
        figure.subject.clone(),
        rate(cpu.map(|cpu| cpu.best)),
        rate(cpu.map(|cpu| cpu.median)),
        rate(cpu.map(|cpu| cpu.worst)),
        figure.cpu_us_a_member().filter(|_| is_rate).map_or(String::new(), |us| format!("{us:.2}")),
        rate(figure.per_s().map(|wall| wall.median)),
        ms(figure.cpu_ms().filter(|_| is_ours)),
        ms(figure.wall_ms()),
        figure.instructions().map_or(String::new(), |one| format!("{:.0}", one.median)),
        figure.memory_mib.map_or(String::new(), |mib| mib.to_string()),
    ]
}

/// What peers reached.
pub(super) fn peers(peers: &[Peer], output: &Output) -> anyhow::Result<()> {
    for peer in peers {
        output.line(format_args!("\npeer: {}", peer.command()))?;
        let head = ["of", "members/CPU s", "median", "worst"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for (name, spread) in peer.results() {
            let rates = [spread.best, spread.median, spread.worst].map(|rate| format!("{rate:.0}"));
            rows.push(std::iter::once(name.to_owned()).chain(rates).collect());
        }
        output.table(&rows)?;
    }
    Ok(())
}

/// What is aimed at, beside what was reached.
pub(super) fn goals(goals: &[Goal], output: &Output) -> anyhow::Result<()> {
    if goals.is_empty() {
        return Ok(());
    }
    let head = ["goal", "of", "wanted", "reached", "ratio"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for Goal { measure, subject, bound, goal, reached, unit, ratio } in goals {
        let sign = if *bound == "at least" { "≥" } else { "≤" };
        let wanted = format!("{sign} {goal} {unit}");
        rows.push(vec![
            measure.clone(),
            subject.clone(),
            wanted,
            format!("{reached:.2} {unit}"),
            format!("{ratio:.2}"),
        ]);
    }
    output.text("")?;
    output.table(&rows)
}
