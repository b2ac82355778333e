//! What a large audience costs: `cargo run -p enroute-tests --example size -- 100000 1000000`.
//!
//! For each number it makes so many profiles, three of ten in the audience, and has `target/release/enroute` (which
//! `cargo build --release -p enroute` makes) check, import, plan, sync, and sync again. The process is watched from
//! outside: CPU time and peak memory are its own, and the fake, in the process of this program, has none of them. Other
//! arguments are destinations (`braze-eu` unless some are named); `sendgrid-marketing` takes members as jobs, so that
//! all of them wait in the store, and `facebook-ads` folds by address.
//!
//! Prints CPU time for each profile or member and the most memory, as they are and as ratios to the first number. Fails
//! where the destination has not everybody, where the second sync sends something, or above 512 MiB.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use enroute_fakes::all::{self, AUDIENCE, AUDIENCE_NAME, All, DESTINATIONS, SECRETS};
use enroute_host::catalog;

type Failure = Box<dyn std::error::Error>;

/// Profiles where the command line names no number.
const PROFILES: [u64; 2] = [100_000, 1_000_000];
/// What a run may use.
const MEMORY_MIB_MAX: u64 = 512;
/// How often the process is looked at. What it takes up in its last moments may be missed; its CPU time is not.
const LOOK: Duration = Duration::from_millis(20);
/// Ticks of CPU time in a second, as Linux tells them to programs.
const TICKS: f64 = 100.0;

/// What a step took for each profile or member with the first number.
#[derive(Debug, Clone, Copy)]
struct First {
    cpu_us: f64,
    memory_mib: u64,
}

