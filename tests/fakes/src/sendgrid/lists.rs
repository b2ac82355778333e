//! Lists: names with ids, page by page.

use serde_json::{Value, json};

use crate::server::{Recorded, Reply};

use super::{State, error};

/// "Create List": characters of a name.
const NAME_CHARS_MAX: usize = 100;

/// "Get All Lists": lists on a page, where none is asked for and at most.
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1_000;

/// A contact list.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) id: String,
    pub(super) name: String,
}

impl State {
    pub(super) fn has_list(&self, id: &str) -> bool {
        self.lists.iter().any(|list| list.id == id)
    }

    pub(super) fn new_list(&mut self, name: &str) -> List {
        let list = List { id: self.new_id(), name: name.to_owned() };
        self.lists.push(list.clone());
        list
    }

    /// Deletes a list; its contacts stay.
    pub(super) fn delete_list(&mut self, id: &str) {
        self.lists.retain(|list| list.id != id);
        self.contacts.empty(id);
    }

    /// `GET /v3/marketing/lists`.
    pub(super) fn page(&self, request: &Recorded) -> Reply {
        let number = |name: &str| request.parameter(name).map(str::parse::<usize>);
        let size = match number("page_size") {
            None => PAGE_DEFAULT,
            Some(Ok(size @ 1..=PAGE_MAX)) => size,
            Some(_) => return error(400, "page_size must be 1 to 1000", "page_size".into()),
        };
        let Ok(start) = number("page_token").unwrap_or(Ok(0)) else {
            return error(400, "page_token is not valid", "page_token".into());
        };
        let end = start.saturating_add(size);
        let result: Vec<Value> = self.lists.iter().skip(start).take(size).map(|list| self.shown(list)).collect();
        let address =
            |token: usize| format!("https://api.sendgrid.com/v3/marketing/lists?page_size={size}&page_token={token}");
        let mut metadata = json!({ "self": address(start), "count": self.lists.len() });
        if let (true, Some(metadata)) = (end < self.lists.len(), metadata.as_object_mut()) {
            metadata.insert("next".to_owned(), address(end).into());
        }
        Reply::json(200, &json!({ "result": result, "_metadata": metadata }))
    }

    /// `POST /v3/marketing/lists`.
    pub(super) fn create_list(&mut self, request: &Recorded) -> Reply {
        let body = request.json().unwrap_or_default();
        let name = body.get("name").and_then(Value::as_str);
        match name.filter(|name| (1..=NAME_CHARS_MAX).contains(&name.chars().count())) {
            Some(name) => {
                let list = self.new_list(name);
                Reply::json(201, &self.shown(&list))
            }
            None => error(400, "name must have 1 to 100 characters", "name".into()),
        }
    }

    /// `GET /v3/marketing/lists/{id}`.
    pub(super) fn show_list(&self, id: &str) -> Reply {
        match self.lists.iter().find(|list| list.id == id) {
            Some(list) => Reply::json(200, &self.shown(list)),
            // "Get a List by ID": the 404 is a bare list of errors.
            None => Reply::json(404, &json!([{ "message": "list not found" }])),
        }
    }

    fn shown(&self, list: &List) -> Value {
        let count = self.contacts.iter().filter(|(_, contact)| contact.lists.contains(&list.id)).count();
        let own = format!("https://api.sendgrid.com/v3/marketing/lists/{}", list.id);
        json!({ "id": list.id, "name": list.name, "contact_count": count, "_metadata": { "self": own } })
    }
}
