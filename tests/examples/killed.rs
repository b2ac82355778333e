//! A large sync that is killed over and over: `cargo run -p enroute-tests --example killed -- 200000 60`.
//!
//! So many people go to Braze and SendGrid; the process is killed every second, so many times, or until it is through.
//! Then one run is left alone. Behind it everybody changes, a run is told to end (SIGTERM) in the middle, and another one
//! is left alone. A third argument names the binary, where it is not the one that `tests/run` built.
//!
//! Fails where a destination lacks somebody or has a stranger, where somebody was in two requests at a time, where the
//! run that was told to end did not end in order, and where anybody was sent again behind it. The fakes stand on this
//! machine and take their time with each answer, so that requests meet.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use enroute_fakes::all::{self, AUDIENCE, AUDIENCE_NAME, All, SECRETS};
use enroute_fakes::faults::Action;
use enroute_fakes::{Fault, Recorded};
use enroute_host::catalog;
use serde_json::Value;
use tokio::process::Command;

type Failure = Box<dyn std::error::Error>;

const PEOPLE: u32 = 200_000;
const KILLS: u32 = 60;
/// Where they go, and where in a body they stand.
const DESTINATIONS: [(&str, &str); 2] = [("braze-eu", "attributes"), ("sendgrid-marketing", "contacts")];
/// How long a destination takes for an answer.
const ANSWER: Duration = Duration::from_millis(20);
/// What `docs/exit-codes.md` calls a run that was told to end.
const INTERRUPTED: i32 = 6;

