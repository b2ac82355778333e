//! Where connections put members, and what members were left behind: at an earlier place, or by a connection that is
//! configured no more.
//!
//! Invariant: while anybody is held at a place, what reaches them there is kept. An earlier place is a connection with
//! a number of its own, the one under which its members were sent, so that held rows, receipts and jobs stay as they
//! are; its row in `connection` takes a name that no mapping has, and the next place begins with a new one.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::ledger::{self, Link, LinkName};
use crate::{Error, Look, Transaction};

/// What is remembered of a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The plugin's id.
    pub plugin: String,
    /// What names the place, as JSON text.
    pub target: String,
    /// The audience's key, as the plugin was told.
    pub audience_key: String,
    /// The audience's name, as the plugin was told.
    pub audience_name: String,
    /// The settings with defaults, as JSON text.
    pub settings: String,
    /// The identifier fields, as JSON text.
    pub fields: String,
    /// Whether somebody who leaves is told of at all.
    pub sends_exits: bool,
    /// Hash of the audience's definition.
    pub definition: Vec<u8>,
}

/// A place with the connection that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Number of the connection in the store.
    pub link: i64,
    /// The name of its row: that of an earlier place is no mapping's.
    pub name: LinkName,
    /// The mapping's own name.
    pub mapping: String,
    /// What is remembered; a connection of an older store that was not run since has nothing.
    pub place: Place,
    /// Whether something is remembered.
    pub is_known: bool,
    /// Whether it is an earlier place of its connection: the newest of them has the highest number.
    pub earlier: Option<i64>,
    /// Whether a run did not find it in the configuration.
    pub is_gone: bool,
    /// Members who are held there, or may be.
    pub held: u64,
}

impl Kept {
    /// Audience, destination and the mapping's own name.
    #[must_use]
    pub fn own_name(&self) -> LinkName {
        LinkName { mapping: self.mapping.clone(), ..self.name.clone() }
    }
}

const COLUMNS: &str = "c.id, c.audience, c.destination, c.mapping, coalesce(p.mapping, c.mapping), p.plugin, p.target,
    p.audience_key, p.audience_name, p.settings, p.fields, p.sends_exits, p.definition, p.earlier, p.gone";
/// 1 where somebody is held.
const HOLDS: &str = "EXISTS (SELECT 1 FROM held h WHERE h.connection = c.id)";

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let text = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(at)?.unwrap_or_default());
    Ok(Kept {
        link: row.get(0)?,
        name: LinkName { audience: row.get(1)?, destination: row.get(2)?, mapping: row.get(3)? },
        mapping: row.get(4)?,
        is_known: row.get::<_, Option<String>>(5)?.is_some(),
        place: Place {
            plugin: text(5)?,
            target: text(6)?,
            audience_key: text(7)?,
            audience_name: text(8)?,
            settings: text(9)?,
            fields: text(10)?,
            sends_exits: row.get::<_, Option<bool>>(11)?.unwrap_or(true),
            definition: row.get::<_, Option<Vec<u8>>>(12)?.unwrap_or_default(),
        },
        earlier: row.get(13)?,
        is_gone: row.get::<_, Option<bool>>(14)?.unwrap_or(false),
        held: row.get::<_, i64>(15)?.cast_unsigned(),
    })
}

/// The connections that hold somebody, and of those the ones that `is_wanted`; `held` is counted for these.
///
/// # Errors
/// When the store cannot be read.
pub fn holding(from: &impl Look, is_wanted: impl Fn(&Kept) -> bool) -> Result<Vec<Kept>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, {HOLDS} FROM connection c LEFT JOIN place p ON p.connection = c.id WHERE {HOLDS} ORDER BY c.id"
    );
    let mut statement = from.connection().prepare_cached(&sql)?;
    let rows = statement.query_map([], kept)?;
    let mut rows: Vec<Kept> = rows.collect::<Result<_, _>>()?;
    rows.retain(is_wanted);
    rows.into_iter().map(|one| counted(from, one)).collect()
}

/// The same place, with how many are held there; that takes its time where there are millions.
///
/// # Errors
/// When the store cannot be read.
pub fn counted(from: &impl Look, kept: Kept) -> Result<Kept, Error> {
    let mut count = from.connection().prepare_cached("SELECT count(*) FROM held WHERE connection = ?1")?;
    let held = count.query_row([kept.link], |row| row.get::<_, i64>(0))?.cast_unsigned();
    Ok(Kept { held, ..kept })
}

