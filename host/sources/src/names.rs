//! The names of custom traits in a file, as they are met.
//!
//! What must never happen: a line that silently writes a trait of another kind, or memory that grows with odd names.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::reject::{Bad, Code, shown};
use enroute_store::layers::Kind;
use enroute_store::traits::TRAIT_NAMES_MAX;
use enroute_store::{self as store, Reader};

/// Names that were met, and those that are not for this file.
#[derive(Debug)]
pub(super) struct Names {
    met: HashSet<String>,
    /// The names of the line before: most lines have the same.
    before: Vec<String>,
    new: Vec<String>,
    taken: HashMap<String, String>,
}

impl Names {
    pub(super) fn new(reader: &Reader) -> Result<Self, store::Error> {
        let known = reader.known_traits()?;
        let others = known.into_iter().filter(|known| known.kind != Kind::Custom);
        let taken = others.map(|other| {
            let source = if other.source.is_empty() { String::new() } else { format!(" of source `{}`", other.source) };
            (other.name, format!("a {} trait{source}", other.kind))
        });
        Ok(Self { met: HashSet::new(), before: Vec::new(), new: Vec::new(), taken: taken.collect() })
    }

    /// Notes a name, or says whose it is.
    pub(super) fn note(&mut self, name: &str) -> Result<(), Bad> {
        if let Some(theirs) = self.taken.get(name) {
            let reason = format!("`{}` is {theirs}; give one of them another name", shown(name));
            return Err(Bad::new(Code::TraitTaken, reason));
        }
        if !self.met.contains(name) && self.met.len() < TRAIT_NAMES_MAX {
            self.met.insert(name.to_owned());
            self.new.push(name.to_owned());
        }
        Ok(())
    }

    pub(super) fn note_all(&mut self, names: &[Cow<'_, str>]) -> Result<(), Bad> {
        if self.before.iter().eq(names) {
            return Ok(());
        }
        names.iter().try_for_each(|name| self.note(name))?;
        self.before = names.iter().map(|name| name.to_string()).collect();
        Ok(())
    }

    /// The names that were met since this was last asked.
    pub(super) fn take_new(&mut self) -> impl Iterator<Item = String> {
        self.new.drain(..)
    }
}
