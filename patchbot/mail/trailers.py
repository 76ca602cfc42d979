"""Find trailers such as Reviewed-by in patches and in replies. Pure."""

from __future__ import annotations

import email.utils
import re

from patchbot.mail.diff import commit_text
from patchbot.model import Mail, Trailer

_TRAILER = re.compile(
    r"^[ \t]{0,4}([A-Z][A-Za-z-]{0,60}-[Bb]y|Cc|Fixes|Link|Closes|Bug|Message-I[Dd]|Change-I[Dd])"
    r":[ \t]+(\S.{0,500})$",
    re.M,
)
_PERSON = re.compile(r"^[ \t]{0,4}((?:[A-Za-z]+-){1,4}[Bb]y):[ \t]+(\S.{0,300})$", re.M)
_NACK = re.compile(r"^[ \t]*(?:[Nn]acked|NACK(?:ed)?|NAK(?:ed)?|Nack|Nak)\b(?!-by)", re.M)
_NACK_NAME = re.compile(r"^nac?k(?:ed)?-by$", re.I)
_FROM_REPLIES = re.compile(
    r"^(?:reviewed|acked|tested|nac?k(?:ed)?|reported-and-tested|reviewed-and-tested"
    r"|acked-and-tested|tested-and-reviewed|looks-good-to)(?:-and-[a-z]+)*-by$",
    re.I,
)
_SIGNATURE = re.compile(r"^-- ?$", re.M)
_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")


def find_patch_trailers(mail: Mail) -> tuple[Trailer, ...]:
    """Return the trailers a patch's author put into its commit message, in order."""
    text = commit_text(mail.body)
    return tuple(
        Trailer(_name(name), value.strip(), mail.message_id)
        for name, value in _TRAILER.findall(text)
    )


def find_reply_trailers(mail: Mail, scope: str) -> tuple[Trailer, ...]:
    """Return what a reply says of the mail it answers: reviews, acks, tests, NACKs.

    Quoted lines and the signature do not count. A bare NACK at a line's start counts as one.
    """
    text = unquoted(mail.body)
    found = [
        Trailer(_name(name), value.strip(), mail.message_id, scope, _mismatch(value, mail))
        for name, value in _PERSON.findall(text)
        if _FROM_REPLIES.match(name) and _ADDRESS.search(value)
    ]
    if _NACK.search(text) and not any(t.name == "Nacked-by" for t in found):
        found.append(Trailer("Nacked-by", f"{mail.name} <{mail.email}>", mail.message_id, scope))
    return tuple(found)


def unquoted(body: str) -> str:
    """Return a reply's own words: no quoted lines, no signature."""
    text = _SIGNATURE.split(body, maxsplit=1)[0]
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))


def _name(name: str) -> str:
    """Spell a trailer's name as git does: only the first letter upper case, but Cc and IDs."""
    if _NACK_NAME.match(name):
        return "Nacked-by"
    return name[0].upper() + name[1:].lower() if name.lower().endswith("-by") else name


def _mismatch(value: str, mail: Mail) -> str | None:
    _, address = email.utils.parseaddr(value.partition("#")[0])
    return None if not address or address.lower() == mail.email else mail.email
