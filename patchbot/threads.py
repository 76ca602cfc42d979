"""The mails of a kept review as threads: who answered whom, and what is a patch of which revision.

Pure: mails in, JSON values out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from patchbot.mail.message import parse_recipients
from patchbot.mail.thread import Mails, mail_date
from patchbot.model import Mail

SCHEMA: Final = "patchbot.thread/1"


def render_threads(document: Mapping[str, Any], mails: Mails) -> dict[str, Any]:
    """Return the threads of a review document as JSON values, in the order in which one reads them.

    Each mail stands behind the one that it answers; threads, and answers to one mail, by date.
    """
    series = document["series"]
    roles = _roles(document)
    return {
        "schema": SCHEMA,
        "series": {"slug": series["slug"], "title": series["title"]},
        "mails": [
            _render(mail, depth, mails.parents.get(mail.message_id), roles.get(mail.message_id))
            for mail, depth in _walk(mails)
        ],
    }


def _walk(mails: Mails) -> Iterator[tuple[Mail, int]]:
    """Yield every mail with its depth below its thread's first mail, which has 0."""
    roots = [mail for mail in mails if mail.message_id not in mails.parents]
    stack = [(mail, 0) for mail in sorted(roots, key=mail_date, reverse=True)]
    while stack:
        mail, depth = stack.pop()
        yield mail, depth
        below = [mails[each] for each in mails.children.get(mail.message_id, ())]
        stack += [(each, depth + 1) for each in sorted(below, key=mail_date, reverse=True)]


def _roles(document: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Return by message-id the revision and the patch's number, 0 for a cover."""
    roles: dict[str, tuple[str, int]] = {}
    for revision in document["revisions"]:
        if revision["cover"]:
            roles.setdefault(revision["cover"], (revision["label"], 0))
        for patch in revision["patches"]:
            roles.setdefault(patch["message_id"], (revision["label"], patch["number"]))
    return roles


def _render(
    mail: Mail, depth: int, parent: str | None, role: tuple[str, int] | None
) -> dict[str, Any]:
    to, copies = parse_recipients(mail.raw)
    return {
        "message_id": mail.message_id,
        "parent": parent,
        "depth": depth,
        "revision": role[0] if role else None,
        "patch": role[1] if role else None,
        "subject": mail.subject,
        "author": {"name": mail.name, "email": mail.email},
        "date": mail.date.isoformat() if mail.date else None,
        "to": to,
        "cc": copies,
        "references": list(mail.references),
        "body": mail.body,
    }
