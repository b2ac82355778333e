//! Made-up people, the same on every machine, and what changes about six of them.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

/// Enters the audience on the second day.
const ENTERS: u32 = 1;
/// Enters it too, without a name or an address, and with an id that is too long for some.
const ENTERS_UNUSABLE: u32 = 3;
/// Leaves it.
const LEAVES: u32 = 2;
/// Has another lifetime value.
const MAPPED: u32 = 4;
/// Has other notes, which no mapping names.
const UNMAPPED: u32 = 6;
/// Becomes unusable.
const BECOMES_UNUSABLE: u32 = 8;
/// The id of the one who becomes unusable.
pub(super) const UNUSABLE: &str = "u-0008";

/// Before or after the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    First,
    Second,
}

/// Writes `profiles.ndjson`: every second person is a gold customer.
pub(super) fn write(folder: &Path, profiles: u32, day: Day) -> anyhow::Result<()> {
    let path = folder.join("profiles.ndjson");
    let mut file = BufWriter::new(File::create(&path).context("profiles.ndjson cannot be written")?);
    for number in 1..=profiles.max(10) {
        writeln!(file, "{}", person(number, day)).context("profiles.ndjson cannot be written")?;
    }
    file.flush().context("profiles.ndjson cannot be written")
}

/// Objects that Braze keeps as nested attributes; three long ones are more than it takes of one person.
const DIARIES: [&str; 3] = ["visits", "orders", "wishes"];

fn diary(entries: u32) -> Value {
    (0..entries).map(|entry| (format!("day{entry}"), json!("walked by the sea, ".repeat(12)))).collect()
}

/// The traits of a made-up person, a gold customer or not.
pub(super) fn traits(number: u32, is_gold: bool) -> Value {
    let mut traits = person(number, Day::First).get_mut("traits").map(Value::take).unwrap_or_default();
    if let Some(traits) = traits.as_object_mut() {
        traits.insert("plan".into(), json!(if is_gold { "gold" } else { "silver" }));
    }
    traits
}

fn person(number: u32, day: Day) -> Value {
    const FIRST: [&str; 8] = ["Ana", "Björn", "Chiara", "Dmitri", "Eun-ji", "Fátima", "Gareth", "Hélène"];
    const LAST: [&str; 5] = ["Silva", "Andersson", "Rossi", "O'Neil", "Müller"];
    const LAND: [&str; 4] = ["Portugal", "SE", "it", "United Kingdom"];
    let pick = |list: &[&'static str]| list.iter().cycle().nth(number as usize).copied().unwrap_or_default();
    let gold = number.is_multiple_of(2);
    let mut person = json!({
        "id": if number == ENTERS_UNUSABLE { format!("u-{number:060}") } else { format!("u-{number:04}") },
        "traits": {
            "email": format!("person{number}@example.com"),
            "firstName": pick(&FIRST),
            "lastName": pick(&LAST),
            "company": format!("{} Lda", pick(&LAST)),
            "plan": if gold { "gold" } else { "silver" },
            "lifetime_value": 101 + number,
            "visits": diary(1),
            "orders": diary(1),
            "wishes": diary(1),
            "notes": "first day",
            "address": { "country": pick(&LAND) },
        },
    });
    if day == Day::Second
        && let Some(traits) = person.get_mut("traits").and_then(Value::as_object_mut)
    {
        match number {
            ENTERS => drop(traits.insert("plan".into(), json!("gold"))),
            ENTERS_UNUSABLE => {
                traits.insert("plan".into(), json!("gold"));
                for name in ["email", "firstName", "lastName", "company"] {
                    traits.remove(name);
                }
            }
            LEAVES => drop(traits.insert("plan".into(), json!("silver"))),
            MAPPED => drop(traits.insert("lifetime_value".into(), json!(900.5))),
            UNMAPPED => drop(traits.insert("notes".into(), json!("second day"))),
            BECOMES_UNUSABLE => {
                traits.insert("email".into(), json!("lost"));
                traits.insert("company".into(), json!("x".repeat(300)));
                for name in DIARIES {
                    traits.insert(name.into(), diary(180));
                }
            }
            _ => {}
        }
    }
    person
}
