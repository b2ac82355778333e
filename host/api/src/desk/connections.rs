//! One connection: how it is set up, what it would send, and what becomes of one person there.

use enroute_config::Config;
use enroute_config::audiences_file::connection::{self as wanted, Resend};
use enroute_config::load::{load, load_texts};
use enroute_store::access::Role;
use enroute_store::ledger::Remotes;
use enroute_store::{ledger, letters};
use enroute_sync::{Clock, Detail, LinkPlan, Matched, Setup, Trial};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::desk::{Desk, files};
use crate::problem::Problem;

/// Texts of the two files that are not saved, or not yet.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct InHand {
    /// `plugins.toml`; the one of the folder where it is left out.
    #[serde(default)]
    pub plugins: Option<String>,
    /// `audiences.toml`; the one of the folder where it is left out.
    #[serde(default)]
    pub audiences: Option<String>,
}

/// How a connection is set up.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SetUp {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// Whether it is on.
    pub enabled: bool,
    /// `default` or `customized`.
    pub setup: String,
    /// The rows of a customized setup.
    pub traits: Vec<Row>,
    /// Settings of this audience alone.
    #[schema(value_type = Object)]
    pub settings: serde_json::Map<String, Value>,
    /// The identifiers that go out, as they are written; nothing where the plugin decides.
    pub identifiers: Option<u64>,
    /// `changed` or `entered`.
    pub resend: String,
    /// A sync that would remove a larger share of the members, in percent, is stopped.
    pub remove_max_percent: u8,
    /// Its schedule as it is written; nothing where it follows its data.
    pub schedule: Option<String>,
    /// Its mappings, in their order.
    pub mappings: Vec<MappingState>,
    /// Versions of settings and mapping that the store knows, the newest first, by mapping.
    pub versions: Vec<Version>,
}

/// A row of a customized setup.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Row {
    /// The trait.
    #[serde(rename = "trait")]
    pub from: String,
    /// The field; nothing where it is found by name.
    pub field: Option<String>,
}

/// A mapping.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MappingState {
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
}

/// A version in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Version {
    /// The mapping's name; empty where the connection has none of its own.
    pub mapping: String,
    /// Its number.
    pub version: u64,
}

impl Desk {
    /// How a connection is set up.
    ///
    /// # Errors
    /// [`Problem::Missing`], or when the store fails.
    pub async fn connection(&self, audience: &str, destination: &str) -> Result<SetUp, Problem> {
        let (audience, destination) = (audience.to_owned(), destination.to_owned());
        self.read(move |desk, reader| {
            let config = desk.sound_config()?;
            let one = find(&config, &audience, &destination)?;
            let mut versions = Vec::new();
            let names = one.mappings.iter().map(|mapping| mapping.name.value.clone());
            let names: Vec<String> = if one.mappings.is_empty() { vec![String::new()] } else { names.collect() };
            for mapping in names {
                let name = ledger::LinkName { audience: audience.clone(), destination: destination.clone(), mapping };
                if let Some(link) = ledger::find_link(reader, &name)? {
                    versions.push(Version { mapping: name.mapping, version: link.settings_version });
                }
            }
            Ok(set_up(one, versions))
        })
        .await
    }

    /// The configuration of texts in hand, or of the folder. Blocks.
    ///
    /// # Errors
    /// [`Problem::Mistakes`].
    pub fn config_in_hand(&self, in_hand: &InHand) -> Result<Config, Problem> {
        let loaded = match in_hand {
            InHand { plugins: None, audiences: None } => load(self.folder()),
            InHand { plugins, audiences } => {
                let [now_plugins, now_audiences] = enroute_config::load::texts(self.folder());
                let plugins = plugins.clone().or(now_plugins).unwrap_or_default();
                let audiences = audiences.clone().or(now_audiences).unwrap_or_default();
                load_texts(self.folder(), &plugins, &audiences)
            }
        };
        let mistakes = files::mistakes(&loaded);
        loaded.config.ok_or(Problem::Mistakes(mistakes))
    }

