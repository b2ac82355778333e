//! One number, written as at home and as from abroad, is one person where the plugin makes one number of it.

use enroute_core::manifest::{Field, Manifest, Takes};
use enroute_fakes::all::{self, AUDIENCE_NAME};
use serde_json::{Value, json};

use crate::seven::World;
use crate::support::root;

/// Somebody who has nothing but a number.
fn caller(id: &str, phone: &str, plan: &str) -> Value {
    json!({ "id": id, "traits": { "firstName": "Ana", "plan": plan, "phone": phone } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_one_person_at_sendgrid_however_it_is_written() {
    for other in ["00351 912 345 678", "912 345 678", "+351 (912) 345-678"] {
        let world = World::new().await;
        let destinations = world.fakes.destinations();
        let sendgrid = destinations.split("[destination.").find(|part| part.starts_with("sendgrid")).unwrap();
        let given = sendgrid.replace("settings = { ", "settings = { external_id = \"off\", phone_region = \"PT\", ");
        let path = world.folder.path().join("plugins.toml");
        let entries = std::fs::read_to_string(&path).unwrap();
        let entries = entries.split("[destination.").next().unwrap();
        world.write("plugins.toml", &format!("{entries}[destination.{given}"));
        let path = world.folder.path().join("audiences.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let audience = text.split("[[connection]]").next().unwrap();
        world.write(
            "audiences.toml",
            &format!(
                "{audience}[[connection]]\naudience = \"{}\"\ndestination = \"sendgrid-marketing\"\n\
                 setup = \"customized\"\ntraits = [{{ trait = \"phone\", field = \"phone_number_id\" }}, \
                 {{ trait = \"firstName\", field = \"first_name\" }}]\n",
                all::AUDIENCE
            ),
        );
        let there = || world.fakes.sendgrid.members(AUDIENCE_NAME).len();
        let one = |plan| caller("u1", "+351912345678", plan);
        let report =
            world.sync(&[one("gold"), caller("u2", other, "gold"), caller("u3", "+351912345679", "gold")]).await;
        assert_eq!(there(), 2, "{other}: {report:#?}");
        assert_eq!(report.connections[0].outcomes.unchanged, 1, "{other}: one carries the other: {report:#?}");
        let rest = caller("u3", "+351912345679", "gold");
        let report = world.sync(&[one("silver"), caller("u2", other, "gold"), rest.clone()]).await;
        assert_eq!(there(), 2, "{other}, the first leaves: {report:#?}");
        let report = world.sync(&[one("silver"), caller("u2", other, "silver"), rest]).await;
        assert_eq!(there(), 1, "{other}, the last leaves: {report:#?}");
    }
}

#[test]
fn every_number_that_identifies_says_how_it_is_read() {
    for name in all::DESTINATIONS {
        let id = name.split('-').next().unwrap();
        let text = std::fs::read_to_string(root().join(format!("plugins/{id}/plugin.toml"))).unwrap();
        let manifest = Manifest::parse_toml(&text).unwrap();
        let is_number = |field: &&Field| field.identifier && matches!(field.takes, Takes::Phone | Takes::PhoneE164);
        for field in manifest.fields.iter().filter(is_number) {
            assert!(field.region_settings.is_some(), "{id}: `{}` does not say whose numbers it has", field.name);
        }
    }
}
