//! Where a secret comes from: a variable, a file, what a command prints, or the store, which keeps it sealed.
//!
//! The only reader of the environment. A secret's value goes from its origin into [`Secret`] and nowhere else:
//! no error of this module holds any of it.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use enroute_core::id::DestinationName;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use zeroize::Zeroize as _;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Place;
use crate::secret::Secret;

/// Largest secret in bytes.
///
/// The largest that destinations hand out is a service account's key file of 3 KiB; 64 KiB bounds a mistake
/// like a reference to a log file.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;

/// Longest time a command may take.
///
/// Password managers answer in a second; one that waits for a person at a terminal never will.
pub const COMMAND_TIME_MAX: Duration = Duration::from_secs(10);

/// Most bytes of a command's complaint that are looked at, and most characters that are shown.
const COMPLAINT_BYTES_MAX: u64 = 4096;
const COMPLAINT_CHARS_MAX: usize = 200;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// The variable of this name.
    Env(String),
    /// The content of this file, without a line feed at its end.
    File(PathBuf),
    /// What this command prints, without a line feed at its end. No shell is involved.
    Exec(Vec<String>),
    /// What the store keeps sealed under this name (`enroute secret set`).
    Sealed(String),
}

/// The secrets that the store keeps sealed, opened, as they were when the store was looked at.
#[derive(Debug, Clone, Default)]
pub struct Sealed(BTreeMap<String, Secret>);

impl FromIterator<(String, Secret)> for Sealed {
    fn from_iter<I: IntoIterator<Item = (String, Secret)>>(secrets: I) -> Self {
        Self(secrets.into_iter().collect())
    }
}

/// Most characters of the name of a sealed secret.
const NAME_CHARS_MAX: usize = 64;

/// Whether a sealed secret may have this name: letters, digits, `_` and `-`, and at most 64 of them.
#[must_use]
pub fn is_sealed_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.chars().all(is_part)
}

/// A text that is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefError {
    /// It does not look like one, so it may be the secret itself.
    #[error("the text is not a reference")]
    NotAReference,
    /// It begins like one, but with a word that stands for nothing.
    #[error("`{0}` is not a kind of reference")]
    UnknownKind(String),
    /// A command is not written as text.
    #[error("a command is written as a list of its arguments")]
    CommandAsText,
    /// The name of the variable is none.
    #[error("the variable's name must consist of letters, digits and `_`, and not begin with a digit")]
    NotAVariable,
    /// The name of the sealed secret is none.
    #[error("the sealed secret's name must consist of letters, digits, `_` and `-`, at most 64")]
    NotASealedName,
    /// The path is empty.
    #[error("the reference names no file")]
    NoPath,
}

impl SecretRefError {
    /// Whether the text could be the secret itself, so that it must not be shown.
    #[must_use]
    pub const fn may_hold_a_secret(&self) -> bool {
        !matches!(self, Self::UnknownKind(_) | Self::CommandAsText | Self::NoPath)
    }

    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::CommandAsText => "write `{ exec = [\"command\", \"argument\"] }`, without quotes around it",
            _ => {
                "write \"${env:VARIABLE}\", \"${file:path}\", \"${sealed:NAME}\" or { exec = [\"command\", \"argument\"] }"
            }
        }
    }
}

impl SecretRef {
    /// Parses `${env:NAME}`, `${file:path}` or `${sealed:NAME}`.
    ///
    /// ```
    /// use enroute_config::reference::SecretRef;
    /// assert_eq!(SecretRef::parse("${env:API_KEY}"), Ok(SecretRef::Env("API_KEY".into())));
    /// assert!(SecretRef::parse("not-a-real-key").is_err());
    /// ```
    ///
    /// # Errors
    /// Anything else. The error never holds the text.
    pub fn parse(text: &str) -> Result<Self, SecretRefError> {
        let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
        let inner = inner.ok_or(SecretRefError::NotAReference)?;
        let (kind, rest) = inner.split_once(':').ok_or(SecretRefError::NotAReference)?;
        match kind {
            "env" if is_variable(rest) => Ok(Self::Env(rest.to_owned())),
            "env" => Err(SecretRefError::NotAVariable),
            "file" if rest.trim().is_empty() => Err(SecretRefError::NoPath),
            "file" => Ok(Self::File(PathBuf::from(rest))),
            "sealed" if is_sealed_name(rest) => Ok(Self::Sealed(rest.to_owned())),
            "sealed" => Err(SecretRefError::NotASealedName),
            "exec" => Err(SecretRefError::CommandAsText),
            kind if kind.len() <= 10 && kind.chars().all(|c| c.is_ascii_lowercase()) => {
                Err(SecretRefError::UnknownKind(kind.to_owned()))
            }
            _ => Err(SecretRefError::NotAReference),
        }
    }

