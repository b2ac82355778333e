//! Where destinations take values: `destinations.toml`, and what `map` makes of one value at one place.

use std::collections::BTreeMap;
use std::fmt;

use enroute_sdk::bindings::enroute::destination::types::Mapped;
use enroute_sdk::hash;
use enroute_sdk::testing::{Cell, Fixture, Person};
use serde::Deserialize;

use crate::table::{cell, json};

/// The trait that a row of the mapping takes into a field.
const TRAIT: &str = "value";

/// How a plugin's own code maps.
type Map = fn(&Fixture) -> Mapped;

/// The destinations, their manifests, and their code.
const DESTINATIONS: [(&str, &str, Map); 7] = [
    ("braze", include_str!("../../../plugins/braze/plugin.toml"), Fixture::map::<enroute_plugin_braze::Braze>),
    (
        "facebook",
        include_str!("../../../plugins/facebook/plugin.toml"),
        Fixture::map::<enroute_plugin_facebook::Facebook>,
    ),
    ("google", include_str!("../../../plugins/google/plugin.toml"), Fixture::map::<enroute_plugin_google::Google>),
    (
        "iterable",
        include_str!("../../../plugins/iterable/plugin.toml"),
        Fixture::map::<enroute_plugin_iterable::Iterable>,
    ),
    (
        "salesforce",
        include_str!("../../../plugins/salesforce/plugin.toml"),
        Fixture::map::<enroute_plugin_salesforce::Salesforce>,
    ),
    (
        "sendgrid",
        include_str!("../../../plugins/sendgrid/plugin.toml"),
        Fixture::map::<enroute_plugin_sendgrid::SendGrid>,
    ),
    ("zendesk", include_str!("../../../plugins/zendesk/plugin.toml"), Fixture::map::<enroute_plugin_zendesk::Zendesk>),
];

/// A destination as `destinations.toml` sets it up.
#[derive(Debug, Deserialize)]
struct SetUp {
    #[serde(default)]
    settings: toml::Table,
    /// Who the member is, unless a place says otherwise.
    #[serde(default)]
    identifiers: toml::Table,
    /// Rows beside that of the value, each a trait and its field, and the values of these traits.
    #[serde(default)]
    rows: Vec<(String, String)>,
    #[serde(default)]
    traits: toml::Table,
    remote: Option<String>,
    /// By kind of value.
    #[serde(flatten)]
    places: BTreeMap<String, Vec<Spot>>,
}

/// One place that takes a value of a kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spot {
    /// The field of a row …
    field: Option<String>,
    /// … or of an identifier, which has the value where both are given.
    identifier: Option<String>,
    /// On top of those of the destination.
    #[serde(default)]
    settings: toml::Table,
    /// Instead of those of the destination.
    identifiers: Option<toml::Table>,
    remote: Option<String>,
    /// Where the value stands in the body of the first request: a JSON pointer.
    at: String,
    /// How a reading is written here.
    #[serde(default)]
    form: Form,
    /// The code that tells of a value that cannot be used.
    unusable: String,
    /// The code that tells of a value that came as a JSON number, where one does.
    number: Option<String>,
    /// What becomes of a phone number that names no country.
    without_country: Option<WithoutCountry>,
    /// The setting that takes a hint of a row, by the name of the hint.
    #[serde(default)]
    hints: BTreeMap<String, String>,
}

/// How a reading is written at a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// As it is.
    #[default]
    Plain,
    /// Its SHA-256.
    Sha256,
    /// The SHA-256 of its digits from the first that is not 0: a phone number without the plus.
    Sha256OfDigits,
    /// The SHA-256 of a plus and its digits.
    Sha256WithPlus,
    /// The SHA-256 of it in lower case.
    Sha256OfLower,
    /// Of a moment, its day.
    Day,
    /// The same, where the day is one of the past.
    Birthday,
    /// Its day as `MM/DD/YYYY`.
    AmericanDay,
    /// The SHA-256 of its year.
    Year,
    /// The SHA-256 of its month.
    Month,
    /// The SHA-256 of its day of the month.
    DayOfMonth,
    /// With a blank before the time and before the offset, which is `+00:00`.
    Spaced,
    /// With thousandths and an offset; a day is its first moment.
    Thousandths,
}

/// What becomes of a phone number that names no country.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithoutCountry {
    /// Whether it goes as it was written, and not as digits.
    #[serde(default)]
    pub(crate) as_written: bool,
    /// Whether it goes at all.
    #[serde(default = "yes")]
    pub(crate) sent: bool,
    pub(crate) code: String,
}

const fn yes() -> bool {
    true
}

/// A place, ready to map values.
pub(crate) struct Place {
    pub(crate) destination: &'static str,
    pub(crate) form: Form,
    pub(crate) unusable: String,
    pub(crate) number: Option<String>,
    pub(crate) without_country: Option<WithoutCountry>,
    hints: BTreeMap<String, String>,
    field: Option<String>,
    identifier: Option<String>,
    identifiers: toml::Table,
    traits: toml::Table,
    at: String,
    fixture: Fixture,
    map: Map,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.identifier.as_ref().or(self.field.as_ref()).map_or("", String::as_str);
        let what = if self.identifier.is_some() { "identifier" } else { "field" };
        write!(f, "{} ({what} {name})", self.destination)
    }
}

