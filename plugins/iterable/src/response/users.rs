//! A success, which counts who was taken and names who was not.
//!
//! Pages "Bulk update user data" and "Add subscribers to list". Failures come as lists of addresses and ids, not by
//! position. Addresses are compared in lower case, ids to the letter.

use std::collections::{BTreeMap, HashMap};

use enroute_sdk::{Context, Outcome, Reading, Sent, Verdict};
use serde::Deserialize;
use serde_json::Value;

use super::FORGOTTEN;
use crate::mapping::identity::{Identities, Identity};
use crate::request::Call;
use crate::settings::Settings;

/// What Iterable answers with. Only the counts are promised.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Body {
    success_count: Option<usize>,
    fail_count: Option<usize>,
    failed_updates: Option<Failed>,
    created_fields: Names,
    filtered_out_fields: Names,
    /// Copies of an older form.
    invalid_emails: Names,
    invalid_user_ids: Names,
}

/// Who was not taken, by the reason.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Failed {
    invalid_emails: Names,
    invalid_user_ids: Names,
    not_found_emails: Names,
    not_found_user_ids: Names,
    invalid_data_emails: Names,
    invalid_data_user_ids: Names,
    conflict_emails: Names,
    conflict_user_ids: Names,
    forgotten_emails: Names,
    forgotten_user_ids: Names,
    /// Lists that nobody knows: who stands in them is named all the same.
    #[serde(flatten)]
    others: BTreeMap<String, Names>,
}

/// Names in an answer: whatever else stands there instead names nobody.
#[derive(Debug, Default)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Value::Array(names) = Value::deserialize(deserializer)? else { return Ok(Self::default()) };
        let text = |name| match name {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Ok(Self(names.into_iter().filter_map(text).collect()))
    }
}

/// Why a user was not taken; the later one counts where there are two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// A list that nobody knows.
    Other,
    NotFound,
    Forgotten,
    Invalid,
    InvalidData,
    Conflict,
}

pub(super) fn read(ctx: &Context<Settings>, sent: &Sent<'_>, body: Body) -> Reading {
    if body.success_count.is_none() && body.fail_count.is_none() {
        let why = "iterable did not say how many users it took".to_owned();
        return Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable(why));
    }
    let failed = body.fail_count.unwrap_or_else(|| sent.len().saturating_sub(body.success_count.unwrap_or(0)));
    let mut named =
        if failed == 0 && body.names_nobody() { BTreeMap::new() } else { Body::attribute(ctx, sent, body.reasons()) };
    if failed > named.len() {
        for (position, why) in Body::attribute(ctx, sent, body.others()) {
            named.entry(position).or_insert(why);
        }
    }
    let exceptions = named.iter().map(|(position, (reason, leaves))| (*position, outcome(ctx, *reason, *leaves)));
    let mut reading = if failed > named.len() {
        let why = format!("iterable counts {failed} failures and names {} of the users sent", named.len());
        Reading::by_index(Outcome::Deferred(0), exceptions).verdict(Verdict::RefusedBisect(why))
    } else {
        Reading::by_index(Outcome::Delivered, exceptions)
    };
    let counted = body.success_count.map_or(sent.len(), |taken| taken.saturating_add(failed));
    if counted < sent.len() {
        let short = u32::try_from(sent.len() - counted).unwrap_or(u32::MAX);
        reading = reading.unattributed("iterable counted fewer users than were sent", short);
    }
    fields(ctx, sent, &body, reading)
}

/// What is told of fields beside the users.
fn fields(ctx: &Context<Settings>, sent: &Sent<'_>, body: &Body, mut reading: Reading) -> Reading {
    let key = ctx.audience_key();
    let mapped = |name: &str| ctx.rows().iter().any(|row| row.field == name);
    let known = |name: &'_ String| if name == key || mapped(name) { Some(name.clone()) } else { None };
    for (code, names) in [("field_filtered_out", &body.filtered_out_fields), ("field_created", &body.created_fields)] {
        for name in &names.0 {
            reading = reading.warn(code, known(name).as_deref(), 1);
        }
    }
    let lost = ctx.settings().membership.has_field() && body.filtered_out_fields.0.iter().any(|name| name == key);
    let enters = sent.members().any(|member| !member.is_removed());
    if lost && enters && Call::of(sent.path()) == Call::BulkUpdate {
        if reading.rest == Outcome::Delivered {
            reading.rest = Outcome::Deferred(0);
        }
        let why = format!("iterable dropped field `{key}`, where membership stands; create it as a boolean field");
        reading = reading.verdict(Verdict::Misconfigured(why));
    }
    reading
}

