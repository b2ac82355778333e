//! The two files: their texts with mistakes in place, saving them without overwriting anybody, and what they were before.
//!
//! The files stay the truth: what is saved here is written to them, comments and order as they were given, and then read
//! like every other edit. Invariant: an edit is saved only over the version that it began with.

use std::collections::BTreeSet;
use std::path::Path;

use enroute_config::load::{Loaded, load, load_texts, texts};
use enroute_config::{Config, Paths};
use enroute_store::access::Role;
use enroute_store::ledger::Remotes;
use enroute_store::{audit, edits};
use enroute_sync::{Clock, Setup};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use similar::TextDiff;
use utoipa::ToSchema;

use crate::access::{self, Caller};
pub use crate::conflict::{Conflict, Merged};
use crate::desk::{Desk, moment};
use crate::problem::Problem;

/// Edits on one page of the history.
const EDITS: u32 = 50;

/// The two files as they are.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Files {
    /// The text of `plugins.toml`.
    pub plugins: String,
    /// The text of `audiences.toml`.
    pub audiences: String,
    /// A digest of both: what an edit says it began with.
    pub version: String,
    /// Mistakes and warnings, as `enroute check --json` tells them.
    #[schema(value_type = Vec<Object>)]
    pub mistakes: Vec<Value>,
}

/// An edit.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct Edit {
    /// The version that it began with.
    pub version: String,
    /// The new text of `plugins.toml`; left out where it stays.
    #[serde(default)]
    pub plugins: Option<String>,
    /// The new text of `audiences.toml`; left out where it stays.
    #[serde(default)]
    pub audiences: Option<String>,
}

/// What became of an edit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Saved {
    /// The version that the files have now.
    pub version: String,
    /// Whether it is in force; if not, why, as `enroute reload` tells it.
    pub not_in_force: Option<String>,
}

/// A line of the history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Past {
    /// Its number.
    pub edit: i64,
    /// In UTC.
    pub at: String,
    /// Who saved it.
    pub who: String,
    /// The version that it made.
    pub version: String,
}

/// A line of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Audited {
    /// Its number; `before` of the next question.
    pub id: i64,
    /// In UTC.
    pub at: String,
    /// The token's name.
    pub who: String,
    /// Its role then.
    pub role: String,
    /// What was done.
    pub what: String,
    /// What it was done to.
    pub about: String,
    /// Where it came from.
    pub source: String,
}

impl Desk {
    /// The two files as they are.
    ///
    /// # Errors
    /// When a question is lost.
    pub async fn files(&self) -> Result<Files, Problem> {
        self.aside(|desk| {
            let [plugins, audiences] = texts(desk.folder()).map(Option::unwrap_or_default);
            let version = version(&plugins, &audiences);
            Ok(Files { plugins, audiences, version, mistakes: mistakes(&load(desk.folder())) })
        })
        .await
    }

    /// The mistakes that texts in hand would have.
    ///
    /// # Errors
    /// When a question is lost.
    pub async fn check(&self, plugins: Option<String>, audiences: Option<String>) -> Result<Vec<Value>, Problem> {
        self.aside(move |desk| {
            let [now_plugins, now_audiences] = texts(desk.folder()).map(Option::unwrap_or_default);
            let plugins = plugins.unwrap_or(now_plugins);
            Ok(mistakes(&load_texts(desk.folder(), &plugins, &audiences.unwrap_or(now_audiences))))
        })
        .await
    }

    /// Saves an edit and has it read. What an edit would break is refused before anything is written.
    ///
    /// # Errors
    /// [`Problem::Conflict`], [`Problem::Mistakes`], that the caller may not, or when something fails.
    pub async fn save(&self, caller: &Caller, edit: Edit) -> Result<Saved, Problem> {
        self.may_change(caller, Role::Operator)?;
        let _one = self.saving.lock().await;
        let caller = caller.clone();
        let version = self.aside(move |desk| desk.write(&caller, edit)).await?;
        Ok(Saved { version, not_in_force: self.handle().reload().await })
    }