/// What is remembered of a connection's place in force. Its `held` says whether anybody is held, as 1 or 0; of one that is
/// configured no more it is the number.
///
/// # Errors
/// When the store cannot be read.
pub fn of(from: &impl Look, name: &LinkName) -> Result<Option<Kept>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, {HOLDS} FROM connection c LEFT JOIN place p ON p.connection = c.id
         WHERE c.audience = ?1 AND c.destination = ?2 AND c.mapping = ?3"
    );
    let mut statement = from.connection().prepare_cached(&sql)?;
    let found = statement.query_row([&name.audience, &name.destination, &name.mapping], kept).optional()?;
    match found {
        Some(gone) if gone.is_gone => counted(from, gone).map(Some),
        found => Ok(found),
    }
}

/// The earlier places of a connection at which somebody is held, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub fn earlier(from: &impl Look, name: &LinkName) -> Result<Vec<Kept>, Error> {
    let mut found = holding(from, |one| one.earlier.is_some() && one.own_name() == *name)?;
    found.sort_by_key(|one| (one.earlier, one.link));
    Ok(found)
}

/// A connection by its number, as a run needs it.
///
/// # Errors
/// When the store cannot be read.
pub fn link(from: &impl Look, kept: &Kept) -> Result<Link, Error> {
    ledger::find_link(from, &kept.name)?.ok_or(Error::Broken("a connection vanished"))
}

/// Other connections that put members into this place and take them out again, by their numbers.
///
/// # Errors
/// When the store cannot be read.
pub fn sharing(from: &impl Look, target: &str, link: i64) -> Result<Vec<i64>, Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT connection FROM place WHERE target = ?1 AND sends_exits AND connection <> ?2 ORDER BY connection",
    )?;
    let rows = statement.query_map(params![target, link], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Remembers where a connection puts members, and that it is configured.
///
/// # Errors
/// When the store cannot be written.
pub fn put(tx: &Transaction<'_>, link: i64, mapping: &str, place: &Place) -> Result<(), Error> {
    tx.connection().execute(
        "INSERT INTO place (connection, mapping, plugin, target, audience_key, audience_name, settings, fields,
           sends_exits, definition) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (connection) DO UPDATE SET mapping = excluded.mapping, plugin = excluded.plugin,
           target = excluded.target, audience_key = excluded.audience_key, audience_name = excluded.audience_name,
           settings = excluded.settings, fields = excluded.fields, sends_exits = excluded.sends_exits,
           definition = excluded.definition, earlier = NULL, gone = 0",
        params![
            link,
            mapping,
            place.plugin,
            place.target,
            place.audience_key,
            place.audience_name,
            place.settings,
            place.fields,
            place.sends_exits,
            place.definition
        ],
    )?;
    Ok(())
}

/// The connection's members are at another place from now on: those who are held become an earlier place's, and where
/// there are none, what was learned of the old one is forgotten. One of the earlier places that has this target again
/// is the place in force again.
///
/// # Errors
/// When the store cannot be written.
pub fn leave(tx: &Transaction<'_>, kept: &Kept, target: &str) -> Result<(), Error> {
    let connection = tx.connection();
    let again = earlier(tx, &kept.own_name())?.into_iter().find(|one| one.place.target == target);
    if kept.held > 0 || again.is_some() {
        set_aside(tx, kept)?;
        connection.execute(
            "UPDATE place SET earlier = (SELECT coalesce(max(earlier), 0) + 1 FROM place) WHERE connection = ?1",
            [kept.link],
        )?;
    } else {
        connection.execute(
            "UPDATE connection SET remote = NULL, opened_ms = NULL, opened_for = NULL WHERE id = ?1",
            [kept.link],
        )?;
    }
    if let Some(again) = again {
        rename(tx, again.link, &kept.own_name())?;
        connection.execute("UPDATE place SET earlier = NULL WHERE connection = ?1", [again.link])?;
    }
    clear_over(tx)
}

