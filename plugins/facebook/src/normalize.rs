//! How the text of a trait becomes a cell of a Customer File Custom Audience.
//!
//! Owns the column keys, the normal form of each, and the choice between hashing a value and passing a
//! hash through. The rules follow Meta's guide "Customer File Custom Audiences"; where the guide is
//! silent the module concerned says what was chosen. Pure: no I/O, no clock (the year is a rule), no
//! settings of its own.
//!
//! Must never happen: a value of a hashed key leaves in clear, a value is hashed twice, or a value that
//! cannot be brought to its normal form is hashed anyway. A bad value blanks its cell and nothing more.
//!
//! Invariants (`tests::properties`): the cell of a hashed key is empty or 64 lower-case hexadecimal
//! digits; a normal form is its own normal form, unless it is letters that stood before the hyphen of a postal code.

pub mod country;
pub mod key;
mod phone;

mod birth;
mod clear;
pub(crate) mod decimal;
mod email;
mod gender;
mod name;
mod place;

#[cfg(test)]
mod tests;

use std::fmt;

use enroute_sdk::date::Order;
use enroute_sdk::hash::{self, HashError, Hashing};
use enroute_sdk::phone::DialCode;
use enroute_sdk::text;

use crate::normalize::country::Country;
use crate::normalize::key::Key;

/// What the settings of a destination say about normalising.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whether values come in clear, hashed, or mixed.
    pub hashing: Hashing,
    /// The country code of phone numbers that are written without one.
    pub default_phone_country_code: Option<DialCode>,
    /// The country of members who have none.
    pub default_country: Option<Country>,
    /// How dates such as `5/6/1990` are meant; unset, they are not read.
    pub date_order: Option<Order>,
    /// The latest year of birth that is believed: the current year.
    pub year_max: u16,
}

impl Rules {
    /// Returns the rules of a destination that sets nothing, in the year `year_max`.
    #[must_use]
    pub fn new(year_max: u16) -> Self {
        Self {
            hashing: Hashing::Auto,
            default_phone_country_code: None,
            default_country: None,
            date_order: None,
            year_max,
        }
    }
}

/// What became of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Filled {
    /// The cell has its text.
    Yes,
    /// The cell has its text, and the operator should know of something.
    WithWarning(WarningCode),
    /// The cell stays empty.
    Blank(BlankCode),
}

/// Why a cell stays empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlankCode {
    /// There is no value, or nothing but white space.
    Missing,
    /// No address that a mail system takes.
    EmailInvalid,
    /// No phone number, or more than one.
    PhoneInvalid,
    /// Neither of the two words Meta knows.
    GenderUnknown,
    /// No year of four digits between 1900 and now.
    YearInvalid,
    /// No month.
    MonthInvalid,
    /// No day of a month.
    DayInvalid,
    /// A date whose month and day could be swapped.
    DateAmbiguous,
    /// No letter is left.
    NoLetters,
    /// The country is the United States and has no such state.
    StateUnknown,
    /// Not a postal code.
    ZipInvalid,
    /// No country of this code or name.
    CountryUnknown,
    /// Not an advertising id.
    MadidInvalid,
    /// The all-zero id of a device whose owner opted out.
    MadidOptedOut,
}

impl BlankCode {
    /// Returns the code as counted and logged.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::EmailInvalid => "email_invalid",
            Self::PhoneInvalid => "phone_invalid",
            Self::GenderUnknown => "gender_unknown",
            Self::YearInvalid => "year_invalid",
            Self::MonthInvalid => "month_invalid",
            Self::DayInvalid => "day_invalid",
            Self::DateAmbiguous => "date_ambiguous",
            Self::NoLetters => "no_letters",
            Self::StateUnknown => "state_unknown",
            Self::ZipInvalid => "zip_invalid",
            Self::CountryUnknown => "country_unknown",
            Self::MadidInvalid => "madid_invalid",
            Self::MadidOptedOut => "madid_opted_out",
        }
    }
}

/// What the operator should know of a cell that was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningCode {
    /// The number names no country and no default is set: it was hashed as it is.
    PhoneWithoutCountryCode,
    /// The value is not a number, not finite or negative: 0 was sent.
    LookalikeValueZeroed,
}

impl WarningCode {
    /// Returns the code as counted and logged.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PhoneWithoutCountryCode => "phone_without_country_code",
            Self::LookalikeValueZeroed => "lookalike_value_zeroed",
        }
    }
}

