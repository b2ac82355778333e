//! A run that sends members again though nothing of them has changed.

use roaring::RoaringBitmap;

use crate::change::only::numbers;
use crate::setup::link::Link;
use enroute_store::again::Which;
use enroute_store::{Error, Reader};

/// Whom a resync sends again, of those whom the destination holds and who are in the audience. Nobody enters or leaves
/// by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resend {
    /// Everybody.
    All,
    /// Those who were last sent under other settings, or another mapping.
    Stale,
    /// One person, by the profile's number.
    Person(u32),
}

impl Resend {
    /// What the store marks.
    pub(crate) fn which(self, reader: &Reader, link: &Link) -> Result<Which, Error> {
        Ok(match self {
            Self::All => Which::All,
            Self::Stale => Which::Stale(link.settings_version),
            Self::Person(profile) => Which::Members(numbers(reader, profile)?),
        })
    }

    /// The only ones who are sent, where it is not everybody who is marked.
    pub(crate) fn only(self, reader: &Reader) -> Result<Option<RoaringBitmap>, Error> {
        match self {
            Self::All | Self::Stale => Ok(None),
            Self::Person(profile) => numbers(reader, profile).map(Some),
        }
    }
}