/// Gives a connection's row a name that no mapping has.
fn set_aside(tx: &Transaction<'_>, kept: &Kept) -> Result<(), Error> {
    // Who is not there yet does not get there any more.
    tx.connection().execute(
        "DELETE FROM pending WHERE connection = ?1 AND NOT EXISTS (
           SELECT 1 FROM held h WHERE h.connection = pending.connection AND h.profile = pending.profile)",
        [kept.link],
    )?;
    let mapping = format!("{} {EARLIER} {})", kept.mapping, kept.link);
    rename(tx, kept.link, &LinkName { mapping: mapping.trim().to_owned(), ..kept.name.clone() })
}

/// How the name of an earlier place goes on; its number stands behind.
const EARLIER: &str = "(earlier place";

fn rename(tx: &Transaction<'_>, link: i64, name: &LinkName) -> Result<(), Error> {
    tx.connection().execute(
        "UPDATE connection SET audience = ?2, destination = ?3, mapping = ?4 WHERE id = ?1",
        params![link, name.audience, name.destination, name.mapping],
    )?;
    Ok(())
}

/// What reached an earlier place is forgotten once nobody is held there.
fn clear_over(tx: &Transaction<'_>) -> Result<(), Error> {
    let connection = tx.connection();
    let over = "earlier IS NOT NULL AND NOT EXISTS (SELECT 1 FROM held h WHERE h.connection = place.connection)";
    connection.execute(
        &format!("UPDATE connection SET remote = NULL WHERE id IN (SELECT connection FROM place WHERE {over})"),
        [],
    )?;
    connection.execute(&format!("DELETE FROM place WHERE {over}"), [])?;
    Ok(())
}

/// Notes which connections are not in the configuration any more; what reaches earlier places of whom nobody is held
/// is forgotten.
///
/// # Errors
/// When the store cannot be written.
pub fn note_gone(tx: &Transaction<'_>, is_configured: impl Fn(&LinkName) -> bool) -> Result<(), Error> {
    for one in holding(tx, |one| !one.is_gone && !is_configured(&one.own_name()))? {
        tx.connection().execute("UPDATE place SET gone = 1 WHERE connection = ?1", [one.link])?;
    }
    clear_over(tx)
}

/// Another name for what a connection holds; earlier places go along. Nothing is sent. `definition` is that of the
/// audience from now on.
///
/// # Errors
/// When the store cannot be written, or the name is that of a connection that holds somebody.
pub fn adopt(tx: &Transaction<'_>, old: &Kept, new: &LinkName, definition: &[u8]) -> Result<(), Error> {
    if let Some(there) = of(tx, new)?.filter(|there| there.link != old.link) {
        if there.held > 0 {
            return Err(Error::Broken("the other connection holds members of its own"));
        }
        set_aside(tx, &there)?;
        tx.connection().execute("DELETE FROM place WHERE connection = ?1", [there.link])?;
        tx.connection().execute("UPDATE connection SET remote = NULL WHERE id = ?1", [there.link])?;
    }
    for one in earlier(tx, &old.own_name())? {
        let mapping = format!("{} {EARLIER} {})", new.mapping, one.link);
        rename(tx, one.link, &LinkName { mapping: mapping.trim().to_owned(), ..new.clone() })?;
        tx.connection()
            .execute("UPDATE place SET mapping = ?2 WHERE connection = ?1", params![one.link, new.mapping])?;
    }
    if old.earlier.is_none() {
        rename(tx, old.link, new)?;
    }
    tx.connection().execute(
        "UPDATE place SET mapping = ?2, definition = ?3, gone = 0 WHERE connection = ?1",
        params![old.link, new.mapping, definition],
    )?;
    Ok(())
}

/// Forgets what a connection holds, as if nothing had been sent. Receipts stay.
///
/// # Errors
/// When the store cannot be written.
pub fn forget(tx: &Transaction<'_>, link: i64) -> Result<(), Error> {
    let connection = tx.connection();
    for table in ["held", "pending", "refusal", "ticket"] {
        connection.execute(&format!("DELETE FROM {table} WHERE connection = ?1"), [link])?;
    }
    connection.execute(
        "UPDATE connection SET remote = NULL, opened_ms = NULL, opened_for = NULL, revision = 0 WHERE id = ?1",
        [link],
    )?;
    connection.execute("DELETE FROM place WHERE connection = ?1", [link])?;
    Ok(())
}

#[cfg(test)]
mod tests;
