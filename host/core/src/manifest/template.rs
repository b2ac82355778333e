//! Texts of a manifest that name settings: `{subdomain}.example.com`, `auth_flow=jwt_bearer`.

use serde_json::{Map, Value};

/// Names of the settings in a text, in order.
///
/// ```
/// let names: Vec<_> = enroute_core::manifest::names("{email}/token on {subdomain}.example.com").collect();
/// assert_eq!(names, ["email", "subdomain"]);
/// ```
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// The text with the values of settings in place of their names.
///
/// ```
/// let settings = serde_json::json!({"email": "ann@example.com"});
/// let filled = enroute_core::manifest::fill("{email}/token", settings.as_object().unwrap());
/// assert_eq!(filled.as_deref(), Ok("ann@example.com/token"));
/// ```
///
/// # Errors
/// The name of the first setting that has no value.
pub fn fill(text: &str, settings: &Map<String, Value>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((front, name, behind)) = next(rest) {
        out.push_str(front);
        let value = settings.get(name).ok_or_else(|| name.to_owned())?;
        out.push_str(&plain(value));
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// `setting=value`: holds where the setting has this value.
///
/// ```
/// use enroute_core::manifest::Condition;
///
/// let settings = serde_json::json!({"mode": "timed"});
/// let settings = settings.as_object().unwrap();
/// assert!(Condition(Some("mode=timed")).holds(settings));
/// assert!(!Condition(Some("mode=plain")).holds(settings));
/// assert!(Condition(None).holds(settings));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition<'a>(pub Option<&'a str>);

impl Condition<'_> {
    /// Whether it holds. No condition always does; one without `=` never does.
    #[must_use]
    pub fn holds(self, settings: &Map<String, Value>) -> bool {
        let Some(text) = self.0 else { return true };
        let Some((name, value)) = text.split_once('=') else { return false };
        settings.get(name).is_some_and(|setting| plain(setting) == value)
    }
}

/// Text in front of the first `{name}`, the name, and what is behind.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (front, rest) = text.split_once('{')?;
    let (name, behind) = rest.split_once('}')?;
    Some((front, name, behind))
}

pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
