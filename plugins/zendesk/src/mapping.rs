//! What a member becomes: a user in a job of many, or a few requests of its own.
//!
//! Invariant: only an upsert of a member with a name can create anybody, and a withdrawal never does
//! (cases `exits_create_nobody` and `created_only_with_a_name`). Which way a member goes depends on the member and on
//! the connection alone.

pub(crate) mod field;
pub(crate) mod identity;
pub(crate) mod step;
mod time_zone;
mod user;
mod value;

use enroute_sdk::{Batch, Context, Frame, Mapping, Member, Packer, Reject, Request};

use crate::request::{
    PREFIX, SUFFIX, UPDATE_EACH, UPDATE_MANY, UPSERT_MANY, UPSERT_ONE, tag_found, update_found, update_many,
    upsert_many, upsert_one,
};
use crate::settings::remote::Remote;
use crate::settings::{Settings, is_bulk, membership_tag};
use field::Field;
use identity::Identities;
use step::{Step, moves_address, steps};
use user::Plan;

/// Members of one delivery of single updates: they share a look-up.
const EACH_MEMBERS_MAX: usize = 20;

/// Users in a job whose tags follow one by one when it ends, so that they fit one call.
const TAGGED_MEMBERS_MAX: usize = 50;

/// Most bytes of external ids in a URL; common servers take 8 KiB of it, and an escaped byte takes three.
const QUERY_BYTES_MAX: usize = 2_400;

/// Whether rows make up a name: of its two parts, or of one trait with all of it.
pub(crate) fn has_name(ctx: &Context<Settings>) -> bool {
    let mapped = |wanted: &Field<'_>| ctx.rows().iter().any(|row| Field::of(&row.field) == *wanted);
    mapped(&Field::Name) || mapped(&Field::FirstName) && mapped(&Field::LastName)
}

/// Turns members into requests.
pub(crate) fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let remote = Remote::catalogue(ctx);
    let plan = Plan::new(ctx, remote.as_ref());
    let router = Router { ctx, identities: Identities::new(ctx), bulk: is_bulk(ctx) };
    let mut limit = ctx.limit(UPSERT_MANY);
    if ctx.settings().has_tag() {
        limit.members = limit.members.min(TAGGED_MEMBERS_MAX);
    }
    let build = |body, _| upsert_many(ctx.settings(), body);
    let mut packer = Packer::new(UPSERT_MANY, limit, Frame::json_array(PREFIX, SUFFIX), build);
    let mut alike = [Alike::new(ctx, &plan, true), Alike::new(ctx, &plan, false)];
    let mut each = Each::default();
    for member in batch.members() {
        match router.way(member) {
            Err(reject) => out.reject(member, reject),
            Ok(Way::Bulk) => packer.push(out, member, |body, out| {
                let identity = plan.identity(router.identities, member)?;
                plan.write(body, out, member, Some(&identity))
            }),
            Ok(Way::Alike(external_id, joins)) => {
                let [joining, leaving] = &mut alike;
                if joins { joining } else { leaving }.push(out, member, external_id);
            }
            Ok(Way::Single(steps)) => match router.requests(&plan, out, member, &steps) {
                Err(reject) => out.reject(member, reject),
                Ok(requests) if steps.contains(&Step::Upsert) => out.deliver_all(UPSERT_ONE, requests),
                Ok(requests) => each.push(out, requests),
            },
        }
    }
    packer.finish(out);
    for mut alike in alike {
        alike.cut(out);
    }
    each.cut(out);
}

/// How a member goes.
enum Way<'m> {
    /// In a job of users that are created or updated.
    Bulk,
    /// In a job that says the same of all: who joins, or who leaves.
    Alike(String, bool),
    /// By requests of its own.
    Single(Vec<Step<'m>>),
}

struct Router<'c> {
    ctx: &'c Context<Settings>,
    identities: Identities,
    bulk: bool,
}

