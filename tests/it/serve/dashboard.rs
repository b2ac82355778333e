//! The dashboard, the page and the metrics that there are name each other.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Host, ids, people, until_braze_has};
use crate::support::{World, root};

/// The families that a text names: words that begin like a metric, without what a histogram adds.
fn families(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let metrics = words.filter(|word| word.starts_with("enroute_") || word.starts_with("process_"));
    let plain = |word: &str| {
        let ends = ["_bucket", "_sum", "_count", "_total"];
        ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
    };
    metrics.map(plain).collect()
}

/// The expressions of a dashboard.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("expr").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| expressions(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

fn dashboard() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/dashboard.json")).expect("the dashboard is there");
    let mut found = Vec::new();
    expressions(&serde_json::from_str(&text).expect("JSON"), &mut found);
    families(&found.join("\n"))
}

fn page() -> BTreeSet<String> {
    let page = std::fs::read_to_string(root().join("docs/serving.md")).expect("the page is there");
    families(&page.lines().filter(|line| line.starts_with("| `")).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_and_the_page_name_the_metrics_that_there_are_and_no_others() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    until_braze_has(&host, &world, &ids(0..3)).await;
    host.until(|told| told["connections"]["gold/braze-eu"]["state"] == "idle").await;
    host.get("/ready").await;
    let (_, text) = host.get("/metrics").await;
    host.stop().await;
    let titles = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let there: BTreeSet<String> = titles.map(|name| name.to_owned()).collect();
    let (page, dashboard) = (page(), dashboard());
    // What this host had no reason to tell has no title there; the page's other names stand in the code.
    let unknown: Vec<_> =
        there.iter().filter(|name| !page.contains(name.as_str()) && *name != "enroute_build").collect();
    assert!(unknown.is_empty(), "docs/serving.md does not name {unknown:?}");
    let astray: Vec<_> = dashboard.difference(&page).collect();
    assert!(astray.is_empty(), "docs/dashboard.json asks for {astray:?}, which docs/serving.md does not name");
    let code: String = ["metrics.rs", "work.rs", "ingest/figures.rs"]
        .map(|file| std::fs::read_to_string(root().join("host/server/src").join(file)).expect("code"))
        .concat();
    let is_made = |name: &str| {
        let bare = name.trim_start_matches("enroute_");
        let as_written = [bare, bare.trim_end_matches("_seconds"), bare.trim_end_matches("_info")];
        as_written.iter().any(|name| code.contains(&format!("\"{name}\"")))
    };
    let invented: Vec<_> = page.iter().filter(|name| !is_made(name)).collect();
    assert!(invented.is_empty(), "docs/serving.md names {invented:?}, which nothing tells");
    assert!(text.contains("enroute_destination_requests_total{destination=\"braze-eu\""), "{text}");
    assert!(text.contains("enroute_sandbox_cpu_seconds_total{plugin=\"braze\",call=\"map\"}"), "{text}");
}
