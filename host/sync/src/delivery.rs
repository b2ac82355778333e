//! From a lot to outcomes: `map`, intent, `send`, decision, settlement.

pub(crate) mod blame;
pub(crate) mod circuit;
pub(crate) mod decide;
pub(crate) mod deliver;
pub(crate) mod dispatch;
pub(crate) mod gate;
pub(crate) mod known;
pub(crate) mod mapper;
pub(crate) mod masked;
pub(crate) mod open;
pub(crate) mod outlet;
pub(crate) mod pace;
pub(crate) mod quota;
pub(crate) mod resume;
pub(crate) mod search;
pub(crate) mod settle;
pub(crate) mod stop;
pub(crate) mod suspicion;
pub(crate) mod withdraw;
