"""Order mails as threads: who answers whom. Pure; cycles and duplicates do no harm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from patchbot.model import Mail

_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)


def mail_date(mail: Mail) -> datetime:
    """Return the mail's date, 1970 where it has none, for ordering."""
    return mail.date or _NO_DATE


def _order(mail: Mail) -> tuple[datetime, str]:
    return mail_date(mail), mail.message_id


def _copy_order(mail: Mail) -> tuple[datetime, int, str]:
    """Of copies with one id, the one sent first and then the shortest: lists append footers."""
    return mail_date(mail), len(mail.body), repr(mail)


class Mails:
    """A set of mails by message-id, oldest first, with parents and children.

    Of two mails with one message-id the older and shorter is kept; `duplicates` counts the others
    whose text differs. A parent is the mail named by In-Reply-To, else the last of References
    that is here; a link that would close a cycle is dropped. The order of the input means nothing.
    """

    def __init__(self, mails: Iterable[Mail]) -> None:
        copies: dict[str, list[Mail]] = {}
        for mail in mails:
            copies.setdefault(mail.message_id, []).append(mail)
        kept = [
            each[0] if len(each) == 1 else min(each, key=_copy_order) for each in copies.values()
        ]
        self.by_id = {mail.message_id: mail for mail in sorted(kept, key=_order)}
        self.duplicates = {
            message_id: others
            for message_id, each in copies.items()
            if len(each) > 1 and (others := len({(m.body, m.subject) for m in each}) - 1)
        }
        self.parents: dict[str, str] = {}
        self.children: dict[str, list[str]] = {}
        self._roots: dict[str, str] = {}
        for mail in self.by_id.values():
            self._link(mail)

    def __contains__(self, message_id: object) -> bool:
        return message_id in self.by_id

    def __getitem__(self, message_id: str) -> Mail:
        return self.by_id[message_id]

    def __iter__(self) -> Iterator[Mail]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)

    def _link(self, mail: Mail) -> None:
        for candidate in (mail.in_reply_to, *reversed(mail.references)):
            if candidate and candidate in self.by_id and candidate != mail.message_id:
                if self._root_id(candidate) != mail.message_id:
                    self.parents[mail.message_id] = candidate
                    self._roots[mail.message_id] = candidate
                    self.children.setdefault(candidate, []).append(mail.message_id)
                return

    def _root_id(self, message_id: str) -> str:
        """Return a thread's first id; the steps to it are kept short on the way."""
        above = self._roots
        while (parent := above.get(message_id)) is not None:
            if (grandparent := above.get(parent)) is not None:
                above[message_id] = grandparent
            message_id = parent
        return message_id

    def walk_up(self, message_id: str) -> Iterator[str]:
        """Yield the ids from the parent of a mail up to its thread's root."""
        current = self.parents.get(message_id)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def ancestor_ids(self, message_id: str) -> list[str]:
        """Return the ids from the parent of a mail up to its thread's root."""
        return list(self.walk_up(message_id))

    def ancestors(self, mail: Mail) -> Iterator[Mail]:
        """Yield the mails from the parent of `mail` up to its thread's root."""
        return (self.by_id[message_id] for message_id in self.walk_up(mail.message_id))

    def root(self, mail: Mail) -> Mail:
        """Return the first mail of the thread that `mail` is in."""
        return self.by_id[self._root_id(mail.message_id)]

    def descendants(self, message_id: str) -> list[Mail]:
        """Return all mails below one mail, breadth first."""
        found: list[Mail] = []
        queue = list(self.children.get(message_id, ()))
        for current in queue:
            found.append(self.by_id[current])
            queue.extend(self.children.get(current, ()))
        return found
