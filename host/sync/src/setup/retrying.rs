//! How long the members of a destination are tried, as the operator wants it.

use enroute_config::plugins_file::Retry;
use enroute_core::retry::Policy;

const HOUR_MS: u64 = 3_600_000;

/// The host's policy, with what the destination has of its own.
pub(super) fn policy(retry: Retry) -> Policy {
    let default = Policy::default();
    Policy {
        give_up_ms: retry.hours.map_or(default.give_up_ms, |hours| u64::from(hours) * HOUR_MS),
        give_up_attempts: retry.attempts.unwrap_or(default.give_up_attempts),
        ..default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_destination_says_takes_the_place_of_the_default() {
        assert_eq!(policy(Retry::default()), Policy::default());
        let mine = policy(Retry { hours: Some(12), attempts: Some(8) });
        assert!(!mine.is_over(8, 0, 12 * HOUR_MS - 1) && !mine.is_over(7, 0, 12 * HOUR_MS));
        assert!(mine.is_over(8, 0, 12 * HOUR_MS));
    }
}
