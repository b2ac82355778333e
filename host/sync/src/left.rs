//! Members of connections that are configured no more: who they are, another name for what holds them, and letting go of
//! them without a request. Withdrawing them is a run of its own (`run/purge.rs`).

use serde::Serialize;

use crate::setup::place::definition;
use crate::setup::prepare::Setup;
use crate::setup::withdrawal::configured;
use enroute_config::Config;
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_core::words::{counted, noun};
use enroute_store::ledger::LinkName;
use enroute_store::places::{self, Kept};
use enroute_store::{Error, Look, Reader, Store};

/// Members whom a destination holds, and whom nothing in the configuration is about any more, or not at this place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftBehind {
    /// `E340`, where no connection of this name is configured; none for an earlier place of one that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name; empty where the connection named none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// Members who are held, or may be.
    pub held: u64,
    /// Where they are, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Why they are left behind.
    pub reason: String,
}

/// Which connections a command is about: `AUDIENCE`, `AUDIENCE/DESTINATION` or `AUDIENCE/DESTINATION/MAPPING`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Which {
    /// The audience's key.
    pub audience: String,
    /// The destination's name; all where not given.
    pub destination: Option<String>,
    /// The mapping's name; all where not given.
    pub mapping: Option<String>,
}

impl Which {
    /// Reads what was written; none where that names no audience.
    ///
    /// ```
    /// use enroute_sync::Which;
    /// let which = Which::parse("gold/ads").unwrap();
    /// assert_eq!((which.audience.as_str(), which.destination.as_deref(), which.mapping), ("gold", Some("ads"), None));
    /// assert_eq!(Which::parse("/ads"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '/').map(str::trim);
        let audience = parts.next().filter(|audience| !audience.is_empty())?.to_owned();
        let [destination, mapping] = [parts.next(), parts.next()];
        if destination == Some("") {
            return None;
        }
        Some(Self { audience, destination: destination.map(str::to_owned), mapping: mapping.map(str::to_owned) })
    }

    /// Whether a connection is one of them.
    #[must_use]
    pub fn is(&self, name: &LinkName) -> bool {
        self.audience == name.audience
            && self.destination.as_ref().is_none_or(|destination| *destination == name.destination)
            && self.mapping.as_ref().is_none_or(|mapping| *mapping == name.mapping)
    }
}

/// Everybody who is left behind.
///
/// # Errors
/// When the store cannot be read.
pub fn left_behind(reader: &Reader, config: &Config) -> Result<Vec<LeftBehind>, Error> {
    let names = configured(config);
    let held = places::holding(reader, |kept| kept.earlier.is_some() || !names.contains(&kept.own_name()))?;
    Ok(held.iter().filter_map(|kept| of(kept, &names, config)).collect())
}

fn of(kept: &Kept, names: &[LinkName], config: &Config) -> Option<LeftBehind> {
    let own = kept.own_name();
    let is_configured = names.contains(&own);
    if is_configured && kept.earlier.is_none() {
        return None;
    }
    let (audience, destination) = (&own.audience, &own.destination);
    let reason = if is_configured {
        "the connection puts its members somewhere else now".to_owned()
    } else if !config.destinations.keys().any(|name| name.as_str() == destination) {
        format!("destination `{destination}` is not in plugins.toml any more")
    } else if !config.audiences.keys().any(|key| key.as_str() == audience) {
        format!("audience `{audience}` is not in audiences.toml any more")
    } else if names.iter().any(|name| name.audience == *audience && name.destination == *destination) {
        match own.mapping.as_str() {
            "" => "the connection has mappings with names now".to_owned(),
            mapping => format!("the connection has no mapping \"{mapping}\" any more"),
        }
    } else {
        format!("audience `{audience}` is not connected to `{destination}` any more")
    };
    let target: Option<enroute_core::manifest::Target> = serde_json::from_str(&kept.place.target).ok();
    Some(LeftBehind {
        code: (!is_configured).then(|| Code::LeftBehind.id().to_owned()),
        held: kept.held,
        place: target.map(|target| target.list).filter(|list| !list.is_empty()),
        reason,
        audience: own.audience,
        destination: own.destination,
        mapping: own.mapping,
    })
}

