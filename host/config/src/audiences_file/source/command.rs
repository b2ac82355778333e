//! `command`: a program that prints profiles, and what it may see and take.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::reference::SecretRef;
use crate::walker::{Section, Walker, is_reference};

/// Keys of a source that is a command.
pub(super) const KEYS: [&str; 3] = ["command", "environment", "timeout_minutes"];

/// How long a command may take where the operator says nothing.
const TIMEOUT_MINUTES_DEFAULT: u8 = 60;

/// A program that prints profiles.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program and its arguments. No shell reads them.
    pub words: Vec<String>,
    /// Variables that it sees, beside the usual ones.
    pub environment: BTreeMap<String, SecretRef>,
    /// When it is ended.
    pub timeout: Duration,
    /// The folder that it runs in: that of `audiences.toml`.
    pub folder: PathBuf,
}

impl Command {
    /// What every command sees: where programs are, whose files are read, and how texts and times are written.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this package reads the environment")]
    pub fn usual_environment() -> Vec<(&'static str, OsString)> {
        let ours = ["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        ours.chain([("TZ", "UTC".into()), ("LC_ALL", "C.UTF-8".into())]).collect()
    }
}

/// Reads a command.
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>, dir: &Path) -> Option<Command> {
    let value = section.table.get("command")?;
    let place = walker.place(value.span());
    if !matches!(value.get_ref(), DeValue::Array(_)) {
        let hint = "write the program and each of its arguments apart: `command = [\"duckdb\", \"-jsonlines\", \"-c\", \"…\"]`; \
                    no shell reads them";
        walker.wrong_type(value, "`command`", "a list of texts", Some(hint.to_owned()));
        return None;
    }
    let mut words = Vec::new();
    for item in walker.list(section, "command") {
        words.push(walker.as_text(item, "an entry of `command`")?.value);
    }
    let refused = match words.first().map(String::as_str) {
        None | Some("") => Some(("names no program", "write the program first: `command = [\"duckdb\", …]`")),
        _ if words.iter().any(|word| word.contains('\0')) => Some(("has a NUL in it", "remove it")),
        _ if words.iter().any(|word| is_reference(word)) => Some((
            "has a secret among its arguments, which every process can see",
            "hand it over by `environment = { NAME = \"${env:NAME}\" }`",
        )),
        _ => None,
    };
    if let Some((what, hint)) = refused {
        let message = format!("`command` in {} {what}", section.title);
        walker.found.push(Diagnostic::error(Code::BadCommand, message).at(&place).hint(hint));
        return None;
    }
    let environment = environment(walker, section, dir);
    let minutes = match section.table.contains_key("timeout_minutes") {
        true => walker.small_number(section, "timeout_minutes")?.max(1),
        false => TIMEOUT_MINUTES_DEFAULT,
    };
    let timeout = Duration::from_secs(u64::from(minutes) * 60);
    Some(Command { words, environment: environment?, timeout, folder: dir.to_path_buf() })
}

fn environment(walker: &mut Walker<'_>, section: &Section<'_, '_>, dir: &Path) -> Option<BTreeMap<String, SecretRef>> {
    let Some(value) = section.table.get("environment") else { return Some(BTreeMap::new()) };
    let example = "write `environment = { AWS_REGION = \"${env:AWS_REGION}\" }`";
    let DeValue::Table(table) = value.get_ref() else {
        walker.wrong_type(value, "`environment`", "a table of references", Some(example.to_owned()));
        walker.cover_texts(value);
        return None;
    };
    let (mut variables, mut fits) = (BTreeMap::new(), true);
    for (name, value) in table {
        let name = name.get_ref().to_string();
        let place = walker.place(value.span());
        let parsed = match value.get_ref() {
            DeValue::String(text) if is_reference(text) => SecretRef::parse(text).map_err(|error| {
                let message = format!("`{name}` of `environment` in {}: {error}", section.title);
                (error.may_hold_a_secret(), Diagnostic::error(Code::BadReference, message).hint(error.hint()))
            }),
            _ => {
                let message = format!("`{name}` of `environment` in {} is no reference", section.title);
                Err((true, Diagnostic::error(Code::BadCommand, message).label("not shown").hint(example)))
            }
        };
        match parsed {
            Ok(reference) => {
                variables.insert(name, reference.under(dir));
            }
            Err((is_covered, diagnostic)) => {
                if is_covered {
                    walker.cover_texts(value);
                }
                walker.found.push(diagnostic.at(&place));
                fits = false;
            }
        }
    }
    fits.then_some(variables)
}
