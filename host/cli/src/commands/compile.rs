//! `enroute compile-plugin`: what this binary runs itself as, to compile a plugin within limits.
//!
//! Reads a component from standard input and writes its code to standard output. Not for people, so it is not shown.

use std::path::PathBuf;
use std::process::ExitCode;

use enroute_host::runtime::{CompileLimits, CompileProgram, compile_in_this_process};

use crate::output::{EXIT_MISTAKE, Output};

/// The command's name.
pub(crate) const NAME: &str = "compile-plugin";

/// What it may take.
#[derive(Debug, clap::Args)]
pub(crate) struct CompileArgs {
    #[arg(long)]
    cpu_s: u64,
    #[arg(long)]
    memory_mib: u64,
}

/// Runs the command.
pub(crate) fn run(args: &CompileArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let limits = CompileLimits { cpu_s: args.cpu_s, memory_mib: args.memory_mib };
    match compile_in_this_process(limits, std::io::stdin().lock()) {
        Ok(code) => output.bytes(&code).map(|()| ExitCode::SUCCESS),
        Err(error) => {
            output.note(format_args!("{:#}", anyhow::Error::new(error)));
            Ok(ExitCode::from(EXIT_MISTAKE))
        }
    }
}

/// This binary as the program that compiles.
pub(crate) fn program() -> std::io::Result<CompileProgram> {
    let own: PathBuf = std::env::current_exe()?;
    Ok(CompileProgram::new(own, &[NAME], CompileLimits::default()))
}
