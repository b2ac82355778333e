//! What is known of a connection before a run: the audience now, what the destination holds, who waits.

use crate::change::lot::Tried;
use crate::change::only::Only;
use crate::change::records;
use crate::change::resend::Resend;
use crate::report::{ChangeCounts, NO_MATCHING_MAPPING};
use crate::setup::link::Link;
use enroute_core::diff::{Candidates, State, candidates};
use enroute_core::retry::is_due;
use enroute_store::audience::{self, AudienceError};
use enroute_store::known::{self, First};
use enroute_store::{Reader, again, forgotten, held, ledger, letters, membership, outdated, waiting};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::time::Duration;

/// Longest evaluation of an audience.
///
/// Ten million profiles take four seconds; ten minutes is a query that will not end.
const AUDIENCE_WALL_MAX: Duration = Duration::from_secs(600);

/// Pause before one of those who were given up is tried again to see whether the cause is gone.
const PROBE_PAUSE_MS: u64 = 10 * 60_000;

/// A connection before a run.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) state: State,
    pub(crate) candidates: Candidates,
    /// How earlier runs tried members who were put off or given up.
    pub(crate) tried: HashMap<u32, Tried>,
    /// People in the audience; one who goes out under several identifiers is several members.
    pub(crate) profiles: u64,
    /// People in the audience who have not agreed to what the destination is for.
    pub(crate) withheld: u64,
    /// Members who are taken as known, because the first sync sends no history.
    pub(crate) known: u64,
    /// People who are being forgotten: no guard keeps them.
    pub(crate) forgotten: RoaringBitmap,
    /// Store revision up to which changes are looked at in this run.
    pub(crate) revision: i64,
    /// The audience, where a run should keep it for the next one.
    pub(crate) to_keep: Option<membership::Found>,
    /// Why every run evaluates the condition over everybody, if it does.
    pub(crate) whole: Option<&'static str>,
    /// Who is in the audience, also where everybody is withdrawn from this place.
    pub(crate) current: RoaringBitmap,
}

impl Snapshot {
    /// How many members were refused earlier and have not changed since.
    pub(crate) fn refused_before(&self) -> u64 {
        ((&self.state.refused & &self.state.audience) - &self.state.changed).len()
    }

    /// Leaves only these members to be looked at.
    pub(crate) fn keep(&mut self, members: &RoaringBitmap) {
        let Candidates { added, updated, removed, again, outdated } = &mut self.candidates;
        [added, updated, removed, again, outdated].into_iter().for_each(|set| *set &= members);
    }

    /// Leaves only one person to be looked at, whether or not anything has changed.
    pub(crate) fn restrict(&mut self, reader: &Reader, only: &Only) -> Result<(), enroute_store::Error> {
        let person = only.numbers(reader)? - &self.state.waiting;
        let State { audience, held, .. } = &self.state;
        let outdated = &person & &self.candidates.outdated;
        self.candidates = Candidates {
            added: &(&person & audience) - held,
            updated: (&(&person & audience) & held) - &outdated,
            removed: (&(&person & held) - audience) | &outdated,
            again: RoaringBitmap::new(),
            outdated,
        };
        Ok(())
    }

    /// Leaves only those who are sent again: nobody enters or leaves.
    pub(crate) fn restrict_to_again(&mut self, reader: &Reader, resend: Resend) -> Result<(), enroute_store::Error> {
        let again = std::mem::take(&mut self.candidates.again);
        // Of whom it is in doubt what the destination has, a resync that was cut off may have been sending.
        let mut updated = &(&again | &self.state.in_doubt) & &self.candidates.updated;
        if let Some(only) = resend.only(reader)? {
            updated &= only;
        }
        self.candidates = Candidates { again: again & &updated, updated, ..Candidates::default() };
        Ok(())
    }

    /// As if these were marked to be sent again.
    pub(crate) fn mark(&mut self, link: &Link, again: RoaringBitmap) {
        self.state.again |= again;
        self.candidates = candidates(&self.state, link.resend_changes);
    }

    /// Whether the destination is known to hold people besides those who have to be looked at.
    pub(crate) fn holds_others(&self) -> bool {
        let Candidates { added, updated, removed, .. } = &self.candidates;
        let State { held, in_doubt, .. } = &self.state;
        !(held - in_doubt - added - updated - removed).is_empty()
    }

    /// How many members have to be looked at.
    pub(crate) fn changes(&self) -> ChangeCounts {
        let Candidates { added, updated, removed, .. } = &self.candidates;
        ChangeCounts { added: added.len(), updated: updated.len(), removed: removed.len() }
    }
}

