"""What a place that holds mail offers, and how a mail of it is named. Imports no library."""

from __future__ import annotations

import re
import urllib.parse
from typing import Protocol

from patchbot.errors import MailError

_MESSAGE_ID = re.compile(r"^[^\s<>@/]+@[^\s<>@/]+$")


class Archive(Protocol):
    """A place that holds mail: threads by message-id, and a search."""

    name: str

    def fetch_thread(self, message_id: str) -> bytes:
        """Return the thread around one mail as mboxrd; raises `FetchError`, `NotFoundError`."""

    def fetch_search(self, query: str) -> bytes:
        """Return all mails that match a public-inbox query as mboxrd, b"" for none."""


def parse_message_id(text: str) -> tuple[str, str | None]:
    """Return the message-id that `text` names, and the inbox URL it was named with.

    Accepts a message-id with or without angle brackets, `id:` or `mid:` before it, and the
    address of a mail on any public-inbox. Raises `MailError` for anything else.
    """
    text = text.strip()
    inbox = None
    if re.match(r"https?://", text):
        try:
            url = urllib.parse.urlsplit(text)
        except ValueError as error:
            raise MailError(f"{text[:80]}: {error}", hint="copy the address of one mail") from error
        parts = [urllib.parse.unquote(part) for part in url.path.split("/") if part]
        index = next((i for i, part in enumerate(parts) if "@" in part), None)
        if index is None:
            raise MailError(f"no message-id in {text}", hint="copy the address of one mail")
        above = [part for part in parts[:index] if part not in ("r", "msgid")]
        inbox = urllib.parse.urlunsplit((url.scheme, url.netloc, "/".join(above), "", ""))
        text = parts[index]
    text = re.sub(r"^(?:id|mid|msgid|message-id):\s*", "", text, flags=re.I).strip("<> ")
    if not _MESSAGE_ID.match(text):
        raise MailError(
            f"{text[:80]!r} is no message-id, no address of a mail, and no file",
            hint="a message-id stands between < and > in a mail's Message-ID header",
        )
    return text, inbox
