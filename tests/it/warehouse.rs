//! Customers from where they live: a query as a source of profiles, complete snapshots with their guards, increments,
//! and members that a database names.

mod certificates;
mod mariadb;
mod origins;
mod types;

use enroute_host::store::Store;
use serde_json::{Value, json};
use std::process::Output;

use crate::kinds::postgres;
use crate::support::{World, enroute};

/// The codes that the tests below make.
pub(crate) const CODES: [&str; 3] = ["E400", "E402", "E403"];

const PEOPLE: u32 = 400;

const CUSTOMERS: &str = "
    create table customers (user_id int primary key, email text, other_mail text, plan text, ltv numeric, tags text[],
      about jsonb, born date, consent_ads boolean, updated_at timestamptz not null);
    insert into customers select n, 'p' || n || '@example.com', 'q' || n || '@example.org', 'gold',
      123456789012345678901234567890.10 + n, array['a,b', 'n' || n, null], jsonb_build_object('n', n, 'x', 1.50),
      date '1980-02-29', n % 2 = 0, '2026-01-01 00:00:00.25+00'::timestamptz + n * interval '1 second'
    from generate_series(1, 400) as n";

const SOURCE: &str = r#"
[source.customers]
database = "${file:warehouse.url}"
query = "select * from customers"
holds = "profiles"
id = "user_id"
columns = { email = "identifiers.email", other_mail = "identifiers.email", consent_ads = "consent.ads" }
"#;

const REST: &str = r#"
[audience.gold]
where = "traits ->> 'plan' = 'gold'"

[[connection]]
audience = "gold"
destination = "braze-eu"
"#;

/// Runs `enroute` in the world's folder.
async fn run(world: &World, words: &[&str]) -> Output {
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).args(words);
    command.output().await.expect("the binary runs")
}

/// What the import of the only source said.
async fn import(world: &World, words: &[&str]) -> Value {
    let ended = run(world, &[&["--json", "import"], words].concat()).await;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{words:?}: {told}{}", String::from_utf8_lossy(&ended.stdout));
    let report: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    report["sources"][0].clone()
}

/// New, changed, the same and gone.
fn counts(report: &Value) -> [u64; 4] {
    ["added", "updated", "unchanged", "gone"].map(|name| report[name].as_u64().expect("a count"))
}

/// What kept an import back: exit code, and everything that was told.
async fn refused(world: &World, words: &[&str]) -> (Option<i32>, String) {
    let ended = run(world, &[&["import"], words].concat()).await;
    let told = [ended.stdout, ended.stderr].concat();
    (ended.status.code(), String::from_utf8_lossy(&told).into_owned())
}

fn part(world: &World, id: &str, index: usize) -> Value {
    let profile = Store::open_read(&world.state()).expect("a store").profile(id).expect("it reads");
    let text = profile.and_then(|profile| profile.parts[index].clone());
    text.map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON"))
}

async fn world(server: &postgres::Server, keys: &str) -> World {
    let world = World::new().await;
    server.run(CUSTOMERS);
    world.write("warehouse.url", &server.url());
    world.write("audiences.toml", &format!("{SOURCE}{keys}\n{REST}"));
    world
}

