//! Templates: `{{ path | filter: argument }}`, and with tags `{% if … %}`, `elsif`, `else`, `unless`.
//!
//! A subset of Liquid without loops, assignments or a clock, so that the work is bounded by the template's length and
//! the values in it. Paths are resolved while compiling like any others.

mod parse;

use std::borrow::Cow;

use crate::json::{Json, compare_numbers};
use crate::mapping::evaluate::{Found, Run};
use crate::mapping::filter::{self, Filter};
use crate::mapping::node::Node;

pub(super) use parse::parse;

/// A compiled template.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Value(Output),
    /// Branches with their tests, the first that holds counts; the last one may be without.
    If(Vec<(Test, Vec<Part>)>),
}

/// A value and what is made of it.
#[derive(Debug, Clone)]
struct Output {
    node: Node,
    filters: Vec<(Filter, Vec<Node>)>,
}

/// A test of a tag.
#[derive(Debug, Clone)]
enum Test {
    Always,
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
    /// Anything but false, null and missing.
    Truthy(Node),
    Compare(Node, Comparison, Operand),
}

#[derive(Debug, Clone)]
enum Operand {
    Node(Node),
    /// `blank`: null, missing, false, or a text or a list with nothing in it.
    Blank,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

/// Comparisons as they are written; of those that begin alike the longer one first.
const COMPARISONS: [(&str, Comparison); 7] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("contains", Comparison::Contains),
];

impl Template {
    pub(super) fn evaluate<'a>(&'a self, run: &Run<'a>, item: Option<&'a Json>) -> Found<'a> {
        if let [Part::Value(output)] = self.0.as_slice() {
            // Nothing but one value: whether there is one shows.
            let value = output.evaluate(run, item)?;
            return match value.as_ref() {
                Json::Null | Json::Text(_) => Some(value),
                other => run.text(other.plain().into_owned()),
            };
        }
        let mut text = String::new();
        write(&self.0, run, item, &mut text)?;
        Some(Cow::Owned(Json::Text(text)))
    }
}

/// Writes parts behind what was written; nothing where the allowance is used up.
fn write<'a>(parts: &'a [Part], run: &Run<'a>, item: Option<&'a Json>, text: &mut String) -> Option<()> {
    for part in parts {
        match part {
            Part::Text(constant) => {
                run.pay(constant.len())?;
                text.push_str(constant);
            }
            Part::Value(output) => {
                if let Some(value) = output.evaluate(run, item) {
                    run.pay(value.bytes())?;
                    text.push_str(&value.plain());
                }
            }
            Part::If(branches) => {
                if let Some((_, parts)) = branches.iter().find(|(test, _)| test.holds(run, item)) {
                    write(parts, run, item, text)?;
                }
            }
        }
    }
    if run.is_over() { None } else { Some(()) }
}

impl Output {
    fn evaluate<'a>(&'a self, run: &Run<'a>, item: Option<&'a Json>) -> Found<'a> {
        let mut value = self.node.evaluate(run, item);
        for (filter, arguments) in &self.filters {
            let arguments: Vec<Found<'a>> = arguments.iter().map(|node| node.evaluate(run, item)).collect();
            value = filter.apply(value, &arguments, run);
        }
        value
    }
}

impl Test {
    fn holds<'a>(&'a self, run: &Run<'a>, item: Option<&'a Json>) -> bool {
        match self {
            Self::Always => true,
            Self::Not(test) => !test.holds(run, item),
            Self::All(tests) => tests.iter().all(|test| test.holds(run, item)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(run, item)),
            Self::Truthy(node) => {
                !matches!(node.evaluate(run, item).as_deref(), None | Some(Json::Null | Json::Bool(false)))
            }
            Self::Compare(left, comparison, right) => {
                let left = left.evaluate(run, item);
                let left = left.as_deref().unwrap_or(&Json::Null);
                match right {
                    Operand::Blank => filter::is_empty(left) == (*comparison == Comparison::Equal),
                    Operand::Node(right) => {
                        let right = right.evaluate(run, item);
                        comparison.holds(left, right.as_deref().unwrap_or(&Json::Null))
                    }
                }
            }
        }
    }
}

impl Comparison {
    fn holds(self, left: &Json, right: &Json) -> bool {
        let numbers = || match (left, right) {
            (Json::Number(left), Json::Number(right)) => compare_numbers(left, right),
            _ => None,
        };
        let is_equal = || numbers().map_or_else(|| left == right, std::cmp::Ordering::is_eq);
        match self {
            Self::Equal => is_equal(),
            Self::NotEqual => !is_equal(),
            Self::Less => numbers().is_some_and(std::cmp::Ordering::is_lt),
            Self::LessOrEqual => numbers().is_some_and(std::cmp::Ordering::is_le),
            Self::Greater => numbers().is_some_and(std::cmp::Ordering::is_gt),
            Self::GreaterOrEqual => numbers().is_some_and(std::cmp::Ordering::is_ge),
            Self::Contains => match left {
                Json::Text(text) => right.as_text().is_some_and(|part| text.contains(part)),
                Json::List(items) => items.contains(right),
                _ => false,
            },
        }
    }
}
