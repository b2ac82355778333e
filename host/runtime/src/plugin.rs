//! A compiled plugin and its three functions.

use crate::bindings::PluginPre;
use crate::bindings::exports::enroute::destination::destination::Guest;
use crate::call::{self, Overrun, Spent};
use crate::cause::{Values, cause, last_line};
use crate::convert;
use crate::fault::{Fault, FaultKind, classify};
use crate::lane::{self, Habit};
use crate::limits::{HANDLES_MAX, Limits, REMOTE_BYTES_MAX, TICKET_BYTES_MAX};
use crate::said;
use crate::state::{Outlet, State, World};
use crate::ticker::Ticker;
use crate::types::{Connection, Delivery, LogLine, Mapped, Problem, Work};
use crate::usage::Usage;
use enroute_core::batch::Batch;
use enroute_core::outcome::{Outcome, Report, conserve};
use enroute_core::plain;
use enroute_core::retry::WAIT_MS_MAX;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Store;

/// How long each function needed last, whichever connection called it.
#[derive(Clone, Default)]
struct Habits {
    pure: Arc<Habit>,
    send: Arc<Habit>,
}

/// A component ready to run. Cheap to clone; every call has an instance of its own.
#[derive(Clone)]
pub struct Plugin {
    name: String,
    pre: PluginPre<State>,
    limits: Limits,
    /// Longest wait that a report can ask for.
    wait_ms_max: u64,
    habits: Habits,
    _ticker: Arc<Ticker>,
}

impl Plugin {
    pub(super) fn new(name: String, pre: PluginPre<State>, limits: Limits, ticker: Arc<Ticker>) -> Self {
        Self { name, pre, limits, wait_ms_max: WAIT_MS_MAX, habits: Habits::default(), _ticker: ticker }
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
        match self.validate_once(world, connection).await {
            Err(fault) if has_stood_still(&fault) => self.validate_once(world, connection).await,
            ended => ended,
        }
    }

    async fn validate_once(&self, world: World, connection: &Connection) -> Result<(Vec<Problem>, Usage), Fault> {
        let guest = convert::connection(connection);
        let budget = (self.limits.cpu_validate, self.limits.wall_pure);
        let call = self.start("validate", None, world).call(budget, |guest_fns, store| {
            Box::pin(async move {
                let problems = guest_fns.call_validate(store, &guest).await?;
                Ok((said::ill_put(&problems), said::problems(problems)))
            })
        });
        let ((ill_formed, problems), usage) = self.outcome("validate", call.await, &Values::default())?;
        Ok((problems, Usage { ill_formed, ..usage }))
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
        match self.map_once(world, connection, batch).await {
            Err(fault) if has_stood_still(&fault) => self.map_once(world, connection, batch).await,
            ended => ended,
        }
    }

