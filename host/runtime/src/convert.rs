//! The contract's types, generated, to and from the types of `enroute-core`.

use enroute_core::batch::{Batch, Change};
use enroute_core::cells::Cells;
use enroute_core::outcome::{Fate, Outcome, Refusal, Report, Ticket, Verdict};
use enroute_core::plain;
use enroute_core::request::{Item, Method, Request, Response, Slot, SlotPlace, SlotValue};

use crate::bindings::enroute::destination::types;
use crate::said;
use crate::types::{Connection, Delivery, DeliveryWork, Mapped, PreparedRequest, Rejection, ResumeWork, Work};
use enroute_egress::Failure;

pub(super) fn connection(connection: &Connection) -> types::Connection {
    types::Connection {
        audience: types::Audience { key: connection.audience_key.clone(), name: connection.audience_name.clone() },
        settings: connection.settings.clone(),
        secrets: connection.secrets.clone(),
        rows: connection
            .rows
            .iter()
            .map(|(from, field)| types::MappingRow { trait_: from.clone(), field: field.clone() })
            .collect(),
        identifier_fields: connection.identifier_fields.clone(),
        limits: connection
            .limits
            .iter()
            .map(|(operation, members, bytes)| types::Limit {
                operation: operation.clone(),
                members: *members,
                bytes: *bytes,
            })
            .collect(),
        remote: connection.remote.clone(),
        today: connection.today.clone(),
    }
}

fn cells(cells: &Cells) -> types::Cells {
    types::Cells {
        columns: cells.columns,
        kinds: cells.kinds.clone(),
        ends: cells.ends.clone(),
        text: cells.text.clone(),
    }
}

fn changes(changes: &[Change]) -> Vec<types::Change> {
    let one = |change: &Change| match change {
        Change::Added => types::Change::Added,
        Change::Updated => types::Change::Updated,
        Change::Removed => types::Change::Removed,
    };
    changes.iter().map(one).collect()
}

pub(super) fn batch(batch: &Batch) -> types::Batch {
    types::Batch {
        consent: batch.consent.clone(),
        changes: changes(&batch.changes),
        identifiers: cells(&batch.identifiers),
        sent: cells(&batch.sent),
        sent_members: batch.sent_members.clone(),
        values: cells(&batch.values),
    }
}

pub(super) fn work(work: &Work) -> types::Work {
    match work {
        Work::Probe => types::Work::Probe,
        Work::Open => types::Work::Open,
        Work::Deliver(delivery) => types::Work::Deliver(delivery_work(delivery)),
        Work::Resume(resume) => types::Work::Resume(resume_work(resume)),
    }
}

fn delivery_work(work: &DeliveryWork) -> types::DeliveryWork {
    types::DeliveryWork {
        operation: work.operation.clone(),
        changes: changes(&work.members.changes),
        identifiers: cells(&work.members.identifiers),
        sent: cells(&work.members.sent),
        sent_members: work.members.sent_members.clone(),
        requests: work
            .requests
            .iter()
            .map(|(members, method, path)| types::PreparedHead {
                members: members.clone(),
                method: match method {
                    Method::Get => types::Method::Get,
                    Method::Post => types::Method::Post,
                    Method::Put => types::Method::Put,
                    Method::Patch => types::Method::Patch,
                    Method::Delete => types::Method::Delete,
                },
                path: path.clone(),
            })
            .collect(),
    }
}

fn resume_work(work: &ResumeWork) -> types::ResumeWork {
    let mut first_member = 0;
    let tickets = work.tickets.iter().map(|ticket| {
        let open = types::OpenTicket {
            token: ticket.token.clone(),
            request_key: ticket.request_key.clone(),
            first_member,
            members: ticket.members,
        };
        first_member += ticket.members;
        open
    });
    types::ResumeWork { tickets: tickets.collect(), identifiers: cells(&work.identifiers) }
}

pub(super) fn item(item: types::Item) -> Item {
    Item { name: item.name, value: item.value }
}

pub(super) fn request(request: types::Request) -> Request {
    Request {
        method: match request.method {
            types::Method::Get => Method::Get,
            types::Method::Post => Method::Post,
            types::Method::Put => Method::Put,
            types::Method::Patch => Method::Patch,
            types::Method::Delete => Method::Delete,
        },
        origin: request.origin,
        path: request.path,
        query: request.query.into_iter().map(item).collect(),
        headers: request.headers.into_iter().map(item).collect(),
        body: request.body,
        slots: request.slots.into_iter().map(slot).collect(),
    }
}

