//! Who is in an audience.
//!
//! Owns the list; judges nothing. Invariants: no two people are equal but for
//! their value, and the index lists a person under each identifying pair it has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cells::{IDENTIFYING, OPTIONS, VALUE};
use super::upload::Row;

/// The people of one audience.
#[derive(Debug, Default)]
pub(super) struct People {
    people: BTreeMap<u64, Row>,
    /// Each person's row without what may change about it, to know it again.
    known: HashMap<Row, u64>,
    index: HashMap<(String, String), BTreeSet<u64>>,
    next: u64,
}

impl People {
    /// Adds a person; adding one who is in only renews the value.
    pub(super) fn add(&mut self, row: Row) {
        let fixed = fixed(&row);
        if let Some(place) = self.known.get(&fixed) {
            self.people.insert(*place, row);
            return;
        }
        let place = self.next;
        self.next += 1;
        for pair in identifying(&row) {
            self.index.entry(pair).or_default().insert(place);
        }
        self.known.insert(fixed, place);
        self.people.insert(place, row);
    }

    /// Removes everyone who shares an identifying pair with the row; a row without
    /// one removes those who have all of its pairs.
    pub(super) fn remove(&mut self, row: &Row) {
        let pairs = identifying(row);
        let gone: BTreeSet<u64> = if pairs.is_empty() {
            let wanted = fixed(row);
            let has_all = |person: &Row| wanted.iter().all(|(key, value)| person.get(key) == Some(value));
            self.people.iter().filter(|(_, person)| has_all(person)).map(|(place, _)| *place).collect()
        } else {
            pairs.iter().filter_map(|pair| self.index.get(pair)).flatten().copied().collect()
        };
        for place in gone {
            let Some(person) = self.people.remove(&place) else { continue };
            self.known.remove(&fixed(&person));
            for pair in identifying(&person) {
                if let Some(places) = self.index.get_mut(&pair) {
                    places.remove(&place);
                }
            }
        }
    }

    /// Everyone, in the order they came.
    pub(super) fn list(&self) -> Vec<Row> {
        self.people.values().cloned().collect()
    }

    /// The values of one key.
    pub(super) fn values(&self, key: &str) -> BTreeSet<String> {
        self.people.values().filter_map(|person| person.get(key)).cloned().collect()
    }
}

/// The pairs that name the person on their own.
fn identifying(row: &Row) -> Vec<(String, String)> {
    let pair = |key: &str| row.get(key).map(|value| (key.to_owned(), value.clone()));
    IDENTIFYING.iter().filter_map(|key| pair(key)).collect()
}

/// The row without value and data processing options.
fn fixed(row: &Row) -> Row {
    let stays = |key: &str| key != VALUE && key != OPTIONS;
    row.iter().filter(|(key, _)| stays(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `+KEY=value …` and `-KEY=value …`, and compares who is left.
    #[track_caller]
    fn check(steps: &[&str], expect: &[&str]) {
        let mut people = People::default();
        for step in steps {
            let (sign, pairs) = step.split_at(1);
            let row = pairs.split(' ').map(|pair| pair.split_once('=').unwrap());
            let row: Row = row.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            if sign == "+" { people.add(row) } else { people.remove(&row) }
        }
        let text =
            |row: Row| row.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ");
        assert_eq!(people.list().into_iter().map(text).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn adding_twice_and_removing_the_absent_change_nothing() {
        check(&["+EMAIL=a", "+EMAIL=a", "-EMAIL=b"], &["EMAIL=a"]);
    }

    #[test]
    fn any_shared_identifier_removes_a_person() {
        check(&["+EMAIL=a PHONE=1", "+EMAIL=b PHONE=2", "-EMAIL=x PHONE=1"], &["EMAIL=b PHONE=2"]);
        check(&["+EXTERN_ID=e EMAIL=a", "+EXTERN_ID=e EMAIL=b", "-EXTERN_ID=e"], &[]);
        check(&["+EMAIL=a MADID=m", "-MADID=m"], &[]);
    }

    #[test]
    fn a_shared_name_removes_nobody_who_is_named_otherwise() {
        check(&["+EMAIL=a FN=ann", "-EMAIL=b FN=ann"], &["EMAIL=a FN=ann"]);
    }

    #[test]
    fn a_row_without_identifier_removes_those_who_match_it_whole() {
        check(&["+FN=ann LN=lee", "+FN=ann LN=poe", "-FN=ann LN=lee"], &["FN=ann LN=poe"]);
    }

    #[test]
    fn a_value_is_renewed_and_does_not_make_another_person() {
        check(&["+EMAIL=a LOOKALIKE_VALUE=1", "+EMAIL=a LOOKALIKE_VALUE=2"], &["EMAIL=a LOOKALIKE_VALUE=2"]);
    }

    #[test]
    fn who_was_removed_can_come_back() {
        check(&["+EMAIL=a", "-EMAIL=a", "+EMAIL=a"], &["EMAIL=a"]);
    }
}
