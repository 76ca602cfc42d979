"""Tie postings to one another: which of them are revisions of one change, and why. Pure.

Evidence, strongest first: a shared change-id; a patch sent again into its own thread; a link to
the earlier posting in a cover letter; the same title and sender; a revision posted in reply to
the one before; most patch titles in common; the next revision of the same title by somebody else.
"""

from __future__ import annotations

import re
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from patchbot.mail.diff import commit_text, read_diff
from patchbot.mail.postings import Posting, Postings
from patchbot.mail.subject import parse_subject
from patchbot.mail.thread import mail_date
from patchbot.mail.trailers import unquoted
from patchbot.model import Mail

_YEAR = timedelta(days=365)
_URL_ID = re.compile(r"https?://[^\s<>]+?/(?:r/|i=)?([^\s/<>?=]+(?:@|%40)[^\s/<>,;)\]]+)")
_PLAIN_ID = re.compile(r"<([^\s<>@]{1,250}@[^\s<>]{1,250})>")
_MAX_REROLLS = 20
_MAX_CANDIDATES = 20
_DIGITS = re.compile(r"\d{6}")
_MAX_LINE_CHARS = 1000
_EARLIER = re.compile(
    r"\bv\d+\b|\bRFC\b|previous|earlier|last (?:version|posting|time)|prior|older"
    r"|changes (?:since|from|in)",
    re.I,
)
_OTHER_SERIES = re.compile(
    r"depends? on|dependen|on top of|prerequisite|based on|applies (?:to|on|after)|requires", re.I
)


def find_linked_ids(mail: Mail) -> list[tuple[str, str]]:
    """Return (message-id, the lines around it) for every message-id a mail's own words link."""
    lines = unquoted(mail.body).split("\n")
    found: list[tuple[str, str]] = []
    for number, whole in enumerate(lines):
        line = whole[:_MAX_LINE_CHARS]
        if "@" not in line and "%40" not in line:
            continue
        if line.startswith(("+", "-", "diff ", "@@")) and "http" not in line:
            continue
        plain = (each for each in _PLAIN_ID.findall(line) if _DIGITS.search(each.partition("@")[0]))
        for raw in (*_URL_ID.findall(line), *plain):
            message_id = urllib.parse.unquote(raw).strip("<>.,;:)'\"")
            if message_id != mail.message_id:
                near = lines[max(0, number - 2) : number + 1]
                context = "\n".join(each[:_MAX_LINE_CHARS] for each in near)
                found.append((message_id, context))
    return found


def find_earlier_ids(posting: Posting) -> list[str]:
    """Return the ids that a posting's cover, else its first patch, links as earlier ones."""
    found = []
    for message_id, context in find_linked_ids(posting.first):
        last = context.rpartition("\n")[2]
        if _EARLIER.search(context) and not _OTHER_SERIES.search(last):
            found.append(message_id)
    return list(dict.fromkeys(found))


class Ties:
    """Groups of postings, joined pair by pair with a reason."""

    def __init__(self, postings: Postings) -> None:
        self._postings = postings
        self._home: dict[int, int] = {i: i for i in range(len(postings.found))}
        self._index = {id(posting): i for i, posting in enumerate(postings.found)}
        self._numbers = {i: {posting.number} for i, posting in enumerate(postings.found)}
        self.reasons: dict[int, list[str]] = defaultdict(list)

    def _root(self, number: int) -> int:
        while self._home[number] != number:
            self._home[number] = self._home[self._home[number]]
            number = self._home[number]
        return number

    def join(self, one: Posting, two: Posting, reason: str, *, weak: bool = False) -> None:
        """Say that two postings are of one series; a pair already joined keeps its first reason.

        A `weak` reason does not join groups that have two revision numbers in common: these are
        two series, of which one followed the other.
        """
        a, b = self._root(self._index[id(one)]), self._root(self._index[id(two)])
        if a == b or (weak and len(self._numbers[a] & self._numbers[b]) > 1):
            return
        self._numbers[a] |= self._numbers.pop(b)
        older, newer = sorted((one, two), key=lambda p: (p.number, p.date))
        note = f"{newer.where} ({newer.first.message_id}) goes with {older.where}: {reason}"
        self._home[b] = a
        self.reasons[a] += [*self.reasons.pop(b, []), note]

    def groups(self) -> Iterator[tuple[list[Posting], list[str]]]:
        """Yield each group of postings, oldest first, with the reasons that made it."""
        members: dict[int, list[Posting]] = defaultdict(list)
        for i, posting in enumerate(self._postings.found):
            members[self._root(i)].append(posting)
        for root, group in members.items():
            yield sorted(group, key=lambda p: (p.date, p.number)), self.reasons.get(root, [])


