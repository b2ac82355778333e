//! The query language of the Google Ads API, over the two resources that are needed here.
//!
//! Pure. Google Ads API, "Query grammar" and `QueryError`: a field that the resource does not have, a resource that
//! does not exist and a clause that cannot be read are refused, and a row has what was selected and its resource name.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// Resources and their fields, as queries name them.
const RESOURCES: [(&str, &[&str]); 2] = [
    (
        "user_list",
        &[
            "resource_name",
            "id",
            "name",
            "description",
            "read_only",
            "membership_status",
            "membership_life_span",
            "integration_code",
            "access_reason",
            "account_user_list_status",
            "closing_reason",
            "eligible_for_display",
            "eligible_for_search",
            "match_rate_percentage",
            "size_for_display",
            "size_for_search",
            "size_range_for_display",
            "size_range_for_search",
            "type",
            "crm_based_user_list.app_id",
            "crm_based_user_list.data_source_type",
            "crm_based_user_list.upload_key_type",
        ],
    ),
    (
        "offline_user_data_job",
        &[
            "resource_name",
            "id",
            "external_id",
            "type",
            "status",
            "failure_reason",
            "operation_metadata.match_rate_range",
            "customer_match_user_list_metadata.user_list",
            "customer_match_user_list_metadata.consent.ad_user_data",
            "customer_match_user_list_metadata.consent.ad_personalization",
        ],
    ),
];

/// A query that can be carried out.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) resource: &'static str,
    fields: Vec<&'static str>,
    conditions: Vec<Condition>,
    order: Vec<(&'static str, bool)>,
    limit: usize,
}

/// A field that is compared with some values.
#[derive(Debug)]
struct Condition {
    field: &'static str,
    test: Test,
    values: Vec<String>,
    is_not: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    In,
    Like,
    Null,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

fn refused(code: &str) -> Refusal {
    Refusal::ads(400, "INVALID_ARGUMENT", "queryError", code)
}

impl Query {
    /// Reads a query.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0 };
        parser.keyword("SELECT", "EXPECTED_SELECT")?;
        let selected = parser.list(Parser::word)?;
        parser.keyword("FROM", "EXPECTED_FROM")?;
        let from = parser.word()?;
        let (resource, known) = RESOURCES
            .into_iter()
            .find(|(name, _)| *name == from)
            .ok_or_else(|| refused("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"))?;
        let field = |name: &String| {
            let inside = name.strip_prefix(resource).and_then(|rest| rest.strip_prefix('.'));
            let field = inside.and_then(|inside| known.iter().find(|known| **known == inside));
            field.copied().ok_or_else(|| refused("UNRECOGNIZED_FIELD"))
        };
        let mut query =
            Self { resource, fields: Vec::new(), conditions: Vec::new(), order: Vec::new(), limit: usize::MAX };
        query.fields = selected.iter().map(field).collect::<Result<_, _>>()?;
        if parser.is_next("WHERE") {
            loop {
                query.conditions.push(parser.condition(&field)?);
                if !parser.is_next("AND") {
                    break;
                }
            }
        }
        if parser.is_next("ORDER") {
            parser.keyword("BY", "EXPECTED_BY")?;
            for (name, falls) in parser.list(Parser::ordering)? {
                query.order.push((field(&name)?, falls));
            }
        }
        if parser.is_next("LIMIT") {
            let limit = parser.word()?.parse().ok().filter(|limit| *limit > 0);
            query.limit = limit.ok_or_else(|| refused("BAD_LIMIT_VALUE"))?;
        }
        if parser.is_next("PARAMETERS") {
            parser.list(Parser::parameter)?;
        }
        if parser.at < parser.tokens.len() { Err(refused("UNEXPECTED_INPUT")) } else { Ok(query) }
    }