    fn write(&self, caller: &Caller, edit: Edit) -> Result<String, Problem> {
        let [now_plugins, now_audiences] = texts(self.folder()).map(Option::unwrap_or_default);
        let plugins = edit.plugins.unwrap_or_else(|| now_plugins.clone());
        let audiences = edit.audiences.unwrap_or_else(|| now_audiences.clone());
        // What may run and where it may reach is for who reviews it.
        if plugins != now_plugins && locks(&plugins) != locks(&now_plugins) {
            caller.needs(Role::Admin)?;
        }
        if edit.version != version(&now_plugins, &now_audiences) {
            let base = self.texts_of(&edit.version)?;
            let now = (now_plugins.as_str(), now_audiences.as_str());
            let conflict = conflict(base.as_ref(), now, (&plugins, &audiences));
            return Err(Problem::Conflict(Box::new(conflict)));
        }
        let loaded = load_texts(self.folder(), &plugins, &audiences);
        let Some(config) = &loaded.config else { return Err(Problem::Mistakes(mistakes(&loaded))) };
        self.runs_as_before(config)?;
        let (new, now_ms) = (version(&plugins, &audiences), self.now_ms());
        let (entry, who, sealer) = (
            access::entry(caller, "saved the files", &new, now_ms),
            caller.name.clone(),
            self.store().sealer().clone(),
        );
        let (before, before_version) =
            ((now_plugins.clone(), now_audiences.clone()), version(&now_plugins, &now_audiences));
        let after = (plugins.clone(), audiences.clone());
        let kept = new.clone();
        let paths = Paths::new(self.folder());
        let failed = |error: std::io::Error| Problem::Failed(format!("the files cannot be written: {error}"));
        if audiences != now_audiences {
            replace(&paths.audiences_file, &audiences).map_err(failed)?;
        }
        if plugins != now_plugins {
            replace(&paths.plugins_file, &plugins).map_err(failed)?;
        }
        self.store().write_blocking(move |tx| {
            // What was there before an edit can be come back to, whoever wrote it.
            let last = edits::before(tx, None, 1)?.pop();
            if last.is_none_or(|last| last.version != before_version) {
                let (plugins, audiences) = (&before.0, &before.1);
                edits::keep(tx, &sealer, ("by hand", &before_version), (plugins, audiences), now_ms)?;
            }
            edits::keep(tx, &sealer, (&who, &kept), (&after.0, &after.1), now_ms)?;
            audit::note(tx, &entry)
        })?;
        Ok(new)
    }

    /// Refuses a configuration that would stop a connection which runs, or could not be in force at all: a reload would
    /// refuse it, too, but with the files written.
    fn runs_as_before(&self, config: &Config) -> Result<(), Problem> {
        let stopped = |config: &Config| {
            let (remotes, today) = (Remotes::new(), Clock::System.today());
            let prepare = Setup::prepare(config, &self.office.runtime, &remotes, &today, None);
            let (setup, found) = tokio::runtime::Handle::current().block_on(prepare);
            let of = |one: &enroute_sync::Stopped| (one.audience.clone(), one.destination.clone(), one.mapping.clone());
            let stopped: Option<BTreeSet<_>> = setup.map(|setup| setup.stopped().iter().map(of).collect());
            (stopped, found.to_json(&config.files).as_array().cloned().unwrap_or_default())
        };
        let before = self.config().and_then(|now| stopped(&now).0).unwrap_or_default();
        match stopped(config) {
            (Some(after), _) if after.is_subset(&before) => Ok(()),
            (_, found) => Err(Problem::Mistakes(found)),
        }
    }

    /// The texts that the files had in a version, where it is kept.
    fn texts_of(&self, wanted: &str) -> Result<Option<(String, String)>, Problem> {
        let reader = self.store().reader()?;
        let past = edits::before(&reader, None, u32::MAX)?;
        let Some(found) = past.into_iter().find(|edit| edit.version == wanted) else { return Ok(None) };
        Ok(edits::texts(&reader, found.id)?)
    }

    /// Edits before this one, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(&self, before: Option<i64>) -> Result<Vec<Past>, Problem> {
        self.read(move |_, reader| {
            let one = |edit: edits::Edit| Past {
                edit: edit.id,
                at: moment(edit.at_ms),
                who: edit.who,
                version: edit.version,
            };
            Ok(edits::before(reader, before, EDITS)?.into_iter().map(one).collect())
        })
        .await
    }

    /// The texts of an edit, `plugins.toml` first.
    ///
    /// # Errors
    /// [`Problem::Missing`], or when the store fails.
    pub async fn past(&self, edit: i64) -> Result<(String, String), Problem> {
        self.read(move |_, reader| edits::texts(reader, edit)?.ok_or_else(|| Problem::Missing(format!("edit {edit}"))))
            .await
    }

    /// The audit log before a line, the newest first. For admins.
    ///
    /// # Errors
    /// That the caller may not, or when the store fails.
    pub async fn audit(&self, caller: &Caller, before: Option<i64>) -> Result<Vec<Audited>, Problem> {
        caller.needs(Role::Admin)?;
        self.read(move |_, reader| {
            let one = |entry: audit::Entry| Audited {
                id: entry.id,
                at: moment(entry.at_ms),
                who: entry.who,
                role: entry.role,
                what: entry.what,
                about: entry.about,
                source: entry.source,
            };
            Ok(audit::before(reader, before, EDITS)?.into_iter().map(one).collect())
        })
        .await
    }
}

/// What a version of both texts is called.
#[must_use]
pub fn version(plugins: &str, audiences: &str) -> String {
    let both = format!("{}\n{plugins}{audiences}", plugins.len());
    enroute_catalog::sha256_hex(both.as_bytes()).chars().take(16).collect()
}

