"""Makes small mails for tests: patches, covers, replies and whole postings, none of them real.

Every mail goes through `parse_mail`, so that a test starts from bytes like the program does.
Dates are days after 1 March 2021; ids are short words, made addresses here.
"""

from __future__ import annotations

import email.utils
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from patchbot.mail.message import parse_mail
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.model import Mail, Revision, Series

ADA = "Ada Walnut <ada@example.org>"
BOB = "Bob Hazel <bob@example.com>"
_START = datetime(2021, 3, 1, tzinfo=UTC)
_MINUTE = 1 / 1440


def mid(name: str) -> str:
    """The message-id that a short name stands for."""
    return name if "@" in name else f"{name}@example.org"


def raw_mail(
    subject: str,
    name: str,
    *,
    body: str = "",
    sender: str = ADA,
    day: float = 0.0,
    to: str | None = None,
    refs: Sequence[str] = (),
    headers: Iterable[str] = (),
) -> bytes:
    """The bytes of one plain mail; `to` is the name of the mail it answers."""
    moment = _START + timedelta(days=day)
    lines = [f"From: {sender}", f"Subject: {subject}", f"Message-ID: <{mid(name)}>"]
    lines.append(f"Date: {email.utils.format_datetime(moment)}")
    if to is not None:
        lines.append(f"In-Reply-To: <{mid(to)}>")
    if refs or to is not None:
        lines.append("References: " + " ".join(f"<{mid(ref)}>" for ref in (*refs, to) if ref))
    lines += headers
    return ("\n".join(lines) + "\n\n" + body).encode()


def mail(subject: str, name: str, **options: object) -> Mail:
    """One mail; see `raw_mail` for the options."""
    return parse_mail(raw_mail(subject, name, **options))  # type: ignore[arg-type]


def diff(change: str, path: str = "fs/walnut/file.c", at: int = 10) -> str:
    """A diff of one hunk that adds the line `change` to a file, at line `at`."""
    return (
        f"diff --git a/{path} b/{path}\n"
        "index 1111111..2222222 100644\n"
        f"--- a/{path}\n"
        f"+++ b/{path}\n"
        f"@@ -{at},2 +{at},3 @@ int walnut(void)\n"
        " \tint one;\n"
        f"+\t{change}\n"
        " \tint two;\n"
    )


def patch_body(change: str, *, message: str = "Say why.\n", foot: str = "", path: str = "") -> str:
    """The body of a patch mail: message, sign-off, diff, `foot` after the signature's dashes."""
    text = diff(change, path or "fs/walnut/file.c")
    return (
        f"{message}\nSigned-off-by: Ada Walnut <ada@example.org>\n---\n"
        f" fs/walnut/file.c | 1 +\n 1 file changed, 1 insertion(+)\n\n{text}-- \n2.30.0\n{foot}"
    )


def patch(subject: str, name: str, change: str | None = None, **options: object) -> Mail:
    """A patch mail whose diff adds the line `change` (its subject's title when not given)."""
    text = change if change is not None else subject.rpartition("] ")[2]
    foot, message = options.pop("foot", ""), options.pop("message", "Say why.\n")
    body = patch_body(text, message=str(message), foot=str(foot))
    return mail(subject, name, body=body, **options)


def cover(subject: str, name: str, text: str = "What this is for.\n", **options: object) -> Mail:
    """A cover letter with a diffstat and without a diff."""
    body = (
        f"{text}\nAda Walnut (2):\n\n fs/walnut/file.c | 2 ++\n 1 file changed, 2 insertions(+)\n"
    )
    return mail(subject, name, body=body, **options)


def reply(to: Mail, name: str, text: str, **options: object) -> Mail:
    """A reply to a mail, by Bob a quarter of a day later unless options say otherwise."""
    sent = (to.date - _START) / timedelta(days=1) if to.date else 0.0
    merged = {"sender": BOB, "day": sent + 0.25, "refs": to.references, **options}
    return mail(f"Re: {to.subject}", name, body=text, to=to.message_id, **merged)


def posting(
    name: str,
    titles: Sequence[str],
    *,
    prefix: str = "PATCH",
    lead: str | None = None,
    lead_prefix: str | None = None,
    changes: Sequence[str] = (),
    text: str = "What this is for.\n",
    only: Sequence[int] = (),
    day: float = 0.0,
    to: str | None = None,
    threaded: bool = True,
    sender: str = ADA,
    total: int | None = None,
    foot: str = "",
) -> list[Mail]:
    """A whole posting: the cover `lead` (if any) as `name-0`, patches as `name-1`, `name-2` ...

    Patches answer the cover, else `to`, else the first patch; `only` picks the numbers
    that are sent; `changes` are the added lines (the titles when not given); `foot` ends the
    first mail.
    """
    announced = total or len(titles)
    sent = list(only or range(1, len(titles) + 1))
    mails = []
    top = to
    if lead is not None:
        subject = f"[{lead_prefix or prefix} 0/{announced}] {lead}"
        mails.append(cover(subject, f"{name}-0", text + foot, day=day, to=to, sender=sender))
        top = f"{name}-0"
    for number in sent:
        where = f"{name}-{number}"
        change = changes[number - 1] if changes else titles[number - 1]
        mails.append(
            patch(
                f"[{prefix} {number}/{announced}] {titles[number - 1]}",
                where,
                change,
                day=day + number * _MINUTE,
                to=top if threaded else None,
                sender=sender,
                foot=foot if lead is None and number == sent[0] else "",
            )
        )
        if top is None:
            top = where
    return mails


def build(*mails: Mail | Iterable[Mail]) -> list[Series]:
    """Build all series of these mails and lists of mails."""
    flat: list[Mail] = []
    for each in mails:
        flat.extend([each] if isinstance(each, Mail) else each)
    return build_series(Mails(flat))


def only_series(*mails: Mail | Iterable[Mail]) -> Series:
    """Build the one series that these mails must make."""
    found = build(*mails)
    assert len(found) == 1, [series.title for series in found]
    return found[0]


def labels(series: Series) -> list[str]:
    """The labels of a series' revisions."""
    return [revision.label for revision in series.revisions]


def patch_ids(revision: Revision) -> list[str]:
    """The short names of a revision's patch mails."""
    return [each.message_id.partition("@")[0] for each in revision.patches]


def extras(revision: Revision) -> dict[str, str]:
    """The reasons of a revision's extras by short name."""
    return {each.message_id.partition("@")[0]: each.reason for each in revision.extras}


TITLES = ["walnut: open", "walnut: crack", "walnut: eat", "walnut: clean up"]
"""The patches of the series that most tests of revisions are about."""


def changes(version: int) -> list[str]:
    """What the four patches add in one revision."""
    return [f"int {title.split()[-1]}_{version};" for title in TITLES]


def post(version: int, lead: str | None = "walnut: the whole nut", **options: object) -> list[Mail]:
    """The four patches as revision `version`, with other content in each revision."""
    merged: dict[str, object] = {
        "prefix": f"PATCH v{version}" if version > 1 else "PATCH",
        "day": version * 10,
        "changes": changes(version),
        **options,
    }
    return posting(f"v{version}", TITLES, lead=lead, **merged)  # type: ignore[arg-type]


def reroll(number: int = 2, **options: object) -> Mail:
    """One of the four patches sent alone, as v2."""
    subject = f"[PATCH v2 {number}/4] {TITLES[number - 1]}"
    return patch(subject, "again", "int again;", **{"day": 12, **options})
