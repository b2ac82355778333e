//! What is told as it happens, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _};

use crate::access::Caller;
use crate::desk::Desk;
use crate::desk::live::News;
use crate::problem::Problem;

/// How often a line is sent where nothing happens, so that nobody on the way takes the stream for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The overview of now and each one that differs from the last, as events named `overview`; `bye` once nothing more comes.
#[utoipa::path(get, path = "/live", responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn live(
    State(desk): State<Desk>,
    caller: Caller,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let events = desk.news(caller)?.map(|news| {
        Ok(match news {
            News::Overview(text) => Event::default().event("overview").data(text),
            News::Bye => Event::default().event("bye").data(""),
        })
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}
