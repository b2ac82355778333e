//! What `map` of each plugin costs in units of fuel, about one an instruction of WebAssembly: the same on every machine,
//! however busy it is, so that a plugin that gets slower is found by a test and not by a clock.
//!
//! Fuel is counted by an engine of this test alone; what a host runs carries no such counter. `tests/run` builds the
//! plugins.

use std::path::{Path, PathBuf};

use enroute_core::batch::{Batch, Change};
use enroute_core::cells::Value;
use enroute_core::manifest::{Manifest, resolve_settings};
use wasmtime::component::Component;
use wasmtime::{Engine, OptLevel, Store};

use crate::bindings::PluginPre;
use crate::convert;
use crate::engine::linker;
use crate::limits::Limits;
use crate::settings::config;
use crate::state::{State, World};
use crate::types::Connection;

/// How far a plugin may be from what is recorded, in percent, either way: one that got cheaper is recorded anew, or it
/// could get dearer again unseen.
const TOLERANCE_PERCENT: u64 = 10;
/// Members in the two calls: the difference is free of what a call costs that is about nobody.
const FEW: u32 = 200;
const MANY: u32 = 1_200;

/// A plugin with what it is given.
struct Case {
    id: &'static str,
    settings: &'static [(&'static str, &'static str)],
    /// Identifier fields; the profile's id goes into the first.
    identifiers: &'static [&'static str],
    /// Trait, field and value.
    rows: &'static [(&'static str, &'static str, &'static str)],
    /// Units a member.
    recorded: u64,
    /// The most memory of the larger call, in KiB.
    recorded_kib: u64,
}

const CASES: [Case; 7] = [
    Case {
        id: "braze",
        settings: &[("endpoint", "\"https://rest.fra-01.braze.eu\"")],
        identifiers: &["external_id"],
        rows: &[
            ("email", "email", "person@example.com"),
            ("firstName", "first_name", "Maria"),
            ("phone", "phone", "+351912345678"),
            ("birthday", "dob", "1988-02-14"),
            ("city", "home_city", "Porto"),
            ("plan", "plan", "gold"),
        ],
        recorded: 11_587,
        recorded_kib: 1_792,
    },
    Case {
        id: "facebook",
        settings: &[("audience_id", "\"1\"")],
        identifiers: &["EXTERN_ID"],
        rows: &[
            ("email", "EMAIL", "person@example.com"),
            ("phone", "PHONE", "+1 (650) 555-1212"),
            ("firstName", "FN", "Mary"),
            ("lastName", "LN", "O'Neill-Smith"),
            ("address.city", "CT", "San Francisco"),
            ("address.country", "COUNTRY", "US"),
        ],
        recorded: 34_558,
        recorded_kib: 1_920,
    },
    Case {
        id: "google",
        settings: &[
            ("customer_id", "\"7693729833\""),
            ("client_id", "\"client\""),
            ("extended_identifiers", "true"),
            ("ad_user_data_consent", "\"granted\""),
            ("ad_personalization_consent", "\"granted\""),
            ("accept_customer_match_terms", "true"),
        ],
        identifiers: &["emailAddress", "phoneNumber", "givenName", "familyName", "regionCode", "postalCode"],
        rows: &[
            ("email", "emailAddress", "person@example.com"),
            ("phone", "phoneNumber", "+16505551212"),
            ("firstName", "givenName", "Mary"),
            ("lastName", "familyName", "Smith"),
            ("address.country", "regionCode", "US"),
            ("address.postalCode", "postalCode", "94025"),
        ],
        recorded: 79_248,
        recorded_kib: 4_096,
    },
    Case {
        id: "iterable",
        settings: &[("project_type", "\"hybrid\""), ("data_center", "\"us\"")],
        identifiers: &["userId", "email"],
        rows: &[
            ("email", "email", "person@example.com"),
            ("firstName", "firstName", "Maria"),
            ("phone", "phoneNumber", "+351912345678"),
            ("address.city", "city", "Porto"),
            ("plan", "plan", "gold"),
        ],
        recorded: 21_117,
        recorded_kib: 1_792,
    },
    Case {
        id: "salesforce",
        settings: &[
            ("instance_url", "\"https://example.my.salesforce.com\""),
            ("client_id", "\"key\""),
            ("object", "\"Lead\""),
        ],
        identifiers: &["external_id"],
        rows: &[
            ("lastName", "LastName", "Silva"),
            ("company", "Company", "Silva Lda"),
            ("email", "Email", "person@example.com"),
            ("address.city", "City", "Porto"),
        ],
        recorded: 8_101,
        recorded_kib: 1_600,
    },
    Case {
        id: "sendgrid",
        settings: &[],
        identifiers: &["external_id", "email"],
        rows: &[
            ("email", "email", "person@example.com"),
            ("firstName", "first_name", "Maria"),
            ("lastName", "last_name", "Silva"),
            ("address.city", "city", "Porto"),
            ("address.country", "country", "Portugal"),
        ],
        recorded: 9_213,
        recorded_kib: 1_792,
    },
    Case {
        id: "zendesk",
        settings: &[("subdomain", "\"example\""), ("email", "\"agent@example.com\"")],
        identifiers: &["external_id", "email"],
        rows: &[
            ("firstName", "first_name", "Maria"),
            ("lastName", "last_name", "Silva"),
            ("email", "email", "person@example.com"),
            ("phone", "phone", "+351912345678"),
        ],
        recorded: 13_528,
        recorded_kib: 1_664,
    },
];

