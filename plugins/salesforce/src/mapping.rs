//! What a member becomes: a record to write, a row of a job, or an id to look for.
//!
//! Who enters or changes is written by external id. Who leaves is looked up by the ids that were sent, and what is found
//! is updated by record id: so nobody is created only to say that they are no member (case `removed`).

pub(crate) mod identity;
mod moved;
mod plan;
mod value;

use enroute_sdk::{Batch, Context, Frame, Limit, Mapping, Packer, Reject, Request};

use crate::request::{self, soql};
use crate::settings::{MembershipMode, Operation, Settings, WriteMode, membership_field};
use identity::Identities;
use moved::Moved;
use plan::Plan;

// Operations of the manifest.
const UPSERT: &str = "upsert";
const CREATE: &str = "create";
const UPDATE: &str = "update";
const JOIN: &str = "join";
pub(crate) const BULK: &str = "bulk";
const REMOVE: &str = "remove";
const LEAVE: &str = "leave";

/// Largest query, in bytes. An address may have 16,384, and each byte of a query may take three of them.
const QUERY_BYTES_MAX: usize = 4_800;

/// Longest row of a job, in characters: "Bulk API 2.0 limits".
const ROW_BYTES_MAX: usize = 400_000;

/// The operation that writes members who entered.
pub(crate) fn operation(settings: &Settings) -> &'static str {
    match (settings.write_mode, settings.operation) {
        (WriteMode::Bulk, _) => BULK,
        (WriteMode::Collections, Operation::CreateOnly) => CREATE,
        (WriteMode::Collections, Operation::UpdateOnly) => UPDATE,
        (WriteMode::Collections, Operation::Upsert) if settings.membership_mode == MembershipMode::CampaignMember => {
            JOIN
        }
        (WriteMode::Collections, Operation::Upsert) => UPSERT,
    }
}

/// The operation that writes records at once, also where jobs are the rule.
fn at_once(settings: &Settings) -> &'static str {
    match operation(settings) {
        BULK => UPSERT,
        other => other,
    }
}

/// Turns members into requests.
pub(crate) fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let settings = ctx.settings();
    let (plan, identities, look_up) = (Plan::new(ctx), Identities::new(ctx), LookUp::new(ctx));
    let written = |body, _| request::records(settings, body);
    let name = at_once(settings);
    let mut records = Packer::new(name, ctx.limit(name), plan.frame(), written);
    let (mut packed, upload) = (Mapping::new(), |csv, _| request::upload(settings, csv));
    let rows = Packer::new(BULK, ctx.limit(BULK), Frame::lines(plan.header()), upload);
    let mut rows = rows.record_bytes_max(ROW_BYTES_MAX);
    let leave = if settings.membership_mode == MembershipMode::CampaignMember { LEAVE } else { REMOVE };
    let mut removals = Packer::new(leave, look_up.limit(ctx.limit(leave)), look_up.frame(), look_up.build());
    let mut moved = Moved::new(name, ctx.limit(name), &plan, &look_up);
    for member in batch.members() {
        let earlier = identities.earlier(member);
        if member.is_removed() {
            removals.push(out, member, |body, _| {
                body.extend_from_slice(literals(&identities.left(member)?).as_bytes());
                Ok(())
            });
        } else if !earlier.is_empty() {
            moved.push(out, member, identities.now(member), &earlier);
        } else if settings.write_mode == WriteMode::Bulk {
            match identities.now(member) {
                Ok(id) => rows.push(&mut packed, member, |body, out| {
                    plan.write_row(body, out, member, &id);
                    Ok(())
                }),
                Err(reject) => out.reject(member, reject),
            }
        } else {
            records.push(out, member, |body, out| {
                plan.write(body, out, member, &identities.now(member)?);
                Ok(())
            });
        }
    }
    records.finish(out);
    rows.finish(&mut packed);
    as_jobs(settings, packed, batch, out);
    removals.finish(out);
    moved.finish(out);
}

/// Turns packed rows into jobs: a request that makes the job, and one that uploads its rows.
fn as_jobs(settings: &Settings, packed: Mapping, batch: &Batch<'_>, out: &mut Mapping) {
    let mapped = packed.into_mapped();
    for upload in mapped.deliveries.into_iter().flat_map(|delivery| delivery.requests) {
        let job = (upload.members.clone(), request::job(settings));
        out.deliver_all(BULK, vec![job, (upload.members, upload.request)]);
    }
    for rejection in mapped.rejections {
        if let Some(member) = batch.member(rejection.member) {
            out.reject(member, Reject::new("record_too_large", rejection.reason));
        }
    }
    for warning in mapped.warnings {
        out.warn(&warning.code, warning.field.as_deref(), warning.count);
    }
}

/// The query that finds records by external id.
#[derive(Debug)]
pub(crate) struct LookUp<'c> {
    settings: &'c Settings,
    /// Up to the first id.
    prefix: String,
}

impl<'c> LookUp<'c> {
    pub(crate) fn new(ctx: &'c Context<Settings>) -> Self {
        let settings = ctx.settings();
        let Settings { object, external_id_field: key, .. } = settings;
        let value = match settings.membership_mode {
            MembershipMode::FieldMultiselect => membership_field(ctx).map(|field| format!(",{field}")),
            _ => None,
        };
        let prefix = format!("SELECT Id,{key}{} FROM {object} WHERE {key} IN (", value.unwrap_or_default());
        Self { settings, prefix }
    }

    fn frame(&self) -> Frame {
        Frame::json_array(self.prefix.clone(), ")")
    }

    /// As many as the operation takes, and as fit an address.
    fn limit(&self, limit: Limit) -> Limit {
        Limit { members: limit.members, bytes: QUERY_BYTES_MAX }
    }

    fn build(&self) -> impl Fn(Vec<u8>, usize) -> Request + use<'c> {
        let settings = self.settings;
        move |soql, _| request::query(settings, String::from_utf8_lossy(&soql).into_owned())
    }

    /// Queries for these ids, each short enough for an address.
    pub(crate) fn queries<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Vec<Request> {
        let mut queries: Vec<Vec<u8>> = Vec::new();
        for id in ids.map(soql::literal) {
            match queries.last_mut().filter(|last| last.len() + id.len() + 2 <= QUERY_BYTES_MAX) {
                Some(last) => last.push(b','),
                None => queries.push(self.prefix.clone().into_bytes()),
            }
            if let Some(last) = queries.last_mut() {
                last.extend_from_slice(id.as_bytes());
            }
        }
        let build = self.build();
        queries.into_iter().map(|soql| build([soql, b")".to_vec()].concat(), 0)).collect()
    }
}

/// Ids as the literals of a query, with commas between them.
fn literals(ids: &[String]) -> String {
    ids.iter().map(|id| soql::literal(id)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
