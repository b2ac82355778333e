//! The way to a server: an authority of one's own, names, and a certificate that the server asks for.

use std::net::TcpListener;

use crate::kinds::postgres::{Server, told};
use crate::support::World;
use crate::warehouse::{import, refused};

/// Makes an authority, a certificate of the server for `localhost`, and one of a client.
const MADE: &str = "
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 9 -subj /CN=ca
    echo subjectAltName=DNS:localhost > names
    for who in server alice; do
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $who.key -out $who.csr -subj /CN=$who
      openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $who.pem -days 9 -extfile names
    done
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout self.key -out self.pem -days 9 \
      -subj /CN=localhost -addext subjectAltName=DNS:localhost
    chmod 600 server.key self.key; chmod 644 alice.key";

const ACCESS: &str = "local all all trust
hostssl all alice all trust clientcert=verify-ca
hostssl all all all trust
";

/// A server that speaks TLS on a port that was free a moment ago.
fn server(own: &str) -> (Server, u16) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free");
    let options = format!(
        "-c listen_addresses=127.0.0.1 -p {} -c ssl=on -c ssl_cert_file=../{own}.pem -c ssl_key_file=../{own}.key \
         -c ssl_ca_file=../ca.pem",
        free.port()
    );
    let server = Server::start_with(&options, |server| {
        told(server.command("bash").args(["-ec", MADE]));
        std::fs::write(server.path().join("data/pg_hba.conf"), ACCESS).expect("it is written");
    });
    (server, free.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_a_certificate_and_for_whom_is_checked_as_the_url_says() {
    let (server, port) = server("server");
    let world = World::new().await;
    let told = |statement: &str| {
        let mut psql = server.command("psql");
        psql.arg("-h").arg(server.path()).args(["-p", &port.to_string(), "-U", "postgres", "-c", statement]);
        crate::kinds::postgres::told(&mut psql)
    };
    told("create table t (id text)");
    told("insert into t values ('a')");
    told("create role alice login");
    told("grant select on t to alice");
    let set = |url: &str, keys: &str| {
        world.write("warehouse.url", url);
        let source =
            "[source.t]\ndatabase = \"${file:warehouse.url}\"\nquery = \"select * from t\"\nholds = \"profiles\"\n";
        world.write("audiences.toml", &format!("{source}{keys}\n"));
    };
    let file = |name: &str| server.path().join(name).display().to_string();
    for name in ["ca.pem", "alice.pem", "alice.key"] {
        std::fs::copy(file(name), world.folder.path().join(name)).expect("it is copied");
    }
    let ca = "ca_file = \"ca.pem\"";
    let own = "ca_file = \"ca.pem\"\ncert_file = \"alice.pem\"\nkey_file = \"alice.key\"";
    let url = |host: &str, user: &str, mode: &str| format!("postgres://{user}@{host}:{port}/postgres?sslmode={mode}");
    for (url, keys, expect) in [
        (
            url("localhost", "postgres", "require"),
            "",
            "name the certificate of the authority that signed it as `ca_file`",
        ),
        (url("127.0.0.1", "postgres", "verify-full"), ca, "127.0.0.1"),
        (url("localhost", "alice", "verify-full"), ca, "valid client certificate"),
        (url("localhost", "postgres", "allow"), ca, "sends in plain where it can"),
        (url("localhost", "postgres", "require"), "ca_file = \"missing.pem\"", "`ca_file`"),
        (url("localhost", "postgres", "disable"), "", "pg_hba.conf"),
    ] {
        set(&url, keys);
        let (code, told) = refused(&world, &[]).await;
        assert!(code == Some(1) && told.contains(expect), "{url}: {code:?} {told}");
    }
    for (url, keys) in [
        (url("localhost", "postgres", "require"), ca),
        (url("localhost", "postgres", "verify-full"), ca),
        (url("127.0.0.1", "postgres", "verify-ca"), ca),
        (url("localhost", "alice", "verify-full"), own),
        (format!("{}&sslrootcert={}", url("localhost", "postgres", "verify-full"), file("ca.pem")), ""),
    ] {
        set(&url, keys);
        assert_eq!(import(&world, &[]).await["read"], 1, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_its_own_authority_is_refused_with_a_way_out() {
    let (server, port) = server("self");
    let world = World::new().await;
    std::fs::copy(server.path().join("self.pem"), world.folder.path().join("ca.pem")).expect("it is copied");
    world.write("warehouse.url", &format!("postgres://postgres@localhost:{port}/postgres?sslmode=verify-full"));
    world.write(
        "audiences.toml",
        "[source.t]\ndatabase = \"${file:warehouse.url}\"\nquery = \"select 1 as id\"\nca_file = \"ca.pem\"\n",
    );
    let (code, told) = refused(&world, &[]).await;
    assert!(code == Some(1) && told.contains("basicConstraints=CA:FALSE"), "{code:?} {told}");
}
