//! Settings that need or exclude each other.

use enroute_sdk::{Context, Problem};

use super::catalogue::is_record_id;
use super::{MembershipMode, Operation, Settings, WriteMode, error, setting, warning};

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    membership(settings, found);
    campaign(settings, found);
    bulk(settings, found);
    ids(settings, found);
}

fn membership(settings: &Settings, found: &mut Vec<Problem>) {
    let place = || setting("membership_mode");
    match settings.membership_mode {
        MembershipMode::FieldBoolean => {}
        MembershipMode::FieldMultiselect => found.push(warning(
            place(),
            "the values of a record are read and written back, so what others change in between is lost".to_owned(),
            "prefer a checkbox for each audience: `membership_mode = \"field_boolean\"`",
        )),
        MembershipMode::CampaignMember => {
            if !["Lead", "Contact"].iter().any(|object| object.eq_ignore_ascii_case(&settings.object)) {
                found.push(error(
                    place(),
                    format!("a `{}` cannot be a member of a campaign", settings.object),
                    "set `object` to Lead or Contact, or choose another mode",
                ));
            }
        }
        MembershipMode::DeleteRecord => found.push(warning(
            place(),
            "records are deleted when their people leave the audience".to_owned(),
            "use this mode only if the records exist for the audience and for nothing else",
        )),
    }
    if settings.operation == Operation::CreateOnly && settings.joins_afterwards() {
        found.push(error(
            setting("operation"),
            "`create_only` leaves existing records alone, so their people could never join".to_owned(),
            "use `upsert` or `update_only` in this membership mode",
        ));
    }
}

fn campaign(settings: &Settings, found: &mut Vec<Problem>) {
    let joins = settings.membership_mode == MembershipMode::CampaignMember;
    let given = [
        ("campaign_id", &settings.campaign_id),
        ("campaign_name", &settings.campaign_name),
        ("campaign_status", &settings.campaign_status),
    ];
    for (name, value) in given {
        if value.is_some() && !joins {
            found.push(warning(
                setting(name),
                format!("`{name}` has no effect in this membership mode"),
                "set `membership_mode = \"campaign_member\"`, or remove it",
            ));
        }
    }
    if settings.campaign_status.as_ref().is_some_and(|status| status.chars().count() > 40) {
        found.push(error(
            setting("campaign_status"),
            "the status of a campaign member has at most 40 characters".to_owned(),
            "use a status of the campaign, such as Sent",
        ));
    }
}

fn bulk(settings: &Settings, found: &mut Vec<Problem>) {
    if settings.write_mode != WriteMode::Bulk {
        return;
    }
    if settings.operation != Operation::Upsert {
        found.push(error(
            setting("write_mode"),
            "bulk jobs upsert, so they do not go together with this `operation`".to_owned(),
            "set `operation = \"upsert\"` or `write_mode = \"collections\"`",
        ));
    }
    if settings.joins_afterwards() {
        found.push(error(
            setting("write_mode"),
            "in this membership mode the ids of records are needed at once, which bulk jobs do not tell".to_owned(),
            "set `membership_mode = \"field_boolean\"` or `write_mode = \"collections\"`",
        ));
    }
    if settings.assignment_rules == "TRUE" {
        found.push(warning(
            setting("assignment_rules"),
            "bulk jobs know assignment rules by their id only, so `TRUE` has no effect".to_owned(),
            "write the id of the rule",
        ));
    }
    if settings.duplicate_rule_allow_save {
        found.push(warning(
            setting("duplicate_rule_allow_save"),
            "bulk jobs cannot pass over duplicate rules, so this has no effect".to_owned(),
            "set `write_mode = \"collections\"` if alerts must be passed over",
        ));
    }
}

fn ids(settings: &Settings, found: &mut Vec<Problem>) {
    let rules = &settings.assignment_rules;
    if !matches!(rules.as_str(), "FALSE" | "TRUE") && !is_record_id(rules) {
        found.push(error(
            setting("assignment_rules"),
            format!("`{rules}` is neither FALSE nor TRUE nor the id of a rule"),
            "leave it out, and assignment rules stay off",
        ));
    }
    let given = [
        ("campaign_id", &settings.campaign_id),
        ("record_type_id", &settings.record_type_id),
        ("owner_id", &settings.owner_id),
    ];
    for (name, id) in given.into_iter().filter_map(|(name, id)| id.as_ref().map(|id| (name, id))) {
        if !is_record_id(id) {
            found.push(error(
                setting(name),
                format!("`{id}` is not the id of a record"),
                "an id has 15 or 18 letters and digits; it stands in the address of the record's page",
            ));
        }
    }
    let currency = settings.currency_iso_code.as_deref().unwrap_or("EUR");
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        found.push(error(
            setting("currency_iso_code"),
            format!("`{currency}` is not the code of a currency"),
            "write three capitals, such as EUR",
        ));
    }
}
