//! A result that replaces an earlier one: everything is put aside first, then what differs is carried over.
//!
//! Invariants: nothing is carried over of a result that was not read to its end; somebody who is not in it any more
//! has null in all its traits; a result that is the same changes no revision.
//!
//! What is put aside is in a table of the writer's connection, so that a process that dies leaves nothing behind.

use rusqlite::Row;

use crate::forgotten::Tombstones;
use crate::layers::{Kind, Layers, json};
use crate::profiles::{ContentHasher, PARTS, Profiles};
use crate::seal::Sealer;
use crate::{Error, Transaction};

/// Profiles that are carried over in one transaction.
pub const CARRIED_AT_ONCE: u32 = 5_000;

/// Behind the name of a score, the name of its percentile.
pub const PERCENTILE: &str = "_percentile";

/// What one step of carrying over did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// Profiles that were not known.
    pub added: u64,
    /// Profiles whose traits are others.
    pub updated: u64,
    /// Profiles whose traits are the same.
    pub unchanged: u64,
    /// Where the next step goes on; none at the end.
    pub next: Option<i64>,
}

impl Transaction<'_> {
    /// Begins to put a result aside, and forgets what was put aside before.
    ///
    /// # Errors
    ///
    /// If the table cannot be made.
    pub fn stage_begin(&self) -> Result<(), Error> {
        self.stage_end()?;
        let sql = "create table temp.stage (n integer primary key, key text not null unique, traits text not null)";
        Ok(self.connection.execute_batch(sql)?)
    }

    /// Forgets what was put aside.
    ///
    /// # Errors
    ///
    /// If the table cannot be dropped.
    pub fn stage_end(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("drop table if exists temp.stage")?)
    }

    /// Puts traits aside, each a key and a JSON object; returns how many keys were there already. The last one stands.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub fn stage_put(&self, rows: &[(String, String)]) -> Result<u64, Error> {
        let mut insert =
            self.connection.prepare_cached("insert or ignore into temp.stage (key, traits) values (?1, ?2)")?;
        let mut update = self.connection.prepare_cached("update temp.stage set traits = ?2 where key = ?1")?;
        let mut repeated = 0;
        for row in rows {
            if insert.execute((&row.0, &row.1))? == 0 {
                update.execute((&row.0, &row.1))?;
                repeated += 1;
            }
        }
        Ok(repeated)
    }

    /// Adds to each score its percentile: the share of people with a score that is not greater.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub fn stage_rank(&self, score: &str) -> Result<(), Error> {
        // Four digits: one person more would otherwise change everybody's percentile, and send everybody again.
        let sql = "update temp.stage set traits = json_set(stage.traits, ?2, ranked.share) from (
                select n, round(cume_dist() over (order by cast(traits ->> ?1 as real)), 4) as share
                from temp.stage where json_type(traits, ?1) in ('integer', 'real')
            ) as ranked where ranked.n = stage.n";
        let (score, percentile) = (format!("$.\"{score}\""), format!("$.\"{score}{PERCENTILE}\""));
        self.connection.execute(sql, (score, percentile))?;
        Ok(())
    }

    /// Carries over the next profiles after `after` of what was put aside.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn stage_carry(&self, source: i64, after: i64, sealer: &Sealer) -> Result<Carried, Error> {
        let sql = "select n, key, traits from temp.stage where n > ?1 order by n limit ?2";
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let mut rows = self.connection.prepare_cached(sql)?;
        let rows: Vec<(i64, String, String)> =
            rows.query_map((after, CARRIED_AT_ONCE), row)?.collect::<Result<_, _>>()?;
        let empty = ContentHasher::new(sealer).hash(&[None; PARTS.len()]);
        let revision = self.revision()? + 1;
        let (mut profiles, mut layers) = (Profiles::new(self)?, Layers::new(self)?);
        let tombstones = Tombstones::new(self, sealer)?;
        let mut carried = Carried { next: rows.last().map(|(n, ..)| *n), ..Carried::default() };
        for (_, key, traits) in &rows {
            if tombstones.cover(key, None, Some(traits))? {
                carried.unchanged += 1;
                continue;
            }
            let (profile, is_new) = profiles.number(key, &empty, revision)?;
            let is_changed = layers.set(source, profile, Some(traits))? && layers.merge(profile, revision)?;
            carried.added += u64::from(is_new);
            carried.updated += u64::from(is_changed && !is_new);
            carried.unchanged += u64::from(!is_changed && !is_new);
        }
        if carried.added + carried.updated > 0 {
            self.set_revision(revision)?;
        }
        Ok(carried)
    }

    /// Gives null in all traits to the next people after `after` who were in an earlier result and are not in this.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn stage_drop_outs(&self, source: i64, names: &[String], after: i64) -> Result<Carried, Error> {
        let nulls: std::collections::BTreeMap<&String, ()> = names.iter().map(|name| (name, ())).collect();
        let nulls = json(&nulls)?;
        let sql = "select profile from layer where source = ?1 and profile > ?2 and traits <> ?3
            and not exists (select 1 from temp.stage where stage.key = (select key from profile where id = layer.profile))
            order by profile limit ?4";
        let mut gone = self.connection.prepare_cached(sql)?;
        let gone = gone.query_map((source, after, &nulls, CARRIED_AT_ONCE), |row| row.get(0))?;
        let gone: Vec<u32> = gone.collect::<Result<_, _>>()?;
        let revision = self.revision()? + 1;
        let mut layers = Layers::new(self)?;
        let mut carried = Carried { next: gone.last().map(|last| i64::from(*last)), ..Carried::default() };
        for profile in gone {
            layers.set(source, profile, Some(&nulls))?;
            carried.updated += u64::from(layers.merge(profile, revision)?);
        }
        if carried.updated > 0 {
            self.set_revision(revision)?;
        }
        Ok(carried)
    }

    /// Takes on the traits of a result, which must not be those of another source.
    ///
    /// # Errors
    ///
    /// [`Error::TraitTaken`], or if the file cannot be written.
    pub fn stage_own(&self, kind: Kind, source: &str, names: &[String]) -> Result<i64, Error> {
        let source = self.trait_source(kind, source)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.own_traits(source, &names)?;
        Ok(source)
    }
}
