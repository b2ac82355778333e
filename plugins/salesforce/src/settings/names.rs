//! Names of the object and of the two fields that the plugin writes by itself.

use enroute_sdk::{Context, Place, Problem};

use super::catalogue::{Catalogue, Kind, is_name};
use super::{MembershipMode, Operation, Settings, error, setting, warning};

/// Oldest API version that knows upserts of collections.
const VERSION_MIN: u32 = 46;

/// Longest value of a multi-select picklist, in characters.
const VALUE_CHARS_MAX: usize = 255;

/// The field that membership stands in, in the modes that have one.
pub(crate) fn membership_field(ctx: &Context<Settings>) -> Option<String> {
    match ctx.settings().membership_mode {
        MembershipMode::FieldBoolean | MembershipMode::FieldMultiselect => {
            Some(filled(&ctx.settings().membership_field, ctx.audience_key()))
        }
        MembershipMode::CampaignMember | MembershipMode::DeleteRecord => None,
    }
}

/// The value that stands for the audience in a field with several.
pub(crate) fn membership_value(ctx: &Context<Settings>) -> String {
    filled(&ctx.settings().membership_value, ctx.audience_key())
}

/// A template with the audience's key: as it is, or with capitals as Salesforce makes names of labels.
fn filled(template: &str, key: &str) -> String {
    let title: Vec<String> = key
        .split('_')
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        })
        .collect();
    template.replace("{audience_key}", key).replace("{Audience_Key}", &title.join("_"))
}

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    version(&settings.api_version, found);
    if !is_name(&settings.object) {
        found.push(error(
            setting("object"),
            format!("`{}` cannot be the API name of an object", settings.object),
            "write the API name, such as Lead, Contact or Thing__c; in Salesforce under Setup > Object Manager",
        ));
    }
    let catalogue = Catalogue::of(ctx);
    external_id(settings, &catalogue, found);
    membership(ctx, &catalogue, found);
}

fn version(text: &str, found: &mut Vec<Problem>) {
    let number = text.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0")).and_then(|n| n.parse::<u32>().ok());
    match number {
        Some(number) if number >= VERSION_MIN => {}
        Some(_) => found.push(error(
            setting("api_version"),
            format!("`{text}` is older than v{VERSION_MIN}.0, which brought upserts of collections"),
            "leave `api_version` out, or write a newer one",
        )),
        None => found.push(error(
            setting("api_version"),
            format!("`{text}` is not a version of the API"),
            "write it like `v67.0`",
        )),
    }
}

fn external_id(settings: &Settings, catalogue: &Catalogue, found: &mut Vec<Problem>) {
    let name = &settings.external_id_field;
    let place = || setting("external_id_field");
    if !is_name(name) {
        found.push(error(
            place(),
            format!("`{name}` cannot be the API name of a field"),
            "write it like Enroute_Id__c",
        ));
        return;
    }
    if name.eq_ignore_ascii_case("id") {
        found.push(error(
            place(),
            "the record id cannot be the external id: Salesforce makes it, and upserts of collections refuse it"
                .to_owned(),
            "create a text field with the options External ID and Unique, such as Enroute_Id__c",
        ));
        return;
    }
    if !catalogue.is_described() {
        return;
    }
    let Some(field) = catalogue.get(name) else {
        found.push(error(
            place(),
            format!("`{}` has no field `{name}`, or the user may not see it", settings.object),
            "create a text field with the options External ID and Unique, and give the user access to it",
        ));
        return;
    };
    if !field.is('x') && !field.is('i') {
        found.push(error(
            place(),
            format!("`{name}` is not marked as an external id"),
            "edit the field in Salesforce and tick External ID, and Unique too",
        ));
    }
    if !matches!(field.kind, Kind::Text | Kind::Email) {
        found.push(error(place(), format!("`{name}` is not a text field"), "choose a text field as the external id"));
    }
    if field.kind == Kind::Email && settings.operation == Operation::UpdateOnly {
        found.push(warning(
            place(),
            format!("`{name}` holds e-mail addresses, and with `update_only` Salesforce cannot find some endings"),
            "use a text field with ids of your own, or `operation = \"upsert\"`",
        ));
    }
    if field.is('s') {
        found.push(warning(
            place(),
            format!("`{name}` tells capitals from small letters, and Enroute does not"),
            "make sure that no two members have ids that differ in capitals only",
        ));
    }
}

fn membership(ctx: &Context<Settings>, catalogue: &Catalogue, found: &mut Vec<Problem>) {
    let Some(name) = membership_field(ctx) else { return };
    let multiselect = ctx.settings().membership_mode == MembershipMode::FieldMultiselect;
    let place = || setting("membership_field");
    if !is_name(&name) {
        found.push(error(
            Place::Audience,
            format!("`{name}` cannot be the API name of a field, because of the audience's key or `membership_field`"),
            "write the API name of the field into `membership_field`",
        ));
        return;
    }
    let value = membership_value(ctx);
    if multiselect && (value.is_empty() || value.contains(';') || value.chars().count() > VALUE_CHARS_MAX) {
        found.push(error(
            setting("membership_value"),
            format!("`{value}` cannot be a value of a multi-select picklist"),
            "choose a short value without semicolons",
        ));
    }
    if name.eq_ignore_ascii_case(&ctx.settings().external_id_field) {
        found.push(error(
            place(),
            format!("`{name}` is the external id, so membership cannot stand there"),
            "choose a field of its own for membership",
        ));
    }
    if !catalogue.is_described() {
        return;
    }
    let (wanted, called) =
        if multiselect { (Kind::MultiPicklist, "multi-select picklist") } else { (Kind::Boolean, "checkbox") };
    match catalogue.get(&name) {
        None => found.push(error(
            place(),
            format!("`{}` has no field `{name}`, or the user may not see it", ctx.settings().object),
            format!("create a {called} with this API name, give the user access to it, or correct `membership_field`"),
        )),
        Some(field) if field.kind != wanted => found.push(error(
            place(),
            format!("`{name}` is not a {called}"),
            format!("create a {called} for the audience, or choose another `membership_mode`"),
        )),
        Some(field) if !field.is('u') => found.push(error(
            place(),
            format!("the user may not edit `{name}`"),
            "give the user edit access to the field, in a permission set",
        )),
        Some(field) if multiselect && field.values.as_ref().is_some_and(|values| !values.contains(&value)) => {
            found.push(error(
                setting("membership_value"),
                format!("`{value}` is not among the values of `{name}`"),
                "add the value to the picklist in Salesforce",
            ));
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_takes_the_key_with_or_without_capitals() {
        assert_eq!(filled("{Audience_Key}__c", "high_value_shoppers"), "High_Value_Shoppers__c");
        assert_eq!(filled("in_{audience_key}__c", "vip"), "in_vip__c");
        assert_eq!(filled("Is_Vip__c", "vip"), "Is_Vip__c");
    }

    #[test]
    fn a_version_is_46_or_newer() {
        let found = |text: &str| {
            let mut found = Vec::new();
            version(text, &mut found);
            found.len()
        };
        assert_eq!((found("v46.0"), found("v67.0")), (0, 0));
        for wrong in ["v45.0", "67.0", "v67", "v67.1", "vx.0", ""] {
            assert_eq!(found(wrong), 1, "{wrong}");
        }
    }
}
