//! Audiences: which there are, how large they are, and who would be in one.

use std::time::Instant;

use enroute_core::json::Json;
use enroute_core::plain;
use enroute_store::audience::{self, AudienceError, Limits, Volatile};
use enroute_store::{Reader, sizes};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::{Desk, moment};
use crate::problem::Problem;

/// Members that are shown of an audience.
const SAMPLES: usize = 3;
/// Members that are looked at for what they have.
const LOOKED_AT: usize = 500;
/// Traits that are shown of a member.
const TRAITS_SHOWN: usize = 12;
/// How far back sizes are shown.
const SIZES_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// An audience.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Audience {
    /// Its key.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The condition, as SQL.
    pub condition: String,
    /// Its size when it was seen last; nothing where it was not.
    pub size: Option<u64>,
    /// When that was, in UTC.
    pub size_at: Option<String>,
    /// Its sizes of the last 30 days, the oldest first: milliseconds since 1970, and members.
    #[schema(value_type = Vec<Vec<u64>>)]
    pub sizes: Vec<(u64, u64)>,
    /// The destinations that it is connected to.
    pub destinations: Vec<String>,
}

/// A condition in hand.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct Condition {
    /// As SQL: `traits ->> 'plan' = 'gold'`.
    pub condition: String,
}

/// Who meets a condition.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Count {
    /// How many.
    pub members: u64,
    /// Of so many people.
    pub people: u64,
    /// Whether it can change without a profile changing.
    pub moves_with_time: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Some of them, each trait by its shape.
    pub samples: Vec<Sample>,
    /// Which identifiers they have, in percent of the first few hundred.
    pub identifiers: Vec<Share>,
    /// Why there is no count.
    pub problem: Option<ConditionProblem>,
}

/// What is wrong with a condition.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConditionProblem {
    /// One sentence.
    pub message: String,
    /// The byte at which it is, where that is known.
    pub offset: Option<usize>,
    /// What is probably meant.
    pub hint: String,
}

/// A member by its shape.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Sample {
    /// The id by its shape.
    pub id: String,
    /// Names of traits with the shape of their values.
    #[schema(value_type = Vec<Vec<String>>)]
    pub traits: Vec<(String, String)>,
}

/// How many have something.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Share {
    /// What.
    pub name: String,
    /// In percent.
    pub percent: u64,
}

impl Desk {
    /// Every audience, in the order of the file.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audiences(&self) -> Result<Vec<Audience>, Problem> {
        self.read(|desk, reader| {
            let Some(config) = desk.config() else { return Ok(Vec::new()) };
            let since_ms = desk.now_ms().saturating_sub(SIZES_MS);
            let one = |audience: &enroute_config::audiences_file::audience::Audience| {
                let key = audience.key.value.as_str();
                let sizes = sizes::since(reader, key, since_ms)?;
                let connected = config.connections.iter().filter(|one| one.audience.value == audience.key.value);
                Ok(Audience {
                    key: key.to_owned(),
                    name: audience.name.clone(),
                    condition: audience.condition.value.clone(),
                    size: sizes.last().map(|(_, size)| *size),
                    size_at: sizes.last().map(|(at_ms, _)| moment(*at_ms)),
                    sizes,
                    destinations: connected.map(|one| one.destination.value.to_string()).collect(),
                })
            };
            config.audiences.values().map(one).collect()
        })
        .await
    }

    /// One audience.
    ///
    /// # Errors
    /// [`Problem::Missing`], or when the store fails.
    pub async fn audience(&self, key: &str) -> Result<Audience, Problem> {
        let found = self.audiences().await?.into_iter().find(|one| one.key == key);
        found.ok_or_else(|| Problem::Missing(format!("audience `{key}`")))
    }

    /// Who meets a condition. What is wrong with it is part of the answer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(&self, condition: Condition) -> Result<Count, Problem> {
        self.read(move |_, reader| count(reader, &condition.condition)).await
    }
}

fn count(reader: &Reader, condition: &str) -> Result<Count, Problem> {
    let begun = Instant::now();
    let people = reader.profile_count()?;
    let mut count = Count {
        members: 0,
        people,
        moves_with_time: false,
        took_ms: 0,
        samples: Vec::new(),
        identifiers: Vec::new(),
        problem: None,
    };
    match audience::evaluate(reader, condition, Limits::default()) {
        Ok(found) => {
            count.members = found.members.len();
            count.moves_with_time = found.volatile == Volatile::Yes;
            (count.samples, count.identifiers) = looked_at(reader, &found.members)?;
        }
        Err(AudienceError::Store(error)) => return Err(error.into()),
        Err(error) => {
            let offset = if let AudienceError::Condition { offset, .. } = &error { *offset } else { None };
            let hint = enroute_sync::condition_hint(&error);
            count.problem = Some(ConditionProblem { message: error.to_string(), offset, hint });
        }
    }
    count.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(count)
}

/// Some members by their shape, and how many of the first have which identifier.
fn looked_at(reader: &Reader, members: &RoaringBitmap) -> Result<(Vec<Sample>, Vec<Share>), Problem> {
    let first: Vec<u32> = members.iter().take(LOOKED_AT).collect();
    let profiles = reader.profiles(&first)?;
    let mut has: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    for profile in &profiles {
        for (kind, _) in entries(profile.parts.first().and_then(Option::as_deref)) {
            *has.entry(kind).or_default() += 1;
        }
    }
    let samples = profiles.iter().take(SAMPLES).map(|profile| Sample {
        id: plain::shape(&profile.key),
        traits: entries(profile.parts.get(1).and_then(Option::as_deref)).take(TRAITS_SHOWN).collect(),
    });
    let all = profiles.len() as u64;
    let share = |(name, count): (String, u64)| Share { name, percent: (count * 100).checked_div(all).unwrap_or(0) };
    Ok((samples.collect(), has.into_iter().map(share).collect()))
}

/// The members of an object, each value by its shape.
fn entries(json: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let parsed = json.and_then(|text| Json::parse(text).ok());
    let object = if let Some(Json::Object(members)) = parsed { members } else { Vec::new() };
    let there = object.into_iter().filter(|(_, value)| !matches!(value, Json::Null));
    there.map(|(name, value)| (name, shape(&value.to_string())))
}

/// A JSON value by its shape, cut to what a cell takes.
pub(crate) fn shape(json: &str) -> String {
    let cut: String = json.trim_matches('"').chars().take(32).collect();
    if matches!(json, "true" | "false") { "true or false".to_owned() } else { plain::shape(&cut) }
}
