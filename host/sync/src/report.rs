//! What a run did, in numbers that add up.

use crate::report::bounded::Bounded;
use enroute_core::outcome::{OTHERS, Outcome};
use enroute_core::plain;
use enroute_core::words::{counted, noun};
use enroute_egress::Refusal;
use enroute_runtime::{Fault, LogLine, Peak};
use enroute_store::ledger::RequestRow;
use serde::Serialize;
use std::collections::BTreeMap;

pub(crate) mod bounded;
pub(crate) mod codes;

/// Code of members whom a mapping's condition leaves out.
pub(crate) const NO_MATCHING_MAPPING: &str = "no_matching_mapping";

/// Members by what was found to do for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ChangeCounts {
    /// Entered the audience.
    pub added: u64,
    /// Stayed, and had to be looked at.
    pub updated: u64,
    /// Left the audience.
    pub removed: u64,
}

impl ChangeCounts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.added + self.updated + self.removed
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            added: self.added + other.added,
            updated: self.updated + other.updated,
            removed: self.removed + other.removed,
        }
    }
}

/// Members by what became of them in this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeCounts {
    /// Confirmed by the destination.
    pub delivered: u64,
    /// Nothing had to be sent.
    pub unchanged: u64,
    /// Cannot be delivered as they stand.
    pub rejected: u64,
    /// Put off.
    pub deferred: u64,
    /// Taken in by the destination, which tells later.
    pub accepted: u64,
    /// No clear answer came.
    pub unknown: u64,
}

impl OutcomeCounts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.delivered + self.unchanged + self.rejected + self.deferred + self.accepted + self.unknown
    }

    /// Each outcome's word with its members.
    #[must_use]
    pub const fn words(&self) -> [(&'static str, u64); 6] {
        [
            ("delivered", self.delivered),
            ("unchanged", self.unchanged),
            ("rejected", self.rejected),
            ("deferred", self.deferred),
            ("accepted", self.accepted),
            ("unknown", self.unknown),
        ]
    }

    /// Adds members to the outcome with this word.
    pub(crate) fn add(&mut self, word: &str, members: u64) {
        match word {
            "delivered" => self.delivered += members,
            "unchanged" => self.unchanged += members,
            "rejected" => self.rejected += members,
            "deferred" => self.deferred += members,
            "accepted" => self.accepted += members,
            _ => self.unknown += members,
        }
    }
}

/// Requests that left, by what they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RequestCounts {
    /// As planned.
    pub prepared: u64,
    /// Part of a planned one, after a split.
    pub subset: u64,
    /// Followed from an answer.
    pub derived: u64,
}

/// Members who share a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// snake_case.
    pub code: String,
    /// The field concerned.
    pub field: Option<String>,
    /// One sentence.
    pub reason: String,
    /// How many.
    pub members: u64,
    /// What the plugin's manifest says to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Of those who wait, when the last of them is due, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Requests that the host refused for one reason: the plugin's doing, and no destination's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRequests {
    /// snake_case: which part of the request is at fault.
    pub code: String,
    /// One clause, with the host, header, path segment or item.
    pub reason: String,
    /// How many requests.
    pub requests: u64,
}

/// A call that failed inside a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    /// `validate`, `map` or `send`.
    pub function: String,
    /// The code that receipts show.
    pub code: String,
    /// One sentence.
    pub reason: String,
    /// Members of the call.
    pub members: u64,
    /// Functions of the guest, innermost first.
    pub backtrace: Vec<String>,
    /// What the guest logged last in the first of these calls, `level: message`, values of members covered.
    pub log: Vec<String>,
    /// What the guest last wrote to standard error: for people at the terminal, never stored.
    #[serde(skip)]
    pub stderr: String,
    /// How many calls failed in this way.
    pub times: u64,
}

