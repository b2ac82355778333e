//! Two binaries, run in turns on the same rows: what one revision costs beside another.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::commands::bench::measure::Spread;
use crate::output::{Advice, Output};

/// What a bench prints, of which only this is read.
#[derive(Debug, Deserialize)]
struct Printed {
    figures: Vec<Figure>,
}

#[derive(Debug, Deserialize)]
struct Figure {
    scenario: String,
    subject: String,
    cpu_ms: Option<Best>,
    wall_ms: Option<Best>,
}

#[derive(Debug, Deserialize)]
struct Best {
    best: f64,
}

/// One figure of both: theirs ÷ ours, so that more than one is a gain of this binary.
#[derive(Debug, PartialEq, Serialize)]
struct Pair {
    scenario: String,
    subject: String,
    cpu: Option<Spread>,
    wall: Option<Spread>,
}

/// CPU and wall time of each figure, in milliseconds.
type Taken = BTreeMap<(String, String), Times>;

/// CPU time and wall time, where they were taken.
type Times = (Option<f64>, Option<f64>);

/// Runs both in turns, so many pairs, and prints the ratios of the pairs.
pub(super) async fn run(other: &Path, arguments: &[OsString], pairs: u32, output: &Output) -> anyhow::Result<()> {
    let own = std::env::current_exe().context("this program cannot be found")?;
    let mut taken = Vec::new();
    for pair in 0..pairs.max(1) {
        // Who is first changes: what warms up, or the hour, does not always favour the same one.
        let (theirs, ours) = if pair.is_multiple_of(2) {
            let theirs = one(other, arguments).await?;
            (theirs, one(&own, arguments).await?)
        } else {
            let ours = one(&own, arguments).await?;
            (one(other, arguments).await?, ours)
        };
        output.note(format_args!("pair {} of {pairs} is through", pair + 1));
        taken.push((theirs, ours));
    }
    let pairs = paired(&taken);
    if output.json {
        return output.print_json(&serde_json::json!({ "against": other.display().to_string(), "ratios": pairs }));
    }
    output.line(format_args!("{} ÷ this binary: more than 1 is what this one is faster", other.display()))?;
    let head = ["scenario", "of", "CPU", "lowest", "highest", "wall", "lowest", "highest"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for Pair { scenario, subject, cpu, wall } in &pairs {
        let mut row = vec![scenario.clone(), subject.clone()];
        for spread in [cpu, wall] {
            let told =
                |value: fn(&Spread) -> f64| spread.as_ref().map_or(String::new(), |one| format!("{:.3}", value(one)));
            row.extend([told(|one| one.median), told(|one| one.worst), told(|one| one.best)]);
        }
        rows.push(row);
    }
    output.table(&rows)
}

/// One run of one binary.
async fn one(binary: &Path, arguments: &[OsString]) -> anyhow::Result<Taken> {
    let failed = |why: String| Advice::failed(format!("`{}` {why}", binary.display()), HINT);
    let mut command = Command::new(binary);
    command.args(["--json", "bench"]).args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    let ended = command.kill_on_drop(true).output().await.with_context(|| failed("cannot be run".to_owned()))?;
    if !ended.status.success() {
        return Err(failed(format!("ended with {}", ended.status)).into());
    }
    let printed: Printed =
        serde_json::from_slice(&ended.stdout).with_context(|| failed("did not print figures".to_owned()))?;
    let one = |figure: Figure| {
        ((figure.scenario, figure.subject), (figure.cpu_ms.map(|ms| ms.best), figure.wall_ms.map(|ms| ms.best)))
    };
    Ok(printed.figures.into_iter().map(one).collect())
}

const HINT: &str = "name an `enroute` that has `bench`, and run its `bench` by itself to see what it says";

/// The ratios of every figure that both have in every pair.
fn paired(taken: &[(Taken, Taken)]) -> Vec<Pair> {
    let Some((first, _)) = taken.first() else { return Vec::new() };
    let one = |key: &(String, String)| {
        let ratios = |part: fn(&Times) -> Option<f64>| {
            let ratio = |(theirs, ours): &(Taken, Taken)| Some(part(theirs.get(key)?)? / part(ours.get(key)?)?);
            Spread::highest(taken.iter().filter_map(ratio))
        };
        let (cpu, wall) = (ratios(|one| one.0), ratios(|one| one.1));
        Pair { scenario: key.0.clone(), subject: key.1.clone(), cpu, wall }
    };
    first.keys().map(one).filter(|pair| pair.cpu.is_some() || pair.wall.is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(cpu: f64, wall: f64) -> Taken {
        Taken::from([(("plan".to_owned(), "braze".to_owned()), (Some(cpu), Some(wall)))])
    }

    #[test]
    fn ratios_are_those_of_pairs() {
        let found = paired(&[(taken(30.0, 9.0), taken(10.0, 9.0)), (taken(20.0, 9.0), taken(20.0, 9.0))]);
        let [Pair { cpu, wall, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(*cpu, Some(Spread { best: 3.0, median: 1.0, worst: 1.0 }));
        assert_eq!(wall.unwrap().median, 1.0);
        assert_eq!(paired(&[(taken(1.0, 1.0), Taken::new())]), []);
    }
}
