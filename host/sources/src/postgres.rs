//! SQL traits from a PostgreSQL server: read only, in portions, with TLS wherever the way leads over a network.
//!
//! The one place of this module that knows the server's URL. What must never happen: a write there, a result in
//! memory, a password in a message, or anything that stays on the session: behind a pooler the next to use it is
//! another program. So all settings are local to the one transaction, which is rolled back, and no statement has a name.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, IsolationLevel, NoTls, Row, SimpleQueryMessage, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;
use crate::query::{Query, Sink};
use crate::staged::Replaced;
use enroute_config::secret::Secret;
use enroute_store::Store;
use enroute_store::warehouse::{Rows as _, Value};

/// Rows that are asked for at once.
const ROWS_AT_ONCE: i32 = 2_000;

/// Time to connect, where the URL does not say another, and twice that until the server lets us in.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);

/// Time that the server has for one answer, a little more than the hour that it gives itself.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3_660);

/// What holds for the transaction, whatever role and database have set: everything that shapes a text. An hour is a
/// query that will not end, or a table that needs an index; all rows are fetched, so a plan for the first ones is wrong.
///
/// `DateStyle` says nothing of the order of day and month, which the role's own query may count on in what it reads.
const TRANSACTION: &str = "set local statement_timeout = '1h';
    set local client_encoding = 'UTF8';
    set local DateStyle = 'ISO';
    set local IntervalStyle = 'postgres';
    set local TimeZone = 'UTC';
    set local bytea_output = 'hex';
    set local xmlbinary = 'base64';
    set local extra_float_digits = 3;
    set local quote_all_identifiers = off;
    set local cursor_tuple_fraction = 1;
    set local lc_monetary = 'C';
    set local lc_numeric = 'C';
    set local lc_time = 'C'";

/// Begins of statements that give rows within another.
const READS: [&str; 4] = ["select", "with", "values", "table"];

/// Replaces what the source says by what a query of a server gives.
///
/// Waits for the server: to be called from a thread of the runtime that may block.
///
/// # Errors
///
/// As [`super::query::sqlite`].
pub fn read(
    store: &Store,
    query: &Query,
    url: &Secret,
    now_ms: i64,
    on_progress: &mut dyn FnMut(u64),
) -> Result<Replaced, Error> {
    let runtime = Handle::current();
    let unreachable = |error| match error {
        Error::Result { reason } => Error::Database { reason },
        other => other,
    };
    let mut client = runtime.block_on(in_time(2 * CONNECT_TIME_MAX, connect(url))).map_err(unreachable)?;
    let mut sink = Sink::begin(store, query, on_progress)?;
    let read_only = client.build_transaction().read_only(true).isolation_level(IsolationLevel::RepeatableRead);
    let transaction = runtime.block_on(read_only.start()).map_err(failed)?;
    let taken = runtime.block_on(take(&transaction, &query.query, &mut sink));
    // Waited for, so that the server has nothing of us when the program ends.
    let ended = runtime.block_on(transaction.rollback()).map_err(failed);
    taken.and(ended)?;
    sink.end(now_ms)
}

/// Reads all rows of a query.
async fn take(transaction: &Transaction<'_>, query: &str, sink: &mut Sink<'_>) -> Result<(), Error> {
    transaction.batch_execute(TRANSACTION).await.map_err(failed)?;
    let query = query.trim_end().trim_end_matches(';');
    let names = names(transaction, query).await?;
    sink.columns(names.clone())?;
    let columns = types(transaction, query, names).await?;
    let cursor = format!("declare enroute no scroll cursor for {}", in_texts(query, &columns));
    transaction.execute_typed(&cursor, &[]).await.map_err(failed)?;
    let portion = format!("fetch {ROWS_AT_ONCE} from enroute");
    loop {
        let rows =
            in_time(ANSWER_TIME_MAX, async { transaction.query_typed(&portion, &[]).await.map_err(failed) }).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            sink.row(&values(row, &columns)?)?;
        }
    }
}

/// Waits for a server no longer than this: one that is connected may say nothing all the same.
async fn in_time<T>(most: Duration, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let silent = || Error::Database { reason: format!("the server has said nothing for {} s", most.as_secs()) };
    tokio::time::timeout(most, answer).await.unwrap_or_else(|_| Err(silent()))
}

/// A column, and what becomes of its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    kind: As,
    is_list: bool,
}

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Text,
    Number,
    Boolean,
    Moment,
}