    /// The answer over these resources, each with all that is known of it.
    pub(super) fn answer(&self, resources: impl Iterator<Item = Value>) -> Value {
        let mut rows: Vec<Value> = resources.filter(|one| self.conditions.iter().all(|c| c.holds(one))).collect();
        for (field, falls) in self.order.iter().rev() {
            rows.sort_by_key(|row| text(row, field));
            if *falls {
                rows.reverse();
            }
        }
        let (key, paths) =
            (camel(self.resource), self.fields.iter().map(|field| camel(&format!("{}.{field}", self.resource))));
        let mask = paths.collect::<Vec<_>>().join(",");
        let results: Vec<Value> = rows.iter().take(self.limit).map(|row| json!({ &key: self.row(row) })).collect();
        if results.is_empty() { json!({ "fieldMask": mask }) } else { json!({ "results": results, "fieldMask": mask }) }
    }

    /// The text that a field is asked to be equal to.
    pub(super) fn wanted(&self, field: &str) -> Option<&str> {
        let found = self.conditions.iter().find(|one| one.field == field && one.test == Test::In && !one.is_not)?;
        if let [only] = found.values.as_slice() { Some(only) } else { None }
    }

    fn row(&self, whole: &Value) -> Value {
        let mut row = Map::new();
        for field in std::iter::once(&"resource_name").chain(&self.fields) {
            let Some(value) = whole.pointer(&pointer(field)) else { continue };
            put(&mut row, &camel(field), value);
        }
        row.into()
    }
}

/// Puts a value where its path says, objects above it included.
fn put(row: &mut Map<String, Value>, path: &str, value: &Value) {
    match path.split_once('.') {
        None => drop(row.insert(path.to_owned(), value.clone())),
        Some((above, path)) => {
            let inner = row.entry(above.to_owned()).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, path, value);
            }
        }
    }
}

impl Condition {
    fn holds(&self, whole: &Value) -> bool {
        let held = text(whole, self.field);
        let holds = match self.test {
            Test::Null => held.is_empty(),
            Test::In => self.values.contains(&held),
            Test::Like => self.values.iter().any(|pattern| like(&held, pattern)),
        };
        holds != self.is_not
    }
}

/// Whether a text has the form of a pattern, in which `%` stands for anything, whatever the case.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let Some((first, rest)) = pattern.split_once('%') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = rest.split('%').collect();
    let Some((last, middle)) = parts.split_last() else { return true };
    for part in middle {
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    text.ends_with(last)
}

/// A value of a resource as text; empty where there is none.
fn text(whole: &Value, field: &str) -> String {
    match whole.pointer(&pointer(field)) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string().to_uppercase(),
        Some(other) => other.to_string(),
    }
}

fn pointer(field: &str) -> String {
    format!("/{}", camel(field).replace('.', "/"))
}

