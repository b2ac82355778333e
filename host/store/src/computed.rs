//! Computed traits: what a person's events add up to, looked at again when events come or leave a window.
//!
//! Also replays identify calls, which say custom traits one after the other. Invariant: the cost of a refresh follows
//! what changed. A profile is due when an event came, or when the next one leaves its window; others are not looked at.

use std::collections::{BTreeMap, BTreeSet};

use enroute_core::aggregate::{Aggregate, Kind as How};
use rusqlite::{CachedStatement, Row};
use serde_json::value::RawValue;

use crate::layers::{IDENTIFY, Kind, Layers, json};
use crate::{Error, Transaction, schema};
use enroute_config::crash_point;

/// Profiles that are looked at in one transaction.
pub const REFRESHED_AT_ONCE: u32 = 2_000;

/// Name in `meta` of what computed traits were computed by.
const DEFINITIONS: &str = "computed";

/// How a trait is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The trait's name.
    pub name: String,
    /// How the values become one.
    pub how: How,
    /// The event that is looked at.
    pub event: String,
    /// The names on the way to the event's property; none to count events.
    pub property: Vec<String>,
    /// Only events that are younger count.
    pub window_ms: Option<i64>,
}

/// What one step of a refresh did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refreshed {
    /// Profiles that were looked at.
    pub looked_at: u64,
    /// Those whose traits are others now.
    pub changed: u64,
}

impl Transaction<'_> {
    /// Takes on the definitions. Where they are others than before, everybody with events is looked at again.
    ///
    /// # Errors
    ///
    /// [`Error::TraitTaken`] if a trait belongs to another source, or if the file cannot be written.
    pub fn define_computed(&self, definitions: &[Definition]) -> Result<(), Error> {
        let text = format!("{definitions:?}");
        let known: Option<String> = schema::meta(self.connection, DEFINITIONS)?;
        let events: BTreeSet<&str> = definitions.iter().map(|one| one.event.as_str()).collect();
        let events = json(&events)?;
        if schema::meta::<String>(self.connection, schema::COUNTED)?.as_ref() != Some(&events) {
            schema::set_meta(self.connection, schema::COUNTED, events)?;
        }
        if known.as_deref() == Some(&text) || (known.is_none() && definitions.is_empty()) {
            return Ok(());
        }
        let source = self.trait_source(Kind::Computed, "")?;
        let names: Vec<&str> = definitions.iter().map(|one| one.name.as_str()).collect();
        self.own_traits(source, &names)?;
        let everybody = "insert or replace into refresh (profile, due_ms)
            select distinct profile, 0 from event where name is not null";
        self.connection.execute(everybody, ())?;
        Ok(schema::set_meta(self.connection, DEFINITIONS, text)?)
    }

    /// Looks at some of the profiles that are due at `now_ms`; nothing is due any more once none was looked at.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn refresh(&self, definitions: &[Definition], now_ms: i64) -> Result<Refreshed, Error> {
        let due = "select profile from refresh where due_ms <= ?1 order by due_ms, profile limit ?2";
        let mut due = self.connection.prepare_cached(due)?;
        let due = due.query_map((now_ms, REFRESHED_AT_ONCE), |row| row.get(0))?;
        let due: Vec<u32> = due.collect::<Result<_, _>>()?;
        let mut done = Refreshed::default();
        if due.is_empty() {
            if !definitions.is_empty() {
                self.set_refreshed(self.trait_source(Kind::Computed, "")?, now_ms)?;
            }
            return Ok(done);
        }
        let revision = self.revision()? + 1;
        let mut refresh = Refresh::new(self, definitions)?;
        for profile in due {
            done.looked_at += 1;
            done.changed += u64::from(refresh.profile(profile, revision, now_ms)?);
        }
        crash_point!("traits.refreshed");
        if done.changed > 0 {
            self.set_revision(revision)?;
        }
        Ok(done)
    }
}

/// The statements of a refresh.
struct Refresh<'a> {
    definitions: &'a [Definition],
    layers: Layers<'a>,
    identify: i64,
    computed: i64,
    said: CachedStatement<'a>,
    events: CachedStatement<'a>,
    later: CachedStatement<'a>,
    done: CachedStatement<'a>,
}

