//! Where the columns of a table go: one is the id, every other a part of the profile, by its own name or by the one
//! that the operator gives it.
//!
//! A name leads to `identifiers.<kind>`, `context.<path>`, `consent.<name>`, and everything else is a trait, where dots
//! make nested objects. Several columns may go to one kind of identifier: they are its values, in the order of the table.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use enroute_core::suggest::nearest;
use serde_json::Value;

use crate::json::{Line, identifier};
use crate::reject::{Bad, Code, JSON_DEPTH_MAX, shown};
use enroute_store::profiles::PARTS;

/// A cell of a row as JSON text; none where there is no value at all.
pub(super) type Cell<'a> = Option<Cow<'a, str>>;

/// Other names for columns: what the column is called, and what it is to be.
pub(super) type Renamed = BTreeMap<String, String>;

/// A text as a cell.
pub(super) fn text(text: &str) -> Cell<'static> {
    Some(Cow::Owned(Value::from(text).to_string()))
}

/// Where each column goes.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    count: usize,
    id_key: String,
    id: usize,
    /// In the order of [`PARTS`].
    parts: [Tree; PARTS.len()],
}

/// The object that columns make.
#[derive(Debug, Clone, Default)]
struct Tree(BTreeMap<String, Node>);

#[derive(Debug, Clone)]
enum Node {
    /// The index of a column.
    Cell(usize),
    /// Those of several, whose values make a list.
    Cells(Vec<usize>),
    Tree(Tree),
}

impl Columns {
    /// Finds the place of each column, or says in words what is wrong.
    pub(super) fn new(names: &[String], renamed: &Renamed, id_key: &str) -> Result<Self, String> {
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
            let or_else = if twice == id_key { "" } else { ", or is both a value and an object" };
            return Err(format!("column `{}` stands twice{or_else}", shown(twice)));
        }
        if let Some(absent) = renamed.keys().find(|name| !seen.contains(name.as_str())) {
            return Err(absent_column(absent, names));
        }
        let (mut parts, mut id) = ([const { Tree(BTreeMap::new()) }; PARTS.len()], None);
        for (index, name) in names.iter().enumerate() {
            let goes = renamed.get(name).unwrap_or(name);
            let fail = |what: &str| format!("column `{}` {what}", shown(name));
            if goes == id_key {
                if id.replace(index).is_some() {
                    return Err(fail("is a second id"));
                }
                continue;
            }
            let (part, path) = place(goes).map_err(fail)?;
            let may_repeat = part == 0 && renamed.contains_key(name);
            let is_free = parts.get_mut(part).is_some_and(|tree| tree.insert(&path, index, may_repeat));
            if !is_free {
                return Err(fail("stands twice, or is both a value and an object"));
            }
        }
        let id = id.ok_or_else(|| format!("there is no column `{}`", shown(id_key)))?;
        Ok(Self { count: names.len(), id_key: id_key.to_owned(), id, parts })
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The index of the id's.
    pub(super) const fn id(&self) -> usize {
        self.id
    }

    /// The names of the traits that there are columns of.
    pub(super) fn trait_names(&self) -> impl Iterator<Item = String> {
        let [_, traits, ..] = &self.parts;
        traits.0.keys().filter_map(|name| serde_json::from_str(name).ok())
    }

