//! What members become: members of a customer list.
//!
//! Pure. Invariants: a member whose consent is denied does not enter; what was sent and is no longer true of a member
//! is taken out; what is still true is not.

pub(crate) mod field;
mod person;

use enroute_sdk::{Batch, Context, Mapping, Reject};

use crate::mapping::person::{Ids, Plan};
use crate::request::{Pack, Uploads};
use crate::settings::{Api, Consents, ListType, Settings};

/// Operations of the manifest, as the two APIs go about them.
#[derive(Debug, Clone, Copy)]
struct Operations {
    add: &'static str,
    remove: &'static str,
    replace: &'static str,
}

const DATA_MANAGER: Operations = Operations { add: "ingest", remove: "remove", replace: "replace" };
const GOOGLE_ADS: Operations = Operations { add: "job_add", remove: "job_remove", replace: "job_replace" };

/// Maps the members of a batch, all of whom have the same consent.
pub(crate) fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let settings = ctx.settings();
    let operations = if settings.api == Api::DataManager { DATA_MANAGER } else { GOOGLE_ADS };
    let consents = Consents::of(batch.consent(), settings.consents());
    let (plan, uploads) = (Plan::new(ctx), Uploads::new(ctx, consents));
    let pack = |operation| Pack::new(&uploads, operation, ctx.limit(operation));
    let mut removes = pack(operations.remove);
    let mut replaces = pack(operations.replace);
    let mut adds = pack(operations.add);
    for member in batch.members() {
        if member.is_removed() {
            let old = plan.sent(member, None);
            if old.is_empty() {
                out.reject(member, nobody(settings));
            } else {
                removes.push(out, member, &plan.records(&old), None);
            }
            continue;
        }
        let now = if consents.is_denied() { Err(denied()) } else { plan.now(member) };
        let now = match now {
            Ok(now) => now,
            Err(reject) => {
                out.reject(member, reject);
                continue;
            }
        };
        let (old, new) = (plan.sent(member, Some(&now)), plan.record(&now));
        let pack = if old.is_empty() { &mut adds } else { &mut replaces };
        if pack.push(out, member, &plan.records(&old), Some(&new)) {
            warn(out, &now);
        }
    }
    removes.finish(out);
    replaces.finish(out);
    adds.finish(out);
}

fn warn(out: &mut Mapping, now: &Ids) {
    for (field, code) in &now.warnings {
        out.warn(code, Some(field), 1);
    }
}

fn denied() -> Reject {
    Reject::new("consent_denied", "consent to the use of the member's data for ads is denied")
}

fn nobody(settings: &Settings) -> Reject {
    let what = match settings.list_type {
        ListType::Contact => "e-mail address, phone number or address",
        ListType::Mobile => "advertising id",
        ListType::UserId => "user id",
    };
    Reject::new("no_identifier", format!("the member has no usable {what}"))
}
