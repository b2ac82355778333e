//! What a plugin says, bounded and cleaned where it enters.
//!
//! Codes are held to their form, sentences to one line; what could be without number is counted instead of kept. So
//! nothing a plugin says costs memory, store or terminal beyond what its members do.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use enroute_core::account::{ITEMS_MAX, Item, Kind, ValueType};
use enroute_core::outcome::{OTHERS, Unattributed, Warning};
use enroute_core::plain;

use crate::bindings::enroute::destination::types;
use crate::types::{Problem, ProblemPlace};

/// Most different warnings, and most different reasons of refusals that are only counted, of one call.
///
/// A plugin has one for each of its codes and fields; the seven have at most 20 codes.
const DIFFERENT_MAX: usize = 100;
/// Most problems that are kept of one `validate`: more than anybody mends before looking again.
const PROBLEMS_MAX: usize = 100;

/// Most choices of one of them.
const CHOICES_MAX: usize = 200;

/// Warnings, each once with the members it concerns; those beyond [`DIFFERENT_MAX`] together under [`OTHERS`].
pub(super) fn warnings(said: Vec<types::Warning>) -> Vec<Warning> {
    // Cleaned after they were counted: of a flood only what is kept is looked at closely.
    let (kept, others) = counted(said.into_iter().map(|one| ((one.code, one.field), one.count)));
    let clean = |((code, field), count)| ((plain::code(code), Option::map(field, plain::line)), count);
    let (kept, _) = counted(kept.into_iter().map(clean));
    let mut found: Vec<_> = kept.into_iter().map(|((code, field), count)| Warning { code, field, count }).collect();
    if others > 0 {
        found.push(Warning { code: OTHERS.to_owned(), field: None, count: others });
    }
    found
}

/// Refusals that are only counted, each reason once; those beyond [`DIFFERENT_MAX`] together under [`OTHERS`].
pub(super) fn unattributed(said: Vec<types::Unattributed>) -> Vec<Unattributed> {
    let (kept, others) = counted(said.into_iter().map(|one| (one.reason, one.count)));
    let (kept, _) = counted(kept.into_iter().map(|(reason, count)| (plain::line(reason), count)));
    let mut found: Vec<_> = kept.into_iter().map(|(reason, count)| Unattributed { reason, count }).collect();
    if others > 0 {
        found.push(Unattributed { reason: OTHERS.to_owned(), count: others });
    }
    found
}

/// Adds up what is the same, in the order in which it was said; returns what is beyond [`DIFFERENT_MAX`] as one number.
fn counted<K: Eq + Hash>(said: impl Iterator<Item = (K, u32)>) -> (Vec<(K, u32)>, u32) {
    let mut kept: HashMap<K, (usize, u32)> = HashMap::new();
    let mut others = 0_u32;
    for (key, count) in said {
        let at = kept.len();
        if let Some((_, known)) = kept.get_mut(&key) {
            *known = known.saturating_add(count);
        } else if at >= DIFFERENT_MAX {
            others = others.saturating_add(count);
        } else {
            kept.insert(key, (at, count));
        }
    }
    let mut kept: Vec<_> = kept.into_iter().collect();
    kept.sort_unstable_by_key(|(_, (at, _))| *at);
    (kept.into_iter().map(|(key, (_, count))| (key, count)).collect(), others)
}

/// Whether there are more different ones than [`DIFFERENT_MAX`]. Looks no further than it must.
fn is_flood<K: Eq + Hash>(said: impl Iterator<Item = K>) -> bool {
    let mut seen = HashSet::new();
    said.into_iter().any(|one| seen.insert(one) && seen.len() > DIFFERENT_MAX)
}

fn is_line(text: &&str) -> bool {
    let is_short = text.len() <= plain::LINE_BYTES_MAX;
    is_short && (text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.contains(plain::is_hidden))
}

/// The first message or hint of a problem that is not one line of bounded length, or how many problems there are.
pub(super) fn ill_put(problems: &[types::Problem]) -> Option<String> {
    let mut texts = problems.iter().flat_map(|problem| [problem.message.as_str(), problem.hint.as_str()]);
    let ill = texts.find(|text| !is_line(text)).map(|text| plain::line(text.to_owned()));
    ill.or_else(|| (problems.len() > PROBLEMS_MAX).then(|| format!("{} problems", problems.len())))
}

/// The first code or field of a warning that has not the form that the contract asks for, if any.
pub(super) fn ill_warned(warnings: &[types::Warning]) -> Option<String> {
    warnings.iter().find_map(|warning| {
        let field = warning.field.as_deref().filter(|text| !is_line(text));
        let ill = Some(warning.code.as_str()).filter(|code| !plain::is_code(code)).or(field)?;
        Some(plain::line(ill.to_owned()))
    })
}

