//! Which kind of trouble an error is.

use crate::response::fault::Fault;

/// A kind of trouble, by what helps against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Too many calls: time helps.
    Throttled,
    /// Facebook is in trouble: trying again helps.
    Transient,
    /// "An unknown error occurred": trying again helps, or fewer rows do.
    Vague,
    /// The token is dead: a new one helps.
    Credential,
    /// The token may not do this: a person must grant it.
    Permission,
    /// Audience or account is not as it must be: a person must mend it.
    Setup,
    /// Facebook thinks that the account abuses it.
    Blocked,
    /// Fewer rows help.
    TooLarge,
    /// Nothing helps.
    Refused,
}

/// The class of an error: by code and subcode, then by what it says of itself, then by status.
pub(super) fn of(fault: &Fault) -> Class {
    let sure = fault.code.and_then(|code| sure(code, fault.subcode)).or_else(|| fault.subcode.and_then(audience));
    if let Some(class) = sure {
        return class;
    }
    if fault.is_transient {
        return Class::Transient;
    }
    match (fault.code, fault.status) {
        (Some(100), _) => Class::Refused,
        (_, 401) => Class::Credential,
        (_, 403) => Class::Permission,
        (_, 404) => Class::Setup,
        (_, 413) => Class::TooLarge,
        (_, 429) => Class::Throttled,
        (_, 500..=599) => Class::Transient,
        (Some(_), _) | (None, 400 | 422) => Class::Refused,
        (None, 408 | 409 | 423 | 425) => Class::Transient,
        // A status that is none of Meta's says nothing against the rows.
        _ => Class::Setup,
    }
}

/// The class that a code has whatever else is said.
fn sure(code: i64, subcode: Option<i64>) -> Option<Class> {
    Some(match (code, subcode) {
        (4 | 17 | 32 | 341 | 613 | 80_000..=80_014, _) => Class::Throttled,
        (1, Some(99)) => Class::Vague,
        (..=-1 | 1 | 2 | 5_000 | 21_009, _) => Class::Transient,
        (102 | 190, _) => Class::Credential,
        (105, _) => Class::TooLarge,
        (368, _) => Class::Blocked,
        // Terms that were not accepted, and an audience that would get too small.
        (200, Some(1_870_034 | 1_870_047)) => Class::Setup,
        (3 | 10 | 200 | 270 | 294, _) => Class::Permission,
        // The object is gone or not visible, and Meta's integrity block.
        (100, Some(33 | 1_713_230 | 1_713_231)) => Class::Setup,
        (2_650 | 2_654 | 2_655, _) => Class::Setup,
        (code, _) => return audience(code),
    })
}

/// An audience that is not shared with the account, or deleted: seen as code and as subcode.
const fn audience(code: i64) -> Option<Class> {
    match code {
        1_487_301 | 1_487_366 => Some(Class::Setup),
        _ => None,
    }
}
