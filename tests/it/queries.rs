//! Sources that are queries: what is wrong with one is told with its place, and costs nothing that was there.

use std::process::Output;

use enroute_host::store::warehouse;
use serde_json::Value;

use crate::support::{AUDIENCES, World, enroute};

/// The codes that the tests below make.
pub(crate) const CODES: [&str; 1] = ["E343"];

async fn import(world: &World, query: &str) -> Output {
    let source = format!("[source.warehouse]\ndatabase = \"sqlite:warehouse.db\"\nquery = \"{query}\"\n\n");
    world.write("audiences.toml", &format!("{source}{AUDIENCES}"));
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).args(["--json", "import", "warehouse"]);
    command.output().await.expect("the binary runs")
}

/// Imports, and says what is told: code, file, line, and what the message ends with.
async fn check(world: &World, query: &str, (line, end): (u64, &str)) {
    let ended = import(world, query).await;
    let told: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    let one = &told[0];
    assert_eq!(ended.status.code(), Some(2), "{query}: {told:#}");
    assert_eq!(one["code"].as_str(), Some("E343"), "{told:#}");
    assert!(one["file"].as_str().is_some_and(|file| file.ends_with("audiences.toml")), "{told:#}");
    assert_eq!(one["line"].as_u64(), Some(line), "{query}: {told:#}");
    assert!(one["column"].as_u64().is_some_and(|column| column > 1), "{query}: {told:#}");
    assert!(one["message"].as_str().is_some_and(|message| message.contains(end)), "{query}: {told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_cannot_be_used_is_told_with_its_code_and_place() {
    let world = World::new().await;
    let file = world.folder.path().join("warehouse.db");
    check(&world, "select id, plan from accounts", (2, "unable to open")).await;
    warehouse::make(&file, "create table accounts (id, plan); insert into accounts values ('u1', 'gold')").unwrap();
    check(&world, "choose id from accounts", (3, "syntax error")).await;
    check(&world, "select id, plan from nowhere", (3, "no such table: nowhere")).await;
    check(&world, "select plan from accounts", (3, "it has no column `id`")).await;
    check(&world, "select id, plan, plan from accounts", (3, "column `plan` stands twice")).await;
    check(&world, "delete from accounts", (3, "warehouse.db")).await;
    let ended = import(&world, "select id, plan from accounts").await;
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
}
