//! Reads chosen values of many profiles, and nothing else of them.
//!
//! Invariants: a value that was not asked for does not leave the database, and a number leaves it with the
//! digits that it came with. A key that is missing is `None`; a null is the text `null`.

use std::str::FromStr;

use enroute_core::path::{PathError, trait_names};
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

use crate::{Error, Reader};

/// Most columns that are read at once. A destination takes some hundred fields at most; SQLite takes 2000.
pub const COLUMNS_MAX: usize = 1000;

/// The kind of identifier that is the key of a profile.
const USER_ID: &str = "user_id";

/// Kinds of identifiers for which a trait of the same name serves where there is none.
const ALSO_TRAITS: [&str; 2] = ["email", "phone"];

/// Columns before the values: the number, the key, the consent.
const FIXED_COLUMNS: usize = 3;

/// Something of a profile that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// The identifiers of a kind: one text, or a list of them. `user_id` is the key of the profile; for `email`
    /// and `phone` the trait of that name serves where there is no such identifier.
    Identifier(String),
    /// A trait, by the names on the way to it.
    Trait(Vec<String>),
    /// A value of the context, by the names on the way to it.
    Context(Vec<String>),
}

/// Parses what an operator maps from: `first_name`, `address.city`, `"utm.source"`, `context.device.id`.
impl FromStr for Column {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self, Error> {
        let mut names = trait_names(path).map_err(|error| Error::Path {
            path: path.to_owned(),
            reason: match error {
                PathError::EmptyName(_) => "a name in it is empty",
                PathError::OpenQuote(_) => "a quote in it does not end",
                _ => "there is something between a quoted name and the next dot",
            },
        })?;
        for name in &names {
            check(name).map_err(|reason| Error::Path { path: path.to_owned(), reason })?;
        }
        if names.len() > 1 && names.first().is_some_and(|name| name == "context") {
            names.remove(0);
            return Ok(Self::Context(names));
        }
        Ok(Self::Trait(names))
    }
}

impl Column {
    /// The identifiers of `kind`, such as `email` or `ios.idfa`.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] if the kind is empty or has a quote or a backslash.
    pub fn identifier(kind: &str) -> Result<Self, Error> {
        check(kind).map_err(|reason| Error::Path { path: kind.to_owned(), reason })?;
        Ok(Self::Identifier(kind.to_owned()))
    }

    /// The expression that gives the JSON text, with the path as parameter `#`.
    fn sql(&self) -> &'static str {
        match self {
            // What a visitor's own profile is found by is nobody's id.
            Self::Identifier(kind) if kind == USER_ID => "iif(key glob 'anonymous:*', null, json_quote(key))",
            Self::Identifier(kind) if ALSO_TRAITS.contains(&kind.as_str()) => {
                "coalesce(identifiers -> ?#, traits -> ?#)"
            }
            Self::Identifier(_) => "identifiers -> ?#",
            Self::Trait(_) => "traits -> ?#",
            Self::Context(_) => "context -> ?#",
        }
    }

    /// The path that the expression takes, if it takes one.
    fn json_path(&self) -> Option<String> {
        match self {
            Self::Identifier(kind) if kind == USER_ID => None,
            Self::Identifier(kind) => Some(format!("$.\"{kind}\"")),
            Self::Trait(names) | Self::Context(names) => {
                Some(names.iter().fold("$".to_owned(), |path, name| format!("{path}.\"{name}\"")))
            }
        }
    }
}

/// A quote would end the name in SQLite's paths, and a backslash is read as an escape there.
fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("a name in it is empty");
    }
    if name.contains(['"', '\\', '\0']) {
        return Err("names must not have quotes or backslashes");
    }
    Ok(())
}

/// Reads the same columns of one batch of profiles after the other.
#[derive(Debug)]
pub struct ValueReader<'a> {
    reader: &'a Reader,
    statement: Statement<'a>,
    columns: usize,
}

