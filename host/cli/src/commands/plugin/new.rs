//! `enroute plugin new`: the beginnings of a plugin, which build and pass their tests as they are.

mod template;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use enroute_core::id::PluginId;
use enroute_core::words::counted;
use serde_json::json;

use crate::commands::plugin::new::template::{Language, is_sdk};
use crate::output::{Advice, Output};

/// The checkout that this host was built from.
const CHECKOUT_WHEN_BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The plugin's id: lower-case letters, digits and `-`.
    name: PluginId,
    /// The folder to make; the plugin's id if not given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What it is written in.
    #[arg(long, default_value = "rust", value_name = "LANGUAGE")]
    language: Language,
    /// The language's SDK: its folder in a checkout, or an archive of it. If not given, that of the checkout around the
    /// current folder, of the folder that this program is in, or of the checkout that it was built from; and the
    /// published version where there is none.
    #[arg(long, value_name = "PATH")]
    sdk: Option<PathBuf>,
}

pub(super) fn run(args: &NewArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let name = args.name.as_str();
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(name));
    let version = env!("CARGO_PKG_VERSION");
    let found = sdk(args.language, args.sdk.as_deref())?;
    let sdk = args.language.dependency(version, found.as_deref());
    let files = rendered(args.language, name, &sdk);
    write(&folder, &files)?;
    if output.json {
        let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        output.print_json(&json!({
            "id": name, "folder": folder.display().to_string(), "sdk": found, "sdk_version": version, "files": paths
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = folder.display();
    output.line(format_args!("{shown} has {}; begin with its README.md", counted(files.len(), "file")))?;
    output.line("")?;
    output.line(format_args!("  cd {shown}"))?;
    for step in args.language.steps() {
        output.line(format_args!("  {step}"))?;
    }
    output.line("  enroute plugin build")?;
    output.line(format_args!("  enroute plugin test {name}.wasm"))?;
    if found.is_none() {
        output.note(format_args!("\n{}", by_version(args.language, name, &folder)));
    }
    Ok(ExitCode::SUCCESS)
}

/// What to know where the SDK is asked for by version alone.
fn by_version(language: Language, name: &str, folder: &Path) -> String {
    let (version, shown, [inside, ..]) = (env!("CARGO_PKG_VERSION"), folder.display(), language.sdk());
    format!(
        "No SDK is near, so {shown} asks for {} {version} by version, which can be installed once that is published.\n\
         Until then get a checkout of Enroute, remove {shown}, and name the SDK in it:\n\n  \
         enroute plugin new {name} --language {language} --sdk CHECKOUT/{inside}",
        language.package()
    )
}

/// The template with its blanks filled in.
fn rendered(language: Language, name: &str, sdk: &str) -> Vec<(&'static str, String)> {
    let fill = |text: &str| text.replace("{{name}}", name).replace("{{sdk}}", sdk);
    language.files().map(|(path, text)| (path, fill(text))).collect()
}

/// Where the SDK is taken from: the one that is given, or the nearest; nothing where there is none.
fn sdk(language: Language, given: Option<&Path>) -> anyhow::Result<Option<String>> {
    let [inside, ..] = language.sdk();
    let found = match given {
        Some(given) => {
            let found = given.canonicalize().ok().filter(|path| is_sdk(language, path));
            Some(found.ok_or_else(|| {
                let what = format!("`{}` is not the SDK of the language", given.display());
                let next =
                    format!("check out Enroute and name its folder {inside} with `--sdk`, or an archive of that");
                Advice::mistake(what, next)
            })?)
        }
        None => {
            let here = std::env::current_dir().context("the current folder cannot be found out")?;
            let program = std::env::current_exe().context("the folder of this program cannot be found out")?;
            nearest(language, &here, &program, Path::new(CHECKOUT_WHEN_BUILT))
        }
    };
    let Some(path) = found else { return Ok(None) };
    let quotable = |c: char| !c.is_control() && c != '"' && c != '\\';
    let text = path.to_str().filter(|text| text.chars().all(quotable)).ok_or_else(|| {
        let what = format!("`{}` cannot be written into the plugin's files", path.display());
        Advice::mistake(what, "move the checkout to a folder with a plain name")
    })?;
    Ok(Some(text.to_owned()))
}

/// The SDK around a folder, else beside a program, else in a checkout.
fn nearest(language: Language, here: &Path, program: &Path, checkout: &Path) -> Option<PathBuf> {
    let [inside, ..] = language.sdk();
    // Beside the program, or beside the folder `bin` that it is in.
    let beside = program.ancestors().skip(1).take(2);
    let mut folders = here.ancestors().chain(beside).chain([checkout]).map(|folder| folder.join(inside));
    folders.find(|path| is_sdk(language, path)).and_then(|path| path.canonicalize().ok())
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

    const LANGUAGES: [(Language, &str); 3] =
        [(Language::Rust, "rust"), (Language::Javascript, "javascript"), (Language::Python, "python")];

    /// The files below a folder, by their place in it.
    fn files_in(folder: &Path) -> Vec<String> {
        let mut folders = vec![folder.to_path_buf()];
        let mut found = Vec::new();
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    found.push(name.strip_suffix(".tmpl").unwrap_or(&name).to_owned());
                }
            }
        }
        found
    }

    /// Where a file of the template lands; what begins with a dot does not do so in the template, where it would act.
    fn place(name: String) -> String {
        match name.as_str() {
            "gitignore" | "npmrc" => format!(".{name}"),
            "ci.yml" => ".github/workflows/ci.yml".to_owned(),
            _ => name,
        }
    }

    #[test]
    fn every_file_of_the_template_is_carried_and_filled_in() {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/template");
        for (language, folder) in LANGUAGES {
            let own = files_in(&template.join(folder)).into_iter().map(place);
            let mut found: Vec<_> = files_in(&template.join("common")).into_iter().chain(own).collect();
            let files = rendered(language, "acme", &language.dependency("0.1.0", Some("/enroute/sdk")));
            let mut carried: Vec<_> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
            found.sort();
            carried.sort();
            assert_eq!(carried, found);
            for (path, text) in files {
                // GitHub's own blanks have a dollar sign before them.
                assert!(!text.replace("${{", "").contains("{{"), "{path} has a blank that is not filled in");
            }
        }
    }

    #[test]
    fn a_new_plugin_has_a_sound_manifest_under_its_name() {
        for (language, _) in LANGUAGES {
            let files = rendered(language, "acme", "sdk");
            let (_, text) = files.iter().find(|(path, _)| *path == "plugin.toml").unwrap();
            assert_eq!(Manifest::parse_toml(text).unwrap().id, "acme");
        }
    }

    #[test]
    fn the_sdk_is_taken_by_version_with_a_path_only_where_there_is_one() {
        let asks = |language: Language, folder| language.dependency("0.1.0", folder);
        assert_eq!(asks(Language::Rust, None), "\"0.1.0\"");
        assert_eq!(asks(Language::Rust, Some("/e/sdk/rust")), "{ version = \"0.1.0\", path = \"/e/sdk/rust\" }");
        assert_eq!(asks(Language::Javascript, None), "0.1.0");
        assert_eq!(asks(Language::Javascript, Some("/e/sdk/javascript")), "file:/e/sdk/javascript");
        assert_eq!(asks(Language::Python, None), "enroute-sdk==0.1.0");
        assert_eq!(asks(Language::Python, Some("/my e/sdk")), "enroute-sdk @ file:///my%20e/sdk");
        for (language, _) in LANGUAGES {
            assert!(is_sdk(language, &Path::new(CHECKOUT_WHEN_BUILT).join(language.sdk()[0])));
        }
    }

    #[test]
    fn the_nearest_sdk_is_taken_and_where_none_is_near_it_is_said_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let place = |text: &str| root.join(text);
        for (language, _) in LANGUAGES {
            let find = || nearest(language, &place("a/b"), &place("opt/bin/enroute"), &place("gone"));
            assert_eq!(find(), None);
            let [inside, file, line] = language.sdk();
            for near in ["opt", "a"] {
                let sdk = place(near).join(inside);
                std::fs::create_dir_all(&sdk).unwrap();
                std::fs::write(sdk.join(file), format!("  {line}\n")).unwrap();
                assert_eq!(find(), Some(sdk));
            }
            let said = by_version(language, "acme", Path::new("acme"));
            assert!(said.contains("once that is published"), "{said}");
            assert!(said.contains(&format!("--language {language} --sdk CHECKOUT/{inside}")), "{said}");
        }
    }

    #[test]
    fn an_archive_of_the_sdk_is_an_sdk_of_its_language() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["enroute-sdk-0.1.0.tgz", "enroute_sdk-0.1.0-py3-none-any.whl", "enroute_sdk-0.1.0.tar.gz", "x.tgz"];
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let taken = |language| names.map(|name| is_sdk(language, &folder.path().join(name)));
        assert_eq!(taken(Language::Rust), [false; 4]);
        assert_eq!(taken(Language::Javascript), [true, false, false, false]);
        assert_eq!(taken(Language::Python), [false, true, true, false]);
        assert!(!is_sdk(Language::Python, &folder.path().join("enroute_sdk-9.whl")), "it has to be there");
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plugin.toml"), "mine").unwrap();
        let files = rendered(Language::Rust, "acme", "sdk");
        let error = write(folder.path(), &files).unwrap_err();
        assert!(error.to_string().contains("has files in it already"), "{error}");
        assert_eq!(std::fs::read_to_string(folder.path().join("plugin.toml")).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        write(&folder.path().join("new"), &files).unwrap();
        assert!(folder.path().join("new/src/lib.rs").is_file());
    }
}
