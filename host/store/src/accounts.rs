//! What each destination's account has of its own: the last report, and when it was read.
//!
//! Bounded: one row a destination, of at most [`BYTES_MAX`]. No secrets and nothing of a person: names of fields, lists
//! and objects.

use std::collections::BTreeMap;

use enroute_core::account::{ITEMS_MAX, Item};
use rusqlite::params;

use crate::{Error, Reader, Transaction};

/// Most that is kept of an account, as JSON: 5,000 fields with a name and a label of 400 bytes each.
const BYTES_MAX: usize = 4 << 20;

/// An account as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Hash of the plugin and of the settings that name the account: another one is another account.
    pub origin: Vec<u8>,
    /// When it was read, in milliseconds since 1970.
    pub read_ms: u64,
    /// Whether all of it is here; otherwise what is missing here may yet be there.
    pub is_whole: bool,
    /// What it has.
    pub items: Vec<Item>,
}

/// Keeps an account in place of the one before.
///
/// # Errors
/// When the store cannot be written.
pub fn put(tx: &Transaction<'_>, destination: &str, origin: &[u8], at_ms: u64, items: Vec<Item>) -> Result<(), Error> {
    let (text, is_whole) = bounded(items, BYTES_MAX)?;
    tx.connection().execute(
        "INSERT OR REPLACE INTO destination_account (destination, origin, read_ms, whole, items)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![destination, origin, at_ms.cast_signed(), is_whole, text],
    )?;
    Ok(())
}

/// The items as JSON of at most so many bytes, and whether all of them are in it. Choices go first.
fn bounded(mut items: Vec<Item>, bytes_max: usize) -> Result<(String, bool), Error> {
    let mut is_whole = items.len() < ITEMS_MAX;
    let mut text = json(&items)?;
    if text.len() > bytes_max {
        items.iter_mut().for_each(|item| item.choices.clear());
        text = json(&items)?;
    }
    while text.len() > bytes_max {
        is_whole = false;
        items.truncate(items.len() / 2);
        text = json(&items)?;
    }
    Ok((text, is_whole))
}

fn json(items: &[Item]) -> Result<String, Error> {
    serde_json::to_string(items).map_err(|_| Error::Broken("an account cannot be written as JSON"))
}

impl Reader {
    /// The last account of each destination, by the destination's name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn accounts(&self) -> Result<BTreeMap<String, Account>, Error> {
        let mut statement =
            self.connection().prepare("SELECT destination, origin, read_ms, whole, items FROM destination_account")?;
        let rows = statement.query_map([], |row| {
            let account = Account {
                origin: row.get(1)?,
                read_ms: row.get::<_, i64>(2)?.cast_unsigned(),
                is_whole: row.get(3)?,
                items: Vec::new(),
            };
            Ok((row.get::<_, String>(0)?, account, row.get::<_, String>(4)?))
        })?;
        let mut found = BTreeMap::new();
        for row in rows {
            let (destination, account, text) = row?;
            let items =
                serde_json::from_str(&text).map_err(|_| Error::Broken("an account in the store cannot be read"))?;
            found.insert(destination, Account { items, ..account });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use enroute_core::account::{Kind, ValueType};

    use super::*;
    use crate::Store;

    fn item(number: usize) -> Item {
        Item {
            kind: Kind::Field,
            name: format!("field_{number}"),
            label: String::new(),
            takes: ValueType::Text,
            required: false,
            choices: vec!["a".repeat(100)],
        }
    }

    #[tokio::test]
    async fn the_last_account_of_a_destination_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for (at, count) in [(1, 3), (2, 1)] {
            let write = move |tx: &crate::Transaction<'_>| put(tx, "crm", b"one", at, (0..count).map(item).collect());
            store.write(write).await.unwrap();
        }
        let expect = Account { origin: b"one".to_vec(), read_ms: 2, is_whole: true, items: vec![item(0)] };
        assert_eq!(store.reader().unwrap().accounts().unwrap(), BTreeMap::from([("crm".to_owned(), expect)]));
    }

    #[test]
    fn what_is_too_much_loses_its_choices_first_and_says_what_else_it_lost() {
        let items: Vec<Item> = (0..10).map(item).collect();
        let (whole, is_whole) = bounded(items.clone(), 1 << 20).unwrap();
        assert!(is_whole && whole.contains("aaa"));
        let (names, is_whole) = bounded(items.clone(), 1_000).unwrap();
        assert!(is_whole && !names.contains("aaa") && names.contains("field_9"), "{names}");
        let (few, is_whole) = bounded(items, 400).unwrap();
        assert!(!is_whole && few.len() <= 400 && few.contains("field_0"), "{few}");
        assert!(!bounded((0..ITEMS_MAX).map(item).collect(), usize::MAX).unwrap().1);
    }
}
