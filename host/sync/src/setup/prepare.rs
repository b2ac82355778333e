//! Configuration and plugins put together: every connection ready to run, or every reason why not, at once.
//!
//! Nothing is sent here. Plugins are loaded only when their digest is the one in `plugins.toml`, and `validate` is
//! asked with the network closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use enroute_core::manifest::Target;
use enroute_core::matching::How;

use crate::setup::connection::{self, Wished};
use crate::setup::destination;
use crate::setup::link::{Earlier, Link};
use crate::setup::named::InAccount;
use crate::setup::paused::Paused;
use crate::setup::place;
use crate::setup::planned::Planned;
use crate::setup::plugins;
use crate::setup::shared;
use crate::setup::stopped::{Stopped, Validation};
use crate::setup::withdrawal::Parts;
use crate::setup::words::{dotted, word};
use enroute_auth::{Keepers, Source};
use enroute_config::Config;
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_config::files::Place;
use enroute_runtime::Runtime;
use enroute_store::ledger::{self, LinkName, Remotes};
use enroute_store::places::{self, Kept};
use enroute_store::{Error, Look, Reader, Sealer, Store, versions};

/// Every connection that can run.
#[derive(Debug)]
pub struct Setup {
    links: Vec<Planned>,
    /// Those that cannot, because of their plugins.
    stopped: Vec<Stopped>,
    /// Those that an operator paused.
    paused: Vec<Paused>,
    /// Why plugins are not there, by their names.
    refused: BTreeMap<String, String>,
    /// How each enabled destination gets its tokens, where it does.
    sources: BTreeMap<String, (Arc<Source>, Place)>,
    keepers: Arc<Keepers>,
    /// What reaches members who were put somewhere before.
    parts: Parts,
}

/// A connection that runs by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Connected {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The same for connections with the same credential. Not to be shown: it is made of a secret.
    pub scope: String,
    /// Another one where anything changed that decides what is sent, how, or with what.
    pub print: Vec<u8>,
}

impl std::fmt::Debug for Connected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.audience, self.destination)
    }
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
    /// Why the connection does not run, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// A trait with its field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MatchedRow {
    /// The trait.
    pub from: String,
    /// The field at the destination.
    pub field: String,
    /// `given`, or how it was found: `exact`, `spelling`, `synonym`, `same name` or `account`.
    pub how: &'static str,
    /// What the destination's account has of the field, where that is known and the plugin's manifest does not name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<InAccount>,
}

