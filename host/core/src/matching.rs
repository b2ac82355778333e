//! Which field a trait goes into where the operator named none: by its name, and only where there is no doubt.
//!
//! Pure. Passes from the surest likeness to the weakest: the name itself, the name whatever its case and separators,
//! another name that the manifest lists. What is left keeps its name where the destination takes fields of any name;
//! elsewhere the last part of a path is tried, if its front says only that the person is meant (`address.city` as
//! `city`, but never `company.name` as `name`). The first pass in which a trait is like any field decides on it. Invariants: no field is given away twice, a field that the operator named stays
//! (`no_field_is_given_away_twice`), and the order of the rows does not matter
//! (`the_order_of_rows_does_not_matter`).

use std::collections::{BTreeMap, HashMap};

use crate::manifest::Field;
use crate::path::trait_names;

/// A row as the operator wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The trait: `firstName`, `address.city`, `"utm.source"`, `context.device.advertisingId`.
    pub trait_path: &'a str,
    /// The field, where the operator named one.
    pub field: Option<&'a str>,
}

/// Why a trait goes into its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The operator said so.
    Given,
    /// Both have the same name.
    Exact,
    /// Both have the same name but for case and separators.
    Spelling,
    /// The manifest lists the trait's name as another name of the field.
    Synonym,
    /// The destination takes fields of any name, and this one gets the trait's.
    SameName,
}

/// The field of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its name at the destination.
    pub field: String,
    /// Why it is this one.
    pub how: How,
}

/// Why a row has no field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmatched {
    /// No field is like the trait.
    NoField,
    /// Several fields are alike it in the same way.
    Ambiguous {
        /// Their names, in the manifest's order.
        fields: Vec<String>,
    },
    /// The one that is like it is another row's, or another row is just as much like it and neither has it.
    Taken {
        /// The field.
        field: String,
        /// The other row, by its place among the wishes.
        by: usize,
    },
}

/// The field of every row, in the order of the rows.
///
/// Fields that were named are kept as they are; rows without one get theirs by name. A field with a list of `traits`
/// is for these alone. With `custom_fields`, a trait that is like no field gets one of its own name.
///
/// ```
/// use enroute_core::manifest::Field;
/// use enroute_core::matching::{How, Match, Unmatched, Wish, match_fields};
///
/// let field = Field { name: "first_name".to_owned(), ..Field::default() };
/// let wish = |trait_path| Wish { trait_path, field: None };
/// let found = match_fields(&[wish("firstName"), wish("plan")], &[field], false);
/// assert_eq!(found[0], Ok(Match { field: "first_name".to_owned(), how: How::Spelling }));
/// assert_eq!(found[1], Err(Unmatched::NoField));
/// ```
#[must_use]
pub fn match_fields(wishes: &[Wish<'_>], fields: &[Field], custom_fields: bool) -> Vec<Result<Match, Unmatched>> {
    let known = Known::of(fields);
    let mut board = Board { results: vec![None; wishes.len()], owners: HashMap::new() };
    let wanted: Vec<Wanted> = wishes.iter().map(|wish| Wanted::of(wish.trait_path)).collect();
    for (row, wish) in wishes.iter().enumerate() {
        if let Some(name) = wish.field {
            board.owners.entry(name.to_owned()).or_insert(row);
            board.settle(row, Ok(Match { field: name.to_owned(), how: How::Given }));
        }
    }
    for how in [How::Exact, How::Spelling, How::Synonym] {
        board.pass(&wanted, how, |one| known.like(&one.name, &one.name, how));
    }
    if custom_fields {
        board.pass(&wanted, How::SameName, |one| known.own(&one.name));
    }
    for how in [How::Spelling, How::Synonym] {
        board.pass(&wanted, how, |one| one.last().map(|part| known.like(part, &one.name, how)).unwrap_or_default());
    }
    board.results.into_iter().map(|result| result.unwrap_or(Err(Unmatched::NoField))).collect()
}

/// Fronts of a path that say only that the person is meant.
const FRONTS: [&str; 9] =
    ["address", "contact", "context.traits", "customer", "person", "profile", "properties", "traits", "user"];

/// The trait of a row, without the quotes that keep a name with dots whole.
struct Wanted {
    /// The names on the way to it, joined by dots.
    name: String,
    /// Bytes of what stands in front of the last name, the dot left out; nothing where there is but one.
    front: Option<usize>,
}

impl Wanted {
    fn of(path: &str) -> Self {
        let names = trait_names(path).unwrap_or_else(|_| vec![path.to_owned()]);
        let name = names.join(".");
        let last = names.last().map_or(0, String::len);
        Self { front: (names.len() > 1).then(|| name.len() - last - 1), name }
    }

    /// The last name, where what stands in front says nothing of its own.
    fn last(&self) -> Option<&str> {
        let front = self.front?;
        FRONTS.contains(&self.name.get(..front)?).then(|| self.name.get(front + 1..))?
    }
}

/// A name without case and separators.
pub(crate) fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The manifest's fields by their names.
struct Known<'a> {
    fields: &'a [Field],
    exact: HashMap<&'a str, Vec<usize>>,
    spelled: HashMap<String, Vec<usize>>,
    synonyms: HashMap<String, Vec<usize>>,
}

