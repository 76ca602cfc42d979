"""Gather mails into postings: one sending of one revision, as its author sent it. Pure.

What belongs together is decided by threading first (a patch below a cover or patch of the same
sender, revision and total), then by sender, revision, total and time, for series sent without
threading. Where a number comes up again in what belongs together, patches sent together make one
later posting: an update of some patches, or all of them once more.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from patchbot.mail.diff import DiffFacts, find_footer, has_diff, has_diffstat, read_diff
from patchbot.mail.subject import Subject, normalise_title, parse_subject
from patchbot.mail.thread import Mails, mail_date
from patchbot.model import Extra, Mail

_SENT_TOGETHER = timedelta(hours=24)
_SENT_AGAIN_TOGETHER = timedelta(hours=2)
_MAX_STEPS_UP = 200
_MAX_NEIGHBOURS = 20
_RUN = re.compile(r"^(\d{8,14}\.\d+)-\d+-|^(\d{8}-.+-v\d+)-\d+-[0-9a-f]+@|\.(\d{9,})\.git\.")
_TEMPLATE = re.compile(r"^\W*subject here\W*$", re.I)
_TREE_DRESS = re.compile(r"^v(?=\d)|\.y$|-stable$")
_BASE_WORDS = frozenset({"rebased", "based", "onto", "on"})
_STABLE_TAG = re.compile(r"^v?\d+\.\d+|^stable|^e2fsprogs|^xfstests|^fstests|^blktests")


@dataclass
class Posting:
    """One sending of one revision: its cover, its patches by number, and what was decided.

    `parent` is the posting it was sent in reply to, `parent_mail` the cover or patch there;
    `updates` the posting of which it sends some patches again, `repeats` the one of which all.
    """

    version: int | None
    minor: int | None
    total: int
    sender: str
    name: str
    date: datetime
    rfc: bool
    resend: bool
    tags: tuple[str, ...]
    cover: Mail | None = None
    patches: dict[int, Mail] = field(default_factory=dict)
    counted: bool = True
    extras: list[Extra] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parent: Posting | None = None
    parent_mail: Mail | None = None
    updates: Posting | None = None
    repeats: Posting | None = None

    @property
    def first(self) -> Mail:
        """Its cover, else its lowest patch."""
        return self.cover or self.patches[min(self.patches)]

    @property
    def mails(self) -> list[Mail]:
        """Its cover and patches, in order."""
        head = [self.cover] if self.cover else []
        return head + [self.patches[number] for number in sorted(self.patches)]

    @property
    def number(self) -> int:
        """The revision its author meant: 1 where none is written."""
        return self.version if self.version is not None else 1

    @property
    def complete(self) -> bool:
        """Whether every announced patch is here."""
        return all(number in self.patches for number in range(1, self.total + 1))

    @cached_property
    def title(self) -> str:
        """The title of its cover, else of its lowest patch."""
        title = parse_subject(self.first.subject).title
        if self.cover and self.patches and (not title or _TEMPLATE.match(title)):
            title = parse_subject(self.patches[min(self.patches)].subject).title
        return title

    @cached_property
    def title_key(self) -> str:
        """The title as compared between revisions."""
        return normalise_title(self.title)

    @cached_property
    def patch_keys(self) -> dict[int, str]:
        """The compared titles of its patches, by number."""
        return {n: parse_subject(m.subject).key for n, m in self.patches.items()}

    @cached_property
    def facts(self) -> dict[int, DiffFacts]:
        """What the diffs of its patches say, by number; not before its patches are settled."""
        return {n: read_diff(m.body) for n, m in self.patches.items()}

    @property
    def content_ids(self) -> dict[int, str]:
        """The content hashes of its patches, by number."""
        return {number: facts.content_id for number, facts in self.facts.items()}

    @cached_property
    def change_id(self) -> str | None:
        """The change-id that its cover or, without a cover, its patches carry."""
        for mail in self.mails if self.cover is None else [self.cover, *self.mails[1:2]]:
            if found := find_footer(mail.body, "change-id"):
                return found
        return None

    @cached_property
    def target(self) -> tuple[str, ...]:
        """Tags that say for which tree it is meant, such as `5.10`: these never mix.

        "v6.1.y" and "6.1-stable" are the tree 6.1; "rebased on v6.4" names no target.
        """
        if _BASE_WORDS.intersection(self.tags):
            return ()
        found = (_TREE_DRESS.sub("", tag) for tag in self.tags if _STABLE_TAG.match(tag))
        return tuple(sorted(set(found)))

    @property
    def where(self) -> str:
        """A short name for notes."""
        return f"v{self.number}"


@dataclass(frozen=True, slots=True)
class _Item:
    """A mail that may be part of a posting."""

    mail: Mail
    subject: Subject
    kind: str


@dataclass(frozen=True, slots=True)
class Postings:
    """All postings of a set of mails, and which posting each cover or patch mail is in."""

    mails: Mails
    found: tuple[Posting, ...]
    by_mail: dict[str, Posting]
    _owners: dict[str, str | None] = field(default_factory=dict, repr=False)

    def owner(self, mail: Mail) -> tuple[Posting, Mail] | None:
        """Return the posting that a mail is in or answers, and the cover or patch it answers."""
        passed: list[str] = []
        found: str | None = None
        for message_id in (mail.message_id, *self.mails.walk_up(mail.message_id)):
            if message_id in self.by_mail or message_id in self._owners:
                found = self._owners.get(message_id, message_id)
                break
            passed.append(message_id)
        self._owners.update(dict.fromkeys(passed, found))
        return (self.by_mail[found], self.mails[found]) if found is not None else None


def find_postings(mails: Mails) -> Postings:
    """Gather all postings among `mails`."""
    items = {mail.message_id: _classify(mail, mails) for mail in mails}
    groups, homes = _thread_groups(items, mails)
    postings: list[Posting] = []
    for group in _merge_unthreaded(groups, mails):
        postings.extend(_make_postings(group, homes))
    postings.sort(key=lambda posting: (posting.date, posting.first.message_id))
    by_mail = {mail.message_id: posting for posting in postings for mail in posting.mails}
    found = Postings(mails, tuple(postings), by_mail)
    _attach_parents(found)
    _attach_extras(items, found)
    return found


def _classify(mail: Mail, mails: Mails) -> _Item:
    subject = _settle_decimal(mail, mails)
    diff = has_diff(mail.body)
    if subject.reply:
        return _Item(mail, subject, "reply patch" if diff else "reply")
    if subject.inserted:
        return _Item(mail, subject, "inserted" if diff else "other")
    numbered = subject.counter is not None
    tagged = subject.patch or numbered or subject.rfc or subject.version is not None
    if subject.pull and not (subject.patch and diff):
        return _Item(mail, subject, "other")
    if numbered and subject.counter == 0 and (subject.total or not diff):
        return _Item(mail, subject, "cover")
    if diff and (tagged or _looks_sent(mail, mails)):
        return _Item(mail, subject, "patch")
    if tagged and not numbered and _leads_patches(mail, subject, mails):
        return _Item(mail, subject, "cover")
    if diff:
        return _Item(mail, subject, "reply patch" if mail.message_id in mails.parents else "other")
    return _Item(mail, subject, "extra" if tagged and (subject.patch or numbered) else "other")


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


def _thread_groups(
    items: dict[str, _Item], mails: Mails
) -> tuple[list[list[_Item]], dict[str, str]]:
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
    groups: dict[str, list[_Item]] = defaultdict(list)
    tops: dict[str, str] = {}
    for item in members:
        groups[_top(item.mail.message_id, homes, tops)].append(item)
    return list(groups.values()), homes


def _above(item: _Item, items: dict[str, _Item], mails: Mails) -> Iterator[_Item]:
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


def _same_posting(item: _Item, above: _Item) -> bool:
    one, two = item.subject, above.subject
    if item.mail.email != above.mail.email or one.minor != two.minor:
        return False
    if above.kind == "cover":
        return two.total in (None, 0, one.total) and one.version == two.version
    return one.total == two.total and one.version == two.version and two.counter is not None


def _versions_agree(one: Subject, two: Subject) -> bool:
    return one.version == two.version or None in (one.version, two.version)


def _adopt_covers(
    members: list[_Item], homes: dict[str, str], items: dict[str, _Item], mails: Mails
) -> None:
    """Put patches right below a cover that names no revision, or another total, to it.

    Only where the cover has no patches of its own, and only those of one revision and total.
    """
    taken = set(homes.values())
    adopted: dict[str, tuple[int | None, int | None]] = {}
    for item in members:
        if item.kind != "patch" or not item.subject.counter or item.mail.message_id in homes:
            continue
        above = next(_above(item, items, mails), None)
        if above is None or above.kind != "cover" or above.mail.message_id in taken:
            continue
        same_sender = above.mail.email == item.mail.email
        shape = item.subject.version, item.subject.total
        if not same_sender or not _versions_agree(item.subject, above.subject):
            continue
        if adopted.setdefault(above.mail.message_id, shape) == shape:
            homes[item.mail.message_id] = above.mail.message_id


def _merge_unthreaded(groups: list[list[_Item]], mails: Mails) -> list[list[_Item]]:
    """Join incomplete groups of one sender, revision and total that were sent within a day."""
    buckets: dict[tuple[object, ...], list[list[_Item]]] = defaultdict(list)
    done: list[list[_Item]] = []
    for group in groups:
        lead = next((item for item in group if item.kind == "patch"), group[0])
        if lead.subject.counter is None or _is_complete(group):
            done.append(group)
        else:
            buckets[_bucket(lead)].append(group)
    for bucket in buckets.values():
        done.extend(_merge_bucket(bucket, mails))
    return done


def _bucket(item: _Item) -> tuple[object, ...]:
    one = item.subject
    return item.mail.email, one.version, one.minor, one.total, one.resend, one.tags


def _is_complete(group: list[_Item]) -> bool:
    """Whether nothing can be added: a cover and all patches."""
    numbers = {item.subject.counter for item in group}
    total = max(item.subject.total or 0 for item in group)
    return len(numbers) > total > 0


def _merge_bucket(bucket: list[list[_Item]], mails: Mails) -> list[list[_Item]]:
    merged: list[_Merged] = []
    for group in sorted(bucket, key=lambda g: min(map(_item_order, g))):
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

    def __init__(self, items: list[_Item], mails: Mails) -> None:
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


def _anchors(group: list[_Item], mails: Mails) -> set[str]:
    """Return the threads a group hangs in: what the root of its mails answers, or the root."""
    found = set()
    for mail in (item.mail for item in group):
        root = mails.root(mail)
        lost = next(iter(root.references), root.in_reply_to)
        if lost is not None or root is not mail or len(group) > 1:
            found.add(lost or root.message_id)
    return found


def _runs(group: list[_Item]) -> set[str]:
    """Return what tells one run of the sender's mailer from another, where ids show it."""
    matches = (_RUN.search(item.mail.message_id) for item in group)
    return {next(filter(None, match.groups())) for match in matches if match}


