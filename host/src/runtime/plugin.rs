//! A compiled plugin and its three functions.

use std::sync::Arc;
use std::time::Duration;

use enroute_core::batch::Batch;
use enroute_core::cells::Cells;
use enroute_core::outcome::{Outcome, Report, Warning, conserve};
use enroute_core::plain;
use enroute_core::request::{Method, Request};
use wasmtime::Store;

use crate::runtime::bindings::PluginPre;
use crate::runtime::bindings::exports::enroute::destination::destination::Guest;
use crate::runtime::call::{self, Spent};
use crate::runtime::cause::{Values, cause, last_line};
use crate::runtime::convert::{self, WAIT_MS_MAX};
use crate::runtime::engine::Ticker;
use crate::runtime::fault::{Fault, FaultKind, classify};
use crate::runtime::limits::{HANDLES_MAX, Limits, REMOTE_BYTES_MAX, TICKET_BYTES_MAX};
use crate::runtime::said;
use crate::runtime::state::{LogLine, Outlet, State, World};
use crate::runtime::usage::Usage;

/// A component ready to run. Cheap to clone; every call has an instance of its own.
#[derive(Clone)]
pub struct Plugin {
    name: String,
    pre: PluginPre<State>,
    limits: Limits,
    /// Longest wait that a report can ask for.
    wait_ms_max: u64,
    _ticker: Arc<Ticker>,
}

/// What a plugin is told of an audience at a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// The audience's key.
    pub audience_key: String,
    /// The audience's name.
    pub audience_name: String,
    /// Settings as a JSON object.
    pub settings: String,
    /// Names of configured secrets.
    pub secrets: Vec<String>,
    /// Trait and field of each mapping row.
    pub rows: Vec<(String, String)>,
    /// Fields that identifiers go into.
    pub identifier_fields: Vec<String>,
    /// Operation, members and bytes of each limit in force.
    pub limits: Vec<(String, u32, u32)>,
    /// What `send` learned earlier, as JSON text.
    pub remote: Option<String>,
    /// `YYYY-MM-DD`.
    pub today: String,
}

/// Where a problem lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemPlace {
    /// A setting.
    Setting(String),
    /// A mapping row, by position.
    Row(u32),
    /// The audience.
    Audience,
    /// What the account or list is like.
    Remote,
}

/// Something that `validate` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether nothing may be sent before it is mended.
    pub is_error: bool,
    /// Where.
    pub place: ProblemPlace,
    /// What.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A request with the members it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedRequest {
    /// Positions in the batch, in the order in which the body lists them.
    pub members: Vec<u32>,
    /// The request.
    pub request: Request,
}

/// Requests that together bring the same members about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// An operation of the manifest.
    pub operation: String,
    /// In order.
    pub requests: Vec<PreparedRequest>,
}

impl Delivery {
    /// Positions of the members, each once, in ascending order.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        let mut members: Vec<u32> = self.requests.iter().flat_map(|request| request.members.iter().copied()).collect();
        members.sort_unstable();
        members.dedup();
        members
    }
}

/// A member that cannot be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Position in the batch.
    pub member: u32,
    /// The field at fault.
    pub field: Option<String>,
    /// snake_case.
    pub code: String,
    /// One sentence.
    pub reason: String,
}

/// What `map` made of a batch. Every member is in exactly one delivery or rejection: checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapped {
    /// What to send.
    pub deliveries: Vec<Delivery>,
    /// Who cannot be sent.
    pub rejections: Vec<Rejection>,
    /// Worth telling.
    pub warnings: Vec<Warning>,
}

/// A delivery as `send` sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryWork {
    /// The operation.
    pub operation: String,
    /// The delivery's members only, by position.
    pub members: Batch,
    /// Members, method and path of each request; positions are those of `members`.
    pub requests: Vec<(Vec<u32>, Method, Vec<String>)>,
}

/// A job that was accepted earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTicket {
    /// The plugin's words.
    pub token: String,
    /// Key of the delivery.
    pub request_key: String,
    /// Members of the job.
    pub members: u32,
}

/// Jobs to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeWork {
    /// Their members follow each other in this order.
    pub tickets: Vec<OpenTicket>,
    /// One row a member.
    pub identifiers: Cells,
}

/// One piece of work for `send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Test the credentials.
    Probe,
    /// Find or create the remote list.
    Open,
    /// Carry out a delivery.
    Deliver(Box<DeliveryWork>),
    /// Ask about jobs.
    Resume(ResumeWork),
}

impl Work {
    fn members(&self) -> usize {
        match self {
            Self::Probe | Self::Open => 0,
            Self::Deliver(work) => work.members.len(),
            Self::Resume(work) => work.identifiers.rows(),
        }
    }

    fn values(&self) -> Values<'_> {
        match self {
            Self::Probe | Self::Open => Values::default(),
            Self::Deliver(work) => {
                let members = &work.members;
                Values::new(vec![&members.identifiers, &members.sent], vec![&members.values])
            }
            Self::Resume(work) => Values::new(vec![&work.identifiers], Vec::new()),
        }
    }
}