impl LeftBehind {
    /// What the commands call it.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { audience, destination, mapping, .. } = self;
        if mapping.is_empty() {
            format!("{audience}/{destination}")
        } else {
            format!("{audience}/{destination}/{mapping}")
        }
    }

    /// How many there are and why, in a sentence.
    #[must_use]
    pub fn message(&self) -> String {
        let (held, is) = (counted(self.held, "member"), noun(self.held, "is"));
        let place = self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        format!("{held} of `{}` {is} still at the destination{place}: {}", self.name(), self.reason)
    }

    /// What there is to choose from.
    #[must_use]
    pub fn hint(&self) -> String {
        let name = self.name();
        format!(
            "`enroute purge {name}` withdraws them, `enroute adopt {name} NEW` says what it is called now, `enroute \
             forget --connection {name}` leaves them there; names with spaces stand in quotes"
        )
    }

    pub(crate) fn diagnostic(&self) -> Option<Diagnostic> {
        self.code.as_ref().map(|_| Diagnostic::warning(Code::LeftBehind, self.message()).hint(self.hint()))
    }
}

impl Setup {
    /// Who is left behind, and audiences with the key of one that was removed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn left_remarks(&self, reader: &Reader, config: &Config) -> Result<Diagnostics, Error> {
        let mut found = Diagnostics::default();
        left_behind(reader, config)?.iter().filter_map(LeftBehind::diagnostic).for_each(|one| found.push(one));
        for (place, reason) in self.reused(reader)? {
            let hint = "a key that comes back would take members of the old audience for its own";
            found.push(Diagnostic::error(Code::KeyReused, reason).at(&place).hint(hint));
        }
        Ok(found)
    }
}

