use enroute_sdk::testing::{Cell, Fixture, Person};
use serde_json::{Value, json};

use crate::Iterable;

fn fixture(project: &str) -> Fixture {
    let limited = ["enter", "leave", "move"]
        .iter()
        .fold(Fixture::new(), |fixture, operation| fixture.limit(operation, 1_000, 4_000_000));
    ["userId", "email", "anonymousId"]
        .iter()
        .fold(limited.setting("project_type", project), |fixture, field| fixture.identifier_field(field))
}

/// Maps one member with one row into a field of this type, and gives what is sent of it and the warning.
#[track_caller]
fn check(kind: Option<&str>, field: &str, value: impl Into<Cell>, expect: &str) {
    let remote = kind.map_or_else(|| json!({"fields": {}}), |kind| json!({"fields": {field: kind}}));
    let person = Person::added("u1").identifier("userId", "u1").value("t", value);
    let mapped = fixture("hybrid").remote(remote).row("t", field).member(person).map::<Iterable>();
    let body = String::from_utf8_lossy(&mapped.deliveries[0].requests[0].request.body).into_owned();
    let start = r#"{"users":[{"userId":"u1","mergeNestedObjects":true,"dataFields":{"vip":true"#;
    let sent = body.strip_prefix(start).and_then(|body| body.strip_suffix("}}]}")).unwrap_or(&body);
    let sent = sent.trim_start_matches(',').trim_start_matches(&format!("\"{field}\":"));
    let warned: String = mapped.warnings.iter().map(|warning| format!("({})", warning.code)).collect();
    assert_eq!(format!("{sent}{warned}"), expect);
}

const MISMATCH: &str = "(type_mismatch)";

