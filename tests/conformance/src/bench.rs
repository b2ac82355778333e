//! Connections on which a plugin is tried: made of the manifest, and taken from its own cases.

use enroute_core::batch::Change;
use enroute_core::manifest::{HostAsk, IdentifierUse, Manifest, Setting, SettingType, resolve_settings};
use enroute_host::egress::{self, Client, Credentials, HostGrant, HostRule};
use enroute_host::runtime::Connection;
use enroute_host::sync;
use serde_json::{Map, Value};

use crate::people::{Cell, Crowd, Mark, Person};
use crate::values;

/// The day on which everything is tried.
pub(crate) const TODAY: &str = "2026-11-23";

/// Rows that a plugin with fields of the operator's own is tried with.
const CUSTOM_ROWS: [(&str, &str); 2] = [("score", "kit_score"), ("note", "kit_note")];

/// One connection.
pub(crate) struct Bench {
    /// For reports: `every field`, `case map/full_profile`.
    pub(crate) name: String,
    pub(crate) connection: Connection,
    /// The members of the case that it was taken from.
    pub(crate) own: Option<Crowd>,
    /// What the manifest asks for, and an operator who grants all of it.
    pub(crate) grant: HostGrant,
    /// Judges requests as the host does.
    pub(crate) client: Client,
    uses: IdentifierUse,
    /// Field and format of each identifier column and of each row.
    identifier_formats: Vec<(String, String)>,
    row_formats: Vec<(String, String)>,
}

impl Bench {
    /// Opens a connection for trying.
    ///
    /// # Errors
    /// When the host could not, as it would refuse a destination with these settings.
    pub(crate) fn new(name: String, manifest: &Manifest, connection: Connection) -> Result<Self, String> {
        let settings: Map<String, Value> =
            serde_json::from_str(&connection.settings).map_err(|error| error.to_string())?;
        let grant = grant(manifest, &settings)?;
        let is_local = settings.values().filter_map(Value::as_str).any(|text| text.starts_with("http://"));
        let config = egress::Config {
            hosts: grant.clone(),
            allow_networks: if is_local { "127.0.0.0/8".parse().into_iter().collect() } else { Vec::new() },
            credentials: Credentials { auth: manifest.auth.clone(), settings, ..Credentials::default() },
            limits: egress::Limits::default(),
        };
        let client = Client::new(config).map_err(|error| error.to_string())?;
        let format = |field: &String| {
            let format = manifest.field(field).map_or("text", |field| field.format.as_str());
            (field.clone(), format.to_owned())
        };
        Ok(Self {
            name,
            own: None,
            grant,
            client,
            uses: manifest.identity.uses,
            identifier_formats: connection.identifier_fields.iter().map(format).collect(),
            row_formats: connection.rows.iter().map(|(_, field)| format(field)).collect(),
            connection,
        })
    }

    /// Members in one call of `map`, as the host cuts them.
    pub(crate) fn batch_members(&self, manifest: &Manifest) -> usize {
        sync::batch_members(manifest, &self.connection.limits)
    }

    /// Columns that values can be put into: identifiers first, then rows.
    pub(crate) fn columns(&self) -> usize {
        self.identifier_formats.len() + self.row_formats.len()
    }

    /// The name of a column.
    pub(crate) fn column(&self, at: usize) -> &str {
        self.identifier_formats.iter().chain(&self.row_formats).nth(at).map_or("", |(field, _)| field.as_str())
    }

    /// An ordinary value of a column.
    pub(crate) fn ordinary_value(&self, at: usize, number: usize) -> Cell {
        let column = self.identifier_formats.iter().chain(&self.row_formats).nth(at);
        column.map_or(Cell::Absent, |(field, format)| values::ordinary(field, format, number, at).0)
    }

    /// Whether only the best identifier that a member has travels.
    pub(crate) fn uses_first(&self) -> bool {
        self.uses == IdentifierUse::First
    }

    /// Whether an identifier goes into this field.
    pub(crate) fn goes_out_by(&self, field: &str) -> bool {
        self.identifier_formats.iter().any(|(known, _)| known == field)
    }

    pub(crate) fn crowd(&self, people: Vec<Person>) -> Crowd {
        Crowd::new(self.identifier_formats.len(), self.row_formats.len(), people)
    }

    /// Members with values that fit: entries, updates, changed identities and exits.
    pub(crate) fn ordinary(&self, members: usize) -> Crowd {
        self.crowd((0..members).map(|number| self.person(number)).collect())
    }

    /// How many kinds of ordinary members there are, which come in turn.
    pub(crate) const KINDS: usize = 5;

    /// An ordinary member. The fourth of five is known by another identity now; the fifth has left.
    pub(crate) fn person(&self, number: usize) -> Person {
        match number % Self::KINDS {
            2 => {
                let person = self.member(number, Change::Updated);
                Person { sent: vec![person.identifiers.clone()], ..person }
            }
            3 => Person { sent: vec![self.identity(number + 100_000).0], ..self.member(number, Change::Updated) },
            4 => {
                let person = self.member(number, Change::Removed);
                Person { sent: vec![person.identifiers.clone()], ..person }
            }
            _ => self.member(number, Change::Added),
        }
    }

