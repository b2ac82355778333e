//! A connection as `audiences.toml` has it: its own text, kept for each version, and put back by an undo.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TomlError, Value};

use crate::lock::like;

/// Why a connection cannot be put back.
#[derive(Debug, thiserror::Error)]
pub enum WrittenError {
    /// It is not TOML.
    #[error("{0} is not TOML: {1}")]
    NotToml(&'static str, String),
    /// It does not have the connection once, or not as a table of its own.
    #[error("audiences.toml has no `[[connection]]` of `{0}` to `{1}` that stands alone")]
    Missing(String, String),
}

/// The connection of an audience to a destination as it is written, with its comments; none where it is no table of its
/// own.
#[must_use]
pub fn written(text: &str, audience: &str, destination: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let mut table = find(&mut document, audience, destination)?.clone();
    table.decor_mut().set_prefix("");
    let mut alone = DocumentMut::new();
    let mut tables = ArrayOfTables::new();
    tables.push(table);
    alone.insert("connection", Item::ArrayOfTables(tables));
    Some(alone.to_string())
}

/// The settings that a written connection has of its own.
#[must_use]
pub fn settings_of(written: &str) -> Vec<String> {
    let settings = |document: DocumentMut| {
        let table = document.get("connection")?.as_array_of_tables()?.get(0)?.get("settings")?.as_table_like()?;
        Some(table.iter().map(|(name, _)| name.to_owned()).collect())
    };
    written.parse().ok().and_then(settings).unwrap_or_default()
}

/// The text with the connection as it was written before; all else stays as the operator wrote it.
///
/// # Errors
/// The text is not TOML, or does not have the connection once as a table of its own.
pub fn put_back(text: &str, audience: &str, destination: &str, written: &str) -> Result<String, WrittenError> {
    let parse = |name, text: &str| {
        text.parse::<DocumentMut>().map_err(|error: TomlError| WrittenError::NotToml(name, error.message().to_owned()))
    };
    let missing = || WrittenError::Missing(audience.to_owned(), destination.to_owned());
    let mut document = parse("audiences.toml", text)?;
    let mut earlier = parse("the earlier version", written)?;
    let mut before = find(&mut earlier, audience, destination).ok_or_else(missing)?.clone();
    let now = find(&mut document, audience, destination).ok_or_else(missing)?;
    stand_at(&mut before, now.position());
    *before.decor_mut() = now.decor().clone();
    *now = before;
    Ok(like(text, document.to_string()))
}

/// The one table of this connection.
fn find<'a>(document: &'a mut DocumentMut, audience: &str, destination: &str) -> Option<&'a mut Table> {
    let Some(Item::ArrayOfTables(tables)) = document.get_mut("connection") else { return None };
    let is = |table: &Table, key: &str, value: &str| table.get(key).and_then(Item::as_str) == Some(value);
    let mut found =
        tables.iter_mut().filter(|table| is(table, "audience", audience) && is(table, "destination", destination));
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

/// Has a table and those in it stand where another one stood.
fn stand_at(table: &mut Table, position: Option<isize>) {
    table.set_position(position);
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(inner) => stand_at(inner, position),
            Item::ArrayOfTables(inner) => inner.iter_mut().for_each(|one| stand_at(one, position)),
            Item::Value(Value::InlineTable(_) | Value::Array(_)) | Item::Value(_) | Item::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# ours\n[source.crm]\nfile = \"a\" # here\n\n# to the ads\n[[connection]] # first\naudience = \"gold\"\n\
        destination = \"ads\"\n# why\ntraits = [\n  \"a\", # the name\n  \"b\",\n]\n[connection.settings]\nlist = \"1\"\n\n\
        [[connection.mapping]]\nname = \"In\"\nfields = { x = 1 }\n\n\
        # to the others\n[[connection]]\naudience = \"gold\"\ndestination = \"other\"\ntraits = [\"a\"]\n\n[audience.gold]\nwhere = \"true\"\n";

    #[test]
    fn an_edit_is_undone_to_the_byte_and_all_else_stays() {
        let before = written(TEXT, "gold", "ads").unwrap();
        assert!(before.contains("# the name") && !before.contains("other"), "{before}");
        assert_eq!(settings_of(&before), ["list"]);
        let edited = TEXT
            .replace("  \"b\",\n", "")
            .replace("list = \"1\"", "list = \"2\"")
            .replace("name = \"In\"", "name = \"On\"");
        assert_eq!(put_back(&edited, "gold", "ads", &before).unwrap(), TEXT);
        let elsewhere = edited.replace("file = \"a\" # here", "file = \"b\" # there");
        let expect = TEXT.replace("file = \"a\" # here", "file = \"b\" # there");
        assert_eq!(put_back(&elsewhere, "gold", "ads", &before).unwrap(), expect);
        let windows = edited.replace('\n', "\r\n");
        assert_eq!(put_back(&windows, "gold", "ads", &before).unwrap(), TEXT.replace('\n', "\r\n"));
    }

    #[test]
    fn what_has_no_place_of_its_own_is_left_alone() {
        let before = written(TEXT, "gold", "ads").unwrap();
        let gone = TEXT.replace("destination = \"ads\"", "destination = \"adverts\"");
        let error = put_back(&gone, "gold", "ads", &before).unwrap_err().to_string();
        assert_eq!(error, "audiences.toml has no `[[connection]]` of `gold` to `ads` that stands alone");
        assert!(put_back(&TEXT.replace("\"other\"", "\"ads\""), "gold", "ads", &before).is_err());
        assert!(put_back("a = [", "gold", "ads", &before).is_err());
        assert_eq!(written("connection = [{ audience = \"gold\", destination = \"ads\" }]", "gold", "ads"), None);
    }
}
