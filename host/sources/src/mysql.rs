//! Queries of a MySQL or MariaDB server: read only, streamed by the prepared protocol, which alone gives each number
//! as it is, and takes one statement.
//!
//! What must never happen: a write there, a result in memory, half a result taken for a whole one, or a date that is
//! none taken for 1970.

use std::time::Duration;

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable as _;
use mysql_async::{ClientIdentity, Column, Conn, Opts, OptsBuilder, SslOpts};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::cursor::{self, OVERLAP_NUMBERS, OVERLAP_S, Scale};
use crate::query::{Query, Sink, Type, Watch};
use crate::reject::shown;
use crate::server::{self, Check, Server, Way};
use crate::whole::Read;
use enroute_store::Store;
use enroute_store::warehouse::{Rows as _, Value};

/// Time to connect and be let in.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(60);

/// Time that the server has for one answer, a little more than the hour that it gives itself.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3_660);

/// Time to tell a server that nobody waits for its answer any more.
const CANCEL_TIME_MAX: Duration = Duration::from_secs(5);

/// The number of the character set that says that a text is bytes.
const BYTES: u16 = 63;

/// What holds for the session, which is ours alone and ends with the read. `read only` for the session refuses to define
/// tables, too, which a transaction's own would let through.
const SESSION: [&str; 4] = [
    "set names utf8mb4",
    "set session time_zone = '+00:00', net_write_timeout = 600",
    "set session transaction isolation level repeatable read",
    "set session transaction read only",
];

/// An hour for a query: as MariaDB says it, and as MySQL does.
const LIMITS: [&str; 2] = ["set session max_statement_time = 3600", "set session max_execution_time = 3600000"];

/// The server's moment, and the moment before which every transaction has ended that could still change something.
const LOW: &str = "select date_format(utc_timestamp(6), '%Y-%m-%dT%H:%i:%s.%f'),
    date_format(least(utc_timestamp(6), coalesce((select min(trx_started) from information_schema.innodb_trx),
    utc_timestamp(6))), '%Y-%m-%dT%H:%i:%s.%f')";
const NOW: &str = "select date_format(utc_timestamp(6), '%Y-%m-%dT%H:%i:%s.%f') as now,
    date_format(utc_timestamp(6), '%Y-%m-%dT%H:%i:%s.%f') as low";

/// Reads what a query of a server gives.
///
/// Waits for the server: to be called from a thread of the runtime that may block.
///
/// # Errors
///
/// As [`super::query::sqlite`].
pub(super) fn read(store: &Store, query: &Query, way: &Way, watch: &Watch) -> Result<Read, Error> {
    let runtime = Handle::current();
    let mut conn = runtime.block_on(in_time(CONNECT_TIME_MAX, open(way)))?;
    let mut sink = Sink::begin(store, query, watch.clone())?;
    runtime.block_on(async {
        take(&mut conn, way, query, &mut sink).await?;
        // Else it would read the rest of what is half-read.
        let _ = tokio::time::timeout(CANCEL_TIME_MAX, conn.disconnect()).await;
        Ok::<(), Error>(())
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
        let mut conn = in_time(CONNECT_TIME_MAX, open(way)).await?;
        let statement = conn.prep(inside(&query.query, "")).await.map_err(failed)?;
        let told = |column: &Column| {
            let name = column.name_str().into_owned();
            let kind = kind(column, query.types.get(&name))?;
            Ok((name, kind.becomes()))
        };
        let told = statement.columns().iter().map(told).collect();
        let _ = tokio::time::timeout(CANCEL_TIME_MAX, conn.disconnect()).await;
        told
    })
}

async fn open(way: &Way) -> Result<Conn, Error> {
    let mut conn = Conn::new(opts(way)?).await.map_err(unreachable)?;
    for statement in SESSION {
        conn.query_drop(statement).await.map_err(failed)?;
    }
    for statement in LIMITS {
        if conn.query_drop(statement).await.is_ok() {
            break;
        }
    }
    Ok(conn)
}

