//! `enroute plugin page`: the head of a plugin's README, made of its plugin.toml.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use enroute_core::manifest::page;
use serde_json::json;

use crate::commands::plugin::files;
use crate::output::{Advice, Output};

#[derive(Debug, Args)]
pub(super) struct PageArgs {
    /// The plugin's folder, with plugin.toml and README.md.
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(args: &PageArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let (_, manifest) = files::read_manifest(&args.folder.join("plugin.toml"))?;
    let readme = args.folder.join("README.md");
    let text = match std::fs::read_to_string(&readme) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.with_context(|| {
            Advice::failed(format!("`{}` cannot be read", readme.display()), "look at its rights and at its encoding")
        })?,
    };
    let made = page(&manifest, &text);
    let is_changed = made != text;
    if is_changed {
        files::write_whole(&readme, made.as_bytes())?;
    }
    if output.json {
        output.print_json(&json!({ "page": readme, "changed": is_changed }))?;
    } else {
        let what = if is_changed { "has a fresh head" } else { "says what plugin.toml says" };
        output.line(format_args!("{} {what}", readme.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
