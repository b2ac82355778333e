//! What a plugin says in codes, reasons, warnings and log lines: in form, with advice, and without personal data.

use enroute_core::outcome::{Outcome, Report, Verdict, Warning};
use enroute_core::plain;
use enroute_host::runtime::{LogLine, Mapped, Rejection};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::disguise::{self, Disguises};
use crate::findings::Failure;
use crate::kit::Kit;
use crate::people::Crowd;
use crate::spelled;

/// Characters of a text that a failure shows.
const SHOWN_CHARS: usize = 100;
/// Longest ticket in bytes.
const TICKET_BYTES_MAX: usize = 4 << 10;
/// Most different warnings of a call.
const WARNINGS_MAX: usize = 100;
/// Longest remote in bytes.
const REMOTE_BYTES_MAX: usize = 1 << 20;

/// Rejections and warnings of `map`.
pub(crate) fn mapped(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, mapped: &Mapped, did: &str) {
    for rejection in &mapped.rejections {
        let wrong = ill_said(kit, bench, rejection);
        kit.findings.expect(Check::RejectionsAreWellSaid, wrong.is_none(), || {
            let got =
                format!("code `{}`, reason `{}`: {}", rejection.code, rejection.reason, wrong.unwrap_or_default());
            Failure::new(did, "a code in snake_case, one sentence, a field that exists", got)
        });
        has_advice(kit, &rejection.code, did);
        let said = [rejection.code.as_str(), &rejection.reason];
        impersonal(kit, Check::ReasonsAreImpersonal, crowd, said, did);
    }
    // The host counts what is beyond these together.
    kit.findings.expect(Check::WarningsAreWellSaid, mapped.warnings.len() <= WARNINGS_MAX, || {
        Failure::new(did, "at most 100 different warnings", "there are more")
    });
    for warning in &mapped.warnings {
        kit.findings.expect(Check::WarningsAreWellSaid, warning.count > 0, || {
            Failure::new(did, "a warning that counts somebody", format!("`{}` counts nobody", warning.code))
        });
        impersonal(kit, Check::ReasonsAreImpersonal, crowd, words(warning), did);
    }
}

fn ill_said(kit: &Kit<'_>, bench: &Bench, rejection: &Rejection) -> Option<&'static str> {
    if rejection.reason.trim().is_empty() {
        return Some("there is no reason");
    }
    let field = rejection.field.as_deref()?;
    let connection = &bench.connection;
    let known = kit.manifest.field(field).is_some()
        || connection.rows.iter().any(|(_, known)| known == field)
        || connection.identifier_fields.iter().any(|known| known == field);
    (!known).then_some("the field is none of the manifest and of the rows")
}

/// A member's value in any of these texts, as it is.
fn impersonal<'t>(kit: &Kit<'_>, check: Check, crowd: &Crowd, said: impl IntoIterator<Item = &'t str>, did: &str) {
    for text in said {
        let quoted = spelled::quoted(crowd, text);
        kit.findings.expect(check, quoted.is_none(), || {
            let (field, how) = quoted.unwrap_or_default();
            Failure::new(did, "words without a value of a member", format!("the value of `{field}`, {how}: {text}"))
        });
    }
}

/// A member's value in any of these texts, in any form. A text that was found without is not searched again.
fn anonymous<'t>(kit: &Kit<'_>, check: Check, crowd: &Crowd, said: impl IntoIterator<Item = &'t str>, did: &str) {
    let key = disguise::key(crowd);
    let mut disguises = None;
    for text in said {
        let heard = (key, text.to_owned());
        if kit.heard.borrow().contains(&heard) {
            kit.findings.held(check);
            continue;
        }
        let found = disguises.get_or_insert_with(|| Disguises::of(crowd)).find(text);
        kit.findings.expect(check, found.is_none(), || {
            let (field, form) = found.map_or(("", ""), |found| (found.field.as_str(), found.form));
            let said: String = text.chars().take(SHOWN_CHARS).collect();
            Failure::new(did, "words without a value of a member", format!("the value of `{field}` {form} in: {said}"))
        });
        if found.is_none() {
            kit.heard.borrow_mut().insert(heard);
        }
    }
}

