//! The fields that SendGrid reserves, and what each takes.
//!
//! Pages "Add or Update a Contact" and "Get All Field Definitions" of SendGrid's documentation.

use super::identity::Kind;

/// What a field of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// Says who the contact is.
    Identifier(Kind),
    /// A text of at most this many characters.
    Text(usize),
    /// A phone number that identifies nobody.
    Phone,
    /// A list of addresses.
    Emails,
    /// Written by SendGrid alone.
    ReadOnly,
    /// A field of the account's own.
    Custom,
}

/// For texts whose length is not documented: what SendGrid's import takes of a text.
pub(super) const TEXT_CHARS_MAX: usize = 1_000;

const CATALOGUE: [(&str, Field); 30] = [
    ("email", Field::Identifier(Kind::Email)),
    ("external_id", Field::Identifier(Kind::ExternalId)),
    ("phone_number_id", Field::Identifier(Kind::PhoneNumberId)),
    ("anonymous_id", Field::Identifier(Kind::AnonymousId)),
    ("first_name", Field::Text(50)),
    ("last_name", Field::Text(50)),
    ("address_line_1", Field::Text(100)),
    ("address_line_2", Field::Text(100)),
    ("city", Field::Text(60)),
    ("state_province_region", Field::Text(50)),
    ("country", Field::Text(50)),
    ("postal_code", Field::Text(TEXT_CHARS_MAX)),
    ("phone_number", Field::Phone),
    ("whatsapp", Field::Text(TEXT_CHARS_MAX)),
    ("line", Field::Text(TEXT_CHARS_MAX)),
    ("facebook", Field::Text(TEXT_CHARS_MAX)),
    ("unique_name", Field::Text(TEXT_CHARS_MAX)),
    ("alternate_emails", Field::Emails),
    ("email_domains", Field::ReadOnly),
    ("last_clicked", Field::ReadOnly),
    ("last_opened", Field::ReadOnly),
    ("last_emailed", Field::ReadOnly),
    ("singlesend_id", Field::ReadOnly),
    ("automation_id", Field::ReadOnly),
    ("created_at", Field::ReadOnly),
    ("updated_at", Field::ReadOnly),
    ("contact_id", Field::ReadOnly),
    // Parts of the request that are no fields.
    ("custom_fields", Field::ReadOnly),
    ("list_ids", Field::ReadOnly),
    ("segment_ids", Field::ReadOnly),
];

/// Spellings in use elsewhere, and the field that they mean.
const SYNONYMS: [(&str, &str); 16] = [
    ("address.line1", "address_line_1"),
    ("address.street", "address_line_1"),
    ("street", "address_line_1"),
    ("address.line2", "address_line_2"),
    ("address.city", "city"),
    ("address.state", "state_province_region"),
    ("state", "state_province_region"),
    ("address.postalcode", "postal_code"),
    ("address.postal_code", "postal_code"),
    ("zip", "postal_code"),
    ("zip_code", "postal_code"),
    ("address.country", "country"),
    ("phone", "phone_number"),
    ("user_id", "external_id"),
    ("userid", "external_id"),
    ("email_address", "email"),
];

impl Field {
    /// The field of this name.
    pub(crate) fn of(name: &str) -> Self {
        CATALOGUE.iter().find(|(known, _)| *known == name).map_or(Self::Custom, |(_, field)| *field)
    }
}

/// The reserved field that a name of no field probably means.
pub(crate) fn meant(name: &str) -> Option<&'static str> {
    let synonym = SYNONYMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| *field);
    synonym.or_else(|| {
        let writable = CATALOGUE.iter().filter(|(_, field)| *field != Field::ReadOnly);
        writable.map(|(known, _)| *known).find(|known| squeezed(known) == squeezed(name))
    })
}

/// A name as people misspell it: without case and separators.
fn squeezed(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
