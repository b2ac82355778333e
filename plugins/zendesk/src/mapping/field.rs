//! Zendesk's fields of a user: the page "Users".

/// What a row goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'n> {
    /// The account's own id of the user.
    ExternalId,
    /// The e-mail address.
    Email,
    /// The whole name.
    Name,
    /// The first half of it.
    FirstName,
    /// The second half of it.
    LastName,
    /// The phone number.
    Phone,
    /// The id of an organization.
    OrganizationId,
    /// A zone by Zendesk's name.
    TimeZone,
    /// A language tag.
    Locale,
    /// The id of a language.
    LocaleId,
    /// A text that agents see.
    Text(&'n str),
    /// A user field of the account, by the name in the row.
    User(&'n str),
    /// Replaces what agents wrote.
    Tags,
    /// Comes from the settings.
    Settings(&'n str),
    /// Decides about rights, or about which user it is.
    Forbidden(&'n str),
}

/// What no trait may ever decide.
const FORBIDDEN: [&str; 12] = [
    "role",
    "custom_role_id",
    "role_type",
    "suspended",
    "ticket_restriction",
    "moderator",
    "only_private_comments",
    "restricted_agent",
    "default_group_id",
    "signature",
    "id",
    "password",
];

impl<'n> Field<'n> {
    /// The field of this name. What is none of Zendesk's own is a user field, as is all behind `user_fields.`.
    pub(crate) fn of(name: &'n str) -> Self {
        if let Some(key) = name.strip_prefix("user_fields.") {
            return Self::User(key);
        }
        match name {
            "external_id" | "externalId" => Self::ExternalId,
            "email" => Self::Email,
            "name" => Self::Name,
            "first_name" | "firstName" => Self::FirstName,
            "last_name" | "lastName" => Self::LastName,
            "phone" => Self::Phone,
            "organization_id" | "organizationId" => Self::OrganizationId,
            "time_zone" | "timezone" => Self::TimeZone,
            "locale" => Self::Locale,
            "locale_id" => Self::LocaleId,
            "details" | "notes" | "alias" => Self::Text(name),
            "tags" => Self::Tags,
            "verified" | "skip_verify_email" => Self::Settings(name),
            name if FORBIDDEN.contains(&name) => Self::Forbidden(name),
            name => Self::User(name),
        }
    }
}
