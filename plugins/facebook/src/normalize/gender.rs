//! `GEN`: `m` or `f`, the only values Meta takes. A word that means neither is never guessed at.

use crate::normalize::BlankCode;

const WORDS: [(&str, char); 8] =
    [("m", 'm'), ("male", 'm'), ("man", 'm'), ("boy", 'm'), ("f", 'f'), ("female", 'f'), ("woman", 'f'), ("girl", 'f')];

/// Appends `m` or `f`.
pub(crate) fn append(text: &str, out: &mut String) -> Result<(), BlankCode> {
    let word = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    let (_, letter) = word.ok_or(BlankCode::GenderUnknown)?;
    out.push(*letter);
    Ok(())
}
