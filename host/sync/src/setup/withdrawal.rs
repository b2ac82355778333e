//! Members at a place that is not in force any more, made ready to be withdrawn: under the settings that they were sent
//! with, by the plugin and the credential of the destination as it is configured now.

use std::collections::BTreeMap;
use std::sync::Arc;

use enroute_core::manifest::Target;
use serde_json::{Map, Value as Json};

use crate::report::{LinkReport, LinkState};
use crate::setup::columns::{Columns, Identifier};
use crate::setup::destination::{self, Ready};
use crate::setup::link::{self, Earlier, Link, Stuck};
use crate::setup::place::{target_of, text};
use crate::setup::planned::{Loaded, Planned};
use crate::setup::program::Program;
use crate::setup::retrying::policy;
use enroute_auth::Keepers;
use enroute_config::Config;
use enroute_config::audiences_file::connection::Connection as Wanted;
use enroute_config::diagnostic::{Diagnostics, Severity};
use enroute_config::files::Located;
use enroute_config::plugins_file::Destination;
use enroute_config::reference::Sealed;
use enroute_runtime::Connection;
use enroute_store::ledger::{self, LinkName};
use enroute_store::places::Kept;
use enroute_store::{Error, Sealer, Store};

/// What withdrawals are made ready with.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub(super) destinations: BTreeMap<String, Destination>,
    /// Plugins by their names in `plugins.toml`.
    pub(super) loaded: BTreeMap<String, Loaded>,
    /// Why others are not there.
    pub(super) refused: BTreeMap<String, String>,
    /// Every connection of the configuration, also those that are not enabled; a plugin may be missing.
    pub(super) configured: Vec<LinkName>,
    /// The secrets that the store keeps.
    pub(super) sealed: Sealed,
    /// `YYYY-MM-DD`.
    pub(super) today: String,
}

/// Every connection of a configuration, also those that are not enabled, a name for each mapping.
pub(crate) fn configured(config: &Config) -> Vec<LinkName> {
    let names = |wanted: &Wanted| {
        let mut mappings: Vec<String> = wanted.mappings.iter().map(|one| one.name.value.clone()).collect();
        if mappings.is_empty() {
            mappings.push(String::new());
        }
        let (audience, destination) = (wanted.audience.value.to_string(), wanted.destination.value.to_string());
        mappings.into_iter().map(move |mapping| LinkName {
            audience: audience.clone(),
            destination: destination.clone(),
            mapping,
        })
    };
    let is_there = |wanted: &&Wanted| config.destinations.contains_key(&wanted.destination.value);
    config.connections.iter().filter(is_there).flat_map(names).collect()
}

/// What a withdrawal is for.
pub(super) struct Purpose<'a> {
    /// In words, for reports.
    pub(super) why: String,
    /// The audience's condition, where a guard has to know who stays in it.
    pub(super) condition: &'a str,
    pub(super) remove_max_percent: u8,
}

impl Parts {
    pub(super) fn of(
        config: &Config,
        loaded: BTreeMap<String, Loaded>,
        refused: BTreeMap<String, String>,
        today: &str,
    ) -> Self {
        let destinations = config.destinations.iter().map(|(name, one)| (name.as_str().to_owned(), one.clone()));
        let configured = configured(config);
        let (sealed, today) = (config.sealed.clone(), today.to_owned());
        Self { destinations: destinations.collect(), loaded, refused, configured, sealed, today }
    }

    pub(super) fn is_configured(&self, name: &LinkName) -> bool {
        self.configured.contains(name)
    }

    /// Members at the earlier places of a connection, with those at the place that it is about to leave.
    pub(super) async fn earlier(
        &self,
        planned: &Planned,
        (places, target): (Vec<(Kept, ledger::Link)>, &Target),
        sealer: &Sealer,
        tokens: Option<(&Keepers, &Arc<Store>)>,
    ) -> Result<Vec<Earlier>, Error> {
        let mut found = Vec::new();
        for (kept, known) in places {
            let old = target_of(&planned.loaded.manifest, &kept.place);
            let why = format!("the connection's place was {}, and is {} now", old.beside(target), target.beside(&old));
            let remove_max_percent = planned.remove_max_percent;
            let purpose = Purpose { why, condition: &planned.condition, remove_max_percent };
            found.push(match self.ready((&kept, &known), purpose, sealer, tokens).await? {
                Ok(link) => Earlier::Ready(Arc::new(link)),
                Err(why_not) => Earlier::Stuck(Stuck {
                    name: kept.name.clone(),
                    plugin: kept.place.plugin.clone(),
                    held: kept.held,
                    reason: stuck(&kept, &old.beside(target), &why_not),
                }),
            });
        }
        Ok(found)
    }

