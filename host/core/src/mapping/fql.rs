//! A trigger as a text: `type = "identify" and (traits.plan = "gold" or traits.age >= 30)`.
//!
//! `and` binds tighter than `or`, words of the language are lower case, and a value is a text in quotes, a number, or
//! true or false. Conditions mean what they mean in tables; parsing is total. What other languages write otherwise is
//! told with the spelling that is meant (`foreign`).

mod foreign;

use serde_json::Value;

use crate::mapping::compile::Build;
use crate::mapping::condition::OPERATORS;
use crate::mapping::error::Mistake;
use crate::mapping::trigger::{Group, condition};

pub(super) use foreign::null;

/// Longest text, in bytes; what is longer is clearer as a table.
const TEXT_BYTES_MAX: usize = 4_096;

/// Compiles a trigger's text.
pub(super) fn parse(build: &mut Build<'_, '_>, text: &str) -> Group {
    if text.len() > TEXT_BYTES_MAX {
        build.wrong(Mistake::Condition(format!("a trigger's text has at most {TEXT_BYTES_MAX} bytes")));
        return Group::default();
    }
    let mut reader = Reader { rest: text.trim_start() };
    match reader.any(build) {
        Ok(_) if !reader.rest.is_empty() => {
            build.wrong(foreign::joint(reader.rest));
            Group::default()
        }
        Ok(group) => group,
        Err(mistake) => {
            build.wrong(mistake);
            Group::default()
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn any(&mut self, build: &mut Build<'_, '_>) -> Result<Group, Mistake> {
        let mut groups = vec![self.all(build)?];
        while self.word("or") {
            groups.push(self.all(build)?);
        }
        Ok(if groups.len() == 1 { groups.pop().unwrap_or_default() } else { Group::Any(groups) })
    }

    fn all(&mut self, build: &mut Build<'_, '_>) -> Result<Group, Mistake> {
        let mut groups = vec![self.one(build)?];
        while self.word("and") {
            groups.push(self.one(build)?);
        }
        Ok(if groups.len() == 1 { groups.pop().unwrap_or_default() } else { Group::All(groups) })
    }

    fn one(&mut self, build: &mut Build<'_, '_>) -> Result<Group, Mistake> {
        if let Some(mistake) = foreign::negation(self.rest) {
            return Err(mistake);
        }
        if self.sign("(") {
            // Where it is too deep, the mistake is noted, and what follows is no longer read.
            let inner = build.deeper(|build| Some(self.any(build)));
            let Some(inner) = inner else {
                self.rest = "";
                return Ok(Group::default());
            };
            let group = inner?;
            let is_closed = self.sign(")") || self.rest.is_empty() && build.is_wrong();
            return if is_closed { Ok(group) } else { Err(self.not_closed()) };
        }
        let path = self.path();
        if path.is_empty() {
            return Err(self.expected("a path"));
        }
        if let Some(mistake) = foreign::condition(path, self.rest) {
            return Err(mistake);
        }
        let Some((operator, _)) = OPERATORS.into_iter().find(|(operator, _)| self.operator(operator)) else {
            return Err(self.expected("an operator"));
        };
        let value = match operator {
            "exists" | "not_exists" | "is_true" | "is_false" => None,
            _ => Some(self.value().map_err(|mistake| foreign::value(path, operator, self.rest).unwrap_or(mistake))?),
        };
        Ok(build.deeper(|build| condition(build, path, operator, value.as_ref())))
    }

    /// A path, up to a space, an operator's sign or a bracket; quotes keep all of these.
    fn path(&mut self) -> &'t str {
        let mut quote = None;
        let mut is_escaped = false;
        let is_end = |c: char| match quote {
            Some(open) => {
                if !is_escaped && c == open {
                    quote = None;
                }
                is_escaped = !is_escaped && c == '\\';
                false
            }
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                false
            }
            None => c.is_whitespace() || matches!(c, '=' | '!' | '<' | '>' | '(' | ')'),
        };
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// A text in double quotes, as JSON writes it, or in single ones, as it stands; a number, true or false.
    fn value(&mut self) -> Result<Value, Mistake> {
        if let Some(inner) = self.rest.strip_prefix('\'') {
            let end = inner.find('\'').ok_or_else(|| self.expected("a quote that ends"))?;
            let text = inner.get(..end).unwrap_or_default().to_owned();
            self.take(end + 2);
            return Ok(Value::String(text));
        }
        if self.rest.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
            if let Some(Ok(value)) = values.next() {
                let end = values.byte_offset();
                self.take(end);
                return Ok(value);
            }
        }
        // A number or a word ends where neither can go on, be it at a bracket, a sign or the end.
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        match self.rest.get(..end).map(serde_json::from_str) {
            Some(Ok(value @ (Value::Number(_) | Value::Bool(_)))) => {
                self.take(end);
                Ok(value)
            }
            _ => Err(self.expected("a text in quotes, a number, true or false")),
        }
    }

    /// Takes an operator; one that is a word ends where the word ends.
    fn operator(&mut self, operator: &str) -> bool {
        if operator.starts_with(char::is_alphabetic) { self.word(operator) } else { self.sign(operator) }
    }

    fn word(&mut self, word: &str) -> bool {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        let is_next = self.rest.strip_prefix(word).is_some_and(ends);
        is_next && self.sign(word)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is_next = self.rest.starts_with(sign);
        if is_next {
            self.take(sign.len());
        }
        is_next
    }

    fn take(&mut self, end: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest.trim_start();
        taken
    }

    fn not_closed(&self) -> Mistake {
        match foreign::joint(self.rest) {
            mistake @ Mistake::Foreign { .. } => mistake,
            _ => self.expected("`)`"),
        }
    }

    fn expected(&self, what: &str) -> Mistake {
        let place = if self.rest.is_empty() { "at the end".to_owned() } else { format!("before `{}`", self.rest) };
        Mistake::Condition(format!("{what} is expected {place}"))
    }
}