/// Up to where changes were looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The store revision.
    pub(crate) revision: i64,
    /// Changed profiles that could not be looked at, because a job about them was open.
    pub(crate) overtaken: RoaringBitmap,
}

/// Why a connection's state cannot be known.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Store(#[from] enroute_store::Error),
    /// The audience cannot be evaluated.
    #[error("the condition of audience `{audience}` has no result (E281): {source}; `enroute check` shows the place")]
    Audience {
        /// The audience's key.
        audience: String,
        /// What is wrong with it.
        source: AudienceError,
    },
}

/// Takes the snapshot.
pub(crate) fn take(reader: &Reader, link: &Link, seen: Seen, now_ms: u64) -> Result<Snapshot, SnapshotError> {
    let revision = reader.revision()?;
    let limits = audience::Limits { wall: AUDIENCE_WALL_MAX };
    let mut members = RoaringBitmap::new();
    let (mut to_keep, mut whole) = (None, None);
    if !link.condition.is_empty() {
        let found = membership::find(reader, &link.condition, limits)
            .map_err(|source| SnapshotError::Audience { audience: link.audience.clone(), source })?;
        to_keep = found.is_new.then(|| found.clone());
        whole = found.whole;
        members = found.members;
    }
    let mut withheld = 0;
    if !link.requires_consent.is_empty() {
        let all = members.len();
        members &= reader.consenting(&link.requires_consent)?;
        withheld = all - members.len();
    }
    let profiles = if link.withdraws.is_some() { 0 } else { members.len() };
    let (held, in_doubt) = held::sets(reader, link.id)?;
    let mut changed = reader.changed_since(seen.revision)? | seen.overtaken;
    let choice = link.columns.records_of();
    records::add_to(reader, choice.as_deref(), &mut [(&mut members, true), (&mut changed, false)])?;
    let (mut refused, mut refused_removals) =
        ledger::refused(reader, link.id, &link.plugin_digest, link.settings_version)?;
    let current = members.clone();
    if link.withdraws.is_some() {
        (members, withheld) = (RoaringBitmap::new(), 0);
    }
    let mut snapshot = Snapshot { revision, withheld, profiles, current, to_keep, whole, ..Snapshot::default() };
    snapshot.forgotten = forgotten::open_numbers(reader)?;
    // A run notes this before; a plan forecasts it.
    let tried_for = waiting::tried_for(reader, link.id)?;
    let is_changed = tried_for.is_some_and(|tried_for| tried_for != link.trial_digest());
    let mut waiting = RoaringBitmap::new();
    let version = (link.plugin_digest.as_slice(), link.settings_version);
    let mut due = waiting::updates_refused_before(reader, link.id, version, NO_MATCHING_MAPPING)?;
    let longest_ms = link.manifest.longest_wait_ms();
    let alone = letters::alone(reader, link.id)?;
    waiting::each(reader, link.id, |row| {
        if row.has_job || !is_due(row.due_ms, now_ms, longest_ms) && !is_changed {
            waiting.insert(row.profile);
        } else {
            due.insert(row.profile);
            let (attempts, first_ms, alone) = (row.attempts, row.first_ms, alone.contains(row.profile));
            snapshot.tried.insert(row.profile, Tried { attempts, first_ms, alone, is_probe: false });
        }
    })?;
    let since_ms = now_ms.saturating_sub(PROBE_PAUSE_MS);
    for probe in letters::probes(reader, link.id, version, since_ms)? {
        let letters::Death { profile, alone, attempts, first_ms } = probe.death;
        if if probe.is_removal { &mut refused_removals } else { &mut refused }.remove(profile) {
            due.insert(profile);
            snapshot.tried.insert(profile, Tried { attempts, first_ms, alone, is_probe: true });
        }
    }
    let again = again::marked(reader, link.id)?;
    let outdated = outdated(reader, link)?;
    snapshot.state =
        State { audience: members, held, in_doubt, changed, refused, refused_removals, outdated, waiting, due, again };
    snapshot.candidates = candidates(&snapshot.state, link.resend_changes);
    if !link.history {
        let first = match known::first(reader, link.id)? {
            First::Over => RoaringBitmap::new(),
            First::Left(left) => left,
            First::ToCome => snapshot.state.audience.clone(),
        };
        let first = &snapshot.candidates.added & first;
        snapshot.candidates.added -= &first;
        snapshot.known = first.len();
    }
    Ok(snapshot)
}

/// Members who were refused as they are now, and whom the destination holds as they were before.
fn outdated(reader: &Reader, link: &Link) -> Result<RoaringBitmap, enroute_store::Error> {
    if !link.sends_exits {
        return Ok(RoaringBitmap::new());
    }
    outdated::members(reader, link.id, (&link.plugin_digest, link.settings_version))
}
