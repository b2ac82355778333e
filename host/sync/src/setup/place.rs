//! Where a connection puts its members, beside where it put them before.

use enroute_core::manifest::{Manifest, Target};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use crate::setup::planned::Planned;
use enroute_store::ledger::LinkName;
use enroute_store::places::{Kept, Place};

/// A connection beside what is remembered of it.
pub(super) struct Against {
    /// What the audience is called there: a list keeps the name under which it was found or made.
    pub(super) audience_name: String,
    /// Where members are put from now on.
    pub(super) target: Target,
    /// Where they were put before, if that was somewhere else.
    pub(super) before: Option<Target>,
}

impl Planned {
    /// What the store finds it by.
    pub(super) fn name(&self) -> LinkName {
        LinkName {
            audience: self.audience.clone(),
            destination: self.destination.clone(),
            mapping: self.mapping.clone(),
        }
    }

    /// The same with the audience's name as it is there.
    pub(super) fn named(&self, against: &Against) -> Self {
        let mut named = self.clone();
        named.guest.audience_name.clone_from(&against.audience_name);
        named
    }

    fn settings(&self) -> Map<String, Json> {
        serde_json::from_str(&self.guest.settings).unwrap_or_default()
    }

    /// Whether it is at another place than what is remembered says.
    pub(super) fn against(&self, kept: Option<&Kept>) -> Against {
        let (manifest, key, own_name) = (&self.loaded.manifest, &self.audience, &self.guest.audience_name);
        let target = |name: &str| manifest.target(&self.settings(), key, name);
        let Some(kept) = kept.filter(|kept| kept.is_known) else {
            return Against { audience_name: own_name.clone(), target: target(own_name), before: None };
        };
        let old = target_of(manifest, &kept.place);
        let kept_name = if kept.held > 0 { &kept.place.audience_name } else { own_name };
        if old == target(kept_name) {
            return Against { audience_name: kept_name.clone(), target: old, before: None };
        }
        Against { audience_name: own_name.clone(), target: target(own_name), before: Some(old) }
    }

    /// What has to be remembered to reach its members where they are put.
    pub(super) fn place(&self, against: &Against) -> Place {
        Place {
            plugin: self.loaded.manifest.id.clone(),
            target: text(&against.target),
            audience_key: self.audience.clone(),
            audience_name: against.audience_name.clone(),
            settings: self.guest.settings.clone(),
            fields: serde_json::to_string(&self.columns.fields).unwrap_or_default(),
            sends_exits: self.sends_exits,
            definition: definition(&self.condition),
        }
    }

    /// Why it must not go on: somebody took the key of an audience that was removed, and there are members of that one.
    pub(super) fn reused(&self, kept: Option<&Kept>) -> Option<String> {
        let kept = kept.filter(|kept| kept.is_known && kept.is_gone && kept.held > 0)?;
        (kept.place.definition != definition(&self.condition)).then(|| {
            let (audience, destination, held) = (&self.audience, &self.destination, kept.held);
            format!(
                "the key `{audience}` was that of another audience, which was removed, and {held} of its members are \
                 still held: `enroute purge {audience}/{destination}` withdraws them, `enroute adopt \
                 {audience}/{destination} {audience}/{destination}` says that it is the same audience, `enroute forget \
                 --connection {audience}/{destination}` leaves them there; or take another key"
            )
        })
    }
}

/// Where members were put, as the manifest of now understands it; nowhere that another plugin knows.
pub(super) fn target_of(manifest: &Manifest, place: &Place) -> Target {
    if place.plugin != manifest.id {
        return serde_json::from_str(&place.target).unwrap_or_default();
    }
    let mut settings: Map<String, Json> = serde_json::from_str(&place.settings).unwrap_or_default();
    for setting in &manifest.settings {
        if let Some(default) = &setting.default {
            settings.entry(setting.name.clone()).or_insert_with(|| default.clone());
        }
    }
    manifest.target(&settings, &place.audience_key, &place.audience_name)
}

/// A target as the store keeps it: equal ones are equal texts.
pub(super) fn text(target: &Target) -> String {
    serde_json::to_string(target).unwrap_or_default()
}

/// What tells an audience from another one with its key.
pub(crate) fn definition(condition: &str) -> Vec<u8> {
    let words: Vec<&str> = condition.split_whitespace().collect();
    Sha256::digest(words.join(" ")).to_vec()
}
