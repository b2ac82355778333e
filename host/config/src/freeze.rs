//! Writes the fields that were found by name into `audiences.toml` and leaves all else as the operator wrote it.

use toml_edit::{DocumentMut, InlineTable, Item, TableLike, TomlError, Value};

use crate::lock::like;

/// The fields of one connection's traits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// Trait and field, in the order of `traits`.
    pub rows: Vec<(String, String)>,
}

/// Why nothing can be written.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// It is not TOML.
    #[error("audiences.toml is not TOML: {0}")]
    NotToml(String),
    /// It changed since it was read.
    #[error("audiences.toml has another connection of `{0}` to `{1}` than was read")]
    Differs(String, String),
}

/// The text with a field in every row of these connections that names none; a row whose trait is named like its field
/// stays as it is.
///
/// # Errors
/// The text is not TOML, or has other rows than were matched.
pub fn write_fields(text: &str, frozen: &[Frozen]) -> Result<String, FreezeError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: TomlError| FreezeError::NotToml(error.message().to_owned()))?;
    for one in frozen.iter().filter(|one| !one.rows.is_empty()) {
        let differs = || FreezeError::Differs(one.audience.clone(), one.destination.clone());
        let connection = connections(&mut document).into_iter().find(|table| {
            let is = |key: &str, value: &str| table.get(key).and_then(Item::as_str) == Some(value);
            is("audience", &one.audience) && is("destination", &one.destination)
        });
        let traits = connection.and_then(|table| table.get_mut("traits")?.as_array_mut()).ok_or_else(differs)?;
        if traits.len() != one.rows.len() {
            return Err(differs());
        }
        for (item, (name, field)) in traits.iter_mut().zip(&one.rows) {
            if name_of(item) != Some(name.as_str()) {
                return Err(differs());
            }
            set(item, name, field);
        }
    }
    Ok(like(text, document.to_string()))
}

/// The types that were found of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenTypes {
    /// The source's name.
    pub source: String,
    /// Column and type, in the order of their names.
    pub types: Vec<(String, String)>,
}

/// The text with these types in place of `types = "auto"`.
///
/// # Errors
/// The text is not TOML.
pub fn write_types(text: &str, frozen: &[FrozenTypes]) -> Result<String, FreezeError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: TomlError| FreezeError::NotToml(error.message().to_owned()))?;
    for one in frozen {
        let sources = document.get_mut("source").and_then(Item::as_table_like_mut);
        let source = sources.and_then(|sources| sources.get_mut(&one.source)?.as_table_like_mut());
        let is_auto = |item: &Item| item.as_str() == Some("auto");
        let Some(types) = source.and_then(|source| source.get_mut("types")).filter(|types| is_auto(types)) else {
            continue;
        };
        let table: InlineTable = one.types.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
        *types = Item::Value(Value::InlineTable(table));
    }
    Ok(like(text, document.to_string()))
}

fn connections(document: &mut DocumentMut) -> Vec<&mut dyn TableLike> {
    match document.get_mut("connection") {
        Some(Item::ArrayOfTables(tables)) => tables.iter_mut().map(|table| table as &mut dyn TableLike).collect(),
        Some(Item::Value(Value::Array(items))) => {
            let tables = items.iter_mut().filter_map(|item| item.as_inline_table_mut());
            tables.map(|table| table as &mut dyn TableLike).collect()
        }
        _ => Vec::new(),
    }
}

fn name_of(item: &Value) -> Option<&str> {
    item.as_str().or_else(|| item.as_inline_table()?.get("trait")?.as_str())
}

fn set(item: &mut Value, name: &str, field: &str) {
    let decor = item.decor().clone();
    match item {
        Value::String(_) if name != field => {
            let mut table = InlineTable::new();
            table.insert("trait", Value::from(name));
            table.insert("field", Value::from(field));
            *item = Value::InlineTable(table);
            *item.decor_mut() = decor;
        }
        Value::InlineTable(table) if !table.contains_key("field") => {
            table.insert("field", Value::from(field));
            table.fmt();
            *item.decor_mut() = decor;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# ours\n[[connection]] # first\naudience = \"gold\"\ndestination = \"ads\"\nsetup = \"customized\"\n\
        traits = [\n  \"firstName\", # the name\n  { trait = \"plan\" },\n  { trait = \"a\", field = \"B\" },\n  \"email\",\n]\n\
        \n[[connection]]\naudience = \"gold\"\ndestination = \"other\"\ntraits = [\"firstName\"]\n";

    fn frozen(rows: &[(&str, &str)]) -> Frozen {
        let rows = rows.iter().map(|(name, field)| ((*name).to_owned(), (*field).to_owned())).collect();
        Frozen { audience: "gold".to_owned(), destination: "ads".to_owned(), rows }
    }

    #[test]
    fn rows_without_a_field_get_theirs_and_all_else_stays() {
        let rows = frozen(&[("firstName", "FN"), ("plan", "PLAN"), ("a", "B"), ("email", "email")]);
        let expect = TEXT
            .replacen("\"firstName\", # the name", "{ trait = \"firstName\", field = \"FN\" }, # the name", 1)
            .replace("{ trait = \"plan\" }", "{ trait = \"plan\", field = \"PLAN\" }");
        let written = write_fields(TEXT, std::slice::from_ref(&rows)).unwrap();
        assert_eq!(written, expect);
        assert_eq!(write_fields(&written, &[rows]).unwrap(), expect, "a second time changes nothing");
        let windows = TEXT.replace('\n', "\r\n");
        let rows = frozen(&[("firstName", "FN"), ("plan", "PLAN"), ("a", "B"), ("email", "email")]);
        assert_eq!(write_fields(&windows, &[rows]).unwrap(), expect.replace('\n', "\r\n"));
    }

    #[test]
    fn a_file_with_other_rows_than_were_read_is_left_alone() {
        let error = write_fields(TEXT, &[frozen(&[("firstName", "FN")])]).unwrap_err().to_string();
        assert_eq!(error, "audiences.toml has another connection of `gold` to `ads` than was read");
        let other = frozen(&[("lastName", "LN"), ("plan", "PLAN"), ("a", "B"), ("email", "email")]);
        assert!(write_fields(TEXT, &[other]).is_err());
        assert!(write_fields("a = [", &[]).is_err());
    }
}
