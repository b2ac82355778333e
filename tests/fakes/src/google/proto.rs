//! How a message of a Google API is spelled in JSON, in and out.
//!
//! Pure. Protocol Buffers, "ProtoJSON format": a name in camel case or as the message has it, an enum by name or by
//! number, 64-bit numbers as text or as numbers, null for what is not there. What is read has one spelling from here
//! on, the one that answers have; what is of another type, or unknown, refuses the request.

use serde_json::{Map, Number, Value, json};

use super::refusal::Refusal;
use crate::server::Recorded;

/// The fields of a message.
pub(super) type Message = [Field];

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// In camel case.
    name: &'static str,
    kind: Kind,
    many: bool,
    /// Whether it is in the message's `oneof`.
    alone: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Flag,
    /// A whole number of at most 64 bits, which answers write as text.
    Whole,
    /// A whole number of 32 bits.
    Short,
    /// One of these names; the place of each is its number.
    Name(&'static [&'static str]),
    Of(&'static Message),
}

impl Field {
    pub(super) const fn text(name: &'static str) -> Self {
        Self { name, kind: Kind::Text, many: false, alone: false }
    }

    pub(super) const fn flag(name: &'static str) -> Self {
        Self { kind: Kind::Flag, ..Self::text(name) }
    }

    pub(super) const fn whole(name: &'static str) -> Self {
        Self { kind: Kind::Whole, ..Self::text(name) }
    }

    pub(super) const fn short(name: &'static str) -> Self {
        Self { kind: Kind::Short, ..Self::text(name) }
    }

    pub(super) const fn name(name: &'static str, names: &'static [&'static str]) -> Self {
        Self { kind: Kind::Name(names), ..Self::text(name) }
    }

    pub(super) const fn of(name: &'static str, message: &'static Message) -> Self {
        Self { kind: Kind::Of(message), ..Self::text(name) }
    }

    /// The same, repeated.
    pub(super) const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    /// The same, in the message's `oneof`.
    pub(super) const fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// Reads a body as a message.
pub(super) fn read(request: &Recorded, message: &'static Message) -> Result<Value, Refusal> {
    let body = request.json().filter(|_| request.declares_json());
    message_of(&body.ok_or_else(|| Refusal::parse("The body is not valid JSON"))?, message, "")
}

fn message_of(value: &Value, message: &'static Message, path: &str) -> Result<Value, Refusal> {
    let members = value.as_object().ok_or_else(|| wrong(path, "an object", value))?;
    let (mut read, mut one) = (Map::new(), None);
    for (name, value) in members {
        let Some(field) = message.iter().find(|field| field.name == name || snake(field.name) == *name) else {
            let place = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
            let complaint = format!("Unknown name \"{name}\"{place}: Cannot find field.");
            return Err(Refusal::parse(&format!("Invalid JSON payload received. {complaint}")));
        };
        // Null is what is not there, and so is the first name of an enum.
        let path = if path.is_empty() { snake(field.name) } else { format!("{path}.{}", snake(field.name)) };
        let value = if value.is_null() { Value::Null } else { field.read(value, &path)? };
        if value.is_null() {
            continue;
        }
        if field.alone && one.replace(field.name).is_some() {
            return Err(Refusal::parse(&format!("Invalid value at '{path}' (oneof), oneof field is already set")));
        }
        if read.insert(field.name.to_owned(), value).is_some() {
            return Err(Refusal::parse(&format!("Invalid value at '{path}', the field is set twice")));
        }
    }
    Ok(read.into())
}

impl Field {
    fn read(&self, value: &Value, path: &str) -> Result<Value, Refusal> {
        if !self.many {
            return self.read_one(value, path);
        }
        let list = value.as_array().ok_or_else(|| wrong(path, "a list", value))?;
        let one = |(place, value): (usize, &Value)| match self.read_one(value, &format!("{path}[{place}]"))? {
            Value::Null => Err(wrong(path, "no null", value)),
            value => Ok(value),
        };
        list.iter().enumerate().map(one).collect()
    }

    fn read_one(&self, value: &Value, path: &str) -> Result<Value, Refusal> {
        match (self.kind, value) {
            (Kind::Text, Value::String(_)) | (Kind::Flag, Value::Bool(_)) => Some(value.clone()),
            (Kind::Whole, _) => whole(value).map(|number| number.to_string().into()),
            (Kind::Short, _) => whole(value).filter(|number| i32::try_from(*number).is_ok()).map(Value::from),
            (Kind::Name(names), Value::String(name)) => names
                .iter()
                .position(|known| known == name)
                .map(|place| if place == 0 { Value::Null } else { json!(name) }),
            // An enum is open: a number that has no name is taken in, and no check for a name knows it.
            (Kind::Name(names), Value::Number(number)) => number.as_u64().map(|number| {
                let name = usize::try_from(number).ok().and_then(|place| names.get(place));
                name.map_or(json!(number.to_string()), |name| if number == 0 { Value::Null } else { json!(name) })
            }),
            (Kind::Of(message), _) => return message_of(value, message, path),
            _ => None,
        }
        .ok_or_else(|| wrong(path, self.kind.word(), value))
    }

    fn show(&self, value: &Value) -> Value {
        match (self.kind, value) {
            (_, Value::Array(list)) if self.many => list.iter().map(|one| self.show(one)).collect(),
            (Kind::Name(names), Value::String(name)) => {
                names.iter().position(|known| known == name).map_or_else(|| value.clone(), Value::from)
            }
            (Kind::Of(message), _) => in_numbers(value, message),
            _ => value.clone(),
        }
    }
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Text => "TYPE_STRING",
            Self::Flag => "TYPE_BOOL",
            Self::Whole => "TYPE_INT64",
            Self::Short => "TYPE_INT32",
            Self::Name(_) => "TYPE_ENUM",
            Self::Of(_) => "TYPE_MESSAGE",
        }
    }
}

