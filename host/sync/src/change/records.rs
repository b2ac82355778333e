//! Further values of an identifier, each a record with a number of its own.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::setup::columns::{Columns, hash};
use crate::setup::link::Link;
use enroute_store::records::{self, RECORD_ID_MIN};
use enroute_store::{Error, Reader, Store, ValueReader};

/// Profiles with the further values that they have now.
type Found = Vec<(u32, Vec<[u8; 16]>)>;

/// Brings the records of the connection's people up to date, where one person can be several.
pub(crate) async fn refresh(link: &Arc<Link>, store: &Arc<Store>) -> Result<(), Error> {
    let Some(choice) = link.columns.records_of() else { return Ok(()) };
    let (link, kept) = (Arc::clone(link), choice.clone());
    let found = store.read(move |reader| find(&link.columns, reader, &choice)).await?;
    let (found, revision) = found;
    store.write(move |tx| records::put(tx, &kept, &found, revision)).await
}

/// Finds the further values of profiles that changed since they were last looked at, and up to which revision.
fn find(columns: &Columns, reader: &Reader, choice: &str) -> Result<(Found, i64), Error> {
    let revision = reader.revision()?;
    let since = records::looked_at(reader, choice)?;
    let changed = reader.changed_since(since)?;
    let known = records::profiles(reader, choice)?;
    let read = columns.read.get(..columns.choice.sources.len()).unwrap_or_default();
    let mut values = ValueReader::new(reader, read)?;
    let mut found = Vec::new();
    values.read(changed.iter(), |profile, _, _, texts| {
        let all = columns.choice.records(texts);
        let further: Vec<_> = all.iter().skip(1).map(|text| hash(reader.sealer(), text)).collect();
        if !further.is_empty() || known.contains(profile) {
            found.push((profile, further));
        }
        Ok::<_, Error>(())
    })?;
    Ok((found, revision))
}

/// Adds the records of these profiles to a set of profiles: those whose value is still there, or all of them.
pub(crate) fn add_to(
    reader: &Reader,
    choice: Option<&str>,
    profiles: &mut [(&mut RoaringBitmap, bool)],
) -> Result<(), Error> {
    let Some(choice) = choice else { return Ok(()) };
    for (id, profile, present) in records::all(reader, choice)? {
        debug_assert!(id >= RECORD_ID_MIN, "numbers of records begin where those of profiles end");
        for (set, only_present) in profiles.iter_mut() {
            if (present || !*only_present) && set.contains(profile) {
                set.insert(id);
            }
        }
    }
    Ok(())
}