impl<'a> ValueReader<'a> {
    /// Prepares to read these columns.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] for more than [`COLUMNS_MAX`] columns, or if the file cannot be read.
    pub fn new(reader: &'a Reader, columns: &[Column]) -> Result<Self, Error> {
        if columns.len() > COLUMNS_MAX {
            let path = format!("{} columns", columns.len());
            return Err(Error::Path { path, reason: "more than 1000 cannot be read at once" });
        }
        let mut sql = "select id, key, json(consent)".to_owned();
        for (index, column) in columns.iter().enumerate() {
            // The first parameter is the profile.
            sql.push_str(", ");
            sql.push_str(&column.sql().replace('#', &(index + 2).to_string()));
        }
        sql.push_str(" from profile where id = ?1");
        let prepare = || {
            let mut statement = reader.connection.prepare(&sql)?;
            for (index, column) in columns.iter().enumerate() {
                if let Some(path) = column.json_path() {
                    statement.raw_bind_parameter(index + 2, path)?;
                }
            }
            Ok(statement)
        };
        let statement = prepare().map_err(|error| reader.explain(error))?;
        Ok(Self { reader, statement, columns: columns.len() })
    }

    /// Calls `f` for each profile of `ids`, in that order, with its number, key, consent and values as JSON texts.
    ///
    /// Sorted numbers are read fastest. Numbers that no profile has are left out.
    ///
    /// # Errors
    ///
    /// What `f` returns, or if the file cannot be read.
    pub fn read<E: From<Error>>(
        &mut self,
        ids: impl IntoIterator<Item = u32>,
        mut f: impl FnMut(u32, &str, Option<&str>, &[Option<&str>]) -> Result<(), E>,
    ) -> Result<(), E> {
        for id in ids {
            let explain = |error| self.reader.explain(error);
            self.statement.raw_bind_parameter(1, id).map_err(explain)?;
            let mut rows = self.statement.raw_query();
            if let Some(row) = rows.next().map_err(explain)? {
                let mut values = Vec::with_capacity(self.columns);
                for index in 0..self.columns {
                    values.push(text(row, FIXED_COLUMNS + index).map_err(explain)?);
                }
                let key = text(row, 1).map_err(explain)?.ok_or(Error::Broken("a profile has a key"))?;
                f(id, key, text(row, 2).map_err(explain)?, &values)?;
            }
        }
        Ok(())
    }
}