fn slot(slot: types::Slot) -> Slot {
    Slot {
        place: match slot.place {
            types::SlotPlace::PathSegment(index) => SlotPlace::PathSegment(index),
            types::SlotPlace::Query(name) => SlotPlace::Query(name),
            types::SlotPlace::Header(name) => SlotPlace::Header(name),
            types::SlotPlace::Body(pointer) => SlotPlace::Body(pointer),
        },
        value: match slot.value {
            types::SlotValue::Remote(pointer) => SlotValue::Remote(pointer),
            types::SlotValue::RequestKey => SlotValue::RequestKey,
            types::SlotValue::Learned(name) => SlotValue::Learned(name),
        },
    }
}

pub(super) fn answer(answer: Result<Response, Failure>) -> Result<types::Response, types::Failure> {
    answer.map(response).map_err(|failure| match failure {
        Failure::Refused(refusal) => types::Failure::Denied(refusal.reason),
        Failure::Denied(reason) => types::Failure::Denied(reason),
        Failure::Unreachable(reason) | Failure::Untrusted(reason) => types::Failure::Unreachable(reason),
        Failure::Interrupted(reason) => types::Failure::Interrupted(reason),
        Failure::TooLarge(bytes) => types::Failure::TooLarge(bytes),
    })
}

fn response(response: Response) -> types::Response {
    types::Response {
        status: response.status,
        headers: response
            .headers
            .into_iter()
            .map(|header| types::Item { name: header.name, value: header.value })
            .collect(),
        body: response.body,
    }
}

pub(super) fn mapped(mapped: types::Mapped) -> Mapped {
    let prepared = |prepared: types::PreparedRequest| PreparedRequest {
        members: prepared.members,
        request: request(prepared.request),
    };
    Mapped {
        deliveries: mapped
            .deliveries
            .into_iter()
            .map(|delivery| Delivery {
                operation: delivery.operation,
                requests: delivery.requests.into_iter().map(prepared).collect(),
            })
            .collect(),
        rejections: mapped
            .rejections
            .into_iter()
            .map(|rejection| Rejection {
                member: rejection.member,
                field: rejection.field.map(plain::line),
                code: plain::code(rejection.code),
                reason: plain::line(rejection.reason),
            })
            .collect(),
        warnings: said::warnings(mapped.warnings),
    }
}

pub(super) fn report(report: types::Report, wait_ms_max: u64) -> Report {
    Report {
        fates: report
            .fates
            .into_iter()
            .filter(|fate| !fate.members.is_empty())
            .map(|fate| Fate { members: fate.members, outcome: outcome(fate.outcome, wait_ms_max) })
            .collect(),
        verdict: verdict(report.verdict, wait_ms_max),
        unattributed: said::unattributed(report.unattributed),
        remote: report.remote,
        account: report.account.map(said::account),
        warnings: said::warnings(report.warnings),
    }
}

fn outcome(outcome: types::Outcome, wait_ms_max: u64) -> Outcome {
    match outcome {
        types::Outcome::Delivered => Outcome::Delivered,
        types::Outcome::Unchanged(code) => Outcome::Unchanged { code: plain::code(code) },
        types::Outcome::Rejected(refusal) => {
            Outcome::Rejected(Refusal { code: plain::code(refusal.code), reason: plain::line(refusal.reason) })
        }
        types::Outcome::Deferred(after_ms) => Outcome::Deferred { after_ms: after_ms.min(wait_ms_max) },
        types::Outcome::Accepted(ticket) => {
            Outcome::Accepted(Ticket { token: ticket.token, ask_after_ms: ticket.ask_after_ms.min(wait_ms_max) })
        }
        types::Outcome::Unknown => Outcome::Unknown,
    }
}

fn verdict(verdict: types::Verdict, wait_ms_max: u64) -> Verdict {
    match verdict {
        types::Verdict::Ok => Verdict::Ok,
        types::Verdict::CredentialInvalid(reason) => Verdict::CredentialInvalid(plain::line(reason)),
        types::Verdict::PermissionMissing(reason) => Verdict::PermissionMissing(plain::line(reason)),
        types::Verdict::Misconfigured(reason) => Verdict::Misconfigured(plain::line(reason)),
        types::Verdict::Throttled(throttle) => {
            Verdict::Throttled { bucket: plain::line(throttle.bucket), after_ms: throttle.after_ms.min(wait_ms_max) }
        }
        types::Verdict::TooLarge => Verdict::TooLarge,
        types::Verdict::RefusedBisect(reason) => Verdict::RefusedBisect(plain::line(reason)),
        types::Verdict::RefusedWhole(reason) => Verdict::RefusedWhole(plain::line(reason)),
        types::Verdict::Unavailable(reason) => Verdict::Unavailable(plain::line(reason)),
    }
}
