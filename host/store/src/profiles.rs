//! Profiles: one row a person, with a dense number that audiences and the ledger refer to.
//!
//! Invariants: a number is given once and never changes; a profile whose content is the same keeps its
//! revision, so that a repeated import changes nothing anywhere.

use std::fmt;

use roaring::RoaringBitmap;
use rusqlite::{CachedStatement, OptionalExtension as _, Row};

use crate::layers::Layers;
use crate::seal::{HASH_BYTES, KeyedHasher, Sealer};
use crate::{Error, Reader, Transaction};

/// The parts of a profile, in the order in which they are stored and hashed.
pub const PARTS: [&str; 4] = ["identifiers", "traits", "context", "consent"];

const FIND: &str = "select id, revision, hash, custom is not null from profile where key = ?1";
/// The number of somebody who was forgotten is nobody else's.
const LAST: &str = "select max(coalesce((select max(id) from profile), 0),
    coalesce((select max(profile) from forgotten), 0))";
const INSERT: &str = "insert into profile (id, key, revision, hash, identifiers, traits, context, consent)
    values (?1, ?2, ?3, ?4, jsonb(?5), jsonb(?6), jsonb(?7), jsonb(?8))";
const UPDATE: &str = "update profile set revision = ?2, hash = ?3, identifiers = jsonb(?4), traits = jsonb(?5),
    context = jsonb(?6), consent = jsonb(?7) where id = ?1";
/// For a profile that has other layers: its traits are put together afterwards.
const UPDATE_OWN: &str = "update profile set revision = ?2, hash = ?3, identifiers = jsonb(?4),
    custom = jsonb(coalesce(?5, 'null')), context = jsonb(?6), consent = jsonb(?7) where id = ?1";

/// A profile as a source wrote it. Each part is the text of a JSON object that has been checked.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The identifier `user_id`.
    pub key: &'a str,
    /// The keyed hash of the content, by [`ContentHasher`].
    pub hash: &'a [u8; HASH_BYTES],
    /// The texts of [`PARTS`].
    pub parts: [Option<&'a str>; PARTS.len()],
}

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upserted {
    /// The profile was not known.
    Added {
        /// Its new dense number.
        id: u32,
    },
    /// The content is another.
    Updated {
        /// Its dense number.
        id: u32,
        /// The revision that wrote the content that was replaced.
        was: i64,
    },
    /// The content is the same; nothing was written.
    Unchanged {
        /// Its dense number.
        id: u32,
        /// The revision that wrote the content.
        was: i64,
    },
}

/// A profile as it is stored, for a person to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The dense number.
    pub id: u32,
    /// The identifier `user_id`.
    pub key: String,
    /// The store revision that wrote this content.
    pub revision: i64,
    /// The JSON texts of [`PARTS`].
    pub parts: [Option<String>; PARTS.len()],
}

/// The statements that write profiles, prepared once for many.
pub struct Profiles<'a> {
    find: CachedStatement<'a>,
    insert: CachedStatement<'a>,
    update: CachedStatement<'a>,
    update_own: CachedStatement<'a>,
    layers: Layers<'a>,
    transaction: &'a Transaction<'a>,
    /// The number that was given last, with how many changes the connection had made by then: who else adds profiles in
    /// between makes it unknown again.
    last: Option<(u32, u64)>,
}

impl fmt::Debug for Profiles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profiles(..)")
    }
}

