//! The keys a schema may have and what stands in their columns.
//!
//! Pure. Source of the rules: Meta, "Customer File Custom Audiences", data fields
//! and hashing. A bad cell spoils its row, never the request.

use serde_json::Value;

/// Keys whose values are hashed before upload.
const HASHED: [&str; 13] =
    ["EMAIL", "PHONE", "GEN", "DOBY", "DOBM", "DOBD", "LN", "FN", "FI", "CT", "ST", "ZIP", "COUNTRY"];

/// Keys that name one person on their own; a removal goes by these.
pub(super) const IDENTIFYING: [&str; 4] = ["EXTERN_ID", "EMAIL", "PHONE", "MADID"];

/// The price column of a value-based audience.
pub(super) const VALUE: &str = "LOOKALIKE_VALUE";

/// The data processing column (Limited Data Use).
pub(super) const OPTIONS: &str = "DATA_PROCESSING_OPTIONS";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// SHA-256 as 64 lower-case hex digits.
    Hashed,
    /// The caller's own id, in clear or not, as long as it is always the same.
    Extern,
    /// A mobile advertising id, in clear.
    AdvertisingId,
    /// An app, page or Instagram scoped id, in clear.
    ScopedId,
    /// What a customer is worth.
    Value,
    /// `["LDU"]` or `[]`.
    Options,
}

impl Kind {
    /// The kind of a key, or `None` if there is no such key.
    pub(super) fn of(key: &str) -> Option<Self> {
        match key {
            "EXTERN_ID" => Some(Self::Extern),
            "MADID" => Some(Self::AdvertisingId),
            "APPUID" | "PAGEUID" | "IGUID" => Some(Self::ScopedId),
            VALUE => Some(Self::Value),
            OPTIONS => Some(Self::Options),
            _ => HASHED.contains(&key).then_some(Self::Hashed),
        }
    }

    /// Reads a cell: its text, `None` if it is blank, or why the row is invalid.
    pub(super) fn read(self, cell: &Value) -> Result<Option<String>, &'static str> {
        match self {
            Self::Value => return value(cell),
            Self::Options => return options(cell),
            _ => {}
        }
        let text = cell.as_str().ok_or("a cell must be a string")?;
        if text.is_empty() {
            return Ok(None);
        }
        let fine = match self {
            Self::Hashed => is_hash(text),
            Self::Extern => text.trim() == text,
            Self::AdvertisingId => is_advertising_id(text),
            _ => text.bytes().all(|byte| byte.is_ascii_digit()),
        };
        if fine { Ok(Some(text.to_owned())) } else { Err(self.complaint()) }
    }

    /// Why a text does not fit.
    fn complaint(self) -> &'static str {
        match self {
            Self::Hashed => "must be SHA-256 as 64 lower-case hex digits",
            Self::Extern => "must have no white space around it",
            Self::AdvertisingId => "must be an advertising id in clear and lower case, not the all-zero one",
            _ => "must be digits, in clear",
        }
    }
}

/// Meta, "Customer File Custom Audiences", hashing: SHA-256, hexadecimal, lower case.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && is_lower_hex(text)
}

/// Meta, data fields: MADID is all lower case, keeps its hyphens and is not hashed.
fn is_advertising_id(text: &str) -> bool {
    let lengths = text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    lengths && text.split('-').all(is_lower_hex) && text.bytes().any(|byte| byte != b'0' && byte != b'-')
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Meta, value-based audiences: a JSON number, not negative, in every row.
fn value(cell: &Value) -> Result<Option<String>, &'static str> {
    let number = cell.as_f64().filter(|number| number.is_finite() && *number >= 0.0);
    number.map(|_| Some(cell.to_string())).ok_or("LOOKALIKE_VALUE must be a number, not negative")
}

/// Meta, "Data processing options": `["LDU"]` applies Limited Data Use, `[]` does not.
fn options(cell: &Value) -> Result<Option<String>, &'static str> {
    match cell.as_array().map(Vec::as_slice) {
        Some([]) => Ok(None),
        Some([only]) if only == "LDU" => Ok(Some("LDU".to_owned())),
        _ => Err("DATA_PROCESSING_OPTIONS must be [\"LDU\"] or []"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(key: &str, cell: Value, expect: Result<Option<&str>, &str>) {
        let got = Kind::of(key).unwrap().read(&cell);
        assert_eq!(got.as_ref().map(Option::as_deref).map_err(|why| *why), expect, "{key}: {cell}");
    }

    #[test]
    fn personal_keys_take_lower_case_hashes_or_nothing() {
        let hash = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
        let refused = Err("must be SHA-256 as 64 lower-case hex digits");
        for key in HASHED {
            check(key, json!(hash), Ok(Some(hash)));
            check(key, json!(""), Ok(None));
            check(key, json!(hash.to_uppercase()), refused);
        }
        for clear in ["ann@example.com", "d41d8cd98f00b204e9800998ecf8427e", &hash[..63], " "] {
            check("EMAIL", json!(clear), refused);
        }
        check("EMAIL", json!(null), Err("a cell must be a string"));
        check("PHONE", json!(16_505_551_212_u64), Err("a cell must be a string"));
    }

    #[test]
    fn an_advertising_id_is_clear_and_lower_case() {
        let refused = Err("must be an advertising id in clear and lower case, not the all-zero one");
        let id = "ab12cd34-e5f6-47a8-9b0c-1234567890ab";
        check("MADID", json!(id), Ok(Some(id)));
        check("MADID", json!(""), Ok(None));
        check("MADID", json!(id.to_uppercase()), refused);
        check("MADID", json!(id.replace('-', "")), refused);
        check("MADID", json!("00000000-0000-0000-0000-000000000000"), refused);
        check("MADID", json!("86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d"), refused);
    }

    #[test]
    fn an_external_id_keeps_its_case_and_has_no_space_around() {
        check("EXTERN_ID", json!("User 42"), Ok(Some("User 42")));
        check("EXTERN_ID", json!(" A-9 "), Err("must have no white space around it"));
        check("EXTERN_ID", json!(42), Err("a cell must be a string"));
    }

    #[test]
    fn a_scoped_id_is_digits() {
        check("APPUID", json!("123"), Ok(Some("123")));
        check("PAGEUID", json!("12a"), Err("must be digits, in clear"));
    }

    #[test]
    fn a_value_is_a_number_that_is_not_negative() {
        check(VALUE, json!(100.5), Ok(Some("100.5")));
        check(VALUE, json!(0), Ok(Some("0")));
        for bad in [json!("100"), json!(-1), json!(""), json!(null)] {
            check(VALUE, bad, Err("LOOKALIKE_VALUE must be a number, not negative"));
        }
    }

    #[test]
    fn data_processing_options_are_ldu_or_none() {
        check(OPTIONS, json!(["LDU"]), Ok(Some("LDU")));
        check(OPTIONS, json!([]), Ok(None));
        for bad in [json!("LDU"), json!(["LDU", "LDU"]), json!(["X"]), json!("")] {
            check(OPTIONS, bad, Err("DATA_PROCESSING_OPTIONS must be [\"LDU\"] or []"));
        }
    }

    #[test]
    fn other_names_are_no_keys() {
        for name in ["email", "EMAIL_SHA256", "MOBILE_ADVERTISER_ID", "DATA_PROCESSING_OPTIONS_STATE", ""] {
            assert_eq!(Kind::of(name), None);
        }
    }
}
