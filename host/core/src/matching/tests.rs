//! Traits and the fields they get, told as lines: `trait -> field (how)`.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A field written as `name`, `name = synonym | synonym`, or `name : trait` for one that is for that trait alone.
fn field(text: &str) -> Field {
    let (rest, only) = text.split_once(" : ").unwrap_or((text, ""));
    let (name, synonyms) = rest.split_once(" = ").unwrap_or((rest, ""));
    let list = |text: &str| text.split(" | ").filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Field { name: name.to_owned(), synonyms: list(synonyms), traits: list(only), ..Field::default() }
}

/// A row written as `trait` or `trait -> field`.
fn wish(text: &str) -> Wish<'_> {
    match text.split_once(" -> ") {
        Some((trait_path, field)) => Wish { trait_path, field: Some(field) },
        None => Wish { trait_path: text, field: None },
    }
}

fn told(result: &Result<Match, Unmatched>) -> String {
    match result {
        Ok(found) => format!("{} ({:?})", found.field, found.how),
        Err(Unmatched::NoField) => "nothing".to_owned(),
        Err(Unmatched::Ambiguous { fields }) => format!("one of {}", fields.join(", ")),
        Err(Unmatched::Taken { field, by }) => format!("{field}, but row {by}"),
    }
}

#[track_caller]
fn check_with(custom_fields: bool, fields: &[&str], rows: &[&str], expect: &[&str]) {
    let fields: Vec<Field> = fields.iter().map(|text| field(text)).collect();
    let wishes: Vec<Wish<'_>> = rows.iter().map(|text| wish(text)).collect();
    let got: Vec<String> = match_fields(&wishes, &fields, custom_fields).iter().map(told).collect();
    assert_eq!(got, expect);
}

#[track_caller]
fn check(fields: &[&str], rows: &[&str], expect: &[&str]) {
    check_with(false, fields, rows, expect);
}

// R18: exact, then without case and separators, then the manifest's other names.
#[test]
fn the_surest_likeness_wins() {
    let fields = ["first_name = given_name", "firstName"];
    check(&fields, &["firstName"], &["firstName (Exact)"]);
    check(&["first_name = given_name"], &["firstName"], &["first_name (Spelling)"]);
    check(&["first_name = given_name"], &["Given Name"], &["first_name (Synonym)"]);
    check(&["first_name = given_name"], &["plan"], &["nothing"]);
}

#[test]
fn quotes_keep_a_name_whole_and_are_no_part_of_it() {
    check_with(true, &[], &["\"utm.source\""], &["utm.source (SameName)"]);
    check(&["utm_source"], &["'utm.source'"], &["utm_source (Spelling)"]);
    check(&["home_city"], &["address.'home.city'"], &["home_city (Spelling)"]);
    check(&["city"], &["'address.city'"], &["nothing"]);
    check(&["city"], &["address.city"], &["city (Spelling)"]);
    check(&["city"], &["address.\"city\""], &["city (Spelling)"]);
}

#[test]
fn case_and_separators_do_not_count() {
    for name in ["first_name", "firstName", "FIRST NAME", "first-name", "First.Name", "firstname"] {
        let how = if name == "first_name" { "Exact" } else { "Spelling" };
        check(&["first_name"], &[name], &[&format!("first_name ({how})")]);
    }
    check(&["first_name"], &["first_name_2"], &["nothing"]);
    check(&["straße"], &["STRASSE"], &["nothing"]);
    check(&["É"], &["é"], &["É (Spelling)"]);
    check(&["--- = -"], &["___", "-"], &["nothing", "nothing"]);
}

#[test]
fn a_path_is_tried_as_a_whole_and_then_by_its_last_part() {
    check(&["address_city", "city"], &["address.city"], &["address_city (Spelling)"]);
    check(&["city"], &["address.city"], &["city (Spelling)"]);
    check(&["CT = city"], &["address.city"], &["CT (Synonym)"]);
    check(&["CT = address.city", "city"], &["address.city"], &["CT (Synonym)"]);
    check(&["MADID = context.device.advertisingId"], &["context.device.advertisingId"], &["MADID (Synonym)"]);
}

#[test]
fn what_belongs_to_something_else_than_the_person_is_not_taken_for_the_persons() {
    check(&["name", "id", "email"], &["company.name", "context.device.id", "manager.email"], &["nothing"; 3]);
    check(&["email"], &["traits.email"], &["email (Spelling)"]);
    check(&["email"], &["context.traits.email"], &["email (Spelling)"]);
}

#[test]
fn a_field_takes_one_row_and_the_other_is_told() {
    check(&["first_name"], &["firstName", "first_name"], &["first_name, but row 1", "first_name (Exact)"]);
    check(&["first_name"], &["firstName", "a -> first_name"], &["first_name, but row 1", "first_name (Given)"]);
    check(
        &["first_name = given"],
        &["firstName", "FIRST-NAME", "given"],
        &["first_name, but row 1", "first_name, but row 0", "first_name, but row 0"],
    );
    check(&["email"], &["email", "email"], &["email, but row 1", "email, but row 0"]);
}

#[test]
fn several_fields_that_are_alike_are_told_and_none_is_chosen() {
    check(&["A = mobile", "B = mobile"], &["mobile"], &["one of A, B"]);
    check(&["A = mobile", "B = mobile"], &["x -> A", "mobile"], &["A (Given)", "one of A, B"]);
    check(&["ZIP", "zip"], &["Zip"], &["one of ZIP, zip"]);
}

