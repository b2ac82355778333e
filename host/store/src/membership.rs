//! Who belongs to an audience, kept from run to run, so that only profiles that changed are looked at again.
//!
//! Invariant: what is found is what an evaluation over all profiles finds (property test
//! `looking_at_what_changed_finds_what_looking_at_everybody_finds`). That holds for conditions that look at one profile
//! at a time and at nothing else; any other one is evaluated whole, every time.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, params};

use crate::audience::{self, AudienceError, Evaluation, Limits, Volatile};
use crate::ledger::{members, set_bytes};
use crate::seal::Sealer;
use crate::{Error, Reader, Transaction, forgotten};

/// Conditions whose members are kept. Those of earlier wordings go when newer ones come.
const KEPT_MAX: u32 = 1_000;

/// Of this many profiles, one may have changed; else looking at all of them in order is as cheap.
const CHANGED_SHARE: u64 = 16;

/// The members of an audience, and what is to be kept of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Their dense numbers.
    pub members: RoaringBitmap,
    /// Whether this is other than what is kept, so that [`keep`] is worth its while.
    pub is_new: bool,
    /// The store revision that they are of.
    pub revision: i64,
    /// Why the condition is evaluated over everybody each time, if it is.
    pub whole: Option<&'static str>,
}

/// Why a condition is evaluated over everybody each time, in words; nothing where changed profiles are enough.
fn reason_to_look_at_everybody(condition: &str, volatile: Volatile) -> Option<&'static str> {
    if volatile == Volatile::Yes {
        return Some("it looks at the clock");
    }
    // Nothing else can be named of which to read more than the profile at hand. A text with this word in it costs time.
    condition.to_ascii_lowercase().contains("profile").then_some("it looks at other profiles")
}

/// Finds the members of an audience, at the cost of the profiles that changed since they were kept.
///
/// Takes its own connection, and a while: not to be called from async code.
///
/// # Errors
///
/// As [`audience::evaluate`].
pub fn find(reader: &Reader, condition: &str, limits: Limits) -> Result<Found, AudienceError> {
    let store = |error: Error| AudienceError::Store(error);
    // Before what changed is asked for: who changes in between is found as changed the next time.
    let revision = reader.revision().map_err(store)?;
    if let Some((kept, then)) = kept(reader, condition).map_err(store)? {
        let changed = reader.changed_since(then).map_err(store)?;
        let profiles = reader.profile_count().map_err(store)?;
        if changed.len() <= profiles / CHANGED_SHARE + 1 {
            let gone = forgotten::all(reader).map_err(store)?;
            let again = audience::evaluate_of(reader, condition, &changed, limits)?;
            let members = ((&kept - &changed) | again) - gone;
            let is_new = revision != then || members != kept;
            return Ok(Found { members, is_new, revision, whole: None });
        }
    }
    let Evaluation { members, volatile, revision } = audience::evaluate(reader, condition, limits)?;
    let whole = reason_to_look_at_everybody(condition, volatile);
    Ok(Found { members, is_new: whole.is_none(), revision, whole })
}

/// Keeps the members of an audience for the next time.
///
/// # Errors
///
/// If the file cannot be written.
pub fn keep(tx: &Transaction<'_>, sealer: &Sealer, condition: &str, found: &Found, now_ms: u64) -> Result<(), Error> {
    let key = key(sealer, condition);
    tx.connection()
        .prepare_cached(
            "insert into audience (key, revision, members, evaluated_ms) values (?1, ?2, ?3, ?4)
             on conflict (key) do update set revision = excluded.revision, members = excluded.members,
               evaluated_ms = excluded.evaluated_ms",
        )?
        .execute(params![key, found.revision, set_bytes(&found.members)?, now_ms.cast_signed()])?;
    tx.connection()
        .prepare_cached(
            "delete from audience where id in
             (select id from audience order by evaluated_ms desc, id desc limit -1 offset ?1)",
        )?
        .execute([KEPT_MAX])?;
    Ok(())
}

