//! The plugin in its sandbox: calls, what they cost, and faults put down to the check that they break.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use enroute_core::batch::Batch;
use enroute_core::outcome::Report;
use enroute_core::plain;
use enroute_host::runtime::{
    Connection, Fault, FaultKind, LogLine, Mapped, Outlet, Plugin, Problem, Usage, Work, World,
};

use crate::answers::DAY_MS;
use crate::catalogue::Check;
use crate::error::KitError;
use crate::findings::{Failure, Findings};

/// The most that calls of one function took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Most {
    pub(crate) calls: u64,
    pub(crate) cpu: Duration,
    pub(crate) memory_bytes: usize,
    pub(crate) log_lines: usize,
    pub(crate) log_kib: u64,
    pub(crate) wall: Duration,
    pub(crate) table_slots: u64,
    pub(crate) host_calls: u64,
    pub(crate) requests: u64,
    pub(crate) output_bytes: u64,
}

/// What all calls took, function by function.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meter {
    pub(crate) validate: Most,
    pub(crate) map: Most,
    pub(crate) send: Most,
    /// The largest body of a request.
    pub(crate) body_bytes: usize,
    /// The most that the requests of one call had in all.
    pub(crate) output_bytes: usize,
}

impl Most {
    fn take(&mut self, usage: &Usage) {
        self.calls += 1;
        self.cpu = self.cpu.max(usage.cpu);
        self.memory_bytes = self.memory_bytes.max(usage.memory_bytes);
        self.log_lines = self.log_lines.max(usage.log.len());
        self.log_kib = self.log_kib.max(usage.log_bytes.div_ceil(1 << 10) as u64);
        self.wall = self.wall.max(usage.wall);
        self.table_slots = self.table_slots.max(usage.table_slots as u64);
        self.host_calls = self.host_calls.max(usage.host_calls);
        self.requests = self.requests.max(u64::from(usage.requests));
        self.output_bytes = self.output_bytes.max(usage.output_bytes as u64);
    }
}

/// Calls the plugin; each call blocks until it has ended.
pub(crate) struct Sandbox {
    plugin: Plugin,
    waiter: tokio::runtime::Runtime,
    meter: RefCell<Meter>,
    /// A plugin that overran its time is not called again: each call would cost seconds.
    overran: Cell<bool>,
}

impl Sandbox {
    pub(crate) fn new(plugin: Plugin) -> Result<Self, KitError> {
        let waiter = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(KitError::NoThread)?;
        Ok(Self { plugin, waiter, meter: RefCell::default(), overran: Cell::new(false) })
    }

    /// Whether a call overran its time, so that no other is made.
    pub(crate) const fn overran(&self) -> bool {
        self.overran.get()
    }

    /// Lets the plugin be called again, to find out over which member it overran its time.
    pub(crate) fn forgive(&self) {
        self.overran.set(false);
    }

    pub(crate) fn meter(&self) -> Meter {
        *self.meter.borrow()
    }

    /// Calls `validate`. None where it failed, which was noted.
    pub(crate) fn validate(
        &self,
        findings: &Findings,
        world: World,
        connection: &Connection,
        did: &str,
    ) -> Option<Vec<Problem>> {
        let called = self
            .call(findings, Check::ValidateNeverFails, did, async { self.plugin.validate_in(world, connection).await });
        let (problems, usage) = called?;
        self.meter.borrow_mut().validate.take(&usage);
        log_is_bounded(findings, &usage, did);
        // Who quotes a setting of 64 KiB or with control characters is cut and cleaned by the host.
        if !quotes_odd(connection) {
            findings.expect(Check::ProblemsAreShort, usage.ill_formed.is_none(), || {
                let got = usage.ill_formed.clone().unwrap_or_default();
                Failure::new(did, "messages and hints on one line of at most 500 bytes, at most 100 problems", got)
            });
        }
        findings.expect(Check::ValidateIsPure, usage.requests == 0, || {
            Failure::new(did, "no request, for `validate` has no network", format!("it tried {}", usage.requests))
        });
        Some(problems)
    }

    /// Calls `map`. None where it failed, which was noted.
    pub(crate) fn map(
        &self,
        findings: &Findings,
        world: World,
        connection: &Connection,
        batch: &Batch,
        did: &str,
    ) -> Option<(Mapped, Usage)> {
        let called = self
            .call(findings, Check::MapNeverFails, did, async { self.plugin.map_in(world, connection, batch).await });
        let (mapped, usage) = called?;
        let bodies =
            || mapped.deliveries.iter().flat_map(|delivery| &delivery.requests).map(|one| one.request.body.len());
        let mut meter = self.meter.borrow_mut();
        meter.map.take(&usage);
        meter.body_bytes = meter.body_bytes.max(bodies().max().unwrap_or(0));
        meter.output_bytes = meter.output_bytes.max(bodies().sum());
        findings.held(Check::MapIsTotal);
        findings.expect(Check::RejectionsAreWellSaid, usage.ill_formed.is_none(), || {
            let got = usage.ill_formed.clone().unwrap_or_default();
            Failure::new(did, "codes in snake_case of at most 64 bytes, sentences on one line of at most 500", got)
        });
        findings.expect(Check::WarningsAreWellSaid, usage.ill_warned.is_none(), || {
            let got = usage.ill_warned.clone().unwrap_or_default();
            Failure::new(did, "codes in snake_case of at most 64 bytes, fields on one line", got)
        });
        log_is_bounded(findings, &usage, did);
        findings.expect(Check::MapLeavesTheNetworkAlone, usage.requests == 0, || {
            Failure::new(did, "no request, for `map` has no network", format!("it tried {}", usage.requests))
        });
        Some((mapped, usage))
    }

