"""Sort mails into groups: what belongs together as one sending. Pure.

Threading decides first, then sender, revision, total and time, for series sent without threading.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from patchbot.mail.diff import has_diff, has_diffstat
from patchbot.mail.subject import Subject, parse_subject
from patchbot.mail.thread import Mails, mail_date
from patchbot.model import Mail

_SENT_TOGETHER = timedelta(hours=24)
_MAX_STEPS_UP = 200
_MAX_NEIGHBOURS = 20
_RUN = re.compile(r"^(\d{8,14}\.\d+)-\d+-|^(\d{8}-.+-v\d+)-\d+-[0-9a-f]+@|\.(\d{9,})\.git\.")


@dataclass(frozen=True, slots=True)
class Item:
    """A mail that may be part of a posting."""

    mail: Mail
    subject: Subject
    kind: str


def classify_mail(mail: Mail, mails: Mails) -> Item:
    """Say what a mail is: cover, patch, reply, reply patch, extra, or other."""
    subject = _settle_decimal(mail, mails)
    diff = has_diff(mail.body)
    if subject.reply:
        return Item(mail, subject, "reply patch" if diff else "reply")
    if subject.inserted:
        return Item(mail, subject, "inserted" if diff else "other")
    numbered = subject.counter is not None
    tagged = subject.patch or numbered or subject.rfc or subject.version is not None
    if subject.pull and not (subject.patch and diff):
        return Item(mail, subject, "other")
    if numbered and subject.counter == 0 and (subject.total or not diff):
        return Item(mail, subject, "cover")
    if diff and (tagged or _looks_sent(mail, mails)):
        return Item(mail, subject, "patch")
    if tagged and not numbered and _leads_patches(mail, subject, mails):
        return Item(mail, subject, "cover")
    if diff:
        return Item(mail, subject, "reply patch" if mail.message_id in mails.parents else "other")
    return Item(mail, subject, "extra" if tagged and (subject.patch or numbered) else "other")


def _looks_sent(mail: Mail, mails: Mails) -> bool:
    """Whether a mail without any prefix is a patch all the same: signed off, and no reply."""
    return mail.message_id not in mails.parents and "\nSigned-off-by:" in mail.body


def _leads_patches(mail: Mail, subject: Subject, mails: Mails) -> bool:
    """Whether a mail without a counter is a cover: its sender's numbered patches answer it."""
    for child_id in mails.children.get(mail.message_id, ()):
        child = mails[child_id]
        below = parse_subject(child.subject)
        if child.email == mail.email and below.counter and not below.reply:
            return (below.version in (None, subject.version)) or subject.version is None
    return bool(has_diffstat(mail.body) and subject.patch and not has_diff(mail.body))


def _settle_decimal(mail: Mail, mails: Mails) -> Subject:
    """Read "v6.1" as a revision only below a revision 6 of the same sender, else as a tree."""
    subject = parse_subject(mail.subject)
    if subject.minor is None:
        return subject
    for ancestor in itertools.islice(mails.ancestors(mail), _MAX_STEPS_UP):
        if ancestor.email == mail.email:
            above = parse_subject(ancestor.subject)
            if (above.version or 1) == subject.version and (above.patch or above.rfc):
                return subject
    tag = f"v{subject.version}.{subject.minor}"
    return dataclasses.replace(subject, version=None, minor=None, tags=(*subject.tags, tag))


def group_threads(items: dict[str, Item], mails: Mails) -> tuple[list[list[Item]], dict[str, str]]:
    """Group covers and patches by threading; what has no partner stays alone.

    Also returns, for each patch that has one, the id of the cover or patch above it in its group.
    """
    members = [item for item in items.values() if item.kind in ("cover", "patch")]
    homes: dict[str, str] = {}
    for item in members:
        if item.kind == "patch" and item.subject.counter is not None:
            home = next((o for o in _above(item, items, mails) if _same_posting(item, o)), None)
            if home is not None:
                homes[item.mail.message_id] = home.mail.message_id
    _adopt_covers(members, homes, items, mails)
    groups: dict[str, list[Item]] = defaultdict(list)
    tops: dict[str, str] = {}
    for item in members:
        groups[_top(item.mail.message_id, homes, tops)].append(item)
    return list(groups.values()), homes


def _above(item: Item, items: dict[str, Item], mails: Mails) -> Iterator[Item]:
    """Yield the covers and patches above a mail, nearest first."""
    for message_id in itertools.islice(mails.walk_up(item.mail.message_id), _MAX_STEPS_UP):
        if items[message_id].kind in ("cover", "patch"):
            yield items[message_id]


def _top(message_id: str, homes: dict[str, str], tops: dict[str, str]) -> str:
    passed = []
    while message_id in homes and message_id not in tops:
        passed.append(message_id)
        message_id = homes[message_id]
    top = tops.get(message_id, message_id)
    tops.update(dict.fromkeys(passed, top))
    return top


