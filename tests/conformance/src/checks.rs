//! The checks, a file for each part of the contract.

pub(crate) mod asking;
pub(crate) mod bodies;
pub(crate) mod choices;
pub(crate) mod connect;
pub(crate) mod consent;
pub(crate) mod deliver;
pub(crate) mod file;
pub(crate) mod folding;
pub(crate) mod full;
pub(crate) mod grouping;
pub(crate) mod hostile;
pub(crate) mod mapping;
pub(crate) mod open;
pub(crate) mod outcomes;
pub(crate) mod probe;
pub(crate) mod regions;
pub(crate) mod removal;
pub(crate) mod requests;
pub(crate) mod resume;
pub(crate) mod said;
pub(crate) mod trial;
pub(crate) mod validate;
pub(crate) mod work;
