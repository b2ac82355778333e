//! The directives, one function for each kind of options they take.

use serde_json::{Map, Value};

use crate::json::Json;
use crate::mapping::compile::Build;
use crate::mapping::error::Mistake;
use crate::mapping::node::Node;
use crate::mapping::template;
use crate::suggest::nearest;

/// All directives.
const DIRECTIVES: [&str; 15] = [
    "@arrayPath",
    "@case",
    "@coalesce",
    "@concatenate",
    "@excludeWhenNull",
    "@flatten",
    "@if",
    "@json",
    "@liquid",
    "@literal",
    "@merge",
    "@path",
    "@replace",
    "@template",
    "@transform",
];

/// What may stand beside a directive without meaning anything.
const METADATA: &str = "_metadata";

/// Longest pattern or replacement of `@replace`, in characters.
const PATTERN_CHARS_MAX: usize = 10;

impl Build<'_, '_> {
    /// Compiles an object that has a directive in it.
    pub(super) fn directive_of(&mut self, entries: &Map<String, Value>) -> Node {
        let mut keys = entries.iter().filter(|(key, _)| *key != METADATA);
        let Some((name, value)) = keys.clone().find(|(key, _)| key.starts_with('@')) else { return Node::Missing };
        if let Some((beside, _)) = keys.find(|(key, _)| *key != name) {
            self.wrong(Mistake::NotAlone { directive: name.clone(), beside: beside.clone() });
        }
        self.within(name, |build| build.directive(name, value))
    }

    fn directive(&mut self, name: &str, value: &Value) -> Node {
        match name {
            "@path" => self.text_of(value).map_or(Node::Missing, |text| self.path(text)),
            "@template" => self.template(value, false),
            "@liquid" => self.template(value, true),
            "@literal" => Node::Literal(Json::from(value.clone())),
            "@excludeWhenNull" => Node::ExcludeWhenNull(Box::new(self.node(value))),
            "@coalesce" => Node::Coalesce(self.nodes(value)),
            "@arrayPath" => self.array_path(value),
            "@if" => self.condition(value),
            "@case" => self.case(value),
            "@replace" => self.replace(value),
            "@concatenate" => self.concatenate(value),
            "@merge" => self.merge(value),
            "@transform" => self.transform(value),
            "@flatten" => self.flatten(value),
            "@json" => self.json(value),
            other => {
                let nearest = nearest(other, DIRECTIVES).map(str::to_owned);
                self.wrong(Mistake::Unknown { what: "directive", name: other.to_owned(), nearest });
                Node::Missing
            }
        }
    }

    fn template(&mut self, value: &Value, has_tags: bool) -> Node {
        let Some(text) = self.text_of(value) else { return Node::Missing };
        template::parse(self, text, has_tags).map_or(Node::Missing, Node::Template)
    }

    fn condition(&mut self, value: &Value) -> Node {
        let Some(options) = self.options(value, &["exists", "blank", "then", "else"]) else { return Node::Missing };
        let (test, blank) = match (options.get("exists"), options.get("blank")) {
            (Some(test), None) => (self.within("exists", |build| build.node(test)), false),
            (None, Some(test)) => (self.within("blank", |build| build.node(test)), true),
            (None, None) => {
                self.wrong(Mistake::MissingOption("exists"));
                return Node::Missing;
            }
            (Some(_), Some(_)) => {
                self.wrong(Mistake::Expected("an object with either `exists` or `blank`"));
                return Node::Missing;
            }
        };
        if !options.contains_key("then") && !options.contains_key("else") {
            self.wrong(Mistake::MissingOption("then"));
        }
        let [then, otherwise] = ["then", "else"].map(|name| Box::new(self.part_or_missing(options, name)));
        Node::If { test: Box::new(test), blank, then, otherwise }
    }

    fn case(&mut self, value: &Value) -> Node {
        let Some(options) = self.options(value, &["operator", "value"]) else { return Node::Missing };
        let upper = self.choice(options, "operator", ["lower", "upper"], "`lower` or `upper`");
        Node::Case { upper, value: Box::new(self.part(options, "value")) }
    }

