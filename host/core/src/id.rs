//! Names that operators and plugin authors write, checked once at the door.

use std::fmt;
use std::str::FromStr;

/// Longest name of a plugin, destination, audience or source, in bytes.
///
/// Names end up in file names, SQL trait names and log lines; 64 is what file systems and people bear.
pub const NAME_BYTES_MAX: usize = 64;

/// A text that is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("the {kind} must not be empty")]
    Empty {
        /// What the name is for.
        kind: &'static str,
    },
    /// The text is longer than [`NAME_BYTES_MAX`].
    #[error("{kind} `{text}` is longer than {NAME_BYTES_MAX} bytes")]
    TooLong {
        /// What the name is for.
        kind: &'static str,
        /// The text as written.
        text: String,
    },
    /// The text has a character that names of this kind cannot have.
    #[error("{kind} `{text}` must consist of {allowed}, and begin with a letter")]
    BadCharacter {
        /// What the name is for.
        kind: &'static str,
        /// The text as written.
        text: String,
        /// The characters that are fine.
        allowed: &'static str,
    },
}

fn check(text: &str, kind: &'static str, separator: char, allowed: &'static str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { kind });
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { kind, text: text.to_owned() });
    }
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == separator;
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(fits) {
        return Err(NameError::BadCharacter { kind, text: text.to_owned(), allowed });
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $separator:literal, $allowed:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text, $kind, $separator, $allowed)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The id of a plugin, as its manifest and `plugins.toml` write it: `facebook`.
    PluginId, "plugin id", '-', "lower-case letters, digits and `-`"
);
name!(
    /// The name of a configured destination: `braze-eu`.
    DestinationName, "destination name", '-', "lower-case letters, digits and `-`"
);
name!(
    /// The immutable key of an audience: `vip_buyers`. It is also the name of the membership trait.
    AudienceKey, "audience key", '_', "lower-case letters, digits and `_`"
);
name!(
    /// The name of a source of profiles: `crm`.
    SourceName, "source name", '_', "lower-case letters, digits and `_`"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_audience(text: &str, expect: &str) {
        let got = match text.parse::<AudienceKey>() {
            Ok(key) => format!("ok: {key}"),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn an_audience_key_is_snake_case() {
        check_audience("vip_buyers", "ok: vip_buyers");
        check_audience(
            "VIP",
            "error: audience key `VIP` must consist of lower-case letters, digits and `_`, and begin with a letter",
        );
        check_audience("", "error: the audience key must not be empty");
    }

    #[test]
    fn a_name_has_a_longest_length() {
        assert!("a".repeat(64).parse::<PluginId>().is_ok());
        assert!("a".repeat(65).parse::<PluginId>().is_err());
    }
}