def _make_postings(group: list[_Item], homes: dict[str, str]) -> list[Posting]:
    """Make the posting of a group, and one more for each batch that was sent again below it."""
    covers = sorted((item for item in group if item.kind == "cover"), key=_item_order)
    patches = sorted((item for item in group if item.kind == "patch"), key=_item_order)
    if not covers and all(_beyond(item) for item in patches):
        return []
    batches = _batches([item for item in patches if not _beyond(item)], homes) or [[]]
    first = _new_posting([*covers, *batches[0]])
    _note_cover(first, covers)
    first.extras += [
        _extra(item.mail, f"numbered {_counter(item)}: beyond the announced total, left out")
        for item in patches
        if _beyond(item)
    ]
    _note_threading(first, [*covers, *batches[0]], homes)
    found = [first]
    for batch in batches[1:]:
        found += _again(batch, found, homes)
    return found


def _note_threading(posting: Posting, group: list[_Item], homes: dict[str, str]) -> None:
    """Say so where no reply ties a posting's mails together."""
    loose = [item.mail for item in group if item.mail.message_id not in homes]
    if len(loose) < 2:
        return
    above = {next(iter(mail.references), mail.in_reply_to) for mail in loose}
    if len(above) == 1 and None not in above:
        posting.notes.append("its first mail is not here: its patches answer one that nobody has")
    else:
        posting.notes.append("sent without threading: put together by sender, number and time")


