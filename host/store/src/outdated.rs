//! Members who cannot be sent as they are now, and whom a destination still holds as they were before.

use roaring::RoaringBitmap;
use rusqlite::params;

use crate::{Error, Look};

/// Members whose update this plugin cannot send under these settings and who are held with identifiers of their own.
///
/// Not those whom the destination refused: two who swap their addresses, say, are refused for the identity that they had
/// before, and are rightly there.
///
/// # Errors
/// When the store cannot be read.
pub fn members(from: &impl Look, link: i64, (plugin_digest, version): (&[u8], u64)) -> Result<RoaringBitmap, Error> {
    let mut statement = from.connection().prepare_cached(
        "SELECT refusal.profile FROM refusal JOIN held
           ON held.connection = refusal.connection AND held.profile = refusal.profile
         WHERE refusal.connection = ?1 AND plugin_digest = ?2 AND refusal.version = ?3 AND change = 'updated'
           AND source = 'plugin' AND NOT folded AND length(sent) > 0",
    )?;
    let parameters = params![link, plugin_digest, version.cast_signed()];
    let rows = statement.query_map(parameters, |row| row.get::<_, u32>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{self, Held};
    use crate::ledger::{self, LinkName, RejectionRow};
    use crate::tests::TestStore;
    use crate::{Transaction, letters};

    #[test]
    fn who_was_refused_for_what_it_is_now_and_is_held_by_itself_is_outdated() {
        let store = TestStore::new();
        let name = LinkName { audience: "a".to_owned(), destination: "d".to_owned(), mapping: String::new() };
        let refused = |profile: u32, source: &'static str, change: &'static str| RejectionRow {
            profile,
            code: "bad".to_owned(),
            field: None,
            reason: "it is bad".to_owned(),
            source,
            change,
            hash: None,
        };
        let held = |profile: u32| Held { profile, hash: Some([1; 16]), sent: vec![1], ..Held::default() };
        let write = move |tx: &Transaction<'_>| {
            let link = ledger::link(tx, &name, b"settings")?.id;
            let folded = Held { folded: true, ..held(6) };
            let bare = Held { sent: Vec::new(), ..held(7) };
            held::put(tx, link, [&held(1), &held(2), &held(3), &held(4), &held(5), &folded, &bare])?;
            let rows = [
                refused(1, "plugin", "updated"),
                refused(2, "plugin", "removed"),
                refused(3, "host", "updated"),
                refused(4, "destination", "updated"),
                refused(5, "plugin", "updated"),
                refused(6, "plugin", "updated"),
                refused(7, "plugin", "updated"),
                refused(8, "plugin", "updated"),
            ];
            ledger::reject(tx, (7, link), (b"plugin", 1), 50, &rows)?;
            // Whoever is tried again is refused nothing.
            letters::absolve(tx, link, [5])?;
            Ok(link)
        };
        let link = store.write_blocking(write).unwrap();
        let reader = store.reader().unwrap();
        let found = |digest: &[u8], version| members(&reader, link, (digest, version)).unwrap();
        assert_eq!(found(b"plugin", 1), RoaringBitmap::from_iter([1]));
        assert!(found(b"plugin", 2).is_empty() && found(b"another", 1).is_empty());
        let (refused, removals) = ledger::refused(&reader, link, b"plugin", 1).unwrap();
        assert!(!refused.contains(5) && removals.contains(2));
    }
}
