//! Where calls of clients wait: a file of its own, so that an answer needs one small commit and nobody else's lock.
//!
//! A thread is the only writer. It takes all that waits, commits once with full synchronisation, and only then answers;
//! rows leave when the store has committed what they say. What must never happen: an answer before the commit, a row
//! that leaves before the store has it, or a queue that hides that more comes in than can be written.

mod gate;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use enroute_core::durations::Durations;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Notify, mpsc, oneshot};

use self::gate::Gate;
pub use self::gate::{Busy, Permit};
use crate::folder::private;
use crate::{Error, Store};

/// Marks the file as an inbox of ours: `EnIn`.
const APPLICATION_ID: i64 = 0x456E_496E;

/// Calls that may wait; 400 bytes each, so that a destination of rows that stands still costs a gigabyte and not a disk.
pub const CALLS_MAX: u64 = 2_000_000;

/// Most jobs that wait for the thread, and most in one commit.
const QUEUE_JOBS_MAX: usize = 1024;
const GROUP_JOBS_MAX: usize = 256;

/// Pages in the log after which a commit moves them into the file: 16 MiB.
const CHECKPOINT_PAGES: u32 = 4096;

const SCHEMA: &str = "create table if not exists inbox (
    id integer primary key autoincrement, -- never given twice, so that what was applied can be named
    source text not null,
    anonymous integer not null,
    received_ms integer not null,
    calls integer not null,
    body blob not null
) strict";

/// Calls of one request, as they wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number; 0 before it is stored. Later ones have greater numbers.
    pub id: i64,
    /// The source that they came to.
    pub source: String,
    /// Whether visitors are profiles there.
    pub anonymous: bool,
    /// When they came, in ms since 1970.
    pub received_ms: i64,
    /// How many they are.
    pub count: u32,
    /// The calls, by [`crate::calls::pack`].
    pub calls: Vec<u8>,
}

/// An inbox, open. Dropping it writes out what is queued and closes the file.
pub struct Inbox {
    path: PathBuf,
    queue: mpsc::Sender<Job>,
    state: Arc<State>,
    reader: Mutex<Connection>,
    thread: Option<JoinHandle<()>>,
}

/// What is known of an inbox without asking the file.
#[derive(Debug)]
struct State {
    gate: Gate,
    calls: AtomicU64,
    calls_max: u64,
    oldest_ms: AtomicI64,
    closing: AtomicBool,
    arrived: Notify,
    commits: Mutex<Durations>,
}

enum Job {
    Put { rows: Vec<Row>, reply: oneshot::Sender<Result<(), Error>> },
    Remove { up_to: i64, reply: oneshot::Sender<Result<(), Error>> },
    Wake,
}

impl Inbox {
    /// Opens the inbox beside a store, and makes it where there is none. The store's lock is the inbox's too.
    ///
    /// # Errors
    ///
    /// [`Error::Foreign`] and [`Error::Damaged`], or if the file cannot be opened.
    pub fn open(store: &Store) -> Result<Self, Error> {
        Self::open_at(&store.dir().join("inbox.db"), CALLS_MAX)
    }

    pub(crate) fn open_at(path: &Path, calls_max: u64) -> Result<Self, Error> {
        private().write(true).create(true).truncate(false).open(path).map_err(Error::folder("make", path))?;
        let connection = writer(path).map_err(|error| error.at(path))?;
        let reader = reader(path).map_err(|error| error.at(path))?;
        let (calls, oldest_ms) = waiting(&connection).map_err(|error| error.at(path))?;
        let state = Arc::new(State {
            gate: Gate::new(),
            calls: AtomicU64::new(calls),
            calls_max,
            oldest_ms: AtomicI64::new(oldest_ms),
            closing: AtomicBool::new(false),
            arrived: Notify::new(),
            commits: Mutex::default(),
        });
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let service = Service { connection, path: path.to_owned(), jobs, state: Arc::clone(&state), fault: None };
        let thread = std::thread::Builder::new().name("inbox-writer".to_owned()).spawn(move || service.run());
        let thread = Some(thread.map_err(Error::folder("start the writer of", path))?);
        Ok(Self { path: path.to_owned(), queue, state, reader: Mutex::new(reader), thread })
    }

