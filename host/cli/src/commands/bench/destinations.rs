//! What is sent to each destination: rows as they are usual there, and the settings that these rows need.

use anyhow::Context as _;
use enroute_fakes::all::{AUDIENCE, AUDIENCE_NAME};
use enroute_host::sync::Transform;
use toml::{Table, Value};

use crate::output;

/// A destination with its rows.
#[derive(Debug)]
pub(super) struct Case {
    /// The plugin's id, by which people name it.
    pub(super) id: &'static str,
    /// The destination's name in plugins.toml.
    pub(super) name: &'static str,
    /// Settings beside those of the fakes, each with its value as TOML.
    settings: &'static [(&'static str, &'static str)],
    /// Trait and field.
    rows: &'static [(&'static str, &'static str)],
}

/// Braze behind a server that answers at once: the same rows.
pub(super) const STUB: &str = "braze-stub";
/// The plugin behind it.
pub(super) const BRAZE: &str = "braze";

/// All of them, by id.
pub(super) const CASES: [Case; 7] = [
    Case {
        id: "braze",
        name: "braze-eu",
        settings: &[],
        rows: &[
            ("email", "email"),
            ("firstName", "first_name"),
            ("lastName", "last_name"),
            ("gender", "gender"),
            ("phone", "phone"),
            ("birthday", "dob"),
            ("address.city", "home_city"),
            ("address.country", "country"),
            ("plan", "plan"),
            ("ltv", "ltv"),
        ],
    },
    Case {
        id: "facebook",
        name: "facebook-ads",
        settings: &[("extern_id", "\"user_id\""), ("allow_custom_traits", "true")],
        rows: &[
            ("email", "EMAIL"),
            ("phone", "PHONE"),
            ("gender", "GEN"),
            ("firstName", "FN"),
            ("lastName", "LN"),
            ("birthYear", "DOBY"),
            ("birthMonth", "DOBM"),
            ("birthDay", "DOBD"),
            ("address.city", "CT"),
            ("address.state", "ST"),
            ("address.postalCode", "ZIP"),
            ("address.country", "COUNTRY"),
        ],
    },
    Case {
        id: "google",
        name: "google-ads",
        settings: &[("extended_identifiers", "true")],
        rows: &[
            ("email", "emailAddress"),
            ("phone", "phoneNumber"),
            ("firstName", "givenName"),
            ("lastName", "familyName"),
            ("address.country", "regionCode"),
            ("address.postalCode", "postalCode"),
        ],
    },
    Case {
        id: "iterable",
        name: "iterable-us",
        settings: &[],
        rows: &[
            ("email", "email"),
            ("firstName", "firstName"),
            ("lastName", "lastName"),
            ("phone", "phoneNumber"),
            ("signedUpAt", "signupDate"),
            ("address.city", "city"),
            ("address.state", "region"),
            ("address.country", "country"),
            ("ltv", "lifetime_value"),
            ("plan", "plan"),
            ("orders", "orders"),
            ("vip", "vip"),
        ],
    },
    Case {
        id: "salesforce",
        name: "salesforce-crm",
        settings: &[],
        rows: &[
            ("lastName", "LastName"),
            ("firstName", "FirstName"),
            ("company", "Company"),
            ("email", "Email"),
            ("address.street", "Street"),
            ("address.city", "City"),
            ("address.state", "State"),
            ("address.postalCode", "PostalCode"),
            ("address.country", "Country"),
            ("ltv", "Lifetime_Value__c"),
        ],
    },
    Case {
        id: "sendgrid",
        name: "sendgrid-marketing",
        settings: &[],
        rows: &[
            ("firstName", "first_name"),
            ("lastName", "last_name"),
            ("phone", "phone_number"),
            ("address.street", "address_line_1"),
            ("address.city", "city"),
            ("address.state", "state_province_region"),
            ("address.postalCode", "postal_code"),
            ("address.country", "country"),
            ("ltv", "lifetime_value"),
        ],
    },
    Case {
        id: "zendesk",
        name: "zendesk-support",
        settings: &[],
        rows: &[
            ("firstName", "first_name"),
            ("lastName", "last_name"),
            ("email", "email"),
            ("phone", "phone"),
            ("company", "details"),
            ("ltv", "lifetime_value"),
        ],
    },
];

