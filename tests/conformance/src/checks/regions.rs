//! Numbers without a country code: which setting says whose they are, by the manifest and by what is sent.

use enroute_core::manifest::{Field, Setting, SettingType, Takes};
use enroute_host::runtime::PreparedRequest;
use serde_json::Value;

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::{choices, connect, folding};
use crate::findings::Failure;
use crate::kit::Kit;

/// One number, as it is written at home and as from abroad.
const SPELLINGS: [&str; 2] = ["912345678", "+351912345678"];
/// Its country, for settings that take two letters and for those that take a number.
const COUNTRY: &str = "PT";
const COUNTRY_CODE: i64 = 351;

/// Tries every setting that may be the country of numbers, for every number that identifies.
pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    let is_number = |field: &&Field| field.identifier && matches!(field.takes, Takes::Phone | Takes::PhoneE164);
    for field in kit.manifest.fields.iter().filter(is_number) {
        for setting in &kit.manifest.settings {
            compare(kit, benches, field, setting);
        }
    }
}

fn compare(kit: &Kit<'_>, benches: &[Bench], field: &Field, setting: &Setting) {
    let is_named = field.region_settings.iter().flatten().any(|name| *name == setting.name);
    let Some(value) = country(setting, is_named) else { return };
    for base in benches.iter().filter(|bench| bench.text(&field.name, folding::MEMBER).is_some()) {
        let Some((name, connection)) = choices::with(kit, base, setting, &value) else { continue };
        let Ok(chosen) = connect::sound(kit, &name, connection) else { continue };
        let (before, after) = (are_one(kit, base, field), are_one(kit, &chosen, field));
        let [home, abroad] = SPELLINGS;
        let did = format!("{name}: mapped a member whose `{}` is {home:?}, and again as {abroad:?}", field.name);
        kit.findings.expect(Check::RegionsAreTold, if is_named { after } else { before || !after }, || {
            let (expected, got) = match is_named {
                true => ("the same bytes, since `region_settings` names the setting", "other bytes"),
                false => ("`region_settings` of the field names the setting", "the same bytes, and it does not"),
            };
            Failure::new(did, expected, got)
        });
        return;
    }
}

/// A country as a setting takes it; nothing where it can be none.
fn country(setting: &Setting, is_named: bool) -> Option<Value> {
    if setting.required || !setting.choices.is_empty() {
        return None;
    }
    match setting.kind {
        SettingType::Text => Some(Value::from(COUNTRY)),
        SettingType::Digits => Some(Value::from(COUNTRY_CODE.to_string())),
        SettingType::Integer => Some(Value::from(COUNTRY_CODE)),
        SettingType::Boolean if is_named => Some(Value::from(true)),
        SettingType::Boolean | SettingType::Origin => None,
    }
}

/// Whether both spellings are sent, and as the same bytes.
fn are_one(kit: &Kit<'_>, bench: &Bench, field: &Field) -> bool {
    let mapped = |text: &str| folding::mapped(kit, bench, &field.name, text);
    let sent = SPELLINGS.map(|text| mapped(text).filter(|sent: &Vec<PreparedRequest>| !sent.is_empty()));
    matches!(sent, [Some(home), Some(abroad)] if home == abroad)
}
