//! Numbers without a country code, completed by one that the operator names.

use super::{e164, national_digits};

/// Most digits of a country code: three by E.164, one more for codes such as 1-876 of the +1 area.
const DIAL_CODE_DIGITS_MAX: usize = 4;

/// A country code such as `1` or `44`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialCode(u16);

impl DialCode {
    /// Parses one to four digits that do not begin with 0; a `+` in front is allowed.
    ///
    /// ```
    /// use enroute_sdk::phone::DialCode;
    ///
    /// assert_eq!(DialCode::parse("+44"), DialCode::parse("44"));
    /// assert_eq!(DialCode::parse("044"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        let well_formed = (1..=DIAL_CODE_DIGITS_MAX).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        if !well_formed {
            return None;
        }
        digits.parse().ok().map(Self)
    }

    /// The number in E.164, as one of this code where it names no country: by the plan of the code's country, and
    /// where it is none there, by the code in front of its digits without a zero.
    ///
    /// ```
    /// use enroute_sdk::phone::DialCode;
    ///
    /// let number = DialCode::parse("44").and_then(|code| code.e164("+351 912 345 678"));
    /// assert_eq!(number.as_deref(), Some("+351912345678"));
    /// ```
    #[must_use]
    pub fn e164(self, text: &str) -> Option<String> {
        let code = self.0.to_string();
        let in_front = |digits: String| e164(&format!("+{code}{}", digits.trim_start_matches('0')), None);
        e164(text, Some(&code)).or_else(|| national_digits(text).and_then(in_front))
    }
}

#[cfg(test)]
mod tests {
    use super::DialCode;

    #[cfg(feature = "phone")]
    #[test]
    fn the_code_completes_a_national_number_and_not_twice() {
        for (text, code, expect) in [
            ("+49 30 123456", "1", "+4930123456"),
            ("0049 30 123456", "1", "+4930123456"),
            ("030 123456", "49", "+4930123456"),
            ("06 1234 5678", "39", "+390612345678"),
            ("123 456 7890", "1", "+11234567890"),
            ("1 650 555 1212", "1", "+16505551212"),
            ("0650 555 1212", "1", "+16505551212"),
            ("44 7911 123456", "44", "+447911123456"),
            ("650 555 1212 ext 34", "1", "+16505551212"),
            ("650 555 1212 / 650 555 1213", "1", "none"),
            ("912345678901234", "44", "none"),
        ] {
            let read = DialCode::parse(code).and_then(|code| code.e164(text));
            assert_eq!(read.as_deref().unwrap_or("none"), expect, "{text:?} with {code}");
        }
    }

    #[test]
    fn a_country_code_is_one_to_four_digits() {
        assert_eq!(DialCode::parse("+44"), DialCode::parse("44"));
        assert!(DialCode::parse("1876").is_some());
        for bad in ["", "+", "0", "044", "12345", "4a", "++1"] {
            assert_eq!(DialCode::parse(bad), None, "{bad}");
        }
    }
}
