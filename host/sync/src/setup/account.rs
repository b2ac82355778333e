//! Connections beside what the account of each destination has of its own: which field it has for a trait, and what is
//! mapped or set that it has not.

use std::collections::BTreeMap;

use enroute_core::account::{Item, Kind};
use enroute_core::matching::{How, Wish, match_fields};
use enroute_core::offer::{self, Found};
use serde_json::{Map, Value as Json};

use crate::clock::Clock;
use crate::setup::link::account_origin;
use crate::setup::named::{InAccount, Naming};
use crate::setup::planned::Planned;
use crate::setup::prepare::{Matched, Setup};
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_store::accounts::Account;
use enroute_store::{Error, Reader};

/// What is known of the account of a destination.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KnownAccount {
    /// The destination's name.
    pub destination: String,
    /// The plugin's id.
    pub plugin: String,
    /// When it was read, in UTC.
    pub read_at: String,
    /// Whether all of it is kept.
    pub whole: bool,
    /// What it has.
    pub items: Vec<Item>,
}

impl Setup {
    /// What is known of the account of a destination: as its plugin reported it last, under the settings of now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn account(&self, reader: &Reader, destination: &str) -> Result<Option<KnownAccount>, Error> {
        let Some(planned) = self.links().iter().find(|planned| planned.destination == destination) else {
            return Ok(None);
        };
        let Some(known) = reader.accounts()?.remove(destination).filter(|known| planned.is_of_account(known)) else {
            return Ok(None);
        };
        Ok(Some(KnownAccount {
            destination: destination.to_owned(),
            plugin: planned.loaded.manifest.id.clone(),
            read_at: moment(&known),
            whole: known.is_whole,
            items: known.items,
        }))
    }

    /// Rows and settings that name what the account of their destination has not. Nothing is said of an account that
    /// nobody has read, or only in part.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn account_remarks(&self, reader: &Reader) -> Result<Diagnostics, Error> {
        let (mut found, accounts) = (Diagnostics::default(), reader.accounts()?);
        for planned in self.links() {
            let Some(known) = planned.account(&accounts).filter(|known| known.is_whole) else { continue };
            planned.rows_not_there(known, &mut found);
            planned.settings_not_there(known, &mut found);
        }
        Ok(found)
    }

    /// As [`Setup::matched`], with what the account of each destination has of the fields that the plugin's manifest
    /// does not name. With `take`, a trait without a field of its own gets the one that the account has for it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn matched_in_accounts(&self, reader: &Reader, take: bool) -> Result<Vec<Matched>, Error> {
        let (mut matched, accounts) = (self.matched(), reader.accounts()?);
        for (one, planned) in matched.iter_mut().filter(|one| one.stopped.is_none()).zip(self.links()) {
            let Some(known) = planned.account(&accounts) else { continue };
            if take {
                planned.take(one, known);
            }
            for row in &mut one.rows {
                row.account = planned.in_account(&row.field, known);
            }
        }
        Ok(matched)
    }
}

impl Planned {
    /// The account of its destination, where it is the one that the settings name.
    fn account<'a>(&self, accounts: &'a BTreeMap<String, Account>) -> Option<&'a Account> {
        accounts.get(&self.destination).filter(|known| self.is_of_account(known))
    }

    fn is_of_account(&self, known: &Account) -> bool {
        known.origin == account_origin(&self.loaded.manifest, &self.guest.settings)
    }

    /// What the account has of a field; nothing where the manifest names it, or the account tells of no fields.
    fn in_account(&self, field: &str, known: &Account) -> Option<InAccount> {
        let has_fields = known.items.iter().any(|item| item.kind == Kind::Field);
        if !has_fields || self.loaded.manifest.field(field).is_some() {
            return None;
        }
        let (has, like) = match offer::find(&known.items, Kind::Field, field) {
            Found::There(_) => (true, None),
            Found::Missing(near) => (false, near.map(|item| item.name.clone())),
        };
        Some(InAccount { has, like })
    }

    /// Gives rows whose field only has the name of the trait the field that the account has for it.
    fn take(&self, matched: &mut Matched, known: &Account) {
        let fields = offer::fields(&known.items, &self.loaded.manifest);
        let is_open = |how: &How| *how == How::SameName;
        let rows = self.guest.rows.iter().zip(&self.matches);
        let wishes: Vec<Wish<'_>> = rows
            .map(|((from, field), how)| Wish { trait_path: from, field: (!is_open(how)).then_some(field.as_str()) })
            .collect();
        let found = match_fields(&wishes, &fields, true);
        for ((row, found), how) in matched.rows.iter_mut().zip(found).zip(&self.matches) {
            let Ok(found) = found else { continue };
            if is_open(how) && matches!(found.how, How::Exact | How::Spelling | How::Synonym) {
                row.field = found.field;
                row.how = "account";
            }
        }
    }

    fn rows_not_there(&self, known: &Account, found: &mut Diagnostics) {
        let settings: Map<String, Json> = serde_json::from_str(&self.guest.settings).unwrap_or_default();
        let comes_into_being = self.loaded.manifest.creates_fields(&settings);
        for ((_, field), place) in self.guest.rows.iter().zip(&self.places) {
            let Some(InAccount { has: false, like }) = self.in_account(field, known) else { continue };
            // Where fields come with their use, only one that is nearly there looks like a mistake.
            if comes_into_being && like.is_none() {
                continue;
            }
            let message = format!("the account of destination `{}` has no field `{field}`", self.destination);
            let hint = match like {
                Some(like) => format!("did you mean `{like}`? {}", read_again(known)),
                None => format!("see its fields with `enroute account {}`; {}", self.destination, read_again(known)),
            };
            found.push(Diagnostic::warning(Code::FieldNotThere, message).at(place).hint(hint));
        }
    }

    fn settings_not_there(&self, known: &Account, found: &mut Diagnostics) {
        for Naming { setting, kind, value, place } in &self.namings {
            let like = match offer::find(&known.items, *kind, value) {
                Found::There(item) if item.name == *value => continue,
                Found::There(item) => Some(item),
                Found::Missing(near) => near,
            };
            if !known.items.iter().any(|item| item.kind == *kind) {
                continue;
            }
            let (kind, destination) = (kind.word(), &self.destination);
            let message =
                format!("the account of destination `{destination}` has no {kind} `{value}`, which `{setting}` names");
            let hint = match like {
                Some(item) if item.label.is_empty() => format!("did you mean `{}`? {}", item.name, read_again(known)),
                Some(item) => format!("did you mean `{}` ({})? {}", item.name, item.label, read_again(known)),
                None => format!("see what there is with `enroute account {destination}`; {}", read_again(known)),
            };
            found.push(Diagnostic::warning(Code::PlaceNotThere, message).at(place).hint(hint));
        }
    }
}

fn read_again(known: &Account) -> String {
    format!("the account was read {}, and `enroute check --probe` reads it again", moment(known))
}

fn moment(known: &Account) -> String {
    Clock::starting_at(known.read_ms).moment()
}
