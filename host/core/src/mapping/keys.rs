//! Keys of a destination: rows from fields, `address.city` and `tags[0]` built into objects and lists.
//!
//! One root is one row. Never do two fields write to the same place: that is an error which names both.

use serde_json::Value;

use crate::mapping::Expression;
use crate::mapping::compile::{Build, Compiler};
use crate::mapping::error::{CompileError, Mistake};
use crate::mapping::node::Node;
use crate::path::{Path, Step};

/// Fields that share the steps up to here.
enum Tree<'f> {
    Leaf { key: &'f str, written: &'f Value },
    Branch { key: &'f str, children: Vec<(Step, Tree<'f>)> },
}

/// Compiles fields into rows, by root key.
pub(super) fn rows(
    compiler: &mut Compiler<'_>,
    fields: &[(String, Value)],
) -> Result<Vec<(String, Expression)>, Vec<CompileError>> {
    let mut errors = Vec::new();
    let mut roots: Vec<(Step, Tree<'_>)> = Vec::new();
    for (key, written) in fields {
        if let Err(mistake) = place(&mut roots, key, written) {
            errors.push(CompileError { place: key.clone(), mistake });
        }
    }
    let mut rows = Vec::new();
    for (root, tree) in &roots {
        let Step::Key(name) = root else { continue };
        match compiler.build("", |build| tree.node(build)) {
            Ok(node) => rows.push((name.clone(), Expression(node))),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

fn place<'f>(roots: &mut Vec<(Step, Tree<'f>)>, key: &'f str, written: &'f Value) -> Result<(), Mistake> {
    let path = Path::parse(key)?;
    match path.steps() {
        [Step::Key(_), ..] => insert(roots, path.steps(), key, written),
        _ => Err(Mistake::Expected("a key that begins with a name")),
    }
}

fn insert<'f>(
    siblings: &mut Vec<(Step, Tree<'f>)>,
    steps: &[Step],
    key: &'f str,
    written: &'f Value,
) -> Result<(), Mistake> {
    let Some((first, rest)) = steps.split_first() else { return Ok(()) };
    let conflict = |with: &str| Mistake::Conflict { first: with.to_owned(), second: key.to_owned() };
    let is_index = |step: &Step| matches!(step, Step::Index(_));
    if let Some((_, other)) = siblings.iter().find(|(step, _)| is_index(step) != is_index(first)) {
        return Err(conflict(other.key()));
    }
    match siblings.iter_mut().find(|(step, _)| step == first) {
        Some((_, Tree::Branch { children, .. })) if !rest.is_empty() => insert(children, rest, key, written),
        Some((_, tree)) => Err(conflict(tree.key())),
        None if rest.is_empty() => {
            siblings.push((first.clone(), Tree::Leaf { key, written }));
            Ok(())
        }
        None => {
            let mut children = Vec::new();
            insert(&mut children, rest, key, written)?;
            siblings.push((first.clone(), Tree::Branch { key, children }));
            Ok(())
        }
    }
}

impl<'f> Tree<'f> {
    /// The key of the first field in it.
    fn key(&self) -> &'f str {
        match self {
            Self::Leaf { key, .. } | Self::Branch { key, .. } => key,
        }
    }

    fn node(&self, build: &mut Build<'_, '_>) -> Node {
        match self {
            Self::Leaf { key, written } => build.within(key, |build| build.node(written)),
            Self::Branch { key, children } => {
                let mut entries = Vec::new();
                let mut items = Vec::new();
                for (step, tree) in children {
                    match step {
                        Step::Key(name) => entries.push((name.clone(), tree.node(build))),
                        Step::Index(index) => items.push((*index, tree.node(build))),
                    }
                }
                if items.is_empty() {
                    return Node::Object { entries, is_built: true };
                }
                items.sort_by_key(|(index, _)| *index);
                if let Some((gap, _)) = items.iter().enumerate().find(|(at, (index, _))| at != index) {
                    build.within(key, |build| build.wrong(Mistake::Gap { key: (*key).to_owned(), index: gap }));
                }
                Node::List { items: items.into_iter().map(|(_, node)| node).collect(), is_built: true }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::emission::Form;
    use crate::mapping::tests::{emission, texts};
    use crate::mapping::{Compiler, Member};

    #[track_caller]
    fn check(fields: &[(&str, serde_json::Value)], expect: &str) {
        let fields: Vec<_> = fields.iter().map(|(key, written)| ((*key).to_owned(), written.clone())).collect();
        let emission = emission();
        let mut compiler = Compiler::new(&emission, Form::Identify);
        let got = match compiler.fields(&fields) {
            Ok(rows) => {
                let texts = texts(compiler.inputs());
                let member = Member::new(&texts, true);
                let row = |(name, expression): &(String, crate::mapping::Expression)| {
                    let value = expression.evaluate(&member).map_or("missing".to_owned(), |value| value.to_string());
                    format!("{name} = {value}")
                };
                rows.iter().map(row).collect::<Vec<_>>().join("; ")
            }
            Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        };
        assert_eq!(got, expect);
    }

    // R52.
    #[test]
    fn keys_with_one_root_build_one_row() {
        let plan = json!({ "@path": "traits.plan" });
        check(
            &[
                ("address.city", json!("Rome")),
                ("ltv", json!({ "@path": "traits.ltv" })),
                ("address.geo.lat", json!(1)),
                ("\"a.b\"", plan.clone()),
                ("address.'x.y'", plan.clone()),
            ],
            r#"address = {"city":"Rome","geo":{"lat":1},"x.y":"gold"}; ltv = 450.0; a.b = "gold""#,
        );
        check(&[("tags[1].n", json!(2)), ("tags[0].n", json!(1))], r#"tags = [{"n":1},{"n":2}]"#);
    }

    #[test]
    fn a_built_row_is_missing_where_nothing_is_in_it() {
        let unknown = json!({ "@path": "traits.unknown" });
        check(&[("a.b", unknown.clone()), ("a.c[0]", unknown.clone())], "a = missing");
        check(&[("a.b", unknown), ("a.c", json!(null))], r#"a = {"c":null}"#);
    }

    // R30.
    #[test]
    fn keys_that_leave_each_other_no_room_are_named_together() {
        let one = || json!(1);
        let conflict = |first: &str, second: &str| {
            format!("{second}: `{second}` cannot stand beside `{first}`: one is a value where the other needs room")
        };
        check(&[("a", one()), ("a.b", one())], &conflict("a", "a.b"));
        check(&[("a.b", one()), ("a", one())], &conflict("a.b", "a"));
        check(&[("a.b", one()), ("a[0]", one())], &conflict("a.b", "a[0]"));
        check(&[("a.b", one()), ("x", one()), ("a.'b'", one())], &conflict("a.b", "a.'b'"));
        check(
            &[("a[0]", one()), ("a[2]", one())],
            "a[0]: `a[0]` leaves out [1]; a list is filled from [0] without gaps",
        );
        check(&[("[0]", one())], "[0]: this must be a key that begins with a name");
        check(&[("a.b", json!({ "@pth": 1 }))], "a.b.@pth: there is no directive `@pth`, did you mean `@path`?");
    }
}
