//! Tools of other languages: found where their package managers put them, and given the contract.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

use crate::output::Advice;

/// The contract as this host speaks it, for tools that read it from files.
const WIT: [(&str, &str); 3] = [
    ("host.wit", include_str!("../../../../../../wit/v0_1/host.wit")),
    ("types.wit", include_str!("../../../../../../wit/v0_1/types.wit")),
    ("world.wit", include_str!("../../../../../../wit/v0_1/world.wit")),
];

/// The world that a plugin is built for.
pub(super) const WORLD: &str = "plugin";

/// Where everything is put that a build makes: `build` in the plugin's folder, with the contract in `build/wit`.
pub(super) fn prepared(folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let build = folder.join("build");
    let wit = build.join("wit");
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&wit)?;
        WIT.iter().try_for_each(|(name, text)| std::fs::write(wit.join(name), text))
    };
    write().with_context(|| {
        let what = format!("`{}` cannot be written", build.display());
        Advice::failed(what, "check that you may write there")
    })?;
    Ok((build, wit))
}

/// A tool of another language.
pub(super) struct Tool {
    path: PathBuf,
    /// The command that installs it.
    install: &'static str,
    /// What it runs on.
    runtime: &'static str,
}

impl Tool {
    /// The tool in the first of these folders that has it, else the one that the path has.
    pub(super) fn find(
        name: &str,
        folders: impl IntoIterator<Item = PathBuf>,
        install: &'static str,
        runtime: &'static str,
    ) -> Self {
        let mut all = folders.into_iter().map(|folder| folder.join(name));
        let path = all.find(|tool| tool.is_file()).unwrap_or_else(|| PathBuf::from(name));
        Self { path, install, runtime }
    }

    /// Runs the tool in a folder, with one more variable; what it says goes to standard error.
    pub(super) async fn run(
        &self,
        words: &[&OsStr],
        folder: &Path,
        variable: Option<(&str, &Path)>,
    ) -> anyhow::Result<()> {
        let mut command = Command::new(&self.path);
        command.args(words).envs(variable).current_dir(folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
        let ended = command.output().await.map_err(|error| {
            let advice = self.not_started(&error);
            anyhow::Error::new(error).context(advice)
        })?;
        if ended.status.success() {
            return Ok(());
        }
        // `env` ends with 127 where it does not find what a script runs on.
        let next = match ended.status.code() {
            Some(127) => format!("see to it that {} is installed", self.runtime),
            _ => format!("mend what `{}` says above", self.name()),
        };
        let failed = Advice::failed(format!("`{}` was not built", folder.display()), next);
        Err(match String::from_utf8_lossy(&ended.stdout).trim() {
            "" => failed.into(),
            said => anyhow::anyhow!("{} says: {said}", self.name()).context(failed),
        })
    }

    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.path.file_name().unwrap_or_default().to_string_lossy()
    }

    fn not_started(&self, error: &std::io::Error) -> Advice {
        let name = self.name();
        match error.kind() {
            ErrorKind::NotFound if self.path.is_absolute() => {
                let next = format!("see to it that {} is installed, then run `{}`", self.runtime, self.install);
                Advice::failed(format!("`{name}` cannot be started"), next)
            }
            ErrorKind::NotFound => {
                let next = format!("in the plugin's folder run `{}`", self.install);
                Advice::failed(format!("`{name}`, which builds the plugin, is not installed"), next)
            }
            _ => Advice::failed(
                format!("`{name}` cannot be started"),
                format!("see why `{}` does not start", self.path.display()),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tool_that_is_missing_is_told_by_its_name() {
        let tool = Tool::find("no-such-tool-anywhere", [PathBuf::from("/nowhere")], "npm install", "Node");
        let error = tool.run(&[], Path::new("/"), None).await.unwrap_err();
        assert_eq!(error.to_string(), "`no-such-tool-anywhere`, which builds the plugin, is not installed");
    }

    #[test]
    fn tools_get_the_contract_that_the_host_speaks() {
        let folder = tempfile::tempdir().unwrap();
        let (_, wit) = prepared(folder.path()).unwrap();
        let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/v0_1");
        let read = |folder: &Path| {
            let mut files: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| (path.file_name().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()))
                .collect();
            files.sort();
            files
        };
        assert_eq!(read(&wit), read(&frozen));
    }
}