fn opts(way: &Way) -> Result<Opts, Error> {
    let Server::Mysql(opts) = &way.server else { return Err(refused("it is no server of MySQL")) };
    let builder = OptsBuilder::from_opts((**opts).clone()).prefer_socket(false).stmt_cache_size(0);
    if way.check == Check::Plain {
        return Ok(builder.ssl_opts(None).into());
    }
    // What is wrong with the files is told in the words that all servers share.
    server::tls(way)?;
    let mut ssl = SslOpts::default().with_danger_skip_domain_validation(way.check == Check::Chain);
    if let Some(ca) = &way.access.ca_file {
        ssl = ssl.with_root_certs(vec![ca.clone().into()]).with_disable_built_in_roots(true);
    }
    if let (Some(cert), Some(key)) = (&way.access.cert_file, &way.access.key_file) {
        ssl = ssl.with_client_identity(Some(ClientIdentity::new(cert.clone().into(), key.clone().into())));
    }
    Ok(builder.ssl_opts(ssl).into())
}

/// Reads all rows of a query.
async fn take(conn: &mut Conn, way: &Way, query: &Query, sink: &mut Sink<'_>) -> Result<(), Error> {
    let (stop, id) = (sink.stop().clone(), conn.id());
    let mut since = sink.since()?;
    if query.cursor.is_some() {
        let (now, until) = low(conn).await?;
        if since.as_ref().is_some_and(|since| {
            cursor::scale(since) == Scale::Moments && cursor::compare(Scale::Moments, since, &now).is_gt()
        }) {
            sink.read_all("the server's clock is behind the last value of the cursor");
            since = None;
        }
        sink.until(until, now);
    }
    conn.query_drop("start transaction with consistent snapshot, read only").await.map_err(failed)?;
    let described = conn.prep(inside(&query.query, "")).await.map_err(|error| no_rows(error, &query.query))?;
    let names: Vec<String> = described.columns().iter().map(|column| column.name_str().into_owned()).collect();
    let of = |column: &Column| kind(column, query.types.get(column.name_str().as_ref()));
    let kinds: Vec<As> = described.columns().iter().map(of).collect::<Result<_, _>>()?;
    if since.is_some() && !sink.is_as_before(&names) {
        sink.read_all("the query has other columns than the last time");
        since = None;
    }
    sink.columns(names.clone())?;
    let condition = match (&query.cursor, since) {
        (Some(name), Some(since)) => condition(name, &since),
        _ => String::new(),
    };
    let statement = conn.prep(inside(&query.query, &condition)).await.map_err(failed)?;
    let running = conn.exec_iter(&statement, ());
    let mut rows = until_asked(&stop, way, id, running).await?;
    loop {
        let Some(row) = until_asked(&stop, way, id, rows.next()).await? else { break };
        let values: Result<Vec<Value<'_>>, Error> = (0..kinds.len())
            .map(|index| {
                let (kind, name) = (kinds.get(index).copied().unwrap_or(As::Text), names.get(index));
                value(row.as_ref(index), kind, name.map_or("", String::as_str))
            })
            .collect();
        sink.row(&values?)?;
    }
    Ok(())
}

/// Waits for an answer, or ends what the server does.
async fn until_asked<T>(
    stop: &CancellationToken,
    way: &Way,
    id: u32,
    answer: impl Future<Output = Result<T, mysql_async::Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = stop.cancelled() => {
            let kill = async {
                if let Ok(mut other) = Conn::new(opts(way)?).await {
                    let _ = other.query_drop(format!("kill query {id}")).await;
                    let _ = other.disconnect().await;
                }
                Ok::<(), Error>(())
            };
            let _ = tokio::time::timeout(CANCEL_TIME_MAX, kill).await;
            Err(Error::Stopped)
        }
        answer = in_time(ANSWER_TIME_MAX, async { answer.await.map_err(failed) }) => answer,
    }
}

