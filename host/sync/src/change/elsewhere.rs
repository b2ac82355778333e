//! Members whom another connection holds at the same place: they leave it when the last connection lets go of them.
//!
//! Connections that write into one place run one after the other, so that each sees what those before it have let go.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::setup::link::Link;
use enroute_store::{Error, Reader, held, places};

/// Code of members who stay at a place because another connection holds them there.
pub(crate) const HELD_BY_ANOTHER: &str = "held_by_another";

/// The other connections at a place.
pub(super) struct Elsewhere<'a> {
    reader: &'a Reader,
    links: Vec<i64>,
    /// Of whom they will have let go by then.
    released: Arc<BTreeMap<i64, RoaringBitmap>>,
}

impl<'a> Elsewhere<'a> {
    pub(super) fn of(reader: &'a Reader, link: &Link) -> Result<Self, Error> {
        let links = places::sharing(reader, &link.target, link.id)?;
        Ok(Self { reader, links, released: Arc::clone(&link.released) })
    }

    /// Whether there are others.
    pub(super) const fn is_shared(&self) -> bool {
        !self.links.is_empty()
    }

    /// Whether one of them holds this person: by identity, and by profile where the identity is not known.
    pub(super) fn holds(&self, profile: u32, identity: Option<[u8; 16]>) -> Result<bool, Error> {
        for link in &self.links {
            let found = match identity {
                // Nobody has the number 0.
                Some(identity) => held::same_identity(self.reader, *link, &identity, 0, false)?,
                None => held::get(self.reader, *link, profile)?.map(|held| held.profile).into_iter().collect(),
            };
            let released = self.released.get(link);
            if found.iter().any(|profile| released.is_none_or(|released| !released.contains(*profile))) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
