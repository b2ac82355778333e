//! What is worth telling somebody after a run, by the alerts of the configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use enroute_config::audiences_file::alert::Alert;
use enroute_store::ledger::{self, LinkName};
use enroute_store::{Error, Reader, Store, alerts, chronicle};
use serde::Serialize;
use serde_json::Value;

use crate::clock::Clock;
use crate::history::LastReports;
use crate::report::{LinkReport, LinkState, RunReport};

/// The while that the delivery rate is about, and after which an alert that still holds is told again.
const DAY_MS: u64 = 24 * 3_600_000;
/// Members of the while below which a rate says nothing.
const MEMBERS_MIN: u64 = 10;

/// An alert that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Raised {
    /// The alert's name.
    pub alert: String,
    /// `delivery_rate`, `audience_size`, `partial_failure` or `paused`.
    pub kind: &'static str,
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// The run.
    pub run: i64,
    /// One sentence, without anything of a person.
    pub message: String,
    /// Whether nothing happened, and somebody tries whether it is told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

/// What an alert would tell, of everything that it watches: made up, to try whether it arrives.
#[must_use]
pub fn made_up(alert: &Alert) -> Vec<Raised> {
    let watched = [
        ("delivery_rate", alert.delivery_rate_min.is_some()),
        ("audience_size", alert.audience_change_max.is_some()),
        ("partial_failure", alert.partial_failure),
        ("paused", alert.paused),
    ];
    let one = |kind: &'static str| Raised {
        alert: alert.name.clone(),
        kind,
        audience: "an-audience".to_owned(),
        destination: "a-destination".to_owned(),
        mapping: String::new(),
        run: 0,
        message: format!("this is a test of `{}`: nothing happened", kind),
        test: true,
    };
    watched.into_iter().filter(|(_, is_watched)| *is_watched).map(|(kind, _)| one(kind)).collect()
}

impl Raised {
    fn key(&self) -> String {
        format!("{}\u{1f}{}{}", self.alert, self.kind, place(&self.audience, &self.destination, &self.mapping))
    }
}

/// The end of the keys of all alerts about a connection.
fn place(audience: &str, destination: &str, mapping: &str) -> String {
    ["", audience, destination, mapping].join("\u{1f}")
}

/// The alerts that are to be told after a run: those that hold and were not told within a day.
///
/// # Errors
/// When the store fails.
pub async fn raised(
    store: &Arc<Store>,
    wanted: &[Alert],
    report: &RunReport,
    clock: &Clock,
) -> Result<Vec<Raised>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let (wanted, run, now_ms) = (wanted.to_vec(), report.clone(), clock.now_ms());
    // What holds of connections that this run was not about still holds.
    let links = report.connections.iter();
    let about: Vec<String> = links.map(|link| place(&link.audience, &link.destination, &link.mapping)).collect();
    let all = store.read(move |reader| hold(reader, &wanted, &run, now_ms)).await?;
    let keys: BTreeSet<String> = all.iter().map(Raised::key).collect();
    let due = store.write(move |tx| alerts::hold(tx, &keys, &about, now_ms, DAY_MS)).await?;
    Ok(all.into_iter().filter(|one| due.contains(&one.key())).collect())
}

fn hold(reader: &Reader, wanted: &[Alert], run: &RunReport, now_ms: u64) -> Result<Vec<Raised>, Error> {
    let before = LastReports::read_before(reader, run.run)?;
    let mut found = Vec::new();
    for link in &run.connections {
        let name = LinkName {
            audience: link.audience.clone(),
            destination: link.destination.clone(),
            mapping: link.mapping.clone(),
        };
        let rate = match ledger::find_link(reader, &name)? {
            Some(known) => rate(&chronicle::stages(reader, known.id, now_ms.saturating_sub(DAY_MS))?, link),
            None => None,
        };
        let people = before.of(&link.audience, &link.destination, &link.mapping).and_then(people);
        for alert in wanted {
            let told = [
                ("delivery_rate", too_few(alert, rate)),
                ("audience_size", jumped(alert, people, link)),
                ("partial_failure", failed_in_part(alert, link)),
                ("paused", paused(alert, link)),
            ];
            let one = |(kind, message): (&'static str, Option<String>)| {
                let LinkName { audience, destination, mapping } = name.clone();
                Some(Raised {
                    alert: alert.name.clone(),
                    kind,
                    audience,
                    destination,
                    mapping,
                    run: run.run,
                    message: message?,
                    test: false,
                })
            };
            found.extend(told.into_iter().filter_map(one));
        }
    }
    Ok(found)
}

