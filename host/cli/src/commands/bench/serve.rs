//! A host that stays, as a process of its own, under events: how many it takes, how long an answer takes while a sync
//! writes, how soon they are in the store and at a destination, and what it takes of the machine when nothing happens.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use enroute_fakes::{Braze, Client, braze};
use enroute_host::catalog;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::commands::bench::destinations::BRAZE;
use crate::commands::bench::figures::Figures;
use crate::commands::bench::ground::Ground;
use crate::commands::bench::measure::Cost;

/// The scenario *serve*.
pub(super) const SERVE: &str = "serve";
/// Its subjects.
pub(super) const READY: &str = "start to ready";
pub(super) const IDLE: &str = "idle";
pub(super) const ACCEPTED: &str = "accepted in batches of 100";
pub(super) const APPLIED: &str = "applied";
pub(super) const ANSWERS: [(usize, &str); 3] =
    [(50, "answer at 5,000/s, 50 %"), (95, "answer at 5,000/s, 95 %"), (99, "answer at 5,000/s, 99 %")];
pub(super) const ARRIVES: &str = "event to request, 95 %";

/// Calls of a batch.
const BATCH: u64 = 100;
/// Connections that send as fast as they can, and calls a second of those that do not.
const CONNECTIONS: u64 = 8;
const PACE: u64 = 5_000;
/// Who has fewer members than this wants to see that it works, and not how fast it is.
const MEMBERS_MIN: u64 = 1_000;
/// The key of the source, and that of the fake destination.
const KEY: &str = "fake-key-opens-nothing";

/// How much of everything.
struct Size {
    /// Calls that are sent as fast as they are taken.
    flat_out: u64,
    /// How long calls are sent at a steady pace, and how long nothing is done.
    steady: Duration,
    /// People whose way to the destination is measured, one after the other.
    people: u64,
}

/// One round.
pub(super) async fn round(ground: &Ground, figures: &mut Figures) -> anyhow::Result<()> {
    let size = match ground.members {
        ..MEMBERS_MIN => Size { flat_out: 1_600, steady: Duration::from_millis(500), people: 2 },
        _ if cfg!(debug_assertions) => Size { flat_out: 24_000, steady: Duration::from_secs(5), people: 10 },
        _ => Size { flat_out: 240_000, steady: Duration::from_secs(10), people: 20 },
    };
    let braze = Braze::start(braze::Config { api_key: KEY.to_owned(), ..Default::default() }).await;
    let braze = braze.context("the fake destination cannot start")?;
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    write(folder.path(), &ground.plugin(BRAZE)?, &braze)?;
    // Compiles the plugin.
    Host::start(folder.path())?.stop()?;
    let began = Instant::now();
    let host = Host::start(folder.path())?;
    figures.add(SERVE, READY, (1, 0), wall(began.elapsed()));
    idle(&host, &size, figures).await?;
    flat_out(&host, &size, figures).await?;
    steady(&host, &size, figures).await?;
    arrive(&host, &braze, &size, figures).await?;
    host.stop()
}

fn wall(wall: Duration) -> Cost {
    Cost { wall, ..Cost::default() }
}

async fn idle(host: &Host, size: &Size, figures: &mut Figures) -> anyhow::Result<()> {
    // What the start left to do is done by then.
    sleep(size.steady / 2).await;
    let (before, began) = (host.metric("process_cpu_seconds_total ").await?, Instant::now());
    sleep(size.steady).await;
    let cpu = Duration::from_secs_f64((host.metric("process_cpu_seconds_total ").await? - before).max(0.0));
    figures.add(SERVE, IDLE, (1, 0), Cost { cpu, wall: began.elapsed(), instructions: None });
    let mib = host.metric("process_resident_memory_bytes ").await? / f64::from(1 << 20);
    figures.memory(SERVE, IDLE, Some(mib as u64));
    Ok(())
}

async fn flat_out(host: &Host, size: &Size, figures: &mut Figures) -> anyhow::Result<()> {
    let (began, batches) = (Instant::now(), size.flat_out / BATCH / CONNECTIONS);
    send(host.at, CONNECTIONS, batches, None).await?;
    let calls = batches * CONNECTIONS * BATCH;
    figures.add(SERVE, ACCEPTED, (calls, batches * CONNECTIONS), wall(began.elapsed()));
    host.until_applied().await?;
    figures.add(SERVE, APPLIED, (calls, 0), wall(began.elapsed()));
    Ok(())
}

