//! Decimal numbers as text, because a float would cost digits.

/// Largest power of ten that is written out: that of the largest float.
const POWER_MAX: i64 = 308;

/// The number in digits alone, without a sign that means nothing, an exponent, or zeros at either end; none where it is
/// no decimal number.
pub(crate) fn plain(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, power) = match rest.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    if digits.is_empty() || power.abs() > POWER_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Where the point stands, seen from the first digit.
    let point = power + i64::try_from(whole.len()).ok()?;
    let before = usize::try_from(point).unwrap_or(0);
    let zeros = usize::try_from(-point).unwrap_or(0);
    let (whole, part) = digits.split_at(before.min(digits.len()));
    let whole = format!("{whole}{}", "0".repeat(before.saturating_sub(digits.len())));
    let part = format!("{}{part}", "0".repeat(zeros));
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if whole == "0" && part.is_empty() { "" } else { sign };
    Some(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn no_digit_is_lost_or_added() {
        for (text, expect) in [
            ("1990.0", "1990"),
            ("1.99e3", "1990"),
            ("1.5e-3", "0.0015"),
            ("007.50", "7.5"),
            (".5", "0.5"),
            ("7.", "7"),
            ("+5", "5"),
            ("-0.0", "0"),
            ("-5.10", "-5.1"),
            ("9007199254740993e0", "9007199254740993"),
            ("0.123456789012345678901", "0.123456789012345678901"),
        ] {
            assert_eq!(plain(text).as_deref(), Some(expect), "{text}");
        }
        for text in ["", ".", "1e999", "1,5", "0x10", "NaN", "1e"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