/// Those that were asked for; all where none was named.
pub(super) fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Case>> {
    let ids: Vec<&str> = CASES.iter().map(|case| case.id).collect();
    for name in names {
        output::pick(name, &ids, &format!("no destination of the bench is called `{name}`"))?;
    }
    let is_asked = |case: &&Case| names.is_empty() || names.iter().any(|name| name == case.id);
    Ok(CASES.iter().filter(is_asked).collect())
}

/// The transform of a destination among those of a setup.
pub(super) fn transform_of<'t>(transforms: &'t [Transform], name: &str) -> anyhow::Result<&'t Transform> {
    let found = transforms.iter().find(|transform| transform.destination() == name);
    found.with_context(|| format!("the connection to `{name}` cannot run"))
}

/// `[destination.…]` of these, with the settings that the rows need; with an address of the stub, one that leads there.
pub(super) fn plugins_toml(of_the_fakes: &str, cases: &[&Case], stub: Option<&str>) -> anyhow::Result<String> {
    let mut file: Table = of_the_fakes.parse().context("what the fakes say of themselves is no TOML")?;
    let destinations = file.get_mut("destination").and_then(Value::as_table_mut).context("there are no fakes")?;
    let braze = destinations.get("braze-eu").cloned();
    destinations.retain(|name, _| cases.iter().any(|case| case.name == name));
    for case in cases {
        let settings = settings(destinations, case.name)?;
        for (name, value) in case.settings {
            let one: Table = format!("value = {value}").parse()?;
            settings.extend(one.into_iter().map(|(_, value)| ((*name).to_owned(), value)));
        }
    }
    if let Some((stub, mut copy)) = stub.zip(braze) {
        if let Some(copy) = copy.as_table_mut() {
            copy.insert("hosts".to_owned(), Value::Array(vec![stub.into()]));
        }
        destinations.insert(STUB.to_owned(), copy);
        settings(destinations, STUB)?.insert("endpoint".to_owned(), format!("http://{stub}").into());
    }
    Ok(toml::to_string(&file)?)
}

fn settings<'t>(destinations: &'t mut Table, name: &str) -> anyhow::Result<&'t mut Table> {
    let found = destinations.get_mut(name).and_then(|one| one.get_mut("settings")).and_then(Value::as_table_mut);
    found.with_context(|| format!("there is no fake `{name}`"))
}

/// An audience of everybody, connected to these destinations, and to the stub where it is wanted.
pub(super) fn audiences_toml(cases: &[&Case], with_stub: bool) -> String {
    let mut text = format!(
        "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.{AUDIENCE}]\nname = \"{AUDIENCE_NAME}\"\n\
         where = \"traits ->> 'ltv' >= 0\"\n\n"
    );
    let stub = CASES.iter().filter(|case| with_stub && case.id == BRAZE).map(|case| (STUB, case));
    for (name, case) in cases.iter().map(|case| (case.name, *case)).chain(stub) {
        let row = |(from, field): &(&str, &str)| format!("{{ trait = \"{from}\", field = \"{field}\" }}");
        let rows: Vec<String> = case.rows.iter().map(row).collect();
        text.push_str(&format!(
            "[[connection]]\naudience = \"{AUDIENCE}\"\ndestination = \"{name}\"\nsetup = \"customized\"\n\
             traits = [{}]\n\n",
            rows.join(", ")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_destination_is_told_with_the_right_one() {
        let error = chosen(&["facebok".to_owned()]).unwrap_err();
        let advice = format!("{:?}", error.downcast_ref::<output::Advice>());
        assert!(advice.contains("did you mean `facebook`?"), "{advice}");
        assert_eq!(chosen(&["zendesk".to_owned(), "braze".to_owned()]).unwrap().len(), 2);
        assert_eq!(chosen(&[]).unwrap().len(), CASES.len());
    }
}
