//! The states of the United States, with what else stands in their place in an address: the District of
//! Columbia, the territories, the freely associated states and the armed forces.
//!
//! Invariant: both tables are sorted (tests below).

/// ANSI and postal codes in lower case, sorted.
const CODES: [&str; 63] = [
    "aa", "ae", "ak", "al", "ap", "ar", "as", "az", "ca", "co", "ct", "dc", "de", "fl", "fm", "ga", "gu", "hi", "ia",
    "id", "il", "in", "ks", "ky", "la", "ma", "md", "me", "mh", "mi", "mn", "mo", "mp", "ms", "mt", "nc", "nd", "ne",
    "nh", "nj", "nm", "nv", "ny", "oh", "ok", "or", "pa", "pr", "pw", "ri", "sc", "sd", "tn", "tx", "um", "ut", "va",
    "vi", "vt", "wa", "wi", "wv", "wy",
];

/// Name in lower-case letters only, and code, sorted by name.
const NAMES: [(&str, &str); 64] = [
    ("alabama", "al"),
    ("alaska", "ak"),
    ("americansamoa", "as"),
    ("arizona", "az"),
    ("arkansas", "ar"),
    ("armedforcesamericas", "aa"),
    ("armedforceseurope", "ae"),
    ("armedforcespacific", "ap"),
    ("california", "ca"),
    ("colorado", "co"),
    ("commonwealthofthenorthernmarianaislands", "mp"),
    ("connecticut", "ct"),
    ("delaware", "de"),
    ("districtofcolumbia", "dc"),
    ("florida", "fl"),
    ("georgia", "ga"),
    ("guam", "gu"),
    ("hawaii", "hi"),
    ("idaho", "id"),
    ("illinois", "il"),
    ("indiana", "in"),
    ("iowa", "ia"),
    ("kansas", "ks"),
    ("kentucky", "ky"),
    ("louisiana", "la"),
    ("maine", "me"),
    ("maryland", "md"),
    ("massachusetts", "ma"),
    ("michigan", "mi"),
    ("minnesota", "mn"),
    ("mississippi", "ms"),
    ("missouri", "mo"),
    ("montana", "mt"),
    ("nebraska", "ne"),
    ("nevada", "nv"),
    ("newhampshire", "nh"),
    ("newjersey", "nj"),
    ("newmexico", "nm"),
    ("newyork", "ny"),
    ("northcarolina", "nc"),
    ("northdakota", "nd"),
    ("northernmarianaislands", "mp"),
    ("ohio", "oh"),
    ("oklahoma", "ok"),
    ("oregon", "or"),
    ("pennsylvania", "pa"),
    ("puertorico", "pr"),
    ("rhodeisland", "ri"),
    ("southcarolina", "sc"),
    ("southdakota", "sd"),
    ("tennessee", "tn"),
    ("texas", "tx"),
    ("unitedstatesvirginislands", "vi"),
    ("usvirginislands", "vi"),
    ("utah", "ut"),
    ("vermont", "vt"),
    ("virginia", "va"),
    ("virginislands", "vi"),
    ("washington", "wa"),
    ("washingtondc", "dc"),
    ("washingtondistrictofcolumbia", "dc"),
    ("westvirginia", "wv"),
    ("wisconsin", "wi"),
    ("wyoming", "wy"),
];

/// Finds the code for a name or code in lower-case letters only; `us` in front of a code (`US-CA`) is fine.
pub(super) fn code(letters: &str) -> Option<&'static str> {
    let short = match letters.strip_prefix("us") {
        Some(rest) if rest.len() == 2 => rest,
        _ => letters,
    };
    if let Ok(at) = CODES.binary_search(&short) {
        return CODES.get(at).copied();
    }
    let at = NAMES.binary_search_by_key(&letters, |(name, _)| *name).ok()?;
    NAMES.get(at).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::{CODES, NAMES, code};

    #[test]
    fn both_tables_are_sorted_and_every_name_leads_to_a_code() {
        assert!(CODES.is_sorted_by(|a, b| a < b));
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(NAMES.iter().all(|(name, short)| code(name) == Some(*short) && code(short) == Some(*short)));
    }

    #[test]
    fn all_fifty_states_have_their_name_and_the_capital_does_too() {
        let states = CODES.iter().filter(|code| NAMES.iter().any(|(_, short)| short == *code));
        assert_eq!(states.count(), 50 + 1 + 5 + 3);
        assert_eq!(code("washingtondc"), Some("dc"));
        assert_eq!(code("washington"), Some("wa"));
        assert_eq!(code("bayern"), None);
    }
}