impl Plugin {
    pub(super) fn new(name: String, pre: PluginPre<State>, limits: Limits, ticker: Arc<Ticker>) -> Self {
        Self { name, pre, limits, wait_ms_max: WAIT_MS_MAX, _ticker: ticker }
    }

    /// The plugin, with these budgets for each call.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The plugin, whose reports may ask for waits as long as this where it is more than a day.
    #[must_use]
    pub fn waiting_up_to(self, wait_ms: u64) -> Self {
        Self { wait_ms_max: wait_ms.max(WAIT_MS_MAX), ..self }
    }

    /// The budgets of each call.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Asks the plugin what is wrong with a connection. No network, frozen clock.
    ///
    /// # Errors
    /// When the plugin traps or breaks a limit.
    pub async fn validate(&self, connection: &Connection) -> Result<Vec<Problem>, Fault> {
        self.validate_in(World::default(), connection).await.map(|(problems, _)| problems)
    }

    /// As [`Self::validate`], in any world, and with what it cost.
    ///
    /// # Errors
    /// As [`Self::validate`].
    pub async fn validate_in(&self, world: World, connection: &Connection) -> Result<(Vec<Problem>, Usage), Fault> {
        let run = self.start("validate", None, world, Values::default())?;
        let guest = convert::connection(connection);
        let budget = (self.limits.cpu_validate, self.limits.wall_pure);
        let (problems, usage) =
            run.call(budget, async |guest_fns, store| guest_fns.call_validate(store, &guest).await).await?;
        Ok((said::problems(problems), usage))
    }

    /// Turns a batch into requests. No network, frozen clock: same input, same bytes.
    ///
    /// # Errors
    /// When the plugin traps, breaks a limit, or leaves members out.
    pub async fn map(&self, connection: &Connection, batch: &Batch) -> Result<(Mapped, Usage), Fault> {
        self.map_in(World::default(), connection, batch).await
    }

    /// As [`Self::map`], in any world.
    ///
    /// # Errors
    /// As [`Self::map`].
    pub async fn map_in(&self, world: World, connection: &Connection, batch: &Batch) -> Result<(Mapped, Usage), Fault> {
        let values = Values::new(vec![&batch.identifiers, &batch.sent], vec![&batch.values]);
        let run = self.start("map", None, world, values)?;
        let (guest, members) = (convert::connection(connection), convert::batch(batch));
        let budget = (self.limits.cpu_map, self.limits.wall_pure);
        let (mapped, mut usage) =
            run.call(budget, async |guest_fns, store| guest_fns.call_map(store, &guest, &members).await).await?;
        usage.ill_formed = said::ill_formed(&mapped);
        usage.output_bytes = usage.output_bytes.max(said::mapped_bytes(&mapped));
        let mapped = convert::mapped(mapped);
        self.check_mapped(&mapped, batch.len())?;
        Ok((mapped, usage))
    }

    /// Lets the plugin carry out one piece of work through `outlet`.
    ///
    /// # Errors
    /// When the plugin traps, breaks a limit, or its report does not add up.
    pub async fn send(
        &self,
        connection: &Connection,
        work: &Work,
        outlet: Arc<dyn Outlet>,
    ) -> Result<(Report, Usage), Fault> {
        let run = self.start("send", Some(outlet), World::default(), work.values())?;
        let (guest, guest_work) = (convert::connection(connection), convert::work(work));
        let budget = (self.limits.cpu_send, self.limits.wall_send);
        let (report, mut usage) =
            run.call(budget, async |guest_fns, store| guest_fns.call_send(store, &guest, &guest_work).await).await?;
        usage.output_bytes = usage.output_bytes.max(said::report_bytes(&report));
        let report = convert::report(report, self.wait_ms_max);
        conserve(report.fates.iter().map(|fate| fate.members.as_slice()), work.members())
            .map_err(|error| self.broken("send", error.to_string()))?;
        self.check_kept(&report)?;
        Ok((report, usage))
    }

    /// What the host keeps of a report has its size.
    fn check_kept(&self, report: &Report) -> Result<(), Fault> {
        if let Some(remote) = &report.remote
            && (remote.len() > REMOTE_BYTES_MAX || serde_json::from_str::<serde::de::IgnoredAny>(remote).is_err())
        {
            let reason = format!("its remote is no JSON value of at most {} KiB", REMOTE_BYTES_MAX >> 10);
            return Err(self.broken("send", reason));
        }
        let too_long =
            |outcome: &Outcome| matches!(outcome, Outcome::Accepted(ticket) if ticket.token.len() > TICKET_BYTES_MAX);
        if report.fates.iter().any(|fate| too_long(&fate.outcome)) {
            return Err(self.broken("send", format!("a ticket has more than {} KiB", TICKET_BYTES_MAX >> 10)));
        }
        Ok(())
    }

