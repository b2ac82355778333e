//! Everything Enroute remembers: profiles, audiences, what destinations hold, and the ledger of deliveries.
//!
//! Owns the state folder: one SQLite file, another one where calls wait (`inbox`), the key that seals what was sent, and the lock that keeps a
//! second writer out. Only this module names `rusqlite`. One thread owns the connection that writes;
//! readers have connections of their own. What must never happen: half of a write, an acknowledged write
//! lost to a power cut, two writers, or a stored value that an operator's SQL can reach beside the view
//! `profiles`.

pub mod accounts;
pub mod again;
pub mod alerts;
pub mod audience;
pub mod calls;
pub mod chronicle;
pub mod computed;
pub mod condition;
mod connect;
mod consent;
mod error;
pub mod events;
pub mod feeds;
mod folder;
pub mod forgotten;
mod guard;
pub mod held;
pub mod imports;
pub mod inbox;
mod joining;
mod jsonb;
pub mod known;
pub mod layers;
pub mod ledger;
pub mod letters;
mod look;
pub mod membership;
pub mod outdated;
pub mod pace;
pub mod people;
pub mod places;
pub mod profiles;
pub mod records;
pub mod retention;
mod schema;
pub mod seal;
pub mod serving;
mod sql_text;
pub mod stage;
pub mod story;
#[cfg(test)]
mod tests;
pub mod tickets;
pub mod tokens;
pub mod traits;
pub mod values;
pub mod versions;
pub mod waiting;
pub mod warehouse;
mod witness;
mod writer;
pub mod yardstick;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;

use rusqlite::Connection;
use tokio::sync::oneshot;

pub use self::error::Error;
use self::folder::{Folder, Guest, Lock};
pub use self::look::Look;
pub use self::seal::Sealer;
pub use self::values::{Column, ValueReader};
use self::writer::{Durability, Job, Writer};

/// The state folder, open for writing. Dropping it writes out what is queued and closes the file.
#[derive(Debug)]
pub struct Store {
    folder: Folder,
    sealer: Sealer,
    // The order matters: the writer closes the file before the lock is given up.
    writer: Writer,
    _lock: Hold,
}

/// By what right the store is open for writing.
#[derive(Debug)]
enum Hold {
    Own(#[expect(dead_code, reason = "it is held, not read")] Lock),
    Lent(#[expect(dead_code, reason = "it is held, not read")] Guest),
}

/// A connection that only reads; it sees what was committed when each call, or [`Reader::snapshot`], began.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    sealer: Sealer,
}

/// A transaction of the writer. What is done through it is kept as a whole or not at all.
#[derive(Debug)]
pub struct Transaction<'a> {
    connection: &'a Connection,
}

/// A moment of the store that a reader keeps to.
#[derive(Debug)]
pub struct Moment<'a> {
    reader: &'a Reader,
    begun: Option<rusqlite::Transaction<'a>>,
}

/// A write that was handed over and is still to be waited for.
#[derive(Debug)]
pub struct Pending<T> {
    answer: mpsc::Receiver<Result<T, Error>>,
}

