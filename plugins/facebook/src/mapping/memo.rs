//! Cells that were made before: people share months, states and countries, and hashing is what a row costs.
//!
//! Pure but for its memory. Invariant: a cell out of the memory is the cell that would be made anew
//! (test `a_remembered_cell_is_the_cell_made_anew`).

use crate::normalize::country::{self, Country};
use crate::normalize::key::Key;
use crate::normalize::{self, CellError, Filled, Rules};

/// Values remembered for a column; one more drives out the one in its place.
const PLACES: usize = 128;

/// Longest value that is remembered; longer ones hardly come twice.
const VALUE_BYTES_MAX: usize = 48;

/// What is remembered of a batch.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// A table for each key, made when it is first needed.
    cells: [Vec<Cell>; Key::ALL.len()],
    country: (String, Option<Country>),
}

#[derive(Debug, Default)]
struct Cell {
    value: String,
    country: Option<Country>,
    text: String,
    filled: Option<Filled>,
}

impl Memo {
    /// As [`normalize::cell`], from memory where the column is one in which values recur.
    pub(super) fn cell(
        &mut self,
        key: Key,
        value: &str,
        country: Option<Country>,
        rules: &Rules,
        out: &mut String,
    ) -> Result<Filled, CellError> {
        if !recurs(key) || value.len() > VALUE_BYTES_MAX {
            return normalize::cell(key, value, country, rules, out);
        }
        let Some(known) = self.place(key, value) else { return normalize::cell(key, value, country, rules, out) };
        let country = country.filter(|_| matches!(key, Key::St | Key::Zip));
        if let Some(filled) = known.filled.filter(|_| known.value == value && known.country == country) {
            out.push_str(&known.text);
            return Ok(filled);
        }
        let start = out.len();
        let filled = normalize::cell(key, value, country, rules, out)?;
        value.clone_into(&mut known.value);
        out.get(start..).unwrap_or_default().clone_into(&mut known.text);
        known.country = country;
        known.filled = Some(filled);
        Ok(filled)
    }

    /// As [`country::of_row`], from memory if the last row had the same.
    pub(super) fn country(&mut self, value: Option<&str>, rules: &Rules) -> Option<Country> {
        let Some(value) = value else { return country::of_row(None, rules) };
        if self.country.0 != value {
            self.country.1 = country::of_row(Some(value), rules);
            value.clone_into(&mut self.country.0);
        }
        self.country.1
    }

    fn place(&mut self, key: Key, value: &str) -> Option<&mut Cell> {
        let cells = self.cells.get_mut(key as usize)?;
        if cells.is_empty() {
            cells.resize_with(PLACES, Cell::default);
        }
        // FNV-1a: short texts, and nobody gains by a collision.
        let hash = value.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        cells.get_mut((hash ^ (hash >> 16)) as usize % PLACES)
    }
}

/// Whether members of a batch are likely to share values of this column.
fn recurs(key: Key) -> bool {
    key.is_hashed() && !matches!(key, Key::Email | Key::Phone | Key::Ln)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_cell_is_the_cell_made_anew() {
        let values =
            ["", "Ann", "ann", "CA", "California", "1", "01", "94025", "2134", "US", "de", "Atlantis", "x@y.z", "5/6"];
        let countries = [None, Some(Country::US), Country::parse("de")];
        let (rules, mut memo) = (Rules::new(2026), Memo::default());
        for _ in 0..2 {
            for key in Key::ALL {
                for value in values {
                    for country in countries {
                        let (mut anew, mut remembered) = ("[".to_owned(), "[".to_owned());
                        let made = normalize::cell(key, value, country, &rules, &mut anew);
                        assert_eq!(memo.cell(key, value, country, &rules, &mut remembered), made, "{key} {value}");
                        assert_eq!(remembered, anew, "{key} {value} {country:?}");
                    }
                }
            }
            for value in values {
                assert_eq!(memo.country(Some(value), &rules), country::of_row(Some(value), &rules));
                assert_eq!(memo.country(None, &rules), None);
            }
        }
    }
}
