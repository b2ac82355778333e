//! Types that an operator declares for fields which Iterable does not know yet: `lifetime_value:double, since:date`.

use enroute_sdk::{Context, Place, Problem};

use super::{Settings, error};
use crate::mapping::field::{Kind, is_free};

/// The declared pairs of field and kind; what cannot be read is an error with the piece that is at fault.
pub(crate) fn declared(settings: &Settings) -> impl Iterator<Item = Result<(&str, Kind), &str>> {
    let pieces = settings.field_types.as_deref().unwrap_or_default().split(',');
    pieces.map(str::trim).filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, kind) = piece.rsplit_once(':').ok_or(piece)?;
        Ok((name.trim(), Kind::of_type(kind.trim()).ok_or(piece)?))
    })
}

/// The kind that is declared for a field.
pub(crate) fn kind(settings: &Settings, field: &str) -> Option<Kind> {
    declared(settings).flatten().find(|(name, _)| *name == field).map(|(_, kind)| kind)
}

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let mut seen: Vec<&str> = Vec::new();
    for piece in declared(ctx.settings()) {
        let wrong = match piece {
            Err(piece) => format!("`{piece}` in `field_types` is not a field with a type"),
            Ok((name, _)) if seen.contains(&name) => format!("`field_types` names `{name}` twice"),
            Ok((name, _)) if !is_free(name) => format!("`field_types` names `{name}`, whose type is known"),
            Ok((name, _)) => {
                seen.push(name);
                continue;
            }
        };
        found.push(error(
            Place::Setting("field_types".to_owned()),
            wrong,
            "write pairs like `lifetime_value:double`; types are string, date, long, double, boolean, geo_location, object and nested",
        ));
    }
}
