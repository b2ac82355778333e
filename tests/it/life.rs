//! The life of a connection and of the people on it: sent again, left out of the first sync, paused, forgotten.

mod folding;
mod forgotten;
mod resync;
