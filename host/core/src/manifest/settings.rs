//! Settings as operators write them, checked against a manifest's declarations.

use serde_json::{Map, Value};

use super::{Manifest, Setting, SettingType};
use crate::suggest::nearest;

/// A setting that does not fit its declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// Name of the setting, as written or as missing.
    pub setting: String,
    /// Whether it is missing, so that there is no place in the file to point at.
    pub missing: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Checks settings against the manifest and fills in defaults. Every problem is reported.
///
/// # Errors
/// All problems: unknown names, missing required ones, wrong types, values that are no choice or out of range.
pub fn resolve_settings(
    manifest: &Manifest,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<SettingProblem>> {
    let mut problems = Vec::new();
    let mut resolved = Map::new();
    for name in given.keys() {
        if !manifest.settings.iter().any(|setting| setting.name == *name) {
            problems.push(unknown(manifest, name));
        }
    }
    for setting in &manifest.settings {
        match (given.get(&setting.name), &setting.default) {
            (Some(value), _) => match fits(setting, value) {
                Ok(()) => {
                    resolved.insert(setting.name.clone(), value.clone());
                }
                Err(message) => problems.push(SettingProblem {
                    setting: setting.name.clone(),
                    missing: false,
                    message,
                    hint: setting.help.clone(),
                }),
            },
            (None, Some(default)) => {
                resolved.insert(setting.name.clone(), default.clone());
            }
            (None, None) if setting.required => problems.push(SettingProblem {
                setting: setting.name.clone(),
                missing: true,
                message: format!("setting `{}` of plugin `{}` is required", setting.name, manifest.id),
                hint: setting.help.clone(),
            }),
            (None, None) => {}
        }
    }
    if problems.is_empty() { Ok(resolved) } else { Err(problems) }
}

fn unknown(manifest: &Manifest, name: &str) -> SettingProblem {
    let names = manifest.settings.iter().map(|setting| setting.name.as_str());
    let hint = match nearest(name, names.clone()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("it has: {}", names.collect::<Vec<_>>().join(", ")),
    };
    SettingProblem {
        setting: name.to_owned(),
        missing: false,
        message: format!("plugin `{}` has no setting `{name}`", manifest.id),
        hint,
    }
}

fn fits(setting: &Setting, value: &Value) -> Result<(), String> {
    let name = &setting.name;
    let text = || value.as_str().ok_or_else(|| format!("setting `{name}` must be a text in quotes, not {value}"));
    match setting.kind {
        SettingType::Text => {
            text()?;
        }
        SettingType::Digits => {
            let digits = text()?;
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("setting `{name}` must consist of digits, not `{digits}`"));
            }
        }
        SettingType::Origin => origin(name, text()?)?,
        SettingType::Boolean => {
            value.as_bool().ok_or_else(|| format!("setting `{name}` must be true or false, not {value}"))?;
        }
        SettingType::Integer => {
            let number =
                value.as_i64().ok_or_else(|| format!("setting `{name}` must be a whole number, not {value}"))?;
            let (min, max) = (setting.min.unwrap_or(i64::MIN), setting.max.unwrap_or(i64::MAX));
            if !(min..=max).contains(&number) {
                return Err(format!("setting `{name}` must be from {min} to {max}, not {number}"));
            }
        }
    }
    if let Some(text) = value.as_str()
        && !setting.choices.is_empty()
        && !setting.choices.iter().any(|choice| choice == text)
    {
        return Err(format!("setting `{name}` must be one of {}, not `{text}`", setting.choices.join(", ")));
    }
    Ok(())
}

fn origin(name: &str, text: &str) -> Result<(), String> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| format!("setting `{name}` must be like `https://api.example.com`, not `{text}`"))?;
    let host = rest.rsplit_once(':').map_or(rest, |(host, _)| host);
    let local = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    if scheme != "https" && !(scheme == "http" && local) {
        return Err(format!("setting `{name}` must begin with `https://`, not `{scheme}://`"));
    }
    if rest.is_empty() || rest.contains(['/', '?', '#', '@', ' ']) {
        return Err(format!("setting `{name}` must name a host and nothing behind it, not `{text}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let parsed = Manifest::parse_toml(
            r#"
            id = "demo"
            version = "1.0.0"
            contract = "0.1"
            name = "Demo"
            summary = "For tests."
            hosts = ["{endpoint}"]
            [[setting]]
            name = "endpoint"
            type = "origin"
            required = true
            help = "the address"
            [[setting]]
            name = "mode"
            type = "text"
            default = "fast"
            choices = ["fast", "slow"]
            help = "how"
            [[setting]]
            name = "size"
            type = "integer"
            min = 1
            max = 10
            help = "how many"
            [[operation]]
            name = "put"
            members = 1
            bytes = 1
            idempotent = true
            "#,
        );
        parsed.expect("the manifest of this test is sound")
    }

    #[track_caller]
    fn check(given: serde_json::Value, expect: &str) {
        let Value::Object(given) = given else { unreachable!("tests pass objects") };
        let got = match resolve_settings(&manifest(), &given) {
            Ok(settings) => Value::Object(settings).to_string(),
            Err(problems) => problems
                .iter()
                .map(|problem| format!("{} ({})", problem.message, problem.hint))
                .collect::<Vec<_>>()
                .join("\n"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn defaults_are_filled_in() {
        check(
            serde_json::json!({"endpoint": "https://a.example"}),
            r#"{"endpoint":"https://a.example","mode":"fast"}"#,
        );
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        check(
            serde_json::json!({"mdoe": "slow", "mode": "medium", "size": 11}),
            "plugin `demo` has no setting `mdoe` (did you mean `mode`?)\n\
             setting `endpoint` of plugin `demo` is required (the address)\n\
             setting `mode` must be one of fast, slow, not `medium` (how)\n\
             setting `size` must be from 1 to 10, not 11 (how many)",
        );
    }

    #[test]
    fn an_origin_is_https_and_ends_with_the_host() {
        check(
            serde_json::json!({"endpoint": "http://a.example"}),
            "setting `endpoint` must begin with `https://`, not `http://` (the address)",
        );
        check(
            serde_json::json!({"endpoint": "http://localhost.example"}),
            "setting `endpoint` must begin with `https://`, not `http://` (the address)",
        );
        check(
            serde_json::json!({"endpoint": "https://a.example/v1"}),
            "setting `endpoint` must name a host and nothing behind it, not `https://a.example/v1` (the address)",
        );
    }
}
