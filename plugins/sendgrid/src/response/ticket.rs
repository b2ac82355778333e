//! Tickets: which jobs to ask about, and how often they were asked about already.
//!
//! A ticket's token is `what:asked:job,job`. It holds all that is needed to go on, and nothing of a person.

use enroute_sdk::Outcome;

/// Wait before the first question.
const WAIT_MS_MIN: u64 = 2_000;
/// Longest wait between two questions.
const WAIT_MS_MAX: u64 = 60_000;

/// What is done when the jobs have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The contacts are on the list.
    Upsert,
    /// The contacts are off the list.
    Remove,
    /// Old identifiers are gone, so that the upsert can follow.
    Move,
}

impl What {
    const ALL: [(Self, &'static str); 3] = [(Self::Upsert, "upsert"), (Self::Remove, "remove"), (Self::Move, "move")];
}

/// Jobs that members wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) what: What,
    pub(super) asked: u32,
    pub(super) jobs: Vec<String>,
}

impl Ticket {
    /// A ticket that nobody asked about yet.
    pub(super) const fn new(what: What, jobs: Vec<String>) -> Self {
        Self { what, asked: 0, jobs }
    }

    /// Reads a token; none where it is not ours.
    pub(super) fn parse(token: &str) -> Option<Self> {
        let mut parts = token.splitn(3, ':');
        let (what, asked, jobs) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let what = What::ALL.iter().find(|(_, word)| *word == what).map(|(what, _)| *what)?;
        let jobs: Vec<String> = jobs.split(',').map(str::to_owned).collect();
        jobs.iter().all(|job| is_job_id(job)).then_some(Self { what, asked, jobs })
    }

    /// The outcome of members that wait for it.
    pub(super) fn accepted(&self) -> Outcome {
        let word = What::ALL.iter().find(|(what, _)| *what == self.what).map_or("", |(_, word)| *word);
        let token = format!("{word}:{}:{}", self.asked, self.jobs.join(","));
        Outcome::Accepted(enroute_sdk::Ticket { token, ask_after_ms: wait_ms(self.asked) })
    }

    /// The same ticket after one more question, with the jobs that are left.
    pub(super) fn again(&self, jobs: Vec<String>) -> Self {
        Self { what: self.what, asked: self.asked.saturating_add(1), jobs }
    }

    /// The time that was granted to the jobs so far.
    pub(super) fn waited_ms(&self) -> u64 {
        (0..=self.asked.min(2_000)).map(wait_ms).sum()
    }
}

/// Whether a text can be the id of a job.
pub(super) fn is_job_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Twice as long each time, up to a minute.
fn wait_ms(asked: u32) -> u64 {
    (WAIT_MS_MIN << asked.min(10)).min(WAIT_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back() {
        let ticket = Ticket { what: What::Move, asked: 3, jobs: vec!["a-1".to_owned(), "b-2".to_owned()] };
        let Outcome::Accepted(given) = ticket.accepted() else { panic!("it is accepted") };
        assert_eq!((given.token.as_str(), given.ask_after_ms), ("move:3:a-1,b-2", 16_000));
        assert_eq!(Ticket::parse(&given.token), Some(ticket));
        for token in ["", "upsert", "upsert:x:a", "upsert:0:", "else:0:a", "upsert:0:a/b"] {
            assert_eq!(Ticket::parse(token), None, "{token}");
        }
    }

    #[test]
    fn waits_grow_to_a_minute() {
        assert_eq!([0, 1, 4, 5, 6, 99].map(wait_ms), [2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
        assert_eq!(Ticket::new(What::Upsert, Vec::new()).again(Vec::new()).waited_ms(), 6_000);
    }
}
