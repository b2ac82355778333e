use std::collections::BTreeMap;

use enroute_sdk::testing::{Fixture, Person};
use serde_json::{Value, json};

use crate::Zendesk;

fn fixture() -> Fixture {
    let settings = [
        ("subdomain", json!("acme")),
        ("auth", json!("api_token")),
        ("email", json!("agent@example.com")),
        ("identifier", json!("both")),
        ("membership", json!("user_field")),
        ("write_mode", json!("auto")),
        ("create_users", json!(true)),
        ("create_missing_fields", json!(false)),
        ("suppress_verification_mail", json!(true)),
        ("mark_verified", json!(false)),
        ("on_email_change", json!("keep")),
        ("nested_values", json!("leave_out")),
    ];
    let fixture = settings.into_iter().fold(Fixture::new(), |fixture, (name, value)| fixture.setting(name, value));
    ["upsert_many", "update_many"]
        .into_iter()
        .fold(fixture, |fixture, operation| fixture.limit(operation, 100, 4_000_000))
        .limit("upsert_one", 1, 1_000_000)
        .identifier_field("external_id")
        .identifier_field("email")
        .row("firstName", "first_name")
        .row("lastName", "last_name")
        .row("phone", "phone")
        .row("plan", "plan")
}

fn people() -> Vec<Person> {
    let named = |id: &str| Person::added(id).identifier("external_id", id).value("firstName", "Ana");
    vec![
        named("a").value("phone", "+34 600 111 222").value("plan", json!({"x": 1})),
        Person::added("b").identifier("external_id", "b"),
        Person::removed("c").sent([("external_id", "c")]),
        named("d").identifier("email", "not an address"),
        Person::removed("e").sent([("external_id", "e,e")]),
        Person::updated("f").identifier("external_id", "f2").value("lastName", "Gil").sent([("external_id", "f")]),
        Person::removed("g"),
        Person::removed("h").sent([("external_id", "h"), ("email", "h@example.com")]),
    ]
}

/// What is said of each member: its requests without those of others, or its rejection.
fn said(people: &[Person]) -> BTreeMap<String, String> {
    let mapped = people.iter().cloned().fold(fixture(), Fixture::member).map::<Zendesk>();
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    let mut say =
        |member: u32, text: String| said.entry(people[member as usize].id().to_owned()).or_default().push_str(&text);
    for rejection in mapped.rejections {
        say(rejection.member, format!("rejected {}\n", rejection.code));
    }
    for delivery in mapped.deliveries {
        for prepared in delivery.requests {
            let body: Value = serde_json::from_slice(&prepared.request.body).expect("JSON");
            let ids = prepared.request.query.iter().find(|item| item.name == "external_ids");
            for (place, member) in prepared.members.iter().enumerate() {
                let part = body.pointer(&format!("/users/{place}")).unwrap_or(&body);
                let id = ids.and_then(|ids| ids.value.split(',').nth(place)).unwrap_or_default();
                let path = prepared.request.path.join("/");
                say(*member, format!("{} {path} {id} {part}\n", delivery.operation));
            }
        }
    }
    said
}

#[test]
fn what_is_said_of_a_member_does_not_depend_on_the_others() {
    let together = said(&people());
    assert_eq!(together.len(), people().len());
    for person in people() {
        let alone = said(std::slice::from_ref(&person));
        assert_eq!(alone[person.id()], together[person.id()]);
    }
    let mut reversed = people();
    reversed.reverse();
    assert_eq!(said(&reversed), together);
}

#[test]
fn nothing_of_rights_is_ever_written() {
    let fixture = ["role", "suspended", "id", "custom_role_id", "tags", "verified"]
        .into_iter()
        .fold(fixture(), |f, name| f.row(name, name));
    let person = ["role", "suspended", "id", "custom_role_id", "tags", "verified"]
        .into_iter()
        .fold(people().remove(0), |person, name| person.value(name, "admin"));
    let mapped = fixture.member(person).map::<Zendesk>();
    let body: Value = serde_json::from_slice(&mapped.deliveries[0].requests[0].request.body).expect("JSON");
    let names: Vec<&String> = body["users"][0].as_object().expect("a user").keys().collect();
    assert_eq!(names, ["external_id", "name", "phone", "skip_verify_email", "user_fields"]);
    assert_eq!(body["users"][0]["user_fields"], json!({"vip": true}));
}

#[test]
fn nobody_is_no_request() {
    let mapped = fixture().map::<Zendesk>();
    assert!(mapped.deliveries.is_empty() && mapped.rejections.is_empty());
}

#[test]
fn long_ids_fit_the_url() {
    let people: Vec<Person> =
        (0..100).map(|n| Person::removed("x").sent([("external_id", format!("{n:0>200}").as_str())])).collect();
    let mapped = people.into_iter().fold(fixture(), Fixture::member).map::<Zendesk>();
    assert!(mapped.deliveries.len() > 1);
    let longest = mapped.deliveries.iter().map(|delivery| delivery.requests[0].request.query[0].value.len()).max();
    assert!(longest < Some(2_500), "{longest:?}");
    let members: usize = mapped.deliveries.iter().map(|delivery| delivery.requests[0].members.len()).sum();
    assert_eq!(members, 100);
}
