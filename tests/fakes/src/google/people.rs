//! Who is in a list.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The identifiers of a person: `kind:value`.
pub(super) type Person = BTreeSet<String>;

/// The people of a list.
#[derive(Debug, Default)]
pub(super) struct People {
    /// By the order in which they came.
    people: BTreeMap<u64, Person>,
    /// Who has an identifier, so that a list of many is not searched for each.
    holders: HashMap<String, BTreeSet<u64>>,
    came: u64,
}

impl People {
    /// Everybody, in the order they came.
    pub(super) fn list(&self) -> Vec<Person> {
        self.people.values().cloned().collect()
    }

    /// Adds a person, or takes its identifiers out.
    ///
    /// An identifier that is never named stays, so that a removal that forgets one shows.
    pub(super) fn change(&mut self, person: &Person, adds: bool) {
        if adds {
            let first = person.iter().filter_map(|id| self.holders.get(id)?.first()).min().copied();
            let number = first.unwrap_or_else(|| {
                self.came += 1;
                self.came
            });
            for id in person {
                self.holders.entry(id.clone()).or_default().insert(number);
            }
            self.people.entry(number).or_default().extend(person.iter().cloned());
            return;
        }
        for id in person {
            for number in self.holders.remove(id).into_iter().flatten() {
                let Some(known) = self.people.get_mut(&number) else { continue };
                known.remove(id);
                if known.is_empty() {
                    self.people.remove(&number);
                }
            }
        }
    }
}
