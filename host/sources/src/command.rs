//! A program whose output is read: started without a shell, with the variables that it was given, and ended in time.
//!
//! What must never happen: that it outlives what asked for it, that its output is taken where it failed, or that a secret
//! stands in a message.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use enroute_config::secret::Secret;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::Error;

/// Most bytes of what a command prints.
const OUTPUT_BYTES_MAX: u64 = 64 << 30;
/// Bytes of what it says on standard error that are kept: the last.
const SAID_BYTES: usize = 4 << 10;
/// How often somebody is asked whether to stop.
const TICK: Duration = Duration::from_millis(100);
/// How long a program has to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// A program with all that it needs.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Variables that every command sees.
    pub usual: Vec<(&'static str, OsString)>,
    /// Variables of this one.
    pub secrets: Vec<(String, Secret)>,
    /// When it is ended.
    pub timeout: Duration,
    /// The folder that it runs in.
    pub folder: PathBuf,
}

/// Why a command is ended before it ends itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    TooLong,
    TooMuch,
    Asked,
}

/// What the threads that watch it tell.
enum Told {
    Printed(io::Result<bool>),
    Said(String),
    Ended(io::Result<ExitStatus>),
}

impl Program {
    fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn fail(&self, reason: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::Command { program: self.name().to_owned(), reason: reason.into(), hint: hint.into() }
    }

    /// Runs it and writes what it prints to a file. `is_asked` tells whether to stop.
    ///
    /// # Errors
    /// If it cannot be started, fails, takes too long or prints too much, or somebody asks to stop.
    pub(super) fn run(&self, mut output: File, is_asked: &dyn Fn() -> bool) -> Result<(), Error> {
        let mut child = self.start()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (tell, told) = mpsc::channel();
        if let Some(mut printed) = child.stdout.take() {
            let tell = tell.clone();
            std::thread::spawn(move || tell.send(Told::Printed(copy(&mut printed, &mut output))));
        }
        if let Some(mut said) = child.stderr.take() {
            let tell = tell.clone();
            std::thread::spawn(move || tell.send(Told::Said(last(&mut said))));
        }
        std::thread::spawn(move || tell.send(Told::Ended(child.wait())));
        let watched = watch(&told, pid, self.timeout, is_asked);
        self.judge(watched)
    }

    fn start(&self) -> Result<Child, Error> {
        let mut command = Command::new(self.name());
        command.args(self.words.get(1..).unwrap_or_default()).current_dir(&self.folder).env_clear();
        command.envs(self.usual.iter().map(|(name, value)| (name, value)));
        command.envs(self.secrets.iter().map(|(name, value)| (name, value.reveal())));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.fail("is not there", "install it, or write its whole path in `command`"),
            _ => self.fail(format!("cannot be started: {error}"), "see that you may run it"),
        })
    }

    fn judge(&self, watched: Watched) -> Result<(), Error> {
        let said = self.scrubbed(&watched.said);
        let said = if said.is_empty() { "it said nothing".to_owned() } else { format!("it said: {said}") };
        match (watched.cut, watched.status) {
            (Some(Cut::Asked), _) => Err(self.fail("was ended, as it was asked for", "run it again")),
            (Some(Cut::TooLong), _) => Err(self.fail(
                format!("took more than {} minutes and was ended; {said}", self.timeout.as_secs() / 60),
                "make it read less, or raise `timeout_minutes`",
            )),
            (Some(Cut::TooMuch), _) => Err(self
                .fail(format!("printed more than {} GiB and was ended", OUTPUT_BYTES_MAX >> 30), "make it print less")),
            (None, Some(Ok(status))) if status.success() => match watched.printed {
                Some(Ok(_)) => Ok(()),
                Some(Err(error)) => {
                    Err(self.fail(format!("printed what cannot be kept: {error}"), "see that there is room"))
                }
                None => Err(self.fail("left its output open", "have it end what it starts")),
            },
            (None, Some(Ok(status))) => {
                Err(self.fail(format!("failed ({status}); {said}"), "try it by hand with the same words"))
            }
            (None, Some(Err(error))) => Err(self.fail(format!("was lost: {error}"), "run it again")),
            (None, None) => Err(self.fail("was lost", "run it again")),
        }
    }

    /// What it said, on one line, without secrets and without what steers a terminal.
    fn scrubbed(&self, said: &str) -> String {
        let mut said = said.to_owned();
        for (name, secret) in &self.secrets {
            if secret.reveal().len() >= 4 {
                said = said.replace(secret.reveal(), &format!("[{name}]"));
            }
        }
        let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        lines
            .join(" / ")
            .chars()
            .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
            .collect()
    }
}

/// What became of a program.
#[derive(Debug, Default)]
struct Watched {
    printed: Option<io::Result<bool>>,
    said: String,
    status: Option<io::Result<ExitStatus>>,
    cut: Option<Cut>,
}

/// Waits until it ended and its output is read, or ends it.
fn watch(told: &Receiver<Told>, pid: Option<Pid>, timeout: Duration, is_asked: &dyn Fn() -> bool) -> Watched {
    let mut watched = Watched::default();
    let mut deadline = Instant::now() + timeout;
    let mut has_said = false;
    while watched.status.is_none() || watched.printed.is_none() || !has_said {
        match told.recv_timeout(TICK) {
            Ok(Told::Printed(printed)) => {
                if matches!(printed, Ok(false)) {
                    cut(&mut watched, Cut::TooMuch, pid, &mut deadline);
                }
                watched.printed = Some(printed);
            }
            Ok(Told::Said(said)) => (watched.said, has_said) = (said, true),
            // What it started may hold its output open.
            Ok(Told::Ended(status)) => {
                watched.status = Some(status);
                deadline = deadline.min(Instant::now() + GRACE);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if watched.cut.is_none() && is_asked() {
            cut(&mut watched, Cut::Asked, pid, &mut deadline);
        }
        if Instant::now() < deadline {
            continue;
        }
        match (watched.cut, &watched.status) {
            (None, None) => cut(&mut watched, Cut::TooLong, pid, &mut deadline),
            // It was asked and did not end, or left something behind.
            _ => {
                signal(pid, Signal::KILL);
                break;
            }
        }
    }
    if watched.cut.is_some() || watched.printed.is_none() {
        signal(pid, Signal::KILL);
    }
    watched
}

fn cut(watched: &mut Watched, why: Cut, pid: Option<Pid>, deadline: &mut Instant) {
    watched.cut = Some(why);
    *deadline = Instant::now() + GRACE;
    signal(pid, Signal::TERM);
}

fn signal(pid: Option<Pid>, signal: Signal) {
    if let Some(pid) = pid {
        // It is an error where all of them have ended.
        let _ = kill_process_group(pid, signal);
    }
}

/// Writes what is printed; false where it is too much.
fn copy(input: &mut dyn Read, output: &mut dyn Write) -> io::Result<bool> {
    let copied = io::copy(&mut input.take(OUTPUT_BYTES_MAX + 1), output)?;
    output.flush()?;
    Ok(copied <= OUTPUT_BYTES_MAX)
}

/// The last that is said.
fn last(input: &mut dyn Read) -> String {
    let mut kept: Vec<u8> = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(read) = input.read(&mut buffer) {
        if read == 0 {
            break;
        }
        kept.extend(buffer.get(..read).unwrap_or_default());
        let over = kept.len().saturating_sub(SAID_BYTES);
        kept.drain(..over);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests;
