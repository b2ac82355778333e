//! Custom, computed, SQL and predictive traits, the whole way through the built binary (R15, R28, R29, R31).

pub(crate) mod postgres;
mod sessions;

use std::process::Output;

use enroute_host::store::Store;
use serde_json::{Value, json};

use crate::support::{World, enroute};

const CONFIG: &str = r#"
[source.crm]
file = "profiles.ndjson"

[source.shop]
file = "events.ndjson"
holds = "events"

[source.scores]
file = "scores.csv"
holds = "predictions"

[trait.orders]
compute = "count"
event = "Order Completed"
window_days = 36500

[trait.spent]
compute = "sum"
event = "Order Completed"
property = "total"

[audience.buyers]
where = "traits ->> 'orders' >= 1"

[[connection]]
audience = "buyers"
destination = "braze-eu"
setup = "customized"
traits = ["city", "orders", "spent", "seats", "churn", "churn_percentile"]
"#;

const WAREHOUSE: &str = r#"
[source.warehouse]
database = "${file:warehouse.url}"
query = "select user_id, seats from accounts"
id = "user_id"
"#;

/// Runs `enroute` in the world's folder.
async fn run(world: &World, words: &[&str], crash: Option<&str>) -> Output {
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).args(words);
    if let Some(point) = crash {
        command.env("ENROUTE_CRASH", point);
    }
    command.output().await.expect("the binary runs")
}

/// What it printed as JSON.
async fn done(world: &World, words: &[&str]) -> Value {
    let ended = run(world, words, None).await;
    assert!(ended.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).expect("JSON")
}

fn order(message: u32, id: &str, year: u32, total: f64) -> Value {
    json!({
        "type": "track", "messageId": format!("m{message}"), "userId": id, "event": "Order Completed",
        "properties": { "total": total }, "timestamp": format!("{year}-03-02T09:15:00Z"),
    })
}

