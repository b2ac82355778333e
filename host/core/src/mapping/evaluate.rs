//! Running a compiled expression for one member.
//!
//! Values are borrowed as far as they can be; what is copied or made is paid for. When the allowance is used up, the
//! whole expression is missing: a part of it would be a wrong answer, not a short one.

use std::borrow::Cow;
use std::cell::Cell;

use crate::json::Json;
use crate::mapping::node::Node;
use crate::mapping::{Member, WORK_MAX, functions};
use crate::path::{Step, follow};

/// A value that is there, borrowed where it can be.
pub(super) type Found<'a> = Option<Cow<'a, Json>>;

/// One run of one expression.
pub(super) struct Run<'a> {
    member: &'a Member<'a>,
    left: Cell<usize>,
    is_over: Cell<bool>,
}

impl<'a> Run<'a> {
    pub(super) fn new(member: &'a Member<'a>) -> Self {
        Self { member, left: Cell::new(WORK_MAX), is_over: Cell::new(false) }
    }

    /// Whether the allowance was not enough.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Takes from the allowance; nothing where it does not suffice.
    pub(super) fn pay(&self, work: usize) -> Option<()> {
        let left = self.left.get().checked_sub(work);
        self.is_over.set(self.is_over.get() || left.is_none());
        self.left.set(left.unwrap_or(0));
        left.map(|_| ())
    }

    /// The value as one's own; a copy is paid for.
    pub(super) fn own(&self, value: Cow<'_, Json>) -> Option<Json> {
        if let Cow::Borrowed(value) = &value {
            self.pay(value.bytes())?;
        }
        Some(value.into_owned())
    }