    /// Everybody whom these connections hold, ready to be withdrawn whoever is in their audiences.
    pub(super) async fn purged(
        &self,
        places: Vec<(Kept, ledger::Link)>,
        sealer: &Sealer,
        tokens: Option<(&Keepers, &Arc<Store>)>,
    ) -> Result<Vec<Earlier>, Error> {
        let mut found = Vec::new();
        for (kept, known) in places {
            let why = "everybody is withdrawn".to_owned();
            let purpose = Purpose { why, condition: "", remove_max_percent: 100 };
            found.push(match self.ready((&kept, &known), purpose, sealer, tokens).await? {
                Ok(link) => Earlier::Ready(Arc::new(link)),
                Err(why_not) => Earlier::Stuck(Stuck {
                    name: kept.name.clone(),
                    plugin: kept.place.plugin.clone(),
                    held: kept.held,
                    reason: why_not,
                }),
            });
        }
        Ok(found)
    }

    /// One place, ready to be withdrawn from; else why not, and what has to be there for it.
    pub(super) async fn ready(
        &self,
        (kept, known): (&Kept, &ledger::Link),
        purpose: Purpose<'_>,
        sealer: &Sealer,
        tokens: Option<(&Keepers, &Arc<Store>)>,
    ) -> Result<Result<Link, String>, Error> {
        let (destination, loaded, ready, settings) = match self.reach(kept).await {
            Ok(found) => found,
            Err(why_not) => return Ok(Err(why_not)),
        };
        let mut link = withdrawal((kept, known), &self.today, (destination, loaded, &ready, settings), sealer)?;
        link.condition = purpose.condition.to_owned();
        link.withdraws = Some(purpose.why);
        link.remove_max_percent = purpose.remove_max_percent;
        if let (Some((keepers, store)), Some(source)) = (tokens, &ready.source) {
            link.tokens = Some(keepers.of(source, store));
        }
        Ok(Ok(link))
    }

    /// The destination of a place, as it was set up then.
    async fn reach(&self, kept: &Kept) -> Result<(&Destination, &Loaded, Ready, Map<String, Json>), String> {
        let (name, plugin) = (&kept.name.destination, &kept.place.plugin);
        if !kept.is_known {
            return Err("it was last synced by an older version, which did not remember its settings: restore the \
                        connection as it was, and sync once"
                .to_owned());
        }
        let Some(destination) = self.destinations.get(name) else {
            return Err(format!(
                "destination `{name}` is not in plugins.toml any more: restore [destination.{name}] with plugin = \
                 \"{plugin}\", its `hosts` and its `secrets`"
            ));
        };
        if destination.plugin.value.as_str() != plugin {
            let now = &destination.plugin.value;
            return Err(format!("destination `{name}` uses plugin `{now}` now, and they were sent by `{plugin}`"));
        }
        if !destination.enabled {
            return Err(format!("destination `{name}` is not enabled"));
        }
        let Some(loaded) = self.loaded.get(plugin.as_str()) else {
            let reason = self.refused.get(plugin.as_str()).map_or("it is not loaded", String::as_str);
            return Err(format!("plugin `{plugin}` cannot run: {reason}"));
        };
        let manifest = &loaded.manifest;
        let mut settings: Map<String, Json> = serde_json::from_str(&kept.place.settings).unwrap_or_default();
        settings.retain(|name, _| manifest.settings.iter().any(|setting| setting.name == *name));
        for (setting, default) in
            manifest.settings.iter().filter_map(|setting| Some((setting, setting.default.as_ref()?)))
        {
            settings.entry(setting.name.clone()).or_insert_with(|| default.clone());
        }
        let mut then = destination.clone();
        let located = |(name, value): (&String, &Json)| {
            (name.clone(), Located::new(value.clone(), destination.name.place.clone()))
        };
        then.settings = settings.iter().map(located).collect();
        let mut found = Diagnostics::default();
        match destination::prepare(&then, loaded, &self.sealed, &mut found).await {
            Some(ready) => Ok((destination, loaded, ready, settings)),
            None => Err(first_error(&found)),
        }
    }
}

