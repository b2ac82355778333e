use super::*;
use crate::tests::{TestStore, line};

const PEOPLE: [&str; 6] = [
    r#"{"plan": "gold", "vip": true, "ltv": 450.5, "age": "41", "tags": ["a", "b"], "address": {"city": "Oslo"}, "ok": "TRUE"}"#,
    r#"{"plan": "gold", "vip": false, "ltv": 12, "age": "7", "utm.source": "x", "n": 5, "none": null}"#,
    r#"{"plan": "free", "vip": true, "ltv": 12, "age": "40", "tags": [], "n": "five", "ok": "FALSE"}"#,
    r#"{"plan": "free", "ltv": null, "none": null}"#,
    r#"{"plan": " trial"}"#,
    r#"{"plan": " trial"}"#,
];

fn people() -> TestStore {
    let lines: Vec<String> = PEOPLE.iter().enumerate().map(|(at, traits)| line(&format!("u{at}"), traits)).collect();
    TestStore::with(&lines)
}

#[track_caller]
fn check(condition: &str, expect: &[&str]) {
    let found = doubts(&people().reader().unwrap(), condition).unwrap();
    let found: Vec<String> = found.into_iter().map(|doubt| format!("{}; {}", doubt.message, doubt.hint)).collect();
    assert_eq!(found, expect, "{condition}");
}

#[test]
fn a_condition_that_somebody_meets_is_not_doubted() {
    for condition in [
        "traits ->> 'plan' = 'gold' and traits ->> 'ltv' > 400",
        "traits ->> 'plan' in ('gold', 'free') and traits ->> 'vip' = true or traits ->> 'vip' = 1 or traits ->> 'vip' is true",
        "traits -> 'plan' = '\"gold\"' or traits -> 'vip' = 'true' or traits -> 'ltv' = 'null' or traits -> 'ltv' = '12'",
        "traits ->> 'plan' is not null and traits ->> 'none' is null and traits ->> 'plan' like 'G%'",
        "traits ->> '$.address.city' = 'Oslo' or traits ->> 'address' ->> 'city' <> 'Oslo' or traits ->> 'utm.source' = 'x'",
        "exists (select 1 from json_each(traits, '$.tags') where value = 'zzz')",
        "cast(traits ->> 'age' as real) > 30 and traits ->> 'age' = '41' and traits ->> 'ltv' = 450.5",
        "lower(traits ->> 'plan') = 'gold' and json_type(traits, '$.vip') in ('true', 'false')",
        "traits ->> 'ltv' between 1 and 10 and traits ->> 'tags' = '[\"a\",\"b\"]'",
        "not (traits ->> 'plan' = 'gold') and id = 'nobody'",
        "traits ->> 'ltv' > 1000000",
    ] {
        check(condition, &[]);
    }
}

#[test]
fn a_misspelt_name_is_told_with_the_nearest() {
    check(
        "traits ->> 'plna' = 'gold'",
        &["no profile has `plna`, which `traits ->> 'plna'` asks for; did you mean `plan`?"],
    );
    check(
        "traits ->> 'Plan' is null",
        &["no profile has `Plan`, which `traits ->> 'Plan'` asks for; did you mean `plan`?"],
    );
    check(
        "traits ->> '$.address.town' = 'Oslo'",
        &[
            "no profile has `town`, which `traits ->> '$.address.town'` asks for; `enroute traits` lists the traits that there are",
        ],
    );
    check(
        "traits ->> '$.address.citty' = 'Oslo'",
        &["no profile has `citty`, which `traits ->> '$.address.citty'` asks for; did you mean `city`?"],
    );
    check(
        "traits ->> 'address.city' = 'Oslo'",
        &[
            "no profile has `address.city`, which `traits ->> 'address.city'` asks for; write the path: `traits ->> '$.address.city'`",
        ],
    );
    check(
        "traits ->> '$.utm.source' = 'x'",
        &[
            "no profile has `source`, which `traits ->> '$.utm.source'` asks for; the name itself has the dot: `traits ->> 'utm.source'`",
        ],
    );
    check(
        "exists (select 1 from json_each(traits, '$.tag') where value = 'b')",
        &["no profile has `tag`, which `json_each(traits, '$.tag')` asks for; did you mean `tags`?"],
    );
    check(
        "traits ->> 'none' = 'x'",
        &["no profile has a value for what `traits ->> 'none' = 'x'` compares: it is null everywhere; \
            `enroute traits` tells how many profiles have a value"],
    );
}

