//! `enroute demo`: the whole way on this machine, with fake destinations on loopback and nothing to configure.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_core::words::{counted, noun};
use enroute_fakes::Fault;
use enroute_fakes::all::{All, DESTINATIONS};
use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_host::sync::{self, Clock, Detail, Options, RunReport};

use crate::commands::{import, plugin, sync as sync_command};
use crate::output::Output;
use crate::progress;
use crate::session::{Session, Told};

mod files;
mod live;
mod people;
mod stream;

/// How to run the demo.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Work in this folder and keep it, instead of a temporary one.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// How many profiles to make up.
    #[arg(long, default_value_t = 1_000)]
    profiles: u32,
    /// Take the plugins in this folder, instead of building those of the repository.
    #[arg(long, value_name = "FOLDER")]
    plugins: Option<PathBuf>,
    /// End in a host that stays, with a stream of made-up events, until Ctrl-C.
    #[arg(long)]
    serve: bool,
    /// Where that host listens; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8400", requires = "serve")]
    listen: SocketAddr,
    /// How many events a second are made up.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1_000), requires = "serve")]
    events: u32,
}

impl DemoArgs {
    /// Whether it ends in a host that stays.
    pub(crate) const fn stays(&self) -> bool {
        self.serve
    }
}

/// Runs the command.
pub(crate) async fn run(args: DemoArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let plugins = match &args.plugins {
        Some(folder) => plugin::built(folder, |id| DESTINATIONS.iter().any(|name| name.starts_with(id)))?,
        None => plugin::build_own(output).await?,
    };
    let temporary = tempfile::tempdir().context("no temporary folder can be made")?;
    let folder = args.keep.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let fakes = All::start().await.context("the fake destinations cannot start")?;
    files::write(&folder, &plugins, &fakes)?;
    if args.serve {
        return live::run(&args, &folder, &fakes, output).await;
    }
    // Jobs at destinations take minutes. Waits are part of the run, and the demo's clock jumps over them.
    let clock = Clock::starting_at(Clock::System.now_ms());

    output.notes(format_args!(
        "\n1. {} {} imported and synced for the first time",
        counted(args.profiles as u64, "profile"),
        noun(args.profiles as u64, "is")
    ));
    people::write(&folder, args.profiles, people::Day::First)?;
    let first = round(&folder, &clock, output).await?;
    let Ok(first) = first else { return Ok(ExitCode::FAILURE) };
    tell(&fakes, output);

    output.notes("\n2. A day later one person entered, one left, one has a new lifetime value, one has new notes that");
    output
        .note("   no mapping names, one has an address and a diary that destinations refuse, and one entered without");
    output.notes("   a name or an address. Braze is busy for a while, and Salesforce ended the session of its token.");
    people::write(&folder, args.profiles, people::Day::Second)?;
    fakes.servers().iter().for_each(|(_, server)| server.clear());
    let busy = Reply::text(429, "slow down").header("retry-after", "20");
    fakes.braze.server().fault(Fault::times(2, Action::Answer(busy)));
    fakes.salesforce.expire_sessions();
    clock.sleep_until(clock.now_ms() + DAY_MS).await;
    let second = round(&folder, &clock, output).await?;
    let Ok(second) = second else { return Ok(ExitCode::FAILURE) };
    tell(&fakes, output);

    let sound = [&first, &second].iter().all(|report| report.connections.iter().all(|link| link.adds_up));
    if output.json {
        output.print_json(&serde_json::json!({ "first": first, "second": second }))?;
    } else {
        output.text(format_args!("\nWhy was {} not updated?", people::UNUSABLE))?;
        crate::commands::status::explain_profile(people::UNUSABLE, &folder, output)?;
    }
    if let Some(kept) = &args.keep {
        output.notes(format_args!("\nEverything is in {}; the fake destinations end now.", kept.display()));
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Import, plan and sync, with what each prints.
async fn round(folder: &Path, clock: &Clock, output: &Output) -> anyhow::Result<Result<RunReport, Told>> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(told) => return Ok(Err(told)),
    };
    let setup = match session.setup_to_run(None, output).await? {
        Ok(setup) => setup,
        Err(told) => return Ok(Err(told)),
    };
    import::sources(&session, None, output).await?;
    let plans = sync::plan(&session.store, &setup, clock, Detail::default()).await?;
    for plan in &plans {
        output.notes(format_args!(
            "   plan: {} → {}: {} in {}",
            plan.audience,
            plan.destination,
            counted(plan.sendable, "member"),
            counted(plan.requests.len(), "request")
        ));
    }
    let bars = progress::Bars::new(output);
    let options = Options { wait: true, progress: bars.sink(), clock: clock.clone(), ..Options::default() };
    let report = sync::sync(&session.store, &setup, &options).await?;
    bars.finish();
    if !output.json {
        sync_command::show(&report, output)?;
    }
    Ok(Ok(report))
}

/// What the destinations themselves say.
fn tell(fakes: &All, output: &Output) {
    output.notes("   the destinations themselves count:");
    for ((_, server), name) in fakes.servers().iter().zip(DESTINATIONS) {
        let (members, requests) = (fakes.members(name).len(), server.requests().len());
        output.notes(format_args!(
            "     {name}: {} after {}",
            counted(members, "member"),
            counted(requests, "request")
        ));
    }
}

const DAY_MS: u64 = 24 * 3_600_000;
