//! Before the first member: the remote list is found or made, and the plugin asked with what was learned.

use crate::delivery::open;
use crate::delivery::stop::Stop;
use crate::report::{LinkReport, LinkState};
use crate::run::session::Session;
use enroute_core::retry::Policy;
use enroute_runtime::{Fault, Problem, ProblemPlace};
use enroute_store::Error;
use std::sync::Arc;

impl Session {
    /// Finds or creates the remote list where that is due, and asks the plugin again with what was learned.
    pub(super) async fn open(&mut self) -> Result<Option<LinkReport>, Error> {
        let (was_opened, is_recent) = self.link.opened(self.options.clock.now_ms());
        // Whoever is withdrawn was put there once: it was opened then.
        if !self.link.manifest.opens || self.link.withdraws.is_some() {
            return Ok(None);
        }
        if !is_recent && let Some(failed) = self.open_anew(was_opened).await? {
            return Ok(Some(failed));
        }
        let mut found = self.validate().await;
        if !matches!(&found, Ok(errors) if errors.is_empty()) && is_recent && self.learn_anew().await? {
            // What was known was out of date: a field may have been made since.
            found = self.validate().await;
        }
        Ok(match found {
            Ok(errors) if errors.is_empty() => None,
            Ok(errors) => Some(self.failed(LinkState::Paused, errors.join("; "))),
            Err(fault) => {
                let state = if fault.kind.is_of_the_plugin() { LinkState::Paused } else { LinkState::Waiting };
                Some(self.faulted(state, fault.to_string(), Some(&fault)))
            }
        })
    }

    /// Opens the list. A run that waits tries again for as long as the destination is in trouble.
    async fn open_anew(&mut self, was_opened: bool) -> Result<Option<LinkReport>, Error> {
        let (clock, destination) = (self.options.clock.clone(), self.link.destination.clone());
        let patience = self.patience();
        for attempt in 1.. {
            let leave = tokio::select! {
                biased;
                () = self.options.halt.asked() => Err(Stop::Asked),
                leave = self.gates.circuit().pass(&destination, &clock, patience) => leave,
            };
            let leave = match leave {
                Ok(leave) => leave,
                Err(Stop::Later(_)) if was_opened => break,
                Err(Stop::Person(reason)) => return Ok(Some(self.failed(LinkState::Paused, reason))),
                Err(stop @ Stop::Asked) => return Ok(Some(self.failed(LinkState::Interrupted, stop.into_reason()))),
                Err(stop) => return Ok(Some(self.failed(LinkState::Waiting, stop.into_reason()))),
            };
            let not_opened = match open::open(&self.store, &self.link, self.run, &self.gates, &clock).await? {
                Ok(link) => {
                    self.link = Arc::new(link);
                    leave.succeeded(&clock).await?;
                    break;
                }
                Err(not_opened) => not_opened,
            };
            if !not_opened.needs_person && not_opened.after_ms == 0 {
                leave.failed(&clock, &not_opened.reason).await?;
            }
            // What was learned yesterday does until the destination is well again.
            if was_opened && !not_opened.needs_person {
                tracing::warn!(%destination, reason = %not_opened.reason, "not opened again");
                break;
            }
            let again_ms =
                clock.now_ms() + not_opened.after_ms.max(Policy::default().delay_ms(attempt, clock.random()));
            if not_opened.needs_person || !patience.allows(again_ms) {
                let state = if not_opened.needs_person { LinkState::Paused } else { LinkState::Waiting };
                return Ok(Some(self.faulted(state, not_opened.reason, not_opened.fault.as_ref())));
            }
            self.is_disturbed_until(again_ms).await;
        }
        Ok(None)
    }

    async fn learn_anew(&mut self) -> Result<bool, Error> {
        let opened = open::open(&self.store, &self.link, self.run, &self.gates, &self.options.clock).await?;
        let is_open = opened.is_ok();
        if let Ok(link) = opened {
            self.link = Arc::new(link);
        }
        Ok(is_open)
    }

    /// What the plugin finds wrong, knowing what it learned.
    async fn validate(&self) -> Result<Vec<String>, Fault> {
        let validated = self.link.plugin.validate(&self.link.guest).await;
        let (problems, usage) = validated.inspect_err(|fault| self.link.log_fault(fault))?;
        self.link.log("validate", &usage);
        Ok(problems.iter().filter(|problem| problem.is_error).map(|problem| self.in_words(problem)).collect())
    }

    /// A problem with its place, in one line.
    fn in_words(&self, problem: &Problem) -> String {
        let place = match &problem.place {
            ProblemPlace::Setting(name) => format!("setting `{name}`: "),
            ProblemPlace::Row(at) => {
                let row = self.link.guest.rows.get(*at as usize);
                row.map_or_else(String::new, |(from, field)| format!("trait `{from}` into field `{field}`: "))
            }
            ProblemPlace::Audience | ProblemPlace::Remote => String::new(),
        };
        format!("{place}{} ({})", problem.message, problem.hint)
    }
}