impl Router<'_> {
    fn way<'m>(&self, member: Member<'m>) -> Result<Way<'m>, Reject> {
        let ctx = self.ctx;
        let steps = steps(ctx, self.identities, member)?;
        if !self.bulk || moves_address(ctx, self.identities, member) {
            return Ok(Way::Single(steps));
        }
        let says_only_membership = !ctx.settings().has_tag();
        match steps.as_slice() {
            [Step::Upsert] => Ok(Way::Bulk),
            [step] if says_only_membership && (member.is_removed() || ctx.rows().is_empty()) => {
                let external_id = step.target().and_then(|target| target.listable());
                match external_id.filter(|id| id.len() <= QUERY_BYTES_MAX) {
                    Some(id) => Ok(Way::Alike(id.to_owned(), !member.is_removed())),
                    None => Ok(Way::Single(steps)),
                }
            }
            _ => Ok(Way::Single(steps)),
        }
    }

    /// The requests of a member who goes alone, in order.
    fn requests(
        &self,
        plan: &Plan<'_>,
        out: &mut Mapping,
        member: Member<'_>,
        steps: &[Step<'_>],
    ) -> Result<Vec<(Vec<u32>, Request)>, Reject> {
        let (settings, about) = (self.ctx.settings(), || vec![member.index()]);
        let tag = membership_tag(self.ctx);
        let mut requests = Vec::new();
        for step in steps {
            let joins = !matches!(step, Step::Withdraw(_));
            if step.writes_user(self.ctx) {
                let mut user = Vec::new();
                let request = match step {
                    Step::Withdraw(_) => update_found(settings, &plan.membership(false)),
                    Step::Update(_) => {
                        plan.write(&mut user, out, member, None)?;
                        update_found(settings, &user)
                    }
                    Step::Upsert => {
                        plan.write(&mut user, out, member, Some(&plan.identity(self.identities, member)?))?;
                        upsert_one(settings, &user)
                    }
                };
                let (bytes, most) = (request.body.len(), self.ctx.limit(UPSERT_ONE).bytes);
                if bytes > most {
                    let reason = format!("the record has {bytes} bytes, more than the {most} that fit");
                    return Err(Reject::new("record_too_large", reason));
                }
                requests.push((about(), request));
            }
            if let Some(tag) = &tag {
                requests.push((about(), tag_found(settings, tag, joins)));
            }
        }
        Ok(requests)
    }
}

/// Members of whom the same is said, by external id.
struct Alike<'c> {
    ctx: &'c Context<Settings>,
    user: Vec<u8>,
    members: Vec<u32>,
    external_ids: Vec<String>,
    bytes: usize,
}

impl<'c> Alike<'c> {
    fn new(ctx: &'c Context<Settings>, plan: &Plan<'_>, joins: bool) -> Self {
        Self { ctx, user: plan.membership(joins), members: Vec::new(), external_ids: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, out: &mut Mapping, member: Member<'_>, external_id: String) {
        let is_full = self.members.len() >= self.ctx.limit(UPDATE_MANY).members;
        if is_full || self.bytes + external_id.len() > QUERY_BYTES_MAX {
            self.cut(out);
        }
        self.bytes += external_id.len() + 1;
        self.members.push(member.index());
        self.external_ids.push(external_id);
    }

    fn cut(&mut self, out: &mut Mapping) {
        self.bytes = 0;
        let (members, ids) = (std::mem::take(&mut self.members), std::mem::take(&mut self.external_ids));
        if !members.is_empty() {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            out.deliver(UPDATE_MANY, members, update_many(self.ctx.settings(), &ids, &self.user));
        }
    }
}

/// Single updates that share a look-up.
#[derive(Default)]
struct Each {
    requests: Vec<(Vec<u32>, Request)>,
    members: usize,
}

impl Each {
    fn push(&mut self, out: &mut Mapping, requests: Vec<(Vec<u32>, Request)>) {
        if self.members >= EACH_MEMBERS_MAX {
            self.cut(out);
        }
        self.members += 1;
        self.requests.extend(requests);
    }

    fn cut(&mut self, out: &mut Mapping) {
        self.members = 0;
        let requests = std::mem::take(&mut self.requests);
        if !requests.is_empty() {
            out.deliver_all(UPDATE_EACH, requests);
        }
    }
}

#[cfg(test)]
mod tests;
