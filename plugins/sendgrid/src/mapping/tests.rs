use enroute_sdk::testing::{Fixture, Person};
use serde_json::json;

use crate::SendGrid;

fn connection() -> Fixture {
    Fixture::new()
        .setting("base_url", "https://api.sendgrid.com")
        .setting("list_id", "0f6a3f4e-6b1f-4b0c-9a63-0d6c2f4f9d11")
        .identifier_field("email")
        .identifier_field("external_id")
        .limit("upsert", 100, 10_000)
        .limit("move", 100, 10_000)
        .limit("remove", 100, 10_000)
        .remote(json!({"list": {"id": "l"}, "fields": [{"id": "e1_N", "name": "score", "type": "Number"}]}))
        .row("score", "score")
        .row("city", "city")
}

fn people() -> Vec<Person> {
    let ann = |id: &str| Person::added(id).identifier("email", format!("{id}@example.com").as_str());
    vec![
        ann("a").value("score", json!(1)).value("city", "Porto"),
        ann("b").value("score", "none"),
        Person::added("c").identifier("email", "bad").identifier("external_id", "c"),
        Person::added("d").identifier("email", "bad"),
        ann("e").sent([("email", "old@example.com")]),
        Person::removed("f").sent([("email", "f@example.com")]),
        Person::removed("g"),
        ann("h").value("city", json!(7)),
    ]
}

/// What became of each member: the operation and its contact, or the code of its rejection.
fn fates(people: &[Person]) -> Vec<String> {
    let mapped = people.iter().cloned().fold(connection(), Fixture::member).map::<SendGrid>();
    let mut fates = vec![String::new(); people.len()];
    for delivery in &mapped.deliveries {
        for request in &delivery.requests {
            let body: serde_json::Value = serde_json::from_slice(&request.request.body).unwrap_or_default();
            for (place, member) in request.members.iter().enumerate() {
                fates[*member as usize] += &format!("{} {}", delivery.operation, body["contacts"][place]);
            }
        }
    }
    for rejection in &mapped.rejections {
        fates[rejection.member as usize] += &rejection.code;
    }
    fates
}

#[test]
fn a_member_becomes_the_same_alone_and_among_others() {
    let people = people();
    let together = fates(&people);
    let alone: Vec<String> = people.iter().flat_map(|person| fates(std::slice::from_ref(person))).collect();
    assert_eq!(together, alone);
    assert!(together.iter().all(|fate| !fate.is_empty()), "everybody has one fate: {together:?}");
    assert_eq!(together[3], "email_malformed");
    assert_eq!(together[4], r#"move {"email":"e@example.com"}"#);
    assert_eq!(together[6], "no_identifier");
}
