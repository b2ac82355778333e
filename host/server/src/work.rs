//! What is counted of the work itself, for those who scrape metrics: requests, waits, CPU time, commits, connections; and
//! what the process takes of the machine.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use enroute_core::durations::Durations;
use enroute_store::Store;
use enroute_store::inbox::Inbox;
use enroute_sync::Figures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::listen::Seen;

type Labels<const N: usize> = [(&'static str, String); N];

/// Tells what was counted of the work, each time it is asked.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) figures: Arc<Figures>,
    pub(crate) store: Arc<Store>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) seen: Arc<Seen>,
}

impl Collector for Work {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counted = self.figures.counted();
        let requests = counted.requests.into_iter().map(|((destination, operation, code), count)| {
            ([("destination", destination), ("operation", operation), ("code", code.to_owned())], count)
        });
        counters(&mut encoder, "destination_requests", "Requests to destinations", requests)?;
        let answers = counted.answers.into_iter().map(|(destination, took)| ([("destination", destination)], took));
        let told = "Time until a destination answered";
        histograms(&mut encoder, "destination_request_duration_seconds", told, answers)?;
        let at = |(destination, bucket)| [("destination", destination), ("bucket", bucket)];
        let waits = counted.waits.into_iter().map(|(key, took)| (at(key), took.as_secs_f64()));
        counters(&mut encoder, "bucket_wait_seconds", "Time that was waited for turns at a bucket", waits)?;
        let throttled = counted.throttled.into_iter().map(|(key, count)| (at(key), count));
        let told = "Answers that said that there were too many requests";
        counters(&mut encoder, "bucket_throttled", told, throttled)?;
        let cpu = counted
            .cpu
            .into_iter()
            .map(|((plugin, call), took)| ([("plugin", plugin), ("call", call.to_owned())], took.as_secs_f64()));
        counters(&mut encoder, "sandbox_cpu_seconds", "CPU time inside the sandbox", cpu)?;
        let files = [("store", self.store.commits()), ("inbox", self.inbox.commits())];
        let commits = files.into_iter().map(|(file, took)| ([("file", file.to_owned())], took));
        let told = "Time that a commit took, with what was written in it";
        histograms(&mut encoder, "store_commit_seconds", told, commits)?;
        self.connections(&mut encoder)
    }
}

impl Work {
    fn connections(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let seen = &self.seen;
        gauge(encoder, "http_connections", "Connections that are open", seen.connections.load(Relaxed).cast_signed())?;
        let refused = [
            ("foreign_host", &seen.foreign_hosts),
            ("slow_body", &seen.slow_bodies),
            ("large_body", &seen.large_bodies),
            ("exhausted", &seen.exhausted),
        ];
        let refused = refused.into_iter().map(|(why, count)| ([("reason", why.to_owned())], count.load(Relaxed)));
        counters(encoder, "http_refusals", "What was refused before any route saw it", refused)
    }
}

/// What the process takes of the machine, under the names that are usual everywhere.
#[derive(Debug)]
pub(crate) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Where the system does not tell, nothing is told.
        let Some(taken) = Taken::now() else { return Ok(()) };
        let cpu = ConstCounter::new(taken.cpu.as_secs_f64());
        let told = "CPU time of the process";
        cpu.encode(encoder.encode_descriptor("process_cpu_seconds", told, None, MetricType::Counter)?)?;
        gauge(&mut encoder, "process_resident_memory_bytes", "Memory of the process", taken.memory_bytes)?;
        gauge(&mut encoder, "process_open_fds", "Open descriptors", taken.descriptors)?;
        gauge(&mut encoder, "process_threads", "Threads", taken.threads)
    }
}

struct Taken {
    cpu: Duration,
    memory_bytes: i64,
    descriptors: i64,
    threads: i64,
}

impl Taken {
    fn now() -> Option<Self> {
        /// What the kernel counts CPU time in, for every program.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the program's name, which may have blanks.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<i64>().ok());
        let ticks = u32::try_from(field(14)? + field(15)?).ok()?;
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: i64 = resident.trim().trim_end_matches("kB").trim().parse().ok()?;
        let descriptors = i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()?;
        Some(Self { cpu: TICK * ticks, memory_bytes: kib * 1024, descriptors, threads: field(20)? })
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn counters<const N: usize, V>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl Iterator<Item = (Labels<N>, V)>,
) -> fmt::Result
where
    V: prometheus_client::encoding::EncodeCounterValue,
{
    let mut family: MetricEncoder<'_> = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in series {
        family.encode_family(&labels)?.encode_counter::<NoLabelSet, V, f64>(&value, None)?;
    }
    Ok(())
}

fn histograms<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl Iterator<Item = (Labels<N>, Durations)>,
) -> fmt::Result {
    let mut family: MetricEncoder<'_> = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (labels, took) in series {
        let classes: Vec<(f64, u64)> = took.classes().collect();
        let sum = took.sum().as_secs_f64();
        family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, took.count(), &classes, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn what_the_process_takes_is_told_under_its_usual_names() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for name in ["process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds "] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            assert!(value.parse::<f64>().unwrap() >= 0.0, "{text}");
        }
    }

    #[test]
    fn commits_are_told_as_a_histogram_that_ends_in_infinity() {
        let dir = tempfile::TempDir::new().unwrap();
        let store = Arc::new(Store::open(&dir.path().join("state")).unwrap());
        let inbox = Arc::new(Inbox::open(&store).unwrap());
        store.write_blocking(|_| Ok(())).unwrap();
        let mut registry = Registry::with_prefix("enroute");
        let (figures, seen) = (Arc::default(), Arc::default());
        registry.register_collector(Box::new(Work { figures, store, inbox, seen }));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(text.contains("enroute_store_commit_seconds_count{file=\"store\"} 1\n"), "{text}");
        assert!(
            text.contains("enroute_store_commit_seconds_bucket{file=\"store\",le=\"+Inf\"} 1\n")
                || text.contains("enroute_store_commit_seconds_bucket{le=\"+Inf\",file=\"store\"} 1\n"),
            "{text}"
        );
    }
}