#[test]
fn a_field_with_a_list_of_traits_is_for_these_alone() {
    check(&["FN : firstName"], &["firstName"], &["FN (Synonym)"]);
    check(&["FN : firstName"], &["FN"], &["nothing"]);
    check(&["FN = vorname : firstName"], &["vorname"], &["nothing"]);
    check(&["FN : firstName"], &["plan -> FN"], &["FN (Given)"]);
    check_with(true, &["FN : firstName"], &["FN"], &["nothing"]);
}

#[test]
fn where_any_field_is_taken_a_trait_keeps_its_name() {
    check_with(true, &["email"], &["plan", "email"], &["plan (SameName)", "email (Exact)"]);
    check_with(true, &["city"], &["address.zip"], &["address.zip (SameName)"]);
    // The last part of a path would be a guess, and none is needed.
    check_with(true, &["city"], &["address.city"], &["address.city (SameName)"]);
    check_with(true, &["CT = address.city"], &["address.city"], &["CT (Synonym)"]);
    // A name that is meant for a field is not one of the operator's own.
    check_with(true, &["first_name"], &["first_name", "firstName"], &["first_name (Exact)", "first_name, but row 0"]);
    check_with(true, &[], &["plan", "tier -> plan"], &["plan, but row 1", "plan (Given)"]);
}

#[test]
fn fields_that_were_named_stay_even_where_they_contradict_each_other() {
    check(
        &["email"],
        &["a -> email", "b -> email", "c -> absent"],
        &["email (Given)", "email (Given)", "absent (Given)"],
    );
}

// R32: no limit on rows below the destination's own.
#[test]
fn a_thousand_rows_find_a_thousand_fields() {
    let fields: Vec<Field> = (0..1_000).map(|number| field(&format!("field_{number}"))).collect();
    let names: Vec<String> = (0..2_000).map(|number| format!("Field {number}")).collect();
    let wishes: Vec<Wish<'_>> = names.iter().map(|name| Wish { trait_path: name, field: None }).collect();
    let found = match_fields(&wishes, &fields, true);
    let spelled = found.iter().filter(|one| matches!(one, Ok(Match { how: How::Spelling, .. }))).count();
    let own = found.iter().filter(|one| matches!(one, Ok(Match { how: How::SameName, .. }))).count();
    assert_eq!((spelled, own), (1_000, 1_000));
}

const NAMES: [&str; 10] = ["a_b", "aB", "AB", "c", "C", "address.c", "address.ab", "d.c", "e", "-"];

fn fields() -> impl Strategy<Value = Vec<Field>> {
    let name = || prop::sample::select(NAMES.as_slice()).prop_map(str::to_owned);
    let names = || prop::collection::vec(name(), 0..2);
    prop::collection::btree_map(name(), (names(), names()), 0..5).prop_map(|fields| {
        let one = |(name, (synonyms, traits))| Field { name, synonyms, traits, ..Field::default() };
        fields.into_iter().map(one).collect()
    })
}

fn wishes() -> impl Strategy<Value = Vec<Wish<'static>>> {
    let name = || prop::sample::select(NAMES.as_slice());
    let one = (name(), prop::option::weighted(0.2, name())).prop_map(|(trait_path, field)| Wish { trait_path, field });
    prop::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn no_field_is_given_away_twice(fields in fields(), wishes in wishes(), custom in any::<bool>()) {
        let found = match_fields(&wishes, &fields, custom);
        prop_assert_eq!(found.len(), wishes.len());
        let mut taken: BTreeSet<&str> = wishes.iter().filter_map(|wish| wish.field).collect();
        for (wish, result) in wishes.iter().zip(&found) {
            match (wish.field, result) {
                (Some(name), result) => {
                    prop_assert_eq!(result, &Ok(Match { field: name.to_owned(), how: How::Given }));
                }
                (None, Ok(found)) => {
                    prop_assert!(found.how != How::Given);
                    prop_assert!(taken.insert(&found.field), "{} twice", found.field);
                    let known = fields.iter().find(|field| field.name == found.field);
                    prop_assert_eq!(known.is_none(), found.how == How::SameName);
                    let allows = |field: &Field| {
                        field.traits.is_empty() || field.traits.iter().any(|name| name == wish.trait_path)
                    };
                    prop_assert!(known.is_none_or(allows));
                }
                (None, Err(Unmatched::Taken { by, .. })) => prop_assert!(*by < wishes.len()),
                (None, Err(_)) => {}
            }
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter(
        fields in fields(),
        (wishes, mixed) in wishes().prop_flat_map(|wishes| {
            let places: Vec<usize> = (0..wishes.len()).collect();
            (Just(wishes), Just(places).prop_shuffle())
        }),
        custom in any::<bool>(),
    ) {
        // Which other row is named may differ, what a row gets may not.
        let outcome = |result: &Result<Match, Unmatched>| match result {
            Err(Unmatched::Taken { field, .. }) => format!("{field} is taken"),
            other => told(other),
        };
        let straight = match_fields(&wishes, &fields, custom);
        let shuffled: Vec<Wish<'_>> = mixed.iter().map(|place| wishes[*place]).collect();
        for (place, result) in mixed.iter().zip(match_fields(&shuffled, &fields, custom)) {
            prop_assert_eq!(outcome(&straight[*place]), outcome(&result));
        }
    }
}
