//! Phone numbers and e-mail addresses.

use crate::place::{Place, Seen};
use crate::table::{Row, check, told_of, written};

/// Least rows of each table.
const ROWS_MIN: usize = 60;

/// A reading with a plus is written as each place writes it; one without names no country, and each place has its way
/// with those.
fn phone(place: &Place, row: &Row, reading: &str) -> Seen {
    let Some(without) = place.without_country.as_ref().filter(|_| !reading.starts_with('+')) else {
        return written(place, row, reading);
    };
    let text = row.given.as_str().map_or_else(|| reading.to_owned(), |text| text.trim().to_owned());
    let sent = if without.as_written { text } else { place.form.of(reading) };
    Seen::new(without.sent.then_some(sent), [without.code.clone()].into_iter().chain(told_of(place, row)))
}

#[test]
fn phone_numbers_are_read_alike_by_all_seven() {
    check("phone", include_str!("../tables/phones.toml"), ROWS_MIN, phone);
}

#[test]
fn addresses_are_read_alike_by_all_seven() {
    check("email", include_str!("../tables/addresses.toml"), ROWS_MIN, written);
}
