//! Configuration and plugins put together: every connection ready to run, or every reason why not, at once.
//!
//! Nothing is sent here. Plugins are loaded only when their digest is the one in `plugins.toml`, and `validate` is
//! asked with the network closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use enroute_core::emission::{Emission, Form};
use enroute_core::manifest::{Identity, Manifest};
use enroute_core::matching::How;
use enroute_core::path::trait_names;

use crate::auth::{Keepers, Source};
use crate::catalog::{self, CatalogError};
use crate::config::Config;
use crate::config::audiences_file::connection::Connection as Wanted;
use crate::config::code::Code;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::files::Place;
use crate::config::plugins_file::{Destination, PluginEntry};
use crate::egress::Client;
use crate::runtime::{Connection, Plugin, ProblemPlace, Runtime};
use crate::store::ledger::{self, Remotes};
use crate::store::{Column, Error, Reader, Sealer, Store, ValueReader};
use crate::sync::columns::Columns;
use crate::sync::coverage::{dotted, word};
use crate::sync::link::{self, Link};

mod connection;
mod destination;
mod rows;

use connection::Wished;

/// A plugin that was loaded.
#[derive(Debug, Clone)]
struct Loaded {
    manifest: Arc<Manifest>,
    plugin: Plugin,
    digest: [u8; 32],
}

/// Every connection that can run.
#[derive(Debug)]
pub struct Setup {
    links: Vec<Planned>,
    /// How each enabled destination gets its tokens, where it does.
    sources: BTreeMap<String, (Arc<Source>, Place)>,
    keepers: Keepers,
}

/// The traits of a connection with their fields.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Matched {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name; empty where the connection names none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// The rows, in their order.
    pub rows: Vec<MatchedRow>,
}

/// A trait with its field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MatchedRow {
    /// The trait.
    pub from: String,
    /// The field at the destination.
    pub field: String,
    /// `given`, or how it was found: `exact`, `spelling`, `synonym` or `same name`.
    pub how: &'static str,
}

/// A connection before it is bound to the store.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    audience: String,
    condition: String,
    destination: String,
    mapping: String,
    loaded: Loaded,
    guest: Connection,
    columns: Columns,
    /// Why each row goes into its field.
    matches: Vec<How>,
    /// What is emitted, for those who look at it.
    emission: (Emission, Form),
    /// Where the mapping stands in the file.
    place: Place,
    /// Where each row stands in the file.
    places: Vec<Place>,
    /// What decides on members and is not part of what the plugin is told.
    program_text: String,
    identity: Identity,
    requires_consent: Vec<String>,
    sends_exits: bool,
    client: Arc<Client>,
    source: Option<Arc<Source>>,
    credential_scope: String,
    resend_changes: bool,
    remove_max_percent: u8,
}

impl Setup {
    /// Loads plugins, checks settings, grants, rows and traits, and asks every plugin for problems, with what it
    /// learned earlier (`remotes`). `today` is `YYYY-MM-DD`. With `only`, connections of other audiences are left out.
    ///
    /// Problems that are only warnings come along with the setup.
    pub async fn prepare(
        config: &Config,
        runtime: &Runtime,
        remotes: &Remotes,
        today: &str,
        only: Option<&str>,
    ) -> (Option<Self>, Diagnostics) {
        let mut found = Diagnostics::default();
        let plugins = load_plugins(config, runtime, &mut found);
        let mut destinations = BTreeMap::new();
        for (name, destination) in &config.destinations {
            let Some(loaded) = plugins.get(destination.plugin.value.as_str()) else { continue };
            if let Some(ready) = destination::prepare(destination, loaded, &mut found).await {
                destinations.insert(name.as_str().to_owned(), (destination, loaded, ready));
            }
        }
        let mut links = Vec::new();
        for wanted in config.connections.iter().filter(|wanted| wanted.enabled) {
            let Some((destination, loaded, ready)) = destinations.get(wanted.destination.value.as_str()) else {
                continue;
            };
            let asked = only.is_none_or(|only| only == wanted.audience.value.as_str());
            if !destination.enabled || !asked {
                continue;
            }
            let wished = Wished { config, wanted, destination, loaded, ready };
            for mut planned in connection::plan(&wished, today, &mut found) {
                planned.guest.remote = remotes.get(&(planned.audience.clone(), planned.destination.clone())).cloned();
                validate(wanted, destination, &planned, &mut found).await;
                links.push(planned);
            }
        }
        let sources = destinations.into_iter().filter_map(|(name, (destination, _, ready))| {
            Some((name, (ready.source?, destination.name.place.clone())))
        });
        let setup = Self { links, sources: sources.collect(), keepers: Keepers::default() };
        let is_sound = found.errors() == 0;
        (is_sound.then_some(setup), found)
    }

