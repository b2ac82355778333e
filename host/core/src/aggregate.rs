//! Many values of one person, in the order of time, to the one value of a computed trait.
//!
//! Values come and go as JSON texts. A value that is passed on (`min`, `max`, `first`, `last`, `most_frequent`, entries
//! of lists) keeps its digits; `sum` and `average` are decimal with 28 digits. What must never happen: a total that is
//! rounded in binary (test `a_sum_is_decimal`), or memory without end.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;

/// Most entries of a `unique_list`. Destinations take some hundred; those that come later are left out.
pub const LIST_ENTRIES_MAX: usize = 1_000;

/// How values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// How many events there are.
    Count,
    /// The total of the numbers.
    Sum,
    /// The least number.
    Min,
    /// The greatest number.
    Max,
    /// The total of the numbers by how many they are.
    Average,
    /// The text, number, true or false that is there most often; of several the one that came last.
    MostFrequent,
    /// The earliest value that is not null.
    First,
    /// The latest value that is not null.
    Last,
    /// Different texts, numbers, true and false, in the order of their first time.
    UniqueList,
    /// How many different ones there are.
    UniqueCount,
}

impl Kind {
    /// Each kind, by the word that operators write.
    pub const ALL: [(&'static str, Self); 10] = [
        ("count", Self::Count),
        ("sum", Self::Sum),
        ("min", Self::Min),
        ("max", Self::Max),
        ("average", Self::Average),
        ("most_frequent", Self::MostFrequent),
        ("first", Self::First),
        ("last", Self::Last),
        ("unique_list", Self::UniqueList),
        ("unique_count", Self::UniqueCount),
    ];
}

/// Takes values in the order of time.
///
/// ```
/// use enroute_core::aggregate::{Aggregate, Kind};
/// let mut sum = Aggregate::new(Kind::Sum);
/// ["0.1", "0.2", "\"0.3\""].map(|value| sum.take(Some(value)));
/// assert_eq!(sum.finish(), "0.3", "a text is no number");
/// ```
#[derive(Debug)]
pub struct Aggregate {
    kind: Kind,
    /// Values that counted.
    count: u64,
    /// Their total; none once it is more than a decimal holds.
    sum: Option<Decimal>,
    /// The value that stands so far, and as a number where it is compared.
    best: Option<(Decimal, String)>,
    /// How often each value was there, and when last.
    seen: HashMap<String, (u64, u64)>,
    unique: HashSet<String>,
    list: Vec<String>,
}

impl Aggregate {
    /// Begins with no value.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            count: 0,
            sum: Some(Decimal::ZERO),
            best: None,
            seen: HashMap::new(),
            unique: HashSet::new(),
            list: Vec::new(),
        }
    }

    /// Takes the value of the next event as JSON text; none if the event has none.
    pub fn take(&mut self, value: Option<&str>) {
        match self.kind {
            Kind::Count => self.count += 1,
            Kind::Sum | Kind::Average | Kind::Min | Kind::Max => {
                if let Some((text, number)) = value.and_then(|text| Some((text, number(text)?))) {
                    self.take_number(text, number);
                }
            }
            Kind::First | Kind::Last => {
                let value = value.filter(|text| *text != "null");
                if let Some(text) = value.filter(|_| self.kind == Kind::Last || self.best.is_none()) {
                    self.best = Some((Decimal::ZERO, text.to_owned()));
                }
            }
            Kind::MostFrequent => {
                if let Some(text) = value.and_then(scalar) {
                    self.count += 1;
                    let (often, last) = self.seen.entry(text).or_default();
                    (*often, *last) = (*often + 1, self.count);
                }
            }
            Kind::UniqueList | Kind::UniqueCount => {
                if let Some(text) = value.and_then(scalar)
                    && self.has_room()
                    && self.unique.insert(text.clone())
                    && self.kind == Kind::UniqueList
                {
                    self.list.push(text);
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        self.kind == Kind::UniqueCount || self.list.len() < LIST_ENTRIES_MAX
    }

    fn take_number(&mut self, text: &str, number: Decimal) {
        self.count += 1;
        self.sum = self.sum.and_then(|sum| sum.checked_add(number));
        let stands = self.best.as_ref().is_some_and(|(best, _)| match self.kind {
            Kind::Min => *best <= number,
            _ => *best >= number,
        });
        if !stands {
            self.best = Some((number, text.to_owned()));
        }
    }

    /// The value of the trait as JSON text: of no value 0, `[]`, or null where there is nothing to tell.
    #[must_use]
    pub fn finish(self) -> String {
        let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
        match self.kind {
            Kind::Count => self.count.to_string(),
            Kind::Sum => or_null(self.sum.map(|sum| sum.normalize().to_string())),
            Kind::Average => {
                let average = self.sum.and_then(|sum| sum.checked_div(Decimal::from(self.count)));
                or_null(average.map(|average| average.normalize().to_string()))
            }
            Kind::Min | Kind::Max | Kind::First | Kind::Last => or_null(self.best.map(|(_, text)| text)),
            Kind::MostFrequent => or_null(self.seen.into_iter().max_by_key(|(_, rank)| *rank).map(|(text, _)| text)),
            Kind::UniqueList => format!("[{}]", self.list.join(",")),
            Kind::UniqueCount => self.unique.len().to_string(),
        }
    }
}

/// The number that a JSON text is, if it is one that a decimal holds.
fn number(text: &str) -> Option<Decimal> {
    if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    let parse = if text.contains(['e', 'E']) { Decimal::from_scientific } else { str::parse };
    parse(text).ok()
}

/// A text, number, true or false in one way of writing; none for anything else.
fn scalar(text: &str) -> Option<String> {
    match text.as_bytes().first()? {
        b'"' => {
            let text: String = serde_json::from_str(text).ok()?;
            serde_json::to_string(&text).ok()
        }
        b'{' | b'[' | b'n' => None,
        _ => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(kind: Kind, values: &[&str]) -> String {
        let mut aggregate = Aggregate::new(kind);
        values.iter().for_each(|value| aggregate.take(Some(value).filter(|value| !value.is_empty()).copied()));
        aggregate.finish()
    }

    #[track_caller]
    fn check(values: &[&str], expect: [&str; 10]) {
        let got = Kind::ALL.map(|(word, kind)| format!("{word} {}", of(kind, values)));
        let expect: Vec<_> = Kind::ALL.iter().zip(expect).map(|((word, _), value)| format!("{word} {value}")).collect();
        assert_eq!(got.as_slice(), expect, "{values:?}");
    }

    #[test]
    fn values_become_one_by_each_kind() {
        check(&["3", "1.50", "3"], ["3", "7.5", "1.50", "3", "2.5", "3", "3", "3", "[3,1.50]", "2"]);
        check(&["\"b\"", "\"a\""], ["2", "0", "null", "null", "null", "\"a\"", "\"b\"", "\"a\"", "[\"b\",\"a\"]", "2"]);
    }

    #[test]
    fn of_no_value_there_is_a_zero_an_empty_list_or_null() {
        check(&[], ["0", "0", "null", "null", "null", "null", "null", "null", "[]", "0"]);
        check(&["", "null"], ["2", "0", "null", "null", "null", "null", "null", "null", "[]", "0"]);
    }

    #[test]
    fn what_is_not_a_number_is_left_out_of_numbers() {
        check(
            &["\"7\"", "true", "2", "[9]", "{\"n\":9}"],
            ["5", "2", "2", "2", "2", "2", "\"7\"", "{\"n\":9}", "[\"7\",true,2]", "3"],
        );
    }

    #[test]
    fn a_sum_is_decimal() {
        assert_eq!(of(Kind::Sum, &["0.1", "0.2"]), "0.3");
        assert_eq!(of(Kind::Sum, &["1e2", "-0.50"]), "99.5");
        assert_eq!(of(Kind::Sum, &["9007199254740993", "1"]), "9007199254740994");
        assert_eq!(of(Kind::Average, &["1", "0", "0"]), "0.3333333333333333333333333333");
    }

    #[test]
    fn a_number_beyond_decimals_is_left_out_and_a_total_beyond_them_is_null() {
        assert_eq!(of(Kind::Max, &["1e400", "5"]), "5");
        let most = "79228162514264337593543950335";
        assert_eq!(of(Kind::Sum, &[most, most]), "null");
        assert_eq!(of(Kind::Max, &[most, "1"]), most);
    }

    #[test]
    fn a_value_that_is_passed_on_keeps_its_digits() {
        assert_eq!(of(Kind::Max, &["12.50", "3"]), "12.50");
        assert_eq!(of(Kind::Min, &["1.0", "1.00"]), "1.0");
        assert_eq!(of(Kind::Last, &["1", "18446744073709551616"]), "18446744073709551616");
    }

    #[test]
    fn texts_that_are_written_differently_are_one() {
        assert_eq!(of(Kind::UniqueList, &["\"Zo\\u00eb\"", "\"Zoë\""]), "[\"Zoë\"]");
    }

    #[test]
    fn a_list_has_an_end() {
        let values: Vec<String> = (0..LIST_ENTRIES_MAX + 5).map(|value| value.to_string()).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let list: Vec<u64> = serde_json::from_str(&of(Kind::UniqueList, &values)).unwrap();
        assert_eq!(list.len(), LIST_ENTRIES_MAX);
        assert_eq!(of(Kind::UniqueCount, &values), "1005");
    }

    proptest! {
        #[test]
        fn the_result_is_json_and_lies_among_the_values(values in prop::collection::vec("[0-9]|\"[a-c]\"|null|true", 0..8)) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            for (word, kind) in Kind::ALL {
                let result = of(kind, &values);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&result).is_ok(), "{word}: {result}");
                if matches!(kind, Kind::Min | Kind::Max | Kind::First | Kind::Last | Kind::MostFrequent) {
                    prop_assert!(result == "null" || values.contains(&result.as_str()), "{word}: {result}");
                }
            }
        }
    }
}
