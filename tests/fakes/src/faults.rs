//! The fault script: which request gets which misbehaviour.
//!
//! Owns the rules and their counts; performs nothing. The server asks once per
//! request, in order of arrival. Invariant: a request is taken by at most one
//! rule, and rules behind it do not see it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::server::Reply;

/// What a server does instead of answering as usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Answers this; the request has no effect.
    Answer(Reply),
    /// Waits, then treats the request as usual.
    Delay(Duration),
    /// Never answers; ends when the client leaves. The request has no effect.
    Hang,
    /// Lets the request take effect and keeps the answer until the latch is opened.
    Hold(Latch),
    /// Closes the connection after the head, without reading the body. The request has no effect.
    Close,
    /// Lets the request take effect, then resets the connection without an answer.
    Reset,
    /// Lets the request take effect, declares the full length and sends half of the answer.
    CutBody,
    /// Answers 200 with bytes that are not JSON. The request has no effect.
    Garbage,
    /// Answers 200 with a login page. The request has no effect.
    Html,
    /// Answers 200 with so many bytes, of no declared length. The request has no effect.
    HugeBody(u64),
    /// Lets the request take effect, then sends the answer one byte at a time, with this pause between.
    Drip(Duration),
    /// Answers 307 to this URL. The request has no effect.
    Redirect(String),
    /// Answers 200 under 1 MB of headers. The request has no effect.
    HugeHeaders,
}

/// What holds answers until it is opened; clones are one latch.
#[derive(Clone, Debug)]
pub struct Latch(Arc<Semaphore>);

impl Default for Latch {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl PartialEq for Latch {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Latch {}

impl Latch {
    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.0.close();
    }

    /// Waits until it is opened.
    pub(crate) async fn opened(&self) {
        // The semaphore has no permits: an end of the wait is its being closed.
        let _ = self.0.acquire().await;
    }
}

/// A rule of the script: for which requests, how often, what.
///
/// ```
/// use enroute_fakes::{Fault, faults::Action};
///
/// // The third POST below /users, and the one after it, get no answer.
/// let fault = Fault::times(2, Action::Hang).method("POST").path("/users").from_call(3);
/// # let _ = fault;
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    method: Option<String>,
    path_prefix: String,
    /// What the body has to hold; empty where it does not matter.
    held: Vec<u8>,
    turn: Turn,
    action: Action,
    seen: u64,
}

/// Which of the requests that match, counted from 1.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// `count` of them, from the `first` on.
    Run { first: u64, count: u64 },
    /// Each whose number can be divided by this.
    Every(u64),
    /// So many of a hundred, as the seed says.
    Chance { percent: u64, seed: u64 },
}

/// The rules of a server, asked first to last.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: Vec<Fault>,
}

impl Fault {
    /// For the next request, whatever it is.
    pub fn once(action: Action) -> Self {
        Self::times(1, action)
    }

    /// For the next `count` requests.
    pub fn times(count: u64, action: Action) -> Self {
        Self::new(Turn::Run { first: 1, count }, action)
    }

    /// For all requests, until the script is cleared.
    pub fn always(action: Action) -> Self {
        Self::times(u64::MAX, action)
    }

    /// For the `nth` request, the one `nth` after it, and so on; 0 is never.
    pub fn every_nth(nth: u64, action: Action) -> Self {
        Self::new(Turn::Every(nth), action)
    }

    /// For so many of a hundred requests, drawn anew for each: the same ones for the same seed.
    pub fn by_chance(percent: u64, seed: u64, action: Action) -> Self {
        Self::new(Turn::Chance { percent, seed }, action)
    }

    /// Only for requests with this method; others are not counted.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Only for requests whose path begins so; others are not counted.
    #[must_use]
    pub fn path(mut self, prefix: &str) -> Self {
        self.path_prefix = prefix.to_owned();
        self
    }

    /// Only for requests whose body holds this text; others are not counted. The body is read first, so that `Close`
    /// comes behind it.
    #[must_use]
    pub fn holding(mut self, text: &str) -> Self {
        self.held = text.as_bytes().to_vec();
        self
    }

    /// Lets the requests before the `nth` that matches pass; without effect on `every_nth` and `by_chance`.
    #[must_use]
    pub fn from_call(mut self, nth: u64) -> Self {
        if let Turn::Run { first, .. } = &mut self.turn {
            *first = nth.max(1);
        }
        self
    }

    fn new(turn: Turn, action: Action) -> Self {
        Self { method: None, path_prefix: String::new(), held: Vec::new(), turn, action, seen: 0 }
    }

    /// Whether what is known of a request so far, its body or not yet, is what the rule looks at.
    fn looks_at(&self, body: Option<&[u8]>) -> bool {
        match body {
            None => self.held.is_empty(),
            Some(body) => !self.held.is_empty() && body.windows(self.held.len()).any(|part| part == self.held),
        }
    }

