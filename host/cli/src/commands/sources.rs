//! `enroute sources`: what is read, when it was read last, whom it holds, and how far its cursor came.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use enroute_host::config::audiences_file::source::query::Rows;
use enroute_host::config::audiences_file::source::{Holds, Origin, Source};
use enroute_host::store::feeds::{self, Feed};
use serde::Serialize;

use crate::output::Output;
use crate::session::{Session, Told, read_store};
use crate::since::shown;

/// A source as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    source: String,
    origin: &'static str,
    holds: &'static str,
    complete: bool,
    /// People whom it holds, where it is a source of profiles.
    people: Option<u64>,
    /// Rows of the last read of all of it.
    rows: Option<u64>,
    read: Option<String>,
    read_all: Option<String>,
    cursor: Option<String>,
}

/// Runs the command.
pub(crate) fn run(folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let config = match Session::configuration(folder, output)? {
        Ok(config) => config,
        Err(Told(code)) => return Ok(code),
    };
    let kept: BTreeMap<String, Feed> = match read_store(folder) {
        Ok(reader) => feeds::all(&reader)?.into_iter().map(|feed| (feed.source.clone(), feed)).collect(),
        // Before the first import there is no store.
        Err(_) => BTreeMap::new(),
    };
    let all: Vec<Shown> =
        config.sources.values().map(|source| one(source, kept.get(source.name.value.as_str()))).collect();
    if output.json {
        output.print_json(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    let head = ["source", "origin", "holds", "people", "read", "all of it", "cursor"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for one in all {
        let holds = if one.complete { format!("{}, all", one.holds) } else { one.holds.to_owned() };
        let people = or_dash(one.people.map(|people| people.to_string()));
        let (read, full, cursor) = (or_dash(one.read), or_dash(one.read_all), or_dash(one.cursor));
        rows.push(vec![one.source, one.origin.to_owned(), holds, people, read, full, cursor]);
    }
    output.table(&rows)?;
    Ok(ExitCode::SUCCESS)
}

fn one(source: &Source, kept: Option<&Feed>) -> Shown {
    let (origin, holds, complete) = match &source.origin {
        Origin::Listen(_) => ("calls", "events", false),
        Origin::File(file) => {
            let holds = match file.holds {
                Holds::Profiles => "profiles",
                Holds::Events => "events",
                Holds::Predictions => "predictions",
            };
            ("file", holds, file.reading.complete)
        }
        Origin::Query(query) => {
            let holds = match query.holds {
                Rows::Profiles => "profiles",
                Rows::Traits => "traits",
                Rows::Members | Rows::Changes(_) => "members",
            };
            ("query", holds, query.reading.complete)
        }
    };
    let kept = kept.filter(|_| holds == "profiles");
    let moment = |at_ms: Option<i64>| at_ms.and_then(|at_ms| u64::try_from(at_ms).ok()).map(shown);
    Shown {
        source: source.name.value.as_str().to_owned(),
        origin,
        holds,
        complete,
        people: kept.map(|kept| kept.members.len()),
        rows: kept.map(|kept| kept.rows).filter(|rows| *rows > 0),
        read: kept.and_then(|kept| moment(kept.read_ms)),
        read_all: kept.and_then(|kept| moment(kept.full_ms)),
        cursor: kept.and_then(|kept| kept.cursor.clone()),
    }
}
