//! Who is in a list.

use std::collections::BTreeSet;

/// The identifiers of a person: `kind:value`.
pub(super) type Person = BTreeSet<String>;

/// The people of a list.
#[derive(Debug, Default)]
pub(super) struct People {
    people: Vec<Person>,
}

impl People {
    /// Everybody, in the order they came.
    pub(super) fn list(&self) -> Vec<Person> {
        self.people.clone()
    }

    /// Adds a person, or takes its identifiers out.
    ///
    /// An identifier that is never named stays, so that a removal that forgets one shows.
    pub(super) fn change(&mut self, person: &Person, adds: bool) {
        if !adds {
            self.people.iter_mut().for_each(|known| known.retain(|id| !person.contains(id)));
            self.people.retain(|known| !known.is_empty());
            return;
        }
        match self.people.iter_mut().find(|known| !known.is_disjoint(person)) {
            Some(known) => known.extend(person.iter().cloned()),
            None => self.people.push(person.clone()),
        }
    }
}
