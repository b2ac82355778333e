//! Countries by code or by English name.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::text::trim;

mod codes;
mod names;

/// Longest name that is looked up, in characters; no country's is longer.
const NAME_CHARS_MAX: usize = 80;

/// The alpha-2 code of ISO 3166-1, in capitals, from that code, the alpha-3 code or an English name, which may be the
/// country's own as well (`Deutschland`). Case, accents, spaces, punctuation and a "the" at either end do not matter.
///
/// Only in names is punctuation passed over: `U.S.` is one, but `n/a` is not Namibia.
///
/// One table for all plugins. What it does not have is no country: numbers of ISO 3166-1, withdrawn codes, `EU`, parts of
/// countries (`GB-ENG`; but England, Scotland, Wales and Northern Ireland are `GB`) and other scripts. `XK` is Kosovo.
///
/// ```
/// use enroute_sdk::country::alpha2;
///
/// assert_eq!(alpha2("pt"), Some("PT"));
/// assert_eq!(alpha2("USA"), Some("US"));
/// assert_eq!(alpha2("UK"), Some("GB"));
/// assert_eq!(alpha2("Côte d'Ivoire"), Some("CI"));
/// assert_eq!(alpha2("The Netherlands"), Some("NL"));
/// assert_eq!(alpha2("Korea, Republic of"), Some("KR"));
/// assert_eq!(alpha2("Atlantis"), None);
/// ```
#[must_use]
pub fn alpha2(text: &str) -> Option<&'static str> {
    let text = trim(text);
    by_code(text).or_else(|| {
        let name = folded(text)?;
        let without_article = || name.strip_prefix("the").or(name.strip_suffix("the"));
        by_name(&name).or_else(|| by_name(without_article()?))
    })
}

fn by_code(text: &str) -> Option<&'static str> {
    let capitals = |byte: &u8| byte.to_ascii_uppercase();
    let found = match text.as_bytes() {
        [a, b] => {
            let code = [capitals(a), capitals(b)];
            codes::CODES.binary_search_by(|(two, _)| two.as_bytes().cmp(&code)).ok()
        }
        [_, _, _] => codes::CODES.iter().position(|(_, three)| three.eq_ignore_ascii_case(text)),
        _ => None,
    };
    codes::CODES.get(found?).map(|(two, _)| *two)
}

fn by_name(name: &str) -> Option<&'static str> {
    let found = names::NAMES.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    names::NAMES.get(found).map(|(_, two)| *two)
}

/// ASCII letters in lower case, without accents; `&` becomes `and`.
fn folded(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    for c in text.nfd().filter(|c| !is_combining_mark(*c)).take(NAME_CHARS_MAX + 1) {
        match c {
            '&' => name.push_str("and"),
            c if c.is_ascii_alphabetic() => name.push(c.to_ascii_lowercase()),
            c if c.is_alphanumeric() => return None,
            _ => {}
        }
    }
    (name.len() <= NAME_CHARS_MAX).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(alpha2(text).unwrap_or("none"), expect, "{text:?}");
    }

    #[test]
    fn the_tables_are_sorted_and_agree() {
        assert!(codes::CODES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(names::NAMES.is_sorted_by(|a, b| a.0 < b.0));
        let mut named: Vec<&str> = names::NAMES.iter().map(|(_, two)| *two).collect();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named, codes::CODES.map(|(two, _)| two), "every country has a name, and every name a country");
    }

    #[test]
    fn every_code_and_name_finds_its_country() {
        for (two, three) in codes::CODES {
            check(&two.to_lowercase(), two);
            check(&three.to_lowercase(), two);
        }
        for (name, two) in names::NAMES {
            check(name, two);
            assert!(by_code(name).is_none_or(|code| code == two), "{name} is another's code");
        }
    }

    #[test]
    fn writing_does_not_matter() {
        for (text, two) in [
            ("U.S.A.", "US"),
            ("U.S.", "US"),
            (" the United  States of America ", "US"),
            ("uk", "GB"),
            ("Côte d’Ivoire", "CI"),
            ("CURAÇAO", "CW"),
            ("Türkiye", "TR"),
            ("Åland", "AX"),
            ("Trinidad & Tobago", "TT"),
            ("Bosnia-Herzegovina", "BA"),
            ("The Gambia", "GM"),
            ("Gambia (the)", "GM"),
            ("Korea, Republic of", "KR"),
            ("Congo (the Democratic Republic of the)", "CD"),
            ("Österreich", "AT"),
            ("\u{feff}pt\u{a0}", "PT"),
        ] {
            check(text, two);
        }
    }

    #[test]
    fn what_is_no_country_is_none() {
        for text in
            ["Atlantis", "zz", "eu", "usx", "the", "1", "us1", "GB-ENG", "276", "SU", "Virgin Islands", "n/a", "N.A."]
        {
            check(text, "none");
        }
        check(&"united states ".repeat(9), "none");
    }

    #[test]
    fn a_name_in_another_script_is_not_half_read() {
        assert_eq!(alpha2("Россия"), None);
        assert_eq!(alpha2("US漢"), None);
        assert_eq!(alpha2(""), None);
        assert_eq!(alpha2("U.S.A."), Some("US"));
    }
}
