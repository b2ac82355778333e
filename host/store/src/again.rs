//! Members who are sent again though nothing of them has changed: a resync.
//!
//! Invariants: only members whom the destination holds are marked, so nobody enters or leaves by it; a mark goes in the
//! transaction that makes the intent of a request about the member durable, so that a resync which was cut off goes on
//! with those who are left.

use roaring::RoaringBitmap;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{Error, Look, Transaction};

/// Who is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Everybody whom the destination holds.
    All,
    /// Those whom it holds under other settings than those of this version.
    Stale(u64),
    /// Those of these members whom it holds.
    Members(RoaringBitmap),
}

impl Which {
    /// The word in the store of a resync that takes more than one run; none for single members.
    const fn word(&self) -> Option<&'static str> {
        match self {
            Self::All => Some("all"),
            Self::Stale(_) => Some("stale"),
            Self::Members(_) => None,
        }
    }
}

/// Marks members and returns how many are marked now. A resync of everybody that is under way goes on instead, with
/// those who are left of it.
///
/// # Errors
/// When the store cannot be written.
pub fn mark(tx: &Transaction<'_>, link: i64, which: &Which) -> Result<u64, Error> {
    if !goes_on(tx, link, which)? {
        let connection = tx.connection();
        match which {
            Which::All => connection.execute("UPDATE held SET again = 1 WHERE connection = ?1", [link])?,
            Which::Stale(version) => connection.execute(
                "UPDATE held SET again = 1 WHERE connection = ?1 AND version <> ?2",
                params![link, version.cast_signed()],
            )?,
            Which::Members(members) => members.iter().try_fold(0, |sum, member| {
                let sql = "UPDATE held SET again = 1 WHERE connection = ?1 AND profile = ?2";
                Ok::<_, Error>(sum + connection.prepare_cached(sql)?.execute(params![link, member])?)
            })?,
        };
        if let Some(word) = which.word() {
            connection.execute("UPDATE connection SET resync = ?2 WHERE id = ?1", params![link, word])?;
        }
    }
    Ok(marked(tx, link)?.len())
}

/// Whether such a resync is under way, so that asking for it goes on with those who are left.
///
/// # Errors
/// When the store cannot be read.
pub fn goes_on(from: &impl Look, link: i64, which: &Which) -> Result<bool, Error> {
    let connection = from.connection();
    let word: Option<Option<String>> = connection
        .prepare_cached("SELECT resync FROM connection WHERE id = ?1")?
        .query_row([link], |row| row.get(0))
        .optional()?;
    Ok(*which == Which::All && word.flatten().as_deref() == Some("all") && !marked(from, link)?.is_empty())
}

/// Members who are still to be sent again.
///
/// # Errors
/// When the store cannot be read.
pub fn marked(from: &impl Look, link: i64) -> Result<RoaringBitmap, Error> {
    let sql = "SELECT profile FROM held INDEXED BY held_again WHERE connection = ?1 AND again ORDER BY profile";
    collect(from.connection(), sql, params![link])
}

/// Members who would be marked.
///
/// # Errors
/// When the store cannot be read.
pub fn would_mark(from: &impl Look, link: i64, which: &Which) -> Result<RoaringBitmap, Error> {
    let connection = from.connection();
    let held = |sql, version| collect(connection, sql, params![link, version]);
    Ok(match which {
        _ if goes_on(from, link, which)? => marked(from, link)?,
        Which::All => held("SELECT profile FROM held WHERE connection = ?1 AND ?2 = 0 ORDER BY profile", 0)?,
        Which::Stale(version) => held(
            "SELECT profile FROM held WHERE connection = ?1 AND (version <> ?2 OR again) ORDER BY profile",
            version.cast_signed(),
        )?,
        Which::Members(members) => {
            let mut found = RoaringBitmap::new();
            let mut statement =
                connection.prepare_cached("SELECT 1 FROM held WHERE connection = ?1 AND profile = ?2")?;
            for member in members {
                if statement.exists(params![link, member])? {
                    found.insert(member);
                }
            }
            found
        }
    })
}

/// Notes that everybody was looked at: only those who wait are left of a resync, and it ends where there are none. Who
/// was refused is tried again when something changes, as ever.
///
/// # Errors
/// When the store cannot be written.
pub fn end(tx: &Transaction<'_>, link: i64) -> Result<(), Error> {
    tx.connection()
        .prepare_cached(
            "UPDATE held INDEXED BY held_again SET again = 0 WHERE connection = ?1 AND again
               AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.connection = ?1 AND p.profile = held.profile)",
        )?
        .execute([link])?;
    tx.connection()
        .prepare_cached(
            "UPDATE connection SET resync = NULL WHERE id = ?1 AND resync IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM held INDEXED BY held_again WHERE held.connection = ?1 AND again)",
        )?
        .execute([link])?;
    Ok(())
}

fn collect(connection: &Connection, sql: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<RoaringBitmap, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut found = RoaringBitmap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{self, Held};
    use crate::ledger::{self, LinkName};
    use crate::tests::TestStore;

    fn store() -> (TestStore, i64) {
        let store = TestStore::new();
        let name = LinkName { audience: "gold".to_owned(), destination: "braze".to_owned(), mapping: String::new() };
        let fill = move |tx: &Transaction<'_>| {
            let link = ledger::link(tx, &name, b"a")?.id;
            let row = |profile| Held { profile, version: u64::from(profile % 2), ..Held::default() };
            held::put(tx, link, &(1..=4).map(row).collect::<Vec<_>>())?;
            Ok(link)
        };
        let link = store.write_blocking(fill).unwrap();
        (store, link)
    }

    #[track_caller]
    fn check(which: Which, expect: &[u32]) {
        let (store, link) = store();
        let forecast = would_mark(&store.reader().unwrap(), link, &which).unwrap();
        store.write_blocking(move |tx| mark(tx, link, &which)).unwrap();
        let found = marked(&store.reader().unwrap(), link).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expect);
        assert_eq!(found, forecast);
    }

    #[test]
    fn only_members_whom_the_destination_holds_are_marked() {
        check(Which::All, &[1, 2, 3, 4]);
        check(Which::Stale(1), &[2, 4]);
        check(Which::Stale(7), &[1, 2, 3, 4]);
        check(Which::Members([3, 9].into_iter().collect()), &[3]);
    }

    #[test]
    fn a_resync_that_was_cut_off_goes_on_with_those_who_are_left() {
        let (store, link) = store();
        let ask = |which: Which| store.write_blocking(move |tx| mark(tx, link, &which)).unwrap();
        assert_eq!(ask(Which::All), 4);
        let rows: Vec<Held> = (1..=3).map(|profile| Held { profile, ..Held::default() }).collect();
        store.write_blocking(move |tx| held::put(tx, link, &rows)).unwrap();
        assert_eq!(ask(Which::All), 1);
        store.write_blocking(move |tx| end(tx, link)).unwrap();
        assert_eq!(ask(Which::All), 4, "the next one begins anew");
    }
}
