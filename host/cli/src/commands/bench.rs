//! `enroute bench`: what Enroute costs on this machine, beside other tools and beside the machine's own limits.
//!
//! Nothing leaves the machine: destinations are fakes on loopback, in a process of their own, so that what they cost is
//! not counted. Scenarios take turns, round by round, so that a machine that gets slower does so for all of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::ValueEnum;
use enroute_core::words::counted;
use serde_json::json;

use crate::commands::bench::figures::Figures;
use crate::commands::bench::ground::{Ground, Rows};
use crate::commands::bench::measure::Meter;
use crate::commands::bench::peer::Peer;
use crate::commands::plugin;
use crate::output::{Advice, Output};

mod against;
mod days;
mod destinations;
mod figures;
mod goals;
mod ground;
mod instructions;
mod measure;
mod peer;
mod people;
mod scale;
mod serve;
pub(crate) mod servers;
mod start;
mod table;
mod transform;
mod wire;

/// What to measure, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// What to measure: all of it, where nothing is named.
    #[arg(value_enum, value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    /// How many people: 10,000 where nothing is said, or all of the input.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    members: Option<u32>,
    /// What people are made up from: the same seed makes the same people.
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Rows of your own: JSON lines with `user_id` and `traits`, and `advertising_id` and `action` where there are any.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Only this destination, by its plugin's id; may be given again.
    #[arg(long = "destination", value_name = "ID", value_delimiter = ',')]
    destinations: Vec<String>,
    /// How often each scenario is run.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The folder with the plugins, `ID.wasm` each; where none is named, the repository's are built.
    #[arg(long, value_name = "FOLDER")]
    plugins: Option<PathBuf>,
    /// Another tool to run in turns with the transform; `{input}` is the file with the rows. It has to print
    /// `{"results":{"ID":{"text":{"cpu_best":N}}}}`, members per CPU second. May be given again.
    #[arg(long = "peer", value_name = "COMMAND")]
    peers: Vec<String>,
    /// Another `enroute` to run in turns with this one, a pair a round; prints the ratios of the pairs.
    #[arg(long, value_name = "BINARY", conflicts_with = "peers")]
    against: Option<PathBuf>,
}

/// Something that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Rows in, request bytes out, through the sandbox, without a store.
    Transform,
    /// `map` alone, in the sandbox.
    Sandbox,
    /// Profiles into the store, beside SQLite's own import of the same lines.
    Import,
    /// From the store to the exact requests.
    Plan,
    /// A first sync to the strict fakes, with ledger and receipts.
    Sync,
    /// The sync after it.
    Unchanged,
    /// The sync after one profile in a thousand has changed, and the way of one changed profile.
    Delta,
    /// Import and first sync of ten times as many.
    Scale,
    /// From the start of the program to all plugins checked.
    Start,
    /// A first sync over loopback, beside a bare client.
    Wire,
    /// A host that stays, under events.
    Serve,
}

impl BenchArgs {
    fn asks(&self, scenario: Scenario) -> bool {
        self.scenarios.is_empty() || self.scenarios.contains(&scenario)
    }

    /// The same for another process: one round of it.
    fn for_one_round(&self) -> Vec<OsString> {
        let named = self.scenarios.iter().filter_map(|scenario| Some(scenario.to_possible_value()?.get_name().into()));
        let mut arguments: Vec<OsString> = named.collect();
        let mut option = |name: &str, value: OsString| arguments.extend([OsString::from(name), value]);
        option("--rounds", "1".into());
        option("--seed", self.seed.to_string().into());
        if let Some(members) = self.members {
            option("--members", members.to_string().into());
        }
        for (name, path) in [("--input", &self.input), ("--plugins", &self.plugins)] {
            if let Some(path) = path {
                option(name, path.into());
            }
        }
        self.destinations.iter().for_each(|id| option("--destination", id.into()));
        arguments
    }
}

