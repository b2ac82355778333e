//! The documented fields of an attributes object and what each accepts.
//!
//! Pure: one function per kind of field, from the value to the [`Change`] it
//! makes or to the error Braze gives for the object. Source of the rules:
//! Braze, "User attributes object" and "Create and update users".

use serde_json::{Map, Value};

use super::object::Change;

/// Checks one kind of field; gets the field's name for its message.
type Rule = fn(&str, &Value) -> Result<Change, String>;

/// ISO 3166-1 alpha-2 codes.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// The change a documented field makes, or `None` if the name is not one of them.
pub(super) fn change(name: &str, value: &Value) -> Option<Result<Change, String>> {
    let rule: Rule = match name {
        "email" => email,
        "phone" | "first_name" | "last_name" | "home_city" | "image_url" => text,
        "dob" => date_of_birth,
        "gender" => gender,
        "country" => country,
        "language" => language,
        "time_zone" => time_zone,
        "current_location" => location,
        "email_subscribe" | "push_subscribe" => subscription_state,
        "email_open_tracking_disabled" | "email_click_tracking_disabled" => flag,
        "date_of_first_session" | "date_of_last_session" | "marked_email_as_spam_at" => moment,
        "facebook" | "twitter" => social,
        "push_tokens" => push_tokens,
        "subscription_groups" => subscription_groups,
        _ => return None,
    };
    // Braze, "User attributes object": null removes a value. A list of group
    // states is not a value but a request, so null is no list.
    if value.is_null() && name != "subscription_groups" {
        return Some(Ok(Change::Unset));
    }
    Some(rule(name, value))
}

/// Whether the text looks like `x@y.z`, without white space; any script may stand before the `@`.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let clean = !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\"[]\\".contains(c));
    let labels_fine =
        domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let dots_fine = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    clean && !local.is_empty() && !domain.contains('@') && domain.contains('.') && labels_fine && dots_fine
}

/// Whether the text is an international number: 7 to 15 digits, `+` and punctuation apart.
pub(super) fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (7..=15).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c))
}

fn set(value: &Value) -> Result<Change, String> {
    Ok(Change::Set(value.clone()))
}

fn text(name: &str, value: &Value) -> Result<Change, String> {
    if value.is_string() { set(value) } else { Err(format!("'{name}' must be a string")) }
}

/// `EMAIL_BAD_FORMAT`: Braze, "Create and update users", endpoint-specific errors.
fn email(_name: &str, value: &Value) -> Result<Change, String> {
    if value.as_str().is_some_and(is_email) { set(value) } else { Err("EMAIL_BAD_FORMAT".into()) }
}

/// Braze, "User attributes object": `dob` is `YYYY-MM-DD`.
fn date_of_birth(_name: &str, value: &Value) -> Result<Change, String> {
    let fine = value.as_str().is_some_and(|text| text.len() == 10 && is_iso_date(text));
    if fine { set(value) } else { Err("'dob' must be a date of the form YYYY-MM-DD".into()) }
}

/// Braze, "User attributes object": `gender` is one of five letters or null.
fn gender(_name: &str, value: &Value) -> Result<Change, String> {
    let fine = value.as_str().is_some_and(|text| ["M", "F", "O", "N", "P"].contains(&text));
    if fine { set(value) } else { Err("'gender' must be 'M', 'F', 'O', 'N', 'P' or null".into()) }
}

/// Braze, "User attributes object": an unknown country is stored as null, without an error.
fn country(_name: &str, value: &Value) -> Result<Change, String> {
    let Some(text) = value.as_str() else { return Err("'country' must be a string".into()) };
    let code = text.to_ascii_uppercase();
    let known = COUNTRIES.split_whitespace().any(|known| known == code);
    Ok(if known { Change::Set(code.into()) } else { Change::Unset })
}

/// Braze, "User attributes object": `language` is an ISO 639-1 code.
fn language(_name: &str, value: &Value) -> Result<Change, String> {
    let fine = value.as_str().is_some_and(|text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase()));
    if fine { set(value) } else { Err("'language' must be an ISO 639-1 code".into()) }
}

/// Braze, "User attributes object": an invalid time zone is ignored.
fn time_zone(_name: &str, value: &Value) -> Result<Change, String> {
    let shaped = |text: &str| {
        let parts = text.split('/').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic()));
        parts && (text.contains('/') || ["UTC", "GMT"].contains(&text))
    };
    if value.as_str().is_some_and(shaped) { set(value) } else { Ok(Change::Nothing) }
}

/// `BAD_LOCATION_UPDATE`: two numbers on the globe.
fn location(_name: &str, value: &Value) -> Result<Change, String> {
    let within = |key: &str, most: f64| {
        value.get(key).and_then(Value::as_f64).is_some_and(|degrees| (-most..=most).contains(&degrees))
    };
    if within("latitude", 90.0) && within("longitude", 180.0) { set(value) } else { Err("BAD_LOCATION_UPDATE".into()) }
}

