//! Dead letters: members who were given up after hours, with their last answer, and the way back.
//!
//! A dead letter is a refusal with the code [`GIVEN_UP`], so whatever ends a refusal (a changed profile, other settings, a
//! delivery) ends it. Invariant: who is brought back waits and is due, in the same transaction, so that nobody is on
//! neither list (test `who_is_brought_back_waits_and_is_due`).

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Rows, params, params_from_iter};

use crate::ledger::LinkName;
use crate::{Error, Look, Transaction, records};

/// Code of the refusal of somebody who was tried for too long.
pub const GIVEN_UP: &str = "given_up";

/// Most members with one cause whom one success brings back: the next one brings more. What a transaction takes must not
/// grow with an outage.
const REVIVED_MAX: u64 = 10_000;

/// Whether anybody was given up.
pub(crate) const IS_ANY_DEAD: &str = "SELECT 1 FROM refusal WHERE connection = ?1 AND code = 'given_up' LIMIT 1";
/// For what somebody was given up.
pub(crate) const REASON_OF_DEAD: &str =
    "SELECT coalesce(reason, '') FROM refusal WHERE connection = ?1 AND code = 'given_up' AND profile = ?2";
/// Who was given up with everybody else.
pub(crate) const DEAD_TOGETHER: &str =
    "SELECT profile FROM refusal WHERE connection = ?1 AND code = 'given_up' AND alone = 0 LIMIT ?2";
/// Who was given up alone, for this reason.
pub(crate) const DEAD_ALIKE: &str = "SELECT profile FROM refusal
     WHERE connection = ?1 AND code = 'given_up' AND alone AND coalesce(reason, '') = ?2 LIMIT ?3";

/// How a member was tried before it was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// Dense id.
    pub profile: u32,
    /// Whether it failed alone while others passed.
    pub alone: bool,
    /// Attempts so far.
    pub attempts: u32,
    /// When the first was, in milliseconds since 1970.
    pub first_ms: u64,
}

/// Adds to refusals that were just written how their members were tried.
///
/// # Errors
/// When the store cannot be written.
pub fn bury(tx: &Transaction<'_>, link: i64, deaths: &[Death]) -> Result<(), Error> {
    let mut statement = tx.connection().prepare_cached(
        "UPDATE refusal SET alone = ?3, attempts = ?4, first_ms = ?5 WHERE connection = ?1 AND profile = ?2",
    )?;
    for death in deaths {
        statement.execute(params![link, death.profile, death.alone, death.attempts, death.first_ms.cast_signed()])?;
    }
    Ok(())
}

/// Notes whether members who wait failed alone while others passed.
///
/// # Errors
/// When the store cannot be written.
pub fn set_alone(tx: &Transaction<'_>, link: i64, members: &RoaringBitmap, alone: bool) -> Result<(), Error> {
    let mut statement =
        tx.connection().prepare_cached("UPDATE pending SET alone = ?3 WHERE connection = ?1 AND profile = ?2")?;
    members.iter().try_for_each(|profile| statement.execute(params![link, profile, alone]).map(drop))?;
    Ok(())
}

/// Takes members off the list of the refused who are tried again.
///
/// # Errors
/// When the store cannot be written.
pub fn absolve(tx: &Transaction<'_>, link: i64, members: impl IntoIterator<Item = u32>) -> Result<(), Error> {
    let mut statement = tx.connection().prepare_cached("DELETE FROM refusal WHERE connection = ?1 AND profile = ?2")?;
    members.into_iter().try_for_each(|profile| statement.execute(params![link, profile]).map(drop))?;
    Ok(())
}

