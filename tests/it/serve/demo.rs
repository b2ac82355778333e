//! `enroute demo --serve`: everything at work on one machine, until it is told to stop.

use super::Host;
use crate::support::{enroute, root};

/// The value of the series that begins with this, and none where there is no such series.
fn value(metrics: &str, series: &str) -> Option<u64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_in_a_host_to_which_people_and_events_come_by_themselves() {
    let mut command = tokio::process::Command::from(enroute());
    command.args(["--json", "demo", "--serve", "--listen", "127.0.0.1:0", "--profiles", "20", "--events", "40"]);
    command.arg("--plugins").arg(root().join("target/plugins"));
    let host = Host::started(command).await;
    let told = host.until(|told| told["connections"]["gold_customers/braze-eu"]["state"] == "idle").await;
    assert_eq!(told["connections"].as_object().map(serde_json::Map::len), Some(7), "{told:#}");
    let taken = "enroute_ingest_calls_total{source=\"app\",type=\"identify\",outcome=\"kept\"}";
    let arrived = "enroute_members_total{connection=\"gold_customers/braze-eu\",outcome=\"delivered\"}";
    loop {
        let (_, metrics) = host.get("/metrics").await;
        assert!(!metrics.contains("enroute_ingest_dropped_total{"), "{metrics}");
        // Ten are in the file; whoever is beyond them came over the tracking API.
        if value(&metrics, taken).is_some_and(|calls| calls >= 20)
            && value(&metrics, arrived).is_some_and(|members| members >= 15)
        {
            break;
        }
    }
    host.stop().await;
}
