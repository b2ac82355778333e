//! The objects of a user, written straight into a record.

use enroute_sdk::{Context, Mapping, Member, Reject, Value, email, json};

use super::field::{self, Kind, Standing, standing};
use super::identity::{INVALID_EMAIL, Identity};
use super::nested::Parts;
use super::value::{self, MALFORMED, Reading, TYPE_MISMATCH};
use crate::settings::{Membership, OnTypeMismatch, ProjectType, Settings};

/// Warning: the row cannot be sent; `validate` says why.
const ROW_NOT_SENDABLE: &str = "row_not_sendable";

/// What all objects of a batch have in common, made once.
#[derive(Debug)]
pub(super) struct Plan<'c> {
    membership: Membership,
    /// `"vip":`
    membership_key: Vec<u8>,
    nodes: Vec<Node<'c>>,
    /// Rows that are never sent, with their fields.
    unsendable: Vec<(usize, &'c str)>,
    /// What the project knows of what lies inside the field of each row.
    parts: Vec<Parts<'c>>,
    merge: &'static [u8],
    prefer: &'static [u8],
    fails_on_mismatch: bool,
    reading: Reading<'c>,
}

/// A field of the object, or an object inside it.
#[derive(Debug)]
struct Node<'c> {
    name: &'c str,
    /// `"name":`
    key: Vec<u8>,
    what: What<'c>,
}

