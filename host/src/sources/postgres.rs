//! SQL traits from a PostgreSQL server: read only, in portions, with TLS wherever the way leads over a network.
//!
//! The one place of this module that knows the server's URL. What must never happen: a write there, a result in
//! memory, or a password in a message.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::{Kind as TypeKind, Type};
use tokio_postgres::{Client, Column, Config, IsolationLevel, NoTls, Row, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::secret::Secret;
use crate::sources::Error;
use crate::sources::query::{Query, Sink};
use crate::sources::staged::Replaced;
use crate::store::Store;
use crate::store::warehouse::{Rows as _, Value};

/// Rows that are asked for at once.
const ROWS_AT_ONCE: i32 = 2_000;

/// Time to connect, where the URL does not say another.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);

/// What the session is told first. An hour is a query that will not end, or a table that needs an index.
const SESSION: &str = "set default_transaction_read_only = on; set statement_timeout = '1h'";

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
    let mut client = runtime.block_on(connect(url))?;
    let mut sink = Sink::begin(store, query, on_progress)?;
    let read_only = client.build_transaction().read_only(true).isolation_level(IsolationLevel::RepeatableRead);
    let transaction = runtime.block_on(read_only.start()).map_err(failed)?;
    let kinds = runtime.block_on(describe(&transaction, &query.query))?;
    sink.columns(kinds.iter().map(|(name, _)| name.clone()).collect())?;
    let statement = in_texts(&query.query, &kinds);
    let portal = runtime.block_on(transaction.bind(&statement, &[])).map_err(failed)?;
    loop {
        let rows = runtime.block_on(transaction.query_portal(&portal, ROWS_AT_ONCE)).map_err(failed)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            sink.row(&values(row, &kinds)?)?;
        }
    }
    sink.end(now_ms)
}

/// What becomes of a column's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Text,
    List,
    Number,
    Boolean,
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
    client.batch_execute(SESSION).await.map_err(failed)?;
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

/// The columns of a query, and what becomes of each.
async fn describe(transaction: &Transaction<'_>, query: &str) -> Result<Vec<(String, As)>, Error> {
    let statement = transaction.prepare(query).await.map_err(failed)?;
    if statement.columns().is_empty() {
        return Err(refused("it gives no rows: write a `select`"));
    }
    statement.columns().iter().map(|column| Ok((column.name().to_owned(), kind(column)?))).collect()
}

fn kind(column: &Column) -> Result<As, Error> {
    let kind = column.type_();
    Ok(match *kind {
        Type::BOOL => As::Boolean,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC | Type::OID => As::Number,
        Type::BYTEA => {
            let name = column.name().escape_debug();
            return Err(refused(&format!("column `{name}` has bytes, and traits are texts, numbers, true or false")));
        }
        _ if matches!(kind.kind(), TypeKind::Array(_)) => As::List,
        _ => As::Text,
    })
}

/// The query with all columns as texts, so that numbers keep their digits and every type has a form.
fn in_texts(query: &str, kinds: &[(String, As)]) -> String {
    let columns: Vec<String> = kinds
        .iter()
        .map(|(name, kind)| {
            let column = format!("q.\"{}\"", name.replace('"', "\"\""));
            if *kind == As::List { format!("array_to_string({column}, ',')") } else { format!("{column}::text") }
        })
        .collect();
    let query = query.trim_end().trim_end_matches(';');
    format!("select {} from (\n{query}\n) as q", columns.join(", "))
}

fn values<'r>(row: &'r Row, kinds: &[(String, As)]) -> Result<Vec<Value<'r>>, Error> {
    let value = |(index, (_, kind)): (usize, &(String, As))| {
        let text: Option<&str> = row.try_get(index).map_err(failed)?;
        Ok(match (text, kind) {
            (None, _) => Value::Null,
            (Some(text), As::Boolean) => Value::Boolean(text == "true"),
            // NaN and the infinities are no numbers to anybody else.
            (Some(text), As::Number) if text.ends_with(['N', 'y']) => Value::Null,
            (Some(text), As::Number) => Value::Number(text.into()),
            (Some(text), As::Text | As::List) => Value::Text(text),
        })
    };
    kinds.iter().enumerate().map(value).collect()
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

    #[test]
    fn a_query_gives_texts_whatever_its_types() {
        let kinds = [("id".to_owned(), As::Number), ("ta\"gs".to_owned(), As::List)];
        assert_eq!(
            in_texts("select * from t -- all\n;\n", &kinds),
            "select q.\"id\"::text, array_to_string(q.\"ta\"\"gs\", ',') from (\nselect * from t -- all\n\n) as q"
        );
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
