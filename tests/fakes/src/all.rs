//! All seven destinations at once, and the operator's lines that reach them: what the demo and the tests of the whole
//! way stand on.

use std::collections::BTreeSet;
use std::io;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::salesforce::schema::Field;
use crate::sendgrid::FieldType;
use crate::{
    Braze, Facebook, Google, Iterable, Salesforce, SendGrid, Server, Zendesk, braze, facebook, google, iterable,
    salesforce, sendgrid, zendesk,
};

/// The audience that every destination is connected to.
pub const AUDIENCE: &str = "gold_customers";
/// Its name, where a destination shows names.
pub const AUDIENCE_NAME: &str = "Gold customers";
/// The audience at the fake Facebook.
pub const FACEBOOK_AUDIENCE: &str = "23848494844100489";
/// A second audience at the fake Facebook, in which nobody is.
pub const OTHER_FACEBOOK_AUDIENCE: &str = "23848494844100490";
/// The field at the fake Salesforce.
const SALESFORCE_FIELD: &str = "Gold_Customers__c";

/// Keys that open nothing: the files they stand in, and what is in them.
pub const SECRETS: [(&str, &str); 9] = [
    ("braze.key", "fake-braze-key-opens-nothing"),
    ("facebook.token", "fake-facebook-token-opens-nothing"),
    ("facebook.secret", "fake-app-secret-opens-nothing"),
    ("google.client", "fake-google-client-opens-nothing"),
    ("google.refresh", "fake-google-refresh-opens-nothing"),
    ("iterable.key", "fake-iterable-key-opens-nothing"),
    ("salesforce.client", "fake-salesforce-client-opens-nothing"),
    ("sendgrid.key", "fake-sendgrid-key-opens-nothing"),
    ("zendesk.token", "fake-zendesk-token-opens-nothing"),
];

fn secret(file: &str) -> String {
    SECRETS.iter().find(|(name, _)| *name == file).map(|(_, value)| (*value).to_owned()).unwrap_or_default()
}

/// The names of the destinations, in the order of the operator's files.
pub const DESTINATIONS: [&str; 7] = [
    "braze-eu",
    "facebook-ads",
    "google-ads",
    "iterable-us",
    "salesforce-crm",
    "sendgrid-marketing",
    "zendesk-support",
];

/// One fake of each destination.
#[derive(Debug)]
pub struct All {
    /// Braze, with an attribute for the audience.
    pub braze: Braze,
    /// Facebook, with two customer lists.
    pub facebook: Facebook,
    /// Google, where the list is made on the first day.
    pub google: Google,
    /// A hybrid project of Iterable.
    pub iterable: Iterable,
    /// A Salesforce org whose leads have a checkbox for the audience, and another one.
    pub salesforce: Salesforce,
    /// SendGrid, where the list is made on the first day.
    pub sendgrid: SendGrid,
    /// Zendesk, whose users have a checkbox for the audience.
    pub zendesk: Zendesk,
}

impl All {
    /// Starts all of them on free ports.
    ///
    /// # Errors
    /// When a port cannot be bound.
    pub async fn start() -> io::Result<Self> {
        Ok(Self {
            braze: Braze::start(braze::Config { api_key: secret("braze.key"), ..Default::default() }).await?,
            facebook: Facebook::start(facebook::Config {
                access_token: secret("facebook.token"),
                app_secret: Some(secret("facebook.secret")),
                audiences: vec![
                    facebook::Audience::new(FACEBOOK_AUDIENCE, AUDIENCE_NAME),
                    facebook::Audience::new(OTHER_FACEBOOK_AUDIENCE, "Other"),
                ],
                ..Default::default()
            })
            .await?,
            google: Google::start(google::Config {
                client_secret: secret("google.client"),
                refresh_token: secret("google.refresh"),
                polls_until_done: 1,
                ..Default::default()
            })
            .await?,
            iterable: Iterable::start(iterable::Config {
                api_key: secret("iterable.key"),
                project_type: iterable::ProjectType::Hybrid,
                ..Default::default()
            })
            .await?,
            salesforce: Salesforce::start(
                salesforce::Config { client_secret: secret("salesforce.client"), ..Default::default() }
                    .field("Lead", Field::checkbox(SALESFORCE_FIELD))
                    .field("Lead", Field::checkbox("Other__c"))
                    .field("Lead", Field::number("Lifetime_Value__c")),
            )
            .await?,
            sendgrid: SendGrid::start(sendgrid::Config {
                api_key: secret("sendgrid.key"),
                custom_fields: vec![("lifetime_value".to_owned(), FieldType::Number)],
                polls_until_done: 1,
                ..Default::default()
            })
            .await?,
            zendesk: Zendesk::start(zendesk::Config {
                api_token: secret("zendesk.token"),
                fields: vec![
                    zendesk::Field::new(AUDIENCE, zendesk::Kind::Checkbox),
                    zendesk::Field::new("lifetime_value", zendesk::Kind::Decimal),
                ],
                ..Default::default()
            })
            .await?,
        })
    }