impl FaultReport {
    /// A call about so many members that failed once.
    pub(crate) fn new(fault: &Fault, members: u64) -> Self {
        Self {
            function: fault.function.to_owned(),
            code: fault.kind.code().to_owned(),
            reason: fault.reason.clone(),
            members,
            backtrace: fault.backtrace.to_vec(),
            log: last_lines(fault),
            stderr: fault.stderr.to_string(),
            times: 1,
        }
    }
}

/// How a connection's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Everything that could be done is done.
    Done,
    /// Some members wait: for a moment, for an answer, or for a job at the destination.
    Waiting,
    /// A person must mend something first.
    Paused,
    /// A guard stopped it before anything was sent.
    Guarded,
    /// It could not run at all.
    Failed,
    /// The run was told to end before this connection was through.
    Interrupted,
}

/// One audience at one destination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinkReport {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// Plugin and version.
    pub plugin: String,
    /// How it ended.
    pub state: LinkState,
    /// Why, where it is not done.
    pub reason: Option<String>,
    /// What is odd though nothing is wrong, such as an audience with nobody in it.
    pub notes: Vec<String>,
    /// People in the audience.
    pub people: u64,
    /// Members: one a person, and one more for each further value of an identifier that goes out.
    pub members: u64,
    /// People in the audience who have not agreed to what the destination is for; nothing about them is sent.
    pub withheld: u64,
    /// Members who had to be looked at.
    pub changes: ChangeCounts,
    /// What became of them; adds up to `changes`.
    pub outcomes: OutcomeCounts,
    /// Requests that left.
    pub requests: RequestCounts,
    /// Members who were sent again, because it was not known whether an earlier request had arrived.
    pub repeated: u64,
    /// Why members were rejected.
    pub rejections: Vec<ReasonCount>,
    /// Members refused in earlier runs whose profile has not changed since.
    pub refused_before: u64,
    /// Members who stand refused after the run, for whatever is sent of them now.
    pub refused: u64,
    /// Of those, the ones who were given up after hours: `enroute retry` sends them again.
    pub dead_letters: u64,
    /// Worth telling about members who were delivered.
    pub warnings: Vec<ReasonCount>,
    /// Refusals that the destination only counts.
    pub unattributed: BTreeMap<String, u64>,
    /// Requests of the plugin that the host refused; nothing of them left.
    pub refused_requests: Vec<RefusedRequests>,
    /// What went wrong inside the plugin.
    pub faults: Vec<FaultReport>,
    /// Version of the settings and the mapping in force.
    pub settings_version: u64,
    /// Members whom the destination is known to hold after the run.
    pub held: u64,
    /// Members of whom it is in doubt what the destination has.
    pub in_doubt: u64,
    /// Why members wait after the run: for another attempt, for clarity, or for a job at the destination.
    pub waiting: Vec<ReasonCount>,
    /// When the first of them is due, in UTC; a run before does nothing about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due: Option<String>,
    /// The most that one call of the plugin used of each limit, beside what it may.
    pub usage: Vec<Peak>,
    /// Whether the outcomes add up to the changes.
    pub adds_up: bool,
}

impl LinkReport {
    /// Of a connection that did not get to look at its members.
    pub(crate) fn ended(state: LinkState, reason: String) -> Self {
        Self {
            audience: String::new(),
            destination: String::new(),
            mapping: String::new(),
            plugin: String::new(),
            state,
            reason: Some(reason),
            notes: Vec::new(),
            people: 0,
            members: 0,
            withheld: 0,
            changes: ChangeCounts::default(),
            outcomes: OutcomeCounts::default(),
            requests: RequestCounts::default(),
            repeated: 0,
            rejections: Vec::new(),
            refused_before: 0,
            refused: 0,
            dead_letters: 0,
            warnings: Vec::new(),
            unattributed: BTreeMap::new(),
            refused_requests: Vec::new(),
            faults: Vec::new(),
            settings_version: 0,
            held: 0,
            in_doubt: 0,
            waiting: Vec::new(),
            next_due: None,
            usage: Vec::new(),
            adds_up: true,
        }
    }
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Number of the run in the ledger.
    pub run: i64,
    /// Milliseconds since 1970.
    pub started_ms: u64,
    /// Milliseconds since 1970.
    pub ended_ms: u64,
    /// One entry a connection.
    pub connections: Vec<LinkReport>,
}

