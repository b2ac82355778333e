//! What a destination's account offers: whether it has what rows and settings name, and its fields for matching by name.
//!
//! Pure.

use crate::account::{Item, Kind};
use crate::manifest::{Field, Manifest};
use crate::matching::folded;
use crate::suggest::nearest;

/// Where a name stands among what an account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// It is there, by its name or what people there call it, or as a part of something that is.
    There(&'a Item),
    /// It is not there; the one that is most like it, if any is.
    Missing(Option<&'a Item>),
}

/// Looks for what rows or settings name. A name with dots is also there where its front is, `address.city` in
/// `address`, or where what stands behind the front is, as in `user_fields.plan`.
///
/// ```
/// use enroute_core::account::{Item, Kind, ValueType};
/// use enroute_core::offer::{Found, find};
///
/// let item = |name: &str, label: &str| Item {
///     kind: Kind::Field,
///     name: name.to_owned(),
///     label: label.to_owned(),
///     takes: ValueType::Text,
///     required: false,
///     choices: Vec::new(),
/// };
/// let account = [item("favourite_color", "Favourite colour"), item("address", "")];
/// assert!(matches!(find(&account, Kind::Field, "favourite colour"), Found::There(_)));
/// assert!(matches!(find(&account, Kind::Field, "address.city"), Found::There(_)));
/// assert!(matches!(find(&account, Kind::Field, "favoriteColor"), Found::Missing(Some(near)) if near.name == "favourite_color"));
/// assert_eq!(find(&account, Kind::Field, "plan"), Found::Missing(None));
/// ```
#[must_use]
pub fn find<'a>(account: &'a [Item], kind: Kind, name: &str) -> Found<'a> {
    let of_kind = || account.iter().filter(move |item| item.kind == kind);
    let by_label = |item: &&Item| !item.label.is_empty() && item.label.eq_ignore_ascii_case(name);
    let front = |item: &&Item| name.strip_prefix(item.name.as_str()).is_some_and(|rest| rest.starts_with(['.', '[']));
    let there = of_kind().find(|item| item.name == name);
    let behind = |item: &&Item| name.split_once('.').is_some_and(|(_, rest)| rest == item.name);
    let nested = || of_kind().find(front).or_else(|| of_kind().find(behind));
    if let Some(item) = there.or_else(|| of_kind().find(by_label)).or_else(nested) {
        return Found::There(item);
    }
    let spelled = of_kind().find(|item| spelled_alike(&item.name, name) || spelled_alike(&item.label, name));
    let names = || of_kind().flat_map(|item| [item.name.as_str(), item.label.as_str()]);
    let near = || nearest(name, names().filter(|text| !text.is_empty()));
    let alike = || near().and_then(|near| of_kind().find(|item| item.name == near || item.label == near));
    Found::Missing(spelled.or_else(alike))
}

fn spelled_alike(one: &str, other: &str) -> bool {
    let one = folded(one);
    !one.is_empty() && one == folded(other)
}

/// The account's fields as those of a manifest, for matching by name; those that the manifest names itself are left
/// out.
#[must_use]
pub fn fields(account: &[Item], manifest: &Manifest) -> Vec<Field> {
    let own = |item: &&Item| item.kind == Kind::Field && manifest.field(&item.name).is_none();
    let label = |item: &Item| Some(item.label.clone()).filter(|label| !label.is_empty() && *label != item.name);
    let field = |item: &Item| Field {
        name: item.name.clone(),
        synonyms: label(item).into_iter().collect(),
        ..Field::default()
    };
    account.iter().filter(own).map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::ValueType;

    fn item(kind: Kind, name: &str, label: &str) -> Item {
        let (name, label) = (name.to_owned(), label.to_owned());
        Item { kind, name, label, takes: ValueType::Any, required: false, choices: Vec::new() }
    }

    #[track_caller]
    fn check(kind: Kind, name: &str, expect: &str) {
        let account = [
            item(Kind::Field, "ltv", "Lifetime value"),
            item(Kind::Field, "utm.source", ""),
            item(Kind::Field, "utm", ""),
            item(Kind::List, "81", "Gold"),
        ];
        let got = match find(&account, kind, name) {
            Found::There(item) => format!("there: {}", item.name),
            Found::Missing(Some(near)) => format!("near: {}", near.name),
            Found::Missing(None) => "nothing".to_owned(),
        };
        assert_eq!(got, expect, "{name}");
    }

    #[test]
    fn a_name_is_there_by_name_label_or_front_and_else_the_nearest_is_told() {
        check(Kind::Field, "ltv", "there: ltv");
        check(Kind::Field, "LIFETIME VALUE", "there: ltv");
        check(Kind::Field, "utm.source", "there: utm.source");
        check(Kind::Field, "utm.medium", "there: utm");
        check(Kind::Field, "user_fields.ltv", "there: ltv");
        check(Kind::Field, "lifetimeValue", "near: ltv");
        check(Kind::Field, "LTV", "near: ltv");
        check(Kind::Field, "plan", "nothing");
        check(Kind::Field, "Gold", "nothing");
        check(Kind::List, "Gold", "there: 81");
        check(Kind::List, "Golds", "near: 81");
        check(Kind::Field, "", "nothing");
    }
}
