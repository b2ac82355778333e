//! The nearest known word to one that was mistyped.

/// Returns the candidate that is most like `word`, if any is alike enough to be worth suggesting.
///
/// ```
/// use enroute_core::suggest::nearest;
/// assert_eq!(nearest("destinaton", ["plugin", "destination"]), Some("destination"));
/// assert_eq!(nearest("colour", ["plugin", "destination"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Below this likeness a suggestion would puzzle more than it helps.
const LIKENESS_MIN: f64 = 0.8;
