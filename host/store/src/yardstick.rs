//! What SQLite itself takes for lines of JSON: what an import of ours is measured beside.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use crate::Error;

/// Puts every line of a file of JSON objects into a table, in one transaction: its key, and the line as SQLite's own
/// binary JSON. The database is made anew at `database`. Returns how many lines there were.
///
/// # Errors
/// When a file cannot be read or written, or a line is no JSON.
pub fn import_lines(database: &Path, lines: impl BufRead) -> Result<u64, Error> {
    let mut connection = Connection::open(database)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.execute_batch("create table line (id text not null unique, body blob)")?;
    let transaction = connection.transaction()?;
    let mut count = 0;
    {
        let mut insert = transaction.prepare("insert into line values (?1 ->> '$.id', jsonb(?1))")?;
        for line in lines.lines() {
            let line = line.map_err(|error| Error::Folder {
                doing: "read lines for",
                path: database.to_owned(),
                source: Arc::new(error),
            })?;
            insert.execute([line])?;
            count += 1;
        }
    }
    transaction.commit()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_keeps_every_line_under_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("lines.db");
        let lines = "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\"}\n";
        assert_eq!(import_lines(&database, lines.as_bytes()).unwrap(), 2);
        let connection = Connection::open(&database).unwrap();
        let found: i64 =
            connection.query_row("select body ->> 'n' from line where id = 'a'", [], |row| row.get(0)).unwrap();
        assert_eq!(found, 1);
    }
}
