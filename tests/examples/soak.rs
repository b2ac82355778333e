//! A host that stays under everything at once: `cargo run -p enroute-tests --example soak -- --minutes 10`.
//!
//! Events come in all the time, each sent until it was answered with 200. Meanwhile the files are edited, the plugin's file
//! is replaced three times, the destination is down for a while, and the host is killed twice. At the end the destination
//! has exactly those whom the events and the last edit make members, and the last process has not grown. `--binary FILE`
//! names another binary than the one that `tests/run` built.

#![expect(clippy::print_stdout, clippy::indexing_slicing, reason = "the figures are what it is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use enroute_fakes::faults::Action;
use enroute_fakes::server::Reply;
use enroute_fakes::{Braze, Client, Fault, braze};
use enroute_host::catalog;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

type Failure = Box<dyn std::error::Error>;

const KEY: &str = "fake-key-opens-nothing";
/// People who come and go, calls of a batch, and the pause between two batches.
const PEOPLE: u64 = 2_000;
const BATCH: u64 = 40;
const PAUSE: Duration = Duration::from_millis(100);
/// How long the end may take to be exact.
const SETTLED_MAX: Duration = Duration::from_secs(180);
/// How much the last process may grow from a quarter of its time to its end.
const GROWTH_MIB: f64 = 48.0;

/// What happens at which part of the time.
const SCRIPT: [(f64, Happening); 10] = [
    (0.10, Happening::Edit),
    (0.15, Happening::Replace),
    (0.25, Happening::Down),
    (0.32, Happening::Up),
    (0.40, Happening::Kill),
    (0.45, Happening::Replace),
    (0.50, Happening::Edit),
    (0.55, Happening::Kill),
    (0.70, Happening::Replace),
    (0.75, Happening::Edit),
];

#[derive(Debug, Clone, Copy)]
enum Happening {
    /// Another condition, by an edit that is broken first.
    Edit,
    /// Another plugin file, of the same behaviour.
    Replace,
    /// The destination answers 503 from now on.
    Down,
    /// It works again.
    Up,
    Kill,
}

struct Soak {
    folder: tempfile::TempDir,
    binary: PathBuf,
    braze: Braze,
    host: Option<(Child, SocketAddr)>,
    /// The plan of everybody, as the last call says it.
    people: BTreeMap<String, &'static str>,
    sent: u64,
    edits: usize,
    plugins: usize,
    /// Memory of the process that runs, in MiB.
    memory: Vec<f64>,
}