def _beyond(item: _Item) -> bool:
    counter, total = item.subject.counter, item.subject.total
    return bool(counter and total is not None and counter > total)


def _counter(item: _Item) -> str:
    return f"{item.subject.counter}/{item.subject.total}"


def _number(item: _Item) -> int:
    """Return a patch's number: 1 where it has none, or is 0 of 0."""
    return item.subject.counter or 1


def _batches(patches: list[_Item], homes: dict[str, str]) -> list[list[_Item]]:
    """Split a group's patches, in order of time, so that no number comes twice in a batch.

    A patch goes where the patch above it went, else to the batch nearest in time.
    """
    batches: list[dict[int, _Item]] = []
    placed: dict[str, int] = {}
    for item in patches:
        number = _number(item)
        above = placed.get(homes.get(item.mail.message_id, ""), 0)
        choice = above if above and number not in batches[above] else None
        if choice is None:
            near = [
                (_apart(batch, item), i) for i, batch in enumerate(batches) if number not in batch
            ]
            fits = [(gap, i) for gap, i in near if i == 0 or gap <= _SENT_AGAIN_TOGETHER]
            choice = min(fits)[1] if fits else len(batches)
        if choice == len(batches):
            batches.append({})
        batches[choice][number] = item
        placed[item.mail.message_id] = choice
    return [list(batch.values()) for batch in batches]


