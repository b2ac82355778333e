//! More calls at a time than the sandbox has places for: nobody is at fault, and everybody gets a turn.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use enroute_core::batch::{Batch, Change};
use enroute_core::cells::Value;
use enroute_core::request::{Method, Response};
use enroute_host::catalog::{load_plugin, read_file};
use enroute_host::egress::Failure;
use enroute_host::runtime::{Connection, DeliveryWork, Limits, Outlet, Plugin, RequestKind, Work};
use tokio::sync::Semaphore;

use crate::support::{plugin, runtime};

/// Places that the sandbox has.
const PLACES: usize = 64;
const CALLS: usize = PLACES + 16;

/// A destination that answers nobody until it is opened.
struct Closed {
    waiting: AtomicUsize,
    gate: Semaphore,
}

impl Outlet for Closed {
    fn send(&self, _: RequestKind) -> Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + '_>> {
        Box::pin(async move {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            drop(self.gate.acquire().await);
            Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })
        })
    }
}

fn load(id: &str, runtime: &enroute_host::runtime::Runtime) -> Plugin {
    let bytes = read_file(&plugin(id)).expect("the plugin is read");
    load_plugin(runtime, id, &bytes, None).expect("it is loaded").plugin
}

fn work() -> Work {
    let mut members = Batch::new(1, 1, 0);
    members.profiles.push(1);
    members.changes.push(Change::Added);
    members.identifiers.push(Value::Text("u1"));
    members.values.push(Value::Text("a"));
    let requests = vec![(vec![0], Method::Post, vec!["members".to_owned()])];
    Work::Deliver(Box::new(DeliveryWork { operation: "post".to_owned(), members, requests }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_holds_every_place_is_waited_for_and_costs_nobody_a_fault() {
    let runtime = runtime(Limits::default());
    let (misfit, braze) = (load("misfit", &runtime), load("braze", &runtime));
    let closed = Arc::new(Closed { waiting: AtomicUsize::new(0), gate: Semaphore::new(0) });
    let connection = Connection {
        settings: r#"{"base_url": "https://api.example.com", "mode": "ok"}"#.to_owned(),
        identifier_fields: vec!["id".to_owned()],
        rows: vec![("value".to_owned(), "value".to_owned())],
        limits: vec![("post".to_owned(), 100, 1 << 20)],
        ..Connection::default()
    };
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let (misfit, connection, closed) = (misfit.clone(), connection.clone(), Arc::clone(&closed));
            tokio::spawn(async move { misfit.send(&connection, &work(), closed).await.map(|_| ()) })
        })
        .collect();
    while closed.waiting.load(Ordering::SeqCst) < PLACES {
        tokio::task::yield_now().await;
    }
    let other = Connection { settings: "{}".to_owned(), ..Connection::default() };
    let neighbour = tokio::spawn(async move { braze.validate(&other).await.map(|_| ()) });
    closed.gate.add_permits(CALLS);
    for call in calls {
        assert_eq!(call.await.expect("it ends"), Ok(()));
    }
    assert_eq!(neighbour.await.expect("it ends"), Ok(()));
}