/// What one call cost.
struct Cost {
    fuel: u64,
    kib: u64,
}

#[tokio::test]
async fn a_member_costs_each_plugin_the_fuel_that_is_recorded() {
    let mut wrong = Vec::new();
    for case in &CASES {
        let metered = Metered::new(case);
        let (few, many) = (metered.map(case, FEW).await, metered.map(case, MANY).await);
        let fuel = (many.fuel - few.fuel) / u64::from(MANY - FEW);
        for (what, found, recorded) in
            [("units of fuel a member", fuel, case.recorded), ("KiB of memory", many.kib, case.recorded_kib)]
        {
            if found.abs_diff(recorded) * 100 > recorded * TOLERANCE_PERCENT {
                wrong.push(format!("{}: {found} {what}, recorded are {recorded}", case.id));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "more than {TOLERANCE_PERCENT} % away; where that is meant, record the new figure here:\n{}",
        wrong.join("\n")
    );
}

/// A plugin in an engine that counts.
struct Metered {
    engine: Engine,
    pre: PluginPre<State>,
    manifest: Manifest,
}

impl Metered {
    fn new(case: &Case) -> Self {
        let mut config = config(&Limits::default(), false);
        // Fuel is that of the component, however well it is compiled.
        config.consume_fuel(true).cranelift_opt_level(OptLevel::None);
        let engine = Engine::new(&config).unwrap();
        let file = root().join("target/plugins").join(format!("{}.wasm", case.id));
        let wasm = std::fs::read(&file)
            .unwrap_or_else(|error| panic!("{}: {error}: run tests/run, which builds the plugins", file.display()));
        let component = Component::from_binary(&engine, &wasm).unwrap();
        let pre = PluginPre::new(linker(&engine).unwrap().instantiate_pre(&component).unwrap()).unwrap();
        let manifest = root().join("plugins").join(case.id).join("plugin.toml");
        let manifest = Manifest::parse_toml(&std::fs::read_to_string(manifest).unwrap()).unwrap();
        Self { engine, pre, manifest }
    }

    async fn map(&self, case: &Case, members: u32) -> Cost {
        let (connection, batch) = (connection(case, &self.manifest), batch(case, members));
        let (connection, batch) = (convert::connection(&connection), convert::batch(&batch));
        let limits = Limits::default();
        let mut store = Store::new(&self.engine, State::new(limits, None, World::default()));
        store.limiter(|state| &mut state.meter);
        store.set_epoch_deadline(u64::MAX / 2);
        store.set_hostcall_fuel(limits.output_bytes);
        store.set_fuel(u64::MAX).unwrap();
        let guest = self.pre.instantiate_async(&mut store).await.unwrap();
        let mapped = guest.enroute_destination_destination().call_map(&mut store, &connection, &batch).await.unwrap();
        assert!(!mapped.deliveries.is_empty(), "{}: {:?}", case.id, mapped.rejections.first());
        assert!(mapped.rejections.is_empty(), "{}: {:?}", case.id, mapped.rejections.first());
        let fuel = u64::MAX - store.get_fuel().unwrap();
        Cost { fuel, kib: store.data().meter.memory_bytes as u64 >> 10 }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn connection(case: &Case, manifest: &Manifest) -> Connection {
    let given = case.settings.iter().map(|(name, value)| ((*name).to_owned(), serde_json::from_str(value).unwrap()));
    let settings = resolve_settings(manifest, &given.collect()).unwrap();
    let limit =
        |operation: &enroute_core::manifest::Operation| (operation.name.clone(), operation.members, operation.bytes);
    Connection {
        audience_key: "gold".to_owned(),
        audience_name: "Gold".to_owned(),
        settings: serde_json::Value::Object(settings).to_string(),
        rows: case.rows.iter().map(|(from, field, _)| ((*from).to_owned(), (*field).to_owned())).collect(),
        identifier_fields: case.identifiers.iter().map(|field| (*field).to_owned()).collect(),
        limits: manifest.operations.iter().map(limit).collect(),
        today: "2026-11-23".to_owned(),
        ..Connection::default()
    }
}

/// Members who differ in their id and address, and in nothing else.
fn batch(case: &Case, members: u32) -> Batch {
    let width = |count: usize| u32::try_from(count).unwrap();
    let mut batch = Batch::new(width(case.identifiers.len()), width(case.rows.len()), members as usize);
    for number in 0..members {
        let (id, address) = (format!("u{number:06}"), format!("person{number:06}@example.com"));
        batch.profiles.push(number);
        batch.changes.push(Change::Added);
        let own = |field: &str, value: &'static str| match (field, value) {
            (_, "person@example.com") => address.clone(),
            _ => value.to_owned(),
        };
        for (at, field) in case.identifiers.iter().enumerate() {
            let row = case.rows.iter().find(|(_, to, _)| to == field);
            match row {
                Some((_, to, value)) => batch.identifiers.push(Value::Text(&own(to, value))),
                None if at == 0 => batch.identifiers.push(Value::Text(&id)),
                None => batch.identifiers.push(Value::Absent),
            }
        }
        case.rows.iter().for_each(|(_, to, value)| batch.values.push(Value::Text(&own(to, value))));
    }
    batch
}
