//! `COUNTRY`: ISO 3166-1 alpha-2 in lower case, from codes and English names.

use enroute_sdk::country::alpha2;

use crate::normalize::{BlankCode, Rules};

/// A country, as its alpha-2 code in capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(&'static str);

impl Country {
    /// The United States, whose states and postal codes have rules of their own.
    pub const US: Self = Self("US");

    /// Parses a code or a name, as all plugins do: see [`alpha2`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        alpha2(text).map(Self)
    }
}

/// Returns the country whose rules hold for a row: the mapped one if it is valid, else the default.
///
/// `raw` is the value mapped to `COUNTRY`, if any. A hashed value tells no country.
#[must_use]
pub fn of_row(raw: Option<&str>, rules: &Rules) -> Option<Country> {
    raw.and_then(Country::parse).or(rules.default_country)
}

/// Appends the code of a country; the default stands in for an empty value, not for a wrong one.
pub(crate) fn append(text: &str, default: Option<Country>, out: &mut String) -> Result<(), BlankCode> {
    let Country(code) = if text.is_empty() {
        default.ok_or(BlankCode::Missing)?
    } else {
        Country::parse(text).ok_or(BlankCode::CountryUnknown)?
    };
    out.extend(code.chars().map(|c| c.to_ascii_lowercase()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Country, of_row};
    use crate::normalize::Rules;

    #[test]
    fn the_row_has_the_mapped_country_then_the_default_then_none() {
        let mut rules = Rules::new(2026);
        assert_eq!(of_row(Some("Atlantis"), &rules), None);
        rules.default_country = Country::parse("us");
        assert_eq!(of_row(Some("DEU"), &rules), Country::parse("de"));
        assert_eq!(of_row(Some("Atlantis"), &rules), Some(Country::US));
        assert_eq!(of_row(None, &rules), Some(Country::US));
    }
}
