//! Encrypted connections: whom the client believes, and that it never falls back to plain text.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::certificates::{EXPIRED, NOT_YET, SECOND_ROOT, SELF_SIGNED};
use super::*;

/// A root made for these tests, and a certificate for `api.example.com` signed by it; both good until 2120.
pub(super) const ROOT: &str = "-----BEGIN CERTIFICATE-----
MIIBWzCCAQGgAwIBAgIBATAKBggqhkjOPQQDAjAcMRowGAYDVQQDDBFFbnJvdXRl
IHRlc3Qgcm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowHDEa
MBgGA1UEAwwRRW5yb3V0ZSB0ZXN0IHJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAAS9jFHW5ikLvhBmFptqO9/fijVSXBhkFfZbXurdKcFCrPdIsyp33Op/Am8z
nkECt2zj29/UxJlEkIDcqTJ+rvkpozIwMDAPBgNVHRMBAf8EBTADAQH/MB0GA1Ud
DgQWBBQRUBPVrez95D/Q9kO4ksDtHxuFyTAKBggqhkjOPQQDAgNIADBFAiBICqRB
DD9Z+NodWqhc+sStJZEpGT4loGZSWu5XAouWzgIhAKM9X/HI1nazjm0hvfoQeGFU
VWp7znlYaUibWCXjOqZO
-----END CERTIFICATE-----";
pub(super) const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIBAjAKBggqhkjOPQQDAjAcMRowGAYDVQQDDBFFbnJvdXRl
IHRlc3Qgcm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowGjEY
MBYGA1UEAwwPYXBpLmV4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEgKgsyZtmvQO3ZVuGJIWEy9WEhwJX66CSSOuk9eHkCjCrsqancVnEkUe/8sll
5GDGZiVweUuFUb22GyudbPeT5aNpMGcwGgYDVR0RBBMwEYIPYXBpLmV4YW1wbGUu
Y29tMAkGA1UdEwQCMAAwHQYDVR0OBBYEFKvYw95RBi6di7EdmtEjPMK/hX4iMB8G
A1UdIwQYMBaAFBFQE9Wt7P3kP9D2Q7iSwO0fG4XJMAoGCCqGSM49BAMCA0gAMEUC
IAu3Zcc38HOvPWqzxFfnAxJ4dRSVbT6IctLU6HeS/P80AiEAtL2iG2jGW14Pwahp
q8b44LZRoMu8PuxE7A3jZ3M7eUM=
-----END CERTIFICATE-----";
/// Known to everyone who reads this: it guards nothing.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKhI6kKEPoF2PhreK
7o9Fw7kpq2u+01PWIzVbHc02I5OhRANCAASAqCzJm2a9A7dlW4YkhYTL1YSHAlfr
oJJI66T14eQKMKuypqdxWcSRR7/yyWXkYMZmJXB5S4VRvbYbK51s95Pl
-----END PRIVATE KEY-----";

/// How a server with this certificate speaks TLS.
pub(super) fn server_config(certificate: &str) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Answers one request over TLS on a thread of its own.
fn serve_tls(certificate: &str) -> SocketAddr {
    let config = server_config(certificate);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        // A client that does not believe the certificate ends the conversation here.
        if stream.read(&mut [0; 4096]).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    address
}

/// A client that may reach the host at this address, and believes these roots too.
#[track_caller]
pub(super) fn client(host: &str, address: SocketAddr, trusted: &[&str]) -> Client {
    let rules = vec![HostRule::parse(&format!("{host}:{}", address.port())).unwrap()];
    let config = Config {
        hosts: HostGrant { asked: rules.clone(), answers: vec![], granted: rules },
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..Config::default()
    };
    let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    for root in trusted {
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    }
    Client::assemble(config, Arc::new(Fixed(vec![address])), roots).unwrap()
}

async fn get(client: &Client, host: &str, address: SocketAddr) -> String {
    get_within(client, host, address, LONG).await
}

pub(super) async fn get_within(client: &Client, host: &str, address: SocketAddr, deadline: Duration) -> String {
    let mut request = request(address);
    request.origin = format!("https://{host}:{}", address.port());
    shown(client.send(&request, &Fill::default(), deadline).await)
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_be_for_the_host() {
    let address = serve_tls(CERTIFICATE);
    let trusting = client("api.example.com", address, &[ROOT]);
    assert_eq!(get(&trusting, "api.example.com", address).await, "200 ok");

    let address = serve_tls(CERTIFICATE);
    let doubting = client("api.example.com", address, &[]);
    let got = get(&doubting, "api.example.com", address).await;
    let expect = "its certificate has an unknown issuer: none of the public authorities vouches for it";
    assert_eq!(got, format!("not trusted: TLS with https://api.example.com:{}: {expect}", address.port()));

    let address = serve_tls(CERTIFICATE);
    let other = client("other.example.com", address, &[ROOT]);
    let got = get(&other, "other.example.com", address).await;
    let expect = "its certificate is for another host name: for `api.example.com`, and not for `other.example.com`";
    assert_eq!(got, format!("not trusted: TLS with https://other.example.com:{}: {expect}", address.port()));
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_in_words() {
    let expired = "its certificate expired at 2021-01-01T00:00:00Z, and the clock of this machine says ";
    let not_yet = "its certificate is not valid yet: it is from 2119-01-01T00:00:00Z on, and the clock of this machine";
    let own = "its certificate is self-signed: nobody but itself vouches for it";
    for (certificate, expect) in [(EXPIRED, expired), (NOT_YET, not_yet), (SELF_SIGNED, own)] {
        let address = serve_tls(certificate);
        let client = client("api.example.com", address, &[SECOND_ROOT]);
        let got = get(&client, "api.example.com", address).await;
        let begin = format!("not trusted: TLS with https://api.example.com:{}: {expect}", address.port());
        assert!(got.starts_with(&begin), "{got}");
    }
}

#[tokio::test]
async fn nothing_falls_back_to_plain_text() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut first = [0; 4];
        stream.read_exact(&mut first).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        (first, listener.set_nonblocking(true).map(|()| listener))
    });
    let client = client("api.example.com", address, &[ROOT]);
    let got = get(&client, "api.example.com", address).await;
    assert!(got.starts_with("unreachable:"), "{got}");
    let (first, listener) = server.join().unwrap();
    assert_eq!(first[0], 22, "a TLS handshake record, not `POST`");
    assert!(listener.unwrap().accept().is_err(), "there is no second attempt");
}

#[tokio::test]
async fn a_certificate_that_was_wrong_is_believed_once_it_is_right() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let certificates = [EXPIRED, EXPIRED, CERTIFICATE].map(|certificate| Arc::new(server_config(certificate)));
    std::thread::spawn(move || {
        for (config, stream) in certificates.into_iter().zip(listener.incoming().flatten()) {
            let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    let client = client("api.example.com", address, &[ROOT, SECOND_ROOT]);
    for _ in 0..2 {
        let got = get(&client, "api.example.com", address).await;
        assert!(got.starts_with("not trusted:") && got.contains("expired"), "{got}");
    }
    assert_eq!(get(&client, "api.example.com", address).await, "200 ok");
}
