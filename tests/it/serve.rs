//! `enroute serve`: the host that stays, driven as an operator and a service manager do it.

mod api;
mod borrowed;
mod dashboard;
mod demo;
mod edits;
mod floods;
mod refusals;
mod sealed;
mod stops;
mod ways_in;

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr};

use crate::support::{World, enroute, gold, with};

/// A host at work.
pub(crate) struct Host {
    process: Child,
    stderr: BufReader<ChildStderr>,
    address: String,
}

impl Host {
    /// Starts a host, and waits until it says where it listens.
    pub(crate) async fn start(world: &World) -> Self {
        Self::start_with(world, &[]).await
    }

    pub(crate) async fn start_with(world: &World, environment: &[(&str, &str)]) -> Self {
        let mut command = tokio::process::Command::from(enroute());
        command.arg("-C").arg(world.folder.path()).args(["--json", "serve", "--listen", "127.0.0.1:0"]);
        command.envs(environment.iter().copied());
        Self::started(command).await
    }

    /// The host that this command starts, once it says where it listens.
    pub(crate) async fn started(mut command: tokio::process::Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn().expect("the binary starts");
        let stderr = BufReader::new(process.stderr.take().expect("standard error is piped"));
        let mut stdout = BufReader::new(process.stdout.take().expect("standard output is piped"));
        let mut text = String::new();
        while serde_json::from_str::<Value>(&text).is_err() {
            let read = stdout.read_line(&mut text).await.expect("standard output is text");
            if read == 0 {
                let mut told = String::new();
                let mut stderr = stderr;
                stderr.read_to_string(&mut told).await.expect("standard error is text");
                panic!("it ended before it listened: {text}{told}");
            }
        }
        let document: Value = serde_json::from_str(&text).expect("one document");
        let address = document["address"].as_str().expect("an address").trim_start_matches("http://").to_owned();
        Self { process, stderr, address }
    }

    /// Where it listens.
    pub(crate) fn at(&self) -> std::net::SocketAddr {
        self.address.parse().expect("an address with its port")
    }

    /// The same, asked at the loopback address, where it listens at all.
    pub(crate) fn at_loopback(mut self) -> Self {
        self.address = self.address.replace("0.0.0.0", "127.0.0.1");
        self
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The status and body of an answer.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.get_as(&self.address, path).await
    }