#[derive(Debug)]
enum What<'c> {
    Value { column: usize, field: &'c str, holds: Holds },
    Object(Vec<Node<'c>>),
}

/// What a field takes.
#[derive(Debug, Clone, Copy)]
enum Holds {
    /// An address that does not identify here.
    Address,
    /// Nothing: what it would lie in holds something else than objects.
    Clash,
    Kind(Option<Kind>),
}

impl<'c> Plan<'c> {
    pub(super) fn new(ctx: &'c Context<Settings>) -> Self {
        let settings = ctx.settings();
        let prefers = settings.project_type == ProjectType::Email && settings.prefer_user_id;
        let mut plan = Self {
            membership: settings.membership,
            membership_key: key(ctx.audience_key()),
            nodes: Vec::new(),
            unsendable: Vec::new(),
            parts: ctx.rows().iter().map(|row| Parts::of(ctx, &row.field)).collect(),
            merge: if settings.merge_nested_objects {
                b",\"mergeNestedObjects\":true"
            } else {
                b",\"mergeNestedObjects\":false"
            },
            prefer: if prefers { b",\"preferUserId\":true" } else { b"" },
            fails_on_mismatch: settings.on_type_mismatch == OnTypeMismatch::FailRecord,
            reading: Reading { region: settings.phone_region.as_deref(), order: settings.date_order },
        };
        for (column, row) in ctx.rows().iter().enumerate() {
            match holds(ctx, column, &row.field) {
                Some(Holds::Address) => plan.nodes.push(node(&row.field, column, &row.field, Holds::Address)),
                Some(holds) => insert(&mut plan.nodes, &row.field, column, &row.field, holds),
                None if row.field == "email" => {}
                None => plan.unsendable.push((column, &row.field)),
            }
        }
        plan
    }

    /// Counts the values of rows that are never sent.
    pub(super) fn warn(&self, out: &mut Mapping, member: Member<'_>) {
        for (column, field) in &self.unsendable {
            if !member.value(*column).is_absent() {
                out.warn(ROW_NOT_SENDABLE, Some(field), 1);
            }
        }
    }

    /// A user who is a member, with what is known of it.
    pub(super) fn joined(
        &self,
        body: &mut Vec<u8>,
        out: &mut Mapping,
        member: Member<'_>,
        identity: &Identity<'_>,
    ) -> Result<(), Reject> {
        identity.open(body);
        let start = body.len();
        body.extend_from_slice(self.merge);
        body.extend_from_slice(self.prefer);
        body.extend_from_slice(b",\"dataFields\":{");
        let fields = body.len();
        if self.membership.has_field() {
            body.extend_from_slice(&self.membership_key);
            body.extend_from_slice(b"true");
        }
        self.fields(body, out, member, &self.nodes)?;
        if body.len() == fields {
            // A subscriber of whom nothing else is known.
            body.truncate(start);
            body.extend_from_slice(self.prefer);
        } else {
            body.push(b'}');
        }
        body.push(b'}');
        Ok(())
    }

    /// A subscriber whose fields travel in another request.
    pub(super) fn subscriber(&self, body: &mut Vec<u8>, identity: &Identity<'_>) {
        identity.open(body);
        body.extend_from_slice(self.prefer);
        body.push(b'}');
    }

    /// A user who is no member: the identity and the field, nothing else.
    pub(super) fn left(&self, body: &mut Vec<u8>, identity: &Identity<'_>) {
        identity.open(body);
        body.extend_from_slice(b",\"dataFields\":{");
        body.extend_from_slice(&self.membership_key);
        body.extend_from_slice(b"false}}");
    }

    /// A former subscriber.
    pub(super) fn unsubscriber(body: &mut Vec<u8>, identity: &Identity<'_>) {
        identity.open(body);
        body.push(b'}');
    }

    fn fields(
        &self,
        body: &mut Vec<u8>,
        out: &mut Mapping,
        member: Member<'_>,
        nodes: &[Node<'_>],
    ) -> Result<(), Reject> {
        for node in nodes {
            let start = body.len();
            if body.last() != Some(&b'{') {
                body.push(b',');
            }
            body.extend_from_slice(&node.key);
            match &node.what {
                What::Object(inner) => {
                    body.push(b'{');
                    let inside = body.len();
                    self.fields(body, out, member, inner)?;
                    if body.len() == inside {
                        body.truncate(start);
                    } else {
                        body.push(b'}');
                    }
                }
                What::Value { column, .. } if member.value(*column).is_absent() => body.truncate(start),
                What::Value { column, field, holds } => {
                    let fitted = self.fitted(out, (*column, field, *holds), member.value(*column))?;
                    let value = match &fitted {
                        Some(Some(text)) => Value::Json(text),
                        Some(None) => {
                            body.truncate(start);
                            continue;
                        }
                        None => member.value(*column),
                    };
                    let Err(code) = write(body, *holds, value, self.reading) else { continue };
                    body.truncate(start);
                    self.tell(out, field, field, code)?;
                }
            }
        }
        Ok(())
    }

    /// An object or a list without what clashes inside it, or nothing where all of it does; none where the value is
    /// neither, or nothing is known of what lies inside.
    fn fitted(
        &self,
        out: &mut Mapping,
        (column, field, holds): (usize, &str, Holds),
        value: Value<'_>,
    ) -> Result<Option<Option<String>>, Reject> {
        let parts = self.parts.get(column).filter(|parts| !parts.is_empty());
        let (Some(parts), Value::Json(text), Holds::Kind(kind)) = (parts, value, holds) else { return Ok(None) };
        let mut fitted =
            parts.fit(kind, text, &|body, kind, value| value::write(body, Some(kind), value, self.reading));
        fitted.left_out.sort_unstable();
        fitted.left_out.dedup();
        for (name, code) in &fitted.left_out {
            let name = if name.is_empty() { field.to_owned() } else { format!("{field}.{name}") };
            self.tell(out, field, &name, code)?;
        }
        if fitted.text.is_none() && fitted.left_out.is_empty() {
            out.warn(MALFORMED, Some(field), 1);
        }
        Ok(Some(fitted.text))
    }

    /// Says that a value stays out, or the member with it.
    fn tell(&self, out: &mut Mapping, field: &str, name: &str, code: &'static str) -> Result<(), Reject> {
        if self.fails_on_mismatch && code == TYPE_MISMATCH {
            let reason = "the value is of another type than the field";
            return Err(Reject::field(field, TYPE_MISMATCH, reason));
        }
        out.warn(code, Some(name), 1);
        Ok(())
    }
}

/// What the field of a row takes; none where the row is never sent in it.
fn holds(ctx: &Context<Settings>, column: usize, name: &str) -> Option<Holds> {
    let settings = ctx.settings();
    let before = || ctx.rows().iter().take(column);
    let is_membership = settings.membership.has_field() && field::root(name) == ctx.audience_key();
    if is_membership || before().any(|earlier| earlier.field == name || field::holds(&earlier.field, name)) {
        return None;
    }
    match standing(name) {
        Standing::Free if field::lies_in_no_object(ctx, name) => Some(Holds::Clash),
        Standing::Free => Some(Holds::Kind(field::kind(ctx, name))),
        Standing::Identifier => {
            (name == "email" && settings.project_type == ProjectType::UserId).then_some(Holds::Address)
        }
        Standing::Reserved | Standing::Malformed => None,
    }
}

/// Puts a field where its name with dots says.
fn insert<'c>(nodes: &mut Vec<Node<'c>>, path: &'c str, column: usize, field: &'c str, holds: Holds) {
    let Some((name, rest)) = path.split_once('.') else {
        nodes.push(node(path, column, field, holds));
        return;
    };
    let known = nodes.iter_mut().find(|node| node.name == name && matches!(node.what, What::Object(_)));
    if let Some(Node { what: What::Object(inner), .. }) = known {
        insert(inner, rest, column, field, holds);
        return;
    }
    let mut inner = Vec::new();
    insert(&mut inner, rest, column, field, holds);
    nodes.push(Node { name, key: key(name), what: What::Object(inner) });
}

fn node<'c>(name: &'c str, column: usize, field: &'c str, holds: Holds) -> Node<'c> {
    Node { name, key: key(name), what: What::Value { column, field, holds } }
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 3);
    json::write_str(&mut key, name);
    key.push(b':');
    key
}

fn write(body: &mut Vec<u8>, holds: Holds, value: Value<'_>, reading: Reading<'_>) -> Result<(), &'static str> {
    match (holds, value) {
        (Holds::Kind(kind), value) => value::write(body, kind, value, reading),
        (Holds::Clash, _) => Err(TYPE_MISMATCH),
        (Holds::Address, Value::Null) => value::write(body, None, value, reading),
        (Holds::Address, Value::Text(text)) => {
            json::write_str(body, &email::lower(text).ok_or(INVALID_EMAIL)?);
            Ok(())
        }
        (Holds::Address, _) => Err(INVALID_EMAIL),
    }
}