fn with(world: &World, from: &str, to: &str) {
    let path = world.folder.path().join("audiences.toml");
    let text = std::fs::read_to_string(path).expect("it reads");
    assert!(text.contains(from), "{from} is not in {text}");
    world.write("audiences.toml", &text.replace(from, to));
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_of_a_server_arrive_with_all_that_they_have() {
    let server = postgres::Server::start();
    let world = world(&server, "complete = true").await;
    assert_eq!(counts(&import(&world, &[]).await), [400, 0, 0, 0]);
    assert_eq!(part(&world, "7", 0), json!({ "email": ["p7@example.com", "q7@example.org"] }));
    assert_eq!(part(&world, "7", 3), json!({ "ads": false }));
    let text = Store::open_read(&world.state()).unwrap().profile("7").unwrap().unwrap().parts[1].clone().unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"about":{"n":7,"x":1.50},"born":"1980-02-29","ltv":123456789012345678901234567897.10,"plan":"gold","#,
            r#""tags":["a,b","n7",null],"updated_at":"2026-01-01T00:00:07.25Z"}"#
        )
    );
    let revision = || Store::open_read(&world.state()).unwrap().revision().unwrap();
    let before = revision();
    assert_eq!(counts(&import(&world, &[]).await), [0, 0, 400, 0]);
    assert_eq!(revision(), before, "a second import writes nothing");
    server.run("update customers set plan = 'free' where user_id = 3; delete from customers where user_id = 9");
    assert_eq!(counts(&import(&world, &[]).await), [0, 1, 398, 1]);
    assert_eq!((part(&world, "9", 0), part(&world, "9", 1)), (Value::Null, Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_vanishes_from_a_table_leaves_the_destination() {
    let server = postgres::Server::start();
    let world = world(&server, "complete = true").await;
    let synced = run(&world, &["--json", "sync"]).await;
    assert!(synced.status.success(), "{}", String::from_utf8_lossy(&synced.stderr));
    server.run("delete from customers where user_id <= 4");
    let plan = run(&world, &["--json", "plan"]).await;
    let plan: Value = serde_json::from_slice(&plan.stdout).expect("JSON");
    assert!(plan.to_string().contains("\"removed\":4"), "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_increment_reads_what_changed_and_a_late_row_with_it() {
    let server = postgres::Server::start();
    let world = world(&server, "cursor = \"updated_at\"").await;
    assert_eq!(import(&world, &[]).await["read"], PEOPLE);
    server.run("update customers set updated_at = '2026-01-09' where user_id = 1");
    server.run(
        "insert into customers select 500, email, other_mail, plan, ltv, tags, about, born, consent_ads,
        '2025-12-31 23:59:00+00' from customers where user_id = 2",
    );
    let report = import(&world, &[]).await;
    assert_eq!(counts(&report), [1, 1, 399, 0], "all of them lie within the overlap: {report:#}");
    server.run("update customers set updated_at = '2026-01-09 00:10+00' where user_id = 2");
    server.run("update customers set updated_at = '2026-01-08 23:30+00', plan = 'late' where user_id = 3");
    let report = import(&world, &[]).await;
    assert_eq!((report["read"].as_u64(), counts(&report)), (Some(3), [0, 2, 1, 0]));
    let sources = run(&world, &["--json", "sources"]).await;
    let sources: Value = serde_json::from_slice(&sources.stdout).expect("JSON");
    assert_eq!(sources[0]["cursor"], "2026-01-09T00:10:00Z", "{sources:#}");
    assert_eq!(sources[0]["people"], 401);
    assert_eq!(import(&world, &["customers", "--full"]).await["read"], 401);
    assert_eq!(import(&world, &["customers", "--since", "2026-01-01T02:00:00Z"]).await["read"], 3);
    server.run("update customers set updated_at = 'infinity' where user_id = 4");
    let report = import(&world, &[]).await;
    assert_eq!(report["read"], 4, "{report:#}");
    assert!(report["notes"].to_string().contains("that the server's clock has not reached"), "{report:#}");
    assert_eq!(import(&world, &[]).await["read"], 4, "it is read each time, and nothing else is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_moved_back_costs_a_full_read_and_nobody() {
    let server = postgres::Server::start();
    let world = world(&server, "cursor = \"updated_at\"\ncomplete = true").await;
    import(&world, &[]).await;
    let report = import(&world, &["customers", "--since", "2999-01-01T00:00:00Z"]).await;
    assert_eq!((report["read"].as_u64(), counts(&report)), (Some(400), [0, 0, 400, 0]));
    assert!(report["notes"].to_string().contains("the server's clock is behind the last value"), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_breaks_off_or_looks_cut_takes_anybody_out() {
    let server = postgres::Server::start();
    let world = world(&server, "complete = true").await;
    import(&world, &[]).await;
    let all = "query = \"select * from customers\"";
    let check = async |query: &str, code: i32, expect: &str| {
        with(&world, all, &format!("query = \"{query}\""));
        let (found, told) = refused(&world, &[]).await;
        assert!(found == Some(code) && told.contains(expect), "{query}: {found:?} {told}");
        with(&world, &format!("query = \"{query}\""), all);
        let report = import(&world, &[]).await;
        assert_eq!(counts(&report), [0, 0, 400, 0], "after {query}");
    };
    // A query that fails late, a session that the server ends in the middle, and a table that is not there.
    check("select *, 1 / (user_id - 399) as x from customers", 2, "division by zero").await;
    let killed =
        "select *, case when user_id = 399 then pg_terminate_backend(pg_backend_pid()) end as x from customers";
    check(killed, 1, "terminating connection due to administrator command").await;
    check("select * from custmers", 2, "relation \\\"custmers\\\" does not exist").await;
    // What comes to its end and looks as if something was lost.
    server.run("create table kept as select * from customers");
    let guarded = async |change: &str, back: &str, guard: &str| {
        server.run(change);
        let (code, told) = refused(&world, &[]).await;
        assert!(code == Some(1) && told.contains("E402") && told.contains(guard), "{change}: {code:?} {told}");
        server.run(back);
        assert_eq!(counts(&import(&world, &[]).await), [0, 0, 400, 0], "after {change}");
    };
    let restore = "truncate customers; insert into customers select * from kept";
    guarded("delete from customers where user_id <= 160", restore, "shrunk: 160 of 400 people are missing").await;
    guarded("truncate customers", restore, "empty: there is nobody in it").await;
    guarded("delete from customers where user_id > 200", restore, "cut at a limit: it has exactly 200 rows").await;
    guarded("update customers set user_id = user_id + 10000", restore, "other ids: 400 of 400 people").await;
    guarded("update customers set plan = null where user_id > 50", restore, "emptied: `plan`").await;
    server.run("create table backup as select user_id, born from customers");
    let column = "alter table customers add column born date; update customers c set born = b.born from backup b where
        b.user_id = c.user_id";
    guarded("alter table customers drop column born", column, "narrower: `born` had values").await;
    server.run("delete from customers where user_id <= 160");
    assert_eq!(counts(&import(&world, &["customers", "--accept"]).await), [0, 0, 240, 160]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_file_is_guarded_as_a_query_is_and_one_that_fails_leaves_the_others_alone() {
    let world = World::new().await;
    let people = |from: u32, to: u32| (from..to).map(|n| format!("u{n},gold\n")).collect::<String>();
    let config = "[source.crm]\nfile = \"people.csv\"\ncomplete = true\n\n[source.shop]\nfile = \"shop.ndjson\"\n";
    world.write("audiences.toml", &format!("{config}{REST}"));
    world.write("shop.ndjson", "{\"id\":\"s1\",\"traits\":{\"plan\":\"gold\"}}\n");
    world.write("people.csv", &format!("id,plan\n{}", people(0, 50)));
    assert_eq!(counts(&import(&world, &[]).await), [50, 0, 0, 0]);
    world.write("people.csv", &format!("id,plan\n{}", people(2, 51)));
    assert_eq!(counts(&import(&world, &[]).await), [1, 0, 48, 2]);
    world.write("people.csv", &format!("id,plan\n{}", people(30, 51)));
    world.write("shop.ndjson", "{\"id\":\"s2\",\"traits\":{\"plan\":\"gold\"}}\n");
    let (code, told) = refused(&world, &[]).await;
    assert!(code == Some(1) && told.contains("shrunk: 28 of 49"), "{told}");
    assert!(told.contains("shop: 1 profile read, 1 new"), "the other source is read: {told}");
    world.write("people.csv", &format!("id,plan\n{}u51,\"go", people(2, 51)));
    let (code, told) = refused(&world, &["crm"]).await;
    assert!(code == Some(2) && told.contains("its last line is not whole"), "{told}");
    world.write("people.csv", "id\nu3\n");
    let (_, told) = refused(&world, &["crm"]).await;
    assert!(told.contains("narrower: `plan` had values and is not there any more"), "{told}");
    assert_eq!(part(&world, "u7", 1), json!({ "plan": "gold" }));
    assert_eq!(part(&world, "u0", 1), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_or_a_cursor_that_is_not_there_is_told_with_its_place() {
    let server = postgres::Server::start();
    let world = world(&server, "cursor = \"updated_at\"").await;
    for (from, to, code, expect) in [
        (
            "email = \"id",
            "mail = \"id",
            "E400",
            "there is no column `mail`, which `columns` names; did you mean `email`",
        ),
        ("identifiers.email\", consent", "plan\", consent", "E400", "column `plan` stands twice"),
        ("cursor = \"updated_at\"", "cursor = \"update_at\"", "E403", "did you mean `updated_at`"),
        ("cursor = \"updated_at\"", "cursor = \"plan\"", "E403", "has neither moments, dates nor numbers"),
    ] {
        with(&world, from, to);
        let (exit, told) = refused(&world, &[]).await;
        let is_told = told.contains(code) && told.contains(expect) && told.contains("audiences.toml:");
        assert!(exit == Some(2) && is_told, "{to}: {exit:?} {told}");
        with(&world, to, from);
    }
    assert_eq!(counts(&import(&world, &[]).await), [400, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_is_a_query_or_rows_that_say_who_came_and_who_left() {
    let server = postgres::Server::start();
    let world = world(&server, "").await;
    server.run("create table segment (user_id int); insert into segment values (1), (2), (3)");
    server.run("create table moves (user_id int, change text); insert into moves values (4, 'new'), (5, 'updated')");
    let members = "[source.moves]\ndatabase = \"${file:warehouse.url}\"\nquery = \"select * from moves\"\n\
        holds = \"members\"\nmode = \"mirror\"\nid = \"user_id\"\n";
    let audience = |key: &str, way: &str| {
        format!("[audience.{key}]\n{way}\n\n[[connection]]\naudience = \"{key}\"\ndestination = \"braze-eu\"\n")
    };
    let by_query = audience("segment", "query = \"select user_id from segment\"\nsource = \"customers\"");
    let by_rows = audience("movers", "members = \"moves\"");
    world.write("audiences.toml", &format!("{SOURCE}\n{members}\n{by_query}\n{by_rows}"));
    let check = async |expect: [u64; 2]| {
        let plan = run(&world, &["--json", "plan"]).await;
        let told = String::from_utf8_lossy(&plan.stderr).into_owned();
        let plan: Value = serde_json::from_slice(&plan.stdout).unwrap_or_else(|_| panic!("{told}"));
        let people = |key: &str| {
            let links = plan["connections"].as_array().or_else(|| plan.as_array()).expect("connections");
            links.iter().find(|link| link["audience"] == key).and_then(|link| link["people"].as_u64())
        };
        assert_eq!([people("segment"), people("movers")], expect.map(Some), "{plan:#}");
    };
    check([3, 2]).await;
    server.run("delete from segment where user_id = 1");
    server.run("delete from moves; insert into moves values (4, 'deleted'), (6, 'new'), (5, 'vanished'), (5, null)");
    check([2, 2]).await;
    let report = import(&world, &["moves"]).await;
    assert_eq!(report["rejected"], 2);
    assert!(report["bad_lines"].to_string().contains("neither `new`, `updated` nor `deleted`"), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_tells_what_the_columns_of_a_query_become() {
    let server = postgres::Server::start();
    let world = world(&server, "").await;
    let probe = run(&world, &["--json", "check", "--probe"]).await;
    let told: Value = serde_json::from_slice(&probe.stdout).expect("JSON");
    let columns = told["sources"][0]["columns"].to_string();
    for expect in
        ["[\"tags\",\"as it is in JSON\"]", "[\"ltv\",\"number\"]", "[\"updated_at\",\"moment in UTC, as a text\"]"]
    {
        assert!(columns.contains(expect), "{columns}");
    }
    with(&world, "id = \"user_id\"", "id = \"userid\"");
    let probe = run(&world, &["check", "--probe"]).await;
    let told = String::from_utf8_lossy(&probe.stdout).into_owned();
    assert!(!probe.status.success() && told.contains("there is no column `userid`"), "{told}");
}
