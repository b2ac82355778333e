//! The one thread that writes.
//!
//! It takes all that waits, runs each job in a savepoint of one transaction, commits once, and only then
//! answers. What must never happen: an answer before the commit, a failed job that leaves a trace, or a
//! further commit after the disk failed under one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use std::vec;

use enroute_config::crash_point;
use enroute_core::durations::Durations;
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::folder::{Folder, Marker};
use crate::{Error, Transaction, connect, witness};

/// Most jobs that wait. Whoever has one more waits in turn.
const QUEUE_JOBS_MAX: usize = 256;

/// Most jobs in one commit, so that the first is not kept waiting without end.
const GROUP_JOBS_MAX: usize = 256;

/// How much a commit must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// The end of the process.
    Relaxed,
    /// A power cut.
    Full,
}

/// Something to be written.
pub(super) struct Job {
    durability: Durability,
    task: Box<dyn Task>,
}

trait Task: Send {
    /// Does the work, once.
    fn run(&mut self, transaction: &Transaction<'_>, path: &Path) -> Result<(), Error>;

    /// Tells the caller what became of it; `fault` is what happened to the transaction, if that went wrong.
    fn answer(self: Box<Self>, fault: Option<Error>);
}

struct Call<T, F, R> {
    f: Option<F>,
    result: Option<Result<T, Error>>,
    reply: R,
}

impl<T, F, R> Task for Call<T, F, R>
where
    T: Send,
    F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send,
    R: FnOnce(Result<T, Error>) + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>, path: &Path) -> Result<(), Error> {
        let f = self.f.take().ok_or(Error::Broken("a job runs once"))?;
        let result = f(transaction).map_err(|error| error.at(path));
        let failed = result.as_ref().err().cloned();
        self.result = Some(result);
        failed.map_or(Ok(()), Err)
    }

    fn answer(self: Box<Self>, fault: Option<Error>) {
        let reply = self.reply;
        match (self.result, fault) {
            (Some(Err(error)), _) | (_, Some(error)) => reply(Err(error)),
            (Some(Ok(value)), None) => reply(Ok(value)),
            (None, None) => reply(Err(Error::Broken("a job that was committed has run"))),
        }
    }
}

impl Job {
    pub(super) fn new<T: Send + 'static>(
        durability: Durability,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        reply: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) -> Self {
        Self { durability, task: Box::new(Call { f: Some(f), result: None, reply }) }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("durability", &self.durability).finish_non_exhaustive()
    }
}

