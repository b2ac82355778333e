//! Which texts the two files have had, as far as they were saved through the host, and what is typed and not saved yet.
//!
//! All of it is sealed: a condition or a draft may hold values.

use rusqlite::{OptionalExtension as _, params};

use crate::seal::Sealer;
use crate::{Error, Look, Reader, Transaction};

/// Edits that are kept.
const EDITS_KEPT: i64 = 200;
/// How long a draft is kept.
const DRAFT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Most bytes of a draft.
pub const DRAFT_BYTES_MAX: usize = 256 << 10;

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

fn draft_context(owner: i64, name: &str) -> Vec<u8> {
    format!("draft/{owner}/{name}").into_bytes()
}

/// Keeps what somebody has typed so far under a name, in place of what was there; drops what nobody came back to.
///
/// # Errors
/// When the store cannot be written.
pub fn keep_draft(
    tx: &Transaction<'_>,
    sealer: &Sealer,
    (owner, name): (i64, &str),
    content: &str,
    at_ms: u64,
) -> Result<(), Error> {
    let oldest_ms = at_ms.saturating_sub(DRAFT_MS).cast_signed();
    tx.connection().execute("delete from draft where at_ms < ?1", [oldest_ms])?;
    let sealed = sealer.seal(&draft_context(owner, name), content.as_bytes())?;
    tx.connection().execute(
        "insert or replace into draft (owner, name, at_ms, content) values (?1, ?2, ?3, ?4)",
        params![owner, name, at_ms.cast_signed(), sealed],
    )?;
    Ok(())
}

/// What was typed under a name.
///
/// # Errors
/// When the store cannot be read, or what is sealed does not open.
pub fn draft(reader: &Reader, owner: i64, name: &str) -> Result<Option<String>, Error> {
    let sql = "select content from draft where owner = ?1 and name = ?2";
    let mut statement = reader.connection.prepare_cached(sql)?;
    let sealed: Option<Vec<u8>> = statement.query_row((owner, name), |row| row.get(0)).optional()?;
    let Some(sealed) = sealed else { return Ok(None) };
    let plain = reader.sealer().open(&draft_context(owner, name), &sealed)?;
    Ok(Some(String::from_utf8_lossy(&plain).into_owned()))
}

/// Drops a draft.
///
/// # Errors
/// When the store cannot be written.
pub fn drop_draft(tx: &Transaction<'_>, owner: i64, name: &str) -> Result<(), Error> {
    tx.connection().execute("delete from draft where owner = ?1 and name = ?2", (owner, name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestStore;

    #[test]
    fn an_edit_and_a_draft_read_back_as_they_were_and_are_nowhere_in_plain() {
        let store = TestStore::new();
        let sealer = store.sealer().clone();
        let id = store
            .write_blocking(move |tx| {
                keep_draft(tx, &sealer, (7, "builder"), "name=canary", 5)?;
                keep(tx, &sealer, ("ann", "v1"), ("# canary", "[audience.a]"), 10)
            })
            .unwrap();
        let reader = store.reader().unwrap();
        assert_eq!(texts(&reader, id).unwrap(), Some(("# canary".to_owned(), "[audience.a]".to_owned())));
        assert_eq!(draft(&reader, 7, "builder").unwrap().as_deref(), Some("name=canary"));
        assert_eq!(draft(&reader, 8, "builder").unwrap(), None);
        assert_eq!(before(&reader, None, 9).unwrap().len(), 1);
        assert!(reader.tables_holding("canary").unwrap().is_empty());
    }
}
