//! How connections to the file are set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tracing::warn;

use crate::seal::Sealer;
use crate::{Error, schema};

/// How long a statement waits for a lock. Only a checkpoint or an operator's own `sqlite3` can hold one.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// Pages in the WAL after which a commit moves them into the file: 16 MiB, some six import transactions,
/// so that pages of the key index which many of them touch are moved once.
const CHECKPOINT_PAGES: u32 = 4096;

/// The WAL is cut back to this once it has been moved, in bytes. It grows beyond only under a long reader.
const WAL_BYTES_KEPT: i64 = 64 << 20;

/// Page cache of the writer in KiB: the inner pages of the key index of ten million profiles.
const WRITER_CACHE_KIB: i64 = 64 << 10;

/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 128;

/// Opens the connection that writes, and brings the file to the format that is known here. The pages of a doubtful
/// file are checked first.
pub(super) fn writer(path: &Path, sealer: &Sealer, is_doubtful: bool) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | plain())?;
    keep_log(&connection, true)?;
    harden(&connection)?;
    schema::check_identity(&connection, path)?;
    if is_doubtful {
        check_pages(&connection, path)?;
        warn!(path = %path.display(), "the store is not as it was closed; its file was checked and is whole");
    }
    // What is deleted is gone: nobody who was forgotten is found in a free page.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    schema::migrate(&connection)?;
    schema::check_key(&connection, path, sealer, true)?;
    Ok(connection)
}

/// Opens a connection that only reads, to a file in the format that is known here.
pub(super) fn reader(path: &Path, sealer: &Sealer) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | plain())?;
    harden(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    schema::check_identity(&connection, path)?;
    schema::check_current(&connection, path)?;
    schema::check_key(&connection, path, sealer, false)?;
    Ok(connection)
}

/// Whether the log outlives its last connection: only a clean stop may do without it.
pub(super) fn keep_log(connection: &Connection, keep: bool) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)?;
    Ok(())
}

fn plain() -> OpenFlags {
    // No URIs: a folder may be called `file:`. No mutex: a connection stays on one thread at a time.
    OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE
}

fn harden(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Else a mistyped "name" in double quotes is silently a text.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

fn check_pages(connection: &Connection, path: &Path) -> Result<(), Error> {
    let said: String = connection.query_row("pragma quick_check(1)", (), |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(Error::Damaged { path: path.to_owned(), detail: said }) }
}