fn lines(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A world in which each kind of trait has one source; SQL has none yet.
async fn world() -> World {
    let world = World::new().await;
    let profiles = ["u1", "u2"].map(|id| json!({ "id": id, "traits": { "city": "Oslo" } }));
    world.write("profiles.ndjson", &lines(&profiles));
    let call = json!({ "type": "identify", "userId": "u1", "traits": { "city": "Bergen" },
        "timestamp": "2026-01-01T00:00:00Z" });
    let events = [order(1, "u1", 2020, 42.5), order(2, "u1", 1900, 7.0), order(3, "u2", 2020, 1.25), call];
    world.write("events.ndjson", &lines(&events));
    world.write("scores.csv", "id,churn\nu1,0.9\nu2,0.2\n");
    world.write("audiences.toml", CONFIG);
    world
}

/// A trait as the fake Braze has it.
fn at_braze(world: &World, id: &str, name: &str) -> Value {
    let profile = world.braze.profile(id).expect("the profile is there");
    profile.get(name).or_else(|| profile["custom_attributes"].get(name)).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_behaves_the_same_whichever_kind_of_trait_it_names() {
    let world = world().await;
    let server = postgres::Server::start();
    server.run("create table accounts (user_id text, seats numeric); insert into accounts values ('u1', 3), ('u2', 5)");
    world.write("warehouse.url", &server.url());
    world.write("audiences.toml", &format!("{CONFIG}{WAREHOUSE}"));

    let plan = done(&world, &["--json", "plan", "--bodies"]).await.to_string();
    for sent in ["spent", "49.5", "orders", "seats", "churn_percentile", "Bergen"] {
        assert!(plan.contains(sent), "`{sent}` is not in the plan: {plan}");
    }
    done(&world, &["--json", "sync"]).await;
    let names = ["home_city", "orders", "spent", "seats", "churn", "churn_percentile"];
    let at = |id: &str| Value::from(names.map(|name| at_braze(&world, id, name)).to_vec()).to_string();
    // The order of 1900 is out of the window of the count, and within the sum, which has none.
    assert_eq!(at("u1"), r#"["Bergen",1,49.5,3,0.9,1.0]"#);
    assert_eq!(at("u2"), r#"["Oslo",1,1.25,5,0.2,0.5]"#);

    let kinds = done(&world, &["--json", "traits"]).await;
    let kinds = kinds.as_array().expect("a list").iter().map(|one| {
        assert!(one["refreshed_ms"].as_i64() > Some(0), "{one}");
        format!("{} {} {} {}/{}", one["name"], one["kind"], one["source"], one["values"], one["nulls"]).replace('"', "")
    });
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            "churn predictive scores 2/0",
            "churn_percentile predictive scores 2/0",
            "city custom crm 2/0",
            "orders computed  2/0",
            "seats sql warehouse 2/0",
            "spent computed  2/0",
        ]
    );

    world.braze.server().clear();
    done(&world, &["--json", "sync"]).await;
    assert!(world.take_requests().is_empty(), "a second import changes nothing, so nothing is sent");

    server.run("delete from accounts where user_id = 'u2'");
    world.write("scores.csv", "id,churn\nu2,0.2\n");
    done(&world, &["--json", "sync"]).await;
    assert_eq!(at("u1"), r#"["Bergen",1,49.5,3,null,null]"#);
    assert_eq!(at("u2"), r#"["Oslo",1,1.25,null,0.2,1.0]"#);
    let counts = done(&world, &["--json", "traits"]).await.to_string();
    assert!(counts.contains(r#""name":"seats","nulls":1"#), "{counts}");
}

const SEVEN: &str = r#"{"at":"2026-03-02","f":0.1,"n":123456789012345678901234567890.10,"ok":true,"tags":"a,b"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_read_only_and_its_values_keep_their_form() {
    let world = world().await;
    let server = postgres::Server::start();
    server.run(
        "create sequence s; create table accounts (user_id int, tags text[], n numeric, f float8, ok boolean, at date);
         insert into accounts values (7, '{a,b}', 123456789012345678901234567890.10, 0.1, true, '2026-03-02'),
         (8, null, 'NaN', 'Infinity', false, null), (null, '{}', 1, 1, null, null)",
    );
    world.write("warehouse.url", &server.url());
    let import = async |query: &str| {
        let source = WAREHOUSE.replace("select user_id, seats from accounts", query);
        world.write("audiences.toml", &format!("{CONFIG}{source}"));
        run(&world, &["--json", "import", "warehouse"], None).await
    };
    let ended = import("select * from accounts order by 1 -- all;").await;
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let report: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!((&report["sources"][0]["read"], &report["sources"][0]["rejected"]), (&json!(3), &json!(1)));
    let traits = |id: &str| {
        let profile = Store::open_read(&world.state()).expect("a store").profile(id).expect("it reads");
        profile.and_then(|profile| profile.parts[1].clone()).expect("the profile has traits")
    };
    assert_eq!(traits("7"), SEVEN);
    assert_eq!(traits("8"), r#"{"at":null,"f":null,"n":null,"ok":false,"tags":null}"#);
    for (query, expect) in [
        ("select nextval('s') as user_id", "cannot execute nextval() in a read-only transaction"),
        ("select 1/(user_id - 8) as user_id from accounts", "division by zero"),
        ("drop table accounts", "it gives no rows: it begins with `drop`; write a `select`"),
        ("select user_id, 'x'::bytea as raw from accounts", "column `raw` has bytes"),
        ("select nobody from accounts", "nobody"),
    ] {
        let ended = import(query).await;
        let told = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.code() == Some(2) && told.contains(expect), "{query}: {told}");
    }
    assert_eq!(traits("7"), SEVEN, "what failed has written nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_goes_on_or_is_repeated_without_harm() {
    let whole = many().await;
    done(&whole, &["--json", "import"]).await;
    let expect = done(&whole, &["--json", "traits"]).await;
    for point in ["import.read:2", "import.carried:2", "traits.refreshed:3"] {
        let world = many().await;
        let ended = run(&world, &["import"], Some(point)).await;
        assert!(!ended.status.success(), "{point} was not reached");
        let report = done(&world, &["--json", "import"]).await;
        let mut found = done(&world, &["--json", "traits"]).await;
        for (one, other) in found.as_array_mut().unwrap().iter_mut().zip(expect.as_array().unwrap()) {
            one["refreshed_ms"] = other["refreshed_ms"].clone();
        }
        assert_eq!(found, expect, "{point}");
        let shop = report["sources"].as_array().unwrap().iter().find(|one| one["source"] == "shop").unwrap();
        let kept = shop["added"].as_u64().unwrap() + shop["unchanged"].as_u64().unwrap();
        assert_eq!(kept, PEOPLE, "{point}: {shop}");
    }
}

const PEOPLE: u64 = 15_001;

/// A world with more people than fit a few transactions.
async fn many() -> World {
    let world = world().await;
    let events: String =
        (0..PEOPLE as u32).map(|id| format!("{}\n", order(id, &format!("p{id}"), 2020, 2.0))).collect();
    world.write("events.ndjson", &events);
    let scores: String = (0..PEOPLE).map(|id| format!("p{id},{id}\n")).collect();
    world.write("scores.csv", &format!("id,churn\n{scores}"));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trait_of_two_kinds_is_told_with_a_way_out() {
    let world = world().await;
    world.write("audiences.toml", &CONFIG.replace("[trait.spent]", "[trait.city]").replace("\"spent\", ", ""));
    let ended = run(&world, &["import"], None).await;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("`city` is a computed trait; give one of them another name"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_of_a_database_is_never_shown() {
    let world = world().await;
    world.write("audiences.toml", &format!("{CONFIG}{WAREHOUSE}"));
    let ended = run(&world, &["import", "warehouse"], None).await;
    assert_eq!(ended.status.code(), Some(2), "without a secret it is the operator's to mend");
    for url in ["host=/nowhere user=u password=canary-pw-51", "postgres://u:canary-pw-51@localhost:no/x"] {
        world.write("warehouse.url", url);
        let ended = run(&world, &["--log", "debug", "import", "warehouse"], None).await;
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{told}");
        assert!(told.contains("hint: ") && !told.contains("canary-pw-51"), "{told}");
    }
}
