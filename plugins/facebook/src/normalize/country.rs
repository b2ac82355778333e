//! `COUNTRY`: ISO 3166-1 alpha-2 in lower case, from codes and English names.

mod codes;
mod names;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::normalize::{BlankCode, Rules};

/// Longest folded name that is looked up; no country has a longer one.
const NAME_BYTES_MAX: usize = 64;

/// A country, as its alpha-2 code in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(&'static str);

impl Country {
    /// The United States, whose states and postal codes have rules of their own.
    pub const US: Self = Self("us");

    /// Parses an alpha-2 code, an alpha-3 code or an English name. Case, accents, spaces and punctuation
    /// do not matter: `U.S.`, `usa` and `The United States` are one country.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut buffer = [0; NAME_BYTES_MAX];
        let name = fold(text, &mut buffer)?;
        by_code(name)
            .or_else(|| by_name(name))
            .or_else(|| by_name(name.strip_prefix("the").or(name.strip_suffix("the"))?))
            .map(Self)
    }

    /// Returns the alpha-2 code in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
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
    let country = if text.is_empty() {
        default.ok_or(BlankCode::Missing)?
    } else {
        Country::parse(text).ok_or(BlankCode::CountryUnknown)?
    };
    out.push_str(country.as_str());
    Ok(())
}

fn by_code(code: &str) -> Option<&'static str> {
    match code.len() {
        2 => {
            let at = codes::ALPHA_2.binary_search(&code).ok()?;
            codes::ALPHA_2.get(at).copied()
        }
        3 => {
            let at = codes::ALPHA_3_THEN_2.binary_search_by_key(&Some(code), |both| both.get(..3)).ok()?;
            codes::ALPHA_3_THEN_2.get(at)?.get(3..)
        }
        _ => None,
    }
}

fn by_name(name: &str) -> Option<&'static str> {
    let at = names::NAMES.binary_search_by_key(&name, |(name, _)| *name).ok()?;
    names::NAMES.get(at).map(|(_, code)| *code)
}

/// Writes the ASCII letters of `text` into `buffer`, in lower case, accents off, `&` written out.
///
/// Text with other letters or digits, and text too long for the buffer, names no country.
fn fold<'a>(text: &str, buffer: &'a mut [u8; NAME_BYTES_MAX]) -> Option<&'a str> {
    let mut length = 0;
    for c in text.nfd().filter(|c| !is_combining_mark(*c)) {
        let letters: &[u8] = match c {
            '&' => b"and",
            'a'..='z' | 'A'..='Z' => &[c.to_ascii_lowercase() as u8],
            _ if c.is_alphanumeric() => return None,
            _ => &[],
        };
        buffer.get_mut(length..length + letters.len())?.copy_from_slice(letters);
        length += letters.len();
    }
    str::from_utf8(buffer.get(..length)?).ok()
}

#[cfg(test)]
mod tests {
    use super::codes::{ALPHA_2, ALPHA_3_THEN_2};
    use super::names::NAMES;
    use super::{Country, of_row};
    use crate::normalize::Rules;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(Country::parse(text).map_or("none", Country::as_str), expect, "{text:?}");
    }

    #[test]
    fn the_tables_are_sorted_and_name_the_same_countries() {
        assert!(ALPHA_2.is_sorted_by(|a, b| a < b));
        assert!(ALPHA_3_THEN_2.is_sorted_by(|a, b| a < b));
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        let mut of_alpha_3: Vec<_> = ALPHA_3_THEN_2.iter().map(|both| &both[3..]).collect();
        of_alpha_3.sort_unstable();
        assert_eq!(of_alpha_3, ALPHA_2);
        let mut named: Vec<_> = NAMES.iter().map(|(_, code)| *code).collect();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named, ALPHA_2);
    }

    #[test]
    fn every_code_and_name_finds_its_country() {
        for code in ALPHA_2 {
            check(&code.to_uppercase(), code);
        }
        for both in ALPHA_3_THEN_2 {
            check(&both[..3], &both[3..]);
        }
        for (name, code) in NAMES {
            check(name, code);
        }
    }

    #[test]
    fn writing_does_not_matter() {
        check("U.S.A.", "us");
        check(" the United  States of America ", "us");
        check("uk", "gb");
        check("Côte d’Ivoire", "ci");
        check("CURAÇAO", "cw");
        check("Türkiye", "tr");
        check("Åland", "ax");
        check("Trinidad & Tobago", "tt");
        check("Bosnia-Herzegovina", "ba");
        check("The Gambia", "gm");
        check("Gambia (the)", "gm");
        check("Korea, Republic of", "kr");
    }

    #[test]
    fn what_is_no_country_is_none() {
        for text in ["", "Atlantis", "zz", "eu", "usx", "the", "1", "us1", "Россия"] {
            check(text, "none");
        }
        check(&"united states ".repeat(9), "none");
    }

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
