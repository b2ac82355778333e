//! Comparing numbers by their digits, so that no two of them are ever rounded into one.

use std::cmp::Ordering;

/// A number as sign, digits without leading or trailing zeros, and the power of ten before the first digit.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    power: i64,
}

/// Compares two numbers written as JSON numbers; `None` where one of the texts is no number.
///
/// ```
/// use std::cmp::Ordering;
/// use enroute_core::json::compare_numbers;
/// assert_eq!(compare_numbers("450.0", "4.5e2"), Some(Ordering::Equal));
/// assert_eq!(compare_numbers("18446744073709551616", "18446744073709551617"), Some(Ordering::Less));
/// assert_eq!(compare_numbers("gold", "1"), None);
/// ```
#[must_use]
pub fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (Decimal::read(left)?, Decimal::read(right)?);
    let size = || left.power.cmp(&right.power).then_with(|| left.digits().cmp(right.digits()));
    Some(match (left.is_zero(), right.is_zero()) {
        (true, true) => Ordering::Equal,
        (true, false) => {
            if right.negative {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, true) => {
            if left.negative {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, false) => match (left.negative, right.negative) {
            (false, false) => size(),
            (true, true) => size().reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        },
    })
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || mantissa.ends_with('.') {
            return None;
        }
        let sign_free = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if sign_free.is_empty() || !all_digits(sign_free) {
            return None;
        }
        // An exponent beyond every number there is: only its sign still matters.
        let far = if exponent.starts_with('-') { -FAR } else { FAR };
        let exponent = exponent.parse::<i64>().unwrap_or(far).clamp(-FAR, FAR);
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let length = |part: &str| i64::try_from(part.len()).unwrap_or(FAR);
        let power = if whole.is_empty() {
            exponent - length(fraction) + length(fraction.trim_start_matches('0'))
        } else {
            exponent + length(whole)
        };
        let fraction = if whole.is_empty() { fraction.trim_start_matches('0') } else { fraction };
        Some(Self {
            negative,
            whole: if fraction.is_empty() { whole.trim_end_matches('0') } else { whole },
            fraction,
            power,
        })
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes())
    }
}

/// No number of a profile has an exponent of this size.
const FAR: i64 = 1 << 40;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(left: &str, right: &str, expect: Option<Ordering>) {
        assert_eq!(compare(left, right), expect);
        assert_eq!(compare(right, left), expect.map(Ordering::reverse));
    }

    #[test]
    fn numbers_are_compared_by_value_and_not_by_spelling() {
        check("1", "1.0", Some(Ordering::Equal));
        check("100", "1e2", Some(Ordering::Equal));
        check("0.001", "1E-3", Some(Ordering::Equal));
        check("-0", "0", Some(Ordering::Equal));
        check("9", "10", Some(Ordering::Less));
        check("-9", "-10", Some(Ordering::Greater));
        check("0.1", "0.09", Some(Ordering::Greater));
        check("1e999999999999999999999", "2", Some(Ordering::Greater));
        check("1e-999999999999999999999", "2", Some(Ordering::Less));
        check("123456789012345678901234567890", "123456789012345678901234567891", Some(Ordering::Less));
    }

    #[test]
    fn what_is_no_number_is_compared_with_nothing() {
        for text in ["", " ", "gold", "1e", "1.", ".5", "0x1", "1 2", "NaN", "--1", "true", "1e+-2"] {
            check(text, "1", None);
        }
    }

    proptest! {
        #[test]
        fn small_numbers_are_ordered_as_the_machine_orders_them(left in -2000_i32..2000, right in -2000_i32..2000) {
            let tenths = |number: i32| format!("{}{}.{}", if number < 0 { "-" } else { "" }, number.abs() / 10, number.abs() % 10);
            prop_assert_eq!(compare(&tenths(left), &tenths(right)), Some(left.cmp(&right)));
        }
    }
}
