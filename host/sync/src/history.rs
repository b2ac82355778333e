//! What earlier runs reported of each connection.

use std::collections::BTreeMap;

use serde_json::Value;

use enroute_store::{Error, Reader, ledger};

/// Runs that are looked through for the last one of each connection: one that syncs audiences one by one has as many as
/// audiences.
const RUNS_MAX: u32 = 50;

/// The newest report of each connection, as it was kept.
#[derive(Debug, Default)]
pub(super) struct LastReports(BTreeMap<(String, String, String), Value>);

impl LastReports {
    pub(super) fn read(reader: &Reader) -> Result<Self, Error> {
        Self::read_before(reader, i64::MAX)
    }

    /// As they were before this run.
    pub(super) fn read_before(reader: &Reader, number: i64) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        for summary in ledger::last_runs(reader, RUNS_MAX)? {
            let Ok(mut run) = serde_json::from_str::<Value>(&summary) else { continue };
            if run.get("run").and_then(Value::as_i64).is_none_or(|run| run >= number) {
                continue;
            }
            let Some(Value::Array(links)) = run.get_mut("connections").map(Value::take) else { continue };
            for link in links {
                let name = |part| text(&link, part).unwrap_or_default();
                found.entry((name("audience"), name("destination"), name("mapping"))).or_insert(link);
            }
        }
        Ok(Self(found))
    }

    pub(super) fn of(&self, audience: &str, destination: &str, mapping: &str) -> Option<&Value> {
        self.0.get(&(audience.to_owned(), destination.to_owned(), mapping.to_owned()))
    }
}

/// A text of a report.
pub(super) fn text(report: &Value, name: &str) -> Option<String> {
    report.get(name)?.as_str().map(str::to_owned)
}

/// A list of a report.
pub(super) fn entries<'a>(report: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    report.get(name).and_then(Value::as_array).into_iter().flatten()
}