/// The first word of a rejection that has not the form that the contract asks for, if any.
pub(super) fn ill_formed(mapped: &types::Mapped) -> Option<String> {
    mapped.rejections.iter().find_map(|rejection| {
        let (code, reason) = (rejection.code.as_str(), rejection.reason.as_str());
        let ill = Some(code).filter(|code| !plain::is_code(code)).or(Some(reason).filter(|text| !is_line(text)))?;
        Some(plain::line(ill.to_owned()))
    })
}

/// As [`ill_formed`], of a report: a code or sentence out of form, or more warnings or reasons than are kept.
pub(super) fn ill_formed_report(report: &types::Report) -> Option<String> {
    let warned = report.warnings.iter().map(|one| (one.code.as_str(), one.field.as_deref()));
    if is_flood(warned) || is_flood(report.unattributed.iter().map(|one| one.reason.as_str())) {
        return Some(format!("more than {DIFFERENT_MAX} different warnings, or reasons of refusals"));
    }
    let mut codes: Vec<&str> = report.warnings.iter().map(|warning| warning.code.as_str()).collect();
    let mut lines: Vec<&str> = report.unattributed.iter().map(|one| one.reason.as_str()).collect();
    lines.extend(report.warnings.iter().filter_map(|warning| warning.field.as_deref()));
    for fate in &report.fates {
        match &fate.outcome {
            types::Outcome::Unchanged(code) => codes.push(code),
            types::Outcome::Rejected(refusal) => {
                codes.push(&refusal.code);
                lines.push(&refusal.reason);
            }
            types::Outcome::Delivered
            | types::Outcome::Deferred(_)
            | types::Outcome::Accepted(_)
            | types::Outcome::Unknown => {}
        }
    }
    match &report.verdict {
        types::Verdict::CredentialInvalid(text)
        | types::Verdict::PermissionMissing(text)
        | types::Verdict::Misconfigured(text)
        | types::Verdict::RefusedBisect(text)
        | types::Verdict::RefusedWhole(text)
        | types::Verdict::Unavailable(text) => lines.push(text),
        types::Verdict::Throttled(throttle) => lines.push(&throttle.bucket),
        types::Verdict::Ok | types::Verdict::TooLarge => {}
    }
    let ill =
        codes.into_iter().find(|code| !plain::is_code(code)).or_else(|| lines.into_iter().find(|text| !is_line(text)));
    ill.map(|text| plain::line(text.to_owned()))
}

/// The longest wait that a report asks for: of a member, a bucket or a job.
pub(super) fn longest_wait_ms(report: &types::Report) -> u64 {
    let of_member = report.fates.iter().map(|fate| match &fate.outcome {
        types::Outcome::Deferred(after_ms) => *after_ms,
        types::Outcome::Accepted(ticket) => ticket.ask_after_ms,
        _ => 0,
    });
    let of_bucket = match &report.verdict {
        types::Verdict::Throttled(throttle) => throttle.after_ms,
        _ => 0,
    };
    of_member.max().unwrap_or(0).max(of_bucket)
}

/// Bytes of a result of `map`, without the few that frame them.
pub(super) fn mapped_bytes(mapped: &types::Mapped) -> usize {
    let requests = mapped.deliveries.iter().flat_map(|delivery| &delivery.requests);
    let request = |one: &types::PreparedRequest| one.request.body.len() + 4 * one.members.len();
    let rejection = |one: &types::Rejection| one.code.len() + one.reason.len() + 4;
    requests.map(request).sum::<usize>() + mapped.rejections.iter().map(rejection).sum::<usize>()
}

/// Bytes of a report, without the few that frame them.
pub(super) fn report_bytes(report: &types::Report) -> usize {
    let members: usize = report.fates.iter().map(|fate| 4 * fate.members.len()).sum();
    members + report.remote.as_ref().map_or(0, String::len)
}

/// Problems in the order in which they were said; those beyond [`PROBLEMS_MAX`] are one that counts them, and an error
/// where one of them is.
pub(super) fn problems(said: Vec<types::Problem>) -> Vec<Problem> {
    let total = said.len();
    let is_error = |problem: &types::Problem| matches!(problem.severity, types::Severity::Error);
    let hides_error = said.iter().skip(PROBLEMS_MAX).any(is_error);
    let mut found: Vec<_> = said.into_iter().take(PROBLEMS_MAX).map(problem).collect();
    if total > PROBLEMS_MAX {
        found.push(Problem {
            is_error: hides_error,
            place: ProblemPlace::Audience,
            message: format!("… and {} other problems", total - PROBLEMS_MAX),
            hint: "mend the ones above and look again".to_owned(),
        });
    }
    found
}

