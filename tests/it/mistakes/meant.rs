//! What people write for a setting, and what they are told to write instead.

use enroute_host::catalog::{read_file, sha256_hex};
use snapbox::{assert_data_eq, str};

use crate::support::{enroute, plugin};

/// Everything that `enroute check` finds in a destination of this plugin with these settings: message and hint.
fn told(id: &str, settings: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bytes = read_file(&plugin(id)).expect("the plugin is read");
    let digest = sha256_hex(&bytes);
    std::fs::write(folder.path().join("plugin.wasm"), &bytes).expect("it is written");
    let plugins = format!(
        "[plugin.{id}]\nfile = \"plugin.wasm\"\nsha256 = \"{digest}\"\n\n\
         [destination.there]\nplugin = \"{id}\"\nhosts = [\"*.example.com\"]\nsettings = {{ {settings} }}\n"
    );
    std::fs::write(folder.path().join("plugins.toml"), plugins).expect("it is written");
    let audiences = "[audience.all]\nwhere = \"1\"\n[[connection]]\naudience = \"all\"\ndestination = \"there\"\n";
    std::fs::write(folder.path().join("audiences.toml"), audiences).expect("it is written");
    let ended = enroute().args(["--json", "check"]).current_dir(folder.path()).output().expect("the binary runs");
    let found: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    let about = ["E251", "E255", "E262"];
    // What the plugin alone finds stands beside what is said of other connections.
    let found = found.as_array().or_else(|| found["warnings"].as_array()).expect("a list");
    let found = found.iter().filter(|one| about.iter().any(|code| one["code"] == *code));
    let line = |one: &serde_json::Value| {
        format!(
            "{id}: {} {}; {}\n",
            one["code"].as_str().unwrap(),
            one["message"].as_str().unwrap(),
            one["hint"].as_str().unwrap()
        )
    };
    found.map(line).collect()
}

#[test]
fn what_people_write_for_a_setting_is_told_with_what_is_meant() {
    let written = [
        ("zendesk", "subdomain = \"acme.zendesk.com\", email = \"agent@example.com\""),
        ("zendesk", "subdomain = \"https://acme.zendesk.com/\", email = \"agent@example.com\""),
        ("zendesk", "subdomain = \"support.acme.com\", email = \"agent@example.com\""),
        ("zendesk", "subdomain = \" \", email = \"agent@example.com\""),
        ("braze", "endpoint = \"rest.iad-01.braze.com\""),
        ("braze", "endpoint = \"https://rest.iad-01.braze.com/users/track\""),
        ("braze", "endpoint = \"\""),
        ("salesforce", "instance_url = \"acme.my.salesforce.com\", object = \"Lead\""),
        ("salesforce", "instance_url = \"https://acme.my.salesforce.com/\", object = \"\""),
        ("iterable", "data_center = \"EU\", project_type = \"email\""),
        ("iterable", "project_type = \"\""),
        ("facebook", "audience_id = \"act_123\""),
        ("facebook", "default_phone_country_code = \"+49\""),
        ("sendgrid", "base_url = \"api.eu.sendgrid.com\""),
        ("google", "customer_id = \"\", ad_user_data_consent = \"GRANTED\", ad_personalization_consent = \"\""),
    ];
    let told: String = written.iter().map(|(id, settings)| told(id, settings)).collect();
    assert_data_eq!(
        told,
        str![[r#"
zendesk: E262 zendesk says: `acme.zendesk.com` is not the subdomain of a Zendesk account; write `subdomain = "acme"`: only what stands before .zendesk.com
zendesk: E262 zendesk says: `https://acme.zendesk.com/` is not the subdomain of a Zendesk account; write `subdomain = "acme"`: only what stands before .zendesk.com
zendesk: E262 zendesk says: `support.acme.com` is not the subdomain of a Zendesk account; write only what stands before .zendesk.com, in lower case: letters, digits and `-`
zendesk: E262 zendesk says: auth `api_token` needs the secret `api_token`, which is not configured; add `api_token` to the destination's secrets
zendesk: E262 zendesk says: no name is mapped, so only people who are Zendesk users already can become members; map `firstName` to first_name and `lastName` to last_name, or set `create_users = false`
zendesk: E262 zendesk says: `subdomain` is required; write what stands before .zendesk.com in the address of your account: `acme` of https://acme.zendesk.com
braze: E251 setting `endpoint` must be like `https://api.example.com`, not `rest.iad-01.braze.com`; Write `https://rest.iad-01.braze.com`. The REST endpoint of your instance, such as https://rest.iad-01.braze.com; in Braze under Settings > APIs and Identifiers.
braze: E251 setting `endpoint` must name a host and nothing behind it, not `https://rest.iad-01.braze.com/users/track`; Write `https://rest.iad-01.braze.com`. The REST endpoint of your instance, such as https://rest.iad-01.braze.com; in Braze under Settings > APIs and Identifiers.
braze: E251 setting `endpoint` of plugin `braze` is required; The REST endpoint of your instance, such as https://rest.iad-01.braze.com; in Braze under Settings > APIs and Identifiers.
salesforce: E251 setting `instance_url` must be like `https://api.example.com`, not `acme.my.salesforce.com`; Write `https://acme.my.salesforce.com`. The address of your org's My Domain, such as https://acme.my.salesforce.com; in Salesforce under Setup > My Domain.
salesforce: E251 setting `instance_url` must name a host and nothing behind it, not `https://acme.my.salesforce.com/`; Write `https://acme.my.salesforce.com`. The address of your org's My Domain, such as https://acme.my.salesforce.com; in Salesforce under Setup > My Domain.
salesforce: E251 setting `object` of plugin `salesforce` is required; The object that people are records of, by its API name: Lead, Contact, Account or your own, such as Thing__c.
iterable: E251 setting `data_center` must be one of us, eu, other, not `EU`; Did you mean `eu`? Where the project lives: us (api.iterable.com) or eu (api.eu.iterable.com); keys of one are unknown to the other. `other` is for tests: the address that `base_url` names.
iterable: E251 setting `project_type` of plugin `iterable` is required; What makes a user unique in the project; in Iterable under Settings > Project Settings. It cannot be read through the API.
facebook: E251 setting `audience_id` must consist of digits, not `act_123`; The id of the customer list, from Audiences in Ads Manager; create the audience there first.
facebook: E251 setting `default_phone_country_code` must consist of digits, not `+49`; Write `49`. The country code of phone numbers without one, like `1` or `44`.
sendgrid: E251 setting `base_url` must be like `https://api.example.com`, not `api.eu.sendgrid.com`; Write `https://api.eu.sendgrid.com`. The address of the API; https://api.eu.sendgrid.com for subusers of the EU region.
google: E251 setting `accept_customer_match_terms` of plugin `google` is required; `true` says that you accept Google's Customer Match terms; nothing is sent without it.
google: E251 setting `customer_id` of plugin `google` is required; The account that owns the list: the number at the top right of Google Ads, with or without hyphens.
google: E251 setting `ad_user_data_consent` must be one of granted, denied, unspecified, not `GRANTED`; Did you mean `granted`? Whether Google may use the data of people whose profile says nothing else under `consent.ad_user_data`.
google: E251 setting `ad_personalization_consent` of plugin `google` is required; Whether Google may personalise ads for people whose profile says nothing else under `consent.ad_personalization`.

"#]]
    );
}
