#!/usr/bin/env python3
"""Compares patchbot's revisions with b4's own answer, on a sample of one real archive.

    tools/compare_with_b4.py --epoch ext4/git/0.git --lore http://127.0.0.1:8090/linux-ext4

For each starting mail, b4 gets its thread and looks for newer and older revisions as `b4 diff`
does; patchbot works on the whole archive. Compared are the patches' message-ids per revision.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import email.message
import io
import logging
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import b4
import b4.mbox

from patchbot.mail.message import parse_mail
from patchbot.mail.series import build_series, select_series, series_message_ids
from patchbot.mail.thread import Mails
from patchbot.model import Revision, Series
from tests.support.epoch import read_epoch

Answer = dict[int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One revision on which the two do not agree: of which kind, and where to look."""

    kind: str
    start: str
    revision: int
    detail: str


def main() -> int:
    """Print the table and every difference."""
    options = _parse_options()
    mails = Mails(parse_mail(raw, keep_raw=False) for raw in read_epoch(options.epoch))
    series = build_series(mails)
    starts = _sample(series, options.count, options.seed)
    counts: collections.Counter[str] = collections.Counter()
    differences: list[Difference] = []
    with _b4(options.lore):
        for start in starts:
            found = list(_compare(start, select_series(series, mails, start), series))
            counts.update(each.kind for each in found)
            differences += [each for each in found if not each.kind.startswith("agree")]
    print(f"{len(starts)} starting mails, {sum(counts.values())} revisions compared")
    for kind, count in counts.most_common():
        print(f"{count:5}  {kind}")
    for each in sorted(differences, key=lambda d: d.kind):
        print(f"- {each.kind}: v{each.revision} from <{each.start}>: {each.detail}")
    return 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epoch", type=Path, required=True, help="bare git of the archive")
    parser.add_argument("--lore", required=True, help="URL of the same list's public-inbox")
    parser.add_argument("--count", type=int, default=150, help="how many starting mails")
    parser.add_argument("--seed", type=int, default=20201006, help="of the sample")
    return parser.parse_args()


def _sample(series: list[Series], count: int, seed: int) -> list[str]:
    """Choose patches and covers at random, each mail as likely as any other."""
    ids = sorted({i for s in series for r in s.revisions for i in (*r.message_ids, *r.resends)})
    return random.Random(seed).sample(ids, min(count, len(ids)))


@contextlib.contextmanager
def _b4(lore: str) -> Iterator[None]:
    """Set b4 up for one server, without network beyond it, with its data in a scratch folder."""
    logging.getLogger("b4").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(HOME=scratch, XDG_DATA_HOME=scratch, XDG_CACHE_HOME=scratch)
        base = lore.rstrip("/")
        config = {
            "b4.midmask": f"{base}/%s",
            "b4.searchmask": f"{base}/?x=m&t=1&q=%s",
            "b4.linkmask": f"{base}/%s",
            "b4.attestation-policy": "off",
        }
        b4.setup_config(argparse.Namespace(config=config), topdir=None)
        yield


def _ask_b4(start: str) -> Answer:
    """Return b4's revisions of the series around one mail, with their patches' ids."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = b4.get_pi_thread_by_msgid(start, nocache=True, quiet=True) or []
        messages: list[email.message.EmailMessage] = list(found)
        messages = b4.mbox.get_extra_series(messages, direction=1, nocache=True)
        newest = max(_revisions(messages), default=1)
        messages = b4.mbox.get_extra_series(
            messages, direction=-1, wantvers=list(range(1, newest)), nocache=True
        )
        mailbox = b4.LoreMailbox()
        for message in messages:
            mailbox.add_message(message)
        answer: Answer = {}
        for revision in sorted(mailbox.series):
            got = mailbox.get_series(revision=revision, reroll=True, codereview_trailers=False)
            patches = got.patches[1:] if got else []
            answer[revision] = frozenset(p.msgid for p in patches if p is not None and p.msgid)
    return {revision: ids for revision, ids in answer.items() if ids}


def _revisions(messages: list[email.message.EmailMessage]) -> list[int]:
    return [b4.LoreSubject(message["Subject"]).revision for message in messages]


def _compare(start: str, ours: Series, series: list[Series]) -> Iterator[Difference]:
    """Yield one line per revision that either has; agreements too."""
    try:
        theirs = _ask_b4(start)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - b4 raises many kinds; all are shown
        yield Difference("b4 failed", start, 0, f"{type(error).__name__}: {error}")
        return
    known = {each: other for other in series for each in series_message_ids(other)}
    by_number: dict[int, list[Revision]] = collections.defaultdict(list)
    for revision in ours.revisions:
        if revision.patches:
            by_number[revision.number].append(revision)
    for number in sorted({*theirs, *by_number}):
        kind, detail = _judge(theirs.get(number), by_number.get(number, []), ours, known)
        yield Difference(kind, start, number, detail)


def _judge(
    theirs: frozenset[str] | None,
    own: list[Revision],
    ours: Series,
    known: dict[str, Series],
) -> tuple[str, str]:
    """Name what tells the two answers apart."""
    if theirs is None:
        return _judge_missed(own, ours)
    sets = {revision.label: {p.message_id for p in revision.patches} for revision in own}
    for label, ids in sets.items():
        if ids == theirs:
            return ("agree", label) if len(own) == 1 else ("agree on one of several", label)
    everything = {i for r in ours.revisions for i in (*r.message_ids, *r.resends)}
    foreign = sorted(theirs - everything)
    if not own:
        if foreign:
            return "only b4: mails of another series of ours", _titles(foreign, known)
        return "only b4: ours has them as another revision", ", ".join(sorted(theirs)[:2])
    resent = {i for revision in own for i in revision.resends}
    if theirs <= everything and theirs & resent:
        return "b4 shows the resend, ours the first sending", ", ".join(sorted(theirs & resent)[:2])
    if foreign:
        return "b4 mixes in mails of another series of ours", _titles(foreign, known)
    every = set().union(*sets.values())
    if theirs <= every and len(own) > 1:
        return "b4 mixes several postings of one number", ", ".join(sets)
    if any(revision.partial for revision in own):
        return "partial re-roll, put together otherwise", ", ".join(sets)
    return "other patches", f"only b4 {sorted(theirs - every)}, only ours {sorted(every - theirs)}"


def _judge_missed(own: list[Revision], ours: Series) -> tuple[str, str]:
    first = own[0]
    note = next((n for n in ours.notes if any(i in n for i in first.message_ids)), "")
    reason = note.partition(": ")[2].partition(" <")[0]
    reason = "its first mail links the other" if "links" in reason else reason
    reason = "same change-id" if "change-id" in reason else reason
    detail = f"{first.title[:50]!r} {str(first.date)[:10]}; {note or 'the oldest of its series'}"
    return f"only ours: {reason or 'the oldest revision'}", detail


def _titles(ids: list[str], known: dict[str, Series]) -> str:
    found = {known[i].title[:50] if i in known else f"no patch to us: {i}" for i in ids}
    return "; ".join(sorted(found)[:3])


if __name__ == "__main__":
    sys.exit(main())
