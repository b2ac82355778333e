//! Components from Python: componentize-py puts the interpreter and what was imported into one file.

use std::path::{Path, PathBuf};

use crate::commands::plugin::build::tool::{self, Tool};

/// The module with the class `Destination`, in the folder `src`.
const MODULE: &str = "app";

const INSTALL: &str = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt";
const RUNTIME: &str = "Python 3.10 or later";

/// Builds what is in a folder and returns the component.
pub(super) async fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    let venv = folder.join(".venv");
    let componentizer = Tool::find("componentize-py", [venv.join("bin")], INSTALL, RUNTIME);
    let (build, wit) = tool::prepared(folder)?;
    let component = build.join("component.wasm");
    let words = [
        "--quiet".as_ref(),
        "--wit-path".as_ref(),
        wit.as_os_str(),
        "--world".as_ref(),
        tool::WORLD.as_ref(),
        "componentize".as_ref(),
        "--python-path".as_ref(),
        "src".as_ref(),
        "--output".as_ref(),
        component.as_os_str(),
        MODULE.as_ref(),
    ];
    // The tool looks for packages where this variable points, in the folder's own environment before the caller's.
    let variable = venv.is_dir().then_some(("VIRTUAL_ENV", venv.as_path()));
    componentizer.run(&words, folder, variable).await?;
    Ok(component)
}
