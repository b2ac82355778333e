//! One mapping of a connection from its first question to its report: pass after pass, until nobody waits for something
//! that the run waits for.

use crate::change::guard::Guard;
use crate::change::resend::Resend;
use crate::change::snapshot::{self, Seen, Snapshot, SnapshotError};
use crate::change::{cutter, records};
use crate::delivery::dispatch::{Dispatch, Dispatched};
use crate::delivery::known;
use crate::delivery::resume::{self, Asked};
use crate::delivery::stop::Stop;
use crate::report::{ChangeCounts, LinkReport, LinkState, Tally};
use crate::run::session::Session;
use enroute_core::diff::State;
use enroute_store::{Error, Transaction, again, ledger, letters, membership, waiting};
use roaring::RoaringBitmap;
use std::sync::Arc;

/// A job's next step that is due so soon is taken in the same run.
const STEP_MS_MAX: u64 = 500;
/// Steps in one run: a job that is made, filled, closed and asked about has four.
const STEPS_MAX: usize = 16;

impl Session {
    pub(super) async fn sync(mut self) -> Result<LinkReport, Error> {
        let now_ms = self.options.clock.now_ms();
        let (mut whole, mut changes) = (Tally::default(), ChangeCounts::default());
        if let Some(failed) = self.ready(now_ms, (&mut whole, &mut changes)).await? {
            return Ok(failed);
        }
        let (mut pass, mut refused_before, mut seen) = (1, 0, None);
        let mut guard = Guard::new(self.link.remove_max_percent, self.options.allow_empty);
        loop {
            let snapshot = match self.snapshot(seen.take()).await {
                Ok(snapshot) => snapshot,
                Err(error) => return self.without_snapshot(error),
            };
            self.prune(&snapshot).await?;
            let fresh = guard.unseen(&snapshot.candidates.outdated);
            match guard.look_at(&snapshot) {
                Some(reason) if pass == 1 => return Ok(self.failed(LinkState::Guarded, reason)),
                Some(reason) => {
                    let ended = (Some(Stop::Guarded(reason)), true, refused_before);
                    return self.report(&snapshot, changes, whole, ended).await;
                }
                None => {}
            }
            let found = snapshot.changes();
            count(pass, (&mut changes, found, fresh), &mut whole);
            if pass == 1 {
                refused_before = snapshot.refused_before();
            }
            let dispatched = self.dispatch(&snapshot, found.total(), guard).await?;
            let Dispatched { tally, asked, link, complete, mut stopped, trust, .. } = dispatched;
            (self.link, self.trust, guard) = (link, trust, dispatched.guard);
            let has_revived = tally.revived > 0;
            whole.absorb(if stopped.is_some() { tally.completed(found.total()) } else { tally });
            self.take_in(asked, &mut whole, &mut changes);
            if !matches!(stopped, Some(Stop::Person(_)))
                && let Some(stop) = self.next_steps(&mut whole, &mut changes).await?
            {
                stopped = Some(stop);
            }
            let overtaken = &snapshot.state.waiting & &snapshot.state.changed;
            if stopped.is_none() && complete {
                self.looked_at(&snapshot, overtaken.is_empty()).await?;
                seen = Some(Seen { revision: snapshot.revision, overtaken });
            }
            match self.earliest_wait().await? {
                Some(due_ms)
                    if (self.options.wait || has_revived && due_ms <= self.options.clock.now_ms())
                        && !matches!(stopped, Some(Stop::Person(_) | Stop::Asked | Stop::Guarded(_)))
                        && due_ms <= now_ms + self.link.retry.give_up_ms =>
                {
                    let stop = match self.is_disturbed_until(due_ms).await {
                        true => Some(Stop::Asked),
                        false => self.ask(&mut whole, &mut changes).await?,
                    };
                    if stop.is_some() {
                        return self.report(&snapshot, changes, whole, (stop, true, refused_before)).await;
                    }
                    pass += 1;
                }
                waiting => {
                    let ended = (stopped, waiting.is_some(), refused_before);
                    return self.report(&snapshot, changes, whole, ended).await;
                }
            }
        }
    }