/// Runs the command. It measures and is no test: whatever the figures are, it ends with 0.
pub(crate) async fn run(args: BenchArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let cases = destinations::chosen(&args.destinations)?;
    if let Some(other) = &args.against {
        against::run(other, &args.for_one_round(), args.rounds, output).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let plugins = plugins(args.plugins.as_deref(), output).await?;
    let rows = Rows { input: args.input.as_deref(), members: args.members, seed: args.seed };
    let with_stub = args.asks(Scenario::Wire) || args.asks(Scenario::Scale) || args.asks(Scenario::Serve);
    let ground = Ground::lay(cases, with_stub, &plugins, &rows)?;
    let (mut meter, mut figures) = (Meter::new(), Figures::default());
    let mut peers: Vec<Peer> = args.peers.iter().map(|command| Peer::new(command)).collect();
    output.note("compiling the plugins for this machine");
    let ready = transform::Ready::new(&ground).await?;
    for round in 1..=args.rounds {
        output.note(format_args!("round {round} of {}", args.rounds));
        if args.asks(Scenario::Transform) {
            ready.round(&ground, &mut meter, &mut figures).await?;
        }
        for peer in &mut peers {
            peer.round(&ground.rows).await?;
        }
        if args.asks(Scenario::Sandbox) {
            ready.sandbox(&ground, &mut figures).await?;
        }
        if days::COVERED.into_iter().any(|scenario| args.asks(scenario)) {
            days::round(&ground, |scenario| args.asks(scenario), &mut meter, &mut figures).await?;
        }
        if args.asks(Scenario::Wire) {
            wire::round(&ground, &mut meter, &mut figures).await?;
        }
        if args.asks(Scenario::Start) {
            start::round(&ground, &mut meter, &mut figures)?;
        }
        // Ten times as many take ten times as long, and their ratio needs no second round.
        if args.asks(Scenario::Scale) && round == 1 {
            scale::round(&ground, &mut meter, &mut figures).await?;
        }
        if args.asks(Scenario::Serve) {
            serve::round(&ground, &mut figures).await?;
        }
    }
    let goals = goals::reached(&figures, &peers, ground.members);
    if output.json {
        output.print_json(&document(&args, &ground, &figures, &peers, &goals, &meter))?;
    } else {
        if let Some(why) = meter.no_instructions() {
            output.note(format_args!("instructions are not counted: {why}"));
        }
        output.line(format_args!(
            "{}, {}, {}, {} build",
            counted(ground.members, "member"),
            counted(args.rounds, "round"),
            counted(cores(), "core"),
            build()
        ))?;
        table::figures(&figures, output)?;
        table::peers(&peers, output)?;
        table::goals(&goals, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything for a program. `results` has the transform as `--peer` reads it, so that this can be the peer of another.
fn document(
    args: &BenchArgs,
    ground: &Ground,
    figures: &Figures,
    peers: &[Peer],
    goals: &[goals::Goal],
    meter: &Meter,
) -> serde_json::Value {
    let mut results = serde_json::Map::new();
    for figure in figures.of(transform::TRANSFORM) {
        let (Some(cpu), Some(wall)) = (figure.per_cpu_s(), figure.per_s()) else { continue };
        let text = json!({
            "cpu_best": cpu.best.round(), "cpu_median": cpu.median.round(), "wall_median": wall.median.round(),
        });
        results
            .insert(figure.subject.clone(), json!({ "text": text, "ok": figure.members, "requests": figure.requests }));
    }
    let peers: Vec<_> = peers
        .iter()
        .map(|peer| {
            let reached: serde_json::Map<_, _> =
                peer.results().map(|(name, spread)| (name.to_owned(), json!(spread))).collect();
            json!({ "command": peer.command(), "members_per_cpu_s": reached })
        })
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"), "build": build(), "cores": cores(),
        "members": ground.members, "seed": args.seed, "rounds": args.rounds,
        "results": results, "figures": figures.told(), "peers": peers, "goals": goals,
        "instructions": meter.no_instructions().map_or_else(|| "counted".to_owned(), |why| format!("not counted: {why}")),
    })
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64)
}

/// How this binary was built: figures of another build than `release` are not worth comparing.
const fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

/// The plugins of a folder, or those of the repository, built.
async fn plugins(folder: Option<&Path>, output: &Output) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let Some(folder) = folder else { return plugin::build_own(output).await };
    let folder = folder.canonicalize().with_context(|| not_there(&folder.display().to_string()))?;
    let one = |case: &destinations::Case| {
        let file = folder.join(format!("{}.wasm", case.id));
        anyhow::ensure!(file.is_file(), not_there(&file.display().to_string()));
        Ok((case.id.to_owned(), file))
    };
    destinations::CASES.iter().map(one).collect()
}

fn not_there(what: &str) -> Advice {
    Advice::mistake(
        format!("there is no `{what}`"),
        "name the folder that has ID.wasm of all seven plugins; `enroute plugin build` makes them",
    )
}
