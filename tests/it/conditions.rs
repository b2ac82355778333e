//! Audiences that nobody is in, because their condition asks for what no profile has: nothing of it is silent.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{World, enroute, gold, with};

/// The codes that the tests below make, which are no mistakes.
pub(crate) const CODES: [&str; 1] = ["E280"];

const WHERE: &str = "traits ->> 'plan' = 'gold'";

async fn run(world: &World, words: &[&str]) -> Output {
    let mut command = tokio::process::Command::from(enroute());
    command.arg("-C").arg(world.folder.path()).args(words).output().await.expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A world whose audience has this condition.
async fn world(condition: &str) -> World {
    let world = World::new().await;
    world.people(&[with(gold("u1"), "vip", json!(true)), with(gold("u2"), "vip", json!(false))]);
    world.write("audiences.toml", &crate::support::AUDIENCES.replace(WHERE, condition));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_nobody_can_meet_is_told_by_check_plan_and_the_first_sync() {
    let world = world("traits ->> 'plan' = 'Gold'").await;
    let ended = run(&world, &["check"]).await;
    assert_eq!((ended.status.code(), text(&ended.stderr).as_str()), (Some(0), ""), "without profiles nothing is known");

    let doubt = "`traits ->> 'plan' = 'Gold'` is true of nobody: no profile has this value";
    let hint = "did you mean `'gold'`? Texts are equal only to the letter";
    let plan = run(&world, &["plan"]).await;
    let told = text(&plan.stdout);
    assert!(told.contains("note: the audience is empty: no profile meets its condition"), "{told}");
    assert!(told.contains(&format!("note: {doubt}; {hint}")), "{told}");
    let check = run(&world, &["check"]).await;
    let told = text(&check.stderr);
    assert_eq!(check.status.code(), Some(0), "{told}");
    assert!(
        told.contains("warning[E280]") && told.contains(doubt) && told.contains(&format!("hint: {hint}")),
        "{told}"
    );
    assert!(told.contains("audiences.toml:5"), "{told}");
    let sync = run(&world, &["sync"]).await;
    let told = text(&sync.stdout);
    assert_eq!(sync.status.code(), Some(0), "{told}");
    assert!(told.contains("note: the audience is empty") && told.contains(doubt), "{told}");
    let sync = run(&world, &["--json", "sync", "--no-import"]).await;
    let report: Value = serde_json::from_slice(&sync.stdout).expect("JSON");
    assert!(report["connections"][0]["notes"].to_string().contains(hint), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_somebody_meets_is_not_doubted() {
    let world = world("traits ->> 'plan' = 'gold' and traits ->> 'vip' = true").await;
    let plan = run(&world, &["--json", "plan"]).await;
    let plans: Value = serde_json::from_slice(&plan.stdout).expect("JSON");
    assert!(!plans.to_string().contains("of nobody"), "{plans:#}");
    assert_eq!(plans[0]["people"], 1);
    assert_eq!(text(&run(&world, &["check"]).await.stderr), "");
    let sync = text(&run(&world, &["sync"]).await.stdout);
    assert!(!sync.contains("note:"), "{sync}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_profiles_is_told_as_such() {
    let world = world(WHERE).await;
    world.people(&[]);
    let sync = text(&run(&world, &["sync"]).await.stdout);
    assert!(sync.contains("there are no profiles; has a source been imported?"), "{sync}");
}
