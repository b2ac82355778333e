//! A small part of the query language: `SELECT … FROM … WHERE f = '…' AND f IN ('…', '…') LIMIT n`.
//!
//! Pure. Literals are read strictly: an escape that the language does not have is refused.

use serde_json::{Map, Value};

use super::records::{Store, attributes};
use super::schema::Object;

/// Salesforce, "SOQL limits": 100,000 characters.
const TEXT_CHARS_MAX: usize = 100_000;

type Fault = (&'static str, &'static str);

/// One token of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// A field that must have one of some values.
struct Condition {
    field: String,
    values: Vec<String>,
}

/// Runs a query; gives its rows.
pub(super) fn run(soql: &str, store: &Store) -> Result<Vec<Value>, Fault> {
    if soql.chars().count() > TEXT_CHARS_MAX {
        return Err(("QUERY_TOO_COMPLICATED", "the query is too long"));
    }
    let mut parser = Parser { tokens: tokens(soql)?, at: 0 };
    parser.keyword("SELECT")?;
    let fields = parser.names()?;
    parser.keyword("FROM")?;
    let name = parser.name()?;
    let object = store.object(&name).ok_or(("INVALID_TYPE", "sObject type is not supported"))?;
    let conditions = if parser.is_next("WHERE") { parser.conditions()? } else { Vec::new() };
    let limit = if parser.is_next("LIMIT") { parser.name()?.parse().map_err(|_| MALFORMED)? } else { usize::MAX };
    if parser.at != parser.tokens.len() {
        return Err(MALFORMED);
    }
    let columns = fields.iter().map(|field| spelled(object, field)).collect::<Result<Vec<_>, _>>()?;
    let conditions = conditions
        .into_iter()
        .map(|condition| Ok((spelled(object, &condition.field)?, condition.values)))
        .collect::<Result<Vec<_>, Fault>>()?;
    let rows = store.list(&object.name).into_iter().filter(|record| {
        conditions.iter().all(|(field, values)| values.iter().any(|value| is(record.get(field), field, value)))
    });
    Ok(rows.take(limit).map(|record| row(&object.name, &columns, &record)).collect())
}

const MALFORMED: Fault = ("MALFORMED_QUERY", "unexpected token");

/// Texts are compared without case; ids by their first 15 characters.
fn is(held: Option<&Value>, field: &str, value: &str) -> bool {
    let held = held.and_then(Value::as_str).unwrap_or_default();
    if field.ends_with("Id") && value.len() >= 15 {
        return held.get(..15).is_some() && held.get(..15) == value.get(..15);
    }
    held.to_lowercase() == value.to_lowercase()
}

fn row(object: &str, columns: &[String], record: &Map<String, Value>) -> Value {
    let mut row = Map::from_iter([("attributes".to_owned(), attributes(object, record))]);
    for column in columns {
        row.insert(column.clone(), record.get(column).cloned().unwrap_or(Value::Null));
    }
    row.into()
}

fn spelled(object: &Object, field: &str) -> Result<String, Fault> {
    if field.eq_ignore_ascii_case("Id") {
        return Ok("Id".to_owned());
    }
    object.field(field).map(|field| field.name.clone()).ok_or(("INVALID_FIELD", "No such column on entity"))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Result<Token, Fault> {
        let token = self.tokens.get(self.at).cloned().ok_or(MALFORMED)?;
        self.at += 1;
        Ok(token)
    }

    fn name(&mut self) -> Result<String, Fault> {
        if let Token::Word(word) = self.next()? { Ok(word) } else { Err(MALFORMED) }
    }

    fn text(&mut self) -> Result<String, Fault> {
        if let Token::Text(text) = self.next()? { Ok(text) } else { Err(MALFORMED) }
    }

    fn keyword(&mut self, word: &str) -> Result<(), Fault> {
        if self.name()?.eq_ignore_ascii_case(word) { Ok(()) } else { Err(MALFORMED) }
    }

    /// Whether the next token is this word, which is then behind.
    fn is_next(&mut self, word: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(known)) if known.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, sign: char) -> Result<(), Fault> {
        if self.next()? == Token::Sign(sign) { Ok(()) } else { Err(MALFORMED) }
    }

    fn is_comma(&mut self) -> bool {
        let is = self.tokens.get(self.at) == Some(&Token::Sign(','));
        self.at += usize::from(is);
        is
    }

    fn names(&mut self) -> Result<Vec<String>, Fault> {
        let mut names = vec![self.name()?];
        while self.is_comma() {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn conditions(&mut self) -> Result<Vec<Condition>, Fault> {
        let mut conditions = Vec::new();
        loop {
            let field = self.name()?;
            let values = if self.is_next("IN") {
                self.sign('(')?;
                let mut values = vec![self.text()?];
                while self.is_comma() {
                    values.push(self.text()?);
                }
                self.sign(')')?;
                values
            } else {
                self.sign('=')?;
                vec![self.text()?]
            };
            conditions.push(Condition { field, values });
            if !self.is_next("AND") {
                return Ok(conditions);
            }
        }
    }
}

fn tokens(soql: &str) -> Result<Vec<Token>, Fault> {
    let (mut tokens, mut letters) = (Vec::new(), soql.chars().peekable());
    while let Some(c) = letters.next() {
        match c {
            ' ' => {}
            ',' | '(' | ')' | '=' => tokens.push(Token::Sign(c)),
            '\'' => tokens.push(Token::Text(literal(&mut letters)?)),
            c if c.is_ascii_alphanumeric() => {
                let mut word = String::from(c);
                while let Some(c) = letters.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            _ => return Err(MALFORMED),
        }
    }
    Ok(tokens)
}

/// The rest of a literal, up to its quote.
fn literal(letters: &mut impl Iterator<Item = char>) -> Result<String, Fault> {
    let mut text = String::new();
    loop {
        match letters.next().ok_or(MALFORMED)? {
            '\'' => return Ok(text),
            '\n' | '\r' => return Err(MALFORMED),
            '\\' => text.push(match letters.next().ok_or(MALFORMED)? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                same @ ('\\' | '\'' | '"') => same,
                _ => return Err(MALFORMED),
            }),
            c => text.push(c),
        }
    }
}
