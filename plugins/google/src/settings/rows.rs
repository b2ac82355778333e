//! Which traits may go into which fields.

use enroute_sdk::{Context, Problem};

use super::{ListType, Settings, error, place};
use crate::mapping::field;

/// Fields that every connection may map.
const PLAIN: [&str; 2] = [field::EMAIL, field::PHONE];

/// The parts of an address: all or none.
const ADDRESS: [&str; 4] = [field::GIVEN_NAME, field::FAMILY_NAME, field::REGION, field::POSTAL_CODE];

/// Checks the rows, each alone and all together.
pub(super) fn check(ctx: &Context<Settings>, problems: &mut Vec<Problem>) {
    let settings = ctx.settings();
    for (number, row) in ctx.rows().iter().enumerate() {
        let name = row.field.as_str();
        if row.trait_ == ctx.audience_key() {
            let message = format!("`{}` is the audience itself, not a trait", row.trait_);
            problems.push(error(place(number), message, "take the row out: membership is the list"));
        }
        if !field::ALL.contains(&name) {
            let hint = format!("the fields are {}", field::ALL.join(", "));
            problems.push(error(place(number), format!("`{name}`, for trait `{}`, is no field", row.trait_), hint));
            continue;
        }
        if ctx.row(name) != Some(number) {
            problems.push(twice(ctx, number));
        }
        if !PLAIN.contains(&name) && !settings.extended_identifiers {
            let message = format!("`{name}` needs `extended_identifiers`");
            problems.push(error(place(number), message, "set `extended_identifiers = true`, or take the row out"));
        } else if !fits(settings.list_type, name) {
            let message = format!("the list is not keyed by `{name}`");
            problems.push(error(place(number), message, "take the row out, or choose another `list_type`"));
        }
    }
    whole_address(ctx, problems);
    email(ctx, problems);
}

/// Whether a field goes into a list of this kind. An e-mail address may be mapped anywhere: it tells people apart.
fn fits(list: ListType, name: &str) -> bool {
    match list {
        ListType::Contact => PLAIN.contains(&name) || ADDRESS.contains(&name),
        ListType::Mobile => name == field::EMAIL || name == field::MOBILE_ID,
        ListType::UserId => name == field::EMAIL || name == field::USER_ID,
    }
}

fn twice(ctx: &Context<Settings>, number: usize) -> Problem {
    let row = ctx.rows().get(number);
    let (from, name) = row.map_or(("", ""), |row| (row.trait_.as_str(), row.field.as_str()));
    let first = ctx.row(name).and_then(|first| ctx.rows().get(first)).map_or("", |row| row.trait_.as_str());
    let message = if name == field::PHONE {
        format!("traits `{first}` and `{from}` are both mapped as phone number, and an audience has at most one")
    } else {
        format!("`{name}` is mapped twice: from `{first}` and from `{from}`")
    };
    error(place(number), message, "take one of the two rows out")
}

fn whole_address(ctx: &Context<Settings>, problems: &mut Vec<Problem>) {
    let mapped: Vec<usize> = ADDRESS.iter().filter_map(|name| ctx.row(name)).collect();
    let missing: Vec<&str> = ADDRESS.into_iter().filter(|name| ctx.row(name).is_none()).collect();
    if let Some(first) = mapped.first().filter(|_| !missing.is_empty()) {
        let message = format!("an address without {} is of no use to Google", missing.join(", "));
        problems.push(error(place(*first), message, "map all four parts, or none"));
    }
}

/// Whoever maps traits must map the e-mail address, which goes with every member.
fn email(ctx: &Context<Settings>, problems: &mut Vec<Problem>) {
    let settings = ctx.settings();
    let asked = settings.list_type == ListType::Contact && settings.require_email;
    if asked && !ctx.rows().is_empty() && ctx.row(field::EMAIL).is_none() {
        problems.push(error(
            enroute_sdk::Place::Audience,
            format!("no trait is mapped to `{}`", field::EMAIL),
            "add `{ trait = \"email\", field = \"emailAddress\" }`; Google gets an e-mail address with every member",
        ));
    }
}
