//! Calls of clients on their way from the inbox into the store: whose they are, and what becomes of them there.
//!
//! Invariants: a call is kept once, however often it is applied; a visitor's id belongs to the first user it was seen
//! with and to nobody after; a replaced id leads to the person it was replaced by, in one step; nobody who was forgotten
//! comes back.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use enroute_core::call::CallKind;
use rusqlite::{CachedStatement, OptionalExtension as _};
use serde_json::value::RawValue;

use crate::events::{Events, NewEvent};
use crate::forgotten::{self, Tombstones};
use crate::inbox::Row;
use crate::joining::Joining;
use crate::layers::{Kind, entries};
use crate::profiles::{ContentHasher, Incoming, PARTS, Profiles, Upserted};
use crate::seal::{HASH_BYTES, Sealer};
use crate::traits::TRAIT_NAMES_MAX;
use crate::{Error, Transaction};

/// What the key of a profile begins with that is a visitor's own. No user id may begin so.
pub const ANONYMOUS_KEY: &str = "anonymous:";

/// A call that was checked. Its texts are those of the request.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// What it is about.
    pub kind: CallKind,
    /// The id of a known person.
    pub user: Option<Cow<'a, str>>,
    /// The id of a visitor.
    pub anonymous: Option<Cow<'a, str>>,
    /// The id that an alias replaces.
    pub previous: Option<Cow<'a, str>>,
    /// What happened.
    pub name: Option<Cow<'a, str>>,
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// What tells it from others, by [`crate::events::message_hash`].
    pub message: [u8; HASH_BYTES],
    /// The JSON object of its properties or traits.
    pub data: Option<Cow<'a, RawValue>>,
}

/// A call as an inbox has it: kind, user, visitor, previous id, name, moment, both halves of the hash, data.
type Packed<'a> = (
    u8,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    i64,
    (u64, u64),
    Option<Cow<'a, RawValue>>,
);

/// Calls as bytes for an inbox.
///
/// # Errors
///
/// [`Error::Broken`] if a call is not JSON.
pub fn pack(calls: &[Call<'_>]) -> Result<Vec<u8>, Error> {
    let packed: Vec<Packed<'_>> = calls
        .iter()
        .map(|call| {
            let kind = CallKind::ALL.iter().position(|kind| *kind == call.kind).unwrap_or_default();
            let whole = u128::from_be_bytes(call.message);
            let halves = ((whole >> 64) as u64, (whole & u128::from(u64::MAX)) as u64);
            (
                u8::try_from(kind).unwrap_or_default(),
                call.user.clone(),
                call.anonymous.clone(),
                call.previous.clone(),
                call.name.clone(),
                call.at_ms,
                halves,
                call.data.clone(),
            )
        })
        .collect();
    serde_json::to_vec(&packed).map_err(|_| Error::Broken("a call can be written as JSON"))
}

/// What [`pack`] made bytes of.
fn unpack(bytes: &[u8]) -> Result<Vec<Call<'_>>, Error> {
    const BROKEN: Error = Error::Broken("an inbox holds calls");
    let packed: Vec<Packed<'_>> = serde_json::from_slice(bytes).map_err(|_| BROKEN)?;
    let call = |(kind, user, anonymous, previous, name, at_ms, (high, low), data): Packed<'static>| {
        let kind = CallKind::ALL.get(usize::from(kind)).copied().ok_or(BROKEN)?;
        let message = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        Ok(Call { kind, user, anonymous, previous, name, at_ms, message, data })
    };
    packed.into_iter().map(call).collect()
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It is kept.
    Kept,
    /// It was known.
    Duplicate,
    /// It says nothing that is kept: page views, screens, groups.
    Noted,
    /// It says nothing of a known person, and visitors are no profiles here.
    Anonymous,
    /// It is about somebody who was forgotten.
    Forgotten,
    /// It says a trait that belongs to another source.
    TraitTaken,
    /// An alias of somebody with himself, also by a detour.
    AliasLoop,
    /// An alias that replaces an id that nobody knows.
    AliasUnknown,
}

impl Fate {
    /// The fate as metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Duplicate => "duplicate",
            Self::Noted => "noted",
            Self::Anonymous => "anonymous",
            Self::Forgotten => "forgotten",
            Self::TraitTaken => "trait_taken",
            Self::AliasLoop => "alias_loop",
            Self::AliasUnknown => "alias_unknown",
        }
    }
}

/// What came of applying some rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The profiles that calls were about.
    pub touched: BTreeSet<u32>,
    /// Visitors and replaced ids that joined somebody, each with its own number and the person's.
    pub joined: Vec<(u32, u32)>,
    /// How many calls had which fate, by source and kind.
    pub fates: BTreeMap<(String, CallKind, Fate), u64>,
}

