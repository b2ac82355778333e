//! `EMAIL`: in lower case by Unicode's rules, as Meta's own libraries do it. Meta keeps dots and `+` parts apart, so
//! they stay.

use enroute_sdk::email;

use crate::normalize::BlankCode;

/// Appends the address in lower case, if it is one.
pub(crate) fn append(address: &str, out: &mut String) -> Result<(), BlankCode> {
    if email::append_lower(address, out) { Ok(()) } else { Err(BlankCode::EmailInvalid) }
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
        check("İpek@example.com", Ok("i\u{307}pek@example.com"));
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
