//! What a person agreed to, and how both APIs write it.

use serde::Deserialize;
use serde_json::Value;

/// One answer to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Consent {
    /// Yes.
    Granted,
    /// No.
    Denied,
    /// Nothing is known.
    Unspecified,
}

/// The answers to Google's two questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consents {
    /// May Google use the data for ads?
    pub(crate) user_data: Consent,
    /// May it personalise ads?
    pub(crate) personalization: Consent,
}

impl Consent {
    /// Texts in any case, with or without `CONSENT_`, and true or false as all plugins read them; what is neither yes nor
    /// no is unspecified.
    fn of(value: &Value) -> Self {
        let digits;
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => {
                digits = number.to_string();
                enroute_sdk::Value::Number(&digits).flag()
            }
            Value::String(text) => enroute_sdk::Value::Text(text).flag(),
            _ => None,
        };
        let text = value.as_str().unwrap_or_default().trim().to_ascii_uppercase();
        match (flag, text.strip_prefix("CONSENT_").unwrap_or(&text)) {
            (Some(true), _) | (None, "GRANTED" | "TRUE") => Self::Granted,
            (Some(false), _) | (None, "DENIED" | "FALSE") => Self::Denied,
            _ => Self::Unspecified,
        }
    }

    /// As the Google Ads API writes it; the Data Manager API writes `CONSENT_` before it.
    const fn word(self) -> &'static str {
        match self {
            Self::Granted => "GRANTED",
            Self::Denied => "DENIED",
            Self::Unspecified => "UNSPECIFIED",
        }
    }

    const fn long_word(self) -> &'static str {
        match self {
            Self::Granted => "CONSENT_GRANTED",
            Self::Denied => "CONSENT_DENIED",
            Self::Unspecified => "CONSENT_STATUS_UNSPECIFIED",
        }
    }
}

impl Consents {
    /// What the members of a batch said, over what holds otherwise. `ad_user_data` and `adUserData` are one name.
    pub(crate) fn of(batch: Option<&str>, otherwise: Self) -> Self {
        let said: Option<serde_json::Map<String, Value>> = batch.and_then(|text| serde_json::from_str(text).ok());
        let mut consents = otherwise;
        for (name, value) in said.iter().flatten() {
            let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
            match name.to_ascii_lowercase().as_str() {
                "aduserdata" => consents.user_data = Consent::of(value),
                "adpersonalization" => consents.personalization = Consent::of(value),
                _ => {}
            }
        }
        consents
    }

    /// Whether one of the answers is no.
    pub(crate) fn is_denied(self) -> bool {
        self.user_data == Consent::Denied || self.personalization == Consent::Denied
    }

    /// As JSON for the Data Manager API.
    pub(crate) fn json(self) -> String {
        let (data, ads) = (self.user_data.long_word(), self.personalization.long_word());
        format!(r#"{{"adUserData":"{data}","adPersonalization":"{ads}"}}"#)
    }

    /// As JSON for the Google Ads API.
    pub(crate) fn ads_json(self) -> String {
        let (data, ads) = (self.user_data.word(), self.personalization.word());
        format!(r#"{{"adUserData":"{data}","adPersonalization":"{ads}"}}"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANTED: Consents = Consents { user_data: Consent::Granted, personalization: Consent::Granted };

    #[track_caller]
    fn check(batch: &str, user_data: Consent, personalization: Consent) {
        assert_eq!(Consents::of(Some(batch), GRANTED), Consents { user_data, personalization }, "{batch}");
    }

    #[test]
    fn consent_is_read_in_every_spelling() {
        check(r#"{"ad_user_data":"denied"}"#, Consent::Denied, Consent::Granted);
        check(
            r#"{"adUserData":"CONSENT_GRANTED","adPersonalization":"consent_denied"}"#,
            Consent::Granted,
            Consent::Denied,
        );
        check(r#"{"ad_user_data":true,"ad_personalization":false}"#, Consent::Granted, Consent::Denied);
        check(r#"{"ad_user_data":1,"ad_personalization":"0"}"#, Consent::Granted, Consent::Denied);
        check(r#"{"ad_user_data":" TRUE ","ad_personalization":0.0}"#, Consent::Granted, Consent::Denied);
        check(r#"{"ad_user_data":"maybe","ad_personalization":7}"#, Consent::Unspecified, Consent::Unspecified);
        check(r#"{"ads":false}"#, Consent::Granted, Consent::Granted);
        assert_eq!(Consents::of(None, GRANTED), GRANTED);
    }

    #[test]
    fn junk_is_unspecified_in_both_apis() {
        let consents = Consents::of(Some(r#"{"ad_user_data":"UNKNOWN"}"#), GRANTED);
        assert_eq!(
            consents.json(),
            r#"{"adUserData":"CONSENT_STATUS_UNSPECIFIED","adPersonalization":"CONSENT_GRANTED"}"#
        );
        assert_eq!(consents.ads_json(), r#"{"adUserData":"UNSPECIFIED","adPersonalization":"GRANTED"}"#);
    }
}
