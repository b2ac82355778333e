//! Whether a body is what its content type says, as a strict reader sees it.
//!
//! Nothing is known of a destination, so a type that is not listed here is believed.

use std::collections::BTreeSet;
use std::fmt;

use enroute_core::request::Request;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Kinds of bodies that can be read without knowing the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    /// A JSON value a line.
    JsonLines,
    Form,
    Multipart,
    /// A table with a row a line, and what parts its columns.
    Table(u8),
    Text,
    Other,
}

/// What a request says that its body is; none where it does not say it exactly once.
pub(crate) fn kind(request: &Request) -> Option<Kind> {
    content_type(request).ok().flatten().map(kind_of)
}

fn content_type(request: &Request) -> Result<Option<&str>, String> {
    let mut types = request.headers.iter().filter(|item| item.name.eq_ignore_ascii_case("content-type"));
    match (types.next(), types.next()) {
        (_, Some(_)) => Err("it has several content types".to_owned()),
        (Some(one), None) => Ok(Some(&one.value)),
        (None, None) => Ok(None),
    }
}

fn kind_of(content_type: &str) -> Kind {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => Kind::Form,
        "multipart/form-data" => Kind::Multipart,
        "text/csv" | "application/csv" => Kind::Table(b','),
        "text/tab-separated-values" => Kind::Table(b'\t'),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Kind::JsonLines
        }
        text if text == "application/json" || text == "text/json" || text.ends_with("+json") => Kind::Json,
        text if text.starts_with("text/") => Kind::Text,
        _ => Kind::Other,
    }
}

/// What is wrong with content type and body, if anything.
pub(crate) fn wrong(request: &Request) -> Option<String> {
    let body = request.body.as_slice();
    let content_type = match content_type(request) {
        Err(several) => return Some(several),
        Ok(None) if body.is_empty() => return None,
        Ok(None) => return Some(format!("it has a body of {} bytes and no content type", body.len())),
        Ok(Some(content_type)) => content_type,
    };
    if !content_type.contains('/') {
        return Some(format!("`{content_type}` is no content type"));
    }
    let found = match kind_of(content_type) {
        Kind::Json if body.is_empty() => Some("there is no body".to_owned()),
        Kind::Json => json(body),
        Kind::JsonLines => lines(body).enumerate().find_map(|(at, line)| Some(format!("line {at}: {}", json(line)?))),
        Kind::Form => form(body),
        Kind::Multipart => multipart(content_type, body),
        Kind::Table(delimiter) => table(body, delimiter),
        Kind::Text => utf8(body),
        Kind::Other => None,
    };
    found.map(|found| format!("`{content_type}`, and {found}"))
}

pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = body.strip_suffix(b"\n").unwrap_or(body);
    whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn utf8(body: &[u8]) -> Option<String> {
    let error = std::str::from_utf8(body).err()?;
    Some(format!("byte {} is part of no character", error.valid_up_to()))
}

/// JSON to the letter. Deep nesting is read without recursion, only then half a character may go unseen.
fn json(body: &[u8]) -> Option<String> {
    if let Some(wrong) = utf8(body) {
        return Some(wrong);
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        return Some(format!("it is no JSON: {error}"));
    }
    let error = read(body, &mut BTreeSet::new())
        .err()
        .filter(|error| error.contains("surrogate") || error.contains("hex escape"))?;
    Some(format!("it has half a character: {error}"))
}

/// Names that stand twice in one object of a JSON text.
pub(crate) fn names_twice(json: &[u8]) -> BTreeSet<String> {
    let mut twice = BTreeSet::new();
    // What is no JSON has been told by then; what came before counts.
    let _ = read(json, &mut twice);
    twice
}

fn read(json: &[u8], twice: &mut BTreeSet<String>) -> Result<(), String> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Strict(twice).deserialize(&mut reader).map_err(|error| error.to_string())
}

/// Reads every value and keeps the names that stand twice.
struct Strict<'t>(&'t mut BTreeSet<String>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Strict(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                self.0.insert(name);
            } else {
                names.insert(name);
            }
            members.next_value_seed(Strict(&mut *self.0))?;
        }
        Ok(())
    }
}

