"""Make series with revisions out of postings. Pure; every decision leaves a note."""

from __future__ import annotations

import dataclasses
import email.utils
import hashlib
import itertools
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from patchbot.errors import MailError
from patchbot.mail.diff import (
    DiffFacts,
    find_body_author,
    find_footer,
    find_prerequisites,
    read_diff,
)
from patchbot.mail.links import find_earlier_ids, find_replaced, is_alone, tie_postings
from patchbot.mail.postings import Posting, Postings, find_postings
from patchbot.mail.subject import parse_subject
from patchbot.mail.thread import Mails
from patchbot.mail.trailers import find_patch_trailers, find_reply_trailers
from patchbot.model import Extra, Mail, Patch, Revision, Series, Trailer

_SHOWN = 5
_MAX_MISSING = 200
_DAY = timedelta(days=1)


def build_series(mails: Mails) -> list[Series]:
    """Build every series among `mails`, oldest first."""
    postings = find_postings(mails)
    replies = _replies_by_owner(postings)
    found = []
    for group, reasons in tie_postings(postings).groups():
        found.append(_make_series(group, reasons, postings, replies))
    return sorted(found, key=lambda s: (s.revisions[0].date is None, str(s.revisions[0].date)))


def select_series(found: Iterable[Series], mails: Mails, message_id: str) -> Series:
    """Return the series that a mail is part of, answers, or stands in one thread with.

    Raises `MailError` where the mail is unknown or its thread holds no patch.
    """
    if message_id not in mails:
        raise MailError(f"<{message_id}> is not among the mails")
    chain = [message_id, *mails.ancestor_ids(message_id)]
    by_mail = {each: series for series in found for each in series_message_ids(series)}
    for candidate in (*chain, *(m.message_id for m in mails.descendants(chain[-1]))):
        if candidate in by_mail:
            return by_mail[candidate]
    subject = mails[message_id].subject
    raise MailError(
        f"<{message_id}> ({subject[:60]}): its thread holds no patch",
        hint="name a patch, a cover letter, or a reply to one",
    )


def series_message_ids(series: Series) -> set[str]:
    """Return the message-ids of all covers, patches, resends and extras of a series."""
    ids: set[str] = set()
    for revision in series.revisions:
        ids.update(revision.message_ids, revision.resends)
        ids.update(extra.message_id for extra in revision.extras if "own by" not in extra.reason)
    return ids


def find_revision(series: Series, message_id: str, mails: Mails) -> Revision:
    """Return the revision a mail is in or answers, the newest where it is in none."""
    for candidate in (message_id, *mails.ancestor_ids(message_id)):
        for revision in reversed(series.revisions):
            own = {p.message_id for p in revision.patches if p.reroll_of is None}
            cover = {revision.cover.message_id} if revision.cover else set()
            if candidate in own | cover | set(revision.resends):
                return revision
    return series.revisions[-1]


def _replies_by_owner(postings: Postings) -> dict[str, list[Mail]]:
    """Map each cover's or patch's message-id to the mails that answer it, at any depth."""
    found: dict[str, list[Mail]] = {}
    for mail in postings.mails:
        if mail.message_id in postings.by_mail:
            continue
        owner = postings.owner(mail)
        if owner is not None:
            found.setdefault(owner[1].message_id, []).append(mail)
    return found


def _make_series(
    group: list[Posting],
    reasons: list[str],
    postings: Postings,
    replies: dict[str, list[Mail]],
) -> Series:
    ordered = _in_order(group)
    lone = {id(p) for p in ordered if not p.patches and _fold_lone_cover(p, ordered)}
    revisions: list[Revision] = []
    taken: set[str] = set()
    sent: dict[object, int] = {}
    for posting in (p for p in ordered if id(p) not in lone):
        twin = sent.setdefault(_contents(posting), len(revisions))
        if twin < len(revisions) and posting.updates is None and posting.patches:
            revisions[twin] = _add_resend(revisions[twin], posting, replies)
            continue
        label = _label(posting, taken)
        taken.add(label)
        revisions.append(_make_revision(posting, label, revisions, replies))
    carried = _carry_trailers(revisions)
    oldest = group[0]
    known = {mail.message_id for p in group for mail in p.mails}
    linked = [i for p in group for i in find_earlier_ids(p)]
    absent = [i for i in linked if i not in postings.mails and i not in known]
    change_id = next((p.change_id for p in reversed(ordered) if p.change_id), None)
    return Series(
        slug=_slug(change_id, oldest),
        title=_series_title(carried),
        author_name=carried[-1].author_name,
        author_email=carried[-1].author_email,
        change_id=change_id,
        revisions=tuple(carried),
        notes=tuple(reasons),
        absent=tuple(dict.fromkeys(absent)),
    )


