//! A defect behind a setting shows: every choice, every flag, and every limit that a setting lowers, in a quick pass.

use enroute_core::manifest::{Setting, SettingType};
use enroute_host::runtime::Connection;
use serde_json::{Map, Value};

use crate::bench::Bench;
use crate::checks::{connect, deliver, grouping, mapping, removal};
use crate::kit::Kit;

/// Connections that a choice is tried on, until the plugin finds no error in one.
const TRIES_MAX: usize = 6;
/// Members of the crowd.
const SIZES: [usize; 3] = [2, 13, 31];
/// Most members that a limit is lowered to.
const LOWERED: [i64; 2] = [1, 7];

/// Connections with another choice each, in which the plugin finds no error.
pub(crate) fn benches(kit: &Kit<'_>, benches: &[Bench]) -> Vec<Bench> {
    let mut bases: Vec<&Bench> = benches.iter().collect();
    bases.sort_by_key(|bench| std::cmp::Reverse(bench.connection.rows.len()));
    let mut found = Vec::new();
    for setting in &kit.manifest.settings {
        for value in values(kit, setting) {
            let changed = |base: &&Bench| with(kit, base, setting, &value);
            found.extend(
                bases
                    .iter()
                    .filter_map(changed)
                    .take(TRIES_MAX)
                    .find_map(|(name, connection)| connect::sound(kit, &name, connection).ok()),
            );
        }
    }
    found
}

/// The quick pass on connections with another choice each.
pub(crate) fn check(kit: &Kit<'_>, chosen: &[Bench]) {
    mapping::each(kit, chosen);
    removal::check(kit, chosen);
    deliver::quick(kit, chosen);
    for bench in chosen {
        grouping::crowds(kit, bench, &SIZES);
    }
}

/// A connection with this value, unless it has it already.
pub(super) fn with(kit: &Kit<'_>, base: &Bench, setting: &Setting, value: &Value) -> Option<(String, Connection)> {
    let mut settings: Map<String, Value> = serde_json::from_str(&base.connection.settings).ok()?;
    if settings.insert(setting.name.clone(), value.clone()).as_ref() == Some(value) {
        return None;
    }
    let limits = enroute_host::sync::limits(kit.manifest, &settings);
    let connection = Connection { settings: Value::Object(settings).to_string(), limits, ..base.connection.clone() };
    Some((format!("{}, `{}` = {value}", base.name, setting.name), connection))
}

fn values(kit: &Kit<'_>, setting: &Setting) -> Vec<Value> {
    if !setting.choices.is_empty() {
        return setting.choices.iter().map(|choice| Value::from(choice.as_str())).collect();
    }
    let lowers = |of: fn(&enroute_core::manifest::Operation) -> &Option<String>| {
        kit.manifest.operations.iter().any(|operation| of(operation).as_deref() == Some(setting.name.as_str()))
    };
    let least = setting.min.unwrap_or(1);
    let most = setting.max.unwrap_or(i64::MAX);
    match setting.kind {
        SettingType::Boolean => vec![Value::from(false), Value::from(true)],
        SettingType::Integer if lowers(|operation| &operation.members_setting) => {
            let mut limits = LOWERED.map(|limit| limit.clamp(least, most)).to_vec();
            limits.dedup();
            limits.into_iter().map(Value::from).collect()
        }
        SettingType::Integer if lowers(|operation| &operation.bytes_setting) => vec![Value::from(least)],
        _ => Vec::new(),
    }
}
