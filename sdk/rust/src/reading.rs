//! What an answer means for the members of a request.

use crate::{Failure, Outcome, Refusal, Unattributed, Verdict, Warning};

/// The meaning of one answer: a fate for every member of the request, and what it says of the call as a whole.
///
/// Members are named by their position in the request, which is how destinations name them too.
///
/// ```
/// use enroute_sdk::{Outcome, Reading};
///
/// let reading = Reading::delivered().reject(1, "email_bad_format", "the address is malformed");
/// assert_eq!(reading.rest, Outcome::Delivered);
/// assert_eq!(reading.exceptions[0].0, 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The fate of every member that has none of its own.
    pub rest: Outcome,
    /// The fates of members by their position in the request. Of two for one position the one that leaves more to be done
    /// holds, as [`Tally::read`](crate::Tally::read) says: one reason to refuse a member is enough, in whatever order.
    pub exceptions: Vec<(usize, Outcome)>,
    /// What the answer says of the call as a whole.
    pub verdict: Verdict,
    /// Refusals that the destination only counts.
    pub unattributed: Vec<Unattributed>,
    /// Things worth telling of members who are delivered all the same.
    pub warnings: Vec<Warning>,
    /// Replaces what is stored of the remote: a JSON text.
    pub remote: Option<String>,
}

impl Reading {
    /// The same fate for everybody, and all well with the call.
    #[must_use]
    pub const fn all(outcome: Outcome) -> Self {
        Self {
            rest: outcome,
            exceptions: Vec::new(),
            verdict: Verdict::Ok,
            unattributed: Vec::new(),
            warnings: Vec::new(),
            remote: None,
        }
    }

    /// Everybody delivered.
    #[must_use]
    pub const fn delivered() -> Self {
        Self::all(Outcome::Delivered)
    }

    /// Everybody to be tried again, no sooner than after this many milliseconds.
    #[must_use]
    pub const fn deferred(after_ms: u64) -> Self {
        Self::all(Outcome::Deferred(after_ms))
    }

    /// What it means that there is no answer: nobody is known to have it, and who may have it is unknown.
    ///
    /// ```
    /// use enroute_sdk::{Failure, Outcome, Reading};
    ///
    /// assert_eq!(Reading::unanswered(Failure::Interrupted("reset".to_owned())).rest, Outcome::Unknown);
    /// assert_eq!(Reading::unanswered(Failure::Denied("no grant".to_owned())).rest, Outcome::Deferred(0));
    /// ```
    #[must_use]
    pub fn unanswered(failure: Failure) -> Self {
        let (outcome, verdict) = crate::guest::unsent(failure);
        Self::all(outcome).verdict(verdict)
    }

    /// Everybody as `rest`, but for the positions named.
    ///
    /// ```
    /// use enroute_sdk::{Outcome, Reading};
    ///
    /// let reading = Reading::by_index(Outcome::Delivered, [(0, Outcome::Deferred(0))]);
    /// assert_eq!(reading.exceptions, [(0, Outcome::Deferred(0))]);
    /// ```
    #[must_use]
    pub fn by_index(rest: Outcome, exceptions: impl IntoIterator<Item = (usize, Outcome)>) -> Self {
        Self { exceptions: exceptions.into_iter().collect(), ..Self::all(rest) }
    }

    /// With another fate for one position.
    #[must_use]
    pub fn except(mut self, position: usize, outcome: Outcome) -> Self {
        self.exceptions.push((position, outcome));
        self
    }

    /// With one position rejected: a stable snake_case code and a sentence without personal data.
    #[must_use]
    pub fn reject(self, position: usize, code: &str, reason: impl Into<String>) -> Self {
        self.except(position, Outcome::rejected(code, reason))
    }

    /// With what the answer says of single positions: a fate where its words are known, and the words where they are not.
    ///
    /// One known word on a position is enough, whatever else is said of it. Who is named in unknown words only is tried
    /// again, apart from the others in the end, and is refused where the words are repeated then: see K6.5 of the
    /// contract. The words must not hold anything of a person.
    ///
    /// ```
    /// use enroute_sdk::{Outcome, Reading, Verdict};
    ///
    /// let bad = || Ok(Outcome::rejected("bad_id", "the id is too long"));
    /// let reading = Reading::deferred(0).complaints([(0, Err("E7".to_owned())), (0, bad()), (2, bad())]);
    /// assert_eq!((reading.exceptions.len(), reading.verdict), (2, Verdict::Ok));
    /// let reading = Reading::delivered().complaints([(1, Err("E7".to_owned()))]);
    /// assert_eq!(reading.exceptions, [(1, Outcome::Deferred(0))]);
    /// assert_eq!(reading.verdict, Verdict::RefusedBisect("E7".to_owned()));
    /// ```
    #[must_use]
    pub fn complaints(mut self, complaints: impl IntoIterator<Item = (usize, Result<Outcome, String>)>) -> Self {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (position, said) in complaints {
            match said {
                Ok(outcome) => known.push((position, outcome)),
                Err(words) => unknown.push((position, words)),
            }
        }
        unknown.retain(|(position, _)| !known.iter().any(|(known, _)| known == position));
        self.exceptions.extend(known);
        for (position, words) in unknown {
            self.exceptions.push((position, Outcome::Deferred(0)));
            if self.verdict == Verdict::Ok {
                self.verdict = Verdict::RefusedBisect(words);
            }
        }
        self
    }

    /// With another verdict.
    #[must_use]
    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    /// With refusals that the destination only counts.
    #[must_use]
    pub fn unattributed(mut self, reason: impl Into<String>, count: u32) -> Self {
        self.unattributed.push(Unattributed { reason: reason.into(), count });
        self
    }

    /// With a warning.
    #[must_use]
    pub fn warn(mut self, code: &str, field: Option<&str>, count: u32) -> Self {
        self.warnings.push(Warning { code: code.to_owned(), field: field.map(str::to_owned), count });
        self
    }

    /// With a new remote: a JSON text of at most 1 MiB.
    #[must_use]
    pub fn remote(mut self, json: impl Into<String>) -> Self {
        self.remote = Some(json.into());
        self
    }
}

impl Outcome {
    /// The destination will never accept the member as it stands.
    ///
    /// ```
    /// use enroute_sdk::Outcome;
    ///
    /// assert!(matches!(Outcome::rejected("bad_id", "the id is too long"), Outcome::Rejected(_)));
    /// ```
    #[must_use]
    pub fn rejected(code: &str, reason: impl Into<String>) -> Self {
        Self::Rejected(Refusal { code: code.to_owned(), reason: reason.into() })
    }

    /// Which of two fates holds for a member that was in two requests: the one that leaves more to be done.
    pub(crate) const fn weight(&self) -> u8 {
        match self {
            Self::Unchanged(_) => 0,
            Self::Delivered => 1,
            Self::Accepted(_) => 2,
            Self::Deferred(_) => 3,
            Self::Unknown => 4,
            Self::Rejected(_) => 5,
        }
    }
}