/// What the account has of its own, cut to a size that the host can keep.
pub(super) fn account(said: Vec<types::AccountItem>) -> Vec<Item> {
    let one = |item: types::AccountItem| Item {
        kind: match item.kind {
            types::AccountKind::Field => Kind::Field,
            types::AccountKind::List => Kind::List,
            types::AccountKind::Object => Kind::Object,
        },
        name: plain::line(item.name),
        label: plain::line(item.label),
        takes: match item.type_ {
            types::ValueType::Any => ValueType::Any,
            types::ValueType::Text => ValueType::Text,
            types::ValueType::Number => ValueType::Number,
            types::ValueType::Boolean => ValueType::Boolean,
            types::ValueType::Date => ValueType::Date,
            types::ValueType::Moment => ValueType::Moment,
            types::ValueType::List => ValueType::List,
            types::ValueType::Object => ValueType::Object,
        },
        required: item.required,
        choices: item.choices.into_iter().take(CHOICES_MAX).map(plain::line).collect(),
    };
    said.into_iter().take(ITEMS_MAX).map(one).collect()
}

fn problem(problem: types::Problem) -> Problem {
    Problem {
        is_error: matches!(problem.severity, types::Severity::Error),
        place: match problem.place {
            types::Place::Setting(name) => ProblemPlace::Setting(plain::line(name)),
            types::Place::Row(row) => ProblemPlace::Row(row),
            types::Place::Audience => ProblemPlace::Audience,
            types::Place::Remote => ProblemPlace::Remote,
        },
        message: plain::line(problem.message),
        hint: plain::line(problem.hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_warnings_is_counted() {
        let said = (0..150_000).map(|at| types::Warning { code: format!("w{at}"), field: None, count: 2 }).collect();
        let found = warnings(said);
        assert_eq!(found.len(), DIFFERENT_MAX + 1);
        assert_eq!(found.iter().map(|one| u64::from(one.count)).sum::<u64>(), 300_000);
        let others = found.last().unwrap();
        assert_eq!((others.code.as_str(), others.count), (OTHERS, 2 * (150_000 - 100)));
    }

    #[test]
    fn a_report_is_in_form_or_says_what_is_not() {
        let report = |outcome, verdict, warnings: Vec<types::Warning>| types::Report {
            fates: vec![types::Fate { members: vec![0], outcome }],
            verdict,
            unattributed: Vec::new(),
            remote: None,
            account: None,
            warnings,
        };
        let ill = |outcome, verdict, warnings| ill_formed_report(&report(outcome, verdict, warnings));
        let warning = |code: String| types::Warning { code, field: None, count: 1 };
        let (ok, later) = (types::Verdict::Ok, types::Outcome::Deferred(0));
        assert_eq!(ill(later.clone(), ok.clone(), vec![warning("not_checked".to_owned())]), None);
        assert_eq!(
            ill(types::Outcome::Unchanged("notThere".to_owned()), ok.clone(), Vec::new()).as_deref(),
            Some("notThere")
        );
        let lines = types::Verdict::Unavailable("one\ntwo".to_owned());
        assert_eq!(ill(later.clone(), lines, Vec::new()).as_deref(), Some("one\\ntwo"));
        let flood = (0..101).map(|at| warning(format!("w{at}"))).collect();
        assert!(ill(later, ok, flood).is_some_and(|said| said.contains("more than 100")));
    }

    #[test]
    fn the_longest_wait_is_the_one_asked_for() {
        let throttle = types::Throttle { bucket: "api".to_owned(), after_ms: 7 };
        let report = types::Report {
            fates: vec![types::Fate { members: vec![0], outcome: types::Outcome::Deferred(u64::MAX) }],
            verdict: types::Verdict::Throttled(throttle),
            unattributed: Vec::new(),
            remote: None,
            account: None,
            warnings: Vec::new(),
        };
        assert_eq!(longest_wait_ms(&report), u64::MAX);
        assert_eq!(longest_wait_ms(&types::Report { fates: Vec::new(), ..report }), 7);
    }

    #[test]
    fn what_is_said_twice_is_added_up() {
        let one = || types::Warning { code: "A b".to_owned(), field: Some("x\n".to_owned()), count: u32::MAX };
        let found = warnings(vec![one(), one()]);
        assert_eq!(found, [Warning { code: "a_b".to_owned(), field: Some("x\\n".to_owned()), count: u32::MAX }]);
    }

    #[test]
    fn a_flood_of_problems_stays_an_error_where_one_of_them_is() {
        let one = |severity| types::Problem {
            severity,
            place: types::Place::Audience,
            message: "x\u{202e}".repeat(1_000),
            hint: String::new(),
        };
        let said = |last| (0..5_000).map(|_| one(types::Severity::Warning)).chain([one(last)]).collect();
        for (last, blocks) in [(types::Severity::Error, true), (types::Severity::Warning, false)] {
            let found = problems(said(last));
            assert_eq!(found.len(), PROBLEMS_MAX + 1);
            let told = found.last().unwrap();
            assert_eq!((told.is_error, told.message.as_str()), (blocks, "… and 4901 other problems"));
            assert!(found.iter().all(|one| one.message.len() <= plain::LINE_BYTES_MAX));
        }
    }
}
