//! Whose turn it is at a place that several connections write into: one after the other, in the order in which they were
//! bound, so that each sees whom those before it have let go of. Nobody waits for one that comes later.

use std::collections::{BTreeSet, HashMap};

use tokio::sync::oneshot;

/// The last connection so far at each place.
#[derive(Debug, Default)]
pub(super) struct Turns(HashMap<String, oneshot::Receiver<()>>);

/// A connection's turn. It is over when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Turn {
    before: Vec<oneshot::Receiver<()>>,
    /// Held until the turn is over.
    ends: Vec<oneshot::Sender<()>>,
}

impl Turns {
    /// The turn of a connection that writes into these places, behind all that asked before.
    pub(super) fn take<'a>(&mut self, places: impl IntoIterator<Item = &'a str>) -> Turn {
        let mut turn = Turn::default();
        let places: BTreeSet<&str> = places.into_iter().collect();
        for place in places {
            let (over, is_over) = oneshot::channel();
            turn.before.extend(self.0.insert(place.to_owned(), is_over));
            turn.ends.push(over);
        }
        turn
    }
}

impl Turn {
    /// Waits for those before.
    pub(super) async fn come(&mut self) {
        for is_over in self.before.drain(..) {
            // Nothing is ever sent: the other end is dropped.
            let _ = is_over.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_due(turn: &mut Turn) -> bool {
        turn.before.iter_mut().all(|before| before.try_recv() == Err(oneshot::error::TryRecvError::Closed))
    }

    #[test]
    fn connections_at_one_place_come_one_after_the_other() {
        let mut turns = Turns::default();
        let mut first = turns.take(["a", "a"]);
        let mut second = turns.take(["a", "b"]);
        let mut third = turns.take(["b"]);
        let mut other = turns.take(["c"]);
        assert_eq!([&mut first, &mut second, &mut third, &mut other].map(is_due), [true, false, false, true]);
        drop(first);
        assert_eq!([&mut second, &mut third].map(is_due), [true, false]);
        drop(second);
        assert!(is_due(&mut third));
    }
}