impl RunReport {
    /// Whether nothing was to be done, and nothing is to be told.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.connections.iter().all(|link| {
            let requests = link.requests.prepared + link.requests.subset + link.requests.derived;
            matches!(link.state, LinkState::Done | LinkState::Waiting)
                && link.changes.total() + link.outcomes.total() + requests + link.repeated == 0
                && link.faults.is_empty()
                && link.refused_requests.is_empty()
                && link.notes.is_empty()
        })
    }

    /// The exit code: 0 all done; 3 something waits; 4 somebody was rejected or stands refused; 5 paused, guarded or
    /// failed; 6 told to end.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |test: fn(&LinkReport) -> bool| self.connections.iter().any(test);
        if any(|link| link.state == LinkState::Interrupted) {
            6
        } else if any(|link| matches!(link.state, LinkState::Paused | LinkState::Guarded | LinkState::Failed)) {
            5
        } else if any(|link| link.outcomes.rejected + link.refused > 0) {
            4
        } else if any(|link| link.state == LinkState::Waiting) {
            3
        } else {
            0
        }
    }
}

/// What is told of a first sync without history.
pub(crate) fn taken_as_known(members: u64) -> String {
    let (members, is) = (counted(members, "member"), noun(members, "is"));
    format!("{members} {is} taken as known and not sent, because of `history = false`; `enroute resync` sends them")
}

/// Collects what happens during the run of one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) outcomes: OutcomeCounts,
    pub(crate) requests: RequestCounts,
    pub(crate) repeated: u64,
    /// Members who stayed in the audience and were withdrawn, because they could not be sent: removals on top of what was
    /// found to do.
    pub(crate) withdrawn: u64,
    pub(crate) unattributed: Bounded<String>,
    pub(crate) faults: Vec<FaultReport>,
    /// Members who had been given up and are tried again, because somebody was delivered.
    pub(crate) revived: u64,
    /// Requests that the host refused.
    pub(crate) refused: Bounded<Refusal>,
    rejections: Bounded<(String, Option<String>, String)>,
    warnings: Bounded<(String, Option<String>)>,
}

/// Most different faults that a report describes; a plugin is left alone long before.
const FAULT_REASONS_MAX: usize = 20;
/// Log lines that a report keeps of a fault.
const FAULT_LOG_LINES_MAX: usize = 5;

impl Tally {
    pub(crate) fn reject(&mut self, code: &str, field: Option<&str>, reason: &str) {
        self.outcomes.rejected += 1;
        self.rejections.add((code.to_owned(), field.map(str::to_owned), reason.to_owned()), 1);
    }

    pub(crate) fn warn(&mut self, code: &str, field: Option<&str>, members: u64) {
        self.warnings.add((code.to_owned(), field.map(str::to_owned)), members);
    }

    pub(crate) fn fault(&mut self, fault: &Fault, members: u64) {
        self.add_fault(FaultReport::new(fault, members));
    }

    fn add_fault(&mut self, fault: FaultReport) {
        let same = |known: &FaultReport| known.function == fault.function && known.reason == fault.reason;
        let is_full = self.faults.len() >= FAULT_REASONS_MAX;
        match self.faults.iter().position(same).or_else(|| is_full.then_some(FAULT_REASONS_MAX - 1)) {
            Some(at) => self.faults.get_mut(at).into_iter().for_each(|known| known.times += fault.times),
            None => self.faults.push(fault),
        }
    }

    /// Counts final outcomes; rejections with their reason.
    pub(crate) fn count(&mut self, finished: &[(Vec<u32>, Outcome)]) {
        for (members, outcome) in finished {
            if let Outcome::Rejected(refusal) = outcome {
                members.iter().for_each(|_| self.reject(&refusal.code, None, &refusal.reason));
            } else {
                self.outcomes.add(outcome.word(), members.len() as u64);
            }
        }
    }

