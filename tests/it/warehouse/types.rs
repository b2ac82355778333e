//! What values of MariaDB become, what its sessions refuse, and its increments.

use serde_json::json;

use crate::support::World;
use crate::warehouse::{counts, import, mariadb, part, refused, run};

const TABLE: &str =
    "create table t (id int unsigned primary key, born date, seen timestamp(6) null, left_at datetime(6),
    vip tinyint(1), share float, ratio double, ltv decimal(40,2), tags set('x','y,z','z'), kind enum('a','b'), doc json,
    code char(5), flag bit(1), zero int(6) zerofill, raw varchar(9), updated_at datetime not null);
  insert into t values (1, '2024-02-29', '2024-01-02 01:04:05.12', '2024-01-02 03:04:05', 1, 16777216, 0.1,
    12345678901234567890123456789.10, 'x,z', 'b', '{\"n\": 1.50}', 'ab', b'1', 42, 'é', '2026-01-01 00:00:00');
  set sql_mode = ''; insert into t values (2, '0000-00-00', null, '0000-00-00', 0, null, null, null, '', null, null, '',
    b'0', 0, '', '2026-01-01 00:00:01');";

fn config(query: &str, more: &str) -> String {
    format!(
        "[source.t]\ndatabase = \"${{file:warehouse.url}}\"\nquery = \"{query}\"\nholds = \"profiles\"\n{more}\n\n\
         [audience.all]\nwhere = \"true\"\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_mariadb_keep_their_form_and_its_sessions_only_read() {
    let server = mariadb::Server::start();
    let world = World::new().await;
    server.run(TABLE);
    world.write("warehouse.url", &server.url());
    world.write("audiences.toml", &config("select * from t", "types = { doc = \"json\" }"));
    let report = import(&world, &[]).await;
    assert_eq!((counts(&report), report["endless"].as_u64()), ([2, 0, 0, 0], Some(2)), "{report:#}");
    let text = part(&world, "1", 1).to_string();
    assert!(
        text.contains(r#""ltv":1.2345678901234567e28"#) || text.contains("12345678901234567890123456789.10"),
        "{text}"
    );
    let found = part(&world, "1", 1);
    for (name, expect) in [
        ("born", json!("2024-02-29")),
        ("seen", json!("2024-01-02T01:04:05.12Z")),
        ("left_at", json!("2024-01-02T03:04:05")),
        ("vip", json!(true)),
        ("share", json!(16_777_216)),
        ("ratio", json!(0.1)),
        ("tags", json!(["x", "z"])),
        ("kind", json!("b")),
        ("doc", json!({ "n": 1.5 })),
        ("code", json!("ab")),
        ("flag", json!(true)),
        ("zero", json!(42)),
        ("raw", json!("é")),
    ] {
        assert_eq!(found[name], expect, "{name}: {found:#}");
    }
    let none = part(&world, "2", 1);
    assert_eq!((&none["born"], &none["left_at"], &none["tags"]), (&json!(null), &json!(null), &json!([])));

    let check = async |query: &str, more: &str, expect: &str| {
        world.write("audiences.toml", &config(query, more));
        let (code, told) = refused(&world, &[]).await;
        assert!(code == Some(2) && told.contains(expect), "{query}: {code:?} {told}");
    };
    check("drop table t", "", "it gives no rows: it begins with `drop`").await;
    check("select * from t into outfile '/tmp/x'", "", "").await;
    check("select 1 as id) as q; drop table t; select * from (select 1 as id", "", "").await;
    check("select id, 2 as n from nowhere", "", "nowhere").await;
    check("select id, cast('x' as binary) as raw from t", "", "column `raw` has bytes").await;
    check("select id, id as a, 1 as a from t", "", "").await;
    server.run("update t set vip = 2 where id = 2");
    check("select id, vip from t", "", "types = { vip = \"number\" }").await;
    world.write("audiences.toml", &config("select id, vip from t", "types = { vip = \"number\" }"));
    import(&world, &[]).await;
    assert_eq!(part(&world, "2", 1), json!({ "vip": 2 }));
    let probe = run(&world, &["check", "--probe"]).await;
    let told = String::from_utf8_lossy(&probe.stdout).into_owned();
    assert!(told.contains("source t: 2 columns") && told.contains("vip  number"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_and_snapshots_of_mariadb_are_as_those_of_others() {
    let server = mariadb::Server::start();
    let world = World::new().await;
    server.run(
        "create table t (id int primary key, plan varchar(9), updated_at datetime(6) not null);
         insert into t select seq, 'gold', '2026-01-01 00:00:00' + interval seq second from seq_1_to_300",
    );
    world.write("warehouse.url", &server.url());
    world.write("audiences.toml", &config("select * from t", "cursor = \"updated_at\"\ncomplete = true"));
    assert_eq!(counts(&import(&world, &[]).await), [300, 0, 0, 0]);
    server.run("update t set plan = 'free', updated_at = '2026-01-03' where id = 7; delete from t where id = 9");
    assert_eq!(counts(&import(&world, &[]).await), [0, 1, 298, 0]);
    server.run("update t set plan = 'gold', updated_at = '2026-01-03 00:30' where id = 8");
    let report = import(&world, &[]).await;
    assert_eq!((report["read"].as_u64(), counts(&report)), (Some(2), [0, 1, 1, 0]), "{report:#}");
    assert_eq!(counts(&import(&world, &["t", "--full"]).await), [0, 0, 299, 1]);
    server.run("delete from t where id > 180");
    let (code, told) = refused(&world, &["t", "--full"]).await;
    assert!(code == Some(1) && told.contains("shrunk: 120 of 299 people are missing"), "{told}");
}