struct World {
    folder: tempfile::TempDir,
    fakes: All,
    binary: PathBuf,
    people: Vec<Value>,
    /// How many requests each destination had seen when a process was gone.
    ends: [Vec<u64>; 2],
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let number = |at: usize, unless: u32| std::env::args().nth(at).map_or(Ok(unless), |text| text.parse());
    let (people, kills) = (number(1, PEOPLE)?, number(2, KILLS)?);
    let binary = std::env::args().nth(3).map_or_else(|| root().join("target/debug/enroute"), PathBuf::from);
    let mut world = World::new(people, binary).await?;
    let is_sound = [world.is_exact_though_killed(kills).await?, world.ends_in_order().await?];
    Ok(if is_sound == [true; 2] { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl World {
    async fn new(people: u32, binary: PathBuf) -> Result<Self, Failure> {
        let (folder, fakes) = (tempfile::tempdir()?, All::start().await?);
        configure(folder.path(), &fakes)?;
        for (name, server) in fakes.servers() {
            if DESTINATIONS.iter().any(|(ours, _)| *ours == name) {
                server.fault(Fault::always(Action::Delay(ANSWER)));
            }
        }
        let people = (0..people).map(|number| all::person(&format!("u{number:06}"))).collect();
        let world = Self { folder, fakes, binary, people, ends: [vec![], vec![]] };
        world.write()?;
        // Compiles the plugins, which in one second could not be done.
        let checked = world.enroute("check").output().await?;
        print!("{}", String::from_utf8_lossy(&checked.stdout));
        Ok(world)
    }

    fn write(&self) -> Result<(), Failure> {
        let mut lines = String::new();
        self.people.iter().try_for_each(|person| writeln!(lines, "{person}"))?;
        Ok(std::fs::write(self.folder.path().join("profiles.ndjson"), lines)?)
    }

    fn enroute(&self, command: &str) -> Command {
        let mut enroute = Command::new(&self.binary);
        enroute.arg("-C").arg(self.folder.path()).arg(command).kill_on_drop(true);
        enroute
    }

    /// How many requests each of the two has seen.
    fn seen(&self) -> [u64; 2] {
        DESTINATIONS.map(|(wanted, _)| {
            let servers = self.fakes.servers();
            servers.iter().find(|(name, _)| *name == wanted).map_or(0, |(_, server)| server.seen())
        })
    }

    fn requests(&self, wanted: &str) -> Vec<Recorded> {
        let servers = self.fakes.servers();
        servers.iter().find(|(name, _)| *name == wanted).map(|(_, server)| server.requests()).unwrap_or_default()
    }

    fn note_end(&mut self) {
        let seen = self.seen();
        for (ends, seen) in self.ends.iter_mut().zip(seen) {
            ends.push(seen);
        }
    }

    /// Kills it every second, then leaves a run alone.
    async fn is_exact_though_killed(&mut self, kills: u32) -> Result<bool, Failure> {
        let mut killed = 0;
        while killed < kills {
            let mut process = self.enroute("sync").stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
            if tokio::time::timeout(Duration::from_secs(1), process.wait()).await.is_ok() {
                break;
            }
            process.kill().await?;
            self.note_end();
            killed += 1;
        }
        let by_then = self.seen();
        println!("killed {killed} times; by then {by_then:?} requests had come in");
        let began = Instant::now();
        let ended = self.enroute("sync").arg("--wait").output().await?;
        self.note_end();
        print!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        println!("the run that was left alone took {:.1} s: {:?}", began.elapsed().as_secs_f64(), ended.status);
        Ok(ended.status.success() & self.is_exact() & self.nobody_twice_at_a_time())
    }

    /// Tells a run to end in the middle, then leaves one alone.
    async fn ends_in_order(&mut self) -> Result<bool, Failure> {
        self.fakes.servers().iter().for_each(|(_, server)| server.clear());
        for person in &mut self.people {
            if let Some(value) = person.pointer_mut("/traits/lifetime_value") {
                *value = serde_json::json!(451.5);
            }
        }
        self.write()?;
        let began = self.seen();
        let middle = began[0] + (self.people.len() as u64 / 75 / 3).max(1);
        let (braze, mut process) = (self.fakes.braze.server(), self.enroute("sync").stdout(Stdio::piped()).spawn()?);
        tokio::select! {
            biased;
            () = braze.until_seen(middle) => {}
            ended = process.wait() => return Err(format!("it ended before it was told to: {ended:?}").into()),
        }
        let number = process.id().ok_or("it has a number while it runs")?.to_string();
        Command::new("kill").args(["-TERM", &number]).status().await?;
        let told = Instant::now();
        let ended = process.wait_with_output().await?;
        let sent: u64 = self.seen().iter().zip(began).map(|(seen, before)| seen - before).sum();
        println!(
            "told to end, it ended {:.1} s later: {:?}, {sent} requests",
            told.elapsed().as_secs_f64(),
            ended.status
        );
        self.note_end();
        let is_in_order = ended.status.code() == Some(INTERRUPTED);
        let ended = self.enroute("sync").arg("--wait").output().await?;
        self.note_end();
        print!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        let well = is_in_order & ended.status.success();
        Ok(well & self.is_exact() & self.nobody_twice_at_a_time() & self.everybody_once())
    }

    /// Whether the destinations have everybody and nobody else.
    fn is_exact(&self) -> bool {
        let text = |person: &Value, pointer: &str| {
            person.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        DESTINATIONS.iter().fold(true, |is_exact, (name, _)| {
            let key = |person| all::key(name, &text(person, "/id"), &text(person, "/traits/email"));
            let (expect, there): (BTreeSet<String>, _) =
                (self.people.iter().map(key).collect(), self.fakes.members(name));
            let (missing, strangers) = (expect.difference(&there).count(), there.difference(&expect).count());
            println!("{name}: {} there, {missing} missing, {strangers} strangers", there.len());
            is_exact & (missing + strangers == 0)
        })
    }

    /// Whether nobody was in a request while another one with the same person was on its way.
    fn nobody_twice_at_a_time(&self) -> bool {
        let mut is_sound = true;
        for ((name, list), ends) in DESTINATIONS.iter().zip(&self.ends) {
            let (mut until, mut met, mut twice) = (BTreeMap::<String, u64>::new(), 0_u32, BTreeSet::new());
            let mut last_end = 0;
            for request in self.requests(name) {
                let end =
                    request.seen_when_answered.or_else(|| ends.iter().find(|end| **end > request.sequence).copied());
                let end = end.unwrap_or(u64::MAX);
                let people = people(&request, list);
                if !people.is_empty() {
                    met += u32::from(request.sequence < last_end);
                    last_end = last_end.max(end);
                }
                for person in people {
                    if until.insert(person.clone(), end).is_some_and(|until| request.sequence < until) {
                        twice.insert(person);
                    }
                }
            }
            println!("{name}: {met} requests came while another was on its way, {} people were in both", twice.len());
            is_sound &= twice.is_empty();
        }
        is_sound
    }

    /// Whether everybody was sent once, and nobody again.
    fn everybody_once(&self) -> bool {
        DESTINATIONS.iter().fold(true, |is_sound, (name, list)| {
            let mut times = BTreeMap::<String, u32>::new();
            for person in self.requests(name).iter().flat_map(|request| people(request, list)) {
                *times.entry(person).or_default() += 1;
            }
            let again = times.values().filter(|times| **times > 1).count();
            println!("{name}: {} people were sent, {again} of them again", times.len());
            is_sound & (again == 0 && times.len() == self.people.len())
        })
    }
}

/// Who is in a request.
fn people(request: &Recorded, list: &str) -> Vec<String> {
    let body = request.json().unwrap_or_default();
    let people = body.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let id = |one: &Value| one.get("external_id").and_then(Value::as_str).map(str::to_owned);
    people.iter().filter_map(id).collect()
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// The operator's folder, with two of the seven destinations and one audience.
fn configure(folder: &Path, fakes: &All) -> Result<(), Failure> {
    for (name, value) in SECRETS {
        std::fs::write(folder.join(name), value)?;
    }
    let mut plugins = String::new();
    for id in all::DESTINATIONS.iter().filter_map(|name| name.split('-').next()) {
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
    let (before, connections) = connections.split_once("[[connection]]").ok_or("there are no connections")?;
    let is_ours = |one: &&str| DESTINATIONS.iter().any(|(name, _)| one.contains(name));
    let ours: String =
        connections.split("[[connection]]").filter(is_ours).map(|one| format!("[[connection]]{one}")).collect();
    std::fs::write(folder.join("audiences.toml"), format!("{audience}{before}{ours}"))?;
    Ok(())
}
