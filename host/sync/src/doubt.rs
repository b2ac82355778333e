//! What is doubtful about the conditions of audiences, for who checks them or finds nobody in one.

use enroute_config::Config;
use enroute_config::code::Code;
use enroute_config::diagnostic::{Diagnostic, Diagnostics};
use enroute_store::audience::{self, AudienceError};
use enroute_store::{Error, Reader, condition};

/// Conditions that have no result, and such as ask for what no profile has.
///
/// Waits for the disk: not to be called from async code.
///
/// # Errors
/// When the store cannot be read.
pub fn conditions(reader: &Reader, config: &Config) -> Result<Diagnostics, Error> {
    let mut found = Diagnostics::default();
    // Who the members of a source are is no condition that somebody wrote.
    for audience in config.audiences.values().filter(|audience| audience.members.is_none()) {
        let (key, text) = (audience.key.value.as_str(), audience.condition.value.as_str());
        match audience::check(reader, text) {
            Ok(()) => {}
            Err(AudienceError::Store(error)) => return Err(error),
            Err(error) => {
                let message = format!("the condition of audience `{key}` cannot be evaluated: {error}");
                let place = match &error {
                    AudienceError::Condition { offset: Some(offset), .. } => {
                        config.files.within(&audience.condition.place, *offset)
                    }
                    _ => audience.condition.place.clone(),
                };
                found.push(Diagnostic::error(Code::BadCondition, message).at(&place).hint(hint(&error)));
                continue;
            }
        }
        for doubt in condition::doubts(reader, text)? {
            let message = format!("audience `{key}`: {}", doubt.message);
            found.push(
                Diagnostic::warning(Code::DoubtfulCondition, message).at(&audience.condition.place).hint(doubt.hint),
            );
        }
    }
    Ok(found)
}

/// How to say what a condition that cannot be evaluated probably means.
fn hint(error: &AudienceError) -> String {
    let AudienceError::Condition { message, .. } = error else {
        return "see \"Conditions\" in docs/configuration.md for what one may do".to_owned();
    };
    let column = message.strip_prefix("no such column: ").and_then(|column| column.split_whitespace().next());
    match column {
        Some(text) if text.starts_with('"') => {
            format!("texts stand in single quotes: '{}'", text.trim_matches('"'))
        }
        Some(column) => {
            let path = column.strip_prefix("traits.").unwrap_or(column);
            let path = if path.contains('.') { format!("$.{path}") } else { path.to_owned() };
            format!("a trait is read from the profile: `traits ->> '{path}'`")
        }
        None => "it is SQL as SQLite has it, such as `traits ->> 'plan' = 'gold'`".to_owned(),
    }
}

/// What is doubtful in a condition, a sentence each.
pub(super) fn notes(reader: &Reader, text: &str) -> Result<Vec<String>, Error> {
    let doubts = condition::doubts(reader, text)?;
    Ok(doubts.into_iter().map(|doubt| format!("{}; {}", doubt.message, doubt.hint)).collect())
}

/// What to say of an audience with nobody in it.
pub(super) fn nobody(reader: &Reader, text: &str) -> Result<Vec<String>, Error> {
    if reader.profile_count()? == 0 {
        return Ok(vec!["the audience is empty: there are no profiles; has a source been imported?".to_owned()]);
    }
    let mut found = vec!["the audience is empty: no profile meets its condition".to_owned()];
    found.extend(notes(reader, text)?);
    Ok(found)
}
