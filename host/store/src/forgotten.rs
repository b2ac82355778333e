//! People who are forgotten: withdrawn everywhere, erased, and kept from coming back.
//!
//! Forgetting begins with one transaction that erases what is known of the person and leaves tombstones: keyed hashes of
//! the id and of the identifiers, which no import gets past. What was sent stays sealed until each destination has
//! confirmed that the person is gone; until then the person is visible as one who is being forgotten. Invariants: a
//! number that was given to somebody is never given to another one, and no value of the person is kept in plain.

use std::collections::{BTreeMap, BTreeSet};

use enroute_core::fold::spelled;
use enroute_core::manifest::Fold;
use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use crate::ledger::LinkName;
use crate::seal::{HASH_BYTES, Sealer};
use crate::{Error, Look, Transaction, records};

/// Tables with a row for each number, which are erased at once. What a destination holds stays until it is withdrawn.
const ERASED: [&str; 6] = ["layer", "event", "refresh", "refusal", "rejection", "identity"];

/// Traits that serve as identifiers where a profile has none of that kind.
const ALSO_TRAITS: [&str; 2] = ["email", "phone"];

/// Shortest value that is looked for in reports of earlier runs.
const SCRUBBED_CHARS_MIN: usize = 4;

/// What a report says with words of its own; no value of a person is in them.
const OWN_WORDS: [&str; 8] = ["audience", "destination", "mapping", "plugin", "state", "code", "field", "function"];

/// A person who is forgotten, or is being forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The number that the profile had.
    pub profile: u32,
    /// When it was asked for, in milliseconds since 1970.
    pub asked_ms: u64,
    /// When the last destination had confirmed; none while the person is being forgotten.
    pub ended_ms: Option<u64>,
    /// The id, while the person is being forgotten.
    pub key: Option<String>,
    /// Connections that hold the person, or may.
    pub left: Vec<LinkName>,
}

/// What would be erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The number of the profile.
    pub profile: u32,
    /// Kinds of identifiers that leave a tombstone.
    pub identifiers: Vec<String>,
    /// Kinds of identifiers that another profile has too, with the ids of such profiles: they leave none.
    pub shared: Vec<(String, Vec<String>)>,
    /// Connections that hold the person, or may.
    pub held: Vec<LinkName>,
    /// Events that are kept of the person.
    pub events: u64,
}

/// Other profiles that are named of each identifier that is shared.
const SHARERS_NAMED: usize = 5;

/// An identifier: its kind and its value as it is compared.
type Identifier = (String, String);

#[derive(serde::Serialize, serde::Deserialize)]
struct Person {
    key: String,
    values: Vec<String>,
}

/// What is known of a person; nothing where nobody has this id.
///
/// # Errors
/// When the store cannot be read.
pub fn known(from: &impl Look, key: &str) -> Result<Option<Known>, Error> {
    let Some((profile, identifiers)) = find(from, key)? else { return Ok(None) };
    let (own, shared) = divide(from, profile, &identifiers)?;
    let kinds: BTreeSet<String> = own.into_iter().map(|(kind, _)| kind).collect();
    let events = from
        .connection()
        .prepare_cached("SELECT count(*) FROM event WHERE profile = ?1")?
        .query_row([profile], |row| row.get::<_, i64>(0))?;
    Ok(Some(Known {
        profile,
        identifiers: kinds.into_iter().collect(),
        shared: shared.into_iter().map(|((kind, _), ids)| (kind, ids)).collect(),
        held: held_at(from, profile)?,
        events: events.cast_unsigned(),
    }))
}

