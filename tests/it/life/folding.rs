//! Spellings that destinations take as one are one person.

use std::collections::BTreeSet;

use enroute_fakes::all::{self, DESTINATIONS, FACEBOOK_AUDIENCE};
use serde_json::{Value, json};

use crate::seven::World;

/// What every destination has once only this was ever synced.
async fn fresh(people: &[Value]) -> Vec<BTreeSet<String>> {
    let world = World::new().await;
    world.sync(people).await;
    DESTINATIONS.iter().map(|name| world.fakes.members(name)).collect()
}

fn person(id: &str, email: &str) -> Value {
    let mut person = all::person(id);
    person["traits"]["email"] = json!(email);
    person
}

fn silver(mut person: Value) -> Value {
    person["traits"]["plan"] = json!("silver");
    person
}

/// Syncs one step after the other, and compares with a world in which only the last one ever was.
async fn check(story: &str, steps: &[Vec<Value>]) {
    let world = World::new().await;
    world.sync(&[person("else", "else@example.com")]).await;
    let rest = [person("else", "else@example.com")];
    for people in steps {
        world.sync(&[people.as_slice(), &rest].concat()).await;
    }
    let last = steps.last().expect("a story has steps");
    let expect = fresh(&[last.as_slice(), &rest].concat()).await;
    for (name, expect) in DESTINATIONS.iter().zip(expect) {
        if name.starts_with("zendesk") && story.starts_with("one address") {
            // Zendesk takes an address once, whoever has it; who came first is refused nothing.
            continue;
        }
        let there = world.fakes.members(name);
        if matches!(*name, "iterable-us" | "sendgrid-marketing") && story.starts_with("one address") {
            // These know the address; the one person may still have the id that the address came with first.
            assert_eq!(there.len(), expect.len(), "{story}: {name}");
            continue;
        }
        assert_eq!(there, expect, "{story}: {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spellings_of_one_address_are_one_person_until_the_last_one_leaves() {
    let spellings = [
        ("Ann@Example.com", "ann@example.com"),
        (" ann@example.com ", "ANN@EXAMPLE.COM"),
        ("a.nn+x@gmail.com", "ann@gmail.com"),
        ("A.Nn@googlemail.com", "ann@googlemail.com"),
    ];
    for (one, other) in spellings {
        let (one, other) = (person("u1", one), person("u2", other));
        let both = vec![one.clone(), other.clone()];
        check("one address, the first leaves", &[both.clone(), vec![silver(one.clone()), other.clone()]]).await;
        check("one address, the second leaves", &[both, vec![one.clone(), silver(other.clone())]]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_an_address_is_there_under_it() {
    let two = |one: &str, other: &str| vec![person("u1", one), person("u2", other)];
    check("a swap", &[two("ann@example.com", "bob@example.com"), two("Bob@example.com", "ANN@example.com")]).await;
    check("both change", &[two("ann@example.com", "bob@example.com"), two("bob@example.com", "cy@example.com")]).await;
    check(
        "the address of one who leaves",
        &[
            two("ann@example.com", "bob@example.com"),
            vec![silver(person("u1", "ann@example.com")), person("u2", "Ann@example.com")],
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_national_and_an_international_spelling_are_one_number() {
    let world = World::new().await;
    let text = std::fs::read_to_string(world.folder.path().join("plugins.toml")).unwrap();
    let code = format!("audience_id = \"{FACEBOOK_AUDIENCE}\", default_phone_country_code = \"351\"");
    world.write("plugins.toml", &text.replace(&format!("audience_id = \"{FACEBOOK_AUDIENCE}\""), &code));
    let person = |id: &str, phone: &str, plan: &str| json!({ "id": id, "traits": { "phone": phone, "plan": plan } });
    let there = || world.fakes.facebook.members_by(FACEBOOK_AUDIENCE, "PHONE").len();
    for (one, other) in [("912 345 678", "+351 912-345-678"), ("00351912345678", "912345678")] {
        world.sync(&[person("u1", one, "gold"), person("u2", other, "gold"), all::person("else")]).await;
        assert_eq!(there(), 1, "{one} and {other}");
        world.sync(&[person("u1", one, "silver"), person("u2", other, "gold"), all::person("else")]).await;
        assert_eq!(there(), 1, "{other} is there until the last one leaves");
        world.sync(&[person("u1", one, "silver"), person("u2", other, "silver"), all::person("else")]).await;
        assert_eq!(there(), 0);
    }
}
