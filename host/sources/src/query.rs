//! What a query gives, a person a row: profiles, traits beside the profiles of other sources, or members of an audience.
//!
//! What must never happen: half a result, a value that is guessed, memory that grows with the result, or a password
//! in a message.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use enroute_core::suggest::nearest;
use jiff::{Span, Timestamp};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::columns::{Cell, Columns, Renamed};
use crate::cursor::{self, Follow, OVERLAP_NUMBERS, OVERLAP_S, Scale};
use crate::json::{check_depth, check_surrogates};
use crate::members::{self, MemberRows, Mode};
use crate::reject::{Bad, Code, check_id, shown};
use crate::staged::Staged;
use crate::whole::{End, Read, Snapshot, Whole};
use crate::{Error, hexadecimal};
use enroute_store::Store;
use enroute_store::layers::Kind;
use enroute_store::warehouse::{self, Rows, Value};

/// Most rows of a result. A person a row; more people than the largest destinations take.
pub const ROWS_MAX: u64 = 25_000_000;

/// Most columns of a result. A destination takes some hundred fields.
pub const COLUMNS_MAX: usize = 300;

/// Longest row in bytes, as JSON: what a person's record has at destinations at most.
pub const ROW_BYTES_MAX: usize = 16 << 10;

/// Rows between two reports of progress.
const ROWS_BETWEEN_REPORTS: u64 = 5_000;

/// What the rows of a query are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Profiles: each row is all that a source knows of a person.
    Profiles,
    /// Traits of people whom other sources may know too.
    Traits,
    /// Members of an audience, all of them: the first column is the id.
    Members,
    /// Who came and who left, row by row.
    Changes(Mode),
}

/// A query, and what becomes of its rows.
#[derive(Debug, Clone)]
pub struct Query {
    /// The name of the source.
    pub source: String,
    /// The statement.
    pub query: String,
    /// What its rows are.
    pub holds: Holds,
    /// The column of the profile's id.
    pub id: String,
    /// Other names for columns: what one is called, and what it is to be.
    pub columns: Renamed,
    /// Columns of text that have JSON, or numbers for true and false.
    pub types: BTreeMap<String, Type>,
    /// How much a read of profiles says.
    pub snapshot: Snapshot,
    /// The column that grows with each change.
    pub cursor: Option<String>,
    /// Whether to read everything, wherever the cursor stands.
    pub is_full: bool,
    /// What the database is called, where one statement is asked of two. No secret is in it.
    pub database: String,
}

impl Query {
    /// Whether columns of these names can be used.
    ///
    /// # Errors
    ///
    /// As reading them would.
    pub fn fits(&self, columns: &[(String, &'static str)]) -> Result<(), Error> {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        match self.holds {
            Holds::Profiles => profile_columns(self, &names).map(drop),
            Holds::Traits => traits(self, &names).map(drop),
            Holds::Members | Holds::Changes(_) => member(self, &names).map(drop),
        }?;
        cursor_index(self, &names).map(drop)
    }
}

/// What a column is to be read as, where its database does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A text.
    Text,
    /// A number.
    Number,
    /// True or false, from such words or 1 and 0.
    Boolean,
    /// JSON.
    Json,
}

impl Type {
    /// What a person reads of it.
    pub(super) const fn becomes(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "true or false",
            Self::Json => "as it is in JSON",
        }
    }
}

/// Who watches a read, and may end it.
#[derive(Clone)]
pub struct Watch {
    /// Is told how many rows were read.
    pub on_progress: Arc<dyn Fn(u64) + Send + Sync>,
    /// Ends the read.
    pub stop: CancellationToken,
    /// The moment, in ms since 1970.
    pub now_ms: i64,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}

