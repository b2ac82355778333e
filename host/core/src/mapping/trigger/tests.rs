use proptest::prelude::*;
use serde_json::{Value, json};

use crate::emission::Form;
use crate::mapping::tests::{emission, texts};
use crate::mapping::{Compiler, Member};

fn told(written: &Value, form: Form, is_member: bool) -> String {
    let emission = emission();
    let mut compiler = Compiler::new(&emission, form);
    match compiler.trigger(written) {
        Ok(trigger) => {
            let texts = texts(compiler.inputs());
            trigger.matches(&Member::new(&texts, is_member)).to_string()
        }
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

#[track_caller]
fn check(written: Value, expect: &str) {
    assert_eq!(told(&written, Form::Identify, true), expect, "{written}");
}

fn condition(name: &str, operator: &str, value: Value) -> Value {
    json!({ "path": format!("traits.{name}"), "operator": operator, "value": value })
}

// R48.
#[test]
fn operators_hold_where_they_are_documented_to() {
    for (name, operator, value, expect) in [
        ("plan", "=", json!("gold"), true),
        ("plan", "=", json!("Gold"), false),
        ("age", "=", json!("30"), false),
        ("yes", "=", json!("true"), false),
        ("unknown", "=", json!("undefined"), false),
        ("plan", "!=", json!("silver"), true),
        ("unknown", "!=", json!("gold"), true),
        ("nothing", "!=", json!("gold"), true),
        ("age", "!=", json!("30"), true),
        ("age", ">", json!(29), true),
        ("age", ">=", json!("30"), true),
        ("age", "<", json!(30), false),
        ("age", "<=", json!(30.0), true),
        ("big", ">", json!(18_446_744_073_709_551_615_u64), true),
        ("unknown", "<", json!(1), false),
        ("nothing", "<", json!(1), false),
        ("no", "<", json!(1), false),
        ("tags", ">", json!(0), false),
        ("plan", ">", json!(0), false),
        ("ltv", "number_equals", json!(450), true),
        ("plan", "number_equals", json!(450), false),
        ("unknown", "number_equals", json!(0), false),
        ("ltv", "number_not_equals", json!(450), false),
        ("unknown", "number_not_equals", json!(450), true),
        ("plan", "contains", json!("ol"), true),
        ("plan", "not_contains", json!("ol"), false),
        ("plan", "not_contains", json!("x"), true),
        ("unknown", "not_contains", json!("x"), false),
        ("age", "not_contains", json!("x"), false),
        ("plan", "starts_with", json!("go"), true),
        ("plan", "not_starts_with", json!("go"), false),
        ("unknown", "not_starts_with", json!("go"), false),
        ("plan", "ends_with", json!("ld"), true),
        ("plan", "not_ends_with", json!("x"), true),
        ("nothing", "not_ends_with", json!("x"), false),
    ] {
        check(condition(name, operator, value), &expect.to_string());
    }
    for (name, operator, expect) in [
        ("plan", "exists", true),
        ("empty", "exists", true),
        ("nothing", "exists", false),
        ("unknown", "exists", false),
        ("nothing", "not_exists", true),
        ("unknown", "not_exists", true),
        ("plan", "not_exists", false),
        ("yes", "is_true", true),
        ("no", "is_true", false),
        ("no", "is_false", true),
        ("unknown", "is_false", false),
        ("zero", "is_false", false),
        ("vip", "is_true", true),
    ] {
        check(json!({ "path": format!("traits.{name}"), "operator": operator }), &expect.to_string());
    }
}

// R37, R47.
#[test]
fn conditions_are_grouped_and_reach_the_whole_event() {
    let gold = condition("plan", "=", json!("gold"));
    let silver = condition("plan", "=", json!("silver"));
    let identify = json!({ "path": "type", "operator": "=", "value": "identify" });
    check(json!({ "all": [gold, identify] }), "true");
    check(json!({ "all": [gold, silver] }), "false");
    check(json!({ "any": [silver, { "all": [gold, { "any": [silver, identify] }] }] }), "true");
    check(json!({ "all": [] }), "true");
    check(json!({ "path": "context.personas.computation_key", "operator": "=", "value": "vip" }), "true");
    let entered = json!({ "path": "event", "operator": "=", "value": "Audience Entered" });
    assert_eq!(told(&entered, Form::Track, true), "true");
    assert_eq!(told(&entered, Form::Track, false), "false");
    assert_eq!(told(&entered, Form::Identify, true), "false");
}

// R48, R49.
#[test]
fn a_text_means_what_the_table_means() {
    for (text, expect) in [
        (r#"type = "identify" and traits.plan = "gold""#, true),
        ("type='identify' and traits.plan='gold'", true),
        ("type = 'track' or traits.age >= 30", true),
        ("type = 'track' and traits.age >= 30 or traits.vip is_true", true),
        ("type = 'track' and (traits.age >= 30 or traits.vip is_true)", false),
        ("traits.plan starts_with 'go' and traits.unknown not_exists", true),
        ("(((traits.plan != 'x')))", true),
        (r#"traits."pl an" = "x" or traits.plan = "\u0067old""#, true),
        ("(traits.plan = 'x' or traits.age >= 30)", true),
        ("(traits.age>=30)and(traits.age>-0.5)", true),
        ("(traits.age number_equals 30.0) and (traits.age <= 3e1)", true),
        ("(traits.age >= -30)", true),
        ("(traits.plan contains true) or traits.age < 30", false),
        ("((traits.plan not_contains false))", true),
        ("traits.'a/b' exists", false),
        ("traits.plan contains '~'", false),
    ] {
        check(json!(text), &expect.to_string());
    }
}

#[test]
fn what_is_wrong_in_a_trigger_is_told() {
    check(
        json!({ "all": [condition("age", "=", json!(30))] }),
        "all.[0]: `=` compares texts and never equals 30; for that there is `number_equals`"
            .replace("all.[0]", "all[0]")
            .as_str(),
    );
    check(
        condition("vip", "=", json!(true)),
        "the expression: `=` compares texts and never equals true; for that there is `is_true`",
    );
    check(
        condition("vip", "!=", json!(true)),
        "the expression: `!=` compares texts and never equals true; for that there is `is_false`",
    );
    check(condition("age", ">", json!("x")), "the expression: this must be a number");
    check(condition("age", "exist", json!(1)), "the expression: there is no operator `exist`, did you mean `exists`?");
    check(condition("age", "exists", json!(1)), "the expression: this must be left out: the operator takes no value");
    check(json!({ "path": "a", "operator": "=" }), "the expression: `value` is missing");
    check(json!({ "path": "a" }), "the expression: `operator` is missing");
    check(json!({ "any": [] }), "any: this must be a list that is not empty, or nothing could ever match");
    check(json!({ "all": [], "any": [] }), "the expression: this must be `all`, `any`, or a `path` with an `operator`");
    check(json!(1), "the expression: this must be an object with options");
    check(json!(""), "the expression: a path is expected at the end");
    check(json!("a ="), "the expression: a text in quotes, a number, true or false is expected at the end");
    check(json!("a = 'x' b"), "the expression: `b` is neither `and` nor `or`");
    check(json!("a is 'x'"), "the expression: an operator is expected before `is 'x'`");
    check(json!("(a exists"), "the expression: `)` is expected at the end");
    check(json!("a = 'x"), "the expression: a quote that ends is expected before `'x`");
    check(json!("a = 1"), "the expression: `=` compares texts and never equals 1; for that there is `number_equals`");
    check(json!("(".repeat(4_000)), "the expression: this is nested deeper than 32 levels");
    let deep = (0..40).fold(json!({ "all": [] }), |inner, _| json!({ "any": [inner] }));
    assert!(told(&deep, Form::Identify, true).ends_with("this is nested deeper than 32 levels"));
}

/// What is told of a text, and what to write in its place.
#[track_caller]
fn foreign(text: &str, expect: &str) {
    let emission = emission();
    let errors = Compiler::new(&emission, Form::Identify).trigger(&json!(text)).expect_err(text);
    let hints: Vec<String> = errors.iter().map(|error| error.hint().unwrap_or_else(|| error.to_string())).collect();
    assert_eq!(hints.join("; "), expect, "{text}");
}

#[test]
fn functions_of_the_original_are_told_in_our_spelling() {
    foreign(r#"contains(traits.plan, "ol")"#, r#"write `traits.plan contains "ol"`"#);
    foreign(r#"type = "identify" and contains(traits.plan, 'o,l')"#, "write `traits.plan contains 'o,l'`");
    foreign(r#"!contains(traits.plan, "ol")"#, r#"write `traits.plan not_contains "ol"`"#);
    foreign(r#"! contains( traits.plan , "ol" )"#, r#"write `traits.plan not_contains "ol"`"#);
    foreign(r#"not contains(traits.plan, "ol")"#, r#"write `traits.plan not_contains "ol"`"#);
    foreign(r#"match(traits.plan, "go*")"#, r#"write `traits.plan starts_with "go"`"#);
    foreign(r#"match(traits.plan, "*ld")"#, r#"write `traits.plan ends_with "ld"`"#);
    foreign(r#"match(traits.plan, "*ol*")"#, r#"write `traits.plan contains "ol"`"#);
    foreign(r#"match(traits.plan, "gold")"#, r#"write `traits.plan = "gold"`"#);
    foreign(r#"!match(traits.plan, "go*")"#, r#"write `traits.plan not_starts_with "go"`"#);
    foreign(r#"!match(traits.plan, "gold")"#, r#"write `traits.plan != "gold"`"#);
    foreign(
        r#"match(traits.plan, "g*d")"#,
        r#"write `traits.plan starts_with "g" and traits.plan ends_with "d"`; there are no patterns"#,
    );
    foreign("exists(traits.plan)", "write `traits.plan exists`");
    foreign("!exists(traits.plan)", "write `traits.plan not_exists`");
    foreign(
        "lowercase(traits.plan) = 'gold'",
        "write each spelling, `traits.plan = 'gold' or …`, or `lower(…)` in `where` of the audience: \
         nothing is computed in a condition",
    );
    foreign(
        "length(traits.cart) > 3",
        "write `json_array_length(traits -> 'NAME')` or `length(traits ->> 'NAME')` in `where` of the audience; \
         `traits.cart exists` says that there is one",
    );
    for text in ["typeof(traits.age) = 'number'", "is_subset(traits.tags, ['a'])", "snakecase(event) = 'x'", "f()"] {
        let emission = emission();
        let errors = Compiler::new(&emission, Form::Identify).trigger(&json!(text)).expect_err(text);
        assert!(errors[0].hint().is_some(), "{text}: {}", errors[0]);
    }
}

#[test]
fn nothing_is_asked_for_by_exists() {
    for (written, there) in [("= null", false), ("!= null", true), ("is null", false), ("IS NOT NULL", true)] {
        let instead = if there { "exists" } else { "not_exists" };
        foreign(&format!("traits.plan {written}"), &format!("write `traits.plan {instead}`"));
        foreign(&format!("(type = 'identify' and traits.plan {written})"), &format!("write `traits.plan {instead}`"));
    }
    foreign("traits.plan=null", "write `traits.plan not_exists`");
    foreign("traits.plan <> null", "write `traits.plan exists`");
    foreign("traits.plan == undefined", "write `traits.plan not_exists`");
    foreign("traits.plan = None or type = 'x'", "write `traits.plan not_exists`");
    let emission = emission();
    for (operator, instead) in [("=", "not_exists"), ("!=", "exists")] {
        let errors = Compiler::new(&emission, Form::Identify).trigger(&condition("plan", operator, json!(null)));
        assert_eq!(errors.unwrap_err()[0].hint(), Some(format!("write `traits.plan {instead}`")));
    }
}

#[test]
fn other_languages_are_told_in_our_spelling() {
    foreign("traits.plan == 'gold'", "write `traits.plan = 'gold'`");
    foreign("traits.plan <> 'gold'", "write `traits.plan != 'gold'`");
    foreign("traits.age => 30", "write `traits.age >= 30`");
    foreign("traits.plan = 'a' && traits.age > 3", "write `and` between two conditions");
    foreign("(traits.plan = 'a' || traits.age > 3)", "write `or` between two conditions");
    foreign("traits.plan = 'a' AND traits.age > 3", "write `and`, in lower case");
    foreign("traits.plan in ('a', \"b\")", "write `traits.plan = 'a' or traits.plan = \"b\"`");
    foreign("traits.plan not in ('a', 'b')", "write `traits.plan != 'a' and traits.plan != 'b'`");
    foreign("traits.plan like '%ol%'", "write `traits.plan contains \"ol\"`");
    foreign("traits.plan LIKE 'go%'", "write `traits.plan starts_with \"go\"`");
    foreign("traits.plan not contains 'x'", "write `traits.plan not_contains`");
    foreign("traits.vip", "write `traits.vip is_true`, or `traits.vip exists`");
    foreign("type = 'identify' and !traits.vip", "write `traits.vip is_false`, or `traits.vip not_exists`");
    foreign("traits.vip is true", "write `traits.vip is_true`");
    foreign("traits.vip = TRUE", "write `traits.vip is_true`");
    foreign("traits.plan = gold", "write `traits.plan = \"gold\"`, with quotes");
    foreign("traits.plan = “gold”", "write `traits.plan = \"gold\"`, with straight quotes");
    foreign(r"traits.my\ plan = 'x'", "write `traits.\"my plan\"`, with quotes around the name instead of backslashes");
    foreign(r"traits.a\/b\.c exists", "write `traits.\"a/b.c\"`, with quotes around the name instead of backslashes");
    foreign("traits.plan = 'it''s'", "write a text with an apostrophe in double quotes: `\"it's\"`");
    foreign("traits.age = 30", "write `number_equals 30`");
    foreign("traits.vip != true", "write `is_false` alone");
    foreign("traits.age > .5", "write `traits.age > 0.5`");
    foreign("traits.age > +5", "write `traits.age > 5`");
    let opposite = "write the opposite of each condition: `!=` for `=`, `not_contains` for `contains`, `>=` for `<`";
    foreign("type = 'identify' and not (traits.plan = 'x')", opposite);
    foreign("type = 'identify' and not traits.plan = 'x'", opposite);
    foreign("!(traits.plan = 'x')", opposite);
    check(condition("plan", "<>", json!("x")), "the expression: there is no operator `<>`, did you mean `!=`?");
    check(
        condition("plan", "Does not contain", json!("x")),
        "the expression: there is no operator `Does not contain`, did you mean `not_contains`?",
    );
}

#[test]
fn what_closes_in_the_wrong_place_is_told() {
    check(json!("traits.age >= 30]"), "the expression: `]` is neither `and` nor `or`");
    check(json!("traits.age >= 30, type exists"), "the expression: `, type exists` is neither `and` nor `or`");
    check(json!("traits.age >= 30)"), "the expression: `)` is neither `and` nor `or`");
    check(json!("traits.age >= 30 31"), "the expression: `31` is neither `and` nor `or`");
    check(
        json!("traits.age >= 1-2"),
        "the expression: a text in quotes, a number, true or false is expected before `1-2`",
    );
}

#[track_caller]
fn possible(text: &str, form: Form, expect: [bool; 2]) {
    let emission = emission();
    let trigger = Compiler::new(&emission, form).trigger(&json!(text)).unwrap();
    assert_eq!([trigger.possible(true), trigger.possible(false)], expect, "{text}");
}

// R46.
#[test]
fn what_depends_on_the_profile_is_possible() {
    possible("type = 'identify'", Form::Identify, [true, true]);
    possible("type = 'identify'", Form::Track, [false, false]);
    possible("traits.plan = 'gold'", Form::Identify, [true, true]);
    possible("traits.plan = 'gold'", Form::Track, [false, false]);
    possible("event = 'Audience Entered' and properties.plan = 'x'", Form::Track, [true, false]);
    possible("traits.vip is_false or type = 'track'", Form::Identify, [false, true]);
    possible("context.personas.computation_class = 'trait'", Form::Track, [false, false]);
    possible("userId not_exists", Form::Track, [true, true]);
}

#[test]
fn an_explanation_has_every_condition_in_words() {
    let emission = emission();
    let mut compiler = Compiler::new(&emission, Form::Identify);
    let trigger = compiler.trigger(&json!("traits.plan = 'x' or (traits.age > 20 and traits.vip is_false)")).unwrap();
    let texts = texts(compiler.inputs());
    let told = trigger.explain(&Member::new(&texts, true));
    let expect = [("traits.plan = \"x\"", false), ("traits.age > 20", true), ("traits.vip is_false", false)];
    assert_eq!(told, expect.map(|(words, met)| (words.to_owned(), met)));
}

proptest! {
    #[test]
    fn any_text_is_a_trigger_or_refused(text in "[a=<!()'\" 1\\\\.]{0,16}", words in prop::collection::vec(
        prop::sample::select(vec!["a", "traits.a", "=", "exists", "and", "or", "(", ")", "'x'", "1", "<", "not", "!",
            "match(", "f", "in", "null", "like", "&&", "is", "“"]), 0..10)) {
        let emission = emission();
        for text in [text, words.join(" ")] {
            let mut compiler = Compiler::new(&emission, Form::Identify);
            if let Ok(trigger) = compiler.trigger(&json!(text)) {
                let texts = [Some("1")];
                let member = Member::new(&texts, true);
                prop_assert!(!trigger.matches(&member) || trigger.possible(true));
                prop_assert!(!trigger.explain(&member).is_empty());
            }
        }
    }
}
