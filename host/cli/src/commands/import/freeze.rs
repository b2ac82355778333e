//! Writes the types that were found into `audiences.toml`, where they then stay as they are.

use std::fs;

use anyhow::Context as _;
use enroute_host::config::freeze::{FrozenTypes, write_types};

use crate::commands::import::Done;
use crate::output::{Advice, Output};
use crate::session::Session;

/// Writes the types of every source that was read and has them found.
pub(super) fn types(session: &Session, done: &Done, output: &Output) -> anyhow::Result<()> {
    let found = done.sources.iter().filter(|one| !one.types.is_empty());
    let frozen: Vec<FrozenTypes> = found
        .map(|one| FrozenTypes {
            source: one.source.clone(),
            types: one.types.iter().filter(|(_, kind)| *kind != "text").map(|(a, b)| (a.clone(), b.clone())).collect(),
        })
        .collect();
    if frozen.is_empty() {
        let next = "write `types = \"auto\"` into a source of CSV first";
        return Err(Advice::mistake("no source that was read has types to freeze", next).into());
    }
    let file = &session.config.paths.audiences_file;
    let cannot = || Advice::failed(format!("{} cannot be written", file.display()), "see that you may write it");
    let text = fs::read_to_string(file).with_context(cannot)?;
    let written = write_types(&text, &frozen).with_context(cannot)?;
    fs::write(file, written).with_context(cannot)?;
    for one in &frozen {
        output.note(format_args!("   the types of `{}` stand in {} now", one.source, file.display()));
    }
    Ok(())
}
