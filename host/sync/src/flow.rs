//! What holds deliveries back at a destination: an outage that is probed, a bucket that is used up, a lowered pace.

use crate::clock::{Clock, moment};
use enroute_core::words::counted;
use enroute_store::{Error, Reader, pace};
use serde::Serialize;

/// Something that holds deliveries back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// The destination; of a bucket that several share, the one that used it last.
    pub destination: String,
    /// `outage`: it failed several times in a row and is only probed. `used up`: the allowance of a bucket is used, or the
    /// destination asked to wait. `slower`: the destination refused requests for being too many, and fewer are sent.
    pub kind: &'static str,
    /// Why, in a sentence.
    pub reason: String,
    /// When the next request may leave, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// All that holds deliveries back.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn held_back(reader: &Reader, clock: &Clock) -> Result<Vec<HeldBack>, Error> {
    let now_ms = clock.now_ms();
    let mut found = Vec::new();
    for open in pace::open_breakers(reader)? {
        let since = moment(open.part.opened_ms.unwrap_or_default());
        let (failures, cause) = (counted(open.part.failures as usize, "time"), &open.part.reason);
        let reason = format!("it failed {failures} in a row since {since} and is only probed: {cause}");
        let until = Some(moment(open.part.until_ms));
        found.push(HeldBack { destination: open.destination, kind: "outage", reason, until });
    }
    for pace::Bucket { name, destination, open_ms, lowered_to } in pace::buckets(reader)? {
        if let Some(requests) = lowered_to {
            let requests = counted(requests as usize, "request");
            let reason = format!("bucket `{name}` lets {requests} through at a time, for the destination refused more");
            found.push(HeldBack { destination: destination.clone(), kind: "slower", reason, until: None });
        }
        if open_ms > now_ms {
            let reason = format!("bucket `{name}` is used up, or the destination asked to wait");
            found.push(HeldBack { destination, kind: "used up", reason, until: Some(moment(open_ms)) });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use enroute_core::breaker::Part;
    use enroute_core::pace::Pace;
    use enroute_store::{Store, Transaction};

    #[tokio::test]
    async fn whatever_holds_deliveries_back_is_told_with_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut daily = Pace::new(8, 86_400_000);
        daily.refused(0);
        let write = move |tx: &Transaction<'_>| {
            let part = Part { failures: 7, opened_ms: Some(0), until_ms: 4_000, probes: 2, reason: "HTTP 500".into() };
            pace::keep_breaker(tx, b"key", &[("crm".to_owned(), part)])?;
            pace::keep(tx, b"one", ("daily", "ads"), (0, 86_400_000), &daily.kept(0, 0))
        };
        store.write(write).await.unwrap();
        let told = held_back(&store.reader().unwrap(), &Clock::starting_at(1_000)).unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|one| format!("{}: {}: {} ({:?})", one.destination, one.kind, one.reason, one.until))
            .collect();
        assert_eq!(
            told,
            [
                "crm: outage: it failed 7 times in a row since 1970-01-01T00:00:00Z and is only probed: HTTP 500 \
                 (Some(\"1970-01-01T00:00:04Z\"))",
                "ads: slower: bucket `daily` lets 4 requests through at a time, for the destination refused more (None)",
                "ads: used up: bucket `daily` is used up, or the destination asked to wait \
                 (Some(\"1970-01-02T00:00:00Z\"))",
            ]
        );
        assert_eq!(held_back(&store.reader().unwrap(), &Clock::starting_at(90_000_000)).unwrap().len(), 2);
    }
}
