//! The fate of members after a `send`, and the check that nobody is missing or counted twice.

use std::collections::BTreeMap;

use crate::account::Item;

/// Stands for the reasons that are beyond the number of those kept: only their members are counted.
pub const OTHERS: &str = "others";

/// The fate of one member after one `send`. Every member of the work gets exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination confirmed the change.
    Delivered,
    /// Nothing had to be done, for the reason with this code.
    Unchanged {
        /// snake_case.
        code: String,
    },
    /// The destination will never accept this member as it stands; retrying cannot help.
    Rejected(Refusal),
    /// Nothing is known to be wrong with the member; try again, no sooner than after this many milliseconds.
    Deferred {
        /// Milliseconds from the report on.
        after_ms: u64,
    },
    /// The destination took the change in and will tell later; ask with the ticket.
    Accepted(Ticket),
    /// Bytes left and no clear answer came.
    Unknown,
}

impl Outcome {
    /// The word that contract, ledger, receipts and reports share.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Unchanged { .. } => "unchanged",
            Self::Rejected(_) => "rejected",
            Self::Deferred { .. } => "deferred",
            Self::Accepted(_) => "accepted",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a member was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// snake_case, stable.
    pub code: String,
    /// One sentence without personal data.
    pub reason: String,
}

/// An asynchronous job at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Opaque to the host.
    pub token: String,
    /// Milliseconds to wait before asking.
    pub ask_after_ms: u64,
}

/// Members that share an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Positions in the work.
    pub members: Vec<u32>,
    /// What became of them.
    pub outcome: Outcome,
}

/// What an answer says of a call as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The call was in order.
    Ok,
    /// The credential is wrong, expired or revoked.
    CredentialInvalid(String),
    /// The credential lacks a right.
    PermissionMissing(String),
    /// Settings, list or account are not as they must be.
    Misconfigured(String),
    /// Too fast; costs no attempt.
    Throttled {
        /// A bucket of the manifest.
        bucket: String,
        /// Milliseconds to wait.
        after_ms: u64,
    },
    /// Fewer members in a request would do.
    TooLarge,
    /// Some member is at fault and the answer does not say which.
    RefusedBisect(String),
    /// Sending fewer members would not help.
    RefusedWhole(String),
    /// The destination is in trouble.
    Unavailable(String),
}

impl Verdict {
    /// A word for ledger and report.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::CredentialInvalid(_) => "credential_invalid",
            Self::PermissionMissing(_) => "permission_missing",
            Self::Misconfigured(_) => "misconfigured",
            Self::Throttled { .. } => "throttled",
            Self::TooLarge => "too_large",
            Self::RefusedBisect(_) => "refused_bisect",
            Self::RefusedWhole(_) => "refused_whole",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// What a person must mend before this destination can go on, if anything.
    #[must_use]
    pub fn pauses(&self) -> Option<&str> {
        match self {
            Self::CredentialInvalid(reason) | Self::PermissionMissing(reason) | Self::Misconfigured(reason) => {
                Some(reason)
            }
            _ => None,
        }
    }
}

/// Refusals that the destination only counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unattributed {
    /// What it says of them.
    pub reason: String,
    /// How many.
    pub count: u32,
}

/// Something worth telling about members who are delivered all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// snake_case.
    pub code: String,
    /// The field concerned.
    pub field: Option<String>,
    /// How many members.
    pub count: u32,
}

/// What `send` says of one piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Every member of the work exactly once.
    pub fates: Vec<Fate>,
    /// What is true of the call as a whole.
    pub verdict: Verdict,
    /// Refusals that are only counted.
    pub unattributed: Vec<Unattributed>,
    /// Replaces the stored remote.
    pub remote: Option<String>,
    /// Replaces what is known of the account's own fields, lists and objects.
    pub account: Option<Vec<Item>>,
    /// Worth telling.
    pub warnings: Vec<Warning>,
}

/// A report that does not add up: a fault of the plugin, never a success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Some members have no fate.
    #[error("the report leaves out {missing} of {members} members")]
    Missing {
        /// Members without a fate.
        missing: usize,
        /// Members of the work.
        members: usize,
    },
    /// A member has two fates.
    #[error("the report names member {member} twice")]
    Twice {
        /// Its position.
        member: u32,
    },
    /// A position that is not in the work.
    #[error("the report names member {member}, the work has {members}")]
    Stranger {
        /// The position.
        member: u32,
        /// Members of the work.
        members: usize,
    },
}

/// Checks that positions `0..members` are each named exactly once.
///
/// # Errors
/// The first thing that does not add up.
pub fn conserve<'a>(named: impl IntoIterator<Item = &'a [u32]>, members: usize) -> Result<(), ReportError> {
    let mut seen = vec![false; members];
    let mut count = 0;
    for &member in named.into_iter().flatten() {
        match seen.get_mut(member as usize) {
            None => return Err(ReportError::Stranger { member, members }),
            Some(true) => return Err(ReportError::Twice { member }),
            Some(slot) => *slot = true,
        }
        count += 1;
    }
    if count < members { Err(ReportError::Missing { missing: members - count, members }) } else { Ok(()) }
}

/// Members by outcome, for reports and the conservation check of a run.
pub type Counts = BTreeMap<&'static str, u64>;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(named: &[&[u32]], members: usize, expect: &str) {
        let got = match conserve(named.iter().copied(), members) {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn a_report_names_every_member_exactly_once() {
        check(&[&[0, 2], &[1]], 3, "ok");
        check(&[&[0], &[1]], 3, "the report leaves out 1 of 3 members");
        check(&[&[0, 1], &[1, 2]], 3, "the report names member 1 twice");
        check(&[&[0, 3]], 2, "the report names member 3, the work has 2");
        check(&[], 0, "ok");
    }
}
