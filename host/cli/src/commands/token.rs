//! `enroute token` and `enroute audit`: who may ask a running host what, and what was changed or revealed.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_host::api::Problem;
use enroute_host::api::access::{self, operator_of_the_machine};
use enroute_host::config::Paths;
use enroute_host::store::access::{Role, Token, all};
use enroute_host::store::audit;
use enroute_host::sync::{Clock, moment};
use serde_json::{Value, json};

use crate::loan;
use crate::output::{Advice, Output};
use crate::session::read_store;

/// What to do with tokens.
#[derive(Debug, clap::Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token, and show it this once.
    New {
        /// Who uses it: 1 to 64 characters without blanks.
        name: String,
        /// What it is good for: `viewer` looks, `operator` changes what is sent and sees values, `admin` does the rest.
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// For how long it is good: `12h` or `90d`; for ever where it is left out.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Show the tokens that there are; never what they are.
    List,
    /// Take a token back, with every login made with it.
    Revoke {
        /// Its name.
        name: String,
    },
}

/// How much of the log to show.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditArgs {
    /// Most lines, the newest first.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    /// Only lines before this one.
    #[arg(long, value_name = "LINE")]
    before: Option<i64>,
}

/// Runs `enroute token`.
pub(crate) fn run(args: TokenArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::New { name, role, expires } => new(&name, &role, expires.as_deref(), folder, output),
        Command::List => list(folder, output),
        Command::Revoke { name } => revoke(&name, folder, output),
    }
}

fn new(name: &str, role: &str, expires: Option<&str>, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let Some(role) = Role::parse(role) else {
        return Err(Advice::mistake(format!("`{role}` is no role"), "write viewer, operator or admin").into());
    };
    let now_ms = Clock::System.now_ms();
    let expires_ms = expires.map(|text| lasting_ms(text).map(|ms| now_ms + ms)).transpose()?;
    let (store, _loan) = loan::open(&Paths::new(folder).state)?;
    let made = access::new_token(&store, &operator_of_the_machine(), (name, role), (now_ms, expires_ms));
    let (token, kept) = made.map_err(told)?;
    if output.json {
        let mut document = shown(&kept);
        if let Some(document) = document.as_object_mut() {
            document.insert("token".to_owned(), json!(token));
        }
        output.print_json(&document)?;
        return Ok(ExitCode::SUCCESS);
    }
    output.note(format_args!("token `{name}` with the role {}; it is shown this once:", role.word()));
    output.line(token)?;
    Ok(ExitCode::SUCCESS)
}

/// A time such as `90d`, in milliseconds.
fn lasting_ms(text: &str) -> anyhow::Result<u64> {
    let wrong = || Advice::mistake(format!("`{text}` is no time"), "write a number of days or hours: `90d`, `12h`");
    let (number, unit_ms) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
        (Some(days), _) => (days, 24 * 60 * 60 * 1000),
        (_, Some(hours)) => (hours, 60 * 60 * 1000),
        _ => return Err(wrong().into()),
    };
    let number: u64 = number.parse().ok().filter(|number| (1..=100_000).contains(number)).ok_or_else(wrong)?;
    Ok(number * unit_ms)
}

fn list(folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let tokens = all(&read_store(folder)?)?;
    if output.json {
        output.print_json(&tokens.iter().map(shown).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    if tokens.is_empty() {
        output.note("there is no token; `enroute token new NAME --role viewer` makes one");
        return Ok(ExitCode::SUCCESS);
    }
    let now_ms = Clock::System.now_ms();
    let mut rows = vec![["token", "role", "made", "used last", "good"].map(str::to_owned).to_vec()];
    rows.extend(tokens.iter().map(|token| {
        let good = match (token.revoked_ms, token.expires_ms) {
            (Some(ms), _) => format!("revoked {}", moment(ms)),
            (None, Some(ms)) if ms <= now_ms => format!("expired {}", moment(ms)),
            (None, Some(ms)) => format!("until {}", moment(ms)),
            (None, None) => "yes".to_owned(),
        };
        let used = token.used_ms.map_or_else(|| "never".to_owned(), moment);
        vec![token.name.clone(), token.role.word().to_owned(), moment(token.created_ms), used, good]
    }));
    output.table(&rows)?;
    Ok(ExitCode::SUCCESS)
}

fn revoke(name: &str, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let (store, _loan) = loan::open(&Paths::new(folder).state)?;
    access::revoke(&store, &operator_of_the_machine(), name, Clock::System.now_ms()).map_err(told)?;
    if output.json {
        output.print_json(&json!({ "name": name, "revoked": true }))?;
    } else {
        output.line(format_args!("token `{name}` is good for nothing any more, and its logins have ended"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(token: &Token) -> Value {
    json!({
        "name": token.name,
        "role": token.role.word(),
        "created": moment(token.created_ms),
        "expires": token.expires_ms.map(moment),
        "used": token.used_ms.map(moment),
        "revoked": token.revoked_ms.map(moment),
    })
}

/// What is wrong, as a command says it.
fn told(problem: Problem) -> anyhow::Error {
    match &problem {
        Problem::Invalid { message, hint, .. } => Advice::mistake(message.clone(), hint.clone()).into(),
        Problem::Missing(_) => Advice::mistake(problem.to_string(), "see `enroute token list`").into(),
        _ => anyhow::Error::new(problem).context("the token cannot be kept"),
    }
}

/// Runs `enroute audit`.
pub(crate) fn audited(args: &AuditArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let entries = audit::before(&read_store(folder)?, args.before, args.limit).context("the log cannot be read")?;
    if output.json {
        let one = |entry: &audit::Entry| {
            json!({
                "line": entry.id,
                "at": moment(entry.at_ms),
                "who": entry.who,
                "role": entry.role,
                "what": entry.what,
                "about": entry.about,
                "source": entry.source,
            })
        };
        output.print_json(&entries.iter().map(one).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    if entries.is_empty() {
        output.note("nothing was changed or revealed through a running host, and no token was made");
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["line", "at", "who", "role", "what", "about", "from"].map(str::to_owned).to_vec()];
    rows.extend(entries.into_iter().map(|entry| {
        let audit::Entry { id, at_ms, who, role, what, about, source } = entry;
        vec![id.to_string(), moment(at_ms), who, role, what, about, source]
    }));
    output.table(&rows)?;
    Ok(ExitCode::SUCCESS)
}