    /// Calls `send`. None where it failed, which was noted.
    pub(crate) fn send(
        &self,
        findings: &Findings,
        connection: &Connection,
        work: &Work,
        outlet: Arc<dyn Outlet>,
        did: &str,
    ) -> Option<(Report, Vec<LogLine>)> {
        let called =
            self.call(findings, Check::SendNeverFails, did, async { self.plugin.send(connection, work, outlet).await });
        let (report, usage) = called?;
        self.meter.borrow_mut().send.take(&usage);
        findings.held(Check::ReportsNameEverybodyOnce);
        findings.expect(Check::ReportsAreWellSaid, usage.ill_formed.is_none(), || {
            let got = usage.ill_formed.clone().unwrap_or_default();
            let expected = "codes in snake_case of at most 64 bytes, sentences on one line of at most 500, 100 of each";
            Failure::new(did, expected, got)
        });
        findings.expect(Check::WaitsAreBounded, usage.wait_ms <= DAY_MS, || {
            Failure::new(did, "a wait of at most a day", format!("{} hours", usage.wait_ms / 3_600_000))
        });
        log_is_bounded(findings, &usage, did);
        Some((report, usage.log))
    }

    /// As the three, for cases: a fault is what the case is told.
    pub(crate) fn plainly<T>(&self, call: impl AsyncFnOnce(&Plugin) -> Result<T, Fault>) -> Result<T, String> {
        self.waiter.block_on(call(&self.plugin)).map_err(|fault| fault.to_string())
    }

    fn call<T>(
        &self,
        findings: &Findings,
        never_fails: Check,
        did: &str,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Option<T> {
        if self.overran.get() {
            return None;
        }
        match self.waiter.block_on(call) {
            Ok(value) => {
                for check in [never_fails, Check::MemoryIsEnough, Check::TimeIsEnough, Check::OutputIsBounded] {
                    findings.held(check);
                }
                Some(value)
            }
            Err(fault) => {
                self.overran.set(matches!(fault.kind, FaultKind::TimeOut | FaultKind::Late));
                let (check, expected) = broken(&fault, never_fails);
                findings.fail(check, Failure::new(did, expected, told(&fault)));
                None
            }
        }
    }
}

/// Longest text of a connection that a message may quote and still be short.
const QUOTED_BYTES_MAX: usize = 100;

/// Whether a connection has texts that no message can repeat on one short line.
fn quotes_odd(connection: &Connection) -> bool {
    let odd = |text: &str| text.len() > QUOTED_BYTES_MAX || text.contains(plain::is_hidden);
    let settings: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&connection.settings).unwrap_or_default();
    settings.values().filter_map(serde_json::Value::as_str).any(odd)
        || connection.rows.iter().any(|(from, to)| odd(from) || odd(to))
        || odd(&connection.audience_key)
        || odd(&connection.audience_name)
}

/// The check that a fault breaks, and what should have come instead.
fn broken(fault: &Fault, never_fails: Check) -> (Check, &'static str) {
    match (fault.kind, fault.function) {
        (FaultKind::Trap | FaultKind::NoRoom, _) => (never_fails, "a result"),
        (FaultKind::TimeOut | FaultKind::Late, _) => (Check::TimeIsEnough, "an end within the budget"),
        (FaultKind::Calls, _) => (never_fails, "at most 2,000,000 calls of the host"),
        (FaultKind::Memory, _) => (Check::MemoryIsEnough, "at most 64 MiB of memory"),
        (FaultKind::Output, _) => (Check::OutputIsBounded, "at most 32 MiB handed over"),
        (FaultKind::Contract, "map") => (Check::MapIsTotal, "every member in one delivery or one rejection"),
        // The host itself looks at what it keeps of a report, and says which part it was.
        (FaultKind::Contract, _) if fault.reason.contains("remote") => (Check::RemoteIsOneJsonValue, "one JSON value"),
        (FaultKind::Contract, _) if fault.reason.contains("ticket") => (Check::TicketsSuffice, "at most 4 KiB"),
        (FaultKind::Contract, _) => (Check::ReportsNameEverybodyOnce, "one outcome for every member"),
    }
}

/// The reason with what helps to find the place.
fn told(fault: &Fault) -> String {
    let frame = fault.backtrace.iter().find(|frame| !frame.contains("panic") && !frame.starts_with("std::"));
    let said = fault.log.last().map(|line| format!("; it logged last: {}", line.message)).unwrap_or_default();
    let frame = frame.map(|frame| format!("; in {frame}")).unwrap_or_default();
    format!("{}{said}{frame}", fault.reason)
}

fn log_is_bounded(findings: &Findings, usage: &Usage, did: &str) {
    findings.expect(Check::LogIsBounded, usage.log_dropped == 0, || {
        Failure::new(did, "at most 500 lines and 64 KiB", format!("{} lines were over that", usage.log_dropped))
    });
}
