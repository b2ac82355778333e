//! What is known before the first call: for each field, how many people have a value for it, and what the others lack.
//!
//! Looks at the same columns as a run, in the same pass, and at nothing else of a profile. A sample of a value is shown by its shape alone
//! (`Ann-7` is `Xxx-9`), unless somebody asks for the values.

use std::borrow::Cow;

use enroute_core::matching::How;
use roaring::RoaringBitmap;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::setup::columns::Columns;
use crate::setup::link::Link;
use crate::setup::words::{EXPRESSION, did_you_mean, word};
use enroute_store::records::RECORD_ID_MIN;
use enroute_store::{Error, Reader, ValueReader};

/// People who are looked at: a share is the same to a tenth of a percent, and ten million take ten minutes.
const PEOPLE_MAX: u64 = 100_000;
/// Samples of a field.
const SAMPLES_MAX: usize = 3;
/// People with a value among whom samples of a field are looked for.
const SAMPLED_MAX: u64 = 1_000;
/// Characters of a sample.
const SAMPLE_CHARS_MAX: usize = 32;

/// What the people of an audience have for the fields of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// How many people were looked at; fewer than there are in a large audience.
    pub people: u64,
    /// The rows, in their order.
    pub fields: Vec<FieldCoverage>,
    /// The identifiers that go out, in their order.
    pub identifiers: Vec<IdentifierCoverage>,
}

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FieldCoverage {
    /// The trait, or what fills the field.
    pub from: String,
    /// The field at the destination.
    pub field: String,
    /// `given`, or how the field was found: `exact`, `spelling`, `synonym` or `same name`.
    pub matched: &'static str,
    /// People with a value.
    pub present: u64,
    /// People with a text, list or object that is empty.
    pub empty: u64,
    /// People with a null, which clears the field.
    pub null: u64,
    /// People without a value, whose field is left alone.
    pub missing: u64,
    /// Some values, by their shape unless they were asked for.
    pub samples: Vec<String>,
    /// A trait of nearly the same name, where nobody has this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_you_mean: Option<String>,
}

/// One field of identifiers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IdentifierCoverage {
    /// The kinds of the profile that go there.
    pub kinds: Vec<String>,
    /// The field at the destination.
    pub field: String,
    /// Which of several values goes out: `last`, `first` or `all`.
    pub values: enroute_core::manifest::Values,
    /// People with a value.
    pub present: u64,
    /// People of whom it goes out: not where another identifier comes first and is enough, or a setting keeps it back.
    pub sent: u64,
    /// `setting=value` without which it does not go out, where the settings have another value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_back: Option<String>,
}

/// Counts what people have, while they are cut into lots; and reads those of whom nothing has changed.
#[derive(Debug)]
pub(crate) struct Survey {
    found: Coverage,
    /// Who is looked at.
    chosen: RoaringBitmap,
    met: RoaringBitmap,
    with_values: bool,
    tell: oneshot::Sender<Coverage>,
}

impl Survey {
    /// A survey of these people, and where its result will be.
    pub(crate) fn new(
        link: &Link,
        how: &[How],
        members: &RoaringBitmap,
        with_values: bool,
    ) -> (Self, oneshot::Receiver<Coverage>) {
        let people = members.rank(RECORD_ID_MIN - 1);
        let step = usize::try_from(people.div_ceil(PEOPLE_MAX).max(1)).unwrap_or(1);
        let chosen = members.iter().take_while(|id| *id < RECORD_ID_MIN).step_by(step).collect();
        let (tell, told) = oneshot::channel();
        (Self { found: empty(link, how), chosen, met: RoaringBitmap::new(), with_values, tell }, told)
    }

