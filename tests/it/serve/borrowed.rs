//! Commands beside a host: it lends them the store, and goes on when they are through.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{Host, command, ids, people, until_braze_has};
use crate::support::{World, enroute};

#[tokio::test(flavor = "multi_thread")]
async fn commands_print_what_they_always_print_and_the_host_goes_on() {
    let world = World::new().await;
    people(&world, 0..5);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..5)).await;
    let socket = std::fs::metadata(world.state().join("serve.sock")).expect("it is there");
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);

    let (code, report) = command(&world, &["sync"]).await;
    assert_eq!((code, report["connections"].as_array().map(Vec::len)), (0, Some(2)), "{report:#}");
    for (args, expect) in [
        (&["import"][..], 0),
        (&["check"][..], 0),
        (&["plan"][..], 0),
        (&["retry"][..], 0),
        (&["resync", "gold", "--yes"][..], 0),
        (&["status"][..], 0),
        (&["explain", "u1"][..], 0),
        (&["forget", "u1", "--yes"][..], 0),
        (&["resync", "silver"][..], 2),
    ] {
        let (code, document) = command(&world, args).await;
        assert_eq!(code, expect, "{args:?}: {document:#}");
    }
    let expect: std::collections::BTreeSet<String> = ids(0..8).into_iter().filter(|id| id != "u1").collect();
    people(&world, 0..8);
    until_braze_has(&host, &world, &expect).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_borrower_is_killed_goes_on() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..3)).await;
    let held = enroute_fakes::faults::Latch::default();
    let hold = enroute_fakes::faults::Action::Hold(held.clone());
    world.braze.server().fault(enroute_fakes::Fault::always(hold).path("/users/track").from_call(1));
    let seen = world.braze.server().seen();
    let mut borrower = tokio::process::Command::from(enroute());
    borrower.arg("-C").arg(world.folder.path()).args(["resync", "gold", "--yes"]).kill_on_drop(true);
    let mut borrower = borrower.spawn().expect("the binary starts");
    world.braze.server().until_seen(seen + 1).await;
    let told = host.until(|told| !told["lent"].as_array().unwrap().is_empty()).await;
    assert!(told["lent"][0].as_str().is_some_and(|name| name.starts_with("resync (process ")), "{told:#}");
    borrower.kill().await.expect("it is killed");
    world.braze.server().clear_faults();
    held.open();
    people(&world, 0..4);
    until_braze_has(&host, &world, &ids(0..4)).await;
    host.until(|told| told["lent"] == json!([])).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_in_the_folder_is_refused_and_so_is_an_address_that_others_reach() {
    let world = World::new().await;
    people(&world, 0..1);
    let host = Host::start(&world).await;
    let (code, document) = command(&world, &["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!((code, document["error"].as_str()), (1, Some("the store cannot be opened")), "{document:#}");
    host.stop().await;
    let (code, document) = command(&world, &["serve", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(code, 2, "{document:#}");
    let (code, document) = command(&world, &["reload"]).await;
    assert_eq!((code, document["error"].as_str()), (1, Some("no `enroute serve` runs in this folder")), "{document:#}");
}
