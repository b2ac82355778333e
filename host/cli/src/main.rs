//! The `enroute` binary: reads the command line and hands over to the command.

mod commands;
mod loan;
mod output;
mod progress;
mod session;
mod signals;
mod since;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use enroute_host::server::Want;

use crate::commands::{
    account, adopt, alert, bench, check, compile, demo, export, forget, import, init, log, login, matching, plan,
    plugin, purge, reload, resync, retry, secret, serve, sources, status, sync, token, traits, trial, versions,
};
use crate::output::Output;

/// Keeps marketing, ads and support tools in step with a team's audiences.
///
/// Exit codes: 0 all done; 1 failed; 2 a mistake in a file or on the command line; 3 something waits; 4 some members
/// were rejected; 5 a connection is paused, guarded or failed; 6 interrupted by a signal.
#[derive(Debug, Parser)]
#[command(name = "enroute", version)]
struct Cli {
    /// Print data as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// The folder with plugins.toml and audiences.toml.
    #[arg(short = 'C', long, global = true, default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
    /// Log to standard error: `warn`, `info`, `debug`, or a filter such as `enroute=debug`.
    #[arg(long, global = true, default_value = "warn", value_name = "LEVEL")]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine, against fake destinations; no account needed.
    Demo(demo::DemoArgs),
    /// Look at a file of people and write plugins.toml and audiences.toml, with comments.
    Init(init::InitArgs),
    /// Find everything that is wrong with the configuration; nothing is sent.
    Check(check::CheckArgs),
    /// Log in at a destination that asks for a person's approval.
    Login(login::LoginArgs),
    /// Read the sources into the store.
    Import(import::ImportArgs),
    /// Show what is read, when it was read last, whom it holds, and how far its cursor came.
    Sources,
    /// Show what a destination's account has of its own: fields, lists, objects.
    Account(account::AccountArgs),
    /// Show which field every trait goes into, and write that into audiences.toml.
    Match(matching::MatchArgs),
    /// Try one person at one connection: the event, the mappings it meets, and the exact requests.
    Try(trial::TryArgs),
    /// Show what a sync would do, to the digest of every request; nothing is sent.
    Plan(plan::PlanArgs),
    /// Carry the plan out, with a receipt for every member.
    Sync(sync::SyncArgs),
    /// Keep every connection in step by itself, until it is told to stop.
    Serve(serve::ServeArgs),
    /// Have a running `enroute serve` read its files now.
    Reload,
    /// Withdraw everybody whom a connection holds that was removed or renamed.
    Purge(purge::PurgeArgs),
    /// Say what a connection is called now; nothing is sent.
    Adopt(adopt::AdoptArgs),
    /// Send those again who were given up after hours, or refused for another reason.
    Retry(retry::RetryArgs),
    /// Send again what destinations hold: all of it, or what is stale, or one person.
    Resync(resync::ResyncArgs),
    /// Show what changed in what decides what is sent of a connection, and who is stale.
    Diff(versions::DiffArgs),
    /// Bring an earlier version of a connection back into audiences.toml; nothing is sent.
    Undo(versions::UndoArgs),
    /// Forget one person: withdraw everywhere, erase what is kept, and let no import bring the person back. With
    /// `--connection`, let go of whom a connection holds; nothing is sent.
    Forget(forget::ForgetArgs),
    /// Show where every connection stands.
    Status(status::StatusArgs),
    /// Show what runs did, or every request with its answer.
    Log(log::LogArgs),
    /// Write members, receipts, dead letters or coverage as NDJSON or CSV.
    Export(export::ExportArgs),
    /// Show which traits there are, of what kind, and how many profiles have them.
    Traits,
    /// Tell one person's story: what was sent of them, and why not.
    Explain(status::ExplainArgs),
    /// Keep secrets sealed in the store, for `${sealed:NAME}` in the files.
    Secret(secret::SecretArgs),
    /// Make, list and revoke tokens, by which people and programs ask a running host.
    Token(token::TokenArgs),
    /// Show who changed or revealed what through a running host.
    Audit(token::AuditArgs),
    /// Try what is told when something is wrong.
    Alert(alert::AlertArgs),
    /// Make, look at and lock plugins.
    Plugin(plugin::PluginArgs),
    /// Measure what Enroute costs on this machine, beside other tools and the machine's own limits.
    Bench(bench::BenchArgs),
    #[command(name = bench::servers::NAME, hide = true)]
    BenchServers,
    #[command(name = compile::NAME, hide = true)]
    Compile(compile::CompileArgs),
}

