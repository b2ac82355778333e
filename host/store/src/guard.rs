//! What SQL that an operator wrote may do: read the view `profiles` with functions that only compute.
//!
//! Everything that is not allowed here is denied, so that what a later SQLite adds is denied as well.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;

use crate::{Error, schema};

/// The view that audiences are chosen from.
const VIEW: &str = "profiles";

/// The table behind it, and its columns that the view shows. A `with` query called like the view passes for
/// the view, so that the table must show no more than the view does.
const TABLE: &str = "profile";
const TABLE_COLUMNS: [&str; 5] = ["id", "key", "identifiers", "traits", "context"];

/// Functions that list what JSON holds; to SQLite they are tables.
const TABLE_FUNCTIONS: [&str; 2] = ["json_each", "json_tree"];

/// Functions whose result follows from their arguments.
const FUNCTIONS: &[&str] = &[
    "->",
    "->>",
    "json",
    "json_array",
    "json_array_length",
    "json_extract",
    "json_object",
    "json_quote",
    "json_type",
    "json_valid",
    "jsonb",
    "jsonb_extract",
    "char",
    "concat",
    "concat_ws",
    "format",
    "glob",
    "hex",
    "instr",
    "length",
    "like",
    "lower",
    "ltrim",
    "octet_length",
    "printf",
    "replace",
    "rtrim",
    "substr",
    "substring",
    "trim",
    "unhex",
    "unicode",
    "upper",
    "coalesce",
    "if",
    "ifnull",
    "iif",
    "likely",
    "nullif",
    "typeof",
    "unlikely",
    "abs",
    "ceil",
    "ceiling",
    "exp",
    "floor",
    "ln",
    "log",
    "log10",
    "log2",
    "mod",
    "pow",
    "power",
    "round",
    "sign",
    "sqrt",
    "trunc",
    "avg",
    "count",
    "max",
    "min",
    "sum",
    "total",
];

/// Functions that may look at the clock or at chance, so that the result holds for one evaluation only. Those
/// of dates do so for `now`, which can come from anywhere; they count as if they always did.
const VOLATILE_FUNCTIONS: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "julianday",
    "random",
    "strftime",
    "time",
    "timediff",
    "unixepoch",
];

/// Limits of SQLite, far over what conditions need. A row, or a text that a function makes, must fit 16 MiB.
const LIMITS: [(Limit, i32); 10] = [
    (Limit::SQLITE_LIMIT_LENGTH, 16 << 20),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 128 << 10),
    (Limit::SQLITE_LIMIT_COLUMN, 100),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 500),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 10),
    (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// Instructions of SQLite's machine between two looks at the clock: some 100 µs.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// What the guard saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    denied: Arc<Mutex<Option<String>>>,
    is_volatile: Arc<AtomicBool>,
}

impl Watch {
    /// The first thing that was denied.
    pub(super) fn denied(&self) -> Option<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a function was used that may look at the clock or at chance.
    pub(super) fn is_volatile(&self) -> bool {
        self.is_volatile.load(Ordering::SeqCst)
    }
}

enum Verdict {
    Fine,
    Volatile,
    Denied(String),
}

/// Restricts a connection from here on.
pub(super) fn restrict(connection: &mut Connection, wall: Duration) -> Result<Watch, Error> {
    for (limit, value) in LIMITS {
        connection.set_limit(limit, value)?;
    }
    let started = Instant::now();
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || started.elapsed() > wall))?;
    let watch = Watch::default();
    let seen = watch.clone();
    connection.authorizer(Some(move |context: AuthContext<'_>| match judge(&context) {
        Verdict::Fine => Authorization::Allow,
        Verdict::Volatile => {
            seen.is_volatile.store(true, Ordering::SeqCst);
            Authorization::Allow
        }
        Verdict::Denied(what) => {
            seen.denied.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
            Authorization::Deny
        }
    }))?;
    Ok(watch)
}

fn judge(context: &AuthContext<'_>) -> Verdict {
    match context.action {
        AuthAction::Select => Verdict::Fine,
        AuthAction::Read { table_name, column_name } => read(table_name, column_name, context.accessor),
        AuthAction::Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            match name.as_str() {
                name if FUNCTIONS.contains(&name) => Verdict::Fine,
                name if VOLATILE_FUNCTIONS.contains(&name) => Verdict::Volatile,
                name => Verdict::Denied(format!("the function `{name}` is not one that audiences may use")),
            }
        }
        AuthAction::Recursive => Verdict::Denied("a recursive query is more than audiences may use".to_owned()),
        _ => Verdict::Denied("a condition may only read".to_owned()),
    }
}

fn read(table: &str, column: &str, accessor: Option<&str>) -> Verdict {
    let table = table.to_ascii_lowercase();
    let is_open = table == VIEW || TABLE_FUNCTIONS.contains(&table.as_str());
    // Where no value of a row is looked at SQLite names no column, and the table in place of its view.
    let is_shown = column.is_empty() || (accessor == Some(VIEW) && TABLE_COLUMNS.contains(&column));
    let is_behind_the_view = table == TABLE && is_shown;
    // Counting the rows of a `with` query likewise names that query, which is no table.
    let is_query = column.is_empty() && !is_known(&table);
    if is_open || is_behind_the_view || is_query {
        return Verdict::Fine;
    }
    Verdict::Denied(format!("`{table}` is not open to audiences; use `{VIEW}`"))
}

fn is_known(table: &str) -> bool {
    table.starts_with("sqlite_") || table.starts_with("pragma_") || schema::is_table(table)
}
