//! What a form says: names with their values, in the order of the page.

use std::collections::BTreeSet;

/// Most names and values that one form may have.
const PAIRS_MAX: usize = 20_000;

/// A form that was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(body).take(PAIRS_MAX);
        // Line ends of a browser's text field are those of a network.
        Self { pairs: pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect() }
    }

    /// Of names and values.
    #[must_use]
    pub fn of(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// All of them.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The last value of a name, nothing where it is empty or not there.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.pairs.iter().rev().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }

    /// Whether a name is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(one, _)| one == name)
    }

    /// All values of a name.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.pairs.iter().filter(|(one, _)| one == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a name at a place.
    #[must_use]
    pub fn at(&self, name: &str, at: usize) -> &str {
        self.all(name).get(at).copied().unwrap_or_default()
    }

    /// What stands behind a prefix in names, each with its last value, in the order of the page.
    #[must_use]
    pub fn prefixed(&self, prefix: &str) -> Vec<(&str, &str)> {
        let mut seen = BTreeSet::new();
        let names =
            self.pairs.iter().filter_map(|(name, _)| name.strip_prefix(prefix)).filter(|name| seen.insert(*name));
        names.map(|name| (name, self.text(&format!("{prefix}{name}")))).collect()
    }

    /// The same with another value for a name.
    pub fn set(&mut self, name: &str, value: &str) {
        self.pairs.retain(|(one, _)| one != name);
        self.pairs.push((name.to_owned(), value.to_owned()));
    }

    /// Adds a value.
    pub fn push(&mut self, name: &str, value: &str) {
        self.pairs.push((name.to_owned(), value.to_owned()));
    }

    /// Takes names away.
    pub fn drop_all(&mut self, names: &[&str]) {
        self.pairs.retain(|(one, _)| !names.contains(&one.as_str()));
    }

    /// Takes the value of some names away at one place of each.
    pub fn drop_at(&mut self, names: &[&str], at: usize) {
        for name in names {
            let mut seen = 0;
            self.pairs.retain(|(one, _)| {
                let is_it = one == name;
                seen += usize::from(is_it);
                !is_it || seen != at + 1
            });
        }
    }
}