/// Begins to forget a person: erases what is known, leaves tombstones, and lets nothing keep the withdrawals from being
/// sent. Returns the number that the profile had; nothing where nobody has this id.
///
/// # Errors
/// When the store cannot be written.
pub fn begin(tx: &Transaction<'_>, sealer: &Sealer, key: &str, at_ms: u64) -> Result<Option<u32>, Error> {
    let Some((profile, identifiers)) = find(tx, key)? else { return Ok(None) };
    let connection = tx.connection();
    let (own, _) = divide(tx, profile, &identifiers)?;
    let mut tombstone =
        connection.prepare_cached("INSERT OR REPLACE INTO tombstone (hash, profile) VALUES (?1, ?2)")?;
    tombstone.execute(params![hash_of_id(sealer, key).as_slice(), profile])?;
    for identifier in &own {
        tombstone.execute(params![hash_of(sealer, identifier).as_slice(), profile])?;
    }
    let values: Vec<String> =
        std::iter::once(key.to_owned()).chain(identifiers.into_iter().map(|one| one.written)).collect();
    let others =
        "INSERT OR REPLACE INTO tombstone (hash, profile) SELECT hash, profile FROM identity WHERE profile = ?1";
    connection.execute(others, [profile])?;
    let person = Person { key: key.to_owned(), values };
    let plain = serde_json::to_vec(&person).map_err(|_| Error::Broken("a person can be written as JSON"))?;
    connection.execute(
        "INSERT INTO forgotten (profile, asked_ms, person) VALUES (?1, ?2, ?3)",
        params![profile, at_ms.cast_signed(), sealer.seal(&context(profile), &plain)?],
    )?;
    connection.execute("DELETE FROM profile WHERE id = ?1", [profile])?;
    let numbers = numbers(tx, profile)?;
    erase(tx, &numbers)?;
    for number in &numbers {
        connection.execute("UPDATE record SET present = 0, value = randomblob(16) WHERE id = ?1", [number])?;
        // A job that is under way is waited for; whoever waits for a moment is withdrawn now.
        connection.execute(
            "UPDATE pending SET due_ms = min(due_ms, ?2), reason = NULL WHERE profile = ?1 AND ticket IS NULL",
            params![number, at_ms.cast_signed()],
        )?;
    }
    scrub(tx, &person.values)?;
    Ok(Some(profile))
}

/// Ends the forgetting of those whom no destination holds any more, and returns how many there are.
///
/// # Errors
/// When the store cannot be written.
pub fn finish(tx: &Transaction<'_>, sealer: &Sealer, at_ms: u64) -> Result<u64, Error> {
    let mut ended = 0;
    for profile in open(tx)? {
        if !held_at(tx, profile)?.is_empty() {
            continue;
        }
        let connection = tx.connection();
        let numbers = numbers(tx, profile)?;
        for number in &numbers {
            connection.execute("DELETE FROM pending WHERE profile = ?1 AND ticket IS NULL", [number])?;
        }
        let is_asked = "SELECT EXISTS (SELECT 1 FROM pending WHERE profile = ?1)";
        let is_asked = |number| connection.prepare_cached(is_asked)?.query_row([number], |row| row.get::<_, bool>(0));
        if numbers.iter().map(is_asked).collect::<Result<Vec<_>, _>>()?.contains(&true) {
            continue;
        }
        erase(tx, &numbers)?;
        if let Some(person) = person(tx, sealer, profile)? {
            scrub(tx, &person.values)?;
        }
        connection.execute(
            "UPDATE forgotten SET ended_ms = ?2, person = NULL WHERE profile = ?1",
            params![profile, at_ms.cast_signed()],
        )?;
        ended += 1;
    }
    Ok(ended)
}

