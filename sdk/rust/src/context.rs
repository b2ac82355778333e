//! What is known of a connection before any member is looked at.

use std::cell::OnceCell;

use serde::de::DeserializeOwned;

use crate::Row;
use crate::bindings::enroute::destination::types::Connection;

/// Limits for an operation that the host named none for: one member in a request of 1 MiB.
const LIMIT_UNNAMED: Limit = Limit { members: 1, bytes: 1 << 20 };

/// The limits in force for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Most members in one request.
    pub members: usize,
    /// Most bytes in the body of one request.
    pub bytes: usize,
}

/// The connection that members are mapped for: audience, settings, rows, limits.
///
/// ```
/// use enroute_sdk::testing::Fixture;
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     endpoint: String,
/// }
///
/// let fixture = Fixture::new().setting("endpoint", "https://api.example.com").secret("api_key").row("mail", "email");
/// let ctx = fixture.context::<Settings>().unwrap();
/// assert_eq!(ctx.settings().endpoint, "https://api.example.com");
/// assert!(ctx.has_secret("api_key"));
/// assert_eq!(ctx.row("email"), Some(0));
/// ```
#[derive(Debug)]
pub struct Context<S> {
    settings: S,
    connection: Connection,
    remote: OnceCell<Option<serde_json::Value>>,
}

/// Settings do not have the shape that the plugin declares.
#[derive(Debug)]
pub struct SettingsError(pub(crate) serde_json::Error);

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the settings do not have the shape that the plugin expects: {}", self.0)
    }
}

impl std::error::Error for SettingsError {}

impl<S: DeserializeOwned> Context<S> {
    /// Reads the settings of a connection.
    ///
    /// # Errors
    /// When they do not have the shape of `S`, which must agree with the manifest.
    pub fn new(connection: Connection) -> Result<Self, SettingsError> {
        let settings = serde_json::from_str(&connection.settings).map_err(SettingsError)?;
        Ok(Self { settings, connection, remote: OnceCell::new() })
    }
}

impl<S> Context<S> {
    /// The settings of the destination.
    pub const fn settings(&self) -> &S {
        &self.settings
    }

    /// The immutable snake_case name of the audience.
    #[must_use]
    pub fn audience_key(&self) -> &str {
        &self.connection.audience.key
    }

    /// What a person calls the audience.
    #[must_use]
    pub fn audience_name(&self) -> &str {
        &self.connection.audience.name
    }

    /// Whether a secret is configured. Its value is nobody's business but the host's.
    #[must_use]
    pub fn has_secret(&self, name: &str) -> bool {
        self.connection.secrets.iter().any(|secret| secret == name)
    }

    /// The rows of the mapping, in the order of a member's values.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.connection.rows
    }

    /// The place of the first row that goes into a field.
    #[must_use]
    pub fn row(&self, field: &str) -> Option<usize> {
        self.connection.rows.iter().position(|row| row.field == field)
    }

    /// The fields that identifiers go into, in the manifest's order of preference.
    #[must_use]
    pub fn identifier_fields(&self) -> &[String] {
        &self.connection.identifier_fields
    }

    /// The place of an identifier's field.
    #[must_use]
    pub fn identifier(&self, field: &str) -> Option<usize> {
        self.connection.identifier_fields.iter().position(|name| name == field)
    }

    /// The limits of an operation of the manifest, after settings and remote.
    ///
    /// ```
    /// # use enroute_sdk::testing::Fixture;
    /// let ctx = Fixture::new().limit("track", 75, 4_000_000).context::<serde_json::Value>().unwrap();
    /// assert_eq!(ctx.limit("track").members, 75);
    /// assert_eq!(ctx.limit("unheard of").members, 1);
    /// ```
    #[must_use]
    pub fn limit(&self, operation: &str) -> Limit {
        let found = self.connection.limits.iter().find(|limit| limit.operation == operation);
        found.map_or(LIMIT_UNNAMED, |limit| Limit { members: limit.members as usize, bytes: limit.bytes as usize })
    }

    /// What an earlier `send` learned, parsed at the first call.
    pub fn remote(&self) -> Option<&serde_json::Value> {
        let parse = || self.connection.remote.as_deref().and_then(|text| serde_json::from_str(text).ok());
        self.remote.get_or_init(parse).as_ref()
    }

    /// The string at a JSON pointer of the remote.
    ///
    /// ```
    /// # use enroute_sdk::testing::Fixture;
    /// let fixture = Fixture::new().remote(serde_json::json!({"list": {"id": "7"}}));
    /// assert_eq!(fixture.context::<serde_json::Value>().unwrap().remote_text("/list/id"), Some("7"));
    /// ```
    pub fn remote_text(&self, pointer: &str) -> Option<&str> {
        self.remote()?.pointer(pointer)?.as_str()
    }

    /// The day of the run in UTC, `YYYY-MM-DD`.
    #[must_use]
    pub fn today(&self) -> &str {
        &self.connection.today
    }

    /// The connection as it crossed the border.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }
}
