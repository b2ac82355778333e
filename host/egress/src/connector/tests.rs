use super::*;
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::net::TcpListener;

/// Answers with one list of addresses after the other, on the port of the fake destination.
struct Script(Mutex<VecDeque<Vec<SocketAddr>>>);

impl Resolve for Script {
    fn resolve(&self, _: String, _: u16) -> Boxed<io::Result<Vec<SocketAddr>>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move { next.ok_or_else(|| io::Error::other("resolved once too often")) })
    }
}

fn connector(resolver: impl Resolve, allow: &[&str]) -> Connector {
    let allow = allow.iter().map(|network| network.parse().unwrap()).collect();
    Connector::new(Arc::new(resolver), Addresses::new(allow))
}

async fn dial(connector: &mut Connector, uri: &str) -> String {
    match connector.call(uri.parse().unwrap()).await {
        Ok(_) => "connected".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn addresses_that_are_not_public_are_never_dialled_however_they_are_written() {
    let mut connector = connector(SystemResolver, &[]);
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "0.0.0.0",
        "10.0.0.1",
        "[64:ff9b::7f00:1]",
        "[::7f00:1]",
        "100.64.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
    ] {
        let got = dial(&mut connector, &format!("https://{host}/")).await;
        assert!(got.contains("must not be reached"), "{host}: {got}");
    }
}

#[tokio::test]
async fn the_address_that_is_checked_is_the_one_that_is_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = listener.local_addr().unwrap();
    let private = SocketAddr::from(([10, 0, 0, 1], public.port()));
    // The name means an allowed address at first, then a private one (rebinding), then both.
    let answers = VecDeque::from([vec![public], vec![private], vec![private, public]]);
    let mut connector = connector(Script(Mutex::new(answers)), &["127.0.0.0/8"]);
    assert_eq!(dial(&mut connector, "https://api.example.com/").await, "connected");
    assert_eq!(
        dial(&mut connector, "https://api.example.com/").await,
        "host `api.example.com` must not be reached: address 10.0.0.1 is private, and `allow_networks` does not name it"
    );
    assert_eq!(dial(&mut connector, "https://api.example.com/").await, "connected");
    let (_, peer) = listener.accept().await.unwrap();
    assert_eq!(peer.ip(), public.ip());
}

#[tokio::test]
async fn a_name_without_addresses_is_told() {
    let mut connector = connector(Script(Mutex::new(VecDeque::from([vec![]]))), &[]);
    assert_eq!(dial(&mut connector, "https://a.example/").await, "host `a.example` has no address");
    assert_eq!(dial(&mut connector, "https://a.example/").await, "host `a.example` cannot be resolved");
}
