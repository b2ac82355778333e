//! Fields of the standard objects, for the time before an org was asked: types and lengths of the object reference.

use super::{Field, Kind};

/// Name, kind, length, flags.
type Row = (&'static str, Kind, u32, &'static str);

const LEAD: &[Row] = &[
    ("LastName", Kind::Text, 80, "cur"),
    ("Company", Kind::Text, 255, "cur"),
    ("FirstName", Kind::Text, 40, "cu"),
    ("Email", Kind::Email, 80, "cui"),
    ("Street", Kind::LongText, 255, "cu"),
    ("City", Kind::Text, 40, "cu"),
    ("State", Kind::Text, 80, "cu"),
    ("PostalCode", Kind::Text, 20, "cu"),
    ("Country", Kind::Text, 80, "cu"),
    ("StateCode", Kind::Picklist, 10, "cu"),
    ("CountryCode", Kind::Picklist, 10, "cu"),
    ("Phone", Kind::Phone, 40, "cu"),
    ("MobilePhone", Kind::Phone, 40, "cu"),
    ("Fax", Kind::Phone, 40, "cu"),
    ("Title", Kind::Text, 128, "cu"),
    ("Website", Kind::Text, 255, "cu"),
    ("Industry", Kind::Picklist, 40, "cu"),
    ("LeadSource", Kind::Picklist, 40, "cu"),
    ("Rating", Kind::Picklist, 40, "cu"),
    ("Status", Kind::Picklist, 40, "cu"),
    ("NumberOfEmployees", Kind::Integer, 0, "cu"),
    ("AnnualRevenue", Kind::Number, 0, "cu"),
    ("Description", Kind::LongText, 32_000, "cu"),
    ("HasOptedOutOfEmail", Kind::Boolean, 0, "cu"),
    ("DoNotCall", Kind::Boolean, 0, "cu"),
    ("Name", Kind::Text, 121, ""),
    ("Address", Kind::Compound, 0, ""),
    ("IsConverted", Kind::Boolean, 0, ""),
    ("ConvertedContactId", Kind::Reference, 0, ""),
];

const CONTACT: &[Row] = &[
    ("LastName", Kind::Text, 80, "cur"),
    ("FirstName", Kind::Text, 40, "cu"),
    ("Email", Kind::Email, 80, "cui"),
    ("AccountId", Kind::Reference, 0, "cu"),
    ("MailingStreet", Kind::LongText, 255, "cu"),
    ("MailingCity", Kind::Text, 40, "cu"),
    ("MailingState", Kind::Text, 80, "cu"),
    ("MailingPostalCode", Kind::Text, 20, "cu"),
    ("MailingCountry", Kind::Text, 80, "cu"),
    ("MailingStateCode", Kind::Picklist, 10, "cu"),
    ("MailingCountryCode", Kind::Picklist, 10, "cu"),
    ("Phone", Kind::Phone, 40, "cu"),
    ("MobilePhone", Kind::Phone, 40, "cu"),
    ("Fax", Kind::Phone, 40, "cu"),
    ("Title", Kind::Text, 128, "cu"),
    ("Department", Kind::Text, 80, "cu"),
    ("Birthdate", Kind::Date, 0, "cu"),
    ("LeadSource", Kind::Picklist, 40, "cu"),
    ("Description", Kind::LongText, 32_000, "cu"),
    ("HasOptedOutOfEmail", Kind::Boolean, 0, "cu"),
    ("DoNotCall", Kind::Boolean, 0, "cu"),
    ("Name", Kind::Text, 121, ""),
    ("MailingAddress", Kind::Compound, 0, ""),
];

const ACCOUNT: &[Row] = &[
    ("Name", Kind::Text, 255, "cur"),
    ("AccountNumber", Kind::Text, 40, "cu"),
    ("NumberOfEmployees", Kind::Integer, 0, "cu"),
    ("AnnualRevenue", Kind::Number, 0, "cu"),
    ("BillingStreet", Kind::LongText, 255, "cu"),
    ("BillingCity", Kind::Text, 40, "cu"),
    ("BillingState", Kind::Text, 80, "cu"),
    ("BillingPostalCode", Kind::Text, 20, "cu"),
    ("BillingCountry", Kind::Text, 80, "cu"),
    ("Phone", Kind::Phone, 40, "cu"),
    ("Website", Kind::Text, 255, "cu"),
    ("Industry", Kind::Picklist, 40, "cu"),
    ("Description", Kind::LongText, 32_000, "cu"),
    ("BillingAddress", Kind::Compound, 0, ""),
];

/// Of every object.
const SYSTEM: &[Row] = &[
    ("Id", Kind::Reference, 0, "i"),
    ("IsDeleted", Kind::Boolean, 0, ""),
    ("CreatedDate", Kind::DateTime, 0, ""),
    ("CreatedById", Kind::Reference, 0, ""),
    ("LastModifiedDate", Kind::DateTime, 0, ""),
    ("LastModifiedById", Kind::Reference, 0, ""),
    ("SystemModstamp", Kind::DateTime, 0, ""),
    ("OwnerId", Kind::Reference, 0, "cu"),
    ("RecordTypeId", Kind::Reference, 0, "cu"),
    ("CurrencyIsoCode", Kind::Picklist, 3, "cu"),
];

/// What is known of an object without asking.
pub(super) fn fields(object: &str) -> Vec<Field> {
    let own = match object {
        "Lead" => LEAD,
        "Contact" => CONTACT,
        "Account" => ACCOUNT,
        _ => &[],
    };
    let field = |(name, kind, length, flags): &Row| Field {
        name: (*name).to_owned(),
        kind: *kind,
        length: *length,
        flags: (*flags).to_owned(),
        relationship: None,
        values: None,
    };
    own.iter().chain(SYSTEM).map(field).collect()
}
