//! Whatever is written and whatever a profile holds: compiling and running are total, bounded and repeatable.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{emission, path};
use crate::emission::Form;
use crate::mapping::{Compiler, Member, OUTPUT_BYTES_MAX};

/// Texts that mean something somewhere in an expression.
const TEXTS: [&str; 16] = [
    "lower",
    "right",
    "encode",
    "decode",
    "_",
    "a",
    "",
    "traits.a",
    "$.a.b",
    "b[0]",
    "context.traits",
    "{{ traits.a }}",
    "x{{ a | append: traits.b }}",
    "{% if a %}{{ b }}{% else %}{{ traits.a | json }}{% endif %}",
    "type = 'identify' or traits.a > 1",
    "(traits.a exists",
];

/// Keys that mean something somewhere in an expression or a trigger, and two that do not.
const KEYS: &str = "@path @template @liquid @literal @if @coalesce @concatenate @case @replace @arrayPath @merge \
    @transform @flatten @json @excludeWhenNull exists blank then else value pattern replacement operator direction \
    objects apply mapping separator mode all any path a b";

/// A directive whose options are right, these of them open.
fn directive(
    inner: impl Strategy<Value = Value>,
    name: &'static str,
    fixed: Value,
    open: &'static [&'static str],
) -> impl Strategy<Value = Value> {
    prop::collection::vec(inner, open.len()).prop_map(move |values| {
        let mut options = fixed.clone();
        for (key, value) in open.iter().zip(values) {
            options[*key] = value;
        }
        json!({ name: options })
    })
}

/// Values that are likely to be expressions.
fn written() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-2_i64..3).prop_map(Value::from),
        prop::sample::select(&TEXTS[..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let keys: Vec<&str> = KEYS.split_whitespace().collect();
        let entries = prop::collection::vec((prop::sample::select(keys), inner.clone()), 0..3);
        let few = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            2 => few.clone().prop_map(Value::Array),
            2 => entries.prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            1 => inner.clone().prop_map(|value| json!({ "@excludeWhenNull": value })),
            1 => few.clone().prop_map(|values| json!({ "@coalesce": values })),
            1 => few.prop_map(|values| json!({ "@merge": { "direction": "left", "objects": values } })),
            1 => (inner.clone(), inner.clone()).prop_map(|(list, item)| json!({ "@arrayPath": [list, { "i": item }] })),
            1 => (inner.clone(), inner.clone())
                .prop_map(|(apply, mapping)| json!({ "@transform": { "apply": { "a": apply }, "mapping": mapping } })),
            1 => directive(inner.clone(), "@if", json!({}), &["blank", "then", "else"]),
            1 => directive(inner.clone(), "@case", json!({ "operator": "upper" }), &["value"]),
            1 => directive(inner.clone(), "@replace", json!({ "pattern": "a", "replacement": "aa" }), &["value"]),
            1 => directive(inner.clone(), "@flatten", json!({ "separator": "_" }), &["value"]),
            1 => directive(inner.clone(), "@json", json!({ "mode": "encode" }), &["value"]),
            1 => directive(inner, "@json", json!({ "mode": "decode" }), &["value"]),
        ]
    })
}

proptest! {
    #[test]
    fn any_expression_over_any_values_is_total_bounded_and_repeatable(
        written in written(),
        values in prop::collection::vec(prop::option::of(crate::json::tests::json()), 8),
        is_member in any::<bool>(),
    ) {
        let emission = emission();
        let mut compiler = Compiler::new(&emission, Form::Identify);
        let trigger = compiler.trigger(&written);
        let Ok(expression) = compiler.expression(&written) else { return Ok(()) };
        let texts: Vec<Option<String>> = values.iter().map(|value| value.as_ref().map(ToString::to_string)).collect();
        let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        let member = Member::new(&texts, is_member);
        let value = expression.evaluate(&member);
        prop_assert_eq!(&expression.evaluate(&member), &value);
        prop_assert_eq!(&expression.evaluate(&Member::new(&texts, is_member)), &value);
        if let Some(value) = value {
            prop_assert!(value.bytes() <= OUTPUT_BYTES_MAX);
        }
        if let Ok(trigger) = trigger {
            prop_assert!(!trigger.matches(&member) || trigger.possible(is_member));
        }
    }

    #[test]
    fn the_column_of_a_path_holds_what_the_path_evaluates_to(value in crate::json::tests::json()) {
        let emission = emission();
        let mut compiler = Compiler::new(&emission, Form::Identify);
        let expression = compiler.expression(&path("a")).unwrap();
        let text = value.to_string();
        let member_texts = [Some(text.as_str())];
        prop_assert_eq!(expression.column(true), Some(0));
        prop_assert_eq!(expression.evaluate(&Member::new(&member_texts, true)), Some(value));
    }

    #[test]
    fn any_template_is_compiled_or_refused(text in "[a{}%|:'\\- ]{0,16}", inner in "[a |:'.=]{0,8}") {
        let emission = emission();
        for text in [text, format!("{{% if {inner} %}}x{{% endif %}}{{{{ {inner} }}}}")] {
            let expression = Compiler::new(&emission, Form::Identify).expression(&json!({ "@liquid": text }));
            if let Ok(expression) = expression {
                let _ = expression.evaluate(&Member::new(&[], true));
            }
        }
    }
}
