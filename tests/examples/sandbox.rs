//! What the sandbox costs on this machine, as ratios within one run: `cargo run -p enroute-tests --example sandbox`.
//!
//! Prints the cost of an instance, of loading a plugin from the cache against compiling it, and of `map` through the
//! contract against the same code native. `tests/run` builds the plugins that it measures.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use enroute_core::batch::{Batch, Change};
use enroute_core::cells::Value;
use enroute_core::manifest::{Manifest, resolve_settings};
use enroute_host::runtime::{Cache, Connection, Limits, Plugin, Runtime};
use enroute_sdk::testing::{Fixture, Person};
use enroute_sdk::{Destination, Mapping};
use serde_json::Map;

type Failure = Box<dyn std::error::Error>;

/// Members in a batch.
const MEMBERS: u32 = 1_000;
/// Rounds of which the fastest counts: the one that the rest of the machine disturbed least.
const ROUNDS: u32 = 40;

/// A plugin with rows that it can map.
struct Case {
    id: &'static str,
    operation: &'static str,
    members_max: u32,
    bytes_max: u32,
    settings: &'static [(&'static str, &'static str)],
    identifiers: &'static [&'static str],
    rows: &'static [(&'static str, &'static str, &'static str)],
}

const BRAZE: Case = Case {
    id: "braze",
    operation: "track",
    members_max: 75,
    bytes_max: 4_000_000,
    settings: &[("endpoint", "https://rest.fra-01.braze.eu")],
    identifiers: &["external_id"],
    rows: &[
        ("email", "email", "person@example.com"),
        ("firstName", "first_name", "Maria"),
        ("lastName", "last_name", "Silva"),
        ("phone", "phone", "+351912345678"),
        ("birthday", "dob", "1988-02-14"),
        ("city", "home_city", "Porto"),
        ("plan", "plan", "gold"),
        ("score", "score", "seventeen"),
        ("store", "store", "Rua das Flores"),
        ("segment", "segment", "returning"),
    ],
};

const FACEBOOK: Case = Case {
    id: "facebook",
    operation: "add",
    members_max: 10_000,
    bytes_max: 5_242_880,
    settings: &[("audience_id", "1")],
    identifiers: &["EMAIL", "PHONE", "MADID", "EXTERN_ID"],
    rows: &[
        ("email", "EMAIL", "jane.doe@example.com"),
        ("phone", "PHONE", "+1 (650) 555-1212"),
        ("firstName", "FN", "Mary"),
        ("lastName", "LN", "O'Neill-Smith"),
        ("gender", "GEN", "Female"),
        ("birthYear", "DOBY", "1990"),
        ("birthMonth", "DOBM", "5"),
        ("birthday", "DOBD", "15"),
        ("address.state", "ST", "California"),
        ("address.city", "CT", "San Francisco"),
        ("address.postalCode", "ZIP", "94025-1234"),
        ("address.country", "COUNTRY", "US"),
        ("firstName", "FI", "Mary"),
    ],
};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    println!("batches of {MEMBERS} members, the fastest of {ROUNDS} rounds, host at the dev profile");
    measure::<enroute_plugin_braze::Braze>(&root, &BRAZE).await?;
    measure::<enroute_plugin_facebook::Facebook>(&root, &FACEBOOK).await
}