    fn replace(&mut self, value: &Value) -> Node {
        let names = ["value", "pattern", "replacement", "pattern2", "replacement2", "global", "ignorecase"];
        let Some(options) = self.options(value, &names) else { return Node::Missing };
        if !options.contains_key("pattern") {
            self.wrong(Mistake::MissingOption("pattern"));
        }
        let mut pairs = Vec::new();
        for (pattern, replacement) in [("pattern", "replacement"), ("pattern2", "replacement2")] {
            let replacement = self.short(options, replacement).unwrap_or_default();
            match self.short(options, pattern) {
                Some(text) if text.is_empty() => {
                    self.within(pattern, |build| build.wrong(Mistake::Expected("a text that is not empty")));
                }
                Some(text) => pairs.push((text, replacement)),
                None => {}
            }
        }
        let global = self.flag(options, "global", true);
        let ignore_case = self.flag(options, "ignorecase", false);
        Node::Replace { value: Box::new(self.part(options, "value")), pairs, global, ignore_case }
    }

    fn array_path(&mut self, value: &Value) -> Node {
        let expected = Mistake::Expected("a list of a path and, if wanted, the shape of an item");
        let (path, shape) = match value {
            Value::Array(parts) => match parts.as_slice() {
                [path] => (path, None),
                [path, shape] => (path, Some(shape)),
                _ => {
                    self.wrong(expected);
                    return Node::Missing;
                }
            },
            _ => {
                self.wrong(expected);
                return Node::Missing;
            }
        };
        let list = self.within("[0]", |build| match path {
            Value::String(text) => build.path(text),
            other => build.node(other),
        });
        let shape = shape.filter(|shape| !shape.as_object().is_some_and(Map::is_empty)).map(|shape| {
            self.within("[1]", |build| {
                if !shape.is_object() {
                    build.wrong(Mistake::Expected("an object"));
                }
                Box::new(build.in_item(shape))
            })
        });
        Node::ArrayPath { list: Box::new(list), shape }
    }

    fn concatenate(&mut self, value: &Value) -> Node {
        if value.is_array() {
            return Node::Concatenate { values: self.nodes(value), separator: String::new() };
        }
        let Some(options) = self.options(value, &["values", "separator"]) else { return Node::Missing };
        let separator = self.text_option(options, "separator").unwrap_or_default().to_owned();
        Node::Concatenate { values: self.list_option(options, "values"), separator }
    }

