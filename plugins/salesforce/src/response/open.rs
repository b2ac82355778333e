//! Looking at the org: what the object has, and which campaign is meant.

use enroute_sdk::{Answer, Context, Failure, Finding, Http, Verdict};
use serde::Deserialize;

use crate::request::{self, soql};
use crate::response::codes::Doing;
use crate::response::{fault, quota};
use crate::settings::catalogue::{Describe, Remote};
use crate::settings::{MembershipMode, Settings, membership_field};

/// Warning: the description is larger than an answer may be, so types are not known.
const DESCRIBE_TOO_LARGE: &str = "describe_too_large";

/// Warning: the org's daily calls are nearly used up.
const QUOTA_NEARLY_USED: &str = "quota_nearly_used";

/// Most campaigns of one name that are looked at.
const CAMPAIGNS_MAX: usize = 5;

#[derive(Debug, Deserialize)]
struct Limits {
    #[serde(rename = "DailyApiRequests")]
    daily: Option<Daily>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Daily {
    max: u64,
    remaining: u64,
}

#[derive(Debug, Deserialize)]
struct Found {
    records: Vec<Campaign>,
}

#[derive(Debug, Deserialize)]
struct Campaign {
    #[serde(rename = "Id")]
    id: String,
}

#[derive(Debug, Deserialize)]
struct Created {
    id: Option<String>,
    success: bool,
}

/// Tests the token, the day's allowance and the view of the object, and changes nothing.
pub(crate) fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    let settings = ctx.settings();
    let limits = match ask(http, "probe", &request::limits(settings)) {
        Ok(answer) => answer,
        Err(verdict) => return Finding::verdict(verdict),
    };
    let Some(Limits { daily }) = limits.json() else { return Finding::verdict(strange("the limits")) };
    let nearly = daily.is_some_and(|Daily { max, remaining }| {
        quota::is_reserved(max.saturating_sub(remaining), max, settings.daily_quota_reserve_percent)
    });
    let finding = match http.send("probe", &request::describe(settings)) {
        // What is too large to read is there.
        Err(Failure::TooLarge(_)) => Finding::ok().warn(DESCRIBE_TOO_LARGE, None, 1),
        Err(failure) => Finding::verdict(fault::unsent(&failure, Doing::Read).verdict),
        Ok(answer) => match fault::read(&answer, Doing::Read) {
            Some(fault) => Finding::verdict(about_object(settings, &answer, fault.verdict)),
            None => match answer.json::<Describe>() {
                Some(describe) => Finding::ok().account(describe.account()),
                None => Finding::verdict(strange("the description of the object")),
            },
        },
    };
    if nearly { finding.warn(QUOTA_NEARLY_USED, None, 1) } else { finding }
}

/// Learns the object's fields, and finds or creates the campaign. Safe to repeat.
pub(crate) fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    let settings = ctx.settings();
    let mut remote = Remote { object: settings.object.clone(), campaign: None, fields: Vec::new() };
    let mut account = None;
    match http.send("describe", &request::describe(settings)) {
        Err(Failure::TooLarge(_)) => {}
        Err(failure) => return Finding::verdict(fault::unsent(&failure, Doing::Read).verdict),
        Ok(answer) => {
            if let Some(fault) = fault::read(&answer, Doing::Read) {
                return Finding::verdict(about_object(settings, &answer, fault.verdict));
            }
            let Some(describe) = answer.json::<Describe>() else {
                return Finding::verdict(strange("the description of the object"));
            };
            if !describe.name.eq_ignore_ascii_case(&settings.object) {
                return Finding::verdict(strange("the description of the object"));
            }
            account = Some(describe.account());
            let membership = membership_field(ctx).unwrap_or_default();
            remote.fields = describe.fields(|name| {
                let is = |other: &str| other.eq_ignore_ascii_case(name);
                is(&membership) || ctx.rows().iter().any(|row| is(&row.field))
            });
        }
    }
    if settings.membership_mode == MembershipMode::CampaignMember {
        match campaign(ctx, http) {
            Ok(id) => remote.campaign = Some(id),
            Err(verdict) => return Finding::verdict(verdict),
        }
    }
    let Ok(text) = serde_json::to_string(&remote) else { return Finding::verdict(strange("the description")) };
    let finding = Finding::ok().remote(text);
    match account {
        Some(items) => finding.account(items),
        None => finding.warn(DESCRIBE_TOO_LARGE, None, 1),
    }
}

/// The id of the campaign: as set, or by name, or a new one.
fn campaign(ctx: &Context<Settings>, http: &mut dyn Http) -> Result<String, Verdict> {
    let settings = ctx.settings();
    let name = settings.campaign_name.as_deref().unwrap_or_else(|| ctx.audience_name());
    let (field, value) = match &settings.campaign_id {
        Some(id) => ("Id", id.as_str()),
        None => ("Name", name),
    };
    // One more than are looked at, in one page.
    let soql = format!("SELECT Id FROM Campaign WHERE {field} = {} LIMIT {CAMPAIGNS_MAX}", soql::literal(value));
    let answer = ask(http, "look_up", &request::query(settings, soql))?;
    let Some(Found { records }) = answer.json() else { return Err(strange("the campaigns")) };
    match records.as_slice() {
        [one] => Ok(one.id.clone()),
        [] if settings.campaign_id.is_some() => Err(Verdict::Misconfigured(format!(
            "there is no campaign with the id `{value}`, or the user may not see it"
        ))),
        [] if !settings.create_campaign => {
            Err(Verdict::Misconfigured(format!("there is no campaign `{name}`, and `create_campaign` is off")))
        }
        [] => created(settings, name, http),
        several => {
            let ids: Vec<&str> = several.iter().map(|campaign| campaign.id.as_str()).collect();
            let ids = ids.join(", ");
            Err(Verdict::Misconfigured(format!(
                "several campaigns are called `{name}`: set `campaign_id` to one of {ids}"
            )))
        }
    }
}

fn created(settings: &Settings, name: &str, http: &mut dyn Http) -> Result<String, Verdict> {
    let answer = ask(http, "create_campaign", &request::create_campaign(settings, name))?;
    match answer.json() {
        Some(Created { id: Some(id), success: true }) => Ok(id),
        _ => Err(strange("the creation of the campaign")),
    }
}

fn ask(http: &mut dyn Http, kind: &str, request: &enroute_sdk::Request) -> Result<Answer, Verdict> {
    let answer = http.send(kind, request).map_err(|failure| fault::unsent(&failure, Doing::Read).verdict)?;
    match fault::read(&answer, Doing::Read) {
        Some(fault) => Err(fault.verdict),
        None => Ok(answer),
    }
}

/// A description that is not found is a matter of the object, not of the address.
fn about_object(settings: &Settings, answer: &Answer, verdict: Verdict) -> Verdict {
    if answer.status != 404 {
        return verdict;
    }
    Verdict::Misconfigured(format!("there is no object `{}`, or the user may not see it", settings.object))
}

fn strange(what: &str) -> Verdict {
    Verdict::Unavailable(format!("salesforce answered the question for {what} with something else"))
}
