//! The same people, wherever they live: equal requests, to the byte, for all seven destinations.

use std::collections::BTreeMap;

use enroute_fakes::all;
use enroute_host::store::warehouse;
use serde_json::Value;

use crate::kinds::postgres;
use crate::parquets::{self, Column};
use crate::seven::World;
use crate::support::{enroute, root};
use crate::warehouse::mariadb;

const NDJSON: &str = r#"{"id":"u1","identifiers":{"email":["ann@example.com","ann@example.org"],"phone":"+4791234567"},"traits":{"city":"Oslo","firstName":"Ann","lastName":"Berg","ltv":1234.50,"plan":"gold","since":"2024-02-29","tags":["a,b","c"],"vip":true}}
{"id":"u2","identifiers":{"email":["bo@example.com"]},"traits":{"city":null,"firstName":"Bo","lastName":"Ås","ltv":0.10,"plan":"gold","since":null,"tags":[],"vip":false}}
{"id":"u3","identifiers":{"email":["cy@example.com"]},"traits":{"city":"","firstName":"Cy","lastName":"\"Q\"","ltv":12345678901234567890.01,"plan":"gold","since":"2024-01-01","tags":null,"vip":null}}
"#;

/// What a program prints of them.
const PRINTED: &str = r#"{"id":"u1","mail":"ann@example.com","also":"ann@example.org","tel":"+4791234567","firstName":"Ann","lastName":"Berg","city":"Oslo","plan":"gold","ltv":1234.50,"vip":true,"since":"2024-02-29","tags":["a,b","c"]}
{"id":"u2","mail":"bo@example.com","also":null,"tel":null,"firstName":"Bo","lastName":"Ås","city":null,"plan":"gold","ltv":0.10,"vip":false,"since":null,"tags":[]}
{"id":"u3","mail":"cy@example.com","also":null,"tel":null,"firstName":"Cy","lastName":"\"Q\"","city":"","plan":"gold","ltv":12345678901234567890.01,"vip":null,"since":"2024-01-01","tags":null}
"#;

const ROWS: [&str; 3] = [
    "('u1', 'ann@example.com', 'ann@example.org', '+4791234567', 'Ann', 'Berg', 'Oslo', 'gold', 1234.50, TRUE, '2024-02-29', TAGS1)",
    "('u2', 'bo@example.com', null, null, 'Bo', 'Ås', null, 'gold', 0.10, FALSE, null, TAGS2)",
    "('u3', 'cy@example.com', null, null, 'Cy', '\"Q\"', '', 'gold', 12345678901234567890.01, null, '2024-01-01', null)",
];

const COLUMNS: &str = "id, mail, also, tel, \"firstName\", \"lastName\", city, plan, ltv, vip, since, tags";

fn rows(tags: [&str; 2]) -> String {
    ROWS.join(", ").replace("TAGS1", tags[0]).replace("TAGS2", tags[1])
}

fn source(database: &str, types: &str) -> String {
    format!(
        "[source.crm]\ndatabase = \"{database}\"\nquery = \"select * from people\"\nholds = \"profiles\"\n{types}\n\
         columns = {{ mail = \"identifiers.email\", also = \"identifiers.email\", tel = \"identifiers.phone\" }}\n\n"
    )
}

/// Every request of a plan, by destination and in order, as it would leave.
async fn requests(world: &World, source: &str) -> BTreeMap<String, Vec<String>> {
    let audience = "[audience.gold]\nname = \"Gold\"\nwhere = \"traits ->> 'plan' = 'gold'\"\n\n";
    let connections = all::connections().replace(&format!("\"{}\"", all::AUDIENCE), "\"gold\"");
    world.write("audiences.toml", &format!("{source}{audience}{connections}"));
    let _ = std::fs::remove_dir_all(world.folder.path().join(".enroute"));
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).args(["--json", "plan", "--bodies"]);
    let ended = command.output().await.expect("the binary runs");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    let plan: Value = serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("{told}"));
    let links = plan["connections"].as_array().or_else(|| plan.as_array()).unwrap_or_else(|| panic!("{plan:#} {told}"));
    links.iter().map(|link| (link["destination"].to_string(), digests(link))).collect()
}

