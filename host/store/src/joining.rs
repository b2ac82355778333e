//! Two profiles that turn out to be one person become one.
//!
//! The one that goes loses its row, and its number is nobody's any more; what destinations hold of it stays until it is
//! withdrawn, with the identifiers that were sent. It cannot be undone.

use std::collections::BTreeMap;

use rusqlite::CachedStatement;
use serde_json::value::RawValue;

use crate::layers::{Layers, entries, json};
use crate::{Error, Transaction};

/// Tables with rows of the one that goes which say nothing of the one that stays.
const LEFT: [&str; 3] = ["layer", "refresh", "refusal"];

/// The statements that join profiles, prepared once for many.
pub(super) struct Joining<'a> {
    tx: &'a Transaction<'a>,
    layers: Layers<'a>,
    parts: CachedStatement<'a>,
    put: CachedStatement<'a>,
    revision: i64,
    now_ms: i64,
}

/// Identifiers and traits that a profile has of its own.
type Parts = (Option<String>, Option<String>);

impl<'a> Joining<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>, revision: i64, now_ms: i64) -> Result<Self, Error> {
        let prepare = |sql| tx.connection().prepare_cached(sql);
        Ok(Self {
            tx,
            layers: Layers::new(tx)?,
            parts: prepare("select json(identifiers), json(coalesce(custom, traits)) from profile where id = ?1")?,
            put: prepare(
                "update profile set identifiers = jsonb(?2), custom = jsonb(coalesce(?3, 'null')), revision = ?4 where id = ?1",
            )?,
            revision,
            now_ms,
        })
    }

    /// Gives everything of `from` to `to`. Where both say something, what `to` says stands; what calls said goes by
    /// the moment.
    pub(super) fn join(&mut self, from: u32, to: u32) -> Result<(), Error> {
        let (theirs, ours) = (self.own(from)?, self.own(to)?);
        let (identifiers, traits) = (both(theirs.0, ours.0)?, both(theirs.1, ours.1)?);
        self.put.execute((to, identifiers, traits, self.revision))?;
        self.layers.merge(to, self.revision)?;
        let connection = self.tx.connection();
        let run = |sql: &str| connection.prepare_cached(sql)?.execute((from, to)).map(drop);
        run("update event set profile = ?2 where profile = ?1")?;
        run("update identity set profile = ?2, own = iif(own = 1, 0, own) where profile = ?1")?;
        run("insert or replace into refresh (profile, due_ms) select ?2, 0 where ?1 <> ?2")?;
        for table in LEFT {
            connection.prepare_cached(&format!("delete from {table} where profile = ?1"))?.execute([from])?;
        }
        connection.prepare_cached("update record set present = 0 where profile = ?1")?.execute([from])?;
        // Whoever waits for a moment is withdrawn now; a job that is under way is waited for.
        let due = "update pending set due_ms = min(due_ms, ?2) where profile = ?1 and ticket is null";
        connection.prepare_cached(due)?.execute((from, self.now_ms))?;
        connection.prepare_cached("delete from profile where id = ?1")?.execute([from])?;
        let gone = "insert into forgotten (profile, asked_ms, ended_ms) values (?1, ?2, ?2)";
        connection.prepare_cached(gone)?.execute((from, self.now_ms))?;
        Ok(())
    }

    fn own(&mut self, profile: u32) -> Result<Parts, Error> {
        let (identifiers, traits): Parts = self.parts.query_row([profile], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((identifiers, traits.filter(|traits| traits != "null")))
    }
}

/// Two JSON objects as one; where both have a member, that of the second stands.
fn both(first: Option<String>, second: Option<String>) -> Result<Option<String>, Error> {
    match (first, second) {
        (Some(first), Some(second)) => {
            let mut all: BTreeMap<String, &RawValue> = entries(&first)?;
            all.extend(entries(&second)?);
            json(&all).map(Some)
        }
        (first, second) => Ok(second.or(first)),
    }
}
