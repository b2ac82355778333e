//! One destination: settings and secrets against the manifest, hosts against the grant, and the client that results.

use std::collections::BTreeMap;
use std::sync::Arc;

use enroute_core::manifest::{Manifest, resolve_settings};
use enroute_core::suggest::nearest;
use serde_json::{Map, Value};

use crate::config::code::Code;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::plugins_file::Destination;
use crate::config::secret::Secret;
use crate::egress::{self, Client, Credentials, HostGrant, HostRule};

/// A destination that connections can use.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) settings: Map<String, Value>,
    /// Names of the secrets that are configured.
    pub(super) secrets: Vec<String>,
    pub(super) client: Arc<Client>,
    pub(super) credential_scope: String,
}

/// Checks a destination and opens its way out. A disabled one is checked without its secrets.
pub(super) async fn prepare(destination: &Destination, manifest: &Manifest, found: &mut Diagnostics) -> Option<Ready> {
    let settings = settings(destination, manifest, found);
    let secrets = secrets(destination, manifest, found).await;
    let settings = settings?;
    let hosts = hosts(destination, manifest, &settings, found)?;
    if !destination.enabled {
        return None;
    }
    let secrets = secrets?;
    let names: Vec<String> = secrets.keys().cloned().collect();
    let credentials = Credentials { auth: manifest.auth.clone(), secrets, settings: settings.clone() };
    let scope = credentials.fingerprint(&[0; 32]).iter().map(|byte| format!("{byte:02x}")).collect();
    let config = egress::Config {
        hosts,
        allow_networks: destination.allow_networks.iter().map(|network| network.value).collect(),
        credentials,
        limits: egress::Limits::default(),
    };
    match Client::new(config) {
        Ok(client) => Some(Ready { settings, secrets: names, client: Arc::new(client), credential_scope: scope }),
        Err(error) => {
            found.push(Diagnostic::error(Code::BadHost, error.to_string()).at(&destination.name.place));
            None
        }
    }
}

fn settings(destination: &Destination, manifest: &Manifest, found: &mut Diagnostics) -> Option<Map<String, Value>> {
    let problems = match resolve_settings(manifest, &destination.settings_json()) {
        Ok(settings) => return Some(settings),
        Err(problems) => problems,
    };
    for problem in problems {
        let place = destination.setting_place(&problem.setting);
        found.push(Diagnostic::error(Code::BadSetting, problem.message).at(place).hint(problem.hint));
    }
    None
}

async fn secrets(
    destination: &Destination,
    manifest: &Manifest,
    found: &mut Diagnostics,
) -> Option<BTreeMap<String, Secret>> {
    let mut secrets = BTreeMap::new();
    let mut is_sound = true;
    for (name, reference) in &destination.secrets {
        if !manifest.secrets.iter().any(|secret| secret.name == *name) {
            let names = manifest.secrets.iter().map(|secret| secret.name.as_str());
            let hint = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has: {}", names.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("plugin `{}` has no secret `{name}`", manifest.id);
            found.push(Diagnostic::error(Code::UnknownSecret, message).at(&reference.place).hint(hint));
            is_sound = false;
            continue;
        }
        if !destination.enabled {
            continue;
        }
        match reference.value.resolve().await {
            Ok(secret) => {
                secrets.insert(name.clone(), secret);
            }
            Err(error) => {
                found.push(error.diagnostic(&destination.name.value, name, &reference.place));
                is_sound = false;
            }
        }
    }
    for secret in manifest.secrets.iter().filter(|secret| secret.required) {
        if !destination.secrets.contains_key(&secret.name) {
            let message = format!("secret `{}` of plugin `{}` is required", secret.name, manifest.id);
            let diagnostic = Diagnostic::error(Code::MissingSecret, message).at(&destination.name.place);
            let example = format!("secrets = {{ {} = \"${{env:…}}\" }}: {}", secret.name, secret.help);
            found.push(diagnostic.hint(example));
            is_sound = false;
        }
    }
    is_sound.then_some(secrets)
}

fn hosts(
    destination: &Destination,
    manifest: &Manifest,
    settings: &Map<String, Value>,
    found: &mut Diagnostics,
) -> Option<HostGrant> {
    let mut grant = HostGrant::default();
    let mut is_sound = true;
    for granted in &destination.hosts {
        match HostRule::parse(&granted.value) {
            Ok(rule) => grant.granted.push(rule),
            Err(error) => {
                found.push(Diagnostic::error(Code::BadHost, error.to_string()).at(&granted.place));
                is_sound = false;
            }
        }
    }
    for (asked, rules) in [(&manifest.hosts, &mut grant.asked), (&manifest.answer_hosts, &mut grant.answers)] {
        for text in asked {
            match HostRule::of_manifest(text, settings) {
                Ok(rule) => rules.extend(rule),
                Err(error) => {
                    let message = format!("plugin `{}` asks for host `{text}`: {error}", manifest.id);
                    found.push(Diagnostic::error(Code::BadHost, message).at(&destination.name.place));
                    is_sound = false;
                }
            }
        }
    }
    for rule in grant.withheld() {
        let message = format!("plugin `{}` asks for host `{rule}`, which plugins.toml does not grant", manifest.id);
        let place = destination.hosts.first().map_or(&destination.name.place, |host| &host.place);
        let hint = format!("add \"{rule}\" to `hosts`, or remove the destination");
        found.push(Diagnostic::error(Code::HostNotGranted, message).at(place).hint(hint));
        is_sound = false;
    }
    is_sound.then_some(grant)
}
