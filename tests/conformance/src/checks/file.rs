//! The file and its manifest: what is known before anything runs.

use enroute_core::manifest::{Manifest, ManifestError, Setting, SettingType, resolve_settings};
use enroute_host::catalog::{ComponentError, Inspection};
use enroute_host::runtime::LoadError;
use serde_json::{Map, Value};

use crate::bench;
use crate::catalogue::Check;
use crate::findings::{Failure, Findings};

/// Reads the file. None where it is no plugin, which was noted.
pub(crate) fn read(findings: &Findings, bytes: &[u8]) -> Option<Inspection> {
    const DID: &str = "read the file, without running it";
    match Inspection::read(bytes) {
        Ok(inspection) => {
            for check in [
                Check::FileIsAComponent,
                Check::ExportsAreComplete,
                Check::ImportsAreOffered,
                Check::ContractIsKnown,
                Check::ManifestIsReadable,
                Check::ManifestAgrees,
            ] {
                findings.held(check);
            }
            Some(inspection)
        }
        Err(error) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            let check = broken(&error);
            findings.fail(check, Failure::new(DID, check.says(), format!("{error}{source}")));
            None
        }
    }
}

fn broken(error: &ComponentError) -> Check {
    match error {
        ComponentError::OtherContract { .. } => Check::ContractIsKnown,
        ComponentError::ForeignImports(_) => Check::ImportsAreOffered,
        ComponentError::MissingExport => Check::ExportsAreComplete,
        ComponentError::Manifest(ManifestError::Inconsistent(_)) => Check::ManifestAgrees,
        ComponentError::NoManifest
        | ComponentError::SeveralManifests(_)
        | ComponentError::ManifestTooLarge(_)
        | ComponentError::Manifest(ManifestError::Unreadable(_) | ManifestError::Words(_)) => Check::ManifestIsReadable,
        ComponentError::Empty
        | ComponentError::TooLarge { .. }
        | ComponentError::CoreModule
        | ComponentError::NotWasm(_)
        | ComponentError::Damaged { .. }
        | ComponentError::TooManyNames => Check::FileIsAComponent,
    }
}

/// Notes why the sandbox does not take a component.
pub(crate) fn not_loaded(findings: &Findings, error: &LoadError) {
    let check = match error {
        LoadError::Contract { .. } => Check::ExportsAreComplete,
        _ => Check::FileIsAComponent,
    };
    findings.fail(check, Failure::new("compiled the component", check.says(), error.to_string()));
}

/// Defaults against their own declarations, and every way in which a setting is refused.
pub(crate) fn settings(findings: &Findings, manifest: &Manifest) {
    let sound: Map<String, Value> = manifest
        .settings
        .iter()
        .filter(|setting| setting.required && setting.default.is_none())
        .map(|setting| (setting.name.clone(), bench::example(manifest, setting)))
        .collect();
    for setting in &manifest.settings {
        if let Some(default) = &setting.default {
            let did = format!("gave setting `{}` its own default, {default}", setting.name);
            let problems = refused(manifest, &sound, &setting.name, Some(default.clone()));
            findings.expect(Check::ManifestAgrees, problems.is_empty(), || {
                Failure::new(did, "a default that fits the setting's type and choices", problems.join("; "))
            });
        }
        for (what, value) in wrong(setting) {
            let problems = refused(manifest, &sound, &setting.name, value);
            let named = problems.iter().any(|problem| problem.contains(&format!("`{}`", setting.name)));
            findings.expect(Check::SettingsAreRefusedByName, named, || {
                let did = format!("gave setting `{}` {what}", setting.name);
                Failure::new(did, "a refusal that names the setting", shown(&problems))
            });
        }
    }
    let problems = refused(manifest, &sound, "kit_unknown_setting", Some(Value::from(1)));
    findings.expect(Check::SettingsAreRefusedByName, problems.iter().any(|text| text.contains("kit_unknown")), || {
        Failure::new("gave a setting that the manifest does not have", "a refusal that names it", shown(&problems))
    });
}

fn shown(problems: &[String]) -> String {
    if problems.is_empty() { "it was taken".to_owned() } else { problems.join("; ") }
}

/// Values that do not fit a setting; `None` is leaving it out.
fn wrong(setting: &Setting) -> Vec<(&'static str, Option<Value>)> {
    let mut values = vec![("a list", Some(Value::Array(Vec::new())))];
    if setting.required && setting.default.is_none() {
        values.push(("nothing", None));
    }
    match setting.kind {
        SettingType::Text | SettingType::Digits | SettingType::Origin => {
            values.push(("a number", Some(Value::from(7))))
        }
        SettingType::Integer | SettingType::Boolean => values.push(("a text", Some(Value::from("seven")))),
    }
    if setting.kind == SettingType::Origin {
        values.push(("an origin without https", Some(Value::from("http://api.example.com"))));
        values.push(("an origin with a path", Some(Value::from("https://api.example.com/v1"))));
    }
    if !setting.choices.is_empty() {
        values.push(("a text that is no choice", Some(Value::from("kit-no-such-choice"))));
    }
    if let Some(below) = setting.min.and_then(|min| min.checked_sub(1)) {
        values.push(("a number below its least", Some(Value::from(below))));
    }
    if let Some(above) = setting.max.and_then(|max| max.checked_add(1)) {
        values.push(("a number above its most", Some(Value::from(above))));
    }
    values
}

fn refused(manifest: &Manifest, sound: &Map<String, Value>, name: &str, value: Option<Value>) -> Vec<String> {
    let mut given = sound.clone();
    match value {
        Some(value) => given.insert(name.to_owned(), value),
        None => given.remove(name),
    };
    let problems = resolve_settings(manifest, &given).err().unwrap_or_default();
    problems.into_iter().filter(|problem| problem.setting == name).map(|problem| problem.message).collect()
}