#[test]
fn a_field_that_nobody_knows_takes_what_comes() {
    check(None, "score", Cell::raw("450.0"), "450.0");
    check(None, "score", Cell::raw("450"), "450");
    check(None, "score", Cell::raw("18446744073709551616"), "18446744073709551616");
    check(None, "flag", json!(true), "true");
    check(None, "tags", json!(["a", 1]), r#"["a",1]"#);
    check(None, "label", "450", r#""450""#);
    check(None, "label", "true", r#""true""#);
    check(None, "label", "2020", r#""2020""#);
    check(None, "label", "2020-08-19", r#""2020-08-19""#);
    check(None, "seen", "2020-08-19T20:50:04.000Z", r#""2020-08-19 20:50:04 +00:00""#);
}

#[test]
fn a_known_type_is_never_broken_and_never_forced() {
    check(Some("long"), "score", Cell::raw("450.0"), "450");
    check(Some("long"), "score", Cell::raw("450.5"), MISMATCH);
    check(Some("long"), "score", Cell::raw("4e2"), MISMATCH);
    check(Some("long"), "score", "450", MISMATCH);
    check(Some("double"), "score", Cell::raw("450"), "450.0");
    check(Some("double"), "score", Cell::raw("-0"), "-0.0");
    check(Some("double"), "score", Cell::raw("1e3"), "1e3");
    check(Some("string"), "label", json!(7), MISMATCH);
    check(Some("string"), "label", json!(true), MISMATCH);
    check(Some("string"), "seen", "2020-08-19T20:50:04.000Z", r#""2020-08-19T20:50:04.000Z""#);
    for yes in [json!(true), json!(1), json!("1"), json!("true"), json!(" TRUE ")] {
        check(Some("boolean"), "flag", yes, "true");
    }
    for neither in [json!("yes"), json!(2), json!(""), json!([true, "on"])] {
        check(Some("boolean"), "flag", neither, MISMATCH);
    }
    check(Some("boolean"), "flag", json!([true, "0"]), "[true,false]");
    check(Some("date"), "since", "2020-04-13 14:04:09.000", r#""2020-04-13 14:04:09""#);
    check(Some("date"), "since", json!(1_586_786_649), MISMATCH);
    check(Some("date"), "since", "05/06/1990", "(date_ambiguous)");
    check(Some("date"), "since", json!(["25/06/1990"]), r#"["1990-06-25"]"#);
    check(Some("date"), "since", json!(null), "null");
    check(Some("object"), "address", json!({"city": "Porto"}), r#"{"city":"Porto"}"#);
    check(Some("object"), "address", "Porto", MISMATCH);
    check(Some("something new"), "label", json!(7), "7");
}

#[test]
fn a_list_holds_what_its_field_holds() {
    check(Some("string"), "tags", json!(["a", "b"]), r#"["a","b"]"#);
    check(Some("string"), "tags", json!([]), "[]");
    check(Some("string"), "tags", json!(["a", 1]), MISMATCH);
    check(Some("string"), "tags", json!(["a", null]), MISMATCH);
    check(Some("double"), "scores", Cell::raw("[1, 2.5]"), "[1.0,2.5]");
    check(Some("nested"), "orders", json!([{"id": 1}]), r#"[{"id":1}]"#);
    check(Some("nested"), "orders", json!([1]), MISMATCH);
    check(Some("string"), "tags", json!([["a"]]), MISMATCH);
}

#[test]
fn numbers_of_phones_have_a_country() {
    check(None, "phoneNumber", "+34 600-111-222", r#""+34600111222""#);
    check(None, "phoneNumber", "+34.(600) 111.222", r#""+34600111222""#);
    check(None, "phoneNumber", "600 111 222", "(value_malformed)");
    check(None, "phoneNumber", json!(34_600_111_222_u64), "(value_malformed)");
    check(None, "phoneNumber", "", "(value_malformed)");
}

#[test]
fn places_lie_on_earth() {
    check(None, "home_geo_location", json!({"lat": 41, "lon": -8.6}), r#"{"lat":41.0,"lon":-8.6}"#);
    check(None, "home_geo_location", json!({"longitude": 0, "latitude": 90}), r#"{"lat":90.0,"lon":0.0}"#);
    check(None, "home_geo_location", json!({"lat": 91, "lon": 0}), "(value_malformed)");
    check(None, "home_geo_location", json!({"lat": 1}), "(value_malformed)");
    check(None, "home_geo_location", "41,-8", "(value_malformed)");
}

#[test]
fn a_text_has_an_end() {
    check(None, "note", "é".repeat(32_000).as_str(), &format!("\"{}\"", "é".repeat(32_000)));
    check(None, "note", "é".repeat(32_001).as_str(), "(text_too_long)");
}

fn people(count: usize, bytes: usize) -> Vec<Person> {
    let note = "x".repeat(bytes);
    let person = |number: usize| {
        let id = format!("u{number}");
        Person::added(&id).identifier("userId", id.as_str()).value("note", json!({"text": note}))
    };
    (0..count).map(person).collect()
}

fn sizes(people: Vec<Person>) -> Vec<(usize, usize)> {
    let fixture = people.into_iter().fold(fixture("user_id").row("note", "note"), Fixture::member);
    let mapped = fixture.map::<Iterable>();
    let requests = mapped.deliveries.iter().flat_map(|delivery| &delivery.requests);
    requests.map(|prepared| (prepared.members.len(), prepared.request.body.len())).collect()
}

#[test]
fn a_thousand_and_one_users_are_two_requests() {
    let sizes = sizes(people(1_001, 1));
    assert_eq!(sizes.iter().map(|(members, _)| *members).collect::<Vec<_>>(), [1_000, 1]);
}

#[test]
fn a_body_just_above_four_megabytes_is_two_requests() {
    let one = people(2, 1_000);
    let frame = sizes(one)[0].1 - 2_000;
    let exact = sizes(people(2, (4_000_000 - frame) / 2));
    assert_eq!(exact.len(), 1);
    assert!(exact[0].1 <= 4_000_000 && exact[0].1 > 3_999_990);
    assert_eq!(sizes(people(2, (4_000_000 - frame) / 2 + 1)).len(), 2);
}

#[test]
fn a_record_of_five_megabytes_fails_alone() {
    let mut people = people(3, 10);
    people[1] = people[1].clone().value("note", json!({"text": "x".repeat(5_000_000)}));
    let fixture = people.into_iter().fold(fixture("user_id").row("note", "note"), Fixture::member);
    let mapped = fixture.map::<Iterable>();
    assert_eq!(mapped.deliveries[0].requests[0].members, [0, 2]);
    assert_eq!((mapped.rejections[0].member, mapped.rejections[0].code.as_str()), (1, "record_too_large"));
}

#[test]
fn an_identifier_occurs_once_in_a_delivery() {
    let swapped = |id: &str, now: &str, was: &str| Person::updated(id).identifier("email", now).sent([("email", was)]);
    let mapped = fixture("email")
        .member(swapped("a", "a@example.com", "b@example.com"))
        .member(swapped("b", "b@example.com", "c@example.com"))
        .member(swapped("d", "d@example.com", "e@example.com"))
        .map::<Iterable>();
    let members: Vec<_> = mapped.deliveries.iter().map(|delivery| delivery.requests[0].members.clone()).collect();
    assert_eq!(members, [vec![0], vec![1, 2]]);
}

/// What is said of each member when all are mapped at once, and when each is mapped alone.
#[test]
fn what_is_said_of_a_member_does_not_hang_on_the_others() {
    let people = [
        Person::added("a").identifier("email", "a@example.com").value("t", json!(1)),
        Person::added("b").identifier("email", "A@Example.com").value("t", "x"),
        Person::removed("c").sent([("email", "c@example.com")]).sent([("email", "d@example.com")]),
        Person::updated("e").identifier("email", "e@example.com").sent([("email", "f@example.com")]),
        Person::added("g").identifier("email", "no address"),
    ];
    let base = || fixture("email").setting("membership", "both").row("t", "t").remote(json!({"fields": {"t": "long"}}));
    let objects = |fixture: Fixture| -> Vec<String> {
        let mapped = fixture.map::<Iterable>();
        let mut found: Vec<String> = mapped.rejections.iter().map(|rejection| rejection.code.clone()).collect();
        for prepared in mapped.deliveries.iter().flat_map(|delivery| &delivery.requests) {
            let body: Value = serde_json::from_slice(&prepared.request.body).unwrap();
            let users = body.get("users").or_else(|| body.get("subscribers")).unwrap().as_array().unwrap();
            found.extend(users.iter().map(|user| format!("{:?} {user}", prepared.request.path)));
        }
        found.sort();
        found
    };
    let together = objects(people.iter().cloned().fold(base(), Fixture::member));
    let mut alone: Vec<String> = people.iter().flat_map(|person| objects(base().member(person.clone()))).collect();
    alone.sort();
    assert_eq!(together, alone);
}

// R32: no limit on rows below Iterable's own.
#[test]
fn a_thousand_traits_arrive_under_their_names() {
    let names: Vec<String> = (0..1_000).map(|number| format!("trait_{number}")).collect();
    let with_rows = names.iter().fold(fixture("email"), |fixture, name| fixture.row(name, name));
    assert!(with_rows.validate::<Iterable>().is_empty());
    let person = Person::added("u1").identifier("email", "ann@example.com");
    let person = (0..1_000u32).zip(&names).fold(person, |person, (number, name)| person.value(name, json!(number)));
    let mapped = with_rows.member(person).map::<Iterable>();
    let body: Value = serde_json::from_slice(&mapped.deliveries[0].requests[0].request.body).unwrap();
    let sent = body["users"][0]["dataFields"].as_object().unwrap();
    assert_eq!(sent.len(), 1_001);
    assert_eq!((&sent["vip"], &sent["trait_0"], &sent["trait_999"]), (&json!(true), &json!(0), &json!(999)));
}