async fn in_time<T>(most: Duration, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let silent = || Error::Database { reason: format!("the server has said nothing for {} s", most.as_secs()) };
    tokio::time::timeout(most, answer).await.unwrap_or_else(|_| Err(silent()))
}

/// The server's moments.
async fn low(conn: &mut Conn) -> Result<(String, String), Error> {
    // Who may not see other transactions is protected by the overlap alone.
    if let Ok(Some(low)) = conn.query_first::<(String, String), _>(LOW).await {
        return Ok(low);
    }
    let now = conn.query_first::<(String, String), _>(NOW).await.map_err(failed)?;
    now.ok_or_else(|| refused("the server does not tell its time"))
}

/// A statement that has the query in it.
fn inside(query: &str, condition: &str) -> String {
    format!("select * from (\n{}\n) as q{condition}", query.trim_end().trim_end_matches(';'))
}

/// Which rows are asked for.
fn condition(name: &str, since: &str) -> String {
    let quoted = format!("q.`{}`", name.replace('`', "``"));
    let from = match cursor::scale(since) {
        Scale::Numbers => format!("{since} - {OVERLAP_NUMBERS}"),
        Scale::Moments => {
            let plain = since.trim_end_matches('Z').replacen('T', " ", 1);
            format!("cast('{}' as datetime(6)) - interval {OVERLAP_S} second", plain.replace(['\'', '\\'], ""))
        }
    };
    format!("\nwhere {quoted} >= {from} or {quoted} is null")
}

/// What becomes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Text,
    Number,
    Boolean,
    Bits,
    Date,
    Moment,
    MomentUtc,
    Time,
    Json,
    Set,
}

impl As {
    const fn becomes(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number | Self::Bits => "number",
            Self::Boolean => "true or false",
            Self::Date => "date, as a text",
            Self::Moment => "moment without a zone, as a text",
            Self::MomentUtc => "moment in UTC, as a text",
            Self::Time => "time, as a text",
            Self::Json => "as it is in JSON",
            Self::Set => "list",
        }
    }
}

fn kind(column: &Column, said: Option<&Type>) -> Result<As, Error> {
    use ColumnType::*;
    let (name, flags) = (column.name_str(), column.flags());
    let is_bytes = column.character_set() == BYTES;
    Ok(match column.column_type() {
        MYSQL_TYPE_TINY if column.column_length() == 1 && said != Some(&Type::Number) => As::Boolean,
        MYSQL_TYPE_TINY
        | MYSQL_TYPE_SHORT
        | MYSQL_TYPE_LONG
        | MYSQL_TYPE_INT24
        | MYSQL_TYPE_LONGLONG
        | MYSQL_TYPE_YEAR
        | MYSQL_TYPE_DECIMAL
        | MYSQL_TYPE_NEWDECIMAL
        | MYSQL_TYPE_FLOAT
        | MYSQL_TYPE_DOUBLE => As::Number,
        MYSQL_TYPE_BIT if column.column_length() == 1 => As::Boolean,
        MYSQL_TYPE_BIT => As::Bits,
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => As::Date,
        MYSQL_TYPE_DATETIME | MYSQL_TYPE_DATETIME2 => As::Moment,
        MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2 => As::MomentUtc,
        MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => As::Time,
        MYSQL_TYPE_JSON => As::Json,
        MYSQL_TYPE_SET => As::Set,
        MYSQL_TYPE_NULL | MYSQL_TYPE_ENUM => As::Text,
        _ if flags.contains(ColumnFlags::SET_FLAG) => As::Set,
        MYSQL_TYPE_GEOMETRY => return Err(bytes(&name)),
        _ if is_bytes => return Err(bytes(&name)),
        _ => As::Text,
    })
}

