//! Connections that share a credential: the unit whose pace, tokens and order are promised.
//!
//! Groups know nothing of each other and run side by side. Within one, connections run side by side as well, and pass
//! the same gates; the mappings of a connection run one after the other, in the order of the file.

use crate::delivery::blame::Trust;
use crate::report::LinkReport;
use crate::run::options::Options;
use crate::run::session::Session;
use crate::run::turn::Turn;
use crate::setup::link::Link;
use crate::setup::planned::Planned;
use crate::setup::prepare::Setup;
use crate::versions;
use enroute_store::{Error, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The connections of one credential.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// Their mappings in the order of the file, each with its place among all that run.
    links: Vec<(usize, &'a Planned)>,
}

/// A group that is ready to run.
#[derive(Debug)]
pub(crate) struct Bound {
    links: Vec<(usize, Arc<Link>)>,
    /// When each of them may run.
    turns: BTreeMap<usize, Turn>,
}

#[cfg(test)]
impl Bound {
    /// A group of these connections.
    pub(crate) fn of(links: Vec<Link>) -> Self {
        Self { links: links.into_iter().map(Arc::new).enumerate().collect(), turns: BTreeMap::new() }
    }
}

/// Who shares a credential with whom. Every mapping is in one group.
pub(super) fn plan_groups(setup: &Setup) -> Vec<Group<'_>> {
    let scopes = setup.links().iter().map(|planned| planned.credential_scope());
    let planned = |at: usize| setup.links().get(at).map(|planned| (at, planned));
    let together = together(scopes).into_iter();
    together.map(|places| Group { links: places.into_iter().filter_map(planned).collect() }).collect()
}

/// The places of equal ones, in the order in which each comes first.
fn together<'a>(scopes: impl Iterator<Item = &'a str>) -> Vec<Vec<usize>> {
    let (mut found, mut known) = (Vec::<Vec<usize>>::new(), BTreeMap::new());
    for (at, scope) in scopes.enumerate() {
        let group = *known.entry(scope).or_insert(found.len());
        match found.get_mut(group) {
            Some(places) => places.push(at),
            None => found.push(vec![at]),
        }
    }
    found
}

impl Group<'_> {
    /// Finds every mapping's number and what the store knows of it.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn bind(&self, store: &Arc<Store>, setup: &Setup, options: &Options) -> Result<Bound, Error> {
        let (mut links, mut turns) = (Vec::<(usize, Arc<Link>)>::new(), BTreeMap::new());
        for (at, planned) in &self.links {
            let mut link = setup.bind(store, planned).await?;
            if options.among.as_ref().is_some_and(|among| !among.contains_key(&link.id)) {
                continue;
            }
            versions::keep(store, &link, planned, options.clock.now_ms()).await?;
            link.figures = Arc::clone(&options.together.figures);
            link.trial = options.only.as_ref().map(|only| only.watch.clone());
            if let Some((_, last)) = links.last().filter(|(_, last)| are_one_connection(last, &link)) {
                link.party = last.party;
            }
            turns.insert(*at, options.together.turn(link.targets()));
            links.push((*at, Arc::new(link)));
        }
        Ok(Bound { links, turns })
    }
}

/// Syncs the connections of a group, and reports on each mapping with its place among all that run.
///
/// # Errors
/// When the store fails.
pub(super) async fn sync_group(
    store: Arc<Store>,
    (run, options): (i64, Options),
    mut group: Bound,
) -> Result<Vec<(usize, Vec<LinkReport>)>, Error> {
    let clock = options.clock.clone();
    let began_ms = clock.now_ms();
    let links: Vec<_> = group.links.iter().map(|(_, link)| Arc::clone(link)).collect();
    let gates = options.together.gates(&store, &links, &clock).await?;
    let mut running = JoinSet::new();
    for mappings in group.links.chunk_by(|(_, one), (_, next)| are_one_connection(one, next)) {
        let session = |link| Session {
            store: Arc::clone(&store),
            link,
            run,
            began_ms,
            options: options.clone(),
            gates: Arc::clone(&gates),
            trust: Trust::default(),
            known: 0,
            at_work: None,
        };
        // Before anybody begins: a place is kept for each from the start.
        let at_work = mappings.first().map(|(_, link)| gates.join(link));
        let mut sessions = Vec::new();
        for (at, link) in mappings {
            sessions.push((*at, session(Arc::clone(link)), group.turns.remove(at).unwrap_or_default()));
        }
        running.spawn(async move {
            let mut reports = Vec::new();
            let mut at_work = at_work;
            for (at, mut session, turn) in sessions {
                session.at_work = at_work.take().or_else(|| Some(session.gates.join(&session.link)));
                reports.push((at, session.sync_in_turn(turn).await?));
            }
            Ok::<_, Error>(reports)
        });
    }
    let mut reports = Vec::new();
    while let Some(joined) = running.join_next().await {
        reports.extend(joined.map_err(|_| Error::Broken("a connection was lost"))??);
    }
    options.together.part(gates, &clock).await?;
    Ok(reports)
}

fn are_one_connection(one: &Link, next: &Link) -> bool {
    one.audience == next.audience && one.destination == next.destination
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn who_shares_a_credential_is_in_one_group() {
        let scopes = ["a", "b", "a", "c", "b", "a"];
        assert_eq!(together(scopes.into_iter()), [vec![0, 2, 5], vec![1, 4], vec![3]]);
        assert!(together(std::iter::empty()).is_empty());
    }
}
