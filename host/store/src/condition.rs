//! What a condition asks for that no profile has: a misspelt name or value, a text in the place of a number, `= null`.
//!
//! Such a condition is sound SQL with an empty audience, and nothing else would tell. What must never happen: a doubt
//! about what some profile meets, or a look at more than [`PROFILES_LOOKED_AT`] profiles for each value.

mod facts;
mod text;
mod verdict;

use self::facts::Facts;
pub use self::facts::PROFILES_LOOKED_AT;
use self::text::{Literal, Of, Operand};
use crate::{Error, Reader};

/// Values of one condition that are looked at; a list of thousands of comparisons is no work of a person.
const VALUES_MAX: usize = 50;

/// Something in a condition that does not do what it seems to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What is wrong, naming the place in the condition.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Doubt {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// What is doubtful in a condition, given the profiles that there are. Without profiles nothing is.
///
/// Waits for the disk: not to be called from async code.
///
/// # Errors
///
/// If the store cannot be read.
pub fn doubts(reader: &Reader, condition: &str) -> Result<Vec<Doubt>, Error> {
    let found = text::read(condition);
    let mut doubts: Vec<Doubt> =
        found.nulls.iter().map(|(at, is_not)| verdict::of_null(condition, at, *is_not)).collect();
    if reader.profile_count()? == 0 {
        return Ok(doubts);
    }
    let mut known: Vec<(&Operand, Facts)> = Vec::new();
    for (operand, at) in &found.operands {
        if known.len() == VALUES_MAX || known.iter().any(|(other, _)| is_same(other, operand)) {
            continue;
        }
        let compared = found.comparisons.iter().filter(|compared| is_same(&compared.operand, operand));
        let literals: Vec<Literal> = compared.flat_map(|compared| compared.literals.clone()).collect();
        let facts = facts::of(&reader.connection, operand, &literals).map_err(|error| reader.explain(error))?;
        if facts.missing == facts.looked_at {
            doubts.push(missing(reader, operand, &facts, condition.get(at.clone()).unwrap_or_default())?);
        }
        known.push((operand, facts));
    }
    for compared in found.comparisons.iter().filter(|compared| compared.operand.of != Of::Inside) {
        let facts = known.iter().find(|(operand, _)| is_same(operand, &compared.operand)).map(|(_, facts)| facts);
        if let Some(facts) = facts.filter(|facts| facts.missing < facts.looked_at) {
            doubts.extend(verdict::of(condition, compared, facts));
        }
    }
    doubts.dedup();
    Ok(doubts)
}

/// Whether both look at one value.
fn is_same(one: &Operand, other: &Operand) -> bool {
    one.part == other.part && one.steps == other.steps
}

/// A value that no profile has.
fn missing(reader: &Reader, operand: &Operand, facts: &Facts, shown: &str) -> Result<Doubt, Error> {
    let has = |steps: Vec<String>| {
        let other = Operand { steps, ..operand.clone() };
        let facts = facts::of(&reader.connection, &other, &[]).map_err(|error| reader.explain(error))?;
        Ok::<bool, Error>(facts.missing < facts.looked_at)
    };
    let nested: Vec<String> = operand.steps.iter().flat_map(|step| step.split('.')).map(str::to_owned).collect();
    let joined = operand.steps.join(".");
    let hint = if nested.len() > operand.steps.len() && has(nested.clone())? {
        Some(format!("write the path: `{} ->> '$.{}'`", operand.part, nested.join(".")))
    } else if operand.steps.len() > 1 && has(vec![joined.clone()])? {
        Some(format!("the name itself has the dot: `{} ->> '{joined}'`", operand.part))
    } else {
        None
    };
    let mut names = facts::names_beside(&reader.connection, operand).map_err(|error| reader.explain(error))?;
    if operand.part == "traits" && operand.steps.len() == 1 {
        names.extend(reader.trait_names()?);
    }
    Ok(verdict::of_missing(operand, facts, shown, hint, &names))
}

#[cfg(test)]
mod tests;
