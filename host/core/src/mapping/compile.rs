//! From what was written to what is run: values, directives and paths.
//!
//! Every mistake in an expression is told at once, up to [`ERRORS_MAX`]. Compiling any value is total.

use serde_json::Value;

use crate::emission::{Emission, Form, Input, Source};
use crate::json::Json;
use crate::mapping::error::{CompileError, Mistake, WHOLE};
use crate::mapping::node::Node;
use crate::mapping::{DEPTH_MAX, Expression, Inputs, PARTS_MAX, Trigger, fql, keys, trigger};
use crate::path::Path;

/// Most mistakes that are told of one expression: more are the same one again.
const ERRORS_MAX: usize = 20;

/// Compiles the expressions and triggers of one connection's events in one form.
#[derive(Debug)]
pub struct Compiler<'e> {
    emission: &'e Emission,
    form: Form,
    inputs: Inputs,
}

impl<'e> Compiler<'e> {
    /// A compiler that has read nothing yet.
    #[must_use]
    pub fn new(emission: &'e Emission, form: Form) -> Self {
        Self::with_inputs(emission, form, Inputs::default())
    }

    /// A compiler that goes on with the columns of another one, so that two mappings share what is read.
    #[must_use]
    pub fn with_inputs(emission: &'e Emission, form: Form, inputs: Inputs) -> Self {
        Self { emission, form, inputs }
    }

