mod property;

use serde_json::{Value, json};

use super::*;
use crate::emission::{Class, Emission, Form};

/// An emission of which `plan` rides along.
pub(super) fn emission() -> Emission {
    Emission { chosen: vec![Input::Trait(vec!["plan".into()])], ..Emission::new("vip", Class::Audience, "braze-eu") }
}

/// The profile that everything here is about, by the last name of an input.
pub(super) fn stored(input: &Input) -> Option<&'static str> {
    let name = match input {
        Input::Identifier(kind) => kind.as_str(),
        Input::Trait(names) | Input::Context(names) => names.last().map_or("", String::as_str),
        Input::Timestamp | Input::MessageId => "",
    };
    Some(match name {
        "email" => r#""ana@example.org""#,
        "name" => r#""Ana O'Neil""#,
        "plan" => r#""gold""#,
        "age" => "30",
        "ltv" => "450.0",
        "big" => "18446744073709551616",
        "zero" => "0",
        "yes" => "true",
        "no" => "false",
        "nothing" => "null",
        "empty" => r#""""#,
        "none" => "[]",
        "tags" => r#"["a","b",null]"#,
        "cart" => r#"[{"id":"x1","price":2.50,"o":{"n":1}},{"id":"x2"}]"#,
        "single" => r#"{"id":"x3"}"#,
        "tree" => r#"{"a":{"b":1,"c":[{"d":2},3]},"e":null}"#,
        "text" => r#""{\"k\":[1.0]}""#,
        "phone" => r#""(555) 123-4567""#,
        "broken" => "{",
        _ => return None,
    })
}

pub(super) fn texts(inputs: &Inputs) -> Vec<Option<&'static str>> {
    inputs.as_slice().iter().map(stored).collect()
}

fn run(written: &Value, is_member: bool) -> String {
    let emission = emission();
    let mut compiler = Compiler::new(&emission, Form::Identify);
    match compiler.expression(written) {
        Ok(expression) => {
            let texts = texts(compiler.inputs());
            let value = expression.evaluate(&Member::new(&texts, is_member));
            value.map_or_else(|| "missing".to_owned(), |value| value.to_string())
        }
        Err(errors) => errors.iter().map(|error| format!("error: {error}")).collect::<Vec<_>>().join("\n"),
    }
}

#[track_caller]
fn check(written: Value, expect: &str) {
    assert_eq!(run(&written, true), expect, "{written}");
}

fn path(name: &str) -> Value {
    json!({ "@path": format!("traits.{name}") })
}