    /// The reference with a file's path found from the folder `dir`.
    #[must_use]
    pub fn under(self, dir: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(dir.join(path)),
            other => other,
        }
    }

    /// Gets the secret; `sealed` are those that the store keeps.
    ///
    /// # Errors
    /// There is none, or what is there is no secret. No error shows any of the value.
    pub async fn resolve(&self, sealed: &Sealed) -> Result<Secret, ReferenceError> {
        match self {
            Self::Env(name) => from_variable(name, variable(name)),
            Self::File(path) => from_file(path).await,
            Self::Exec(argv) => from_command(argv, COMMAND_TIME_MAX).await,
            Self::Sealed(name) => sealed.0.get(name).cloned().ok_or_else(|| ReferenceError::NotSealed(name.clone())),
        }
    }
}

/// A reference that leads to no secret.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// The variable is not set.
    #[error("environment variable `{0}` is not set")]
    NotSet(String),
    /// The variable is set to nothing.
    #[error("environment variable `{0}` is empty")]
    EmptyVariable(String),
    /// The variable is not UTF-8.
    #[error("environment variable `{0}` is not UTF-8")]
    VariableNotText(String),
    /// The store keeps no secret of this name.
    #[error("the store keeps no secret `{0}`")]
    NotSealed(String),
    /// The system refused to read the file.
    #[error("secret file `{}` cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// What was read is no secret.
    #[error("secret file `{}` {problem}", .path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        problem: BadContent,
    },
    /// The command did not start.
    #[error("command `{command}` cannot be started")]
    NotStarted {
        /// The command, without its arguments.
        command: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// The command took too long, and was ended.
    #[error("command `{command}` did not finish within {} s", .limit.as_secs_f64())]
    TooSlow {
        /// The command, without its arguments.
        command: String,
        /// The time it had.
        limit: Duration,
    },
    /// What the command printed could not be read.
    #[error("the output of command `{command}` cannot be read")]
    Broken {
        /// The command, without its arguments.
        command: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// The command failed.
    #[error("command `{command}` failed ({status}): {complaint}")]
    Failed {
        /// The command, without its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The first line it wrote to stderr.
        complaint: String,
    },
    /// What the command printed is no secret.
    #[error("the output of command `{command}` {problem}")]
    BadOutput {
        /// The command, without its arguments.
        command: String,
        /// What is wrong with it.
        problem: BadContent,
    },
}

impl ReferenceError {
    /// The error as a diagnostic at the reference.
    #[must_use]
    pub fn diagnostic(&self, destination: &DestinationName, secret: &str, place: &Place) -> Diagnostic {
        let cause = self.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        let message = format!("secret `{secret}` of destination `{destination}`: {self}{cause}");
        if let Self::NotSealed(name) = self {
            let hint = format!("run `enroute secret set {name}`, and give it the value on standard input");
            return Diagnostic::error(Code::NotSealed, message).at(place).hint(hint);
        }
        let hint = match self {
            Self::NotSet(name) | Self::EmptyVariable(name) | Self::VariableNotText(name) => {
                format!("set `{name}` in the environment that enroute starts in")
            }
            Self::Unreadable { .. } | Self::BadFile { .. } => "check the path, the file and its rights".to_owned(),
            _ => "run the command by hand as the same user; it must print the secret and nothing else".to_owned(),
        };
        Diagnostic::error(Code::UnresolvedSecret, message).at(place).hint(hint)
    }
}

/// What is wrong with content that should be a secret. Fits behind its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadContent {
    /// It is a folder, a pipe or a device.
    #[error("is not a file")]
    NoFile,
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// There is too much.
    #[error("is larger than {SECRET_BYTES_MAX} bytes")]
    TooLarge,
    /// It is not UTF-8.
    #[error("is not UTF-8")]
    NotText,
}