/// Of the members of a day: how many of a hundred were delivered, and how many there were. Who waits was not delivered.
fn rate(stages: &chronicle::Stages, link: &LinkReport) -> Option<(u64, u64)> {
    let count = |word: &str| stages.outcomes.get(word).copied().unwrap_or(0);
    let waiting: u64 = link.waiting.iter().filter(|one| one.code != "accepted").map(|one| one.members).sum();
    let rejected: u64 = stages.discards.values().map(|discard| discard.members).sum();
    let all = count("delivered") + rejected + waiting;
    (all >= MEMBERS_MIN).then(|| (count("delivered") * 100 / all, all))
}

fn too_few(alert: &Alert, rate: Option<(u64, u64)>) -> Option<String> {
    let (least, (rate, members)) = (u64::from(alert.delivery_rate_min?), rate?);
    (rate < least).then(|| format!("{rate} % of {members} members were delivered within a day, less than {least} %"))
}

fn people(report: &Value) -> Option<u64> {
    // A run that did not get to look at its members has no size.
    let is_known = matches!(report.get("state")?.as_str()?, "done" | "waiting");
    report.get("people")?.as_u64().filter(|_| is_known)
}

fn jumped(alert: &Alert, before: Option<u64>, link: &LinkReport) -> Option<String> {
    let (most, before) = (u64::from(alert.audience_change_max?), before?);
    let is_known = matches!(link.state, LinkState::Done | LinkState::Waiting);
    let percent = link.people.abs_diff(before) * 100 / before.max(1);
    (is_known && before.max(link.people) >= MEMBERS_MIN && percent > most).then(|| {
        format!("the audience went from {before} to {} people, by {percent} %, more than {most} %", link.people)
    })
}

fn failed_in_part(alert: &Alert, link: &LinkReport) -> Option<String> {
    let (rejected, dead) = (link.outcomes.rejected, link.dead_letters);
    (alert.partial_failure && rejected + dead > 0)
        .then(|| format!("{rejected} members were rejected in this run; {dead} are given up"))
}

fn paused(alert: &Alert, link: &LinkReport) -> Option<String> {
    let is_stopped = matches!(link.state, LinkState::Paused | LinkState::Guarded | LinkState::Failed);
    (alert.paused && is_stopped).then(|| link.reason.clone().unwrap_or_else(|| "it is stopped".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Alert {
        Alert {
            name: "ops".to_owned(),
            command: vec!["true".to_owned()],
            delivery_rate_min: Some(95),
            audience_change_max: Some(20),
            partial_failure: true,
            paused: true,
        }
    }

    fn link(state: LinkState, people: u64) -> LinkReport {
        LinkReport { people, ..LinkReport::ended(state, "the key is refused".to_owned()) }
    }

    #[test]
    fn a_rate_below_the_least_is_told() {
        assert_eq!(too_few(&alert(), Some((95, 100))), None);
        assert!(too_few(&alert(), Some((94, 100))).is_some());
        assert_eq!(too_few(&alert(), None), None);
        let mut stages = chronicle::Stages::default();
        stages.outcomes.insert("delivered".to_owned(), 9);
        assert_eq!(rate(&stages, &link(LinkState::Done, 9)), None, "nine say nothing");
        let discard = chronicle::Discard { members: 3, samples: Vec::new() };
        stages.discards.insert(("odd".to_owned(), String::new()), discard);
        assert_eq!(rate(&stages, &link(LinkState::Done, 9)), Some((75, 12)));
    }

    #[test]
    fn an_audience_that_jumps_is_told_and_one_that_was_not_looked_at_is_not() {
        assert_eq!(jumped(&alert(), Some(100), &link(LinkState::Done, 120)), None);
        assert!(jumped(&alert(), Some(100), &link(LinkState::Done, 79)).is_some());
        assert!(jumped(&alert(), Some(100), &link(LinkState::Done, 121)).is_some());
        assert_eq!(jumped(&alert(), Some(100), &link(LinkState::Paused, 0)), None);
        assert_eq!(jumped(&alert(), Some(3), &link(LinkState::Done, 1)), None);
        assert_eq!(jumped(&alert(), None, &link(LinkState::Done, 100)), None);
    }

    #[test]
    fn what_needs_a_person_and_what_failed_in_part_is_told() {
        assert_eq!(paused(&alert(), &link(LinkState::Paused, 9)).as_deref(), Some("the key is refused"));
        assert_eq!(paused(&alert(), &link(LinkState::Waiting, 9)), None);
        assert_eq!(failed_in_part(&alert(), &link(LinkState::Done, 9)), None);
        let dead = LinkReport { dead_letters: 1, ..link(LinkState::Done, 9) };
        assert!(failed_in_part(&alert(), &dead).is_some());
        let quiet = Alert { partial_failure: false, paused: false, ..alert() };
        assert_eq!((failed_in_part(&quiet, &dead), paused(&quiet, &link(LinkState::Failed, 9))), (None, None));
    }
}
