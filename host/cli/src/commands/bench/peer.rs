//! Other tools, run in turns with ours: a command that prints members per CPU second for each destination.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use serde::Deserialize;

use crate::commands::bench::measure::Spread;
use crate::output::Advice;

/// What a peer prints, of which only this is read.
#[derive(Debug, Deserialize)]
struct Printed {
    results: BTreeMap<String, Outcome>,
}

/// One destination; a peer may have failed at it.
#[derive(Debug, Deserialize)]
struct Outcome {
    text: Option<Rate>,
}

/// Members per CPU second.
#[derive(Debug, Deserialize)]
struct Rate {
    cpu_best: f64,
}

/// A peer, and what it printed in each round.
#[derive(Debug)]
pub(super) struct Peer {
    command: String,
    rounds: BTreeMap<String, Vec<f64>>,
}

impl Peer {
    pub(super) fn new(command: &str) -> Self {
        Self { command: command.to_owned(), rounds: BTreeMap::new() }
    }

    /// Runs it once on the rows; `{input}` in the command is the file's path.
    pub(super) async fn round(&mut self, rows: &Path) -> anyhow::Result<()> {
        let told = |why: &str| Advice::mistake(format!("the peer `{}` {why}", self.command), HINT);
        let quoted = format!("'{}'", rows.display().to_string().replace('\'', "'\\''"));
        let mut command = tokio::process::Command::new("sh");
        command.arg("-c").arg(self.command.replace("{input}", &quoted)).stdin(Stdio::null()).stderr(Stdio::inherit());
        let ended = command.kill_on_drop(true).stdout(Stdio::piped()).spawn()?.wait_with_output().await?;
        if !ended.status.success() {
            return Err(told(&format!("ended with {}", ended.status)).into());
        }
        let printed = read(&ended.stdout).with_context(|| told("did not print its results"))?;
        for (destination, rate) in printed {
            self.rounds.entry(destination).or_default().push(rate);
        }
        Ok(())
    }

    /// What it reached at each destination.
    pub(super) fn results(&self) -> impl Iterator<Item = (&str, Spread)> {
        self.rounds.iter().filter_map(|(name, rates)| Some((name.as_str(), Spread::highest(rates.iter().copied())?)))
    }

    pub(super) fn command(&self) -> &str {
        &self.command
    }
}

const HINT: &str = "it has to print one document: {\"results\": {\"braze\": {\"text\": {\"cpu_best\": 12345}}}}";

fn read(printed: &[u8]) -> Result<Vec<(String, f64)>, serde_json::Error> {
    let Printed { results } = serde_json::from_slice(printed)?;
    let rate = |(name, outcome): (String, Outcome)| Some((name, outcome.text?.cpu_best));
    Ok(results.into_iter().filter_map(rate).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_may_have_failed_at_a_destination_and_say_more_than_is_read() {
        let printed = r#"{"rows": 3, "results": {
            "braze": {"ok": 3, "text": {"cpu_best": 6300, "wall_median": 1}}, "google": {"error": "no"}}}"#;
        assert_eq!(read(printed.as_bytes()).unwrap(), [("braze".to_owned(), 6300.0)]);
        assert!(read(b"no document").is_err());
    }

    #[tokio::test]
    async fn a_peer_is_run_on_the_rows_and_its_best_round_counts() {
        let mut peer = Peer::new(r#"printf '{"results":{"braze":{"text":{"cpu_best":%s}}}}' "$(cat {input})""#);
        let folder = tempfile::tempdir().unwrap();
        let rows = folder.path().join("it's a file");
        for rate in ["10", "30", "20"] {
            std::fs::write(&rows, rate).unwrap();
            peer.round(&rows).await.unwrap();
        }
        let (name, spread) = peer.results().next().unwrap();
        assert_eq!((name, spread), ("braze", Spread { best: 30.0, median: 20.0, worst: 10.0 }));
        let error = Peer::new("exit 3").round(&rows).await.unwrap_err();
        assert!(error.to_string().contains("the peer `exit 3` ended with"), "{error:#}");
    }
}