impl Setup {
    /// Loads plugins, checks settings, grants, rows and traits, and asks every plugin for problems, with what it
    /// learned earlier (`remotes`). `today` is `YYYY-MM-DD`. With `only`, connections of other audiences are left out.
    ///
    /// A mistake in the files is everybody's: there is no setup. What is wrong with a plugin, or in its eyes, costs the
    /// connections that use it, which are then [`Self::stopped`]; that and warnings come along with the setup.
    pub async fn prepare(
        config: &Config,
        runtime: &Runtime,
        remotes: &Remotes,
        today: &str,
        only: Option<&str>,
    ) -> (Option<Self>, Diagnostics) {
        let (mut found, mut of_plugins) = (Diagnostics::default(), Diagnostics::default());
        let plugins = plugins::load(config, runtime, &mut of_plugins);
        let mut destinations = BTreeMap::new();
        for (name, destination) in &config.destinations {
            let Some(loaded) = plugins.loaded.get(destination.plugin.value.as_str()) else { continue };
            if let Some(ready) = destination::prepare(destination, loaded, &config.sealed, &mut found).await {
                destinations.insert(name.as_str().to_owned(), (destination, loaded, ready));
            }
        }
        let (mut links, mut stopped, mut validation) = (Vec::new(), Vec::new(), Validation::default());
        for wanted in config.connections.iter().filter(|wanted| wanted.enabled) {
            let asked = only.is_none_or(|only| only == wanted.audience.value.as_str());
            let Some(destination) = config.destinations.get(&wanted.destination.value) else { continue };
            if !destination.enabled || !asked {
                continue;
            }
            let id = destination.plugin.value.as_str();
            if let Some(reason) = plugins.refused.get(id) {
                stopped.extend(Stopped::without_plugin(wanted, id, reason, links.len()));
            }
            let Some((destination, loaded, ready)) = destinations.get(wanted.destination.value.as_str()) else {
                continue;
            };
            let wished = Wished { config, wanted, destination, loaded, ready };
            for mut planned in connection::plan(&wished, today, &mut found) {
                planned.guest.remote = remotes.get(&(planned.audience.clone(), planned.destination.clone())).cloned();
                match validation.ask(wanted, destination, &planned, &mut of_plugins).await {
                    Some(objection) => stopped.push(Stopped::by(objection, planned, links.len())),
                    None => links.push(planned),
                }
            }
        }
        shared::tell(&links, &mut found);
        let sources = destinations.into_iter().filter_map(|(name, (destination, _, ready))| {
            Some((name, (ready.source?, destination.name.place.clone())))
        });
        let (sources, refused) = (sources.collect(), plugins.refused);
        let paused = Paused::all(config, only);
        let parts = Parts::of(config, plugins.loaded, refused.clone(), today);
        let setup = Self { links, stopped, paused, refused, sources, keepers: Arc::default(), parts };
        let is_sound = found.errors() == 0;
        found.append(of_plugins);
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
        let rows = |planned: &Planned| {
            let row = |((from, field), how): (&(String, String), &How)| MatchedRow {
                from: from.clone(),
                field: field.clone(),
                how: word(*how),
                account: None,
            };
            planned.guest.rows.iter().zip(&planned.matches).map(row).collect()
        };
        let link = |planned: &Planned| Matched {
            audience: planned.audience.clone(),
            destination: planned.destination.clone(),
            mapping: planned.mapping.clone(),
            rows: rows(planned),
            stopped: None,
        };
        let stopped = |stopped: &Stopped| Matched {
            audience: stopped.audience.clone(),
            destination: stopped.destination.clone(),
            mapping: stopped.mapping.clone(),
            rows: stopped.planned.as_deref().map_or_else(Vec::new, rows),
            stopped: Some(stopped.reason.clone()),
        };
        self.in_order(self.links.iter().map(link).collect(), stopped)
    }

    /// Puts those that are stopped among what is said of the links, in the order of the file.
    pub(crate) fn in_order<T>(&self, links: Vec<T>, stopped: impl Fn(&Stopped) -> T) -> Vec<T> {
        let stopped = self.stopped.iter().map(|one| (one.at, 0, stopped(one)));
        let mut all: Vec<_> = links.into_iter().enumerate().map(|(at, link)| (at, 1, link)).chain(stopped).collect();
        all.sort_by_key(|(at, rank, _)| (*at, *rank));
        all.into_iter().map(|(_, _, one)| one).collect()
    }

    /// Connections that do not run because of their plugins, and why.
    #[must_use]
    pub fn stopped(&self) -> &[Stopped] {
        &self.stopped
    }