async fn steady(host: &Host, size: &Size, figures: &mut Figures) -> anyhow::Result<()> {
    let connections = CONNECTIONS / 2;
    let every = Duration::from_secs_f64((BATCH * connections) as f64 / PACE as f64);
    let batches = (size.steady.as_secs_f64() / every.as_secs_f64()) as u64;
    let mut took = send(host.at, connections, batches, Some(every)).await?;
    took.sort_unstable();
    for (percent, subject) in ANSWERS {
        let nth = took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
        figures.add(SERVE, subject, (1, 0), wall(nth.copied().unwrap_or_default()));
    }
    host.until_applied().await
}

/// Lets one person after the other enter the audience, and sees how soon the destination hears of it.
async fn arrive(host: &Host, braze: &Braze, size: &Size, figures: &mut Figures) -> anyhow::Result<()> {
    // Those of the steady pace are through once nothing runs any more.
    while braze.members(AUDIENCE).is_empty() || host.is_busy().await? {
        sleep(Duration::from_millis(100)).await;
    }
    let mut client = Client::connect(host.at).await?;
    let mut took = Vec::new();
    for number in 0..size.people {
        let (seen, began) = (braze.server().seen(), Instant::now());
        let body = batch(&identify(1_000_000 + number, number));
        let (status, _) = client.post("/v1/batch", body.as_bytes()).await?;
        anyhow::ensure!(status == 200, "an event was answered with {status}");
        braze.server().until_seen(seen + 1).await;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    let nth = took.get((took.len() * 95 / 100).min(took.len().saturating_sub(1)));
    figures.add(SERVE, ARRIVES, (1, 0), wall(nth.copied().unwrap_or_default()));
    Ok(())
}

/// Sends batches over so many connections, each one after the other, or one in every so much time. Returns how long the
/// answers took. What is refused for being too much is sent again.
async fn send(
    at: SocketAddr,
    connections: u64,
    batches: u64,
    every: Option<Duration>,
) -> anyhow::Result<Vec<Duration>> {
    let mut senders = JoinSet::new();
    for connection in 0..connections {
        senders.spawn(async move {
            let mut client = Client::connect(at).await?;
            let (began, mut took) = (Instant::now(), Vec::new());
            for number in 0..batches {
                let calls = (0..BATCH).map(|call| (connection * batches + number) * BATCH + call);
                // At a steady pace some of them change who is in the audience, so that a sync has something to write.
                let is_steady = every.is_some();
                let calls =
                    calls.map(
                        |call| if is_steady && call % 20 == 0 { identify(call, call) } else { track(call, is_steady) },
                    );
                let body = batch(&calls.collect::<Vec<_>>().join(","));
                if let Some(every) = every {
                    sleep_until((began + every * u32::try_from(number).unwrap_or(u32::MAX)).into()).await;
                }
                let asked = Instant::now();
                while client.post("/v1/batch", body.as_bytes()).await?.0 == 429 {
                    sleep(Duration::from_millis(50)).await;
                }
                took.push(asked.elapsed());
            }
            Ok::<_, std::io::Error>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(sent) = senders.join_next().await {
        took.extend(sent.context("a sender was lost")?.context("the host does not answer")?);
    }
    Ok(took)
}

fn batch(calls: &str) -> String {
    format!(r#"{{"batch":[{calls}],"writeKey":"{KEY}"}}"#)
}

/// A call of some 400 bytes, as a client makes them.
fn track(call: u64, is_steady: bool) -> String {
    let (user, phase) = (call * 31 % 100_000, u8::from(is_steady));
    // One in five is looked at by a computed trait.
    let event = if call.is_multiple_of(5) { "Order Completed" } else { "Product Viewed" };
    let mut text = format!(r#"{{"type":"track","userId":"u{user}","anonymousId":null,"event":"{event}","#);
    // Writing to a text does not fail.
    let _ = write!(
        text,
        r#""messageId":"bench-{phase}-{call}","properties":{{"total":42.5,"currency":"EUR","sku":"A-1042"}},"#
    );
    text.push_str(r#""context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"},"ip":"192.0.2.7","userAgent":"node"},"integrations":{}}"#);
    text
}

/// A call by which somebody enters the audience.
fn identify(person: u64, call: u64) -> String {
    format!(
        r#"{{"type":"identify","userId":"g{person}","messageId":"who-{person}-{call}","traits":{{"plan":"gold","email":"g{person}@example.com","firstName":"Ann"}}}}"#
    )
}

/// The audience that those who are told of enter.
const AUDIENCE: &str = "gold";

fn write(folder: &Path, plugin: &Path, braze: &Braze) -> anyhow::Result<()> {
    let digest = catalog::sha256_hex(&catalog::read_file(plugin)?);
    let (file, url) = (toml::Value::String(plugin.display().to_string()), braze.server().url());
    let host = url.trim_start_matches("http://");
    let plugins = format!(
        "[plugin.braze]\nfile = {file}\nsha256 = \"{digest}\"\n\n[destination.braze-eu]\nplugin = \"braze\"\n\
         hosts = [\"{host}\"]\nallow_networks = [\"127.0.0.0/8\"]\nsettings = {{ endpoint = \"{url}\" }}\n\
         secrets = {{ api_key = \"${{file:bench.key}}\" }}\n"
    );
    let audiences = format!(
        "[source.app]\nholds = \"events\"\nlisten = true\nkey = \"${{file:bench.key}}\"\n\n[trait.orders]\n\
         compute = \"count\"\nevent = \"Order Completed\"\n\n[audience.{AUDIENCE}]\n\
         where = \"traits ->> 'plan' = 'gold'\"\n\n[[connection]]\naudience = \"{AUDIENCE}\"\n\
         destination = \"braze-eu\"\nsetup = \"customized\"\n\
         traits = [{{ trait = \"firstName\", field = \"first_name\" }}]\n"
    );
    let put = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).with_context(|| format!("{name} cannot be written"))
    };
    put("bench.key", KEY)?;
    put("plugins.toml", &plugins)?;
    put("audiences.toml", &audiences)
}

/// The host; dropping it ends it.
struct Host {
    child: Child,
    at: SocketAddr,
}

impl Host {
    /// Starts it, and waits until it is ready.
    fn start(folder: &Path) -> anyhow::Result<Self> {
        let own: PathBuf = std::env::current_exe().context("this program cannot be found")?;
        let mut command = Command::new(own);
        command.arg("-C").arg(folder).args(["--json", "serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let said = child.stdout.take().context("the host has no output")?;
        let first = serde_json::Deserializer::from_reader(said).into_iter::<Value>().next();
        let first = first.context("the host ended before it was ready")?.context("the host ended")?;
        let address = first.get("address").and_then(Value::as_str).context("the host has no address")?;
        let at = address.trim_start_matches("http://").parse().context("the host's address is none")?;
        Ok(Self { child, at })
    }

    fn stop(mut self) -> anyhow::Result<()> {
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(process.context("the host has no number")?, Signal::TERM)?;
        let ended = self.child.wait()?;
        anyhow::ensure!(ended.success(), "the host ended with {ended}");
        Ok(())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let (_, body) = Client::connect(self.at).await?.get(path).await.context("the host does not answer")?;
        Ok(body)
    }

    /// The value of the series that begins with this.
    async fn metric(&self, series: &str) -> anyhow::Result<f64> {
        let text = String::from_utf8_lossy(&self.get("/metrics").await?).into_owned();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.parse().ok());
        value.with_context(|| format!("the host does not tell `{series}`"))
    }

    async fn until_applied(&self) -> anyhow::Result<()> {
        while self.metric("enroute_inbox_calls ").await? > 0.0 {
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Whether a connection runs, or is about to.
    async fn is_busy(&self) -> anyhow::Result<bool> {
        let told: Value = serde_json::from_slice(&self.get("/health").await?)?;
        let units = told.get("connections").and_then(Value::as_object).context("the host tells no connections")?;
        Ok(units.values().any(|unit| unit.get("state").and_then(Value::as_str) != Some("idle")))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
