//! Carrying out a delivery: request by request, and one report at the end.
//!
//! Invariant: a report names every member of the work exactly once, whatever the plugin read
//! (test `a_report_names_every_member_once`).

use crate::bindings::enroute::destination::types::{self, DeliveryWork, PreparedHead, ResumeWork};
use crate::cells::Malformed;
use crate::guest::unsent;
use crate::{Batch, Context, Destination, Fate, Http, Member, Method, Outcome, Reading, Report, Verdict, Warning};

/// A delivery to carry out.
#[derive(Debug)]
pub struct Delivery<'a> {
    work: &'a DeliveryWork,
    members: Batch<'a>,
}

impl<'a> Delivery<'a> {
    /// Checks the work and makes a view of it.
    ///
    /// # Errors
    /// When its packed identifiers do not add up.
    pub fn new(connection: &'a types::Connection, work: &'a DeliveryWork) -> Result<Self, Malformed> {
        let fields = &connection.identifier_fields;
        let members = Batch::of_people(fields, &work.changes, &work.identifiers, &work.sent, &work.sent_members)?;
        Ok(Self { work, members })
    }

    /// The operation of the manifest.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.work.operation
    }

    /// The members of all requests: changes and identifiers, no values.
    #[must_use]
    pub const fn members(&self) -> &Batch<'a> {
        &self.members
    }

    /// The requests, in order.
    pub fn requests(&self) -> impl Iterator<Item = Sent<'_>> {
        self.work.requests.iter().zip(0..).map(|(head, index)| Sent { delivery: self, head, index })
    }
}

/// A prepared request whose answer is to be read.
///
/// ```
/// use enroute_sdk::{Answer, Reading, Sent};
///
/// /// Reads an answer that lists what it refused by identifier instead of by position.
/// fn read(sent: &Sent<'_>, answer: &Answer) -> Reading {
///     let refused: Vec<String> = answer.json().unwrap_or_default();
///     let is_refused = |id: Option<&str>| id.is_some_and(|id| refused.iter().any(|known| known == id));
///     let positions = sent.members().zip(0..).filter(|(member, _)| is_refused(member.identifier(0).text()));
///     positions.fold(Reading::delivered(), |reading, (_, position)| reading.reject(position, "refused", "it is refused"))
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Sent<'d> {
    delivery: &'d Delivery<'d>,
    head: &'d PreparedHead,
    index: u32,
}

impl<'d> Sent<'d> {
    /// The number of the request in its delivery.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// The operation of the manifest.
    #[must_use]
    pub fn operation(self) -> &'d str {
        self.delivery.operation()
    }

    /// The method.
    #[must_use]
    pub const fn method(self) -> Method {
        self.head.method
    }

    /// The path segments.
    #[must_use]
    pub fn path(self) -> &'d [String] {
        &self.head.path
    }

    /// Number of members in the request.
    #[must_use]
    pub const fn len(self) -> usize {
        self.head.members.len()
    }

    /// Whether the request is about nobody.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.head.members.is_empty()
    }

    /// The members, in the order in which the body lists them.
    pub fn members(self) -> impl Iterator<Item = Member<'d>> {
        self.head.members.iter().filter_map(move |member| self.delivery.members.member(*member))
    }

    /// The member that the body lists in this position.
    #[must_use]
    pub fn member(self, position: usize) -> Option<Member<'d>> {
        self.delivery.members.member(*self.head.members.get(position)?)
    }
}

/// Members that were accepted earlier, by ticket.
///
/// ```
/// use enroute_sdk::{Context, Http, Outcome, Report, Request, Resume};
///
/// /// Asks for jobs by their id, which the ticket holds.
/// fn resume(_: &Context<serde_json::Value>, work: &Resume, http: &mut dyn Http) -> Report {
///     let ask = |token: &str| Request::get("https://api.example.com").path(["jobs", token]);
///     let requests: Vec<Request> = work.tickets().iter().map(|ticket| ask(&ticket.token)).collect();
///     let done = http.send_all("job", &requests).iter().flatten().all(|answer| answer.status == 200);
///     work.all(if done { Outcome::Delivered } else { Outcome::Unknown })
/// }
/// ```
#[derive(Debug)]
pub struct Resume {
    work: ResumeWork,
}

impl Resume {
    pub(crate) const fn new(work: ResumeWork) -> Self {
        Self { work }
    }

    /// The tickets, each with its range of members.
    #[must_use]
    pub fn tickets(&self) -> &[types::OpenTicket] {
        &self.work.tickets
    }