impl<'a> Known<'a> {
    fn of(fields: &'a [Field]) -> Self {
        let mut known = Self { fields, exact: HashMap::new(), spelled: HashMap::new(), synonyms: HashMap::new() };
        for (place, field) in fields.iter().enumerate() {
            known.exact.entry(&field.name).or_default().push(place);
            known.spelled.entry(folded(&field.name)).or_default().push(place);
            for name in field.traits.iter().chain(&field.synonyms) {
                let places = known.synonyms.entry(folded(name)).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
        known
    }

    /// The fields that `name` is like in this way, and that the trait at `path` may go into.
    fn like(&self, name: &str, path: &str, how: How) -> Vec<&'a str> {
        let places = match how {
            How::Exact => self.exact.get(name),
            How::Spelling => self.spelled.get(&folded(name)).filter(|_| name.chars().any(char::is_alphanumeric)),
            How::Synonym => self.synonyms.get(&folded(name)).filter(|_| name.chars().any(char::is_alphanumeric)),
            How::Given | How::SameName => None,
        };
        let fields = places.into_iter().flatten().filter_map(|place| self.fields.get(*place));
        let allowed = fields.filter(|field| field.traits.is_empty() || field.traits.iter().any(|name| name == path));
        allowed.map(|field| field.name.as_str()).collect()
    }

    /// A field of the trait's own name, unless the manifest has it for other traits.
    fn own<'p>(&self, path: &'p str) -> Vec<&'p str> {
        if self.exact.contains_key(path) { Vec::new() } else { vec![path] }
    }
}

/// What is decided so far.
struct Board {
    results: Vec<Option<Result<Match, Unmatched>>>,
    /// The row of each field that is given away. A field that several rows want is the first one's here, and nobody's.
    owners: HashMap<String, usize>,
}

impl Board {
    fn settle(&mut self, row: usize, result: Result<Match, Unmatched>) {
        if let Some(place) = self.results.get_mut(row) {
            *place = Some(result);
        }
    }

    fn is_open(&self, row: usize) -> bool {
        self.results.get(row).is_some_and(Option::is_none)
    }

    /// Decides on the rows that are still open and like some field in this way.
    fn pass<'f>(&mut self, wishes: &'f [Wanted], how: How, like: impl Fn(&'f Wanted) -> Vec<&'f str>) {
        let mut wanted: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut refused: Vec<(usize, Unmatched)> = Vec::new();
        for (row, wish) in wishes.iter().enumerate().filter(|(row, _)| self.is_open(*row)) {
            match *like(wish).as_slice() {
                [] => {}
                [field] => wanted.entry(field).or_default().push(row),
                ref several => {
                    let fields = several.iter().map(|field| (*field).to_owned()).collect();
                    refused.push((row, Unmatched::Ambiguous { fields }));
                }
            }
        }
        for (field, rows) in wanted {
            let owner = self.owners.get(field).copied();
            let taken = |by| Unmatched::Taken { field: field.to_owned(), by };
            match (owner, rows.as_slice()) {
                (Some(by), _) => refused.extend(rows.iter().map(|row| (*row, taken(by)))),
                (None, [row]) => {
                    self.owners.insert(field.to_owned(), *row);
                    self.settle(*row, Ok(Match { field: field.to_owned(), how }));
                }
                (None, [first, second, ..]) => {
                    let rival = |row: usize| if row == *first { *second } else { *first };
                    refused.extend(rows.iter().map(|row| (*row, taken(rival(*row)))));
                    self.owners.insert(field.to_owned(), *first);
                }
                (None, []) => {}
            }
        }
        for (row, why) in refused {
            self.settle(row, Err(why));
        }
    }
}

#[cfg(test)]
mod tests;
