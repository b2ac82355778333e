//! The columns that go in clear: `EXTERN_ID`, `MADID`, `LOOKALIKE_VALUE` and `DATA_PROCESSING_OPTIONS`.
//!
//! Because they are not hashed, a mis-mapped trait would show itself here. An advertising id is therefore
//! sent only if it is made of nothing but ASCII letters, digits, hyphens and underscores, which no e-mail
//! address and no formatted phone number is.

use crate::normalize::decimal;
use crate::normalize::key::Key;
use crate::normalize::{BlankCode, CellError, Filled, WarningCode};
use enroute_sdk::text::{self, digit};

/// Appends the text of a cell that is not hashed.
pub(crate) fn cell(key: Key, raw: &str, out: &mut String) -> Result<Filled, CellError> {
    let trimmed = text::trim(raw);
    if trimmed.is_empty() {
        return Ok(Filled::Blank(BlankCode::Missing));
    }
    match key {
        Key::Madid => Ok(append_madid(trimmed, out)),
        Key::LookalikeValue => Ok(append_value(trimmed, out)),
        Key::DataProcessingOptions => append_options(trimmed, out),
        // The advertiser's own id stays as it is for ever: only white space is cut.
        Key::ExternId => {
            out.push_str(raw.trim());
            Ok(Filled::Yes)
        }
        // Hashed keys do not come here, and must not leave in clear if they did.
        _ => Ok(Filled::Blank(BlankCode::Missing)),
    }
}

fn append_madid(text: &str, out: &mut String) -> Filled {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let mut significant = text.bytes().filter(u8::is_ascii_alphanumeric).peekable();
    if !text.bytes().all(fits) || significant.peek().is_none() {
        return Filled::Blank(BlankCode::MadidInvalid);
    }
    if significant.all(|b| b == b'0') {
        return Filled::Blank(BlankCode::MadidOptedOut);
    }
    out.extend(text.chars().map(|c| c.to_ascii_lowercase()));
    Filled::Yes
}

/// Appends a JSON number that is not negative; what is none becomes 0.
fn append_value(text: &str, out: &mut String) -> Filled {
    match digit::fold(text).parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => {
            // In digits, for a float has 17 of them at most.
            let text = digit::fold(text);
            out.push_str(&decimal::plain(&text).unwrap_or_else(|| value.to_string()));
            Filled::Yes
        }
        _ => {
            out.push('0');
            Filled::WithWarning(WarningCode::LookalikeValueZeroed)
        }
    }
}

/// Appends the JSON list that asks for Limited Data Use, or the empty list that says there is none.
fn append_options(text: &str, out: &mut String) -> Result<Filled, CellError> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let option = inner.unwrap_or(text).trim().trim_matches('"');
    let list = if option.eq_ignore_ascii_case("ldu") {
        r#"["LDU"]"#
    } else if option.is_empty() {
        "[]"
    } else {
        return Err(CellError::ProcessingOptionUnknown);
    };
    out.push_str(list);
    Ok(Filled::Yes)
}

#[cfg(test)]
mod tests {
    use super::cell;
    use crate::normalize::Filled;
    use crate::normalize::key::Key;

    #[track_caller]
    fn check(key: Key, raw: &str, expect: &str) {
        let mut out = String::new();
        let got = match cell(key, raw, &mut out) {
            Ok(Filled::Yes) => out,
            Ok(Filled::WithWarning(code)) => format!("{out} {}", code.as_str()),
            Ok(Filled::Blank(code)) => format!("{out}{}", code.as_str()),
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(got, expect, "{key} {raw:?}");
    }

    #[test]
    fn an_advertising_id_that_could_be_something_personal_is_not_sent() {
        for raw in ["ann@example.com", "+1 650 555 1212", "Ann Smith", "정", "--", "a\u{200B}b"] {
            check(Key::Madid, raw, "madid_invalid");
        }
        check(Key::Madid, "Device_7", "device_7");
        check(Key::Madid, "0000-0000", "madid_opted_out");
        check(Key::Madid, "  ", "missing");
    }

    #[test]
    fn the_own_id_keeps_everything_but_white_space_around_it() {
        check(Key::ExternId, "\tÅ e\u{301} 00-00 \u{A0}", "Å e\u{301} 00-00");
        check(Key::ExternId, "d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e");
        check(Key::ExternId, "", "missing");
    }

    #[test]
    fn a_value_is_a_finite_json_number_from_0_up() {
        for (raw, expect) in [
            ("1e3", "1000"),
            ("+5", "5"),
            (".5", "0.5"),
            ("100.10", "100.1"),
            ("-0", "0"),
            ("7.", "7"),
            ("9007199254740993", "9007199254740993"),
            ("0.12345678901234567890", "0.1234567890123456789"),
        ] {
            check(Key::LookalikeValue, raw, expect);
        }
        for raw in ["NaN", "inf", "1e999", "1,000", "-0.01", "0x10"] {
            check(Key::LookalikeValue, raw, "0 lookalike_value_zeroed");
        }
        check(Key::LookalikeValue, "", "missing");
    }

    #[test]
    fn processing_options_are_limited_data_use_or_none() {
        for raw in ["LDU", "ldu", r#"["LDU"]"#, r#" [ "ldu" ] "#] {
            check(Key::DataProcessingOptions, raw, r#"["LDU"]"#);
        }
        check(Key::DataProcessingOptions, "[]", "[]");
        check(Key::DataProcessingOptions, "", "missing");
        check(Key::DataProcessingOptions, "LTD", "processing_option_unknown");
    }

    #[test]
    fn a_key_that_is_hashed_never_goes_in_clear() {
        check(Key::Email, "ann@example.com", "missing");
    }
}
