//! What holds for the plugin as a whole: its cases, its manifest, and batches cut anyhow.

use std::collections::BTreeSet;

use enroute_core::manifest::Manifest;
use enroute_sdk::testing::{Fixture, Person};

use crate::Google;
use crate::mapping::field;

const MANIFEST: &str = include_str!("../plugin.toml");

fn manifest() -> Manifest {
    Manifest::parse_toml(MANIFEST).expect("the manifest is sound")
}

#[test]
fn cases_hold() {
    enroute_sdk::testing::cases::<Google>("cases");
}

#[test]
fn the_manifest_has_the_fields_that_the_code_knows() {
    let manifest = manifest();
    let fields: Vec<&str> = manifest.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, field::ALL);
}

#[test]
fn every_code_says_what_to_do() {
    let warned = [
        "email_invalid",
        "phone_invalid",
        "name_invalid",
        "region_invalid",
        "address_incomplete",
        "mobile_id_invalid",
        "mobile_id_opted_out",
        "not_text",
        "already_hashed",
        "not_hashed",
        "md5_value",
        "phone_without_country_code",
        "field_warning",
        "processing_warning",
        "status_gone",
        "status_late",
        "answer_names_no_member",
    ];
    let rejected =
        ["no_email", "no_identifier", "consent_denied", "record_too_large", "processing_failed", "request_refused"];
    let mut given: Vec<String> = warned.into_iter().chain(rejected).map(str::to_owned).collect();
    given.extend(crate::response::record_codes());
    given.sort_unstable();
    let manifest = manifest();
    assert_eq!(manifest.codes.keys().cloned().collect::<Vec<_>>(), given);
}

fn fixture(api: &str) -> Fixture {
    let fixture = field::ALL.into_iter().fold(Fixture::new(), Fixture::identifier_field);
    let settings = manifest().settings.into_iter().filter_map(|setting| Some((setting.name, setting.default?)));
    let fixture = settings.fold(fixture, |fixture, (name, value)| fixture.setting(&name, value));
    fixture
        .setting("api", api)
        .setting("customer_id", "769-372-9833")
        .setting("user_list_id", "7090784486")
        .setting("ad_user_data_consent", "granted")
        .setting("ad_personalization_consent", "granted")
        .setting("accept_customer_match_terms", true)
}

fn people(number: usize) -> Person {
    let email = format!("user{number}@example.com");
    match number % 3 {
        0 => Person::added("x").identifier("emailAddress", email.as_str()),
        1 => Person::updated("x")
            .identifier("emailAddress", email.as_str())
            .sent([("emailAddress", format!("old-{email}").as_str())])
            .sent([("emailAddress", format!("older-{email}").as_str())]),
        _ => Person::removed("x").sent([("emailAddress", email.as_str())]),
    }
}

#[test]
fn no_request_is_larger_than_it_may_be_and_nobody_is_lost() {
    for (api, operations) in
        [("data_manager", ["ingest", "remove", "replace"]), ("google_ads", ["job_add", "job_remove", "job_replace"])]
    {
        for (members, bytes) in [(1, 700), (2, 900), (3, 1_200), (7, 10_000)] {
            let fixture = (0..12).fold(fixture(api), |fixture, number| fixture.member(people(number)));
            let fixture = operations.into_iter().fold(fixture, |all, name| all.limit(name, members, bytes));
            let mapped = fixture.map::<Google>();
            let mut seen: Vec<u32> = mapped.rejections.iter().map(|rejection| rejection.member).collect();
            for delivery in &mapped.deliveries {
                let mut members_of: BTreeSet<u32> = BTreeSet::new();
                for prepared in &delivery.requests {
                    assert!(prepared.request.body.len() <= bytes as usize);
                    assert!(prepared.members.len() <= members as usize);
                    serde_json::from_slice::<serde_json::Value>(&prepared.request.body).expect("a body of JSON");
                    members_of.extend(&prepared.members);
                }
                seen.extend(members_of);
            }
            seen.sort_unstable();
            assert_eq!(seen, (0..12).collect::<Vec<u32>>(), "{api} {members} {bytes}");
        }
    }
}

#[test]
fn no_job_adds_and_removes() {
    let fixture = (0..12).fold(fixture("google_ads"), |fixture, number| fixture.member(people(number)));
    let fixture =
        ["job_add", "job_remove", "job_replace"].into_iter().fold(fixture, |all, name| all.limit(name, 9, 9_000));
    let mapped = fixture.map::<Google>();
    for delivery in &mapped.deliveries {
        let mut kinds: Vec<&str> = Vec::new();
        for prepared in &delivery.requests {
            let body = String::from_utf8_lossy(&prepared.request.body);
            if prepared.request.path.last().is_some_and(|segment| segment.ends_with(":create")) {
                kinds.clear();
            }
            kinds.extend(["\"create\"", "\"remove\""].into_iter().filter(|kind| body.contains(kind)));
            kinds.dedup();
            assert!(kinds.len() <= 1, "{}", delivery.operation);
        }
    }
}

#[test]
fn what_is_said_of_a_member_does_not_hang_on_the_others() {
    let record = |others: usize| {
        let fixture = (0..others).fold(fixture("data_manager"), |all, number| all.member(people(number * 3)));
        let ann = Person::added("ann")
            .identifier("emailAddress", "Ann@Example.com")
            .identifier("phoneNumber", "+1 800 555 0100");
        let mapped = fixture.member(ann).limit("ingest", 100, 100_000).map::<Google>();
        let body: serde_json::Value =
            serde_json::from_slice(&mapped.deliveries[0].requests[0].request.body).expect("a body of JSON");
        body["audienceMembers"].as_array().and_then(|members| members.last().cloned())
    };
    assert_eq!(record(0), record(5));
}
