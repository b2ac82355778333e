//! Where an audience's members are put: what tells one such place from another.
//!
//! Two connections with equal places write into one list, one field, one tag. A connection whose place is another one
//! than before has left people behind, until they are withdrawn from there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::template::plain;
use super::{Condition, Manifest};

/// What names the place of an audience's members, in words, under some settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceName {
    /// `setting=value`: only where the setting has this value; always where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// `list {list_id|list_name|audience_name}`: the first that has a value. Beside settings there are `audience_key`
    /// and `audience_name`.
    pub name: String,
}

/// Where the members of one audience are put.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The plugin's id.
    pub plugin: String,
    /// Settings that name the account, each with its value.
    pub account: BTreeMap<String, String>,
    /// The list, field, tag or whatever it is there, in words.
    pub list: String,
}

impl Manifest {
    /// Where members of this audience are put under these settings, with defaults filled in.
    ///
    /// A plugin that names no places has them named by its `target` settings: those that an audience may have of its
    /// own, and where none of them is given the audience's key.
    #[must_use]
    pub fn target(&self, settings: &Map<String, Value>, audience_key: &str, audience_name: &str) -> Target {
        let value = |name: &str| match name {
            "audience_key" => Some(audience_key.to_owned()),
            "audience_name" => Some(audience_name.trim().to_owned()),
            _ => {
                let given = settings.get(name).or_else(|| self.default_of(name))?;
                Some(plain(given)).filter(|text| !text.trim().is_empty())
            }
        };
        let place = self.places.iter().find(|place| Condition(place.when.as_deref()).holds(settings));
        let list = match place {
            // What fills a name may itself be made of the key.
            Some(place) => {
                let list = filled(&place.name, &value);
                ["{audience_key}", "{Audience_Key}"].iter().fold(list, |list, name| list.replace(name, audience_key))
            }
            None => {
                let own = self.settings.iter().filter(|setting| setting.target && setting.per_audience);
                let given: Vec<String> =
                    own.filter_map(|setting| Some(format!("{} {}", setting.name, value(&setting.name)?))).collect();
                if given.is_empty() { audience_key.to_owned() } else { given.join(", ") }
            }
        };
        let names_a_list = |name: &str| self.places.iter().any(|place| mentions(&place.name, name));
        let of_account = self.settings.iter().filter(|setting| {
            setting.target && !names_a_list(&setting.name) && !(self.places.is_empty() && setting.per_audience)
        });
        let account = of_account.filter_map(|setting| Some((setting.name.clone(), value(&setting.name)?))).collect();
        Target { plugin: self.id.clone(), account, list }
    }

    fn default_of(&self, name: &str) -> Option<&Value> {
        self.settings.iter().find(|setting| setting.name == name)?.default.as_ref()
    }
}

impl Target {
    /// What tells this place from another one, in words: `list 111`, or what differs of the account as well.
    #[must_use]
    pub fn beside(&self, other: &Self) -> String {
        let differs = |(name, value): &(&String, &String)| other.account.get(*name) != Some(*value);
        let account = self.account.iter().filter(differs).map(|(name, value)| format!("{name} {value}"));
        let list = (self.list != other.list).then(|| self.list.clone());
        let words: Vec<String> = list.into_iter().chain(account).collect();
        if words.is_empty() { self.list.clone() } else { words.join(", ") }
    }
}

fn mentions(template: &str, setting: &str) -> bool {
    super::names(template).any(|names| names.split('|').any(|name| name == setting))
}

/// The text with the first value that there is in place of each `{a|b}`; one without any stays away.
fn filled(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((front, behind)) = rest.split_once('{') {
        let Some((names, behind)) = behind.split_once('}') else { break };
        out.push_str(front);
        out.push_str(&names.split('|').find_map(value).unwrap_or_default());
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(places: &str) -> Manifest {
        let text = format!(
            r#"
            id = "demo"
            version = "1.0.0"
            contract = "0.1"
            name = "Demo"
            summary = "For tests."
            hosts = ["api.example.com"]
            {places}
            [[setting]]
            name = "region"
            type = "text"
            default = "us"
            target = true
            help = "h"
            [[setting]]
            name = "mode"
            type = "text"
            default = "field"
            help = "h"
            [[setting]]
            name = "field"
            type = "text"
            default = "in_{{Audience_Key}}__c"
            target = true
            help = "h"
            [[setting]]
            name = "list_id"
            type = "text"
            per_audience = true
            target = true
            help = "h"
            [[operation]]
            name = "put"
            members = 1
            bytes = 1
            idempotent = true
            "#
        );
        Manifest::parse_toml(&text).expect("the manifest of this test is sound")
    }

    const PLACES: &str = r#"
        [[place]]
        when = "mode=field"
        name = "field {field}"
        [[place]]
        name = "list {list_id|audience_name}"
    "#;

    #[track_caller]
    fn check(places: &str, settings: serde_json::Value, expect: (&str, &[(&str, &str)])) {
        let target = manifest(places).target(settings.as_object().unwrap(), "gold", "Gold people");
        let account: Vec<_> = target.account.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((target.list.as_str(), account.as_slice()), expect);
    }

    #[test]
    fn a_place_is_named_by_what_is_in_force() {
        let us = [("region", "us")];
        check(PLACES, serde_json::json!({"mode": "field", "list_id": "7"}), ("field in_gold__c", &us));
        check(PLACES, serde_json::json!({"mode": "field", "field": "VIP__c"}), ("field VIP__c", &us));
        check(PLACES, serde_json::json!({"mode": "list", "list_id": "7"}), ("list 7", &us));
        check(PLACES, serde_json::json!({"mode": "list", "region": "eu"}), ("list Gold people", &[("region", "eu")]));
        check(PLACES, serde_json::json!({"mode": "list", "list_id": " "}), ("list Gold people", &us));
    }

    #[test]
    fn a_plugin_that_names_no_place_has_one_for_each_audience_or_each_list() {
        let rest = [("field", "in_{Audience_Key}__c"), ("region", "us")];
        check("", serde_json::json!({}), ("gold", &rest));
        check("", serde_json::json!({"list_id": "7"}), ("list_id 7", &rest));
    }

    #[test]
    fn places_are_told_apart_by_what_differs() {
        let manifest = manifest(PLACES);
        let of = |settings: serde_json::Value| manifest.target(settings.as_object().unwrap(), "gold", "Gold");
        let (one, other) = (of(serde_json::json!({"list_id": "1"})), of(serde_json::json!({"list_id": "2"})));
        assert_eq!((one.beside(&other), other.beside(&one)), ("list 1".to_owned(), "list 2".to_owned()));
        let abroad = of(serde_json::json!({"list_id": "1", "region": "eu"}));
        assert_eq!((one.beside(&abroad), abroad.beside(&one)), ("region us".to_owned(), "region eu".to_owned()));
    }
}