    /// Asks whether so many bytes can be made durable soon, and if so keeps room for them until the permit is dropped.
    ///
    /// # Errors
    ///
    /// [`Busy`] says when to come again.
    pub fn admit(&self, bytes: u64) -> Result<Permit, Busy> {
        let calls = self.calls();
        if calls >= self.state.calls_max {
            return Err(Busy::full());
        }
        self.state.gate.admit(bytes)
    }

    /// Puts rows in; when it is done they survive a power cut. All are kept, or none.
    ///
    /// # Errors
    ///
    /// [`Error::Full`], [`Error::Unsafe`], or [`Error::Closed`] once the inbox is closed.
    pub async fn put(&self, rows: Vec<Row>) -> Result<(), Error> {
        if self.state.closing.load(Ordering::SeqCst) {
            return Err(Error::Closed);
        }
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job::Put { rows, reply }).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Takes nothing in any more; what is queued is written.
    pub fn close(&self) {
        self.state.closing.store(true, Ordering::SeqCst);
        // If the queue is full the thread is awake, and looks after each group.
        let _ = self.queue.try_send(Job::Wake);
    }

    /// The first rows after the row `after`, of some `calls_max` calls; at least one row, where there is any.
    ///
    /// Must not be called from async code.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn next(&self, after: i64, calls_max: u32) -> Result<Vec<Row>, Error> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        read(&reader, after, calls_max).map_err(|error| Error::from(error).at(&self.path))
    }

    /// Takes out all rows up to this one: the store has them. A power cut may bring them back.
    ///
    /// # Errors
    ///
    /// As [`Inbox::put`].
    pub async fn remove(&self, up_to: i64) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job::Remove { up_to, reply }).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Waits until rows came in since this was last waited for.
    pub async fn arrived(&self) {
        self.state.arrived.notified().await;
    }

    /// How many calls wait.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.calls.load(Ordering::Relaxed)
    }

    /// When the call came that waits longest, in ms since 1970; none where none waits.
    #[must_use]
    pub fn oldest_ms(&self) -> Option<i64> {
        Some(self.state.oldest_ms.load(Ordering::Relaxed)).filter(|ms| *ms != i64::MAX)
    }

    /// How long commits took since it was opened, with what was written in them.
    #[must_use]
    pub fn commits(&self) -> Durations {
        self.state.commits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes that were admitted and are not durable yet.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.state.gate.waiting()
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("path", &self.path).field("calls", &self.calls()).finish_non_exhaustive()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Service {
    connection: Connection,
    path: PathBuf,
    jobs: mpsc::Receiver<Job>,
    state: Arc<State>,
    fault: Option<Error>,
}

impl Service {
    fn run(mut self) {
        while let Some(first) = self.jobs.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP_JOBS_MAX
                && let Ok(job) = self.jobs.try_recv()
            {
                group.push(job);
            }
            self.commit(group);
            if self.state.closing.load(Ordering::SeqCst) {
                self.jobs.close();
            }
        }
        if self.fault.is_none() {
            // Where a reader is in the way the log stays for the next start.
            let _ = self.connection.query_row("pragma wal_checkpoint(truncate)", (), |_| Ok(()));
        }
    }

    /// Commits what the jobs ask for, and answers them.
    fn commit(&mut self, group: Vec<Job>) {
        let began = Instant::now();
        let done = self.transact(&group).map_err(|error| error.at(&self.path));
        if done.is_err() && !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("rollback");
        }
        self.state.commits.lock().unwrap_or_else(PoisonError::into_inner).add(began.elapsed());
        if let Err(error @ Error::Unsafe { .. }) = &done {
            self.fault = Some(error.clone());
        }
        let mut bytes = 0;
        for job in group {
            match job {
                Job::Put { rows, reply } => {
                    bytes += rows.iter().map(|row| row.calls.len() as u64).sum::<u64>();
                    let _ = reply.send(done.clone());
                }
                Job::Remove { reply, .. } => drop(reply.send(done.clone())),
                Job::Wake => {}
            }
        }
        if done.is_ok() && bytes > 0 {
            self.state.gate.wrote(bytes, began.elapsed());
            self.state.arrived.notify_one();
        }
    }

    fn transact(&self, group: &[Job]) -> Result<(), Error> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if group.iter().all(|job| matches!(job, Job::Wake)) {
            return Ok(());
        }
        let transaction = self.connection.unchecked_transaction()?;
        let (mut added, mut removed) = (0, 0);
        for job in group {
            match job {
                Job::Put { rows, .. } => added += put(&transaction, rows)?,
                Job::Remove { up_to, .. } => removed += remove(&transaction, *up_to)?,
                Job::Wake => {}
            }
        }
        let sql = "select received_ms from inbox order by id limit 1";
        let oldest = transaction.prepare_cached(sql)?.query_row((), |row| row.get(0));
        transaction.commit()?;
        self.state.calls.fetch_add(added, Ordering::Relaxed);
        self.state.calls.fetch_sub(removed, Ordering::Relaxed);
        self.state.oldest_ms.store(oldest.unwrap_or(i64::MAX), Ordering::Relaxed);
        Ok(())
    }
}