    /// The profile of a row.
    pub(super) fn line(&self, cells: &[Cell<'_>]) -> Result<Line<'static>, Bad> {
        let id = cells.get(self.id).and_then(Option::as_deref).filter(|id| *id != "null");
        let missing = || Bad::new(Code::IdEmpty, format!("`{}` is empty", shown(&self.id_key)));
        let key = identifier(id.ok_or_else(missing)?, &self.id_key)?.into_owned();
        let mut parts = [const { None }; PARTS.len()];
        for (index, (part, tree)) in parts.iter_mut().zip(&self.parts).enumerate() {
            let mut text = String::new();
            // An identifier that is null is none.
            if tree.write(cells, index == 0, &mut text) {
                *part = Some(Cow::Owned(text));
            }
        }
        Ok(Line { key: Cow::Owned(key), parts, names: Vec::new() })
    }
}

/// Says that there is no such column, and which one may be meant.
pub(super) fn absent_column(absent: &str, names: &[String]) -> String {
    let near = nearest(absent, names.iter().map(String::as_str));
    let meant = near.map_or(String::new(), |near| format!("; did you mean `{}`", shown(near)));
    format!("there is no column `{}`, which `columns` names{meant}", shown(absent))
}

/// The part of the profile that a name belongs to, and its path there.
pub(super) fn place(name: &str) -> Result<(usize, Vec<&str>), &'static str> {
    let (part, path) = match name.split_once('.') {
        // The kind of an identifier and the name of a consent may have dots of their own.
        Some(("identifiers", kind)) => (0, vec![kind]),
        Some(("consent", consent)) => (3, vec![consent]),
        Some(("context", path)) => (2, path.split('.').collect()),
        Some(("traits", path)) => (1, path.split('.').collect()),
        None if PARTS.contains(&name) => return Err("needs a name behind a dot"),
        _ => (1, name.split('.').collect::<Vec<_>>()),
    };
    if path.iter().any(|name| name.is_empty()) {
        return Err("has an empty name");
    }
    // The line and the part are two of the levels.
    if path.len() > JSON_DEPTH_MAX - 1 {
        return Err("is nested too deep");
    }
    Ok((part, path))
}

impl Tree {
    /// Puts a column at a path; false if something is there that it cannot share the place with.
    fn insert(&mut self, path: &[&str], column: usize, may_repeat: bool) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        let entry = self.0.entry(Value::from(*first).to_string());
        if rest.is_empty() {
            return match entry {
                Entry::Vacant(free) => {
                    free.insert(Node::Cell(column));
                    true
                }
                Entry::Occupied(mut taken) if may_repeat => taken.get_mut().join(column),
                Entry::Occupied(_) => false,
            };
        }
        match entry.or_insert_with(|| Node::Tree(Self::default())) {
            Node::Tree(tree) => tree.insert(rest, column, may_repeat),
            Node::Cell(_) | Node::Cells(_) => false,
        }
    }

