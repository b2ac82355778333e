//! Testing the key, and what the workspace has of its own: its custom attributes.

use enroute_sdk::{AccountItem, Answer, Finding, Http, Reading, ValueType, Verdict};
use serde::Deserialize;

use super::read_probe;
use crate::request;

/// Pages of custom attributes that are read; with 50 on each, as many as a host keeps.
const PAGES_MAX: usize = 100;

#[derive(Debug, Deserialize)]
struct Page {
    attributes: Vec<Attribute>,
}

#[derive(Debug, Deserialize)]
struct Attribute {
    name: String,
    #[serde(default)]
    data_type: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

/// Tests the key without touching anybody, and tells of the custom attributes where the key may read them.
pub(crate) fn probe(endpoint: &str, http: &mut dyn Http) -> Finding {
    let verdict = match http.send("probe", &request::probe(endpoint)) {
        Ok(answer) => read_probe(&answer),
        Err(failure) => Reading::unanswered(failure).verdict,
    };
    if verdict != Verdict::Ok {
        return Finding::verdict(verdict);
    }
    // `custom_attributes.get` is a right of its own, which sending does not need.
    let page = |cursor: Option<&str>| {
        let answer = http.send("attributes", &request::attributes(endpoint, cursor)).ok()?;
        let page: Page = answer.json().filter(|_| answer.status == 200)?;
        Some((page.attributes.iter().filter_map(field).collect(), next(&answer)))
    };
    match AccountItem::pages(PAGES_MAX, page) {
        Some(items) => Finding::ok().account(items),
        None => Finding::ok(),
    }
}

/// An attribute that can be set; one that is blocklisted or deleted is none.
fn field(attribute: &Attribute) -> Option<AccountItem> {
    attribute.status.as_deref().is_none_or(|status| status.eq_ignore_ascii_case("active")).then_some(())?;
    let kind = attribute.data_type.as_deref().unwrap_or_default().to_lowercase();
    // The dashboard adds how the type came about: `Number (Automatically Detected)`.
    let takes = match kind.split(" (").next().unwrap_or_default() {
        "string" => ValueType::Text,
        "number" | "integer" | "float" => ValueType::Number,
        "boolean" => ValueType::Boolean,
        "date" | "time" => ValueType::Moment,
        "array" | "object array" | "array of objects" => ValueType::List,
        "object" | "nested object" => ValueType::Object,
        _ => ValueType::Any,
    };
    Some(AccountItem::field(&attribute.name, takes))
}

/// The cursor of the next page, from the address in the header `Link`.
fn next(answer: &Answer) -> Option<String> {
    let links = answer.header("link")?;
    let link = links.split(',').find(|link| link.contains("rel=\"next\"") || link.contains("rel=next"))?;
    let address = link.split_once('<')?.1.split_once('>')?.0;
    let items = address.split_once('?')?.1.split('&');
    let cursor = items.filter_map(|item| item.split_once('=')).find(|(name, _)| *name == "cursor")?.1;
    // A cursor is base64, of which the address writes some characters otherwise.
    Some(cursor.replace("%3D", "=").replace("%3d", "=").replace("%2B", "+").replace("%2F", "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_by_a_header() {
        let cursor = |link: &str| next(&Answer::new(200, "").with_header("link", link));
        let host = "https://rest.iad-01.braze.com/custom_attributes";
        assert_eq!(cursor(&format!("<{host}?cursor=c2tpcDow>; rel=\"next\"")).as_deref(), Some("c2tpcDow"));
        let both = format!("<{host}?cursor=YQ%3D%3D>; rel=\"prev\",<{host}?a=b&cursor=Yg%3D%3D>; rel=\"next\"");
        assert_eq!(cursor(&both).as_deref(), Some("Yg=="));
        assert_eq!(cursor(&format!("<{host}>; rel=\"prev\"")), None);
        assert_eq!(next(&Answer::new(200, "")), None);
    }
}
