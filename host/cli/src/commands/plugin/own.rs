//! The plugins of this repository for the demo: built, or taken as somebody built them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::commands::plugin::build;
use crate::output::{Advice, Output};

/// Builds the repository's plugins, or takes them as they are, and returns id and file of each.
///
/// # Errors
/// When this binary does not stand in the repository that it was built from.
pub(crate) async fn build_own(output: &Output) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("plugins");
    let root = root.canonicalize().ok().filter(|_| folder.is_dir()).with_context(|| {
        Advice::failed("the demo needs the plugins of the repository", "run it from a clone, as the README says")
    })?;
    std::fs::create_dir_all(root.join("target/plugins")).context("the folder for built plugins cannot be made")?;
    let mut plugins = Vec::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root.join("plugins"))
        .context("the folder of plugins cannot be read")?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("plugin.toml").is_file())
        .collect();
    folders.sort();
    for folder in folders {
        let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let out = root.join("target/plugins").join(format!("{id}.wasm"));
        output.note(format_args!("building plugin {id} for the sandbox (the first time takes a minute)"));
        build::build_to(&folder, Some(&out), output).await?;
        plugins.push((id, out));
    }
    Ok(plugins)
}

/// The plugins in this folder that are wanted, each with its id.
///
/// # Errors
/// When the folder cannot be read, or has none.
pub(crate) fn built(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let told = || Advice::mistake(format!("no plugin is in `{}`", folder.display()), "name a folder with .wasm files");
    let mut plugins: Vec<(String, PathBuf)> = std::fs::read_dir(folder)
        .with_context(told)?
        .filter_map(|entry| entry.ok()?.path().canonicalize().ok())
        .filter(|path| path.extension().is_some_and(|kind| kind == "wasm"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .filter(|(id, _)| is_wanted(id))
        .collect();
    plugins.sort();
    if plugins.is_empty() { Err(told().into()) } else { Ok(plugins) }
}
