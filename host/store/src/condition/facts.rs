//! What profiles have where a condition looks.
//!
//! Bounded: of a store with more than [`PROFILES_LOOKED_AT`] profiles it looks at so many, in blocks over all of them,
//! and of a value's texts it keeps [`TEXTS_KEPT`].

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::condition::text::{Literal, Operand};

/// Most profiles that are looked at: a tenth of a second for each value that is compared.
pub const PROFILES_LOOKED_AT: u32 = 100_000;

/// Blocks that they lie in, where there are more.
const BLOCKS: u32 = 100;

/// Most differing texts of a value that are kept; more is no choice of a few.
const TEXTS_KEPT: usize = 1_000;

/// Profiles that are looked at, and keys that are kept, to find the name that was meant.
const NAMES_LOOKED_AT: u32 = 2_000;
const NAMES_KEPT: usize = 500;

/// What is known of a value.
#[derive(Debug, Default, Clone)]
pub(super) struct Facts {
    pub(super) looked_at: u64,
    /// Whether all profiles were looked at.
    pub(super) is_whole: bool,
    pub(super) missing: u64,
    pub(super) nulls: u64,
    pub(super) truths: u64,
    pub(super) numbers: u64,
    /// Lists and objects.
    pub(super) lists: u64,
    pub(super) texts: u64,
    /// The texts, and how many have each: some of them where `is_cut`, and all that a condition asks for.
    pub(super) values: BTreeMap<String, u64>,
    pub(super) is_cut: bool,
}

/// Whether a text is like another but for case and blanks.
pub(super) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Looks at a value of the profiles. `asked` are the texts that a condition compares it with.
pub(super) fn of(connection: &Connection, operand: &Operand, asked: &[Literal]) -> rusqlite::Result<Facts> {
    let wanted: BTreeSet<String> = asked
        .iter()
        .filter_map(|literal| if let Literal::Text(text) = literal { Some(folded(text)) } else { None })
        .collect();
    let total: u32 = connection.query_row("select coalesce(max(id), 0) from profile", (), |row| row.get(0))?;
    let part = operand.part;
    let sql = format!(
        "select type, case type when 'text' then value end from (
           select json_type({part}, ?1) as type, {part} ->> ?1 as value from profile where id between ?2 and ?3)"
    );
    let (mut statement, path) = (connection.prepare_cached(&sql)?, path(&operand.steps));
    let mut facts = Facts { is_whole: total <= PROFILES_LOOKED_AT, ..Facts::default() };
    for (first, last) in blocks(total) {
        let mut rows = statement.query((&path, first, last))?;
        while let Some(row) = rows.next()? {
            facts.looked_at += 1;
            let kind = row.get_ref(0)?.as_str_or_null()?;
            match kind {
                None => facts.missing += 1,
                Some("null") => facts.nulls += 1,
                Some("true" | "false") => facts.truths += 1,
                Some("integer" | "real") => facts.numbers += 1,
                Some("text") => facts.text(row.get_ref(1)?.as_str()?, &wanted),
                Some(_) => facts.lists += 1,
            }
        }
    }
    Ok(facts)
}

impl Facts {
    fn text(&mut self, text: &str, wanted: &BTreeSet<String>) {
        self.texts += 1;
        if let Some(count) = self.values.get_mut(text) {
            *count += 1;
        } else if self.values.len() < TEXTS_KEPT || wanted.contains(&folded(text)) {
            self.values.insert(text.to_owned(), 1);
        } else {
            self.is_cut = true;
        }
    }

    /// Profiles with a value that is not null.
    pub(super) const fn present(&self) -> u64 {
        self.truths + self.numbers + self.texts + self.lists
    }

    /// Whether what was not seen is not there: all were looked at, or the value is a choice of a few.
    pub(super) const fn is_certain(&self) -> bool {
        self.is_whole || !self.is_cut
    }
}

/// The names beside the last one of a path.
pub(super) fn names_beside(connection: &Connection, operand: &Operand) -> rusqlite::Result<Vec<String>> {
    let total: u32 = connection.query_row("select coalesce(max(id), 0) from profile", (), |row| row.get(0))?;
    let parents = operand.steps.split_last().map_or(&[][..], |(_, parents)| parents);
    let sql = format!(
        "select distinct one.key from (select {0} from profile where id between ?2 and ?3) as p,
           json_each(p.{0}, ?1) as one where typeof(one.key) = 'text' limit {NAMES_KEPT}",
        operand.part
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let names = statement.query_map((path(parents), 1, total.min(NAMES_LOOKED_AT)), |row| row.get(0))?;
    names.collect()
}

/// The numbers of the profiles that are looked at, from and to.
fn blocks(total: u32) -> Vec<(u32, u32)> {
    if total <= PROFILES_LOOKED_AT {
        return vec![(1, total)];
    }
    let (step, size) = (total / BLOCKS, PROFILES_LOOKED_AT / BLOCKS);
    (0..BLOCKS).map(|block| (block * step + 1, block * step + size)).collect()
}

fn path(steps: &[String]) -> String {
    let step = |step: &String| if step.starts_with('[') { step.clone() } else { format!(".\"{step}\"") };
    format!("${}", steps.iter().map(step).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_a_small_store_and_spread_over_a_large_one() {
        assert_eq!(blocks(7), [(1, 7)]);
        let blocks = blocks(10_000_000);
        assert_eq!((blocks.len(), blocks[0], blocks[99]), (100, (1, 1_000), (9_900_001, 9_901_000)));
    }

    #[test]
    fn texts_are_kept_up_to_a_number_and_those_that_are_asked_for_always() {
        let mut facts = Facts::default();
        let wanted = BTreeSet::from(["gold".to_owned()]);
        (0..2_000).for_each(|n| facts.text(&format!("t{n}"), &wanted));
        facts.text(" Gold", &wanted);
        assert_eq!((facts.texts, facts.values.len(), facts.is_cut), (2_001, 1_001, true));
        assert!(facts.values.contains_key(" Gold") && !facts.is_certain());
    }
}