    /// Number of members of all tickets.
    #[must_use]
    pub fn len(&self) -> u32 {
        let end = |ticket: &types::OpenTicket| ticket.first_member.saturating_add(ticket.members);
        self.work.tickets.iter().map(end).max().unwrap_or(0)
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A report with the same fate for everybody.
    #[must_use]
    pub fn all(&self, outcome: Outcome) -> Report {
        let members: Vec<u32> = (0..self.len()).collect();
        let fates = if members.is_empty() { Vec::new() } else { vec![Fate { members, outcome }] };
        Report {
            fates,
            verdict: Verdict::Ok,
            unattributed: Vec::new(),
            remote: None,
            account: None,
            warnings: Vec::new(),
        }
    }

    /// What identifies the members: one row a member.
    #[must_use]
    pub const fn identifiers(&self) -> &types::Cells {
        &self.work.identifiers
    }
}

/// Puts readings together to one report.
///
/// Plugins with a `deliver` of their own use it too, so that the report adds up.
///
/// ```
/// use enroute_sdk::{Outcome, Reading, Tally};
///
/// let mut tally = Tally::new(3);
/// tally.read(&[0, 1], Reading::delivered().reject(1, "bad", "it is bad"));
/// let report = tally.finish();
/// assert_eq!(report.fates.iter().find(|fate| fate.outcome == Outcome::Deferred(0)).unwrap().members, [2]);
/// ```
#[derive(Debug)]
pub struct Tally {
    fates: Vec<Option<Outcome>>,
    report: Report,
}

impl Tally {
    /// For a work with this many members.
    #[must_use]
    pub fn new(members: usize) -> Self {
        let report = Report {
            fates: Vec::new(),
            verdict: Verdict::Ok,
            unattributed: Vec::new(),
            remote: None,
            account: None,
            warnings: Vec::new(),
        };
        Self { fates: vec![None; members], report }
    }

    /// Takes in what an answer means for the members of a request. Of two fates of a member, the one that leaves more
    /// to be done holds, and of two alike the first. Returns whether all is well with the call.
    pub fn read(&mut self, members: &[u32], mut reading: Reading) -> bool {
        if reading.exceptions.iter().any(|(position, _)| *position >= members.len()) {
            // The answer speaks of a record that was not sent, so it says nothing sure of those that were.
            if reading.rest == Outcome::Delivered {
                reading.rest = Outcome::Deferred(0);
            }
            let code = "answer_names_no_member".to_owned();
            self.report.warnings.push(Warning { code, field: None, count: 1 });
        }
        let mut own = vec![None; members.len()];
        for (position, outcome) in reading.exceptions {
            if let Some(fate) = own.get_mut(position) {
                let is_worse = |known: &Outcome| known.weight() < outcome.weight();
                if fate.as_ref().is_none_or(is_worse) {
                    *fate = Some(outcome);
                }
            }
        }
        for (member, own) in members.iter().zip(own) {
            self.settle(*member, own.unwrap_or_else(|| reading.rest.clone()));
        }
        self.report.unattributed.append(&mut reading.unattributed);
        self.report.warnings.append(&mut reading.warnings);
        self.report.remote = reading.remote.or(self.report.remote.take());
        let well = reading.verdict == Verdict::Ok;
        if self.report.verdict == Verdict::Ok {
            self.report.verdict = reading.verdict;
        }
        well
    }

    /// Gives one member a fate.
    pub fn settle(&mut self, member: u32, outcome: Outcome) {
        let Some(fate) = self.fates.get_mut(member as usize) else { return };
        if fate.as_ref().is_none_or(|known| known.weight() < outcome.weight()) {
            *fate = Some(outcome);
        }
    }

    /// The report; members that nothing was said of are deferred.
    #[must_use]
    pub fn finish(self) -> Report {
        let mut report = self.report;
        for (fate, member) in self.fates.into_iter().zip(0..) {
            let outcome = fate.unwrap_or(Outcome::Deferred(0));
            match report.fates.iter_mut().find(|group| group.outcome == outcome) {
                Some(group) => group.members.push(member),
                None => report.fates.push(Fate { members: vec![member], outcome }),
            }
        }
        report
    }
}

/// The default of [`Destination::deliver`].
pub(crate) fn carry_out<D: Destination + ?Sized>(
    ctx: &Context<D::Settings>,
    delivery: &Delivery<'_>,
    http: &mut dyn Http,
) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    let mut requests = delivery.requests();
    for sent in requests.by_ref() {
        let reading = match http.send_prepared(sent.index(), &[]) {
            Ok(answer) => D::read(ctx, &sent, &answer),
            Err(failure) => {
                let (outcome, verdict) = unsent(failure);
                Reading::all(outcome).verdict(verdict)
            }
        };
        if !tally.read(&sent.head.members, reading) {
            break;
        }
    }
    // A member of several requests has arrived only when the last of them has.
    for unsent in requests {
        unsent.head.members.iter().for_each(|member| tally.settle(*member, Outcome::Deferred(0)));
    }
    tally.finish()
}

#[cfg(test)]
mod tests;
