//! Plan and sync of a city at all seven destinations: `cargo run -p enroute-tests --example forecast -- 200000`.
//!
//! Prints, for each destination, what the plan foretold and what the receipts say, and fails where they differ in a
//! single member. The fakes stand on this machine, and the clock jumps over waits. `tests/run` builds the plugins.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use enroute_fakes::all::{self, AUDIENCE, AUDIENCE_NAME, All, DESTINATIONS, SECRETS};
use enroute_host::catalog;
use enroute_host::config::load::load;
use enroute_host::runtime::{Cache, Limits, Runtime};
use enroute_host::sources::{Format, Import, Options as ImportOptions};
use enroute_host::store::Store;
use enroute_host::store::ledger::Remotes;
use enroute_host::sync::{self, Clock, Detail, Options, Setup};
use enroute_tests::{differences, town};

type Failure = Box<dyn std::error::Error>;

/// People where the command line names no number.
const PEOPLE: u32 = 200_000;
/// When it begins: 23 November 2026.
const START_MS: u64 = 1_795_392_000_000;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let people = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => PEOPLE,
    };
    let folder = tempfile::tempdir()?;
    let fakes = All::start().await?;
    configure(folder.path(), &fakes)?;
    let mut lines = String::new();
    for person in town(people) {
        writeln!(lines, "{person}")?;
    }
    std::fs::write(folder.path().join("profiles.ndjson"), lines)?;

    let store = Arc::new(Store::open(&folder.path().join(".enroute"))?);
    let options = ImportOptions::new("crm".parse()?, folder.path().join("profiles.ndjson"), Format::Ndjson);
    let imported = tokio::task::block_in_place(|| Import::run(&store, &options, || 0, |_| ControlFlow::Continue(())))?;
    println!("imported {} profiles", imported.progress.added);
    let clock = Clock::starting_at(START_MS);
    let loaded = load(folder.path());
    let config = loaded.config.ok_or("the configuration has mistakes")?;
    let cache = Cache::new(root().join("target/tmp/enroute-cache"), [7; 32]);
    let runtime = Runtime::new(Limits::default(), Some(cache))?;
    let (setup, found) = Setup::prepare(&config, &runtime, &Remotes::default(), &clock.today(), None).await;
    let setup = setup.ok_or_else(|| found.render(&config.files))?;

    let began = Instant::now();
    let plans = sync::plan(&store, &setup, &clock, Detail::default()).await?;
    println!("planned in {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let options = Options { wait: true, clock, ..Options::default() };
    let report = sync::sync(&store, &setup, &options).await?;
    println!("synced in {:.1} s", began.elapsed().as_secs_f64());
    let mut wrong = Vec::new();
    for (plan, link) in plans.iter().zip(&report.connections) {
        let refused: u64 = plan.rejections.iter().map(|one| one.members).sum();
        let (planned, outcomes) = ([plan.sendable, refused, plan.unchanged], &link.outcomes);
        let received = [outcomes.delivered, outcomes.rejected, outcomes.unchanged];
        println!("{:20} delivered, rejected, unchanged: planned {planned:?}, received {received:?}", plan.destination);
        wrong.extend(differences(plan, link, false));
    }
    wrong.iter().for_each(|line| println!("{line}"));
    Ok(if wrong.is_empty() && plans.len() == DESTINATIONS.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// The operator's folder, with all seven destinations and one audience.
fn configure(folder: &Path, fakes: &All) -> Result<(), Failure> {
    for (name, value) in SECRETS {
        std::fs::write(folder.join(name), value)?;
    }
    let mut plugins = String::new();
    for id in DESTINATIONS.iter().filter_map(|name| name.split('-').next()) {
        let file = root().join("target/plugins").join(format!("{id}.wasm"));
        let digest = catalog::sha256_hex(&catalog::read_file(&file)?);
        writeln!(plugins, "[plugin.{id}]\nfile = {:?}\nsha256 = \"{digest}\"\n", file.display().to_string())?;
    }
    std::fs::write(folder.join("plugins.toml"), plugins + &fakes.destinations())?;
    let audience = format!(
        "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.{AUDIENCE}]\nname = \"{AUDIENCE_NAME}\"\n\
         where = \"traits ->> 'plan' = 'gold'\"\n\n"
    );
    std::fs::write(folder.join("audiences.toml"), audience + &all::connections())?;
    Ok(())
}