fn text<'r>(row: &'r Row<'_>, index: usize) -> Result<Option<&'r str>, rusqlite::Error> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        value => Ok(Some(value.as_str()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{TestStore, line};

    fn read(store: &TestStore, ids: &[u32], columns: &[Column]) -> Vec<String> {
        let reader = store.reader().unwrap();
        let mut found = Vec::new();
        let mut values = ValueReader::new(&reader, columns).unwrap();
        let result = values.read(ids.iter().copied(), |id, key, consent, values| {
            found.push(format!("{id} {key} {consent:?} {values:?}"));
            Ok::<_, Error>(())
        });
        result.unwrap();
        found
    }

    #[track_caller]
    fn check(traits: &str, path: &str, expect: Option<&str>) {
        let store = TestStore::with(&[line("u1", traits)]);
        let expect = format!("1 u1 None {:?}", [expect]);
        assert_eq!(read(&store, &[1], &[path.parse().unwrap()]), [expect], "{path} of {traits}");
    }

    #[test]
    fn a_number_keeps_the_digits_it_came_with() {
        for number in [
            "450.0",
            "18446744073709551616",
            "1e400",
            "-0",
            "9007199254740993",
            "0.1000000000000000055511151231257",
            "1E+2",
            "-12.50",
            "123456789012345678901234567890.123456789012345678901234567890",
        ] {
            check(&format!(r#"{{"n": {number}}}"#), "n", Some(number));
        }
    }

    #[test]
    fn null_missing_and_the_empty_values_are_five_cases() {
        check(r#"{"a": null}"#, "a", Some("null"));
        check(r#"{"b": null}"#, "a", None);
        check(r#"{"a": ""}"#, "a", Some(r#""""#));
        check(r#"{"a": [ ]}"#, "a", Some("[]"));
        check(r#"{"a": { }}"#, "a", Some("{}"));
    }

    #[test]
    fn texts_booleans_and_lists_come_as_json() {
        check(r#"{"a": "Zo\u00eb \"x\" \ud83d\ude00"}"#, "a", Some(r#""Zo\u00eb \"x\" \ud83d\ude00""#));
        check(r#"{"a": "İ ١٢"}"#, "a", Some(r#""İ ١٢""#));
        check(r#"{"a": true}"#, "a", Some("true"));
        check(r#"{"a": [1.0, {"b": null}]}"#, "a", Some(r#"[1.0,{"b":null}]"#));
    }

    #[test]
    fn a_path_leads_through_objects_and_nothing_else() {
        check(r#"{"address": {"city": "Oslo"}}"#, "address.city", Some(r#""Oslo""#));
        check(r#"{"address": "Oslo"}"#, "address.city", None);
        check(r#"{"address": [{"city": "Oslo"}]}"#, "address.city", None);
        check(r#"{"utm.source": "mail"}"#, "utm.source", None);
        check(r#"{"utm.source": "mail"}"#, "\"utm.source\"", Some(r#""mail""#));
        check(r#"{"utm.source": "mail"}"#, "'utm.source'", Some(r#""mail""#));
        check(r#"{"a": {"b.c": {"d": 1}}}"#, "a.\"b.c\".d", Some("1"));
        check(r#"{"it's [0] $x": 1}"#, "it's [0] $x", Some("1"));
        check(r#"{"na\u006de": 1}"#, "name", Some("1"));
    }

    #[test]
    fn identifiers_context_and_consent_come_beside_traits() {
        let store =
            TestStore::with(&[r#"{"id": "u\u0000\"1", "identifiers": {"ios.idfa": "i", "phone": ["+1", "+2"]},
            "traits": {"email": "t@x", "phone": "+3"}, "context": {"device": {"id": 7}}, "consent": {"ads": true}}"#
                .to_owned()]);
        let kinds = ["user_id", "email", "phone", "ios.idfa", "absent"];
        let values = [Some(r#""u\u0000\"1""#), Some(r#""t@x""#), Some(r#"["+1","+2"]"#), Some(r#""i""#), None];
        let expect = format!("1 u\0\"1 {:?} {values:?}", Some(r#"{"ads":true}"#));
        assert_eq!(read(&store, &[1], &kinds.map(|kind| Column::identifier(kind).unwrap())), [expect]);
        let found = read(&store, &[1], &["context.device.id".parse().unwrap(), "context".parse().unwrap()]);
        assert!(found[0].ends_with(r#"[Some("7"), None]"#), "{found:?}");
    }

    #[test]
    fn the_key_of_a_visitor_is_sent_as_nobodys_id() {
        let store = TestStore::with(&[line("anonymous:a1", "{}"), line("anonymous", "{}")]);
        let found = read(&store, &[1, 2], &[Column::identifier("user_id").unwrap()]);
        assert_eq!(found, ["1 anonymous:a1 None [None]", r#"2 anonymous None [Some("\"anonymous\"")]"#]);
    }

    #[test]
    fn profiles_come_in_the_order_asked_for_and_unknown_ones_are_left_out() {
        let store = TestStore::with(&[line("u1", r#"{"n": 1}"#), line("u2", "{}"), line("u3", r#"{"n": 3}"#)]);
        let column = ["n".parse().unwrap()];
        let expect = ["1 u1 None [Some(\"1\")]", "2 u2 None [None]", "3 u3 None [Some(\"3\")]"];
        assert_eq!(read(&store, &[1, 2, 3, 9], &column), expect);
        assert!(read(&store, &[], &column).is_empty());
        assert_eq!(read(&store, &[3], &[]), ["3 u3 None []"]);
    }

    #[test]
    fn a_path_that_could_mean_something_else_is_refused() {
        for path in ["", ".", "a..b", "a.", "say \"x\"", "a\\b", "a\0", "\"a", "\"a\"b", "'a\"b'", "\"\""] {
            assert!(path.parse::<Column>().is_err(), "{path:?}");
        }
        assert!(Column::identifier("").is_err());
        assert!(Column::identifier("a\"b").is_err());
    }

    #[test]
    fn there_is_a_most_of_columns() {
        let store = TestStore::with(&[line("u1", r#"{"n": 1}"#)]);
        let reader = store.reader().unwrap();
        let columns = vec!["n".parse::<Column>().unwrap(); COLUMNS_MAX + 1];
        assert!(ValueReader::new(&reader, &columns).is_err());
        assert!(ValueReader::new(&reader, &columns[1..]).is_ok());
    }
}
