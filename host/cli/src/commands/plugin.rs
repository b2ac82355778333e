//! `enroute plugin`: the tools of authors and reviewers.

mod build;
mod files;
mod inspect;
mod list;
mod lock;
mod new;
mod own;
mod pack;
mod page;
mod test;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::output::Output;

pub(crate) use files::write_whole;
pub(crate) use own::{build_own, built};

/// What to do with plugins.
#[derive(Debug, Args)]
pub(crate) struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    /// Write the beginnings of a plugin: a crate with a manifest, cases and tests.
    New(new::NewArgs),
    /// Build a plugin's crate and pack it with its plugin.toml.
    Build(build::BuildArgs),
    /// Put a manifest into a component, however that was built.
    Pack(pack::PackArgs),
    /// Show what a plugin asks for, without running it.
    Inspect(inspect::InspectArgs),
    /// Refresh the head of a plugin's README from its plugin.toml.
    Page(page::PageArgs),
    /// Find out whether a plugin keeps the contract: every clause that a file can be tried on, and its own cases.
    Test(test::TestArgs),
    /// Write the digests of plugin files into plugins.toml.
    Lock(lock::LockArgs),
    /// Show the plugins of plugins.toml and whether their files are the locked ones.
    List,
}

/// Carries the command out. `folder` has `plugins.toml`.
pub(crate) async fn run(args: PluginArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    match args.command {
        PluginCommand::New(args) => new::run(&args, output),
        PluginCommand::Build(args) => build::run(&args, output).await,
        PluginCommand::Pack(args) => pack::run(&args, output),
        PluginCommand::Inspect(args) => inspect::run(&args, output),
        PluginCommand::Page(args) => page::run(&args, output),
        PluginCommand::Test(args) => test::run(args, output).await,
        PluginCommand::Lock(args) => lock::run(&args, folder, output),
        PluginCommand::List => list::run(folder, output),
    }
}
