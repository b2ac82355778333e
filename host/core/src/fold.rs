//! When two profiles are the same person at a destination.

use crate::manifest::{Fold, Folding};

/// Domains whose mailboxes do not tell dots and `+` parts apart ("Dots don't matter in Gmail addresses", Gmail Help).
const GMAIL: [&str; 2] = ["gmail.com", "googlemail.com"];

/// The form of an identity in which equal persons are equal.
///
/// ```
/// use enroute_core::{fold::folded, manifest::Folding};
/// assert_eq!(folded(" Ann@Example.com", Folding::Lowercase), folded("ann@example.com", Folding::Lowercase));
/// assert_ne!(folded("A1", Folding::Exact), folded("a1", Folding::Exact));
/// ```
#[must_use]
pub fn folded(text: &str, folding: Folding) -> String {
    match folding {
        Folding::Exact => text.trim().to_owned(),
        Folding::Lowercase => text.trim().to_lowercase(),
    }
}

/// The form of a value in which spellings are equal that a plugin sends as one, by the steps of its field.
///
/// ```
/// use enroute_core::{fold::spelled, manifest::Fold};
/// assert_eq!(spelled("+49 (151) 234-5", &[Fold::Separators]), "+491512345");
/// assert_eq!(spelled("a.nn+news@gmail.com", &[Fold::GmailDots, Fold::GmailPlus]), "ann@gmail.com");
/// assert_eq!(spelled("a.nn+news@example.com", &[Fold::GmailDots, Fold::GmailPlus]), "a.nn+news@example.com");
/// ```
#[must_use]
pub fn spelled(text: &str, steps: &[Fold]) -> String {
    steps.iter().fold(text.to_owned(), |text, step| match step {
        Fold::Trim => text.trim().to_owned(),
        Fold::Lowercase => text.to_lowercase(),
        Fold::Separators => separated(&text),
        Fold::GmailDots => at_gmail(&text, |local| local.replace('.', "")),
        Fold::GmailPlus => at_gmail(&text, |local| local.split('+').next().unwrap_or_default().to_owned()),
    })
}

/// Without what stands between the digits of a number; a text without digits has no separators.
fn separated(text: &str) -> String {
    let separates = |c: char| c.is_whitespace() || "-./()".contains(c);
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return text.to_owned();
    }
    // The zero that is dialled at home only is no digit of the number.
    text.replace("(0)", "").chars().filter(|c| !separates(*c)).collect()
}

fn at_gmail(text: &str, change: impl Fn(&str) -> String) -> String {
    match text.rsplit_once('@') {
        Some((local, domain)) if GMAIL.iter().any(|known| domain.trim_end().eq_ignore_ascii_case(known)) => {
            format!("{}@{domain}", change(local))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, steps: &[Fold], expect: &str) {
        assert_eq!(spelled(text, steps), expect, "{text:?}");
    }

    #[test]
    fn spellings_of_one_person_are_one() {
        check(" Ann@X.example ", &[Fold::Trim, Fold::Lowercase], "ann@x.example");
        check("+44 (0) 7911/12.34-56", &[Fold::Separators], "+447911123456");
        check("A.N.N+x+y@GoogleMail.com", &[Fold::GmailPlus, Fold::GmailDots], "ANN@GoogleMail.com");
    }

    #[test]
    fn what_is_another_person_stays_another() {
        check("a-b.c", &[Fold::Separators], "a-b.c");
        check("a.b@notgmail.com", &[Fold::GmailDots, Fold::GmailPlus], "a.b@notgmail.com");
        check("a.b", &[Fold::GmailDots], "a.b");
        check("+1 650 555 1212 ext. 34", &[Fold::Separators], "+16505551212ext34");
    }
}
