//! `EMAIL`: in lower case. Meta keeps dots and `+` parts apart, so they stay.

use crate::normalize::BlankCode;
use enroute_sdk::text;

/// Appends the address in lower case, if it looks like `x@y.z`.
pub(crate) fn append(address: &str, out: &mut String) -> Result<(), BlankCode> {
    let start = out.len();
    if address.contains(|c: char| c.is_whitespace() || c.is_control() || text::is_invisible(c)) {
        return Err(BlankCode::EmailInvalid);
    }
    text::append_folded(address, out, Some);
    if !text::looks_like_email(out.get(start..).unwrap_or_default()) {
        return Err(BlankCode::EmailInvalid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::append;
    use crate::normalize::BlankCode;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, BlankCode>) {
        let mut out = String::new();
        assert_eq!(append(text, &mut out).map(|()| out.as_str()), expect, "{text:?}");
    }

    #[test]
    fn an_address_has_one_at_sign_and_a_domain_of_at_least_two_labels() {
        check("a@b.c", Ok("a@b.c"));
        check("O'Hara+x@Mail.example.com", Ok("o'hara+x@mail.example.com"));
        check("用户@例え.jp", Ok("用户@例え.jp"));
        for text in ["jane", "jane@", "@x.y", "a@b", "a@b.", "a@.b", "a@b..c", "a@b@c.d", "\u{307}@x.y"] {
            check(text, Err(BlankCode::EmailInvalid));
        }
    }

    #[test]
    fn an_address_with_a_gap_in_it_is_none() {
        for text in ["a b@c.d", "a\u{A0}@c.d", "a\u{200B}@c.d", "a\t@c.d", "Ann <a@c.d>"] {
            check(text, Err(BlankCode::EmailInvalid));
        }
    }
}
