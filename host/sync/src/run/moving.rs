//! A connection in its turn: the places at which it put members before are left first, then it is synced.

use std::sync::Arc;

use crate::delivery::blame::Trust;
use crate::report::{LinkReport, LinkState};
use crate::run::session::Session;
use crate::run::turn::Turn;
use crate::setup::link::{Earlier, Link};
use enroute_core::words::counted;
use enroute_store::{Error, held};

impl Session {
    /// Reports on the connection, and behind it on each earlier place. While somebody of an earlier place waits to be
    /// withdrawn, nobody is added: the two may be one record at the destination.
    pub(super) async fn sync_in_turn(self, mut turn: Turn) -> Result<Vec<LinkReport>, Error> {
        turn.come().await;
        if let Some(reason) = &self.link.reused {
            return Ok(vec![self.failed(LinkState::Paused, reason.clone())]);
        }
        if self.options.again.is_some() && !self.link.earlier.is_empty() {
            let reason = "members are still at an earlier place of the connection: `enroute sync` withdraws them first";
            return Ok(vec![self.failed(LinkState::Paused, reason.to_owned())]);
        }
        let (mut reports, mut held_up) = (Vec::new(), None);
        for place in &self.link.earlier {
            let (report, left) = match place {
                Earlier::Ready(link) => {
                    let report = self.of(link).sync().await?;
                    let (store, id) = (Arc::clone(&self.store), link.id);
                    (report, store.read(move |reader| held::sets(reader, id)).await?.0.len())
                }
                Earlier::Stuck(stuck) => (stuck.report(), stuck.held),
            };
            held_up = held_up.or_else(|| holds_up(&report, left));
            reports.push(report);
        }
        let own = match held_up {
            Some((state, reason)) => self.failed(state, reason),
            None => self.sync().await?,
        };
        reports.insert(0, own);
        Ok(reports)
    }

    /// The same run for another link.
    fn of(&self, link: &Link) -> Self {
        Self {
            store: Arc::clone(&self.store),
            link: Arc::new(Link {
                trial: self.link.trial.clone(),
                party: self.link.party,
                figures: Arc::clone(&self.link.figures),
                ..link.clone()
            }),
            run: self.run,
            began_ms: self.began_ms,
            options: self.options.clone(),
            gates: Arc::clone(&self.gates),
            trust: Trust::default(),
            known: 0,
            // The connection's own place is kept while it moves.
            at_work: None,
        }
    }
}

/// Why the connection has to wait for an earlier place of it. Who was refused there stays, and nobody waits for that.
fn holds_up(report: &LinkReport, left: u64) -> Option<(LinkState, String)> {
    let (place, members) = (&report.mapping, counted(left, "member"));
    let reason = report.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match report.state {
        LinkState::Done => None,
        LinkState::Waiting => {
            let more = format!("{members} of {place} must be withdrawn first{reason}");
            (left > 0).then_some((LinkState::Waiting, more))
        }
        state => Some((state, format!("{place} must be left first{reason}"))),
    }
}
