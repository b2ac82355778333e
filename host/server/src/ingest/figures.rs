//! What is counted of calls, for those who scrape metrics.

use std::fmt;
use std::sync::Arc;

use enroute_store::inbox::Inbox;
use enroute_sync::Clock;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::ingest::tracking::Tracking;

/// Label values of one series.
type Labels = Vec<(&'static str, String)>;

/// Tells what was counted, each time it is asked.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) tracking: Tracking,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) clock: Clock,
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counted = self.tracking.counted();
        let requests = counted.requests.into_iter();
        let requests = requests.map(|((source, code), count)| (labels(source, [("code", code.to_string())]), count));
        family(&mut encoder, "ingest_requests", "Requests of the tracking API", requests)?;
        let calls = counted.calls.into_iter().map(|((source, kind, fate), count)| {
            (labels(source, [("type", kind.to_string()), ("outcome", fate.to_owned())]), count)
        });
        family(&mut encoder, "ingest_calls", "Calls that were moved into the store", calls)?;
        let dropped = counted.dropped.into_iter();
        let dropped = dropped.map(|((source, why), count)| (labels(source, [("reason", why.to_owned())]), count));
        family(&mut encoder, "ingest_dropped", "Calls that were answered and not kept", dropped)?;
        let retries = counted.retries.into_iter().map(|(source, count)| (labels(source, []), count));
        family(&mut encoder, "ingest_retries", "Requests that were sent before", retries)?;
        let moved = counted.moved.into_iter().map(|(source, count)| (labels(source, []), count));
        family(&mut encoder, "ingest_moved", "Calls moved by more than a minute, as a clock is wrong", moved)?;
        let wrong = ConstCounter::new(counted.wrong_keys);
        let told = "Requests with a write key that no source has";
        wrong.encode(encoder.encode_descriptor("ingest_wrong_keys", told, None, MetricType::Counter)?)?;
        let now_ms = self.clock.now_ms().cast_signed();
        let age_s = self.inbox.oldest_ms().map_or(0, |oldest| now_ms.saturating_sub(oldest).max(0) / 1000);
        let gauges = [
            ("ingest_waiting_bytes", "Bytes that are not durable yet", self.inbox.waiting_bytes().cast_signed()),
            ("inbox_calls", "Calls that wait to be moved into the store", self.inbox.calls().cast_signed()),
            ("inbox_oldest_seconds", "How long the oldest of them waits", age_s),
        ];
        for (name, help, value) in gauges {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

fn labels<const N: usize>(source: String, others: [(&'static str, String); N]) -> Labels {
    [("source", source)].into_iter().chain(others).collect()
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl Iterator<Item = (Labels, u64)>,
) -> fmt::Result {
    let mut family: MetricEncoder<'_> = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in series {
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use enroute_store::Store;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn what_was_counted_is_told_with_its_source() {
        let dir = tempfile::TempDir::new().unwrap();
        let store = Store::open(&dir.path().join("state")).unwrap();
        let inbox = Arc::new(Inbox::open(&store).unwrap());
        let clock = Clock::starting_at(5);
        let tracking = Tracking::new(Arc::clone(&inbox), store.sealer().clone(), clock.clone(), false);
        tracking.counts().lock().dropped.insert(("app".to_owned(), "call_type"), 3);
        let mut registry = Registry::with_prefix("enroute");
        registry.register_collector(Box::new(Figures { tracking, inbox, clock }));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(text.contains("enroute_ingest_dropped_total{source=\"app\",reason=\"call_type\"} 3\n"), "{text}");
        assert!(text.contains("enroute_inbox_calls 0\n"), "{text}");
    }
}