    /// Configuration and plugins put together for one audience.
    async fn set_up(&self, config: Config, audience: Option<String>) -> Result<(Setup, Config), Problem> {
        self.aside(move |desk| {
            let today = Clock::System.today();
            let remotes: Remotes = desk.store().remotes()?;
            let prepare = Setup::prepare(&config, &desk.office.runtime, &remotes, &today, audience.as_deref());
            let (setup, found) = tokio::runtime::Handle::current().block_on(prepare);
            let mistakes = found.to_json(&config.files).as_array().cloned().unwrap_or_default();
            Ok((setup.ok_or(Problem::Mistakes(mistakes))?, config))
        })
        .await
    }

    async fn set_up_one(&self, in_hand: InHand, audience: &str, destination: &str) -> Result<(Setup, Config), Problem> {
        let (key, name) = (audience.to_owned(), destination.to_owned());
        let config = self
            .aside(move |desk| {
                let mut config = desk.config_in_hand(&in_hand)?;
                let found = find(&config, &key, &name)?;
                let place = found.place.clone();
                // What another connection lacks is no business of this one.
                config.connections.retain(|one| one.place == place);
                config.destinations.retain(|found, _| found.as_str() == name);
                config.connections.iter_mut().for_each(|one| one.enabled = true);
                config.destinations.values_mut().for_each(|one| one.enabled = true);
                Ok(config)
            })
            .await?;
        self.set_up(config, Some(audience.to_owned())).await
    }

    /// Which field each trait of a connection goes into, and why.
    ///
    /// # Errors
    /// [`Problem::Missing`], [`Problem::Mistakes`], or when the store fails.
    pub async fn matching(&self, in_hand: InHand, audience: &str, destination: &str) -> Result<Vec<Matched>, Problem> {
        let (setup, _) = self.set_up_one(in_hand, audience, destination).await?;
        self.read(move |_, reader| Ok(setup.matched_in_accounts(reader, false)?)).await
    }

    /// What a sync of a connection would do. With `bodies`, also what the requests would say: only for those who may see
    /// values, with a line in the audit log.
    ///
    /// # Errors
    /// As [`Self::matching`].
    pub async fn plan(
        &self,
        in_hand: InHand,
        (audience, destination): (&str, &str),
        bodies_for: Option<&Caller>,
    ) -> Result<Vec<LinkPlan>, Problem> {
        if let Some(caller) = bodies_for {
            caller.needs(Role::Operator)?;
            let (caller, about) = (caller.clone(), format!("{audience}/{destination}"));
            self.aside(move |desk| desk.note(&caller, "looked at the requests of a plan", &about)).await?;
        }
        let (setup, _) = self.set_up_one(in_hand, audience, destination).await?;
        let detail = Detail { bodies: bodies_for.is_some(), values: false };
        enroute_sync::plan(self.store(), &setup, &Clock::System, detail)
            .await
            .map_err(|error| Problem::invalid(error.to_string(), "correct the condition of the audience"))
    }

    /// What becomes of one person at a connection: the event, which mappings it meets, and the requests. With `send`,
    /// what is shown is sent. Only for those who may see values.
    ///
    /// # Errors
    /// As [`Self::matching`]; [`Problem::Missing`] where nobody has the id.
    pub async fn try_person(
        &self,
        caller: &Caller,
        in_hand: InHand,
        (audience, destination): (&str, &str),
        (person, send): (&str, bool),
    ) -> Result<Trial, Problem> {
        caller.needs(Role::Operator)?;
        if send {
            self.may_change(caller, Role::Operator)?;
        }
        let what = if send { "sent one person" } else { "tried one person" };
        let (by, about) = (caller.clone(), format!("{audience}/{destination}"));
        self.aside(move |desk| desk.note(&by, what, &about)).await?;
        let (setup, config) = self.set_up_one(in_hand, audience, destination).await?;
        let tried = enroute_sync::try_profile(self.store(), &setup, &config, person, &Clock::System, send).await;
        let tried =
            tried.map_err(|error| Problem::invalid(error.to_string(), "correct the condition of the audience"))?;
        tried.ok_or_else(|| Problem::Missing("person with this id".to_owned()))
    }

