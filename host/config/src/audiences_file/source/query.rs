//! A source that is a query, and the database that answers it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use crate::audiences_file::source::reading::{self, Kind, Reading};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::reference::SecretRef;
use crate::walker::{Section, Value, Walker, is_reference};

/// Keys that only a source has that is a query.
pub(super) const KEYS: [&str; 7] = ["database", "query", "types", "mode", "ca_file", "cert_file", "key_file"];

/// A query, and the database that answers it.
#[derive(Debug, Clone)]
pub struct QueryOrigin {
    /// The database.
    pub database: Located<Database>,
    /// The statement.
    pub query: Located<String>,
    /// What its rows are.
    pub holds: Rows,
    /// What columns are to be read as, where the database does not know.
    pub types: BTreeMap<String, ColumnType>,
    /// What its columns are, and how much it says.
    pub reading: Reading,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A server, by the reference to its URL.
    Server(SecretRef, Certificates),
}

/// Files that the way to a server needs beside its URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// Those of the authorities that may have signed the server's.
    pub ca: Option<PathBuf>,
    /// The one that this program shows.
    pub own: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
}

/// What the rows of a query are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Profiles.
    Profiles,
    /// Traits beside the profiles of other sources.
    Traits,
    /// Members of an audience, all of them.
    Members,
    /// Who came and who left, row by row.
    Changes(Mode),
}

/// How rows of membership are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// New rows come in.
    Add,
    /// Changed rows come in.
    Update,
    /// New and changed rows come in.
    Upsert,
    /// New and changed rows come in, deleted ones leave.
    Mirror,
    /// Deleted rows leave.
    Delete,
}

/// What a column is to be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// JSON.
    Json,
}

const TYPES: [(&str, ColumnType); 4] = [
    ("text", ColumnType::Text),
    ("number", ColumnType::Number),
    ("boolean", ColumnType::Boolean),
    ("json", ColumnType::Json),
];

pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>, dir: &Path) -> Option<QueryOrigin> {
    let database = database(walker, section, dir);
    let query = walker.required(section, "query", "\"select id, plan from accounts\"");
    let holds = holds(walker, section);
    let types = types(walker, section);
    let holds = holds?;
    let is_of_profiles = holds == Rows::Profiles;
    let reading =
        reading::read(walker, section, Kind { has_profiles: is_of_profiles, has_columns: true, has_increments: true });
    if !is_of_profiles && let Some(value) = section.table.get("types") {
        let message = format!("`types` in {} is for a source of profiles", section.title);
        let place = walker.place(value.span());
        walker.found.push(Diagnostic::error(Code::NoSnapshot, message).at(&place).hint("write `holds = \"profiles\"`"));
        return None;
    }
    Some(QueryOrigin { database: database?, query: query?, holds, types: types?, reading: reading? })
}