/// Those who wait and failed alone while others passed.
///
/// # Errors
/// When the store cannot be read.
pub fn alone(from: &impl Look, link: i64) -> Result<RoaringBitmap, Error> {
    let mut statement =
        from.connection().prepare_cached("SELECT profile FROM pending WHERE connection = ?1 AND alone")?;
    let rows = statement.query_map([link], |row| row.get::<_, u32>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A dead letter that is tried again to see whether its cause is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// How it was tried.
    pub death: Death,
    /// Whether its removal was given up.
    pub is_removal: bool,
}

/// One dead letter of each reason that was not tried since, of this plugin and these settings.
///
/// # Errors
/// When the store cannot be read.
pub fn probes(
    from: &impl Look,
    link: i64,
    (plugin_digest, version): (&[u8], u64),
    since_ms: u64,
) -> Result<Vec<Probe>, Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT profile, alone, attempts, first_ms, change IS 'removed', max(at_ms) FROM refusal
         WHERE connection = ?1 AND code = 'given_up' AND plugin_digest = ?2 AND version = ?3
         GROUP BY reason, change IS 'removed' HAVING max(at_ms) <= ?4 ORDER BY profile",
    )?;
    let parameters = params![link, plugin_digest, version.cast_signed(), since_ms.cast_signed()];
    let rows = statement.query_map(parameters, |row| {
        let death = Death {
            profile: row.get(0)?,
            alone: row.get(1)?,
            attempts: row.get::<_, Option<u32>>(2)?.unwrap_or(0),
            first_ms: row.get::<_, Option<i64>>(3)?.unwrap_or(0).cast_unsigned(),
        };
        Ok(Probe { death, is_removal: row.get(4)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Brings dead letters back after these members were delivered: those who failed with everybody else, since the
/// destination works again, and those who failed for the reason for which one of the delivered had been given up; of each
/// sort no more than [`REVIVED_MAX`]. Returns how many.
///
/// # Errors
/// When the store cannot be written.
pub fn revive(tx: &Transaction<'_>, link: i64, delivered: &RoaringBitmap, now_ms: u64) -> Result<u64, Error> {
    let connection = tx.connection();
    let mut is_any = connection.prepare_cached(IS_ANY_DEAD)?;
    if !is_any.exists([link])? {
        return Ok(0);
    }
    let mut reason_of = connection.prepare_cached(REASON_OF_DEAD)?;
    let mut works = BTreeSet::new();
    for profile in delivered {
        works.extend(reason_of.query_row(params![link, profile], |row| row.get::<_, String>(0)).optional()?);
    }
    // The delivered are among them still.
    let most = delivered.len().saturating_add(REVIVED_MAX).cast_signed();
    let mut members = all_of(connection.prepare_cached(DEAD_TOGETHER)?.query(params![link, most])?)?;
    let mut alike = connection.prepare_cached(DEAD_ALIKE)?;
    for reason in works {
        members |= all_of(alike.query(params![link, reason, most])?)?;
    }
    bring_back(tx, link, &(members - delivered), now_ms)
}

fn all_of(mut rows: Rows<'_>) -> Result<RoaringBitmap, Error> {
    let mut found = RoaringBitmap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?);
    }
    Ok(found)
}

/// Takes members off the list of the refused: they wait, are due, and begin anew. Returns how many there were.
///
/// # Errors
/// When the store cannot be written.
pub fn bring_back(tx: &Transaction<'_>, link: i64, members: &RoaringBitmap, now_ms: u64) -> Result<u64, Error> {
    let connection = tx.connection();
    let mut refusal = connection
        .prepare_cached("DELETE FROM refusal WHERE connection = ?1 AND profile = ?2 RETURNING change, reason")?;
    let mut pending = connection.prepare_cached(
        "INSERT INTO pending (connection, profile, state, due_ms, attempts, first_ms, reason, change)
         VALUES (?1, ?2, 'deferred', ?3, 0, ?3, ?4, ?5) ON CONFLICT (connection, profile) DO NOTHING",
    )?;
    let mut found = 0;
    for profile in members {
        let was = refusal
            .query_row(params![link, profile], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))
            .optional()?;
        let Some((change, reason)) = was else { continue };
        let change: Option<String> = change;
        let reason = reason.map(|reason| format!("brought back; before: {reason}"));
        pending.execute(params![link, profile, now_ms.cast_signed(), reason, change])?;
        found += 1;
    }
    Ok(found)
}

/// Drops who waits for nothing, since they are neither in the audience nor at the destination, and dead letters about
/// what is no longer wanted: to be added, of who has left the audience, or removed, of who is not at the destination.
///
/// # Errors
/// When the store cannot be written.
pub fn prune(tx: &Transaction<'_>, link: i64, audience: &RoaringBitmap, held: &RoaringBitmap) -> Result<(), Error> {
    let connection = tx.connection();
    for (select, delete, keep) in [
        (
            "SELECT profile FROM pending WHERE connection = ?1 AND ticket IS NULL",
            "DELETE FROM pending WHERE connection = ?1 AND profile = ?2 AND ticket IS NULL",
            audience | held,
        ),
        (
            "SELECT profile FROM refusal WHERE connection = ?1 AND code = 'given_up' AND change IS NOT 'removed'",
            "DELETE FROM refusal WHERE connection = ?1 AND profile = ?2",
            audience.clone(),
        ),
        (
            "SELECT profile FROM refusal WHERE connection = ?1 AND code = 'given_up' AND change IS 'removed'",
            "DELETE FROM refusal WHERE connection = ?1 AND profile = ?2",
            held.clone(),
        ),
    ] {
        let listed: RoaringBitmap = connection
            .prepare_cached(select)?
            .query_map([link], |row| row.get::<_, u32>(0))?
            .collect::<Result<_, _>>()?;
        let mut delete = connection.prepare_cached(delete)?;
        (listed - keep).iter().try_for_each(|profile| delete.execute(params![link, profile]).map(drop))?;
    }
    Ok(())
}

/// Which refusals are wanted. Each part that is there narrows them down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The audience's key.
    pub audience: Option<String>,
    /// The destination's name.
    pub destination: Option<String>,
    /// The code: [`GIVEN_UP`] for dead letters.
    pub code: Option<String>,
    /// A part of the reason.
    pub reason: Option<String>,
    /// The profile's number; its further records are meant too.
    pub profile: Option<u32>,
}

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Number of the connection.
    pub link: i64,
    /// The connection.
    pub name: LinkName,
    /// Dense id.
    pub profile: u32,
    /// The profile's id; none where it is gone.
    pub key: Option<String>,
    /// snake_case.
    pub code: String,
    /// The field at fault.
    pub field: Option<String>,
    /// One sentence: of a dead letter, the last answer.
    pub reason: String,
    /// `added`, `updated` or `removed`.
    pub change: String,
    /// When it was refused, in milliseconds since 1970.
    pub at_ms: u64,
    /// The run that refused it.
    pub run: i64,
    /// Of a dead letter: attempts.
    pub attempts: Option<u32>,
    /// Of a dead letter: when the first attempt was.
    pub first_ms: Option<u64>,
}