    /// How an enabled destination gets its tokens; none where it does without, or is not there.
    #[must_use]
    pub fn source(&self, destination: &str) -> Option<&Arc<Source>> {
        self.sources.get(destination).map(|(source, _)| source)
    }

    /// A diagnostic for each destination at which somebody has to log in first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn logins_missing(&self, reader: &Reader) -> Result<Diagnostics, Error> {
        let mut found = Diagnostics::default();
        for (name, (source, place)) in &self.sources {
            if source.lacks_login(reader)? {
                let message = format!("destination `{name}` has no refresh token");
                let hint = format!("run `enroute login {name}`");
                found.push(Diagnostic::error(Code::LoginMissing, message).at(place).hint(hint));
            }
        }
        Ok(found)
    }

    /// What is worth knowing of the connections beside the traits that people have by now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn remarks(&self, reader: &Reader) -> Result<Diagnostics, Error> {
        let mut found = Diagnostics::default();
        let paths: Vec<(&Planned, &Vec<String>)> = self.links.iter().flat_map(Planned::nested).collect();
        if paths.is_empty() {
            return Ok(found);
        }
        let known = reader.trait_names()?;
        for (planned, names) in paths {
            let Some(quoted) = dotted(names, &known) else { continue };
            let path = names.join(".");
            let message = format!("`{path}` is a way into a trait, and people have a trait whose own name has the dot");
            let hint = format!("write its name in quotes: '{quoted}' in `traits`, traits.{quoted} in a path");
            found.push(Diagnostic::warning(Code::DottedTrait, message).at(planned.place_of(names)).hint(hint));
        }
        Ok(found)
    }

    /// Which field every trait of the connections goes into, and why.
    #[must_use]
    pub fn matched(&self) -> Vec<Matched> {
        let mut found: Vec<Matched> = Vec::new();
        for planned in &self.links {
            let rows = planned.guest.rows.iter().zip(&planned.matches);
            let row = |((from, field), how): (&(String, String), &How)| MatchedRow {
                from: from.clone(),
                field: field.clone(),
                how: word(*how),
            };
            found.push(Matched {
                audience: planned.audience.clone(),
                destination: planned.destination.clone(),
                mapping: planned.mapping.clone(),
                rows: rows.map(row).collect(),
            });
        }
        found
    }

    /// Leaves only the connection to this destination.
    pub fn keep_destination(&mut self, destination: &str) {
        self.links.retain(|planned| planned.destination == destination);
    }

    /// The connections, in the order of the file.
    pub(super) fn links(&self) -> &[Planned] {
        &self.links
    }

    /// How many connections there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether nothing is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Binds a connection to the store: finds its number, its remote and its settings version.
    pub(super) async fn bind(&self, store: &Arc<Store>, planned: &Planned) -> Result<Link, Error> {
        let mut link = planned.link(&ledger::Link::default(), store.sealer().clone());
        let (name, digest) = (link.name(), link.settings_digest());
        let known = store.write(move |tx| ledger::link(tx.connection(), &name, &digest)).await?;
        link = planned.link(&known, store.sealer().clone());
        link.tokens = planned.source.as_ref().map(|source| self.keepers.of(source, store));
        Ok(link)
    }

    /// Binds a connection without writing: what a plan does.
    pub(super) fn bind_for_reading(reader: &Reader, planned: &Planned) -> Result<(Link, i64), Error> {
        let name = planned.link(&ledger::Link::default(), reader.sealer().clone()).name();
        let known = ledger::find_link(reader.connection(), &name)?.unwrap_or_default();
        Ok((planned.link(&known, reader.sealer().clone()), known.revision))
    }
}