/// A name as answers have it.
fn camel(name: &str) -> String {
    let part =
        |part: &str| part.get(..1).map(str::to_uppercase).unwrap_or_default() + part.get(1..).unwrap_or_default();
    let mut parts = name.split('_');
    parts.next().unwrap_or_default().to_owned() + &parts.map(part).collect::<String>()
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Result<Token, Refusal> {
        let token = self.tokens.get(self.at).cloned().ok_or_else(|| refused("UNEXPECTED_END_OF_QUERY"))?;
        self.at += 1;
        Ok(token)
    }

    fn word(&mut self) -> Result<String, Refusal> {
        if let Token::Word(word) = self.next()? { Ok(word) } else { Err(refused("BAD_FIELD_NAME")) }
    }

    fn keyword(&mut self, word: &str, code: &str) -> Result<(), Refusal> {
        if self.is_next(word) { Ok(()) } else { Err(refused(code)) }
    }

    /// Whether the next token is this word, which is then behind.
    fn is_next(&mut self, word: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(known)) if known.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn is_sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Sign(known)) if known == sign);
        self.at += usize::from(is);
        is
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
        let mut list = vec![one(self)?];
        while self.is_sign(",") {
            list.push(one(self)?);
        }
        Ok(list)
    }

    fn ordering(&mut self) -> Result<(String, bool), Refusal> {
        let name = self.word()?;
        let falls = self.is_next("DESC");
        if !falls {
            self.is_next("ASC");
        }
        Ok((name, falls))
    }

    fn parameter(&mut self) -> Result<(), Refusal> {
        let name = self.word()?;
        if !["include_drafts", "omit_unselected_resource_names"].contains(&name.as_str()) {
            return Err(refused("BAD_PARAMETER_NAME"));
        }
        let is_set = self.is_sign("=") && ["true", "false"].contains(&self.word()?.as_str());
        if is_set { Ok(()) } else { Err(refused("BAD_PARAMETER_VALUE")) }
    }

    fn value(&mut self) -> Result<String, Refusal> {
        match self.next()? {
            Token::Text(text) | Token::Word(text) => Ok(text),
            Token::Sign(_) => Err(refused("BAD_VALUE")),
        }
    }

    fn condition(&mut self, field: &impl Fn(&String) -> Result<&'static str, Refusal>) -> Result<Condition, Refusal> {
        let field = field(&self.word()?)?;
        if self.is_next("IS") {
            let is_not = self.is_next("NOT");
            self.keyword("NULL", "BAD_VALUE")?;
            return Ok(Condition { field, test: Test::Null, values: Vec::new(), is_not });
        }
        let is_not = self.is_sign("!=") || self.is_next("NOT");
        let single = matches!(self.tokens.get(self.at.wrapping_sub(1)), Some(Token::Sign(sign)) if sign == "!=")
            || self.is_sign("=");
        if single {
            return Ok(Condition { field, test: Test::In, values: vec![self.value()?], is_not });
        }
        if self.is_next("LIKE") {
            return Ok(Condition { field, test: Test::Like, values: vec![self.value()?], is_not });
        }
        // What else the grammar has is for numbers and dates, of which no field here is one.
        self.keyword("IN", "BAD_OPERATOR")?;
        if !self.is_sign("(") {
            return Err(refused("EXPECTED_LIST"));
        }
        let values = self.list(Self::value)?;
        if self.is_sign(")") {
            Ok(Condition { field, test: Test::In, values, is_not })
        } else {
            Err(refused("EXPECTED_LIST"))
        }
    }
}