impl Transaction<'_> {
    /// Applies rows of an inbox, in their order. To apply one twice does what applying it once does.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn apply_calls(&self, rows: &[Row], sealer: &Sealer, now_ms: i64) -> Result<Applied, Error> {
        let mut desk = Desk::new(self, sealer, now_ms)?;
        for row in rows {
            desk.source = Some(self.trait_source(Kind::Custom, &row.source)?);
            for call in unpack(&row.calls)? {
                let fate = desk.call(&call, row.anonymous)?;
                match desk.applied.fates.get_mut(&(row.source.clone(), call.kind, fate)) {
                    Some(count) => *count += 1,
                    None => drop(desk.applied.fates.insert((row.source.clone(), call.kind, fate), 1)),
                }
            }
        }
        let (is_changed, revision) = (desk.is_changed, desk.revision);
        let applied = desk.applied;
        if is_changed {
            self.set_revision(revision)?;
        }
        Ok(applied)
    }
}

/// What is at hand while calls are applied.
struct Desk<'a> {
    tx: &'a Transaction<'a>,
    sealer: &'a Sealer,
    profiles: Profiles<'a>,
    events: Events<'a>,
    tombstones: Tombstones<'a>,
    joining: Joining<'a>,
    find: CachedStatement<'a>,
    put: CachedStatement<'a>,
    empty: [u8; HASH_BYTES],
    revision: i64,
    is_changed: bool,
    /// Names of traits that are not custom ones.
    taken: HashSet<String>,
    /// Names that are known of each source.
    names: HashMap<i64, HashSet<String>>,
    source: Option<i64>,
    /// Whether any id was ever replaced.
    has_replaced: bool,
    applied: Applied,
}

impl<'a> Desk<'a> {
    fn new(tx: &'a Transaction<'a>, sealer: &'a Sealer, now_ms: i64) -> Result<Self, Error> {
        let connection = tx.connection();
        let taken = "select trait_name.name from trait_name join trait_source on source = id where kind <> 'custom'";
        let taken = connection.prepare_cached(taken)?.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
        let replaced = "select exists (select 1 from identity where own = 2)";
        let revision = tx.revision()? + 1;
        Ok(Self {
            tx,
            sealer,
            profiles: Profiles::new(tx)?,
            events: Events::new(tx)?,
            tombstones: Tombstones::new(tx, sealer)?,
            joining: Joining::new(tx, revision, now_ms)?,
            find: connection.prepare_cached("select profile, own = 1 from identity where hash = ?1")?,
            put: connection
                .prepare_cached("insert or replace into identity (hash, profile, own) values (?1, ?2, ?3)")?,
            empty: ContentHasher::new(sealer).hash(&[None; PARTS.len()]),
            revision,
            is_changed: false,
            taken,
            names: HashMap::new(),
            source: None,
            has_replaced: connection.query_row(replaced, (), |row| row.get(0))?,
            applied: Applied::default(),
        })
    }

    fn call(&mut self, call: &Call<'_>, anonymous: bool) -> Result<Fate, Error> {
        if self.is_of_somebody_forgotten(call)? {
            return Ok(Fate::Forgotten);
        }
        match call.kind {
            CallKind::Alias => self.alias(call),
            CallKind::Track | CallKind::Identify => self.keep(call, anonymous),
            CallKind::Page | CallKind::Screen | CallKind::Group => {
                // It may still be what first says who a visitor is.
                if let (Some(user), Some(visitor)) = (&call.user, &call.anonymous) {
                    let profile = self.user(user)?;
                    self.join_visitor(visitor, profile)?;
                }
                Ok(Fate::Noted)
            }
        }
    }

    fn is_of_somebody_forgotten(&mut self, call: &Call<'_>) -> Result<bool, Error> {
        let said = call.data.as_deref().map(RawValue::get).filter(|_| call.kind == CallKind::Identify);
        if self.tombstones.cover(call.user.as_deref().unwrap_or_default(), None, said)? {
            return Ok(true);
        }
        match (&call.user, &call.anonymous) {
            (None, Some(visitor)) if self.tombstones.are_any() => {
                self.tombstones.has(&visitor_hash(self.sealer, visitor))
            }
            _ => Ok(false),
        }
    }

    fn keep(&mut self, call: &Call<'_>, anonymous: bool) -> Result<Fate, Error> {
        let data = call.data.as_deref().map(RawValue::get);
        if call.kind == CallKind::Identify
            && let Some(traits) = data
            && !self.note_names(traits)?
        {
            return Ok(Fate::TraitTaken);
        }
        let profile = match (&call.user, &call.anonymous) {
            (Some(user), visitor) => {
                let profile = self.user(user)?;
                if let Some(visitor) = visitor {
                    self.join_visitor(visitor, profile)?;
                }
                Some(profile)
            }
            (None, Some(visitor)) => self.visitor(visitor, anonymous)?,
            (None, None) => None,
        };
        let Some(profile) = profile else { return Ok(Fate::Anonymous) };
        let event = NewEvent { message: &call.message, profile, name: call.name.as_deref(), at_ms: call.at_ms, data };
        if !self.events.add(&event)? {
            return Ok(Fate::Duplicate);
        }
        self.applied.touched.insert(profile);
        Ok(Fate::Kept)
    }

