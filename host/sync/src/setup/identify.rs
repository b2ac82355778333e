//! Which identifiers of a person go out: kinds, order, and which of several values.
//!
//! Pure. Invariants: the choice depends on the profile alone and is the same on every run (property test
//! `the_choice_is_the_same_however_often_it_is_made`); what systems write for nobody identifies nobody.

use std::borrow::Cow;

use enroute_core::manifest::{IdentifierUse, Values};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Where one kind of identifier goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The kind on the profile.
    pub(crate) kind: String,
    /// Position of the field.
    pub(crate) field: usize,
    /// Which of several values.
    pub(crate) values: Values,
}

/// What is chosen of a profile's identifiers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// One entry a kind, in the order of preference; several kinds may share a field.
    pub(crate) sources: Vec<Source>,
    /// How many fields there are.
    pub(crate) fields: usize,
    /// Fields in the order in which they identify.
    pub(crate) order: Vec<usize>,
    /// How many fields are filled.
    pub(crate) uses: IdentifierUse,
}

/// The values of a field, oldest first, and which of them go out.
type Found<'a> = (Values, Vec<Cow<'a, str>>);

impl Choice {
    /// Whether a profile can be several records at the destination.
    pub(crate) fn has_records(&self) -> bool {
        self.sources.iter().any(|source| source.values == Values::All)
    }

    /// One text of JSON a field. With `nth`, the identifying field holds that one of its values; without, the first
    /// where all go out.
    ///
    /// `texts` are the identifiers of each source, as JSON.
    pub(crate) fn of<'a>(&self, texts: &[Option<&'a str>], nth: usize) -> Vec<Option<Cow<'a, str>>> {
        let filled = self.filled(texts);
        let matching = self.matching(&filled);
        let one = |(field, values): (usize, Option<Found<'a>>)| {
            let (which, mut values) = values?;
            match which {
                Values::First => (!values.is_empty()).then(|| values.swap_remove(0)),
                Values::All if matching == Some(field) => (nth < values.len()).then(|| values.swap_remove(nth)),
                Values::Last | Values::All => values.pop(),
            }
        };
        filled.into_iter().enumerate().map(one).collect()
    }

    /// The values of the field that identifies this profile, where each of them is a record of its own.
    pub(crate) fn records<'a>(&self, texts: &[Option<&'a str>]) -> Vec<Cow<'a, str>> {
        let mut filled = self.filled(texts);
        let matching = self.matching(&filled).and_then(|field| filled.get_mut(field)?.take());
        matching.filter(|(which, _)| *which == Values::All).map(|(_, values)| values).unwrap_or_default()
    }

    /// Which fields there is a value for, whether it goes out or another field is enough.
    pub(crate) fn present(&self, texts: &[Option<&str>]) -> Vec<bool> {
        self.all(texts).iter().map(Option::is_some).collect()
    }

    fn filled<'a>(&self, texts: &[Option<&'a str>]) -> Vec<Option<Found<'a>>> {
        let mut filled = self.all(texts);
        if self.uses == IdentifierUse::First {
            let first = filled.iter().position(Option::is_some);
            for (at, slot) in filled.iter_mut().enumerate() {
                if Some(at) != first {
                    *slot = None;
                }
            }
        }
        filled
    }

    /// The values of every field.
    fn all<'a>(&self, texts: &[Option<&'a str>]) -> Vec<Option<Found<'a>>> {
        let mut filled: Vec<Option<Found<'a>>> = vec![None; self.fields];
        for (source, text) in self.sources.iter().zip(texts) {
            let Some(text) = text else { continue };
            let Some(slot) = filled.get_mut(source.field) else { continue };
            match slot {
                Some((Values::All, values)) => {
                    for value in values_of(text) {
                        if !values.contains(&value) {
                            values.push(value);
                        }
                    }
                }
                Some(_) => {}
                None => {
                    let values = values_of(text);
                    *slot = (!values.is_empty()).then_some((source.values, values));
                }
            }
        }
        filled
    }

    /// The field that identifies this profile.
    fn matching<T>(&self, filled: &[Option<T>]) -> Option<usize> {
        let is_filled = |field: &usize| filled.get(*field).is_some_and(Option::is_some);
        self.order.iter().copied().find(is_filled).or_else(|| (0..filled.len()).find(is_filled))
    }
}

