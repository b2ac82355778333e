//! `enroute plugin lock`: writes digests into `plugins.toml`, so that no other file is ever run.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use enroute_core::id::PluginId;
use enroute_core::suggest::nearest;
use enroute_host::catalog::{self, Inspection};
use enroute_host::config::Config;
use enroute_host::config::lock::write_digest;
use enroute_host::config::plugins_file::{FileDigest, PluginEntry};
use serde::Serialize;

use crate::commands::plugin::files;
use crate::output::{Advice, EXIT_MISTAKE, Output};

#[derive(Debug, Args)]
pub(super) struct LockArgs {
    /// The plugins; all of plugins.toml if none is named.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// What became of one plugin.
#[derive(Debug, Serialize)]
struct Locked {
    plugin: String,
    version: String,
    sha256: String,
    /// What was locked before.
    before: Option<String>,
    hosts: Vec<String>,
}

pub(super) fn run(args: &LockArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let Some(config) = files::read_plugins(folder, output) else { return Ok(ExitCode::from(EXIT_MISTAKE)) };
    let path = &config.paths.plugins_file;
    let entries = chosen(&config, &args.names)?;
    let original = std::fs::read_to_string(path)
        .with_context(|| Advice::failed(format!("`{}` cannot be read", path.display()), "check its rights"))?;
    let mut text = original.clone();
    let mut locked = Vec::new();
    let mut exit = ExitCode::SUCCESS;
    for entry in entries {
        match look(entry) {
            Ok((one, digest)) => {
                text = write_digest(&text, &entry.id.value, &digest)
                    .with_context(|| format!("plugin `{}` cannot be locked", one.plugin))?;
                locked.push(one);
            }
            Err(error) => exit = output.failure(&error),
        }
    }
    if text != original {
        files::write_whole(path, text.as_bytes())?;
    }
    show(&locked, output)?;
    Ok(exit)
}

/// The plugins that were named, or all.
fn chosen<'a>(config: &'a Config, names: &[String]) -> anyhow::Result<Vec<&'a PluginEntry>> {
    if names.is_empty() {
        return Ok(config.plugins.values().collect());
    }
    let find = |name: &String| {
        let id: Option<PluginId> = name.parse().ok();
        id.and_then(|id| config.plugins.get(&id)).ok_or_else(|| {
            let next = match nearest(name, config.plugins.keys().map(PluginId::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add [plugin.{name}] with its `file` first"),
            };
            Advice::mistake(format!("plugins.toml has no usable [plugin.{name}]"), next).into()
        })
    };
    names.iter().map(find).collect()
}

/// Looks at a plugin's file; one that could never run is not locked.
fn look(entry: &PluginEntry) -> anyhow::Result<(Locked, FileDigest)> {
    let id = entry.id.value.as_str();
    let refused = || {
        let what = format!("plugin `{id}` is not locked");
        Advice::failed(what, format!("look at `file` of [plugin.{id}] in plugins.toml, and at the file itself"))
    };
    let bytes = catalog::read_file(&entry.file.value).with_context(refused)?;
    let Inspection { manifest, sha256, .. } = Inspection::read(&bytes).with_context(refused)?;
    if manifest.id != id {
        return Err(anyhow::anyhow!("the file calls itself `{}`", manifest.id).context(refused()));
    }
    let digest = FileDigest::parse(&sha256).context("the digest of a file is no digest").with_context(refused)?;
    let hosts = manifest.hosts.iter().map(|ask| ask.host().to_owned()).collect();
    let before = entry.sha256.as_ref().map(|known| known.value.to_string());
    Ok((Locked { plugin: manifest.id, version: manifest.version, sha256, before, hosts }, digest))
}

fn show(locked: &[Locked], output: &Output) -> anyhow::Result<()> {
    if output.json {
        return output.print_json(&locked);
    }
    for one in locked {
        let Locked { plugin, version, sha256, before, hosts } = one;
        let how = match before {
            Some(before) if before == sha256 => "is locked already",
            Some(_) => "is locked anew",
            None => "is locked",
        };
        output.line(format_args!("{plugin} {version} {how}: sha256 {sha256}"))?;
        if before.as_ref().is_some_and(|before| before != sha256) {
            output.line(format_args!("  before: sha256 {}", before.as_deref().unwrap_or_default()))?;
        }
        output.line(format_args!("  asks to reach {}", hosts.join(", ")))?;
    }
    Ok(())
}