/// All digests and bodies within a part of a plan.
fn digests(part: &Value) -> Vec<String> {
    match part {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("digest" | "body", Value::String(text)) => vec![format!("{name} {text}")],
                _ => digests(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(digests).collect(),
        _ => Vec::new(),
    }
}

/// The people as a file of Parquet.
fn parquet() -> Vec<u8> {
    let texts = |name, texts: [Option<&str>; 3]| Column::texts(name, &texts);
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    parquets::file(&[
        texts("id", [Some("u1"), Some("u2"), Some("u3")]),
        texts("mail", [Some("ann@example.com"), Some("bo@example.com"), Some("cy@example.com")]),
        texts("also", [Some("ann@example.org"), None, None]),
        texts("tel", [Some("+4791234567"), None, None]),
        texts("firstName", [Some("Ann"), Some("Bo"), Some("Cy")]),
        texts("lastName", [Some("Berg"), Some("Ås"), Some("\"Q\"")]),
        texts("city", [Some("Oslo"), None, Some("")]),
        texts("plan", [Some("gold"); 3]),
        Column::decimals("ltv", &[123_450, 10, 1_234_567_890_123_456_789_001], 2),
        Column::booleans("vip", &[Some(true), Some(false), None]),
        Column::dates("since", &[Some(19_782), None, Some(19_723)]),
        Column::lists("tags", &[Some(list(&["a,b", "c"])), Some(Vec::new()), None]),
    ])
}

/// A source whose columns go where those of the tables go.
fn rows_of(origin: &str) -> String {
    format!(
        "[source.crm]\n{origin}\n\
         columns = {{ mail = \"identifiers.email\", also = \"identifiers.email\", tel = \"identifiers.phone\" }}\n\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_people_give_equal_requests_from_files_of_several_kinds() {
    let world = World::new().await;
    world.write("profiles.ndjson", NDJSON);
    let expect = requests(&world, "[source.crm]\nfile = \"profiles.ndjson\"\n\n").await;
    std::fs::write(world.folder.path().join("people.parquet"), parquet()).expect("it is written");
    assert_eq!(requests(&world, &rows_of("file = \"people.parquet\"")).await, expect, "Parquet");

    world.write("rows.json", PRINTED);
    assert_eq!(requests(&world, &rows_of("command = [\"cat\", \"rows.json\"]")).await, expect, "a command");

    // A cell of CSV says a value or nothing: neither null nor an empty text.
    let plain = NDJSON
        .replace("\"city\":null,", "")
        .replace("\"city\":\"\",", "")
        .replace("\"since\":null,", "")
        .replace("\"tags\":null,\"vip\":null", "\"t\":0")
        .replace(",\"t\":0", "");
    world.write("plain.ndjson", &plain);
    let expect = requests(&world, "[source.crm]\nfile = \"plain.ndjson\"\n\n").await;
    world.write(
        "people.csv",
        "id;mail;also;tel;firstName;lastName;city;plan;ltv;vip;since;tags\n\
         u1;ann@example.com;ann@example.org;+4791234567;Ann;Berg;Oslo;gold;1.234,50;yes;29.02.2024;\"[\"\"a,b\"\",\"\"c\"\"]\"\n\
         u2;bo@example.com;;;Bo;Ås;;gold;0,10;no;;[]\n\
         u3;cy@example.com;;;Cy;\"\"\"Q\"\"\";;gold;12345678901234567890,01;;01.01.2024;\n",
    );
    let types = "types = { ltv = \"number:1.234,5\", vip = \"boolean\", since = \"date:%d.%m.%Y\", tags = \"json\" }";
    let csv = rows_of(&format!("file = \"people.csv\"\n{types}"));
    assert_eq!(requests(&world, &csv).await, expect, "CSV");
}

/// With the command that `tests/run` installs.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_people_give_equal_requests_from_duckdb() {
    let duckdb = root().join("target/sources-venv/bin/duckdb");
    assert!(duckdb.exists(), "`tests/run` installs DuckDB's command");
    let world = World::new().await;
    world.write("profiles.ndjson", NDJSON);
    let expect = requests(&world, "[source.crm]\nfile = \"profiles.ndjson\"\n\n").await;
    std::fs::write(world.folder.path().join("people.parquet"), parquet()).expect("it is written");
    // DuckDB prints a DECIMAL with all its digits, and a day as a text.
    let command = format!("command = [{duckdb:?}, \"-bail\", \"-jsonlines\", \"-c\", \"from 'people.parquet'\"]");
    let command = rows_of(&command);
    assert_eq!(requests(&world, &command).await, expect, "DuckDB");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_people_give_equal_requests_wherever_they_live() {
    let world = World::new().await;
    world.write("profiles.ndjson", NDJSON);
    let expect = requests(&world, "[source.crm]\nfile = \"profiles.ndjson\"\n\n").await;
    assert!(expect.len() == 7 && expect.values().all(|requests| !requests.is_empty()), "{expect:#?}");

    let file = world.folder.path().join("warehouse.db");
    let made = format!(
        "create table people (id, mail, also, tel, \"firstName\", \"lastName\", city, plan, ltv, vip, since, tags);
         insert into people values {};",
        rows(["'[\"a,b\",\"c\"]'", "'[]'"])
            .replace("1234.50", "'1234.50'")
            .replace("0.10", "'0.10'")
            .replace("12345678901234567890.01", "'12345678901234567890.01'")
    );
    warehouse::make(&file, &made).expect("it is made");
    let types = "types = { tags = \"json\", vip = \"boolean\", ltv = \"number\" }";
    assert_eq!(requests(&world, &source("sqlite:warehouse.db", types)).await, expect, "SQLite");

    let server = postgres::Server::start();
    let columns =
        "id text, mail text, also text, tel text, \"firstName\" text, \"lastName\" text, city text, plan text,
        ltv numeric, vip boolean, since date, tags text[]";
    server.run(&format!("create table people ({columns})"));
    server.run(&format!("insert into people ({COLUMNS}) values {}", rows(["array['a,b', 'c']", "array[]::text[]"])));
    world.write("postgres.url", &server.url());
    assert_eq!(requests(&world, &source("${file:postgres.url}", "")).await, expect, "PostgreSQL");

    let server = mariadb::Server::start();
    let columns = columns.replace('"', "`").replace("numeric", "varchar(40)").replace("text[]", "json");
    server.run(&format!(
        "set names utf8mb4; create table people ({columns}); insert into people values {}",
        rows(["'[\"a,b\",\"c\"]'", "'[]'"])
    ));
    world.write("mariadb.url", &server.url());
    let types = "types = { tags = \"json\", ltv = \"number\" }";
    assert_eq!(requests(&world, &source("${file:mariadb.url}", types)).await, expect, "MariaDB");
}
