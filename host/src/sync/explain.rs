//! Answers to "why": one person's story, and where every connection stands.

use serde::Serialize;

use crate::config::Config;
use crate::store::{Error, Reader, ledger, story};
use crate::sync::lot::open_sent;

/// One person's story at every destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The profile's id.
    pub profile: String,
    /// One entry a connection.
    pub connections: Vec<Chapter>,
}

/// One person at one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// `held`, `in doubt`, `carried by another profile`, `refused`, `waiting` or `not there`.
    pub state: String,
    /// Settings version of the last request.
    pub settings_version: Option<u64>,
    /// Fields of the identifiers that were sent; their values stay sealed.
    pub identifiers_sent: Vec<String>,
    /// Why it is not delivered.
    pub refusal: Option<Refusal>,
    /// When it is tried again, in milliseconds since 1970.
    pub due_ms: Option<u64>,
    /// Newest first.
    pub receipts: Vec<Receipt>,
}

/// A refusal in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// snake_case.
    pub code: String,
    /// The field at fault.
    pub field: Option<String>,
    /// One sentence.
    pub reason: String,
}

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The run.
    pub run: i64,
    /// The change that was sent.
    pub change: Option<String>,
    /// What became of it.
    pub outcome: String,
    /// The outcome's code.
    pub code: Option<String>,
    /// Milliseconds since 1970.
    pub at_ms: Option<u64>,
    /// The requests: label, digest, status.
    pub requests: Vec<Request>,
}

/// A request that was sent about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// `prepared`, `subset` or `derived`.
    pub label: String,
    /// SHA-256 with slots unfilled.
    pub digest: String,
    /// Status of the answer.
    pub status: Option<u16>,
}

/// Tells one person's story, or nothing where nobody has this id.
///
/// # Errors
/// When the store cannot be read.
pub fn explain(reader: &Reader, profile: &str) -> Result<Option<Explanation>, Error> {
    let Some(found) = reader.profile(profile)? else { return Ok(None) };
    let chapters = story::of(reader.connection(), found.id)?;
    let connections = chapters.into_iter().map(|chapter| tell(reader, chapter)).collect();
    Ok(Some(Explanation { profile: profile.to_owned(), connections }))
}

fn tell(reader: &Reader, chapter: story::Chapter) -> Chapter {
    let held = chapter.held.as_ref();
    let state = match (held, &chapter.waiting, &chapter.refusal) {
        (_, Some((state, _)), _) => format!("waiting ({state})"),
        (Some(held), ..) if held.folded => "carried by another profile".to_owned(),
        (Some(held), ..) if held.hash.is_none() => "in doubt".to_owned(),
        (Some(_), ..) => "held".to_owned(),
        (None, None, Some(_)) => "refused".to_owned(),
        (None, None, None) => "not there".to_owned(),
    };
    let sent = held.map(|held| open_sent(reader.sealer(), chapter.link, held)).unwrap_or_default();
    let mut identifiers_sent: Vec<String> =
        sent.into_iter().flat_map(|row| row.0.into_iter().map(|(field, _)| field)).collect();
    identifiers_sent.sort_unstable();
    identifiers_sent.dedup();
    Chapter {
        audience: chapter.audience,
        destination: chapter.destination,
        state,
        settings_version: held.map(|held| held.version),
        identifiers_sent,
        refusal: chapter.refusal.map(|standing| Refusal {
            code: standing.code,
            field: standing.field,
            reason: standing.reason,
        }),
        due_ms: chapter.waiting.map(|(_, due_ms)| due_ms),
        receipts: chapter.receipts.into_iter().map(receipt).collect(),
    }
}

fn receipt(receipt: story::Receipt) -> Receipt {
    let request = |(label, digest, status)| Request { label, digest, status };
    Receipt {
        run: receipt.run,
        change: receipt.change,
        outcome: receipt.outcome,
        code: receipt.code,
        at_ms: receipt.at_ms,
        requests: receipt.requests.into_iter().map(request).collect(),
    }
}

/// Where one connection stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// `connected`, `disabled`, or `never synced`.
    pub state: &'static str,
    /// Members whom the destination holds.
    pub held: u64,
    /// Of those, members of whom it is in doubt what the destination has.
    pub in_doubt: u64,
    /// Members who cannot be delivered as they stand.
    pub refused: u64,
    /// Members who wait for a moment or a job.
    pub waiting: u64,
    /// Version of settings and mapping.
    pub settings_version: u64,
}

/// Where every configured connection stands.
///
/// # Errors
/// When the store cannot be read.
pub fn status(reader: &Reader, config: &Config) -> Result<Vec<Status>, Error> {
    let one = |wanted: &crate::config::audiences_file::connection::Connection| {
        let (audience, destination) = (wanted.audience.value.as_str(), wanted.destination.value.as_str());
        let enabled = wanted.enabled
            && config.destinations.get(&wanted.destination.value).is_some_and(|destination| destination.enabled);
        let known = ledger::find_link(reader.connection(), audience, destination)?;
        let [held, in_doubt, refused, waiting] = match &known {
            Some(link) => story::counts(reader.connection(), link.id)?,
            None => [0; 4],
        };
        Ok(Status {
            audience: audience.to_owned(),
            destination: destination.to_owned(),
            state: match (enabled, &known) {
                (false, _) => "disabled",
                (true, None) => "never synced",
                (true, Some(_)) => "connected",
            },
            held,
            in_doubt,
            refused,
            waiting,
            settings_version: known.map_or(0, |link| link.settings_version),
        })
    };
    config.connections.iter().map(one).collect()
}