def _same_posting(item: Item, above: Item) -> bool:
    one, two = item.subject, above.subject
    if item.mail.email != above.mail.email or one.minor != two.minor:
        return False
    if above.kind == "cover":
        return two.total in (None, 0, one.total) and one.version == two.version
    return one.total == two.total and one.version == two.version and two.counter is not None


def _versions_agree(one: Subject, two: Subject) -> bool:
    return one.version == two.version or None in (one.version, two.version)


def _adopt_covers(
    members: list[Item], homes: dict[str, str], items: dict[str, Item], mails: Mails
) -> None:
    """Put patches right below a cover to it, where they name another total or one no revision.

    All of one revision and total where the cover has no patches of its own; else those that fill
    its gaps and were sent in the same run.
    """
    taken: dict[str, set[int]] = defaultdict(set)
    for child, home in homes.items():
        taken[home].add(items[child].subject.counter or 0)
    adopted: dict[str, tuple[int | None, int | None]] = {}
    for item in members:
        if item.kind != "patch" or not item.subject.counter or item.mail.message_id in homes:
            continue
        above = next(_above(item, items, mails), None)
        if above is None or above.kind != "cover" or above.mail.email != item.mail.email:
            continue
        numbers = taken.get(above.mail.message_id)
        shape = item.subject.version, item.subject.total
        if numbers is None:
            agree = _versions_agree(item.subject, above.subject)
            fits = agree and adopted.setdefault(above.mail.message_id, shape) == shape
        else:
            fits = _fills_gap(item, above, numbers)
        if fits:
            homes[item.mail.message_id] = above.mail.message_id


def _fills_gap(item: Item, cover: Item, numbers: set[int]) -> bool:
    one, two = item.subject, cover.subject
    free = one.counter not in numbers and (one.counter or 0) <= (two.total or 0)
    return free and one.version == two.version and bool(_runs([item]) & _runs([cover]))


def merge_unthreaded(groups: list[list[Item]], mails: Mails) -> list[list[Item]]:
    """Join incomplete groups of one sender, revision and total that were sent within a day."""
    buckets: dict[tuple[object, ...], list[list[Item]]] = defaultdict(list)
    done: list[list[Item]] = []
    for group in groups:
        lead = next((item for item in group if item.kind == "patch"), group[0])
        if lead.subject.counter is None or _is_complete(group):
            done.append(group)
        else:
            buckets[_bucket(lead)].append(group)
    for bucket in buckets.values():
        done.extend(_merge_bucket(bucket, mails))
    return done


def _bucket(item: Item) -> tuple[object, ...]:
    one = item.subject
    return item.mail.email, one.version, one.minor, one.total, one.resend, one.tags


def _is_complete(group: list[Item]) -> bool:
    """Whether nothing can be added: a cover and all patches."""
    numbers = {item.subject.counter for item in group}
    total = max(item.subject.total or 0 for item in group)
    return len(numbers) > total > 0


def _merge_bucket(bucket: list[list[Item]], mails: Mails) -> list[list[Item]]:
    merged: list[_Merged] = []
    for group in sorted(bucket, key=lambda g: min(map(item_order, g))):
        one = _Merged(group, mails)
        near = reversed(merged[-_MAX_NEIGHBOURS:])
        home = next((other for other in near if other.sent_with(one)), None)
        if home is not None:
            home.add(one)
        else:
            merged.append(one)
    return [each.items for each in merged]


class _Merged:
    """Some items and what tells whether others were sent with them."""

    def __init__(self, items: list[Item], mails: Mails) -> None:
        self.items = list(items)
        self.numbers = {item.subject.counter for item in items}
        self.begin = min(mail_date(item.mail) for item in items)
        self.end = max(mail_date(item.mail) for item in items)
        self.anchors = _anchors(items, mails)
        self.runs = _runs(items)

    def sent_with(self, other: _Merged) -> bool:
        if self.numbers & other.numbers or other.begin - self.end > _SENT_TOGETHER:
            return False
        if not self.anchors or not other.anchors:
            return True
        return bool(self.anchors & other.anchors or self.runs & other.runs)

    def add(self, other: _Merged) -> None:
        self.items += other.items
        self.numbers |= other.numbers
        self.end = max(self.end, other.end)
        self.anchors |= other.anchors
        self.runs |= other.runs


def _anchors(group: list[Item], mails: Mails) -> set[str]:
    """Return the threads a group hangs in: what the root of its mails answers, or the root."""
    found = set()
    for mail in (item.mail for item in group):
        root = mails.root(mail)
        lost = next(iter(root.references), root.in_reply_to)
        if lost is not None or root is not mail or len(group) > 1:
            found.add(lost or root.message_id)
    return found


def _runs(group: list[Item]) -> set[str]:
    """Return what tells one run of the sender's mailer from another, where ids show it."""
    matches = (_RUN.search(item.mail.message_id) for item in group)
    return {next(filter(None, match.groups())) for match in matches if match}


def item_order(item: Item) -> tuple[datetime, str]:
    """Order by date, then message-id."""
    return mail_date(item.mail), item.mail.message_id