/// Why a member cannot be sent at all. Names the column, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellError {
    /// The value is a SHA-256 and the setting says that all values come in clear.
    AlreadyHashed(Key),
    /// The value is not a SHA-256 and the setting says that all values are.
    NotHashed(Key),
    /// The value has the shape of an MD5, which customer lists do not take.
    Md5(Key),
    /// The data processing option is none that Meta knows; sending the member would drop a restriction.
    ProcessingOptionUnknown,
}

impl CellError {
    /// Returns the code as counted and logged.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AlreadyHashed(_) => "already_hashed",
            Self::NotHashed(_) => "not_hashed",
            Self::Md5(_) => "md5_value",
            Self::ProcessingOptionUnknown => "processing_option_unknown",
        }
    }
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyHashed(key) => {
                write!(f, "{key} is hashed already but `hashing` is `always`")
            }
            Self::NotHashed(key) => {
                write!(f, "{key} is not a SHA-256 but `hashing` is `prehashed`")
            }
            Self::Md5(key) => write!(f, "{key} looks like an MD5, and customer lists take SHA-256 only"),
            Self::ProcessingOptionUnknown => {
                write!(f, "{} is neither `LDU` nor an empty list", Key::DataProcessingOptions)
            }
        }
    }
}

impl std::error::Error for CellError {}

/// Appends the final text of one cell to `out`: a hash, or clear text for the keys that are not hashed.
///
/// `raw` is the value as text; numbers must come without a trailing `.0`. `country` is that of the row,
/// see [`country::of_row`]. An empty `COUNTRY` takes the default country. After `Blank` and after an
/// error `out` is as it was. The space behind the end of `out` serves as scratch, so a buffer that is
/// used again is not allocated again.
pub fn cell(
    key: Key,
    raw: &str,
    country: Option<Country>,
    rules: &Rules,
    out: &mut String,
) -> Result<Filled, CellError> {
    let start = out.len();
    let filled = if key.is_hashed() {
        hashed_cell(key, text::trim(raw), country, rules, out)
    } else {
        clear::cell(key, raw, out)
    };
    if !matches!(filled, Ok(Filled::Yes | Filled::WithWarning(_))) {
        out.truncate(start);
    }
    filled
}

fn hashed_cell(
    key: Key,
    text: &str,
    country: Option<Country>,
    rules: &Rules,
    out: &mut String,
) -> Result<Filled, CellError> {
    let start = out.len();
    let passes = rules.hashing.passes(text).map_err(|error| match error {
        HashError::AlreadyHashed => CellError::AlreadyHashed(key),
        HashError::NotHashed => CellError::NotHashed(key),
        HashError::Md5 => CellError::Md5(key),
    })?;
    if passes {
        out.extend(text.chars().map(|c| c.to_ascii_lowercase()));
        return Ok(Filled::Yes);
    }
    let filled = normal_form(key, text, country, rules, out);
    if !matches!(filled, Filled::Blank(_)) {
        hash::replace_tail(out, start);
    }
    Ok(filled)
}

/// Appends the normal form of trimmed text; what it appends before it answers `Blank` means nothing.
fn normal_form(key: Key, text: &str, country: Option<Country>, rules: &Rules, out: &mut String) -> Filled {
    if text.is_empty() && key != Key::Country {
        return Filled::Blank(BlankCode::Missing);
    }
    let appended = match key {
        Key::Email => email::append(text, out),
        Key::Phone => return phone::append(text, rules.default_phone_country_code, out),
        Key::Fn | Key::Ln => name::append(text, out),
        Key::Fi => name::append_initial(text, out),
        Key::Gen => gender::append(text, out),
        Key::Doby => birth::append_year(text, rules, out),
        Key::Dobm => birth::append_month(text, rules, out),
        Key::Dobd => birth::append_day(text, rules, out),
        Key::St => place::append_state(text, country, out),
        Key::Ct => place::append_city(text, out),
        Key::Zip => place::append_zip(text, country, out),
        Key::Country => country::append(text, rules.default_country, out),
        // Not hashed, so `cell` never asks.
        Key::ExternId | Key::Madid | Key::LookalikeValue | Key::DataProcessingOptions => Err(BlankCode::Missing),
    };
    match appended {
        Ok(()) => Filled::Yes,
        Err(code) => Filled::Blank(code),
    }
}