impl<'a> Profiles<'a> {
    /// Prepares to write profiles.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn new(transaction: &'a Transaction<'a>) -> Result<Self, Error> {
        let prepare = |sql| transaction.connection.prepare_cached(sql);
        let (find, insert, update) = (prepare(FIND)?, prepare(INSERT)?, prepare(UPDATE)?);
        let (update_own, layers) = (prepare(UPDATE_OWN)?, Layers::new(transaction)?);
        Ok(Self { find, insert, update, update_own, layers, transaction, last: None })
    }

    /// The next number.
    fn next(&self) -> Result<u32, Error> {
        let changes = self.transaction.connection.total_changes();
        let last = match self.last {
            Some((last, then)) if then == changes => i64::from(last),
            _ => self.transaction.connection.prepare_cached(LAST)?.query_row((), |row| row.get(0))?,
        };
        u32::try_from(last + 1).map_err(|_| Error::Broken("a dense number fits 32 bits"))
    }

    /// The number of a profile, if somebody has this id.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn find(&mut self, key: &str) -> Result<Option<u32>, Error> {
        Ok(self.find.query_row([key], |row| row.get(0)).optional()?)
    }

    /// The number of a profile, which is made where nobody knows it yet; tells whether it was.
    ///
    /// # Errors
    ///
    /// As [`Profiles::upsert`].
    pub fn number(&mut self, key: &str, empty: &[u8; HASH_BYTES], revision: i64) -> Result<(u32, bool), Error> {
        match self.find.query_row([key], |row| row.get(0)).optional()? {
            Some(id) => Ok((id, false)),
            None => match self.upsert(&Incoming { key, hash: empty, parts: [None; PARTS.len()] }, revision)? {
                Upserted::Added { id } | Upserted::Updated { id, .. } | Upserted::Unchanged { id, .. } => {
                    Ok((id, true))
                }
            },
        }
    }

    /// Stores a profile under `revision`, unless the same content is there already.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or four thousand million profiles are in it.
    pub fn upsert(&mut self, profile: &Incoming<'_>, revision: i64) -> Result<Upserted, Error> {
        let found = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, [u8; HASH_BYTES]>(2)?, row.get(3)?));
        let known: Option<(u32, i64, _, bool)> = self.find.query_row([profile.key], found).optional()?;
        let [identifiers, traits, context, consent] = profile.parts;
        match known {
            Some((id, was, hash, _)) if hash == *profile.hash => Ok(Upserted::Unchanged { id, was }),
            Some((id, was, _, true)) => {
                let row = (id, revision, profile.hash, identifiers, traits, context, consent);
                self.update_own.execute(row)?;
                self.layers.merge(id, revision)?;
                Ok(Upserted::Updated { id, was })
            }
            Some((id, was, _, false)) => {
                self.update.execute((id, revision, profile.hash, identifiers, traits, context, consent))?;
                Ok(Upserted::Updated { id, was })
            }
            None => {
                let id = self.next()?;
                let row = (id, profile.key, revision, profile.hash, identifiers, traits, context, consent);
                self.insert.execute(row)?;
                self.last = Some((id, self.transaction.connection.total_changes()));
                Ok(Upserted::Added { id })
            }
        }
    }
}

/// The keyed hash of a profile's content: equal texts give an equal hash.
///
/// It looks at the texts, so that the same values in another order count as a change, which costs a
/// second look and no request.
#[derive(Debug, Clone)]
pub struct ContentHasher(KeyedHasher);

impl ContentHasher {
    /// Hashes with the key of a store.
    #[must_use]
    pub fn new(sealer: &Sealer) -> Self {
        Self(sealer.keyed_hasher("profile"))
    }

    /// The hash of a profile with these parts.
    #[must_use]
    pub fn hash(&self, parts: &[Option<&str>; PARTS.len()]) -> [u8; HASH_BYTES] {
        let mut hasher = self.0.clone();
        parts.iter().for_each(|part| hasher.update_part(part.map(str::as_bytes)));
        hasher.finish()
    }
}