impl Store {
    /// Opens the state folder, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] while another process has it open; [`Error::Newer`] if a later Enroute wrote it;
    /// [`Error::Damaged`] if the check after an unclean stop fails. Nothing is ever repaired silently.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_limited(dir, None)
    }

    fn open_limited(dir: &Path, pages_max: Option<u32>) -> Result<Self, Error> {
        let folder = Folder::make(dir)?;
        let lock = Lock::take(&folder)?;
        let path = folder.database();
        let is_doubtful = witness::compare(&folder, lock.was_left_open())?;
        let sealer = folder.sealer()?;
        folder.make_database()?;
        let connection = connect::writer(&path, &sealer, is_doubtful).map_err(|error| error.at(&path))?;
        if let Some(pages) = pages_max {
            connection.pragma_update(None, "max_page_count", pages).map_err(|error| Error::from(error).at(&path))?;
        }
        lock.mark_open()?;
        let writer = Writer::start(connection, folder.clone(), Some(lock.marker()?))?;
        Ok(Self { folder, sealer, writer, _lock: Hold::Own(lock) })
    }

    /// Opens the store for writing beside the process that has the lock, which has lent it and keeps its own writes small
    /// meanwhile. SQLite lets one transaction follow the other; closing leaves the file to its owner.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if there is no store; otherwise as [`Store::open`].
    pub fn open_beside(dir: &Path) -> Result<Self, Error> {
        let folder = Folder::find(dir)?;
        let guest = Guest::enter(&folder)?;
        let (path, sealer) = (folder.database(), folder.sealer_existing()?);
        let connection = connect::writer(&path, &sealer, false).map_err(|error| error.at(&path))?;
        let writer = Writer::start(connection, folder.clone(), None)?;
        Ok(Self { folder, sealer, writer, _lock: Hold::Lent(guest) })
    }

    /// Opens another connection that only reads.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open(&self.folder.database(), self.sealer.clone())
    }

    /// Reads on a thread where blocking is fine, with a reader of its own.
    ///
    /// # Errors
    ///
    /// What `work` returns, or what kept the file from being opened.
    pub async fn read<T, E, F>(self: &Arc<Self>, work: F) -> Result<T, E>
    where
        F: FnOnce(&Reader) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let store = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || work(&store.reader()?));
        read.await.unwrap_or_else(|_| Err(Error::Broken("a reader was lost").into()))
    }

    /// What plugins learned in earlier runs, by audience and destination.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn remotes(&self) -> Result<ledger::Remotes, Error> {
        ledger::remotes(&self.reader()?)
    }

    /// Opens the state folder for reading alone, also while another process writes to it.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if there is no store; otherwise as [`Store::open`].
    pub fn open_read(dir: &Path) -> Result<Reader, Error> {
        witness::refuse_lost(&Folder::at(dir))?;
        let folder = Folder::find(dir)?;
        let sealer = folder.sealer_existing()?;
        Reader::open(&folder.database(), sealer)
    }

    /// Runs `f` in a transaction; when the future is ready with `Ok`, its effects survive a power cut.
    ///
    /// Writes that wait at the same time share one commit, each in a savepoint of its own: one that fails
    /// leaves no trace and does not disturb the others. Dropping the future does not take back a write
    /// that has been queued, which happens when it is first polled.
    ///
    /// # Errors
    ///
    /// What `f` returns, or what kept the commit from happening.
    pub fn write<T, F>(&self, f: F) -> impl Future<Output = Result<T, Error>> + Send + use<T, F>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.queue_write(Durability::Full, f)
    }

    /// As [`Store::write`], but a power cut may lose it until a later [`Store::write`] is done; the end of the process
    /// does not.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn write_relaxed<T, F>(&self, f: F) -> impl Future<Output = Result<T, Error>> + Send + use<T, F>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.queue_write(Durability::Relaxed, f)
    }

    fn queue_write<T, F>(
        &self,
        durability: Durability,
        f: F,
    ) -> impl Future<Output = Result<T, Error>> + Send + use<T, F>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Job::new(durability, f, move |result| drop(reply.send(result)));
        let queue = self.writer.queue();
        async move {
            queue.send(Some(job)).await.map_err(|_| Error::Closed)?;
            answer.await.map_err(|_| Error::Closed)?
        }
    }

    /// As [`Store::write`], for a thread that may wait. Must not be called from async code.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn write_blocking<T, F>(&self, f: F) -> Result<T, Error>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(Durability::Full, f)?.wait()
    }

    /// Queues a write that may be lost to a power cut until a later [`Store::write`] is done; never half of it.
    ///
    /// For imports, which can be run again. Must not be called from async code.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the writer has stopped.
    pub fn submit_relaxed<T, F>(&self, f: F) -> Result<Pending<T>, Error>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(Durability::Relaxed, f)
    }

    fn submit<T, F>(&self, durability: Durability, f: F) -> Result<Pending<T>, Error>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = mpsc::sync_channel(1);
        let job = Job::new(durability, f, move |result| drop(reply.send(result)));
        self.writer.queue().blocking_send(Some(job)).map_err(|_| Error::Closed)?;
        Ok(Pending { answer })
    }

    /// What seals and hashes with this store's key.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The state folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.folder.dir()
    }
}

impl<T> Pending<T> {
    /// Waits until the write is committed or has failed.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn wait(self) -> Result<T, Error> {
        self.answer.recv().map_err(|_| Error::Closed)?
    }
}

impl Reader {
    fn open(path: &Path, sealer: Sealer) -> Result<Self, Error> {
        let connection = connect::reader(path, &sealer).map_err(|error| error.at(path))?;
        Ok(Self { connection, path: path.to_owned(), sealer })
    }

    /// Runs `f` so that all it reads is of one moment.
    ///
    /// # Errors
    ///
    /// What `f` returns, or what kept the snapshot from being taken.
    pub fn snapshot<T>(&self, f: impl FnOnce(&Self) -> Result<T, Error>) -> Result<T, Error> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.explain(error))?;
        let result = f(self);
        transaction.finish().map_err(|error| self.explain(error))?;
        result
    }

    /// Keeps to one moment of the store until it is ended or dropped; within a snapshot, to that one. Each statement
    /// outside of it takes and gives back locks on the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn moment(&self) -> Result<Moment<'_>, Error> {
        let begun = self.connection.is_autocommit().then(|| self.connection.unchecked_transaction()).transpose();
        begun.map(|begun| Moment { reader: self, begun }).map_err(|error| self.explain(error))
    }

    /// The connection, for the statements of this module.
    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The last revision that changed a profile; 0 while there are none.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn revision(&self) -> Result<i64, Error> {
        schema::revision(&self.connection).map_err(|error| self.explain(error))
    }

    /// What seals and hashes with this store's key.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    fn explain(&self, error: rusqlite::Error) -> Error {
        Error::Database(Arc::new(error)).at(&self.path)
    }
}

impl Moment<'_> {
    /// Ends it; dropping it does the same without telling whether that went well.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn end(self) -> Result<(), Error> {
        self.begun.map_or(Ok(()), rusqlite::Transaction::finish).map_err(|error| self.reader.explain(error))
    }
}

impl Transaction<'_> {
    /// The connection, for the statements of this module.
    pub(crate) const fn connection(&self) -> &Connection {
        self.connection
    }

    /// The last revision that changed a profile, this transaction's changes included.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn revision(&self) -> Result<i64, Error> {
        Ok(schema::revision(self.connection)?)
    }

    /// Records that `revision` is the last one that changed a profile.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn set_revision(&self, revision: i64) -> Result<(), Error> {
        Ok(schema::set_meta(self.connection, schema::REVISION, revision)?)
    }
}
