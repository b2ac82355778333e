//! Compiling a plugin where it can do no harm: in a process of its own, with little time and memory.
//!
//! A file can be made so that compiling it takes hours or all memory. The process limits itself before it looks at the
//! file, has no environment, and hands back code or a reason; what becomes of the code is decided by its parent.
//! Limits of a process need Unix; elsewhere it is a process of its own and no more.

use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use enroute_core::plain;
use wasmtime::Engine;

use crate::limits::Limits;
use crate::settings::config;

/// Most bytes of compiled code that are taken back.
///
/// Code is three to five times as large as a component, and a component has at most 32 MiB.
const COMPILED_BYTES_MAX: u64 = 256 << 20;
/// Bytes of what the process says when it fails that are read.
const SAID_BYTES_MAX: u64 = 4_096;

/// What compiling one plugin may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// CPU time in seconds. A plugin that carries a whole Python takes 20 s on a slow core.
    pub cpu_s: u64,
    /// Address space in MiB, the program itself included.
    pub memory_mib: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { cpu_s: 120, memory_mib: 2_048 }
    }
}

/// Why a component is not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The process could not limit itself.
    #[error("the limits of the process cannot be set")]
    Limits(#[source] io::Error),
    /// The component did not arrive.
    #[error("the component cannot be read")]
    Input(#[source] io::Error),
    /// The compiler refuses it.
    #[error("{0}")]
    Refused(String),
}

/// What the process does: limits itself, reads a component, and returns its code.
///
/// The limits hold for the whole process and for good, so nothing else should happen in it.
///
/// # Errors
/// When the process cannot be limited, or the component cannot be read or compiled.
pub fn compile_in_this_process(limits: CompileLimits, mut input: impl Read) -> Result<Vec<u8>, CompileError> {
    limit(limits).map_err(CompileError::Limits)?;
    let mut wasm = Vec::new();
    input.read_to_end(&mut wasm).map_err(CompileError::Input)?;
    let refused = |error: wasmtime::Error| CompileError::Refused(format!("{error:#}"));
    // Compiling needs no pool of instances, whose reserved memory would not fit.
    let engine = Engine::new(&config(&Limits::default(), false)).map_err(refused)?;
    engine.precompile_component(&wasm).map_err(refused)
}

#[cfg(unix)]
fn limit(limits: CompileLimits) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let set = |resource, most: u64, last: u64| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(last) }).map_err(io::Error::from)
    };
    let memory = limits.memory_mib.saturating_mul(1 << 20);
    set(Resource::As, memory, memory)?;
    // The soft limit comes with a signal of its own, by which the parent knows the reason.
    set(Resource::Cpu, limits.cpu_s, limits.cpu_s.saturating_add(1))?;
    set(Resource::Core, 0, 0)?;
    set(Resource::Fsize, 0, 0)
}

#[cfg(not(unix))]
fn limit(_: CompileLimits) -> io::Result<()> {
    Ok(())
}

/// A program that compiles, one process for each plugin.
///
/// It is started with `--cpu-s` and `--memory-mib` behind its arguments, and does what
/// [`compile_in_this_process`] does, from its standard input to its standard output.
#[derive(Debug, Clone)]
pub struct CompileProgram {
    program: PathBuf,
    arguments: Vec<OsString>,
    limits: CompileLimits,
}

impl CompileProgram {
    /// This program, with these arguments in front.
    #[must_use]
    pub fn new(program: PathBuf, arguments: &[&str], limits: CompileLimits) -> Self {
        Self { program, arguments: arguments.iter().map(Into::into).collect(), limits }
    }

    /// Has a component compiled. The error is one clause, without names.
    pub(super) fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, String> {
        let limits = [("--cpu-s", self.limits.cpu_s), ("--memory-mib", self.limits.memory_mib)];
        let limits = limits.into_iter().flat_map(|(name, most)| [name.to_owned(), most.to_string()]);
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(limits).env_clear();
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let lost = |error: io::Error| format!("`{}` cannot compile it: {error}", self.program.display());
        let mut process = piped.spawn().map_err(lost)?;
        if let Some(mut input) = process.stdin.take() {
            // A process that ended early does not read all; why it ended is said below.
            let _ = input.write_all(wasm);
        }
        let compiled = read(process.stdout.take(), COMPILED_BYTES_MAX);
        let said = read(process.stderr.take(), SAID_BYTES_MAX);
        // Where more came than is taken, it would wait for ever.
        let _ = process.kill();
        let status = process.wait().map_err(lost)?;
        match compiled {
            Ok(compiled) if compiled.len() as u64 == COMPILED_BYTES_MAX => {
                Err(format!("its code has more than {} MiB", COMPILED_BYTES_MAX >> 20))
            }
            Ok(compiled) if status.success() => Ok(compiled),
            Ok(_) => Err(self.reason(status, &String::from_utf8_lossy(&said.unwrap_or_default()))),
            Err(error) => Err(lost(error)),
        }
    }

    /// Why the process did not end well.
    fn reason(&self, status: ExitStatus, said: &str) -> String {
        let CompileLimits { cpu_s, memory_mib } = self.limits;
        if said.contains("memory allocation of") {
            return format!("compiling it takes more than {memory_mib} MiB of memory");
        }
        if is_out_of_time(status) {
            return format!("compiling it takes more than {cpu_s} s of CPU time");
        }
        match said.lines().find(|line| !line.trim().is_empty()) {
            Some(line) => plain::line(line.trim().to_owned()),
            None => format!("the compiler ended with {status}"),
        }
    }
}

#[cfg(unix)]
fn is_out_of_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(rustix::process::Signal::XCPU.as_raw())
}

#[cfg(not(unix))]
fn is_out_of_time(_: ExitStatus) -> bool {
    false
}

fn read(pipe: Option<impl Read>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
