//! People: found by an id or an identifier, and told with everything that happened to them. Who a person is stands in no
//! address: a page of theirs is named by a sealed handle.

use enroute_core::json::Json;
use enroute_core::plain;
use enroute_store::Reader;
use enroute_store::access::Role;
use enroute_store::audience::{self, AudienceError, Limits};
use enroute_store::profiles::{PARTS, Profile};
use enroute_sync::{Explanation, explain};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::desk::Desk;
use crate::desk::audiences::shape;
use crate::problem::Problem;

/// People who are shown of those found.
const FOUND_MAX: usize = 20;
const HANDLE: &[u8] = b"person handle";

/// Whom to look for: exactly this.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct Search {
    /// `id`, or a kind of identifier such as `email`.
    pub kind: String,
    /// The value.
    pub value: String,
}

/// Somebody who was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Found {
    /// What their page is asked for by.
    pub handle: String,
    /// The id by its shape.
    pub id: String,
    /// Identifiers by their shape.
    #[schema(value_type = Vec<Vec<String>>)]
    pub identifiers: Vec<(String, String)>,
}

/// Somebody's whole story.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Person {
    /// What their page is asked for by.
    pub handle: String,
    /// The id; by its shape unless values were asked for.
    pub id: String,
    /// Whether values are shown.
    pub revealed: bool,
    /// What is kept of them: part (`identifiers`, `traits`, `context`, `consent`), name and value.
    #[schema(value_type = Vec<Vec<String>>)]
    pub values: Vec<(String, String, String)>,
    /// Audiences that they are in now.
    pub audiences: Vec<String>,
    /// What happened at every destination, as `enroute explain --json` tells it.
    #[schema(value_type = Object)]
    pub story: Explanation,
}

impl Desk {
    /// Looks for people.
    ///
    /// # Errors
    /// [`Problem::Invalid`] where the kind is none, or when the store fails.
    pub async fn find_people(&self, search: Search) -> Result<Vec<Found>, Problem> {
        self.read(move |_, reader| {
            let profiles = if search.kind == "id" {
                reader.profile(&search.value)?.into_iter().collect()
            } else {
                by_identifier(reader, &search)?
            };
            profiles.iter().map(|profile| found(reader, profile)).collect()
        })
        .await
    }

    /// Somebody's story, by the handle; masked unless `revealed_to` somebody who may see values, with a line in the audit
    /// log.
    ///
    /// # Errors
    /// [`Problem::Missing`], that the caller may not, or when the store fails.
    pub async fn person(&self, handle: &str, revealed_to: Option<&Caller>) -> Result<Person, Problem> {
        if let Some(caller) = revealed_to {
            caller.needs(Role::Operator)?;
        }
        let (handle, caller) = (handle.to_owned(), revealed_to.cloned());
        self.read(move |desk, reader| {
            let missing = || Problem::Missing("person with this handle".to_owned());
            let number = opened(reader, &handle).ok_or_else(missing)?;
            let profile = reader.profiles(&[number])?.pop().ok_or_else(missing)?;
            if let Some(caller) = &caller {
                desk.note(caller, "saw the values of a person", &format!("~{}", handle.get(..12).unwrap_or_default()))?;
            }
            let config = desk.config();
            let mut story = explain(reader, config.as_deref(), &profile.key)?.ok_or_else(missing)?;
            let is_revealed = caller.is_some();
            if !is_revealed {
                story.profile = plain::shape(&story.profile);
            }
            let mut audiences = Vec::new();
            for audience in config.iter().flat_map(|config| config.audiences.values()) {
                let condition = &audience.condition.value;
                if is_in(reader, condition, number)? {
                    audiences.push(audience.name.clone());
                }
            }
            let id = if is_revealed { profile.key.clone() } else { plain::shape(&profile.key) };
            Ok(Person { handle, id, revealed: is_revealed, values: values(&profile, is_revealed), audiences, story })
        })
        .await
    }

    /// The id behind a handle: for forms that go on with a person.
    ///
    /// # Errors
    /// [`Problem::Missing`], or when the store fails.
    pub async fn id_of(&self, handle: &str) -> Result<String, Problem> {
        let handle = handle.to_owned();
        self.read(move |_, reader| {
            let missing = || Problem::Missing("person with this handle".to_owned());
            let number = opened(reader, &handle).ok_or_else(missing)?;
            Ok(reader.profiles(&[number])?.pop().ok_or_else(missing)?.key)
        })
        .await
    }
}

fn is_in(reader: &Reader, condition: &str, number: u32) -> Result<bool, Problem> {
    match audience::holds_of(reader, condition, number, Limits::default()) {
        Ok(is_in) => Ok(is_in),
        Err(AudienceError::Store(error)) => Err(error.into()),
        // That the condition is wrong is told where the audience is.
        Err(_) => Ok(false),
    }
}

/// People with this value among those of an identifier.
fn by_identifier(reader: &Reader, search: &Search) -> Result<Vec<Profile>, Problem> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if search.kind.is_empty() || !search.kind.chars().all(is_name) {
        let hint = "use `id`, or the name of an identifier such as `email`";
        return Err(Problem::invalid(format!("`{}` is no kind of identifier", search.kind), hint));
    }
    let value = search.value.replace('\'', "''");
    let path = format!("$.\"{}\"", search.kind);
    // One value is a text or an object; several are a list.
    let condition = format!(
        "identifiers ->> '{path}' = '{value}' or exists (select 1 from json_each(identifiers, '{path}')
         where json_each.value = '{value}' or json_each.value ->> '$.value' = '{value}')"
    );
    let found = audience::evaluate(reader, &condition, Limits::default()).map_err(|error| match error {
        AudienceError::Store(error) => Problem::Store(error),
        error => Problem::Failed(error.to_string()),
    })?;
    let ids: Vec<u32> = found.members.iter().take(FOUND_MAX).collect();
    Ok(reader.profiles(&ids)?)
}

fn found(reader: &Reader, profile: &Profile) -> Result<Found, Problem> {
    let identifiers = values(profile, false).into_iter().filter(|(part, ..)| part == "identifiers");
    Ok(Found {
        handle: sealed(reader, profile.id)?,
        id: plain::shape(&profile.key),
        identifiers: identifiers.map(|(_, name, value)| (name, value)).collect(),
    })
}

/// Everything that is kept of a profile, by part and name.
fn values(profile: &Profile, is_revealed: bool) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for (part, text) in PARTS.iter().zip(&profile.parts) {
        let Some(Ok(Json::Object(members))) = text.as_deref().map(Json::parse) else { continue };
        for (name, value) in members {
            let text = value.to_string();
            let shown = match value {
                Json::Null => "null".to_owned(),
                _ if is_revealed => text.trim_matches('"').to_owned(),
                _ => shape(&text),
            };
            all.push(((*part).to_owned(), name, shown));
        }
    }
    all
}

fn sealed(reader: &Reader, number: u32) -> Result<String, Problem> {
    let sealed = reader.sealer().seal(HANDLE, &number.to_be_bytes())?;
    Ok(sealed.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn opened(reader: &Reader, handle: &str) -> Option<u32> {
    let digits: Option<Vec<u8>> =
        (0..handle.len()).step_by(2).map(|at| u8::from_str_radix(handle.get(at..at + 2)?, 16).ok()).collect();
    let plain = reader.sealer().open(HANDLE, &digits?).ok()?;
    Some(u32::from_be_bytes(plain.as_slice().try_into().ok()?))
}