/// The numbers of people who are being forgotten, without those of their records.
///
/// # Errors
/// When the store cannot be read.
pub fn open(from: &impl Look) -> Result<RoaringBitmap, Error> {
    let mut statement =
        from.connection().prepare_cached("SELECT profile FROM forgotten WHERE ended_ms IS NULL ORDER BY profile")?;
    let rows = statement.query_map((), |row| row.get::<_, u32>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The numbers of everybody who was ever forgotten, or is being.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn all(from: &impl Look) -> Result<RoaringBitmap, Error> {
    let mut statement = from.connection().prepare_cached("SELECT profile FROM forgotten ORDER BY profile")?;
    let rows = statement.query_map((), |row| row.get::<_, u32>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All numbers, those of records too, under which people who are being forgotten were sent.
///
/// # Errors
/// When the store cannot be read.
pub fn open_numbers(from: &impl Look) -> Result<RoaringBitmap, Error> {
    let mut found = RoaringBitmap::new();
    for profile in open(from)? {
        found.extend(numbers(from, profile)?);
    }
    Ok(found)
}

/// Everybody who is being forgotten.
///
/// # Errors
/// When the store cannot be read.
pub fn being_forgotten(from: &impl Look, sealer: &Sealer) -> Result<Vec<Forgotten>, Error> {
    open(from)?.into_iter().filter_map(|profile| read(from, sealer, profile).transpose()).collect()
}

/// What became of a person with this id; nothing where nobody with it was forgotten.
///
/// # Errors
/// When the store cannot be read.
pub fn with_id(from: &impl Look, sealer: &Sealer, key: &str) -> Result<Option<Forgotten>, Error> {
    let profile: Option<u32> = from
        .connection()
        .prepare_cached("SELECT profile FROM tombstone WHERE hash = ?1")?
        .query_row([hash_of_id(sealer, key).as_slice()], |row| row.get(0))
        .optional()?;
    profile.map_or(Ok(None), |profile| read(from, sealer, profile))
}

fn read(from: &impl Look, sealer: &Sealer, profile: u32) -> Result<Option<Forgotten>, Error> {
    let found: Option<(i64, Option<i64>)> = from
        .connection()
        .prepare_cached("SELECT asked_ms, ended_ms FROM forgotten WHERE profile = ?1")?
        .query_row([profile], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((asked_ms, ended_ms)) = found else { return Ok(None) };
    Ok(Some(Forgotten {
        profile,
        asked_ms: asked_ms.cast_unsigned(),
        ended_ms: ended_ms.map(i64::cast_unsigned),
        key: person(from, sealer, profile)?.map(|person| person.key),
        left: held_at(from, profile)?,
    }))
}

fn person(from: &impl Look, sealer: &Sealer, profile: u32) -> Result<Option<Person>, Error> {
    let sealed: Option<Option<Vec<u8>>> = from
        .connection()
        .prepare_cached("SELECT person FROM forgotten WHERE profile = ?1")?
        .query_row([profile], |row| row.get(0))
        .optional()?;
    let Some(sealed) = sealed.flatten() else { return Ok(None) };
    let plain = sealer.open(&context(profile), &sealed)?;
    Ok(serde_json::from_slice(&plain).ok())
}

/// What keeps forgotten people from coming back, for those who write profiles.
#[derive(Debug)]
pub struct Tombstones<'a> {
    tx: &'a Transaction<'a>,
    sealer: &'a Sealer,
    are_any: bool,
}

impl<'a> Tombstones<'a> {
    /// Prepares to look; costs nothing where nobody was ever forgotten.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(tx: &'a Transaction<'a>, sealer: &'a Sealer) -> Result<Self, Error> {
        let are_any = tx.connection().query_row("SELECT EXISTS (SELECT 1 FROM tombstone)", (), |row| row.get(0))?;
        Ok(Self { tx, sealer, are_any })
    }

    /// Whether anybody was ever forgotten.
    #[must_use]
    pub const fn are_any(&self) -> bool {
        self.are_any
    }

    /// Whether somebody with this id was forgotten.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_id(&self, key: &str) -> Result<bool, Error> {
        if self.are_any { self.has(&hash_of_id(self.sealer, key)) } else { Ok(false) }
    }

    /// Whether somebody with this id, or with one of the identifiers in these parts of a profile, was forgotten.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has(&self, hash: &[u8; HASH_BYTES]) -> Result<bool, Error> {
        let mut statement = self.tx.connection().prepare_cached("SELECT 1 FROM tombstone WHERE hash = ?1")?;
        Ok(statement.exists([hash.as_slice()])?)
    }

    /// Whether somebody with this id, or with one of the identifiers in these parts of a profile, was forgotten.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cover(&self, key: &str, identifiers: Option<&str>, traits: Option<&str>) -> Result<bool, Error> {
        if !self.are_any {
            return Ok(false);
        }
        if self.has_id(key)? {
            return Ok(true);
        }
        for identifier in identifiers_in(identifiers, traits) {
            if self.has(&hash_of(self.sealer, &identifier.compared))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// An identifier of a profile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    compared: Identifier,
    written: String,
}

fn find(from: &impl Look, key: &str) -> Result<Option<(u32, Vec<Found>)>, Error> {
    let row: Option<(u32, Option<String>, Option<String>)> = from
        .connection()
        .prepare_cached("SELECT id, json(identifiers), json(traits) FROM profile WHERE key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(row.map(|(id, identifiers, traits)| (id, identifiers_in(identifiers.as_deref(), traits.as_deref()))))
}

/// Every identifier in these parts of a profile.
fn identifiers_in(identifiers: Option<&str>, traits: Option<&str>) -> Vec<Found> {
    let object = |text: Option<&str>| -> BTreeMap<String, Value> {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let mut traits = object(traits);
    traits.retain(|name, _| ALSO_TRAITS.contains(&name.as_str()));
    let mut found = BTreeSet::new();
    for (kind, value) in object(identifiers).into_iter().chain(traits) {
        let values = match value {
            Value::Array(values) => values,
            one => vec![one],
        };
        for value in values {
            let written = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            let compared = compared(&written);
            if !compared.is_empty() {
                found.insert(Found { compared: (kind.clone(), compared), written });
            }
        }
    }
    found.into_iter().collect()
}

/// The form in which an identifier is compared: what destinations take as one spelling.
fn compared(text: &str) -> String {
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-./()".contains(c));
    let text = spelled(text, &[Fold::Trim, Fold::Lowercase, Fold::GmailPlus, Fold::GmailDots]);
    if is_number(&text) { spelled(&text, &[Fold::Separators]) } else { text }
}

/// An identifier that others have too, and the ids of some of them.
type Shared = (Identifier, Vec<String>);

/// Which identifiers are the person's alone, and which another profile has too, with ids of such profiles.
fn divide(from: &impl Look, profile: u32, identifiers: &[Found]) -> Result<(Vec<Identifier>, Vec<Shared>), Error> {
    let mut sharers: BTreeMap<&Identifier, Vec<String>> = BTreeMap::new();
    if !identifiers.is_empty() {
        let mut statement = from.connection().prepare(
            "SELECT key, json(identifiers), json_object('email', traits -> '$.email', 'phone', traits -> '$.phone')
             FROM profile WHERE id <> ?1",
        )?;
        let mut rows = statement.query([profile])?;
        while let Some(row) = rows.next()? {
            let (others, traits): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
            for other in identifiers_in(others.as_deref(), traits.as_deref()) {
                if let Some(own) = identifiers.iter().find(|own| own.compared == other.compared) {
                    let named = sharers.entry(&own.compared).or_default();
                    if named.len() < SHARERS_NAMED {
                        named.push(row.get(0)?);
                    }
                }
            }
        }
    }
    let own = identifiers.iter().map(|one| &one.compared).filter(|one| !sharers.contains_key(one)).cloned().collect();
    Ok((own, sharers.into_iter().map(|(one, ids)| (one.clone(), ids)).collect()))
}

fn numbers(from: &impl Look, profile: u32) -> Result<Vec<u32>, Error> {
    let mut numbers = records::of(from, profile)?;
    numbers.push(profile);
    Ok(numbers)
}

/// Connections that hold a person, or may, under any number.
fn held_at(from: &impl Look, profile: u32) -> Result<Vec<LinkName>, Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT audience, destination, mapping FROM connection c WHERE EXISTS (
           SELECT 1 FROM held WHERE held.connection = c.id AND held.profile = ?1) ORDER BY id",
    )?;
    let mut found = BTreeSet::new();
    for number in numbers(from, profile)? {
        let name = |row: &rusqlite::Row<'_>| {
            Ok(LinkName { audience: row.get(0)?, destination: row.get(1)?, mapping: row.get(2)? })
        };
        for one in statement.query_map([number], name)? {
            found.insert(one?);
        }
    }
    Ok(found.into_iter().collect())
}

fn erase(tx: &Transaction<'_>, numbers: &[u32]) -> Result<(), Error> {
    for table in ERASED {
        let mut statement = tx.connection().prepare_cached(&format!("DELETE FROM {table} WHERE profile = ?1"))?;
        for number in numbers {
            statement.execute([number])?;
        }
    }
    Ok(())
}

/// Takes values out of what destinations said in reports of earlier runs.
fn scrub(tx: &Transaction<'_>, values: &[String]) -> Result<(), Error> {
    let connection = tx.connection();
    let values: Vec<&str> =
        values.iter().map(|value| value.trim()).filter(|value| value.chars().count() >= SCRUBBED_CHARS_MIN).collect();
    let mut find = connection.prepare_cached("SELECT id, summary FROM run WHERE instr(lower(summary), lower(?1))")?;
    let mut put = connection.prepare_cached("UPDATE run SET summary = ?2 WHERE id = ?1")?;
    for value in values {
        let rows = find.query_map([value], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        for (run, summary) in rows.collect::<Result<Vec<_>, _>>()? {
            let Ok(mut report) = serde_json::from_str::<Value>(&summary) else { continue };
            without(&mut report, value);
            put.execute(params![run, report.to_string()])?;
        }
    }
    Ok(())
}

/// Takes a value out of all texts of a report but those in its own words.
fn without(report: &mut Value, value: &str) {
    match report {
        Value::String(text) => {
            let (folded, wanted) = (text.to_ascii_lowercase(), value.to_ascii_lowercase());
            if folded.contains(&wanted) {
                *text = folded.replace(&wanted, "…");
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| without(entry, value)),
        Value::Object(members) => {
            let said = members.iter_mut().filter(|(name, _)| !OWN_WORDS.contains(&name.as_str()));
            said.for_each(|(_, member)| without(member, value));
        }
        _ => {}
    }
}

/// The keyed hash of an id, for what outlives the person's row.
pub(super) fn hash_of_id(sealer: &Sealer, key: &str) -> [u8; HASH_BYTES] {
    sealer.keyed_hash("forgotten id", key.as_bytes())
}

fn hash_of(sealer: &Sealer, (kind, value): &Identifier) -> [u8; HASH_BYTES] {
    let mut hasher = sealer.keyed_hasher("forgotten identifier");
    hasher.update_part(Some(kind.as_bytes()));
    hasher.update_part(Some(value.as_bytes()));
    hasher.finish()
}

fn context(profile: u32) -> Vec<u8> {
    format!("forgotten/{profile}").into_bytes()
}

#[cfg(test)]
mod tests;
