//! What is sent of a member, and whether: expressions and triggers over an event, compiled once and run per member.
//!
//! `Compiler` turns what an operator wrote into programs. Paths are resolved while compiling: a path becomes a literal,
//! a choice by membership, or a column that the host reads for each member. So nothing is parsed and no name is looked
//! up per member, and a field that is one column is passed on as it is ([`Expression::column`]).
//!
//! Everything is total and bounded: an expression has at most [`DEPTH_MAX`] levels and [`PARTS_MAX`] parts, takes at
//! most [`WORK_MAX`] steps and yields at most [`OUTPUT_BYTES_MAX`] bytes, or nothing. Never does an expression fail for
//! a member: what cannot be computed is missing, and the field is left out (property test
//! `any_expression_over_any_values_is_total_bounded_and_repeatable`).
//!
//! # Expressions
//!
//! A value stands for itself; an object with one key that begins with `@` is a directive, at any depth.
//!
//! | Directive | Yields |
//! |---|---|
//! | `@path = "traits.plan"` | the value there |
//! | `@template = "Hi {{ traits.name }}"` | the text with values filled in; filters as in `@liquid` |
//! | `@liquid = "{% if traits.vip %}…{% endif %}"` | the same with `if`, `elsif`, `else` and `unless` |
//! | `@literal = …` | what stands there, directives and all, unread |
//! | `@if = { exists = …, then = …, else = … }` | `then` if the value is there and not null |
//! | `@if = { blank = …, then = …, else = … }` | `then` if it is also not `""`, `0`, `false` or an empty list |
//! | `@coalesce = [ …, … ]` | the first that is there and not null |
//! | `@concatenate = { values = [ … ], separator = " " }` | the texts of those that are there, joined |
//! | `@case = { operator = "lower", value = … }` | the text in lower or `upper` case |
//! | `@replace = { value = …, pattern = "-", replacement = "" }` | the text with it replaced |
//! | `@arrayPath = [ "traits.cart", { sku = { "@path" = "id" } } ]` | a list, each item in this shape |
//! | `@merge = { direction = "right", objects = [ … ] }` | one object; the right one wins, or the `left` |
//! | `@transform = { apply = { … }, mapping = … }` | `mapping`, with paths into what `apply` yields |
//! | `@flatten = { value = …, separator = "_" }` | one level: `{ a = { b = 1 } }` becomes `a_b` |
//! | `@json = { mode = "encode", value = … }` | the JSON text; `decode` reads one |
//! | `@excludeWhenNull = …` | the value without any null in it, or nothing where it is null |
//!
//! What is missing is dropped, from objects and lists alike; null is kept.
//!
//! # Where this differs from the original
//!
//! - `@if` keeps a falsy `else`: `else = false` and `else = 0` are sent. The original drops them.
//! - `@replace` and `@case` on what is missing are missing, on null null; a list or an object stays as it is. The
//!   original makes them `""`.
//! - A template that is nothing but one placeholder is missing where its value is missing, and null where it is null;
//!   the original makes both `""`. In a longer text both are nothing.
//! - `@template` does not turn `&`, `<` or quotes into HTML entities, with two braces or three. A list or an object in
//!   it is written as JSON.
//! - `@literal` is not read: a directive within it stays an object.
//! - `@path`, `@template` and the options of directives are constants; the original lets expressions compute them.
//! - `@json` in mode `decode` on a text that is no JSON is missing; the original fails the event.
//! - `@excludeWhenNull` takes nulls out of lists too; the original leaves lists as they are.
//! - `@merge` refuses constants that are no objects; the original spreads them out.
//! - `@merge` keeps the order in which keys appear first; keys of an object that is written in an expression are in
//!   alphabetical order.
//! - `@coalesce` and `@concatenate` are additions; the original writes them as `@if` and `@template`.
//! - Templates have at most [`TEMPLATE_CHARS_MAX`] characters and no loops, tags besides those above, or filters that
//!   need a clock.
//! - What is wrong is an error when it is compiled. In the original a wrong expression fails each event, and a wrong
//!   trigger never matches.
//! - In a trigger `=` and `!=` take a text, because they never equal a number or a boolean; `value = 30` is an error
//!   that names `number_equals`. Comparing numbers is exact, however many digits they have, and only numbers and texts
//!   that read as one are compared; the original takes null and `""` for 0 and true for 1.
//! - Functions, `!`, `null` and what else the original or SQL write in conditions is an error that shows our spelling.