/// Reads what a query of a SQLite file gives.
///
/// Waits for the disk: not to be called from async code.
///
/// # Errors
///
/// If the result cannot be had, used or believed, a trait belongs to another source, or the store fails. Unless the
/// store fails nothing is written then.
pub(super) fn sqlite(store: &Store, query: &Query, file: &Path, watch: Watch) -> Result<Read, Error> {
    let (stop, now_ms) = (watch.stop.clone(), watch.now_ms);
    let mut sink = Sink::begin(store, query, watch)?;
    let plain = query.query.trim_end().trim_end_matches(';');
    let (mut since, now) = (sink.since()?, Timestamp::from_millisecond(now_ms).unwrap_or_default().to_string());
    if let Some(kept) = &since {
        if cursor::scale(kept) == Scale::Moments && cursor::compare(Scale::Moments, kept, &now).is_gt() {
            sink.read_all("the clock is behind the last value of the cursor");
            since = None;
        } else if !sink.is_as_before(&warehouse::columns(file, plain)?) {
            sink.read_all("the query has other columns than the last time");
            since = None;
        }
    }
    let statement = match since {
        // What the cursor's values are is seen only in the rows; SQLite sorts numbers before texts, so that is safe.
        Some(since) => {
            let column = query.cursor.as_deref().unwrap_or_default().replace('"', "\"\"");
            let bound = match cursor::scale(&since) {
                Scale::Numbers => format!("{since} - {OVERLAP_NUMBERS}"),
                Scale::Moments => format!("'{}'", earlier(&since)),
            };
            format!("select * from (\n{plain}\n) where \"{column}\" >= {bound} or \"{column}\" is null")
        }
        None => plain.to_owned(),
    };
    sink.until(now.clone(), now);
    let is_asked = move || stop.is_cancelled();
    let read = warehouse::read(file, &statement, warehouse::QUERY_TIME_MAX, is_asked, &mut sink);
    match read {
        Err(Error::Store(enroute_store::Error::Interrupted)) => return Err(Error::Stopped),
        other => other?,
    }
    sink.end()
}

/// A moment with the overlap taken off, in the form that it has. What cannot be understood leads to a full read.
fn earlier(moment: &str) -> String {
    let plain = moment.trim_end_matches('Z').replacen(' ', "T", 1);
    let date_time: Option<jiff::civil::DateTime> = plain.parse().ok();
    let Some(before) = date_time.and_then(|then| then.checked_sub(Span::new().seconds(i64::from(OVERLAP_S))).ok())
    else {
        return String::new();
    };
    let text = before.to_string();
    if moment.len() <= "2026-03-02".len() {
        return text.get(.."2026-03-02".len()).unwrap_or_default().to_owned();
    }
    if moment.contains(' ') { text.replacen('T', " ", 1) } else { text }
}

/// Takes rows and puts them aside.
pub(super) struct Sink<'a> {
    query: &'a Query,
    rows: Taken<'a>,
    names: Vec<String>,
    follow: Option<Follow>,
    filled: Vec<u64>,
    read: u64,
    endless: u64,
    digest: String,
    notes: Vec<String>,
    is_full: bool,
    watch: Watch,
}

