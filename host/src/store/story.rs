//! One profile's story: what each destination holds of it, what was sent, what was refused, what it waits for.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::ledger::LinkName;
use crate::store::{Error, held, ledger, records};

/// Receipts of one profile that are worth showing, newest first.
const RECEIPTS_SHOWN: usize = 20;
/// Deliveries looked through for them.
const DELIVERIES_SEARCHED: i64 = 100_000;

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The run.
    pub run: i64,
    /// The delivery.
    pub delivery: i64,
    /// The outcome's word.
    pub outcome: String,
    /// The outcome's code.
    pub code: Option<String>,
    /// `added`, `updated` or `removed`.
    pub change: Option<String>,
    /// Milliseconds since 1970.
    pub at_ms: Option<u64>,
    /// The requests.
    pub requests: Vec<Request>,
}

/// A request of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `prepared`, `subset` or `derived`.
    pub label: String,
    /// SHA-256 with slots unfilled.
    pub digest: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub failure: Option<String>,
}

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// `deferred`, `accepted` or `unknown`.
    pub state: String,
    /// Not before this moment, in milliseconds since 1970.
    pub due_ms: u64,
    /// Why.
    pub reason: Option<String>,
}

/// A refusal in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// snake_case.
    pub code: String,
    /// The field at fault.
    pub field: Option<String>,
    /// One sentence.
    pub reason: String,
    /// The run that found it.
    pub run: i64,
}

/// One profile at one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name; empty where the connection names none.
    pub mapping: String,
    /// The number that it goes by there: the profile's own, or that of a further record.
    pub id: u32,
    /// What the destination holds.
    pub held: Option<held::Held>,
    /// Number of the connection.
    pub link: i64,
    /// Why it is not delivered.
    pub refusal: Option<Standing>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Newest first.
    pub receipts: Vec<Receipt>,
}

/// Reads the story of one profile.
///
/// # Errors
/// When the store cannot be read.
pub fn of(connection: &Connection, profile: u32) -> Result<Vec<Chapter>, Error> {
    let mut statement = connection.prepare("SELECT id, audience, destination, mapping FROM connection ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        let name = LinkName { audience: row.get(1)?, destination: row.get(2)?, mapping: row.get(3)? };
        Ok((row.get::<_, i64>(0)?, name))
    })?;
    let links: Vec<(i64, LinkName)> = rows.collect::<Result<_, _>>()?;
    let mut chapters = Vec::new();
    let further = records::of(connection, profile)?;
    for (link, name) in links {
        for id in std::iter::once(profile).chain(further.iter().copied()) {
            let chapter = Chapter {
                audience: name.audience.clone(),
                destination: name.destination.clone(),
                mapping: name.mapping.clone(),
                id,
                link,
                held: held::get(connection, link, id)?,
                refusal: refusal(connection, link, id)?,
                waiting: waiting(connection, link, id)?,
                receipts: receipts(connection, link, id)?,
            };
            let is_empty = chapter.held.is_none() && chapter.refusal.is_none() && chapter.receipts.is_empty();
            if id == profile || !is_empty {
                chapters.push(chapter);
            }
        }
    }
    Ok(chapters)
}

fn refusal(connection: &Connection, link: i64, profile: u32) -> Result<Option<Standing>, Error> {
    let found = connection.query_row(
        "SELECT code, field, reason, run FROM refusal WHERE connection = ?1 AND profile = ?2",
        params![link, profile],
        |row| Ok(Standing { code: row.get(0)?, field: row.get(1)?, reason: row.get(2)?, run: row.get(3)? }),
    );
    Ok(found.optional()?)
}

fn waiting(connection: &Connection, link: i64, profile: u32) -> Result<Option<Waiting>, Error> {
    let found = connection.query_row(
        "SELECT state, due_ms, reason FROM pending WHERE connection = ?1 AND profile = ?2",
        params![link, profile],
        |row| {
            let due_ms = row.get::<_, i64>(1)?.cast_unsigned();
            Ok(Waiting { state: row.get(0)?, due_ms, reason: row.get(2)? })
        },
    );
    Ok(found.optional()?)
}

