//! How far each import came, and what it could not take.

use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, named_params};

use crate::{Error, Reader, Transaction};

/// Most rejected lines of one import that are kept. The count is complete; a person reads a few of them.
pub const REJECTIONS_KEPT: u64 = 1000;

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It goes on, or was interrupted and can go on.
    Running,
    /// It came to the end of the file.
    Done,
    /// It gave up; a new one begins from the start.
    Stopped,
}

/// An import. The counts are of all its runs, and `read` is the sum of the other six.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number; 0 before it is stored.
    pub id: i64,
    /// The source that it belongs to.
    pub source: String,
    /// The file.
    pub path: String,
    /// A keyed hash of the bytes before `offset`, as hexadecimal digits.
    pub file_id: String,
    /// Length of the file when it was last looked at.
    pub bytes: u64,
    /// Bytes that are dealt with.
    pub offset: u64,
    /// Lines that are dealt with.
    pub line: u64,
    /// Where it stands.
    pub state: State,
    /// Profiles read, rejected ones included.
    pub read: u64,
    /// Profiles that were not known.
    pub added: u64,
    /// Profiles whose content is another.
    pub updated: u64,
    /// Profiles whose content is the same.
    pub unchanged: u64,
    /// Lines that are not a profile.
    pub rejected: u64,
    /// Profiles that this import wrote before; the last one stands.
    pub repeated: u64,
    /// Calls that say nothing of a known person, such as page views and those of anonymous visitors, and lines about
    /// people who were forgotten.
    pub skipped: u64,
    /// The first revision that this import could have written.
    pub revision: i64,
    /// When it began, in ms since 1970.
    pub started_ms: i64,
    /// When it came to its end.
    pub ended_ms: Option<i64>,
}

/// A line that was not taken. It never holds what the line said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The line's number, from 1.
    pub line: u64,
    /// What is wrong with it, for a program.
    pub code: String,
    /// What is wrong with it, for a person.
    pub reason: String,
}

const COLUMNS: &str = "id, source, path, file_id, bytes, offset, line, state, read, added, updated, unchanged,
    rejected, repeated, skipped, revision, started_ms, ended_ms";

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
        }
    }
}

impl Transaction<'_> {
    /// Stores an import, and gives it a number if it has none.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save_import(&self, record: &Record) -> Result<i64, Error> {
        let sql = format!(
            "insert or replace into import ({COLUMNS}) values (nullif(:id, 0), :source, :path, :file_id, :bytes,
             :offset, :line, :state, :read, :added, :updated, :unchanged, :rejected, :repeated, :skipped, :revision,
             :started_ms, :ended_ms)"
        );
        self.connection.prepare_cached(&sql)?.execute(named_params! {
            ":id": record.id, ":source": record.source, ":path": record.path, ":file_id": record.file_id,
            ":bytes": to_sql(record.bytes), ":offset": to_sql(record.offset), ":line": to_sql(record.line),
            ":state": record.state.as_str(), ":read": to_sql(record.read), ":added": to_sql(record.added),
            ":updated": to_sql(record.updated), ":unchanged": to_sql(record.unchanged),
            ":rejected": to_sql(record.rejected), ":repeated": to_sql(record.repeated),
            ":skipped": to_sql(record.skipped),
            ":revision": record.revision, ":started_ms": record.started_ms, ":ended_ms": record.ended_ms,
        })?;
        Ok(if record.id == 0 { self.connection.last_insert_rowid() } else { record.id })
    }

    /// The import with this number.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn import(&self, id: i64) -> Result<Option<Record>, Error> {
        let sql = format!("select {COLUMNS} from import where id = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([id], record).optional()?)
    }

    /// Ends the imports of a file that were interrupted, because a new one begins.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn stop_imports(&self, source: &str, path: &str) -> Result<(), Error> {
        let sql = "update import set state = 'stopped' where source = ?1 and path = ?2 and state = 'running'";
        self.connection.prepare_cached(sql)?.execute((source, path))?;
        Ok(())
    }

    /// Keeps rejected lines of an import that has `before` of them, up to [`REJECTIONS_KEPT`].
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn reject_lines(&self, import: i64, before: u64, rejections: &[Rejection]) -> Result<(), Error> {
        let room = usize::try_from(REJECTIONS_KEPT.saturating_sub(before)).unwrap_or(usize::MAX);
        let sql = "insert into import_rejection (import, line, code, reason) values (?1, ?2, ?3, ?4)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for one in rejections.iter().take(room) {
            statement.execute((import, to_sql(one.line), &one.code, &one.reason))?;
        }
        Ok(())
    }
}

impl Reader {
    /// The latest import of a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn latest_import(&self, source: &str, path: &str) -> Result<Option<Record>, Error> {
        let sql = format!("select {COLUMNS} from import where source = ?1 and path = ?2 order by id desc limit 1");
        let found = self.connection.prepare_cached(&sql);
        let found = found.and_then(|mut statement| statement.query_row((source, path), record).optional());
        found.map_err(|error| self.explain(error))
    }

    /// The latest imports, newest first.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn imports(&self, count_max: u32) -> Result<Vec<Record>, Error> {
        let read = || {
            let sql = format!("select {COLUMNS} from import order by id desc limit ?1");
            self.connection.prepare_cached(&sql)?.query_map([count_max], record)?.collect::<Result<_, _>>()
        };
        read().map_err(|error| self.explain(error))
    }

    /// The rejected lines of an import that were kept, in the order of the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn import_rejections(&self, import: i64) -> Result<Vec<Rejection>, Error> {
        let rejection = |row: &Row<'_>| {
            Ok(Rejection { line: from_sql(row, "line")?, code: row.get("code")?, reason: row.get("reason")? })
        };
        let read = || {
            let sql = "select line, code, reason from import_rejection where import = ?1 order by line, rowid";
            self.connection.prepare_cached(sql)?.query_map([import], rejection)?.collect::<Result<_, _>>()
        };
        read().map_err(|error| self.explain(error))
    }
}

fn record(row: &Row<'_>) -> Result<Record, rusqlite::Error> {
    let state = match row.get_ref("state")?.as_str()? {
        "running" => State::Running,
        "done" => State::Done,
        _ => State::Stopped,
    };
    Ok(Record {
        id: row.get("id")?,
        source: row.get("source")?,
        path: row.get("path")?,
        file_id: row.get("file_id")?,
        bytes: from_sql(row, "bytes")?,
        offset: from_sql(row, "offset")?,
        line: from_sql(row, "line")?,
        state,
        read: from_sql(row, "read")?,
        added: from_sql(row, "added")?,
        updated: from_sql(row, "updated")?,
        unchanged: from_sql(row, "unchanged")?,
        rejected: from_sql(row, "rejected")?,
        repeated: from_sql(row, "repeated")?,
        skipped: from_sql(row, "skipped")?,
        revision: row.get("revision")?,
        started_ms: row.get("started_ms")?,
        ended_ms: row.get("ended_ms")?,
    })
}

/// SQLite's integers have a sign; no count of ours comes near to it.
fn to_sql(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn from_sql(row: &Row<'_>, column: &str) -> Result<u64, rusqlite::Error> {
    let value: i64 = row.get(column)?;
    let index = row.as_ref().column_index(column)?;
    u64::try_from(value)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Integer, Box::new(error)))
}