/// What becomes of the rows.
#[expect(clippy::large_enum_variant, reason = "there is one of it a read")]
enum Taken<'a> {
    Profiles(Whole<'a>, Option<Columns>),
    Traits(Staged<'a>, usize),
    Members(MemberRows<'a>, usize),
}

/// The column of rows of membership that says `new`, `updated` or `deleted`.
pub const CHANGE: &str = "change";

impl<'a> Sink<'a> {
    pub(super) fn begin(store: &'a Store, query: &'a Query, watch: Watch) -> Result<Self, Error> {
        let rows = match query.holds {
            Holds::Profiles => Taken::Profiles(Whole::begin(store, &query.source, query.snapshot)?, None),
            Holds::Traits => Taken::Traits(Staged::begin(store)?, 0),
            Holds::Members | Holds::Changes(_) => Taken::Members(MemberRows::begin(store, &query.source)?, 0),
        };
        let mut hasher = store.sealer().keyed_hasher("query");
        [&query.database, query.query.trim(), &query.id]
            .iter()
            .for_each(|part| hasher.update_part(Some(part.as_bytes())));
        for (name, as_type) in &query.types {
            hasher.update_part(Some(format!("{name} {as_type:?}").as_bytes()));
        }
        for (name, goes) in &query.columns {
            [name, goes].iter().for_each(|part| hasher.update_part(Some(part.as_bytes())));
        }
        Ok(Self {
            query,
            rows,
            names: Vec::new(),
            follow: None,
            filled: Vec::new(),
            read: 0,
            endless: 0,
            digest: hexadecimal(hasher.finish()),
            notes: Vec::new(),
            is_full: true,
            watch,
        })
    }

    /// Ends the read when it is asked for.
    pub(super) const fn stop(&self) -> &CancellationToken {
        &self.watch.stop
    }

    /// From which value of the cursor on rows are to be asked for; none asks for all of them.
    pub(super) fn since(&mut self) -> Result<Option<String>, Error> {
        let Taken::Profiles(whole, _) = &self.rows else { return Ok(None) };
        let (Some(_), Some(before)) = (&self.query.cursor, &whole.before) else { return Ok(None) };
        let Some(kept) = before.cursor.clone().filter(|_| !self.query.is_full) else { return Ok(None) };
        let is_due = before.full_ms.is_none_or(|full| self.watch.now_ms - full >= cursor::FULL_EVERY_MS);
        let why = if before.digest != self.digest {
            "what is asked is another query than the last time"
        } else if is_due {
            "the last read of all was a week ago"
        } else {
            self.is_full = false;
            return Ok(Some(kept));
        };
        self.notes.push(format!("everything was read: {why}"));
        Ok(None)
    }

    /// Reads everything after all, for this reason.
    pub(super) fn read_all(&mut self, why: &str) {
        self.is_full = true;
        self.notes.push(format!("everything was read: {why}"));
    }

    /// The names that rows had the last time, if they were counted.
    pub(super) fn is_as_before(&self, names: &[String]) -> bool {
        let Taken::Profiles(whole, _) = &self.rows else { return true };
        let before = whole.before.as_ref().map(|before| &before.columns).filter(|columns| !columns.is_empty());
        before.is_none_or(|before| before.len() == names.len() && names.iter().all(|name| before.contains_key(name)))
    }

    /// Takes the server's moment, and the moment up to which everything that was changed can be seen.
    pub(super) fn until(&mut self, until: String, now: String) {
        let follow = self.follow.get_or_insert_with(|| Follow::new(0));
        (follow.until, follow.now) = (Some(until), Some(now));
    }

    pub(super) fn end(mut self) -> Result<Read, Error> {
        (self.watch.on_progress)(self.read);
        let now_ms = self.watch.now_ms;
        let mut notes = std::mem::take(&mut self.notes);
        let mut read = match self.rows {
            Taken::Profiles(whole, _) => {
                let kept = whole.before.as_ref().and_then(|before| before.cursor.clone()).filter(|_| !self.is_full);
                let follow = self.follow.filter(|_| self.query.cursor.is_some());
                if let Some(follow) = &follow {
                    tell(&mut notes, follow, self.read, self.query.cursor.as_deref().unwrap_or_default());
                }
                let columns = self.names.into_iter().zip(self.filled).collect();
                whole.end(End {
                    digest: self.digest,
                    columns,
                    has_header: true,
                    is_full: self.is_full,
                    as_of_ms: None,
                    cursor: follow.and_then(|follow| follow.reached(kept)),
                    now_ms,
                })?
            }
            Taken::Traits(staged, id) => {
                let names = self.names.into_iter().enumerate().filter(|(index, _)| *index != id).map(|(_, name)| name);
                let counts = staged.carry(Kind::Sql, &self.query.source, names.collect(), &[], now_ms)?;
                Read { counts, ..Read::default() }
            }
            Taken::Members(rows, _) => rows.end(self.query.holds == Holds::Members, now_ms)?,
        };
        read.counts.read = self.read;
        read.counts.endless = self.endless;
        notes.append(&mut read.notes);
        Ok(Read { notes, ..read })
    }

    fn take(&mut self, values: &[Value<'_>]) -> Result<(), Error> {
        match &mut self.rows {
            Taken::Profiles(whole, columns) => {
                let columns = columns.as_ref().ok_or_else(|| refused("its columns are not known"))?;
                if let (Some(follow), Some(name)) = (&mut self.follow, &self.query.cursor) {
                    let index = follow.index;
                    follow.take(name, values.get(index))?;
                }
                for (filled, value) in self.filled.iter_mut().zip(values) {
                    *filled += u64::from(!matches!(value, Value::Null | Value::Endless));
                }
                let names = self.names.iter().map(|name| self.query.types.get(name));
                let cells: Result<Vec<Cell<'_>>, Bad> = names
                    .zip(values)
                    .zip(&self.names)
                    .map(|((as_type, value), name)| cell(value, as_type, name))
                    .collect();
                let line = cells.and_then(|cells| columns.line(&cells));
                let bytes =
                    |line: &crate::json::Line<'_>| line.parts.iter().flatten().map(|part| part.len()).sum::<usize>();
                let line = line.and_then(|line| {
                    let bytes = bytes(&line);
                    let reason = || format!("the row has {bytes} bytes, and {ROW_BYTES_MAX} is the most");
                    if bytes > ROW_BYTES_MAX { Err(Bad::new(Code::TooLong, reason())) } else { Ok(line) }
                });
                whole.take(self.read, line)
            }
            Taken::Traits(staged, id) => take_traits(staged, &self.names, *id, &self.query.id, values, self.read),
            Taken::Members(rows, id) => {
                let is_member = match self.query.holds {
                    Holds::Changes(mode) => {
                        let at = self.names.iter().position(|name| name == CHANGE);
                        let word = match at.and_then(|at| values.get(at)) {
                            Some(Value::Text(word)) => Some(word.as_ref()),
                            _ => None,
                        };
                        members::decided(mode, word, CHANGE)
                    }
                    _ => Ok(true),
                };
                rows.take(self.read, &key(values.get(*id)), &self.query.id, is_member)
            }
        }
    }
}

/// Puts the traits of a row aside.
fn take_traits(
    staged: &mut Staged<'_>,
    names: &[String],
    id: usize,
    id_key: &str,
    values: &[Value<'_>],
    number: u64,
) -> Result<(), Error> {
    let key = key(values.get(id));
    if check_id(&key, id_key).is_err() {
        staged.counts.rejected += 1;
        return Ok(());
    }
    let mut traits: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
    let mut bytes = 0;
    for (index, (name, value)) in names.iter().zip(values).enumerate() {
        if index != id {
            let text = cell(value, None, name).ok().flatten();
            let value = text.and_then(|text| RawValue::from_string(text.into_owned()).ok());
            let value = value.unwrap_or_else(|| RawValue::NULL.to_owned());
            bytes += name.len() + value.get().len();
            traits.insert(name, value);
        }
    }
    if bytes > ROW_BYTES_MAX {
        return Err(refused(&format!("row {number} has {bytes} bytes, and {ROW_BYTES_MAX} is the most")));
    }
    staged.put(&key, &traits)
}

/// What is worth a look about a cursor.
fn tell(notes: &mut Vec<String>, follow: &Follow, rows: u64, name: &str) {
    let name = shown(name);
    if follow.nulls * 100 > rows {
        notes.push(format!("{} rows have no `{name}`: they are read each time", follow.nulls));
    }
    if follow.beyond > 0 {
        let count = follow.beyond;
        notes.push(format!(
            "{count} rows have a `{name}` that the server's clock has not reached: they are read each time"
        ));
    }
}

/// The id of a row.
pub(super) fn key<'v>(value: Option<&'v Value<'_>>) -> Cow<'v, str> {
    match value {
        Some(Value::Text(text)) => Cow::Borrowed(text),
        Some(Value::Number(number)) if number.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
            Cow::Borrowed(number)
        }
        _ => Cow::Borrowed(""),
    }
}

/// A value as JSON text.
fn cell<'v>(value: &'v Value<'_>, as_type: Option<&Type>, name: &str) -> Result<Cell<'v>, Bad> {
    let text = |text: &str| Cow::Owned(serde_json::Value::from(text).to_string());
    let unfit = |what: &str| Bad::new(Code::PartType, format!("`{}` is not {what}", shown(name)));
    Ok(Some(match (value, as_type) {
        (Value::Null | Value::Endless, _) => Cow::Borrowed("null"),
        (Value::Boolean(value), _) => Cow::Borrowed(if *value { "true" } else { "false" }),
        (Value::Number(number), Some(Type::Text)) => text(number),
        (Value::Number(number), Some(Type::Boolean)) => match number.as_ref() {
            "0" => Cow::Borrowed("false"),
            "1" => Cow::Borrowed("true"),
            _ => return Err(unfit("true or false")),
        },
        (Value::Number(number), _) => Cow::Borrowed(number),
        (Value::Text(word), Some(Type::Boolean)) => match word.as_ref() {
            "1" | "t" | "true" => Cow::Borrowed("true"),
            "0" | "f" | "false" => Cow::Borrowed("false"),
            _ => return Err(unfit("true or false")),
        },
        (Value::Text(number), Some(Type::Number)) => {
            let is_number = serde_json::from_str::<serde_json::Number>(number).is_ok();
            if is_number { Cow::Borrowed(number.as_ref()) } else { return Err(unfit("a number")) }
        }
        (Value::Text(json), Some(Type::Json)) => checked(json, name)?,
        (Value::Text(plain), _) => text(plain),
        (Value::Json(json), _) => checked(json, name)?,
    }))
}

/// JSON that may stand in a profile.
fn checked<'v>(json: &'v str, name: &str) -> Result<Cow<'v, str>, Bad> {
    let whole: Result<&RawValue, _> = serde_json::from_str(json);
    whole.map_err(|_| Bad::new(Code::InvalidJson, format!("`{}` is not JSON", shown(name))))?;
    check_depth(json)?;
    check_surrogates(json)?;
    Ok(Cow::Borrowed(json.trim()))
}

fn refused(reason: &str) -> Error {
    Error::Result { reason: reason.to_owned() }
}

/// Whether every column can be a trait beside those of other sources; the index of the id's.
fn traits(query: &Query, names: &[String]) -> Result<usize, Error> {
    for (index, name) in names.iter().enumerate() {
        if *name != query.id && (name.is_empty() || name.contains(['"', '\\', '.', '\0'])) {
            let name = shown(name);
            let reason = format!("column `{name}` cannot be a trait; rename it in the query: `select … as name`");
            return Err(Error::Result { reason });
        }
        if names.iter().skip(index + 1).any(|other| other == name) {
            return Err(refused(&format!("column `{}` stands twice; rename one in the query", shown(name))));
        }
    }
    let id = names.iter().position(|name| *name == query.id);
    id.ok_or_else(|| refused(&format!("it has no column `{}`, which is the id of a profile", shown(&query.id))))
}

/// Where the columns of a profile go.
fn profile_columns(query: &Query, names: &[String]) -> Result<Columns, Error> {
    let found = Columns::new(names, &query.columns, &query.id).map_err(|reason| Error::Columns { reason })?;
    match query.types.keys().find(|name| !names.contains(name)) {
        Some(absent) => {
            Err(Error::Columns { reason: format!("there is no column `{}`, which `types` names", shown(absent)) })
        }
        None => Ok(found),
    }
}

/// The index of the cursor's column, if there is a cursor.
fn cursor_index(query: &Query, names: &[String]) -> Result<Option<usize>, Error> {
    let Some(cursor) = &query.cursor else { return Ok(None) };
    let index = names.iter().position(|name| name == cursor);
    index.map(Some).ok_or_else(|| {
        let near = nearest(cursor, names.iter().map(String::as_str));
        let meant = near.map_or(String::new(), |near| format!("; did you mean `{}`", shown(near)));
        Error::Cursor { reason: format!("it has no column `{}`{meant}", shown(cursor)) }
    })
}

/// The index of the column that says who a member is: the id, or the only one.
fn member(query: &Query, names: &[String]) -> Result<usize, Error> {
    let is_whole = query.holds == Holds::Members;
    if let Some(id) = names.iter().position(|name| *name == query.id) {
        if is_whole || names.iter().any(|name| name == CHANGE) {
            return Ok(id);
        }
        return Err(refused(&format!("it has no column `{CHANGE}` that says `new`, `updated` or `deleted`")));
    }
    if is_whole && names.len() == 1 {
        return Ok(0);
    }
    Err(refused(&format!("it has no column `{}`, which is the id of a profile", shown(&query.id))))
}

impl Rows for Sink<'_> {
    type Error = Error;

    fn columns(&mut self, names: Vec<String>) -> Result<(), Error> {
        if names.len() > COLUMNS_MAX {
            return Err(refused(&format!("it has {} columns, and {COLUMNS_MAX} is the most", names.len())));
        }
        match &mut self.rows {
            Taken::Traits(_, id) => *id = traits(self.query, &names)?,
            Taken::Members(_, id) => *id = member(self.query, &names)?,
            Taken::Profiles(whole, columns) => {
                let found = profile_columns(self.query, &names)?;
                whole.note(found.trait_names()).map_err(|bad| Error::Columns { reason: bad.reason })?;
                *columns = Some(found);
                self.filled = vec![0; names.len()];
            }
        }
        if let Some(index) = cursor_index(self.query, &names)? {
            self.follow.get_or_insert_with(|| Follow::new(index)).index = index;
        }
        self.names = names;
        Ok(())
    }

    fn row(&mut self, values: &[Value<'_>]) -> Result<(), Error> {
        self.read += 1;
        if self.read > ROWS_MAX {
            return Err(refused(&format!("it has more than {ROWS_MAX} rows")));
        }
        if self.read.is_multiple_of(ROWS_BETWEEN_REPORTS) {
            (self.watch.on_progress)(self.read);
        }
        self.endless += values.iter().filter(|value| **value == Value::Endless).count() as u64;
        self.take(values)
    }
}

#[cfg(test)]
mod tests;
