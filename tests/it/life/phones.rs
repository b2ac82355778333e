//! One number, written as at home and as from abroad, is one person where the plugin says whose numbers it reads.

use enroute_core::manifest::{Field, Manifest, Takes};
use enroute_fakes::all;

use crate::support::root;

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