    /// Writes the object; false if none of its cells has a value.
    fn write(&self, cells: &[Cell<'_>], without_nulls: bool, out: &mut String) -> bool {
        let mut has_values = false;
        out.push('{');
        for (name, node) in &self.0 {
            let before = out.len();
            let separator = if has_values { "," } else { "" };
            let _ = write!(out, "{separator}{name}:");
            let is_there = match node {
                Node::Tree(tree) => tree.write(cells, without_nulls, out),
                Node::Cells(columns) => list(columns.iter().filter_map(|column| value(cells, *column)), out),
                Node::Cell(column) => match value(cells, *column) {
                    None => false,
                    Some("null") if without_nulls => false,
                    Some(text) => {
                        out.push_str(text);
                        true
                    }
                },
            };
            if is_there {
                has_values = true;
            } else {
                out.truncate(before);
            }
        }
        out.push('}');
        has_values
    }
}

impl Node {
    /// Has another column beside those that are here.
    fn join(&mut self, column: usize) -> bool {
        match self {
            Self::Cell(first) => *self = Self::Cells(vec![*first, column]),
            Self::Cells(columns) => columns.push(column),
            Self::Tree(_) => return false,
        }
        true
    }
}

fn value<'c>(cells: &'c [Cell<'_>], column: usize) -> Option<&'c str> {
    cells.get(column)?.as_deref()
}

/// Writes the list of what several columns have, lists among them taken apart; false if none has a value.
pub(super) fn list<'t>(texts: impl Iterator<Item = &'t str>, out: &mut String) -> bool {
    let mut has_values = false;
    for text in texts.filter(|text| *text != "null") {
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).trim();
        if !inner.is_empty() {
            out.push(if has_values { ',' } else { '[' });
            out.push_str(inner);
            has_values = true;
        }
    }
    if has_values {
        out.push(']');
    }
    has_values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str], renamed: &[(&str, &str)]) -> Result<Columns, String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let renamed = renamed.iter().map(|&(from, to)| (from.to_owned(), to.to_owned())).collect();
        Columns::new(&names, &renamed, "id")
    }

    #[track_caller]
    fn check(names: &[&str], renamed: &[(&str, &str)], cells: &[&str], expect: &str) {
        let cells: Vec<Cell<'_>> =
            cells.iter().map(|&cell| if cell == "-" { None } else { Some(Cow::Borrowed(cell)) }).collect();
        let got = match columns(names, renamed).unwrap().line(&cells) {
            Ok(line) => format!("ok: {} {}", line.key, line.parts.map(|part| part.unwrap_or("-".into())).join(" ")),
            Err(bad) => format!("{}: {}", bad.code, bad.reason),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn a_name_says_where_a_column_goes_and_another_one_may_be_given() {
        let names = ["id", "identifiers.email", "context.device.id", "consent.ads", "address.city", "plan"];
        let cells = ["7", r#""a@x""#, r#""D""#, "true", r#""Oslo""#, "null"];
        let whole = concat!(
            r#"ok: 7 {"email":"a@x"} {"address":{"city":"Oslo"},"plan":null} "#,
            r#"{"device":{"id":"D"}} {"ads":true}"#
        );
        check(&names, &[], &cells, whole);
        let other = ["no", "mail", "dev", "ads", "city", "plan"];
        let renamed = [
            ("no", "id"),
            ("mail", "identifiers.email"),
            ("dev", "context.device.id"),
            ("ads", "consent.ads"),
            ("city", "address.city"),
        ];
        check(&other, &renamed, &cells, whole);
    }

    #[test]
    fn several_columns_are_the_values_of_one_identifier() {
        let renamed = [("e1", "identifiers.email"), ("e2", "identifiers.email")];
        let check = |first, second, expect: &str| {
            check(&["id", "e1", "e2"], &renamed, &[r#""u""#, first, second], &format!("ok: u {expect} - - -"));
        };
        check(r#""a""#, r#""b""#, r#"{"email":["a","b"]}"#);
        check("null", r#""b""#, r#"{"email":["b"]}"#);
        check(r#"["a","c"]"#, r#""b""#, r#"{"email":["a","c","b"]}"#);
        check("[]", "null", "-");
    }

    #[test]
    fn null_is_a_value_of_a_trait_and_none_of_an_identifier() {
        check(&["id", "identifiers.email", "n"], &[], &[r#""u""#, "null", "null"], r#"ok: u - {"n":null} - -"#);
        check(&["id", "n"], &[], &[r#""u""#, "-"], "ok: u - - - -");
        check(&["id"], &[], &["null"], "id_empty: `id` is empty");
        check(&["id"], &[], &["1.5"], "id_type: `id` must be a text or an integer");
    }

    #[test]
    fn columns_that_are_unclear_are_refused() {
        let refuse = |names: &[&str], renamed: &[(&str, &str)], expect: &str| {
            assert_eq!(columns(names, renamed).unwrap_err(), expect);
        };
        refuse(&["plan"], &[], "there is no column `id`");
        refuse(
            &["id", "mail"],
            &[("mial", "x")],
            "there is no column `mial`, which `columns` names; did you mean `mail`",
        );
        refuse(&["id", "a", "b"], &[("b", "id")], "column `b` is a second id");
        let twice = "column `b` stands twice, or is both a value and an object";
        refuse(&["id", "a", "b"], &[("b", "a")], twice);
        refuse(&["id", "a", "a"], &[], "column `a` stands twice, or is both a value and an object");
        refuse(&["id", "identifiers.e", "b"], &[("b", "identifiers.")], "column `b` has an empty name");
    }
}
