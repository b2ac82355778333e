//! Members who were refused as they are now, and whom a destination still holds as they were before.

use roaring::RoaringBitmap;
use rusqlite::params;

use crate::{Error, Look};

/// Members whose update was refused by this plugin under these settings and who are held with identifiers of their own;
/// not those who were refused with one of these codes.
///
/// # Errors
/// When the store cannot be read.
pub fn members(
    from: &impl Look,
    link: i64,
    (plugin_digest, version): (&[u8], u64),
    but_for: &[&str],
) -> Result<RoaringBitmap, Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT refusal.profile FROM refusal JOIN held
           ON held.connection = refusal.connection AND held.profile = refusal.profile
         WHERE refusal.connection = ?1 AND plugin_digest = ?2 AND refusal.version = ?3 AND change = 'updated'
           AND code NOT IN (SELECT value FROM json_each(?4)) AND NOT folded AND length(sent) > 0",
    )?;
    let but_for = serde_json::to_string(but_for).unwrap_or_default();
    let parameters = params![link, plugin_digest, version.cast_signed(), but_for];
    let rows = statement.query_map(parameters, |row| row.get::<_, u32>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