/// One value with the moment at which the profile got it.
#[derive(Deserialize)]
struct Dated<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(borrow)]
    added_at: Option<Cow<'a, str>>,
}

/// What identifies somebody in JSON text, oldest first: the value itself or the usable ones of a list. An entry of a
/// list is a value, or `{"value": …, "added_at": "2026-03-02T09:15:00Z"}`; where every entry has a moment, the moment
/// decides, else the place in the list. Values with the same moment are in the order of their texts.
fn values_of(json: &str) -> Vec<Cow<'_, str>> {
    if !json.starts_with('[') {
        return if identifies(json) { vec![Cow::Borrowed(json)] } else { Vec::new() };
    }
    let list: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    let mut values: Vec<(Option<Cow<'_, str>>, &str)> = Vec::with_capacity(list.len());
    for entry in list {
        let text = entry.get();
        if text.starts_with('{') {
            let Ok(dated) = serde_json::from_str::<Dated<'_>>(text) else { continue };
            values.push((dated.added_at, dated.value.get()));
        } else {
            values.push((None, text));
        }
    }
    values.retain(|(_, text)| identifies(text));
    if values.iter().all(|(added_at, _)| added_at.is_some()) {
        values.sort();
    }
    let mut distinct: Vec<Cow<'_, str>> = Vec::with_capacity(values.len());
    // Of a value that is there twice, the later place counts.
    for (_, text) in values.into_iter().rev() {
        if !distinct.iter().any(|known| known == text) {
            distinct.push(Cow::Borrowed(text));
        }
    }
    distinct.reverse();
    distinct
}

/// What identifies somebody in JSON text: the value itself, or the last usable one of a list.
pub(crate) fn last_of(json: &str) -> Option<Cow<'_, str>> {
    values_of(json).pop()
}