/// What a process took.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu_s: f64,
    wall_s: f64,
    memory_mib: u64,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let (mut sizes, mut names) = (Vec::new(), Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.parse::<u64>() {
            Ok(size) => sizes.push(size),
            Err(_) => names.push(argument),
        }
    }
    if sizes.is_empty() {
        sizes.extend(PROFILES);
    }
    if names.is_empty() {
        names.push("braze-eu".to_owned());
    }
    println!(
        "{:>10} {:8} {:>9} {:>9} {:>12} {:>7} {:>6} {:>7}",
        "profiles", "step", "wall s", "CPU s", "µs for each", "ratio", "MiB", "ratio"
    );
    let (mut first, mut is_sound) = (BTreeMap::new(), true);
    for size in sizes {
        is_sound &= measure(size, &names, &mut first).await?;
    }
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes one number of profiles through all steps.
async fn measure(size: u64, names: &[String], first: &mut BTreeMap<&'static str, First>) -> Result<bool, Failure> {
    let folder = tempfile::tempdir_in(root().join("target/tmp"))?;
    let fakes = All::start().await?;
    configure(folder.path(), &fakes, names)?;
    let members = write_profiles(folder.path(), size)?;
    run(folder.path(), &["check"]).await?;
    let mut is_sound = true;
    let steps: [(&'static str, &[&str], u64); 4] = [
        ("import", &["import"], size),
        ("plan", &["plan"], members),
        ("sync", &["sync", "--wait"], members),
        ("again", &["sync", "--wait"], members),
    ];
    for (name, arguments, each) in steps {
        let before = sent(&fakes);
        let cost = run(folder.path(), arguments).await?;
        // Only memory, and the fake needs it.
        fakes.servers().iter().for_each(|(_, server)| server.clear());
        let cpu_us = cost.cpu_s * 1e6 / whole(each);
        let of_first = first.entry(name).or_insert(First { cpu_us, memory_mib: cost.memory_mib });
        println!(
            "{size:>10} {name:8} {:>9.1} {:>9.2} {:>12.2} {:>7.2} {:>6} {:>7.2}",
            cost.wall_s,
            cost.cpu_s,
            cpu_us,
            cpu_us / of_first.cpu_us,
            cost.memory_mib,
            whole(cost.memory_mib) / whole(of_first.memory_mib),
        );
        is_sound &= cost.memory_mib <= MEMORY_MIB_MAX;
        if name == "again" && sent(&fakes) != before {
            println!("{:>10} the second sync sent something", size);
            is_sound = false;
        }
    }
    for name in names {
        let there = fakes.members(name).len() as u64;
        println!("{size:>10} {name} has {there} of {members}");
        is_sound &= there == members;
    }
    Ok(is_sound)
}

#[expect(clippy::cast_precision_loss, reason = "counts lie far below 2^52")]
fn whole(count: u64) -> f64 {
    count as f64
}

/// Requests so far.
fn sent(fakes: &All) -> u64 {
    fakes.servers().iter().map(|(_, server)| server.seen()).sum()
}

/// Runs the host and watches it.
async fn run(folder: &Path, arguments: &[&str]) -> Result<Cost, Failure> {
    let mut command = Command::new(root().join("target/release/enroute"));
    let told = std::fs::File::create(folder.join("told.txt"))?;
    command.arg("-C").arg(folder).args(arguments).stdout(Stdio::null()).stderr(told);
    let watched = tokio::task::spawn_blocking(move || watch(command).map_err(|error| error.to_string())).await?;
    let (cost, is_well) = watched?;
    if !is_well {
        let told = std::fs::read_to_string(folder.join("told.txt"))?;
        return Err(format!("enroute {} failed: {told}", arguments.join(" ")).into());
    }
    Ok(cost)
}

/// Looks at a process until it is over, and at what it took before it is gone.
fn watch(mut command: Command) -> Result<(Cost, bool), Failure> {
    let began = Instant::now();
    let mut process = command.spawn()?;
    let of_proc = PathBuf::from(format!("/proc/{}", process.id()));
    let (mut memory_mib, mut cpu_s);
    memory_mib = 0;
    loop {
        let status = std::fs::read_to_string(of_proc.join("status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        memory_mib = peak.map_or(Ok(memory_mib), |text| text.parse::<u64>().map(|kib| kib.div_ceil(1 << 10)))?;
        let stat = std::fs::read_to_string(of_proc.join("stat"))?;
        // Behind the name, which may have anything in it: the state, then numbers.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, behind)| behind).split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).unwrap_or(&"0").parse::<f64>();
        cpu_s = (ticks(11)? + ticks(12)?) / TICKS;
        if fields.first() == Some(&"Z") {
            break;
        }
        #[expect(clippy::disallowed_methods, reason = "another process is watched, and this is no test")]
        std::thread::sleep(LOOK);
    }
    let wall_s = began.elapsed().as_secs_f64();
    let is_well = process.wait()?.success();
    Ok((Cost { cpu_s, wall_s, memory_mib }, is_well))
}

/// Writes the profiles, and tells how many of them are in the audience. Ids are in no order, as they come from other
/// systems.
fn write_profiles(folder: &Path, size: u64) -> Result<u64, Failure> {
    let mut file = BufWriter::new(std::fs::File::create(folder.join("profiles.ndjson"))?);
    let mut members = 0;
    for number in 0..size {
        let is_member = number % 10 < 3;
        members += u64::from(is_member);
        let plan = if is_member { "gold" } else { "free" };
        let id = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(
            file,
            r#"{{"id":"{id:016x}","traits":{{"email":"{id:016x}@example.com","firstName":"Ana","lastName":"Silva","plan":"{plan}","lifetime_value":{}.5,"address":{{"country":"PT"}}}}}}"#,
            number % 1000
        )?;
    }
    file.flush()?;
    Ok(members)
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// The operator's folder: one audience, and the connections to these destinations.
fn configure(folder: &Path, fakes: &All, names: &[String]) -> Result<(), Failure> {
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
    let connections = all::connections();
    let is_ours = |one: &&str| names.iter().any(|name| one.contains(name.as_str()));
    let ours = connections.split("[[connection]]").filter(is_ours).map(|one| format!("[[connection]]{one}"));
    Ok(std::fs::write(folder.join("audiences.toml"), audience + &ours.collect::<String>())?)
}