async fn measure<D: Destination>(root: &Path, case: &Case) -> Result<(), Failure> {
    let file = root.join("target/plugins").join(format!("{}.wasm", case.id));
    let wasm = std::fs::read(&file).map_err(|error| format!("{}: {error}: run tests/run first", file.display()))?;
    let (plugin, compiled, loaded) = load(case.id, &wasm)?;
    let settings = settings(root, case)?;
    let (connection, batch, fixture) = (connection(case, &settings), batch(case), fixture(case, &settings));

    let empty = Batch::new(batch.identifiers.columns, batch.values.columns, 0);
    let mut instance = Duration::MAX;
    let mut sandboxed = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        plugin.map(&connection, &empty).await?;
        instance = instance.min(start.elapsed());
        let start = Instant::now();
        let (mapped, _) = plugin.map(&connection, &batch).await?;
        sandboxed = sandboxed.min(start.elapsed());
        if mapped.deliveries.is_empty() {
            return Err(format!("{} delivered nobody: {:?}", case.id, mapped.rejections.first()).into());
        }
    }
    let context = fixture.context::<D::Settings>()?;
    let mut native = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        fixture.with_batch(|batch| {
            let mut mapping = Mapping::new();
            D::map(&context, batch, &mut mapping);
            std::hint::black_box(mapping.into_mapped());
        });
        native = native.min(start.elapsed());
    }
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    let per_member = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(MEMBERS);
    println!("{}", case.id);
    println!("  instance, one call and its end: {:.0} µs", instance.as_secs_f64() * 1e6);
    println!(
        "  loading from the cache: {:.2} ms, compiling ÷ loading: {:.0}",
        loaded.as_secs_f64() * 1e3,
        ratio(compiled, loaded)
    );
    println!(
        "  map: {:.2} µs a member in the sandbox, {:.2} native, ratio {:.2}",
        per_member(sandboxed),
        per_member(native),
        ratio(sandboxed, native)
    );
    Ok(())
}

/// Compiles into an empty cache, then loads from it.
fn load(id: &str, wasm: &[u8]) -> Result<(Plugin, Duration, Duration), Failure> {
    let folder = tempfile::tempdir()?;
    let runtime = Runtime::new(Limits::default(), Some(Cache::new(PathBuf::from(folder.path()), [7; 32])))?;
    let start = Instant::now();
    runtime.load(id, wasm)?;
    let compiled = start.elapsed();
    let start = Instant::now();
    let plugin = runtime.load(id, wasm)?;
    Ok((plugin, compiled, start.elapsed()))
}

/// The settings of the case, and the manifest's defaults.
fn settings(root: &Path, case: &Case) -> Result<Map<String, serde_json::Value>, Failure> {
    let manifest =
        Manifest::parse_toml(&std::fs::read_to_string(root.join("plugins").join(case.id).join("plugin.toml"))?)?;
    let given = case.settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    resolve_settings(&manifest, &given).map_err(|problems| format!("{problems:?}").into())
}

fn connection(case: &Case, settings: &Map<String, serde_json::Value>) -> Connection {
    Connection {
        audience_key: "gold".to_owned(),
        audience_name: "Gold".to_owned(),
        settings: serde_json::Value::Object(settings.clone()).to_string(),
        rows: case.rows.iter().map(|(from, field, _)| ((*from).to_owned(), (*field).to_owned())).collect(),
        identifier_fields: case.identifiers.iter().map(|field| (*field).to_owned()).collect(),
        limits: vec![(case.operation.to_owned(), case.members_max, case.bytes_max)],
        today: "2026-11-23".to_owned(),
        ..Connection::default()
    }
}

fn batch(case: &Case) -> Batch {
    let width = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let mut batch = Batch::new(width(case.identifiers.len()), width(case.rows.len()), MEMBERS as usize);
    for number in 0..MEMBERS {
        batch.profiles.push(number);
        batch.changes.push(Change::Added);
        for field in case.identifiers {
            let id = format!("u{number}");
            batch.identifiers.push(if *field == "external_id" { Value::Text(&id) } else { Value::Absent });
        }
        case.rows.iter().for_each(|(_, _, value)| batch.values.push(Value::Text(value)));
    }
    batch
}

fn fixture(case: &Case, settings: &Map<String, serde_json::Value>) -> Fixture {
    let mut fixture = Fixture::new().today("2026-11-23").limit(case.operation, case.members_max, case.bytes_max);
    for (name, value) in settings {
        fixture = fixture.setting(name, value.clone());
    }
    for field in case.identifiers {
        fixture = fixture.identifier_field(field);
    }
    for (from, field, _) in case.rows {
        fixture = fixture.row(from, field);
    }
    for number in 0..MEMBERS {
        let id = format!("u{number}");
        let mut person = Person::added(&id);
        if case.identifiers.contains(&"external_id") {
            person = person.identifier("external_id", id.as_str());
        }
        for (from, _, value) in case.rows {
            person = person.value(from, *value);
        }
        fixture = fixture.member(person);
    }
    fixture
}
