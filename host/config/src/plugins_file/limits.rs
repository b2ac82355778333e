//! `limits` of a plugin: what one call of it may use, where that is not the default.

use std::collections::BTreeMap;

use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::walker::{Section, Walker, integer};

/// Limits of calls that an operator has set, by key and in the key's unit.
pub type CallLimits = BTreeMap<&'static str, u64>;

/// A limit that can be set, and within which bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimit {
    /// Its key, which ends in its unit.
    pub key: &'static str,
    /// Least value: below it no plugin does anything.
    pub least: u64,
    /// Largest value: what this host can spare for one call, whatever an operator writes.
    pub most: u64,
}

const fn limit(key: &'static str, least: u64, most: u64) -> CallLimit {
    CallLimit { key, least, most }
}

/// Every limit that can be set. Sixteen calls of a connection run at a time, so the most is a sixteenth of what a large
/// machine has, and as long as somebody would wait.
pub const CALL_LIMITS: [CallLimit; 12] = [
    limit("memory_mib", 1, 1_024),
    limit("table_slots", 100, 100_000),
    limit("cpu_validate_ms", 10, 60_000),
    limit("cpu_map_ms", 10, 60_000),
    limit("cpu_send_ms", 10, 60_000),
    limit("wall_ms", 100, 600_000),
    limit("wall_send_ms", 1_000, 600_000),
    limit("host_calls", 10, 100_000_000),
    limit("requests", 1, 100_000),
    limit("output_mib", 1, 256),
    limit("log_lines", 1, 10_000),
    limit("log_kib", 1, 1_024),
];

/// Reads `limits`. What has a mistake in it is reported and left out.
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>, plugin: &str) -> CallLimits {
    let mut limits = CallLimits::new();
    let Some(value) = section.table.get("limits") else { return limits };
    let Some(table) = value.get_ref().as_table() else {
        walker.wrong_type(value, "`limits`", "a table", Some("write `limits = { memory_mib = 128 }`".to_owned()));
        return limits;
    };
    let title = format!("`limits` of plugin `{plugin}`");
    let inner = Section { table, title, place: walker.place(value.span()) };
    walker.unknown_keys(&inner, &CALL_LIMITS.map(|limit| limit.key));
    for CallLimit { key, least, most } in CALL_LIMITS {
        let Some(value) = table.get(key) else { continue };
        let DeValue::Integer(number) = value.get_ref() else {
            walker.wrong_type(value, &format!("`{key}`"), "a whole number", None);
            continue;
        };
        match integer(number).and_then(|number| u64::try_from(number).ok()) {
            Some(number) if (least..=most).contains(&number) => {
                limits.insert(key, number);
            }
            _ => {
                let message = format!("limit `{key}` of plugin `{plugin}` is not between {least} and {most}");
                let hint = "`enroute plugin test` shows what the plugin needs; without the key it has the default";
                let place = walker.place(value.span());
                walker.found.push(Diagnostic::error(Code::BadLimit, message).at(&place).hint(hint));
            }
        }
    }
    limits
}