    /// A member of whom nothing was sent before.
    pub(crate) fn member(&self, number: usize, change: Change) -> Person {
        let (mut identifiers, mut marks) = self.identity(number);
        let mut values = Vec::new();
        for (at, (field, format)) in self.row_formats.iter().enumerate() {
            let (cell, mark) = values::ordinary(field, format, number, self.identifier_formats.len() + at);
            // A row that goes into an identifier's field replaces the identifier, as the host does it.
            if change != Change::Removed
                && let Some(place) = self.identifier_formats.iter().position(|(known, _)| known == field)
                && let Some(slot) = identifiers.get_mut(place)
                && cell.identifies()
            {
                marks.retain(|mark| mark.field != *field);
                slot.clone_from(&cell);
            }
            values.push(cell);
            if change != Change::Removed {
                marks.extend(mark);
            }
        }
        Person { change, identifiers, sent: Vec::new(), values, marks }
    }

    /// What identifies a member: all it has, or the first. Every seventh lacks the best one.
    pub(crate) fn identity(&self, number: usize) -> (Vec<Cell>, Vec<Mark>) {
        let last = self.identifier_formats.len().saturating_sub(1);
        let first = if number % 7 == 6 { last.min(1) } else { 0 };
        let (mut cells, mut marks) = (Vec::new(), Vec::new());
        for (at, (field, format)) in self.identifier_formats.iter().enumerate() {
            let travels = match self.uses {
                IdentifierUse::First => at == first,
                IdentifierUse::All => at >= first,
            };
            let (cell, mark) = values::ordinary(field, format, number, at);
            cells.push(if travels { cell } else { Cell::Absent });
            marks.extend(mark.filter(|_| travels));
        }
        (cells, marks)
    }
}

fn grant(manifest: &Manifest, settings: &Map<String, Value>) -> Result<HostGrant, String> {
    let rules = |hosts: Vec<&str>| -> Result<Vec<HostRule>, String> {
        let found =
            hosts.into_iter().map(|text| HostRule::of_manifest(text, settings).map_err(|error| error.to_string()));
        Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    };
    let asked = rules(manifest.hosts.iter().filter(|ask| ask.applies(settings)).map(HostAsk::host).collect())?;
    let answers = rules(manifest.answer_hosts.iter().map(String::as_str).collect())?;
    let granted = asked.iter().chain(&answers).cloned().collect();
    Ok(HostGrant { asked, answers, granted })
}

/// A connection with these settings and rows.
pub(crate) fn connection(manifest: &Manifest, settings: &Map<String, Value>, rows: &[(String, String)]) -> Connection {
    let mut fields: Vec<String> = Vec::new();
    let identifying = manifest.identifiers.iter().map(|identifier| &identifier.field);
    let mapped = rows.iter().map(|(_, field)| field);
    let mapped = mapped.filter(|field| manifest.field(field).is_some_and(|field| field.identifier));
    for field in identifying.chain(mapped) {
        if !fields.contains(field) {
            fields.push(field.clone());
        }
    }
    Connection {
        audience_key: "gold".to_owned(),
        audience_name: "Gold".to_owned(),
        settings: Value::Object(settings.clone()).to_string(),
        secrets: manifest.secrets.iter().filter(|secret| secret.required).map(|secret| secret.name.clone()).collect(),
        rows: rows.to_vec(),
        identifier_fields: fields,
        limits: sync::limits(manifest, settings),
        remote: None,
        today: TODAY.to_owned(),
    }
}

/// Settings that the host takes: what is given, defaults, and for what is required an example.
pub(crate) fn settings(
    manifest: &Manifest,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, enroute_core::manifest::SettingProblem> {
    let mut wanted = given.clone();
    for setting in manifest.settings.iter().filter(|setting| setting.required && setting.default.is_none()) {
        if !wanted.contains_key(&setting.name) {
            wanted.insert(setting.name.clone(), example(manifest, setting));
        }
    }
    resolve_settings(manifest, &wanted).map_err(|mut problems| problems.swap_remove(0))
}

/// A value for a setting: an example out of its help where there is one.
pub(crate) fn example(manifest: &Manifest, setting: &Setting) -> Value {
    if let Some(choice) = setting.choices.first() {
        return Value::from(choice.as_str());
    }
    let is_label = manifest.hosts.iter().any(|ask| ask.host().contains(&format!("{{{}}}.", setting.name)));
    let quoted = setting.help.split('`').nth(1).filter(|text| !text.is_empty());
    match setting.kind {
        SettingType::Origin => {
            let end = |c: char| c.is_whitespace() || matches!(c, '`' | ',' | ';' | ')' | '<');
            let url = setting.help.find("https://").and_then(|at| setting.help.get(at..));
            let url = url.and_then(|text| text.split(end).next()).map(|url| url.trim_end_matches(['.', '/']));
            Value::from(url.unwrap_or("https://api.example.com"))
        }
        SettingType::Text if is_label => Value::from("example"),
        SettingType::Text => Value::from(quoted.unwrap_or("sample")),
        SettingType::Digits => Value::from("1234567890"),
        SettingType::Integer => Value::from(setting.min.unwrap_or(1)),
        SettingType::Boolean => Value::from(false),
    }
}

/// A row for every field that a row can go into, each with the traits to try.
pub(crate) fn rows(manifest: &Manifest) -> Vec<(Vec<String>, String)> {
    let own = manifest.fields.iter().map(|field| {
        let named = field.traits.iter().chain(&field.synonyms).chain([&field.name]);
        (named.cloned().collect(), field.name.clone())
    });
    let custom = CUSTOM_ROWS.into_iter().map(|(from, field)| (vec![from.to_owned()], field.to_owned()));
    own.chain(custom.filter(|_| manifest.custom_fields)).collect()
}
