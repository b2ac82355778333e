//! `enroute plugin list`: the plugins of `plugins.toml`, and whether their files are the locked ones.

use std::path::Path;
use std::process::ExitCode;

use enroute_host::catalog::{self, FileError, Inspection};
use enroute_host::config::Config;
use enroute_host::config::plugins_file::PluginEntry;
use serde::Serialize;

use crate::commands::plugin::files;
use crate::output::{EXIT_MISTAKE, Output};

/// How a plugin's file relates to its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Locked,
    Differs,
    NotLocked,
    Missing,
    Unreadable,
}

impl State {
    const fn shown(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Differs => "differs from its lock",
            Self::NotLocked => "not locked",
            Self::Missing => "file missing",
            Self::Unreadable => "file unreadable",
        }
    }
}

/// One plugin of `plugins.toml`.
#[derive(Debug, Serialize)]
struct Listed {
    plugin: String,
    version: Option<String>,
    state: State,
    file: String,
    sha256: Option<String>,
    /// Enabled destinations.
    destinations: Vec<String>,
    /// Why it could not run, as far as its file tells.
    problem: Option<String>,
}

pub(super) fn run(folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let Some(config) = files::read_plugins(folder, output) else { return Ok(ExitCode::from(EXIT_MISTAKE)) };
    let listed: Vec<Listed> = config.plugins.values().map(|entry| look(entry, &config)).collect();
    if output.json {
        output.print_json(&listed)?;
        return Ok(ExitCode::SUCCESS);
    }
    if listed.is_empty() {
        output.note("plugins.toml has no [plugin.NAME]");
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["plugin", "version", "state", "enabled destinations", "file"].map(str::to_owned).to_vec()];
    rows.extend(listed.iter().map(cells));
    output.table(&rows)?;
    for one in &listed {
        if let Some(problem) = &one.problem {
            output.note(format_args!("plugin `{}` cannot run: {problem}", one.plugin));
        }
    }
    if listed.iter().any(|one| matches!(one.state, State::Differs | State::NotLocked)) {
        output.note("hint: look at a file with `enroute plugin inspect`, then `enroute plugin lock NAME`");
    }
    Ok(ExitCode::SUCCESS)
}

fn cells(one: &Listed) -> Vec<String> {
    let version = one.version.clone().unwrap_or_else(|| "?".to_owned());
    let destinations = if one.destinations.is_empty() { "none".to_owned() } else { one.destinations.join(", ") };
    vec![one.plugin.clone(), version, one.state.shown().to_owned(), destinations, one.file.clone()]
}

fn look(entry: &PluginEntry, config: &Config) -> Listed {
    let id = &entry.id.value;
    let enabled = config.destinations.values().filter(|one| one.enabled && one.plugin.value == *id);
    let mut listed = Listed {
        plugin: id.to_string(),
        version: None,
        state: State::Missing,
        file: entry.file.value.display().to_string(),
        sha256: None,
        destinations: enabled.map(|one| one.name.value.to_string()).collect(),
        problem: None,
    };
    let bytes = match catalog::read_file(&entry.file.value) {
        Ok(bytes) => bytes,
        Err(error) => {
            listed.state = if is_missing(&error) { State::Missing } else { State::Unreadable };
            listed.problem = Some(format!("{:#}", anyhow::Error::new(error)));
            return listed;
        }
    };
    let sha256 = catalog::sha256_hex(&bytes);
    listed.state = match &entry.sha256 {
        None => State::NotLocked,
        Some(locked) if locked.value.to_string() == sha256 => State::Locked,
        Some(_) => State::Differs,
    };
    listed.sha256 = Some(sha256);
    match Inspection::read(&bytes) {
        Ok(inspection) if inspection.manifest.id != id.as_str() => {
            listed.problem = Some(format!("the file calls itself `{}`", inspection.manifest.id));
        }
        Ok(inspection) => listed.version = Some(inspection.manifest.version),
        Err(error) => listed.problem = Some(format!("{:#}", anyhow::Error::new(error))),
    }
    listed
}

fn is_missing(error: &FileError) -> bool {
    matches!(error, FileError::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}
