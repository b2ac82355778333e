//! How a host ends, and how it begins again.

use enroute_fakes::Fault;
use enroute_fakes::faults::{Action, Latch};
use tokio::net::UnixDatagram;

use super::{Host, command, ids, people, until_braze_has};
use crate::support::World;

/// A world of 300 people: Braze takes them in requests of 75 at most.
async fn world() -> World {
    let world = World::new().await;
    people(&world, 0..300);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_told_to_stop_waits_for_what_is_in_flight_and_repeats_nothing() {
    let world = world().await;
    let latch = Latch::default();
    world.braze.server().fault(Fault::always(Action::Hold(latch.clone())).path("/users/track").from_call(2));
    let mut host = Host::start(&world).await;
    world.braze.server().until_seen(2).await;
    host.signal("-TERM");
    host.says("stopping:").await;
    latch.open();
    let (code, told) = host.end().await;
    assert_eq!(code, 0, "{told}");
    let requests = world.braze.server().requests();
    assert!(requests.iter().all(|request| request.status.is_some()), "what was in flight was waited for");
    world.braze.server().clear_faults();
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..300)).await;
    let sent: usize = world
        .braze
        .server()
        .requests()
        .iter()
        .filter_map(enroute_fakes::Recorded::json)
        .map(|body| body["attributes"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(sent, 300, "nobody was sent twice");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_host_at_once() {
    let world = world().await;
    let latch = Latch::default();
    world.braze.server().fault(Fault::always(Action::Hold(latch.clone())).path("/users/track"));
    let mut host = Host::start(&world).await;
    world.braze.server().until_seen(1).await;
    host.signal("-TERM");
    host.says("stopping:").await;
    host.signal("-TERM");
    let (code, told) = host.end().await;
    assert_eq!(code, 1, "{told}");
    latch.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_killed_goes_on_by_itself_when_it_starts_again() {
    let world = world().await;
    world.braze.server().fault(Fault::always(Action::Hang).path("/users/track").from_call(2));
    let host = Host::start(&world).await;
    world.braze.server().until_seen(2).await;
    host.kill().await;
    world.braze.server().clear_faults();
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..300)).await;
    host.until(|told| told["connections"].as_object().unwrap().values().all(|one| one["state"] == "idle")).await;
    assert_eq!(world.facebook_emails().len(), 300);
    host.stop().await;
    let (code, _) = command(&world, &["sync"]).await;
    assert_eq!(code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_is_told_when_it_is_ready_and_when_it_stops() {
    let world = World::new().await;
    people(&world, 0..1);
    let path = world.folder.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let host = Host::start_with(&world, &[("NOTIFY_SOCKET", path.to_str().expect("text"))]).await;
    let told = async |word: &str| {
        let mut bytes = [0; 4_096];
        loop {
            let read = socket.recv(&mut bytes).await.expect("it tells");
            if String::from_utf8_lossy(&bytes[..read]).lines().any(|line| line == word) {
                return;
            }
        }
    };
    told("READY=1").await;
    host.signal("-TERM");
    told("STOPPING=1").await;
    assert_eq!(host.end().await.0, 0);
}
