//! The subscription groups of a profile: pages "User attributes object" and "Subscription groups" of Braze's
//! documentation.
//!
//! Braze refuses the whole object for one group that is not as documented, so such an entry is left out and the others
//! go.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::value::{MALFORMED, Note};

/// Warning: an entry lacks its group or has a state that Braze does not know, and was left out.
const GROUP_MALFORMED: &str = "subscription_group_malformed";

/// What an entry must have; what else it has goes along.
#[derive(Deserialize)]
struct Group {
    subscription_group_id: String,
    subscription_state: State,
}

/// The states of a group that a profile may be given.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Subscribed,
    Unsubscribed,
}

/// Writes those entries of a list that Braze takes.
pub(super) fn write(body: &mut Vec<u8>, json: &str) -> Result<(), Note> {
    let given: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| Note::LeftOut(MALFORMED))?;
    let sound: Vec<&str> = given.iter().map(|entry| entry.get()).filter(|entry| is_sound(entry)).collect();
    if sound.is_empty() {
        return Err(Note::LeftOut(GROUP_MALFORMED));
    }
    body.push(b'[');
    body.extend_from_slice(sound.join(",").as_bytes());
    body.push(b']');
    if sound.len() < given.len() { Err(Note::Sent(GROUP_MALFORMED)) } else { Ok(()) }
}

fn is_sound(entry: &str) -> bool {
    // Serde reads a list as an object's values, too.
    entry.starts_with('{')
        && serde_json::from_str::<Group>(entry).is_ok_and(|Group { subscription_group_id, subscription_state }| {
            // Read, not kept: that it is one of the two is all there is to know.
            let (State::Subscribed | State::Unsubscribed) = subscription_state;
            !subscription_group_id.trim().is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: &str) {
        let mut body = Vec::new();
        let note = write(&mut body, json);
        let got = match note {
            Err(Note::LeftOut(code)) => format!("({code})"),
            Err(Note::Sent(code)) => format!("{} ({code})", String::from_utf8_lossy(&body)),
            _ => String::from_utf8_lossy(&body).into_owned(),
        };
        assert_eq!(got, expect, "{json}");
    }

    #[test]
    fn a_group_has_an_id_and_one_of_two_states() {
        let good = r#"{"subscription_group_id":"g","subscription_state":"subscribed"}"#;
        let left =
            r#"{"subscription_group_id": "h", "subscription_state": "unsubscribed", "use_double_opt_in_logic": true}"#;
        check(&format!("[{good}, {left}]"), &format!("[{good},{left}]"));
        for bad in [
            r#"{"subscription_group_id":"g"}"#,
            r#"{"subscription_state":"subscribed"}"#,
            r#"{"subscription_group_id":"g","subscription_state":"maybe"}"#,
            r#"{"subscription_group_id":"g","subscription_state":null}"#,
            r#"{"subscription_group_id":"g","subscription_state":true}"#,
            r#"{"subscription_group_id":" ","subscription_state":"subscribed"}"#,
            r#"{"subscription_group_id":7,"subscription_state":"subscribed"}"#,
            r#""g""#,
            "null",
            "[]",
            r#"["g","subscribed"]"#,
            "7",
        ] {
            check(&format!("[{bad}]"), "(subscription_group_malformed)");
            check(&format!("[{bad},{good}]"), &format!("[{good}] (subscription_group_malformed)"));
        }
    }

    #[test]
    fn what_is_no_list_is_nothing_that_the_field_can_take() {
        check(r#"{"subscription_group_id":"g","subscription_state":"subscribed"}"#, "(value_malformed)");
    }
}
