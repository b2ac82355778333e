"""Requests, part by part. Path and query are plain text: the host joins and escapes them, and adds the credential."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode


@dataclass(slots=True)
class Request:
    """A request to `https://host` or `https://host:port`. Every method returns the request itself."""

    method: str
    origin: str
    path: list[str] = field(default_factory=list)
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    # Each: a place, a value. ("path_segment", 1), ("remote", "/list/id").
    slots: list[tuple[tuple[str, int | str], tuple[str, str]]] = field(default_factory=list)

    @classmethod
    def get(cls, origin: str) -> Request:
        return cls("get", origin)

    @classmethod
    def post(cls, origin: str) -> Request:
        return cls("post", origin)

    @classmethod
    def put(cls, origin: str) -> Request:
        return cls("put", origin)

    @classmethod
    def patch(cls, origin: str) -> Request:
        return cls("patch", origin)

    @classmethod
    def delete(cls, origin: str) -> Request:
        return cls("delete", origin)

    def segments(self, *segments: str) -> Request:
        """Appends path segments as plain text."""
        self.path.extend(segments)
        return self

    def item(self, name: str, value: str) -> Request:
        """Appends a query item as plain text."""
        self.query.append((name, value))
        return self

    def header(self, name: str, value: str) -> Request:
        """Appends a header. Those of the host and of the manifest's `auth` are refused by the host."""
        self.headers.append((name, value))
        return self

    def json(self, text: str | bytes) -> Request:
        """Sets a JSON body, and asks for a JSON answer."""
        return self.header("accept", "application/json").content("application/json", text)

    def content(self, kind: str, body: str | bytes) -> Request:
        """Sets a body of any type."""
        self.body = body.encode("utf-8") if isinstance(body, str) else body
        return self.header("content-type", kind)

    def form(self, items: Iterable[tuple[str, str]]) -> Request:
        """Sets a form body."""
        # As the WHATWG's URL standard writes a form: everything but letters, digits and `*-._` is escaped.
        written = urlencode(list(items), quote_via=lambda text, *_: quote_plus(text, safe="*").replace("~", "%7E"))
        return self.content("application/x-www-form-urlencoded", written)

    def remote_segment(self, segment: int, pointer: str) -> Request:
        """Fills a path segment, written as an empty text, from the remote when the request leaves."""
        self.slots.append((("path_segment", segment), ("remote", pointer)))
        return self

    def remote_body(self, place: str, pointer: str) -> Request:
        """Fills an empty string of a JSON body from the remote; both places are JSON pointers."""
        self.slots.append((("body", place), ("remote", pointer)))
        return self

    def request_key_header(self, name: str) -> Request:
        """Sends a key in a header that is the same whenever the delivery is repeated."""
        self.slots.append((("header", name), ("request_key", "")))
        return self