#[test]
fn a_value_stands_for_itself() {
    check(json!("text"), "\"text\"");
    check(json!({ "a": [1, null, { "b": true }], "_metadata": 1 }), r#"{"_metadata":1,"a":[1,null,{"b":true}]}"#);
    check(json!({}), "{}");
}

// R50, R51.
#[test]
fn a_path_is_the_value_there_to_the_digit() {
    check(path("plan"), "\"gold\"");
    check(json!({ "@path": "$.traits.ltv" }), "450.0");
    check(path("big"), "18446744073709551616");
    check(path("cart[0].price"), "2.50");
    check(path("cart[5]"), "missing");
    check(path("vip"), "true");
    check(path("nothing"), "null");
    check(path("unknown"), "missing");
    check(path("broken"), "missing");
    check(json!({ "@path": "context.personas.computation_key", "_metadata": { "x": 1 } }), "\"vip\"");
    check(json!({ "@path": "traits" }), r#"{"vip":true,"email":"ana@example.org","plan":"gold"}"#);
}

#[test]
fn what_is_missing_is_dropped_and_null_is_kept() {
    let parts = json!({ "a": path("unknown"), "b": path("nothing"), "c": [path("unknown"), null, path("age")] });
    check(parts, r#"{"b":null,"c":[null,30]}"#);
}

// R38.
#[test]
fn on_an_exit_traits_are_missing_and_identifiers_are_there() {
    let all = json!({ "plan": path("plan"), "email": path("email"), "vip": path("vip"), "age": path("age") });
    assert_eq!(run(&all, false), r#"{"email":"ana@example.org","vip":false}"#);
}

#[test]
fn a_condition_chooses_by_what_is_there() {
    let by = |kind: &str, name: &str| json!({ "@if": { kind: path(name), "then": "y", "else": "n" } });
    for (name, exists, blank) in [
        ("plan", "y", "y"),
        ("unknown", "n", "n"),
        ("nothing", "n", "n"),
        ("empty", "y", "n"),
        ("zero", "y", "n"),
        ("no", "y", "n"),
        ("none", "y", "n"),
        ("age", "y", "y"),
    ] {
        check(by("exists", name), &format!("\"{exists}\""));
        check(by("blank", name), &format!("\"{blank}\""));
    }
    check(json!({ "@if": { "exists": path("unknown"), "then": 1, "else": false } }), "false");
    check(json!({ "@if": { "exists": path("unknown"), "then": 1, "else": null } }), "null");
    check(json!({ "@if": { "exists": path("unknown"), "then": 1 } }), "missing");
}

// R53.
#[test]
fn the_first_that_is_there_is_taken() {
    check(json!({ "@coalesce": [path("unknown"), path("nothing"), path("zero"), path("age")] }), "0");
    check(json!({ "@coalesce": [path("unknown"), path("nothing")] }), "missing");
}

#[test]
fn texts_are_joined_without_those_that_are_not_there() {
    let values = json!([path("plan"), path("unknown"), path("nothing"), path("age"), path("none")]);
    check(json!({ "@concatenate": values.clone() }), r#""gold30[]""#);
    check(json!({ "@concatenate": { "values": values, "separator": " " } }), r#""gold 30 []""#);
    check(json!({ "@concatenate": [path("unknown")] }), "missing");
}

#[test]
fn only_texts_have_a_case() {
    let case = |name: &str| json!({ "@case": { "operator": "upper", "value": path(name) } });
    check(case("plan"), "\"GOLD\"");
    check(case("age"), "30");
    check(case("nothing"), "null");
    check(case("unknown"), "missing");
    check(json!({ "@case": { "operator": "lower", "value": "ÉA" } }), "\"éa\"");
}

#[test]
fn patterns_are_replaced_as_they_stand() {
    let replace = |value: Value, more: Value| {
        let mut options = json!({ "value": value });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "@replace": options })
    };
    check(replace(path("phone"), json!({ "pattern": "-" })), "\"(555) 1234567\"");
    check(replace(path("phone"), json!({ "pattern": "(", "pattern2": ")", "replacement2": "." })), "\"555. 123-4567\"");
    check(replace("a.b.a".into(), json!({ "pattern": ".", "replacement": "+" })), "\"a+b+a\"");
    check(replace("aXaxÀà".into(), json!({ "pattern": "x", "ignorecase": true })), "\"aaÀà\"");
    check(replace("Àà".into(), json!({ "pattern": "à", "replacement": "o", "ignorecase": true })), "\"oo\"");
    check(replace("aaa".into(), json!({ "pattern": "a", "replacement": "b", "global": false })), "\"baa\"");
    check(
        replace("AaA".into(), json!({ "pattern": "a", "replacement": "o", "global": false, "ignorecase": true })),
        "\"oaA\"",
    );
    check(replace(path("age"), json!({ "pattern": "3", "replacement": "4" })), "\"40\"");
    check(replace(path("yes"), json!({ "pattern": "true", "replacement": "1" })), "\"1\"");
    check(replace(path("nothing"), json!({ "pattern": "a" })), "null");
    check(replace(path("unknown"), json!({ "pattern": "a" })), "missing");
    check(replace(path("tags"), json!({ "pattern": "a" })), r#"["a","b",null]"#);
}

#[test]
fn each_item_of_a_list_takes_the_shape() {
    let shape = json!({ "sku": { "@path": "$.id" }, "n": { "@path": "o.n" }, "fix": 1 });
    check(
        json!({ "@arrayPath": ["$.traits.cart", shape.clone()] }),
        r#"[{"fix":1,"n":1,"sku":"x1"},{"fix":1,"sku":"x2"}]"#,
    );
    check(json!({ "@arrayPath": ["traits.single", shape.clone()] }), r#"[{"fix":1,"sku":"x3"}]"#);
    check(json!({ "@arrayPath": ["traits.unknown", shape.clone()] }), "missing");
    check(json!({ "@arrayPath": ["traits.age", shape.clone()] }), "30");
    check(json!({ "@arrayPath": ["traits.tags"] }), r#"["a","b",null]"#);
    check(json!({ "@arrayPath": ["traits.single", {}] }), r#"{"id":"x3"}"#);
    check(json!({ "@arrayPath": [[{ "id": 7 }], shape] }), r#"[{"fix":1,"sku":7}]"#);
}

#[test]
fn objects_merge_in_the_direction_that_is_asked_for() {
    let merge = |direction: &str| {
        json!({ "@merge": { "direction": direction, "objects": [
        { "a": 1, "b": 1 }, path("unknown"), path("age"), { "b": 2, "c": 2 }] } })
    };
    check(merge("right"), r#"{"a":1,"b":2,"c":2}"#);
    check(merge("left"), r#"{"a":1,"b":1,"c":2}"#);
    check(json!({ "@merge": { "direction": "left", "objects": [] } }), "{}");
    let objects = json!([{ "a": 1 }, "x", 7, null, [1], { "@literal": "x" }, { "@template": "x" }, { "@literal": {} }]);
    let refused = |at: usize| format!("error: @merge.objects[{at}]: this must be an object, or a directive");
    let expect: Vec<String> = (1..=6).map(refused).collect();
    check(json!({ "@merge": { "direction": "left", "objects": objects } }), &expect.join("\n"));
    let nested = json!([{ "@excludeWhenNull": true }, { "@if": { "exists": path("plan"), "then": { "a": 1 } } }]);
    check(json!({ "@merge": { "direction": "left", "objects": nested } }), &refused(0));
}

#[test]
fn a_transform_maps_what_it_applied() {
    check(
        json!({ "@transform": {
            "apply": { "who": { "@template": "{{ traits.name }}!" }, "list": path("cart") },
            "mapping": { "n": { "@path": "who" }, "ids": { "@arrayPath": ["list", { "i": { "@path": "id" } }] },
                "none": { "@path": "traits.plan" } },
        } }),
        r#"{"ids":[{"i":"x1"},{"i":"x2"}],"n":"Ana O'Neil!"}"#,
    );
    check(json!({ "@transform": { "apply": { "a": 1 }, "mapping": { "@path": "$" } } }), r#"{"a":1}"#);
}

#[test]
fn an_object_is_flattened_to_one_level() {
    let flatten =
        |name: &str, keep: bool| json!({ "@flatten": { "value": path(name), "separator": "_", "omitArrays": keep } });
    check(flatten("tree", false), r#"{"a_b":1,"a_c_0_d":2,"a_c_1":3,"e":null}"#);
    check(flatten("tree", true), r#"{"a_b":1,"a_c":[{"d":2},3],"e":null}"#);
    check(flatten("tags", false), r#"{"0":"a","1":"b","2":null}"#);
    check(flatten("tags", true), r#"["a","b",null]"#);
    check(flatten("age", false), "30");
    check(flatten("unknown", false), "missing");
}

#[test]
fn json_is_written_and_read() {
    check(
        json!({ "@json": { "mode": "encode", "value": path("cart[0]") } }),
        r#""{\"id\":\"x1\",\"price\":2.50,\"o\":{\"n\":1}}""#,
    );
    check(json!({ "@json": { "mode": "decode", "value": path("text") } }), r#"{"k":[1.0]}"#);
    check(json!({ "@json": { "mode": "decode", "value": "{" } }), "missing");
    check(json!({ "@json": { "mode": "decode", "value": path("age") } }), "30");
    check(json!({ "@json": { "mode": "encode", "value": path("unknown") } }), "missing");
}

#[test]
fn null_can_be_left_out_and_a_literal_is_not_read() {
    check(
        json!({ "a": { "@excludeWhenNull": path("nothing") }, "b": { "@excludeWhenNull": path("zero") } }),
        r#"{"b":0}"#,
    );
    let whole = |value: Value| json!({ "@excludeWhenNull": value });
    check(whole(path("tree")), r#"{"a":{"b":1,"c":[{"d":2},3]}}"#);
    check(whole(path("tags")), r#"["a","b"]"#);
    check(whole(path("plan")), "\"gold\"");
    check(whole(path("unknown")), "missing");
    check(
        whole(
            json!({ "a": null, "b": [null, { "c": null, "d": [[null], 1] }], "e": { "f": { "g": path("nothing") } } }),
        ),
        r#"{"b":[{"d":[[],1]}],"e":{"f":{}}}"#,
    );
    check(
        json!({ "keep": path("nothing"), "not": whole(json!({ "x": path("nothing") })) }),
        r#"{"keep":null,"not":{}}"#,
    );
    check(
        json!({ "@if": { "exists": whole(path("nothing")), "then": 1, "else": whole(json!({ "@literal": [null] })) } }),
        "[]",
    );
    check(json!({ "@literal": { "@path": "traits.plan", "x": 1 } }), r#"{"@path":"traits.plan","x":1}"#);
    check(json!({ "@literal": "" }), "\"\"");
}

#[test]
fn a_template_fills_values_in() {
    let template = |text: &str| json!({ "@template": text });
    check(template("Hi {{ traits.name }}, {{traits.age}}"), r#""Hi Ana O'Neil, 30""#);
    check(template("{{{ traits.name }}}!"), r#""Ana O'Neil!""#);
    check(template("<{{ traits.unknown }}{{ traits.nothing }}>"), "\"<>\"");
    check(template("{{ traits.unknown }}"), "missing");
    check(template("{{ traits.nothing }}"), "null");
    check(template("{{ traits.age }}"), "\"30\"");
    check(template("{{ traits.tags }} {% if %}"), r#""[\"a\",\"b\",null] {% if %}""#);
    check(template("plain"), "\"plain\"");
    check(template(""), "\"\"");
    check(template("{{ traits.'na|me' | default: \"a, b\" }}"), "\"a, b\"");
}

#[test]
fn filters_make_something_else_of_a_value() {
    for (filter, expect) in [
        ("name | upcase", "\"ANA O'NEIL\""),
        ("name | downcase | capitalize", "\"Ana o'neil\""),
        ("unknown | default: 'x'", "\"x\""),
        ("empty | default: traits.plan", "\"gold\""),
        ("zero | default: 'x'", "\"0\""),
        ("unknown | upcase", "missing"),
        ("nothing | upcase", "null"),
        ("plan | append: '!' | prepend: traits.age", "\"30gold!\""),
        ("phone | remove: '-' | replace: ' ', '.'", "\"(555).1234567\""),
        ("name | truncate: 6", "\"Ana...\""),
        ("tags | join: '+'", "\"a+b+\""),
        ("tags | first", "\"a\""),
        ("tags | size", "\"3\""),
        ("email | split: '@' | last", "\"example.org\""),
        ("email | size", "\"15\""),
        ("tags | json", r#""[\"a\",\"b\",null]""#),
        ("plan | replace: '', 'x'", "\"gold\""),
        ("plan | first", "\"g\""),
    ] {
        check(json!({ "@liquid": format!("{{{{ traits.{filter} }}}}") }), expect);
    }
}

#[test]
fn tags_choose_between_texts() {
    let liquid = |text: &str| json!({ "@liquid": text });
    check(liquid("{% if traits.plan == 'gold' %}G{% elsif traits.age > 20 %}O{% else %}-{% endif %}!"), "\"G!\"");
    check(liquid("{% if traits.plan == 'x' %}G{% elsif traits.age > 20 %}O{% else %}-{% endif %}!"), "\"O!\"");
    check(liquid("{% unless traits.plan %}no{% else %}yes{% endunless %}"), "\"yes\"");
    check(liquid("a {%- if traits.unknown or traits.zero -%} b {%- endif %}"), "\"ab\"");
    check(
        liquid("{% if traits.age >= 30 and traits.ltv == 450 and traits.name contains \"O'N\" %}y{% endif %}"),
        "\"y\"",
    );
    check(liquid("{% if traits.empty == blank %}e{% endif %}{% if traits.plan != blank %}p{% endif %}"), "\"ep\"");
    check(liquid("{% if traits.unknown == nil %}{% if traits.no %}a{% else %}b{% endif %}{% endif %}"), "\"b\"");
    check(liquid("{% if traits.tags contains 'b' %}y{% endif %}"), "\"y\"");
}

#[test]
fn mistakes_name_their_place_and_a_way_out() {
    check(json!({ "a": { "@pth": "x" } }), "error: a.@pth: there is no directive `@pth`, did you mean `@path`?");
    check(
        json!({ "@path": "traits.a", "b": 1 }),
        "error: the expression: `@path` stands alone in its object, without `b`",
    );
    check(
        json!([{ "@if": { "exist": 1, "then": 2 } }]),
        "error: [0].@if: there is no option `exist`, did you mean `exists`?\nerror: [0].@if: `exists` is missing",
    );
    check(json!({ "@if": { "exists": 1 } }), "error: @if: `then` is missing");
    check(
        json!({ "@case": { "operator": "title", "value": 1 } }),
        "error: @case.operator: this must be `lower` or `upper`",
    );
    check(
        json!({ "@replace": { "value": 1, "pattern": "12345678901" } }),
        "error: @replace.pattern: this must be a text of at most 10 characters",
    );
    check(
        json!({ "@replace": { "value": 1, "pattern": "" } }),
        "error: @replace.pattern: this must be a text that is not empty",
    );
    check(json!({ "@path": 3 }), "error: @path: this must be a text");
    check(
        json!({ "@path": "traits.'a\"b'" }),
        "error: @path: `a\"b` holds a quote or a backslash, and a profile's value with such a name cannot be read",
    );
    check(
        json!({ "@template": "{{ a..b }}" }),
        "error: @template: path `a..b` has an empty name; a name that is really empty is written `\"\"`",
    );
    check(json!({ "@template": "{{ a" }), "error: @template: `{{` has no `}}`");
    check(
        json!({ "@liquid": "{% for a in b %}" }),
        "error: @liquid: there is no tag `for`; tags are if, unless, elsif and else",
    );
    check(json!({ "@liquid": "{% if a %}" }), "error: @liquid: `if` has no `endif`");
    check(json!({ "@liquid": "{% endif %}" }), "error: @liquid: `endif` belongs to no open `if` or `unless`");
    check(
        json!({ "@liquid": "{% if a and b or c %}{% endif %}" }),
        "error: @liquid: a test joins its parts by `and` or by `or`, not by both",
    );
    check(
        json!({ "@liquid": "{{ a | upcas }}" }),
        "error: @liquid: there is no filter `upcas`, did you mean `upcase`?",
    );
    check(json!({ "@liquid": "{{ a | join }}" }), "error: @liquid: `join` takes 1 arguments, not 0");
    check(json!({ "@liquid": "a".repeat(1_001) }), "error: @liquid: a template has at most 1000 characters");
}

#[test]
fn an_expression_is_bounded_when_it_is_written() {
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    assert!(run(&deep, true).ends_with("this is nested deeper than 32 levels"));
    let wide = Value::Array(vec![json!(1); PARTS_MAX]);
    check(wide, "error: [9999]: this has more than 10000 parts");
    let ifs = "{% if a %}".repeat(40) + &"{% endif %}".repeat(40);
    check(json!({ "@liquid": ifs }), "error: @liquid: this is nested deeper than 32 levels");
}

#[test]
fn a_value_that_grows_too_large_is_missing_and_counted() {
    let emission = emission();
    let mut compiler = Compiler::new(&emission, Form::Identify);
    let long = format!("\"{}\"", "a".repeat(60_000));
    let twice = compiler.expression(&json!({ "@template": "{{ traits.a }}{{ traits.a }}" })).unwrap();
    let ample = compiler
        .expression(&json!({ "@replace": { "value": path("a"), "pattern": "a", "replacement": "0123456789" } }))
        .unwrap();
    let endless = compiler
        .expression(&json!({ "@coalesce": [{ "@liquid": "{{ traits.a | replace: 'a', traits.a }}" }, 1] }))
        .unwrap();
    let fits = compiler.expression(&path("a")).unwrap();
    let texts = [Some(long.as_str())];
    let member = Member::new(&texts, true);
    for (expression, overruns) in [(&twice, 1), (&ample, 2), (&endless, 3)] {
        assert_eq!(expression.evaluate(&member), None);
        assert_eq!(member.overruns(), overruns);
    }
    assert_eq!(fits.evaluate(&member).unwrap().to_string(), long);
    assert_eq!(member.overruns(), 3);
}

#[test]
fn a_path_alone_is_a_column_that_needs_no_evaluation() {
    let emission = emission();
    let mut compiler = Compiler::new(&emission, Form::Identify);
    let mut column = |written: &Value, is_member| compiler.expression(written).unwrap().column(is_member);
    assert_eq!(column(&path("plan"), true), Some(0));
    assert_eq!(column(&path("email"), true), Some(1));
    assert_eq!(column(&path("plan"), true), Some(0), "one column, however often it is named");
    assert_eq!([column(&path("plan"), false), column(&path("email"), false)], [None, Some(1)]);
    for written in [path("cart[0]"), path("vip"), json!(1), json!({ "@template": "{{ traits.plan }}" })] {
        assert_eq!(column(&written, true), None);
    }
}

// R33, R34, R38.
#[test]
fn expressions_see_the_event_that_is_shown() {
    let emission = emission();
    for (form, is_member) in
        [(Form::Identify, true), (Form::Identify, false), (Form::Track, true), (Form::Track, false)]
    {
        let mut compiler = Compiler::new(&emission, form);
        let written = ["$", "traits", "properties", "context.traits", "event", "integrations.braze-eu", "traits.plan"];
        let expressions = written.map(|text| (text, compiler.expression(&json!({ "@path": text })).unwrap()));
        let text_of = |input: &Input| match input {
            Input::Timestamp => Some("\"2026-03-02\""),
            Input::MessageId => Some("\"m-1\""),
            other => stored(other),
        };
        let texts: Vec<_> = compiler.inputs().as_slice().iter().map(text_of).collect();
        let read = |input: &Input| Some(Json::parse(stored(input)?).unwrap());
        let event = emission.event(form, is_member, read, "m-1", "2026-03-02");
        for (text, expression) in expressions {
            let shown = crate::path::follow(&event, crate::path::Path::parse(text).unwrap().steps()).cloned();
            assert_eq!(expression.evaluate(&Member::new(&texts, is_member)), shown, "{form:?} {is_member} {text}");
        }
    }
}
