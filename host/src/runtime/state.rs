//! What one instance can see of the host: limits, a closed world, a log, and in `send` an outlet.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use enroute_core::request::{Item, Request, Response};
use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::runtime::bindings::enroute::destination::{http, log, normalize, types};
use crate::runtime::convert;
use crate::runtime::limits::{self, Limits};

/// What a request is, as the plugin asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// Number so-and-so of the delivery, whose bytes the host keeps.
    Prepared {
        /// Position among the delivery's requests.
        index: u32,
        /// Fills slots of that kind.
        learned: Vec<Item>,
    },
    /// Follows from an answer.
    Derived {
        /// One of the manifest's kinds.
        kind: String,
        /// The request.
        request: Request,
    },
}

use crate::egress::Failure;

/// The way out of the sandbox, for one `send`.
pub trait Outlet: Send + Sync + 'static {
    /// Sends one request and returns its answer.
    fn send(&self, request: RequestKind) -> Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + '_>>;
}

/// One line that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// The message, with control characters escaped.
    pub message: String,
}

pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    pub(super) store_limits: StoreLimits,
    pub(super) stderr: MemoryOutputPipe,
    pub(super) log: Vec<LogLine>,
    pub(super) log_dropped: u64,
    log_bytes: usize,
    limits: Limits,
    outlet: Option<Arc<dyn Outlet>>,
    requests: u32,
}

impl State {
    /// The world of one call: without an outlet it has no network, a frozen clock and fixed random numbers.
    pub(super) fn new(limits: Limits, outlet: Option<Arc<dyn Outlet>>) -> Self {
        let stderr = MemoryOutputPipe::new(limits.log_bytes);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(stderr.clone()).stderr(stderr.clone());
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        wasi.max_random_size(limits::RANDOM_BYTES_MAX);
        if outlet.is_none() {
            wasi.wall_clock(Frozen).monotonic_clock(Frozen).insecure_random_seed(0);
            wasi.secure_random(wasmtime_wasi::random::Deterministic::new(vec![4, 2]));
            wasi.insecure_random(wasmtime_wasi::random::Deterministic::new(vec![4, 2]));
        }
        let store_limits = StoreLimitsBuilder::new()
            .memory_size(limits.memory_bytes)
            .memories(limits::MEMORIES_MAX)
            .tables(limits::TABLES_MAX)
            .table_elements(limits::TABLE_SLOTS_MAX)
            .instances(limits::INSTANCES_MAX)
            .trap_on_grow_failure(true)
            .build();
        Self {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            store_limits,
            stderr,
            log: Vec::new(),
            log_dropped: 0,
            log_bytes: 0,
            limits,
            outlet,
            requests: 0,
        }
    }

    async fn out(&mut self, request: RequestKind) -> Result<Response, Failure> {
        let outlet = self.admit(1)?;
        outlet.send(request).await
    }

    /// Counts requests against the budget of the call.
    fn admit(&mut self, requests: u32) -> Result<Arc<dyn Outlet>, Failure> {
        let outlet =
            self.outlet.clone().ok_or_else(|| Failure::Denied("the network is open in `send` only".to_owned()))?;
        self.requests = self.requests.saturating_add(requests);
        if self.requests > self.limits.requests {
            return Err(Failure::Denied(format!("a call may make {} requests", self.limits.requests)));
        }
        Ok(outlet)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for State {}

impl http::Host for State {
    async fn send_prepared(
        &mut self,
        index: u32,
        learned: Vec<types::Item>,
    ) -> Result<types::Response, types::Failure> {
        let learned = learned.into_iter().map(convert::item).collect();
        convert::answer(self.out(RequestKind::Prepared { index, learned }).await)
    }

    async fn send(&mut self, kind: String, request: types::Request) -> Result<types::Response, types::Failure> {
        let request = convert::request(request);
        convert::answer(self.out(RequestKind::Derived { kind, request }).await)
    }

    async fn send_all(
        &mut self,
        kind: String,
        requests: Vec<types::Request>,
    ) -> Vec<Result<types::Response, types::Failure>> {
        let count = requests.len();
        let outlet = match self.admit(u32::try_from(count).unwrap_or(u32::MAX)) {
            Ok(outlet) => outlet,
            Err(failure) => return (0..count).map(|_| convert::answer(Err(failure.clone()))).collect(),
        };
        let mut tasks = tokio::task::JoinSet::new();
        for (at, request) in requests.into_iter().enumerate() {
            let (outlet, kind) = (Arc::clone(&outlet), kind.clone());
            let request = RequestKind::Derived { kind, request: convert::request(request) };
            tasks.spawn(async move { (at, outlet.send(request).await) });
        }
        let mut answers: Vec<Option<Result<Response, Failure>>> = (0..count).map(|_| None).collect();
        while let Some(joined) = tasks.join_next().await {
            if let Ok((at, answer)) = joined
                && let Some(slot) = answers.get_mut(at)
            {
                *slot = Some(answer);
            }
        }
        let lost = || Err(Failure::Interrupted("the request was given up".to_owned()));
        answers.into_iter().map(|answer| convert::answer(answer.unwrap_or_else(lost))).collect()
    }
}

impl log::Host for State {
    async fn log(&mut self, level: log::Level, message: String) {
        self.log_bytes = self.log_bytes.saturating_add(message.len());
        if self.log.len() >= self.limits.log_lines || self.log_bytes > self.limits.log_bytes {
            self.log_dropped += 1;
            return;
        }
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        self.log.push(LogLine { level, message: printable(&message) });
    }
}

impl normalize::Host for State {
    async fn phone(&mut self, text: String, region: Option<String>) -> Option<String> {
        enroute_phone::e164(&text, region.as_deref())
    }
}

/// Text on one line that cannot steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { out.extend(character.escape_default()) } else { out.push(character) }
    }
    out
}

/// A clock that stands still, so that equal input gives equal bytes.
struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> std::time::Duration {
        std::time::Duration::from_secs(1)
    }

    fn now(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}
