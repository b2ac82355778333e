//! Where a host listens, and who may reach it.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Host, command, people};
use crate::support::{World, enroute};

/// A host that a service manager hands this socket to, as systemd does: as descriptor 3, with two variables.
async fn handed(world: &World, socket: &TcpListener) -> Host {
    let mut shell = std::process::Command::new("sh");
    let given = r#"LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@" 3<&0 0</dev/null"#;
    shell.args(["-c", given]).arg(enroute().get_program()).arg("-C").arg(world.folder.path());
    // The address is not to be had, which shows that nobody tried.
    shell.args(["--json", "serve", "--listen", "192.0.2.1:1", "--behind-proxy"]);
    shell.stdin(OwnedFd::from(socket.try_clone().expect("a second descriptor")));
    Host::started(tokio::process::Command::from(shell)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_handed_over_keeps_clients_waiting_while_the_host_is_away() {
    let world = World::new().await;
    people(&world, 0..1);
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at: SocketAddr = socket.local_addr().expect("an address");
    for _ in 0..2 {
        let mut waits = TcpStream::connect(at).await.expect("the kernel takes it");
        let request = format!("GET /ready HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
        waits.write_all(request.as_bytes()).await.expect("the kernel keeps it");
        let host = handed(&world, &socket).await;
        let mut answer = String::new();
        waits.read_to_string(&mut answer).await.expect("it is answered");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_others_reach_needs_tls_or_a_word_and_so_does_a_name() {
    let world = World::new().await;
    people(&world, 0..1);
    let (code, told) = command(&world, &["serve", "--listen", "0.0.0.0:0"]).await;
    assert_eq!((code, told["hint"].as_str().is_some_and(|hint| hint.contains("--tls-cert"))), (2, true), "{told:#}");
    let (code, told) = command(&world, &["serve", "--tls-cert", "a.pem"]).await;
    assert_eq!(code, 2, "{told:#}");
    world.write("a.pem", "no certificate");
    let file = world.folder.path().join("a.pem");
    let file = file.to_str().expect("text");
    let (code, told) =
        command(&world, &["serve", "--listen", "127.0.0.1:0", "--tls-cert", file, "--tls-key", file]).await;
    assert_eq!((code, told["error"].as_str()), (2, Some("TLS cannot be spoken")), "{told:#}");

    let mut open = tokio::process::Command::from(enroute());
    open.arg("-C").arg(world.folder.path()).args(["--json", "serve", "--listen", "0.0.0.0:0", "--behind-proxy"]);
    open.args(["--host", "events.example.com"]);
    let host = Host::started(open).await.at_loopback();
    for (name, expect) in [("events.example.com", 200), ("other.example.com", 421)] {
        assert_eq!(host.get_as(name, "/ready").await.0, expect, "{name}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_tried_once_for_each_thing_that_it_watches() {
    let world = World::new().await;
    let told = world.folder.path().join("told");
    let text = format!(
        "[alert.ops]\npaused = true\ndelivery_rate_min = 95\ncommand = [\"sh\", \"-c\", \"cat >> '{}'\"]\n\n\
         [alert.deaf]\npartial_failure = true\ncommand = [\"false\"]\n\n{}",
        told.display(),
        crate::support::AUDIENCES
    );
    world.write("audiences.toml", &text);
    let (code, document) = command(&world, &["alert", "test", "ops"]).await;
    assert_eq!((code, document["tried"].as_array().map(Vec::len)), (0, Some(2)), "{document:#}");
    let lines = std::fs::read_to_string(&told).expect("it was told");
    let kinds: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let kinds: Vec<_> = kinds.iter().map(|one| (one["kind"].as_str().unwrap(), one["test"] == true)).collect();
    assert_eq!(kinds, [("delivery_rate", true), ("paused", true)]);
    let (code, document) = command(&world, &["alert", "test"]).await;
    assert_eq!((code, document["tried"].as_array().map(Vec::len)), (1, Some(3)), "{document:#}");
    let (code, document) = command(&world, &["alert", "test", "opps"]).await;
    assert_eq!((code, document["hint"].as_str()), (2, Some("did you mean `ops`?")), "{document:#}");
}
