//! The tracking API by itself: `cargo run -p enroute-server --example tracking -- FOLDER`.
//!
//! Listens on loopback with a state folder in FOLDER, for one source with the key `wk_example` whose visitors are
//! profiles, until standard input ends. Says its address first and then, when everything is applied, who is there, a line
//! of JSON each: for `tests/clients`. With `load SECONDS CONNECTIONS CALLS RATE` behind it sends batches of so many
//! calls to itself, RATE calls a second (0: as many as go), and says what came of it.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use enroute_config::secret::Secret;
use enroute_core::call::CallKind;
use enroute_server::ingest::{Applier, Listening, Tracking, router};
use enroute_server::listen::{self, Limits};
use enroute_store::Store;
use enroute_store::inbox::Inbox;
use enroute_sync::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn say(line: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stderr(), "{line}")?)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = args.first().ok_or("name a folder for the state")?;
    let store = Arc::new(Store::open(&Path::new(folder).join(".enroute"))?);
    let inbox = Arc::new(Inbox::open(&store)?);
    let tracking = Tracking::new(Arc::clone(&inbox), store.sealer().clone(), Clock::System, false);
    tracking.listen_to(vec![Listening {
        name: "example".to_owned(),
        key: Secret::from("wk_example".to_owned()),
        anonymous: true,
        calls: CallKind::ALL.into(),
        origins: Vec::new(),
        enabled: true,
    }]);
    let listener = listen::bind("127.0.0.1:0".parse()?)?;
    let address = listener.local_addr()?;
    let drain = CancellationToken::new();
    let serving = tokio::spawn(listen::serve(listener, router(tracking.clone()), Limits::default(), drain.clone()));
    let (_definitions, definitions) = watch::channel(Arc::from([]));
    let applier = Applier {
        store: Arc::clone(&store),
        inbox: Arc::clone(&inbox),
        tracking: tracking.clone(),
        definitions,
        clock: Clock::System,
        touched: |_| {},
    };
    say(&format!("http://{address}"))?;
    let applying = tokio::spawn(applier.run(drain.clone()));
    if args.get(1).is_some_and(|word| word == "load") {
        let numbers: Vec<u64> = args.iter().skip(2).map(|number| number.parse()).collect::<Result<_, _>>()?;
        let &[seconds, connections, calls, rate] = numbers.as_slice() else {
            return Err("load takes four numbers".into());
        };
        load(address, seconds, connections, calls, rate).await?;
        let (began, waiting) = (Instant::now(), inbox.calls());
        while inbox.calls() > 0 {
            tokio::task::yield_now().await;
        }
        let took = began.elapsed().as_secs_f64();
        say(&format!(
            "{waiting} calls that waited were applied in {took:.1} s: {:.0} a second",
            waiting as f64 / took
        ))?;
        return Ok(());
    }
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    while inbox.calls() > 0 {
        tokio::task::yield_now().await;
    }
    drain.cancel();
    applying.await?;
    serving.await??;
    people(&store)?;
    say(&format!("{:?}", tracking.counted()))
}

/// Says who is there.
fn people(store: &Store) -> Result<(), Failure> {
    let reader = store.reader()?;
    for (key, events) in reader.event_counts()? {
        let profile = reader.profile(&key)?.ok_or("a profile of the list is there")?;
        let traits = profile.parts.get(1).and_then(Option::as_deref).unwrap_or("{}");
        let traits: serde_json::Value = serde_json::from_str(traits)?;
        say(&serde_json::json!({ "id": key, "traits": traits, "events": events }).to_string())?;
    }
    Ok(())
}

/// Sends batches, and says how many calls were taken and how long the answers took.
async fn load(address: SocketAddr, seconds: u64, connections: u64, calls: u64, rate: u64) -> Result<(), Failure> {
    let (began, end) = (Instant::now(), Instant::now() + Duration::from_secs(seconds));
    let mut senders = JoinSet::new();
    for connection in 0..connections {
        senders.spawn(send(address, connection, calls, rate.checked_div(connections).unwrap_or(0), end));
    }
    let (mut times, mut refused) = (Vec::new(), 0);
    while let Some(sent) = senders.join_next().await {
        let (took, not_taken) = sent??;
        times.extend(took);
        refused += not_taken;
    }
    times.sort_unstable();
    let nth = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    let ms = |percent| nth(percent).map_or(0.0, |time: &Duration| time.as_secs_f64() * 1000.0);
    let taken = times.len() as f64 * calls as f64 / began.elapsed().as_secs_f64();
    say(&format!(
        "{taken:.0} calls a second were taken in batches of {calls}; {refused} batches got 429; p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms",
        ms(50),
        ms(95),
        ms(99)
    ))
}

async fn send(
    address: SocketAddr,
    connection: u64,
    calls: u64,
    rate: u64,
    end: Instant,
) -> Result<(Vec<Duration>, u64), Failure> {
    let mut stream = tokio::net::TcpSocket::new_v4()?.connect(address).await?;
    let (mut times, mut refused, mut batch) = (Vec::new(), 0, 0);
    let began = Instant::now();
    while Instant::now() < end {
        let body: Vec<String> = (0..calls).map(|call| one(connection, batch, call)).collect();
        let body = format!(r#"{{"batch":[{}],"writeKey":"wk_example"}}"#, body.join(","));
        let head = format!("POST /v1/batch HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
        if rate > 0 {
            let due = began + Duration::from_secs_f64(batch as f64 * calls as f64 / rate as f64);
            tokio::time::sleep_until(due.into()).await;
        }
        let sent = Instant::now();
        stream.write_all((head + &body).as_bytes()).await?;
        let mut answer = [0; 2048];
        let length = stream.read(&mut answer).await?;
        match answer.get(9..12) {
            Some(b"200") => times.push(sent.elapsed()),
            Some(b"429") => {
                refused += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            _ => return Err(String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned().into()),
        }
        batch += 1;
    }
    Ok((times, refused))
}

/// A track call of some 400 bytes, as a client makes them.
fn one(connection: u64, batch: u64, call: u64) -> String {
    let user = (connection * 7919 + batch * 104_729 + call * 31) % 100_000;
    format!(
        r#"{{"type":"track","userId":"u{user}","anonymousId":null,"event":"Order Completed","messageId":"node-{connection}-{batch}-{call}","timestamp":"2026-11-30T22:00:00.000Z","properties":{{"total":42.5,"currency":"EUR","sku":"A-1042","coupon":null}},"context":{{"library":{{"name":"@segment/analytics-node","version":"3.1.0"}},"ip":"192.0.2.7","userAgent":"node"}},"integrations":{{}}}}"#
    )
}
