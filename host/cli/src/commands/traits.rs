//! `enroute traits`: which traits there are, of what kind, and how many profiles have them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use enroute_host::store::layers::Kind;
use enroute_host::store::traits::KnownTrait;
use serde::Serialize;

use crate::output::Output;
use crate::session::read_store;

/// A trait as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    kind: &'static str,
    source: String,
    values: u64,
    nulls: u64,
    refreshed_ms: Option<i64>,
}

/// Runs the command.
pub(crate) fn run(folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let reader = read_store(folder)?;
    let counts = reader.trait_counts()?;
    let mut known: BTreeMap<String, KnownTrait> = BTreeMap::new();
    for one in reader.known_traits()? {
        known.insert(one.name.clone(), one);
    }
    // A trait that came in before names were kept is a custom one.
    for name in counts.keys().filter(|name| !known.contains_key(*name)).cloned().collect::<Vec<_>>() {
        let one = KnownTrait { name: name.clone(), kind: Kind::Custom, source: String::new(), refreshed_ms: None };
        known.insert(name, one);
    }
    let shown = known.into_values().filter_map(|one| {
        let count = counts.get(&one.name).copied();
        // Names of custom traits stay known when the last profile has lost them.
        let count = if one.kind == Kind::Custom { count? } else { count.unwrap_or_default() };
        let KnownTrait { name, kind, source, refreshed_ms } = one;
        let kind = kind.as_str();
        Some(Shown { name, kind, source, values: count.values, nulls: count.nulls, refreshed_ms })
    });
    let shown: Vec<Shown> = shown.collect();
    if output.json {
        output.print_json(&shown)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["trait", "kind", "source", "values", "nulls", "refreshed"].map(str::to_owned).to_vec()];
    for one in shown {
        let refreshed = one.refreshed_ms.map_or_else(|| "-".to_owned(), moment);
        let source = if one.source.is_empty() { "-".to_owned() } else { one.source };
        let (values, nulls) = (one.values.to_string(), one.nulls.to_string());
        rows.push(vec![one.name, one.kind.to_owned(), source, values, nulls, refreshed]);
    }
    output.table(&rows)?;
    Ok(ExitCode::SUCCESS)
}

/// A moment in UTC, to the second.
fn moment(ms: i64) -> String {
    enroute_host::sync::Clock::starting_at(ms.max(0).cast_unsigned()).moment()
}