/// Conditions that edits choose from in turns.
const PLANS: [&[&str]; 2] = [&["gold"], &["gold", "vip"]];

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1);
    let minutes: f64 = after("--minutes").map_or(Ok(10.0), |text| text.parse())?;
    let binary = after("--binary").map_or_else(|| root().join("target/debug/enroute"), PathBuf::from);
    let mut soak = Soak::new(binary).await?;
    soak.run(Duration::from_secs_f64(minutes * 60.0)).await?;
    Ok(if soak.is_exact().await? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Soak {
    async fn new(binary: PathBuf) -> Result<Self, Failure> {
        let braze = Braze::start(braze::Config { api_key: KEY.to_owned(), ..Default::default() }).await?;
        let soak = Self {
            folder: tempfile::tempdir()?,
            binary: binary.canonicalize()?,
            braze,
            host: None,
            people: BTreeMap::new(),
            sent: 0,
            edits: 0,
            plugins: 0,
            memory: Vec::new(),
        };
        soak.write("app.key", KEY.as_bytes())?;
        soak.write_plugin()?;
        soak.write("audiences.toml", soak.audiences().as_bytes())?;
        Ok(soak)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        // As editors do it: aside, then in its place.
        let aside = self.folder.path().join(format!("{name}.new"));
        std::fs::write(&aside, bytes)?;
        Ok(std::fs::rename(aside, self.folder.path().join(name))?)
    }

    /// Writes the plugin with a section more that says nothing, so that its digest is another one, and locks it.
    fn write_plugin(&self) -> Result<(), Failure> {
        let mut bytes = std::fs::read(root().join("target/plugins/braze.wasm"))?;
        let name = format!("soak{}", self.plugins % 10);
        bytes.extend([0, 6, 5]);
        bytes.extend(name.as_bytes());
        self.write("braze.wasm", &bytes)?;
        let (url, digest) = (self.braze.server().url(), catalog::sha256_hex(&bytes));
        let host = url.trim_start_matches("http://");
        let text = format!(
            "[plugin.braze]\nfile = \"braze.wasm\"\nsha256 = \"{digest}\"\n\n[destination.braze-eu]\nplugin = \"braze\"\n\
             hosts = [\"{host}\"]\nallow_networks = [\"127.0.0.0/8\"]\nsettings = {{ endpoint = \"{url}\" }}\n\
             secrets = {{ api_key = \"${{file:app.key}}\" }}\n"
        );
        self.write("plugins.toml", text.as_bytes())
    }

    fn plans(&self) -> &'static [&'static str] {
        PLANS[self.edits % PLANS.len()]
    }

    fn audiences(&self) -> String {
        let plans: Vec<String> = self.plans().iter().map(|plan| format!("'{plan}'")).collect();
        format!(
            "[source.app]\nholds = \"events\"\nlisten = true\nkey = \"${{file:app.key}}\"\n\n[trait.orders]\n\
             compute = \"count\"\nevent = \"Order Completed\"\n\n[audience.gold]\n\
             where = \"traits ->> 'plan' in ({})\"\n\n[[connection]]\naudience = \"gold\"\n\
             destination = \"braze-eu\"\nsetup = \"customized\"\n\
             remove_max_percent = 100\ntraits = [{{ trait = \"firstName\", field = \"first_name\" }}]\n",
            plans.join(", ")
        )
    }

    async fn start(&mut self) -> Result<(), Failure> {
        let mut command = Command::new(&self.binary);
        command.arg("-C").arg(self.folder.path()).args(["--json", "serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
        let mut said = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut text = String::new();
        while serde_json::from_str::<Value>(&text).is_err() {
            if said.read_line(&mut text).await? == 0 {
                return Err(format!("the host ended before it listened: {text}").into());
            }
        }
        let told: Value = serde_json::from_str(&text)?;
        let at = told["address"].as_str().ok_or("no address")?.trim_start_matches("http://").parse()?;
        self.memory.clear();
        self.host = Some((child, at));
        Ok(())
    }

    async fn run(&mut self, time: Duration) -> Result<(), Failure> {
        self.start().await?;
        let (began, mut script) = (Instant::now(), SCRIPT.iter().peekable());
        while began.elapsed() < time {
            let part = began.elapsed().as_secs_f64() / time.as_secs_f64();
            while let Some((_, happening)) = script.next_if(|(at, _)| *at <= part) {
                println!("{:>4} s: {happening:?}, after {} calls", began.elapsed().as_secs(), self.sent);
                self.happen(*happening).await?;
            }
            self.send().await?;
            if self.sent.is_multiple_of(BATCH * 20) {
                self.memory.push(self.metric("process_resident_memory_bytes ").await? / f64::from(1 << 20));
                // It remembers all it was sent, and would grow for ever.
                self.braze.server().clear();
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn happen(&mut self, happening: Happening) -> Result<(), Failure> {
        match happening {
            Happening::Edit => {
                self.edits += 1;
                let sound = self.audiences();
                self.write("audiences.toml", sound.replace("where", "were").as_bytes())?;
                sleep(Duration::from_secs(2)).await;
                self.write("audiences.toml", sound.as_bytes())?;
            }
            Happening::Replace => {
                self.plugins += 1;
                self.write_plugin()?;
            }
            Happening::Down => {
                let busy = Reply::text(503, "down");
                self.braze.server().fault(Fault::always(Action::Answer(busy)));
            }
            Happening::Up => self.braze.server().clear_faults(),
            Happening::Kill => {
                if let Some((mut child, _)) = self.host.take() {
                    child.kill().await?;
                }
                self.start().await?;
            }
        }
        Ok(())
    }

    /// Sends a batch until it is taken: people change their plans in an order that looks like none.
    async fn send(&mut self) -> Result<(), Failure> {
        let calls: Vec<Value> = (self.sent..self.sent + BATCH)
            .map(|number| {
                let mixed = number.wrapping_mul(6_364_136_223_846_793_005).rotate_left(23);
                let (person, id) = (format!("u{}", mixed % PEOPLE), format!("soak-{number}"));
                if number % 4 == 0 {
                    let total = mixed % 100;
                    return json!({ "type": "track", "userId": person, "messageId": id, "event": "Order Completed", "properties": { "total": total } });
                }
                let plan = ["gold", "silver", "vip"][(mixed >> 32) as usize % 3];
                let traits = json!({ "plan": plan, "firstName": "Ann" });
                self.people.insert(person.clone(), plan);
                json!({ "type": "identify", "userId": person, "messageId": id, "traits": traits })
            })
            .collect();
        let body = json!({ "batch": calls, "writeKey": KEY }).to_string();
        let at = self.host.as_ref().ok_or("no host")?.1;
        let mut tries = 0;
        loop {
            let answer = match Client::connect(at).await {
                Ok(mut client) => client.post("/v1/batch", body.as_bytes()).await.map(|(status, _)| status),
                Err(error) => Err(error),
            };
            match answer {
                Ok(200) => break,
                Ok(429 | 503) | Err(_) if tries < 100 => sleep(PAUSE).await,
                other => return Err(format!("a batch was answered with {other:?}").into()),
            }
            tries += 1;
        }
        self.sent += BATCH;
        Ok(())
    }

    async fn metric(&self, series: &str) -> Result<f64, Failure> {
        let at = self.host.as_ref().ok_or("no host")?.1;
        let (_, body) = Client::connect(at).await?.get("/metrics").await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.parse().ok());
        value.ok_or_else(|| format!("{series}is not told").into())
    }

    /// Whether the destination comes to have whom it should, the memory is flat, and the host ends in order.
    async fn is_exact(&mut self) -> Result<bool, Failure> {
        let plans = self.plans();
        let members = self.people.iter().filter(|(_, plan)| plans.contains(plan));
        let expect: BTreeSet<String> = members.map(|(id, _)| id.clone()).collect();
        let began = Instant::now();
        while self.braze.members("gold") != expect && began.elapsed() < SETTLED_MAX {
            sleep(PAUSE).await;
        }
        let found = self.braze.members("gold");
        let (missing, strange) = (expect.difference(&found).count(), found.difference(&expect).count());
        println!(
            "{} calls, {} members: {missing} missing, {strange} too many, {} s after the last call",
            self.sent,
            expect.len(),
            began.elapsed().as_secs()
        );
        let first = self.memory.get(self.memory.len() / 4).copied().unwrap_or_default();
        let last = self.memory.last().copied().unwrap_or_default();
        println!("memory of the last process: {first:.0} MiB at a quarter of its time, {last:.0} MiB at its end");
        let (mut child, _) = self.host.take().ok_or("no host")?;
        let process = child.id().ok_or("it is gone")?.to_string();
        Command::new("kill").args(["-TERM", &process]).status().await?;
        let ended = child.wait().await?;
        println!("it ended with {ended}");
        Ok(missing == 0 && strange == 0 && last - first < GROWTH_MIB && ended.success())
    }
}
