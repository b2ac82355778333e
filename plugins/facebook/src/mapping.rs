//! What members become: rows of a customer list, with the columns of the connection.
//!
//! Pure. A column is in the schema if a row is mapped to it or the connection knows an identifier for it, so the
//! schema is that of the connection and does not hang on who is in a batch. Invariants: a member whose identifying
//! cells are all blank is rejected, because nothing could take it out of the list again; what was sent and is no
//! longer true of a member is taken out before the new row comes.

mod cell;
mod memo;
mod plan;

use enroute_sdk::{Batch, Context, Mapping, Reject};

use crate::mapping::plan::{Plan, Row};
use crate::normalize::key::Key;
use crate::request::{Rows, Users};
use crate::settings::Settings;

/// Rows that come.
pub(crate) const ADD: &str = "add";
/// Rows that go.
pub(crate) const REMOVE: &str = "remove";
/// Rows that go because the member is known by others now, which come.
pub(crate) const REPLACE: &str = "replace";

/// Maps the members of a batch.
///
/// Deliveries that take out come first: what one member gives up another may have taken over.
pub(crate) fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let plan = Plan::new(ctx);
    let users = Users::new(ctx.settings(), &plan.keys(), &plan.identifying_keys());
    let pack = |operation| users.pack(operation, ctx.limit(operation), batch.len());
    let (mut removes, mut replaces, mut adds) = (pack(REMOVE), pack(REPLACE), pack(ADD));
    let (mut row, mut old) = (Row::default(), Rows::default());
    for member in batch.members() {
        if member.is_removed() {
            plan.sent(member, &mut old);
            if old.count == 0 {
                out.reject(member, nobody(None));
            } else {
                removes.push(out, member, &old, "");
            }
            continue;
        }
        if let Err(reject) = plan.row(member, &mut row) {
            out.reject(member, reject);
            continue;
        }
        plan.outdated(member, &row, &mut old);
        let pack = if old.count == 0 { &mut adds } else { &mut replaces };
        if pack.push(out, member, &old, row.json()) {
            warn(out, &row);
        }
    }
    removes.finish(out);
    replaces.finish(out);
    adds.finish(out);
}

fn warn(out: &mut Mapping, row: &Row) {
    for (code, key) in row.warnings() {
        out.warn(code, Some(key.as_str()), 1);
    }
}

/// Why a member without identifying cells is not sent; `blank` is the first such column that had a value.
fn nobody(blank: Option<(Key, &'static str)>) -> Reject {
    const CODE: &str = "no_identifier";
    match blank {
        Some((key, why)) => Reject::field(
            key.as_str(),
            CODE,
            format!("{key} is unusable ({why}) and nothing else identifies the member"),
        ),
        None => Reject::new(CODE, "the member has no e-mail address, phone number, advertising id or own id"),
    }
}
