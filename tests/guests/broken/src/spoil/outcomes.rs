//! Defects of the fates of members.

use enroute_sdk::bindings::enroute::destination::types::DeliveryWork;
use enroute_sdk::{Failure, Fate, Outcome, Report, Ticket};

use super::network::SpoiledHttp;
use super::trap;

/// Bytes of a ticket over the limit.
const OVER_TICKET_BYTES: usize = 5_000;
/// A year.
const YEAR_MS: u64 = 365 * 24 * 3_600_000;

/// One fate for everybody.
pub(super) fn all(report: &mut Report, outcome: &Outcome) {
    let members: Vec<u32> = report.fates.iter().flat_map(|fate| fate.members.iter().copied()).collect();
    report.fates = if members.is_empty() { Vec::new() } else { vec![Fate { members, outcome: outcome.clone() }] };
}

/// Members of a job that was asked about.
pub(super) fn of_a_job(http: &SpoiledHttp<'_>, report: &mut Report) {
    match http.defect {
        "resumes_with_success" if !http.nothing_left() => all(report, &Outcome::Delivered),
        "resumes_without_asking" if http.nothing_left() => all(report, &Outcome::Delivered),
        "resumes_with_rejections" if http.answered(503) => all(report, &refused()),
        _ => {}
    }
}

/// Members of a delivery of one request; those of several are for the defects that concern their order.
pub(super) fn of_a_delivery(http: &SpoiledHttp<'_>, work: &DeliveryWork, report: &mut Report) {
    if work.requests.len() > 1 {
        return;
    }
    match http.defect {
        "report_leaves_out" if http.answered(404) => {
            report.fates.pop();
        }
        "report_names_twice" if http.answered(404) => {
            let again = report.fates.clone();
            report.fates.extend(again);
        }
        "send_traps" if http.success_says(|text| text.starts_with("[[[[")) => trap("a deep answer"),
        "ticket_is_too_long" => tickets(report, &"j".repeat(OVER_TICKET_BYTES)),
        "ticket_names_a_member" => tickets(report, &work.identifiers.text),
        "job_is_asked_about_in_a_year" => {
            for fate in &mut report.fates {
                if let Outcome::Accepted(ticket) = &mut fate.outcome {
                    ticket.ask_after_ms = YEAR_MS;
                }
            }
        }
        _ => {
            if let Some(outcome) = claimed(http).or_else(|| unchanged(http)).or_else(|| blamed(http)) {
                all(report, &outcome);
            }
        }
    }
}

/// Everybody arrives who has not, or waits who is not sure.
fn claimed(http: &SpoiledHttp<'_>) -> Option<Outcome> {
    let is_page = |text: &str| text.contains("<html>");
    let is_cut = |text: &str| text.starts_with('{') && !text.ends_with('}');
    let says =
        |word: &str| http.success_says(|text| text.starts_with('{') && text.ends_with('}') && text.contains(word));
    let failed = |fits: fn(&Failure) -> bool| http.failed(fits);
    let arrived = match http.defect {
        "page_is_success" => http.success_says(is_page),
        "half_an_answer_is_success" => http.success_says(is_cut),
        "nothing_is_success" => http.success_says(str::is_empty),
        "error_is_success" => http.answered(500),
        "not_found_is_success" => http.answered(404),
        "conflict_is_success" => http.answered(409),
        "no_content_is_success" => http.answered(204),
        "partial_content_is_success" => http.answered(206),
        "wrong_method_is_success" => http.answered(405),
        "gone_is_success" => http.answered(410),
        "redirect_is_success" => http.answered(302),
        "error_inside_is_success" => says("\"error\":{\"message\""),
        "errors_inside_are_success" => says("\"errors\":["),
        "refusals_inside_are_success" => http.answered(207) && says("\"results\""),
        "denied_is_delivered" => http.nothing_left(),
        _ => false,
    };
    if arrived {
        return Some(Outcome::Delivered);
    }
    match http.defect {
        "job_without_a_job" if http.answered(503) => {
            Some(Outcome::Accepted(Ticket { token: "j0".to_owned(), ask_after_ms: 1_000 }))
        }
        "interrupted_is_deferred" if failed(|failure| matches!(failure, Failure::Interrupted(_))) => {
            Some(Outcome::Deferred(0))
        }
        "too_large_is_deferred" if failed(|failure| matches!(failure, Failure::TooLarge(_))) => {
            Some(Outcome::Deferred(0))
        }
        "unreachable_is_unknown" if failed(|failure| matches!(failure, Failure::Unreachable(_))) => {
            Some(Outcome::Unknown)
        }
        "trouble_is_deferred_for_a_year" if http.answered(503) => Some(Outcome::Deferred(YEAR_MS)),
        _ => None,
    }
}

/// Nothing had to be done, where nothing says so.
fn unchanged(http: &SpoiledHttp<'_>) -> Option<Outcome> {
    let is_page = |text: &str| text.contains("<html>");
    let is_it = match http.defect {
        "refusal_is_unchanged" => http.answered(400),
        "bad_key_is_unchanged" => http.answered(401),
        "trouble_is_unchanged" => http.answered(503),
        "page_is_unchanged" => http.success_says(is_page),
        "no_answer_is_unchanged" => http.failed(|failure| matches!(failure, Failure::Interrupted(_))),
        "error_inside_is_unchanged" => http.success_says(|text| text.contains("\"error\":{")),
        "no_connection_is_unchanged" => http.nothing_left(),
        _ => false,
    };
    is_it.then(|| Outcome::Unchanged("there_already".to_owned()))
}

/// Everybody is refused for good.
fn blamed(http: &SpoiledHttp<'_>) -> Option<Outcome> {
    let status = match http.defect {
        "refusal_without_advice" => {
            return http.answered(422).then(|| Outcome::rejected("unadvised", "it is refused"));
        }
        "trouble_rejects" => 503,
        "bad_key_rejects" => 401,
        "forbidden_rejects_all" => 403,
        "not_found_rejects_all" => 404,
        "wrong_method_rejects_all" => 405,
        "conflict_rejects_all" => 409,
        "gone_rejects_all" => 410,
        "too_large_rejects_all" => 413,
        "redirect_rejects_all" => 302,
        _ => return None,
    };
    http.answered(status).then(refused)
}

fn refused() -> Outcome {
    Outcome::rejected("refused", "it is refused")
}

/// Another token for every ticket.
pub(super) fn tickets(report: &mut Report, text: &str) {
    for fate in &mut report.fates {
        if let Outcome::Accepted(ticket) = &mut fate.outcome {
            text.chars().take(OVER_TICKET_BYTES).collect::<String>().clone_into(&mut ticket.token);
        }
    }
}
