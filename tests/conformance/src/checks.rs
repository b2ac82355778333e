//! The checks, a file for each part of the contract.

pub(crate) mod connect;
pub(crate) mod deliver;
pub(crate) mod file;
pub(crate) mod folding;
pub(crate) mod grouping;
pub(crate) mod hostile;
pub(crate) mod mapping;
pub(crate) mod removal;
pub(crate) mod requests;
pub(crate) mod said;
pub(crate) mod validate;
pub(crate) mod work;