def _in_order(group: list[Posting]) -> list[Posting]:
    """Order postings by revision; where the numbers start again, by time.

    A lower number than before, sent a day or more later and neither a resend nor an update,
    starts a new count.
    """
    count, highest = 0, 0
    latest: Posting | None = None
    known: set[object] = set()
    keyed: list[tuple[tuple[int, int, int, datetime], Posting]] = []
    for posting in sorted(group, key=lambda p: (p.date, p.number)):
        fresh = posting.updates is None and not posting.resend and _contents(posting) not in known
        late = latest is not None and posting.date - latest.date >= _DAY
        if latest is not None and fresh and late and posting.number < highest:
            posting.notes.append(
                f"the numbers start again: v{posting.number} came after {latest.where}"
            )
            count, highest = count + 1, 0
        highest = max(highest, posting.number)
        latest = posting
        known.add(_contents(posting))
        keyed.append(((count, posting.number, posting.minor or 0, posting.date), posting))
    return [posting for _, posting in sorted(keyed, key=lambda pair: pair[0])]


def _series_title(revisions: list[Revision]) -> str:
    """Return the newest title; without a cover there, that of the newest cover before it."""
    newest = revisions[-1]
    if newest.cover is None and newest.total > 1:
        return next((r.title for r in reversed(revisions) if r.cover), newest.title)
    return newest.title


def _slug(change_id: str | None, oldest: Posting) -> str:
    """Name a series for refs and folders: its change-id, else title and sender of the oldest."""
    source = change_id or f"{oldest.title_key}\0{oldest.sender}"
    words = re.sub(r"[^a-z0-9]+", "-", (change_id or oldest.title).casefold()).strip("-")
    short = words[:48].rstrip("-") or "series"
    return f"{short}-{hashlib.sha256(source.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _fold_lone_cover(lone: Posting, group: list[Posting]) -> bool:
    """Make a cover without patches an extra of the same revision sent with them, if any."""
    same = (p for p in group if p.number == lone.number and p.cover and p.patches)
    home = next((p for p in same if p.title_key == lone.title_key), None)
    if home is not None:
        reason = "a cover letter whose patches did not come; sent again"
        home.extras.append(Extra(lone.first.message_id, lone.first.subject, reason))
    return home is not None


def _contents(posting: Posting) -> object:
    """Return what is equal for two sendings of one revision: number, and content of each patch."""
    return posting.number, posting.total, tuple(sorted(posting.content_ids.items()))


def _label(posting: Posting, taken: set[str]) -> str:
    label = f"v{posting.number}" + (f".{posting.minor}" if posting.minor else "")
    serial = 1
    while label in taken:
        serial += 1
        label = f"v{posting.number}.{serial}"
    return label


def _add_resend(revision: Revision, again: Posting, replies: dict[str, list[Mail]]) -> Revision:
    """Fold a resent posting into its revision: its replies count, its mails are the newer ones."""
    numbers = dict(again.patches)
    patches = tuple(
        dataclasses.replace(
            patch,
            trailers=_unique(
                (*patch.trailers, *_replied(numbers[patch.number], "patch", replies))
                if patch.number in numbers
                else patch.trailers
            ),
        )
        for patch in revision.patches
    )
    cover = _replied(again.cover, "cover", replies) if again.cover else ()
    day = again.date.date().isoformat()
    ripe = ", no longer as RFC" if revision.rfc and not again.rfc else ""
    return dataclasses.replace(
        revision,
        patches=patches,
        trailers=_unique((*revision.trailers, *cover)),
        rfc=revision.rfc and again.rfc,
        resends=(*revision.resends, *(mail.message_id for mail in again.mails)),
        extras=(*revision.extras, *again.extras),
        notes=(*revision.notes, f"sent again on {day} with the same content{ripe}"),
    )


def _unique(trailers: Iterable[Trailer]) -> tuple[Trailer, ...]:
    seen: dict[tuple[str, str, str], Trailer] = {}
    for trailer in trailers:
        seen.setdefault((trailer.name, trailer.value, trailer.scope), trailer)
    return tuple(seen.values())


def _replied(mail: Mail, scope: str, replies: dict[str, list[Mail]]) -> tuple[Trailer, ...]:
    found: list[Trailer] = []
    for reply in replies.get(mail.message_id, ()):
        found.extend(find_reply_trailers(reply, scope))
    return tuple(found)


def _make_revision(
    posting: Posting, label: str, earlier: list[Revision], replies: dict[str, list[Mail]]
) -> Revision:
    notes = list(posting.notes)
    notes += [
        f"{mail.message_id}: {problem}" for mail in posting.mails for problem in mail.problems
    ]
    patches = {
        number: make_patch(
            mail, number, lambda m: _replied(m, "patch", replies), posting.facts[number]
        )
        for number, mail in posting.patches.items()
    }
    previous = _rerolled(posting, earlier)
    total = posting.total
    cover = posting.cover
    if previous is not None:
        patches, total = _compose(posting, patches, previous, notes)
    missing = _missing(total, patches, notes)
    if label != f"v{posting.number}" and posting.updates is None and posting.minor is None:
        notes.append(f"a second v{posting.number} with other content: called {label} here")
    first = posting.first
    author = patches[min(patches)] if patches else None
    return Revision(
        label=label,
        number=posting.number,
        message_id=first.message_id,
        title=_title(posting, previous),
        author_name=posting.name or (author.author_name if author else ""),
        author_email=posting.sender,
        date=first.date,
        total=total,
        patches=tuple(patches[number] for number in sorted(patches)),
        cover=cover,
        missing=missing,
        rfc=posting.rfc,
        partial=previous is not None,
        base_commit=_footer(posting, "base-commit") or (previous.base_commit if previous else None),
        prerequisites=tuple(i for mail in posting.mails for i in find_prerequisites(mail.body)),
        trailers=_unique(_replied(cover, "cover", replies)) if cover else (),
        extras=tuple(sorted(set(posting.extras), key=lambda e: (e.reason, e.message_id))),
        notes=tuple(notes),
    )