/// Whether JSON text can identify anybody: a text that is not empty or blocked, or a number.
fn identifies(json: &str) -> bool {
    const BLOCKED: [&str; 3] = ["\"-1\"", "\"null\"", "\"anonymous\""];
    let first = json.as_bytes().first();
    let is_scalar = matches!(first, Some(b'"' | b'-' | b'0'..=b'9'));
    let blank = json.trim_matches('"').chars().all(|c| c.is_whitespace() || c == '0' || c == '-');
    is_scalar && !blank && !BLOCKED.iter().any(|blocked| json.eq_ignore_ascii_case(blocked))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choice(email: Values, phone: Values, uses: IdentifierUse) -> Choice {
        let source = |kind: &str, field, values| Source { kind: kind.to_owned(), field, values };
        Choice {
            sources: vec![source("email", 0, email), source("phone", 1, phone)],
            fields: 2,
            order: vec![0, 1],
            uses,
        }
    }

    #[track_caller]
    fn check(values: Values, json: &str, expect: &str) {
        let chosen = choice(values, Values::Last, IdentifierUse::All).of(&[Some(json), None], 0);
        assert_eq!(chosen.first().cloned().flatten().as_deref().unwrap_or("nothing"), expect, "{json}");
    }

    #[test]
    fn last_and_first_go_by_the_place_in_the_list() {
        check(Values::Last, r#"["a@x","b@x"]"#, r#""b@x""#);
        check(Values::First, r#"["a@x","b@x"]"#, r#""a@x""#);
        check(Values::Last, r#""only@x""#, r#""only@x""#);
        check(Values::Last, r#"["a@x","b@x","a@x"]"#, r#""a@x""#);
        check(Values::Last, "[17, 18446744073709551616]", "18446744073709551616");
    }

    #[test]
    fn moments_decide_where_every_value_has_one() {
        let dated = |first, second| {
            format!(r#"[{{"value":"a@x","added_at":"{first}"}},{{"value":"b@x","added_at":"{second}"}}]"#)
        };
        check(Values::Last, &dated("2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"), r#""a@x""#);
        check(Values::First, &dated("2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"), r#""b@x""#);
        check(Values::Last, &dated("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z"), r#""b@x""#);
        check(Values::Last, r#"[{"value":"a@x","added_at":"2026-03-01T00:00:00Z"},"b@x"]"#, r#""b@x""#);
    }

    #[test]
    fn what_systems_write_for_nobody_is_never_an_identifier() {
        for nobody in [r#""""#, r#""  ""#, r#""0""#, r#""00-00""#, r#""-1""#, r#""NULL""#, r#""Anonymous""#, "0"] {
            check(Values::Last, nobody, "nothing");
            check(Values::Last, &format!(r#"["a@x",{nobody}]"#), r#""a@x""#);
        }
        for nothing in ["null", "true", "{}", "[]", r#"[["a@x"]]"#, "[{}]"] {
            check(Values::Last, nothing, "nothing");
        }
    }

    #[test]
    fn with_all_values_each_of_the_identifying_field_is_a_record_and_other_fields_ride_along() {
        let texts = [Some(r#"["a@x","b@x"]"#), Some(r#"["+1","+2"]"#)];
        let all = choice(Values::All, Values::All, IdentifierUse::All);
        assert_eq!(all.records(&texts), [r#""a@x""#, r#""b@x""#]);
        let nth = |nth| all.of(&texts, nth).into_iter().map(|text| text.unwrap().into_owned()).collect::<Vec<_>>();
        assert_eq!(nth(0), [r#""a@x""#, r#""+2""#]);
        assert_eq!(nth(1), [r#""b@x""#, r#""+2""#]);
        assert_eq!(all.records(&[None, texts[1]]), [r#""+1""#, r#""+2""#], "without an address the phone identifies");
        let last = choice(Values::Last, Values::All, IdentifierUse::All);
        assert_eq!(last.records(&texts), Vec::<&str>::new(), "an address identifies, and only the last one goes out");
    }

    #[test]
    fn where_one_identifier_is_enough_the_first_kind_that_is_there_is_taken() {
        let one = choice(Values::Last, Values::Last, IdentifierUse::First);
        assert_eq!(one.of(&[Some(r#""a@x""#), Some(r#""+1""#)], 0), [Some(Cow::Borrowed(r#""a@x""#)), None]);
        assert_eq!(one.present(&[Some(r#""a@x""#), Some(r#""+1""#)]), [true, true], "both are there nevertheless");
        assert_eq!(one.present(&[Some(r#""-1""#), None]), [false, false]);
        assert_eq!(one.of(&[Some(r#""-1""#), Some(r#""+1""#)], 0), [None, Some(Cow::Borrowed(r#""+1""#))]);
    }

    fn json() -> impl Strategy<Value = String> {
        let scalar = prop_oneof!["\"[ab0-]{0,2}\"", "[0-2]{1,2}", Just("null".to_owned()), Just("{}".to_owned())];
        let dated = ("[ab]", "[12]").prop_map(|(v, at)| format!(r#"{{"value":"{v}","added_at":"2026-0{at}"}}"#));
        let entry = prop_oneof![scalar.clone(), dated];
        prop_oneof![
            scalar,
            prop::collection::vec(entry, 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            "[\\[\\]{}\",a]{0,6}",
        ]
    }

    proptest! {
        #[test]
        fn the_choice_is_the_same_however_often_it_is_made(email in json(), phone in json(), nth in 0_usize..3) {
            for values in [Values::Last, Values::First, Values::All] {
                let choice = choice(values, Values::Last, IdentifierUse::All);
                let texts = [Some(email.as_str()), Some(phone.as_str())];
                prop_assert_eq!(choice.of(&texts, nth), choice.of(&texts, nth));
                for (at, record) in choice.records(&texts).into_iter().enumerate() {
                    prop_assert!(identifies(&record));
                    prop_assert!(choice.of(&texts, at).contains(&Some(record)));
                }
            }
        }

        #[test]
        fn with_moments_the_order_of_the_list_does_not_matter(
            mut list in prop::collection::vec(("[ab]", "[123]"), 0..4), seed in 0_usize..4,
        ) {
            let text = |list: &[(String, String)]| {
                let one = |(v, at): &(String, String)| format!(r#"{{"value":"{v}","added_at":"{at}"}}"#);
                format!("[{}]", list.iter().map(one).collect::<Vec<_>>().join(","))
            };
            let before = text(&list);
            if !list.is_empty() {
                let at = seed % list.len();
                list.rotate_left(at);
            }
            let after = text(&list);
            prop_assert_eq!(values_of(&before).pop(), values_of(&after).pop());
        }
    }
}
