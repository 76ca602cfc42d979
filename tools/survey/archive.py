"""The mails of an archive, and which revisions of which series the survey is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from patchbot.mail.message import parse_mail
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.model import Mail, Revision, Series
from patchbot.static.changes import C_SUFFIXES
from tests.support.epoch import read_epoch

_EARLIER = timedelta(days=120)
"""How much older than the window a patch can be that a partial re-roll takes over."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `since` to `until`, both included, in UTC."""

    since: date
    until: date

    def __contains__(self, when: datetime | None) -> bool:
        return when is not None and self.since <= when.astimezone(UTC).date() <= self.until


@dataclass(frozen=True, slots=True)
class Candidate:
    """A series' last revision in the window; `superseded` where a newer one came after it."""

    series: Series
    revision: Revision
    superseded: bool


def read_archive(epoch: Path, window: Window, say: Say = lambda text: None) -> Mails:
    """Parse every mail of a public-inbox epoch; the texts as sent are kept for the window only."""
    first = datetime.combine(window.since, time(), UTC) - _EARLIER
    last = datetime.combine(window.until, time.max, UTC)
    mails = []
    for number, raw in enumerate(read_epoch(epoch), 1):
        mail = parse_mail(raw)
        keep = mail.date is not None and first <= mail.date <= last
        mails.append(mail if keep else _without_raw(mail))
        if number % 2000 == 0:
            say(f"{number} mails read")
    return Mails(mails)


def _without_raw(mail: Mail) -> Mail:
    return dataclasses.replace(mail, raw=b"")


def find_candidates(mails: Mails, window: Window) -> Iterator[Candidate]:
    """Yield each series' last revision in the window that is whole and changes C files."""
    for series in build_series(mails):
        within = [r for r in series.revisions if r.date in window]
        if within and _is_usable(within[-1]):
            later = series.revisions[series.revisions.index(within[-1]) + 1 :]
            yield Candidate(series, within[-1], any(r.patches for r in later))


def _is_usable(revision: Revision) -> bool:
    if revision.missing or not revision.patches:
        return False
    return any(path.endswith(C_SUFFIXES) for p in revision.patches for path in p.paths)
