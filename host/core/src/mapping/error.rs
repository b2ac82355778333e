//! What can be wrong with an expression or a trigger, with the place in it.

use crate::mapping::{DEPTH_MAX, PARTS_MAX, TEMPLATE_CHARS_MAX};
use crate::path::PathError;

/// A mistake, and where in the expression it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {mistake}")]
pub struct CompileError {
    /// The keys and positions that lead to it, `@if.then.@case`; for a field its key comes first.
    pub place: String,
    /// What is wrong there.
    pub mistake: Mistake,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A word that is not known where it stands.
    #[error("there is no {what} `{name}`{}", hint(nearest.as_deref()))]
    Unknown {
        /// What it would be: a directive, an option.
        what: &'static str,
        /// The word.
        name: String,
        /// The known word that is most like it.
        nearest: Option<String>,
    },
    /// A directive with another key beside it.
    #[error("`{directive}` stands alone in its object, without `{beside}`")]
    NotAlone {
        /// The directive.
        directive: String,
        /// The other key.
        beside: String,
    },
    /// An option that is needed and not there.
    #[error("`{0}` is missing")]
    MissingOption(&'static str),
    /// A value of another kind than is taken here.
    #[error("this must be {0}")]
    Expected(&'static str),
    /// A text that is no path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A name that cannot be read from a profile.
    #[error("`{0}` holds a quote or a backslash, and a profile's value with such a name cannot be read")]
    Unreadable(String),
    /// A template with something wrong.
    #[error("{0}")]
    Template(String),
    /// A template that is too long.
    #[error("a template has at most {TEMPLATE_CHARS_MAX} characters")]
    LongTemplate,
    /// A trigger's text with something wrong.
    #[error("{0}")]
    Condition(String),
    /// A condition in the spelling of another language.
    #[error("there is no `{written}` in a condition")]
    Foreign {
        /// What was written.
        written: String,
        /// What can be written in its place, with backticks around what is to be copied.
        instead: String,
    },
    /// More than [`DEPTH_MAX`] levels.
    #[error("this is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// More than [`PARTS_MAX`] parts.
    #[error("this has more than {PARTS_MAX} parts")]
    TooLarge,
    /// Two keys of which one leaves no room for the other.
    #[error("`{second}` cannot stand beside `{first}`: one is a value where the other needs room")]
    Conflict {
        /// The key that came first.
        first: String,
        /// The key that does not fit.
        second: String,
    },
    /// A list with a place that no key fills.
    #[error("`{key}` leaves out [{index}]; a list is filled from [0] without gaps")]
    Gap {
        /// A key that goes into the list.
        key: String,
        /// The place that is empty.
        index: usize,
    },
    /// An operator for texts with a value that is none.
    #[error("`{operator}` compares texts and never equals {value}; for that there is `{instead}`")]
    NeverEqual {
        /// The operator.
        operator: &'static str,
        /// The value.
        value: String,
        /// The operator that does it.
        instead: &'static str,
    },
}

/// The place of a mistake that is about the whole.
pub(super) const WHOLE: &str = "the expression";

impl CompileError {
    /// What is wrong, behind the place unless that is the whole.
    #[must_use]
    pub fn message(&self) -> String {
        if self.place == WHOLE { self.mistake.to_string() } else { self.to_string() }
    }

    /// What to write, where the mistake itself says it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.mistake {
            Mistake::Foreign { instead, .. } => Some(format!("write {instead}")),
            Mistake::NeverEqual { instead: word @ ("is_true" | "is_false"), .. } => {
                Some(format!("write `{word}` alone"))
            }
            Mistake::NeverEqual { value, instead, .. } => Some(format!("write `{instead} {value}`")),
            _ => None,
        }
    }
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|word| format!(", did you mean `{word}`?")).unwrap_or_default()
}
