//! What a hostile plugin costs its neighbour: `cargo run -p enroute-tests --example neighbours -- 20000 7 50 loop_map`.
//!
//! Syncs Braze alone and beside the misfit, in turns, and prints for each way of misbehaving the rate that Braze keeps
//! (the median over pairs of runs) and the most memory that the host had. Fails where Braze does not get everybody, has
//! a fault, or the host needs more than the bound. The numbers are people, pairs of runs, and the milliseconds that the
//! fake Braze takes for an answer: with 0 of them all of Braze's work is on these cores, and what it keeps is then what
//! the cores have left beside a plugin that loops on one of them. `tests/run` builds the plugins.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use enroute_fakes::faults::Action;
use enroute_fakes::server::{Recorded, Reply, Service};
use enroute_fakes::{Braze, Fault, Server, braze};
use enroute_host::catalog;
use enroute_host::config::load::load;
use enroute_host::runtime::{Cache, Limits, Runtime};
use enroute_host::sources::{Format, Import, Options as ImportOptions};
use enroute_host::store::Store;
use enroute_host::store::ledger::Remotes;
use enroute_host::sync::{self, Clock, Options, Setup};
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

/// People, pairs of runs and milliseconds of an answer, where the command line names no numbers.
const PEOPLE: u32 = 20_000;
const PAIRS: usize = 5;
const ANSWER_MS: u64 = 50;
/// When it begins: 23 November 2026.
const START_MS: u64 = 1_795_392_000_000;
/// Ways of misbehaving, where the command line names none.
const MODES: [&str; 15] = [
    "loop_map",
    "loop_send",
    "loop_after",
    "trap_map",
    "trap_after",
    "allocate",
    "huge",
    "leave_out",
    "flood",
    "flood_warnings",
    "flood_reasons",
    "many",
    "lie_delivered",
    "loop_validate",
    "trap_validate",
];
/// What a hostile connection may add to the host's memory: four deliveries in flight and a call of `map`, each with
/// 64 MiB of its own and 32 MiB handed over.
const MEMORY_MIB_MAX: u64 = 5 * (64 + 32);

/// A destination that takes everybody in.
struct Anybody;

impl Service for Anybody {
    fn answer(&self, _: &Recorded) -> Reply {
        Reply::json(200, &json!({}))
    }
}

