//! `DOBY`, `DOBM` and `DOBD`: year, month and day of birth, each alone or out of a full date.
//!
//! Meta wants the three apart. A date whose month and day could be swapped is not guessed at; its year is
//! certain all the same.

use std::ops::RangeInclusive;

use crate::normalize::{BlankCode, Rules};
use enroute_sdk::date::Parts;
use enroute_sdk::text::digit;

/// The earliest year of birth that Meta takes.
const YEAR_MIN: u16 = 1900;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Appends the year as four digits.
pub(crate) fn append_year(text: &str, rules: &Rules, out: &mut String) -> Result<(), BlankCode> {
    let text = digit::fold(text);
    let year = number(&text, 4..=4).or_else(|| Parts::read(&text, rules.date_order)?.year);
    let year = year.filter(|year| (YEAR_MIN..=rules.year_max).contains(year)).ok_or(BlankCode::YearInvalid)?;
    out.push_str(&year.to_string());
    Ok(())
}

/// Appends the month as two digits.
pub(crate) fn append_month(text: &str, rules: &Rules, out: &mut String) -> Result<(), BlankCode> {
    let text = digit::fold(text);
    let month = match two_digits(&text).or_else(|| month_of_name(&text)) {
        Some(month) => month,
        None => month_and_day(&text, rules, BlankCode::MonthInvalid)?.0,
    };
    append_two_digits(month, 12, BlankCode::MonthInvalid, out)
}

/// Appends the day of the month as two digits.
pub(crate) fn append_day(text: &str, rules: &Rules, out: &mut String) -> Result<(), BlankCode> {
    let text = digit::fold(text);
    let day = match two_digits(&text) {
        Some(day) => day,
        None => month_and_day(&text, rules, BlankCode::DayInvalid)?.1,
    };
    append_two_digits(day, 31, BlankCode::DayInvalid, out)
}

fn month_and_day(text: &str, rules: &Rules, invalid: BlankCode) -> Result<(u8, u8), BlankCode> {
    let Parts { month_and_day, .. } = Parts::read(text, rules.date_order).ok_or(invalid)?;
    month_and_day.ok_or(BlankCode::DateAmbiguous)
}

/// Reads a number of as many digits.
fn number(text: &str, digits: RangeInclusive<usize>) -> Option<u16> {
    let fits = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn two_digits(text: &str) -> Option<u8> {
    u8::try_from(number(text, 1..=2)?).ok()
}

/// Finds the month of an English name or abbreviation: `December`, `dec`, `Sept.`
fn month_of_name(text: &str) -> Option<u8> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let means = |name: &&str| {
        name.eq_ignore_ascii_case(text)
            || name.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(text))
            || (*name == "september" && text.eq_ignore_ascii_case("sept"))
    };
    (1..).zip(&MONTHS).find(|(_, name)| means(name)).map(|(month, _)| month)
}

fn append_two_digits(number: u8, max: u8, invalid: BlankCode, out: &mut String) -> Result<(), BlankCode> {
    if !(1..=max).contains(&number) {
        return Err(invalid);
    }
    out.push(char::from(b'0' + number / 10));
    out.push(char::from(b'0' + number % 10));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{append_day, append_month, append_year};
    use crate::normalize::Rules;
    use enroute_sdk::date::Order;

    #[track_caller]
    fn check(text: &str, format: &str, expect: [&str; 3]) {
        let rules = Rules { date_order: Order::parse(format), ..Rules::new(2026) };
        let got = [append_year, append_month, append_day].map(|append| {
            let mut out = String::new();
            append(text, &rules, &mut out).map_or_else(|code| code.as_str().to_owned(), |()| out)
        });
        assert_eq!(got, expect, "{text:?} as {format:?}");
    }

    #[test]
    fn a_full_date_gives_its_year_month_and_day() {
        check("1990-07-04", "", ["1990", "07", "04"]);
        check("1990-07-04T10:00:00Z", "", ["1990", "07", "04"]);
        check("--07-04", "", ["year_invalid", "07", "04"]);
        check("１９９０-０７-０４", "", ["1990", "07", "04"]);
    }

    #[test]
    fn an_ambiguous_date_gives_its_year_only() {
        check("5/6/1990", "", ["1990", "date_ambiguous", "date_ambiguous"]);
        check("5/6/1990", "mdy", ["1990", "05", "06"]);
        check("5/6/1990", "dmy", ["1990", "06", "05"]);
        check("5/16/1990", "", ["1990", "05", "16"]);
        check("05-06-1990", "", ["1990", "date_ambiguous", "date_ambiguous"]);
        check("5/6/90", "dmy", ["year_invalid", "06", "05"]);
    }

    #[test]
    fn a_bare_year_is_no_month_and_no_day() {
        check("1990", "", ["1990", "month_invalid", "day_invalid"]);
        check("0", "", ["year_invalid", "month_invalid", "day_invalid"]);
        check("+5", "", ["year_invalid", "month_invalid", "day_invalid"]);
    }

    #[test]
    fn years_run_from_1900_to_the_year_given() {
        check("1900-01-01", "", ["1900", "01", "01"]);
        check("1899-12-31", "", ["year_invalid", "12", "31"]);
        check("2026", "", ["2026", "month_invalid", "day_invalid"]);
        check("2027", "", ["year_invalid", "month_invalid", "day_invalid"]);
    }

    #[test]
    fn months_have_english_names_and_abbreviations() {
        for (text, month) in [("May", "05"), ("SEP", "09"), ("Sept.", "09"), ("january", "01"), ("dec.", "12")] {
            check(text, "", ["year_invalid", month, "day_invalid"]);
        }
        check("ma", "", ["year_invalid", "month_invalid", "day_invalid"]);
        check("Mai", "", ["year_invalid", "month_invalid", "day_invalid"]);
    }
}