/// Reads a secret to the end, as from a file: without a line feed at its end.
///
/// # Errors
/// What cannot be read; the inner one is what is read and no secret.
pub async fn read(from: impl AsyncRead + Unpin) -> std::io::Result<Result<Secret, BadContent>> {
    read_capped(from).await.map(secret)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn from_variable(name: &str, value: Option<OsString>) -> Result<Secret, ReferenceError> {
    let value = value.ok_or_else(|| ReferenceError::NotSet(name.to_owned()))?;
    if value.is_empty() {
        return Err(ReferenceError::EmptyVariable(name.to_owned()));
    }
    value.into_string().map(Secret::new).map_err(|_| ReferenceError::VariableNotText(name.to_owned()))
}

async fn from_file(path: &Path) -> Result<Secret, ReferenceError> {
    let unreadable = |source| ReferenceError::Unreadable { path: path.to_owned(), source };
    // A pipe would let us wait for ever, and a second reader finds it empty.
    if !tokio::fs::metadata(path).await.map_err(unreadable)?.is_file() {
        return Err(ReferenceError::BadFile { path: path.to_owned(), problem: BadContent::NoFile });
    }
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let bytes = read_capped(file).await.map_err(unreadable)?;
    secret(bytes).map_err(|problem| ReferenceError::BadFile { path: path.to_owned(), problem })
}

/// Reads to the end, or to one byte more than a secret has.
async fn read_capped(from: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    // The room is there from the start, so that no part of a secret stays behind in memory that was outgrown.
    let mut bytes = Vec::with_capacity(SECRET_BYTES_MAX + 64);
    from.take(SECRET_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn secret(mut bytes: Vec<u8>) -> Result<Secret, BadContent> {
    if bytes.len() > SECRET_BYTES_MAX {
        bytes.zeroize();
        return Err(BadContent::TooLarge);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        return Err(BadContent::Empty);
    }
    String::from_utf8(bytes).map(Secret::new).map_err(|error| {
        error.into_bytes().zeroize();
        BadContent::NotText
    })
}

async fn from_command(argv: &[String], limit: Duration) -> Result<Secret, ReferenceError> {
    let command = argv.first().cloned().unwrap_or_default();
    match tokio::time::timeout(limit, run(argv, &command)).await {
        Ok(result) => result,
        Err(_) => Err(ReferenceError::TooSlow { command, limit }),
    }
}

async fn run(argv: &[String], command: &str) -> Result<Secret, ReferenceError> {
    let mut child = Command::new(command)
        .args(argv.get(1..).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ReferenceError::NotStarted { command: command.to_owned(), source })?;
    let broken = |source| ReferenceError::Broken { command: command.to_owned(), source };
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(broken(std::io::Error::other("no pipe to the command")));
    };
    // One that prints without end would wait for us for ever; its pipe is closed when enough is read.
    let (output, complaint) = tokio::join!(read_capped(stdout), first_line(stderr));
    let status = child.wait().await.map_err(broken)?;
    let mut output = output.map_err(broken)?;
    if output.len() <= SECRET_BYTES_MAX && !status.success() {
        output.zeroize();
        let complaint = complaint.map_err(broken)?;
        return Err(ReferenceError::Failed { command: command.to_owned(), status, complaint });
    }
    secret(output).map_err(|problem| ReferenceError::BadOutput { command: command.to_owned(), problem })
}

/// The first line of a command's complaint. Reads all of it, so that the command does not wait for us.
async fn first_line(mut from: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    (&mut from).take(COMPLAINT_BYTES_MAX).read_to_end(&mut bytes).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    Ok(line.chars().filter(|char| !char.is_control()).take(COMPLAINT_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests;