    /// The number of a known person, who may have had another id before.
    fn user(&mut self, id: &str) -> Result<u32, Error> {
        if self.has_replaced {
            let hash = forgotten::hash_of_id(self.sealer, id);
            if let Some(profile) = self.find.query_row([hash.as_slice()], |row| row.get(0)).optional()? {
                return Ok(profile);
            }
        }
        let (profile, is_new) = self.profiles.number(id, &self.empty, self.revision)?;
        if is_new {
            self.is_changed = true;
            self.applied.touched.insert(profile);
        }
        Ok(profile)
    }

    /// The number of a visitor: the person's that it belongs to, or its own where visitors are profiles.
    fn visitor(&mut self, id: &str, anonymous: bool) -> Result<Option<u32>, Error> {
        let hash = visitor_hash(self.sealer, id);
        let known = self.find.query_row([hash.as_slice()], |row| row.get(0)).optional()?;
        if known.is_some() || !anonymous {
            return Ok(known);
        }
        let identifiers = serde_json::json!({ "anonymous_id": id }).to_string();
        let parts = [Some(identifiers.as_str()), None, None, None];
        let content = ContentHasher::new(self.sealer).hash(&parts);
        let incoming = Incoming { key: &format!("{ANONYMOUS_KEY}{id}"), hash: &content, parts };
        let (Upserted::Added { id } | Upserted::Updated { id, .. } | Upserted::Unchanged { id, .. }) =
            self.profiles.upsert(&incoming, self.revision)?;
        self.put.execute((hash.as_slice(), id, 1))?;
        self.is_changed = true;
        Ok(Some(id))
    }

    /// Gives a visitor to the person who is the first to be seen with it.
    fn join_visitor(&mut self, id: &str, to: u32) -> Result<(), Error> {
        let hash = visitor_hash(self.sealer, id);
        let known = self.find.query_row([hash.as_slice()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match known {
            Some((_, false)) => return Ok(()),
            Some((own, true)) if own != to => self.join(own, to)?,
            Some(_) | None => {}
        }
        self.put.execute((hash.as_slice(), to, 0))?;
        Ok(())
    }

    fn join(&mut self, from: u32, to: u32) -> Result<(), Error> {
        self.joining.join(from, to)?;
        self.is_changed = true;
        self.applied.touched.remove(&from);
        self.applied.touched.insert(to);
        self.applied.joined.push((from, to));
        Ok(())
    }

    /// Replaces an id by another one.
    fn alias(&mut self, call: &Call<'_>) -> Result<Fate, Error> {
        let (Some(user), Some(previous)) = (&call.user, &call.previous) else { return Ok(Fate::AliasUnknown) };
        if user == previous {
            return Ok(Fate::AliasLoop);
        }
        let visitor = visitor_hash(self.sealer, previous);
        let as_visitor: Option<(u32, bool)> =
            self.find.query_row([visitor.as_slice()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let as_user = self.profiles.find(previous)?;
        let replaced = forgotten::hash_of_id(self.sealer, previous);
        let before: Option<u32> = self.find.query_row([replaced.as_slice()], |row| row.get(0)).optional()?;
        match (as_user, as_visitor, before) {
            (Some(from), ..) => {
                let to = self.user(user)?;
                if from == to {
                    return Ok(Fate::AliasLoop);
                }
                self.join(from, to)?;
                self.put.execute((replaced.as_slice(), to, 2))?;
                self.has_replaced = true;
                Ok(Fate::Kept)
            }
            (None, _, Some(owner)) => Ok(if owner == self.user(user)? { Fate::Duplicate } else { Fate::AliasLoop }),
            (None, Some(_), None) => {
                let to = self.user(user)?;
                let is_theirs = as_visitor == Some((to, false));
                self.join_visitor(previous, to)?;
                Ok(if is_theirs { Fate::Duplicate } else { Fate::Kept })
            }
            (None, None, None) => Ok(Fate::AliasUnknown),
        }
    }

    /// Notes the names of the traits that a call says; false if one of them belongs to another source.
    fn note_names(&mut self, traits: &str) -> Result<bool, Error> {
        let said = entries(traits)?;
        if !self.taken.is_empty() && said.keys().any(|name| self.taken.contains(name)) {
            return Ok(false);
        }
        let Some(source) = self.source else { return Ok(true) };
        let names = match self.names.entry(source) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                let sql = "select name from trait_name where source = ?1";
                let mut known = self.tx.connection().prepare_cached(sql)?;
                unknown.insert(known.query_map([source], |row| row.get(0))?.collect::<Result<_, _>>()?)
            }
        };
        let new: Vec<&str> = said.keys().map(String::as_str).filter(|name| !names.contains(*name)).collect();
        if !new.is_empty() && names.len() + new.len() <= TRAIT_NAMES_MAX {
            self.tx.add_traits(source, &new)?;
            names.extend(new.into_iter().map(str::to_owned));
        }
        Ok(true)
    }
}

/// The keyed hash of a visitor's id.
fn visitor_hash(sealer: &Sealer, id: &str) -> [u8; HASH_BYTES] {
    sealer.keyed_hash("anonymous id", id.as_bytes())
}

#[cfg(test)]
mod tests;
