//! `[audience.KEY]`: by a condition, by a query of its own, or by a source that says who is a member.

use std::collections::BTreeMap;
use std::path::Path;

use enroute_core::id::{AudienceKey, SourceName};

use crate::audiences_file::schedule;
use crate::audiences_file::source::query::{self, QueryOrigin, Rows};
use crate::audiences_file::source::reading::{REMOVE_MAX_PERCENT_DEFAULT, Reading};
use crate::audiences_file::source::{Origin, Source};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::walker::{Section, Walker};

/// The ways to say who is a member.
const WAYS: [&str; 3] = ["where", "query", "members"];

/// Keys of an audience that is a query.
const OF_A_QUERY: [&str; 6] = ["source", "database", "id", "ca_file", "cert_file", "key_file"];

/// Before the key of an audience, the name of the source that its query is.
const PREFIX: &str = "audience_";

/// A set of people.
#[derive(Debug, Clone)]
pub struct Audience {
    /// Its key, and where `[audience.<key>]` stands.
    pub key: Located<AudienceKey>,
    /// What people call it.
    pub name: String,
    /// The SQL condition that a profile must meet.
    pub condition: Located<String>,
    /// The source that says who is a member, where no condition is written.
    pub members: Option<SourceName>,
}

/// The name of the trait that members have, where a source says who they are.
#[must_use]
pub fn members_trait(source: &str) -> String {
    format!("members:{source}")
}

/// Reads an audience, and the source that its query is.
pub(super) fn read(
    walker: &mut Walker<'_>,
    key: &Located<String>,
    section: &Section<'_, '_>,
    sources: &BTreeMap<SourceName, Source>,
    dir: &Path,
) -> Option<(Audience, Option<Source>)> {
    walker.unknown_keys(section, &[&["name"], WAYS.as_slice(), &OF_A_QUERY, &schedule::KEYS].concat());
    let audience_key = walker.name::<AudienceKey>(key);
    let name = walker.text(section, "name").map_or_else(|| key.value.clone(), |name| name.value);
    let given: Vec<&str> = WAYS.into_iter().filter(|way| section.table.contains_key(*way)).collect();
    if given.len() > 1 {
        let message = format!("{} has `{}`", section.title, given.join("` and `"));
        return refuse(walker, section, given.last().copied(), message, "keep one of them");
    }
    if given.first() != Some(&"query") {
        let stray = OF_A_QUERY.iter().chain(&schedule::KEYS).find(|key| section.table.contains_key(**key));
        if let Some(stray) = stray {
            let message = format!("`{stray}` in {} is for an audience that is a query", section.title);
            return refuse(walker, section, Some(stray), message, "add `query`, or remove the key");
        }
    }
    let (condition, members, source) = match given.first() {
        Some(&"query") => {
            let source = own_source(walker, key, section, sources, dir)?;
            let place = source.name.place.clone();
            (Located::new(condition(source.name.value.as_str()), place), Some(source.name.value.clone()), Some(source))
        }
        Some(&"members") => {
            let named = walker.text(section, "members")?;
            let source = sources.iter().find(|(name, _)| name.as_str() == named.value);
            let holds = source.and_then(|(_, source)| rows(source));
            if !matches!(holds, Some(Rows::Members | Rows::Changes(_))) {
                let message = format!("`members` in {} is no source that says who is a member", section.title);
                let hint = format!("add [source.{}] with `holds = \"members\"`", named.value);
                return refuse(walker, section, Some("members"), message, &hint);
            }
            (Located::new(condition(&named.value), named.place), source.map(|(name, _)| name.clone()), None)
        }
        _ => (walker.required(section, "where", "\"traits ->> 'plan' = 'gold'\"")?, None, None),
    };
    Some((Audience { key: audience_key?, name, condition, members }, source))
}

fn rows(source: &Source) -> Option<Rows> {
    match &source.origin {
        Origin::Query(query) => Some(query.holds),
        Origin::File(_) | Origin::Listen(_) => None,
    }
}

/// The condition that the members of a source meet.
fn condition(source: &str) -> String {
    format!("coalesce(traits ->> '$.\"{}\"', 0) = 1", members_trait(source))
}

fn refuse<T>(
    walker: &mut Walker<'_>,
    section: &Section<'_, '_>,
    key: Option<&str>,
    message: String,
    hint: &str,
) -> Option<T> {
    let place = key.and_then(|key| section.table.get(key)).map(|value| walker.place(value.span()));
    let place = place.unwrap_or_else(|| section.place.clone());
    walker.found.push(Diagnostic::error(Code::BadAudience, message).at(&place).hint(hint));
    None
}

/// The source that an audience's query is.
fn own_source(
    walker: &mut Walker<'_>,
    key: &Located<String>,
    section: &Section<'_, '_>,
    sources: &BTreeMap<SourceName, Source>,
    dir: &Path,
) -> Option<Source> {
    let query = walker.text(section, "query")?;
    let named = walker.text(section, "source");
    let database = match &named {
        Some(named) if section.table.contains_key("database") => {
            let message = format!("{} has `source` and `database`", section.title);
            return refuse(
                walker,
                section,
                Some("source"),
                message,
                &format!("keep `source = \"{}\"`, or `database`", named.value),
            );
        }
        Some(named) => {
            let source = sources.iter().find(|(name, _)| name.as_str() == named.value).map(|(_, source)| source);
            let Some(Origin::Query(other)) = source.map(|source| &source.origin) else {
                let message = format!("`source` in {} is no source that has a database", section.title);
                return refuse(
                    walker,
                    section,
                    Some("source"),
                    message,
                    "name a source with `database`, or write `database` here",
                );
            };
            other.database.clone()
        }
        None => query::database(walker, section, dir)?,
    };
    let name = format!("{PREFIX}{}", key.value);
    let source_name = name.parse::<SourceName>().ok()?;
    if sources.contains_key(&source_name) {
        let message = format!("the query of {} is a source `{name}`, and there is one of this name", section.title);
        return refuse(walker, section, Some("query"), message, "give that source another name");
    }
    let id = walker.text(section, "id").map_or_else(|| "id".to_owned(), |id| id.value);
    let schedule = schedule::read(walker, section, &format!("source/{name}"));
    let reading = Reading {
        columns: BTreeMap::new(),
        complete: false,
        remove_max_percent: REMOVE_MAX_PERCENT_DEFAULT,
        cursor: None,
        place: query.place.clone(),
    };
    let place = query.place.clone();
    let origin = QueryOrigin { database, query, holds: Rows::Members, types: BTreeMap::new(), reading };
    Some(Source { name: Located::new(source_name, place), id, origin: Origin::Query(origin), schedule })
}
