//! The results of a job, and whom they are about.

use std::borrow::Cow;

use enroute_sdk::text::trim_lower;
use enroute_sdk::{Context, Http, Outcome, Reading};
use serde_json::Value;

use super::super::find::{Found, find};
use super::super::{id_text, not_found, refusal};
use super::token::Token;
use crate::mapping::identity::Target;
use crate::settings::{Identifier, Settings};
use enroute_sdk::bindings::enroute::destination::types::Cells;

/// What became of one member, and which user it is where that was said.
#[derive(Debug, Clone)]
pub(super) struct Fate {
    pub(super) outcome: Outcome,
    pub(super) user: Option<String>,
}

/// One result.
#[derive(Debug)]
struct Entry {
    user: Option<String>,
    external_id: Option<String>,
    email: Option<String>,
    place: Option<usize>,
    outcome: Outcome,
}

/// The members of all jobs, by what was sent of them.
pub(super) struct People<'a> {
    cells: &'a Cells,
    external_id: Option<usize>,
    email: Option<usize>,
    /// Whether upserts said nothing of the external id.
    by_email: bool,
}

impl<'a> People<'a> {
    pub(super) fn new(ctx: &Context<Settings>, cells: &'a Cells) -> Self {
        let (external_id, email) = (ctx.identifier("external_id"), ctx.identifier("email"));
        Self { cells, external_id, email, by_email: ctx.settings().identifier == Identifier::Email }
    }

    /// What became of the members of a job that is completed, in their order.
    pub(super) fn fates(
        &self,
        ctx: &Context<Settings>,
        http: &mut dyn Http,
        token: &Token,
        results: &Value,
        members: &[u32],
    ) -> Result<Vec<Fate>, Box<Reading>> {
        let all = |outcome: Outcome| members.iter().map(|_| Fate { outcome: outcome.clone(), user: None }).collect();
        let Some(list) = results.as_array() else {
            // Some jobs have one result for all.
            let well = results.get("success") == Some(&Value::Bool(true));
            return Ok(all(if well { Outcome::Delivered } else { Outcome::Unknown }));
        };
        let entries: Vec<Entry> = list.iter().map(|value| Entry::read(value, token.joins)).collect();
        if entries.iter().all(|entry| entry.external_id.is_none() && entry.email.is_none()) {
            let well = entries.iter().all(|entry| entry.outcome == Outcome::Delivered);
            // With a tag still to be added it matters who is who.
            if well && entries.len() == members.len() && !(token.upserts && ctx.settings().has_tag()) {
                return Ok(all(Outcome::Delivered));
            }
            if !token.upserts || entries.iter().any(|entry| entry.place.is_none()) {
                return self.found(ctx, http, token, &entries, members);
            }
        }
        Ok(members.iter().map(|member| self.of(*member, token, &entries)).collect())
    }

    /// The result of one member: by external id, else by address, else by place.
    fn of(&self, member: u32, token: &Token, entries: &[Entry]) -> Fate {
        let (external_id, email) = self.known(member, token);
        let same = |known: &Option<String>, mine: Option<&str>| {
            known.as_deref().zip(mine).is_some_and(|(known, mine)| trim_lower(known) == trim_lower(mine))
        };
        let by_id = || worst(entries.iter().filter(|entry| same(&entry.external_id, external_id)));
        let by_email = || {
            let free = |entry: &&Entry| entry.external_id.is_none() || external_id.is_none();
            worst(entries.iter().filter(free).filter(|entry| same(&entry.email, email)))
        };
        let place = token.place(external_id, email);
        let by_place = || {
            let bare = |entry: &&Entry| entry.external_id.is_none() && entry.email.is_none();
            worst(entries.iter().filter(bare).filter(|entry| entry.place.is_some() && entry.place == place))
        };
        by_id().or_else(by_email).or_else(by_place).map_or(Fate { outcome: Outcome::Unknown, user: None }, |entry| {
            Fate { outcome: entry.outcome.clone(), user: entry.user.clone() }
        })
    }

    /// The results of members by the ids of their users, which are looked up because the results name nothing else.
    fn found(
        &self,
        ctx: &Context<Settings>,
        http: &mut dyn Http,
        token: &Token,
        entries: &[Entry],
        members: &[u32],
    ) -> Result<Vec<Fate>, Box<Reading>> {
        let target = |member: &u32| {
            let (external_id, email) = self.known(*member, token);
            let by_id = external_id.map(|id| Target::External(Cow::Borrowed(id)));
            by_id.or_else(|| email.map(|text| Target::Email(trim_lower(text).into_owned())))
        };
        let targets: Vec<Option<Target<'_>>> = members.iter().map(target).collect();
        let wanted: Vec<&Target<'_>> = targets.iter().flatten().collect();
        let mut found = find(ctx, http, &wanted)?.into_iter();
        let fate = |target: Option<Target<'_>>| match target.and_then(|_| found.next()) {
            Some(Found::One(id)) => {
                let entry = entries.iter().find(|entry| entry.user.as_deref() == Some(id.as_str()));
                let outcome = entry.map_or(Outcome::Unknown, |entry| entry.outcome.clone());
                Fate { outcome, user: Some(id) }
            }
            Some(Found::Nobody) if !token.upserts => Fate { outcome: not_found(token.joins), user: None },
            _ => Fate { outcome: Outcome::Unknown, user: None },
        };
        Ok(targets.into_iter().map(fate).collect())
    }

    /// External id and address of a member, as far as the job was told of them.
    fn known(&self, member: u32, token: &Token) -> (Option<&'a str>, Option<&'a str>) {
        let told = !(self.by_email && token.upserts);
        (self.text(member, self.external_id).filter(|_| told), self.text(member, self.email))
    }

    fn text(&self, member: u32, column: Option<usize>) -> Option<&'a str> {
        let cell = member as usize * self.cells.columns as usize + column?;
        // A number or a text; everything else identifies nobody.
        self.cells.kinds.get(cell).filter(|kind| matches!(kind, 4 | 5))?;
        let start = cell.checked_sub(1).map_or(Some(0), |before| self.cells.ends.get(before).copied())?;
        let end = self.cells.ends.get(cell).copied()?;
        self.cells.text.get(start as usize..end as usize).filter(|text| !text.trim().is_empty())
    }
}

impl Entry {
    fn read(value: &Value, joins: bool) -> Self {
        let text = |name: &str| value.get(name).and_then(id_text);
        let says = |name: &str| value.get(name).is_some_and(|said| !is_empty(said));
        let status = value.get("status").and_then(Value::as_str).unwrap_or("Updated").to_lowercase();
        let well = value.get("success") != Some(&Value::Bool(false))
            && !["error", "errors", "details"].into_iter().any(says)
            && matches!(status.as_str(), "created" | "updated");
        let outcome = match well {
            true => Outcome::Delivered,
            false if refusal::is_not_found(value) => not_found(joins),
            false => refusal::read(value),
        };
        let place = value.get("index").and_then(Value::as_u64).and_then(|place| usize::try_from(place).ok());
        Self { user: text("id"), external_id: text("external_id"), email: text("email"), place, outcome }
    }
}

/// Of several results of one user the one that refuses it, or else the first.
fn worst<'e>(entries: impl Iterator<Item = &'e Entry>) -> Option<&'e Entry> {
    let mut found: Option<&Entry> = None;
    for entry in entries {
        let refuses = |entry: &Entry| matches!(entry.outcome, Outcome::Rejected(_));
        if found.is_none_or(|known| !refuses(known) && refuses(entry)) {
            found = Some(entry);
        }
    }
    found
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
