//! Where stories are played: on the plugin's own code, or on a component in a sandbox.

use std::marker::PhantomData;

use super::script::Script;
use crate::bindings::enroute::destination::types::{Batch, Connection, Mapped, Work};
use crate::{Destination, Problem, Report, guest};

/// Something that has the three functions of the contract.
///
/// [`cases`](super::cases()) plays on the plugin's own code; a host plays the same stories on the component that was
/// built of it. Each function may fail, as a component may that traps; the text says why.
pub trait Stage {
    /// `validate`.
    ///
    /// # Errors
    /// When the call failed.
    fn validate(&self, connection: Connection) -> Result<Vec<Problem>, String>;

    /// `map`.
    ///
    /// # Errors
    /// When the call failed.
    fn map(&self, connection: Connection, batch: &Batch) -> Result<Mapped, String>;

    /// `send`, with the script in place of the network.
    ///
    /// # Errors
    /// When the call failed.
    fn send(&self, connection: Connection, work: Work, script: &mut Script) -> Result<Report, String>;
}

/// The plugin's own code.
pub(super) struct Native<D>(PhantomData<D>);

impl<D> Native<D> {
    pub(super) const STAGE: Self = Self(PhantomData);
}

impl<D: Destination> Stage for Native<D> {
    fn validate(&self, connection: Connection) -> Result<Vec<Problem>, String> {
        Ok(guest::validate::<D>(connection))
    }

    fn map(&self, connection: Connection, batch: &Batch) -> Result<Mapped, String> {
        Ok(guest::map::<D>(connection, batch))
    }

    fn send(&self, connection: Connection, work: Work, script: &mut Script) -> Result<Report, String> {
        Ok(guest::send_with::<D>(connection, work, script))
    }
}
