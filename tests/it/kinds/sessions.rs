//! Whose session it is: what a role has set does not shape values, and nothing of an import stays where the next
//! program finds it.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;

use enroute_host::store::Store;
use serde_json::{Value, json};

use crate::kinds::{CONFIG, WAREHOUSE, postgres, run, world};
use crate::support::World;

async fn import(world: &World, query: &str) -> (Option<i32>, String) {
    let source = WAREHOUSE.replace("select user_id, seats from accounts", query);
    world.write("audiences.toml", &format!("{CONFIG}{source}"));
    let ended = run(world, &["--json", "import", "warehouse"], None).await;
    (ended.status.code(), String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
}

fn traits(world: &World, id: &str) -> Value {
    let profile = Store::open_read(&world.state()).expect("a store").profile(id).expect("it reads");
    let text = profile.and_then(|profile| profile.parts[1].clone()).expect("the profile has traits");
    serde_json::from_str(&text).expect("JSON")
}

const ODD_ROLE: &str =
    "alter role postgres set DateStyle = 'SQL, DMY'; alter role postgres set TimeZone = 'Asia/Kolkata';
    alter role postgres set IntervalStyle = 'sql_standard'; alter role postgres set extra_float_digits = -10;
    alter role postgres set bytea_output = 'escape';";

const MOMENTS: &str =
    "create table accounts (user_id text, born date, seen timestamptz, left_at timestamp, every interval,
      share float8, score numeric, days date[], flags boolean[], raw text);
    insert into accounts values
      ('a', '1988-02-03', '1988-02-03 04:05:06+00', '1988-02-03 04:05:06.7', '1 day 2 hours', 0.1, 1.50,
       '{1988-02-03,1989-04-05}', '{t,f}', encode('x', 'hex')),
      ('b', 'infinity', '-infinity', 'infinity', null, '-Infinity', 'NaN', '{1988-02-03,infinity}', null, 'infinity');";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_has_set_does_not_shape_values_and_what_has_no_end_is_null() {
    let world = world().await;
    let server = postgres::Server::start();
    server.run(ODD_ROLE);
    server.run(MOMENTS);
    world.write("warehouse.url", &server.url());
    // How the role reads a date in its own query stays its own matter.
    let (code, told) = import(&world, "select *, '03/02/1988'::date as read from accounts").await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(
        traits(&world, "a"),
        json!({
            "born": "1988-02-03", "seen": "1988-02-03T04:05:06Z", "left_at": "1988-02-03T04:05:06.7",
            "every": "P1DT2H", "share": 0.1, "score": 1.50, "days": ["1988-02-03", "1989-04-05"],
            "flags": [true, false], "raw": "78", "read": "1988-02-03",
        })
    );
    let endless = traits(&world, "b");
    for name in ["born", "seen", "left_at", "share", "score", "days"] {
        assert_eq!(endless[name], Value::Null, "{name}");
    }
    assert_eq!(endless["raw"], "infinity", "a text is a text");
    let report: Value = serde_json::from_str(&told).expect("JSON alone");
    assert_eq!(report["sources"][0]["endless"], 6, "{report}");
    let ended = run(&world, &["import", "warehouse"], None).await;
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(told.contains("6 values without end or that are no number: null in their place"), "{told}");
}

/// Everything that a session can have about it.
const ABOUT: &str = "select pg_backend_pid(), (select count(*) from pg_prepared_statements),
    (select count(*) from pg_cursors), (select md5(string_agg(name || setting, ',' order by name)) from pg_settings)";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_import_stays_on_a_session_that_others_use_next() {
    let world = world().await;
    let server = postgres::Server::start();
    server.run(
        "create type plan as enum ('gold', 'free'); create domain seats as numeric; create domain lots as seats[];
         create table accounts (user_id text, plan plan, seats seats, many lots, plans plan[]);
         insert into accounts values ('a', 'gold', 3, '{1,2}', '{gold,free}')",
    );
    let port = pool(&server);
    world.write("warehouse.url", &format!("host=127.0.0.1 port={port} user=postgres"));
    let before = server.ask(port, ABOUT);
    for _ in 0..2 {
        let (code, told) = import(&world, "select * from accounts").await;
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(
            traits(&world, "a"),
            json!({ "plan": "gold", "seats": 3, "many": [1, 2], "plans": ["gold", "free"] })
        );
        let (code, told) = import(&world, "select user_id, 1/(seats::int - 3) as x from accounts").await;
        assert!(code == Some(2) && told.contains("division by zero"), "{told}");
        let (code, told) = import(
            &world,
            "select 1 as user_id) as q; insert into accounts values ('b'); select * from (select 1 as user_id",
        )
        .await;
        assert!(code == Some(2) && told.contains("cannot insert multiple commands"), "{told}");
        server.ask(port, "insert into accounts values (null)");
    }
    assert_eq!(server.ask(port, ABOUT), before, "the next client finds the session as it was");
    assert_eq!(server.ask(port, "select count(*) from accounts where user_id = 'b'"), "0\n");
}

/// A pooler with one connection to the server, which serves one client after another, as those do that hand out a
/// connection for a transaction. Returns its port.
fn pool(server: &postgres::Server) -> u16 {
    let mut upstream = UnixStream::connect(server.socket()).expect("the server listens");
    let startup = b"\0\x03\0\0user\0postgres\0database\0postgres\0client_encoding\0UTF8\0\0";
    let length = (startup.len() as u32 + 4).to_be_bytes();
    upstream.write_all(&[&length[..], startup].concat()).expect("the server takes a client in");
    let greeting = until_ready(&mut upstream).expect("the server greets");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has a port").port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            // A client that breaks off is done.
            let _ = client.and_then(|client| serve(client, &mut upstream, &greeting));
        }
    });
    port
}

/// Takes a client in, and passes on what it asks and what is answered, until it says good-bye.
fn serve(mut client: impl Read + Write, upstream: &mut UnixStream, greeting: &[u8]) -> io::Result<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut startup = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut startup)?;
    client.write_all(greeting)?;
    loop {
        let message = message(&mut client)?;
        match message.first() {
            Some(b'X') => return Ok(()),
            Some(b'Q' | b'S') => {
                upstream.write_all(&message)?;
                client.write_all(&until_ready(upstream)?)?;
            }
            _ => upstream.write_all(&message)?,
        }
    }
}

/// What the server says, up to and with "ready for query".
fn until_ready(upstream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    loop {
        let message = message(upstream)?;
        let is_ready = message.first() == Some(&b'Z');
        said.extend(message);
        if is_ready {
            return Ok(said);
        }
    }
}

/// A message: its kind, its length, its content.
fn message(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut message = head.to_vec();
    message.resize(length + 1, 0);
    from.read_exact(&mut message[5..])?;
    Ok(message)
}