impl<'a> Refresh<'a> {
    fn new(tx: &'a Transaction<'a>, definitions: &'a [Definition]) -> Result<Self, Error> {
        let identify = tx.trait_source(Kind::Custom, IDENTIFY)?;
        let computed = tx.trait_source(Kind::Computed, "")?;
        let prepare = |sql| tx.connection.prepare_cached(sql);
        Ok(Self {
            definitions,
            layers: Layers::new(tx)?,
            identify,
            computed,
            said: prepare("select json(data) from event where profile = ?1 and name is null order by at_ms, id")?,
            events: prepare("select at_ms, data -> ?3 from event where profile = ?1 and name = ?2 order by at_ms, id")?,
            later: prepare("insert or replace into refresh (profile, due_ms) values (?1, ?2)")?,
            done: prepare("delete from refresh where profile = ?1")?,
        })
    }

    /// Looks at one person; tells whether the traits are others now.
    fn profile(&mut self, profile: u32, revision: i64, now_ms: i64) -> Result<bool, Error> {
        let said = self.replay(profile)?;
        let (computed, due_ms) = self.compute(profile, now_ms)?;
        let mut is_set = self.layers.set(self.identify, profile, said.as_deref())?;
        is_set |= self.layers.set(self.computed, profile, computed.as_deref())?;
        match due_ms {
            Some(due_ms) => self.later.execute((profile, due_ms))?,
            None => self.done.execute([profile])?,
        };
        if is_set { self.layers.merge(profile, revision) } else { Ok(false) }
    }

    /// What identify calls say, one after the other; a null stays, to take the trait away.
    fn replay(&mut self, profile: u32) -> Result<Option<String>, Error> {
        let mut all: BTreeMap<String, Box<RawValue>> = BTreeMap::new();
        let mut rows = self.said.query([profile])?;
        let mut is_said = false;
        while let Some(row) = rows.next()? {
            is_said = true;
            let Some(text) = row.get_ref(0)?.as_str_or_null().map_err(rusqlite::Error::from)? else { continue };
            let one: BTreeMap<String, Box<RawValue>> =
                serde_json::from_str(text).map_err(|_| Error::Broken("the traits of a call are a JSON object"))?;
            all.extend(one);
        }
        if is_said { json(&all).map(Some) } else { Ok(None) }
    }

    /// The computed traits, and when the next event leaves a window. Without any event there is no trait.
    fn compute(&mut self, profile: u32, now_ms: i64) -> Result<(Option<String>, Option<i64>), Error> {
        let mut all: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
        let mut due_ms: Option<i64> = None;
        for definition in self.definitions {
            let mut aggregate = Aggregate::new(definition.how);
            let path = definition.property.iter().fold("$".to_owned(), |path, name| format!("{path}.\"{name}\""));
            let mut rows = self.events.query((profile, &definition.event, path))?;
            let mut is_known = false;
            let mut first_ms = None;
            while let Some(row) = rows.next()? {
                is_known = true;
                let at_ms: i64 = row.get(0)?;
                if definition.window_ms.is_some_and(|window| at_ms.saturating_add(window) <= now_ms) {
                    continue;
                }
                first_ms = first_ms.or(Some(at_ms));
                aggregate.take(value(row)?);
            }
            if !is_known {
                continue;
            }
            let leaves_ms = first_ms.zip(definition.window_ms).map(|(first, window)| first.saturating_add(window));
            due_ms = [due_ms, leaves_ms].into_iter().flatten().min();
            let value = RawValue::from_string(aggregate.finish());
            all.insert(&definition.name, value.map_err(|_| Error::Broken("an aggregate is JSON"))?);
        }
        let traits = if all.is_empty() { None } else { Some(json(&all)?) };
        Ok((traits, due_ms))
    }
}

fn value<'r>(row: &'r Row<'_>) -> Result<Option<&'r str>, Error> {
    Ok(row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

#[cfg(test)]
mod tests;
