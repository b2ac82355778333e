//! Requests, part by part.
//!
//! Path and query are plain text: the host joins and escapes them. Credentials are no part of a request here; the
//! host puts them where the manifest says.

use crate::{Item, Method, Request, Slot, SlotPlace, SlotValue};

impl Request {
    /// Begins a request to `https://host` or `https://host:port`.
    ///
    /// ```
    /// use enroute_sdk::{Method, Request};
    ///
    /// let request = Request::new(Method::Post, "https://api.example.com")
    ///     .path(["lists", "", "members"])
    ///     .query("mode", "upsert")
    ///     .header("x-batch", "true")
    ///     .json(b"{}".to_vec())
    ///     .remote_segment(1, "/list/id");
    /// assert_eq!(request.path, ["lists", "", "members"]);
    /// assert_eq!(request.slots.len(), 1);
    /// ```
    #[must_use]
    pub fn new(method: Method, origin: &str) -> Self {
        Self {
            method,
            origin: origin.to_owned(),
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Begins a GET.
    #[must_use]
    pub fn get(origin: &str) -> Self {
        Self::new(Method::Get, origin)
    }

    /// Begins a POST.
    #[must_use]
    pub fn post(origin: &str) -> Self {
        Self::new(Method::Post, origin)
    }

    /// Begins a PUT.
    #[must_use]
    pub fn put(origin: &str) -> Self {
        Self::new(Method::Put, origin)
    }

    /// Begins a PATCH.
    #[must_use]
    pub fn patch(origin: &str) -> Self {
        Self::new(Method::Patch, origin)
    }

    /// Begins a DELETE.
    #[must_use]
    pub fn delete(origin: &str) -> Self {
        Self::new(Method::Delete, origin)
    }

    /// Appends path segments as plain text.
    ///
    /// ```
    /// # use enroute_sdk::Request;
    /// let request = Request::get("https://api.example.com").path(["users", "a/b"]);
    /// assert_eq!(request.path, ["users", "a/b"]);
    /// ```
    #[must_use]
    pub fn path<I>(mut self, segments: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.path.extend(segments.into_iter().map(Into::into));
        self
    }

    /// Appends a query item as plain text.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push(Item { name: name.to_owned(), value: value.into() });
        self
    }

    /// Appends a header. Names of the host and of the manifest's auth are refused by the host.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(Item { name: name.to_owned(), value: value.into() });
        self
    }

    /// Sets a JSON body, and asks for a JSON answer.
    ///
    /// ```
    /// # use enroute_sdk::Request;
    /// let request = Request::post("https://api.example.com").json(b"{}".to_vec());
    /// assert_eq!(request.headers[0].value, "application/json");
    /// ```
    #[must_use]
    pub fn json(self, body: Vec<u8>) -> Self {
        self.header("accept", "application/json").body("application/json", body)
    }

    /// Sets a body of any type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", content_type)
    }

    /// Sets a form body, escaped here because the body is sent byte for byte.
    ///
    /// ```
    /// # use enroute_sdk::Request;
    /// let request = Request::post("https://api.example.com").form([("name", "a&b"), ("kind", "x y")]);
    /// assert_eq!(request.body, b"name=a%26b&kind=x+y");
    /// ```
    #[must_use]
    pub fn form<'a>(self, items: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut body = Vec::new();
        for (name, value) in items {
            if !body.is_empty() {
                body.push(b'&');
            }
            write_form(&mut body, name);
            body.push(b'=');
            write_form(&mut body, value);
        }
        self.body("application/x-www-form-urlencoded", body)
    }

    /// Leaves a part to the host: what stands there must be empty until then.
    #[must_use]
    pub fn slot(mut self, place: SlotPlace, value: SlotValue) -> Self {
        self.slots.push(Slot { place, value });
        self
    }

    /// Fills a path segment, written as an empty text, from the remote: a list id that [`open`] will have learned.
    ///
    /// [`open`]: crate::Destination::open
    #[must_use]
    pub fn remote_segment(self, segment: u32, pointer: &str) -> Self {
        self.slot(SlotPlace::PathSegment(segment), SlotValue::Remote(pointer.to_owned()))
    }

    /// Fills an empty string of a JSON body from the remote; both places are JSON pointers.
    #[must_use]
    pub fn remote_body(self, place: &str, pointer: &str) -> Self {
        self.slot(SlotPlace::Body(place.to_owned()), SlotValue::Remote(pointer.to_owned()))
    }

    /// Sends a key in a header that is the same whenever the delivery is repeated.
    ///
    /// ```
    /// # use enroute_sdk::{Request, SlotValue};
    /// let request = Request::post("https://api.example.com").request_key_header("idempotency-key");
    /// assert_eq!(request.slots[0].value, SlotValue::RequestKey);
    /// ```
    #[must_use]
    pub fn request_key_header(self, name: &str) -> Self {
        self.slot(SlotPlace::Header(name.to_owned()), SlotValue::RequestKey)
    }
}

fn write_form(body: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => body.push(byte),
            b' ' => body.push(b'+'),
            other => {
                body.push(b'%');
                body.extend(crate::hash::hex_pair(other).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
}
