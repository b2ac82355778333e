//! Members cut into batches, and batches cut in half.

use roaring::RoaringBitmap;

use crate::cells::Cells;

/// What happens to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Enters the audience.
    Added,
    /// Stays, with other values.
    Updated,
    /// Leaves.
    Removed,
}

impl Change {
    /// The word that contract, ledger and reports share.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Removed => "removed",
        }
    }
}

/// Members on their way to `map`, with everything the plugin may see of them and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Dense ids of the profiles; they stay in the host.
    pub profiles: Vec<u32>,
    /// What these members consented to, as JSON text.
    pub consent: Option<String>,
    /// One for each member.
    pub changes: Vec<Change>,
    /// What identifies them now: one row a member.
    pub identifiers: Cells,
    /// What identified them in deliveries that stand.
    pub sent: Cells,
    /// The member that each row of `sent` belongs to.
    pub sent_members: Vec<u32>,
    /// The values of the mapping: one row a member.
    pub values: Cells,
}

impl Batch {
    /// An empty batch for tables with these columns.
    #[must_use]
    pub fn new(identifier_columns: u32, value_columns: u32, capacity: usize) -> Self {
        Self {
            profiles: Vec::with_capacity(capacity),
            consent: None,
            changes: Vec::with_capacity(capacity),
            identifiers: Cells::with_capacity(identifier_columns, capacity),
            sent: Cells::with_capacity(identifier_columns, 0),
            sent_members: Vec::new(),
            values: Cells::with_capacity(value_columns, capacity),
        }
    }

    /// Members in the batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// The members as a set.
    #[must_use]
    pub fn members(&self) -> RoaringBitmap {
        self.profiles.iter().copied().collect()
    }

    /// Bytes on their way across the border.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.identifiers.bytes() + self.sent.bytes() + self.values.bytes()
    }

    /// The members at these positions, as a batch of their own.
    #[must_use]
    pub fn subset(&self, positions: &[u32]) -> Self {
        let mut part = Self::new(self.identifiers.columns, self.values.columns, positions.len());
        part.consent.clone_from(&self.consent);
        for &position in positions {
            let row = position as usize;
            let (Some(&profile), Some(&change)) = (self.profiles.get(row), self.changes.get(row)) else { continue };
            let member = u32::try_from(part.len()).unwrap_or(u32::MAX);
            part.profiles.push(profile);
            part.changes.push(change);
            part.identifiers.push_row(&self.identifiers, row);
            part.values.push_row(&self.values, row);
            let first = self.sent_members.partition_point(|owner| *owner < position);
            for (at, owner) in self.sent_members.iter().enumerate().skip(first) {
                if *owner != position {
                    break;
                }
                part.sent.push_row(&self.sent, at);
                part.sent_members.push(member);
            }
        }
        part
    }

    /// Two halves of these positions; the second is empty for a single one.
    #[must_use]
    pub fn halves(positions: &[u32]) -> (&[u32], &[u32]) {
        positions.split_at(positions.len().div_ceil(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Value;

    fn batch(members: u32) -> Batch {
        let mut batch = Batch::new(1, 1, members as usize);
        for profile in 0..members {
            batch.profiles.push(profile + 10);
            batch.changes.push(Change::Added);
            batch.identifiers.push(Value::Text(&format!("u{profile}")));
            batch.values.push(Value::Number(&profile.to_string()));
            for old in 0..profile {
                batch.sent.push(Value::Text(&format!("old{profile}-{old}")));
                batch.sent_members.push(profile);
            }
        }
        batch
    }

    #[test]
    fn a_subset_keeps_each_member_with_its_values() {
        let part = batch(4).subset(&[1, 3]);
        assert_eq!(part.profiles, [11, 13]);
        assert_eq!(part.values.value(1, 0), Value::Number("3"));
        assert_eq!(part.sent_members, [0, 1, 1, 1]);
        assert_eq!(part.sent.value(3, 0), Value::Text("old3-2"));
    }

    #[test]
    fn halves_cover_everybody_once() {
        assert_eq!(Batch::halves(&[1, 2, 3]), (&[1, 2][..], &[3][..]));
        assert_eq!(Batch::halves(&[7]), (&[7][..], &[][..]));
    }
}
