//! Connections that an operator paused: what has gathered since, which one sync sends once they are resumed.

use enroute_config::Config;
use enroute_config::audiences_file::connection::{Connection as Wanted, Resend};
use enroute_store::ledger::{self, LinkName};
use enroute_store::{Error, Reader, audience, held};
use std::time::Duration;

use crate::report::ChangeCounts;

/// Longest evaluation of a paused connection's audience: what is only told must not hold up what is asked.
const AUDIENCE_WALL_MAX: Duration = Duration::from_secs(60);

/// A mapping of a connection that is paused.
#[derive(Debug, Clone)]
pub(crate) struct Paused {
    pub(crate) name: LinkName,
    /// How it is written: `enabled = false` and where.
    pub(crate) reason: String,
    condition: String,
    requires_consent: Vec<String>,
    resend_changes: bool,
}

impl Paused {
    /// The connections of these files that are paused, a row a mapping.
    pub(crate) fn all(config: &Config, only: Option<&str>) -> Vec<Self> {
        let asked = |wanted: &&Wanted| only.is_none_or(|only| only == wanted.audience.value.as_str());
        config.connections.iter().filter(asked).flat_map(|wanted| Self::of(config, wanted)).collect()
    }

    fn of(config: &Config, wanted: &Wanted) -> Vec<Self> {
        let Some(destination) = config.destinations.get(&wanted.destination.value) else { return Vec::new() };
        let Some(audience) = config.audiences.get(&wanted.audience.value) else { return Vec::new() };
        let reason = match (wanted.enabled, destination.enabled) {
            (true, true) => return Vec::new(),
            (false, _) => "the connection is paused in audiences.toml".to_owned(),
            (true, false) => format!("destination `{}` is paused in plugins.toml", wanted.destination.value.as_str()),
        };
        let mut mappings: Vec<&str> =
            wanted.mappings.iter().filter(|one| one.enabled).map(|one| one.name.value.as_str()).collect();
        if wanted.mappings.is_empty() {
            mappings.push("");
        }
        let one = |mapping: &str| Self {
            name: LinkName {
                audience: wanted.audience.value.as_str().to_owned(),
                destination: wanted.destination.value.as_str().to_owned(),
                mapping: mapping.to_owned(),
            },
            reason: reason.clone(),
            condition: audience.condition.value.clone(),
            requires_consent: destination.requires_consent.iter().map(|purpose| purpose.value.clone()).collect(),
            resend_changes: matches!(wanted.resend, Resend::Changed),
        };
        mappings.into_iter().map(one).collect()
    }

    /// Who would have to be looked at if it were resumed now: what came and went in between is not among them. Nothing
    /// where the audience cannot be evaluated.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn gathered(&self, reader: &Reader) -> Result<Option<ChangeCounts>, Error> {
        let limits = audience::Limits { wall: AUDIENCE_WALL_MAX };
        let Ok(evaluated) = audience::evaluate(reader, &self.condition, limits) else { return Ok(None) };
        let mut members = evaluated.members;
        if !self.requires_consent.is_empty() {
            members &= reader.consenting(&self.requires_consent)?;
        }
        let known = ledger::find_link(reader, &self.name)?.unwrap_or_default();
        let (held, _) = held::sets(reader, known.id)?;
        let changed = if self.resend_changes { reader.changed_since(known.revision)? } else { Default::default() };
        Ok(Some(ChangeCounts {
            added: (&members - &held).len(),
            updated: (&(&members & &held) & &changed).len(),
            removed: (&held - &members).len(),
        }))
    }
}
