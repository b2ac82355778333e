//! Addresses that SendGrid gives: taken apart, because the host joins and escapes the parts itself.

use enroute_sdk::Request;

/// Longest address that is followed.
const URL_BYTES_MAX: usize = 4 << 10;

/// A request for a file at an address that an answer named; none where it is no such address.
///
/// The address is signed, so nothing is added to it. Whether the host may be reached is the operator's to say.
pub(crate) fn file(url: &str) -> Option<Request> {
    if url.len() > URL_BYTES_MAX {
        return None;
    }
    let scheme = url.find("://")? + "://".len();
    let (scheme, rest) = url.split_at_checked(scheme)?;
    let rest = rest.split('#').next()?;
    let (place, query_text) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = place.split_once('/')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    if !matches!(scheme, "https://" | "http://") || host.is_empty() || !host.bytes().all(is_plain) {
        return None;
    }
    let segments = path.split('/').map(decoded).collect::<Option<Vec<_>>>()?;
    let request = Request::get(&format!("{scheme}{host}")).path(segments);
    Some(query(query_text).into_iter().fold(request, |request, (name, value)| request.query(&name, value)))
}

/// The items of a query, as plain text; those that cannot be read are left out.
pub(super) fn query(text: &str) -> Vec<(String, String)> {
    let item = |item: &str| {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        Some((decoded(name)?, decoded(value)?))
    };
    text.split('&').filter(|text| !text.is_empty()).filter_map(item).collect()
}

/// The text with its `%41` as characters.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'%', high, low, behind @ ..] => {
                bytes.push(digit(*high)? << 4 | digit(*low)?);
                behind
            }
            [b'%', ..] => return None,
            [byte, behind @ ..] => {
                bytes.push(*byte);
                behind
            }
        };
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_address_is_taken_apart() {
        let url = "https://files.s3.amazonaws.com/errors/a%20b.csv?X-Amz-Signature=ab%2Bc%3D&X-Amz-Expires=60#x";
        let request = file(url).expect("an address");
        assert_eq!(request.origin, "https://files.s3.amazonaws.com");
        assert_eq!(request.path, ["errors", "a b.csv"]);
        let query: Vec<_> = request.query.iter().map(|item| (item.name.as_str(), item.value.as_str())).collect();
        assert_eq!(query, [("X-Amz-Signature", "ab+c="), ("X-Amz-Expires", "60")]);
        assert!(request.headers.is_empty());
    }

    #[test]
    fn what_is_no_address_of_a_file_is_not_followed() {
        let long = format!("https://a.example/{}", "a".repeat(URL_BYTES_MAX));
        for url in [
            "",
            "errors.csv",
            "ftp://a.example/x",
            "https:///x",
            "https://me@a.example/x",
            "https://a.example",
            "https://a.example/%zz",
            &long,
        ] {
            assert_eq!(file(url), None, "{url}");
        }
    }
}