    fn merge(&mut self, value: &Value) -> Node {
        let Some(options) = self.options(value, &["direction", "objects"]) else { return Node::Missing };
        let right = self.choice(options, "direction", ["left", "right"], "`left` or `right`");
        let objects = self.list_option(options, "objects");
        for (at, object) in options.get("objects").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if !may_be_object(object) {
                self.within("objects", |build| {
                    build.within(&format!("[{at}]"), |build| {
                        build.wrong(Mistake::Expected("an object, or a directive"))
                    });
                });
            }
        }
        Node::Merge { left: !right, objects }
    }

    fn transform(&mut self, value: &Value) -> Node {
        let Some(options) = self.options(value, &["apply", "mapping"]) else { return Node::Missing };
        if options.get("apply").is_some_and(|apply| !apply.is_object()) {
            self.within("apply", |build| build.wrong(Mistake::Expected("an object")));
        }
        let apply = Box::new(self.part(options, "apply"));
        let mapping = match options.get("mapping") {
            Some(mapping) => Box::new(self.within("mapping", |build| build.in_item(mapping))),
            None => Box::new(self.part(options, "mapping")),
        };
        Node::Transform { apply, mapping }
    }

    fn flatten(&mut self, value: &Value) -> Node {
        let Some(options) = self.options(value, &["value", "separator", "omitArrays"]) else { return Node::Missing };
        if !options.contains_key("separator") {
            self.wrong(Mistake::MissingOption("separator"));
        }
        let separator = self.text_option(options, "separator").unwrap_or_default().to_owned();
        let keep_lists = self.flag(options, "omitArrays", false);
        Node::Flatten { value: Box::new(self.part(options, "value")), separator, keep_lists }
    }

    fn json(&mut self, value: &Value) -> Node {
        let Some(options) = self.options(value, &["mode", "value"]) else { return Node::Missing };
        let decode = self.choice(options, "mode", ["encode", "decode"], "`encode` or `decode`");
        let value = Box::new(self.part(options, "value"));
        if decode { Node::Decode(value) } else { Node::Encode(value) }
    }

    /// The options of a directive or the parts of a condition, none of them unknown.
    pub(super) fn options<'v>(&mut self, value: &'v Value, known: &[&str]) -> Option<&'v Map<String, Value>> {
        let Value::Object(options) = value else {
            self.wrong(Mistake::Expected("an object with options"));
            return None;
        };
        for name in options.keys().filter(|name| *name != METADATA && !known.contains(&name.as_str())) {
            let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
            self.wrong(Mistake::Unknown { what: "option", name: name.clone(), nearest });
        }
        Some(options)
    }

    /// An option that has to be there.
    fn part(&mut self, options: &Map<String, Value>, name: &'static str) -> Node {
        if !options.contains_key(name) {
            self.wrong(Mistake::MissingOption(name));
        }
        self.part_or_missing(options, name)
    }

    fn part_or_missing(&mut self, options: &Map<String, Value>, name: &str) -> Node {
        options.get(name).map_or(Node::Missing, |value| self.within(name, |build| build.node(value)))
    }

    fn list_option(&mut self, options: &Map<String, Value>, name: &'static str) -> Vec<Node> {
        match options.get(name) {
            Some(value) => self.within(name, |build| build.nodes(value)),
            None => {
                self.wrong(Mistake::MissingOption(name));
                Vec::new()
            }
        }
    }

    fn nodes(&mut self, value: &Value) -> Vec<Node> {
        let Value::Array(items) = value else {
            self.wrong(Mistake::Expected("a list"));
            return Vec::new();
        };
        let items = items.iter().enumerate();
        items.map(|(at, item)| self.within(&format!("[{at}]"), |build| build.node(item))).collect()
    }

    /// The text, or a mistake noted.
    fn text_of<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.wrong(Mistake::Expected("a text"));
        }
        text
    }

    pub(super) fn text_option<'v>(&mut self, options: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
        options.get(name).and_then(|value| self.within(name, |build| build.text_of(value)))
    }

    /// A text of no more than [`PATTERN_CHARS_MAX`] characters.
    fn short(&mut self, options: &Map<String, Value>, name: &str) -> Option<String> {
        let text = self.text_option(options, name)?;
        if text.chars().count() > PATTERN_CHARS_MAX {
            self.within(name, |build| build.wrong(Mistake::Expected("a text of at most 10 characters")));
        }
        Some(text.to_owned())
    }

    fn flag(&mut self, options: &Map<String, Value>, name: &str, default: bool) -> bool {
        match options.get(name) {
            None | Some(Value::Null) => default,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.within(name, |build| build.wrong(Mistake::Expected("true or false")));
                default
            }
        }
    }

    /// Whether the second of two words was chosen.
    fn choice(
        &mut self,
        options: &Map<String, Value>,
        name: &'static str,
        words: [&str; 2],
        expected: &'static str,
    ) -> bool {
        let [first, second] = words;
        match options.get(name).map(Value::as_str) {
            Some(Some(word)) if word == first => false,
            Some(Some(word)) if word == second => true,
            Some(_) => {
                self.within(name, |build| build.wrong(Mistake::Expected(expected)));
                false
            }
            None => {
                self.wrong(Mistake::MissingOption(name));
                false
            }
        }
    }
}

/// Whether what was written can be an object: it is one, or a directive that yields one.
fn may_be_object(written: &Value) -> bool {
    match written.as_object().map(|entries| (entries, entries.get("@literal"), entries.get("@excludeWhenNull"))) {
        Some((_, Some(literal), _)) => literal.is_object(),
        Some((_, _, Some(inner))) => may_be_object(inner),
        Some((entries, None, None)) => {
            let makes_text = ["@template", "@liquid", "@concatenate"];
            !entries.keys().any(|key| makes_text.contains(&key.as_str()))
        }
        None => false,
    }
}
