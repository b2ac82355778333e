//! Dates, booleans and countries.

use crate::place::{Form, Place, Seen};
use crate::table::{Row, check, told_of, written};

/// Least rows of each table.
const DATES_MIN: usize = 40;
const BOOLEANS_MIN: usize = 20;
const COUNTRIES_MIN: usize = 60;
const TEXTS_MIN: usize = 6;

/// The code that tells of a date with two readings, at every destination.
const AMBIGUOUS: &str = "date_ambiguous";

/// Ends the reading of a day on which nobody was born.
const UNBORN: char = '!';

/// Each place takes the part of a reading that its field holds; of `1990-??-??` that is the year.
fn dated(place: &Place, row: &Row, reading: &str) -> Seen {
    let unborn = reading.ends_with(UNBORN) && matches!(place.form, Form::Birthday | Form::Year);
    let reading = reading.trim_end_matches(UNBORN);
    let told = told_of(place, row);
    if unborn {
        return Seen::new(None, [place.unusable.clone()].into_iter().chain(told));
    }
    if reading == "ambiguous" || (reading.contains('?') && place.form != Form::Year) {
        return Seen::new(None, [AMBIGUOUS.to_owned()].into_iter().chain(told));
    }
    written(place, row, reading)
}

#[test]
fn dates_are_read_alike_by_all_that_take_them() {
    check("date", include_str!("../tables/dates.toml"), DATES_MIN, dated);
}

#[test]
fn booleans_are_read_alike_by_all_that_take_them() {
    check("boolean", include_str!("../tables/booleans.toml"), BOOLEANS_MIN, written);
}

#[test]
fn countries_are_read_alike_by_all_that_take_them() {
    check("country", include_str!("../tables/countries.toml"), COUNTRIES_MIN, written);
}

#[test]
fn a_country_in_a_field_of_text_stays_as_it_is() {
    check("country_text", include_str!("../tables/countries_as_text.toml"), TEXTS_MIN, written);
}