    /// Gives a connection a turn now.
    ///
    /// # Errors
    /// [`Problem::Missing`], or that the caller may not.
    pub async fn sync_now(&self, caller: &Caller, audience: &str, destination: &str) -> Result<(), Problem> {
        self.may_change(caller, Role::Operator)?;
        let name = format!("{audience}/{destination}");
        let (by, about, key, to) = (caller.clone(), name.clone(), audience.to_owned(), destination.to_owned());
        self.aside(move |desk| {
            find(&*desk.sound_config()?, &key, &to)?;
            desk.note(&by, "asked for a run", &about)
        })
        .await?;
        self.handle().run_now(&name).await;
        Ok(())
    }

    /// Brings back those whom a connection refused with a code; returns how many there are.
    ///
    /// # Errors
    /// That the caller may not, or when the store fails.
    pub async fn retry(&self, caller: &Caller, wanted: letters::Wanted) -> Result<u64, Problem> {
        self.may_change(caller, Role::Operator)?;
        let (by, code) = (caller.clone(), wanted.code.clone().unwrap_or_default());
        let about = |wanted: &letters::Wanted| {
            let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "all".to_owned());
            format!("{}/{}: {code}", part(&wanted.audience), part(&wanted.destination))
        };
        let about = about(&wanted);
        let (found, names) = self
            .read(move |desk, reader| {
                let config = desk.sound_config()?;
                let runs = |name: &ledger::LinkName| {
                    find(&config, &name.audience, &name.destination).is_ok_and(|one| one.enabled)
                };
                let found = enroute_sync::retriable(reader, &wanted, runs)?;
                let names: Vec<String> =
                    found.reasons.iter().map(|one| format!("{}/{}", one.audience, one.destination)).collect();
                desk.note(&by, "brought back refused people", &about)?;
                Ok((found, names))
            })
            .await?;
        let members = enroute_sync::bring_back(self.store(), &found.members, &Clock::System).await?;
        for name in names {
            self.handle().run_now(&name).await;
        }
        Ok(members)
    }
}

/// A connection of the configuration.
pub(crate) fn find<'a>(
    config: &'a Config,
    audience: &str,
    destination: &str,
) -> Result<&'a wanted::Connection, Problem> {
    let is_it = |one: &&wanted::Connection| {
        one.audience.value.as_str() == audience && one.destination.value.as_str() == destination
    };
    let missing = || Problem::Missing(format!("connection of `{audience}` to `{destination}`"));
    config.connections.iter().find(is_it).ok_or_else(missing)
}

fn set_up(one: &wanted::Connection, versions: Vec<Version>) -> SetUp {
    let row = |row: &wanted::Row| Row {
        from: row.trait_name.value.clone(),
        field: row.field.as_ref().map(|field| field.value.clone()),
    };
    SetUp {
        audience: one.audience.value.to_string(),
        destination: one.destination.value.to_string(),
        enabled: one.enabled,
        setup: if matches!(one.setup, wanted::Setup::Default) { "default" } else { "customized" }.to_owned(),
        traits: one.rows().iter().map(row).collect(),
        settings: one.settings.iter().map(|(name, setting)| (name.clone(), setting.value.clone())).collect(),
        identifiers: one.identifiers.as_ref().map(|all| all.len() as u64),
        resend: if one.resend == Resend::Changed { "changed" } else { "entered" }.to_owned(),
        remove_max_percent: one.remove_max_percent,
        schedule: one.schedule.as_ref().map(|schedule| schedule.written.clone()),
        mappings: one
            .mappings
            .iter()
            .map(|mapping| MappingState { name: mapping.name.value.clone(), enabled: mapping.enabled })
            .collect(),
        versions,
    }
}
