//! Components from JavaScript: esbuild makes one module of all, componentize-js puts an engine around it.

use std::path::{Path, PathBuf};

use crate::commands::plugin::build::tool::{self, Tool};

/// Where the module that becomes the component stands.
const ENTRY: &str = "src/plugin.js";

const INSTALL: &str = "npm install";
const RUNTIME: &str = "Node 20 or later";

/// Builds the package in a folder and returns the component.
pub(super) async fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    // In a workspace, packages are installed in a folder above.
    let bins = || folder.ancestors().map(|folder| folder.join("node_modules/.bin"));
    let bundler = Tool::find("esbuild", bins(), INSTALL, RUNTIME);
    let componentizer = Tool::find("componentize-js", bins(), INSTALL, RUNTIME);
    let (build, wit) = tool::prepared(folder)?;
    let (module, component) = (build.join("plugin.js"), build.join("component.wasm"));
    let outfile = format!("--outfile={}", module.display());
    // What the host offers is imported by names that are no packages.
    let words = [ENTRY, "--bundle", "--format=esm", "--target=es2022", "--log-level=warning", "--external:enroute:*"];
    let words: Vec<_> = words.into_iter().chain(["--external:wasi:*", &outfile]).map(AsRef::as_ref).collect();
    bundler.run(&words, folder, None).await?;
    // `wasi:http` is no import that the host offers; a plugin has the contract's own.
    let words = [
        module.as_os_str(),
        "--wit".as_ref(),
        wit.as_os_str(),
        "--world-name".as_ref(),
        tool::WORLD.as_ref(),
        "--disable".as_ref(),
        "http".as_ref(),
        "fetch-event".as_ref(),
        "--out".as_ref(),
        component.as_os_str(),
    ];
    componentizer.run(&words, folder, None).await?;
    Ok(component)
}