    /// The same, of a host by this name.
    pub(crate) async fn get_as(&self, name: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    /// Asks for `/health` until it says this.
    pub(crate) async fn until(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (_, body) = self.get("/health").await;
            let told: Value = serde_json::from_str(&body).expect("JSON");
            if is_so(&told) {
                return told;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let process = self.process.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args([name, &process]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits until it said something with this in it on standard error.
    pub(crate) async fn says(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let read = self.stderr.read_line(&mut line).await.expect("standard error is text");
            assert!(read > 0, "it ended before it said `{text}`");
        }
    }

    /// Its exit code, and the rest of what it said.
    pub(crate) async fn end(mut self) -> (i32, String) {
        let mut told = String::new();
        self.stderr.read_to_string(&mut told).await.expect("standard error is text");
        let status = self.process.wait().await.expect("it ends");
        (status.code().expect("no signal killed it"), told)
    }

    pub(crate) async fn stop(self) {
        self.signal("-TERM");
        let (code, told) = self.end().await;
        assert_eq!(code, 0, "{told}");
    }

    pub(crate) async fn kill(mut self) {
        self.process.kill().await.expect("it is killed");
    }
}

/// Waits until the fake Braze has these members. What paces it is an answer of the host: a request is seen before it has
/// its effect.
pub(crate) async fn until_braze_has(host: &Host, world: &World, expect: &BTreeSet<String>) {
    while world.braze_members() != *expect {
        host.get("/ready").await;
    }
}

/// The same for so many members at the fake Facebook.
pub(crate) async fn until_facebook_has(host: &Host, world: &World, members: usize) {
    while world.facebook_emails().len() != members {
        host.get("/ready").await;
    }
}

pub(crate) fn ids(numbers: std::ops::Range<u32>) -> BTreeSet<String> {
    numbers.map(|number| format!("u{number}")).collect()
}

pub(crate) fn people(world: &World, numbers: std::ops::Range<u32>) {
    world.people(&numbers.map(|number| gold(&format!("u{number}"))).collect::<Vec<_>>());
}

/// The JSON document of a command, and its exit code.
pub(crate) async fn command(world: &World, args: &[&str]) -> (i32, Value) {
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).arg("--json").args(args);
    let ended = command.output().await.expect("the binary runs");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    let document = serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("no document: {told}"));
    (ended.status.code().expect("no signal killed it"), document)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_brings_everybody_and_what_changes_in_a_file_follows_by_itself() {
    let world = World::new().await;
    people(&world, 0..30);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..30)).await;
    people(&world, 0..40);
    until_braze_has(&host, &world, &ids(0..40)).await;
    let mut later: Vec<Value> = (1..40).map(|number| gold(&format!("u{number}"))).collect();
    later.push(with(gold("u0"), "plan", json!("silver")));
    world.people(&later);
    until_braze_has(&host, &world, &ids(1..40)).await;
    let told =
        host.until(|told| told["connections"].as_object().unwrap().values().all(|one| one["state"] == "idle")).await;
    assert_eq!((&told["status"], &told["configuration"]["in_force"]), (&json!("ok"), &json!(true)), "{told:#}");
    assert_eq!(world.facebook_emails().len(), 39);
    host.stop().await;
    assert!(!world.state().join("serve.sock").exists());
    world.take_requests();
    let (code, report) = command(&world, &["sync"]).await;
    assert_eq!((code, world.take_requests().len()), (0, 0), "nothing is left to do: {report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_are_told_how_it_is() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..3)).await;
    host.until(|told| told["connections"]["gold/braze-eu"]["state"] == "idle").await;
    let (ready, _) = host.get("/ready").await;
    let (nothing, _) = host.get("/there-is-none").await;
    let (status, metrics) = host.get("/metrics").await;
    assert_eq!((ready, nothing, status), (200, 404, 200));
    for line in [
        "enroute_members_total{connection=\"gold/braze-eu\",outcome=\"delivered\"} 3\n",
        "enroute_config_in_force 1\n",
        "enroute_audience_members{audience=\"gold\"} 3\n",
        "enroute_http_requests_total{route=\"other\",method=\"GET\",code=\"404\"} 1\n",
        "enroute_destination_paused{destination=\"braze-eu\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(metrics.ends_with("# EOF\n") && !metrics.contains("there-is-none"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_a_schedule_waits_for_it_while_others_follow_their_data() {
    let world = World::new().await;
    people(&world, 0..3);
    let scheduled = "destination = \"braze-eu\"\ncron = \"0 12 29 2 *\"\nzone = \"Europe/Oslo\"";
    world.write("audiences.toml", &crate::support::AUDIENCES.replacen("destination = \"braze-eu\"", scheduled, 1));
    let host = Host::start(&world).await;
    until_facebook_has(&host, &world, 3).await;
    let told = host.until(|told| told["connections"]["gold/facebook-ads"]["state"] == "idle").await;
    let braze = &told["connections"]["gold/braze-eu"];
    assert_eq!((&braze["state"], &braze["next"]), (&json!("waiting"), &json!("2028-02-29T11:00:00Z")), "{told:#}");
    assert_eq!(world.braze.server().seen(), 0);
    let (_, metrics) = host.get("/metrics").await;
    assert!(
        metrics.contains("enroute_schedule_due_timestamp_seconds{schedule=\"connection/gold/braze-eu\"}"),
        "{metrics}"
    );
    host.stop().await;
}
