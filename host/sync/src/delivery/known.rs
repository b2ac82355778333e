//! A first sync without history: who is a member is taken as known, and nothing is sent of them.

use std::collections::HashMap;
use std::sync::Arc;

use enroute_core::diff::Candidates;
use enroute_store::held::{self, Held};
use enroute_store::known::{self, First};
use enroute_store::{Error, Transaction};
use roaring::RoaringBitmap;

use crate::change::cutter::{self, Cutting};
use crate::change::lot::{Lot, seal_sent};
use crate::change::snapshot::Snapshot;
use crate::delivery::settle::Book;

/// Takes the first members as known, and returns how many there are. Later changes of theirs are sent, and exits name
/// the identifiers that they have now.
pub(crate) async fn take(book: &Book, snapshot: &Snapshot, now_ms: u64) -> Result<u64, Error> {
    let link = book.link.id;
    let audience = &snapshot.state.audience;
    let first = match book.store.read(move |reader| known::first(reader, link)).await? {
        First::Over => return Ok(0),
        First::Left(left) => left & audience,
        First::ToCome => {
            let (members, revision) = (audience.clone(), snapshot.revision);
            book.store.write(move |tx| known::begin(tx, link, &members, revision)).await?;
            audience.clone()
        }
    };
    let candidates = Candidates { added: &first - &snapshot.state.held, ..Candidates::default() };
    let reader = book.store.reader()?;
    let mut cuttings = cutter::spawn(Arc::clone(&book.link), reader, Arc::new(candidates), Arc::new(HashMap::new()), None);
    while let Some(cutting) = cuttings.recv().await {
        match cutting? {
            Cutting::Lot(lot) => hold(book, *lot).await?,
            Cutting::Folded(folded) => book.fold(folded).await?,
            Cutting::Unmatched(unmatched) => book.leave_out(unmatched, now_ms).await?,
            Cutting::Bequest { heir, sent } => book.bequeath(heir, sent).await?,
            Cutting::Barrier(settled) => drop(settled.send(RoaringBitmap::new())),
            Cutting::End | Cutting::Same(_) | Cutting::LetGo(_) => {}
        }
    }
    book.store.write(move |tx| known::end(tx, link)).await?;
    Ok(first.len())
}

async fn hold(book: &Book, lot: Lot) -> Result<(), Error> {
    let link = Arc::clone(&book.link);
    let write = move |tx: &Transaction<'_>| {
        let row = |position: u32| -> Result<Option<Held>, Error> {
            let (Some(profile), Some(meta)) = (lot.profile(position), lot.meta.get(position as usize)) else {
                return Ok(None);
            };
            let now = [lot.identifiers(position, &link.columns.fields)];
            Ok(Some(Held {
                profile,
                hash: Some(meta.hash),
                version: link.settings_version,
                identity: meta.identity,
                sent: seal_sent(&link.sealer, link.id, profile, &now)?,
                ..Held::default()
            }))
        };
        let rows: Vec<Held> =
            lot.positions().into_iter().filter_map(|at| row(at).transpose()).collect::<Result<_, Error>>()?;
        held::put(tx, link.id, &rows)
    };
    book.store.write(write).await
}
