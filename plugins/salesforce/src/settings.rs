//! What an operator may ask for, and what does not go together.
//!
//! Types, choices and ranges are the manifest's. Here are the rules between settings, secrets, rows, the audience and,
//! once `open` has asked, the org's own description of the object.

pub(crate) mod catalogue;
mod names;
mod origin;
mod rows;
mod together;

use enroute_sdk::date::Order;
use enroute_sdk::problem::{error, warning};
use enroute_sdk::{Context, Place, Problem};
use serde::Deserialize;

pub(crate) use names::{membership_field, membership_value};
pub(crate) use rows::related;

/// Settings of the manifest.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// `https://acme.my.salesforce.com`: the org's My Domain.
    pub instance_url: String,
    /// Where tokens are asked for, in the flows with a login host.
    pub login_url: Option<String>,
    /// How the host gets its token.
    #[serde(default)]
    pub auth_flow: AuthFlow,
    /// The consumer key of the app.
    pub client_id: Option<String>,
    /// The user that acts, in the JWT flow.
    pub username: Option<String>,
    /// `v67.0`.
    pub api_version: String,
    /// The API name of the object.
    pub object: String,
    /// What happens to records of members.
    #[serde(default)]
    pub operation: Operation,
    /// The field that says which record a member is.
    pub external_id_field: String,
    /// How members are sent.
    #[serde(default)]
    pub write_mode: WriteMode,
    /// How a record says that its person is a member.
    #[serde(default)]
    pub membership_mode: MembershipMode,
    /// The field that membership stands in, with the audience's key filled in.
    pub membership_field: String,
    /// The value that stands for the audience, in a field with several.
    pub membership_value: String,
    /// The campaign by its id.
    pub campaign_id: Option<String>,
    /// The campaign by its name; the audience's name where not given.
    pub campaign_name: Option<String>,
    /// Whether a campaign that does not exist is created.
    #[serde(default)]
    pub create_campaign: bool,
    /// The status that new campaign members get.
    pub campaign_status: Option<String>,
    /// `FALSE`, `TRUE`, or the id of an assignment rule.
    pub assignment_rules: String,
    /// Whether alerts of duplicate rules are passed over.
    #[serde(default)]
    pub duplicate_rule_allow_save: bool,
    /// Whether texts are cut to what their field takes.
    #[serde(default)]
    pub truncate_text: bool,
    /// Which of day and month comes first in dates such as 05/06/1990.
    pub date_order: Option<Order>,
    /// Share of the org's daily calls that is left to others.
    #[serde(default)]
    pub daily_quota_reserve_percent: u8,
    /// The record type of all records that are written.
    pub record_type_id: Option<String>,
    /// The owner of all records that are written.
    pub owner_id: Option<String>,
    /// The currency of all records that are written.
    pub currency_iso_code: Option<String>,
}

/// How the host gets its token.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthFlow {
    /// Consumer key and secret, at the My Domain.
    #[default]
    ClientCredentials,
    /// An assertion signed with a private key.
    JwtBearer,
    /// A refresh token that somebody's login left behind.
    RefreshToken,
    /// A token that the operator keeps fresh; for tests.
    StaticToken,
}

/// What happens to records of members.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Records are updated, and created where there is none.
    #[default]
    Upsert,
    /// Records are updated; members without one are left out.
    UpdateOnly,
    /// Records are created; those that exist are left alone.
    CreateOnly,
}

/// How members are sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteMode {
    /// Requests of up to 200 records, answered at once.
    #[default]
    Collections,
    /// Jobs of Bulk API 2.0.
    Bulk,
}

/// How a record says that its person is a member.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipMode {
    /// A checkbox.
    #[default]
    FieldBoolean,
    /// One value among several of a picklist.
    FieldMultiselect,
    /// A record that links the person to a campaign.
    CampaignMember,
    /// The record itself: it is deleted when its person leaves.
    DeleteRecord,
}

impl Settings {
    /// The field of a campaign member that names the person.
    pub(crate) fn person_field(&self) -> &'static str {
        if self.object.eq_ignore_ascii_case("Contact") { "ContactId" } else { "LeadId" }
    }

    /// Whether something must be done at Salesforce after the records were written.
    pub(crate) const fn joins_afterwards(&self) -> bool {
        matches!(self.membership_mode, MembershipMode::FieldMultiselect | MembershipMode::CampaignMember)
    }

    /// Constants that every record carries.
    pub(crate) fn constants(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("RecordTypeId", &self.record_type_id),
            ("OwnerId", &self.owner_id),
            ("CurrencyIsoCode", &self.currency_iso_code),
        ];
        all.into_iter().filter_map(|(name, value)| value.as_deref().map(|value| (name, value)))
    }
}

/// Everything that is wrong with a connection.
pub(crate) fn problems(ctx: &Context<Settings>) -> Vec<Problem> {
    let mut found = Vec::new();
    origin::check(ctx, &mut found);
    names::check(ctx, &mut found);
    together::check(ctx, &mut found);
    rows::check(ctx, &mut found);
    found
}

fn setting(name: &str) -> Place {
    Place::Setting(name.to_owned())
}
