use enroute_sdk::testing::{Cell, Fixture, Person};
use serde_json::json;

use crate::Braze;

fn fixture() -> Fixture {
    ["external_id", "braze_id", "email", "phone"].iter().fold(
        Fixture::new().setting("endpoint", "https://rest.iad-01.braze.com").limit("track", 75, 4_000_000),
        |fixture, field| fixture.identifier_field(field),
    )
}

/// Maps one member with one row, and compares what stands between the identity and the membership.
#[track_caller]
fn check(field: &str, value: impl Into<Cell>, expect: &str) {
    let person = Person::added("u1").identifier("external_id", "u1").value("t", value);
    let mapped = fixture().row("t", field).member(person).map::<Braze>();
    let body = String::from_utf8_lossy(&mapped.deliveries[0].requests[0].request.body).into_owned();
    let object =
        body.strip_prefix(r#"{"attributes":[{"external_id":"u1""#).and_then(|b| b.strip_suffix(r#","vip":true}]}"#));
    let warned: Vec<String> = mapped.warnings.iter().map(|warning| format!(" ({})", warning.code)).collect();
    assert_eq!(format!("{}{}", object.unwrap_or(&body).trim_start_matches(','), warned.concat()), expect);
}

#[test]
fn a_birthday_is_a_day_of_the_past() {
    check("dob", "1988-02-14", r#""dob":"1988-02-14""#);
    check("dob", "02/14/1988", r#""dob":"1988-02-14""#);
    check("dob", "14.2.1988", r#""dob":"1988-02-14""#);
    check("dob", "1988-02-14T23:59:00-08:00", r#""dob":"1988-02-14""#);
    check("dob", "2027-01-01", " (value_malformed)".trim_start_matches(','));
    check("dob", "05/06/1990", " (date_ambiguous)");
    check("dob", json!(null), r#""dob":null"#);
}

#[test]
fn genders_are_letters_where_braze_has_one() {
    check("gender", "Female", r#""gender":"F""#);
    check("gender", "prefer not to say", r#""gender":"P""#);
    check("gender", "prefer_not_to_say", r#""gender":"P""#);
    check("gender", "diverse", " (gender_unknown)");
    check("gender", "", " (gender_unknown)");
    check("gender", json!(null), r#""gender":null"#);
    check("gender", json!(1), " (value_malformed)");
}

#[test]
fn countries_and_languages_are_codes() {
    check("country", "Portugal", r#""country":"PT""#);
    check("country", "prt", r#""country":"PT""#);
    check("country", "Atlantis", " (value_malformed)");
    check("language", "pt-BR", r#""language":"pt""#);
    check("language", "Portuguese", " (value_malformed)");
    check("time_zone", "Europe/Lisbon", r#""time_zone":"Europe/Lisbon""#);
    check("time_zone", "CEST", " (value_malformed)");
}

#[test]
fn addresses_are_cleaned_and_bad_ones_left_out() {
    check("email", " Ann@Example.com ", r#""email":"ann@example.com""#);
    check("email", "", " (value_malformed)");
    check("phone", "+351 912 345 678", r#""phone":"+351912345678""#);
    check("phone", "912 345 678", r#""phone":"912 345 678" (phone_not_e164)"#);
    check("image_url", "https://cdn.example.org/m.png", r#""image_url":"https://cdn.example.org/m.png""#);
    check("image_url", "m.png", " (value_malformed)");
}

#[test]
fn switches_and_states_are_checked() {
    check("email_subscribe", "opted_in", r#""email_subscribe":"opted_in""#);
    check("email_subscribe", "yes", " (value_malformed)");
    check("email_open_tracking_disabled", "TRUE", r#""email_open_tracking_disabled":true"#);
    check("email_open_tracking_disabled", json!(1), r#""email_open_tracking_disabled":true"#);
    check("email_open_tracking_disabled", " 0", r#""email_open_tracking_disabled":false"#);
    check("email_open_tracking_disabled", json!(2), " (value_malformed)");
    check("email_open_tracking_disabled", "yes", " (value_malformed)");
    check("date_of_first_session", "2021-05-01T10:00:00Z", r#""date_of_first_session":"2021-05-01T10:00:00Z""#);
    check("date_of_first_session", "2021-05-01 10:00:00+00", r#""date_of_first_session":"2021-05-01T10:00:00Z""#);
    check("date_of_first_session", "2021-05-01", r#""date_of_first_session":"2021-05-01""#);
    check("date_of_first_session", "05/06/2021", " (date_ambiguous)");
    check("date_of_first_session", "yesterday", " (value_malformed)");
}

#[test]
fn locations_lie_on_earth() {
    let expect = r#""current_location":{"latitude":41.15,"longitude":-8.6}"#;
    check("current_location", json!({"longitude": -8.6, "latitude": 41.15}), expect);
    check("current_location", json!({}), "");
    check("current_location", json!({"latitude": 91, "longitude": 0}), " (value_malformed)");
    check("current_location", json!({"latitude": 1}), " (value_malformed)");
}

#[test]
fn custom_attributes_keep_their_type_and_their_digits() {
    check("score", json!(431.5), r#""score":431.5"#);
    check("score", Cell::raw("450.0"), r#""score":450.0"#);
    check("score", Cell::raw("18446744073709551616"), r#""score":18446744073709551616"#);
    check("tier", "", r#""tier":"""#);
    check("tier", json!(false), r#""tier":false"#);
    check("tier", json!(null), r#""tier":null"#);
    check("tier", "é".repeat(255).as_str(), &format!(r#""tier":"{}""#, "é".repeat(255)));
    check("tier", "é".repeat(256).as_str(), " (text_too_long)");
    check("loyalty", json!({"tier": "gold"}), r#""loyalty":{"tier":"gold"}"#);
}

#[test]
fn rows_that_cannot_be_sent_are_left_out() {
    check("external_id", "u2", " (row_not_sendable)");
    check("_update_existing_only", json!(true), " (row_not_sendable)");
    check("vip", json!(false), " (row_not_sendable)");
    check("subscription_groups", json!([]), "");
    check("subscription_groups", json!(["g"]), " (subscription_group_malformed)");
    check("subscription_groups", json!([{"subscription_group_id": "g"}]), " (subscription_group_malformed)");
    check("subscription_groups", json!("g"), " (value_malformed)");
}

#[test]
fn an_earlier_external_id_is_withdrawn_beside_the_new_one() {
    let person = |id| Person::updated(id).identifier("external_id", id).sent([("external_id", "old")]);
    let mapped = fixture().member(person("new")).member(person("old")).map::<Braze>();
    let bodies: Vec<Vec<String>> = mapped
        .deliveries
        .iter()
        .map(|delivery| {
            delivery.requests.iter().map(|r| String::from_utf8_lossy(&r.request.body).into_owned()).collect()
        })
        .collect();
    assert_eq!(
        bodies,
        [
            vec![r#"{"attributes":[{"external_id":"old","vip":true}]}"#],
            vec![
                r#"{"attributes":[{"external_id":"new","vip":true}]}"#,
                r#"{"attributes":[{"external_id":"old","vip":false,"_update_existing_only":true}]}"#,
            ],
        ]
    );
}
