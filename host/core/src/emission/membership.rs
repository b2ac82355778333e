//! Reading from an event whether it puts somebody in or takes somebody out.
//!
//! What cannot be decided is unknown and never a removal (test `what_cannot_be_decided_is_never_a_removal`).

use crate::emission::{Class, Form};
use crate::json::Json;

/// What an event says about membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// The person is in.
    Add,
    /// The person is out.
    Remove,
    /// The event does not say.
    Unknown,
}

/// How the rows of a table are sent, where they and not an audience are what is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowMode {
    /// New rows.
    Add,
    /// Changed rows.
    Update,
    /// New and changed rows.
    Upsert,
    /// Everything, so that the destination equals the table.
    Mirror,
    /// Rows that are gone.
    Delete,
}

/// Decides what an event means. `rows` is how rows are sent, if the event comes from a table.
///
/// An audience or a step of a journey says it with a boolean under its key, and the step also with `"true"` or
/// `"false"`. A row says it with the name of its event, `new`, `updated` or `deleted`.
///
/// ```
/// use enroute_core::emission::{Membership, membership};
/// use enroute_core::json::Json;
/// let event = Json::parse(r#"{"type": "identify", "traits": {"vip": false}, "context": {"personas":
///     {"computation_class": "audience", "computation_key": "vip"}}}"#).unwrap();
/// assert_eq!(membership(&event, None), Membership::Remove);
/// assert_eq!(membership(&Json::Null, None), Membership::Unknown);
/// ```
#[must_use]
pub fn membership(event: &Json, rows: Option<RowMode>) -> Membership {
    let text = |name: &str| event.get(name).and_then(Json::as_text);
    if let Some(mode) = rows {
        let is_track = text("type") == Some(Form::Track.as_str());
        return if is_track { of_row(mode, text("event").unwrap_or_default()) } else { Membership::Unknown };
    }
    let personas = event.get("context").and_then(|context| context.get("personas"));
    let persona = |name: &str| personas.and_then(|personas| personas.get(name)).and_then(Json::as_text);
    let class = [Class::Audience, Class::JourneyStep]
        .into_iter()
        .find(|class| persona("computation_class") == Some(class.as_str()));
    let (Some(class), Some(key)) = (class, persona("computation_key")) else { return Membership::Unknown };
    let body = match text("type") {
        Some("identify") => event.get("traits"),
        Some("track") => event.get("properties"),
        _ => None,
    };
    match (body.and_then(|body| body.get(key)), class) {
        (Some(Json::Bool(true)), _) => Membership::Add,
        (Some(Json::Bool(false)), _) => Membership::Remove,
        (Some(Json::Text(text)), Class::JourneyStep) if text == "true" => Membership::Add,
        (Some(Json::Text(text)), Class::JourneyStep) if text == "false" => Membership::Remove,
        _ => Membership::Unknown,
    }
}

fn of_row(mode: RowMode, event: &str) -> Membership {
    match (mode, event) {
        (RowMode::Add, "new") | (RowMode::Update, "updated") => Membership::Add,
        (RowMode::Upsert | RowMode::Mirror, "new" | "updated") => Membership::Add,
        (RowMode::Delete | RowMode::Mirror, "deleted") => Membership::Remove,
        _ => Membership::Unknown,
    }
}
