//! Layers: what each source of traits says of a profile, and how they become the one object that is asked for and sent.
//!
//! Invariants: a source replaces its own layer and no other; a null in a layer is a null in the whole; a profile whose
//! whole is the same keeps its revision; a trait belongs to one kind and source, but for custom traits, which all
//! sources of profiles share.

use std::collections::BTreeMap;
use std::fmt;

use rusqlite::{CachedStatement, OptionalExtension as _, Row};
use serde_json::value::RawValue;

use crate::{Error, Transaction};

/// What a trait is, by where its value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From profiles files and identify calls.
    Custom,
    /// A column of a query.
    Sql,
    /// From events.
    Computed,
    /// A score that was imported, and its percentile.
    Predictive,
}

impl Kind {
    /// The kind as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Sql => "sql",
            Self::Computed => "computed",
            Self::Predictive => "predictive",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        let known = [Self::Sql, Self::Computed, Self::Predictive];
        known.into_iter().find(|kind| kind.as_str() == text).unwrap_or(Self::Custom)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of the custom source that stands for all identify calls.
pub(super) const IDENTIFY: &str = "";

/// Layers that are taken away in one transaction.
pub const DROPPED_AT_ONCE: u32 = 5_000;

/// The statements that write layers, prepared once for many.
pub(super) struct Layers<'a> {
    of_profile: CachedStatement<'a>,
    find: CachedStatement<'a>,
    put: CachedStatement<'a>,
    remove: CachedStatement<'a>,
    of_source: CachedStatement<'a>,
    merge: CachedStatement<'a>,
    identify: Option<i64>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>) -> Result<Self, Error> {
        let prepare = |sql| tx.connection.prepare_cached(sql);
        Ok(Self {
            of_profile: prepare("select json(coalesce(custom, traits)), json(traits) from profile where id = ?1")?,
            find: prepare("select traits from layer where source = ?1 and profile = ?2")?,
            put: prepare("insert or replace into layer (source, profile, traits) values (?1, ?2, ?3)")?,
            remove: prepare("delete from layer where source = ?1 and profile = ?2")?,
            of_source: prepare("select source, traits from layer where profile = ?1 order by source")?,
            merge: prepare(
                "update profile set custom = jsonb(?2), traits = jsonb(?3), revision = coalesce(?4, revision) where id = ?1",
            )?,
            identify: tx.find_trait_source(Kind::Custom, IDENTIFY)?,
        })
    }

    /// Replaces what a source says of a profile, or takes it away; tells whether that is a change.
    pub(super) fn set(&mut self, source: i64, profile: u32, traits: Option<&str>) -> Result<bool, Error> {
        let before: Option<String> = self.find.query_row((source, profile), |row| row.get(0)).optional()?;
        if before.as_deref() == traits {
            return Ok(false);
        }
        match traits {
            Some(traits) => self.put.execute((source, profile, traits))?,
            None => self.remove.execute((source, profile))?,
        };
        Ok(true)
    }

    /// Puts the layers of a profile together. The revision is taken where the whole is another than before.
    pub(super) fn merge(&mut self, profile: u32, revision: i64) -> Result<bool, Error> {
        let both = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?));
        let (custom, before) = self.of_profile.query_row([profile], both)?;
        let own = custom.as_deref().filter(|custom| *custom != "null");
        let layers = self.of_source.query_map([profile], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let layers: Vec<(i64, String)> = layers.collect::<Result<_, _>>()?;
        let whole = whole(own, &layers, self.identify)?;
        let is_changed = whole != before;
        let kept = if layers.is_empty() { None } else { Some(own.unwrap_or("null")) };
        self.merge.execute((profile, kept, &whole, is_changed.then_some(revision)))?;
        Ok(is_changed)
    }
}

/// The object of all layers. Identify calls come above the own line, and a null in them takes the trait away.
fn whole(own: Option<&str>, layers: &[(i64, String)], identify: Option<i64>) -> Result<Option<String>, Error> {
    if layers.is_empty() {
        return Ok(own.map(str::to_owned));
    }
    let mut all: BTreeMap<String, &RawValue> = own.map_or_else(|| Ok(BTreeMap::new()), entries)?;
    for (source, text) in layers {
        for (name, value) in entries(text)? {
            if Some(*source) == identify && value.get() == "null" {
                all.remove(&name);
            } else {
                all.insert(name, value);
            }
        }
    }
    json(&all).map(Some)
}

/// The members of a JSON object that is known to be one.
pub(super) fn entries(text: &str) -> Result<BTreeMap<String, &RawValue>, Error> {
    serde_json::from_str(text).map_err(|_| Error::Broken("a layer is a JSON object"))
}

pub(super) fn json<T: serde::Serialize>(object: &T) -> Result<String, Error> {
    serde_json::to_string(object).map_err(|_| Error::Broken("a layer can be written as JSON"))
}