/// What a load found, as JSON.
pub(crate) fn mistakes(loaded: &Loaded) -> Vec<Value> {
    loaded.diagnostics.to_json(&loaded.files).as_array().cloned().unwrap_or_default()
}

/// The parts of `plugins.toml` that say what may run: every line of a `[plugin.…]` table.
fn locks(text: &str) -> Vec<&str> {
    let mut is_in = false;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter(|line| {
            if line.starts_with('[') {
                is_in = line.starts_with("[plugin.") || line.starts_with("[plugin]");
            }
            is_in
        })
        .collect()
}

/// A difference as lines with `+`, `-` and a blank before them, with a few lines around each change.
#[must_use]
pub fn difference(before: &str, after: &str) -> String {
    TextDiff::from_lines(before, after).unified_diff().context_radius(3).to_string()
}

fn conflict(base: Option<&(String, String)>, now: (&str, &str), edit: (&str, &str)) -> Conflict {
    let part = |name: &str, now: &str, edit: &str| match difference(now, edit) {
        text if text.is_empty() => text,
        text => format!("{name}\n{text}"),
    };
    let merged = base.and_then(|(plugins, audiences)| {
        Some(Merged { plugins: merge(plugins, now.0, edit.0)?, audiences: merge(audiences, now.1, edit.1)? })
    });
    Conflict {
        version: version(now.0, now.1),
        difference: part("plugins.toml", now.0, edit.0) + &part("audiences.toml", now.1, edit.1),
        merged,
    }
}

/// Two edits of one text put together; nothing where they touch the same lines, or lines beside each other.
fn merge(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let (mine, other) = (changes(base, ours), changes(base, theirs));
    let touch = |(a, _): &(std::ops::Range<usize>, Vec<&str>), (b, _): &(std::ops::Range<usize>, Vec<&str>)| {
        a.start <= b.end && b.start <= a.end
    };
    let mut all = mine.clone();
    for change in &other {
        match mine.iter().find(|one| touch(one, change)) {
            Some(same) if same == change => {}
            Some(_) => return None,
            None => all.push(change.clone()),
        }
    }
    all.sort_by_key(|(at, _)| at.start);
    let lines: Vec<&str> = base.split_inclusive('\n').collect();
    let (mut merged, mut next) = (String::new(), 0);
    for (at, new) in all {
        merged.extend(lines.get(next..at.start)?.iter().copied());
        merged.extend(new);
        next = at.end;
    }
    merged.extend(lines.get(next..)?.iter().copied());
    Some(merged)
}

/// Which lines of `base` became which others.
fn changes<'a>(base: &'a str, text: &'a str) -> Vec<(std::ops::Range<usize>, Vec<&'a str>)> {
    let diff = TextDiff::from_lines(base, text);
    let new: Vec<&str> = text.split_inclusive('\n').collect();
    let is_change = |op: &&similar::DiffOp| op.tag() != similar::DiffTag::Equal;
    let one = |op: &similar::DiffOp| (op.old_range(), new.get(op.new_range()).unwrap_or_default().to_vec());
    diff.ops().iter().filter(is_change).map(one).collect()
}

/// Puts a text in a file's place, whole or not at all, with the rights that the file had.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    // A link stays one: what it leads to is replaced.
    let path = path.canonicalize()?;
    let folder = path.parent().ok_or(std::io::ErrorKind::NotFound)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_different_places_are_put_together_and_of_one_place_are_not() {
        let base = "a\nb\nc\nd\ne\n";
        let check = |ours: &str, theirs: &str, expect: Option<&str>| {
            assert_eq!(merge(base, ours, theirs).as_deref(), expect, "{ours:?} and {theirs:?}");
        };
        check("A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n", Some("A\nb\nc\nd\nE\n"));
        check("a\nb\nc\nd\ne\nf\n", "x\na\nb\nc\nd\ne\n", Some("x\na\nb\nc\nd\ne\nf\n"));
        check("a\nB\nc\nd\ne\n", "a\nx\nc\nd\ne\n", None);
        check("a\nB\nc\nd\ne\n", "a\nb\nx\nd\ne\n", None);
        check("a\nB\nc\nd\ne\n", "a\nB\nc\nd\ne\n", Some("a\nB\nc\nd\ne\n"));
        check(base, base, Some(base));
    }

    #[test]
    fn only_tables_of_plugins_say_what_may_run() {
        let text = "# a\n[plugin.x]\nfile = \"x\"\n\n[destination.d]\nplugin = \"x\"\n[plugin.x.limits]\nmemory = 1\n";
        assert_eq!(locks(text), ["[plugin.x]", "file = \"x\"", "[plugin.x.limits]", "memory = 1"]);
    }
}