#[test]
fn a_value_that_nobody_has_is_told_with_the_nearest() {
    let plan = |what: &str, hint: &str| format!("`{what}` is true of nobody: no profile has this value; {hint}");
    let told = |what: &str, hint: &str| check(what, &[&plan(what, hint)]);
    told("traits ->> 'plan' = 'Gold'", "did you mean `'gold'`? Texts are equal only to the letter");
    told("'glod' = traits ->> 'plan'", "did you mean `'gold'`?");
    told("traits ->> 'plan' = 'trial'", "did you mean `' trial'`? Texts are equal only to the letter");
    told("traits ->> 'plan' = 'platinum'", "there are: ' trial', 'free', 'gold'");
    told("traits ->> 'age' = '99'", "`enroute plan --values` shows some of the values");
    check(
        "traits ->> 'plan' <> 'Gold'",
        &["`traits ->> 'plan' <> 'Gold'` is true of everybody who has a value: no profile has this value; \
            did you mean `'gold'`? Texts are equal only to the letter"],
    );
    check(
        "traits ->> 'plan' in ('gold', 'fre')",
        &[
            "`traits ->> 'plan' in ('gold', 'fre')` has an entry without effect: no profile has this value; did you mean `'free'`?",
        ],
    );
    check(
        "traits ->> 'plan' like 'platin'",
        &["`traits ->> 'plan' like 'platin'` is true of nobody: no profile has a value like this; \
            `like` compares the whole text: `%` stands for any letters"],
    );
    check(
        "lower(traits ->> 'plan') = 'Gold'",
        &["`lower(traits ->> 'plan') = 'Gold'` is true of nobody: `lower` gives no such letters; write `'gold'`"],
    );
    check(
        "traits ->> 'tags' = 'a'",
        &["`traits ->> 'tags' = 'a'` is true of nobody: the values are lists or objects; look into the list: \
            `exists (select 1 from json_each(traits, '$.tags') where value = 'a')`"],
    );
}

#[test]
fn a_value_of_another_kind_is_told() {
    let truths = "the values are true and false, which no text equals";
    check(
        "traits ->> 'vip' = 'true'",
        &[&format!("`traits ->> 'vip' = 'true'` is true of nobody: {truths}; write `= true`")],
    );
    check(
        "traits ->> 'vip' = 'No'",
        &[&format!("`traits ->> 'vip' = 'No'` is true of nobody: {truths}; write `= false`")],
    );
    let numbers = "the values are numbers, and no number equals a text";
    check(
        "traits ->> 'ltv' = '12'",
        &[&format!("`traits ->> 'ltv' = '12'` is true of nobody: {numbers}; leave the quotes out")],
    );
    check(
        "traits ->> 'ltv' > '100'",
        &[
            "`traits ->> 'ltv' > '100'` does not compare by value: the values are numbers, and a number is less than every \
            text; leave the quotes out, or turn the value into a text with `cast(… as text)`",
        ],
    );
    check(
        "traits ->> 'age' >= 30",
        &[&format!(
            "`traits ->> 'age' >= 30` does not compare by value: the values are texts, and a text is greater than every number; {FOR_A_NUMBER}"
        )],
    );
    check(
        "traits ->> 'n' < 30",
        &[&format!(
            "`traits ->> 'n' < 30` does not compare by value: 1 profiles have a text, and a text is greater than every number; {FOR_A_NUMBER}"
        )],
    );
    check(
        "traits ->> 'age' = 41",
        &[
            "`traits ->> 'age' = 41` is true of nobody: the values are texts, and no text equals a number; put it in quotes: `'41'`",
        ],
    );
    check(
        "traits ->> 'ok' = true",
        &["`traits ->> 'ok' = true` is true of nobody: the values are texts, and no text equals true; \
            write it as the text that it is: `'TRUE'`"],
    );
    check(
        "traits ->> 'ok' is not true",
        &[
            "`traits ->> 'ok' is not true` does not look at the value: the values are texts, and all of them count as false; \
            compare with the text that it is, such as `= 'true'`",
        ],
    );
    check(
        "json_type(traits, '$.vip') = 'boolean'",
        &[
            "`json_type(traits, '$.vip') = 'boolean'` is true of nobody: `json_type` gives no such word; write `in ('true', 'false')`",
        ],
    );
}

const FOR_A_NUMBER: &str = "compare numbers: `cast(… as real)` around the value, and no quotes around the number";

#[test]
fn json_beside_a_value_is_told() {
    let quotes = "`->` gives JSON, in which a text stands in double quotes; write `->>` in place of `->`";
    check("traits -> 'plan' = 'gold'", &[&format!("`traits -> 'plan' = 'gold'` is true of nobody: {quotes}")]);
    check(
        "traits -> 'plan' != 'gold'",
        &[&format!("`traits -> 'plan' != 'gold'` is true of everybody who has a value: {quotes}")],
    );
    check("traits -> 'plan' like 'g%'", &[&format!("`traits -> 'plan' like 'g%'` is true of nobody: {quotes}")]);
    let text = "`->` gives JSON, which is a text and equals no number; write `->>` in place of `->`";
    check("traits -> 'ltv' = 12", &[&format!("`traits -> 'ltv' = 12` is true of nobody: {text}")]);
}

#[test]
fn null_beside_an_operator_is_told_even_without_profiles() {
    let null = "is true of nobody: null is neither equal to anything nor other; write";
    check("traits ->> 'plan' = null", &[&format!("`= null` {null} `is null`")]);
    check("traits ->> 'plan' != null", &[&format!("`!= null` {null} `is not null`")]);
    let list = "is true of nobody: null is in its list";
    check(
        "traits ->> 'plan' not in ('gold', null)",
        &[&format!(
            "`traits ->> 'plan' not in ('gold', null)` {list}; take null out of the list, and add `and … is not null` where it is meant"
        )],
    );
    let empty = TestStore::new();
    let found = |condition: &str| doubts(&empty.reader().unwrap(), condition).unwrap().len();
    assert_eq!((found("traits ->> 'plan' = null"), found("traits ->> 'plan' = 'Gold'")), (1, 0));
}