def tie_postings(postings: Postings) -> Ties:
    """Tie together all postings that are revisions of one change."""
    ties = Ties(postings)
    for tie in (
        _tie_change_ids,
        _tie_updates,
        _tie_numbers,
        _tie_titles,
        _tie_replies,
        _tie_links,
        _tie_patches,
        _tie_renamed,
        _tie_takeovers,
    ):
        tie(postings, ties)
    return ties


def _buckets(pairs: Iterator[tuple[object, Posting]]) -> Iterator[list[Posting]]:
    buckets: dict[object, list[Posting]] = defaultdict(list)
    for key, posting in pairs:
        buckets[key].append(posting)
    for bucket in buckets.values():
        if len(bucket) > 1:
            yield sorted(bucket, key=lambda p: (p.date, p.number))


def _tie_change_ids(postings: Postings, ties: Ties) -> None:
    pairs = ((p.change_id, p) for p in postings.found if p.change_id)
    for bucket in _buckets(iter(pairs)):
        for posting in bucket[1:]:
            ties.join(bucket[0], posting, f"same change-id {posting.change_id}")


def _tie_updates(postings: Postings, ties: Ties) -> None:
    for posting in postings.found:
        if posting.repeats is not None:
            ties.join(posting.repeats, posting, "all of it sent again below it")
        elif posting.updates is not None:
            ties.join(posting.updates, posting, "patches of it sent again")
        elif (above := posting.parent) is not None and find_replaced(posting):
            ties.join(above, posting, "sent alone in reply to the patch it replaces")


def find_replaced(posting: Posting, depth: int = 0) -> dict[int, int]:
    """Return {number of a patch: its number above} where a posting re-rolls part of its parent.

    That is: no cover, a higher revision, and fewer patches than the parent, numbered like patches
    of it and with a title in common or one of them in reply to its elder; or a single patch
    without number that has the title of a patch there, or answers it and touches the same files.
    The parent may be a re-roll itself.
    """
    above = posting.parent
    if above is None or posting.cover is not None or posting.sender != above.sender:
        return {}
    higher = (posting.number, posting.minor or 0) > (above.number, above.minor or 0)
    if not higher or posting.target != above.target:
        return {}
    numbers = {number: number for number in above.patches}
    if above.total < 2:
        numbers = find_replaced(above, depth + 1) if depth < _MAX_REROLLS else {}
    return _replaced_numbers(posting, above, numbers) if numbers else {}


def _replaced_numbers(posting: Posting, above: Posting, numbers: dict[int, int]) -> dict[int, int]:
    answered = next((n for n, mail in above.patches.items() if mail is posting.parent_mail), None)
    if posting.counted:
        numbered = posting.total == above.total and not posting.complete
        alike = posting.patch_keys.items() & above.patch_keys.items() or answered in posting.patches
        return {number: number for number in posting.patches} if numbered and alike else {}
    titles = {title: number for number, title in above.patch_keys.items()}
    old = titles.get(next(iter(posting.patch_keys.values())))
    if old is None and answered and _same_files(posting.first, above.patches[answered]):
        old = answered
    return {1: numbers[old]} if old in numbers else {}


