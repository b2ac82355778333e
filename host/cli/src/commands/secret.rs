//! `enroute secret`: secrets that the store keeps sealed, for references such as `${sealed:BRAZE_KEY}`.
//!
//! A value comes in by standard input alone: an argument would stand in the list of processes and in the shell's history.
//! It never comes out again.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_host::config::audiences_file::source::Origin;
use enroute_host::config::audiences_file::source::query::Database;
use enroute_host::config::load::load;
use enroute_host::config::reference::{self, SecretRef, is_sealed_name};
use enroute_host::config::secret::Secret;
use enroute_host::config::{Config, Paths};
use enroute_host::egress::vault::{self, Kept};
use enroute_host::server::{Answer, Want};
use enroute_host::sync::{Clock, moment};
use rustix::termios::{self, LocalModes, OptionalActions};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

use crate::loan;
use crate::output::{Advice, Output};
use crate::session::read_store;
use crate::signals;

/// What to do with secrets.
#[derive(Debug, clap::Args)]
pub(crate) struct SecretArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Keep a secret, in place of the one of the same name. Its value comes from standard input, or is asked for.
    Set {
        /// What `${sealed:NAME}` will call it: letters, digits, `_` and `-`.
        name: String,
    },
    /// Show which secrets are kept, since when, and what refers to them; never a value.
    List,
    /// Keep a secret no longer.
    Remove {
        /// What `${sealed:NAME}` calls it.
        name: String,
    },
}

/// Runs the command.
pub(crate) async fn run(args: SecretArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Set { name } => set(&name, folder, output).await,
        Command::List => list(folder, output),
        Command::Remove { name } => remove(&name, folder, output).await,
    }
}

async fn set(name: &str, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    if !is_sealed_name(name) {
        let next = "write letters, digits, `_` and `-`, at most 64 of them; the value comes from standard input";
        // What stands there may be the value itself.
        return Err(Advice::mistake("this is no name of a secret", next).into());
    }
    let secret = signals::unless_asked(value(name, output)).await?;
    for oddity in secret.oddities() {
        output.note(format_args!("warning: the secret {oddity}: {}", oddity.hint()));
    }
    let replaced = {
        let (store, _loan) = loan::open(&Paths::new(folder).state)?;
        vault::keep(&store, name, &secret, Clock::System.now_ms()).await.context("the secret cannot be kept")?
    };
    if output.json {
        output.print_json(&serde_json::json!({ "name": name, "replaced": replaced }))?;
    } else {
        let what = if replaced { "takes the place of the one before" } else { "is kept" };
        output.line(format_args!("secret `{name}` {what}; refer to it as \"${{sealed:{name}}}\""))?;
    }
    have_read(folder, output);
    Ok(ExitCode::SUCCESS)
}

async fn remove(name: &str, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let there: Vec<String> = kept(folder)?.into_iter().map(|one| one.name).collect();
    let names: Vec<&str> = there.iter().map(String::as_str).collect();
    crate::output::pick(name, &names, "the store keeps no such secret")?;
    for user in users(folder, name) {
        output.note(format_args!("warning: {user} still refers to `{name}`"));
    }
    let removed = {
        let (store, _loan) = loan::open(&Paths::new(folder).state)?;
        vault::remove(&store, name).await.context("the secret cannot be removed")?
    };
    if output.json {
        output.print_json(&serde_json::json!({ "name": name, "removed": removed }))?;
    } else {
        output.line(format_args!("secret `{name}` is kept no longer"))?;
    }
    have_read(folder, output);
    Ok(ExitCode::SUCCESS)
}

fn list(folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let kept = kept(folder)?;
    if output.json {
        let secrets: Vec<_> = kept
            .iter()
            .map(|one| serde_json::json!({ "name": one.name, "since": moment(one.at_ms), "users": users(folder, &one.name) }))
            .collect();
        output.print_json(&serde_json::json!({ "secrets": secrets }))?;
    } else if kept.is_empty() {
        output.line("the store keeps no secret; `enroute secret set NAME` makes one")?;
    } else {
        let row = |one: &Kept| {
            let users = users(folder, &one.name).into_iter().collect::<Vec<_>>().join(", ");
            vec![one.name.clone(), moment(one.at_ms), users]
        };
        let title = ["name", "since", "used by"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = [title].into_iter().chain(kept.iter().map(row)).collect();
        output.table(&rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is kept; nothing where there is no store yet.
fn kept(folder: &Path) -> anyhow::Result<Vec<Kept>> {
    if !Paths::new(folder).state.exists() {
        return Ok(Vec::new());
    }
    vault::kept(&read_store(folder)?).context("the store cannot be read")
}

/// What in the files refers to a secret, as far as they can be read.
fn users(folder: &Path, name: &str) -> BTreeSet<String> {
    let loaded = load(folder);
    let Some(config): Option<Config> = loaded.config.or(loaded.partial) else { return BTreeSet::new() };
    let is_it = |reference: &SecretRef| matches!(reference, SecretRef::Sealed(sealed) if sealed == name);
    let destinations = config.destinations.values().filter(|one| one.secrets.values().any(|one| is_it(&one.value)));
    let sources = config.sources.values().filter(|one| match &one.origin {
        Origin::Listen(listen) => is_it(&listen.key.value),
        Origin::Query(query) => matches!(&query.database.value, Database::Server(url, _) if is_it(url)),
        Origin::File(_) => false,
    });
    let destinations = destinations.map(|one| format!("destination {}", one.name.value));
    destinations.chain(sources.map(|one| format!("source {}", one.name.value))).collect()
}

/// Has a host that runs in the folder take the secrets on.
fn have_read(folder: &Path, output: &Output) {
    let asked = loan::ask(&Paths::new(folder).state, Some(Want::Reload));
    match asked.and_then(|mut asked| asked.answer(|| signals::halt().is_asked())) {
        Some(Answer::Reloaded(Some(refused))) => {
            output.notes(refused);
            output.note("the running host goes on with the secrets that it had");
        }
        Some(Answer::Reloaded(None)) => output.note("it is in force in the running host"),
        _ => {}
    }
}

/// The value from standard input: all of it, or a line that nobody sees where a person is there.
async fn value(name: &str, output: &Output) -> anyhow::Result<Secret> {
    let next = format!("give the value on standard input: `enroute secret set {name} < FILE`");
    let read = if std::io::stdin().is_terminal() {
        output.note(format_args!("value of `{name}` (it is not shown):"));
        let _hidden = Hidden::begin()?;
        let mut line = Vec::new();
        BufReader::new(stdin()).read_until(b'\n', &mut line).await?;
        reference::read(line.as_slice()).await
    } else {
        reference::read(stdin()).await
    };
    let read = read.with_context(|| Advice::failed("standard input cannot be read", next.clone()))?;
    read.map_err(|problem| Advice::mistake(format!("what came on standard input {problem}"), next).into())
}

/// What is typed is not shown as long as this is there.
struct Hidden(termios::Termios);

impl Hidden {
    fn begin() -> anyhow::Result<Self> {
        let before = termios::tcgetattr(std::io::stdin()).context("the terminal cannot be asked")?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        let hidden = Self(before);
        termios::tcsetattr(std::io::stdin(), OptionalActions::Flush, &quiet).context("the terminal goes on showing")?;
        Ok(hidden)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // There is nobody to tell if the terminal is gone.
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}