/// The fate of a user who was not taken.
fn outcome(ctx: &Context<Settings>, reason: Reason, leaves: Leaves) -> Outcome {
    let absent = || Outcome::Unchanged("not_found".to_owned());
    match reason {
        Reason::Forgotten => Outcome::Unchanged(FORGOTTEN.to_owned()),
        Reason::NotFound if leaves != Leaves::No || ctx.settings().update_existing_only => absent(),
        Reason::NotFound => Outcome::rejected("not_found", "iterable does not know the user"),
        // The user that a member was before: what is no identifier was never a user.
        Reason::Invalid if leaves == Leaves::Behind => absent(),
        Reason::Invalid => Outcome::rejected("invalid_identifier", "iterable takes the identifier for malformed"),
        Reason::Other => Outcome::rejected("refused", "iterable refuses the user for a reason that is not documented"),
        Reason::InvalidData => Outcome::rejected("invalid_data", "iterable refuses the fields of the user"),
        Reason::Conflict => {
            Outcome::rejected("identity_conflict", "the identifiers belong to two different users in iterable")
        }
    }
}

/// Whether a user was to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// It enters.
    No,
    /// The member left.
    Gone,
    /// The member stays, as another user.
    Behind,
}

impl Body {
    /// Who is named, by reason: addresses and ids.
    fn reasons(&self) -> Vec<(Reason, &[String], &[String])> {
        let mut reasons = vec![(Reason::Invalid, &self.invalid_emails, &self.invalid_user_ids)];
        if let Some(failed) = &self.failed_updates {
            reasons.extend([
                (Reason::NotFound, &failed.not_found_emails, &failed.not_found_user_ids),
                (Reason::Forgotten, &failed.forgotten_emails, &failed.forgotten_user_ids),
                (Reason::Invalid, &failed.invalid_emails, &failed.invalid_user_ids),
                (Reason::InvalidData, &failed.invalid_data_emails, &failed.invalid_data_user_ids),
                (Reason::Conflict, &failed.conflict_emails, &failed.conflict_user_ids),
            ]);
        }
        reasons.into_iter().map(|(reason, emails, ids)| (reason, emails.0.as_slice(), ids.0.as_slice())).collect()
    }

    /// Lists that nobody knows; what had no effect is no failure.
    fn others(&self) -> Vec<(Reason, &[String], &[String])> {
        let others = self.failed_updates.iter().flat_map(|failed| &failed.others);
        let others = others.filter(|(name, _)| !name.starts_with("noOp"));
        others.map(|(_, names)| (Reason::Other, names.0.as_slice(), names.0.as_slice())).collect()
    }

    fn names_nobody(&self) -> bool {
        self.reasons().iter().all(|(_, emails, ids)| emails.is_empty() && ids.is_empty())
    }

    /// The positions that these lists name, with the worst that they say of each.
    fn attribute(
        ctx: &Context<Settings>,
        sent: &Sent<'_>,
        lists: Vec<(Reason, &[String], &[String])>,
    ) -> BTreeMap<usize, (Reason, Leaves)> {
        let table = Table::new(ctx, sent);
        let mut named: BTreeMap<usize, (Reason, Leaves)> = BTreeMap::new();
        for (reason, emails, ids) in lists {
            let by_email = emails.iter().filter_map(|email| table.emails.get(&email.trim().to_lowercase()));
            let by_id = ids.iter().filter_map(|id| table.ids.get(id));
            for (position, leaves) in by_email.chain(by_id).flatten() {
                let known = named.entry(*position).or_insert((reason, *leaves));
                if known.0 <= reason {
                    *known = (reason, *leaves);
                }
            }
        }
        named
    }
}

/// Positions by the identifiers that were sent.
#[derive(Debug, Default)]
struct Table {
    emails: HashMap<String, Vec<(usize, Leaves)>>,
    ids: HashMap<String, Vec<(usize, Leaves)>>,
}

impl Table {
    fn new(ctx: &Context<Settings>, sent: &Sent<'_>) -> Self {
        let identities = Identities::new(ctx);
        let mut table = Self::default();
        for (position, member) in sent.members().enumerate() {
            let behind = if member.is_removed() { Leaves::Gone } else { Leaves::Behind };
            for old in identities.earlier(member) {
                table.add(&old, (position, behind));
            }
            if let Some(now) = identities.current(member).filter(|_| !member.is_removed()) {
                table.add(&now, (position, Leaves::No));
            }
        }
        table
    }

    fn add(&mut self, identity: &Identity<'_>, place: (usize, Leaves)) {
        if let Some(email) = &identity.email {
            self.emails.entry(email.to_string()).or_default().push(place);
        }
        if let Some(user_id) = identity.user_id {
            self.ids.entry(user_id.to_owned()).or_default().push(place);
        }
    }
}
