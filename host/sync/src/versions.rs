//! Versions of what decides what is sent: shown, compared, and brought back.

use std::collections::BTreeMap;

use crate::clock::moment;
use crate::setup::link::Link;
use crate::setup::planned::Planned;
use crate::setup::prepare::Setup;
use enroute_config::written::settings_of;
use enroute_store::ledger::{self, LinkName};
use enroute_store::versions::{self, Version};
use enroute_store::{Error, Reader, Store};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A version of a connection's settings and mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionTold {
    /// Its number.
    pub version: u64,
    /// When it was first in force, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Whether the last run had it.
    pub in_force: bool,
    /// Whether the files have it now.
    pub in_files: bool,
    /// Members who were last sent under it.
    pub held: u64,
}

/// One thing in which two versions differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: a setting, the source of a field, a part of the mapping.
    pub what: String,
    /// What the one version has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What the other one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Two versions of a connection beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionDiff {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// All versions, oldest first; one that only the files have comes last.
    pub versions: Vec<VersionTold>,
    /// The one version.
    pub from: u64,
    /// The other one.
    pub to: u64,
    /// In what they differ.
    pub differences: Vec<Difference>,
    /// Members whom the destination holds under another version than `to`.
    pub stale: u64,
}

/// What an undo would write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undo {
    /// What changes by it.
    #[serde(flatten)]
    pub diff: VersionDiff,
    /// The connection as it is written back.
    pub written: String,
}

/// Why versions cannot be compared or brought back.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Store(#[from] Error),
    /// There is no such connection that can run.
    #[error("there is no connection `{0}` that runs")]
    NoConnection(String),
    /// It was never synced.
    #[error("the connection was never synced, so that no version of it is kept")]
    NeverSynced,
    /// There is no such version.
    #[error("there is no version {0}")]
    NoVersion(u64),
    /// There is only one.
    #[error("there is no other version")]
    NoOther,
    /// It is of before versions were kept.
    #[error("what version {0} was like is not known: it is of before versions were kept")]
    NotKept(u64),
    /// An undo changes `[[connection]]` alone.
    #[error("what differs stands elsewhere: {0}")]
    Elsewhere(String),
}

impl Link {
    /// What decides what is sent of a member, for people: the same as [`Link::settings_digest`] is made of.
    fn decides(&self) -> Value {
        let rows: BTreeMap<&str, &str> =
            self.guest.rows.iter().map(|(from, field)| (field.as_str(), from.as_str())).collect();
        let settings: Value = serde_json::from_str(&self.guest.settings).unwrap_or_default();
        let program: Value = serde_json::from_str(&self.program_text).unwrap_or_default();
        let part = |at: usize| program.get(at).cloned().unwrap_or_default();
        json!({
            "setting": settings,
            "audience name": self.guest.audience_name,
            "field": rows,
            "mapping": {
                "when": part(0), "fields": part(1), "form": part(2), "enrich_on_exit": part(3), "identifiers": part(4),
            },
            "limits": format!("{:?}", self.plugin.limits().by_key()),
        })
    }
}

/// Keeps what a connection's version is like, where that is not kept yet.
pub(crate) async fn keep(store: &Arc<Store>, link: &Link, planned: &Planned, now_ms: u64) -> Result<(), Error> {
    let (id, number) = (link.id, link.settings_version);
    let (decides, written) = (link.decides().to_string(), planned.written().map(str::to_owned));
    let version = Version { number, first_ms: Some(now_ms), decides: Some(decides), written, held: 0 };
    let wanted = version.clone();
    let is_kept = move |reader: &Reader| {
        let known = versions::all(reader, id)?.into_iter().find(|known| known.number == number);
        Ok::<_, Error>(known.is_some_and(|known| known.decides.is_some() && known.written == wanted.written))
    };
    if store.read(is_kept).await? {
        return Ok(());
    }
    store.write(move |tx| versions::describe(tx, id, &version)).await
}

/// Two versions of a connection: by default the one of the last run beside what the files have, or, where these are the
/// same, the one before.
///
/// # Errors
/// When there are no such versions, or the store cannot be read.
pub fn diff(
    reader: &Reader,
    setup: &Setup,
    name: &str,
    (from, to): (Option<u64>, Option<u64>),
) -> Result<VersionDiff, VersionError> {
    let known = Known::read(reader, setup, name)?;
    let to = to.unwrap_or(known.in_files);
    let from = match from {
        Some(from) => from,
        None if to != known.in_force => known.in_force,
        None => known.other(to)?,
    };
    known.diff(from, to)
}

