//! Components from crates, by cargo.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use serde::Deserialize;
use tokio::process::Command;

use crate::output::{Advice, Output};

/// What cargo builds for.
const TARGET: &str = "wasm32-wasip2";

/// How cargo builds, whatever the crate's own profile says: fast code, and names for backtraces.
///
/// Without names a fault in the sandbox reads `<wasm function 120>`.
const PROFILE: [&str; 5] = [
    "profile.release.opt-level=3",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.debug=0",
    "profile.release.strip=\"debuginfo\"",
];

/// Builds the crate in a folder and returns the component.
pub(super) async fn build(folder: &Path, output: &Output) -> anyhow::Result<PathBuf> {
    add_target(folder, output).await?;
    compile(folder, &folder.join("Cargo.toml")).await
}

/// Sees to it that the toolchain which builds the crate can build for the sandbox.
async fn add_target(folder: &Path, output: &Output) -> anyhow::Result<()> {
    let asked = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(folder)
        .output()
        .await
        .map_err(|error| without("rustc", error))?;
    let library = String::from_utf8_lossy(&asked.stdout);
    if asked.status.success() && Path::new(library.trim()).is_dir() {
        return Ok(());
    }
    output.note(format_args!("adding the target {TARGET} to the toolchain: rustup target add {TARGET}"));
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).current_dir(folder).stdout(Stdio::null()).kill_on_drop(true);
    let added = rustup.status().await.map_err(|error| without("rustup", error))?;
    if added.success() {
        return Ok(());
    }
    let next = format!("run `rustup target add {TARGET}` by hand, where the network can be reached");
    Err(Advice::failed(format!("the target {TARGET} could not be added"), next).into())
}

fn without(tool: &str, error: std::io::Error) -> anyhow::Error {
    let next = match error.kind() {
        ErrorKind::NotFound => {
            format!("install Rust from https://rustup.rs and see to it that `{tool}` is on the path")
        }
        _ => format!("see why `{tool}` does not start"),
    };
    anyhow::Error::new(error).context(Advice::failed(format!("`{tool}` cannot be started"), next))
}

/// Lets cargo build the crate and returns the component it made.
async fn compile(folder: &Path, cargo_toml: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    PROFILE.iter().for_each(|setting| {
        cargo.args(["--config", setting]);
    });
    cargo.arg("--manifest-path").arg(cargo_toml);
    cargo.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let cargo = cargo.spawn().map_err(|error| without("cargo", error))?;
    let built = cargo.wait_with_output().await.context("cargo did not end as it should")?;
    if !built.status.success() {
        let what = format!("`{}` was not built", folder.display());
        return Err(Advice::failed(what, "mend what cargo says above").into());
    }
    component(&String::from_utf8_lossy(&built.stdout), cargo_toml).ok_or_else(|| {
        let what = format!("`{}` was built, but made no component", folder.display());
        Advice::mistake(what, "add `[lib] crate-type = [\"cdylib\"]` to its Cargo.toml").into()
    })
}

/// A line of what cargo says while it builds; lines of other kinds have no target.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    manifest_path: PathBuf,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// The component of the crate itself, not of what it depends on.
fn component(messages: &str, cargo_toml: &Path) -> Option<PathBuf> {
    let made = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok()).filter(|message| {
        let is_library = message.target.as_ref().is_some_and(|target| target.kind.iter().any(|kind| kind == "cdylib"));
        is_library && message.manifest_path == cargo_toml
    });
    let is_component = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
    made.flat_map(|message| message.filenames).find(is_component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_the_one_of_the_crate_itself() {
        let messages = r#"
{"reason":"compiler-artifact","manifest_path":"/p/dep/Cargo.toml","target":{"kind":["cdylib"]},"filenames":["/t/dep.wasm"]}
{"reason":"compiler-message","manifest_path":"/p/own/Cargo.toml","target":{"kind":["cdylib"]},"message":{}}
{"reason":"compiler-artifact","manifest_path":"/p/own/Cargo.toml","target":{"kind":["custom-build"]},"filenames":["/t/build"]}
{"reason":"compiler-artifact","manifest_path":"/p/own/Cargo.toml","target":{"kind":["cdylib","rlib"]},"filenames":["/t/libown.rlib","/t/own.wasm"]}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(component(messages, Path::new("/p/own/Cargo.toml")), Some(PathBuf::from("/t/own.wasm")));
        assert_eq!(component(messages, Path::new("/p/none/Cargo.toml")), None);
    }
}