/// What one run of Braze was like.
#[derive(Debug, Clone, Copy)]
struct Ran {
    took: Duration,
    memory_mib: u64,
    is_whole: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let mut arguments = std::env::args().skip(1);
    let people = arguments.next().map_or(Ok(PEOPLE), |text| text.parse())?;
    let pairs = arguments.next().map_or(Ok(PAIRS), |text| text.parse())?;
    let answer_ms = arguments.next().map_or(Ok(ANSWER_MS), |text| text.parse())?;
    let modes: Vec<String> = arguments.collect();
    let modes = if modes.is_empty() { MODES.map(str::to_owned).to_vec() } else { modes };
    let mut is_sound = true;
    println!(
        "{people} people, {pairs} pairs, answers in {answer_ms} ms; MiB are the most of the process, with fakes and profiles"
    );
    println!("{:16} {:>10} {:>10} {:>9} {:>10} {:>10}", "", "alone /s", "beside /s", "kept", "MiB alone", "MiB beside");
    for mode in modes {
        let (mut kept, mut rates, mut memory) = (Vec::new(), (Vec::new(), Vec::new()), (0, 0));
        for pair in 0..pairs {
            // Whoever goes first has the colder caches, so they take turns.
            let (alone, beside) = if pair % 2 == 0 {
                let alone = run((people, answer_ms), None).await?;
                (alone, run((people, answer_ms), Some(&mode)).await?)
            } else {
                let beside = run((people, answer_ms), Some(&mode)).await?;
                (run((people, answer_ms), None).await?, beside)
            };
            is_sound &= alone.is_whole && beside.is_whole;
            is_sound &= beside.memory_mib <= alone.memory_mib + MEMORY_MIB_MAX;
            kept.push(alone.took.as_secs_f64() / beside.took.as_secs_f64());
            rates.0.push(f64::from(people) / alone.took.as_secs_f64());
            rates.1.push(f64::from(people) / beside.took.as_secs_f64());
            memory = (memory.0.max(alone.memory_mib), memory.1.max(beside.memory_mib));
        }
        println!(
            "{mode:16} {:10.0} {:10.0} {:7.0} % {:10} {:10}",
            median(rates.0),
            median(rates.1),
            100.0 * median(kept),
            memory.0,
            memory.1
        );
    }
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Syncs everybody to Braze, beside the misfit in a mode if one is named; in a world of its own.
async fn run((people, answer_ms): (u32, u64), mode: Option<&str>) -> Result<Ran, Failure> {
    let folder = tempfile::tempdir()?;
    let config = braze::Config { api_key: "not-a-real-key".to_owned(), ..Default::default() };
    let braze = Braze::start(config).await?;
    braze.server().fault(Fault::always(Action::Delay(Duration::from_millis(answer_ms))));
    let server = Server::start(Arc::new(Anybody)).await?;
    let (url, misfit) = (braze.server().url(), server.url());
    configure(folder.path(), people, &url, mode.map(|mode| (mode, misfit.as_str())))?;
    let store = Arc::new(Store::open(&folder.path().join(".enroute"))?);
    let import = ImportOptions::new("crm".parse()?, folder.path().join("profiles.ndjson"), Format::Ndjson);
    tokio::task::block_in_place(|| Import::run(&store, &import, || 0, |_| ControlFlow::Continue(())))?;
    let clock = Clock::starting_at(START_MS);
    let config = load(folder.path()).config.ok_or("the configuration has mistakes")?;
    let cache = Cache::new(root().join("target/tmp/enroute-cache"), [7; 32]);
    let runtime = Runtime::new(Limits::default(), Some(cache))?;
    let (setup, found) = Setup::prepare(&config, &runtime, &Remotes::default(), &clock.today(), None).await;
    let setup = setup.ok_or_else(|| found.render(&config.files))?;
    forget_peak()?;
    let ended: Arc<Mutex<Option<Instant>>> = Arc::default();
    let noted = Arc::clone(&ended);
    let progress = move |_: &str, destination: &str, progress: &sync::Progress| {
        if destination == "braze-eu" && progress.done == progress.total {
            noted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        }
    };
    let began = Instant::now();
    let options = Options { clock, progress: Arc::new(progress), ..Options::default() };
    let report = sync::sync(&store, &setup, &options).await?;
    let ended = ended.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(Instant::now);
    let healthy = report.connections.iter().find(|link| link.destination == "braze-eu");
    let is_whole = healthy.is_some_and(|link| link.faults.is_empty() && link.outcomes.delivered == u64::from(people));
    Ok(Ran {
        took: ended - began,
        memory_mib: peak_mib()?,
        is_whole: is_whole && braze.members("gold").len() == people as usize,
    })
}

/// Lets the kernel count the most memory anew.
fn forget_peak() -> Result<(), Failure> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

/// The most memory that this process had since then.
fn peak_mib() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Ok(peak.ok_or("the kernel does not tell")?.parse::<u64>()? >> 10)
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

fn destination(plugin: &str, name: &str, url: &str, settings: &str, secret: &str) -> Result<String, Failure> {
    let file = root().join("target/plugins").join(format!("{plugin}.wasm"));
    let digest = catalog::sha256_hex(&catalog::read_file(&file)?);
    let host = url.trim_start_matches("http://");
    Ok(format!(
        "[plugin.{plugin}]\nfile = {:?}\nsha256 = \"{digest}\"\n\n[destination.{name}]\nplugin = \"{plugin}\"\n\
         hosts = [\"{host}\"]\nallow_networks = [\"127.0.0.0/8\"]\nsettings = {{ {settings} }}\n\
         secrets = {{ {secret} = \"${{file:a.key}}\" }}\n\n",
        file.display().to_string()
    ))
}

fn configure(folder: &Path, people: u32, braze: &str, misfit: Option<(&str, &str)>) -> Result<(), Failure> {
    std::fs::write(folder.join("a.key"), "not-a-real-key")?;
    let mut plugins = destination("braze", "braze-eu", braze, &format!("endpoint = \"{braze}\""), "api_key")?;
    let mut audiences = "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.gold]\n\
                         where = \"traits ->> 'plan' = 'gold'\"\n\n[[connection]]\naudience = \"gold\"\n\
                         destination = \"braze-eu\"\nsetup = \"customized\"\n\
                         traits = [{ trait = \"firstName\", field = \"first_name\" }]\n\n"
        .to_owned();
    if let Some((mode, url)) = misfit {
        let settings = format!("base_url = \"{url}\", mode = \"{mode}\"");
        plugins += &destination("misfit", "misfit", url, &settings, "token")?;
        audiences += "[[connection]]\naudience = \"gold\"\ndestination = \"misfit\"\nsetup = \"customized\"\n\
                      traits = [{ trait = \"firstName\", field = \"value\" }]\n";
    }
    std::fs::write(folder.join("plugins.toml"), plugins)?;
    std::fs::write(folder.join("audiences.toml"), audiences)?;
    let mut lines = String::new();
    for number in 0..people {
        let traits = json!({ "plan": "gold", "firstName": "Ann" });
        writeln!(lines, "{}", json!({ "id": format!("u{number}"), "traits": traits }))?;
    }
    Ok(std::fs::write(folder.join("profiles.ndjson"), lines)?)
}
