//! Numbers without a country code, completed by one that the operator names: no tables, only digits.
//!
//! A number that says that it is international (`+` or `00` in front) keeps its digits. Any other gets the default
//! country code, unless it carries it already.

use crate::text::digit;

/// Fewest digits of a number that may be taken to carry the default country code unasked.
const CARRYING_DIGITS_MIN: usize = 11;
/// Most digits of a country code: three by E.164, one more for codes such as 1-876 of the +1 area.
const DIAL_CODE_DIGITS_MAX: usize = 4;

/// A country code such as `1` or `44`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialCode(u16);

/// How a number was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// With a plus in front.
    pub plus: bool,
    /// Zeros in front of the first other digit.
    pub zeros: usize,
}

impl Written {
    /// Whether the number says that its country code is there.
    ///
    /// ```
    /// use enroute_sdk::phone::append_digits;
    ///
    /// assert!(append_digits("0049 30 123456", &mut String::new()).is_international());
    /// assert!(!append_digits("030 123456", &mut String::new()).is_international());
    /// ```
    #[must_use]
    pub const fn is_international(self) -> bool {
        self.plus || self.zeros >= 2
    }
}

/// Appends the digits of a number, of any script and without what stands between them, from the first that is not 0.
///
/// ```
/// use enroute_sdk::phone::{Written, append_digits};
///
/// let mut digits = String::new();
/// assert_eq!(append_digits("(+44) 20 7946-0958", &mut digits), Written { plus: true, zeros: 0 });
/// assert_eq!(digits, "442079460958");
/// ```
pub fn append_digits(text: &str, out: &mut String) -> Written {
    let start = out.len();
    let mut written = Written { plus: false, zeros: 0 };
    for c in text.chars().map(digit::to_ascii) {
        let leading = out.len() == start;
        match c {
            '+' | '\u{FF0B}' if leading && written.zeros == 0 => written.plus = true,
            '0' if leading => written.zeros += 1,
            '0'..='9' => out.push(c),
            _ => {}
        }
    }
    written
}

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

    /// Puts the code before the digits of `out` from `start` on, if they are those of a national number.
    ///
    /// ```
    /// use enroute_sdk::phone::{DialCode, append_digits};
    ///
    /// let mut digits = String::new();
    /// let written = append_digits("020 7946 0958", &mut digits);
    /// DialCode::parse("44").unwrap().complete(written, &mut digits, 0);
    /// assert_eq!(digits, "442079460958");
    /// ```
    pub fn complete(self, written: Written, out: &mut String, start: usize) {
        let carried = written.zeros == 0 && out.get(start..).is_some_and(|digits| self.is_carried_by(digits));
        if !written.is_international() && !carried {
            out.insert_str(start, &self.0.to_string());
        }
    }

    /// Says whether `digits`, which had no leading zero, begin with this code as the country code.
    ///
    /// Numbers of the +1 area have exactly 11 digits; elsewhere lengths differ.
    fn is_carried_by(self, digits: &str) -> bool {
        let long_enough =
            if self.0 == 1 { digits.len() == CARRYING_DIGITS_MIN } else { digits.len() >= CARRYING_DIGITS_MIN };
        long_enough && digits.starts_with(self.0.to_string().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{DialCode, append_digits};

    #[track_caller]
    fn check(text: &str, code: &str, expect: &str) {
        let mut out = "before".to_owned();
        let written = append_digits(text, &mut out);
        if let Some(code) = DialCode::parse(code) {
            code.complete(written, &mut out, 6);
        }
        assert_eq!(out.strip_prefix("before"), Some(expect), "{text:?} with {code:?}");
    }

    #[test]
    fn a_plus_or_two_zeros_make_a_number_international() {
        check("+49 30 123456", "1", "4930123456");
        check("\u{FF0B}49 30 123456", "1", "4930123456");
        check("0049 30 123456", "1", "4930123456");
    }

    #[test]
    fn the_code_is_put_before_a_national_number_and_not_twice() {
        check("030 123456", "49", "4930123456");
        check("123 456 7890", "1", "11234567890");
        check("1 650 555 1212", "1", "16505551212");
        check("44 7911 123456", "44", "447911123456");
        check("04479 1112345", "44", "4444791112345");
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
