//! The contract's types as the SDK has them, in which cases are written, to and from those of the host.

use enroute_core::account::{Kind, ValueType};
use enroute_core::batch::{Batch, Change};
use enroute_core::cells::Cells;
use enroute_core::outcome::{Outcome, Report, Verdict};
use enroute_core::request::{Item, Method, Request, Response, SlotPlace, SlotValue};
use enroute_host::egress::Failure;
use enroute_host::runtime::{Connection, DeliveryWork, Mapped, OpenTicket, Problem, ProblemPlace, ResumeWork, Work};
use enroute_sdk::bindings::enroute::destination::types as sdk;

use crate::network::Reply;

pub(crate) fn connection_in(connection: &sdk::Connection) -> Connection {
    Connection {
        audience_key: connection.audience.key.clone(),
        audience_name: connection.audience.name.clone(),
        settings: connection.settings.clone(),
        secrets: connection.secrets.clone(),
        rows: connection.rows.iter().map(|row| (row.trait_.clone(), row.field.clone())).collect(),
        identifier_fields: connection.identifier_fields.clone(),
        limits: connection.limits.iter().map(|limit| (limit.operation.clone(), limit.members, limit.bytes)).collect(),
        remote: connection.remote.clone(),
        today: connection.today.clone(),
    }
}

fn cells_in(cells: &sdk::Cells) -> Cells {
    Cells { columns: cells.columns, kinds: cells.kinds.clone(), ends: cells.ends.clone(), text: cells.text.clone() }
}

fn changes_in(changes: &[sdk::Change]) -> Vec<Change> {
    let one = |change: &sdk::Change| match change {
        sdk::Change::Added => Change::Added,
        sdk::Change::Updated => Change::Updated,
        sdk::Change::Removed => Change::Removed,
    };
    changes.iter().map(one).collect()
}

pub(crate) fn batch_in(batch: &sdk::Batch) -> Batch {
    Batch {
        profiles: (0..).zip(&batch.changes).map(|(number, _)| number).collect(),
        consent: batch.consent.clone(),
        changes: changes_in(&batch.changes),
        identifiers: cells_in(&batch.identifiers),
        sent: cells_in(&batch.sent),
        sent_members: batch.sent_members.clone(),
        values: cells_in(&batch.values),
    }
}

pub(crate) fn work_in(work: &sdk::Work) -> Work {
    match work {
        sdk::Work::Probe => Work::Probe,
        sdk::Work::Open => Work::Open,
        sdk::Work::Deliver(work) => Work::Deliver(Box::new(DeliveryWork {
            operation: work.operation.clone(),
            members: Batch {
                profiles: (0..).zip(&work.changes).map(|(number, _)| number).collect(),
                consent: None,
                changes: changes_in(&work.changes),
                identifiers: cells_in(&work.identifiers),
                sent: cells_in(&work.sent),
                sent_members: work.sent_members.clone(),
                values: Cells::default(),
            },
            requests: work
                .requests
                .iter()
                .map(|head| (head.members.clone(), method_in(head.method), head.path.clone()))
                .collect(),
        })),
        sdk::Work::Resume(work) => Work::Resume(ResumeWork {
            tickets: work
                .tickets
                .iter()
                .map(|ticket| OpenTicket {
                    token: ticket.token.clone(),
                    request_key: ticket.request_key.clone(),
                    members: ticket.members,
                })
                .collect(),
            identifiers: cells_in(&work.identifiers),
        }),
    }
}

const fn method_in(method: sdk::Method) -> Method {
    match method {
        sdk::Method::Get => Method::Get,
        sdk::Method::Post => Method::Post,
        sdk::Method::Put => Method::Put,
        sdk::Method::Patch => Method::Patch,
        sdk::Method::Delete => Method::Delete,
    }
}

const fn method_out(method: Method) -> sdk::Method {
    match method {
        Method::Get => sdk::Method::Get,
        Method::Post => sdk::Method::Post,
        Method::Put => sdk::Method::Put,
        Method::Patch => sdk::Method::Patch,
        Method::Delete => sdk::Method::Delete,
    }
}

fn item_in(item: sdk::Item) -> Item {
    Item { name: item.name, value: item.value }
}

pub(crate) fn items_out(items: Vec<Item>) -> Vec<sdk::Item> {
    items.into_iter().map(|item| sdk::Item { name: item.name, value: item.value }).collect()
}

/// An answer of a case, for the host.
pub(crate) fn reply(answer: Result<sdk::Response, sdk::Failure>) -> Reply {
    let response = |answer: sdk::Response| Response {
        status: answer.status,
        headers: answer.headers.into_iter().map(item_in).collect(),
        body: answer.body,
    };
    answer.map(response).map_err(|failure| match failure {
        sdk::Failure::Denied(why) => Failure::Denied(why),
        sdk::Failure::Unreachable(why) => Failure::Unreachable(why),
        sdk::Failure::Interrupted(why) => Failure::Interrupted(why),
        sdk::Failure::TooLarge(bytes) => Failure::TooLarge(bytes),
    })
}

pub(crate) fn problem_out(problem: Problem) -> sdk::Problem {
    sdk::Problem {
        severity: if problem.is_error { sdk::Severity::Error } else { sdk::Severity::Warning },
        place: match problem.place {
            ProblemPlace::Setting(name) => sdk::Place::Setting(name),
            ProblemPlace::Row(row) => sdk::Place::Row(row),
            ProblemPlace::Audience => sdk::Place::Audience,
            ProblemPlace::Remote => sdk::Place::Remote,
        },
        message: problem.message,
        hint: problem.hint,
    }
}