async fn connect(url: &Secret) -> Result<Client, Error> {
    // What the parser says of a URL may repeat it.
    let unreadable =
        |_| refused("the URL of the database cannot be understood: postgres://user:password@host/database");
    let mut config: Config = url.reveal().parse().map_err(unreadable)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIME_MAX);
    }
    config.application_name("enroute");
    let is_plain = match config.get_ssl_mode() {
        SslMode::Disable => true,
        SslMode::Require => false,
        _ => stays_on_this_machine(&config),
    };
    let client = if is_plain {
        let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
        tokio::spawn(connection);
        client
    } else {
        config.ssl_mode(SslMode::Require);
        let (client, connection) = config.connect(MakeRustlsConnect::new(tls()?)).await.map_err(failed)?;
        tokio::spawn(connection);
        client
    };
    Ok(client)
}

fn stays_on_this_machine(config: &Config) -> bool {
    let is_loopback = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_loopback) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn tls() -> Result<ClientConfig, Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| refused(&error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The names of a query's columns.
async fn names(transaction: &Transaction<'_>, query: &str) -> Result<Vec<String>, Error> {
    let no_read = |error: tokio_postgres::Error| match begins_with(query) {
        Some(word) if error.code() == Some(&SqlState::SYNTAX_ERROR) => {
            refused(&format!("it gives no rows: it begins with `{word}`; write a `select`"))
        }
        _ => failed(error),
    };
    // In this form the server takes no second statement, so that the next, which could have one, has none.
    transaction.query_typed(&inside("1", query), &[]).await.map_err(no_read)?;
    let answer = transaction.simple_query(&inside("q.*", query)).await.map_err(failed)?;
    let described = answer.into_iter().find_map(|message| match message {
        SimpleQueryMessage::RowDescription(columns) => Some(columns),
        _ => None,
    });
    let columns = described.ok_or_else(|| refused("the server does not say which columns it has"))?;
    Ok(columns.iter().map(|column| column.name().to_owned()).collect())
}

/// A statement that has the query in it, and no rows.
fn inside(columns: &str, query: &str) -> String {
    format!("select {columns} from (\n{query}\n) as q limit 0")
}

/// The word that a query begins with, if it is none that gives rows.
fn begins_with(query: &str) -> Option<String> {
    let word: String = query.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let word = word.to_ascii_lowercase();
    (!word.is_empty() && !READS.contains(&word.as_str())).then_some(word)
}

/// What becomes of each column. Types are asked for by number, because the client would look an unknown one up with
/// statements that stay on the session.
async fn types(transaction: &Transaction<'_>, query: &str, names: Vec<String>) -> Result<Vec<Column>, Error> {
    let asked: Vec<String> = names.iter().map(|name| format!("pg_typeof({})::oid", quoted(name))).collect();
    // One row without a value in it, and nothing of the query is carried out.
    let sql = format!("select {} from (select) as one left join (\n{query}\n) as q on false", asked.join(", "));
    let row = transaction.query_typed(&sql, &[]).await.map_err(failed)?;
    let row = row.first().ok_or_else(|| refused("the server does not say of which types its columns are"))?;
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
         select asked, oid, is_list from base where base = 0 and element = 0"
    );
    let mut known = BTreeMap::new();
    for row in transaction.query_typed(&sql, &[]).await.map_err(failed)? {
        let get =
            || Ok::<(u32, (u32, bool)), tokio_postgres::Error>((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)));
        known.extend([get().map_err(failed)?]);
    }
    let column = |(name, oid): (String, u32)| {
        let (oid, is_list) = known.get(&oid).copied().unwrap_or((oid, false));
        Ok(Column { kind: kind(&name, oid)?, name, is_list })
    };
    names.into_iter().zip(oids).map(column).collect()
}

fn kind(name: &str, oid: u32) -> Result<As, Error> {
    Ok(match Type::from_oid(oid) {
        Some(Type::BOOL) => As::Boolean,
        Some(Type::INT2 | Type::INT4 | Type::INT8 | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC | Type::OID) => {
            As::Number
        }
        Some(Type::DATE | Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::INTERVAL) => As::Moment,
        Some(Type::BYTEA) => {
            let name = name.escape_debug();
            return Err(refused(&format!("column `{name}` has bytes, and traits are texts, numbers, true or false")));
        }
        _ => As::Text,
    })
}

fn quoted(name: &str) -> String {
    format!("q.\"{}\"", name.replace('"', "\"\""))
}

