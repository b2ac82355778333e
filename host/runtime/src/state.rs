//! What one instance can see of the host: limits, a closed world, a log, and in `send` an outlet.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use enroute_core::plain;
use enroute_core::request::{Item, Request, Response};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::bindings::enroute::destination::{http, log, normalize, types};
use crate::convert;
use crate::fault::TooManyCalls;
use crate::limits::{self, Limits};
use crate::meter::Meter;
use crate::types::LogLine;

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

use enroute_egress::{Failure, Refusal};

/// The way out of the sandbox, for one `send`.
pub trait Outlet: Send + Sync + 'static {
    /// Sends one request and returns its answer.
    fn send(&self, request: RequestKind) -> Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + '_>>;

    /// Is told of requests that were refused before they came here, because the call had made as many as it may.
    fn refused(&self, refusal: &Refusal, requests: u32) {
        let _ = (refusal, requests);
    }
}

/// What `validate` and `map` can see of time and chance.
///
/// The host has one world, so that equal input gives equal bytes on every machine; whoever tests a plugin has more,
/// to see whether it asks at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct World {
    /// Where the clock stands, in seconds since 1970.
    pub clock_s: u64,
    /// What random numbers come from.
    pub seed: u64,
}

pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    pub(super) meter: Meter,
    pub(super) stderr: MemoryOutputPipe,
    pub(super) log: Vec<LogLine>,
    pub(super) log_dropped: u64,
    pub(super) log_bytes: usize,
    limits: Limits,
    outlet: Option<Arc<dyn Outlet>>,
    pub(super) requests: u32,
    pub(super) host_calls: u64,
    /// The most bytes that a request brought along.
    pub(super) output_bytes: usize,
}

impl State {
    /// What one call sees: without an outlet it has no network, a frozen clock and fixed random numbers.
    pub(super) fn new(limits: Limits, outlet: Option<Arc<dyn Outlet>>, world: World) -> Self {
        let stderr = MemoryOutputPipe::new(limits.log_bytes);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(stderr.clone()).stderr(stderr.clone());
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        wasi.max_random_size(limits::RANDOM_BYTES_MAX);
        if outlet.is_none() {
            let clock = Frozen(Duration::from_secs(world.clock_s));
            wasi.wall_clock(clock).monotonic_clock(clock).insecure_random_seed(u128::from(world.seed));
            let numbers = || Deterministic::new(world.seed.wrapping_add(42).to_le_bytes().to_vec());
            wasi.secure_random(numbers()).insecure_random(numbers());
        }
        Self {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            meter: Meter::new(&limits),
            stderr,
            log: Vec::new(),
            log_dropped: 0,
            log_bytes: 0,
            limits,
            outlet,
            requests: 0,
            host_calls: 0,
            output_bytes: 0,
        }
    }

    /// Counts a call of the host against the budget.
    fn called(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls {
            return Err(TooManyCalls.into());
        }
        Ok(())
    }

    async fn out(&mut self, request: RequestKind) -> Result<Response, Failure> {
        let outlet = self.admit(1)?;
        outlet.send(request).await
    }

    /// Counts requests against the budget of the call.
    fn admit(&mut self, requests: u32) -> Result<Arc<dyn Outlet>, Failure> {
        self.requests = self.requests.saturating_add(requests);
        let outlet =
            self.outlet.clone().ok_or_else(|| Failure::Denied("the network is open in `send` only".to_owned()))?;
        if self.requests > self.limits.requests {
            let reason = format!("a call may make {} requests", self.limits.requests);
            let refusal = Refusal::new(Refusal::TOO_MANY, reason);
            outlet.refused(&refusal, requests);
            return Err(Failure::Refused(refusal));
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
    ) -> wasmtime::Result<Result<types::Response, types::Failure>> {
        self.called()?;
        let learned = learned.into_iter().map(convert::item).collect();
        Ok(convert::answer(self.out(RequestKind::Prepared { index, learned }).await))
    }

    async fn send(
        &mut self,
        kind: String,
        request: types::Request,
    ) -> wasmtime::Result<Result<types::Response, types::Failure>> {
        self.called()?;
        self.output_bytes = self.output_bytes.max(request.body.len());
        let request = convert::request(request);
        Ok(convert::answer(self.out(RequestKind::Derived { kind, request }).await))
    }

    async fn send_all(
        &mut self,
        kind: String,
        requests: Vec<types::Request>,
    ) -> wasmtime::Result<Vec<Result<types::Response, types::Failure>>> {
        self.called()?;
        let count = requests.len();
        self.output_bytes = self.output_bytes.max(requests.iter().map(|request| request.body.len()).sum());
        let outlet = match self.admit(u32::try_from(count).unwrap_or(u32::MAX)) {
            Ok(outlet) => outlet,
            Err(failure) => return Ok((0..count).map(|_| convert::answer(Err(failure.clone()))).collect()),
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
        Ok(answers.into_iter().map(|answer| convert::answer(answer.unwrap_or_else(lost))).collect())
    }
}

impl log::Host for State {
    async fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.called()?;
        self.log_bytes = self.log_bytes.saturating_add(message.len());
        if self.log.len() >= self.limits.log_lines || self.log_bytes > self.limits.log_bytes {
            self.log_dropped += 1;
            return Ok(());
        }
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        self.log.push(LogLine { level, message: plain::visible(&message).into_owned() });
        Ok(())
    }
}

impl normalize::Host for State {
    async fn phone(&mut self, text: String, region: Option<String>) -> wasmtime::Result<Option<String>> {
        self.called()?;
        Ok(enroute_phone::e164(&text, region.as_deref()))
    }
}

/// A clock that stands still, so that equal input gives equal bytes.
#[derive(Clone, Copy)]
struct Frozen(Duration);

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        self.0.as_secs().saturating_mul(1_000_000_000)
    }
}
