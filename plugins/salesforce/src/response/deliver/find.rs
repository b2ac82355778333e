//! Rows of queries, page by page.

use enroute_sdk::{Answer, Http, Outcome, Request, Verdict};
use serde::Deserialize;

use crate::request;
use crate::response::codes::Doing;
use crate::response::fault::{self, Fault};
use crate::settings::Settings;

/// Most pages of one query: 100,000 rows, far above what a batch of people can have.
const PAGES_MAX: usize = 50;

/// The derived kind of queries and their pages.
pub(super) const LOOK_UP: &str = "look_up";

/// One row.
#[derive(Debug, Deserialize)]
pub(super) struct Row(serde_json::Map<String, serde_json::Value>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    records: Vec<Row>,
    done: bool,
    next_records_url: Option<String>,
}

impl Row {
    /// The text of a column, whose name is spelled in any way.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(column))?.1.as_str()
    }
}

/// The rows of a query whose first page is here.
pub(super) fn rows(settings: &Settings, first: &Answer, http: &mut dyn Http) -> Result<Vec<Row>, Fault> {
    let (mut rows, mut next) = page(first)?;
    for _ in 1..PAGES_MAX {
        let Some(url) = next.take() else { break };
        let Some(request) = request::page(settings, &url) else { return Err(strange()) };
        let answer = http.send(LOOK_UP, &request).map_err(|failure| fault::unsent(&failure, Doing::Read))?;
        let (more, following) = page(&answer)?;
        rows.extend(more);
        next = following;
    }
    if next.is_some() { Err(strange()) } else { Ok(rows) }
}

/// The rows of several queries.
pub(super) fn all(settings: &Settings, queries: &[Request], http: &mut dyn Http) -> Result<Vec<Row>, Fault> {
    let mut found = Vec::new();
    for answer in http.send_all(LOOK_UP, queries) {
        let answer = answer.map_err(|failure| fault::unsent(&failure, Doing::Read))?;
        found.extend(rows(settings, &answer, http)?);
    }
    Ok(found)
}

fn page(answer: &Answer) -> Result<(Vec<Row>, Option<String>), Fault> {
    if let Some(fault) = fault::read(answer, Doing::Read) {
        return Err(fault);
    }
    let Some(page) = answer.json::<Page>() else { return Err(strange()) };
    match (page.done, page.next_records_url) {
        (true, _) => Ok((page.records, None)),
        (false, Some(next)) => Ok((page.records, Some(next))),
        // What is not the end and names no other page cannot be read to the end.
        (false, None) => Err(strange()),
    }
}

fn strange() -> Fault {
    let why = "salesforce answered a query with something else than pages of rows".to_owned();
    Fault { outcome: Outcome::Deferred(60_000), verdict: Verdict::Unavailable(why) }
}
