//! `enroute plugin pack`: puts a manifest into a component, however that was built.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::commands::plugin::files;
use crate::output::Output;

#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// The component.
    #[arg(value_name = "WASM")]
    component: PathBuf,
    /// The manifest.
    #[arg(long, default_value = "plugin.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Where the plugin is written; `<id>.wasm` beside the manifest if not given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &PackArgs, output: &Output) -> anyhow::Result<ExitCode> {
    files::pack_to(&args.component, &args.manifest, args.out.as_deref())?.print(output)?;
    Ok(ExitCode::SUCCESS)
}
