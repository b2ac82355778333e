//! What a run reports of a mapping.

use crate::change::snapshot::Snapshot;
use crate::clock::moment;
use crate::delivery::stop::Stop;
use crate::doubt;
use crate::report::{ChangeCounts, LinkReport, LinkState, ReasonCount, Tally, taken_as_known};
use crate::run::session::Session;
use enroute_store::waiting::{self, WaitingReason};
use enroute_store::{Error, held, ledger, letters};
use std::sync::Arc;

impl Session {
    pub(super) async fn report(
        &self,
        snapshot: &Snapshot,
        changes: ChangeCounts,
        tally: Tally,
        (stopped, is_waiting, refused_before): (Option<Stop>, bool, u64),
    ) -> Result<LinkReport, Error> {
        let link = self.link.id;
        let changes = ChangeCounts { removed: changes.removed + tally.withdrawn, ..changes };
        let version = (self.link.plugin_digest, self.link.settings_version);
        let stopped = stopped.or_else(|| self.trust.never_worked().map(Stop::Person));
        if matches!(stopped, Some(Stop::Person(_))) {
            // What has to be mended may be the list itself: the next run looks for it again.
            self.store.write(move |tx| ledger::forget_opened(tx, link)).await?;
        }
        let ((held, in_doubt), waiting, due, standing) = self
            .store
            .read(move |reader| {
                let sets = held::sets(reader, link)?;
                let waiting = waiting::reasons(reader, link)?;
                let standing = letters::standing(reader, link, (&version.0, version.1))?;
                Ok::<_, Error>((sets, waiting, waiting::due(reader, link)?, standing))
            })
            .await?;
        let state = match &stopped {
            Some(Stop::Person(_)) => LinkState::Paused,
            Some(Stop::Later(_)) => LinkState::Waiting,
            Some(Stop::Asked) => LinkState::Interrupted,
            Some(Stop::Guarded(_)) => LinkState::Guarded,
            None if is_waiting || !waiting.is_empty() => LinkState::Waiting,
            None if tally.outcomes.deferred + tally.outcomes.unknown > 0 => LinkState::Waiting,
            None => LinkState::Done,
        };
        let base = self.failed(state, String::new());
        let ([kept, removals, dead], audience) = (standing, &snapshot.state.audience);
        let refused = (kept & audience) | (removals & (&held - audience));
        Ok(LinkReport {
            reason: stopped.map(Stop::into_reason),
            notes: self.notes(snapshot).await?,
            people: snapshot.profiles,
            members: snapshot.state.audience.len(),
            withheld: snapshot.withheld,
            adds_up: tally.outcomes.total() == changes.total(),
            changes,
            outcomes: tally.outcomes,
            requests: tally.requests,
            repeated: tally.repeated,
            rejections: tally.rejections(&self.link.manifest.codes),
            refused_before,
            dead_letters: (dead & &refused).len(),
            refused: refused.len(),
            warnings: tally.warnings(&self.link.manifest.codes),
            refused_requests: tally.refused(),
            unattributed: tally.unattributed.into_map(),
            faults: tally.faults,
            held: (&held - &in_doubt).len(),
            in_doubt: in_doubt.len(),
            next_due: due.map(|(first_ms, _)| moment(first_ms)),
            waiting: waiting.into_iter().map(waits).collect(),
            ..base
        })
    }

    /// An audience with nobody in it, and nobody of it at the destination, is told: it may be meant, or a mistake.
    async fn notes(&self, snapshot: &Snapshot) -> Result<Vec<String>, Error> {
        if let Some(why) = &self.link.withdraws {
            return Ok(vec![why.clone()]);
        }
        if self.known > 0 {
            return Ok(vec![taken_as_known(self.known)]);
        }
        let is_empty = snapshot.profiles + snapshot.withheld == 0 && snapshot.state.held.is_empty();
        if !is_empty || self.options.only.is_some() {
            return Ok(Vec::new());
        }
        let link = Arc::clone(&self.link);
        self.store.read(move |reader| doubt::nobody(reader, &link.condition)).await
    }
}

/// Why members wait, as a reason of the report.
fn waits(waiting: WaitingReason) -> ReasonCount {
    let WaitingReason { state, reason, members, until_ms } = waiting;
    let known = || match state.as_str() {
        "accepted" => "the destination works on them".to_owned(),
        _ => "they are tried again later".to_owned(),
    };
    let reason = reason.unwrap_or_else(known);
    ReasonCount { code: state, field: None, reason, members, hint: None, until: Some(moment(until_ms)) }
}