    /// The connections that can run, as `AUDIENCE/DESTINATION`, with the mapping where there are several.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        self.links.iter().map(|planned| planned.title().trim_end_matches('/').to_owned()).collect()
    }

    /// Connections that an operator paused.
    pub(crate) fn paused(&self) -> &[Paused] {
        &self.paused
    }

    /// Why a plugin is not there, if it is not.
    #[must_use]
    pub fn refused(&self, plugin: &str) -> Option<&str> {
        self.refused.get(plugin).map(String::as_str)
    }

    /// Leaves only the connection to this destination.
    pub fn keep_destination(&mut self, destination: &str) {
        let before = |at: usize, links: &[Planned]| {
            links.iter().take(at).filter(|planned| planned.destination == destination).count()
        };
        self.stopped.retain(|stopped| stopped.destination == destination);
        self.stopped.iter_mut().for_each(|stopped| stopped.at = before(stopped.at, &self.links));
        self.paused.retain(|paused| paused.name.destination == destination);
        self.links.retain(|planned| planned.destination == destination);
    }

    /// One connection by itself, with all its mappings, and tokens that it shares with whoever has its credential.
    #[must_use]
    pub fn of(&self, audience: &str, destination: &str, keepers: Arc<Keepers>) -> Self {
        let is_it = |one: &str, other: &str| one == audience && other == destination;
        let links = self.links.iter().filter(|planned| is_it(&planned.audience, &planned.destination));
        let stopped = self.stopped.iter().filter(|stopped| is_it(&stopped.audience, &stopped.destination));
        Self {
            links: links.cloned().collect(),
            stopped: stopped.cloned().map(|stopped| Stopped { at: 0, ..stopped }).collect(),
            paused: Vec::new(),
            refused: self.refused.clone(),
            sources: self.sources.clone(),
            keepers,
            parts: self.parts.clone(),
        }
    }

    /// What runs by itself: every connection, with what tells whether an edit changed it.
    #[must_use]
    pub fn units(&self, sealer: &Sealer) -> Vec<Connected> {
        let mut units: Vec<Connected> = Vec::new();
        for planned in &self.links {
            let link = planned.link(&ledger::Link::default(), sealer.clone());
            let mut print = link.trial_digest();
            let rest = (&planned.condition, &planned.written, planned.sends_exits, planned.resend_changes);
            let more = (planned.history, planned.remove_max_percent, planned.retry, &planned.requires_consent);
            print.extend_from_slice(format!("{rest:?}{more:?}").as_bytes());
            match units.last_mut().filter(|last| planned.is_named(&last.audience, &last.destination)) {
                Some(last) => last.print.extend(print),
                None => units.push(Connected {
                    audience: planned.audience.clone(),
                    destination: planned.destination.clone(),
                    scope: planned.credential_scope.clone(),
                    print,
                }),
            }
        }
        units
    }

    /// The connections, in the order of the file.
    pub(crate) fn links(&self) -> &[Planned] {
        &self.links
    }

    /// How many connections can run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether nothing is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty() && self.stopped.is_empty()
    }

    /// Binds a connection to the store: finds its number, its remote and its settings version. Where it puts members
    /// somewhere else than before, those who are held become an earlier place's, from which they are withdrawn.
    pub(crate) async fn bind(&self, store: &Arc<Store>, planned: &Planned) -> Result<Link, Error> {
        let (unbound, sealer) = (planned.clone(), store.sealer().clone());
        let (mut link, places, target) = store
            .write(move |tx| {
                let kept = places::of(tx, &unbound.name())?;
                let mut against = unbound.against(kept.as_ref());
                let reused = unbound.reused(kept.as_ref());
                if reused.is_none()
                    && against.before.is_some()
                    && let Some(kept) = &kept
                {
                    places::leave(tx, kept, &place::text(&against.target))?;
                    // The place that is taken up again may have a list with a name of its own.
                    against = unbound.against(places::of(tx, &unbound.name())?.as_ref());
                }
                let named = unbound.named(&against);
                if let Some(reused) = reused {
                    let known = ledger::find_link(tx, &unbound.name())?.unwrap_or_default();
                    let link = Link { reused: Some(reused), ..named.link(&known, sealer) };
                    return Ok((link, Vec::new(), against.target));
                }
                let digest = named.link(&ledger::Link::default(), sealer.clone()).settings_digest();
                let known = ledger::link(tx, &unbound.name(), &digest)?;
                places::put(tx, known.id, &unbound.mapping, &unbound.place(&against))?;
                Ok((named.link(&known, sealer), earlier(tx, &unbound.name())?, against.target))
            })
            .await?;
        link.target = place::text(&target);
        link.tokens = planned.source.as_ref().map(|source| self.keepers.of(source, store));
        if !places.is_empty() {
            let tokens = Some((&*self.keepers, store));
            link.earlier = self.parts.earlier(planned, (places, &target), store.sealer(), tokens).await?;
        }
        Ok(link)
    }

    /// Binds a connection without writing: what a plan does. The number is none where members are put somewhere else
    /// than before, as they will then be put under another one.
    pub(crate) async fn bind_for_reading(&self, store: &Arc<Store>, planned: &Planned) -> Result<(Link, i64), Error> {
        let unbound = planned.clone();
        let (mut link, revision, places, target) = store.read(move |reader| Self::bind_alone(reader, &unbound)).await?;
        if !places.is_empty() {
            link.earlier = self.parts.earlier(planned, (places, &target), store.sealer(), None).await?;
        }
        Ok((link, revision))
    }

    /// The same for what is put into the place in force, with its revision, its earlier places and that place.
    pub(crate) fn bind_alone(reader: &Reader, planned: &Planned) -> Result<(Link, i64, Places, Target), Error> {
        let name = planned.name();
        let kept = places::of(reader, &name)?;
        let (against, reused) = (planned.against(kept.as_ref()), planned.reused(kept.as_ref()));
        let text = place::text(&against.target);
        let mut places = if reused.is_none() { earlier(reader, &name)? } else { Vec::new() };
        let mut known = ledger::find_link(reader, &name)?.unwrap_or_default();
        if against.before.is_some() && reused.is_none() {
            let left = std::mem::take(&mut known);
            if let Some(again) = places.iter().position(|(one, _)| one.place.target == text) {
                known = places.remove(again).1;
            }
            if let Some(kept) = kept.filter(|kept| kept.held > 0) {
                places.push((places::counted(reader, kept)?, left));
            }
        }
        let named = planned.named(&against);
        // What was edited since the last run decides already.
        let digest = named.link(&ledger::Link::default(), reader.sealer().clone()).settings_digest();
        known.settings_version = versions::number(reader, known.id, &digest)?;
        let link = named.link(&known, reader.sealer().clone());
        Ok((Link { target: text, reused, ..link }, known.revision, places, against.target))
    }

    /// Everybody whom these connections hold, ready to be withdrawn; a plan needs no tokens.
    pub(crate) async fn purged(&self, store: &Arc<Store>, held: &[Kept]) -> Result<Vec<Earlier>, Error> {
        let reader = store.reader()?;
        let with_rows = held.iter().map(|kept| places::link(&reader, kept).map(|known| (kept.clone(), known)));
        let with_rows = with_rows.collect::<Result<_, _>>()?;
        drop(reader);
        self.parts.purged(with_rows, store.sealer(), Some((&*self.keepers, store))).await
    }

    /// Whether a connection is synced: it is configured and enabled, and nothing is wrong with it.
    #[must_use]
    pub fn syncs(&self, name: &LinkName) -> bool {
        self.links.iter().any(|planned| planned.name() == *name)
    }

    /// Connections whose audience has the key of one that was removed, and why that is wrong.
    pub(crate) fn reused(&self, reader: &Reader) -> Result<Vec<(Place, String)>, Error> {
        let mut found = Vec::new();
        for planned in &self.links {
            let kept = places::of(reader, &planned.name())?;
            found.extend(planned.reused(kept.as_ref()).map(|reason| (planned.place.clone(), reason)));
        }
        Ok(found)
    }

    /// Notes in the store which connections are configured no more.
    pub(crate) async fn note_gone(&self, store: &Arc<Store>) -> Result<(), Error> {
        let parts = self.parts.clone();
        store.write(move |tx| places::note_gone(tx, |name| parts.is_configured(name))).await
    }
}

/// Places of a connection, with their rows.
type Places = Vec<(Kept, ledger::Link)>;

/// The earlier places of a connection, with their rows.
fn earlier(from: &impl Look, name: &LinkName) -> Result<Vec<(Kept, ledger::Link)>, Error> {
    let places = places::earlier(from, name)?.into_iter();
    places.map(|kept| places::link(from, &kept).map(|known| (kept, known))).collect()
}
