//! Databases that can be asked, and asking them.

use std::path::PathBuf;

use crate::query::{self, Query, Watch};
use crate::server::{self, Access, Server};
use crate::whole::Read;
use crate::{Error, mysql, postgres};
use enroute_config::secret::Secret;
use enroute_store::{Store, warehouse};

/// A database.
#[derive(Debug)]
pub enum Database {
    /// A file of SQLite.
    File(PathBuf),
    /// A server, by its URL, and what the way to it needs.
    Server(Secret, Access),
}

impl Database {
    /// Reads what a query gives.
    ///
    /// Waits for the disk or the server: to be called from a thread of the runtime that may block.
    ///
    /// # Errors
    ///
    /// If the result cannot be had, used or believed, a trait belongs to another source, or the store fails. Unless the
    /// store fails nothing is written then.
    pub fn read(&self, store: &Store, query: &Query, watch: &Watch) -> Result<Read, Error> {
        match self {
            Self::File(file) => {
                let query = Query { database: format!("sqlite {}", file.display()), ..query.clone() };
                query::sqlite(store, &query, file, watch.clone())
            }
            Self::Server(url, access) => {
                let way = server::way(url, access)?;
                let query = Query { database: server::name(&way), ..query.clone() };
                match way.server {
                    Server::Postgres(_) => postgres::read(store, &query, &way, watch),
                    Server::Mysql(_) => mysql::read(store, &query, &way, watch),
                }
            }
        }
    }

    /// The columns that a query gives, and what each becomes; no row is read.
    ///
    /// Waits as [`Database::read`] does.
    ///
    /// # Errors
    ///
    /// If the database cannot be asked, or the query is none.
    pub fn prepare(&self, query: &Query) -> Result<Vec<(String, &'static str)>, Error> {
        match self {
            Self::File(file) => {
                let names = warehouse::columns(file, &query.query)?;
                Ok(names.into_iter().map(|name| (name, "as each value is")).collect())
            }
            Self::Server(url, access) => {
                let way = server::way(url, access)?;
                match way.server {
                    Server::Postgres(_) => postgres::prepare(query, &way),
                    Server::Mysql(_) => mysql::prepare(query, &way),
                }
            }
        }
    }
}