    /// What has to be read for everything that was compiled.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The same, when nothing more is compiled.
    #[must_use]
    pub fn into_inputs(self) -> Inputs {
        self.inputs
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// Every mistake in it, with its place.
    pub fn expression(&mut self, written: &Value) -> Result<Expression, Vec<CompileError>> {
        self.build("", |build| build.node(written)).map(Expression)
    }

    /// Compiles fields, each a destination key with its expression, into rows: one for each root key, in the order of
    /// first appearance. Dots and `[0]` in a key build an object or a list, quotes keep a name with dots whole. A row
    /// that was built is missing where nothing is in it.
    ///
    /// ```
    /// use enroute_core::emission::{Class, Emission, Form};
    /// use enroute_core::mapping::{Compiler, Member};
    /// let emission = Emission::new("vip", Class::Audience, "braze-eu");
    /// let mut compiler = Compiler::new(&emission, Form::Identify);
    /// let fields = [("address.city".to_owned(), serde_json::json!("Rome")), ("tags[0]".to_owned(), true.into())];
    /// let rows = compiler.fields(&fields).unwrap();
    /// assert_eq!(rows[0].0, "address");
    /// assert_eq!(rows[0].1.evaluate(&Member::new(&[], true)).unwrap().to_string(), r#"{"city":"Rome"}"#);
    /// assert_eq!(rows[1].1.evaluate(&Member::new(&[], true)).unwrap().to_string(), "[true]");
    /// ```
    ///
    /// # Errors
    /// Every mistake in every field; two keys that leave each other no room are named together.
    pub fn fields(&mut self, fields: &[(String, Value)]) -> Result<Vec<(String, Expression)>, Vec<CompileError>> {
        keys::rows(self, fields)
    }

    /// Compiles a trigger: `{ all = [ … ] }`, `{ any = [ … ] }`, one condition `{ path, operator, value }`, or the same
    /// as a text, `type = "identify" and traits.plan = "gold"`.
    ///
    /// # Errors
    /// Every mistake in it, with its place. An invalid trigger is never one that silently matches nobody.
    pub fn trigger(&mut self, written: &Value) -> Result<Trigger, Vec<CompileError>> {
        self.build("", |build| match written {
            Value::String(text) => fql::parse(build, text),
            other => trigger::compile(build, other),
        })
        .map(Trigger::new)
    }

    /// Runs a build, whose places begin with `root`.
    pub(super) fn build<T>(
        &mut self,
        root: &str,
        run: impl FnOnce(&mut Build<'_, 'e>) -> T,
    ) -> Result<T, Vec<CompileError>> {
        let place = if root.is_empty() { Vec::new() } else { vec![root.to_owned()] };
        let mut build = Build { compiler: self, errors: Vec::new(), place, depth: 0, parts: 0, is_item: false };
        let built = run(&mut build);
        if build.errors.is_empty() { Ok(built) } else { Err(build.errors) }
    }
}

/// One expression or trigger on its way.
pub(super) struct Build<'c, 'e> {
    compiler: &'c mut Compiler<'e>,
    errors: Vec<CompileError>,
    place: Vec<String>,
    depth: usize,
    parts: usize,
    /// Whether paths lead into an item instead of the event.
    is_item: bool,
}

impl Build<'_, '_> {
    /// Compiles a value; after a mistake what comes back is only there so that the others are found too.
    pub(super) fn node(&mut self, written: &Value) -> Node {
        if !self.enter() {
            return Node::Missing;
        }
        let node = match written {
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(at, item)| self.within(&format!("[{at}]"), |build| build.node(item)));
                Node::List { items: items.collect(), is_built: false }
            }
            Value::Object(entries) if entries.keys().any(|key| key.starts_with('@')) => self.directive_of(entries),
            Value::Object(entries) => {
                let entries =
                    entries.iter().map(|(key, value)| (key.clone(), self.within(key, |build| build.node(value))));
                Node::Object { entries: entries.collect(), is_built: false }
            }
            scalar => Node::Literal(Json::from(scalar.clone())),
        };
        self.depth -= 1;
        node
    }

    /// Counts one part, one level down; false where there is no room. Who entered takes a level off `depth` again.
    fn enter(&mut self) -> bool {
        let mistake = if self.depth >= DEPTH_MAX {
            Mistake::TooDeep
        } else if self.parts >= PARTS_MAX {
            Mistake::TooLarge
        } else {
            self.depth += 1;
            self.parts += 1;
            return true;
        };
        self.wrong(mistake);
        false
    }

    /// Runs what is nested, one level down; the default where there is no room.
    pub(super) fn deeper<T: Default>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        if !self.enter() {
            return T::default();
        }
        let made = run(self);
        self.depth -= 1;
        made
    }

    /// Runs at a place further in.
    pub(super) fn within<T>(&mut self, step: &str, run: impl FnOnce(&mut Self) -> T) -> T {
        self.place.push(step.to_owned());
        let made = run(self);
        self.place.pop();
        made
    }

    /// Compiles with paths that lead into an item.
    pub(super) fn in_item(&mut self, written: &Value) -> Node {
        let outside = std::mem::replace(&mut self.is_item, true);
        let node = self.node(written);
        self.is_item = outside;
        node
    }

    /// Notes a mistake at the present place.
    pub(super) fn wrong(&mut self, mistake: Mistake) {
        // A bound that was met once is met by every part from there on.
        let is_told = matches!(mistake, Mistake::TooDeep | Mistake::TooLarge)
            && self.errors.iter().any(|error| error.mistake == mistake);
        if self.errors.len() < ERRORS_MAX && !is_told {
            let place = self.place.iter().fold(String::new(), |place, step| {
                let dot = if place.is_empty() || step.starts_with('[') { "" } else { "." };
                place + dot + step
            });
            let place = if place.is_empty() { WHOLE.to_owned() } else { place };
            self.errors.push(CompileError { place, mistake });
        }
    }

    /// Whether a mistake was found.
    pub(super) fn is_wrong(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Resolves a path.
    pub(super) fn path(&mut self, text: &str) -> Node {
        match Path::parse(text) {
            Err(error) => {
                self.wrong(error.into());
                Node::Missing
            }
            Ok(path) if self.is_item => Node::Item(path),
            Ok(path) => {
                let source = self.compiler.emission.source(self.compiler.form, &path);
                self.source(source)
            }
        }
    }

    fn source(&mut self, source: Source) -> Node {
        match source {
            Source::Missing => Node::Missing,
            Source::Known(value) => Node::Literal(value),
            Source::Membership { entered, exited } => Node::Membership { entered, exited },
            Source::Input { input, rest, on_exit } => {
                if let Some(name) = unreadable(&input) {
                    self.wrong(Mistake::Unreadable(name.to_owned()));
                    return Node::Missing;
                }
                Node::Input { column: self.compiler.inputs.column(input), rest, on_exit }
            }
            Source::Object(entries) => {
                let entries = entries.into_iter().map(|(name, source)| (name, self.source(source))).collect();
                Node::Object { entries, is_built: true }
            }
        }
    }
}

/// The name that the store cannot read, if there is one.
fn unreadable(input: &Input) -> Option<&str> {
    match input {
        Input::Trait(names) | Input::Context(names) => {
            names.iter().map(String::as_str).find(|name| name.contains(['"', '\\']))
        }
        _ => None,
    }
}
