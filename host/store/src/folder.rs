//! The state folder: who may read it, who writes to it, and the key in it.
//!
//! Only the owner can enter the folder (0700) or read a file in it (0600): it holds people's data and the
//! key of what is sealed.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::Error;
use crate::seal::{KEY_BYTES, Sealer};

/// Longest content of the lock file that is read: a process id and a line end.
const LOCK_BYTES_MAX: u64 = 32;

/// The state folder and the names in it.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    dir: PathBuf,
}

/// The proof that nobody else writes. While the store is open the file holds our process id, so that a
/// second opener can name it, and the next opener can see that the last one did not come to its end.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    was_left_open: bool,
}

/// The proof, for whoever comes to own the store next, that somebody to whom it was lent still writes.
#[derive(Debug)]
pub(super) struct Guest(#[expect(dead_code, reason = "its lock is held as long as it is open")] File);

/// Empties the lock file once everything is written out.
#[derive(Debug)]
pub(super) struct Marker(File);

impl Folder {
    /// Makes the folder where there is none.
    pub(super) fn make(dir: &Path) -> Result<Self, Error> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir).map_err(Error::folder("make the folder", dir))?;
        let dir = fs::canonicalize(dir).map_err(Error::folder("enter", dir))?;
        refuse_exposed(&dir)?;
        Ok(Self { dir })
    }

    /// A folder, whether it is there or not.
    pub(super) fn at(dir: &Path) -> Self {
        Self { dir: fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned()) }
    }

    /// Finds a folder that has a store.
    pub(super) fn find(dir: &Path) -> Result<Self, Error> {
        let folder = Self::at(dir);
        let path = folder.database();
        if fs::metadata(&path).is_ok_and(|file| file.len() > 0) { Ok(folder) } else { Err(Error::Missing { path }) }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn database(&self) -> PathBuf {
        self.dir.join("store.db")
    }

    /// What the database was like when it was closed.
    pub(super) fn witness(&self) -> PathBuf {
        self.dir.join("store.closed")
    }

    fn key(&self) -> PathBuf {
        self.dir.join("store.key")
    }

    /// Makes the file before SQLite does, which would let others read it; its side files take after it.
    pub(super) fn make_database(&self) -> Result<(), Error> {
        let path = self.database();
        private().write(true).create(true).truncate(false).open(&path).map_err(Error::folder("make", &path))?;
        Ok(())
    }

    /// Reads the key, or makes one if there is nothing yet that it could have sealed.
    pub(super) fn sealer(&self) -> Result<Sealer, Error> {
        let has_data = fs::metadata(self.database()).is_ok_and(|file| file.len() > 0);
        if has_data || self.key().exists() { self.sealer_existing() } else { self.make_key() }
    }

    pub(super) fn sealer_existing(&self) -> Result<Sealer, Error> {
        let path = self.key();
        let bytes = match fs::read(&path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::KeyMissing { path }),
            Err(error) => return Err(Error::folder("read", &path)(error)),
        };
        let key = <&[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map_err(|_| Error::KeyWrong { path })?;
        Ok(Sealer::new(key))
    }

    fn make_key(&self) -> Result<Sealer, Error> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(key.as_mut()).map_err(|error| Error::Random(error.to_string()))?;
        let (path, unfinished) = (self.key(), self.dir.join("store.key.new"));
        let write = || -> io::Result<()> {
            let mut file = private().write(true).create(true).truncate(true).open(&unfinished)?;
            file.write_all(key.as_ref())?;
            file.sync_all()?;
            // Renamed when whole, so that a key cut short never comes to be.
            fs::rename(&unfinished, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(Error::folder("write the key", &path))?;
        Ok(Sealer::new(&key))
    }
}

impl Lock {
    pub(super) fn take(folder: &Folder) -> Result<Self, Error> {
        let path = folder.dir.join("store.lock");
        let open = private().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(Error::folder("open", &path))?;
        let locked = file.try_lock();
        let mut content = String::new();
        (&mut file).take(LOCK_BYTES_MAX).read_to_string(&mut content).map_err(Error::folder("read", &path))?;
        let pid = content.trim();
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = if pid.is_empty() { "unknown" } else { pid }.to_owned();
                return Err(Error::Locked { path: folder.dir.clone(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(Error::folder("lock", &path)(error)),
        }
        Guest::refuse_any(folder)?;
        Ok(Self { was_left_open: !pid.is_empty(), file, path })
    }

    /// Whether the last owner stopped without closing the store.
    pub(super) const fn was_left_open(&self) -> bool {
        self.was_left_open
    }

    pub(super) fn mark_open(&self) -> Result<(), Error> {
        rewrite(&self.file, &format!("{}\n", std::process::id())).map_err(Error::folder("write", &self.path))
    }

    /// What the writer uses to say that it came to its end. It shares our lock.
    pub(super) fn marker(&self) -> Result<Marker, Error> {
        self.file.try_clone().map(Marker).map_err(Error::folder("open", &self.path))
    }
}

impl Guest {
    fn open(folder: &Folder) -> Result<(File, PathBuf), Error> {
        let path = folder.dir.join("store.lent");
        let open = private().read(true).write(true).create(true).truncate(false).open(&path);
        Ok((open.map_err(Error::folder("open", &path))?, path))
    }

    /// Several may be there at a time.
    pub(super) fn enter(folder: &Folder) -> Result<Self, Error> {
        let (file, path) = Self::open(folder)?;
        file.lock_shared().map_err(Error::folder("lock", &path))?;
        Ok(Self(file))
    }

    /// Refuses to own what somebody still writes to whom an owner lent it that is gone.
    fn refuse_any(folder: &Folder) -> Result<(), Error> {
        if !folder.dir.join("store.lent").exists() {
            return Ok(());
        }
        let (file, path) = Self::open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                Err(Error::Locked { path: folder.dir.clone(), pid: "of a command that goes on".to_owned() })
            }
            Err(TryLockError::Error(error)) => Err(Error::folder("lock", &path)(error)),
        }
    }
}

impl Marker {
    /// Records a clean stop. If that fails the next start only checks the file once more than it must.
    pub(super) fn clear(&self) {
        let _ = rewrite(&self.0, "");
    }
}

fn rewrite(mut file: &File, content: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(content.as_bytes())
}

/// Refuses a folder in which others could put a file in place of ours.
#[cfg(unix)]
fn refuse_exposed(dir: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(dir).map_err(Error::folder("look at", dir))?.permissions().mode() & 0o777;
    if mode & 0o022 == 0 { Ok(()) } else { Err(Error::Exposed { dir: dir.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path) -> Result<(), Error> {
    Ok(())
}

/// What makes files that nobody but their owner can read.
pub(super) fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