/// The query with all columns as texts, so that numbers keep their digits and every type has a form.
fn in_texts(query: &str, columns: &[Column]) -> String {
    let in_text = |column: &Column| {
        let name = quoted(&column.name);
        if column.is_list { format!("array_to_string({name}::text[], ',')") } else { format!("{name}::text") }
    };
    let columns: Vec<String> = columns.iter().map(in_text).collect();
    format!("select {} from (\n{query}\n) as q", columns.join(", "))
}

fn values<'r>(row: &'r Row, columns: &[Column]) -> Result<Vec<Value<'r>>, Error> {
    let value = |(index, column): (usize, &Column)| {
        let text: Option<&str> = row.try_get(index).map_err(failed)?;
        Ok(text.map_or(Value::Null, |text| value(text, column)))
    };
    columns.iter().enumerate().map(value).collect()
}

/// NaN and the infinities are no numbers to anybody else, and no moments.
fn value<'r>(text: &'r str, column: &Column) -> Value<'r> {
    let is_endless = |text: &str| match column.kind {
        As::Number => matches!(text, "NaN" | "Infinity" | "-Infinity"),
        As::Moment => matches!(text, "infinity" | "-infinity"),
        As::Text | As::Boolean => false,
    };
    match column.kind {
        _ if column.is_list && text.split(',').any(is_endless) => Value::Endless,
        _ if column.is_list => Value::Text(text),
        _ if is_endless(text) => Value::Endless,
        As::Boolean => Value::Boolean(text == "true"),
        As::Number => Value::Number(text.into()),
        As::Text | As::Moment => Value::Text(text),
    }
}

/// An error with its causes in one line; none of them has the URL in it.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: tokio_postgres::Error) -> Error {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(one) = cause {
        reason = format!("{reason}: {one}");
        cause = one.source();
    }
    refused(&reason)
}

fn refused(reason: &str) -> Error {
    Error::Result { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for_without_end() {
        let silent = in_time(Duration::ZERO, std::future::pending::<Result<(), Error>>()).await.unwrap_err();
        assert_eq!(silent.to_string(), "the database cannot be asked: the server has said nothing for 0 s");
    }

    #[test]
    fn a_query_gives_texts_whatever_its_types() {
        let column = |name: &str, is_list| Column { name: name.to_owned(), kind: As::Number, is_list };
        assert_eq!(
            in_texts("select * from t -- all\n", &[column("id", false), column("ta\"gs", true)]),
            "select q.\"id\"::text, array_to_string(q.\"ta\"\"gs\"::text[], ',') from (\nselect * from t -- all\n\n) as q"
        );
    }

    #[test]
    fn what_has_no_end_is_told_from_texts_that_read_like_it() {
        let get = |text, kind, is_list| value(text, &Column { name: String::new(), kind, is_list });
        for text in ["infinity", "-infinity"] {
            assert_eq!(get(text, As::Moment, false), Value::Endless);
            assert_eq!(get(text, As::Text, false), Value::Text(text));
        }
        for text in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(get(text, As::Number, false), Value::Endless);
        }
        assert_eq!(get("1988-02-03,infinity", As::Moment, true), Value::Endless);
        assert_eq!(get("a,infinity", As::Text, true), Value::Text("a,infinity"));
        assert_eq!(get("1988-02-03", As::Moment, false), Value::Text("1988-02-03"));
    }

    #[test]
    fn a_statement_that_gives_no_rows_is_named() {
        assert_eq!(begins_with("Drop table t").as_deref(), Some("drop"));
        assert_eq!(begins_with("  SELECT 1"), None);
        assert_eq!(begins_with("-- all\nselect 1"), None);
    }

    #[test]
    fn only_a_way_within_this_machine_needs_no_tls() {
        let stays = |url: &str| stays_on_this_machine(&url.parse().unwrap());
        assert!(stays("postgres://u@127.0.0.1:5432/db"));
        assert!(stays("postgres://u@localhost/db"));
        assert!(stays("host=/var/run/postgresql user=u"));
        assert!(!stays("postgres://u@db.example.com/db"));
        assert!(!stays("postgres://u@localhost,db.example.com/db"));
        assert!(!stays("host=localhost hostaddr=192.0.2.1 user=u"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_url_that_cannot_be_read_is_not_repeated() {
        let error = connect(&Secret::from("postgres://u:not-a-real-key@db:99999999/x".to_owned())).await.unwrap_err();
        assert!(!error.to_string().contains("not-a-real-key"), "{error}");
        assert!(error.to_string().contains("cannot be understood"), "{error}");
    }
}
