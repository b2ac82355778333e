//! Which traits there are, of what kind, and how many profiles have them.
//!
//! Names are kept as sources are read, so that they are known without looking at profiles.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row};

use crate::layers::Kind;
use crate::{Error, Reader, Transaction};

/// Most names of custom traits that are kept. Destinations take some hundred; more is data in the place of names.
pub const TRAIT_NAMES_MAX: usize = 10_000;

/// A trait that some source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTrait {
    /// Its name: a key of `traits`.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The source that it was seen in; for custom traits the first of them by name, for computed ones none.
    pub source: String,
    /// When the source was last read to its end, in ms since 1970.
    pub refreshed_ms: Option<i64>,
}

/// How many profiles have a trait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraitCounts {
    /// Profiles with a value that is not null.
    pub values: u64,
    /// Profiles where it is null.
    pub nulls: u64,
}

impl Transaction<'_> {
    /// Gives a source the traits that it has, and no others.
    ///
    /// # Errors
    ///
    /// [`Error::TraitTaken`] if one of them belongs to another source, or if the file cannot be written.
    pub fn own_traits(&self, source: i64, names: &[&str]) -> Result<(), Error> {
        for name in names {
            self.check_owner(source, name)?;
        }
        self.connection.prepare_cached("delete from trait_name where source = ?1")?.execute([source])?;
        self.add_traits(source, names)
    }

    /// Adds to the traits that a source has.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add_traits(&self, source: i64, names: &[&str]) -> Result<(), Error> {
        let mut insert = self.connection.prepare_cached("insert or ignore into trait_name values (?1, ?2)")?;
        names.iter().try_for_each(|name| insert.execute((name, source)).map(drop))?;
        Ok(())
    }

    fn check_owner(&self, source: i64, name: &str) -> Result<(), Error> {
        let sql = "select kind, trait_source.name, source from trait_name join trait_source on source = id
            where trait_name.name = ?1 and source <> ?2 order by kind = 'custom' limit 1";
        let owner = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let owner = self.connection.prepare_cached(sql)?.query_row((name, source), owner).optional()?;
        let Some((kind, theirs)) = owner else { return Ok(()) };
        if kind == Kind::Custom.as_str() && !self.is_custom_somewhere(name)? {
            self.connection.execute("delete from trait_name where name = ?1 and source <> ?2", (name, source))?;
            return Ok(());
        }
        let ours = "select kind, name from trait_source where id = ?1";
        let ours = self.connection.query_row(ours, [source], |row| Ok(described(row.get(0)?, row.get(1)?)))?;
        Err(Error::TraitTaken { name: name.to_owned(), ours, theirs: described(kind, theirs) })
    }

    /// Whether the own line of a profile or an identify call has the trait. Looks at all of them.
    fn is_custom_somewhere(&self, name: &str) -> Result<bool, Error> {
        let path = format!("$.\"{name}\"");
        let sql = "select exists (select 1 from profile where json_type(coalesce(custom, traits), ?1) is not null)
            or exists (select 1 from layer where source = (select id from trait_source where kind = 'custom' and name = '')
            and json_type(traits, ?1) is not null)";
        Ok(self.connection.query_row(sql, [path], |row| row.get(0))?)
    }
}

/// A source as messages name it.
fn described(kind: String, name: String) -> String {
    match (Kind::parse(&kind), name.as_str()) {
        (Kind::Computed, _) => "a computed trait".to_owned(),
        (Kind::Custom, "") => "a custom trait".to_owned(),
        (_, name) => format!("a {kind} trait of source `{name}`"),
    }
}

impl Reader {
    /// Every trait that is known by name, in the order of names.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn known_traits(&self) -> Result<Vec<KnownTrait>, Error> {
        let sql = "select trait_name.name, kind, min(trait_source.name), max(refreshed_ms)
            from trait_name join trait_source on source = id
            group by trait_name.name, kind order by trait_name.name";
        let one = |row: &Row<'_>| {
            let kind = Kind::parse(&row.get::<_, String>(1)?);
            Ok(KnownTrait { name: row.get(0)?, kind, source: row.get(2)?, refreshed_ms: row.get(3)? })
        };
        let read = || self.connection.prepare_cached(sql)?.query_map((), one)?.collect::<Result<_, _>>();
        read().map_err(|error| self.explain(error))
    }

    /// The names of all known traits, for who writes one of them.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn trait_names(&self) -> Result<Vec<String>, Error> {
        Ok(self.known_traits()?.into_iter().map(|known| known.name).collect())
    }

    /// How many profiles have each trait, up to [`TRAIT_NAMES_MAX`] of them. Looks at every profile.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn trait_counts(&self) -> Result<BTreeMap<String, TraitCounts>, Error> {
        let mut counts: BTreeMap<String, TraitCounts> = BTreeMap::new();
        let mut read = || {
            let sql = "select key, type = 'null' from (select traits from profile) as one, json_each(one.traits)";
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let name = row.get_ref(0)?.as_str()?;
                if !counts.contains_key(name) {
                    if counts.len() == TRAIT_NAMES_MAX {
                        continue;
                    }
                    counts.insert(name.to_owned(), TraitCounts::default());
                }
                if let Some(count) = counts.get_mut(name) {
                    let is_null: bool = row.get(1)?;
                    count.nulls += u64::from(is_null);
                    count.values += u64::from(!is_null);
                }
            }
            Ok(())
        };
        read().map_err(|error| self.explain(error))?;
        Ok(counts)
    }
}