fn wrong(path: &str, kind: &str, value: &Value) -> Refusal {
    Refusal::parse(&format!("Invalid value at '{path}' ({kind}), {value}"))
}

/// A whole number in one of its spellings: `5`, `"5"`, `5.0` or `5e0`.
fn whole(value: &Value) -> Option<i64> {
    let number: Number = match value {
        Value::Number(number) => number.clone(),
        Value::String(text) => serde_json::from_str(text).ok()?,
        _ => return None,
    };
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15)?;
        format!("{float:.0}").parse().ok()
    })
}

/// A name as the message has it: `displayName` is `display_name`.
fn snake(name: &str) -> String {
    let part = |c: char| if c.is_ascii_uppercase() { format!("_{}", c.to_ascii_lowercase()) } else { c.to_string() };
    name.chars().map(part).collect()
}

/// The same answer with the numbers of enums instead of their names.
pub(super) fn in_numbers(answer: &Value, message: &'static Message) -> Value {
    let Some(members) = answer.as_object() else { return answer.clone() };
    let show = |(name, value): (&String, &Value)| {
        let field = message.iter().find(|field| field.name == name);
        (name.clone(), field.map_or_else(|| value.clone(), |field| field.show(value)))
    };
    members.iter().map(show).collect::<Map<_, _>>().into()
}

/// What the query says: parameters that every method has, and those of this one.
#[derive(Debug)]
pub(super) struct Query<'r> {
    request: &'r Recorded,
    /// Whether enums are answered by their numbers.
    pub(super) numbers: bool,
}

impl<'r> Query<'r> {
    /// Google Cloud APIs, "System parameters": each by its name or with `$` in front.
    pub(super) fn read(request: &'r Recorded, own: &[&str]) -> Result<Self, Refusal> {
        let mut numbers = false;
        for (name, value) in &request.query {
            match name.strip_prefix('$').unwrap_or(name) {
                "alt" => match value.as_str() {
                    "json" | "JSON" => {}
                    "json;enum-encoding=int" => numbers = true,
                    other => return Err(Refusal::parse(&format!("Invalid value at 'alt', \"{other}\""))),
                },
                "prettyPrint" | "key" | "quotaUser" => {}
                _ if own.iter().any(|own| own == name || snake(own) == *name) => {}
                _ => {
                    let complaint = format!("Unknown name \"{name}\": Cannot bind query parameter.");
                    return Err(Refusal::parse(&format!("Invalid JSON payload received. {complaint}")));
                }
            }
        }
        Ok(Self { request, numbers })
    }