    /// All that comes before anybody is looked at: takes as known whom the first sync does not send, opens the list, and
    /// asks about jobs.
    async fn ready(
        &mut self,
        now_ms: u64,
        (whole, changes): (&mut Tally, &mut ChangeCounts),
    ) -> Result<Option<LinkReport>, Error> {
        if self.options.halt.is_asked() {
            return Ok(Some(self.failed(LinkState::Interrupted, Stop::Asked.into_reason())));
        }
        self.begin(now_ms).await?;
        records::refresh(&self.link, &self.store).await?;
        let failed = match self.take_as_known().await? {
            Some(failed) => Some(failed),
            None => self.open().await?,
        };
        if failed.is_some() {
            return Ok(failed);
        }
        // Where the destination is in trouble, whatever is sent finds it out once more, and counts who waits for it.
        match self.ask(whole, changes).await? {
            Some(Stop::Person(reason)) => Ok(Some(self.failed(LinkState::Paused, reason))),
            _ => Ok(None),
        }
    }

    /// Where the first sync sends no history, takes who is a member as known.
    async fn take_as_known(&mut self) -> Result<Option<LinkReport>, Error> {
        if self.link.history || self.options.only.is_some() || self.options.again.is_some() {
            return Ok(None);
        }
        let snapshot = match self.snapshot(None).await {
            Ok(snapshot) => snapshot,
            Err(error) => return self.without_snapshot(error).map(Some),
        };
        self.known = known::take(&self.book(), &snapshot, self.options.clock.now_ms()).await?;
        Ok(None)
    }

    fn without_snapshot(&self, error: SnapshotError) -> Result<LinkReport, Error> {
        match error {
            SnapshotError::Store(error) => Err(error),
            SnapshotError::Audience { .. } => Ok(self.failed(LinkState::Failed, error.to_string())),
        }
    }

    /// Notes what was looked at: every change up to the snapshot's revision, and whom a resync is done with.
    async fn looked_at(&self, snapshot: &Snapshot, is_all: bool) -> Result<(), Error> {
        let (id, revision) = (self.link.id, snapshot.revision);
        let is_whole = self.options.is_whole();
        let is_resync = matches!(self.options.again, Some(Resend::All | Resend::Stale)) || is_whole;
        if is_resync && !snapshot.state.again.is_empty() {
            self.store.write(move |tx| again::end(tx, id)).await?;
        }
        if is_whole && is_all {
            self.store.write(move |tx| ledger::set_revision(tx, id, revision)).await?;
        }
        Ok(())
    }

    /// Lets nobody wait who is neither in the audience nor at the destination.
    async fn prune(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let State { audience, held, .. } = &snapshot.state;
        let (link, audience, held) = (self.link.id, audience.clone(), held.clone());
        self.store.write(move |tx| letters::prune(tx, link, &audience, &held)).await
    }

