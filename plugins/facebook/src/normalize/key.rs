//! The columns of a customer list.

use std::fmt;

/// A column key as Meta spells it. The order of the variants is the order of the columns in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `EXTERN_ID`: the advertiser's own id of the person.
    ExternId,
    /// `EMAIL`.
    Email,
    /// `PHONE`, country code included.
    Phone,
    /// `FN`: first name.
    Fn,
    /// `LN`: last name.
    Ln,
    /// `FI`: first character of the first name.
    Fi,
    /// `GEN`: gender.
    Gen,
    /// `DOBY`: year of birth.
    Doby,
    /// `DOBM`: month of birth.
    Dobm,
    /// `DOBD`: day of the month of birth.
    Dobd,
    /// `ST`: state or province.
    St,
    /// `CT`: city.
    Ct,
    /// `ZIP`: postal code.
    Zip,
    /// `COUNTRY`.
    Country,
    /// `MADID`: mobile advertising id.
    Madid,
    /// `LOOKALIKE_VALUE`: what the person is worth, for value-based audiences.
    LookalikeValue,
    /// `DATA_PROCESSING_OPTIONS`: Limited Data Use.
    DataProcessingOptions,
}

impl Key {
    /// All keys in the order of the columns.
    pub const ALL: [Self; 17] = [
        Self::ExternId,
        Self::Email,
        Self::Phone,
        Self::Fn,
        Self::Ln,
        Self::Fi,
        Self::Gen,
        Self::Doby,
        Self::Dobm,
        Self::Dobd,
        Self::St,
        Self::Ct,
        Self::Zip,
        Self::Country,
        Self::Madid,
        Self::LookalikeValue,
        Self::DataProcessingOptions,
    ];

    /// Parses a key as Meta spells it, in capitals.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == text)
    }

    /// Returns the key as Meta spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExternId => "EXTERN_ID",
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Fn => "FN",
            Self::Ln => "LN",
            Self::Fi => "FI",
            Self::Gen => "GEN",
            Self::Doby => "DOBY",
            Self::Dobm => "DOBM",
            Self::Dobd => "DOBD",
            Self::St => "ST",
            Self::Ct => "CT",
            Self::Zip => "ZIP",
            Self::Country => "COUNTRY",
            Self::Madid => "MADID",
            Self::LookalikeValue => "LOOKALIKE_VALUE",
            Self::DataProcessingOptions => "DATA_PROCESSING_OPTIONS",
        }
    }

    /// Says whether the cells of this column are SHA-256 hashes. The others go in clear, by Meta's rule.
    #[must_use]
    pub fn is_hashed(self) -> bool {
        !matches!(self, Self::ExternId | Self::Madid | Self::LookalikeValue | Self::DataProcessingOptions)
    }

    /// Says whether this column alone can identify a person.
    #[must_use]
    pub fn identifies(self) -> bool {
        matches!(self, Self::ExternId | Self::Email | Self::Phone | Self::Madid)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn every_key_parses_from_its_own_spelling_and_stands_in_column_order() {
        assert!(Key::ALL.is_sorted());
        for key in Key::ALL {
            assert_eq!(Key::parse(key.as_str()), Some(key));
            assert_eq!(Key::parse(&key.as_str().to_lowercase()), None);
        }
        assert_eq!(Key::parse("APPUID"), None);
    }

    #[test]
    fn only_ids_values_and_options_go_in_clear() {
        let clear: Vec<_> = Key::ALL.into_iter().filter(|key| !key.is_hashed()).map(Key::as_str).collect();
        assert_eq!(clear, ["EXTERN_ID", "MADID", "LOOKALIKE_VALUE", "DATA_PROCESSING_OPTIONS"]);
    }

    #[test]
    fn four_keys_identify_a_person() {
        let ids: Vec<_> = Key::ALL.into_iter().filter(|key| key.identifies()).map(Key::as_str).collect();
        assert_eq!(ids, ["EXTERN_ID", "EMAIL", "PHONE", "MADID"]);
    }
}