fn holds(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<Rows> {
    let choices = [("traits", Rows::Traits), ("profiles", Rows::Profiles), ("members", Rows::Members)];
    let holds = if section.table.contains_key("holds") {
        walker.choice(section, "holds", &choices)?.value
    } else {
        Rows::Traits
    };
    let modes = [
        ("add", Mode::Add),
        ("update", Mode::Update),
        ("upsert", Mode::Upsert),
        ("mirror", Mode::Mirror),
        ("delete", Mode::Delete),
    ];
    let Some(value) = section.table.get("mode") else { return Some(holds) };
    if holds != Rows::Members {
        let message = format!("`mode` in {} is for rows that say who is a member", section.title);
        let place = walker.place(value.span());
        walker.found.push(Diagnostic::error(Code::NoSnapshot, message).at(&place).hint("write `holds = \"members\"`"));
        return None;
    }
    walker.choice(section, "mode", &modes).map(|mode| Rows::Changes(mode.value))
}

fn types(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<BTreeMap<String, ColumnType>> {
    let texts = reading::texts(walker, section, "types", "{ tags = \"json\" }")?;
    let mut types = BTreeMap::new();
    let mut fits = true;
    for (name, text) in texts {
        match TYPES.iter().find(|(word, _)| *word == text) {
            Some((_, found)) => drop(types.insert(name, *found)),
            None => {
                let place = section
                    .table
                    .get("types")
                    .map_or_else(|| section.place.clone(), |value| walker.place(value.span()));
                let message = format!("`{name}` of `types` in {} cannot be \"{text}\"", section.title);
                walker.bad_value(&place, message, "choose one of: text, number, boolean, json");
                fits = false;
            }
        }
    }
    fits.then_some(types)
}

/// Reads `database`, and the certificates that go with it.
pub(in crate::audiences_file) fn database(
    walker: &mut Walker<'_>,
    section: &Section<'_, '_>,
    dir: &Path,
) -> Option<Located<Database>> {
    let Some(value) = section.table.get("database") else {
        walker.missing(section, "database", "\"sqlite:warehouse.db\"");
        return None;
    };
    let certificates = certificates(walker, section, dir);
    let place = walker.place(value.span());
    let reference = match value.get_ref() {
        DeValue::String(text) if is_reference(text) => SecretRef::parse(text).map_err(|error| {
            if error.may_hold_a_secret() {
                walker.cover_texts(value);
            }
            let message = format!("`database` in {}: {error}", section.title);
            Diagnostic::error(Code::BadReference, message).hint(error.hint())
        }),
        DeValue::String(text) => match text.strip_prefix("sqlite:").filter(|path| !path.trim().is_empty()) {
            Some(path) => {
                let database = Database::Sqlite(dir.join(path));
                return walker.is_path(path, "database", &place).then(|| Located::new(database, place));
            }
            None => Err(literal(walker, section, text, value)),
        },
        _ => {
            let hint = "write \"sqlite:FILE\" or a reference like \"${env:WAREHOUSE_URL}\"".to_owned();
            walker.cover_texts(value);
            walker.wrong_type(value, "`database`", "a text in quotes", Some(hint));
            return None;
        }
    };
    match reference {
        Ok(reference) => Some(Located::new(Database::Server(reference.under(dir), certificates?), place)),
        Err(diagnostic) => {
            walker.found.push(diagnostic.at(&place));
            None
        }
    }
}

fn certificates(walker: &mut Walker<'_>, section: &Section<'_, '_>, dir: &Path) -> Option<Certificates> {
    let mut path = |key: &str| walker.text(section, key).map(|text| (dir.join(&text.value), text));
    let (ca, own, key) = (path("ca_file"), path("cert_file"), path("key_file"));
    let alone = match (&own, &key) {
        (Some((_, text)), None) => Some((text, "cert_file", "key_file")),
        (None, Some((_, text))) => Some((text, "key_file", "cert_file")),
        _ => None,
    };
    if let Some((text, given, missing)) = alone {
        let message = format!("`{given}` in {} has no meaning without `{missing}`", section.title);
        walker.bad_value(&text.place, message, format!("add `{missing}`, or remove `{given}`"));
        return None;
    }
    let file = |found: Option<(PathBuf, Located<String>)>| found.map(|(file, _)| file);
    Some(Certificates { ca: file(ca), own: file(own), key: file(key) })
}

/// A text that is neither a file of SQLite nor a reference. It may be a URL with a password in it.
fn literal(walker: &mut Walker<'_>, section: &Section<'_, '_>, text: &str, value: &Value<'_>) -> Diagnostic {
    walker.cover_texts(value);
    let hint = "write \"sqlite:FILE\", or put the URL into a variable and refer to it: \"${env:WAREHOUSE_URL}\"";
    if text.contains("://") || text.contains('@') {
        let message = format!("`database` in {} is an address, which may hold a password", section.title);
        return Diagnostic::error(Code::LiteralSecret, message).label("not shown").hint(hint);
    }
    Diagnostic::error(Code::BadValue, format!("`database` in {} is no database", section.title)).hint(hint)
}
