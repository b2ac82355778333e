//! A run about one person.

use roaring::RoaringBitmap;

use crate::setup::watch::Watch;
use enroute_store::{Error, Reader, records};

/// A run about one person.
#[derive(Debug, Clone)]
pub struct Only {
    /// The profile's number.
    pub(crate) profile: u32,
    pub(crate) watch: Watch,
}

impl Only {
    /// The numbers under which the person goes.
    pub(crate) fn numbers(&self, reader: &Reader) -> Result<RoaringBitmap, Error> {
        let mut numbers: RoaringBitmap = records::of(reader, self.profile)?.into_iter().collect();
        numbers.insert(self.profile);
        Ok(numbers)
    }
}