/// Tells every refusal that is wanted to `told`, connection by connection; stops where it returns false.
///
/// # Errors
/// When the store cannot be read.
pub fn each(from: &impl Look, wanted: &Wanted, mut told: impl FnMut(Letter) -> bool) -> Result<(), Error> {
    let (mut sql, mut given) = (
        "SELECT f.connection, c.audience, c.destination, c.mapping, f.profile, p.key, coalesce(f.code, ''), f.field,
           coalesce(f.reason, ''), coalesce(f.change, ''), coalesce(f.at_ms, 0), coalesce(f.run, 0), f.attempts, f.first_ms
         FROM refusal f JOIN connection c ON c.id = f.connection
         LEFT JOIN record r ON r.id = f.profile
         LEFT JOIN profile p ON p.id = coalesce(r.profile, f.profile)
         WHERE f.code IS NOT 'no_matching_mapping'"
            .to_owned(),
        Vec::new(),
    );
    let mut narrow = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            given.push(value);
            sql.push_str(&format!(" AND {}", condition.replace('?', &format!("?{}", given.len()))));
        }
    };
    narrow("c.audience = ?", wanted.audience.clone().map(Value::Text));
    narrow("c.destination = ?", wanted.destination.clone().map(Value::Text));
    narrow("f.code = ?", wanted.code.clone().map(Value::Text));
    narrow("instr(lower(f.reason), lower(?)) > 0", wanted.reason.clone().map(Value::Text));
    narrow("coalesce(r.profile, f.profile) = ?", wanted.profile.map(|profile| Value::Integer(profile.into())));
    sql.push_str(" ORDER BY f.connection, f.profile");
    let mut statement = from.connection().prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(given))?;
    while let Some(row) = rows.next()? {
        let letter = Letter {
            link: row.get(0)?,
            name: LinkName { audience: row.get(1)?, destination: row.get(2)?, mapping: row.get(3)? },
            profile: row.get(4)?,
            key: row.get(5)?,
            code: row.get(6)?,
            field: row.get(7)?,
            reason: row.get(8)?,
            change: row.get(9)?,
            at_ms: row.get::<_, i64>(10)?.cast_unsigned(),
            run: row.get(11)?,
            attempts: row.get(12)?,
            first_ms: row.get::<_, Option<i64>>(13)?.map(i64::cast_unsigned),
        };
        if !told(letter) {
            break;
        }
    }
    Ok(())
}

