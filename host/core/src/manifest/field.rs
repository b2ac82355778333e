//! The fields of a destination, and the words that say what they take and which spellings are one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Condition;

/// How personal a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// Names a person by itself: e-mail, phone, account id.
    Identifying,
    /// Says something of a person.
    #[default]
    Personal,
    /// Says nothing of a person.
    None,
}

/// A closed set of words: a variant with its word, and what it means for whoever writes or reads a manifest.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident $word:literal $says:literal)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[doc = $says] #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];
            /// Every word with what it means.
            pub const MEANINGS: &'static [(&'static str, &'static str)] = &[$(($word, $says),)*];

            /// The word of manifests.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What a field takes. Beside it, `format` says the same in prose, with limits and exceptions.
    #[derive(Default)]
    Takes {
        #[default]
        Any "any" "anything, or what no other word says"
        Text "text" "a text"
        Email "email" "an e-mail address"
        Phone "phone" "a phone number with its country code, however it is written"
        PhoneE164 "phone_e164" "a phone number as `+491512345678`"
        Url "url" "a web address"
        Id "id" "an id that the destination or the operator gives"
        DeviceId "device_id" "the advertising id of a device"
        Date "date" "a day"
        Datetime "datetime" "a moment"
        Year "year" "a year, or a date of which the year is taken"
        Month "month" "a month, or a date of which the month is taken"
        Day "day" "a day of the month, or a date of which the day is taken"
        Number "number" "a number"
        Integer "integer" "a whole number"
        Boolean "boolean" "true or false"
        Choice "choice" "one of the values that the destination lists"
        Gender "gender" "a gender"
        Country "country" "a country, as a code or by its English name"
        Region "region" "a state, province or other part of a country"
        PostalCode "postal_code" "a postal code"
        Language "language" "a language, or a language with a country"
        TimeZone "time_zone" "a time zone"
        List "list" "a list"
        Object "object" "an object with members of its own"
    }
}

words! {
    /// A step by which spellings of one identity become equal in what the plugin sends.
    Fold {
        Trim "trim" "white space at the ends does not count"
        Lowercase "lowercase" "capitals do not count"
        Separators "separators" "spaces, hyphens, dots, slashes and brackets between digits do not count"
        GmailDots "gmail_dots" "dots in front of the @ of a Gmail address do not count"
        GmailPlus "gmail_plus" "what follows a + in front of the @ of a Gmail address does not count"
    }
}

/// A field of the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The name that rows use.
    pub name: String,
    /// What it holds, for people: `text`, `E.164 phone number`, `date YYYY-MM-DD`.
    pub format: String,
    /// The same as a word, for whatever offers or checks values.
    #[serde(default, rename = "type")]
    pub takes: Takes,
    /// Whether a customized setup must map it.
    #[serde(default)]
    pub required: bool,
    /// Whether its value says who the member is: remembered, sealed, so that a removal can name it.
    #[serde(default)]
    pub identifier: bool,
    /// Which spellings of the value the plugin sends as one, for fields that identify; nothing where every byte counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fold: Vec<Fold>,
    /// Of a phone number: the settings that name the country of one without a country code, by two letters or a country
    /// code. Where this is given, even without a setting, spellings are one that the host's tables read as one number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_settings: Option<Vec<String>>,
    /// Whether it leaves the plugin only as a hash.
    #[serde(default)]
    pub hashed: bool,
    /// How personal it is.
    #[serde(default)]
    pub privacy: Privacy,
    /// The traits that it is for, where it is not for any; matching by name gives it to no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<String>,
    /// Other spellings, for matching by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// `setting=value`: only where the setting has this value is the field found by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// One sentence for the operator.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
}

impl Field {
    /// Whether it may be found by name under these settings. Naming it in a row is always possible.
    #[must_use]
    pub fn applies(&self, settings: &Map<String, Value>) -> bool {
        Condition(self.when.as_deref()).holds(settings)
    }
}
