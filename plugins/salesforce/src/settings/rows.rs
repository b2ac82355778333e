//! Rows of the mapping that cannot work, by the row.

use enroute_sdk::{Context, Place, Problem, Row};

use super::catalogue::{Catalogue, Kind, is_name};
use super::{Operation, Settings, error, membership_field, setting, warning};
use crate::mapping::identity::EXTERNAL_ID;

/// The two names of a row that links to another record by that record's external id: `Account.Acct_Ext__c`.
pub(crate) fn related(field: &str) -> Option<(&str, &str)> {
    field.split_once('.')
}

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let (rows, catalogue) = (ctx.rows(), Catalogue::of(ctx));
    for (number, row) in (0..).zip(rows) {
        let place = || Place::Row(number);
        if row.trait_ == ctx.audience_key() {
            found.push(error(
                place(),
                format!("`{}` is the audience itself, not a trait", row.trait_),
                "remove the row: membership is sent anyway, and a trait of this name would be stale",
            ));
        }
        let same = |earlier: &&Row| is_same(&earlier.field, &row.field);
        if let Some(earlier) = rows.iter().take(number as usize).find(same) {
            found.push(error(
                place(),
                format!("row {number} goes into `{}`, and so does the row of `{}`", row.field, earlier.trait_),
                "keep one of them; a trait may go into several fields, but a field takes one trait",
            ));
        }
        if row.field != EXTERNAL_ID {
            found.extend(field(ctx, &catalogue, number, &row.field));
        }
    }
    required(ctx, &catalogue, found);
}

/// Whether two names are one field to Salesforce. Two links to one record are one field as well.
fn is_same(one: &str, other: &str) -> bool {
    let head = |name: &str| related(name).map_or(name.to_owned(), |(relation, _)| format!("{relation}."));
    head(one).eq_ignore_ascii_case(&head(other))
}

fn field(ctx: &Context<Settings>, catalogue: &Catalogue, number: u32, name: &str) -> Option<Problem> {
    let place = Place::Row(number);
    let settings = ctx.settings();
    let parts: Vec<&str> = name.split('.').collect();
    if parts.len() > 2 || !parts.iter().all(|part| is_name(part)) {
        return Some(error(
            place,
            format!("`{name}` cannot be the API name of a field"),
            meant(catalogue, name)
                .unwrap_or_else(|| "write the API name, such as LastName or Lifetime_Value__c".to_owned()),
        ));
    }
    if name.eq_ignore_ascii_case(&settings.external_id_field) {
        return Some(error(
            place,
            format!("`{name}` is the external id, which comes from the profile's id"),
            format!("to identify members by another trait, let the row go into `{EXTERNAL_ID}`"),
        ));
    }
    if membership_field(ctx).is_some_and(|membership| membership.eq_ignore_ascii_case(name)) {
        return Some(error(
            place,
            format!("row {number} goes into `{name}`, where membership stands"),
            "choose another field; membership would win",
        ));
    }
    if settings.constants().any(|(constant, _)| constant.eq_ignore_ascii_case(name)) {
        return Some(error(
            place,
            format!("row {number} goes into `{name}`, which a setting fills"),
            "remove the row or the setting",
        ));
    }
    match related(name) {
        Some((relation, _)) => link(catalogue, number, name, relation),
        None => written(settings, catalogue, number, name),
    }
}

fn link(catalogue: &Catalogue, number: u32, name: &str, relation: &str) -> Option<Problem> {
    if !catalogue.is_described() {
        return None;
    }
    match catalogue.relationship(relation) {
        Some(_) => None,
        None => Some(error(
            Place::Row(number),
            format!("no reference of the object is called `{relation}`, as in `{name}`"),
            "write the name of the relationship, such as Account or Thing__r, and behind the dot the external id there",
        )),
    }
}

fn written(settings: &Settings, catalogue: &Catalogue, number: u32, name: &str) -> Option<Problem> {
    let place = || Place::Row(number);
    let Some(field) = catalogue.get(name) else {
        if catalogue.is_described() {
            return Some(error(
                place(),
                format!("`{}` has no field `{name}`, or the user may not see it", settings.object),
                meant(catalogue, name).unwrap_or_else(|| "create the field, or give the user access to it".to_owned()),
            ));
        }
        // Fields of an org's own end in `__c`; without that, a name that is not known is mostly a misspelling.
        let own = name.ends_with("__c") || name.ends_with("__pc");
        return (!own).then(|| {
            warning(
                place(),
                format!("`{name}` is not a standard field of `{}` that this plugin knows", settings.object),
                meant(catalogue, name)
                    .unwrap_or_else(|| "fields of your own end in `__c`; none is added for you".to_owned()),
            )
        });
    };
    let (creates, updates) = (settings.operation != Operation::UpdateOnly, settings.operation != Operation::CreateOnly);
    if field.kind == Kind::Compound {
        return Some(error(
            place(),
            format!("`{name}` is made up of other fields and cannot be written"),
            "map its parts, such as Street, City, State, PostalCode and Country",
        ));
    }
    if creates && !field.is('c') || updates && !field.is('u') {
        return Some(error(
            place(),
            format!("`{name}` cannot be written, or the user may not"),
            "choose another field, or give the user edit access to it in a permission set",
        ));
    }
    consent(number, name)
}

/// Consent is not for traits to say.
fn consent(number: u32, name: &str) -> Option<Problem> {
    let known = ["HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall"];
    known.iter().any(|field| field.eq_ignore_ascii_case(name)).then(|| {
        warning(
            Place::Row(number),
            format!("`{name}` is consent: what people told your org would be overwritten"),
            "keep the row only if the trait holds their newest word",
        )
    })
}

fn meant(catalogue: &Catalogue, name: &str) -> Option<String> {
    catalogue.meant(name).map(|field| format!("did you mean `{}`?", field.name))
}

/// New records need some fields. Existing ones have them, so this is no error.
fn required(ctx: &Context<Settings>, catalogue: &Catalogue, found: &mut Vec<Problem>) {
    let settings = ctx.settings();
    if settings.operation == Operation::UpdateOnly {
        return;
    }
    let filled = |name: &str| {
        let constant = settings.constants().any(|(constant, _)| constant.eq_ignore_ascii_case(name));
        constant
            || name.eq_ignore_ascii_case(&settings.external_id_field)
            || ctx.rows().iter().any(|row| row.field.eq_ignore_ascii_case(name))
    };
    let missing: Vec<&str> =
        catalogue.required().map(|field| field.name.as_str()).filter(|name| !filled(name)).collect();
    if !missing.is_empty() {
        found.push(warning(
            setting("operation"),
            format!("a new `{}` needs {}, and no row goes there", settings.object, missing.join(" and ")),
            "map them, or set `operation = \"update_only\"`: members without a record would be refused",
        ));
    }
}
