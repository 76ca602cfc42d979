"""Gather mails into postings: one sending of one revision, as its author sent it. Pure.

What belongs together is decided by threading first (a patch below a cover or patch of the same
sender, revision and total), then by sender, revision, total and time, for series sent without
threading. Where a number comes up again in what belongs together, patches sent together make one
later posting: an update of some patches, or all of them once more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from patchbot.mail.diff import DiffFacts, find_footer, read_diff
from patchbot.mail.grouping import Item, classify_mail, group_threads, item_order, merge_unthreaded
from patchbot.mail.subject import normalise_title, parse_subject
from patchbot.mail.thread import Mails, mail_date
from patchbot.model import Extra, Mail

_SENT_AGAIN_TOGETHER = timedelta(hours=2)
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
    items = {mail.message_id: classify_mail(mail, mails) for mail in mails}
    groups, homes = group_threads(items, mails)
    postings: list[Posting] = []
    for group in merge_unthreaded(groups, mails):
        postings.extend(_make_postings(group, homes))
    postings.sort(key=lambda posting: (posting.date, posting.first.message_id))
    by_mail = {mail.message_id: posting for posting in postings for mail in posting.mails}
    found = Postings(mails, tuple(postings), by_mail)
    _attach_parents(found)
    _attach_extras(items, found)
    return found


def _make_postings(group: list[Item], homes: dict[str, str]) -> list[Posting]:
    """Make the posting of a group, and one more for each batch that was sent again below it."""
    covers = sorted((item for item in group if item.kind == "cover"), key=item_order)
    patches = sorted((item for item in group if item.kind == "patch"), key=item_order)
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
    _note_totals(first, batches[0])
    found = [first]
    for batch in batches[1:]:
        found += _again(batch, found, homes)
    return found


def _note_threading(posting: Posting, group: list[Item], homes: dict[str, str]) -> None:
    """Say so where no reply ties a posting's mails together."""
    loose = [item.mail for item in group if item.mail.message_id not in homes]
    if len(loose) < 2:
        return
    above = {next(iter(mail.references), mail.in_reply_to) for mail in loose}
    if len(above) == 1 and None not in above:
        posting.notes.append("its first mail is not here: its patches answer one that nobody has")
    else:
        posting.notes.append("sent without threading: put together by sender, number and time")


def _note_totals(posting: Posting, batch: list[Item]) -> None:
    """Say so where some patches were counted otherwise."""
    odd = sorted(_number(item) for item in batch if (item.subject.total or 1) != posting.total)
    if odd and len(batch) > 1:
        numbers = ", ".join(str(number) for number in odd[:5]) + ", ..." * (len(odd) > 5)
        posting.notes.append(f"numbered of another total than {posting.total}: patch {numbers}")


def _beyond(item: Item) -> bool:
    counter, total = item.subject.counter, item.subject.total
    return bool(counter and total is not None and counter > total)


def _counter(item: Item) -> str:
    return f"{item.subject.counter}/{item.subject.total}"


def _number(item: Item) -> int:
    """Return a patch's number: 1 where it has none, or is 0 of 0."""
    return item.subject.counter or 1


def _batches(patches: list[Item], homes: dict[str, str]) -> list[list[Item]]:
    """Split a group's patches, in order of time, so that no number comes twice in a batch.

    A patch goes where the patch above it went, else to the batch nearest in time.
    """
    batches: list[dict[int, Item]] = []
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


def _apart(batch: dict[int, Item], item: Item) -> timedelta:
    last = next(reversed(batch.values()))
    return abs(mail_date(item.mail) - mail_date(last.mail))


def _new_posting(group: list[Item]) -> Posting:
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


def _note_cover(posting: Posting, covers: list[Item]) -> None:
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


def _again(batch: list[Item], earlier: list[Posting], homes: dict[str, str]) -> list[Posting]:
    """Make the posting of patches that were sent again: all of them, or those that differ."""
    whole = [posting for posting in earlier if posting.updates is None]
    homes_here = {homes.get(item.mail.message_id) for item in batch}
    owners = (p for p in whole if homes_here & {m.message_id for m in p.mails})
    before = next(owners, whole[-1])
    again = _new_posting(sorted(batch, key=item_order))
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


def _attach_extras(items: dict[str, Item], found: Postings) -> None:
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
