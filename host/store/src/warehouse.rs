//! Reads an operator's own SQLite file: one query, row by row, and nothing else.
//!
//! The file is opened for reading alone. What must never happen: a write, another file attached, or a result in memory.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::Error;

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number as JSON text.
    Number(std::borrow::Cow<'a, str>),
    /// A text.
    Text(std::borrow::Cow<'a, str>),
    /// A list or an object, or whatever else a column of JSON has, as it was written.
    Json(std::borrow::Cow<'a, str>),
    /// A number or a moment without end, or what is no number: nothing that a trait can have.
    Endless,
}

/// What takes the rows of a query.
pub trait Rows {
    /// Why it takes no more.
    type Error: From<Error>;

    /// Takes the names of the columns, before any row.
    ///
    /// # Errors
    ///
    /// Where it cannot use such a result.
    fn columns(&mut self, names: Vec<String>) -> Result<(), Self::Error>;

    /// Takes a row.
    ///
    /// # Errors
    ///
    /// Where it takes no more.
    fn row(&mut self, values: &[Value<'_>]) -> Result<(), Self::Error>;
}

/// Longest time that a query has, as on a server: more is one that will not end, or a table that needs an index.
pub const QUERY_TIME_MAX: Duration = Duration::from_secs(3_600);

/// Steps of the database between two looks at the clock: less than a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// Runs a query of a file, for no longer than `most`, and until `is_stopped`.
///
/// # Errors
///
/// [`Error::Warehouse`] if the file or the query cannot be used or takes too long, [`Error::Interrupted`], or what
/// `rows` returns.
pub fn read<R: Rows>(
    path: &Path,
    query: &str,
    most: Duration,
    is_stopped: impl Fn() -> bool + Send + 'static,
    rows: &mut R,
) -> Result<(), R::Error> {
    let begun = Instant::now();
    let fail = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) if begun.elapsed() < most => Error::Interrupted,
        Some(ErrorCode::OperationInterrupted) => {
            failed(path, format!("the query takes more than {} s", most.as_secs()))
        }
        _ => failed(path, error.to_string()),
    };
    let mut connection = open(path).map_err(fail)?;
    let ends = move || begun.elapsed() >= most || is_stopped();
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(ends)).map_err(fail)?;
    let mut statement = connection.prepare(query).map_err(fail)?;
    if statement.column_count() == 0 || !statement.readonly() {
        return Err(failed(path, "the query must read, and give rows".to_owned()).into());
    }
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let count = names.len();
    rows.columns(names.clone())?;
    let mut found = statement.query(()).map_err(fail)?;
    while let Some(row) = found.next().map_err(fail)? {
        let mut values = Vec::with_capacity(count);
        for (index, name) in names.iter().enumerate() {
            values.push(
                value(row.get_ref(index).map_err(fail)?)
                    .map_err(|what| failed(path, format!("column `{}` has {what}", name.escape_debug())))?,
            );
        }
        rows.row(&values)?;
    }
    Ok(())
}

/// The names of the columns that a query gives; nothing is read.
///
/// # Errors
///
/// As [`read`].
pub fn columns(path: &Path, query: &str) -> Result<Vec<String>, Error> {
    let fail = |error: rusqlite::Error| failed(path, error.to_string());
    let connection = open(path).map_err(fail)?;
    let statement = connection.prepare(query).map_err(fail)?;
    if statement.column_count() == 0 || !statement.readonly() {
        return Err(failed(path, "the query must read, and give rows".to_owned()));
    }
    Ok(statement.column_names().map(str::to_owned).collect())
}

fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if !function_name.eq_ignore_ascii_case("load_extension") => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }))?;
    Ok(connection)
}

fn value(value: ValueRef<'_>) -> Result<Value<'_>, &'static str> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number.to_string().into()),
        ValueRef::Real(number) => match serde_json::Number::from_f64(number) {
            Some(number) => Value::Number(number.to_string().into()),
            None => Value::Endless,
        },
        ValueRef::Text(text) => Value::Text(str::from_utf8(text).map_err(|_| "a text that is not UTF-8")?.into()),
        ValueRef::Blob(_) => return Err("bytes, and traits are texts, numbers, true or false"),
    })
}

fn failed(path: &Path, reason: String) -> Error {
    Error::Warehouse { path: path.to_owned(), reason }
}

/// Makes a file of SQLite with these statements: a database to try a query on.
///
/// # Errors
///
/// If the file cannot be written, or a statement is none.
pub fn make(path: &Path, statements: &str) -> Result<(), Error> {
    Ok(Connection::open(path)?.execute_batch(statements)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Rows for Nothing {
        type Error = Error;

        fn columns(&mut self, _: Vec<String>) -> Result<(), Error> {
            Ok(())
        }

        fn row(&mut self, _: &[Value<'_>]) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn a_query_without_end_is_ended() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("warehouse.db");
        make(&file, "create table t (a)").unwrap();
        let endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n where i < 0";
        let error = read(&file, endless, Duration::ZERO, || false, &mut Nothing).unwrap_err();
        assert!(error.to_string().ends_with("the query takes more than 0 s"), "{error}");
        let error = read(&file, endless, QUERY_TIME_MAX, || true, &mut Nothing).unwrap_err();
        assert!(matches!(error, Error::Interrupted), "{error}");
        read(&file, "select a from t", Duration::ZERO, || false, &mut Nothing).unwrap();
    }
}
