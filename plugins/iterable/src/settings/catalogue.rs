//! What only the project can tell: fields that have another type, or that nobody may create.

use enroute_sdk::{Context, Place, Problem};

use super::{Settings, error, types, warning};
use crate::mapping::field::{Kind, Standing, known_type, lies_in_no_object, standing};

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    if ctx.remote().is_none() {
        return;
    }
    let settings = ctx.settings();
    let creates = settings.create_new_fields != Some(false);
    let key = ctx.audience_key();
    if settings.membership.has_field() {
        match known_type(ctx, key) {
            Some("boolean") => {}
            Some(kind) => found.push(error(
                Place::Audience,
                format!("the project has a field `{key}` of type {kind}, and membership is true or false"),
                "use `membership = \"list\"`, or give the audience another key: a type never changes",
            )),
            None if !creates => found.push(error(
                Place::Audience,
                format!("the project has no field `{key}`, and `create_new_fields` is false"),
                "create a boolean field of this name in the project, or remove the setting",
            )),
            None => {}
        }
    }
    for (number, row) in (0..).zip(ctx.rows()) {
        if standing(&row.field) != Standing::Free {
            continue;
        }
        let place = Place::Row(number);
        let name = &row.field;
        if lies_in_no_object(ctx, name) {
            found.push(warning(
                place,
                format!("`{name}` lies in a field that the project has as something else than an object"),
                "map the trait to a field with a new name: a type never changes, and the values would stay out",
            ));
            continue;
        }
        let Some(kind) = known_type(ctx, name) else {
            if !creates && settings.membership.has_field() {
                found.push(warning(
                    place,
                    format!("the project has no field `{name}`, and `create_new_fields` is false"),
                    "create the field in the project, or remove the row: its values would be lost",
                ));
            }
            continue;
        };
        let wanted = Kind::by_name(name).or_else(|| types::kind(settings, name)).map(Kind::type_name);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != kind) {
            found.push(error(
                place,
                format!("the project has `{name}` as {kind}, and {wanted} is what would be sent"),
                "map the trait to a field with a new name, or correct `field_types`: a type never changes",
            ));
        }
    }
}