/// Characters that a form must write with a percent sign, and percent signs that stand for nothing.
fn form(body: &[u8]) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let mut at = 0;
    while let Some(byte) = body.get(at).copied() {
        let pair = body.get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        match byte {
            b'%' if pair => at += 3,
            b'%' => return Some(format!("the percent sign at byte {at} stands for nothing")),
            other if is_plain(other) => at += 1,
            other => return Some(format!("byte {at} is {other:#04x}, which a form writes with a percent sign")),
        }
    }
    let is_item = |item: &[u8]| item.contains(&b'=');
    let bare = body.split(|byte| *byte == b'&').find(|item| !item.is_empty() && !is_item(item))?;
    Some(format!("`{}` has no value", String::from_utf8_lossy(bare).chars().take(40).collect::<String>()))
}

fn multipart(content_type: &str, body: &[u8]) -> Option<String> {
    let parameter = content_type.split(';').skip(1).find_map(|part| part.trim().strip_prefix("boundary="));
    let Some(boundary) = parameter.map(|text| text.trim_matches('"')) else {
        return Some("it names no boundary".to_owned());
    };
    let (begin, end) = (format!("--{boundary}\r\n"), format!("--{boundary}--"));
    let ends = body.trim_ascii_end().ends_with(end.as_bytes());
    (!body.starts_with(begin.as_bytes()) || !ends).then(|| "its parts are not between the boundaries".to_owned())
}

fn table(body: &[u8], delimiter: u8) -> Option<String> {
    if let Some(wrong) = utf8(body) {
        return Some(wrong);
    }
    // Tables with semicolons or bars are called CSV too.
    let first = lines(body).next().unwrap_or_default();
    let delimiter = [delimiter, b';', b'\t', b'|'].into_iter().find(|one| first.contains(one)).unwrap_or(delimiter);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(body);
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(format!("its rows differ: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use enroute_core::request::{Item, Method};

    use super::*;

    #[track_caller]
    fn check(content_type: &str, body: &[u8], sound: bool) {
        let headers = [content_type].into_iter().filter(|text| !text.is_empty());
        let request = Request {
            method: Method::Post,
            origin: String::new(),
            path: Vec::new(),
            query: Vec::new(),
            headers: headers.map(|text| Item { name: "Content-Type".to_owned(), value: text.to_owned() }).collect(),
            body: body.to_vec(),
            slots: Vec::new(),
        };
        let found = wrong(&request);
        assert_eq!(found.is_none(), sound, "{content_type}: {} {found:?}", String::from_utf8_lossy(body));
    }

    #[test]
    fn a_body_is_held_to_its_type() {
        let json = "application/json; charset=utf-8";
        check("", b"", true);
        check("", b"{}", false);
        check(json, b"", false);
        check(json, br#"{"a":[1e400,-0,"\u00e9\ud83d\ude00"]}"#, true);
        for body in
            [br#"{"a":1,}"#.as_slice(), b"{'a':1}", b"[NaN]", b"{\"a\":\"\xc3\"}", b"\"a\nb\"", b"{}{}", br#""\ud83d""#]
        {
            check(json, body, false);
        }
        check(json, format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)).as_bytes(), true);
        check("application/vnd.api+json", b"x", false);
        check("application/x-ndjson", b"{}\n[]\n", true);
        check("application/x-ndjson", b"{}\n[\n", false);
        check("application/x-www-form-urlencoded", b"a=%7B%7D&b[]=x+y&c=", true);
        check("application/x-www-form-urlencoded", br#"a={"b":1}"#, false);
        check("application/x-www-form-urlencoded", b"a=%zz", false);
        check("application/x-www-form-urlencoded", b"a=1&b", false);
        check("multipart/form-data; boundary=x", b"--x\r\n\r\na\r\n--x--\r\n", true);
        check("multipart/form-data", b"--x\r\n", false);
        check("text/csv", b"id,name\n1,\"a, b\"\n", true);
        check("text/csv", b"id,name\n1\n", false);
        check("text/csv", b"id;name\n1;a,b\n", true);
        check("text/plain", b"\xff", false);
        check("application/octet-stream", b"\xff", true);
        check("json", b"{}", false);
    }

    #[test]
    fn names_that_stand_twice_are_found_at_any_depth() {
        let twice = names_twice(br#"{"a":[{"b":1,"b":2}],"c":{"a":1},"a":0}"#);
        assert_eq!(twice.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
