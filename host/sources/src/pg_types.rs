//! What the columns of a PostgreSQL result become: how each is asked for, and what its text is to us.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::Error;
use enroute_store::warehouse::Value;

/// A column, and what becomes of its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    kind: As,
    /// How it is asked for: as it is, or by a cast.
    by: By,
    /// The type, as a cast to it is written.
    pub(super) cast: String,
}

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    Text,
    Number,
    Boolean,
    Date,
    /// A moment that says no zone, and one that is in UTC.
    Moment,
    MomentUtc,
    Json,
    /// A list whose elements may be without end.
    List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Name,
    Text,
    Numeric,
    Json,
}

impl Column {
    /// What a person reads of it.
    pub(super) const fn becomes(&self) -> &'static str {
        match self.kind {
            As::Text => "text",
            As::Number => "number",
            As::Boolean => "true or false",
            As::Date => "date, as a text",
            As::Moment => "moment without a zone, as a text",
            As::MomentUtc => "moment in UTC, as a text",
            As::Json => "as it is in JSON",
            As::List => "list",
        }
    }

    /// Whether it can be a cursor, and what the server takes the overlap off with.
    pub(super) const fn overlap(&self) -> Option<As> {
        match self.kind {
            As::Number | As::Date | As::Moment | As::MomentUtc => Some(self.kind),
            _ => None,
        }
    }

    /// Its name, as statements have it.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// How it is asked for.
    pub(super) fn asked(&self) -> String {
        let name = self.quoted();
        match self.by {
            By::Name => name,
            By::Text => format!("{name}::text"),
            By::Numeric => format!("{name}::numeric"),
            By::Json => format!("to_json({name})"),
        }
    }

    /// NaN and the infinities are no numbers to anybody else, and no moments.
    pub(super) fn value<'r>(&self, text: &'r str) -> Value<'r> {
        match self.kind {
            As::Number if matches!(text, "NaN" | "Infinity" | "-Infinity") => Value::Endless,
            As::Date | As::Moment | As::MomentUtc if matches!(text, "infinity" | "-infinity") => Value::Endless,
            As::List if is_endless(text) => Value::Endless,
            As::Boolean => Value::Boolean(matches!(text, "t" | "true")),
            As::Number => Value::Number(text.into()),
            As::Text | As::Date => Value::Text(text.into()),
            As::Moment => Value::Text(text.replacen(' ', "T", 1).into()),
            As::MomentUtc => {
                let plain = text.replacen(' ', "T", 1);
                Value::Text(
                    plain
                        .strip_suffix("+00")
                        .map_or(Cow::Owned(plain.clone()), |plain| Cow::Owned(format!("{plain}Z"))),
                )
            }
            As::Json | As::List => Value::Json(text.into()),
        }
    }
}

/// Whether a list has an element without end.
fn is_endless(list: &str) -> bool {
    ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "\"infinity\"", "\"-infinity\""].iter().any(|word| list.contains(word))
}

pub(super) fn quoted(name: &str) -> String {
    format!("q.\"{}\"", name.replace('"', "\"\""))
}

/// What the catalogue says of a type.
struct Known {
    oid: u32,
    is_list: bool,
    category: String,
    name: String,
    cast: String,
}

/// What becomes of each column. Types are asked for by number, because the client would look an unknown one up with
/// statements that stay on the session.
pub(super) async fn columns(client: &Client, query: &str, names: &[String]) -> Result<Vec<Column>, Error> {
    let asked: Vec<String> = names.iter().map(|name| format!("pg_typeof({})::oid", quoted(name))).collect();
    // One row without a value in it, and nothing of the query is carried out.
    let sql = format!("select {} from (select) as one left join (\n{query}\n) as q on false", asked.join(", "));
    let row = client.query_typed(&sql, &[]).await.map_err(failed)?;
    let untold = || refused("the server does not say of which types its columns are");
    let row = row.first().ok_or_else(untold)?;
    let oids = (0..names.len()).map(|index| row.try_get(index)).collect::<Result<Vec<u32>, _>>().map_err(failed)?;
    let list = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    // A domain is what it is made of, and a list what its elements are.
    let sql = format!(
        "with recursive base (asked, oid, base, element, is_list) as (
           select oid, oid, typbasetype, case typcategory when 'A' then typelem else 0 end, typcategory = 'A'
           from pg_catalog.pg_type where oid in ({list})
           union all
           select asked, t.oid, t.typbasetype, case t.typcategory when 'A' then t.typelem else 0 end,
             is_list or t.typcategory = 'A'
           from base join pg_catalog.pg_type t on t.oid = case base when 0 then element else base end)
         select asked, b.oid, is_list, t.typcategory::text, t.typname::text, format_type(b.oid, null)
         from base b join pg_catalog.pg_type t on t.oid = b.oid where base = 0 and element = 0"
    );
    let mut known = BTreeMap::new();
    for row in client.query_typed(&sql, &[]).await.map_err(failed)? {
        let get = || {
            let (oid, is_list) = (row.try_get(1)?, row.try_get(2)?);
            let (category, name, cast) = (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
            Ok::<(u32, Known), tokio_postgres::Error>((row.try_get(0)?, Known { oid, is_list, category, name, cast }))
        };
        known.extend([get().map_err(failed)?]);
    }
    let column = |(name, oid): (&String, u32)| column(name, known.get(&oid).ok_or_else(untold)?);
    names.iter().zip(oids).map(column).collect()
}