def _title(posting: Posting, previous: Revision | None) -> str:
    """Return a revision's title: where it brings no cover, that of the one it stands in for."""
    if posting.cover is None and previous is not None:
        return previous.title
    if posting.cover is None and posting.repeats is not None:
        return posting.repeats.title
    return posting.title


def _missing(total: int, patches: dict[int, Patch], notes: list[str]) -> tuple[int, ...]:
    """Return the numbers nobody has, the first of them where they are very many, and note it."""
    absent = (number for number in range(1, total + 1) if number not in patches)
    missing = tuple(itertools.islice(absent, _MAX_MISSING))
    if missing:
        count = total - sum(1 for number in patches if number <= total)
        shown = ", ".join(str(number) for number in missing[:_SHOWN])
        more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
        notes.append(f"of {total} patches, these are in no mail: {shown}{more}")
    return missing


def _footer(posting: Posting, kind: str) -> str | None:
    return next((f for mail in posting.mails if (f := find_footer(mail.body, kind))), None)


def make_patch(
    mail: Mail,
    number: int,
    replied: Callable[[Mail], tuple[Trailer, ...]] = lambda _: (),
    facts: DiffFacts | None = None,
) -> Patch:
    """Make a patch of a patch mail, its trailers and those of its replies.

    `facts` spares reading the diff again where that was done.
    """
    facts = facts or read_diff(mail.body)
    name, address = mail.name, mail.email
    inside = find_body_author(mail.body)
    if inside:
        inside_name, inside_address = email.utils.parseaddr(inside)
        name, address = (
            (inside_name or inside_address, inside_address)
            if inside_address
            else (
                name,
                address,
            )
        )
    return Patch(
        number=number,
        message_id=mail.message_id,
        title=parse_subject(mail.subject).title,
        author_name=name,
        author_email=address,
        date=mail.date,
        paths=facts.paths,
        blobs=facts.blobs,
        content_id=facts.content_id,
        mail=mail,
        trailers=_unique((*find_patch_trailers(mail), *replied(mail))),
    )


def _rerolled(posting: Posting, earlier: list[Revision]) -> Revision | None:
    """Return the revision that a partial re-roll completes, None for a posting of its own."""
    above = posting.updates or (posting.parent if find_replaced(posting) else None)
    if above is not None:
        wanted = {mail.message_id for mail in above.mails}
        return next((r for r in reversed(earlier) if wanted & set(r.message_ids)), None)
    if earlier and is_alone(posting):
        previous = earlier[-1]
        titles = {p.number: parse_subject(p.mail.subject).key for p in previous.patches}
        if posting.total == previous.total and posting.patch_keys.items() <= titles.items():
            return previous
    return None


def _compose(
    posting: Posting, patches: dict[int, Patch], previous: Revision, notes: list[str]
) -> tuple[dict[int, Patch], int]:
    """Put a partial re-roll's patches in the place of those they replace."""
    numbers = find_replaced(posting) or {number: number for number in patches}
    composed = {
        p.number: dataclasses.replace(p, reroll_of=p.reroll_of or previous.label)
        for p in previous.patches
    }
    for own, above in numbers.items():
        composed[above] = dataclasses.replace(patches[own], number=above)
    fresh = [f"{number}/{previous.total}" for number in sorted(numbers.values())]
    verb = "was" if len(fresh) == 1 else "were"
    shown = ", ".join(fresh[:_SHOWN]) + (f" and {len(fresh) - _SHOWN} more" * (len(fresh) > _SHOWN))
    notes.append(f"only {shown} {verb} sent: the other patches are those of {previous.label}")
    return composed, previous.total


def _carry_trailers(revisions: list[Revision]) -> list[Revision]:
    """Give a patch the reply trailers that the same content earned in an earlier revision."""
    earned: dict[str, list[Trailer]] = {}
    done: list[Revision] = []
    for revision in revisions:
        patches = []
        for patch in revision.patches:
            old = earned.get(patch.content_id, [])
            known = {(t.name, t.value) for t in patch.trailers}
            extra = [t for t in old if (t.name, t.value) not in known]
            patches.append(dataclasses.replace(patch, trailers=(*patch.trailers, *extra)))
            if patch.reroll_of is None:
                mine = [t for t in patch.trailers if t.message_id != patch.message_id]
                marked = [dataclasses.replace(t, carried_from=revision.label) for t in mine]
                earned[patch.content_id] = [*old, *marked]
        done.append(dataclasses.replace(revision, patches=tuple(patches)))
    return done
