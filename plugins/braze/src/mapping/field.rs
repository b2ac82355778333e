//! Braze's fields: the page "User attributes object".

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// Says which profile an object is about; no row may set it.
    Identifier,
    /// Any text.
    Text,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// `YYYY-MM-DD`.
    Birthday,
    /// One of `M`, `F`, `O`, `N`, `P`.
    Gender,
    /// ISO 3166-1 alpha-2.
    Country,
    /// ISO 639-1.
    Language,
    /// A name of the IANA time zone database.
    TimeZone,
    /// An address of the web.
    Url,
    /// `opted_in`, `subscribed` or `unsubscribed`.
    Subscription,
    /// True or false.
    Flag,
    /// A point in time, in ISO 8601.
    Time,
    /// `{latitude, longitude}`.
    Location,
    /// The latitude of a location whose parts are traits of their own.
    Latitude,
    /// The longitude of it.
    Longitude,
    /// An object or a list, as Braze documents it.
    Structure,
    /// A list of subscription groups with their states.
    Groups,
    /// An attribute of the operator's own.
    Custom,
    /// A name that Braze reads as an order, or keeps for itself.
    Reserved,
}

const CATALOGUE: [(&str, Field); 30] = [
    ("external_id", Field::Identifier),
    ("braze_id", Field::Identifier),
    ("user_alias", Field::Identifier),
    ("email", Field::Email),
    ("phone", Field::Phone),
    ("first_name", Field::Text),
    ("last_name", Field::Text),
    ("home_city", Field::Text),
    ("dob", Field::Birthday),
    ("gender", Field::Gender),
    ("country", Field::Country),
    ("language", Field::Language),
    ("time_zone", Field::TimeZone),
    ("image_url", Field::Url),
    ("email_subscribe", Field::Subscription),
    ("push_subscribe", Field::Subscription),
    ("email_open_tracking_disabled", Field::Flag),
    ("email_click_tracking_disabled", Field::Flag),
    ("date_of_first_session", Field::Time),
    ("date_of_last_session", Field::Time),
    ("marked_email_as_spam_at", Field::Time),
    ("current_location", Field::Location),
    ("current_location.latitude", Field::Latitude),
    ("current_location.longitude", Field::Longitude),
    ("facebook", Field::Structure),
    ("twitter", Field::Structure),
    ("push_tokens", Field::Structure),
    ("subscription_groups", Field::Groups),
    ("push_token_import", Field::Reserved),
    ("app_id", Field::Reserved),
];

impl Field {
    /// The field of this name. Names are case-sensitive.
    pub(crate) fn of(name: &str) -> Self {
        if name.starts_with(['_', '$']) {
            return Self::Reserved;
        }
        CATALOGUE.iter().find(|(known, _)| *known == name).map_or(Self::Custom, |(_, field)| *field)
    }
}

/// The names of fields that rows may name.
pub(crate) fn catalogue() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().filter(|(_, field)| !matches!(field, Field::Reserved | Field::Identifier)).map(|(name, _)| *name)
}
