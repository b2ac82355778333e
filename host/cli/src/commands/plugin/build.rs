//! `enroute plugin build`: builds a plugin from its source, in the language that its folder shows, and packs it with
//! its manifest.

mod cargo;
mod javascript;
mod python;
mod tool;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use enroute_host::catalog;
use enroute_host::runtime::{Limits, Runtime};

use crate::commands::plugin::files;
use crate::output::{Advice, Output};
use crate::session;

#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// The plugin's folder: plugin.toml, and Cargo.toml, package.json or requirements.txt.
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// Where the plugin is written; `<id>.wasm` in the plugin's folder if not given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do not measure what the first load costs.
    #[arg(long)]
    no_load: bool,
    /// The folder of an operator, with plugins.toml: its host has the plugin compiled by a process of its own, and
    /// keeps that, so that the first sync there does not wait.
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_load")]
    warm: Option<PathBuf>,
}

/// What a plugin is written in, by the file that its tool chain goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    JavaScript,
    Python,
}

/// In the order in which they are looked for.
const SIGNS: [(&str, Language); 4] = [
    ("Cargo.toml", Language::Rust),
    ("package.json", Language::JavaScript),
    ("requirements.txt", Language::Python),
    ("pyproject.toml", Language::Python),
];

pub(super) async fn run(args: &BuildArgs, output: &Output) -> anyhow::Result<ExitCode> {
    // A folder that is none should not cost a build.
    let warmed = args.warm.as_deref().map(session::runtime_of).transpose()?;
    let mut made = build_to(&args.folder, args.out.as_deref(), output).await?;
    if !args.no_load {
        let runtime =
            warmed.map_or_else(|| Runtime::new(Limits::default(), None).context("the sandbox cannot start"), Ok)?;
        made.load_ms = Some(load_ms(&made, &runtime)?);
        made.kept_for = args.warm.as_ref().map(|folder| folder.display().to_string());
    }
    made.print(output)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds and packs the plugin in a folder.
pub(super) async fn build_to(given: &Path, out: Option<&Path>, output: &Output) -> anyhow::Result<files::Made> {
    let folder = given.canonicalize().with_context(|| not_a_plugin(given))?;
    let Some(language) = language(&folder) else {
        let signs = SIGNS.map(|(file, _)| file).join(", ");
        return Err(anyhow::anyhow!("it has none of {signs}").context(not_a_plugin(given)));
    };
    // A mistake in the manifest should not cost a build.
    let manifest = given.join("plugin.toml");
    files::read_manifest(&manifest)?;
    let component = match language {
        Language::Rust => cargo::build(&folder, output).await?,
        Language::JavaScript => javascript::build(&folder).await?,
        Language::Python => python::build(&folder).await?,
    };
    files::pack_to(&component, &manifest, out)
}

fn language(folder: &Path) -> Option<Language> {
    SIGNS.iter().find(|(file, _)| folder.join(file).is_file()).map(|(_, language)| *language)
}

fn not_a_plugin(folder: &Path) -> Advice {
    let what = format!("`{}` cannot be built", folder.display());
    Advice::mistake(what, "name the folder of a plugin; `enroute plugin new NAME` makes one")
}

/// How long this machine takes to have the plugin ready, in milliseconds: to compile it, which a host does once, at the
/// first load, where `runtime` does not have it yet.
fn load_ms(made: &files::Made, runtime: &Runtime) -> anyhow::Result<u128> {
    let failed = || {
        let what = format!("`{}` was built, but this host cannot load it", made.file);
        Advice::mistake(what, "change what it complains about and build again; wit/README.md explains the contract")
    };
    let bytes = catalog::read_file(Path::new(&made.file)).with_context(failed)?;
    let begun = Instant::now();
    runtime.load(&made.id, &bytes).with_context(failed)?;
    Ok(begun.elapsed().as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_shows_its_language() {
        for (file, expect) in SIGNS {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(language(folder.path()), None);
            std::fs::write(folder.path().join(file), "").unwrap();
            assert_eq!(language(folder.path()), Some(expect));
        }
    }

    #[tokio::test]
    async fn a_folder_without_a_language_is_told_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output { json: true };
        let error = build_to(folder.path(), None, &output).await.unwrap_err();
        assert!(format!("{error:#}").contains("it has none of Cargo.toml, package.json"), "{error:#}");
    }
}
