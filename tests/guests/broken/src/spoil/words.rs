//! Defects of what a report and the log say: values of members in disguise, and words that are not in form.

use enroute_sdk::bindings::enroute::destination::types::DeliveryWork;
use enroute_sdk::{Level, Outcome, Report, Unattributed, Verdict, Warning, hash, log};

use super::map::cell_text;
use super::network::SpoiledHttp;
use super::outcomes::{all, tickets};

/// Things said in one report that are more than a hundred.
const FLOOD: u32 = 150;
/// Bytes of a sentence that is too long.
const LONG_BYTES: usize = 600;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn of_a_delivery(http: &SpoiledHttp<'_>, work: &DeliveryWork, report: &mut Report) {
    let email = cell_text(&work.identifiers, 0, 1);
    let is_bisect = matches!(report.verdict, Verdict::RefusedBisect(_));
    match http.defect {
        "log_turns_a_value_round" => log(Level::Debug, &turned_round(&email)),
        "log_has_a_value_in_hex" => log(Level::Debug, &hex(&email)),
        "log_has_the_hash_of_a_value" => log(Level::Debug, &hash::sha256_hex(&email.to_lowercase())),
        "ticket_turns_a_value_round" => tickets(report, &turned_round(&email)),
        "ticket_has_the_hash_of_a_value" => tickets(report, &format!("j1 {}", hash::sha256_hex(&email))),
        "ticket_has_a_value_in_base64" => tickets(report, &base64(&format!("j{email}"))),
        "remote_has_a_value_in_hex" => report.remote = Some(format!("{{\"list\":\"7\",\"last\":\"{}\"}}", hex(&email))),
        "remote_has_the_hash_of_a_value" => {
            report.remote = Some(format!("{{\"list\":\"7\",\"last\":\"{}\"}}", hash::sha256_hex(&email)));
        }
        "warning_has_a_value_in_base64" => warn(report, "odd", Some(base64(&email))),
        "reason_has_a_value_in_base64" if is_bisect => {
            report.verdict = Verdict::RefusedBisect(format!("it is {}", base64(&email)));
        }
        "reason_has_a_value_in_hex" if is_bisect => {
            report.verdict = Verdict::RefusedBisect(format!("it is {}", hex(&email)));
        }
        "reason_has_the_hash_of_a_value" if http.answered(422) && work.requests.len() == 1 => {
            all(report, &Outcome::rejected("refused", hash::sha256_hex(&email)));
        }
        "count_has_a_value_turned_round" => {
            report.unattributed.push(Unattributed { reason: turned_round(&email), count: 1 });
        }
        "reason_on_two_lines" if is_bisect => report.verdict = Verdict::RefusedBisect("it is\nrefused".to_owned()),
        "reason_is_a_novel" if is_bisect => report.verdict = Verdict::RefusedBisect("x".repeat(LONG_BYTES)),
        "verdict_without_a_reason" if is_bisect => report.verdict = Verdict::RefusedBisect(" ".to_owned()),
        "refused_without_a_reason" if http.answered(422) && work.requests.len() == 1 => {
            all(report, &Outcome::rejected("refused", ""));
        }
        "unchanged_in_camel_case" if http.answered(404) && work.requests.len() == 1 => {
            all(report, &Outcome::Unchanged("notThere".to_owned()));
        }
        "warning_of_a_report_in_camel_case" => warn(report, "oddValue", None),
        "flood_of_warnings" => (0..FLOOD).for_each(|at| warn(report, &format!("odd_{at}"), None)),
        "flood_of_reasons" => {
            let reason = |at: u32| Unattributed { reason: format!("refused for reason {at}"), count: 1 };
            report.unattributed.extend((0..FLOOD).map(reason));
        }
        _ => {}
    }
}

fn warn(report: &mut Report, code: &str, field: Option<String>) {
    report.warnings.push(Warning { code: code.to_owned(), field, count: 1 });
}

fn turned_round(text: &str) -> String {
    text.chars().rev().collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

/// Base64 without padding.
fn base64(text: &str) -> String {
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..=chunk.len() {
            let letter = BASE64.get((group >> (18 - 6 * digit) & 0x3f) as usize).copied().unwrap_or(b'=');
            out.push(char::from(letter));
        }
    }
    out
}
