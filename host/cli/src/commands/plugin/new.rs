//! `enroute plugin new`: the beginnings of a plugin, which build and pass their tests as they are.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use enroute_core::id::PluginId;
use enroute_core::words::counted;
use serde_json::json;

use crate::output::{Advice, Output};

/// Files of the template, by their place in the new folder.
const TEMPLATE: [(&str, &str); 14] = [
    ("Cargo.toml", include_str!("../../../../../sdk/template/Cargo.toml.tmpl")),
    ("README.md", include_str!("../../../../../sdk/template/README.md.tmpl")),
    ("plugin.toml", include_str!("../../../../../sdk/template/plugin.toml.tmpl")),
    ("src/lib.rs", include_str!("../../../../../sdk/template/src/lib.rs.tmpl")),
    ("src/mapping.rs", include_str!("../../../../../sdk/template/src/mapping.rs.tmpl")),
    ("src/request.rs", include_str!("../../../../../sdk/template/src/request.rs.tmpl")),
    ("src/response.rs", include_str!("../../../../../sdk/template/src/response.rs.tmpl")),
    ("src/settings.rs", include_str!("../../../../../sdk/template/src/settings.rs.tmpl")),
    (
        "cases/map/traits_and_membership.toml",
        include_str!("../../../../../sdk/template/cases/map/traits_and_membership.toml"),
    ),
    ("cases/map/without_id.toml", include_str!("../../../../../sdk/template/cases/map/without_id.toml")),
    ("cases/send/one_rejected.toml", include_str!("../../../../../sdk/template/cases/send/one_rejected.toml")),
    ("cases/send/probe_bad_token.toml", include_str!("../../../../../sdk/template/cases/send/probe_bad_token.toml")),
    ("cases/send/rate_limited.toml", include_str!("../../../../../sdk/template/cases/send/rate_limited.toml")),
    (
        "cases/validate/row_onto_the_id.toml",
        include_str!("../../../../../sdk/template/cases/validate/row_onto_the_id.toml"),
    ),
];

/// Where the SDK was when this host was built.
const SDK_WHEN_BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/rust");

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The plugin's id: lower-case letters, digits and `-`.
    name: PluginId,
    /// The folder to make; the plugin's id if not given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The SDK's crate; the one of the checkout around the current folder if not given.
    #[arg(long, value_name = "PATH")]
    sdk: Option<PathBuf>,
}

pub(super) fn run(args: &NewArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let name = args.name.as_str();
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(name));
    let sdk = sdk(args.sdk.as_deref())?;
    let files = rendered(name, &sdk);
    write(&folder, &files)?;
    if output.json {
        let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        output.print_json(&json!({ "id": name, "folder": folder.display().to_string(), "files": paths }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = folder.display();
    output.line(format_args!("{shown} has {}; begin with its README.md", counted(files.len(), "file")))?;
    output.line("")?;
    output.line(format_args!("  cd {shown} && cargo test"))?;
    output.line("  enroute plugin build")?;
    output.line(format_args!("  enroute plugin inspect {name}.wasm"))?;
    Ok(ExitCode::SUCCESS)
}

/// The template with its blanks filled in.
fn rendered(name: &str, sdk: &str) -> Vec<(&'static str, String)> {
    let fill = |text: &str| text.replace("{{name}}", name).replace("{{sdk}}", sdk);
    TEMPLATE.iter().map(|(path, text)| (*path, fill(text))).collect()
}

/// The SDK's folder, as `Cargo.toml` writes it.
fn sdk(given: Option<&Path>) -> anyhow::Result<String> {
    let found = match given {
        Some(given) => given.canonicalize().ok().filter(|path| is_sdk(path)),
        None => {
            let here = std::env::current_dir().context("the current folder cannot be found out")?;
            let around = here.ancestors().map(|folder| folder.join("sdk/rust"));
            around.chain([PathBuf::from(SDK_WHEN_BUILT)]).find(|path| is_sdk(path)).and_then(|p| p.canonicalize().ok())
        }
    };
    let path = found.ok_or_else(|| {
        let what = match given {
            Some(given) => format!("`{}` is not the crate `enroute-sdk`", given.display()),
            None => "the crate `enroute-sdk` is not near".to_owned(),
        };
        Advice::mistake(what, "check out Enroute and name its folder sdk/rust with `--sdk`")
    })?;
    let quotable = |c: char| !c.is_control() && c != '"' && c != '\\';
    path.to_str().filter(|text| text.chars().all(quotable)).map(str::to_owned).ok_or_else(|| {
        let what = format!("`{}` cannot be written into a Cargo.toml", path.display());
        Advice::mistake(what, "move the checkout to a folder with a plain name").into()
    })
}

fn is_sdk(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    manifest.lines().any(|line| line.trim() == "name = \"enroute-sdk\"")
}

/// Writes the files into a folder that has nothing in it yet.
fn write(folder: &Path, files: &[(&str, String)]) -> anyhow::Result<()> {
    let failed = || {
        let what = format!("`{}` cannot be written", folder.display());
        Advice::failed(what, "check that you may write there, or name another folder with `--dir`")
    };
    let is_taken = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(anyhow::Error::new(error).context(failed())),
    };
    if is_taken {
        let what = format!("`{}` has files in it already; nothing was written", folder.display());
        return Err(Advice::mistake(what, "name another folder with `--dir`").into());
    }
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text)).with_context(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use enroute_core::manifest::Manifest;

    #[test]
    fn every_file_of_the_template_is_carried_and_filled_in() {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/template");
        let mut folders = vec![template.clone()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&template).unwrap().to_str().unwrap().to_owned();
                    found.push(name.strip_suffix(".tmpl").unwrap_or(&name).to_owned());
                }
            }
        }
        found.sort();
        let mut carried: Vec<_> = TEMPLATE.iter().map(|(path, _)| (*path).to_owned()).collect();
        carried.sort();
        assert_eq!(carried, found);
        for (path, text) in rendered("acme", "/enroute/sdk/rust") {
            assert!(!text.contains("{{"), "{path} has a blank that is not filled in");
        }
    }

    #[test]
    fn a_new_plugin_has_a_sound_manifest_under_its_name() {
        let files = rendered("acme", "/enroute/sdk/rust");
        let (_, text) = files.iter().find(|(path, _)| *path == "plugin.toml").unwrap();
        assert_eq!(Manifest::parse_toml(text).unwrap().id, "acme");
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plugin.toml"), "mine").unwrap();
        let error = write(folder.path(), &rendered("acme", "/sdk")).unwrap_err();
        assert!(error.to_string().contains("has files in it already"), "{error}");
        assert_eq!(std::fs::read_to_string(folder.path().join("plugin.toml")).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        write(&folder.path().join("new"), &rendered("acme", "/sdk")).unwrap();
        assert!(folder.path().join("new/src/lib.rs").is_file());
    }
}