    fn check_mapped(&self, mapped: &Mapped, members: usize) -> Result<(), Fault> {
        let delivered: Vec<Vec<u32>> = mapped.deliveries.iter().map(Delivery::members).collect();
        let rejected: Vec<u32> = mapped.rejections.iter().map(|rejection| rejection.member).collect();
        let named = delivered.iter().map(Vec::as_slice).chain([rejected.as_slice()]);
        conserve(named, members).map_err(|error| self.broken("map", error.to_string()))
    }

    fn broken(&self, function: &'static str, reason: String) -> Fault {
        Fault::contract(self.name.clone(), function, reason)
    }

    fn start<'a>(
        &'a self,
        function: &'static str,
        outlet: Option<Arc<dyn Outlet>>,
        world: World,
        values: Values<'a>,
    ) -> Result<Run<'a>, Fault> {
        let mut store = Store::new(self.pre.engine(), State::new(self.limits, outlet, world));
        store.limiter(|state| &mut state.meter);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_hostcall_fuel(self.limits.output_bytes);
        store.set_max_component_handles(HANDLES_MAX);
        Ok(Run { plugin: self, function, store, values })
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One call of one function in one instance.
struct Run<'a> {
    plugin: &'a Plugin,
    function: &'static str,
    store: Store<State>,
    /// What must not be in the words of a fault.
    values: Values<'a>,
}

impl Run<'_> {
    async fn call<T>(
        mut self,
        (cpu, wall): (Duration, Duration),
        function: impl AsyncFnOnce(&Guest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<(T, Usage), Fault> {
        let pre = &self.plugin.pre;
        let store = &mut self.store;
        let work = async {
            let guest_fns = pre.instantiate_async(&mut *store).await?;
            function(guest_fns.enroute_destination_destination(), &mut *store).await
        };
        let (ended, spent) = call::within(cpu, wall, work).await;
        match ended {
            Ok(Ok(value)) => Ok((value, self.usage(spent))),
            Ok(Err(error)) => Err(self.fault(&error)),
            Err(overrun) => Err(self.overrun(overrun)),
        }
    }

    fn usage(self, spent: Spent) -> Usage {
        let state = self.store.into_data();
        Usage {
            cpu: spent.cpu,
            wall: spent.wall,
            memory_bytes: state.meter.memory_bytes,
            table_slots: state.meter.table_slots,
            host_calls: state.host_calls,
            requests: state.requests,
            output_bytes: state.output_bytes,
            log_bytes: state.log_bytes,
            log: state.log,
            log_dropped: state.log_dropped,
            ill_formed: None,
        }
    }

    fn overrun(self, overrun: call::Overrun) -> Fault {
        let reason = match overrun {
            call::Overrun::Cpu(budget) => format!("it used up its {budget:?} of CPU time"),
            call::Overrun::Wall(budget) => format!("it did not end within {budget:?}"),
        };
        self.failed(FaultKind::TimeOut, reason, Vec::new())
    }

    fn fault(self, error: &wasmtime::Error) -> Fault {
        let text = format!("{error:#}");
        let backtrace = error
            .downcast_ref::<wasmtime::WasmBacktrace>()
            .map(|trace| {
                let name = |frame: &wasmtime::FrameInfo| {
                    frame.func_name().map_or_else(|| "?".to_owned(), |name| format!("{:#}", rustc_demangle(name)))
                };
                trace.frames().iter().map(name).collect()
            })
            .unwrap_or_default();
        let (kind, reason) = classify(error, &text, &self.plugin.limits);
        self.failed(kind, reason, backtrace)
    }

    fn failed(self, kind: FaultKind, reason: String, backtrace: Vec<String>) -> Fault {
        let state = self.store.into_data();
        let stderr = state.stderr.contents();
        let tail = stderr.get(stderr.len().saturating_sub(STDERR_BYTES_SHOWN)..).unwrap_or_default();
        let written = self.values.cover(&String::from_utf8_lossy(tail));
        let reason = match (cause(&written), last_line(&written)) {
            (Some(cause), _) if kind == FaultKind::Trap => cause,
            (_, Some(line)) => format!("{reason}; it last wrote: {line}"),
            (_, None) => reason,
        };
        let stderr = written.lines().map(plain::visible).collect::<Vec<_>>().join("\n");
        let cut = state.log.len().saturating_sub(LOG_LINES_KEPT);
        let cover = |line: LogLine| LogLine { message: self.values.cover(&line.message), ..line };
        let log = state.log.into_iter().skip(cut).map(cover).collect();
        let plugin = self.plugin.name.clone();
        Fault { plugin, function: self.function, kind, reason: plain::line(reason), backtrace, stderr, log }
    }
}

/// The end of what a guest wrote to standard error that is worth showing.
const STDERR_BYTES_SHOWN: usize = 4_096;
/// Log lines of a failed call that are kept: what happened last tells why.
const LOG_LINES_KEPT: usize = 50;

fn rustc_demangle(name: &str) -> rustc_demangle::Demangle<'_> {
    rustc_demangle::demangle(name)
}