/// `BAD_EMAIL_SUBSCRIPTION_STATE`, `BAD_PUSH_SUBSCRIPTION_STATE`: one of three words.
fn subscription_state(name: &str, value: &Value) -> Result<Change, String> {
    let fine = value.as_str().is_some_and(|text| ["opted_in", "subscribed", "unsubscribed"].contains(&text));
    let code = if name == "email_subscribe" { "BAD_EMAIL_SUBSCRIPTION_STATE" } else { "BAD_PUSH_SUBSCRIPTION_STATE" };
    if fine { set(value) } else { Err(code.into()) }
}

fn flag(name: &str, value: &Value) -> Result<Change, String> {
    if value.is_boolean() { set(value) } else { Err(format!("'{name}' must be a boolean")) }
}

fn moment(name: &str, value: &Value) -> Result<Change, String> {
    if value.as_str().is_some_and(is_moment) { set(value) } else { Err(format!("'{name}' must be a date")) }
}

fn social(name: &str, value: &Value) -> Result<Change, String> {
    if value.is_object() { set(value) } else { Err(format!("'{name}' must be an object")) }
}

/// `BAD_PUSH_TOKEN_*`: a list of objects with `app_id` and `token`.
fn push_tokens(_name: &str, value: &Value) -> Result<Change, String> {
    let tokens = value.as_array().filter(|tokens| !tokens.is_empty()).ok_or("BAD_PUSH_TOKEN_ARRAY")?;
    for token in tokens {
        let token = token.as_object().ok_or("BAD_PUSH_TOKEN_HASH")?;
        if !has_text(token, "app_id") || !has_text(token, "token") {
            return Err("BAD_PUSH_TOKEN_HASH".into());
        }
    }
    set(value)
}

/// `BAD_SUBSCRIPTION_GROUP_ARRAY`, `_HASH`, `_ID`, `_STATE`.
fn subscription_groups(_name: &str, value: &Value) -> Result<Change, String> {
    let groups = value.as_array().filter(|groups| !groups.is_empty()).ok_or("BAD_SUBSCRIPTION_GROUP_ARRAY")?;
    for group in groups {
        let group = group.as_object().ok_or("BAD_SUBSCRIPTION_GROUP_HASH")?;
        if !has_text(group, "subscription_group_id") {
            return Err("BAD_SUBSCRIPTION_GROUP_ID".into());
        }
        let state = group.get("subscription_state").and_then(Value::as_str).unwrap_or_default();
        if !["subscribed", "unsubscribed"].contains(&state) {
            return Err("BAD_SUBSCRIPTION_GROUP_STATE".into());
        }
    }
    Ok(Change::Groups(groups.clone()))
}

/// Whether the member is a text that is not blank.
pub(super) fn has_text(object: &Map<String, Value>, key: &str) -> bool {
    object.get(key).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
}

/// The accepted spellings of a point in time, told apart by their first part.
fn is_moment(text: &str) -> bool {
    let slashed = |date: &str| {
        let mut parts = date.split('/');
        let (month, day, year) = (parts.next(), parts.next(), parts.next());
        parts.next().is_none()
            && matches!((month, day, year), (Some(m), Some(d), Some(y)) if is_iso_date(&format!("{y}-{m}-{d}")))
    };
    match text.get(..10) {
        Some(date) if is_iso_date(date) => {
            text.len() == 10 || text.get(10..11).is_some_and(|next| next == "T" || next == " ")
        }
        Some(date) if text.len() == 10 => slashed(date),
        // `ddd MM dd HH:mm:ss.TZD YYYY`
        _ => {
            text.split(' ').count() == 5
                && ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].iter().any(|day| text.starts_with(day))
        }
    }
}

