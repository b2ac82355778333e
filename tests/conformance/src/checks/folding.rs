//! Spellings that the manifest calls one: they give the same bytes.

use enroute_core::batch::Change;
use enroute_core::manifest::Fold;
use enroute_host::runtime::PreparedRequest;

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::people::{Cell, Person};

/// Number of the member that is spelled in several ways; a multiple of seven has the best identifier.
pub(super) const MEMBER: usize = 42_000;

/// Maps one person in every spelling of every field that folds.
pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    for bench in benches {
        for field in kit.manifest.fields.iter().filter(|field| !field.fold.is_empty()) {
            let Some(text) = bench.text(&field.name, MEMBER) else { continue };
            for step in &field.fold {
                if let Some(spellings) = spellings(*step, &text) {
                    compare(kit, bench, &field.name, *step, &spellings);
                }
            }
        }
    }
}

fn compare(kit: &Kit<'_>, bench: &Bench, field: &str, step: Fold, [one, other]: &[String; 2]) {
    let mapped = |text: &str| mapped(kit, bench, field, text);
    let (Some(expected), Some(got)) = (mapped(one), mapped(other)) else { return };
    // A plugin that cannot use the value has no form of it.
    if expected.is_empty() {
        return;
    }
    kit.findings.expect(Check::FoldedSpellingsAreOne, got == expected, || {
        let did = format!("{}: mapped a member whose `{field}` is {one:?}, and again as {other:?}", bench.name);
        let why = format!("the same bytes, `{field}` being folded by `{}`: {}", step.word(), shown(&expected));
        Failure::new(did, why, shown(&got))
    });
}

/// The requests about one member with this text in a field; nothing where `map` failed.
pub(super) fn mapped(kit: &Kit<'_>, bench: &Bench, field: &str, text: &str) -> Option<Vec<PreparedRequest>> {
    let person = bench.spelled(MEMBER, field, text);
    let did = format!("mapped a member whose `{field}` is {text:?}");
    let mapped = kit.map(bench, &bench.crowd(vec![person]), &did)?;
    Some(mapped.deliveries.into_iter().flat_map(|delivery| delivery.requests).collect())
}

/// A value in two spellings that this step makes one; none where it has but one.
fn spellings(step: Fold, text: &str) -> Option<[String; 2]> {
    let local = || text.split('@').next().unwrap_or(text);
    let gmail = |local: &str| format!("{local}@gmail.com");
    let (one, other) = match step {
        Fold::Trim => (text.to_owned(), format!(" {text}  ")),
        Fold::Lowercase if text.to_uppercase() == text => (text.to_owned(), text.to_lowercase()),
        Fold::Lowercase => (text.to_owned(), text.to_uppercase()),
        Fold::Separators => (text.to_owned(), separated(text)?),
        Fold::GmailDots => {
            let (front, rest) = local().split_at_checked(1)?;
            (gmail(local()), gmail(&format!("{front}.{rest}")))
        }
        Fold::GmailPlus => (gmail(local()), gmail(&format!("{}+kit", local()))),
    };
    (one != other).then_some([one, other])
}

/// `+49 (151) 00-000.00`: a number as people write it.
fn separated(text: &str) -> Option<String> {
    let (country, rest) = text.split_at_checked(3)?;
    let (area, rest) = rest.split_at_checked(3)?;
    let (first, rest) = rest.split_at_checked(2)?;
    let (second, third) = rest.split_at_checked(3)?;
    Some(format!("{country} ({area}) {first}-{second}.{third}"))
}

fn shown(requests: &[PreparedRequest]) -> String {
    let body = |one: &PreparedRequest| String::from_utf8_lossy(&one.request.body).chars().take(200).collect::<String>();
    requests.iter().map(body).collect::<Vec<_>>().join(", ")
}

impl Bench {
    /// The ordinary value of a field that a column goes into, where it is a text.
    pub(super) fn text(&self, field: &str, number: usize) -> Option<String> {
        let column = (0..self.columns()).find(|at| self.column(*at) == field)?;
        match self.ordinary_value(column, number) {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An ordinary member with this text in every column that goes into the field. Another identifier that would be
    /// preferred to it is left out.
    fn spelled(&self, number: usize, field: &str, text: &str) -> Person {
        let mut person = self.member(number, Change::Added);
        let alone = self.uses_first() && !person.identifiers.is_empty();
        for (at, name) in (0..self.columns()).map(|at| (at, self.column(at))) {
            let identifiers = person.identifiers.len();
            let cell = match at.checked_sub(identifiers) {
                None => person.identifiers.get_mut(at),
                Some(row) => person.values.get_mut(row),
            };
            let Some(cell) = cell else { continue };
            if name == field {
                *cell = Cell::text(text);
            } else if alone && at < identifiers && self.goes_out_by(field) {
                *cell = Cell::Absent;
            }
        }
        // What was marked is spelled otherwise now.
        person.marks.clear();
        person
    }
}

#[cfg(test)]
mod tests {
    use enroute_core::fold::spelled;

    use super::*;

    #[test]
    fn both_spellings_are_one_by_the_step() {
        let samples = [
            (Fold::Trim, "ann"),
            (Fold::Lowercase, "ann@example.com"),
            (Fold::Lowercase, "DE"),
            (Fold::Separators, "+4915100000000"),
            (Fold::GmailDots, "ann@example.com"),
            (Fold::GmailPlus, "ann@example.com"),
        ];
        for (step, text) in samples {
            let [one, other] = spellings(step, text).unwrap();
            assert_ne!(one, other, "{step:?}");
            assert_eq!(spelled(&one, &[step]), spelled(&other, &[step]), "{step:?}");
        }
        assert_eq!(spellings(Fold::Lowercase, "17"), None);
    }
}
