//! What can be asked what is stored: a reader, or a transaction in the middle of its changes.

use rusqlite::Connection;

use crate::{Reader, Transaction};

/// A [`Reader`], or a [`Transaction`] that also sees what it has changed itself.
pub trait Look: connected::Connected {}

impl Look for Reader {}
impl Look for Transaction<'_> {}

/// Which database it is stays in this module: the trait is public by name alone, and cannot be named outside.
pub(crate) mod connected {
    use super::{Connection, Reader, Transaction};

    pub trait Connected {
        /// The connection, for the statements of this module.
        fn connection(&self) -> &Connection;
    }

    impl Connected for Reader {
        fn connection(&self) -> &Connection {
            &self.connection
        }
    }

    impl Connected for Transaction<'_> {
        fn connection(&self) -> &Connection {
            self.connection
        }
    }
}