fn bytes(name: &str) -> Error {
    let name = shown(name);
    refused(&format!(
        "column `{name}` has bytes, and a profile has none: write `to_base64({name}) as {name}`, or leave it out"
    ))
}

fn value<'r>(value: Option<&'r mysql_async::Value>, kind: As, name: &str) -> Result<Value<'r>, Error> {
    use mysql_async::Value as Wire;
    let text = |bytes: &'r [u8]| {
        str::from_utf8(bytes).map_err(|_| refused(&format!("column `{}` has a text that is not UTF-8", shown(name))))
    };
    let boolean = |number: u64| match number {
        0 => Ok(Value::Boolean(false)),
        1 => Ok(Value::Boolean(true)),
        _ => Err(refused(&format!(
            "column `{0}` is declared as true or false and has another number: write `types = {{ {0} = \"number\" }}`",
            shown(name)
        ))),
    };
    Ok(match (value.unwrap_or(&Wire::NULL), kind) {
        (Wire::NULL, _) => Value::Null,
        (Wire::Int(number), As::Boolean) => boolean(u64::try_from(*number).unwrap_or(u64::MAX))?,
        (Wire::UInt(number), As::Boolean) => boolean(*number)?,
        (Wire::Bytes(bits), As::Boolean) => boolean(bits_of(bits))?,
        (Wire::Bytes(bits), As::Bits) => Value::Number(bits_of(bits).to_string().into()),
        (Wire::Int(number), _) => Value::Number(number.to_string().into()),
        (Wire::UInt(number), _) => Value::Number(number.to_string().into()),
        (Wire::Float(number), _) => real(f64::from(*number), number.to_string()),
        (Wire::Double(number), _) => real(*number, number.to_string()),
        (Wire::Bytes(bytes), As::Number) => Value::Number(text(bytes)?.into()),
        (Wire::Bytes(bytes), As::Json) => Value::Json(text(bytes)?.into()),
        (Wire::Bytes(bytes), As::Set) => {
            let parts: Vec<&str> = text(bytes)?.split(',').filter(|part| !part.is_empty()).collect();
            Value::Json(serde_json::Value::from(parts).to_string().into())
        }
        (Wire::Bytes(bytes), _) => Value::Text(text(bytes)?.into()),
        (Wire::Date(_, 0, ..) | Wire::Date(_, _, 0, ..), _) => Value::Endless,
        (Wire::Date(year, month, day, ..), As::Date) => Value::Text(format!("{year:04}-{month:02}-{day:02}").into()),
        (Wire::Date(year, month, day, hour, minute, second, micros), _) => {
            let zone = if kind == As::MomentUtc { "Z" } else { "" };
            let fraction = fraction(*micros);
            let date = format!("{year:04}-{month:02}-{day:02}");
            Value::Text(format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}").into())
        }
        (Wire::Time(is_negative, days, hours, minutes, seconds, micros), _) => {
            let (sign, hours) = (if *is_negative { "-" } else { "" }, days * 24 + u32::from(*hours));
            Value::Text(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{}", fraction(*micros)).into())
        }
    })
}

/// A number with a point in its shortest digits, of its own width.
fn real(number: f64, shortest: String) -> Value<'static> {
    let is_far = number != 0.0 && !(1e-5..1e16).contains(&number.abs());
    match serde_json::Number::from_f64(number) {
        None => Value::Endless,
        Some(number) if is_far => Value::Number(number.to_string().into()),
        Some(_) => Value::Number(shortest.into()),
    }
}

fn bits_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn fraction(micros: u32) -> String {
    if micros == 0 { String::new() } else { format!(".{micros:06}").trim_end_matches('0').to_owned() }
}

/// What a statement that gives no rows is, for within another it is a mistake of syntax.
fn no_rows(error: mysql_async::Error, query: &str) -> Error {
    const SYNTAX: u16 = 1064;
    let word: String = query.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let reads = ["select", "with", "values", "table"].contains(&word.to_ascii_lowercase().as_str());
    match &error {
        mysql_async::Error::Server(server) if server.code == SYNTAX && !word.is_empty() && !reads => {
            refused(&format!("it gives no rows: it begins with `{}`; write a `select`", word.to_ascii_lowercase()))
        }
        _ => failed(error),
    }
}

