//! Counts in words: a number and its noun agree.

/// A number with its noun: `1 request`, `2 requests`, `0 people`.
///
/// `one` is what one of them is called; only its first word is put into the plural, so that what belongs to it may
/// follow: `counted(2, "day of grace")` is `2 days of grace`.
///
/// ```
/// use enroute_core::words::counted;
/// assert_eq!(counted(1, "request"), "1 request");
/// assert_eq!(counted(0, "request"), "0 requests");
/// assert_eq!(counted(3, "person"), "3 people");
/// ```
#[must_use]
pub fn counted(count: impl TryInto<u64>, one: &str) -> String {
    // What does not fit is more than one in any case.
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", noun(count, one))
}

/// The noun alone, where the number stands elsewhere.
///
/// ```
/// use enroute_core::words::noun;
/// assert_eq!([noun(1, "reply"), noun(2, "reply")], ["reply", "replies"]);
/// ```
#[must_use]
pub fn noun(count: u64, one: &str) -> String {
    if count == 1 {
        return one.to_owned();
    }
    let (word, rest) = one.split_once(' ').map_or((one, ""), |(word, rest)| (word, rest));
    let before_last = word.chars().rev().nth(1);
    let many = match word {
        "is" => "are".to_owned(),
        "has" => "have".to_owned(),
        "person" => "people".to_owned(),
        _ if word.ends_with('y') && before_last.is_some_and(|c| !"aeiou".contains(c)) => {
            format!("{}ies", word.strip_suffix('y').unwrap_or(word))
        }
        _ if ["s", "x", "ch", "sh"].iter().any(|end| word.ends_with(end)) => format!("{word}es"),
        _ => format!("{word}s"),
    };
    if rest.is_empty() { many } else { format!("{many} {rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_noun_agree() {
        let told = |one: &str| [0, 1, 2].map(|count: u32| counted(count, one)).join(", ");
        assert_eq!(told("request"), "0 requests, 1 request, 2 requests");
        assert_eq!(told("person"), "0 people, 1 person, 2 people");
        assert_eq!(told("entry"), "0 entries, 1 entry, 2 entries");
        assert_eq!(told("key"), "0 keys, 1 key, 2 keys");
        assert_eq!(told("batch"), "0 batches, 1 batch, 2 batches");
        assert_eq!(told("job of Bulk API"), "0 jobs of Bulk API, 1 job of Bulk API, 2 jobs of Bulk API");
        assert_eq!([noun(1, "is"), noun(2, "is"), noun(0, "has")], ["is", "are", "have"]);
        assert_eq!(counted(u128::MAX, "byte"), format!("{} bytes", u64::MAX));
    }
}
