//! Connections that put members into one place.

use crate::setup::place::text;
use crate::setup::planned::Planned;
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};

/// Tells of every connection that writes where one before it does.
pub(super) fn tell(links: &[Planned], found: &mut Diagnostics) {
    let mut known: Vec<(String, &Planned)> = Vec::new();
    for planned in links {
        let target = planned.against(None).target;
        let place = text(&target);
        let Some((_, first)) = known.iter().find(|(other, _)| *other == place) else {
            known.push((place, planned));
            continue;
        };
        if first.audience == planned.audience && first.destination == planned.destination {
            continue;
        }
        let title = |planned: &Planned| format!("`{}` → `{}`", planned.audience, planned.destination);
        let message =
            format!("{} puts its members where {} puts its own: {}", title(planned), title(first), target.list);
        let hint = "a person leaves the place when the last of them lets go; give one of them a place of its own if that is not meant";
        found.push(
            Diagnostic::warning(Code::SharedPlace, message)
                .at(&planned.place)
                .also(&first.place, "the other one")
                .hint(hint),
        );
    }
}
