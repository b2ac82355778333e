//! The host that stays: it keeps every connection in step by itself, takes events in as they happen, follows edits of
//! its files, and tells people and machines how it is.

pub mod ingest;
pub mod listen;