/// What the server says of a query is the query's; anything else may be otherwise the next time.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: mysql_async::Error) -> Error {
    /// Too many connections, refused, shutting down, interrupted, killed, and out of time.
    const OF_THE_SERVER: [u16; 8] = [1040, 1044, 1045, 1053, 1205, 1317, 1927, 1969];
    match &error {
        mysql_async::Error::Server(server) if !OF_THE_SERVER.contains(&server.code) => refused(&server.message),
        mysql_async::Error::Server(server) => Error::Database { reason: server.message.clone() },
        other => Error::Database { reason: format!("the connection was lost in the middle: {other}") },
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn unreachable(error: mysql_async::Error) -> Error {
    let mut reason = match &error {
        mysql_async::Error::Server(server) => server.message.clone(),
        other => other.to_string(),
    };
    if let Some(hint) = server::certificate_hint(&reason) {
        reason = format!("{reason}; {hint}");
    }
    Error::Database { reason }
}

fn refused(reason: &str) -> Error {
    Error::Result { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use mysql_async::Value as Wire;

    use super::*;

    #[track_caller]
    fn check(wire: &Wire, kind: As, expect: &Value<'_>) {
        assert_eq!(&value(Some(wire), kind, "c").unwrap(), expect);
    }

    #[test]
    fn each_value_of_the_wire_has_one_form() {
        check(&Wire::Float(16_777_216.0), As::Number, &Value::Number("16777216".into()));
        check(&Wire::Float(0.1), As::Number, &Value::Number("0.1".into()));
        check(&Wire::Double(1e300), As::Number, &Value::Number("1e+300".into()));
        check(&Wire::Double(3.0), As::Number, &Value::Number("3".into()));
        check(&Wire::UInt(u64::MAX), As::Number, &Value::Number("18446744073709551615".into()));
        check(&Wire::Bytes(b"1.10".to_vec()), As::Number, &Value::Number("1.10".into()));
        check(&Wire::Bytes(b"x,z".to_vec()), As::Set, &Value::Json(r#"["x","z"]"#.into()));
        check(&Wire::Bytes(Vec::new()), As::Set, &Value::Json("[]".into()));
        check(&Wire::Bytes(vec![1, 0]), As::Bits, &Value::Number("256".into()));
        check(&Wire::Date(2024, 2, 29, 1, 2, 3, 120_000), As::Moment, &Value::Text("2024-02-29T01:02:03.12".into()));
        check(&Wire::Date(2024, 2, 29, 1, 2, 3, 0), As::MomentUtc, &Value::Text("2024-02-29T01:02:03Z".into()));
        check(&Wire::Date(2024, 2, 29, 0, 0, 0, 0), As::Date, &Value::Text("2024-02-29".into()));
        check(&Wire::Time(true, 34, 22, 59, 59, 990_000), As::Time, &Value::Text("-838:59:59.99".into()));
    }

    #[test]
    fn a_date_that_is_none_is_null_and_counted() {
        for wire in [Wire::Date(0, 0, 0, 0, 0, 0, 0), Wire::Date(2024, 2, 0, 0, 0, 0, 0)] {
            check(&wire, As::Date, &Value::Endless);
            check(&wire, As::Moment, &Value::Endless);
        }
    }

    #[test]
    fn a_number_that_is_neither_true_nor_false_is_told_with_a_way_out() {
        check(&Wire::Int(1), As::Boolean, &Value::Boolean(true));
        let told = value(Some(&Wire::Int(2)), As::Boolean, "vip").unwrap_err().to_string();
        assert!(told.contains("`types = { vip = \"number\" }`"), "{told}");
    }
}
