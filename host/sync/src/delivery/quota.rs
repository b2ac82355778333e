//! What the long allowances of a destination leave: those of an hour, a day or more, which a pace does not show.

use crate::clock::moment;
use crate::delivery::pace::{key, of_bucket};
use crate::setup::link::Link;
use enroute_core::pace::Pace;
use enroute_core::retry::WAIT_MS_MAX;
use enroute_core::words::counted;
use enroute_store::{Error, Reader, Sealer, pace};
use serde::Serialize;

/// A window from which on an allowance is a quota: whoever has used it up waits longer than a run.
const QUOTA_MS_MIN: u32 = 3_600_000;

/// An allowance of an hour or more, as the requests of earlier runs left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// The bucket's name in the manifest.
    pub bucket: String,
    /// Requests in a window.
    pub requests: u32,
    /// The window, in seconds.
    pub per_s: u32,
    /// Requests that may leave now.
    pub left: u32,
    /// When all of them may again, in UTC; nothing where they may now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_at: Option<String>,
}

impl Quota {
    /// The same in a sentence.
    #[must_use]
    pub fn told(&self) -> String {
        let Self { bucket, requests, per_s, left, full_at } = self;
        let (hours, seconds) = (per_s / 3_600, per_s % 3_600);
        let window = if seconds == 0 { counted(hours as usize, "hour") } else { counted(*per_s as usize, "second") };
        let full = full_at.as_ref().map(|at| format!(", all of them again from {at} on")).unwrap_or_default();
        format!("quota `{bucket}`: {left} of {} in {window} left{full}", counted(*requests as usize, "request"))
    }
}

/// The quotas of a connection, in the order of the manifest.
pub(crate) fn quotas(reader: &Reader, sealer: &Sealer, link: &Link, now_ms: u64) -> Result<Vec<Quota>, Error> {
    let mut found = Vec::new();
    for bucket in link.manifest.buckets.iter().filter(|bucket| bucket.per_ms >= QUOTA_MS_MIN) {
        let requests = link.requests(bucket);
        let mut pace = Pace::new(requests, bucket.per_ms);
        if let Some(kept) = pace::kept(reader, &of_bucket(sealer, &key(link, bucket)))? {
            pace = pace.with_kept(kept, now_ms, u64::from(bucket.per_ms).max(WAIT_MS_MAX));
        }
        let (left, full_ms) = pace.room(now_ms);
        found.push(Quota {
            bucket: bucket.name.clone(),
            requests,
            per_s: bucket.per_ms / 1_000,
            left,
            full_at: (left < requests).then(|| moment(full_ms)),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_told_with_what_is_left_and_when_it_is_full() {
        let at = Some("2026-11-24T10:00:00Z".to_owned());
        let quota = Quota { bucket: "daily".to_owned(), requests: 8, per_s: 86_400, left: 3, full_at: at };
        let told = "quota `daily`: 3 of 8 requests in 24 hours left, all of them again from 2026-11-24T10:00:00Z on";
        assert_eq!(quota.told(), told);
        let unused = Quota { left: 8, per_s: 5_400, full_at: None, ..quota };
        assert_eq!(unused.told(), "quota `daily`: 8 of 8 requests in 5400 seconds left");
    }
}
