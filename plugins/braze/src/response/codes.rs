//! What Braze says of single objects.
//!
//! Accounts get codes or, older ones, sentences. Both become one snake_case code, which the manifest explains.

use enroute_sdk::text::quotable;

/// Longest part of an unknown complaint that is repeated.
const UNKNOWN_CHARS_MAX: usize = 200;
/// Digits in a word that may be a number of somebody's.
const DIGITS_MAX: usize = 5;

/// Codes with which an object will never be accepted as it stands, and the sentence for people.
const FINAL: [(&str, &str, &str); 16] = [
    ("BLACKLISTED_EXTERNAL_USER_ID", "blacklisted_external_user_id", "braze blocks this external id"),
    ("EXTERNAL_USER_ID_TOO_LARGE", "external_user_id_too_large", "the external id is longer than 987 bytes"),
    ("EMAIL_BAD_FORMAT", "email_bad_format", "braze takes the e-mail address for malformed"),
    ("BAD_EMAIL_SUBSCRIPTION_STATE", "bad_email_subscription_state", "the state of the e-mail subscription is none"),
    ("BAD_PUSH_SUBSCRIPTION_STATE", "bad_push_subscription_state", "the state of the push subscription is none"),
    ("BAD_LOCATION_UPDATE", "bad_location_update", "the location is malformed"),
    (
        "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO",
        "invalid_attribute_email_subscription_info",
        "the e-mail subscription contradicts itself",
    ),
    ("BAD_SUBSCRIPTION_GROUP_ARRAY", "bad_subscription_group_array", "the subscription groups are malformed"),
    ("BAD_SUBSCRIPTION_GROUP_HASH", "bad_subscription_group_hash", "the subscription group is malformed"),
    ("BAD_SUBSCRIPTION_GROUP_ID", "bad_subscription_group_id", "braze does not know the subscription group"),
    ("BAD_SUBSCRIPTION_GROUP_STATE", "bad_subscription_group_state", "the state of the subscription group is none"),
    ("BAD_PUSH_TOKEN_ARRAY", "bad_push_token", "the push tokens are malformed"),
    ("BAD_PUSH_TOKEN_HASH", "bad_push_token", "a push token is malformed"),
    ("BAD_PUSH_TOKEN_APP_ID", "bad_push_token", "a push token names an app that braze does not know"),
    ("BAD_PUSH_TOKEN", "bad_push_token", "a push token is malformed"),
    ("BAD_DEVICE_ID", "bad_device_id", "a device id is malformed"),
];

/// Words of the sentences that older accounts get, all of which must occur, and the code they stand for.
const SENTENCES: [(&[&str], &str); 6] = [
    (&["external_id", "fewer than"], "EXTERNAL_USER_ID_TOO_LARGE"),
    (&["external_id", "blacklisted"], "BLACKLISTED_EXTERNAL_USER_ID"),
    (&["external_id", "blocklisted"], "BLACKLISTED_EXTERNAL_USER_ID"),
    (&["email", "format"], "EMAIL_BAD_FORMAT"),
    (&["subscription_group_id"], "BAD_SUBSCRIPTION_GROUP_ID"),
    (&["subscription_state"], "BAD_SUBSCRIPTION_GROUP_STATE"),
];

/// Code and sentence of a refusal that will not change; none for what may pass, and for what nobody has seen yet.
pub(super) fn refusal(kind: &str) -> Option<(&'static str, &'static str)> {
    let known = |kind: &str| FINAL.iter().find(|(name, _, _)| *name == kind).map(|(_, code, reason)| (*code, *reason));
    let said = kind.to_lowercase();
    if said.contains("external_id") && said.contains("is required") {
        return Some(("identifier_missing", "braze finds no identifier in the object"));
    }
    if kind.starts_with("BAD_PUSH_TOKEN") {
        return known("BAD_PUSH_TOKEN");
    }
    known(kind).or_else(|| {
        let sentence = SENTENCES.iter().find(|(words, _)| words.iter().all(|word| said.contains(word)));
        sentence.and_then(|(_, name)| known(name))
    })
}

/// A complaint in words that nobody knows, without what it quotes and what may be somebody's number.
pub(super) fn told(kind: &str) -> String {
    let outside = |(place, part): (usize, &str)| if place % 2 == 0 { part.to_owned() } else { "[…]".to_owned() };
    let words: String = kind.split(['\'', '"', '`']).enumerate().map(outside).collect();
    let is_number = |word: &str| word.bytes().filter(u8::is_ascii_digit).count() > DIGITS_MAX;
    let words: Vec<&str> = words.split(' ').map(|word| if is_number(word) { "[…]" } else { word }).collect();
    quotable(&words.join(" "), UNKNOWN_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_told_without_what_they_quote() {
        assert_eq!(told("NEW_KIND"), "NEW_KIND");
        assert_eq!(told("value 'Ann' of +351912345678 and ann@example.com is odd"), "value […] of […] and […] is odd");
    }

    #[track_caller]
    fn check(kind: &str, expect: Option<&str>) {
        assert_eq!(refusal(kind).map(|(code, _)| code), expect, "{kind}");
    }

    #[test]
    fn codes_and_sentences_mean_the_same() {
        check("EXTERNAL_USER_ID_TOO_LARGE", Some("external_user_id_too_large"));
        check("'external_id' must be fewer than 988 bytes", Some("external_user_id_too_large"));
        check("'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required", Some("identifier_missing"));
        check("BAD_PUSH_TOKEN_SOMETHING_NEW", Some("bad_push_token"));
    }

    #[test]
    fn what_nobody_has_seen_yet_is_not_final() {
        check("INTERNAL_HICCUP", None);
        check("", None);
    }
}
