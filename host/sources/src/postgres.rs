//! Queries of a PostgreSQL server: read only, streamed, with TLS wherever the way leads over a network.
//!
//! What must never happen: a write there, a result in memory, half a result taken for a whole one, or anything that
//! stays on the session: behind a pooler the next to use it is another program. So all settings are local to the one
//! transaction, which is rolled back, and no statement has a name.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::cursor::{self, OVERLAP_NUMBERS, OVERLAP_S, Scale};
use crate::pg_types::{self, As, Column, failed, reason, refused};
use crate::query::{Query, Sink, Watch};
use crate::server::{self, Check, Server, Way};
use crate::whole::Read;
use crate::{Error, reject};
use enroute_store::Store;
use enroute_store::warehouse::{Rows as _, Value};

/// Time to connect, where the URL does not say another, and twice that until the server lets us in.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);

/// Time that the server has for one answer, a little more than the hour that it gives itself.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3_660);

/// Time to tell a server that nobody waits for its answer any more.
const CANCEL_TIME_MAX: Duration = Duration::from_secs(5);

/// Begins the transaction, with what holds for it whatever role and database have set: everything that shapes a text.
/// An hour is a query that will not end, or a table that needs an index; a stream of rows counts as a whole.
///
/// `DateStyle` says nothing of the order of day and month, which the role's own query may count on in what it reads.
const BEGIN: &str = "begin isolation level repeatable read read only;
    set local statement_timeout = '1h';
    set local client_encoding = 'UTF8';
    set local DateStyle = 'ISO';
    set local IntervalStyle = 'iso_8601';
    set local TimeZone = 'UTC';
    set local bytea_output = 'hex';
    set local xmlbinary = 'base64';
    set local extra_float_digits = 3;
    set local quote_all_identifiers = off;
    set local lc_monetary = 'C';
    set local lc_numeric = 'C';
    set local lc_time = 'C'";

/// The server's moment, and the moment before which every transaction has ended that could still change something.
/// Asked before the snapshot is taken, so that who commits in between is not overlooked.
const LOW: &str = "select to_char(now at time zone 'UTC', form), to_char(least(now, open) at time zone 'UTC', form)
    from (select clock_timestamp() as now, 'YYYY-MM-DD\"T\"HH24:MI:SS.US' as form,
      (select min(xact_start) from pg_catalog.pg_stat_activity
       where backend_type = 'client backend' and pid <> pg_backend_pid()) as open) as moments";

/// Begins of statements that give rows within another.
const READS: [&str; 4] = ["select", "with", "values", "table"];

/// Reads what a query of a server gives.
///
/// Waits for the server: to be called from a thread of the runtime that may block.
///
/// # Errors
///
/// As [`super::query::sqlite`].
pub(super) fn read(store: &Store, query: &Query, way: &Way, watch: &Watch) -> Result<Read, Error> {
    let is_conflict = |error: &Error| error.to_string().contains("conflict with recovery");
    match read_once(store, query, way, watch) {
        // On a replica, cleaning up at the primary ends what reads old rows; the second time it mostly passes.
        Err(first) if is_conflict(&first) => read_once(store, query, way, watch)
            .map_err(|error| if is_conflict(&error) { replica(&error) } else { error }),
        other => other,
    }
}

fn replica(error: &Error) -> Error {
    Error::Database {
        reason: format!(
            "{error}; ask the primary, set `hot_standby_feedback = on` at the replica, or allow it a longer \
             `max_standby_streaming_delay`"
        ),
    }
}

fn read_once(store: &Store, query: &Query, way: &Way, watch: &Watch) -> Result<Read, Error> {
    let runtime = Handle::current();
    let session = runtime.block_on(in_time(2 * CONNECT_TIME_MAX, connect(way)))?;
    let mut sink = Sink::begin(store, query, watch.clone())?;
    runtime.block_on(async {
        let taken = take(&session, query, &mut sink).await;
        // Waited for, so that the server has nothing of us when the program ends.
        let ended = match &taken {
            Err(Error::Stopped) => Ok(()),
            _ => session.client.batch_execute("rollback").await.map_err(failed),
        };
        session.explained(taken.and(ended)).await
    })?;
    sink.end()
}

