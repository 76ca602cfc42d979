"""The lab's mails: commits made in a scratch repository, and what git's format-patch makes of them.

Nothing is random and no clock is read: the same base gives the same commits, mails and ids.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime, parseaddr
from pathlib import Path
from string import Template

from patchbot.errors import GitError, TreeError
from patchbot.git import Repository, Scratch, make_scratch
from patchbot.lab.faults import CHANGES
from patchbot.lab.sites import FOLDER, Sites
from patchbot.lab.story import Patch, Reply, Revision, Story
from patchbot.mail.mbox import quote_mail
from patchbot.static.sources import BlobReader, CommitSources

_MAILER = "patchbot lab"
_SPLIT = re.compile(r"^From [0-9a-f]{40} Mon Sep 17 00:00:00 2001\n", re.M)
_TEXT = (
    "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
)
_STEP = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Thread:
    """One revision as it was sent: its mails, the cover first, and the tree each patch leaves."""

    number: int
    message_id: str
    mails: tuple[bytes, ...]
    trees: tuple[str, ...]

    @property
    def mbox(self) -> bytes:
        """All mails as mboxrd."""
        return b"".join(quote_mail(mail) for mail in self.mails)


def make_threads(tree: Repository, base: str, story: Story, folder: Path) -> list[Thread]:
    """Make the mails of every revision for a base, working in `folder`.

    The tree is read and not changed. Raises `TreeError` where it lacks what the lab changes.
    """
    post = _Post(make_scratch(tree, folder), base, story, _read_files(tree, base))
    return [post.make(revision) for revision in story.revisions]


def _read_files(tree: Repository, base: str) -> dict[str, bytes]:
    """Return ext4's C files of a commit."""
    sources = CommitSources(BlobReader(tree), base, near=[FOLDER])
    files = {path: sources.read(path) for path in sources.list_files(FOLDER)}
    found = {path: data for path, data in files.items() if data is not None}
    if not found:
        raise TreeError(
            f"{base[:12]} has no {FOLDER}", hint="name a kernel tree with --tree, or --source"
        )
    return found


