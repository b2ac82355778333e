//! People in, request bytes out: a connection's columns and its plugin's `map`, without a store.
//!
//! What `enroute bench` measures beside tools that keep nothing either. No ledger, no change hashes, no identities:
//! a sync does more than this for every member. Nothing is sent.

use std::time::Duration;

use enroute_core::batch::{Batch, Change};
use serde_json::value::RawValue;

use crate::setup::link::Link;
use crate::setup::prepare::Setup;
use crate::transform::pick::Paths;
use enroute_runtime::Fault;
use enroute_store::{Column, Sealer};

mod pick;

/// Somebody to transform. All texts are JSON.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The profile's id.
    pub id: &'a RawValue,
    /// Whether the person is in the audience, or has just left it.
    pub is_member: bool,
    /// Further identifiers by their kinds, such as `android.idfa`.
    pub identifiers: &'a [(&'a str, &'a RawValue)],
    /// The traits: an object.
    pub traits: &'a RawValue,
}

/// What became of people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transformed {
    /// Members in requests.
    pub members: u64,
    /// Members that the plugin rejected.
    pub rejected: u64,
    /// Requests.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// CPU time inside the sandbox.
    pub sandbox: Duration,
}

/// A connection that only transforms.
#[derive(Debug)]
pub struct Transform {
    link: Link,
    paths: Paths,
    /// The kind of each identifier that is read; none for a column of traits.
    kinds: Vec<Option<String>>,
}

impl Setup {
    /// The connections that can run, each as a transform, in the order of the file.
    #[must_use]
    pub fn transforms(&self, sealer: &Sealer) -> Vec<Transform> {
        self.links().iter().map(|planned| Transform::new(planned.loose(sealer.clone()))).collect()
    }
}

impl Transform {
    fn new(link: Link) -> Self {
        let (mut paths, mut kinds) = (Paths::default(), Vec::new());
        for (at, column) in link.columns.read.iter().enumerate() {
            match column {
                Column::Trait(names) => paths.add(names, at),
                // Where there is no such identifier, the trait of that name serves.
                Column::Identifier(kind) => paths.add(std::slice::from_ref(kind), at),
                Column::Context(_) => {}
            }
            kinds.push(if let Column::Identifier(kind) = column { Some(kind.clone()) } else { None });
        }
        Self { link, paths, kinds }
    }

    /// The destination's name.
    #[must_use]
    pub fn destination(&self) -> &str {
        &self.link.destination
    }

    /// Rows of its mapping.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.link.columns.rows()
    }

    /// Members that a sync gives to one call of `map`.
    #[must_use]
    pub const fn batch_members(&self) -> usize {
        self.link.batch_members
    }

    /// People as the plugin gets them; who has left comes with the identifiers that were sent.
    ///
    /// # Errors
    /// When somebody's traits are no JSON object.
    pub fn batch(&self, people: &[Person<'_>]) -> Result<Batch, serde_json::Error> {
        let columns = &self.link.columns;
        let width = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut batch = Batch::new(width(columns.fields.len()), width(columns.rows()), people.len());
        let mut texts = vec![None; self.kinds.len()];
        for person in people {
            texts.fill(None);
            self.paths.pick(person.traits.get(), &mut texts)?;
            for (text, kind) in texts.iter_mut().zip(&self.kinds) {
                let Some(kind) = kind else { continue };
                *text = match person.identifiers.iter().find(|(known, _)| known == kind) {
                    _ if kind == "user_id" => Some(person.id.get()),
                    Some((_, given)) => Some(given.get()),
                    None if matches!(kind.as_str(), "email" | "phone") => *text,
                    None => None,
                };
            }
            let position = width(batch.len());
            let (chosen, rows) = columns.texts(&texts, person.is_member, |_| 0);
            batch.profiles.push(position);
            batch.changes.push(if person.is_member { Change::Added } else { Change::Removed });
            chosen.iter().for_each(|text| batch.identifiers.push_json_or_absent(text.as_deref()));
            rows.iter().for_each(|text| batch.values.push_json_or_absent(text.as_deref()));
            if !person.is_member {
                chosen.iter().for_each(|text| batch.sent.push_json_or_absent(text.as_deref()));
                batch.sent_members.push(position);
            }
        }
        Ok(batch)
    }

    /// The requests about a batch, in an instance of their own.
    ///
    /// # Errors
    /// When the plugin fails.
    pub async fn map(&self, batch: &Batch) -> Result<Transformed, Fault> {
        let (mapped, usage) = self.link.plugin.map(&self.link.guest, batch).await?;
        let mut done = Transformed {
            rejected: mapped.rejections.len() as u64,
            members: (batch.len() - mapped.rejections.len()) as u64,
            sandbox: usage.cpu,
            ..Transformed::default()
        };
        for request in mapped.deliveries.iter().flat_map(|delivery| &delivery.requests) {
            done.requests += 1;
            done.bytes += request.request.body.len() as u64;
        }
        Ok(done)
    }
}

impl std::ops::AddAssign for Transformed {
    fn add_assign(&mut self, other: Self) {
        self.members += other.members;
        self.rejected += other.rejected;
        self.requests += other.requests;
        self.bytes += other.bytes;
        self.sandbox += other.sandbox;
    }
}