def _same_files(one: Mail, two: Mail) -> bool:
    return bool(set(read_diff(one.body).paths) & set(read_diff(two.body).paths))


def is_alone(posting: Posting) -> bool:
    """Whether some numbered patches were sent without a cover, answering nothing."""
    first = posting.first
    threaded = first.in_reply_to or first.references
    return posting.counted and not (posting.cover or threaded or posting.complete)


def _tie_numbers(postings: Postings, ties: Ties) -> None:
    """Patches without a cover, each with number, total and title of one of an earlier revision."""
    by_patch: dict[tuple[object, ...], list[Posting]] = defaultdict(list)
    for posting in postings.found:
        for number, title in posting.patch_keys.items():
            by_patch[posting.sender, posting.total, number, title].append(posting)
    for posting in postings.found:
        if posting.cover or not posting.counted or posting.updates or posting.repeats:
            continue
        number, title = min(posting.patch_keys.items())
        same = by_patch[posting.sender, posting.total, number, title]
        earlier = [
            other
            for other in same
            if other.number < posting.number
            and other.target == posting.target
            and timedelta(0) <= posting.date - other.date <= _YEAR
            and posting.patch_keys.items() <= other.patch_keys.items()
        ]
        if earlier:
            reason = "numbered and titled like patches of it"
            ties.join(max(earlier, key=lambda p: (p.number, p.date)), posting, reason)


def _tie_links(postings: Postings, ties: Ties) -> None:
    for posting in postings.found:
        for message_id in find_earlier_ids(posting):
            other = postings.by_mail.get(message_id)
            if other is None or other is posting or not _older(other, posting):
                continue
            if other.target == posting.target and _may_follow(other, posting, message_id):
                ties.join(other, posting, f"its first mail links {message_id}", weak=True)


def _older(one: Posting, two: Posting) -> bool:
    return one.date <= two.date and (one.number < two.number or one.number == two.number == 1)


def _may_follow(one: Posting, two: Posting, message_id: str) -> bool:
    """Whether a link may tie two postings: a title or patch in common, or a revision it names.

    Without anything in common the sender must be the same, and the words at the link must say
    "v2" where it leads to revision 2, or "RFC" where it leads to one.
    """
    if one.title_key == two.title_key or set(one.patch_keys.values()) & set(
        two.patch_keys.values()
    ):
        return True
    if one.sender != two.sender:
        return False
    named = re.compile(rf"\bv{one.number}\b" + (r"|\bRFC\b" if one.rfc else ""), re.I)
    return any(named.search(text) for i, text in find_linked_ids(two.first) if i == message_id)


def _tie_titles(postings: Postings, ties: Ties) -> None:
    pairs = ((_title_key(p), p) for p in postings.found if p.title_key)
    for bucket in _buckets(iter(pairs)):
        for number, posting in enumerate(bucket[1:], 1):
            earlier = bucket[number - 1]
            next_one = posting.version is not None and posting.number == earlier.number + 1
            near = posting.date - earlier.date <= (_YEAR * 3 if next_one else _YEAR)
            if near and _same_change(earlier, posting):
                ties.join(earlier, posting, "same title and sender")


def _title_key(posting: Posting) -> tuple[object, ...]:
    return posting.sender, posting.title_key, posting.target


def _same_change(earlier: Posting, later: Posting) -> bool:
    """Whether an equal title means the same change: a higher revision, or content in common."""
    if earlier.change_id and later.change_id and earlier.change_id != later.change_id:
        return False
    if later.number > earlier.number or later.resend or not (earlier.patches and later.patches):
        return True
    return _overlap(earlier, later)


def _overlap(one: Posting, two: Posting) -> bool:
    titles = set(one.patch_keys.values()), set(two.patch_keys.values())
    fewest, most = sorted(len(each) for each in titles)
    if not fewest or (fewest == 1 and most > 2):
        return False
    return len(titles[0] & titles[1]) * 2 >= fewest


