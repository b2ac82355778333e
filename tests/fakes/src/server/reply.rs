//! Answers: status, headers and body, before they meet the wire.

use bytes::Bytes;
use serde_json::Value;

use super::body::AnswerBody;

/// Bytes of header values in [`Reply::huge_headers`].
const HUGE_HEADERS_BYTES: usize = 1 << 20;

/// Bytes in one of the huge headers: a single 1 MB line is refused by simpler checks.
const HUGE_HEADER_BYTES: usize = 1 << 10;

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Name and value of each header; length and date are added when sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// A JSON answer.
    pub fn json(status: u16, value: &Value) -> Self {
        let reply = Self { body: value.to_string().into(), ..Self::empty(status) };
        reply.header("content-type", "application/json")
    }

    /// A plain text answer.
    pub fn text(status: u16, text: &str) -> Self {
        let reply = Self { body: text.to_owned().into(), ..Self::empty(status) };
        reply.header("content-type", "text/plain; charset=utf-8")
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Bytes that are neither JSON nor text, claimed to be JSON, with status 200.
    pub(super) fn garbage() -> Self {
        let body = Bytes::from_static(b"\x00\xff{\"message\":\xc3\x28 \xed\xa0\x80 success]]");
        Self { body, ..Self::empty(200) }.header("content-type", "application/json")
    }

    /// A login page, as a proxy or an expired session serves it, with status 200.
    pub(super) fn html() -> Self {
        let page = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form></form></body></html>\n";
        Self { body: Bytes::from_static(page.as_bytes()), ..Self::empty(200) }
            .header("content-type", "text/html; charset=utf-8")
    }

    /// A redirect that keeps method and body, the kind that would leak most if followed.
    pub(super) fn redirect(to: &str) -> Self {
        Self::empty(307).header("location", to)
    }

    /// Success under 1 MB of headers.
    pub(super) fn huge_headers() -> Self {
        let value = "a".repeat(HUGE_HEADER_BYTES);
        let headers = 0..HUGE_HEADERS_BYTES / HUGE_HEADER_BYTES;
        headers.fold(Self::text(200, "{}"), |reply, n| reply.header(&format!("x-padding-{n}"), &value))
    }

    /// The response; a reply that HTTP cannot carry becomes a 500 that says so.
    pub(super) fn into_response(self, body: impl FnOnce(Bytes) -> AnswerBody) -> hyper::Response<AnswerBody> {
        let start = hyper::Response::builder().status(self.status);
        let builder = self.headers.iter().fold(start, |builder, (name, value)| builder.header(name, value));
        builder.body(body(self.body)).unwrap_or_else(|error| {
            let text = format!("fake cannot send this reply: {error}");
            let mut response = hyper::Response::new(AnswerBody::whole(text.into()));
            *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
            response
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_http_cannot_carry_becomes_a_500() {
        let broken =
            [Reply::empty(99), Reply::empty(200).header("a b", "c"), Reply::empty(200).header("a", "b\r\nc: d")];
        for reply in broken {
            assert_eq!(reply.into_response(AnswerBody::whole).status(), 500);
        }
    }
}
