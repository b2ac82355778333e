//! Values of TOML as JSON: settings, conditions and expressions.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value as Json};
use toml::de::DeValue;

use crate::files::Located;
use crate::walker::{Section, Value, Walker, integer};

/// The table `settings` of a section.
pub(super) fn settings(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> BTreeMap<String, Located<Json>> {
    let mut settings = BTreeMap::new();
    let Some(value) = section.table.get("settings") else { return settings };
    let Some(table) = value.get_ref().as_table() else {
        walker.wrong_type(value, "`settings`", "a table", Some("write `settings = { name = \"value\" }`".to_owned()));
        return settings;
    };
    for (name, value) in table {
        if let Some(json) = json(walker, &format!("setting `{}`", name.get_ref()), value) {
            settings.insert(name.get_ref().to_string(), Located::new(json, walker.place(value.span())));
        }
    }
    settings
}

/// A value as JSON; `what` is what messages call it. Dates and numbers beyond 64 bits have to be written as texts.
pub(super) fn json(walker: &mut Walker<'_>, what: &str, value: &Value<'_>) -> Option<Json> {
    match value.get_ref() {
        DeValue::String(text) => Some(Json::from(text.as_ref())),
        DeValue::Boolean(flag) => Some(Json::from(*flag)),
        DeValue::Integer(number) => number_or_report(walker, what, value, integer(number).map(Number::from)),
        DeValue::Float(number) => {
            let parsed = number.as_str().parse().ok().and_then(Number::from_f64);
            number_or_report(walker, what, value, parsed)
        }
        DeValue::Datetime(_) => {
            let hint = "put it in quotes".to_owned();
            walker.wrong_type(value, what, "a text, a number, true or false", Some(hint));
            None
        }
        DeValue::Array(items) => {
            // Every item is looked at, so that each mistake is reported.
            let items: Vec<_> = items.iter().map(|item| json(walker, what, item)).collect();
            items.into_iter().collect::<Option<Vec<_>>>().map(Json::from)
        }
        DeValue::Table(table) => {
            let mut entries = Map::new();
            for (key, value) in table {
                entries.insert(key.get_ref().to_string(), json(walker, what, value).unwrap_or_default());
            }
            Some(Json::from(entries))
        }
    }
}

fn number_or_report(walker: &mut Walker<'_>, what: &str, value: &Value<'_>, number: Option<Number>) -> Option<Json> {
    if number.is_none() {
        let place = walker.place(value.span());
        walker.bad_value(&place, format!("{what} is not a number that fits 64 bits"), "put it in quotes");
    }
    number.map(Json::from)
}
