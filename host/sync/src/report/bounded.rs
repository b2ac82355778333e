//! Members by reason, of which only so many reasons are told apart.
//!
//! A reason that quotes a value, or a code made up for each member, is without number; what a run tells of it is not.

use std::collections::BTreeMap;

use enroute_core::outcome::OTHERS;

/// Most different reasons that a report names of one kind. A reason that quotes a value could be without number.
const REASONS_MAX: usize = 200;

/// Members by reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounded<K> {
    kept: BTreeMap<K, u64>,
    others: u64,
}

impl<K> Default for Bounded<K> {
    fn default() -> Self {
        Self { kept: BTreeMap::new(), others: 0 }
    }
}

impl<K: Ord> Bounded<K> {
    /// Counts members under a reason, or among the others where there are too many reasons.
    pub(crate) fn add(&mut self, key: K, members: u64) {
        let is_full = self.kept.len() >= REASONS_MAX;
        match self.kept.get_mut(&key) {
            Some(known) => *known += members,
            None if is_full => self.others += members,
            None => {
                self.kept.insert(key, members);
            }
        }
    }

    /// Adds what another has counted.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.others += other.others;
        other.kept.into_iter().for_each(|(key, members)| self.add(key, members));
    }

    /// The reasons that are told apart, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &u64)> {
        self.kept.iter()
    }

    /// Members whose reasons are not.
    pub(crate) const fn others(&self) -> u64 {
        self.others
    }
}

impl Bounded<String> {
    /// Reasons with their numbers; those that are not told apart together under [`OTHERS`].
    pub(crate) fn into_map(mut self) -> BTreeMap<String, u64> {
        if self.others > 0 {
            *self.kept.entry(OTHERS.to_owned()).or_default() += self.others;
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_without_number_are_counted_and_nobody_is_lost() {
        let mut all = Bounded::default();
        for call in 0..50 {
            let mut one = Bounded::default();
            (0..1_000).for_each(|member| one.add(format!("call {call} dislikes {member}"), 3));
            all.absorb(one);
        }
        assert_eq!(all.iter().count(), REASONS_MAX);
        assert_eq!(all.iter().map(|(_, members)| members).sum::<u64>() + all.others(), 150_000);
        let map = all.into_map();
        assert_eq!((map.len(), map.values().sum::<u64>()), (REASONS_MAX + 1, 150_000));
        assert_eq!(map.get(OTHERS), Some(&(150_000 - 3 * 200)));
    }
}
