//! One file for each command.

pub(crate) mod account;
pub(crate) mod adopt;
pub(crate) mod alert;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod forget;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod matching;
pub(crate) mod plan;
pub(crate) mod plugin;
pub(crate) mod purge;
pub(crate) mod reload;
pub(crate) mod resync;
pub(crate) mod retry;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod traits;
pub(crate) mod trial;
pub(crate) mod versions;
pub(crate) mod window;