    /// Counts the request if it matches and tells whether it is its turn.
    fn takes(&mut self, method: &str, path: &str) -> bool {
        let matches =
            self.method.as_deref().is_none_or(|wanted| wanted == method) && path.starts_with(&self.path_prefix);
        if !matches {
            return false;
        }
        self.seen += 1;
        match self.turn {
            Turn::Run { first, count } => self.seen >= first && self.seen - first < count,
            Turn::Every(nth) => nth > 0 && self.seen.is_multiple_of(nth),
            Turn::Chance { percent, seed } => drawn(seed, self.seen) % 100 < percent,
        }
    }

    /// Whether no request can be taken any more.
    fn is_spent(&self) -> bool {
        match self.turn {
            Turn::Run { first, count } => self.seen >= first.saturating_add(count.saturating_sub(1)),
            Turn::Every(_) | Turn::Chance { .. } => false,
        }
    }
}

/// The `nth` number that a seed gives, by `SplitMix64`.
fn drawn(seed: u64, nth: u64) -> u64 {
    let mixed = seed.wrapping_add(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Script {
    /// Appends a rule.
    pub(crate) fn push(&mut self, fault: Fault) {
        self.rules.push(fault);
    }

    /// Removes all rules.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The action for the next request, if a rule takes it. Asked twice: by the head, then with the body, for the rules
    /// that look into it.
    pub(crate) fn next(&mut self, method: &str, path: &str, body: Option<&[u8]>) -> Option<Action> {
        let rules = self.rules.iter_mut().filter(|rule| rule.looks_at(body));
        let rule = rules.into_iter().find_map(|rule| rule.takes(method, path).then(|| rule.action.clone()));
        self.rules.retain(|rule| !rule.is_spent());
        rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the requests through the rules; each request gives the index of its rule's redirect, or `-`.
    #[track_caller]
    fn check(rules: Vec<fn(Action) -> Fault>, requests: &[&str], expect: &str) {
        let mut script = Script::default();
        for (index, rule) in rules.into_iter().enumerate() {
            script.push(rule(Action::Redirect(index.to_string())));
        }
        let taken = requests.iter().map(|request| {
            let (method, path) = request.split_once(' ').unwrap();
            match script.next(method, path, None) {
                Some(Action::Redirect(index)) => index,
                _ => "-".to_owned(),
            }
        });
        assert_eq!(taken.collect::<Vec<_>>().join(""), expect);
    }

    #[test]
    fn rules_are_used_in_the_order_given() {
        check(vec![Fault::once, |action| Fault::times(2, action), Fault::once], &["GET /"; 6], "0112--");
    }

    #[test]
    fn a_rule_sees_only_its_method_and_path() {
        check(
            vec![|action| Fault::once(action).method("post").path("/users")],
            &["GET /users", "POST /other", "POST /users/track", "POST /users/track"],
            "--0-",
        );
    }

    #[test]
    fn a_rule_may_begin_at_a_later_call() {
        check(vec![|action| Fault::times(2, action).from_call(3)], &["GET /"; 6], "--00--");
    }

    #[test]
    fn every_nth_goes_on_for_ever_and_zero_is_never() {
        check(vec![|action| Fault::every_nth(3, action)], &["GET /"; 7], "--0--0-");
        check(vec![|action| Fault::every_nth(0, action)], &["GET /"; 3], "---");
    }

    #[test]
    fn chance_takes_about_as_many_as_it_says_and_the_same_ones_for_the_same_seed() {
        let takes = |seed| {
            let mut rule = Fault::by_chance(7, seed, Action::Hang);
            (0..10_000).filter(|_| rule.takes("GET", "/")).count()
        };
        assert!((600..800).contains(&takes(1)), "{}", takes(1));
        assert_eq!(takes(2), takes(2));
        assert_ne!(takes(1), takes(2));
    }

    #[test]
    fn a_request_taken_by_one_rule_is_not_counted_by_the_next() {
        check(vec![|action| Fault::every_nth(2, action), Fault::always], &["GET /"; 5], "10101");
    }

    #[test]
    fn a_rule_may_look_into_the_body() {
        let mut script = Script::default();
        script.push(Fault::always(Action::Hang).holding("u42"));
        assert_eq!(script.next("POST", "/", None), None);
        assert_eq!(script.next("POST", "/", Some(b"u41")), None);
        assert_eq!(script.next("POST", "/", Some(b"u41 u42")), Some(Action::Hang));
    }

    #[test]
    fn none_at_all_takes_nothing() {
        check(vec![|action| Fault::times(0, action)], &["GET /"; 2], "--");
    }
}
