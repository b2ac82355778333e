//! What holds for the plugin as a whole: its cases, its manifest, and batches cut anyhow.

use enroute_core::manifest::Manifest;
use enroute_sdk::testing::{Fixture, Person};

use crate::Facebook;
use crate::normalize::key::Key;
use crate::normalize::{BlankCode, CellError, WarningCode};

const MANIFEST: &str = include_str!("../plugin.toml");

fn manifest() -> Manifest {
    Manifest::parse_toml(MANIFEST).expect("the manifest is sound")
}

#[test]
fn cases_hold() {
    enroute_sdk::testing::cases::<Facebook>("cases");
}

#[test]
fn the_manifest_has_the_keys_that_the_code_knows() {
    let manifest = manifest();
    let fields: Vec<&str> = manifest.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, Key::ALL.map(Key::as_str));
    for (field, key) in manifest.fields.iter().zip(Key::ALL) {
        assert_eq!((field.hashed, field.identifier), (key.is_hashed(), key.identifies()), "{key}");
    }
}

#[test]
fn every_code_says_what_to_do() {
    let blank = [
        BlankCode::EmailInvalid,
        BlankCode::PhoneInvalid,
        BlankCode::GenderUnknown,
        BlankCode::YearInvalid,
        BlankCode::MonthInvalid,
        BlankCode::DayInvalid,
        BlankCode::DateAmbiguous,
        BlankCode::NoLetters,
        BlankCode::StateUnknown,
        BlankCode::ZipInvalid,
        BlankCode::CountryUnknown,
        BlankCode::MadidInvalid,
        BlankCode::MadidOptedOut,
    ];
    let warned = [WarningCode::PhoneWithoutCountryCode, WarningCode::LookalikeValueZeroed];
    let errors = [
        CellError::AlreadyHashed(Key::Email),
        CellError::NotHashed(Key::Email),
        CellError::Md5(Key::Email),
        CellError::ProcessingOptionUnknown,
    ];
    let others = ["no_identifier", "not_text", "phone_number_type", "record_too_large"];
    let of_answers =
        ["all_rows_invalid", "api_version_differs", "audience_status", "request_refused", "rows_miscounted"];
    let mut given: Vec<&str> = others.into_iter().chain(of_answers).collect();
    given.extend(blank.map(BlankCode::as_str));
    given.extend(warned.map(WarningCode::as_str));
    given.extend(errors.map(CellError::code));
    given.sort_unstable();
    let codes = manifest().codes;
    assert_eq!(codes.keys().collect::<Vec<_>>(), given);
}

fn fixture() -> Fixture {
    let fixture = ["EMAIL", "PHONE"].into_iter().fold(Fixture::new(), Fixture::identifier_field);
    let settings = manifest().settings.into_iter().filter_map(|setting| Some((setting.name, setting.default?)));
    let fixture = settings.fold(fixture, |fixture, (name, value)| fixture.setting(&name, value));
    let limits = ["add", "remove", "replace"].into_iter();
    limits.fold(fixture.setting("audience_id", "1"), |fixture, name| fixture.limit(name, 10, 10_000))
}

#[test]
fn the_removal_of_the_guide_comes_out_byte_for_byte() {
    let sent = [("EMAIL", "jane.doe@example.com"), ("PHONE", "+1 (650) 555-1212")];
    let mapped = fixture().member(Person::removed("u1").sent(sent)).map::<Facebook>();
    let body = String::from_utf8_lossy(&mapped.deliveries[0].requests[0].request.body);
    assert_eq!(
        body,
        concat!(
            r#"{"payload":{"schema":["EMAIL","PHONE"],"data":[["#,
            r#""86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d","#,
            r#""e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"]]}}"#
        )
    );
}

#[test]
fn the_columns_do_not_hang_on_who_is_in_a_batch() {
    let schema = |person: Person| {
        let mapped = fixture().member(person).map::<Facebook>();
        let body = String::from_utf8_lossy(&mapped.deliveries[0].requests[0].request.body).into_owned();
        body.split_once("],").expect("a schema").0.to_owned()
    };
    let with_email = schema(Person::added("a").identifier("EMAIL", "a@example.com"));
    let with_phone = schema(Person::added("b").identifier("PHONE", "+16505551212"));
    assert_eq!(with_email, with_phone);
}

#[test]
fn no_request_is_larger_than_it_may_be_and_nobody_is_lost() {
    for bytes in [150, 200, 399, 400, 1_000] {
        for members in [1, 2, 3, 7] {
            let mut fixture = fixture();
            for number in 0..12 {
                let email = format!("user{number}@example.com");
                let person = match number % 3 {
                    0 => Person::added("x").identifier("EMAIL", email.as_str()),
                    1 => Person::updated("x")
                        .identifier("EMAIL", email.as_str())
                        .sent([("EMAIL", format!("old-{email}").as_str())])
                        .sent([("EMAIL", format!("older-{email}").as_str())]),
                    _ => Person::removed("x").sent([("EMAIL", email.as_str())]),
                };
                fixture = fixture.member(person);
            }
            for operation in ["add", "remove", "replace"] {
                fixture = fixture.limit(operation, members, bytes);
            }
            let mapped = fixture.map::<Facebook>();
            let mut seen: Vec<u32> = mapped.rejections.iter().map(|rejection| rejection.member).collect();
            for delivery in &mapped.deliveries {
                for prepared in &delivery.requests {
                    assert!(prepared.request.body.len() <= bytes as usize);
                    assert!(prepared.members.len() <= members as usize);
                    assert_eq!(prepared.members, delivery.requests[0].members);
                    serde_json::from_slice::<serde_json::Value>(&prepared.request.body).expect("a body of JSON");
                }
                seen.extend(&delivery.requests[0].members);
            }
            seen.sort_unstable();
            assert_eq!(seen, (0..12).collect::<Vec<u32>>());
        }
    }
}
