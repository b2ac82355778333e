//! Finds settings and rows with which a plugin works: from the manifest by trying, and from its own cases.

use enroute_host::runtime::{Connection, ProblemPlace, World};
use serde_json::{Map, Value};

use crate::bench::{self, Bench};
use crate::catalogue::Check;
use crate::convert;
use crate::error::KitError;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::people::Crowd;

/// Connections that are taken from cases.
const CASES_MAX: usize = 12;
/// Calls of `validate` that finding rows may cost.
const TRIES_MAX: usize = 200;

/// Every connection that the plugin is tried on: none of them has an error that `validate` knows of.
///
/// # Errors
/// When a setting that was given cannot be used.
pub(crate) fn benches(kit: &Kit<'_>, given: &Map<String, Value>) -> Result<Vec<Bench>, KitError> {
    let unfit = |problem: enroute_core::manifest::SettingProblem| KitError::Setting {
        setting: problem.setting,
        message: problem.message,
    };
    let settings = bench::settings(kit.manifest, given).map_err(unfit)?;
    let mut refused = Vec::new();
    let mut benches = Vec::new();
    let plain = bench::connection(kit.manifest, &settings, &[]);
    open(kit, "no rows", plain, None, &mut benches, &mut refused);
    if let Some(full) = fitted(kit, &settings) {
        open(kit, "every field", full, None, &mut benches, &mut refused);
    }
    let mut taken: Vec<Connection> = Vec::new();
    for example in kit.givens.iter().filter(|given| !given.is_refused) {
        let connection = convert::connection_in(&example.fixture.connection());
        if taken.len() < CASES_MAX && !taken.contains(&connection) {
            taken.push(connection.clone());
            let own = convert::batch_in(&example.fixture.packed());
            open(
                kit,
                &format!("case {}", example.name),
                connection,
                Some(Crowd::from(&own)),
                &mut benches,
                &mut refused,
            );
        }
    }
    kit.findings.expect(Check::ConnectionCanBeMade, !benches.is_empty(), || {
        let expected = "a connection without errors; a case without problems, or a setting given by hand, shows one";
        Failure::new("tried examples of every setting and row, and every case", expected, refused.join("; "))
    });
    Ok(benches)
}

/// Adds a connection where the plugin finds no error in it.
fn open(
    kit: &Kit<'_>,
    name: &str,
    connection: Connection,
    own: Option<Crowd>,
    benches: &mut Vec<Bench>,
    refused: &mut Vec<String>,
) {
    match sound(kit, name, connection) {
        Ok(mut bench) => {
            bench.own = own.filter(|crowd| crowd.len() > 0);
            benches.push(bench);
        }
        Err(why) => refused.push(why),
    }
}

/// A connection in which the plugin finds no error, or why it is none.
pub(crate) fn sound(kit: &Kit<'_>, name: &str, connection: Connection) -> Result<Bench, String> {
    let bench = Bench::new(name.to_owned(), kit.manifest, connection).map_err(|error| format!("{name}: {error}"))?;
    let problems = kit.validate(&bench, "validated").ok_or_else(|| format!("{name}: `validate` failed"))?;
    match problems.iter().find(|problem| problem.is_error) {
        Some(problem) => Err(format!("{name}: {:?}: {}", problem.place, problem.message)),
        None => Ok(bench),
    }
}

/// As many rows as the plugin takes at once: a row that it finds fault with is tried with another trait, then left out.
fn fitted(kit: &Kit<'_>, settings: &Map<String, Value>) -> Option<Connection> {
    let mut candidates: Vec<(usize, Vec<String>, String)> =
        bench::rows(kit.manifest).into_iter().map(|(traits, field)| (0, traits, field)).collect();
    for _ in 0..TRIES_MAX {
        let rows: Vec<(String, String)> = candidates
            .iter()
            .map(|(at, traits, field)| (traits.get(*at).unwrap_or(field).clone(), field.clone()))
            .collect();
        if rows.is_empty() {
            return None;
        }
        let connection = bench::connection(kit.manifest, settings, &rows);
        let did = "every field: validated";
        let problems = kit.sandbox.validate(&kit.findings, World::default(), &connection, did)?;
        let mut bad: Vec<usize> = problems
            .iter()
            .filter(|problem| problem.is_error)
            .filter_map(|problem| if let ProblemPlace::Row(row) = problem.place { Some(row as usize) } else { None })
            .collect();
        bad.sort_unstable();
        bad.dedup();
        if bad.is_empty() {
            return Some(connection);
        }
        for row in bad.into_iter().rev() {
            let Some((at, traits, _)) = candidates.get_mut(row) else { return Some(connection) };
            *at += 1;
            if *at >= traits.len() {
                candidates.remove(row);
            }
        }
    }
    None
}