/// How many dead letters a connection has.
///
/// # Errors
/// When the store cannot be read.
pub fn count(from: &impl Look, link: i64) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM refusal WHERE connection = ?1 AND code = 'given_up'";
    let found: i64 = from.connection().prepare_cached(sql)?.query_row([link], |row| row.get(0))?;
    Ok(found.cast_unsigned())
}

/// Members by connection, for [`bring_back`].
pub type ByLink = BTreeMap<i64, RoaringBitmap>;

/// The numbers of a profile: its own and those of its records.
///
/// # Errors
/// When the store cannot be read.
pub fn numbers(from: &impl Look, profile: u32) -> Result<RoaringBitmap, Error> {
    let mut numbers: RoaringBitmap = records::of(from, profile)?.into_iter().collect();
    numbers.insert(profile);
    Ok(numbers)
}

/// Members whose refusal stands under this plugin and these settings: additions and updates, removals, and of all those
/// the given up ones. Whom a mapping leaves out is not refused.
///
/// # Errors
/// When the store cannot be read.
pub fn standing(
    from: &impl Look,
    link: i64,
    (plugin_digest, version): (&[u8], u64),
) -> Result<[RoaringBitmap; 3], Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT profile, change IS 'removed', code IS 'given_up' FROM refusal
         WHERE connection = ?1 AND plugin_digest = ?2 AND version = ?3 AND code IS NOT 'no_matching_mapping'
         ORDER BY profile",
    )?;
    let mut rows = statement.query(params![link, plugin_digest, version.cast_signed()])?;
    let (mut kept, mut removals, mut dead) = (RoaringBitmap::new(), RoaringBitmap::new(), RoaringBitmap::new());
    while let Some(row) = rows.next()? {
        let profile = row.get(0)?;
        if row.get(1)? { &mut removals } else { &mut kept }.insert(profile);
        if row.get(2)? {
            dead.insert(profile);
        }
    }
    Ok([kept, removals, dead])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{self, RejectionRow};
    use crate::tests::TestStore;

    fn dead(profile: u32, reason: &str, change: &'static str) -> RejectionRow {
        let (code, reason) = (GIVEN_UP.to_owned(), reason.to_owned());
        RejectionRow { profile, code, field: None, reason, source: "host", change, hash: None }
    }

    /// A connection with three who failed with everybody, and two who failed alone, for different reasons.
    fn store() -> (TestStore, i64) {
        let store = TestStore::new();
        let name = LinkName { audience: "a".to_owned(), destination: "d".to_owned(), mapping: String::new() };
        let write = move |tx: &Transaction<'_>| {
            let link = ledger::link(tx, &name, b"settings")?.id;
            let rows = [
                dead(1, "down", "added"),
                dead(2, "down", "added"),
                dead(3, "down", "removed"),
                dead(4, "odd", "added"),
                dead(5, "strange", "added"),
            ];
            ledger::reject(tx, (7, link), (b"plugin", 1), 50, &rows)?;
            let death = |profile| Death { profile, alone: profile > 3, attempts: 6, first_ms: 10 };
            bury(tx, link, &[1, 2, 3, 4, 5].map(death))?;
            Ok(link)
        };
        let link = store.write_blocking(write).unwrap();
        (store, link)
    }

    fn left(store: &TestStore, wanted: &Wanted) -> Vec<u32> {
        let mut found = Vec::new();
        each(&store.reader().unwrap(), wanted, |letter| {
            found.push(letter.profile);
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn who_is_brought_back_waits_and_is_due() {
        let (store, link) = store();
        let members = RoaringBitmap::from_iter([2, 5, 99]);
        assert_eq!(store.write_blocking(move |tx| bring_back(tx, link, &members, 100)).unwrap(), 2);
        let waiting = ledger::waiting(&store.reader().unwrap(), link).unwrap();
        let told: Vec<_> = waiting.iter().map(|row| (row.profile, row.due_ms, row.attempts, row.first_ms)).collect();
        assert_eq!(told, [(2, 100, 0, 100), (5, 100, 0, 100)]);
        assert_eq!(left(&store, &Wanted::default()), [1, 3, 4]);
    }

    #[test]
    fn a_success_brings_back_who_failed_with_everybody_and_who_failed_alike() {
        let (store, link) = store();
        let revive_by = |profile: u32| {
            let delivered = RoaringBitmap::from_iter([profile]);
            store.write_blocking(move |tx| revive(tx, link, &delivered, 100)).unwrap()
        };
        assert_eq!((revive_by(80), left(&store, &Wanted::default())), (3, vec![4, 5]));
        assert_eq!(revive_by(81), 0);
        assert_eq!((revive_by(5), left(&store, &Wanted::default())), (0, vec![4, 5]), "nobody else failed so");
    }

    #[test]
    fn one_success_brings_back_so_many_and_the_next_one_the_others() {
        let (store, link) = store();
        let most = u32::try_from(REVIVED_MAX).unwrap();
        let bury_many = move |tx: &Transaction<'_>| {
            let rows: Vec<RejectionRow> = (100..100 + most).map(|profile| dead(profile, "down", "added")).collect();
            ledger::reject(tx, (7, link), (b"plugin", 1), 50, &rows)
        };
        store.write_blocking(bury_many).unwrap();
        let revive = || {
            let delivered = RoaringBitmap::from_iter([80]);
            store.write_blocking(move |tx| revive(tx, link, &delivered, 100)).unwrap()
        };
        // Three more were given up with everybody; one delivered leaves room for one.
        assert_eq!([revive(), revive(), revive()], [REVIVED_MAX + 1, 2, 0]);
    }

    #[test]
    fn one_of_each_reason_is_tried_again_after_a_while() {
        let (store, link) = store();
        let probes = |since_ms| {
            let found = probes(&store.reader().unwrap(), link, (b"plugin", 1), since_ms).unwrap();
            found.iter().map(|probe| (probe.death.profile, probe.is_removal)).collect::<Vec<_>>()
        };
        assert_eq!(probes(49), []);
        assert_eq!(probes(50).len(), 4, "{:?}", probes(50));
        assert!(probes(50).contains(&(3, true)) && probes(50).contains(&(4, false)));
    }

    #[test]
    fn letters_are_found_by_code_reason_and_person() {
        let (store, _) = store();
        let by = |wanted: Wanted| left(&store, &wanted);
        assert_eq!(by(Wanted { reason: Some("DOWN".to_owned()), ..Wanted::default() }), [1, 2, 3]);
        assert_eq!(by(Wanted { profile: Some(4), ..Wanted::default() }), [4]);
        assert_eq!(by(Wanted { code: Some("other".to_owned()), ..Wanted::default() }), [0; 0]);
        assert_eq!(by(Wanted { destination: Some("e".to_owned()), ..Wanted::default() }), [0; 0]);
    }

    #[test]
    fn whoever_is_neither_wanted_nor_there_waits_for_nothing() {
        let (store, link) = store();
        let (audience, held) = (RoaringBitmap::from_iter([1, 4]), RoaringBitmap::from_iter([5]));
        let prune = move |tx: &Transaction<'_>| {
            bring_back(tx, link, &RoaringBitmap::from_iter([1, 2]), 100)?;
            super::prune(tx, link, &audience, &held)
        };
        store.write_blocking(prune).unwrap();
        let waiting = ledger::waiting(&store.reader().unwrap(), link).unwrap();
        assert_eq!(waiting.iter().map(|row| row.profile).collect::<Vec<_>>(), [1]);
        assert_eq!(left(&store, &Wanted::default()), [4]);
    }
}
