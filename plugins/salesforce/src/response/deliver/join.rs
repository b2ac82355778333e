//! What follows on a written record, in the modes where the record alone does not make its person a member.

use std::collections::HashMap;

use enroute_sdk::{Answer, Context, Http, Outcome, Reading, Sent, Verdict};

use super::find;
use super::withdraw::{campaign, record};
use super::{RECORDS_MAX, carry_out, collections, outcomes};
use crate::mapping::LookUp;
use crate::mapping::identity::{Identities, folded};
use crate::request::{self, soql};
use crate::response::codes::Doing;
use crate::response::fault::Fault;
use crate::response::written;
use crate::settings::catalogue::Catalogue;
use crate::settings::{MembershipMode, Operation, Settings, membership_field, membership_value};

/// Lets everybody join whose record was written; the others keep their fate.
pub(super) fn join(
    ctx: &Context<Settings>,
    sent: &Sent<'_>,
    answer: &Answer,
    reading: Reading,
    http: &mut dyn Http,
) -> Reading {
    let before = outcomes(&reading, sent.len());
    let arrived = |position: usize| before.get(position) == Some(&Outcome::Delivered);
    let records = match records(ctx, sent, answer, http) {
        Ok(records) => records,
        Err(fault) => {
            let later = |outcome: Outcome| if outcome == Outcome::Delivered { fault.outcome.clone() } else { outcome };
            let fates = before.into_iter().map(later).enumerate();
            return Reading::by_index(Outcome::Unknown, fates).verdict(fault.verdict);
        }
    };
    let records: Vec<(usize, String)> = records.into_iter().filter(|(position, _)| arrived(*position)).collect();
    let mut fates: Vec<Option<Outcome>> = vec![None; sent.len()];
    let joined = match ctx.settings().membership_mode {
        MembershipMode::CampaignMember => campaign_members(ctx, &records, &mut fates, http),
        _ => values(ctx, &records, &mut fates, http),
    };
    let (verdict, missing) = match joined {
        Ok(verdict) => (verdict, Outcome::Unknown),
        Err(fault) => (fault.verdict, fault.outcome),
    };
    let fates = before.into_iter().zip(fates).map(|(before, joined)| match (before, joined) {
        (Outcome::Delivered, Some(joined)) => joined,
        (Outcome::Delivered, None) => missing.clone(),
        (before, _) => before,
    });
    let verdict = if reading.verdict == Verdict::Ok { verdict } else { reading.verdict };
    Reading::by_index(Outcome::Unknown, fates.enumerate()).verdict(verdict)
}

/// Ids of the records that were written, by the position of their members.
fn records(
    ctx: &Context<Settings>,
    sent: &Sent<'_>,
    answer: &Answer,
    http: &mut dyn Http,
) -> Result<Vec<(usize, String)>, Fault> {
    if ctx.settings().operation != Operation::UpdateOnly {
        let results = written(answer).unwrap_or_default();
        return Ok(results.into_iter().enumerate().filter_map(|(at, result)| Some((at, result.id?))).collect());
    }
    // A composite does not tell ids.
    let identities = Identities::new(ctx);
    let ids: Vec<String> = sent.members().filter_map(|member| identities.now(member).ok()).collect();
    let queries = LookUp::new(ctx).queries(ids.iter().map(String::as_str));
    let rows = find::all(ctx.settings(), &queries, http)?;
    let key = &ctx.settings().external_id_field;
    let known: HashMap<String, &str> =
        rows.iter().filter_map(|row| Some((folded(row.text(key)?), row.text("Id")?))).collect();
    let found = sent.members().enumerate().filter_map(|(position, member)| {
        let id = identities.now(member).ok()?;
        Some((position, (*known.get(&folded(&id))?).to_owned()))
    });
    Ok(found.collect())
}

/// Creates campaign members. Who is one already counts as joined.
fn campaign_members(
    ctx: &Context<Settings>,
    records: &[(usize, String)],
    fates: &mut [Option<Outcome>],
    http: &mut dyn Http,
) -> Result<Verdict, Fault> {
    let (settings, campaign) = (ctx.settings(), campaign(ctx)?);
    let link = |(position, id): &(usize, String)| {
        let mut link = serde_json::json!({
            "attributes": {"type": "CampaignMember"},
            "CampaignId": campaign,
        });
        if let Some(members) = link.as_object_mut() {
            members.insert(settings.person_field().to_owned(), id.as_str().into());
            if let Some(status) = &settings.campaign_status {
                members.insert("Status".to_owned(), status.as_str().into());
            }
        }
        (*position, link.to_string())
    };
    let derived = collections(records.iter().map(link).collect(), |body| request::create(settings, body));
    Ok(carry_out(http, &derived, Doing::Join, fates))
}

/// Reads the values of a multi-select picklist, and adds one where it is not among them.
fn values(
    ctx: &Context<Settings>,
    records: &[(usize, String)],
    fates: &mut [Option<Outcome>],
    http: &mut dyn Http,
) -> Result<Verdict, Fault> {
    let (settings, value) = (ctx.settings(), membership_value(ctx));
    let field = membership_field(ctx).map(|name| Catalogue::of(ctx).spelled(&name)).unwrap_or_default();
    let query = |chunk: &[(usize, String)]| {
        let ids: Vec<String> = chunk.iter().map(|(_, id)| soql::literal(id)).collect();
        request::query(settings, format!("SELECT Id,{field} FROM {} WHERE Id IN ({})", settings.object, ids.join(",")))
    };
    let queries: Vec<_> = records.chunks(RECORDS_MAX).map(query).collect();
    let rows = find::all(settings, &queries, http)?;
    let held: HashMap<&str, &str> =
        rows.iter().filter_map(|row| Some((row.text("Id")?, row.text(&field).unwrap_or_default()))).collect();
    let mut updates = Vec::new();
    for (position, id) in records {
        let Some(values) = held.get(id.as_str()) else { continue };
        if values.split(';').any(|known| known.eq_ignore_ascii_case(&value)) {
            if let Some(fate) = fates.get_mut(*position) {
                *fate = Some(Outcome::Delivered);
            }
            continue;
        }
        let all = if values.is_empty() { value.clone() } else { format!("{values};{value}") };
        let all = serde_json::Value::from(all).to_string();
        updates.push((*position, record(&settings.object, id, &field, &all)));
    }
    let derived = collections(updates, |body| request::update(settings, body));
    Ok(carry_out(http, &derived, Doing::Upsert, fates))
}