def _tie_replies(postings: Postings, ties: Ties) -> None:
    """A revision posted into the thread of the one before, by the same sender."""
    for posting in postings.found:
        above = posting.parent
        if above is None or above.sender != posting.sender or above.target != posting.target:
            continue
        alike = above.title_key == posting.title_key or _overlap(above, posting)
        follows = posting.number > above.number and (posting.cover is not None or alike)
        same_shape = (posting.cover is None) == (above.cover is None) and posting.counted
        if follows and (alike or same_shape):
            ties.join(above, posting, "posted in reply to it by the same sender")


def _tie_patches(postings: Postings, ties: Ties) -> None:
    """Another title, but the same patches by the same sender."""
    pairs = (
        ((p.sender, p.target, key), p) for p in postings.found for key in set(p.patch_keys.values())
    )
    for bucket in _buckets(iter(pairs)):
        for number, posting in enumerate(bucket[1:], 1):
            earlier = bucket[number - 1]
            near = posting.date - earlier.date <= _YEAR and posting.number > earlier.number
            clash = (
                earlier.change_id and posting.change_id and earlier.change_id != posting.change_id
            )
            if near and not clash and _overlap(earlier, posting):
                ties.join(
                    earlier, posting, "most patch titles and the sender are the same", weak=True
                )


def _tie_renamed(postings: Postings, ties: Ties) -> None:
    """The next number under a longer or shorter title, by the same sender, with a patch kept."""
    pairs = (
        ((p.sender, p.target, *p.title_key.split()[:3]), p)
        for p in postings.found
        if p.title_key.count(" ") >= 2
    )
    for bucket in _buckets(iter(pairs)):
        by_number: dict[int, list[Posting]] = defaultdict(list)
        for posting in bucket:
            for earlier in by_number[posting.number - 1][-_MAX_CANDIDATES:]:
                near = posting.date - earlier.date <= _YEAR / 2
                short, long = sorted((earlier.title_key, posting.title_key), key=len)
                kept = set(earlier.patch_keys.values()) & set(posting.patch_keys.values())
                if near and kept and short != long and long.startswith(short):
                    ties.join(earlier, posting, "the next number, a similar title", weak=True)
            by_number[posting.number].append(posting)


def _tie_takeovers(postings: Postings, ties: Ties) -> None:
    """The next revision of the same title, sent by somebody else."""
    pairs = (((p.title_key, p.target), p) for p in postings.found if p.title_key)
    for bucket in _buckets(iter(pairs)):
        by_number: dict[int, list[Posting]] = defaultdict(list)
        for posting in bucket:
            if posting.version is not None:
                for earlier in by_number[posting.number - 1][-_MAX_CANDIDATES:]:
                    near = posting.date - earlier.date <= _YEAR / 2
                    same = set(earlier.patch_keys.values()) & set(posting.patch_keys.values())
                    if near and earlier.sender != posting.sender and same:
                        reason = "the next revision of this title, other sender"
                        ties.join(earlier, posting, reason)
            by_number[posting.number].append(posting)


def find_fixed(mail: Mail) -> list[tuple[str, str]]:
    """Return (abbreviated commit, subject) of each `Fixes:` trailer of a patch mail."""
    pattern = r'^Fixes:\s+([0-9a-f]{7,40})\s+\("?(.*?)"?\)\s*$'
    return re.findall(pattern, commit_text(mail.body), flags=re.M | re.I)


def find_needed(mail: Mail, postings: Postings) -> list[Posting]:
    """Return the postings that a patch's `Fixes:` subjects or its thread place it on top of."""
    found: list[Posting] = []
    wanted = {parse_subject(subject).key for _, subject in find_fixed(mail)}
    for posting in postings.found:
        if wanted & set(posting.patch_keys.values()) and posting.date <= mail_date(mail):
            found.append(posting)
    own = postings.by_mail.get(mail.message_id)
    if own is not None and own.parent is not None and own.parent not in found:
        found.append(own.parent)
    return sorted((p for p in found if p is not own), key=lambda p: p.date)