pub(crate) fn request_out(request: Request) -> sdk::Request {
    let slot = |slot: enroute_core::request::Slot| sdk::Slot {
        place: match slot.place {
            SlotPlace::PathSegment(index) => sdk::SlotPlace::PathSegment(index),
            SlotPlace::Query(name) => sdk::SlotPlace::Query(name),
            SlotPlace::Header(name) => sdk::SlotPlace::Header(name),
            SlotPlace::Body(pointer) => sdk::SlotPlace::Body(pointer),
        },
        value: match slot.value {
            SlotValue::Remote(pointer) => sdk::SlotValue::Remote(pointer),
            SlotValue::RequestKey => sdk::SlotValue::RequestKey,
            SlotValue::Learned(name) => sdk::SlotValue::Learned(name),
        },
    };
    sdk::Request {
        method: method_out(request.method),
        origin: request.origin,
        path: request.path,
        query: items_out(request.query),
        headers: items_out(request.headers),
        body: request.body,
        slots: request.slots.into_iter().map(slot).collect(),
    }
}

pub(crate) fn mapped_out(mapped: Mapped) -> sdk::Mapped {
    let prepared = |prepared: enroute_host::runtime::PreparedRequest| sdk::PreparedRequest {
        members: prepared.members,
        request: request_out(prepared.request),
    };
    let delivery = |delivery: enroute_host::runtime::Delivery| sdk::Delivery {
        operation: delivery.operation,
        requests: delivery.requests.into_iter().map(prepared).collect(),
    };
    let rejection = |rejection: enroute_host::runtime::Rejection| sdk::Rejection {
        member: rejection.member,
        field: rejection.field,
        code: rejection.code,
        reason: rejection.reason,
    };
    sdk::Mapped {
        deliveries: mapped.deliveries.into_iter().map(delivery).collect(),
        rejections: mapped.rejections.into_iter().map(rejection).collect(),
        warnings: mapped.warnings.into_iter().map(warning_out).collect(),
    }
}

fn warning_out(warning: enroute_core::outcome::Warning) -> sdk::Warning {
    sdk::Warning { code: warning.code, field: warning.field, count: warning.count }
}

pub(crate) fn report_out(report: Report) -> sdk::Report {
    let unattributed =
        |one: enroute_core::outcome::Unattributed| sdk::Unattributed { reason: one.reason, count: one.count };
    sdk::Report {
        fates: report
            .fates
            .into_iter()
            .map(|fate| sdk::Fate { members: fate.members, outcome: outcome_out(fate.outcome) })
            .collect(),
        verdict: verdict_out(report.verdict),
        unattributed: report.unattributed.into_iter().map(unattributed).collect(),
        remote: report.remote,
        account: report.account.map(|items| items.into_iter().map(account_out).collect()),
        warnings: report.warnings.into_iter().map(warning_out).collect(),
    }
}

fn account_out(item: enroute_core::account::Item) -> sdk::AccountItem {
    sdk::AccountItem {
        kind: match item.kind {
            Kind::Field => sdk::AccountKind::Field,
            Kind::List => sdk::AccountKind::List,
            Kind::Object => sdk::AccountKind::Object,
        },
        name: item.name,
        label: item.label,
        type_: match item.takes {
            ValueType::Any => sdk::ValueType::Any,
            ValueType::Text => sdk::ValueType::Text,
            ValueType::Number => sdk::ValueType::Number,
            ValueType::Boolean => sdk::ValueType::Boolean,
            ValueType::Date => sdk::ValueType::Date,
            ValueType::Moment => sdk::ValueType::Moment,
            ValueType::List => sdk::ValueType::List,
            ValueType::Object => sdk::ValueType::Object,
        },
        required: item.required,
        choices: item.choices,
    }
}

fn outcome_out(outcome: Outcome) -> sdk::Outcome {
    match outcome {
        Outcome::Delivered => sdk::Outcome::Delivered,
        Outcome::Unchanged { code } => sdk::Outcome::Unchanged(code),
        Outcome::Rejected(refusal) => {
            sdk::Outcome::Rejected(sdk::Refusal { code: refusal.code, reason: refusal.reason })
        }
        Outcome::Deferred { after_ms } => sdk::Outcome::Deferred(after_ms),
        Outcome::Accepted(ticket) => {
            sdk::Outcome::Accepted(sdk::Ticket { token: ticket.token, ask_after_ms: ticket.ask_after_ms })
        }
        Outcome::Unknown => sdk::Outcome::Unknown,
    }
}

fn verdict_out(verdict: Verdict) -> sdk::Verdict {
    match verdict {
        Verdict::Ok => sdk::Verdict::Ok,
        Verdict::CredentialInvalid(why) => sdk::Verdict::CredentialInvalid(why),
        Verdict::PermissionMissing(why) => sdk::Verdict::PermissionMissing(why),
        Verdict::Misconfigured(why) => sdk::Verdict::Misconfigured(why),
        Verdict::Throttled { bucket, after_ms } => sdk::Verdict::Throttled(sdk::Throttle { bucket, after_ms }),
        Verdict::TooLarge => sdk::Verdict::TooLarge,
        Verdict::RefusedBisect(why) => sdk::Verdict::RefusedBisect(why),
        Verdict::RefusedWhole(why) => sdk::Verdict::RefusedWhole(why),
        Verdict::Unavailable(why) => sdk::Verdict::Unavailable(why),
    }
}
