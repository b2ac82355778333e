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
        numbers(reader, self.profile)
    }
}

/// The numbers under which a person goes.
pub(crate) fn numbers(reader: &Reader, profile: u32) -> Result<RoaringBitmap, Error> {
    let mut numbers: RoaringBitmap = records::of(reader, profile)?.into_iter().collect();
    numbers.insert(profile);
    Ok(numbers)
}
