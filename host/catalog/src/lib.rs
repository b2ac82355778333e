//! Plugin files: what one says of itself, how one is made, and how one gets into the sandbox.
//!
//! Reads bytes and hands them on; opens no file but the one it is asked for, and no network. What
//! [`Inspection`] tells was learned without compiling or running anything, and [`load_plugin`] looks at nothing but
//! the digest of a file before the digest fits.

mod component;
mod load;
mod names;
mod pack;
#[cfg(test)]
mod testing;

pub use component::{COMPONENT_BYTES_MAX, ComponentError, FileError, Inspection, MANIFEST_SECTION};
pub use component::{read_file, sha256_hex};
pub use load::{CatalogError, Loaded, load_plugin};
pub use names::ForeignImport;
pub use pack::{PackError, pack};
