//! One destination: settings and secrets against the manifest, hosts against the grant, and the client that results.

use std::collections::BTreeMap;
use std::sync::Arc;

use enroute_core::manifest::{Auth, Condition, HostAsk, Manifest, names, resolve_settings};
use enroute_core::suggest::nearest;
use serde_json::{Map, Value};

use crate::setup::planned::Loaded;
use enroute_auth::{Source, SourceError};
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_config::plugins_file::Destination;
use enroute_config::reference::Sealed;
use enroute_config::secret::Secret;
use enroute_egress::{self as egress, Client, Credentials, HostGrant, HostRule, HostRuleError};
use enroute_runtime::{Connection, ProblemPlace};

/// A destination that connections can use.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    /// Names of the secrets that are configured.
    pub(super) secrets: Vec<String>,
    pub(super) client: Arc<Client>,
    /// Where tokens come from, where requests need one.
    pub(super) source: Option<Arc<Source>>,
    pub(super) credential_scope: String,
}

/// Checks a destination and opens its way out. A disabled one is checked without its secrets.
pub(super) async fn prepare(
    destination: &Destination,
    loaded: &Loaded,
    sealed: &Sealed,
    found: &mut Diagnostics,
) -> Option<Ready> {
    let manifest: &Manifest = &loaded.manifest;
    let settings = settings(destination, manifest, found);
    let secrets = secrets(destination, manifest, sealed, found).await;
    let settings = settings?;
    let hosts = match hosts(destination, manifest, &settings, found) {
        Ok(hosts) => hosts,
        Err(unfit) => {
            explain(destination, loaded, &settings, unfit, found).await;
            return None;
        }
    };
    if !destination.enabled {
        return None;
    }
    let secrets = secrets?;
    let names: Vec<String> = secrets.keys().cloned().collect();
    let credentials = Credentials { auth: manifest.auth.clone(), secrets, settings: settings.clone() };
    let source = source(destination, manifest, &credentials, &hosts, found)?;
    let mut scope: String = credentials.fingerprint(&[0; 32]).iter().map(|byte| format!("{byte:02x}")).collect();
    if source.as_ref().is_some_and(|source| source.needs_login()) {
        // Whoever logged in is the credential, and secrets do not tell who that was.
        scope.push_str(destination.name.value.as_str());
    }
    let config = egress::Config {
        hosts,
        allow_networks: destination.allow_networks.iter().map(|network| network.value).collect(),
        credentials,
        limits: egress::Limits::default(),
    };
    match Client::new(config) {
        Ok(client) => Some(Ready { secrets: names, client: Arc::new(client), source, credential_scope: scope }),
        Err(error) => {
            found.push(Diagnostic::error(Code::BadHost, error.to_string()).at(&destination.name.place));
            None
        }
    }
}

/// How tokens are got, where requests need one. The outer none is a mistake that was reported.
#[expect(clippy::option_option, reason = "a mistake is not the same as no need")]
fn source(
    destination: &Destination,
    manifest: &Manifest,
    credentials: &Credentials,
    hosts: &HostGrant,
    found: &mut Diagnostics,
) -> Option<Option<Arc<Source>>> {
    let place = &destination.name.place;
    let missing = |name: &str| {
        let help = manifest.secrets.iter().find(|secret| secret.name == name).map_or("", |secret| secret.help.as_str());
        let message = format!("secret `{name}` of plugin `{}` is needed to get tokens", manifest.id);
        let hint = format!("secrets = {{ {name} = \"${{env:…}}\" }}: {help}");
        Diagnostic::error(Code::MissingSecret, message).at(place).hint(hint)
    };
    // An entry that the settings ask for by name does not step aside for want of a secret, unless another is at hand.
    let is_complete = |auth: &Auth| {
        let applies = match auth {
            Auth::Oauth2(oauth) => Condition(oauth.when.as_deref()).holds(&credentials.settings),
            _ => true,
        };
        applies && auth.secrets().into_iter().all(|name| credentials.configured(name).is_some())
    };
    let has_other = manifest.auth.iter().any(is_complete);
    for auth in manifest.auth.iter().filter(|_| !has_other) {
        let Auth::Oauth2(oauth) = auth else { continue };
        let is_chosen = oauth.when.is_some() && Condition(oauth.when.as_deref()).holds(&credentials.settings);
        let lacking = oauth.secrets_needed().into_iter().find(|name| credentials.configured(name).is_none());
        if let Some(name) = lacking.filter(|_| is_chosen) {
            found.push(missing(name));
            return None;
        }
    }
    let networks: Vec<_> = destination.allow_networks.iter().map(|network| network.value).collect();
    match Source::of(destination.name.value.as_str(), credentials, &hosts.granted, &networks) {
        Ok(Some(source)) if source.needs_login() && !source.can_login() => {
            found.push(missing(source.oauth().refresh_token.as_deref().unwrap_or("refresh_token")));
            None
        }
        Ok(source) => Some(source.map(Arc::new)),
        Err(error) => {
            found.push(source_problem(destination, manifest, &error));
            None
        }
    }
}

