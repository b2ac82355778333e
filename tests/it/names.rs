//! Traits find the fields of the seven destinations by their usual names, and ready-made mappings are there.

use enroute_core::manifest::{Manifest, Values};
use enroute_core::matching::{Match, Wish, match_fields};
use serde_json::json;

use crate::support::root;

const SEVEN: [&str; 7] = ["braze", "facebook", "google", "iterable", "salesforce", "sendgrid", "zendesk"];

fn manifest(plugin: &str) -> Manifest {
    let path = root().join("plugins").join(plugin).join("plugin.toml");
    Manifest::parse_toml(&std::fs::read_to_string(path).expect("a manifest")).expect("a sound manifest")
}

/// Rows are `trait field`; each trait, with no field named and all of them at once, must find this one.
#[track_caller]
fn check(plugin: &str, settings: &serde_json::Value, rows: &[&str]) {
    let manifest = manifest(plugin);
    let pairs: Vec<(&str, &str)> = rows.iter().filter_map(|row| row.split_once(' ')).collect();
    let wishes: Vec<Wish<'_>> = pairs.iter().map(|(from, _)| Wish { trait_path: from, field: None }).collect();
    let fields = manifest.fields_under(settings.as_object().expect("settings"));
    for ((from, field), found) in pairs.iter().zip(match_fields(&wishes, &fields, manifest.custom_fields)) {
        let found = found.map(|Match { field, .. }| field);
        assert_eq!(found, Ok((*field).to_owned()), "{plugin}: {from}");
    }
}

// R21.
#[test]
fn the_thirteen_traits_of_facebook_find_their_keys() {
    let rows = [
        "email EMAIL",
        "context.device.advertisingId MADID",
        "firstName FN",
        "lastName LN",
        "phone PHONE",
        "gender GEN",
        "birthYear DOBY",
        "birthMonth DOBM",
        "birthday DOBD",
        "address.state ST",
        "address.city CT",
        "address.postalCode ZIP",
        "address.country COUNTRY",
    ];
    check("facebook", &json!({}), &rows);
    check("facebook", &json!({"value_based": true}), &["ltv LOOKALIKE_VALUE", "FN FN"]);
}

// R18: the spellings that the original publishes.
#[test]
fn other_spellings_find_the_same_keys() {
    for row in [
        "first_name FN",
        "firstname FN",
        "first FN",
        "last_name LN",
        "phone_number PHONE",
        "phonenumber PHONE",
        "phoneNumber PHONE",
        "zip ZIP",
        "zip_code ZIP",
        "zipCode ZIP",
        "birth_day DOBD",
        "date_of_birth DOBD",
        "DOB DOBD",
        "dateOfBirth DOBD",
        "country_code COUNTRY",
        "countryCode COUNTRY",
        "state ST",
        "address_state ST",
        "city CT",
        "idfa MADID",
    ] {
        check("facebook", &json!({}), &[row]);
    }
}

#[test]
fn usual_names_find_the_fields_of_the_other_six() {
    let names = ["email email", "phone phone", "firstName first_name", "lastName last_name", "timezone time_zone"];
    check("zendesk", &json!({}), &names);
    check("braze", &json!({}), &names);
    let more = ["address.country country", "birthday dob", "address.city home_city", "locale language", "plan plan"];
    check("braze", &json!({}), &more);
    check("google", &json!({}), &["email emailAddress", "phone phoneNumber", "first_name givenName", "zip postalCode"]);
    check("iterable", &json!({}), &["phone phoneNumber", "first_name firstName", "address.city address.city"]);
    check(
        "sendgrid",
        &json!({}),
        &["phone phone_number", "address.state state_province_region", "address.zip postal_code"],
    );
    let person = ["first_name FirstName", "email Email", "phone Phone"];
    check("salesforce", &json!({"object": "Lead"}), &[&person[..], &["address.city City", "company Company"]].concat());
    check("salesforce", &json!({"object": "Contact"}), &[&person[..], &["address.city MailingCity"]].concat());
    check("salesforce", &json!({"object": "Account"}), &["name Name", "address.city BillingCity"]);
}

// R25, and R77: only destinations that look for people are given all values of an identifier.
#[test]
fn every_destination_has_a_ready_made_mapping_and_a_choice_of_values() {
    let identify = json!({"path": "type", "operator": "=", "value": "identify"});
    for plugin in SEVEN {
        let manifest = manifest(plugin);
        assert!(!manifest.presets.is_empty(), "{plugin} has no preset");
        for preset in &manifest.presets {
            assert_eq!(preset.trigger.as_ref(), Some(&identify), "{plugin}: {}", preset.name);
            let unknown: Vec<_> = preset.fields.keys().filter(|name| manifest.field(name).is_none()).collect();
            assert!(unknown.is_empty(), "{plugin}: {} fills {unknown:?}", preset.name);
        }
        let looks = ["facebook", "google"].contains(&plugin);
        let expect = if looks { (Values::All, Some(100)) } else { (Values::Last, None) };
        assert_eq!((manifest.identity.values, manifest.audience_min), expect, "{plugin}");
    }
    for (plugin, name) in
        [("braze", "Update User Profile"), ("sendgrid", "Upsert Contact"), ("salesforce", "Upsert Record")]
    {
        assert!(manifest(plugin).preset(name).is_some(), "{plugin}: {name}");
    }
}