fn first_error(found: &Diagnostics) -> String {
    let errors = found.sorted();
    let error = errors.into_iter().find(|one| one.severity == Severity::Error);
    error.map_or_else(String::new, |error| match &error.hint {
        Some(hint) => format!("{} ({}): {hint}", error.message, error.code),
        None => format!("{} ({})", error.message, error.code),
    })
}

/// Why members cannot be withdrawn, and what there is to do.
fn stuck(kept: &Kept, place: &str, why_not: &str) -> String {
    let (LinkName { audience, destination, .. }, held) = (&kept.name, kept.held);
    format!(
        "{held} of its members are still at its earlier place ({place}) and cannot be withdrawn from there: {why_not}. \
         Or leave them there: `enroute forget --connection {audience}/{destination} --earlier`"
    )
}

/// What members hold at a place, as a connection that nobody is in any more.
fn withdrawal(
    (kept, known): (&Kept, &ledger::Link),
    today: &str,
    (destination, loaded, ready, settings): (&Destination, &Loaded, &Ready, Map<String, Json>),
    sealer: &Sealer,
) -> Result<Link, Error> {
    let (manifest, place) = (&loaded.manifest, &kept.place);
    let fields: Vec<String> = serde_json::from_str(&place.fields).unwrap_or_default();
    let identity = manifest.identity.under(&settings);
    let identifier = |field: &String| Identifier {
        kind: manifest.identifiers.iter().find(|one| one.field == *field).map_or("none", |one| &one.kind).to_owned(),
        field: field.clone(),
        values: manifest.identity.values,
        kept_back: None,
    };
    let identifiers: Vec<Identifier> = fields.iter().map(identifier).collect();
    let columns = Columns::new(manifest, &identity.key, &identifiers, &[], Program::of_traits(Vec::new(), false))?;
    let guest = Connection {
        audience_key: place.audience_key.clone(),
        audience_name: place.audience_name.clone(),
        settings: Json::Object(settings.clone()).to_string(),
        secrets: ready.secrets.clone(),
        identifier_fields: columns.fields.clone(),
        rows: Vec::new(),
        limits: link::limits(manifest, &settings),
        remote: known.remote.clone(),
        today: today.to_owned(),
    };
    Ok(Link {
        id: known.id,
        party: known.id,
        audience: kept.name.audience.clone(),
        destination: kept.name.destination.clone(),
        mapping: kept.name.mapping.clone(),
        condition: String::new(),
        plugin_name: format!("{} {}", manifest.id, manifest.version),
        manifest: Arc::clone(manifest),
        plugin: Arc::new(loaded.plugin.clone()),
        plugin_digest: loaded.digest,
        remote: known.remote.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        columns,
        program_text: String::new(),
        phone_regions: link::phone_regions(manifest, &guest.settings),
        history: true,
        requires_consent: destination.requires_consent.iter().map(|purpose| purpose.value.clone()).collect(),
        sends_exits: place.sends_exits,
        identity,
        client: Arc::<enroute_egress::Client>::clone(&ready.client),
        tokens: None,
        sealer: sealer.clone(),
        settings_version: known.settings_version,
        batch_members: link::batch_members(manifest, &guest.limits),
        guest,
        resend_changes: false,
        retry: policy(destination.retry),
        remove_max_percent: 0,
        credential_scope: ready.credential_scope.clone(),
        opened: known.opened.clone(),
        peaks: Arc::default(),
        figures: Arc::default(),
        trial: None,
        target: text(&target_of(manifest, place)),
        released: Arc::default(),
        withdraws: None,
        earlier: Vec::new(),
        reused: None,
    })
}

impl Stuck {
    /// What a run says of it.
    pub(crate) fn report(&self) -> LinkReport {
        let LinkName { audience, destination, mapping } = self.name.clone();
        let plugin = self.plugin.clone();
        let ended = LinkReport::ended(LinkState::Paused, self.reason.clone());
        LinkReport { audience, destination, mapping, plugin, held: self.held, ..ended }
    }
}