    /// Follows steps into a value; an object is paid for by its keys, each of which may be looked at.
    fn follow(&self, value: &'a Json, steps: &[Step]) -> Found<'a> {
        let mut value = value;
        for step in steps {
            if let Json::Object(entries) = value {
                self.pay(entries.len())?;
            }
            value = follow(value, std::slice::from_ref(step))?;
        }
        Some(Cow::Borrowed(value))
    }

    /// A text that was made, paid for.
    pub(super) fn text<'v>(&self, text: String) -> Found<'v> {
        self.pay(text.len())?;
        Some(Cow::Owned(Json::Text(text)))
    }
}

impl Node {
    /// The value, or nothing; `item` is what paths into an item lead into.
    pub(super) fn evaluate<'a>(&'a self, run: &Run<'a>, item: Option<&'a Json>) -> Found<'a> {
        run.pay(1)?;
        match self {
            Self::Missing => None,
            Self::Literal(value) => Some(Cow::Borrowed(value)),
            Self::Membership { entered, exited } => {
                Some(Cow::Borrowed(if run.member.is_member { entered } else { exited }))
            }
            Self::Input { on_exit: false, .. } if !run.member.is_member => None,
            Self::Input { column, rest, .. } => run.follow(run.member.value(*column)?, rest),
            Self::Item(path) => run.follow(item?, path.steps()),
            Self::List { items, is_built } => {
                let items = all(items, run, item);
                if *is_built && items.is_empty() { None } else { Some(Cow::Owned(Json::List(items))) }
            }
            Self::Object { entries, is_built } => {
                let entry = |(key, node): &'a (String, Self)| Some((key.clone(), own(node, run, item)?));
                let entries: Vec<_> = entries.iter().filter_map(entry).collect();
                run.pay(entries.iter().map(|(key, _)| key.len()).sum())?;
                if *is_built && entries.is_empty() { None } else { Some(Cow::Owned(Json::Object(entries))) }
            }
            Self::If { test, blank, then, otherwise } => {
                let is_there = match test.evaluate(run, item).as_deref() {
                    None | Some(Json::Null) => false,
                    Some(value) => !*blank || !functions::is_blank(value),
                };
                if is_there { then.evaluate(run, item) } else { otherwise.evaluate(run, item) }
            }
            Self::Coalesce(nodes) => {
                nodes.iter().filter_map(|node| node.evaluate(run, item)).find(|value| **value != Json::Null)
            }
            Self::ExcludeWhenNull(node) => functions::without_nulls(node.evaluate(run, item)?, run),
            Self::Template(template) => template.evaluate(run, item),
            made => made.apply(run, item),
        }
    }

    /// The directives that make something new of what they are given.
    fn apply<'a>(&'a self, run: &Run<'a>, item: Option<&'a Json>) -> Found<'a> {
        match self {
            Self::Concatenate { values, separator } => functions::concatenate(&all(values, run, item), separator, run),
            Self::Case { upper, value } => {
                let value = value.evaluate(run, item)?;
                match value.as_text() {
                    Some(text) => run.text(if *upper { text.to_uppercase() } else { text.to_lowercase() }),
                    None => Some(value),
                }
            }
            Self::Replace { value, pairs, global, ignore_case } => {
                let value = value.evaluate(run, item)?;
                match value.as_ref() {
                    Json::Null | Json::List(_) | Json::Object(_) => Some(value),
                    scalar => {
                        let plain = scalar.plain().into_owned();
                        run.text(functions::replace_all(plain, pairs, *global, *ignore_case))
                    }
                }
            }
            Self::ArrayPath { list, shape } => {
                let list = list.evaluate(run, item)?;
                match shape {
                    Some(shape) => shaped(&list, shape, run),
                    None => Some(list),
                }
            }
            Self::Merge { left, objects } => {
                let objects = all(objects, run, item);
                Some(Cow::Owned(functions::merge(objects, *left)))
            }
            Self::Transform { apply, mapping } => {
                let applied = apply.evaluate(run, item)?;
                // What `mapping` yields may borrow from what was applied, which ends here.
                let mapped = mapping.evaluate_in(run, &applied)?;
                Some(Cow::Owned(mapped))
            }
            Self::Flatten { value, separator, keep_lists } => {
                functions::flatten(value.evaluate(run, item)?, separator, *keep_lists, run)
            }
            Self::Encode(value) => {
                let value = value.evaluate(run, item)?;
                run.pay(value.bytes())?;
                run.text(value.to_string())
            }
            Self::Decode(value) => {
                let value = value.evaluate(run, item)?;
                match value.as_text() {
                    Some(text) => {
                        run.pay(text.len())?;
                        Json::parse(text).ok().map(Cow::Owned)
                    }
                    None => Some(value),
                }
            }
            _ => None,
        }
    }

    /// Evaluates with this item, and lets go of it.
    fn evaluate_in(&self, run: &Run<'_>, item: &Json) -> Option<Json> {
        self.evaluate(run, Some(item)).and_then(|value| run.own(value))
    }
}

/// A node's value as one's own.
fn own<'a>(node: &'a Node, run: &Run<'a>, item: Option<&'a Json>) -> Option<Json> {
    node.evaluate(run, item).and_then(|value| run.own(value))
}

/// The values that are there.
fn all<'a>(nodes: &'a [Node], run: &Run<'a>, item: Option<&'a Json>) -> Vec<Json> {
    nodes.iter().filter_map(|node| own(node, run, item)).collect()
}

/// Each item of a list in a shape; an object is a list of one, and what is neither stays as it is.
fn shaped<'a>(list: &Json, shape: &Node, run: &Run<'_>) -> Found<'a> {
    let items = match list {
        Json::List(items) => items.as_slice(),
        Json::Object(_) => std::slice::from_ref(list),
        scalar => return run.own(Cow::Borrowed(scalar)).map(Cow::Owned),
    };
    let mut made = Vec::new();
    for item in items {
        made.extend(shape.evaluate_in(run, item));
        if run.is_over() {
            return None;
        }
    }
    Some(Cow::Owned(Json::List(made)))
}