fn profile(row: &Row<'_>) -> rusqlite::Result<Profile> {
    let parts = [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
    Ok(Profile { id: row.get(0)?, key: row.get(1)?, revision: row.get(2)?, parts })
}

impl Reader {
    /// Finds a profile by its identifier `user_id`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn profile(&self, key: &str) -> Result<Option<Profile>, Error> {
        let sql = "select id, key, revision, json(identifiers), json(traits), json(context), json(consent)
            from profile where key = ?1";
        let found = self.connection.prepare_cached(sql).and_then(|mut sql| sql.query_row([key], profile).optional());
        found.map_err(|error| self.explain(error))
    }

    /// Profiles by their numbers, in the order in which they are asked for; numbers that nobody has are left out.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn profiles(&self, ids: &[u32]) -> Result<Vec<Profile>, Error> {
        let read = || {
            let sql = "select id, key, revision, json(identifiers), json(traits), json(context), json(consent)
                from profile where id = ?1";
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut found = Vec::new();
            for id in ids {
                found.extend(statement.query_row([id], profile).optional()?);
            }
            Ok(found)
        };
        read().map_err(|error: rusqlite::Error| self.explain(error))
    }

    /// Numbers of the profiles that came last, the newest first.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn newest_profiles(&self, count_max: u32) -> Result<Vec<u32>, Error> {
        let read = || {
            let mut statement = self.connection.prepare_cached("select id from profile order by id desc limit ?1")?;
            statement.query_map([count_max], |row| row.get(0))?.collect::<Result<_, _>>()
        };
        read().map_err(|error| self.explain(error))
    }

    /// How many profiles there are.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn profile_count(&self) -> Result<u64, Error> {
        // Profiles are numbered without gaps but for those who were forgotten, so that only these have to be counted.
        let sql = "select coalesce(max(id), 0) - (select count(*) from forgotten
            where profile < (select coalesce(max(id), 0) from profile)) from profile";
        let count: Result<u32, _> = self.connection.query_row(sql, (), |row| row.get(0));
        count.map(u64::from).map_err(|error| self.explain(error))
    }

    /// The profiles whose content was written after `revision`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn changed_since(&self, revision: i64) -> Result<RoaringBitmap, Error> {
        let read = || {
            let mut statement = self.connection.prepare_cached("select id from profile where revision > ?1")?;
            statement.query_map([revision], |row| row.get::<_, u32>(0))?.collect::<Result<_, _>>()
        };
        read().map_err(|error| self.explain(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{TestStore, line};

    #[test]
    fn a_profile_gets_a_dense_number_and_keeps_it() {
        let store = TestStore::with(&[line("b", "{}"), line("a", "{}")]);
        store.put(&[line("a", r#"{"n": 1}"#), line("c", "{}")]);
        let reader = store.reader().unwrap();
        let id = |key| reader.profile(key).unwrap().map(|profile| profile.id);
        assert_eq!([id("b"), id("a"), id("c"), id("d")], [Some(1), Some(2), Some(3), None]);
        assert_eq!(reader.profile_count().unwrap(), 3);
    }

    #[test]
    fn equal_content_is_not_written_again() {
        let store = TestStore::new();
        let both = [line("a", r#"{"n": 1}"#), line("b", r#"{"n": 1}"#)];
        assert_eq!(store.put(&both), [Upserted::Added { id: 1 }, Upserted::Added { id: 2 }]);
        let later = [line("a", r#"{"n": 1}"#), line("b", r#"{"n": 2}"#)];
        assert_eq!(store.put(&later), [Upserted::Unchanged { id: 1, was: 1 }, Upserted::Updated { id: 2, was: 1 }]);
        let reader = store.reader().unwrap();
        let changed = |revision| reader.changed_since(revision).unwrap().iter().collect::<Vec<_>>();
        assert_eq!([changed(0), changed(1), changed(2)], [vec![1, 2], vec![2], vec![]]);
    }

    #[test]
    fn keys_are_kept_byte_for_byte() {
        let keys = ["u\0\0x", "U", "u", " u", "\u{202e}u", "😀", "e\u{301}", "é"];
        let store = TestStore::with(&keys.map(|key| line(key, "{}")));
        let reader = store.reader().unwrap();
        for (key, id) in keys.into_iter().zip(1..) {
            let profile = reader.profile(key).unwrap().unwrap();
            assert_eq!((profile.id, profile.key.as_str()), (id, key));
        }
    }

    #[test]
    fn a_profile_reads_back_as_it_was_written() {
        let store = TestStore::with(&[r#"{"id": "a", "traits": {"n": 1.50}, "consent": {}}"#.to_owned()]);
        let profile = store.reader().unwrap().profile("a").unwrap().unwrap();
        assert_eq!(profile.parts, [None, Some(r#"{"n":1.50}"#.to_owned()), None, Some("{}".to_owned())]);
    }
}
