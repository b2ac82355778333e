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
        match (given.get(&setting.name).filter(|value| !is_nothing(setting, value)), &setting.default) {
            (Some(value), _) => match fits(manifest, setting, value) {
                Ok(()) => {
                    resolved.insert(setting.name.clone(), value.clone());
                }
                Err(message) => problems.push(SettingProblem {
                    setting: setting.name.clone(),
                    missing: false,
                    message,
                    hint: match repaired(setting, value) {
                        Some(repair) => format!("{repair} {}", setting.help),
                        None => setting.help.clone(),
                    },
                }),
            },
            (None, Some(default)) => {
                resolved.insert(setting.name.clone(), default.clone());
            }
            (None, None) if setting.required => problems.push(SettingProblem {
                setting: setting.name.clone(),
                missing: true,
                message: required(manifest, setting),
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

/// Whether an empty text leaves a free text out, which the plugin may yet find that it needs.
fn is_nothing(setting: &Setting, value: &Value) -> bool {
    let is_free = setting.kind == SettingType::Text && setting.choices.is_empty() && setting.default.is_none();
    is_free && !setting.required && value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn required(manifest: &Manifest, setting: &Setting) -> String {
    format!("setting `{}` of plugin `{}` is required", setting.name, manifest.id)
}

fn fits(manifest: &Manifest, setting: &Setting, value: &Value) -> Result<(), String> {
    let name = &setting.name;
    if value.as_str().is_some_and(|text| text.trim().is_empty()) {
        // An empty text is no malformed one: nothing was given.
        if setting.required {
            return Err(required(manifest, setting));
        }
        if setting.kind != SettingType::Text || !setting.choices.is_empty() {
            return Err(format!("setting `{name}` is empty"));
        }
    }
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

/// What to write instead, where what was meant is beyond doubt.
fn repaired(setting: &Setting, value: &Value) -> Option<String> {
    let text = value.as_str()?;
    if text.trim().is_empty() {
        return (!setting.required).then(|| "Leave it out, or fill it.".to_owned());
    }
    if !setting.choices.is_empty() {
        let near = nearest(text.trim(), setting.choices.iter().map(String::as_str))?;
        return Some(format!("Did you mean `{near}`?"));
    }
    let repair = match setting.kind {
        SettingType::Origin => as_origin(text)?,
        SettingType::Digits => {
            let digits: String = text.chars().filter(|c| !c.is_whitespace() && !"+-.()".contains(*c)).collect();
            digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits).filter(|digits| !digits.is_empty())?
        }
        SettingType::Boolean => {
            return matches!(text, "true" | "false").then(|| format!("Write {text}, without quotes."));
        }
        SettingType::Integer => {
            return text.trim().parse::<i64>().is_ok().then(|| format!("Write {}, without quotes.", text.trim()));
        }
        SettingType::Text => return None,
    };
    Some(format!("Write `{repair}`."))
}

/// The origin of an address that has no scheme, another one, or something behind its host.
fn as_origin(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest).to_ascii_lowercase();
    let is_host = host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'));
    let made = format!("https://{host}");
    (is_host && origin("", &made).is_ok()).then_some(made)
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
            "setting `endpoint` must begin with `https://`, not `http://` (Write `https://a.example`. the address)",
        );
        check(
            serde_json::json!({"endpoint": "http://localhost.example"}),
            "setting `endpoint` must begin with `https://`, not `http://` (Write `https://localhost.example`. the address)",
        );
        check(
            serde_json::json!({"endpoint": "https://a.example/v1"}),
            "setting `endpoint` must name a host and nothing behind it, not `https://a.example/v1` \
             (Write `https://a.example`. the address)",
        );
        check(
            serde_json::json!({"endpoint": "A.example/"}),
            "setting `endpoint` must be like `https://api.example.com`, not `A.example/` \
             (Write `https://a.example`. the address)",
        );
        check(
            serde_json::json!({"endpoint": "not a host"}),
            "setting `endpoint` must be like `https://api.example.com`, not `not a host` (the address)",
        );
    }

    #[test]
    fn an_empty_text_is_one_that_was_not_given() {
        for empty in ["", " ", "\t"] {
            check(
                serde_json::json!({"endpoint": empty}),
                "setting `endpoint` of plugin `demo` is required (the address)",
            );
        }
        check(
            serde_json::json!({"endpoint": "https://a.example", "mode": ""}),
            "setting `mode` is empty (Leave it out, or fill it. how)",
        );
        let mut free = manifest();
        free.settings[1] = Setting { choices: Vec::new(), default: None, ..free.settings[1].clone() };
        let given = serde_json::json!({"endpoint": "https://a.example", "mode": ""});
        let resolved = resolve_settings(&free, given.as_object().unwrap()).unwrap();
        assert_eq!(Value::Object(resolved).to_string(), r#"{"endpoint":"https://a.example"}"#);
    }

    #[test]
    fn what_was_meant_is_shown_where_it_is_beyond_doubt() {
        let mut digits = manifest();
        digits.settings[2].kind = SettingType::Digits;
        let told = |text: &str| {
            let given = serde_json::json!({"endpoint": "https://a.example", "size": text});
            resolve_settings(&digits, given.as_object().unwrap()).unwrap_err()[0].hint.clone()
        };
        assert_eq!(told("+49"), "Write `49`. how many");
        assert_eq!(told("123-456-7890"), "Write `1234567890`. how many");
        assert_eq!(told("act_123"), "how many");
        check(
            serde_json::json!({"endpoint": "https://a.example", "mode": "FAST", "size": "7"}),
            "setting `mode` must be one of fast, slow, not `FAST` (Did you mean `fast`? how)\n\
             setting `size` must be a whole number, not \"7\" (Write 7, without quotes. how many)",
        );
    }
}
