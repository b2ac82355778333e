//! What can go wrong with the store, in words that say what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

/// A failure of the store. Cheap to clone, because one failed commit answers many writes.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no store in the folder.
    #[error("there is no store at {path}; import profiles first")]
    Missing {
        /// Where the file should be.
        path: PathBuf,
    },
    /// The folder or a file in it cannot be used.
    #[error("cannot {doing} {path}")]
    Folder {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Arc<io::Error>,
    },
    /// Others than the owner may write to the folder: they could put their own store or key there.
    #[error("others may write to the state folder {dir} (mode {mode:o}): take that from them with `chmod 700 {dir}`")]
    Exposed {
        /// The folder.
        dir: PathBuf,
        /// Its rights.
        mode: u32,
    },
    /// Another process writes to the store.
    #[error("the store {path} is in use by process {pid}; wait for it or stop it")]
    Locked {
        /// The state folder.
        path: PathBuf,
        /// The process that holds the lock, as it wrote itself down.
        pid: String,
    },
    /// The key of the store is not there, though the store is.
    #[error("the key {path} of the store is missing; restore it from the backup that has the store")]
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// The key file does not hold a key, or the key of another store.
    #[error("the key {path} does not belong to the store; restore both from the same backup")]
    KeyWrong {
        /// The key file.
        path: PathBuf,
    },
    /// A later version of Enroute wrote the store.
    #[error("the store {path} has format {found}, and this Enroute knows up to {known}; use the newer Enroute")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that is known here.
        known: i64,
    },
    /// An earlier version of Enroute wrote the store, and nothing has migrated it yet.
    #[error(
        "the store {path} has the older format {found}; any command that writes, such as `enroute sync`, updates it"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// The file is a database of something else.
    #[error("{path} is not a store of Enroute")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged. It is never repaired silently.
    #[error(
        "the store {path} is damaged ({detail}); restore the state folder from a backup, or, to begin anew, remove that folder"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check said.
        detail: String,
    },
    /// The store was there when it was closed, and is not any more, or less of it is. It is never taken for a new one.
    #[error(
        "the store {path} is not the one that was closed last: {detail}. Without it nobody knows what was sent: everybody \
         would be sent again, and nobody withdrawn. Restore the whole folder {dir} from a backup, or, to begin anew all \
         the same, remove that folder"
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// The state folder.
        dir: PathBuf,
        /// What is missing.
        detail: String,
    },
    /// There is no room left. What was being written is rolled back as a whole.
    #[error("there is no space left for {path}{}; nothing of this write was kept", Free(.free_bytes))]
    Full {
        /// The file that could not grow.
        path: PathBuf,
        /// Bytes that its disk has left for us, where the system tells.
        free_bytes: Option<u64>,
    },
    /// The disk failed, so that nobody can know what it holds. Only a restart, with its check, helps.
    #[error("the disk failed under {path}; stop, check the disk, then start again")]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The database refused a statement for another reason.
    #[error("the store refused a statement")]
    Database(#[source] Arc<rusqlite::Error>),
    /// Something that was sealed cannot be opened: another key, another context, or changed bytes.
    #[error("a sealed value cannot be opened with the key of this store")]
    Sealed,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(String),
    /// A column that nobody can ask for.
    #[error("`{path}` is not a path of a trait: {reason}")]
    Path {
        /// The path as written.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A query of an operator's own file.
    #[error("cannot query {path}: {reason}")]
    Warehouse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it or the query.
        reason: String,
    },
    /// A query of an operator's own file that somebody asked to stop.
    #[error("the query was stopped")]
    Interrupted,
    /// A trait that two sources have.
    #[error("trait `{name}` is {ours}, and {theirs} as well; give one of them another name")]
    TraitTaken {
        /// The trait.
        name: String,
        /// What it is for the source that came second.
        ours: String,
        /// What it is already.
        theirs: String,
    },
    /// A rule of our own is broken; this is a bug.
    #[error("internal: {0}")]
    Broken(&'static str),
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl Error {
    pub(super) fn folder(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::full(path),
            _ => Self::Folder { doing, path: path.to_owned(), source: Arc::new(source) },
        }
    }

    fn full(path: &Path) -> Self {
        Self::Full { path: path.to_owned(), free_bytes: free_bytes(path) }
    }

    /// Gives the failures that need a person a name and the file they are about.
    pub(super) fn at(self, path: &Path) -> Self {
        let Self::Database(source) = self else { return self };
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::full(&path),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, detail: source.to_string() }
            }
            Some(ErrorCode::SystemIoFailure) => Self::Unsafe { path, source },
            _ => Self::Database(source),
        }
    }
}

/// How much room there is, for a message.
struct Free<'a>(&'a Option<u64>);

impl fmt::Display for Free<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |bytes| write!(f, " ({bytes} bytes are free)"))
    }
}

#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(path.parent()?).ok()?;
    about.f_bavail.checked_mul(about.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
