//! A host that is told to stop while many clients talk to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use enroute_fakes::Client;
use enroute_host::store::Store;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Host, people};
use crate::support::{AUDIENCES, World};

const CLIENTS: usize = 50;

/// Says one person after the other until the host takes no more; returns those who were answered with 200, and all.
async fn talk(at: SocketAddr, client: usize, taken: Arc<AtomicUsize>) -> (Vec<String>, Vec<String>) {
    let (mut answered, mut said) = (Vec::new(), Vec::new());
    let Ok(mut connection) = Client::connect(at).await else { return (answered, said) };
    for number in 0.. {
        let id = format!("c{client}-{number}");
        said.push(id.clone());
        let call = json!({ "userId": id, "event": "Order", "messageId": id, "writeKey": "wk_flood" });
        match connection.post("/v1/track", call.to_string().as_bytes()).await {
            Ok((200, _)) => {
                taken.fetch_add(1, Ordering::SeqCst);
                answered.push(id);
            }
            _ => break,
        }
    }
    (answered, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_who_talk_while_a_host_stops_lose_nothing_that_was_taken_and_nothing_is_kept_twice() {
    let world = World::new().await;
    people(&world, 0..1);
    world.write("app.key", "wk_flood");
    let listens = "[source.app]\nholds = \"events\"\nlisten = true\nkey = \"${file:app.key}\"\n\n";
    world.write("audiences.toml", &format!("{listens}{AUDIENCES}"));
    let host = Host::start(&world).await;
    let (at, taken) = (host.at(), Arc::<AtomicUsize>::default());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(talk(at, client, Arc::clone(&taken)));
    }
    while taken.load(Ordering::SeqCst) < 10 * CLIENTS {
        host.get("/ready").await;
    }
    host.stop().await;
    let (mut answered, mut said) = (BTreeSet::new(), BTreeSet::new());
    while let Some(talked) = clients.join_next().await {
        let (these, all) = talked.expect("a client comes to its end");
        answered.extend(these);
        said.extend(all);
    }
    assert!(answered.len() >= 10 * CLIENTS);

    let host = Host::start(&world).await;
    while !host.get("/metrics").await.1.contains("\nenroute_inbox_calls 0\n") {}
    let told = host.until(|told| told["sources"]["crm"]["state"] == "idle").await;
    assert!(told["sources"]["app"].is_null(), "what listens is never read: {told:#}");
    host.stop().await;
    let reader = Store::open_read(&world.state()).expect("the store opens");
    let kept: BTreeMap<String, u64> = reader.event_counts().expect("events are counted").into_iter().collect();
    let lost: Vec<_> = answered.iter().filter(|id| kept.get(*id) != Some(&1)).collect();
    assert!(lost.is_empty(), "of {} who were taken, these are not there once: {lost:?}", answered.len());
    let strange: Vec<_> = kept.iter().filter(|(id, count)| **count > 0 && !said.contains(*id)).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