/// What an undo would write: by default the version of the last run, or, where the files have that, the one before.
///
/// # Errors
/// When there is no such version, when what differs does not stand in the connection, or the store cannot be read.
pub fn undo(reader: &Reader, setup: &Setup, name: &str, version: Option<u64>) -> Result<Undo, VersionError> {
    let known = Known::read(reader, setup, name)?;
    let to = match version {
        Some(version) => version,
        None if known.in_files != known.in_force => known.in_force,
        None => known.other(known.in_files)?,
    };
    let diff = known.diff(known.in_files, to)?;
    let kept = known.version(to)?.written.as_ref().ok_or(VersionError::NotKept(to))?;
    let own: Vec<String> =
        [kept.as_str(), known.written.as_deref().unwrap_or_default()].into_iter().flat_map(settings_of).collect();
    let stands_elsewhere = |one: &&Difference| {
        one.what == "audience name"
            || one.what.starts_with("limits")
            || one.what.strip_prefix("setting.").is_some_and(|setting| {
                let setting = setting.split('.').next().unwrap_or(setting);
                !own.iter().any(|own| own == setting)
            })
    };
    let elsewhere: Vec<&str> = diff.differences.iter().filter(stands_elsewhere).map(|one| one.what.as_str()).collect();
    if !elsewhere.is_empty() {
        return Err(VersionError::Elsewhere(elsewhere.join(", ")));
    }
    Ok(Undo { written: kept.clone(), diff })
}

/// What is known of a connection's versions.
struct Known {
    name: LinkName,
    versions: Vec<Version>,
    in_force: u64,
    in_files: u64,
    written: Option<String>,
}

impl Known {
    fn read(reader: &Reader, setup: &Setup, name: &str) -> Result<Self, VersionError> {
        let is_it = |planned: &&Planned| planned.title().trim_end_matches('/') == name.trim_end_matches('/');
        let Some(planned) = setup.links().iter().find(is_it) else {
            return Err(VersionError::NoConnection(name.to_owned()));
        };
        let (link, ..) = Setup::bind_alone(reader, planned)?;
        let Some(known) = ledger::find_link(reader, &link.name())? else { return Err(VersionError::NeverSynced) };
        let mut versions = versions::all(reader, known.id)?;
        let (in_files, written) = (link.settings_version, planned.written().map(str::to_owned));
        let decides = Some(link.decides().to_string());
        match versions.iter_mut().find(|version| version.number == in_files) {
            Some(version) if version.decides.is_none() => {
                version.decides = decides;
                version.written.clone_from(&written);
            }
            Some(_) => {}
            None => {
                versions.push(Version { number: in_files, decides, written: written.clone(), ..Version::default() })
            }
        }
        Ok(Self { name: link.name(), versions, in_force: known.settings_version, in_files, written })
    }

    fn version(&self, number: u64) -> Result<&Version, VersionError> {
        self.versions.iter().find(|version| version.number == number).ok_or(VersionError::NoVersion(number))
    }

    /// The newest version but this one.
    fn other(&self, but: u64) -> Result<u64, VersionError> {
        let others = self.versions.iter().map(|version| version.number).filter(|number| *number != but);
        others.max().ok_or(VersionError::NoOther)
    }

    fn diff(self: &Known, from: u64, to: u64) -> Result<VersionDiff, VersionError> {
        let decides = |number: u64| -> Result<BTreeMap<String, String>, VersionError> {
            let kept = self.version(number)?.decides.as_ref().ok_or(VersionError::NotKept(number))?;
            let mut lines = BTreeMap::new();
            flatten(&serde_json::from_str(kept).unwrap_or_default(), String::new(), &mut lines);
            Ok(lines)
        };
        let LinkName { audience, destination, mapping } = self.name.clone();
        let told = |version: &Version| VersionTold {
            version: version.number,
            since: version.first_ms.map(moment),
            in_force: version.number == self.in_force,
            in_files: version.number == self.in_files,
            held: version.held,
        };
        Ok(VersionDiff {
            audience,
            destination,
            mapping,
            versions: self.versions.iter().map(told).collect(),
            from,
            to,
            differences: differences(&decides(from)?, &decides(to)?),
            stale: self.versions.iter().filter(|version| version.number != to).map(|version| version.held).sum(),
        })
    }
}

fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Difference> {
    let mut found = Vec::new();
    let added = after.keys().filter(|what| !before.contains_key(*what));
    for what in before.keys().chain(added) {
        let (before, after) = (before.get(what), after.get(what));
        if before != after {
            found.push(Difference { what: what.clone(), before: before.cloned(), after: after.cloned() });
        }
    }
    found.sort_by(|one, other| one.what.cmp(&other.what));
    found
}

/// Every leaf with the names on the way to it.
fn flatten(value: &Value, path: String, lines: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, member) in members {
                flatten(member, if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, lines);
            }
        }
        Value::String(text) => drop(lines.insert(path, text.clone())),
        other => drop(lines.insert(path, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_differ_in_what_is_added_taken_away_and_changed() {
        let lines = |value: Value| {
            let mut lines = BTreeMap::new();
            flatten(&value, String::new(), &mut lines);
            lines
        };
        let before = lines(json!({ "setting": { "list": "1", "old": true }, "field": { "FN": "firstName" } }));
        let after = lines(json!({ "setting": { "list": "2" }, "field": { "FN": "firstName", "LN": "lastName" } }));
        let told: Vec<String> = differences(&before, &after)
            .iter()
            .map(|one| format!("{} {:?} {:?}", one.what, one.before.as_deref(), one.after.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                r#"field.LN None Some("lastName")"#,
                r#"setting.list Some("1") Some("2")"#,
                r#"setting.old Some("true") None"#,
            ]
        );
    }
}
