//! Reads chosen values of many profiles, and nothing else of them.
//!
//! Invariants: a value that was not asked for does not leave the database, and a number leaves it with the
//! digits that it came with. A key that is missing is `None`; a null is the text `null`.

use std::iter::Peekable;
use std::str::FromStr;

use enroute_core::path::{PathError, trait_names};
use rusqlite::{Row, Statement};

use crate::jsonb::{self, NotJsonb, Place, Wanted};
use crate::{Error, Reader};

/// Most columns that are read at once. A destination takes some hundred fields at most; SQLite takes 2000.
pub const COLUMNS_MAX: usize = 1000;

/// The kind of identifier that is the key of a profile.
const USER_ID: &str = "user_id";

/// Kinds of identifiers for which a trait of the same name serves where there is none.
const ALSO_TRAITS: [&str; 2] = ["email", "phone"];

/// Columns before the documents: the number, the key, the consent.
const FIXED_COLUMNS: usize = 3;

/// The documents in which columns are.
const DOCUMENTS: [&str; 3] = ["identifiers", "traits", "context"];

/// Profiles that are read by one query at most.
const RUN_MAX: usize = 1_000;

/// Numbers up to this far apart are read by one query.
const STEP_MAX: u32 = 4;

/// Profiles that are read at one moment of the store, so that a long read does not keep the log from being moved.
const AT_ONCE_MAX: usize = 10_000;

const BROKEN: Error = Error::Broken("what is stored of a profile is JSON");

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
    /// What is wanted of each of [`DOCUMENTS`].
    wanted: [Wanted; DOCUMENTS.len()],
    columns: Vec<Origin>,
    /// How many texts a profile can have: the columns', and the traits that serve where an identifier is missing.
    places: usize,
    turn: u64,
}