/// Whether the text is `YYYY-MM-DD` and a day of the calendar.
fn is_iso_date(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<u32>().ok()
    };
    let dashes = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else { return false };
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    dashes && (1..=12).contains(&month) && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(name: &str, value: Value, expect: &str) {
        let got = match change(name, &value) {
            None => "not a field".to_owned(),
            Some(Err(error)) => format!("error: {error}"),
            Some(Ok(Change::Set(value))) => format!("set {value}"),
            Some(Ok(Change::Unset)) => "unset".to_owned(),
            Some(Ok(Change::Nothing)) => "nothing".to_owned(),
            Some(Ok(Change::Groups(groups))) => format!("groups {}", Value::Array(groups)),
            Some(Ok(other)) => format!("{other:?}"),
        };
        assert_eq!(got, expect, "{name}: {value}");
    }

    #[test]
    fn an_email_needs_a_local_part_and_a_dotted_domain() {
        check("email", json!("ann@example.com"), "set \"ann@example.com\"");
        check("email", json!("jürgen+x@exämple.org"), "set \"jürgen+x@exämple.org\"");
        for bad in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@example",
            "a b@example.com",
            "a@b@example.com",
            "a@.com",
            ".a@b.co",
            "a..b@c.de",
        ] {
            check("email", json!(bad), "error: EMAIL_BAD_FORMAT");
        }
        check("email", json!(5), "error: EMAIL_BAD_FORMAT");
    }

    #[test]
    fn null_removes_any_field_but_a_list_of_group_states() {
        for name in ["email", "dob", "gender", "country", "current_location", "email_subscribe"] {
            check(name, Value::Null, "unset");
        }
        check("subscription_groups", Value::Null, "error: BAD_SUBSCRIPTION_GROUP_ARRAY");
    }

    #[test]
    fn a_date_of_birth_is_a_day_of_the_calendar() {
        check("dob", json!("2000-02-29"), "set \"2000-02-29\"");
        for bad in ["1990-02-29", "1990-13-01", "1990-04-31", "1990-4-1", "01/02/1990", "1990-01-01T00:00:00Z", ""] {
            check("dob", json!(bad), "error: 'dob' must be a date of the form YYYY-MM-DD");
        }
    }

    #[test]
    fn a_gender_is_one_of_five_letters() {
        check("gender", json!("P"), "set \"P\"");
        check("gender", json!("female"), "error: 'gender' must be 'M', 'F', 'O', 'N', 'P' or null");
        check("gender", json!("f"), "error: 'gender' must be 'M', 'F', 'O', 'N', 'P' or null");
    }

    #[test]
    fn an_unknown_country_becomes_null_without_an_error() {
        check("country", json!("pt"), "set \"PT\"");
        check("country", json!("Portugal"), "unset");
        check("country", json!("XX"), "unset");
        check("country", json!(1), "error: 'country' must be a string");
    }

    #[test]
    fn a_language_has_two_letters_and_a_bad_time_zone_is_ignored() {
        check("language", json!("pt"), "set \"pt\"");
        check("language", json!("pt-BR"), "error: 'language' must be an ISO 639-1 code");
        check("time_zone", json!("Europe/Lisbon"), "set \"Europe/Lisbon\"");
        check("time_zone", json!("CET+1"), "nothing");
    }

    #[test]
    fn a_location_is_two_numbers_on_the_globe() {
        check(
            "current_location",
            json!({"latitude": 1.5, "longitude": -170}),
            "set {\"latitude\":1.5,\"longitude\":-170}",
        );
        for bad in [
            json!({}),
            json!({"latitude": "1", "longitude": 2}),
            json!({"latitude": 91, "longitude": 2}),
            json!([1, 2]),
        ] {
            check("current_location", bad, "error: BAD_LOCATION_UPDATE");
        }
    }

    #[test]
    fn enumerations_and_flags_are_checked() {
        check("email_subscribe", json!("yes"), "error: BAD_EMAIL_SUBSCRIPTION_STATE");
        check("push_subscribe", json!(true), "error: BAD_PUSH_SUBSCRIPTION_STATE");
        check("push_subscribe", json!("opted_in"), "set \"opted_in\"");
        check("email_open_tracking_disabled", json!("true"), "error: 'email_open_tracking_disabled' must be a boolean");
        check("first_name", json!(7), "error: 'first_name' must be a string");
        check("twitter", json!("@ann"), "error: 'twitter' must be an object");
        check("push_tokens", json!([{"app_id": "a"}]), "error: BAD_PUSH_TOKEN_HASH");
        check("push_tokens", json!([]), "error: BAD_PUSH_TOKEN_ARRAY");
    }

    #[test]
    fn subscription_groups_need_a_list_of_ids_and_states() {
        let id = "subscription_group_id";
        let state = "subscription_state";
        check("subscription_groups", json!([]), "error: BAD_SUBSCRIPTION_GROUP_ARRAY");
        check("subscription_groups", json!(["g"]), "error: BAD_SUBSCRIPTION_GROUP_HASH");
        check("subscription_groups", json!([{state: "subscribed"}]), "error: BAD_SUBSCRIPTION_GROUP_ID");
        check("subscription_groups", json!([{id: "g", state: "opted_in"}]), "error: BAD_SUBSCRIPTION_GROUP_STATE");
        check(
            "subscription_groups",
            json!([{id: "g", state: "subscribed"}]),
            "groups [{\"subscription_group_id\":\"g\",\"subscription_state\":\"subscribed\"}]",
        );
    }

    #[test]
    fn a_moment_may_be_written_in_several_ways() {
        for fine in
            ["2021-05-01", "2021-05-01T10:00:00Z", "2021-05-01 10:00:00", "05/01/2021", "Sat 05 01 10:00:00.UTC 2021"]
        {
            check("date_of_first_session", json!(fine), &format!("set \"{fine}\""));
        }
        for bad in ["yesterday", "2021-05-01x", "13/01/2021", ""] {
            check("date_of_first_session", json!(bad), "error: 'date_of_first_session' must be a date");
        }
    }

    #[test]
    fn other_names_are_custom_attributes() {
        check("high_value", json!(true), "not a field");
        check("Email", json!("ann@example.com"), "not a field");
    }
}
