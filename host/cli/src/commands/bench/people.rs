//! Made-up people from a seed, the same on every machine: what every scenario reads.
//!
//! A row is what common tools of the field are given for one person: an id, a device, whether the person enters or
//! leaves, and traits of the usual kinds and lengths.

use std::borrow::Cow;

use enroute_host::sync::Person;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// One row, as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    user_id: &'a RawValue,
    #[serde(borrow, default)]
    advertising_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    traits: &'a RawValue,
}

/// The kind of identifier that a device's advertising id is.
const DEVICE: &str = "android.idfa";

impl<'a> Row<'a> {
    /// Reads a line.
    pub(super) fn read(line: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }

    /// The identifiers beside the id.
    pub(super) fn identifiers(&self) -> Vec<(&'static str, &'a RawValue)> {
        self.advertising_id.map(|id| (DEVICE, id)).into_iter().collect()
    }

    /// The person, for a transform.
    pub(super) fn person<'r>(&'r self, identifiers: &'r [(&'r str, &'r RawValue)]) -> Person<'r> {
        let is_member = self.action.as_deref() != Some("delete");
        Person { id: self.user_id, is_member, identifiers, traits: self.traits }
    }

    /// The line that an import reads. Everybody is a member: a first sync sends nobody who leaves.
    pub(super) fn profile(&self) -> String {
        let device = self.advertising_id.map_or_else(String::new, |id| format!("\"{DEVICE}\":{id}"));
        format!("{{\"id\":{},\"identifiers\":{{{device}}},\"traits\":{}}}", self.user_id, self.traits)
    }

    /// The same line after the person has spent something: one mapped trait is another.
    pub(super) fn changed(&self) -> String {
        let mut traits: Value = serde_json::from_str(self.traits.get()).unwrap_or_default();
        if let Some(traits) = traits.as_object_mut() {
            let spent = traits.get("ltv").and_then(Value::as_f64).unwrap_or_default();
            traits.insert("ltv".to_owned(), json!(spent + 10.5));
        }
        let device = self.advertising_id.map_or_else(String::new, |id| format!("\"{DEVICE}\":{id}"));
        format!("{{\"id\":{},\"identifiers\":{{{device}}},\"traits\":{traits}}}", self.user_id)
    }
}

const FIRST: [&str; 12] =
    ["Ana", "Björn", "Chloë", "Dragan", "Efua", "Farah", "Greta", "Hélène", "Iñigo", "Jörg", "Kaito", "Łucja"];
const LAST: [&str; 10] =
    ["O'Hara", "Åkesson", "Tanaka", "Gómez", "de Vries", "Jones", "Schäfer", "Adeyemi", "Dvořák", "Moreira"];
/// City, state, postal code and country.
const PLACES: [[&str; 4]; 6] = [
    ["Hamburg", "HH", "20095", "DE"],
    ["Denver", "CO", "80202", "US"],
    ["Belém", "PA", "66000-000", "BR"],
    ["York", "ENG", "YO1 7HH", "GB"],
    ["Nagoya", "Aichi", "450-0002", "JP"],
    ["Lille", "HDF", "59000", "FR"],
];
const PLANS: [&str; 4] = ["free", "basic", "plus", "business"];
const GENDERS: [&str; 4] = ["female", "male", "F", "m"];
/// Sign-ups begin in September 2020 and go on for less than five years, in milliseconds.
const SIGNED_UP_MS: (u64, u64) = (1_600_000_000_000, 150_000_000_000);

/// The rows of so many people.
pub(super) fn rows(members: u32, seed: u64) -> impl Iterator<Item = String> {
    let mut dice = Dice(seed);
    (0..members).map(move |number| row(number, &mut dice))
}

fn row(number: u32, dice: &mut Dice) -> String {
    let [city, state, postal_code, country] = dice.pick(&PLACES);
    let (year, month, day) = (1950 + dice.below(55), 1 + dice.below(12), 1 + dice.below(28));
    let name = if dice.below(10) < 3 { " User" } else { "user" };
    let cents = dice.below(500_001);
    let signed_up = SIGNED_UP_MS.0 + dice.below(SIGNED_UP_MS.1);
    let moment = jiff::Timestamp::from_millisecond(signed_up.cast_signed()).unwrap_or_default();
    json!({
        "user_id": format!("u{number:07}"),
        "advertising_id": dice.device(),
        "action": if dice.below(10) < 9 { "insert" } else { "delete" },
        "traits": {
            "email": format!("{name}.{number}@Example.com"),
            "phone": format!("+1 (555) {:03}-{:04}", dice.below(1_000), number % 10_000),
            "firstName": dice.pick(&FIRST),
            "lastName": dice.pick(&LAST),
            "gender": dice.pick(&GENDERS),
            "birthday": format!("{year}-{month:02}-{day:02}"),
            "birthYear": year.to_string(),
            "birthMonth": format!("{month:02}"),
            "birthDay": format!("{day:02}"),
            "address": {
                "street": format!("{} Main St", 1 + dice.below(900)),
                "city": city, "state": state, "postalCode": postal_code, "country": country,
            },
            "company": "Example GmbH",
            "plan": dice.pick(&PLANS),
            "ltv": money(cents),
            "orders": dice.below(40),
            "vip": dice.below(10) < 1,
            "signedUpAt": moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        },
    })
    .to_string()
}

fn money(cents: u64) -> Value {
    if cents.is_multiple_of(100) {
        return json!(cents / 100);
    }
    json!(f64::from(u32::try_from(cents).unwrap_or_default()) / 100.0)
}

/// Numbers that look random and are the same for a seed: the generator that its author calls SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let at = usize::try_from(self.below(list.len() as u64)).unwrap_or_default();
        list.get(at).copied().unwrap_or_default()
    }

    /// An advertising id in the form of a UUID.
    fn device(&mut self) -> String {
        let (high, low) = (self.roll(), self.roll());
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_people_and_another_seed_others() {
        let made = |seed| rows(50, seed).collect::<Vec<_>>();
        assert_eq!(made(7), made(7));
        assert_ne!(made(7), made(8));
        assert_eq!(rows(3, 7).collect::<Vec<_>>(), made(7)[..3]);
    }

    #[test]
    fn a_row_is_a_profile_and_a_member() {
        for line in rows(50, 42) {
            let row = Row::read(&line).unwrap();
            let profile: Value = serde_json::from_str(&row.profile()).unwrap();
            assert_eq!(profile["identifiers"][DEVICE].as_str().unwrap().len(), 36);
            let changed: Value = serde_json::from_str(&row.changed()).unwrap();
            assert_ne!(changed["traits"]["ltv"], profile["traits"]["ltv"]);
            assert_eq!(changed["traits"]["email"], profile["traits"]["email"]);
        }
    }

    #[test]
    fn one_in_ten_leaves() {
        let left = |line: &String| Row::read(line).unwrap().action.as_deref() == Some("delete");
        let leaving = rows(1_000, 42).filter(left).count();
        assert!((50..150).contains(&leaving), "{leaving}");
    }
}
