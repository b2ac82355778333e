//! Events as they happen: the tracking API that Segment's libraries speak, and the way of a call into the store.
//!
//! A request is checked, made durable in the inbox, and only then answered; a second stage moves calls from there into
//! the store. The paths, forms and answers are those of Segment's HTTP API, for its clients are used unchanged; where
//! those clients would lose calls over an answer, it is another one (`docs/tracking.md`). What must never happen: a 200
//! for a call that is not durable, a call that is lost because others of its batch are bad, a refusal of ours that a
//! client takes for its own fault, or a body that is unpacked without end.

pub mod applier;
mod body;
mod cors;
pub mod counts;
pub(crate) mod figures;
mod keys;
mod refusal;
mod settings;
mod take;
pub mod tracking;

use axum::Router;
use axum::routing::any;
use enroute_core::call::CallKind;

pub use self::applier::{Applier, Touched};
pub use self::tracking::{Listening, Tracking};

use self::take::Form;

/// What comes to which path below `/v1/`: the long names, and the browser's, which are their first letters.
const FORMS: [(Form, &[&str]); 8] = [
    (Form::Batch, &["batch", "import", "b"]),
    (Form::Single(CallKind::Track), &["track", "t"]),
    (Form::Single(CallKind::Identify), &["identify", "i"]),
    (Form::Single(CallKind::Page), &["page", "p"]),
    (Form::Single(CallKind::Screen), &["screen", "s"]),
    (Form::Single(CallKind::Group), &["group", "g"]),
    (Form::Single(CallKind::Alias), &["alias", "a"]),
    // What the browser's library tells of itself.
    (Form::Metrics, &["m"]),
];

/// The routes of the tracking API, to be merged with others.
pub fn router(tracking: Tracking) -> Router {
    let mut router = Router::new();
    for (form, names) in FORMS {
        for path in names.iter().flat_map(|name| [format!("/v1/{name}"), format!("/v1/{name}/")]) {
            let tracking = tracking.clone();
            router = router.route(&path, any(move |request| take::take(tracking, form, request)));
        }
    }
    router.route("/v1/projects/{key}/settings", any(move |key, request| settings::settings(tracking, key, request)))
}

#[cfg(test)]
mod tests;
