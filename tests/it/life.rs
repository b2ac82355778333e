//! The life of a connection and of the people on it: sent again, left out of the first sync, paused, changed and changed
//! back, forgotten.

mod first;
mod folding;
mod forgotten;
mod phones;
mod resync;
mod versions;