fn put(connection: &Connection, rows: &[Row]) -> Result<u64, Error> {
    let sql = "insert into inbox (source, anonymous, received_ms, calls, body) values (?1, ?2, ?3, ?4, ?5)";
    let mut insert = connection.prepare_cached(sql)?;
    for row in rows {
        insert.execute((&row.source, row.anonymous, row.received_ms, row.count, &row.calls))?;
    }
    Ok(rows.iter().map(|row| u64::from(row.count)).sum())
}

fn remove(connection: &Connection, up_to: i64) -> Result<u64, Error> {
    let sql = "select coalesce(sum(calls), 0) from inbox where id <= ?1";
    let calls: i64 = connection.prepare_cached(sql)?.query_row([up_to], |row| row.get(0))?;
    connection.prepare_cached("delete from inbox where id <= ?1")?.execute([up_to])?;
    Ok(u64::try_from(calls).unwrap_or(0))
}

fn read(connection: &Connection, after: i64, calls_max: u32) -> Result<Vec<Row>, rusqlite::Error> {
    let sql = "select id, source, anonymous, received_ms, calls, body from inbox where id > ?1 order by id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([after])?;
    let (mut rows, mut calls) = (Vec::new(), 0);
    while calls < calls_max
        && let Some(row) = found.next()?
    {
        let count = row.get(4)?;
        calls += count;
        rows.push(Row {
            id: row.get(0)?,
            source: row.get(1)?,
            anonymous: row.get(2)?,
            received_ms: row.get(3)?,
            count,
            calls: row.get(5)?,
        });
    }
    Ok(rows)
}

/// How many calls wait, and since when.
fn waiting(connection: &Connection) -> Result<(u64, i64), Error> {
    let sql = "select coalesce(sum(calls), 0), coalesce(min(received_ms), ?1) from inbox";
    let (calls, oldest): (i64, i64) = connection.query_row(sql, [i64::MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((u64::try_from(calls).unwrap_or(0), oldest))
}

fn writer(path: &Path) -> Result<Connection, Error> {
    let log = fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len());
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let is_empty: bool = connection.query_row("select count(*) = 0 from sqlite_schema", (), |row| row.get(0))?;
    if id != APPLICATION_ID && !(is_empty && id == 0) {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    if log > 0 {
        // The last owner did not come to its end.
        let said: String = connection.query_row("pragma quick_check(1)", (), |row| row.get(0))?;
        if said != "ok" {
            return Err(Error::Damaged { path: path.to_owned(), detail: said });
        }
    }
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.execute_batch(SCHEMA)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(connection)
}

fn reader(path: &Path) -> Result<Connection, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(path: &Path, how: OpenFlags) -> Result<Connection, Error> {
    let flags = how | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