    async fn map_once(&self, world: World, connection: &Connection, batch: &Batch) -> Result<(Mapped, Usage), Fault> {
        let (guest, members) = (convert::connection(connection), convert::batch(batch));
        let budget = (self.limits.cpu_map, self.limits.wall_pure);
        let call = self.start("map", None, world).call(budget, |guest_fns, store| {
            Box::pin(async move {
                let mapped = guest_fns.call_map(store, &guest, &members).await?;
                let ill = (said::ill_formed(&mapped), said::ill_warned(&mapped.warnings));
                Ok((ill, said::mapped_bytes(&mapped), convert::mapped(mapped)))
            })
        });
        let values = Values::new(vec![&batch.identifiers, &batch.sent], vec![&batch.values]);
        let (((ill_formed, ill_warned), bytes, mapped), usage) = self.outcome("map", call.await, &values)?;
        let usage = Usage { ill_formed, ill_warned, output_bytes: usage.output_bytes.max(bytes), ..usage };
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
        let (guest, guest_work) = (convert::connection(connection), convert::work(work));
        let (budget, wait_ms_max) = ((self.limits.cpu_send, self.limits.wall_send), self.wait_ms_max);
        let call = self.start("send", Some(outlet), World::default()).call(budget, move |guest_fns, store| {
            Box::pin(async move {
                let report = guest_fns.call_send(store, &guest, &guest_work).await?;
                let seen = (said::ill_formed_report(&report), said::longest_wait_ms(&report));
                Ok((seen, said::report_bytes(&report), convert::report(report, wait_ms_max)))
            })
        });
        let (((ill_formed, wait_ms), bytes, report), usage) = self.outcome("send", call.await, &work.values())?;
        let usage = Usage { ill_formed, wait_ms, output_bytes: usage.output_bytes.max(bytes), ..usage };
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

    fn start(&self, function: &'static str, outlet: Option<Arc<dyn Outlet>>, world: World) -> Run {
        let store = self.store(State::new(self.limits, outlet, world));
        Run { plugin: self.clone(), function, store }
    }

    /// What came of a call: what it returned and cost, or its fault, with none of `values` in its words.
    fn outcome<T>(
        &self,
        function: &'static str,
        ended: Option<Ended<T>>,
        values: &Values<'_>,
    ) -> Result<(T, Usage), Fault> {
        match ended {
            Some((run, Ok((value, spent)))) => Ok((value, run.usage(spent))),
            Some((run, Err(Failed::Trap(error)))) => Err(run.fault(&error, values)),
            Some((run, Err(Failed::Overrun(overrun)))) => Err(run.overrun(overrun, values)),
            None => Err(Fault { kind: FaultKind::Trap, ..self.broken(function, "the call was lost".to_owned()) }),
        }
    }

    fn store(&self, state: State) -> Store<State> {
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.meter);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_hostcall_fuel(self.limits.output_bytes);
        store.set_max_component_handles(HANDLES_MAX);
        store
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One call of one function in one instance.
struct Run {
    plugin: Plugin,
    function: &'static str,
    store: Store<State>,
}

/// Why a call came to nothing.
enum Failed {
    Trap(wasmtime::Error),
    Overrun(Overrun),
}

/// A call that has ended, with what it returned and took.
type Ended<T> = (Run, Result<(T, Spent), Failed>);

/// A call under way.
type Calling<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

impl Run {
    /// Calls `function`, which also takes in what comes back: that is part of what a plugin may cost. Nothing where the
    /// call was lost.
    async fn call<T: Send + 'static>(
        self,
        budget: (Duration, Duration),
        function: impl for<'a> FnOnce(&'a Guest, &'a mut Store<State>) -> Calling<'a, T> + Send + 'static,
    ) -> Option<Ended<T>> {
        let habits = &self.plugin.habits;
        let habit = Arc::clone(if self.function == "send" { &habits.send } else { &habits.pure });
        lane::drive(&habit, self.carry_out(budget, function)).await
    }

    async fn carry_out<T>(
        mut self,
        (cpu, wall): (Duration, Duration),
        function: impl for<'a> FnOnce(&'a Guest, &'a mut Store<State>) -> Calling<'a, T>,
    ) -> Ended<T> {
        let (guest_fns, begun) = loop {
            let (ended, begun) = call::within(cpu, wall, self.plugin.pre.instantiate_async(&mut self.store)).await;
            match ended {
                Ok(Ok(guest_fns)) => break (guest_fns, begun),
                // Other calls have every place: that is nobody's fault, and theirs end.
                Ok(Err(error)) if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
                    let store = self.plugin.store(self.store.into_data());
                    self = Self { store, ..self };
                    tokio::time::sleep(PLACE_PAUSE).await;
                }
                Ok(Err(error)) => return (self, Err(Failed::Trap(error))),
                Err(overrun) => return (self, Err(Failed::Overrun(overrun))),
            }
        };
        let work = function(guest_fns.enroute_destination_destination(), &mut self.store);
        let (ended, mut spent) = call::within(cpu.saturating_sub(begun.cpu), wall, work).await;
        spent.cpu += begun.cpu;
        let ended = match ended {
            Ok(Ok(value)) => Ok((value, spent)),
            Ok(Err(error)) => Err(Failed::Trap(error)),
            Err(Overrun::Cpu(_)) => Err(Failed::Overrun(Overrun::Cpu(cpu))),
            Err(overrun) => Err(Failed::Overrun(overrun)),
        };
        (self, ended)
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
            wait_ms: 0,
            ill_warned: None,
        }
    }

    fn overrun(self, overrun: Overrun, values: &Values<'_>) -> Fault {
        let (kind, reason) = match overrun {
            Overrun::Cpu(budget) => (FaultKind::TimeOut, format!("it used up its {budget:?} of CPU time")),
            Overrun::Wall(budget) => {
                (FaultKind::Late, format!("it did not end within {budget:?}, most of which it waited"))
            }
        };
        self.failed(kind, reason, Vec::new(), values)
    }

    fn fault(self, error: &wasmtime::Error, values: &Values<'_>) -> Fault {
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
        self.failed(kind, reason, backtrace, values)
    }

    fn failed(self, kind: FaultKind, reason: String, backtrace: Vec<String>, values: &Values<'_>) -> Fault {
        let state = self.store.into_data();
        let stderr = state.stderr.contents();
        let tail = stderr.get(stderr.len().saturating_sub(STDERR_BYTES_SHOWN)..).unwrap_or_default();
        let written = values.cover(&String::from_utf8_lossy(tail));
        let reason = match (cause(&written), last_line(&written)) {
            (Some(cause), _) if kind == FaultKind::Trap => cause,
            (_, Some(line)) => format!("{reason}; it last wrote: {line}"),
            (_, None) => reason,
        };
        let stderr = written.lines().map(plain::visible).collect::<Vec<_>>().join("\n").into();
        let cut = state.log.len().saturating_sub(LOG_LINES_KEPT);
        let cover = |line: LogLine| LogLine { message: values.cover(&line.message), ..line };
        let log = state.log.into_iter().skip(cut).map(cover).collect();
        let plugin = self.plugin.name;
        Fault {
            plugin,
            function: self.function,
            kind,
            reason: plain::line(reason),
            backtrace: backtrace.into(),
            stderr,
            log,
        }
    }
}

/// Whether a call without effects, which can wait for nothing, did not end in time all the same: then the host stood
/// still, and it is made a second time.
fn has_stood_still(fault: &Fault) -> bool {
    fault.kind == FaultKind::Late
}

/// Pause before a call looks for a place again, where others have all of them.
const PLACE_PAUSE: Duration = Duration::from_millis(20);
/// The end of what a guest wrote to standard error that is worth showing.
const STDERR_BYTES_SHOWN: usize = 4_096;
/// Log lines of a failed call that are kept: what happened last tells why.
const LOG_LINES_KEPT: usize = 50;

fn rustc_demangle(name: &str) -> rustc_demangle::Demangle<'_> {
    rustc_demangle::demangle(name)
}