/// Where the text of a column comes from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// The key of the profile.
    Key,
    /// The text at the column's own place; else the one at this place.
    Picked(Option<usize>),
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
        let [mut identifiers, mut traits, mut context] = [const { Wanted::EMPTY }; DOCUMENTS.len()];
        let (mut origins, mut places) = (Vec::with_capacity(columns.len()), columns.len());
        for (at, column) in columns.iter().enumerate() {
            origins.push(match column {
                Column::Identifier(kind) if kind == USER_ID => Origin::Key,
                Column::Identifier(kind) => {
                    let path = std::slice::from_ref(kind);
                    identifiers.add(path, at);
                    let also = ALSO_TRAITS.contains(&kind.as_str()).then(|| {
                        traits.add(path, places);
                        places += 1;
                        places - 1
                    });
                    Origin::Picked(also)
                }
                Column::Trait(names) => {
                    traits.add(names, at);
                    Origin::Picked(None)
                }
                Column::Context(names) => {
                    context.add(names, at);
                    Origin::Picked(None)
                }
            });
        }
        let wanted = [identifiers, traits, context];
        let documents = wanted.iter().zip(DOCUMENTS).map(|(wanted, name)| if wanted.is_empty() { "null" } else { name });
        let documents: Vec<_> = documents.collect();
        let sql = format!(
            "select id, key, consent, {} from profile where id between ?1 and ?2 order by id",
            documents.join(", ")
        );
        let statement = reader.connection.prepare(&sql).map_err(|error| reader.explain(error))?;
        Ok(Self { reader, statement, wanted, columns: origins, places, turn: 0 })
    }

    /// Calls `f` for each profile of `ids`, in that order, with its number, key, consent and values as JSON texts.
    ///
    /// Sorted numbers are read fastest, some thousand at one moment of the store. Numbers that no profile has are left
    /// out.
    ///
    /// # Errors
    ///
    /// What `f` returns, or if the file cannot be read.
    pub fn read<E: From<Error>>(
        &mut self,
        ids: impl IntoIterator<Item = u32>,
        mut f: impl FnMut(u32, &str, Option<&str>, &[Option<&str>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut ids = ids.into_iter().peekable();
        let mut run = Vec::new();
        while ids.peek().is_some() {
            let moment = self.reader.moment()?;
            let mut read = 0;
            while read < AT_ONCE_MAX && ids.peek().is_some() {
                next_run(&mut ids, &mut run);
                read += run.len();
                self.read_run(&run, &mut f)?;
            }
            moment.end()?;
        }
        Ok(())
    }

    /// Reads profiles that stand close to one another.
    fn read_run<E: From<Error>>(
        &mut self,
        run: &[u32],
        f: &mut impl FnMut(u32, &str, Option<&str>, &[Option<&str>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
        let explain = |error| self.reader.explain(error);
        let mut rows = self.statement.query((first, last)).map_err(explain)?;
        let mut asked = run.iter().peekable();
        let (mut out, mut places) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().map_err(explain)? {
            let id: u32 = row.get(0).map_err(explain)?;
            while asked.next_if(|asked| **asked < id).is_some() {}
            if asked.next_if(|asked| **asked == id).is_none() {
                continue;
            }
            out.clear();
            places.clear();
            places.resize(self.places, None);
            self.turn += 1;
            for (at, wanted) in self.wanted.iter_mut().enumerate().filter(|(_, wanted)| !wanted.is_empty()) {
                if let Some(document) = blob(row, FIXED_COLUMNS + at).map_err(explain)? {
                    wanted.pick(document, self.turn, &mut out, &mut places).map_err(|NotJsonb| BROKEN)?;
                }
            }
            let consent_at = out.len();
            let consent = blob(row, 2).map_err(explain)?;
            if let Some(document) = consent {
                jsonb::write_document(document, &mut out).map_err(|NotJsonb| BROKEN)?;
            }
            let consent_end = out.len();
            let key = row.get_ref(1).and_then(|key| Ok(key.as_str()?)).map_err(explain)?;
            let key_at = if self.columns.iter().any(|origin| matches!(origin, Origin::Key)) {
                serde_json::to_writer(&mut out, key).map_err(|_| BROKEN)?;
                Some(consent_end..out.len())
            } else {
                None
            };
            let text = str::from_utf8(&out).map_err(|_| BROKEN)?;
            let at = |place: &Place| place.clone().and_then(|place| text.get(place));
            let value = |(column, origin): (usize, &Origin)| match origin {
                Origin::Key => at(&key_at),
                Origin::Picked(also) => {
                    let own = places.get(column).and_then(at);
                    own.or_else(|| places.get((*also)?).and_then(at))
                }
            };
            let values: Vec<Option<&str>> = self.columns.iter().enumerate().map(value).collect();
            f(id, key, consent.and_then(|_| text.get(consent_at..consent_end)), &values)?;
        }
        Ok(())
    }
}

/// Takes the next numbers that stand so close that passing over what is between them is cheaper than looking for each.
fn next_run(ids: &mut Peekable<impl Iterator<Item = u32>>, run: &mut Vec<u32>) {
    run.clear();
    while run.len() < RUN_MAX
        && let Some(id) = ids.next_if(|id| run.last().is_none_or(|last| id.checked_sub(*last).is_some_and(is_close)))
    {
        run.push(id);
    }
}

const fn is_close(step: u32) -> bool {
    0 < step && step <= STEP_MAX
}

fn blob<'r>(row: &'r Row<'_>, index: usize) -> Result<Option<&'r [u8]>, rusqlite::Error> {
    Ok(row.get_ref(index)?.as_blob_or_null()?)
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
    fn of_two_equal_names_within_a_trait_the_first_one_counts() {
        check(r#"{"a": {"b": 1, "b": 2, "\u0062": 3}}"#, "a.b", Some("1"));
        check(r#"{"a": {"b": {"c": 1}, "b": {"d": 2}}}"#, "a.b.d", None);
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
    fn profiles_come_in_the_order_asked_for_and_unknown_ones_are_left_out() {
        let store = TestStore::with(&[line("u1", r#"{"n": 1}"#), line("u2", "{}"), line("u3", r#"{"n": 3}"#)]);
        let column = ["n".parse().unwrap()];
        let expect = ["1 u1 None [Some(\"1\")]", "2 u2 None [None]", "3 u3 None [Some(\"3\")]"];
        assert_eq!(read(&store, &[1, 2, 3, 9], &column), expect);
        assert!(read(&store, &[], &column).is_empty());
        assert_eq!(read(&store, &[3], &[]), ["3 u3 None []"]);
        assert_eq!(read(&store, &[3, 1, 1, 3], &column), [expect[2], expect[0], expect[0], expect[2]]);
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
