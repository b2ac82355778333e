"""Normalising that destinations share. Pure; normalising twice changes nothing more."""

from __future__ import annotations

import re
import unicodedata

# What shows nothing: soft hyphen, joiners, direction marks, byte order mark, variation selectors, tags.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    # White space as Unicode has it, which is less than `\\s` has here.
    "\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
)
# What is looked at of a text that is quoted: an answer may have a megabyte.
_SAID_MOST = 10_000
_LOCAL_ASCII = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~")
_DOMAIN_ASCII = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


def trim(text: str) -> str:
    """Without white space and characters that show nothing at both ends."""
    start, end = 0, len(text)
    while start < end and _UNSEEN.match(text, start):
        start += 1
    while end > start and _UNSEEN.match(text, end - 1):
        end -= 1
    return text[start:end]


def lower(text: str) -> str:
    """In lower case, by Unicode's rules."""
    return text.lower()


def _is_word(word: str, ascii_letters: frozenset[str]) -> bool:
    """Legal characters, the first of which is no mark, which would stand upon nothing."""

    def is_legal(c: str) -> bool:
        if c.isascii():
            return c in ascii_letters
        return unicodedata.category(c)[0] in "LNM" and unicodedata.normalize("NFKC", c) == c

    return word != "" and unicodedata.category(word[0])[0] != "M" and all(map(is_legal, word))


def _is_label(label: str) -> bool:
    edges = label.startswith("-") or label.endswith("-")
    return _is_word(label, _DOMAIN_ASCII) and not edges and len(label.encode()) <= 63


def email_lower(text: str) -> str | None:
    """The address in a text, trimmed and in lower case; None where the text is no address.

    What mail systems take without quoting: RFC 5321 and 5322 with letters of all scripts (RFC 6531), and lengths of
    RFC 5321, 4.5.3.1. Nothing inside is mended.
    """
    address = trim(text)
    if len(address) > 254:
        return None
    local, _, domain = address.partition("@")
    labels = domain.split(".")
    sound = (
        all(_is_word(word, _LOCAL_ASCII) for word in local.split("."))
        and len(labels) > 1
        and all(map(_is_label, labels))
        and not labels[-1].isnumeric()
    )
    short = sound and len(local.encode()) <= 64 and len(domain.encode()) <= 253 and len(address.encode()) <= 254
    return lower(address) if short else None


def is_sha256_hex(text: str) -> bool:
    """Whether a text is a SHA-256 in hexadecimal already, in either case."""
    return re.fullmatch("[0-9a-fA-F]{64}", text) is not None


def quotable(said: str, most: int = 200) -> str:
    """What a destination says, fit for a reason or a report: one line of at most `most` characters, without words that
    look like an address, a hash or a token, because destinations repeat what they were sent.
    """
    # Half a surrogate pair, which JSON can escape, is no character that can be sent on.
    said = said[:_SAID_MOST].encode("utf-8", "replace").decode("utf-8")
    words = re.split(r"[\s\x00-\x1f\x7f-\x9f]+", said)
    kept = ["[…]" if "@" in word or re.search("[0-9A-Za-z]{32}", word) else word for word in words if word]
    return " ".join(kept)[:most]