fn source_problem(destination: &Destination, manifest: &Manifest, error: &SourceError) -> Diagnostic {
    let place = &destination.name.place;
    let message = format!("plugin `{}`: {error}", manifest.id);
    match error {
        SourceError::NotGranted { rule, .. } => {
            let place = destination.hosts.first().map_or(place, |host| &host.place);
            let hint = format!("add \"{rule}\" to `hosts`; the plugin itself does not reach it");
            Diagnostic::error(Code::TokenHost, message).at(place).hint(hint)
        }
        SourceError::Key { secret, .. } => {
            let place = destination.secrets.get(secret).map_or(place, |reference| &reference.place);
            let hint = "it must be an RSA key as PEM, or the JSON key file of a Google service account";
            Diagnostic::error(Code::BadTokens, message).at(place).hint(hint)
        }
        _ => Diagnostic::error(Code::BadTokens, message).at(place).hint("see that the settings it names are right"),
    }
}

fn settings(destination: &Destination, manifest: &Manifest, found: &mut Diagnostics) -> Option<Map<String, Value>> {
    // What each audience may have of its own is asked of each audience.
    let mut shared = manifest.clone();
    shared.settings.iter_mut().filter(|setting| setting.per_audience).for_each(|setting| setting.required = false);
    let problems = match resolve_settings(&shared, &destination.settings_json()) {
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
    sealed: &Sealed,
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
        match reference.value.resolve(sealed).await {
            Ok(secret) => {
                for oddity in secret.oddities() {
                    let message = format!("secret `{name}` of destination `{}` {oddity}", destination.name.value);
                    let diagnostic = Diagnostic::warning(Code::OddSecret, message).at(&reference.place);
                    found.push(diagnostic.hint(oddity.hint()));
                }
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

/// A host that the plugin asks for by settings that make none.
struct UnfitHost {
    /// As the manifest writes it.
    host: String,
    /// The settings in it.
    settings: Vec<String>,
    error: HostRuleError,
}

/// Says what is wrong with settings that are part of a host: in the plugin's words, which knows what they are, and
/// else in those of hosts.
async fn explain(
    destination: &Destination,
    loaded: &Loaded,
    settings: &Map<String, Value>,
    unfit: Vec<UnfitHost>,
    found: &mut Diagnostics,
) {
    let guest = Connection {
        audience_key: "audience".to_owned(),
        audience_name: "audience".to_owned(),
        settings: Value::Object(settings.clone()).to_string(),
        secrets: destination.secrets.keys().cloned().collect(),
        rows: Vec::new(),
        identifier_fields: Vec::new(),
        limits: Vec::new(),
        remote: None,
        today: String::new(),
    };
    let problems = loaded.plugin.validate(&guest).await.unwrap_or_default();
    for host in unfit {
        let of_host =
            |place: &ProblemPlace| matches!(place, ProblemPlace::Setting(name) if host.settings.contains(name));
        let Some(problem) = problems.iter().find(|problem| problem.is_error && of_host(&problem.place)) else {
            let message = format!("plugin `{}` asks for host `{}`: {}", loaded.manifest.id, host.host, host.error);
            let setting = host.settings.first().map_or("", String::as_str);
            let mut diagnostic = Diagnostic::error(Code::BadHost, message).at(destination.setting_place(setting));
            diagnostic.hint =
                loaded.manifest.settings.iter().find(|one| one.name == setting).map(|one| one.help.clone());
            found.push(diagnostic);
            continue;
        };
        let name = if let ProblemPlace::Setting(name) = &problem.place { name.as_str() } else { "" };
        let message = format!("{} says: {}", loaded.manifest.id, problem.message);
        let diagnostic = Diagnostic::error(Code::PluginProblem, message).at(destination.setting_place(name));
        found.push(diagnostic.hint(problem.hint.clone()));
    }
}

/// What may be reached; where it is not sound, the hosts that settings spoil, all else being reported.
fn hosts(
    destination: &Destination,
    manifest: &Manifest,
    settings: &Map<String, Value>,
    found: &mut Diagnostics,
) -> Result<HostGrant, Vec<UnfitHost>> {
    let mut grant = HostGrant::default();
    let mut is_sound = true;
    let mut unfit = Vec::new();
    for granted in &destination.hosts {
        match HostRule::parse(&granted.value) {
            Ok(rule) => grant.granted.push(rule),
            Err(error) => {
                found.push(Diagnostic::error(Code::BadHost, error.to_string()).at(&granted.place));
                is_sound = false;
            }
        }
    }
    let asked: Vec<&str> = manifest.hosts.iter().filter(|ask| ask.applies(settings)).map(HostAsk::host).collect();
    let answers: Vec<&str> = manifest.answer_hosts.iter().map(String::as_str).collect();
    for (asked, rules) in [(asked, &mut grant.asked), (answers, &mut grant.answers)] {
        for text in asked {
            match HostRule::of_manifest(text, settings) {
                Ok(rule) => rules.extend(rule),
                Err(error) => {
                    unfit.push(UnfitHost {
                        host: text.to_owned(),
                        settings: names(text).map(str::to_owned).collect(),
                        error,
                    });
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
    if is_sound { Ok(grant) } else { Err(unfit) }
}