/// The handle of the thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Option<Job>>,
    closing: Arc<AtomicBool>,
    commits: Arc<Mutex<Durations>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. Without a marker the file is somebody else's to close.
    pub(super) fn start(connection: Connection, folder: Folder, marker: Option<Marker>) -> Result<Self, Error> {
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let closing = Arc::new(AtomicBool::new(false));
        let commits = Arc::<Mutex<Durations>>::default();
        let path = folder.database();
        let failed = Error::folder("start the writer of", &path);
        let service = Service {
            connection,
            path: path.clone(),
            jobs,
            closing: Arc::clone(&closing),
            commits: Arc::clone(&commits),
            durability: Durability::Full,
            fault: None,
        };
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || service.run(&folder, marker.as_ref())).map_err(failed)?;
        Ok(Self { queue, closing, commits, thread: Some(thread) })
    }

    pub(super) fn queue(&self) -> mpsc::Sender<Option<Job>> {
        self.queue.clone()
    }

    /// How long commits took, with what was written in them.
    pub(super) fn commits(&self) -> Durations {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the thread. If the queue is full it is awake, and looks at `closing` after each group; other
        // senders may live on in futures that nobody polls, so their end cannot be waited for.
        let _ = self.queue.try_send(None);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Service {
    connection: Connection,
    path: PathBuf,
    jobs: mpsc::Receiver<Option<Job>>,
    closing: Arc<AtomicBool>,
    commits: Arc<Mutex<Durations>>,
    durability: Durability,
    fault: Option<Error>,
}

impl Service {
    fn run(mut self, folder: &Folder, marker: Option<&Marker>) {
        while let Some(first) = self.jobs.blocking_recv() {
            let mut group: Vec<Job> = first.into_iter().collect();
            while group.len() < GROUP_JOBS_MAX
                && let Ok(job) = self.jobs.try_recv()
            {
                group.extend(job);
            }
            while !group.is_empty() {
                group = self.commit(group);
            }
            if self.closing.load(Ordering::SeqCst) {
                self.jobs.close();
            }
        }
        if let Some(marker) = marker
            && self.fault.is_none()
            && close(self.connection, folder).is_ok()
        {
            marker.clear();
        }
    }

    /// Commits the jobs and answers them; returns those that did not get their turn.
    fn commit(&mut self, group: Vec<Job>) -> Vec<Job> {
        let mut waiting = group.into_iter();
        let mut ran = Vec::new();
        let began = Instant::now();
        let fault = self.transact(&mut waiting, &mut ran).err();
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).add(began.elapsed());
        if fault.is_some() && !self.connection.is_autocommit() {
            let _ = self.execute("rollback");
        }
        if let Some(error @ Error::Unsafe { .. }) = &fault {
            self.fault = Some(error.clone());
        }
        if fault.is_some() && ran.is_empty() {
            // Not even the transaction could begin; trying again at once would not end.
            ran.extend(waiting.by_ref());
        }
        for job in ran {
            job.task.answer(fault.clone());
        }
        waiting.collect()
    }

    /// Moves each job that had its turn to `ran`. Fails if the transaction as a whole is lost.
    fn transact(&mut self, waiting: &mut vec::IntoIter<Job>, ran: &mut Vec<Job>) -> Result<(), Error> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.set_durability(waiting.as_slice().iter().map(|job| job.durability).max())?;
        self.execute("begin immediate")?;
        for mut job in waiting {
            let kept = self.run_job(&mut job);
            ran.push(job);
            kept?;
        }
        crash_point!("store.committing");
        self.execute("commit")?;
        crash_point!("store.committed");
        Ok(())
    }

    fn run_job(&self, job: &mut Job) -> Result<(), Error> {
        self.execute("savepoint job")?;
        match job.task.run(&Transaction { connection: &self.connection }, &self.path) {
            Ok(()) => self.execute("release job"),
            // A full or failing disk can make SQLite give up the whole transaction.
            Err(error) if self.connection.is_autocommit() || matches!(error, Error::Unsafe { .. }) => Err(error),
            Err(_) => {
                self.execute("rollback to job")?;
                self.execute("release job")
            }
        }
    }

    fn set_durability(&mut self, wanted: Option<Durability>) -> Result<(), Error> {
        let wanted = wanted.unwrap_or(Durability::Full);
        if wanted != self.durability {
            let mode = if wanted == Durability::Full { "full" } else { "normal" };
            let set = self.connection.pragma_update(None, "synchronous", mode);
            set.map_err(|error| Error::from(error).at(&self.path))?;
            self.durability = wanted;
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> Result<(), Error> {
        let run = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(()));
        run.map(drop).map_err(|error| Error::from(error).at(&self.path))
    }
}

/// Moves the log into the file and closes it. What the file is like is written down before the log can go, and again
/// behind it: whoever dies in between leaves a file that is known.
fn close(connection: Connection, folder: &Folder) -> Result<(), Error> {
    // A reader may be in the way; then the log stays for the next start.
    let _ = connection.query_row("pragma wal_checkpoint(truncate)", (), |_| Ok(()));
    let path = folder.witness();
    crash_point!("store.closing");
    witness::write(folder).map_err(Error::folder("write", &path))?;
    connect::keep_log(&connection, false)?;
    connection.close().map_err(|(_, error)| Error::from(error))?;
    crash_point!("store.closed");
    witness::write(folder).map_err(Error::folder("write", &path))
}
