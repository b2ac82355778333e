use enroute_sdk::testing::{Fixture, Person};

use crate::Salesforce;

fn fixture() -> Fixture {
    let fixture = Fixture::new()
        .setting("instance_url", "https://acme.my.salesforce.com")
        .setting("api_version", "v67.0")
        .setting("object", "Lead")
        .setting("external_id_field", "Enroute_Id__c")
        .setting("membership_field", "{Audience_Key}__c")
        .setting("membership_value", "{audience_key}")
        .setting("assignment_rules", "FALSE")
        .identifier_field("external_id")
        .row("name", "LastName");
    ["upsert", "create", "update", "join", "bulk", "remove", "leave"]
        .iter()
        .fold(fixture, |fixture, operation| fixture.limit(operation, 200, 4_000_000))
}

fn person(number: usize) -> Person {
    let id = format!("u{number}");
    match number % 5 {
        0 => Person::removed(&id).identifier("external_id", id.as_str()),
        1 => Person::updated(&id).identifier("external_id", id.as_str()).sent([("external_id", "old")]),
        2 => Person::added(&id),
        3 => Person::added(&id).identifier("external_id", id.as_str()).value("name", "x".repeat(90).as_str()),
        _ => Person::added(&id).identifier("external_id", id.as_str()).value("name", "Silva"),
    }
}

/// What is said of each member: its records, or its rejection.
fn said(fixture: &Fixture, people: &[Person]) -> Vec<String> {
    let all = people.iter().cloned().fold(fixture.clone(), Fixture::member);
    let mapped = all.map::<Salesforce>();
    let mut said = vec![String::new(); people.len()];
    for delivery in mapped.deliveries {
        for request in delivery.requests {
            let text = format!("{:?}{}", request.request.query, String::from_utf8_lossy(&request.request.body));
            for member in request.members {
                let id = people[member as usize].id();
                let own =
                    text.contains(&format!("\"{id}\"")) || text.contains(&format!("'{id}'")) || text.contains("'old'");
                said[member as usize] += &format!("{} {:?} {own};", delivery.operation, request.request.path);
            }
        }
    }
    for rejection in mapped.rejections {
        said[rejection.member as usize] += &rejection.code;
    }
    said
}

#[test]
fn what_is_said_of_a_member_does_not_depend_on_the_others() {
    for settings in [("write_mode", "bulk"), ("write_mode", "collections"), ("operation", "update_only")] {
        let fixture = fixture().setting(settings.0, settings.1);
        let people: Vec<Person> = (0..25).map(person).collect();
        let together = said(&fixture, &people);
        let alone: Vec<String> =
            people.iter().flat_map(|person| said(&fixture, std::slice::from_ref(person))).collect();
        assert_eq!(together, alone, "{settings:?}");
    }
}

#[test]
fn a_query_fits_an_address() {
    let long = |number: usize| format!("{number:04}{}", "ü".repeat(200));
    let people = (0..100).map(|number| Person::removed(&long(number)).identifier("external_id", long(number).as_str()));
    let mapped = people.fold(fixture(), Fixture::member).map::<Salesforce>();
    assert!(mapped.rejections.is_empty());
    for delivery in mapped.deliveries {
        let query = &delivery.requests[0].request.query[0].value;
        assert!(query.len() * 3 <= 16_000, "{}", query.len());
    }
}