mod compile;
mod condition;
mod directive;
mod error;
mod evaluate;
mod filter;
mod fql;
mod functions;
mod keys;
mod node;
mod template;
#[cfg(test)]
mod tests;
mod trigger;

use std::cell::{Cell, OnceCell};

use crate::emission::Input;
use crate::json::Json;
use crate::mapping::evaluate::Run;
use crate::mapping::node::Node;

pub use compile::Compiler;
pub use error::{CompileError, Mistake};
pub use trigger::Trigger;

/// Deepest nesting of an expression or a trigger.
pub const DEPTH_MAX: usize = 32;

/// Most parts of an expression: values, keys and placeholders, all counted.
pub const PARTS_MAX: usize = 10_000;

/// Most steps that an expression takes for a member; every part that runs and every byte that is copied is one.
///
/// Sixteen times the largest output, so that what is thrown away on the way has room too.
pub const WORK_MAX: usize = 1 << 20;

/// Largest value that an expression yields, in bytes of JSON. No destination takes a longer one for one field.
pub const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// Longest template, in characters.
pub const TEMPLATE_CHARS_MAX: usize = 1_000;

/// What has to be read for each member: distinct, and in the order of columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs(Vec<Input>);

impl Inputs {
    /// The inputs; the position of one is its column.
    #[must_use]
    pub fn as_slice(&self) -> &[Input] {
        &self.0
    }

    /// The column of this input, which is added if it is new.
    fn column(&mut self, input: Input) -> usize {
        self.0.iter().position(|known| *known == input).unwrap_or_else(|| {
            self.0.push(input);
            self.0.len() - 1
        })
    }
}

/// One member: what was read of the profile, and whether it is in the audience.
#[derive(Debug)]
pub struct Member<'a> {
    json: &'a [Option<&'a str>],
    is_member: bool,
    /// A column that several expressions use is parsed once.
    parsed: Vec<OnceCell<Option<Json>>>,
    overruns: Cell<u32>,
}

impl<'a> Member<'a> {
    /// A member whose columns have these JSON texts, in the order of [`Inputs`]; `None` is a value that is missing.
    #[must_use]
    pub fn new(json: &'a [Option<&'a str>], is_member: bool) -> Self {
        let parsed = std::iter::repeat_with(OnceCell::new).take(json.len()).collect();
        Self { json, is_member, parsed, overruns: Cell::new(0) }
    }

    /// How many values were left out so far because they were beyond a bound.
    #[must_use]
    pub fn overruns(&self) -> u32 {
        self.overruns.get()
    }

    /// The value of a column; a text that is no JSON, which only a damaged store can hold, is missing.
    fn value(&self, column: usize) -> Option<&Json> {
        let read = || self.json.get(column).copied().flatten().and_then(|text| Json::parse(text).ok());
        self.parsed.get(column)?.get_or_init(read).as_ref()
    }
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expression(Node);

impl Expression {
    /// The value for a member, or nothing where it is missing.
    ///
    /// ```
    /// use enroute_core::emission::{Class, Emission, Form};
    /// use enroute_core::mapping::{Compiler, Member};
    /// let emission = Emission::new("vip", Class::Audience, "braze-eu");
    /// let mut compiler = Compiler::new(&emission, Form::Identify);
    /// let written = serde_json::json!({ "@case": { "operator": "upper", "value": { "@path": "traits.plan" } } });
    /// let expression = compiler.expression(&written).unwrap();
    /// assert_eq!(compiler.inputs().as_slice().len(), 1);
    /// let value = expression.evaluate(&Member::new(&[Some("\"gold\"")], true));
    /// assert_eq!(value.unwrap().to_string(), "\"GOLD\"");
    /// assert_eq!(expression.evaluate(&Member::new(&[None], true)), None);
    /// ```
    #[must_use]
    pub fn evaluate(&self, member: &Member<'_>) -> Option<Json> {
        let run = Run::new(member);
        let value = self.0.evaluate(&run, None);
        let fits = value.as_ref().is_none_or(|value| value.bytes() <= OUTPUT_BYTES_MAX);
        if run.is_over() || !fits {
            member.overruns.set(member.overruns.get().saturating_add(1));
            return None;
        }
        value.map(std::borrow::Cow::into_owned)
    }

    /// The column whose text is the value as it stands, if the expression is nothing else. What is not there on exits
    /// has no column for somebody who left.
    #[must_use]
    pub fn column(&self, is_member: bool) -> Option<usize> {
        match &self.0 {
            Node::Input { column, rest, on_exit } if rest.is_empty() && (is_member || *on_exit) => Some(*column),
            _ => None,
        }
    }
}