impl Command {
    /// Says what it needs of a host that has the store.
    fn needs(&self) {
        let (name, want) = match self {
            Self::Sync(args) if args.only_shows() => ("sync", Want::Imports),
            Self::Sync(_) => ("sync", Want::Runs),
            Self::Resync(_) => ("resync", Want::Runs),
            Self::Retry(_) => ("retry", Want::Runs),
            Self::Forget(_) => ("forget", Want::Runs),
            Self::Purge(_) => ("purge", Want::Runs),
            Self::Adopt(_) => ("adopt", Want::Runs),
            Self::Login(_) => ("login", Want::Runs),
            Self::Try(_) => ("try", Want::Runs),
            Self::Import(_) => ("import", Want::Imports),
            Self::Plan(_) => ("plan", Want::Imports),
            Self::Export(_) => ("export", Want::Imports),
            _ => ("enroute", Want::Store),
        };
        loan::needs(name, want);
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let output = Output { json: cli.json };
    signals::keep_memory_private();
    // Compiling limits the process, so it comes before anything that begins threads.
    let result = match &cli.command {
        Command::Compile(args) => compile::run(args, &output),
        _ => tokio::runtime::Runtime::new().map_err(Into::into).map(|runtime| {
            let code = runtime.block_on(run(cli, &output));
            // A command that was told to end does not wait for reading that nobody needs any more.
            runtime.shutdown_background();
            code
        }),
    };
    result.unwrap_or_else(|error| output.failure(&error))
}

/// What is wrong with the command line; what was asked for help is none.
fn not_understood(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        let text = error.render().to_string();
        let text = text.trim().trim_start_matches("error: ");
        return Output { json: true }.failure(&output::Advice::mistake(text, "see `enroute --help`").into());
    }
    error.exit()
}

async fn run(cli: Cli, output: &Output) -> ExitCode {
    if let Err(error) = enroute_host::telemetry::start(&cli.log) {
        let what = format!("`--log {}` is no level or filter: {error}", cli.log);
        return output.failure(&output::Advice::mistake(what, "write a level such as `info`").into());
    }
    if let Err(error) = signals::listen(output) {
        return output.failure(&anyhow::Error::new(error).context("signals cannot be listened to"));
    }
    let folder = cli.folder.as_path();
    let ends_by_itself = matches!(
        cli.command,
        Command::Import(_)
            | Command::Plan(_)
            | Command::Sync(_)
            | Command::Resync(_)
            | Command::Retry(_)
            | Command::Serve(_)
    ) || matches!(&cli.command, Command::Demo(args) if args.stays());
    cli.command.needs();
    let work = carry_out(cli.command, folder, output);
    // What does not write may be dropped where it stands; what one request in doubt costs, the next run clears up.
    let result = if ends_by_itself { work.await } else { signals::unless_asked(work).await };
    result.unwrap_or_else(|error| output.failure(&error))
}

async fn carry_out(command: Command, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::run(args, output).await,
        Command::Init(args) => init::run(&args, folder, output),
        Command::Check(args) => check::run(args, folder, output).await,
        Command::Login(args) => login::run(args, folder, output).await,
        Command::Import(args) => import::run(args, folder, output).await,
        Command::Sources => sources::run(folder, output),
        Command::Account(args) => account::run(args, folder, output).await,
        Command::Match(args) => matching::run(args, folder, output).await,
        Command::Try(args) => trial::run(args, folder, output).await,
        Command::Plan(args) => plan::run(args, folder, output).await,
        Command::Sync(args) => sync::run(args, folder, output).await,
        Command::Serve(args) => serve::run(args, folder, output).await,
        Command::Reload => reload::run(folder, output),
        Command::Purge(args) => purge::run(args, folder, output).await,
        Command::Adopt(args) => adopt::run(args, folder, output).await,
        Command::Forget(args) => forget::run(args, folder, output).await,
        Command::Resync(args) => resync::run(args, folder, output).await,
        Command::Retry(args) => retry::run(args, folder, output).await,
        Command::Status(args) => status::status(&args, folder, output),
        Command::Log(args) => log::run(&args, folder, output),
        Command::Export(args) => export::run(args, folder, output).await,
        Command::Diff(args) => versions::diff(args, folder, output).await,
        Command::Undo(args) => versions::undo(args, folder, output).await,
        Command::Traits => traits::run(folder, output),
        Command::Explain(args) => status::explain(&args, folder, output),
        Command::Secret(args) => secret::run(args, folder, output).await,
        Command::Token(args) => tokio::task::block_in_place(|| token::run(args, folder, output)),
        Command::Audit(args) => token::audited(&args, folder, output),
        Command::Alert(args) => alert::run(args, folder, output).await,
        Command::Plugin(args) => plugin::run(args, folder, output).await,
        Command::Bench(args) => bench::run(args, output).await,
        Command::BenchServers => bench::servers::serve(output).await.map(|()| ExitCode::SUCCESS),
        Command::Compile(args) => compile::run(&args, output),
    }
}