/// What a command found that it cannot do.
#[derive(Debug, thiserror::Error)]
pub enum LeftError {
    /// The store fails.
    #[error("the store cannot be read or written")]
    Store(#[from] Error),
    /// The names do not fit what there is.
    #[error("{message}")]
    Mistake {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
}

fn mistake(message: impl Into<String>, hint: impl Into<String>) -> LeftError {
    LeftError::Mistake { message: message.into(), hint: hint.into() }
}

/// The connections that a command is about and that hold somebody, oldest first; with `only_earlier` their earlier places
/// alone.
///
/// # Errors
/// When there is none, or the store cannot be read.
pub fn held_by(from: &impl Look, which: &Which, only_earlier: bool) -> Result<Vec<Kept>, LeftError> {
    let is_it = |kept: &Kept| which.is(&kept.own_name()) && (!only_earlier || kept.earlier.is_some());
    let found = places::holding(from, is_it)?;
    if found.is_empty() {
        let all = places::holding(from, |_| true)?;
        let names: Vec<String> = all.iter().map(|kept| title(&kept.own_name())).collect();
        let what = if only_earlier { "earlier place of such a connection" } else { "connection of this name" };
        let hint = match names.as_slice() {
            [] => "nobody is held at all".to_owned(),
            names => format!("there are: {}", names.join(", ")),
        };
        return Err(mistake(format!("no {what} holds anybody"), hint));
    }
    Ok(found)
}

fn title(name: &LinkName) -> String {
    let LinkName { audience, destination, mapping } = name;
    if mapping.is_empty() { format!("{audience}/{destination}") } else { format!("{audience}/{destination}/{mapping}") }
}

/// A connection that goes on under another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// The old name, as `AUDIENCE/DESTINATION/MAPPING`.
    pub from: String,
    /// The new one.
    pub to: String,
    /// Members who are held.
    pub held: u64,
    #[serde(skip)]
    kept: Kept,
    #[serde(skip)]
    name: LinkName,
    #[serde(skip)]
    definition: Vec<u8>,
}

/// What it would mean that `new` is the new name of `old`.
///
/// # Errors
/// When the names do not fit what there is, or the store cannot be read.
pub fn adoption(reader: &Reader, config: &Config, old: &Which, new: &Which) -> Result<Vec<Adopted>, LeftError> {
    let names = configured(config);
    let mut found = Vec::new();
    for kept in held_by(reader, old, false)?.into_iter().filter(|kept| kept.earlier.is_none()) {
        let from = kept.own_name();
        let to = goes_to(&from, new, &names)?;
        if names.contains(&from) && from != to {
            let hint = "only what is configured no more has a new name";
            return Err(mistake(format!("`{}` is still configured", title(&from)), hint));
        }
        let there = places::of(reader, &to)?.filter(|there| there.link != kept.link && there.held > 0);
        if let Some(there) = there {
            let there = places::counted(reader, there)?;
            let message = format!("`{}` holds {} of its own", title(&to), counted(there.held, "member"));
            let hint = format!(
                "purge the old one: whom both hold stays at a place that both write into (`enroute purge {}`)",
                title(&from)
            );
            return Err(mistake(message, hint));
        }
        let destination = config.destinations.iter().find(|(name, _)| name.as_str() == to.destination);
        let plugin = destination.map(|(_, destination)| destination.plugin.value.as_str());
        if kept.is_known && plugin != Some(kept.place.plugin.as_str()) {
            let message = format!("`{}` is no destination of plugin `{}`", to.destination, kept.place.plugin);
            return Err(mistake(message, "members stay with the plugin that put them there"));
        }
        let audience = config.audiences.iter().find(|(key, _)| key.as_str() == to.audience);
        let condition = audience.map_or("", |(_, audience)| audience.condition.value.as_str());
        let definition = definition(condition);
        found.push(Adopted { from: title(&from), to: title(&to), held: kept.held, kept, name: to, definition });
    }
    Ok(found)
}

/// The configured connection that an old one goes on as.
fn goes_to(from: &LinkName, new: &Which, names: &[LinkName]) -> Result<LinkName, LeftError> {
    let destination = new.destination.as_ref().unwrap_or(&from.destination);
    let mut fitting: Vec<&LinkName> =
        names.iter().filter(|name| new.is(name) && name.destination == *destination).collect();
    if fitting.len() > 1 {
        fitting.retain(|name| name.mapping == from.mapping);
    }
    match fitting.as_slice() {
        [one] => Ok((*one).clone()),
        _ => {
            let wanted = format!("{}/{destination}", new.audience);
            let known: Vec<String> = names.iter().map(title).collect();
            let message = format!("there is no connection `{wanted}` that `{}` could go on as", title(from));
            Err(mistake(message, format!("name one of audiences.toml, with its mapping: {}", known.join(", "))))
        }
    }
}

/// Carries it out. Nothing is sent.
///
/// # Errors
/// When the store cannot be written.
pub async fn adopt(store: &Store, adopted: Vec<Adopted>) -> Result<(), Error> {
    store
        .write(move |tx| adopted.iter().try_for_each(|one| places::adopt(tx, &one.kept, &one.name, &one.definition)))
        .await
}

/// Lets go of everybody whom these connections hold. Nothing is sent: they stay where they are.
///
/// # Errors
/// When the store cannot be written.
pub async fn let_go(store: &Store, held: Vec<Kept>) -> Result<(), Error> {
    store.write(move |tx| held.iter().try_for_each(|kept| places::forget(tx, kept.link))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name([audience, destination, mapping]: [&str; 3]) -> LinkName {
        LinkName { audience: audience.to_owned(), destination: destination.to_owned(), mapping: mapping.to_owned() }
    }

    #[track_caller]
    fn check(from: [&str; 3], new: &str, expect: Option<&str>) {
        let names = [["vip", "ads", ""], ["vip", "crm", "a"], ["vip", "crm", "b"]].map(name);
        let found = goes_to(&name(from), &Which::parse(new).unwrap(), &names).ok();
        assert_eq!(found.as_ref().map(title).as_deref(), expect);
    }

    #[test]
    fn an_old_connection_goes_on_as_one_that_is_configured() {
        check(["gold", "ads", ""], "vip", Some("vip/ads"));
        check(["gold", "ads", "main"], "vip", Some("vip/ads"));
        check(["gold", "crm", "b"], "vip", Some("vip/crm/b"));
        check(["gold", "crm", ""], "vip", None);
        check(["gold", "crm", ""], "vip/crm/a", Some("vip/crm/a"));
        check(["gold", "old-ads", ""], "vip/ads", Some("vip/ads"));
        check(["gold", "old-ads", ""], "vip", None);
        check(["gold", "ads", ""], "gold", None);
    }
}
