//! First and last names, without titles and suffixes.

use enroute_sdk::text;

use super::Code;

/// Titles that are left out of a first name.
const TITLES: [&str; 4] = ["mr.", "mrs.", "ms.", "dr."];

/// What is left out of the end of a last name.
const SUFFIXES: [&str; 16] =
    ["jr.", "sr.", "2nd", "3rd", "ii", "iii", "iv", "v", "vi", "cpa", "dc", "dds", "vm", "jd", "md", "phd"];

/// A first name in lower case, without titles.
///
/// # Errors
/// When nothing is left of it.
pub fn given_name(found: &str, strips_punctuation: bool) -> Result<String, Code> {
    let lower = folded(found, false);
    let words: Vec<&str> = lower.split(' ').filter(|word| !TITLES.contains(word)).collect();
    finished(words.join(" "), strips_punctuation)
}

/// A last name in lower case, without suffixes such as `Jr.` and `PhD`.
///
/// # Errors
/// When nothing is left of it.
pub fn family_name(found: &str, strips_punctuation: bool) -> Result<String, Code> {
    let lower = folded(found, false);
    let mut name = lower.as_str();
    while let Some(shorter) = without_suffix(name) {
        name = shorter;
    }
    finished(name.to_owned(), strips_punctuation)
}

/// The name without one suffix, which stands behind a space or a comma.
fn without_suffix(name: &str) -> Option<&str> {
    let cut = |suffix: &str| name.strip_suffix(suffix).filter(|rest| rest.ends_with([' ', ',']));
    let rest = SUFFIXES.iter().find_map(|suffix| cut(suffix))?.trim_end_matches([' ', ',']);
    (!rest.is_empty()).then_some(rest)
}

fn finished(name: String, strips_punctuation: bool) -> Result<String, Code> {
    let name = if strips_punctuation { folded(&name, true) } else { name };
    if name.is_empty() { Err("name_invalid") } else { Ok(name) }
}

/// In lower case, with single spaces between words; without punctuation where asked.
fn folded(name: &str, strips_punctuation: bool) -> String {
    let mut out = String::with_capacity(name.len());
    text::append_folded(name, &mut out, |c| {
        if c.is_whitespace() {
            return Some(' ');
        }
        (!strips_punctuation || text::is_letter_digit_or_mark(c)).then_some(c)
    });
    out
}