    /// Counts requests that left; one that was refused before is none.
    pub(crate) fn count_requests(&mut self, rows: &[RequestRow]) {
        for row in rows.iter().filter(|row| row.left) {
            match row.label {
                "prepared" => self.requests.prepared += 1,
                "subset" => self.requests.subset += 1,
                _ => self.requests.derived += 1,
            }
        }
    }

    /// Members who were not reached before the connection stopped are put off.
    pub(crate) fn completed(mut self, total: u64) -> Self {
        self.outcomes.deferred += (total + self.withdrawn).saturating_sub(self.outcomes.total());
        self
    }

    /// Takes members back who waited and now get another outcome; returns how many of them this run had not counted.
    pub(crate) fn withdraw_waiting(&mut self, mut members: u64) -> u64 {
        let outcomes = &mut self.outcomes;
        for waiting in [&mut outcomes.accepted, &mut outcomes.deferred, &mut outcomes.unknown] {
            let taken = members.min(*waiting);
            *waiting -= taken;
            members -= taken;
        }
        members
    }

    /// Adds what one delivery counted.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (word, members) in other.outcomes.words() {
            self.outcomes.add(word, members);
        }
        self.requests.prepared += other.requests.prepared;
        self.requests.subset += other.requests.subset;
        self.requests.derived += other.requests.derived;
        self.repeated += other.repeated;
        self.withdrawn += other.withdrawn;
        self.revived += other.revived;
        self.unattributed.absorb(other.unattributed);
        self.refused.absorb(other.refused);
        self.rejections.absorb(other.rejections);
        self.warnings.absorb(other.warnings);
        for fault in other.faults {
            self.add_fault(fault);
        }
    }

    pub(crate) fn refused(&self) -> Vec<RefusedRequests> {
        let one = |(refusal, requests): (&Refusal, &u64)| RefusedRequests {
            code: refusal.code.to_owned(),
            reason: refusal.reason.clone(),
            requests: *requests,
        };
        let others = Some(self.refused.others()).filter(|others| *others > 0).map(|requests| RefusedRequests {
            code: OTHERS.to_owned(),
            reason: "their reasons are not told apart".to_owned(),
            requests,
        });
        self.refused.iter().map(one).chain(others).collect()
    }

    pub(crate) fn rejections(&self, codes: &BTreeMap<String, String>) -> Vec<ReasonCount> {
        let one = |((code, field, reason), members): (&(String, Option<String>, String), &u64)| ReasonCount {
            code: code.clone(),
            field: field.clone(),
            reason: reason.clone(),
            members: *members,
            hint: codes.get(code).cloned().or_else(|| codes::hint(code)),
            until: None,
        };
        self.rejections.iter().map(one).chain(others(self.rejections.others())).collect()
    }

    pub(crate) fn warnings(&self, codes: &BTreeMap<String, String>) -> Vec<ReasonCount> {
        let one = |((code, field), members): (&(String, Option<String>), &u64)| ReasonCount {
            code: code.clone(),
            field: field.clone(),
            reason: String::new(),
            members: *members,
            hint: codes.get(code).cloned().or_else(|| codes::hint(code)),
            until: None,
        };
        self.warnings.iter().map(one).chain(others(self.warnings.others())).collect()
    }
}

/// What a guest logged last before it failed.
fn last_lines(fault: &Fault) -> Vec<String> {
    let cut = fault.log.len().saturating_sub(FAULT_LOG_LINES_MAX);
    let one = |line: &LogLine| plain::line(format!("{}: {}", line.level, line.message));
    fault.log.iter().skip(cut).map(one).collect()
}

/// Members whose reasons are not told apart.
fn others(members: u64) -> Option<ReasonCount> {
    let (code, reason) = (OTHERS.to_owned(), "their reasons are not told apart".to_owned());
    (members > 0).then_some(ReasonCount { code, field: None, reason, members, hint: None, until: None })
}
