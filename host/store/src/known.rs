//! Who was a member at a connection's first sync and is taken as known there, because the operator wants no history sent.
//!
//! Invariant: whoever is a member at the first sync is fixed in one transaction, so that a first sync which was cut off
//! takes nobody as known who came later.

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension as _, params};

use crate::ledger::{members, set_bytes};
use crate::{Error, Look, Transaction};

/// Where the first sync of a connection without history stands.
#[derive(Debug, Clone, PartialEq)]
pub enum First {
    /// It is still to come.
    ToCome,
    /// These are still to be taken as known.
    Left(RoaringBitmap),
    /// It is over, or there was one with history.
    Over,
}

/// Where the first sync of a connection without history stands.
///
/// # Errors
/// When the store cannot be read.
pub fn first(from: &impl Look, link: i64) -> Result<First, Error> {
    let row: Option<(i64, Option<Vec<u8>>)> = from
        .connection()
        .prepare_cached("SELECT revision, known_first FROM connection WHERE id = ?1")?
        .query_row([link], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match row {
        None | Some((0, None)) => First::ToCome,
        Some((_, Some(bytes))) if !bytes.is_empty() => First::Left(members(&bytes)?),
        Some(_) => First::Over,
    })
}

/// Fixes who is a member at the first sync, which looks at changes after `revision` from then on.
///
/// # Errors
/// When the store cannot be written.
pub fn begin(tx: &Transaction<'_>, link: i64, audience: &RoaringBitmap, revision: i64) -> Result<(), Error> {
    tx.connection().execute(
        "UPDATE connection SET known_first = ?2, revision = max(revision, ?3) WHERE id = ?1",
        params![link, set_bytes(audience)?, revision],
    )?;
    Ok(())
}

/// Notes that everybody is taken as known.
///
/// # Errors
/// When the store cannot be written.
pub fn end(tx: &Transaction<'_>, link: i64) -> Result<(), Error> {
    tx.connection().execute("UPDATE connection SET known_first = x'' WHERE id = ?1", [link])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{self, LinkName};
    use crate::tests::TestStore;

    #[test]
    fn the_first_members_are_fixed_once_and_a_connection_with_history_has_none() {
        let store = TestStore::new();
        let name = |audience: &str| LinkName {
            audience: audience.to_owned(),
            destination: "braze".to_owned(),
            mapping: String::new(),
        };
        let (fresh, synced) = (name("fresh"), name("synced"));
        let links = store.write_blocking(move |tx| {
            let links = (ledger::link(tx, &fresh, b"a")?.id, ledger::link(tx, &synced, b"a")?.id);
            ledger::set_revision(tx, links.1, 3)?;
            Ok(links)
        });
        let (fresh, synced) = links.unwrap();
        let look = |link| first(&store.reader().unwrap(), link).unwrap();
        assert_eq!([look(99), look(fresh), look(synced)], [First::ToCome, First::ToCome, First::Over]);
        let audience: RoaringBitmap = [1, 2].into_iter().collect();
        let kept = audience.clone();
        store.write_blocking(move |tx| begin(tx, fresh, &kept, 7)).unwrap();
        assert_eq!(look(fresh), First::Left(audience));
        store.write_blocking(move |tx| end(tx, fresh)).unwrap();
        assert_eq!(look(fresh), First::Over);
    }
}