impl Transaction<'_> {
    pub(super) fn find_trait_source(&self, kind: Kind, name: &str) -> Result<Option<i64>, Error> {
        let sql = "select id from trait_source where kind = ?1 and name = ?2";
        Ok(self.connection.prepare_cached(sql)?.query_row((kind.as_str(), name), |row| row.get(0)).optional()?)
    }

    /// The number of a source of traits, which gets one at first sight.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn trait_source(&self, kind: Kind, name: &str) -> Result<i64, Error> {
        if let Some(id) = self.find_trait_source(kind, name)? {
            return Ok(id);
        }
        let sql = "insert into trait_source (kind, name) values (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute((kind.as_str(), name))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Notes when a source was last read to its end.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn set_refreshed(&self, source: i64, now_ms: i64) -> Result<(), Error> {
        let sql = "update trait_source set refreshed_ms = ?2 where id = ?1";
        self.connection.prepare_cached(sql)?.execute((source, now_ms))?;
        Ok(())
    }

    /// Takes away what sources say that are no longer there, as many profiles as fit a transaction; tells whether
    /// there is more.
    ///
    /// `kept` names the sources of SQL and predictive traits that are there.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn drop_other_sources(&self, kept: &[(Kind, String)]) -> Result<bool, Error> {
        let mut statement = self.connection.prepare_cached(
            "select id, kind, name from trait_source where kind in ('sql', 'predictive') order by id",
        )?;
        let source = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?));
        let sources: Vec<(i64, String, String)> = statement.query_map((), source)?.collect::<Result<_, _>>()?;
        let is_gone = |kind: &str, name: &str| !kept.iter().any(|(k, n)| k.as_str() == kind && n == name);
        let Some((id, ..)) = sources.iter().find(|(_, kind, name)| is_gone(kind, name)) else { return Ok(false) };
        let sql = "select profile from layer where source = ?1 limit ?2";
        let profiles: Vec<u32> = self
            .connection
            .prepare_cached(sql)?
            .query_map((id, DROPPED_AT_ONCE), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if profiles.is_empty() {
            self.connection.execute("delete from trait_name where source = ?1", [id])?;
            self.connection.execute("delete from trait_source where id = ?1", [id])?;
            return Ok(true);
        }
        let revision = self.revision()? + 1;
        let mut layers = Layers::new(self)?;
        let mut is_changed = false;
        for profile in profiles {
            layers.set(*id, profile, None)?;
            is_changed |= layers.merge(profile, revision)?;
        }
        if is_changed {
            self.set_revision(revision)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{TestStore, line};

    fn set(store: &TestStore, source: &'static str, profile: u32, traits: Option<&'static str>) -> bool {
        let write = move |tx: &Transaction<'_>| {
            let source = tx.trait_source(Kind::Sql, source)?;
            let revision = tx.revision()? + 1;
            let mut layers = Layers::new(tx)?;
            let is_set = layers.set(source, profile, traits)?;
            let is_changed = layers.merge(profile, revision)?;
            tx.set_revision(revision)?;
            assert!(is_set || !is_changed);
            Ok(is_changed)
        };
        store.write_blocking(write).unwrap()
    }

    fn traits(store: &TestStore, key: &str) -> Option<String> {
        store.reader().unwrap().profile(key).unwrap().unwrap().parts[1].clone()
    }

    #[test]
    fn layers_survive_each_others_imports() {
        let store = TestStore::with(&[line("a", r#"{"n": 1.50, "m": null}"#)]);
        assert!(set(&store, "w", 1, Some(r#"{"plan":null,"seats":3}"#)));
        assert_eq!(traits(&store, "a").unwrap(), r#"{"m":null,"n":1.50,"plan":null,"seats":3}"#);
        store.put(&[line("a", r#"{"n": 2}"#)]);
        assert_eq!(traits(&store, "a").unwrap(), r#"{"n":2,"plan":null,"seats":3}"#);
        assert!(set(&store, "v", 1, Some(r#"{"score":0.5}"#)));
        assert!(set(&store, "w", 1, Some(r#"{"plan":"gold"}"#)));
        assert_eq!(traits(&store, "a").unwrap(), r#"{"n":2,"plan":"gold","score":0.5}"#);
        assert!(set(&store, "w", 1, None) && set(&store, "v", 1, None));
        assert_eq!(traits(&store, "a").unwrap(), r#"{"n":2}"#);
    }

    #[test]
    fn a_profile_without_own_traits_has_none_when_the_layers_are_gone() {
        let store = TestStore::with(&[r#"{"id": "a"}"#.to_owned()]);
        assert!(set(&store, "w", 1, Some(r#"{"plan":"gold"}"#)));
        store.put(&[r#"{"id": "a", "consent": {"ads": true}}"#.to_owned()]);
        assert_eq!(traits(&store, "a").unwrap(), r#"{"plan":"gold"}"#);
        assert!(set(&store, "w", 1, None));
        assert_eq!(traits(&store, "a"), None);
    }

    #[test]
    fn a_whole_that_is_the_same_keeps_its_revision() {
        let store = TestStore::with(&[line("a", r#"{"n": 1}"#)]);
        assert!(set(&store, "w", 1, Some(r#"{"plan":"gold"}"#)));
        let revision = || store.reader().unwrap().profile("a").unwrap().unwrap().revision;
        let before = revision();
        assert!(!set(&store, "w", 1, Some(r#"{"plan":"gold"}"#)));
        store.put(&[line("a", r#"{"n": 1}"#)]);
        assert_eq!(revision(), before);
    }

    #[test]
    fn what_a_source_said_goes_with_the_source() {
        let store = TestStore::with(&[line("a", "{}"), line("b", r#"{"n": 1}"#)]);
        set(&store, "w", 1, Some(r#"{"plan":"gold"}"#));
        set(&store, "w", 2, Some(r#"{"plan":"gold"}"#));
        set(&store, "v", 2, Some(r#"{"seats":1}"#));
        let kept = vec![(Kind::Sql, "v".to_owned())];
        while store
            .write_blocking({
                let kept = kept.clone();
                move |tx| tx.drop_other_sources(&kept)
            })
            .unwrap()
        {}
        assert_eq!([traits(&store, "a"), traits(&store, "b")].map(Option::unwrap), ["{}", r#"{"n":1,"seats":1}"#]);
    }
}