impl Planned {
    /// Whether it is one of this connection's.
    pub(super) fn is_of(&self, wanted: &Wanted) -> bool {
        self.audience == wanted.audience.value.as_str() && self.destination == wanted.destination.value.as_str()
    }

    /// The audience's condition.
    pub(super) fn condition(&self) -> &str {
        &self.condition
    }

    /// The ways into traits that are read, each with the link.
    fn nested(&self) -> impl Iterator<Item = (&Self, &Vec<String>)> {
        self.columns.program.read().iter().filter_map(move |column| match column {
            Column::Trait(names) if names.len() > 1 => Some((self, names)),
            _ => None,
        })
    }

    /// Where a trait is named: its row, or the mapping.
    fn place_of(&self, names: &[String]) -> &Place {
        let is_it = |(from, _): &(String, String)| trait_names(from).is_ok_and(|found| found == names);
        let row = self.guest.rows.iter().position(is_it).and_then(|at| self.places.get(at));
        row.unwrap_or(&self.place)
    }

    /// The mapping's name; empty where the connection names none.
    pub(super) fn mapping(&self) -> &str {
        &self.mapping
    }

    /// Audience, destination and mapping.
    pub(super) fn title(&self) -> String {
        format!("{}/{}/{}", self.audience, self.destination, self.mapping)
    }

    /// What is emitted, and in which form the mapping is given it; with what of traits and context its condition and
    /// expressions name, so that the event shows what they see.
    pub(super) fn emission_with_inputs(&self) -> (Emission, Form) {
        let (mut emission, form) = self.emission.clone();
        for column in self.columns.program.inputs() {
            let input = connection::input(column);
            if !emission.chosen.contains(&input) {
                emission.chosen.push(input);
            }
        }
        (emission, form)
    }

    /// Each condition of the mapping, and whether this profile meets it.
    pub(super) fn conditions(
        &self,
        reader: &Reader,
        profile: u32,
        is_member: bool,
    ) -> Result<Vec<(String, bool)>, Error> {
        self.of_profile(reader, profile, |json| self.columns.explain(json, is_member))
    }

    /// Whether this profile meets the condition of the mapping.
    pub(super) fn admits(&self, reader: &Reader, profile: u32) -> Result<bool, Error> {
        self.of_profile(reader, profile, |json| self.columns.admit(json))
    }

    fn of_profile<T: Default>(
        &self,
        reader: &Reader,
        profile: u32,
        look: impl Fn(&[Option<&str>]) -> T,
    ) -> Result<T, Error> {
        let mut seen = T::default();
        ValueReader::new(reader, &self.columns.read)?.read([profile], |_, _, _, json| {
            seen = look(json);
            Ok::<_, Error>(())
        })?;
        Ok(seen)
    }

    /// Why each row goes into its field.
    pub(super) fn matches(&self) -> &[How] {
        &self.matches
    }

    fn link(&self, known: &ledger::Link, sealer: Sealer) -> Link {
        let mut guest = self.guest.clone();
        guest.remote.clone_from(&known.remote);
        Link {
            id: known.id,
            audience: self.audience.clone(),
            destination: self.destination.clone(),
            mapping: self.mapping.clone(),
            condition: self.condition.clone(),
            plugin_name: format!("{} {}", self.loaded.manifest.id, self.loaded.manifest.version),
            manifest: Arc::clone(&self.loaded.manifest),
            plugin: self.loaded.plugin.clone(),
            plugin_digest: self.loaded.digest,
            remote: known.remote.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            columns: self.columns.clone(),
            program_text: self.program_text.clone(),
            identity: self.identity.clone(),
            requires_consent: self.requires_consent.clone(),
            sends_exits: self.sends_exits,
            client: Arc::clone(&self.client),
            tokens: None,
            sealer,
            settings_version: known.settings_version,
            batch_members: link::batch_members(&self.loaded.manifest, &guest.limits),
            guest,
            resend_changes: self.resend_changes,
            remove_max_percent: self.remove_max_percent,
            credential_scope: self.credential_scope.clone(),
            opened: known.opened.clone(),
            peaks: Arc::default(),
            trial: None,
        }
    }
}

