//! The compiled form of an expression: a tree without names that would have to be looked up.

use crate::json::Json;
use crate::mapping::template::Template;
use crate::path::{Path, Step};

/// A part of a compiled expression.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// Always missing.
    Missing,
    /// Always this.
    Literal(Json),
    /// One value for who enters, another for who leaves.
    Membership { entered: Json, exited: Json },
    /// A column, and steps within it.
    Input { column: usize, rest: Vec<Step>, on_exit: bool },
    /// A place in the item of a list, or in what `@transform` applied.
    Item(Path),
    /// A list; what is missing is dropped. `is_built` comes from keys and is missing where nothing is in it.
    List { items: Vec<Node>, is_built: bool },
    /// An object, likewise.
    Object { entries: Vec<(String, Node)>, is_built: bool },
    /// One of two, by whether a value is there.
    If { test: Box<Node>, blank: bool, then: Box<Node>, otherwise: Box<Node> },
    /// The first that is there and not null.
    Coalesce(Vec<Node>),
    /// Texts joined.
    Concatenate { values: Vec<Node>, separator: String },
    /// A text in another case.
    Case { upper: bool, value: Box<Node> },
    /// A text with others in place of some of its parts.
    Replace { value: Box<Node>, pairs: Vec<(String, String)>, global: bool, ignore_case: bool },
    /// A list, each item in a shape.
    ArrayPath { list: Box<Node>, shape: Option<Box<Node>> },
    /// Several objects made one; `left` is whether the first one wins.
    Merge { left: bool, objects: Vec<Node> },
    /// A mapping over another one's result.
    Transform { apply: Box<Node>, mapping: Box<Node> },
    /// An object of one level.
    Flatten { value: Box<Node>, separator: String, keep_lists: bool },
    /// A value as JSON text.
    Encode(Box<Node>),
    /// JSON text as a value.
    Decode(Box<Node>),
    /// The value unless it is null.
    ExcludeWhenNull(Box<Node>),
    /// A text with values in it.
    Template(Template),
}
