//! Which texts the two files have had, as far as they were saved through the host. Sealed: a condition may hold values.

use rusqlite::{OptionalExtension as _, params};

use crate::seal::Sealer;
use crate::{Error, Look, Reader, Transaction};

/// Edits that are kept.
const EDITS_KEPT: i64 = 200;

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Its number; later ones are higher.
    pub id: i64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The token's name.
    pub who: String,
    /// The digest of both texts.
    pub version: String,
}

fn context(id: i64, file: &str) -> Vec<u8> {
    format!("edit/{id}/{file}").into_bytes()
}

/// Keeps what was saved.
///
/// # Errors
/// When the store cannot be written.
pub fn keep(
    tx: &Transaction<'_>,
    sealer: &Sealer,
    (who, version): (&str, &str),
    (plugins, audiences): (&str, &str),
    at_ms: u64,
) -> Result<i64, Error> {
    let connection = tx.connection();
    let id: i64 = connection.query_row("select coalesce(max(id), 0) + 1 from edit", (), |row| row.get(0))?;
    let plugins = sealer.seal(&context(id, "plugins"), plugins.as_bytes())?;
    let audiences = sealer.seal(&context(id, "audiences"), audiences.as_bytes())?;
    connection.execute(
        "insert into edit (id, at_ms, who, version, plugins, audiences) values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id, at_ms.cast_signed(), who, version, plugins, audiences],
    )?;
    connection.execute("delete from edit where id <= ?1", [id - EDITS_KEPT])?;
    Ok(id)
}

/// The edits before this one, the newest first.
///
/// # Errors
/// When the store cannot be read.
pub fn before(from: &impl Look, id: Option<i64>, count_max: u32) -> Result<Vec<Edit>, Error> {
    let sql = "select id, at_ms, who, version from edit where id < ?1 order by id desc limit ?2";
    let mut statement = from.connection().prepare_cached(sql)?;
    let rows = statement.query_map((id.unwrap_or(i64::MAX), count_max), |row| {
        Ok(Edit {
            id: row.get(0)?,
            at_ms: row.get::<_, i64>(1)?.cast_unsigned(),
            who: row.get(2)?,
            version: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The texts that an edit saved: `plugins.toml` and `audiences.toml`.
///
/// # Errors
/// When the store cannot be read, or what is sealed does not open.
pub fn texts(reader: &Reader, id: i64) -> Result<Option<(String, String)>, Error> {
    let sql = "select plugins, audiences from edit where id = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?));
    let found = reader.connection.prepare_cached(sql)?.query_row([id], read).optional()?;
    let Some((plugins, audiences)) = found else { return Ok(None) };
    let open = |file, sealed: &[u8]| {
        let plain = reader.sealer().open(&context(id, file), sealed)?;
        Ok::<_, Error>(String::from_utf8_lossy(&plain).into_owned())
    };
    Ok(Some((open("plugins", &plugins)?, open("audiences", &audiences)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestStore;

    #[test]
    fn an_edit_reads_back_as_it_was_and_is_nowhere_in_plain() {
        let store = TestStore::new();
        let sealer = store.sealer().clone();
        let id =
            store.write_blocking(move |tx| keep(tx, &sealer, ("ann", "v1"), ("# canary", "[audience.a]"), 10)).unwrap();
        let reader = store.reader().unwrap();
        assert_eq!(texts(&reader, id).unwrap(), Some(("# canary".to_owned(), "[audience.a]".to_owned())));
        assert_eq!(before(&reader, None, 9).unwrap().len(), 1);
        assert!(reader.tables_holding("canary").unwrap().is_empty());
    }
}