    /// The servers, by the name of their destination.
    #[must_use]
    pub fn servers(&self) -> [(&'static str, &Server); 7] {
        let [braze, facebook, google, iterable, salesforce, sendgrid, zendesk] = DESTINATIONS;
        [
            (braze, self.braze.server()),
            (facebook, self.facebook.server()),
            (google, self.google.server()),
            (iterable, self.iterable.server()),
            (salesforce, self.salesforce.server()),
            (sendgrid, self.sendgrid.server()),
            (zendesk, self.zendesk.server()),
        ]
    }

    /// Who is a member at a destination, in the destination's own terms; see [`key`].
    #[must_use]
    pub fn members(&self, destination: &str) -> BTreeSet<String> {
        match destination {
            "braze-eu" => self.braze.members(AUDIENCE),
            "facebook-ads" => self.facebook.members_by(FACEBOOK_AUDIENCE, "EMAIL"),
            "google-ads" => {
                let lists = self.google.lists();
                let list = lists.iter().find(|list| list.name == AUDIENCE_NAME);
                let people = list.map(|list| self.google.members(&list.id)).unwrap_or_default();
                let hash = |identifier: &String| identifier.strip_prefix("emailAddress:").map(str::to_owned);
                people.iter().flatten().filter_map(hash).collect()
            }
            "iterable-us" => self.iterable.members(AUDIENCE),
            "salesforce-crm" => self.salesforce.members("Lead", SALESFORCE_FIELD),
            "sendgrid-marketing" => self.sendgrid.members(AUDIENCE_NAME),
            "zendesk-support" => self.zendesk.members(AUDIENCE),
            _ => BTreeSet::new(),
        }
    }

    /// `[destination.…]` for all of them, to stand behind the entries of the plugins.
    #[must_use]
    pub fn destinations(&self) -> String {
        let settings = [
            format!("endpoint = \"{}\"", self.braze.server().url()),
            format!("audience_id = \"{FACEBOOK_AUDIENCE}\", base_url = \"{}\"", self.facebook.server().url()),
            format!(
                "customer_id = \"769-372-9833\", client_id = \"fake-client.apps.googleusercontent.com\", \
                 ad_user_data_consent = \"granted\", ad_personalization_consent = \"granted\", \
                 accept_customer_match_terms = true, base_url = \"{0}\", token_base_url = \"{0}\"",
                self.google.server().url()
            ),
            format!(
                "project_type = \"hybrid\", data_center = \"other\", base_url = \"{}\", field_types = \"lifetime_value:double\"",
                self.iterable.server().url()
            ),
            format!(
                "instance_url = \"{}\", client_id = \"fake-consumer-key\", object = \"Lead\"",
                self.salesforce.server().url()
            ),
            format!(
                "base_url = \"{}\", results_url = \"{}\"",
                self.sendgrid.server().url(),
                self.sendgrid.files().url()
            ),
            format!("email = \"agent@example.com\", base_url = \"{}\"", self.zendesk.server().url()),
        ];
        let secrets = [
            "api_key = \"${file:braze.key}\"",
            "access_token = \"${file:facebook.token}\", app_secret = \"${file:facebook.secret}\"",
            "client_secret = \"${file:google.client}\", refresh_token = \"${file:google.refresh}\"",
            "api_key = \"${file:iterable.key}\"",
            "client_secret = \"${file:salesforce.client}\"",
            "api_key = \"${file:sendgrid.key}\"",
            "api_token = \"${file:zendesk.token}\"",
        ];
        let mut text = String::new();
        for (((name, server), settings), secrets) in self.servers().into_iter().zip(settings).zip(secrets) {
            let plugin = name.split('-').next().unwrap_or_default();
            let files =
                if plugin == "sendgrid" { format!(", \"{}\"", self.sendgrid.files().addr()) } else { String::new() };
            text.push_str(&format!(
                "[destination.{name}]\nplugin = \"{plugin}\"\nhosts = [\"{}\"{files}]\n\
                 allow_networks = [\"127.0.0.0/8\"]\nsettings = {{ {settings} }}\nsecrets = {{ {secrets} }}\n\n",
                server.addr()
            ));
        }
        text
    }
}

/// `[[connection]]` of the audience with every destination.
#[must_use]
pub fn connections() -> String {
    let rows = [
        r#"{ trait = "firstName", field = "first_name" }, "email", { trait = "lifetime_value", field = "ltv" }, "visits", "orders", "wishes""#,
        r#"{ trait = "email", field = "EMAIL" }, { trait = "firstName", field = "FN" }, { trait = "address.country", field = "COUNTRY" }"#,
        r#"{ trait = "email", field = "emailAddress" }"#,
        r#""email", "firstName", "lifetime_value""#,
        r#"{ trait = "lastName", field = "LastName" }, { trait = "company", field = "Company" }, { trait = "email", field = "Email" }, { trait = "lifetime_value", field = "Lifetime_Value__c" }"#,
        r#"{ trait = "firstName", field = "first_name" }, "lifetime_value""#,
        r#"{ trait = "firstName", field = "first_name" }, { trait = "lastName", field = "last_name" }, "email", "lifetime_value""#,
    ];
    let one = |(name, rows): (&str, &str)| {
        format!(
            "[[connection]]\naudience = \"{AUDIENCE}\"\ndestination = \"{name}\"\nsetup = \"customized\"\n\
             traits = [{rows}]\n\n"
        )
    };
    DESTINATIONS.into_iter().zip(rows).map(one).collect()
}

/// What a destination knows a member by: the id, or the hash of the address.
#[must_use]
pub fn key(destination: &str, id: &str, email: &str) -> String {
    match destination {
        "facebook-ads" | "google-ads" => Sha256::digest(email).iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => id.to_owned(),
    }
}

/// A profile that every destination can use.
#[must_use]
pub fn person(id: &str) -> Value {
    serde_json::json!({ "id": id, "traits": {
        "email": format!("{id}@example.com"),
        "firstName": "Ana",
        "lastName": "Silva",
        "company": "Silva Lda",
        "plan": "gold",
        "lifetime_value": 450.5,
        "address": { "country": "PT" },
    }})
}