    /// Settles what a run that was cut off left behind, and lets those who wait for what has changed since wait no more.
    async fn begin(&self, now_ms: u64) -> Result<(), Error> {
        let (id, tried_for) = (self.link.id, self.link.trial_digest());
        let longest_ms = self.link.manifest.longest_wait_ms();
        let begin = move |tx: &Transaction<'_>| {
            ledger::settle_orphans(tx, id, now_ms)?;
            waiting::bring_back(tx, id, now_ms, longest_ms)?;
            waiting::try_for(tx, id, &tried_for, now_ms)
        };
        if self.store.write(begin).await? {
            let destination = &self.link.destination;
            tracing::info!(%destination, "plugin, settings or credential changed: who waits is due");
        }
        Ok(())
    }

    /// Asks about jobs that are due. Returns why the run has to end, if it has.
    async fn ask(&mut self, whole: &mut Tally, changes: &mut ChangeCounts) -> Result<Option<Stop>, Error> {
        let asked = resume::ask(&self.book(), &self.gates, &self.options.clock, self.patience()).await?;
        Ok(self.take_in(asked, whole, changes))
    }

    fn take_in(&mut self, mut asked: Asked, whole: &mut Tally, changes: &mut ChangeCounts) -> Option<Stop> {
        asked.tell(&mut self.trust);
        changes.updated += asked.of_earlier_runs + whole.withdraw_waiting(asked.of_this_run);
        whole.absorb(asked.tally);
        if let Some(remote) = &asked.remote {
            self.link = Arc::new(self.link.with_remote(remote));
        }
        asked.pause.or_else(|| self.trust.gave_up()).map(Stop::Person).or(asked.later)
    }

    /// Takes the steps of jobs that are due at once: a job that was only made would do nothing until the next run.
    async fn next_steps(&mut self, whole: &mut Tally, changes: &mut ChangeCounts) -> Result<Option<Stop>, Error> {
        for _ in 0..STEPS_MAX {
            if self.options.halt.is_asked() {
                break;
            }
            let soonest = resume::open_jobs(&self.book()).await?.iter().map(|ticket| ticket.due_ms).min();
            let soon_ms = self.options.clock.now_ms() + STEP_MS_MAX;
            let Some(due_ms) = soonest.filter(|due_ms| *due_ms <= soon_ms) else { break };
            self.options.clock.sleep_until(due_ms).await;
            if let Some(stop) = self.ask(whole, changes).await? {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    async fn snapshot(&self, seen: Option<Seen>) -> Result<Snapshot, SnapshotError> {
        let (link, now_ms) = (Arc::clone(&self.link), self.options.clock.now_ms());
        let (only, resend, among) = (self.options.only.clone(), self.options.again, self.options.among.clone());
        let mut snapshot = self
            .store
            .read(move |reader| {
                let known = ledger::find_link(reader, &link.name())?;
                let seen = seen.unwrap_or_else(|| Seen {
                    revision: known.map_or(0, |known| known.revision),
                    overtaken: RoaringBitmap::new(),
                });
                let mut snapshot = snapshot::take(reader, &link, seen, now_ms)?;
                if let Some(only) = &only {
                    snapshot.restrict(reader, only)?;
                }
                if let Some(members) = among.as_ref().and_then(|among| among.get(&link.id)) {
                    snapshot.keep(members);
                }
                if let Some(resend) = resend {
                    snapshot.restrict_to_again(reader, resend)?;
                }
                Ok::<_, SnapshotError>(snapshot)
            })
            .await?;
        if let Some(found) = snapshot.to_keep.take() {
            let (sealer, condition) = (self.link.sealer.clone(), self.link.condition.clone());
            // Of what is lost to a power cut, the next run finds what was kept before.
            self.store.write_relaxed(move |tx| membership::keep(tx, &sealer, &condition, &found, now_ms)).await?;
        }
        Ok(snapshot)
    }

    async fn dispatch(&mut self, snapshot: &Snapshot, total: u64, guard: Guard) -> Result<Dispatched, Error> {
        self.trust.look_at(total, snapshot.holds_others());
        let trust = std::mem::take(&mut self.trust);
        let (candidates, tried) = (Arc::new(snapshot.candidates.clone()), Arc::new(snapshot.tried.clone()));
        let cuttings = cutter::spawn(Arc::clone(&self.link), self.store.reader()?, candidates, tried, None);
        let patience = self.patience();
        let progress = (Arc::clone(&self.options.progress), total);
        let clock = self.options.clock.clone();
        Dispatch::new(self.book(), clock, patience, Arc::clone(&self.gates), progress, (trust, guard))
            .run(cuttings)
            .await
    }

    /// When something that waits is due.
    async fn earliest_wait(&self) -> Result<Option<u64>, Error> {
        let link = self.link.id;
        self.store.read(move |reader| waiting::earliest(reader, link)).await
    }
}

/// Adds to the changes what a pass of the run finds; `fresh` of them are withdrawals that no pass before has found.
fn count(pass: u32, (changes, found, fresh): (&mut ChangeCounts, ChangeCounts, u64), whole: &mut Tally) {
    if pass == 1 {
        *changes = changes.plus(found);
    } else {
        // A change that was refused has its outcome, and its withdrawal will have another.
        changes.removed += fresh;
        changes.updated += whole.withdraw_waiting(found.total().saturating_sub(fresh));
    }
}