/// Every place that takes values of a kind, at least one at each of the destinations.
pub(crate) fn places(kind: &str) -> Vec<Place> {
    let mut all: BTreeMap<String, SetUp> =
        toml::from_str(include_str!("../destinations.toml")).expect("destinations.toml is sound");
    let mut places = Vec::new();
    for (destination, manifest, map) in DESTINATIONS {
        let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
        let mut set_up = all.remove(destination).expect("every destination is set up");
        let spots = set_up.places.remove(kind).unwrap_or_default();
        places.extend(spots.into_iter().map(|spot| Place::new(destination, &manifest, map, &set_up, spot)));
    }
    places
}

impl Place {
    fn new(destination: &'static str, manifest: &toml::Table, map: Map, set_up: &SetUp, spot: Spot) -> Self {
        let mut fixture = Fixture::declared(manifest);
        for (name, value) in set_up.settings.iter().chain(&spot.settings) {
            fixture = fixture.setting(name, json(value));
        }
        for (from, field) in &set_up.rows {
            fixture = fixture.row(from, field);
        }
        if let Some(field) = &spot.field {
            fixture = fixture.row(TRAIT, field);
        }
        if let Some(identifier) = &spot.identifier {
            fixture = fixture.identifier_field(identifier);
        }
        if let Some(remote) = spot.remote.as_ref().or(set_up.remote.as_ref()) {
            fixture = fixture.remote(serde_json::from_str::<serde_json::Value>(remote).expect("`remote` is JSON"));
        }
        Self {
            destination,
            form: spot.form,
            unusable: spot.unusable,
            number: spot.number,
            without_country: spot.without_country,
            hints: spot.hints,
            field: spot.field,
            identifier: spot.identifier,
            identifiers: spot.identifiers.unwrap_or_else(|| set_up.identifiers.clone()),
            traits: set_up.traits.clone(),
            at: spot.at,
            fixture,
            map,
        }
    }

    /// Whether a setting of this place takes one of the hints.
    pub(crate) fn takes(&self, hints: &toml::Table) -> bool {
        hints.keys().any(|hint| self.hints.contains_key(hint))
    }

    /// What `map` makes of a value: the text that would be sent, and the codes of what is told of it. Numbers and
    /// everything else that is no text are shown as JSON.
    pub(crate) fn seen(&self, given: &toml::Value, hints: &toml::Table) -> Seen {
        let mut fixture = self.fixture.clone();
        for (hint, value) in hints {
            if let Some(setting) = self.hints.get(hint) {
                fixture = fixture.setting(setting, json(value));
            }
        }
        let mut person = Person::added("u1");
        for (field, value) in &self.identifiers {
            person = person.identifier(field, cell(value));
        }
        for (name, value) in &self.traits {
            person = person.value(name, cell(value));
        }
        let given: Cell = cell(given);
        person = match &self.identifier {
            Some(field) => person.identifier(field, given),
            None => person.value(TRAIT, given),
        };
        self.found((self.map)(&fixture.member(person)))
    }

    fn found(&self, mapped: Mapped) -> Seen {
        let body = mapped.deliveries.first().and_then(|delivery| delivery.requests.first());
        let body = body.map(|prepared| serde_json::from_slice::<serde_json::Value>(&prepared.request.body));
        let body = body.map(|body| body.unwrap_or_else(|error| panic!("{self}: the body is no JSON: {error}")));
        let sent = body.as_ref().and_then(|body| body.pointer(&self.at)).map(|value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let rejected = mapped.rejections.into_iter().map(|rejection| rejection.code);
        let warned = mapped.warnings.into_iter().map(|warning| warning.code);
        // An empty cell is what Facebook gets where there is nothing to send.
        Seen::new(sent.filter(|text| !text.is_empty()), rejected.chain(warned))
    }
}

/// What became of a value at a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    sent: Option<String>,
    /// In the order of their names.
    codes: Vec<String>,
}

impl Seen {
    pub(crate) fn new(sent: Option<String>, codes: impl IntoIterator<Item = String>) -> Self {
        let mut codes: Vec<String> = codes.into_iter().collect();
        codes.sort_unstable();
        Self { sent, codes }
    }
}

impl Form {
    /// A reading as it is sent.
    pub(crate) fn of(self, reading: &str) -> String {
        let part = |range| reading.get(range).unwrap_or_default();
        let digits = || reading.chars().filter(char::is_ascii_digit).collect::<String>();
        match self {
            Self::Plain => reading.to_owned(),
            Self::Sha256 => hash::sha256_hex(reading),
            Self::Sha256OfDigits => hash::sha256_hex(digits().trim_start_matches('0')),
            Self::Sha256WithPlus => hash::sha256_hex(&format!("+{}", digits())),
            Self::Sha256OfLower => hash::sha256_hex(&reading.to_lowercase()),
            Self::Day | Self::Birthday => part(0..10).to_owned(),
            Self::AmericanDay => format!("{}/{}/{}", part(5..7), part(8..10), part(0..4)),
            Self::Year => hash::sha256_hex(part(0..4)),
            Self::Month => hash::sha256_hex(part(5..7)),
            Self::DayOfMonth => hash::sha256_hex(part(8..10)),
            Self::Spaced => reading.replace('T', " ").replace('Z', " +00:00"),
            Self::Thousandths if reading.len() == 10 => format!("{reading}T00:00:00.000Z"),
            Self::Thousandths => {
                let offset = reading.get(19..).filter(|offset| !offset.is_empty()).unwrap_or("Z");
                format!("{}.000{offset}", part(0..19))
            }
        }
    }
}