fn column(name: &str, known: &Known) -> Result<Column, Error> {
    let column = |kind, by| Column { name: name.to_owned(), kind, by, cast: known.cast.clone() };
    if Type::from_oid(known.oid) == Some(Type::BYTEA) {
        let name = name.escape_debug();
        return Err(refused(&format!(
            "column `{name}` has bytes, and a profile has none: write `encode({name}, 'base64') as {name}`, or leave it out"
        )));
    }
    if known.is_list {
        let may_be_endless = matches!(known.category.as_str(), "N" | "D");
        return Ok(column(if may_be_endless { As::List } else { As::Json }, By::Json));
    }
    let (kind, by) = match Type::from_oid(known.oid) {
        Some(Type::BOOL) => (As::Boolean, By::Name),
        Some(Type::INT2 | Type::INT4 | Type::INT8 | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC | Type::OID) => {
            (As::Number, By::Name)
        }
        Some(Type::MONEY) => (As::Number, By::Numeric),
        Some(Type::DATE) => (As::Date, By::Name),
        Some(Type::TIMESTAMP) => (As::Moment, By::Name),
        Some(Type::TIMESTAMPTZ) => (As::MomentUtc, By::Name),
        Some(Type::JSON | Type::JSONB) => (As::Json, By::Name),
        Some(Type::TEXT | Type::VARCHAR | Type::UUID) => (As::Text, By::Name),
        _ if known.category == "C" || known.name == "hstore" || known.name == "record" => (As::Json, By::Json),
        _ => (As::Text, By::Text),
    };
    Ok(column(kind, by))
}

/// An error with its causes in one line; none of them has the URL in it. What the server says of itself or the
/// connection, and not of the query, may be otherwise the next time.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub(super) fn failed(error: tokio_postgres::Error) -> Error {
    let is_of_the_server =
        error.code().is_none_or(|code| ["08", "53", "57P", "58"].iter().any(|class| code.code().starts_with(class)));
    let reason = reason(&error);
    if is_of_the_server { Error::Database { reason } } else { refused(&reason) }
}

/// An error with its causes.
pub(super) fn reason(error: &tokio_postgres::Error) -> String {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        reason = format!("{reason}: {one}");
        cause = one.source();
    }
    reason
}

/// A result that cannot be used.
pub(super) fn refused(reason: &str) -> Error {
    Error::Result { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(oid: &Type, category: &str, is_list: bool) -> Column {
        let name = oid.name().to_owned();
        let known = Known { oid: oid.oid(), is_list, category: category.to_owned(), cast: name.clone(), name };
        column("c", &known).unwrap()
    }

    #[test]
    fn what_has_no_end_is_told_from_texts_that_read_like_it() {
        let text = of(&Type::TEXT, "S", false);
        for endless in ["infinity", "-infinity"] {
            assert_eq!(of(&Type::DATE, "D", false).value(endless), Value::Endless);
            assert_eq!(text.value(endless), Value::Text(endless.into()));
        }
        for endless in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(of(&Type::NUMERIC, "N", false).value(endless), Value::Endless);
        }
        assert_eq!(of(&Type::DATE, "D", true).value(r#"["1988-02-03","infinity"]"#), Value::Endless);
        let words = r#"["a","infinity"]"#;
        assert_eq!(of(&Type::TEXT, "S", true).value(words), Value::Json(words.into()));
    }

    #[test]
    fn moments_are_written_as_others_read_them() {
        let utc = of(&Type::TIMESTAMPTZ, "D", false);
        assert_eq!(utc.value("2024-01-02 01:04:05.12+00"), Value::Text("2024-01-02T01:04:05.12Z".into()));
        let plain = of(&Type::TIMESTAMP, "D", false);
        assert_eq!(plain.value("2024-01-02 03:04:05"), Value::Text("2024-01-02T03:04:05".into()));
        assert_eq!(of(&Type::DATE, "D", false).value("0044-03-15 BC"), Value::Text("0044-03-15 BC".into()));
    }

    #[test]
    fn each_type_is_asked_for_in_the_form_that_loses_nothing() {
        assert_eq!(of(&Type::BPCHAR, "S", false).asked(), "q.\"c\"::text");
        assert_eq!(of(&Type::MONEY, "N", false).asked(), "q.\"c\"::numeric");
        assert_eq!(of(&Type::NUMERIC, "N", false).asked(), "q.\"c\"");
        assert_eq!(of(&Type::NUMERIC, "N", true).asked(), "to_json(q.\"c\")");
        assert_eq!(of(&Type::INTERVAL, "T", false).asked(), "q.\"c\"::text");
        assert_eq!(quoted("ta\"gs"), "q.\"ta\"\"gs\"");
    }
}