    /// The parameter in either spelling.
    pub(super) fn get(&self, name: &str) -> Option<&'r str> {
        self.request.parameter(name).or_else(|| self.request.parameter(&snake(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: &Message = &[Field::text("emailAddress").alone(), Field::text("phoneNumber").alone()];
    const MESSAGE: &Message = &[
        Field::text("displayName"),
        Field::flag("validateOnly"),
        Field::whole("recordCount"),
        Field::short("pageSize"),
        Field::name("encoding", &["ENCODING_UNSPECIFIED", "HEX", "BASE64"]),
        Field::of("people", INNER).many(),
    ];

    #[track_caller]
    fn check(value: Value, expect: &str) {
        let got =
            message_of(&value, MESSAGE, "").map_or_else(|refusal| refusal.message().to_owned(), |v| v.to_string());
        assert_eq!(got, expect, "{value}");
    }

    #[test]
    fn a_name_has_two_spellings_and_one_value() {
        check(json!({"displayName": "a"}), r#"{"displayName":"a"}"#);
        check(json!({"display_name": "a", "validate_only": true}), r#"{"displayName":"a","validateOnly":true}"#);
        check(
            json!({"displayName": "a", "display_name": "b"}),
            "Invalid value at 'display_name', the field is set twice",
        );
        check(
            json!({"DisplayName": "a"}),
            "Invalid JSON payload received. Unknown name \"DisplayName\": Cannot find field.",
        );
        check(
            json!({"people": [{"emailAddress": "a"}, {"mail": "b"}]}),
            "Invalid JSON payload received. Unknown name \"mail\" at 'people[1]': Cannot find field.",
        );
    }

    #[test]
    fn an_enum_is_a_name_or_a_number() {
        for hex in [json!("HEX"), json!(1)] {
            check(json!({ "encoding": hex }), r#"{"encoding":"HEX"}"#);
        }
        for none in [json!("ENCODING_UNSPECIFIED"), json!(0), Value::Null] {
            check(json!({ "encoding": none }), "{}");
        }
        check(json!({"encoding": 7}), r#"{"encoding":"7"}"#);
        check(json!({"encoding": "hex"}), "Invalid value at 'encoding' (TYPE_ENUM), \"hex\"");
    }

    #[test]
    fn a_whole_number_is_a_number_or_a_text() {
        for five in [json!(5), json!("5"), json!(5.0), json!("5e0")] {
            check(json!({ "recordCount": five, "pageSize": five }), r#"{"pageSize":5,"recordCount":"5"}"#);
        }
        check(json!({"recordCount": "9007199254740993"}), r#"{"recordCount":"9007199254740993"}"#);
        check(json!({"recordCount": 5.5}), "Invalid value at 'record_count' (TYPE_INT64), 5.5");
        check(json!({"pageSize": "5000000000"}), "Invalid value at 'page_size' (TYPE_INT32), \"5000000000\"");
    }

    #[test]
    fn types_are_those_of_the_message() {
        check(json!({"displayName": 5}), "Invalid value at 'display_name' (TYPE_STRING), 5");
        check(json!({"validateOnly": "true"}), "Invalid value at 'validate_only' (TYPE_BOOL), \"true\"");
        check(json!({"people": {}}), "Invalid value at 'people' (a list), {}");
        check(json!({"people": null, "displayName": null}), "{}");
    }

    #[test]
    fn of_a_oneof_there_is_one() {
        let both = json!({"people": [{"emailAddress": "a", "phoneNumber": "b"}]});
        check(both, "Invalid value at 'people[0].phone_number' (oneof), oneof field is already set");
        check(json!({"people": [{"emailAddress": "a", "phoneNumber": null}]}), r#"{"people":[{"emailAddress":"a"}]}"#);
    }

    #[test]
    fn an_answer_may_have_numbers_for_names() {
        let answer = json!({"encoding": "BASE64", "displayName": "HEX", "people": [{"emailAddress": "a"}]});
        let expect = json!({"encoding": 2, "displayName": "HEX", "people": [{"emailAddress": "a"}]});
        assert_eq!(in_numbers(&answer, MESSAGE), expect);
    }
}