class _Post:
    """Writes the mails of one lab."""

    def __init__(
        self, scratch: Scratch, base: str, story: Story, files: Mapping[str, bytes]
    ) -> None:
        self._scratch = scratch
        self._base = base
        self._story = story
        self._files = files
        self._words = {"page": Sites(files).listing().kind}
        self._words |= {
            f"link{each.number}": f"https://{self._host}/{self._id_of(each, 0)}"
            for each in story.revisions
        }

    @property
    def _host(self) -> str:
        return parseaddr(self._story.list)[1].partition("@")[2]

    def make(self, revision: Revision) -> Thread:
        """Make one revision's thread."""
        trees, tip = self._commit(revision)
        cover, *patches = self._format(revision, tip)
        if len(patches) != len(trees):
            raise GitError(f"git format-patch made {len(patches)} mails of {len(trees)} patches")
        mails = [self._cover(revision, cover)]
        mails += [
            _with_headers(mail, self._headers(revision, number))
            for number, mail in enumerate(patches, 1)
        ]
        subjects = [_subject(mail) for mail in mails]
        mails += [
            self._reply(revision, place, each, subjects[each.to])
            for place, each in enumerate(revision.replies, 1)
        ]
        raw = tuple(mail.encode("utf-8", "surrogateescape") for mail in mails)
        return Thread(revision.number, self._id_of(revision, 0), raw, tuple(trees))

    def _commit(self, revision: Revision) -> tuple[list[str], str]:
        """Make the commits of a revision; returns their trees, and the last one's id."""
        files, tip, trees = dict(self._files), self._base, []
        self._scratch.run("read-tree", self._base)
        for number, patch in enumerate(revision.patches, 1):
            changed = CHANGES[patch.change](files)
            files |= changed
            trees.append(self._write_tree(changed))
            env = self._identity(revision.date + number * _STEP)
            message = self._message(patch).encode()
            done = self._scratch.run(
                "commit-tree", trees[-1], "-p", tip, "-F", "-", stdin=message, env=env
            )
            tip = done.stdout.decode().strip()
        return trees, tip

    def _write_tree(self, changed: Mapping[str, bytes]) -> str:
        lines = []
        for path, data in changed.items():
            done = self._scratch.run("hash-object", "-w", "--stdin", stdin=data)
            lines.append(f"100644 {done.stdout.decode().strip()}\t{path}\n")
        self._scratch.run("update-index", "--index-info", stdin="".join(lines).encode())
        return self._scratch.run("write-tree", "--missing-ok").stdout.decode().strip()

    def _identity(self, date: datetime) -> dict[str, str]:
        name, address = parseaddr(self._story.author)
        env: dict[str, str] = {}
        for role in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": address}
            env[f"GIT_{role}_DATE"] = date.isoformat()
        return env

    def _message(self, patch: Patch) -> str:
        words = f"{patch.subject}\n\n{patch.message}\n\nSigned-off-by: {self._story.author}\n"
        return self._fill(words)

    def _fill(self, words: str) -> str:
        return Template(words).substitute(self._words)

    def _format(self, revision: Revision, tip: str) -> list[str]:
        """Return format-patch's mails for a revision, its cover first."""
        version = [f"-v{revision.number}"] if revision.number > 1 else []
        done = self._scratch.run(
            "format-patch", "--stdout", "--cover-letter", "--numbered", *version,
            f"--base={self._base}", "--abbrev=12", "--diff-algorithm=myers", "--no-renames",
            "--stat=72", f"--signature={_MAILER}", f"{self._base}..{tip}",
            env=self._identity(revision.date),
        )  # fmt: skip
        mails = _SPLIT.split(done.stdout.decode("utf-8", "surrogateescape"))[1:]
        return [f"{mail.rstrip()}\n" for mail in mails]

    def _cover(self, revision: Revision, mail: str) -> str:
        mail = mail.replace("*** SUBJECT HERE ***", self._story.title)
        mail = mail.replace("*** BLURB HERE ***", self._fill(revision.cover))
        return _with_headers(mail, self._headers(revision, 0))

    def _headers(self, revision: Revision, number: int) -> str:
        """Return what git send-email adds to a patch's mail, or to the cover's (0)."""
        lines = [f"To: {self._story.list}", f"Message-ID: <{self._id_of(revision, number)}>"]
        lines.append(f"X-Mailer: {_MAILER}")
        if number:
            above = self._id_of(revision, 0)
            lines += [f"In-Reply-To: <{above}>", f"References: <{above}>"]
        return "".join(f"{line}\n" for line in lines) + _TEXT

    def _id_of(self, revision: Revision, number: int) -> str:
        sender = parseaddr(self._story.author)[1]
        return f"{revision.date:%Y%m%d%H%M%S}.{self._base[:12]}-{number}-{sender}"

    def _reply(self, revision: Revision, place: int, reply: Reply, subject: str) -> str:
        date = revision.date + timedelta(hours=reply.hours)
        name, address = parseaddr(reply.sender)
        above = dict.fromkeys((self._id_of(revision, 0), self._id_of(revision, reply.to)))
        sent = f"{revision.date:%a, %d %b %Y %H:%M:%S %z}"
        who = self._story.author
        return (
            f"From: {name} <{address}>\nTo: {who}\nCc: {self._story.list}\n"
            f"Subject: {_fold(f'Re: {subject}')}\nDate: {format_datetime(date)}\n"
            f"Message-ID: <{date:%Y%m%d%H%M%S}.{self._base[:12]}.{place}-{address}>\n"
            f"In-Reply-To: <{list(above)[-1]}>\n"
            f"References: {' '.join(f'<{each}>' for each in above)}\n"
            f"{_TEXT}\n"
            f"On {sent}, {parseaddr(who)[0]} wrote:\n{self._fill(reply.body)}\n"
        )


def _with_headers(mail: str, headers: str) -> str:
    head, _, body = mail.partition("\n\n")
    return f"{head}\n{headers}\n{body}"


def _subject(mail: str) -> str:
    """Return the subject of a mail of format-patch's, in one line."""
    found = re.search(r"^Subject: (.*(?:\n[ \t].*)*)", mail, re.M)
    return re.sub(r"\n[ \t]+", " ", found[1]) if found else ""


def _fold(subject: str) -> str:
    return "\n ".join(textwrap.wrap(subject, 66, break_long_words=False, break_on_hyphens=False))