def _apart(batch: dict[int, _Item], item: _Item) -> timedelta:
    last = next(reversed(batch.values()))
    return abs(mail_date(item.mail) - mail_date(last.mail))


def _new_posting(group: list[_Item]) -> Posting:
    lead = group[0]
    patches = [item for item in group if item.kind == "patch"]
    versions = [item.subject.version for item in patches if item.subject.version is not None]
    totals = [item.subject.total or 1 for item in patches] or [lead.subject.total or 1]
    return Posting(
        version=versions[0] if versions else lead.subject.version,
        minor=lead.subject.minor,
        total=max(totals),
        sender=lead.mail.email,
        name=lead.mail.name,
        date=min(mail_date(item.mail) for item in group),
        rfc=any(item.subject.rfc for item in group),
        resend=all(item.subject.resend for item in group),
        tags=lead.subject.tags,
        patches={_number(item): item.mail for item in patches},
        counted=lead.subject.counter is not None or lead.kind == "cover",
    )


def _item_order(item: _Item) -> tuple[datetime, str]:
    return mail_date(item.mail), item.mail.message_id


def _note_cover(posting: Posting, covers: list[_Item]) -> None:
    if not covers:
        return
    lead = covers[0]
    posting.cover = lead.mail
    if lead.subject.version is None and posting.version is not None:
        posting.notes.append(
            f"the cover letter names no revision, its patches say v{posting.version}"
        )
    if lead.subject.total and lead.subject.total != posting.total:
        posting.notes.append(
            f"the cover letter announces {lead.subject.total} patches, "
            f"the patches say {posting.total}"
        )
    for item in covers[1:]:
        posting.extras.append(_extra(item.mail, "a second cover letter of the same revision"))


def _again(batch: list[_Item], earlier: list[Posting], homes: dict[str, str]) -> list[Posting]:
    """Make the posting of patches that were sent again: all of them, or those that differ."""
    whole = [posting for posting in earlier if posting.updates is None]
    homes_here = {homes.get(item.mail.message_id) for item in batch}
    owners = (p for p in whole if homes_here & {m.message_id for m in p.mails})
    before = next(owners, whole[-1])
    again = _new_posting(sorted(batch, key=_item_order))
    if set(again.patches) >= set(before.patches):
        again.repeats = before
        return [again]
    for number, mail in sorted(again.patches.items()):
        old = before.patches.get(number)
        if old and read_diff(old.body).content_id == read_diff(mail.body).content_id:
            before.extras.append(_extra(mail, f"patch {number} sent twice, same content"))
            del again.patches[number]
    again.updates = before
    numbers = [str(number) for number in sorted(again.patches)]
    verb = "patch {} was" if len(numbers) == 1 else "patches {} were"
    again.notes.append(
        f"{verb.format(', '.join(numbers))} sent again with other content "
        "and the same revision number"
    )
    return [again] if again.patches else []


def _attach_parents(found: Postings) -> None:
    for posting in found.found:
        for ancestor in found.mails.ancestors(posting.first):
            above = found.by_mail.get(ancestor.message_id)
            if above is not None and above is not posting:
                posting.parent, posting.parent_mail = above, ancestor
                break


def _attach_extras(items: dict[str, _Item], found: Postings) -> None:
    """List the mails near each posting that look like patches and are none of its."""
    reasons = {
        "reply patch": "a reply that carries a patch, not part of the revision",
        "extra": "has a patch prefix but holds no diff",
        "inserted": "numbered between two patches, left out",
    }
    for item in items.values():
        reason = reasons.get(item.kind)
        owner = found.owner(item.mail) if reason else None
        if owner and reason:
            owner[0].extras.append(_extra(item.mail, reason))
    for posting in found.found:
        above = posting.parent
        if above and not above.counted and posting.sender == above.sender:
            continue
        if above and posting.sender != above.sender and not posting.cover:
            reason = f"a patch of its own by {posting.name}, sent into this thread"
            above.extras.append(_extra(posting.first, reason))


def _extra(mail: Mail, reason: str) -> Extra:
    return Extra(mail.message_id, mail.subject, reason)


def find_posted(postings: Iterable[Posting], message_id: str) -> Posting | None:
    """Return the posting that holds a cover or patch with this message-id."""
    return next((p for p in postings if any(m.message_id == message_id for m in p.mails)), None)