fn has_advice(kit: &Kit<'_>, code: &str, did: &str) {
    // A code that is not in form was held to it; what the manifest says of it counts.
    let is_it = |known: &String| plain::code(known.clone()) == code;
    kit.findings.expect(Check::CodesHaveAdvice, kit.manifest.codes.keys().any(is_it), || {
        Failure::new(did, format!("advice for `{code}` in `codes` of the manifest"), "there is none".to_owned())
    });
}

fn words(warning: &Warning) -> [&str; 2] {
    [&warning.code, warning.field.as_deref().unwrap_or_default()]
}

/// Log lines of any call.
pub(crate) fn log(kit: &Kit<'_>, lines: &[LogLine], crowd: &Crowd, did: &str) {
    anonymous(kit, Check::LogsAreImpersonal, crowd, lines.iter().map(|line| line.message.as_str()), did);
}

/// Everything that a report says in words.
pub(crate) fn report(kit: &Kit<'_>, report: &Report, crowd: &Crowd, did: &str) {
    let mut said: Vec<&str> = report.unattributed.iter().map(|one| one.reason.as_str()).collect();
    said.extend(report.warnings.iter().flat_map(words));
    if let Some(text) = reason(&report.verdict) {
        is_there(kit, "the verdict", text, did);
        said.push(text);
    }
    for fate in &report.fates {
        match &fate.outcome {
            Outcome::Rejected(refusal) => {
                is_there(kit, "a rejection", &refusal.reason, did);
                has_advice(kit, &refusal.code, did);
                said.extend([refusal.code.as_str(), &refusal.reason]);
            }
            Outcome::Unchanged { code } => said.push(code),
            Outcome::Accepted(ticket) => {
                let sound = !ticket.token.is_empty() && ticket.token.len() <= TICKET_BYTES_MAX;
                kit.findings.expect(Check::TicketsSuffice, sound, || {
                    Failure::new(did, "a ticket of 1 to 4096 bytes", format!("it has {}", ticket.token.len()))
                });
                anonymous(kit, Check::TicketsSuffice, crowd, [ticket.token.as_str()], did);
            }
            Outcome::Delivered | Outcome::Deferred { .. } | Outcome::Unknown => {}
        }
    }
    anonymous(kit, Check::ReportsAreImpersonal, crowd, said, did);
    if let Some(remote) = &report.remote {
        let sound = remote.len() <= REMOTE_BYTES_MAX && serde_json::from_str::<serde_json::Value>(remote).is_ok();
        kit.findings.expect(Check::RemoteIsOneJsonValue, sound, || {
            let beginning: String = remote.chars().take(SHOWN_CHARS).collect();
            Failure::new(did, "one JSON value of at most 1 MiB", format!("{} bytes: {beginning}", remote.len()))
        });
        anonymous(kit, Check::RemoteIsOneJsonValue, crowd, [remote.as_str()], did);
    }
}

/// A person who has to act on it needs a sentence.
fn is_there(kit: &Kit<'_>, whose: &str, text: &str, did: &str) {
    kit.findings.expect(Check::ReportsAreWellSaid, !text.trim().is_empty(), || {
        Failure::new(did, "one sentence", format!("{whose} has no reason"))
    });
}

/// The words of a verdict.
pub(crate) const fn reason(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::CredentialInvalid(text)
        | Verdict::PermissionMissing(text)
        | Verdict::Misconfigured(text)
        | Verdict::RefusedBisect(text)
        | Verdict::RefusedWhole(text)
        | Verdict::Unavailable(text) => Some(text.as_str()),
        Verdict::Ok | Verdict::TooLarge | Verdict::Throttled { .. } => None,
    }
}
