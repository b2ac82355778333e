//! Destinations: settings, references to secrets, hosts, and whether the credential works.

use std::collections::BTreeMap;

use enroute_config::plugins_file::Destination as Written;
use enroute_store::access::Role;
use enroute_store::ledger::Remotes;
use enroute_sync::{Clock, Setup};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::desk::Desk;
use crate::desk::connections::InHand;
use crate::problem::Problem;

/// A destination.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// The plugin that it is an instance of.
    pub plugin: String,
    /// Whether anything may be sent to it.
    pub enabled: bool,
    /// The hosts that it may reach, as written.
    pub hosts: Vec<String>,
    /// Its settings.
    #[schema(value_type = Object)]
    pub settings: serde_json::Map<String, Value>,
    /// Where its secrets come from: references, never values.
    pub secrets: BTreeMap<String, String>,
    /// What a person must have agreed to before anything about them is sent there.
    pub requires_consent: Vec<String>,
    /// The audiences that are connected to it.
    pub audiences: Vec<String>,
}

/// What a destination said when its credential was tried.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Probed {
    /// The audience under whose settings it was asked.
    pub audience: String,
    /// `ok`, or what is wrong in one word.
    pub verdict: String,
    /// Why.
    pub reason: Option<String>,
}

impl Desk {
    /// Every destination.
    ///
    /// # Errors
    /// When a question is lost.
    pub async fn destinations(&self) -> Result<Vec<Destination>, Problem> {
        self.aside(|desk| {
            let Some(config) = desk.config() else { return Ok(Vec::new()) };
            let one = |destination: &Written| Destination {
                name: destination.name.value.to_string(),
                plugin: destination.plugin.value.to_string(),
                enabled: destination.enabled,
                hosts: destination.hosts.iter().map(|host| host.value.clone()).collect(),
                settings: destination.settings_json(),
                secrets: destination
                    .secrets
                    .iter()
                    .map(|(name, reference)| (name.clone(), reference.value.written()))
                    .collect(),
                requires_consent: destination.requires_consent.iter().map(|one| one.value.clone()).collect(),
                audiences: config
                    .connections
                    .iter()
                    .filter(|one| one.destination.value == destination.name.value)
                    .map(|one| one.audience.value.to_string())
                    .collect(),
            };
            Ok(config.destinations.values().map(one).collect())
        })
        .await
    }

    /// One destination.
    ///
    /// # Errors
    /// [`Problem::Missing`].
    pub async fn destination(&self, name: &str) -> Result<Destination, Problem> {
        let found = self.destinations().await?.into_iter().find(|one| one.name == name);
        found.ok_or_else(|| Problem::Missing(format!("destination `{name}`")))
    }

    /// Tries the credential of a destination: nothing there is changed. One that no audience is connected to cannot be
    /// asked, and says so.
    ///
    /// # Errors
    /// [`Problem::Missing`], [`Problem::Mistakes`], that the caller may not, or when the store fails.
    pub async fn probe(&self, caller: &Caller, in_hand: InHand, name: &str) -> Result<Vec<Probed>, Problem> {
        caller.needs(Role::Operator)?;
        let (by, wanted) = (caller.clone(), name.to_owned());
        let setup = self
            .aside(move |desk| {
                let mut config = desk.config_in_hand(&in_hand)?;
                if !config.destinations.keys().any(|key| key.as_str() == wanted) {
                    return Err(Problem::Missing(format!("destination `{wanted}`")));
                }
                config.connections.retain(|one| one.destination.value.as_str() == wanted);
                config.destinations.retain(|key, _| key.as_str() == wanted);
                config.destinations.values_mut().for_each(|one| one.enabled = true);
                config.connections.iter_mut().for_each(|one| one.enabled = true);
                if config.connections.is_empty() {
                    let hint = "connect an audience to it first, or test it in the connection's own steps";
                    return Err(Problem::invalid(format!("no audience is connected to `{wanted}`"), hint));
                }
                desk.note(&by, "tested a credential", &wanted)?;
                let today = Clock::System.today();
                let remotes = Remotes::new();
                let prepare = Setup::prepare(&config, &desk.office.runtime, &remotes, &today, None);
                let (setup, found) = tokio::runtime::Handle::current().block_on(prepare);
                let mistakes = found.to_json(&config.files).as_array().cloned().unwrap_or_default();
                setup.ok_or(Problem::Mistakes(mistakes))
            })
            .await?;
        let probed = enroute_sync::probe(self.store(), &setup, &Clock::System).await?;
        let one = |one: enroute_sync::Probed| Probed {
            audience: one.audience,
            verdict: one.verdict.to_owned(),
            reason: one.reason,
        };
        Ok(probed.into_iter().map(one).collect())
    }
}