fn kept(reader: &Reader, condition: &str) -> Result<Option<(RoaringBitmap, i64)>, Error> {
    let found: Option<(Vec<u8>, i64)> = reader
        .connection()
        .prepare_cached("select members, revision from audience where key = ?1")?
        .query_row([key(reader.sealer(), condition)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(|(bytes, revision)| Ok((members(&bytes)?, revision))).transpose()
}

/// A condition may have somebody's name in it, so it is kept as a keyed hash. Another SQLite may read it differently.
fn key(sealer: &Sealer, condition: &str) -> String {
    let mut hasher = sealer.keyed_hasher("condition");
    [rusqlite::version(), condition].into_iter().for_each(|part| hasher.update_part(Some(part.as_bytes())));
    format!("{:032x}", u128::from_be_bytes(hasher.finish()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::{TestStore, line};

    fn look(store: &TestStore, condition: &'static str) -> Found {
        let reader = store.reader().unwrap();
        let found = find(&reader, condition, Limits::default()).unwrap();
        let whole = audience::evaluate(&reader, condition, Limits::default()).unwrap();
        assert_eq!(found.members, whole.members, "{condition}");
        if found.is_new {
            let (sealer, kept) = (store.sealer().clone(), found.clone());
            store.write_blocking(move |tx| keep(tx, &sealer, condition, &kept, 7)).unwrap();
        }
        found
    }

    const CONDITIONS: [&str; 4] = [
        "traits ->> 'n' > 1",
        "id <> 'a' and exists (select 1 from json_each(traits, '$.t') where value = 'x')",
        "traits ->> 'n' = (select max(traits ->> 'n') from profiles)",
        "traits ->> 'since' < date('now')",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn looking_at_what_changed_finds_what_looking_at_everybody_finds(
            rounds in prop::collection::vec(
                (prop::collection::vec(("[a-h]", 0_u8..4, "[xy]"), 0..5), prop::option::of("[a-h]")), 1..5),
        ) {
            let store = TestStore::new();
            store.put(&(0..40).map(|n| line(&format!("other{n}"), r#"{"n": 2}"#)).collect::<Vec<_>>());
            for (people, leaver) in rounds {
                let one = |(key, n, t): &(String, u8, String)| line(key, &format!(r#"{{"n": {n}, "t": ["{t}"]}}"#));
                store.put(&people.iter().map(one).collect::<Vec<_>>());
                if let Some(key) = leaver {
                    let sealer = store.sealer().clone();
                    store.write_blocking(move |tx| forgotten::begin(tx, &sealer, &key, 1)).unwrap();
                }
                CONDITIONS.iter().for_each(|condition| drop(look(&store, condition)));
            }
        }
    }

    #[test]
    fn what_is_the_same_is_not_kept_anew() {
        let store = TestStore::with(&[line("a", r#"{"n": 2}"#), line("b", r#"{"n": 1}"#)]);
        let is_new = |condition| look(&store, condition).is_new;
        assert_eq!(CONDITIONS.map(is_new), [true, true, false, false], "the last two are never kept");
        assert_eq!(CONDITIONS.map(is_new), [false; 4]);
        store.put(&[line("b", r#"{"n": 3}"#)]);
        assert_eq!(CONDITIONS.map(is_new), [true, true, false, false]);
    }

    #[test]
    fn who_changes_later_than_the_question_is_found_the_next_time() {
        let store = TestStore::with(&[line("a", r#"{"n": 2}"#)]);
        let first = look(&store, CONDITIONS[0]);
        store.put(&[line("b", r#"{"n": 2}"#)]);
        // As if `b` had come between the question for the revision and the evaluation.
        let sealer = store.sealer().clone();
        store.write_blocking(move |tx| keep(tx, &sealer, CONDITIONS[0], &first, 7)).unwrap();
        assert_eq!(look(&store, CONDITIONS[0]).members.len(), 2);
    }
}
