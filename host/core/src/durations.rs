//! How long things took: a count, a sum and a few classes, which is what metrics need of it.

use std::time::Duration;

/// Upper ends of the classes in milliseconds; what took longer than the last is in one more.
pub const CLASSES_MS: [u64; 14] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000];

/// How long things took.
///
/// ```
/// use std::time::Duration;
/// let mut took = enroute_core::durations::Durations::default();
/// took.add(Duration::from_millis(7));
/// assert_eq!((took.count(), took.sum()), (1, Duration::from_millis(7)));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    classes: [u64; CLASSES_MS.len() + 1],
    sum: Duration,
}

impl Durations {
    /// Takes one in.
    pub fn add(&mut self, took: Duration) {
        let class = CLASSES_MS.partition_point(|most_ms| Duration::from_millis(*most_ms) < took);
        if let Some(count) = self.classes.get_mut(class) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(took);
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// All of them together.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// How many were in each class, with its upper end in seconds; the last one has none (infinity).
    pub fn classes(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let ends = CLASSES_MS.iter().map(|most_ms| Duration::from_millis(*most_ms).as_secs_f64());
        ends.chain([f64::INFINITY]).zip(self.classes.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_class_that_it_just_fits() {
        let mut took = Durations::default();
        for ms in [0, 1, 2, 60_000, 60_001] {
            took.add(Duration::from_millis(ms));
        }
        let found: Vec<(f64, u64)> = took.classes().filter(|(_, count)| *count > 0).collect();
        assert_eq!(found, [(0.001, 2), (0.002, 1), (60.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((took.count(), took.sum()), (5, Duration::from_millis(120_004)));
    }
}
