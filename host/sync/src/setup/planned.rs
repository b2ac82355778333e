//! A connection that is thought through, before it is bound to the store.

use std::sync::Arc;

use enroute_core::emission::{Emission, Form, Input};
use enroute_core::manifest::{Identity, Manifest};
use enroute_core::matching::How;
use enroute_core::path::trait_names;
use enroute_core::retry::Policy;

use crate::setup::columns::Columns;
use crate::setup::link::{Link, batch_members, phone_regions};
use crate::setup::named::Naming;
use enroute_auth::Source;
use enroute_config::audiences_file::connection::Connection as Wanted;
use enroute_config::files::Place;
use enroute_egress::Client;
use enroute_runtime::{Connection, Plugin};
use enroute_store::ledger;
use enroute_store::{Column, Error, Reader, Sealer, ValueReader};

/// A plugin that was loaded.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) manifest: Arc<Manifest>,
    pub(super) plugin: Plugin,
    pub(super) digest: [u8; 32],
}

/// A connection before it is bound to the store.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(super) audience: String,
    pub(super) condition: String,
    pub(super) destination: String,
    pub(super) mapping: String,
    pub(super) loaded: Loaded,
    pub(super) guest: Connection,
    pub(super) columns: Columns,
    /// Why each row goes into its field.
    pub(super) matches: Vec<How>,
    /// What is emitted, for those who look at it.
    pub(super) emission: (Emission, Form),
    /// Where the mapping stands in the file.
    pub(super) place: Place,
    /// Where each row stands in the file.
    pub(super) places: Vec<Place>,
    /// Settings that name something in the account.
    pub(super) namings: Vec<Naming>,
    /// The connection as audiences.toml has it.
    pub(super) written: Option<Arc<str>>,
    /// What decides on members and is not part of what the plugin is told.
    pub(super) program_text: String,
    pub(super) identity: Identity,
    pub(super) requires_consent: Vec<String>,
    pub(super) retry: Policy,
    pub(super) sends_exits: bool,
    pub(super) client: Arc<Client>,
    pub(super) source: Option<Arc<Source>>,
    pub(super) credential_scope: String,
    pub(super) resend_changes: bool,
    pub(super) history: bool,
    pub(super) remove_max_percent: u8,
}

impl Planned {
    /// Whether it is one of this connection's.
    pub(crate) fn is_of(&self, wanted: &Wanted) -> bool {
        self.audience == wanted.audience.value.as_str() && self.destination == wanted.destination.value.as_str()
    }

    /// Whether it is one of the connection between these two.
    pub(super) fn is_named(&self, audience: &str, destination: &str) -> bool {
        self.audience == audience && self.destination == destination
    }

    /// The same for destinations with the same credential.
    pub(crate) fn credential_scope(&self) -> &str {
        &self.credential_scope
    }

    /// The audience's condition.
    pub(crate) fn condition(&self) -> &str {
        &self.condition
    }

    /// The ways into traits that are read, each with the link.
    pub(super) fn nested(&self) -> impl Iterator<Item = (&Self, &Vec<String>)> {
        self.columns.program.read().iter().filter_map(move |column| match column {
            Column::Trait(names) if names.len() > 1 => Some((self, names)),
            _ => None,
        })
    }

    /// Where a trait is named: its row, or the mapping.
    pub(super) fn place_of(&self, names: &[String]) -> &Place {
        let is_it = |(from, _): &(String, String)| trait_names(from).is_ok_and(|found| found == names);
        let row = self.guest.rows.iter().position(is_it).and_then(|at| self.places.get(at));
        row.unwrap_or(&self.place)
    }

    /// The mapping's name; empty where the connection names none.
    pub(crate) fn mapping(&self) -> &str {
        &self.mapping
    }

    /// The connection as audiences.toml has it; none where it is no table of its own.
    pub(crate) fn written(&self) -> Option<&str> {
        self.written.as_deref()
    }

    /// Audience, destination and mapping.
    pub(crate) fn title(&self) -> String {
        format!("{}/{}/{}", self.audience, self.destination, self.mapping)
    }

    /// What is emitted, and in which form the mapping is given it; with what of traits and context its condition and
    /// expressions name, so that the event shows what they see.
    pub(crate) fn emission_with_inputs(&self) -> (Emission, Form) {
        let (mut emission, form) = self.emission.clone();
        for column in self.columns.program.inputs() {
            let input = input(column);
            if !emission.chosen.contains(&input) {
                emission.chosen.push(input);
            }
        }
        (emission, form)
    }

    /// Each condition of the mapping, and whether this profile meets it.
    pub(crate) fn conditions(
        &self,
        reader: &Reader,
        profile: u32,
        is_member: bool,
    ) -> Result<Vec<(String, bool)>, Error> {
        self.of_profile(reader, profile, |json| self.columns.explain(json, is_member))
    }

    /// Whether this profile meets the condition of the mapping.
    pub(crate) fn admits(&self, reader: &Reader, profile: u32) -> Result<bool, Error> {
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

    /// `id version` of the plugin.
    pub(super) fn plugin_name(&self) -> String {
        format!("{} {}", self.loaded.manifest.id, self.loaded.manifest.version)
    }

    /// Why each row goes into its field.
    pub(crate) fn matches(&self) -> &[How] {
        &self.matches
    }

    pub(super) fn link(&self, known: &ledger::Link, sealer: Sealer) -> Link {
        let mut guest = self.guest.clone();
        guest.remote.clone_from(&known.remote);
        Link {
            id: known.id,
            party: known.id,
            audience: self.audience.clone(),
            destination: self.destination.clone(),
            mapping: self.mapping.clone(),
            condition: self.condition.clone(),
            plugin_name: self.plugin_name(),
            manifest: Arc::clone(&self.loaded.manifest),
            plugin: Arc::new(self.loaded.plugin.clone()),
            plugin_digest: self.loaded.digest,
            remote: known.remote.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            columns: self.columns.clone(),
            program_text: self.program_text.clone(),
            identity: self.identity.clone(),
            phone_regions: phone_regions(&self.loaded.manifest, &guest.settings),
            requires_consent: self.requires_consent.clone(),
            retry: self.retry,
            sends_exits: self.sends_exits,
            client: Arc::<Client>::clone(&self.client),
            tokens: None,
            sealer,
            settings_version: known.settings_version,
            batch_members: batch_members(&self.loaded.manifest, &guest.limits),
            guest,
            resend_changes: self.resend_changes,
            history: self.history,
            remove_max_percent: self.remove_max_percent,
            credential_scope: self.credential_scope.clone(),
            opened: known.opened.clone(),
            peaks: Arc::default(),
            figures: Arc::default(),
            trial: None,
            target: String::new(),
            released: Arc::default(),
            withdraws: None,
            earlier: Vec::new(),
            reused: None,
        }
    }
}

/// What a column is called in an event.
pub(super) fn input(column: &Column) -> Input {
    match column {
        Column::Trait(names) => Input::Trait(names.clone()),
        Column::Context(names) => Input::Context(names.clone()),
        Column::Identifier(kind) => Input::Identifier(kind.clone()),
    }
}
