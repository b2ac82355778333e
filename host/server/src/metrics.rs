//! What Prometheus scrapes, as OpenMetrics text.
//!
//! Values of labels come from the configuration, the contract or a closed list, never from a request or a person. What a
//! plugin makes up, its codes, is cut at a number for each connection; a connection that is taken out takes its series
//! along.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use enroute_sync::{LinkReport, LinkState, RunReport};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::work::Process;

/// Codes of one connection that are told apart.
const CODES_MAX: usize = 50;
/// What other codes are called.
const OTHER: &str = "other";
/// The type of the text that is served.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Float = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Named {
    connection: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    connection: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    connection: String,
    reason: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Waits {
    connection: String,
    why: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Result {
    connection: String,
    result: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Paused {
    destination: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Audience {
    audience: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Fault {
    plugin: String,
    kind: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Scheduled {
    schedule: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Source {
    source: String,
    result: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct InFile {
    file: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Http {
    route: String,
    method: &'static str,
    code: u16,
}

/// All metrics of the host.
pub(crate) struct Metrics {
    registry: Registry,
    /// What has no prefix.
    process: Registry,
    members: Family<Outcome, Counter>,
    rejections: Family<Reason, Counter>,
    waiting: Family<Waits, Gauge>,
    runs: Family<Result, Counter>,
    run_seconds: Family<Named, Histogram, fn() -> Histogram>,
    paused: Family<Paused, Gauge>,
    audience: Family<Audience, Gauge>,
    faults: Family<Fault, Counter>,
    schedules: Family<Scheduled, Float>,
    in_force: Gauge,
    loaded: Float,
    reloads: Family<Reload, Counter>,
    imports: Family<Source, Counter>,
    store: Family<InFile, Gauge>,
    store_log: Family<InFile, Gauge>,
    http: Family<Http, Counter>,
    /// The codes of each connection that have a series of their own.
    codes: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

impl Metrics {
    /// The same with what another part counts.
    pub(crate) fn with(mut self, other: impl Collector) -> Self {
        self.registry.register_collector(Box::new(other));
        self
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn run_seconds() -> Histogram {
    Histogram::new([0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0])
}

macro_rules! registered {
    ($registry:ident; $($name:ident: $what:expr, $title:literal, $help:literal;)*) => {
        $(let $name = $what; $registry.register($title, $help, $name.clone());)*
    };
}

impl Metrics {
    pub(crate) fn new(version: &'static str) -> Self {
        let mut registry = Registry::with_prefix("enroute");
        let build = vec![("version", version), ("contract", "0.1")];
        registry.register("build", "Version of the host and of its contract", Info::new(build));
        let run = Family::new_with_constructor(run_seconds as fn() -> Histogram);
        registry.register_with_unit("run_duration", "Time that a run took", Unit::Seconds, run.clone());
        registered! { registry;
            members: Family::default(), "members", "Members by what became of them";
            rejections: Family::default(), "rejections", "Members who were rejected, by reason";
            waiting: Family::default(), "waiting_members", "Members who wait";
            runs: Family::default(), "runs", "Runs by how they ended";
            paused: Family::default(), "destination_paused", "Whether a person has to look at a destination";
            audience: Family::default(), "audience_members", "People in an audience";
            faults: Family::default(), "plugin_faults", "Calls of a plugin that failed in it";
            schedules: Family::default(), "schedule_due_timestamp_seconds", "When a schedule has its next slot";
            in_force: Gauge::default(), "config_in_force", "Whether what is in the files is in force";
            loaded: Float::default(), "config_loaded_timestamp_seconds", "When what is in force was loaded";
            reloads: Family::default(), "config_reloads", "Edits by what became of them";
            imports: Family::default(), "imports", "Readings of a source by how they ended";
            store: Family::default(), "store_bytes", "Size of a file of the store";
            store_log: Family::default(), "store_wal_bytes", "Size of the log of a file of the store";
            http: Family::default(), "http_requests", "Requests by route, method and status";
        }
        let mut process = Registry::default();
        process.register_collector(Box::new(Process));
        Self {
            registry,
            process,
            members,
            rejections,
            waiting,
            runs,
            run_seconds: run,
            paused,
            audience,
            faults,
            schedules,
            in_force,
            loaded,
            reloads,
            imports,
            store,
            store_log,
            http,
            codes: Mutex::default(),
        }
    }

    /// Adds what a run of a connection did.
    pub(crate) fn ran(&self, connection: &str, report: &RunReport) {
        let took = seconds(report.ended_ms.saturating_sub(report.started_ms));
        self.run_seconds.get_or_create(&Named { connection: connection.to_owned() }).observe(took);
        for link in &report.connections {
            self.linked(connection, link);
        }
    }

    fn linked(&self, connection: &str, link: &LinkReport) {
        let name = || connection.to_owned();
        for (outcome, members) in link.outcomes.words() {
            self.members.get_or_create(&Outcome { connection: name(), outcome }).inc_by(members);
        }
        for rejected in &link.rejections {
            let reason = self.code(connection, &rejected.code);
            self.rejections.get_or_create(&Reason { connection: name(), reason }).inc_by(rejected.members);
        }
        for (why, state) in [("retry", "deferred"), ("ticket", "accepted"), ("unknown", "unknown")] {
            let members = link.waiting.iter().filter(|one| one.code == state).map(|one| one.members).sum::<u64>();
            self.waiting.get_or_create(&Waits { connection: name(), why }).set(members.cast_signed());
        }
        let result = match link.state {
            LinkState::Done => "done",
            LinkState::Waiting => "waiting",
            LinkState::Paused => "paused",
            LinkState::Guarded => "guarded",
            LinkState::Failed => "failed",
            LinkState::Interrupted => "interrupted",
        };
        self.runs.get_or_create(&Result { connection: name(), result }).inc();
        if link.state != LinkState::Interrupted {
            let needs_person = i64::from(link.state == LinkState::Paused);
            self.paused.get_or_create(&Paused { destination: link.destination.clone() }).set(needs_person);
        }
        if matches!(link.state, LinkState::Done | LinkState::Waiting) {
            let audience = Audience { audience: link.audience.clone() };
            self.audience.get_or_create(&audience).set(link.people.cast_signed());
        }
        for fault in &link.faults {
            let plugin = link.plugin.split(' ').next().unwrap_or_default().to_owned();
            let kind = fault.code.to_string();
            self.faults.get_or_create(&Fault { plugin, kind }).inc_by(fault.times);
        }
    }

    /// The code, or what others are called where there are too many.
    fn code(&self, connection: &str, code: &str) -> String {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = codes.entry(connection.to_owned()).or_default();
        if known.contains(code) || known.len() < CODES_MAX {
            known.insert(code.to_owned());
            return code.to_owned();
        }
        OTHER.to_owned()
    }

    /// Takes a connection's series out.
    pub(crate) fn forget(&self, connection: &str) {
        let name = || connection.to_owned();
        for outcome in ["delivered", "unchanged", "rejected", "deferred", "accepted", "unknown"] {
            self.members.remove(&Outcome { connection: name(), outcome });
        }
        for why in ["retry", "ticket", "unknown"] {
            self.waiting.remove(&Waits { connection: name(), why });
        }
        for result in ["done", "waiting", "paused", "guarded", "failed", "interrupted"] {
            self.runs.remove(&Result { connection: name(), result });
        }
        self.run_seconds.remove(&Named { connection: name() });
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(connection).unwrap_or_default();
        for reason in codes.into_iter().chain([OTHER.to_owned()]) {
            self.rejections.remove(&Reason { connection: name(), reason });
        }
    }

    /// The next slot of a schedule; nothing where it has none any more.
    pub(crate) fn scheduled(&self, schedule: &str, slot_ms: Option<u64>) {
        let label = Scheduled { schedule: schedule.to_owned() };
        match slot_ms {
            Some(slot_ms) => drop(self.schedules.get_or_create(&label).set(seconds(slot_ms))),
            None => drop(self.schedules.remove(&label)),
        }
    }

    /// A configuration came into force, or an edit was refused.
    pub(crate) fn reloaded(&self, loaded_ms: Option<u64>) {
        let result = if loaded_ms.is_some() { "loaded" } else { "refused" };
        self.reloads.get_or_create(&Reload { result }).inc();
        self.in_force.set(i64::from(loaded_ms.is_some()));
        if let Some(loaded_ms) = loaded_ms {
            self.loaded.set(seconds(loaded_ms));
        }
    }

    /// A source was read.
    pub(crate) fn imported(&self, source: &str, is_good: bool) {
        let result = if is_good { "done" } else { "failed" };
        self.imports.get_or_create(&Source { source: source.to_owned(), result }).inc();
    }

    /// A request was answered. The route is a pattern of ours.
    pub(crate) fn answered(&self, route: &str, method: &str, code: u16) {
        let method = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"].into_iter().find(|known| *known == method);
        let label = Http { route: route.to_owned(), method: method.unwrap_or(OTHER), code };
        self.http.get_or_create(&label).inc();
    }

    /// The text of all metrics; sizes of the files of this state folder are taken now.
    ///
    /// # Errors
    /// When a value cannot be written as text.
    pub(crate) fn text(&self, state: &Path) -> std::result::Result<String, fmt::Error> {
        let size = |name: &str| std::fs::metadata(state.join(name)).map_or(0, |file| file.len()).cast_signed();
        for (file, name, log) in [("store", "store.db", "store.db-wal"), ("inbox", "inbox.db", "inbox.db-wal")] {
            self.store.get_or_create(&InFile { file }).set(size(name));
            self.store_log.get_or_create(&InFile { file }).set(size(log));
        }
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &self.process)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Milliseconds as seconds.
fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded_whatever_comes_from_outside() {
        let metrics = Metrics::new("0.1.0");
        let folder = tempfile::tempdir().unwrap();
        for number in 0..10_000 {
            metrics.answered("/health", &format!("M{number}"), 200);
            metrics.code("a/b", &format!("code_{number}"));
        }
        let text = metrics.text(folder.path()).unwrap();
        assert_eq!(text.matches("enroute_http_requests_total{").count(), 1, "{text}");
        assert_eq!(metrics.code("a/b", "code_3"), "code_3");
        assert_eq!(metrics.code("a/b", "code_9999"), "other");
        assert!(text.ends_with("# EOF\n") && text.contains("enroute_build_info{version=\"0.1.0\""), "{text}");
    }

    #[test]
    fn a_connection_that_is_taken_out_takes_its_series_along() {
        let metrics = Metrics::new("0.1.0");
        let folder = tempfile::tempdir().unwrap();
        metrics.members.get_or_create(&Outcome { connection: "a/b".to_owned(), outcome: "delivered" }).inc();
        metrics.scheduled("connection/a/b", Some(1_500));
        let text = metrics.text(folder.path()).unwrap();
        assert!(text.contains("enroute_members_total{connection=\"a/b\",outcome=\"delivered\"} 1"), "{text}");
        assert!(text.contains("enroute_schedule_due_timestamp_seconds{schedule=\"connection/a/b\"} 1.5"), "{text}");
        metrics.forget("a/b");
        metrics.scheduled("connection/a/b", None);
        assert!(!metrics.text(folder.path()).unwrap().contains("a/b"));
    }
}
