//! Phone numbers: in E.164 by tables that the host lends, or completed by a default country code.

mod dial;

pub use dial::{DialCode, Written, append_digits};

/// The number in E.164: a plus and digits. None where the text is no number, or a national one and `region` is not
/// given.
///
/// `region` is an ISO 3166-1 alpha-2 code for numbers without a country code. In native builds the tables are there
/// with the feature `phone`, meant for a plugin's tests; without it, only international numbers are read.
///
/// ```
/// assert_eq!(enroute_sdk::phone::e164("+351 912 345 678", None).as_deref(), Some("+351912345678"));
/// assert_eq!(enroute_sdk::phone::e164("912 345 678", None), None);
/// ```
#[must_use]
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::enroute::destination::normalize::phone(text, region);
    #[cfg(all(not(target_arch = "wasm32"), feature = "phone"))]
    return enroute_phone::e164(text, region);
    #[cfg(all(not(target_arch = "wasm32"), not(feature = "phone")))]
    return without_tables(text, region);
}

/// Digits behind a plus.
#[cfg(all(not(target_arch = "wasm32"), not(feature = "phone")))]
fn without_tables(text: &str, _: Option<&str>) -> Option<String> {
    let rest = text.trim().strip_prefix('+')?;
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
    let is_number = rest.chars().all(|c| c.is_ascii_digit() || " -.()/".contains(c));
    (fits && is_number).then(|| format!("+{digits}"))
}