/// What a query would give: its columns, and what each becomes. Nothing is read.
///
/// # Errors
///
/// As [`super::query::sqlite`].
pub(super) fn prepare(query: &Query, way: &Way) -> Result<Vec<(String, &'static str)>, Error> {
    Handle::current().block_on(async {
        let session = in_time(2 * CONNECT_TIME_MAX, connect(way)).await?;
        session.client.batch_execute(BEGIN).await.map_err(failed)?;
        let text = query.query.trim_end().trim_end_matches(';');
        let names = names(&session.client, text).await?;
        let columns = pg_types::columns(&session.client, text, &names).await?;
        session.client.batch_execute("rollback").await.map_err(failed)?;
        Ok(columns.into_iter().map(|column| (column.name.clone(), column.becomes())).collect())
    })
}

/// A connection, and the task that speaks for it.
struct Session {
    client: Client,
    connection: JoinHandle<Result<(), tokio_postgres::Error>>,
    way: Cancel,
}

/// How a running query is ended.
struct Cancel {
    token: CancelToken,
    tls: Option<MakeRustlsConnect>,
}

impl Session {
    /// Where the connection was lost, the reason is what the server said last.
    async fn explained(self, taken: Result<(), Error>) -> Result<(), Error> {
        let is_lost = taken.as_ref().is_err_and(|error| error.to_string().contains("connection closed"));
        if !is_lost {
            return taken;
        }
        drop(self.client);
        let last = tokio::time::timeout(CANCEL_TIME_MAX, self.connection).await;
        let said = match last {
            Ok(Ok(Err(error))) => format!(": {}", reason(&error)),
            _ => String::new(),
        };
        Err(Error::Database { reason: format!("the connection was lost in the middle{said}") })
    }

    async fn cancel(&self) {
        let asked = async {
            match &self.way.tls {
                Some(tls) => self.way.token.cancel_query(tls.clone()).await,
                None => self.way.token.cancel_query(NoTls).await,
            }
        };
        let _ = tokio::time::timeout(CANCEL_TIME_MAX, asked).await;
    }
}

/// Reads all rows of a query.
async fn take(session: &Session, query: &Query, sink: &mut Sink<'_>) -> Result<(), Error> {
    let (client, stop) = (&session.client, sink.stop().clone());
    let since = sink.since()?;
    let low = if query.cursor.is_some() { low(client).await } else { None };
    client.batch_execute(BEGIN).await.map_err(failed)?;
    let text = query.query.trim_end().trim_end_matches(';');
    let names = names(client, text).await?;
    let columns = pg_types::columns(client, text, &names).await?;
    sink.columns(names)?;
    let since = still_good(since, sink, &columns, low.as_ref());
    let mut sql = in_form(text, &columns);
    if let Some(name) = &query.cursor {
        sql.push_str(&condition(name, &columns, since.as_deref())?);
        if let Some((now, until)) = low {
            sink.until(until, now);
        }
    }
    let rows = client.simple_query_raw(&sql);
    let mut rows = pin!(in_time(ANSWER_TIME_MAX, async { rows.await.map_err(failed) }).await?);
    loop {
        let next = in_time(ANSWER_TIME_MAX, async { Ok(rows.next().await) });
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => {
                session.cancel().await;
                return Err(Error::Stopped);
            }
            next = next => next?,
        };
        match next.transpose().map_err(failed)? {
            None => return Ok(()),
            Some(SimpleQueryMessage::Row(row)) => sink.row(&values(&row, &columns)?)?,
            Some(_) => {}
        }
    }
}

/// The value from which on rows are asked for, unless everything is to be read after all.
fn still_good(
    since: Option<String>,
    sink: &mut Sink<'_>,
    columns: &[Column],
    low: Option<&(String, String)>,
) -> Option<String> {
    let since = since?;
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let is_behind = |(now, _): &(String, String)| {
        cursor::scale(&since) == Scale::Moments && cursor::compare(Scale::Moments, &since, now).is_gt()
    };
    if !sink.is_as_before(&names) {
        sink.read_all("the query has other columns than the last time");
    } else if low.is_some_and(is_behind) {
        sink.read_all("the server's clock is behind the last value of the cursor");
    } else {
        return Some(since);
    }
    None
}

