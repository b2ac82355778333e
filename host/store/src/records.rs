//! Further records of a profile: a destination that is told every value of an identifier knows one person several times.
//!
//! The first value goes out under the profile's own number; each further one gets a number of its own, from
//! [`RECORD_ID_MIN`] on, which audiences, ledger and receipts treat like a profile's. Invariant: a number belongs to
//! one value of one profile for ever, so that a value that goes away is withdrawn and no other one is touched.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, params};

use crate::seal::HASH_BYTES;
use crate::{Error, Look, Transaction};

/// The smallest number of a record; profiles have smaller ones.
pub const RECORD_ID_MIN: u32 = 1 << 31;

/// Where a record belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The profile's number.
    pub profile: u32,
    /// Keyed hash of the value.
    pub value: [u8; HASH_BYTES],
}

/// The store revision up to which profiles were looked at for this choice of identifiers.
///
/// # Errors
/// When the store cannot be read.
pub fn looked_at(from: &impl Look, choice: &str) -> Result<i64, Error> {
    let mut statement = from.connection().prepare_cached("select revision from record_choice where choice = ?1")?;
    Ok(statement.query_row([choice], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Profiles that have records of this choice.
///
/// # Errors
/// When the store cannot be read.
pub fn profiles(from: &impl Look, choice: &str) -> Result<RoaringBitmap, Error> {
    let mut statement =
        from.connection().prepare_cached("select distinct profile from record where choice = ?1 order by profile")?;
    let rows = statement.query_map([choice], |row| row.get::<_, u32>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes which further values these profiles have now, and that profiles were looked at up to `revision`.
///
/// # Errors
/// When the store cannot be written, or two thousand million records are in it.
pub fn put(
    tx: &Transaction<'_>,
    choice: &str,
    found: &[(u32, Vec<[u8; HASH_BYTES]>)],
    revision: i64,
) -> Result<(), Error> {
    let connection = tx.connection();
    let last: i64 = connection.query_row("select coalesce(max(id), 0) from record", (), |row| row.get(0))?;
    let mut next = last.saturating_add(1).max(i64::from(RECORD_ID_MIN));
    let mut gone = connection
        .prepare_cached("update record set present = 0 where choice = ?1 and profile = ?2 and present = 1")?;
    let mut put = connection.prepare_cached(
        "insert into record (id, choice, profile, value, present) values (?1, ?2, ?3, ?4, 1)
         on conflict (choice, profile, value) do update set present = 1",
    )?;
    for (profile, values) in found {
        gone.execute(params![choice, profile])?;
        for value in values {
            put.execute(params![next, choice, profile, value.as_slice()])?;
            next = next.max(connection.last_insert_rowid().saturating_add(1));
        }
    }
    connection.execute(
        "insert into record_choice (choice, revision) values (?1, ?2)
         on conflict (choice) do update set revision = excluded.revision",
        params![choice, revision],
    )?;
    Ok(())
}

/// The records of a choice: the number, the profile's number, and whether the profile still has the value.
///
/// # Errors
/// When the store cannot be read.
pub fn all(from: &impl Look, choice: &str) -> Result<Vec<(u32, u32, bool)>, Error> {
    let mut statement =
        from.connection().prepare_cached("select id, profile, present from record where choice = ?1 order by id")?;
    let rows = statement.query_map([choice], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where a record belongs.
///
/// # Errors
/// When the store cannot be read.
pub fn get(from: &impl Look, id: u32) -> Result<Option<Record>, Error> {
    let mut statement = from.connection().prepare_cached("select profile, value from record where id = ?1")?;
    Ok(statement.query_row([id], |row| Ok(Record { profile: row.get(0)?, value: row.get(1)? })).optional()?)
}

/// The numbers of a profile's records.
///
/// # Errors
/// When the store cannot be read.
pub fn of(from: &impl Look, profile: u32) -> Result<Vec<u32>, Error> {
    let mut statement = from.connection().prepare_cached("select id from record where profile = ?1 order by id")?;
    let rows = statement.query_map([profile], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestStore;

    const A: [u8; HASH_BYTES] = [1; HASH_BYTES];
    const B: [u8; HASH_BYTES] = [2; HASH_BYTES];

    fn put_all(store: &TestStore, found: Vec<(u32, Vec<[u8; HASH_BYTES]>)>) -> Vec<(u32, u32, bool)> {
        store.write_blocking(move |tx| put(tx, "email", &found, 7)).unwrap();
        all(&store.reader().unwrap(), "email").unwrap()
    }

    #[test]
    fn a_value_keeps_its_number_while_others_come_and_go() {
        let store = TestStore::with(&[]);
        let first = RECORD_ID_MIN;
        assert_eq!(put_all(&store, vec![(1, vec![A]), (2, vec![A])]), [(first, 1, true), (first + 1, 2, true)]);
        assert_eq!(
            put_all(&store, vec![(1, vec![B])]),
            [(first, 1, false), (first + 1, 2, true), (first + 2, 1, true)]
        );
        assert_eq!(
            put_all(&store, vec![(1, vec![A, B])]),
            [(first, 1, true), (first + 1, 2, true), (first + 2, 1, true)]
        );
        let reader = store.reader().unwrap();
        assert_eq!(get(&reader, first + 2).unwrap(), Some(Record { profile: 1, value: B }));
        assert_eq!(of(&reader, 1).unwrap(), [first, first + 2]);
        assert_eq!(looked_at(&reader, "email").unwrap(), 7);
        assert_eq!(looked_at(&reader, "phone").unwrap(), 0);
        assert_eq!(profiles(&reader, "email").unwrap().iter().collect::<Vec<_>>(), [1, 2]);
    }
}