fn receipts(connection: &Connection, link: i64, profile: u32) -> Result<Vec<Receipt>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT d.run, d.id, r.outcome, r.code, r.change, d.settled_ms, r.members
         FROM delivery d JOIN receipt r ON r.delivery = d.id
         WHERE d.connection = ?1 ORDER BY d.id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query([link, DELIVERIES_SEARCHED])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let set: Vec<u8> = row.get(6)?;
        if !ledger::members(&set)?.contains(profile) {
            continue;
        }
        let delivery: i64 = row.get(1)?;
        found.push(Receipt {
            run: row.get(0)?,
            delivery,
            outcome: row.get(2)?,
            code: row.get(3)?,
            change: row.get(4)?,
            at_ms: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
            requests: requests(connection, delivery)?,
        });
        if found.len() == RECEIPTS_SHOWN {
            break;
        }
    }
    Ok(found)
}

fn requests(connection: &Connection, delivery: i64) -> Result<Vec<Request>, Error> {
    let mut statement = connection
        .prepare_cached("SELECT label, hex(digest), status, failure FROM request WHERE delivery = ?1 ORDER BY id")?;
    let rows = statement.query_map([delivery], |row| {
        let digest = row.get::<_, String>(1)?.to_lowercase();
        Ok(Request { label: row.get(0)?, digest, status: row.get(2)?, failure: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many members of each kind a connection has: held for certain, in doubt, refused, waiting.
///
/// # Errors
/// When the store cannot be read.
pub fn counts(connection: &Connection, link: i64) -> Result<[u64; 4], Error> {
    let count = |sql: &str| -> Result<u64, Error> {
        let found: i64 = connection.prepare_cached(sql)?.query_row([link], |row| row.get(0))?;
        Ok(found.cast_unsigned())
    };
    let (all, in_doubt) = held::sets(connection, link)?;
    Ok([
        all.len() - in_doubt.len(),
        in_doubt.len(),
        count("SELECT count(*) FROM refusal WHERE connection = ?1")?,
        count("SELECT count(*) FROM pending WHERE connection = ?1")?,
    ])
}

impl crate::store::Reader {
    /// Names of the tables in which some value holds this text, for audits of what is stored in plain.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tables_holding(&self, text: &str) -> Result<Vec<String>, Error> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
        let tables: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut found = Vec::new();
        for table in tables {
            let mut rows = connection.prepare(&format!("SELECT * FROM \"{table}\""))?;
            let columns = rows.column_count();
            let mut rows = rows.query([])?;
            while let Some(row) = rows.next()? {
                let holds = (0..columns).any(|column| {
                    let bytes = row.get_ref(column).ok().and_then(|value| match value {
                        rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => Some(bytes),
                        _ => None,
                    });
                    bytes.is_some_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
                });
                if holds {
                    found.push(table);
                    break;
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::held::Held;
    use crate::store::tests::TestStore;

    #[test]
    fn a_member_in_doubt_is_not_counted_as_held() {
        let store = TestStore::new();
        let name = LinkName { audience: "a".to_owned(), destination: "d".to_owned(), mapping: String::new() };
        let write = move |tx: &crate::store::Transaction<'_>| {
            let link = ledger::link(tx.connection(), &name, b"settings")?.id;
            let held = |profile, hash| Held { profile, hash, ..Held::default() };
            let rows = [held(1, Some([1; 16])), held(2, None), held(3, None)];
            held::put(tx.connection(), link, &rows)?;
            Ok(link)
        };
        let link = store.write_blocking(write).unwrap();
        assert_eq!(counts(store.reader().unwrap().connection(), link).unwrap(), [1, 2, 0, 0]);
    }
}