fn load_plugins(config: &Config, runtime: &Runtime, found: &mut Diagnostics) -> BTreeMap<String, Loaded> {
    let mut plugins = BTreeMap::new();
    for (id, entry) in &config.plugins {
        let is_used = config.destinations.values().any(|destination| destination.plugin.value == *id);
        if !is_used {
            continue;
        }
        match load_plugin(runtime, entry) {
            Ok(loaded) => {
                plugins.insert(id.as_str().to_owned(), loaded);
            }
            Err(diagnostic) => found.push(*diagnostic),
        }
    }
    plugins
}

fn load_plugin(runtime: &Runtime, entry: &PluginEntry) -> Result<Loaded, Box<Diagnostic>> {
    let id = entry.id.value.as_str();
    let bytes = catalog::read_file(&entry.file.value).map_err(|error| {
        let hint = format!("build it with `enroute plugin build`, or mend the path of [plugin.{id}]");
        Diagnostic::error(Code::PluginFile, in_full(&error)).at(&entry.file.place).hint(hint)
    })?;
    let Some(expected) = &entry.sha256 else {
        let message = format!("plugin `{id}` has no `sha256`, so nothing says that its file is the one you reviewed");
        let hint = format!("look at it with `enroute plugin inspect`, then run `enroute plugin lock {id}`");
        return Err(Box::new(Diagnostic::error(Code::PluginNotLocked, message).at(&entry.id.place).hint(hint)));
    };
    let loaded = catalog::load_plugin(runtime, id, &bytes, Some(&expected.value.to_string()));
    let loaded = loaded.map_err(|error| {
        let (code, hint) = match &error {
            CatalogError::OtherDigest { .. } => (
                Code::PluginDiffers,
                format!("if you replaced it on purpose, inspect it and run `enroute plugin lock {id}`"),
            ),
            _ => (Code::PluginRefused, "ask its author for one built for this contract".to_owned()),
        };
        Diagnostic::error(code, in_full(&error)).at(&entry.file.place).hint(hint)
    })?;
    let limits = runtime.limits().with(&entry.limits);
    Ok(Loaded { manifest: Arc::new(loaded.manifest), plugin: loaded.plugin.limited(limits), digest: expected.value.0 })
}

/// What the plugin itself finds wrong.
async fn validate(wanted: &Wanted, destination: &Destination, planned: &Planned, found: &mut Diagnostics) {
    let problems = match planned.loaded.plugin.validate(&planned.guest).await {
        Ok(problems) => problems,
        Err(fault) => {
            found.push(Diagnostic::error(Code::PluginProblem, fault.to_string()).at(&wanted.place));
            return;
        }
    };
    for problem in problems {
        let place = match &problem.place {
            ProblemPlace::Setting(name) => match wanted.settings.get(name) {
                Some(own) => &own.place,
                None => destination.setting_place(name),
            },
            ProblemPlace::Row(at) => planned.places.get(*at as usize).unwrap_or(&wanted.place),
            ProblemPlace::Audience => &wanted.audience.place,
            ProblemPlace::Remote => &wanted.place,
        };
        let message = format!("{} says: {}", planned.loaded.manifest.id, problem.message);
        let diagnostic = if problem.is_error {
            Diagnostic::error(Code::PluginProblem, message)
        } else {
            Diagnostic::warning(Code::PluginProblem, message)
        };
        found.push(diagnostic.at(place).hint(problem.hint));
    }
}

/// An error with its causes, in one line.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