/// Which rows are asked for, typed and compared by the server.
fn condition(name: &str, columns: &[Column], since: Option<&str>) -> Result<String, Error> {
    let column = columns.iter().find(|column| column.name == name);
    let fitting = column.and_then(|column| Some((column, column.overlap()?)));
    let (column, kind) = fitting.ok_or_else(|| Error::Cursor {
        reason: format!("column `{}` has neither moments, dates nor numbers", reject::shown(name)),
    })?;
    let Some(since) = since else { return Ok(String::new()) };
    let (quoted, literal) = (column.quoted(), since.replace('\'', "''"));
    let from = match kind {
        As::Number => format!("'{literal}'::numeric - {OVERLAP_NUMBERS}"),
        _ => format!("'{literal}'::{} - interval '{OVERLAP_S} seconds'", column.cast),
    };
    Ok(format!("\nwhere {quoted} >= {from} or {quoted} is null"))
}

/// The server's moments; none where it does not tell them.
async fn low(client: &Client) -> Option<(String, String)> {
    let answer = client.simple_query(LOW).await.ok()?;
    answer.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0)?.to_owned(), row.get(1)?.to_owned())),
        _ => None,
    })
}

/// Waits for a server no longer than this: one that is connected may say nothing all the same.
async fn in_time<T>(most: Duration, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let silent = || Error::Database { reason: format!("the server has said nothing for {} s", most.as_secs()) };
    tokio::time::timeout(most, answer).await.unwrap_or_else(|_| Err(silent()))
}

async fn connect(way: &Way) -> Result<Session, Error> {
    let Server::Postgres(config) = &way.server else { return Err(refused("it is no server of PostgreSQL")) };
    let mut config: Config = (**config).clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIME_MAX);
    }
    config.application_name("enroute");
    if way.check == Check::Plain {
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(unreachable)?;
        let way = Cancel { token: client.cancel_token(), tls: None };
        return Ok(Session { client, connection: tokio::spawn(connection), way });
    }
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    let tls = MakeRustlsConnect::new(server::tls(way)?);
    let (client, connection) = config.connect(tls.clone()).await.map_err(unreachable)?;
    let way = Cancel { token: client.cancel_token(), tls: Some(tls) };
    Ok(Session { client, connection: tokio::spawn(connection), way })
}

/// The names of a query's columns.
async fn names(client: &Client, query: &str) -> Result<Vec<String>, Error> {
    let no_read = |error: tokio_postgres::Error| match begins_with(query) {
        Some(word) if error.code() == Some(&SqlState::SYNTAX_ERROR) => {
            refused(&format!("it gives no rows: it begins with `{word}`; write a `select`"))
        }
        _ => failed(error),
    };
    // In this form the server takes no second statement, so that the next, which could have one, has none.
    client.query_typed(&inside("1", query), &[]).await.map_err(no_read)?;
    let answer = client.simple_query(&inside("q.*", query)).await.map_err(failed)?;
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

/// The query with every column in the form that loses nothing.
fn in_form(query: &str, columns: &[Column]) -> String {
    let columns: Vec<String> = columns.iter().map(Column::asked).collect();
    format!("select {} from (\n{query}\n) as q", columns.join(", "))
}

fn values<'r>(row: &'r SimpleQueryRow, columns: &[Column]) -> Result<Vec<Value<'r>>, Error> {
    let value = |(index, column): (usize, &Column)| {
        let text = row.try_get(index).map_err(failed)?;
        Ok(text.map_or(Value::Null, |text| column.value(text)))
    };
    columns.iter().enumerate().map(value).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn unreachable(error: tokio_postgres::Error) -> Error {
    let mut reason = reason(&error);
    if let Some(hint) = server::certificate_hint(&reason) {
        reason = format!("{reason}; {hint}");
    }
    Error::Database { reason }
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
    fn a_statement_that_gives_no_rows_is_named() {
        assert_eq!(begins_with("Drop table t").as_deref(), Some("drop"));
        assert_eq!(begins_with("  SELECT 1"), None);
        assert_eq!(begins_with("-- all\nselect 1"), None);
    }
}
