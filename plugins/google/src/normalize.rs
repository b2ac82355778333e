//! How values become identifiers of Google's customer lists.
//!
//! The rules follow Google's guide "Format user data" and the helper of its own client libraries. Pure. Must never
//! happen: a value is hashed twice, or one that has no normal form is hashed anyway.
//! Invariant: a normal form is its own normal form (`tests::a_normal_form_is_its_own`).

mod name;

use std::borrow::Cow;

use enroute_sdk::hash::{self, HashError, Hashing};
use enroute_sdk::phone::{self, DialCode, Number};
use enroute_sdk::{Value, country, email, text};

pub use name::{family_name, given_name};

/// Domains whose mailboxes do not tell dots and `+` parts apart.
const GMAIL: [&str; 2] = ["gmail.com", "googlemail.com"];

/// Whole numbers up to this one are exact as a double.
const WHOLE_NUMBER_MAX: f64 = 9_007_199_254_740_992.0;

/// What the settings of a destination say about normalising.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whether values come in clear, hashed, or mixed.
    pub hashing: Hashing,
    /// The country code of phone numbers that are written without one.
    pub dial_code: Option<DialCode>,
    /// The country whose numbering plan reads national numbers.
    pub region: Option<String>,
    /// Whether punctuation is left out of names.
    pub strips_punctuation: bool,
}

/// Why a value is not sent: the code of a warning or rejection.
pub type Code = &'static str;

/// A value and, where there is something to tell of it, the code of a warning.
pub type Noted = (String, Option<Code>);

/// The text of a value: texts and numbers, trimmed; nothing for what is absent or blank.
///
/// # Errors
/// When it is a list, an object, true or false.
pub fn text_of(value: Value<'_>) -> Result<Option<Cow<'_, str>>, Code> {
    let found = match value {
        Value::Absent | Value::Null => return Ok(None),
        Value::Bool(_) | Value::Json(_) => return Err("not_text"),
        Value::Text(found) => Cow::Borrowed(text::trim(found)),
        Value::Number(digits) => number_text(digits),
    };
    Ok(Some(found).filter(|found| !found.is_empty()))
}

/// `1990.0` and `1.99e3` as `1990`; other numbers as they came.
fn number_text(digits: &str) -> Cow<'_, str> {
    if !digits.contains(['.', 'e', 'E']) {
        return Cow::Borrowed(digits);
    }
    match digits.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() <= WHOLE_NUMBER_MAX => Cow::Owned(format!("{number:.0}")),
        _ => Cow::Borrowed(digits),
    }
}

/// The hash of a value, or the value where it is one.
///
/// # Errors
/// With a code where it has no normal form, or does not fit the setting `hashing`.
pub fn hashed(found: &str, hashing: Hashing, normal: impl FnOnce(&str) -> Result<Noted, Code>) -> Result<Noted, Code> {
    if hashing.passes(found).map_err(HashError::code)? {
        return Ok((found.to_ascii_lowercase(), None));
    }
    let (mut form, warning) = normal(found)?;
    hash::replace_tail(&mut form, 0);
    Ok((form, warning))
}

/// An e-mail address: in lower case, Gmail's without dots and `+` part.
///
/// Google's guide takes white space out of the middle too; its own library refuses such a text, and so does every mail
/// system, so it is no address here.
///
/// # Errors
/// When it is none.
pub fn email(found: &str) -> Result<Noted, Code> {
    const INVALID: Code = "email_invalid";
    let mut form = String::with_capacity(found.len());
    if !email::append_lower(found, &mut form) {
        return Err(INVALID);
    }
    if let Some((local, domain)) = form.split_once('@')
        && GMAIL.contains(&domain)
    {
        let local = local.split('+').next().unwrap_or_default().replace('.', "");
        form = format!("{local}@{domain}");
        if local.is_empty() {
            return Err(INVALID);
        }
    }
    Ok((form, None))
}

/// A phone number: a plus and the digits, country code included.
///
/// # Errors
/// When it is no number, or a national one whose country is not known.
pub fn phone_number(found: &str, rules: &Rules) -> Result<Noted, Code> {
    const INVALID: Code = "phone_invalid";
    let read = match (rules.region.as_deref(), rules.dial_code) {
        (None, Some(code)) => code.e164(found).map(Number::International),
        (region, _) => phone::read(found, region),
    };
    match read.ok_or(INVALID)? {
        Number::International(number) => Ok((number, None)),
        // No country code begins with 0.
        Number::National(digits) if digits.starts_with('0') => Err(INVALID),
        Number::National(digits) => Ok((format!("+{digits}"), Some("phone_without_country_code"))),
    }
}

/// A country: two letters, in capitals.
///
/// # Errors
/// When it is no code and no name of a country.
pub fn region_code(found: &str) -> Result<String, Code> {
    country::alpha2(found).map(str::to_owned).ok_or("region_invalid")
}

/// An advertising id, in clear and as it is written.
///
/// It leaves in clear, so what could be a mis-mapped e-mail address or phone number is none.
///
/// # Errors
/// When it is none, or the id of a device whose owner opted out.
pub fn mobile_id(found: &str) -> Result<String, Code> {
    let mut significant = found.bytes().filter(u8::is_ascii_alphanumeric).peekable();
    let fits = found.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !fits || significant.peek().is_none() {
        return Err("mobile_id_invalid");
    }
    if significant.all(|byte| byte == b'0') { Err("mobile_id_opted_out") } else { Ok(found.to_owned()) }
}

#[cfg(test)]
mod tests;