    /// Counts a person, if it is looked at and was not counted yet. `json` is what was read of it, and the others are
    /// what goes out.
    pub(crate) fn meet(
        &mut self,
        columns: &Columns,
        profile: u32,
        json: &[Option<&str>],
        identifiers: &[Option<Cow<'_, str>>],
        rows: &[Option<Cow<'_, str>>],
    ) {
        if !self.chosen.contains(profile) || !self.met.insert(profile) {
            return;
        }
        self.found.people += 1;
        for (field, text) in self.found.fields.iter_mut().zip(rows) {
            field.count(text.as_deref(), self.with_values);
        }
        let present = if identifiers.iter().any(Option::is_none) { columns.present(json) } else { Vec::new() };
        for (at, (field, text)) in self.found.identifiers.iter_mut().zip(identifiers).enumerate() {
            field.present += u64::from(text.is_some() || present.get(at).is_some_and(|is_there| *is_there));
            field.sent += u64::from(text.is_some() && field.kept_back.is_none());
        }
    }

    /// Reads everybody who was not met, and tells what was found.
    pub(crate) fn end(mut self, reader: &Reader, columns: &Columns) -> Result<(), Error> {
        let others = &self.chosen - &self.met;
        let mut values = ValueReader::new(reader, &columns.read)?;
        values.read(others, |profile, _, _, json| {
            let (identifiers, rows) = columns.texts(json, true, |_| 0);
            self.meet(columns, profile, json, &identifiers, &rows);
            Ok::<_, Error>(())
        })?;
        let Self { mut found, tell, .. } = self;
        if found.people > 0 && found.fields.iter().any(FieldCoverage::is_unheard_of) {
            let known = reader.trait_names()?;
            for field in found.fields.iter_mut().filter(|field| field.is_unheard_of()) {
                field.did_you_mean = did_you_mean(&field.from, &known);
            }
        }
        // Nobody may be waiting for it any more.
        let _ = tell.send(found);
        Ok(())
    }
}

/// The fields of a connection, with nobody counted.
fn empty(link: &Link, how: &[How]) -> Coverage {
    let columns = &link.columns;
    let rows = link.guest.rows.iter().zip(how.iter().map(|how| word(*how)).chain(std::iter::repeat("given")));
    let field = |((from, field), matched): (&(String, String), &'static str)| FieldCoverage {
        from: from.clone(),
        field: field.clone(),
        matched,
        ..FieldCoverage::default()
    };
    let mut found = Coverage { fields: rows.map(field).collect(), ..Coverage::default() };
    for (at, name) in columns.fields.iter().enumerate() {
        let sources: Vec<_> = columns.choice.sources.iter().filter(|source| source.field == at).collect();
        found.identifiers.push(IdentifierCoverage {
            kinds: sources.iter().map(|source| source.kind.clone()).collect(),
            field: name.clone(),
            values: sources.first().map(|source| source.values).unwrap_or_default(),
            kept_back: columns.kept_back.get(at).cloned().flatten(),
            ..IdentifierCoverage::default()
        });
    }
    found
}

impl FieldCoverage {
    /// Whether nobody has anything for it.
    #[must_use]
    pub const fn is_unheard_of(&self) -> bool {
        self.present + self.empty + self.null == 0
    }

    /// Whether it is filled by one trait and by nothing else.
    pub(crate) fn is_trait(&self) -> bool {
        !self.from.starts_with(EXPRESSION)
    }

    fn count(&mut self, json: Option<&str>, with_values: bool) {
        match json {
            None => self.missing += 1,
            Some("null") => self.null += 1,
            Some("\"\"" | "[]" | "{}") => self.empty += 1,
            Some(json) => {
                self.present += 1;
                if self.samples.len() < SAMPLES_MAX && self.present <= SAMPLED_MAX {
                    let sample = if with_values { cut(json) } else { shape(json) };
                    if !self.samples.contains(&sample) {
                        self.samples.push(sample);
                    }
                }
            }
        }
    }
}

fn cut(json: &str) -> String {
    let text = json.trim_matches('"');
    let mut kept: String = text.chars().take(SAMPLE_CHARS_MAX).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

/// A value with every letter and digit replaced, so that its form shows and nothing else.
fn shape(json: &str) -> String {
    match json {
        "true" | "false" => "true or false".to_owned(),
        _ => enroute_core::plain::shape(&cut(json)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: &str) {
        assert_eq!(shape(json), expect);
    }

    #[test]
    fn a_sample_shows_the_form_of_a_value_and_nothing_of_it() {
        check(r#""Ann.Lee7@example.com""#, "Xxx.Xxx9@xxxxxxx.xxx");
        check(r#""+47 912 34""#, "+99 999 99");
        check("-450.50", "-999.99");
        check("true", "true or false");
        check(r#""Zoë 東京 ٣""#, "Xxx xx 9");
        check(r#"["a",{"b":1}]"#, r#"["x",{"x":9}]"#);
        assert_eq!(shape(&format!("\"{}\"", "a".repeat(99))), format!("{}…", "x".repeat(SAMPLE_CHARS_MAX)));
    }

    #[test]
    fn a_hint_never_suggests_the_word_that_was_written() {
        let known = ["plan", "utm.source", "a.b.c", "first name"].map(str::to_owned);
        let hint = |path: &str| did_you_mean(path, &known).unwrap_or_else(|| "-".to_owned());
        assert_eq!(hint("utm.source"), "\"utm.source\"");
        assert_eq!(hint("utm.source.x"), "\"utm.source\".x");
        assert_eq!(hint("a.b.c"), "\"a.b.c\"");
        assert_eq!(hint("\"utm.source\""), "-");
        assert_eq!(hint("plan"), "-");
        assert_eq!(hint("plan.x"), "-");
        assert_eq!(hint("plann"), "plan");
        assert_eq!(hint("utm.sorce"), "\"utm.source\"");
        assert_eq!(hint("'utm.sorce'"), "\"utm.source\"");
        assert_eq!(hint("firstname"), "\"first name\"");
        assert_eq!(hint("colour"), "-");
    }

    #[test]
    fn five_kinds_of_nothing_are_counted_apart() {
        let mut field = FieldCoverage::default();
        assert!(field.is_unheard_of());
        [None, Some("null"), Some("\"\""), Some("[]"), Some("{}"), Some("\"a\""), Some("0")]
            .into_iter()
            .for_each(|json| field.count(json, true));
        assert_eq!((field.missing, field.null, field.empty, field.present), (1, 1, 3, 2));
        assert_eq!(field.samples, ["a", "0"]);
    }
}
