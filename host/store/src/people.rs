//! Profiles of a read that counts as a whole: those that differ are put aside first, then carried over.
//!
//! Invariants: nothing of a read is carried over before it came to its end; a profile that is the same is neither put
//! aside nor written; somebody who is gone keeps the number, and has nothing of what the sources of profiles said.
//!
//! What is put aside is in a table of the writer's connection, so that a process that dies leaves nothing behind.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, Row};

use crate::forgotten::Tombstones;
use crate::profiles::{ContentHasher, Incoming, PARTS, Profiles, Upserted};
use crate::seal::{HASH_BYTES, Sealer};
use crate::stage::CARRIED_AT_ONCE;
use crate::{Error, Transaction};

/// What became of rows that were put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Aside {
    /// Rows of people who had one already; the last one stands.
    pub repeated: u64,
    /// Rows of people who were forgotten.
    pub skipped: u64,
}

/// What one step of carrying over did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CarriedPeople {
    /// Profiles that were not known.
    pub added: u64,
    /// Profiles whose content is another.
    pub updated: u64,
    /// The numbers of all of them.
    pub people: RoaringBitmap,
    /// Where the next step goes on; none at the end.
    pub next: Option<i64>,
}

impl Transaction<'_> {
    /// Begins to put profiles aside, and forgets those of before.
    ///
    /// # Errors
    ///
    /// If the table cannot be made.
    pub fn people_begin(&self) -> Result<(), Error> {
        self.people_end()?;
        let sql = "create table temp.people (n integer primary key, key text not null unique, hash blob not null,
            identifiers text, traits text, context text, consent text)";
        Ok(self.connection.execute_batch(sql)?)
    }

    /// Forgets what was put aside.
    ///
    /// # Errors
    ///
    /// If the table cannot be dropped.
    pub fn people_end(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("drop table if exists temp.people")?)
    }

    /// Puts those profiles aside that are new or others than before. `seen` gets the numbers of all who are known.
    ///
    /// # Errors
    ///
    /// If the tables cannot be read or written.
    pub fn people_put<'r>(
        &self,
        rows: impl Iterator<Item = Result<Incoming<'r>, Error>>,
        sealer: &Sealer,
        seen: &mut RoaringBitmap,
    ) -> Result<Aside, Error> {
        let prepare = |sql| self.connection.prepare_cached(sql);
        let mut find = prepare("select id, hash from profile where key = ?1")?;
        let mut insert = prepare(
            "insert or ignore into temp.people (key, hash, identifiers, traits, context, consent)
             values (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut drop_earlier = prepare("delete from temp.people where key = ?1")?;
        let tombstones = Tombstones::new(self, sealer)?;
        let mut aside = Aside::default();
        for row in rows {
            let row = row?;
            let [identifiers, traits, context, consent] = row.parts;
            if tombstones.cover(row.key, identifiers, traits)? {
                aside.skipped += 1;
                continue;
            }
            let found = |row: &Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, [u8; HASH_BYTES]>(1)?));
            let known = find.query_row([row.key], found).optional()?;
            if let Some((id, hash)) = known {
                let is_first = seen.insert(id);
                if !is_first {
                    aside.repeated += 1;
                    drop_earlier.execute([row.key])?;
                }
                if hash == *row.hash {
                    continue;
                }
            }
            let values = (row.key, row.hash, identifiers, traits, context, consent);
            if insert.execute(values)? == 0 {
                aside.repeated += 1;
                drop_earlier.execute([row.key])?;
                insert.execute(values)?;
            }
        }
        Ok(aside)
    }

    /// How many people are put aside whom nobody knows, and how many in all.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    pub fn people_aside(&self) -> Result<u64, Error> {
        let count: i64 = self.connection.query_row("select count(*) from temp.people", (), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Carries over the next profiles after `after` of those that were put aside.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn people_carry(&self, after: i64) -> Result<CarriedPeople, Error> {
        let sql = "select n, key, hash, identifiers, traits, context, consent from temp.people
            where n > ?1 order by n limit ?2";
        let revision = self.revision()? + 1;
        let mut profiles = Profiles::new(self)?;
        let mut carried = CarriedPeople::default();
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((after, CARRIED_AT_ONCE))?;
        while let Some(row) = rows.next()? {
            let text = |index: usize| -> Result<Option<&str>, Error> {
                Ok(row.get_ref(index)?.as_str_or_null().map_err(rusqlite::Error::from)?)
            };
            let (hash, parts): ([u8; HASH_BYTES], [_; PARTS.len()]) =
                (row.get(2)?, [text(3)?, text(4)?, text(5)?, text(6)?]);
            let key = text(1)?.unwrap_or_default();
            let id = match profiles.upsert(&Incoming { key, hash: &hash, parts }, revision)? {
                Upserted::Added { id } => {
                    carried.added += 1;
                    id
                }
                Upserted::Updated { id, .. } => {
                    carried.updated += 1;
                    id
                }
                Upserted::Unchanged { id, .. } => id,
            };
            carried.people.insert(id);
            carried.next = Some(row.get(0)?);
        }
        if carried.added + carried.updated > 0 {
            self.set_revision(revision)?;
        }
        Ok(carried)
    }

    /// Takes away what sources of profiles said of these people; returns of how many something was said.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn people_gone(&self, gone: &RoaringBitmap, sealer: &Sealer) -> Result<u64, Error> {
        let empty = ContentHasher::new(sealer).hash(&[None; PARTS.len()]);
        let revision = self.revision()? + 1;
        let mut key = self.connection.prepare_cached("select key from profile where id = ?1")?;
        let mut profiles = Profiles::new(self)?;
        let mut emptied = 0;
        for id in gone {
            let Some(key) = key.query_row([id], |row| row.get::<_, String>(0)).optional()? else { continue };
            let nothing = Incoming { key: &key, hash: &empty, parts: [None; PARTS.len()] };
            emptied += u64::from(matches!(profiles.upsert(&nothing, revision)?, Upserted::Updated { .. }));
        }
        if emptied > 0 {
            self.set_revision(revision)?;
        }
        Ok(emptied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::tests::{TestStore, line};

    /// Puts people aside, each a key and traits, and carries them over; returns what became of them.
    fn read(store: &Store, people: &[(&'static str, &'static str)]) -> (Aside, RoaringBitmap, CarriedPeople) {
        let (people, sealer) = (people.to_vec(), store.sealer().clone());
        let write = move |tx: &Transaction<'_>| {
            let (hasher, mut seen) = (ContentHasher::new(&sealer), RoaringBitmap::new());
            tx.people_begin()?;
            let rows: Vec<_> = people.iter().map(|&(key, traits)| (key, [None, Some(traits), None, None])).collect();
            let rows: Vec<_> = rows.iter().map(|(key, parts)| (*key, *parts, hasher.hash(parts))).collect();
            let rows = rows.iter().map(|(key, parts, hash)| Ok(Incoming { key, hash, parts: *parts }));
            let aside = tx.people_put(rows, &sealer, &mut seen)?;
            let carried = tx.people_carry(0)?;
            tx.people_end()?;
            Ok((aside, seen, carried))
        };
        store.write_blocking(write).unwrap()
    }

    fn traits(store: &Store, key: &str) -> Option<String> {
        store.reader().unwrap().profile(key).unwrap().unwrap().parts[1].clone()
    }

    #[test]
    fn only_what_differs_is_carried_over() {
        let store = TestStore::with(&[line("a", "{}"), line("b", "{}")]);
        let people = [("a", r#"{"n":1}"#), ("b", r#"{"n":2}"#), ("c", r#"{"n":3}"#), ("c", r#"{"n":4}"#)];
        let (aside, seen, carried) = read(&store, &people);
        assert_eq!((aside.repeated, seen.len(), carried.added, carried.updated), (1, 2, 1, 2));
        assert_eq!(traits(&store, "c").unwrap(), r#"{"n":4}"#);
        let before = store.reader().unwrap().revision().unwrap();
        let (_, seen, carried) = read(&store, &people[..2]);
        assert_eq!((seen.len(), carried.added, carried.updated, carried.next), (2, 0, 0, None));
        assert_eq!(store.reader().unwrap().revision().unwrap(), before);
    }

    #[test]
    fn the_last_row_of_a_person_stands_also_where_it_says_what_is_known() {
        let store = TestStore::new();
        read(&store, &[("a", r#"{"n":1}"#)]);
        let (aside, _, carried) = read(&store, &[("a", r#"{"n":2}"#), ("a", r#"{"n":1}"#)]);
        assert_eq!((aside.repeated, carried.updated), (1, 0));
        assert_eq!(traits(&store, "a").unwrap(), r#"{"n":1}"#);
    }

    #[test]
    fn who_is_gone_keeps_the_number_and_has_nothing_left() {
        let store = TestStore::new();
        read(&store, &[("a", r#"{"n":1}"#), ("b", r#"{"n":1}"#)]);
        let sealer = store.sealer().clone();
        let gone = move |tx: &Transaction<'_>| tx.people_gone(&[1, 7].into_iter().collect(), &sealer);
        assert_eq!(store.write_blocking(gone).unwrap(), 1);
        assert_eq!((traits(&store, "a"), traits(&store, "b").is_some()), (None, true));
        assert_eq!(store.reader().unwrap().profile("a").unwrap().unwrap().id, 1);
        read(&store, &[("a", r#"{"n":1}"#)]);
        assert_eq!(traits(&store, "a").unwrap(), r#"{"n":1}"#, "who comes back is there again");
    }
}
