//! Taking a membership away from the records that a look-up found. Nobody is created for it.

use std::collections::HashMap;

use enroute_sdk::{Answer, Context, Http, Outcome, Reading, Sent, Verdict};

use super::find::{self, Row};
use super::{Derived, RECORDS_MAX, carry_out, collections};
use crate::mapping::identity::{Identities, folded};
use crate::request::{self, soql};
use crate::response::codes::{Doing, NOT_PRESENT};
use crate::response::fault::Fault;
use crate::settings::catalogue::{self, Catalogue};
use crate::settings::{MembershipMode, Settings, membership_field, membership_value};

/// Code of members whose record says already that they are none.
pub(super) const NOT_A_MEMBER: &str = "not_a_member";

/// Withdraws the members of a look-up, whose first page is the answer.
pub(super) fn withdraw(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer, http: &mut dyn Http) -> Reading {
    let settings = ctx.settings();
    let rows = match find::rows(settings, answer, http) {
        Ok(rows) => rows,
        Err(fault) => return fault.into(),
    };
    let found = by_member(ctx, sent, &rows);
    let mut fates: Vec<Option<Outcome>> = vec![None; sent.len()];
    let derived = match settings.membership_mode {
        MembershipMode::FieldBoolean => updates(ctx, &found, |_| Some("false".to_owned())),
        MembershipMode::FieldMultiselect => {
            let (field, value) = (membership_field(ctx).unwrap_or_default(), membership_value(ctx));
            updates(ctx, &found, |row| without(row.text(&field).unwrap_or_default(), &value))
        }
        MembershipMode::DeleteRecord => deletions(settings, &ids(&found)),
        MembershipMode::CampaignMember => match campaign_members(ctx, &found, http) {
            Ok(members) => deletions(settings, &members),
            Err(fault) => return fault.into(),
        },
    };
    let verdict = carry_out(http, &derived, Doing::Withdraw, &mut fates);
    let unchanged = |code: &str| Outcome::Unchanged(code.to_owned());
    let fate = |(position, fate): (usize, Option<Outcome>)| {
        let is_found = found.iter().any(|(known, _)| *known == position);
        let nothing_done = if is_found { NOT_A_MEMBER } else { NOT_PRESENT };
        (position, fate.unwrap_or_else(|| unchanged(nothing_done)))
    };
    let fates = fates.into_iter().enumerate().map(fate);
    Reading::by_index(unchanged(NOT_PRESENT), fates).verdict(verdict)
}

/// The rows that were found for each member, by its position.
fn by_member<'r>(ctx: &Context<Settings>, sent: &Sent<'_>, rows: &'r [Row]) -> Vec<(usize, &'r Row)> {
    let (key, identities) = (&ctx.settings().external_id_field, Identities::new(ctx));
    let mut by_id: HashMap<String, Vec<&Row>> = HashMap::new();
    for row in rows {
        by_id.entry(folded(row.text(key).unwrap_or_default())).or_default().push(row);
    }
    let mut found = Vec::new();
    for (position, member) in sent.members().enumerate() {
        for id in identities.withdrawn(member) {
            found.extend(by_id.get(&folded(&id)).into_iter().flatten().map(|row| (position, *row)));
        }
    }
    found
}

fn ids(found: &[(usize, &Row)]) -> Vec<(usize, String)> {
    found.iter().filter_map(|(position, row)| Some((*position, row.text("Id")?.to_owned()))).collect()
}

/// Updates of the membership field; rows without a new value stay as they are.
fn updates(ctx: &Context<Settings>, found: &[(usize, &Row)], value: impl Fn(&Row) -> Option<String>) -> Vec<Derived> {
    let settings = ctx.settings();
    let field = membership_field(ctx).map(|name| Catalogue::of(ctx).spelled(&name)).unwrap_or_default();
    let records = found.iter().filter_map(|(position, row)| {
        Some((*position, record(&settings.object, row.text("Id")?, &field, &value(row)?)))
    });
    collections(records.collect(), |body| request::update(settings, body))
}