fn tokens(query: &str) -> Result<Vec<Token>, Refusal> {
    let (mut tokens, mut letters) = (Vec::new(), query.chars().peekable());
    while let Some(c) = letters.next() {
        match c {
            c if c.is_whitespace() => {}
            ',' | '(' | ')' | '=' => tokens.push(Token::Sign(c.into())),
            '!' | '<' | '>' => {
                let behind = letters.next_if_eq(&'=');
                tokens.push(Token::Sign([Some(c), behind].into_iter().flatten().collect()));
            }
            '\'' | '"' => tokens.push(Token::Text(literal(c, &mut letters)?)),
            c if c.is_ascii_alphanumeric() || c == '-' => {
                let mut word = String::from(c);
                while let Some(c) = letters.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            _ => return Err(refused("BAD_SYMBOL")),
        }
    }
    Ok(tokens)
}

/// The rest of a text, up to its quote. A backslash stands before a quote, a backslash and what a pattern has.
fn literal(quote: char, letters: &mut impl Iterator<Item = char>) -> Result<String, Refusal> {
    let mut text = String::new();
    loop {
        match letters.next().ok_or_else(|| refused("INVALID_STRING_VALUE"))? {
            c if c == quote => return Ok(text),
            '\\' => match letters.next().ok_or_else(|| refused("INVALID_STRING_VALUE"))? {
                same @ ('\\' | '\'' | '"' | '%' | '[' | ']') => text.push(same),
                'n' => text.push('\n'),
                't' => text.push('\t'),
                _ => return Err(refused("BAD_ESCAPE_SEQUENCE")),
            },
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Vec<Value> {
        let list = |id: &str, name: &str, kind: &str| {
            json!({
                "resourceName": format!("customers/1/userLists/{id}"), "id": id, "name": name, "readOnly": false,
                "crmBasedUserList": {"uploadKeyType": kind},
            })
        };
        vec![list("7", "Bob's", "CONTACT_INFO"), list("8", "a\\b", "CRM_ID"), list("9", "Gold", "CONTACT_INFO")]
    }

    /// Ids of the rows, or the code of the refusal.
    #[track_caller]
    fn check(query: &str, expect: &str) {
        let got = match Query::parse(query) {
            Ok(query) => {
                let answer = query.answer(lists().into_iter());
                let rows = answer["results"].as_array().cloned().unwrap_or_default();
                rows.iter()
                    .map(|row| row["userList"]["id"].as_str().unwrap_or("-").to_owned())
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            Err(refusal) => refusal.code(),
        };
        assert_eq!(got, expect, "{query}");
    }

    #[test]
    fn rows_are_those_that_every_condition_holds_for() {
        check("SELECT user_list.id FROM user_list", "7 8 9");
        check("SELECT user_list.id FROM user_list WHERE user_list.id = 8", "8");
        check("select user_list.id from user_list where user_list.name = 'Bob\\'s'", "7");
        check("SELECT user_list.id FROM user_list WHERE user_list.name = \"Bob's\"", "7");
        check("SELECT user_list.id FROM user_list WHERE user_list.name = 'a\\\\b'", "8");
        check("SELECT user_list.id FROM user_list WHERE user_list.id != 8 AND user_list.read_only = FALSE", "7 9");
        check("SELECT user_list.id FROM user_list WHERE user_list.id IN (7, 9) AND user_list.name LIKE 'g%'", "9");
        check("SELECT user_list.id FROM user_list WHERE user_list.name NOT LIKE '%o%'", "8");
        check("SELECT user_list.id FROM user_list WHERE user_list.description IS NOT NULL", "");
        check("SELECT user_list.id FROM user_list ORDER BY user_list.name DESC LIMIT 2", "8 9");
        check("SELECT user_list.id FROM user_list PARAMETERS include_drafts=true", "7 8 9");
    }

    #[test]
    fn a_row_has_what_was_selected_and_its_name() {
        let query = "SELECT user_list.crm_based_user_list.upload_key_type FROM user_list WHERE user_list.id = '7'";
        let answer = Query::parse(query).unwrap().answer(lists().into_iter());
        let list =
            json!({"resourceName": "customers/1/userLists/7", "crmBasedUserList": {"uploadKeyType": "CONTACT_INFO"}});
        let mask = "userList.crmBasedUserList.uploadKeyType";
        assert_eq!(answer, json!({"results": [{"userList": list}], "fieldMask": mask}));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        check("SELECT user_list.ident FROM user_list", "UNRECOGNIZED_FIELD");
        check("SELECT campaign.id FROM user_list", "UNRECOGNIZED_FIELD");
        check("SELECT user_list.id FROM user_list WHERE user_list.title = 'x'", "UNRECOGNIZED_FIELD");
        check("SELECT user_list.id FROM user_list ORDER BY user_list.title", "UNRECOGNIZED_FIELD");
        check("SELECT user_list.id FROM user_lists", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        check("user_list.id FROM user_list", "EXPECTED_SELECT");
        check("SELECT user_list.id user_list", "EXPECTED_FROM");
        check("SELECT user_list.id FROM user_list LIMIT 0", "BAD_LIMIT_VALUE");
        check("SELECT user_list.id FROM user_list WHERE user_list.name = 'open", "INVALID_STRING_VALUE");
        check("SELECT user_list.id FROM user_list WHERE user_list.name = '\\x'", "BAD_ESCAPE_SEQUENCE");
        check("SELECT user_list.id FROM user_list WHERE user_list.id > 5", "BAD_OPERATOR");
        check("SELECT user_list.id FROM user_list WHERE user_list.id IN 5", "EXPECTED_LIST");
        check("SELECT user_list.id FROM user_list; DROP", "BAD_SYMBOL");
        check("SELECT user_list.id FROM user_list user_list", "UNEXPECTED_INPUT");
        check("SELECT user_list.id FROM user_list PARAMETERS drafts=true", "BAD_PARAMETER_NAME");
    }
}
