//! Members of an audience as somebody else finds them: all of them, or row by row who came and who left.
//!
//! A member is kept as a trait of its source, so that an audience follows it as it follows any other trait. What must
//! never happen: a row that cannot be decided takes somebody out.

use serde_json::value::RawValue;

use crate::Error;
use crate::reject::{Bad, Code, check_id, shown};
use crate::staged::Staged;
use crate::whole::Read;
use enroute_store::Store;
use enroute_store::imports::Rejection;
use enroute_store::layers::Kind;

/// Bad rows that are told.
const BAD_ROWS_TOLD: usize = 5;

/// How rows of membership are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// New rows come in.
    Add,
    /// Changed rows come in.
    Update,
    /// New and changed rows come in.
    Upsert,
    /// New and changed rows come in, deleted ones leave.
    Mirror,
    /// Deleted rows leave.
    Delete,
}

impl Mode {
    /// Whether the person of a row is a member; none where mode and change say nothing together.
    #[must_use]
    pub fn decide(self, change: &str) -> Option<bool> {
        match (self, change) {
            (Self::Add, "new") | (Self::Update, "updated") => Some(true),
            (Self::Upsert | Self::Mirror, "new" | "updated") => Some(true),
            (Self::Delete | Self::Mirror, "deleted") => Some(false),
            _ => None,
        }
    }
}

/// The name of the trait that members of a source have.
fn trait_of(source: &str) -> String {
    enroute_config::audiences_file::audience::members_trait(source)
}

/// Rows of membership on their way.
pub(super) struct MemberRows<'a> {
    staged: Staged<'a>,
    source: &'a str,
    name: String,
    read: Read,
}

impl<'a> MemberRows<'a> {
    pub(super) fn begin(store: &'a Store, source: &'a str) -> Result<Self, Error> {
        Ok(Self { staged: Staged::begin(store)?, source, name: trait_of(source), read: Read::default() })
    }

    /// Takes a row of a person who is, or is not, a member.
    pub(super) fn take(
        &mut self,
        number: u64,
        id: &str,
        id_key: &str,
        is_member: Result<bool, Bad>,
    ) -> Result<(), Error> {
        match check_id(id, id_key).and(is_member) {
            Ok(is_member) => {
                let value = if is_member { RawValue::TRUE } else { RawValue::FALSE };
                self.staged.put(id, &[(self.name.as_str(), value.to_owned())].into())
            }
            Err(bad) => {
                self.read.counts.rejected += 1;
                if self.read.bad.len() < BAD_ROWS_TOLD {
                    self.read.bad.push(Rejection { line: number, code: bad.code.to_string(), reason: bad.reason });
                }
                Ok(())
            }
        }
    }

    /// Carries over what the rows say. Of all members those who are not among them are none any more.
    pub(super) fn end(self, is_whole: bool, now_ms: i64) -> Result<Read, Error> {
        let rejected = self.read.counts.rejected;
        let names = vec![self.name];
        let carried = if is_whole {
            self.staged.carry(Kind::Sql, self.source, names, &[], now_ms)?
        } else {
            self.staged.carry_changes(Kind::Sql, self.source, names, now_ms)?
        };
        let counts = crate::Replaced { rejected, ..carried };
        Ok(Read { counts, ..self.read })
    }
}

/// What a row says, by the word that tells its change.
pub(super) fn decided(mode: Mode, change: Option<&str>, column: &str) -> Result<bool, Bad> {
    let undecided = |what: String| Bad::new(Code::Undecided, what);
    let column = shown(column);
    let change = change.ok_or_else(|| undecided(format!("`{column}` does not say what happened")))?;
    mode.decide(change).ok_or_else(|| {
        undecided(match change {
            "new" | "updated" | "deleted" => format!("`{column}` is `{change}`, which means nothing in this mode"),
            _ => format!("`{column}` is neither `new`, `updated` nor `deleted`"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_and_change_decide_together_and_nothing_else_takes_anybody_out() {
        let table = [
            (Mode::Add, [Some(true), None, None]),
            (Mode::Update, [None, Some(true), None]),
            (Mode::Upsert, [Some(true), Some(true), None]),
            (Mode::Mirror, [Some(true), Some(true), Some(false)]),
            (Mode::Delete, [None, None, Some(false)]),
        ];
        for (mode, expect) in table {
            assert_eq!(["new", "updated", "deleted"].map(|change| mode.decide(change)), expect, "{mode:?}");
            for odd in ["", "New", "removed", "false"] {
                assert_eq!(mode.decide(odd), None, "{mode:?} {odd}");
            }
        }
    }
}