/// An update of one field of one record. The value is JSON already.
pub(super) fn record(object: &str, id: &str, field: &str, value: &str) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    format!("{{\"attributes\":{{\"type\":{}}},\"id\":{},{}:{value}}}", text(object), text(id), text(field))
}

/// The values of a multi-select picklist without one, as JSON; none where it is not among them.
fn without(values: &str, value: &str) -> Option<String> {
    let is_value = |known: &&str| known.eq_ignore_ascii_case(value);
    if !values.split(';').any(|known| is_value(&known)) {
        return None;
    }
    let left: Vec<&str> = values.split(';').filter(|known| !is_value(known)).collect();
    Some(if left.is_empty() { "null".to_owned() } else { serde_json::Value::from(left.join(";")).to_string() })
}

fn deletions(settings: &Settings, ids: &[(usize, String)]) -> Vec<Derived> {
    let cut = ids.chunks(RECORDS_MAX).map(|chunk| {
        let ids: Vec<&str> = chunk.iter().map(|(_, id)| id.as_str()).collect();
        Derived {
            request: request::delete(settings, &ids),
            positions: chunk.iter().map(|(position, _)| *position).collect(),
        }
    });
    cut.collect()
}

/// The records that link these people to the campaign.
fn campaign_members(
    ctx: &Context<Settings>,
    found: &[(usize, &Row)],
    http: &mut dyn Http,
) -> Result<Vec<(usize, String)>, Fault> {
    let (settings, campaign) = (ctx.settings(), campaign(ctx)?);
    let (person, people) = (settings.person_field(), ids(found));
    let query = |chunk: &[(usize, String)]| {
        let ids: Vec<String> = chunk.iter().map(|(_, id)| soql::literal(id)).collect();
        let (campaign, ids) = (soql::literal(&campaign), ids.join(","));
        let soql =
            format!("SELECT Id,{person} FROM CampaignMember WHERE CampaignId = {campaign} AND {person} IN ({ids})");
        request::query(settings, soql)
    };
    let queries: Vec<_> = people.chunks(RECORDS_MAX).map(query).collect();
    let rows = find::all(settings, &queries, http)?;
    let member = |row: &Row| {
        let id = row.text(person)?;
        let (position, _) = people.iter().find(|(_, known)| same_record(known, id))?;
        Some((*position, row.text("Id")?.to_owned()))
    };
    Ok(rows.iter().filter_map(member).collect())
}

/// Whether two ids name one record: the longer form of an id only adds to the shorter.
fn same_record(one: &str, other: &str) -> bool {
    let short = |id: &str| id.get(..15).map(str::to_owned);
    short(one).is_some() && short(one) == short(other)
}

/// The campaign that `open` found.
pub(super) fn campaign(ctx: &Context<Settings>) -> Result<String, Fault> {
    catalogue::remote(ctx).and_then(|remote| remote.campaign).ok_or_else(|| {
        let why = "the campaign is not known yet, so the connection must be opened first".to_owned();
        Fault { outcome: Outcome::Deferred(0), verdict: Verdict::Misconfigured(why) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_taken_out_and_the_others_stay() {
        assert_eq!(without("a;vip;b", "vip").as_deref(), Some("\"a;b\""));
        assert_eq!(without("Vip", "vip").as_deref(), Some("null"));
        assert_eq!(without("a;vips", "vip"), None);
        assert_eq!(without("", "vip"), None);
    }

    #[test]
    fn the_two_forms_of_an_id_are_one_record() {
        assert!(same_record("00Q5g00000AbCdE", "00Q5g00000AbCdEEAV"));
        assert!(!same_record("00Q5g00000AbCdE", "00Q5g00000AbCde"));
        assert!(!same_record("short", "short"));
    }
}
