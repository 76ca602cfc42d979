#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the demo threads in series/demo from their sources in series/demo/src.

A source file describes commits (as replacements of text in the model kernel)
and mails (which quote those commits). Everything that could vary is fixed, so
that the same sources give the same bytes and the same commit ids.
"""

from __future__ import annotations

import argparse
import os
import quopri
import re
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.charset import SHORTEST, Charset
from email.header import Header
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any

from patchbot.demo import make_base_repository

ROOT = Path(__file__).resolve().parent.parent
DEMO_DIR = ROOT / "series" / "demo"

MBOX_FROM = "From mboxrd@z Thu Jan  1 00:00:00 1970\n"
GIT_VERSION = "2.43.0"
LIST_ADDRESS = "linux-fsdevel@example.org"
PLACEHOLDER = re.compile(r"@(BASE|COMMIT|DIFF|SERIES)(?::([a-z0-9./-]+))?@")


class DemoError(Exception):
    """A source file of the demo is wrong; the message says where."""


@dataclass(frozen=True)
class Edit:
    """Replace the one place where `old` stands in `file` by `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Commit:
    """A commit to make; `key` is "thread/id", `parent` is a key or "" for the base."""

    key: str
    parent: str
    author: str
    date: str
    message: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Mail:
    """One mail; `commit` is the key of the commit it carries, or ""."""

    message_id: str
    sender: str
    date: str
    subject: str
    body: str
    reply_to: str
    commit: str
    notes: str
    encoding: str
    git: bool


@dataclass(frozen=True)
class Source:
    """All that one source file says."""

    name: str
    commits: tuple[Commit, ...]
    mails: tuple[Mail, ...]


@dataclass
class Repo:
    """A repository under construction, with the id of each commit by its key."""

    path: Path
    ids: dict[str, str] = field(default_factory=dict)

    def git(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        """Run git here, apart from the user's settings, and return its output."""
        command = ["git", "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false", *args]
        fixed = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "LC_ALL": "C",
            "TZ": "UTC",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        done = subprocess.run(
            command, cwd=self.path, env={**fixed, **(env or {})}, capture_output=True, text=True
        )
        if done.returncode:
            raise DemoError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def commit(self, author: str, date: str, message: str) -> str:
        """Commit all changes with this author, also as committer; return the id."""
        name, address = parseaddr(author)
        env = {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": address,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": address,
            "GIT_COMMITTER_DATE": date,
        }
        self.git("add", "-A")
        self.git("commit", "-q", "--no-verify", "--cleanup=verbatim", "-m", message, env=env)
        return self.git("rev-parse", "HEAD").strip()


def create_base_repo(path: Path) -> Repo:
    """Make the demo repository, with its one base commit, as `patchbot demo` makes it."""
    make_base_repository(path)
    repo = Repo(path)
    repo.ids[""] = repo.git("rev-parse", "HEAD").strip()
    return repo


def parse_source(name: str, data: Mapping[str, Any]) -> Source:
    """Turn one parsed TOML file into values; commits may refer to other threads' commits."""
    commits: list[Commit] = []
    previous = ""
    for entry in data["commit"]:
        commit = parse_commit(name, entry, previous)
        commits.append(commit)
        previous = commit.key
    mails = tuple(parse_mail(name, entry) for entry in data["mail"])
    return Source(name, tuple(commits), mails)


def parse_commit(thread: str, entry: Mapping[str, Any], previous: str) -> Commit:
    """Read one commit; the default parent is the commit before it in the file."""
    parent = entry.get("parent")
    edits: list[Edit] = []
    if "same_as" in entry:
        edits.append(Edit("", full_key(thread, entry["same_as"]), ""))
    edits += [Edit(e["file"], e["old"], e["new"]) for e in entry.get("edit", ())]
    return Commit(
        key=full_key(thread, entry["id"]),
        parent=previous if parent is None else full_key(thread, parent),
        author=entry["author"],
        date=entry["date"],
        message=f"{entry['subject']}\n\n{entry['message'].strip()}\n",
        edits=tuple(edits),
    )


def parse_mail(thread: str, entry: Mapping[str, Any]) -> Mail:
    """Read one mail; only `id`, `from`, `date` and `subject` are required."""
    return Mail(
        message_id=entry["id"],
        sender=entry["from"],
        date=entry["date"],
        subject=entry["subject"],
        body=entry.get("body", ""),
        reply_to=entry.get("reply_to", ""),
        commit=full_key(thread, entry["commit"]) if "commit" in entry else "",
        notes=entry.get("notes", ""),
        encoding=entry.get("encoding", "7bit"),
        git=entry.get("git", "commit" in entry),
    )


def full_key(thread: str, name: str) -> str:
    """Complete the id of a commit with its thread; "" stays the base."""
    return name if "/" in name or not name else f"{thread}/{name}"


def apply_edit(repo: Repo, commit: Commit, edit: Edit) -> None:
    """Replace text in the work tree; the old text must stand there exactly once."""
    path = repo.path / edit.file
    text = path.read_text(encoding="utf-8")
    if text.count(edit.old) != 1:
        raise DemoError(
            f"{commit.key}: {edit.file} has {text.count(edit.old)} places with:\n{edit.old}"
        )
    path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def edits_of(commit: Commit, commits: Mapping[str, Commit]) -> Iterator[Edit]:
    """Yield the edits of a commit, with references to other commits resolved."""
    for edit in commit.edits:
        if edit.file:
            yield edit
        else:
            yield from edits_of(commits[edit.old], commits)


def make_commits(repo: Repo, sources: Sequence[Source]) -> None:
    """Make every commit of every thread, parents first, whatever the file order."""
    commits = {c.key: c for s in sources for c in s.commits}

    def make(key: str) -> str:
        if key not in repo.ids:
            commit = commits[key]
            repo.git("checkout", "-q", "--detach", make(commit.parent))
            for edit in edits_of(commit, commits):
                apply_edit(repo, commit, edit)
            repo.ids[key] = repo.commit(commit.author, commit.date, fill(commit.message, repo))
        return repo.ids[key]

    for key in commits:
        parents = [m[2] for m in PLACEHOLDER.finditer(commits[key].message) if m[1] == "COMMIT"]
        for needed in (*parents, key):
            make(needed)
    repo.git("checkout", "-q", "main")


def diff(repo: Repo, old: str, new: str, *options: str) -> str:
    """Compare two commits the way format-patch does, with ids of 12 digits."""
    return repo.git(
        "diff", "--no-color", "--no-ext-diff", "--no-renames", "--diff-algorithm=myers",
        "--abbrev=12", *(options or ("-U3",)), old, new,
    )  # fmt: skip


def stat(repo: Repo, old: str, new: str) -> str:
    """Return the diffstat between two commits."""
    return diff(repo, old, new, "--stat=72", "--summary")


def series_summary(repo: Repo, keys: Sequence[str]) -> str:
    """Return the short log and diffstat that end a cover letter."""
    lines: list[str] = []
    for author in dict.fromkeys(log_field(repo, key, "%an") for key in keys):
        subjects = [log_field(repo, k, "%s") for k in keys if log_field(repo, k, "%an") == author]
        lines += [f"{author} ({len(subjects)}):", *(f"  {s}" for s in subjects), ""]
    old = repo.git("rev-parse", f"{repo.ids[keys[0]]}^").strip()
    return "\n".join(lines) + "\n" + stat(repo, old, repo.ids[keys[-1]])


def log_field(repo: Repo, key: str, pattern: str) -> str:
    """Return one field of a commit, by git's format string."""
    return repo.git("log", "-1", f"--format={pattern}", repo.ids[key]).strip()


def fill(text: str, repo: Repo) -> str:
    """Replace @BASE@, @COMMIT:key@ (12 digits), @DIFF:key@, @SERIES:thread/id..id@."""

    def value(match: re.Match[str]) -> str:
        word, key = match[1], match[2] or ""
        if word == "BASE":
            return repo.ids[""]
        if word == "COMMIT":
            return repo.ids[key][:12]
        if word == "DIFF":
            return diff(repo, f"{repo.ids[key]}^", repo.ids[key]).rstrip("\n")
        thread, _, names = key.partition("/")
        return series_summary(repo, [f"{thread}/{n}" for n in names.split("..")]).rstrip("\n")

    return PLACEHOLDER.sub(value, text)


def patch_body(mail: Mail, repo: Repo) -> str:
    """Lay out a patch mail: author, message, notes, diffstat, diff."""
    new = repo.ids[mail.commit]
    author = log_field(repo, mail.commit, "%an <%ae>")
    message = log_field(repo, mail.commit, "%b")
    head = "" if author == mail.sender else f"From: {author}\n\n"
    notes = fill(mail.notes, repo)
    return (
        f"{head}{message}\n---\n{notes}{stat(repo, new + '^', new)}\n"
        f"{diff(repo, new + '^', new)}-- \n{GIT_VERSION}\n"
    )


def render_body(mail: Mail, repo: Repo) -> str:
    """Return the text of a mail, before transfer encoding."""
    if mail.commit:
        return patch_body(mail, repo)
    text = fill(mail.body, repo).strip("\n") + "\n"
    return text + (f"\n-- \n{GIT_VERSION}\n" if mail.git else "")


def fold(name: str, value: str) -> str:
    """Write one header, folded at blanks, with other than ASCII text encoded."""
    if not value.isascii():
        return f"{name}: {Header(value, _utf8(), header_name=name, maxlinelen=76).encode()}\n"
    lines = textwrap.wrap(
        f"{name}: {value}", 76, subsequent_indent=" ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines) + "\n"


def fold_address(name: str, value: str) -> str:
    """Write a header with one address; only the person's name is encoded."""
    person, address = parseaddr(value)
    if not person.isascii():
        person = Header(person, _utf8()).encode()
    return f"{name}: {person} <{address}>\n"


def references(mail: Mail, by_id: Mapping[str, Mail]) -> list[str]:
    """Return the ids of all mails above this one, topmost first."""
    if not mail.reply_to:
        return []
    if mail.reply_to not in by_id:
        raise DemoError(f"{mail.message_id}: replies to unknown {mail.reply_to}")
    return [*references(by_id[mail.reply_to], by_id), mail.reply_to]


def render_headers(mail: Mail, by_id: Mapping[str, Mail]) -> str:
    """Return the header block of a mail."""
    above = references(mail, by_id)
    to = by_id[mail.reply_to].sender if mail.subject.startswith("Re: ") else LIST_ADDRESS
    lines = [fold_address("From", mail.sender)]
    lines.append(fold_address("To", to) if "<" in to else f"To: {to}\n")
    lines.append(f"Cc: {LIST_ADDRESS}\n" if to != LIST_ADDRESS else "")
    lines.append(fold("Subject", mail.subject))
    lines.append(f"Date: {format_datetime(datetime.fromisoformat(mail.date))}\n")
    lines.append(f"Message-ID: <{mail.message_id}>\n")
    if mail.git:
        lines.append(f"X-Mailer: git-send-email {GIT_VERSION}\n")
    if above:
        lines.append(f"In-Reply-To: <{above[-1]}>\n")
        lines.append("References: " + "\n ".join(f"<{a}>" for a in above) + "\n")
    lines.append("MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n")
    lines.append(f"Content-Transfer-Encoding: {mail.encoding}\n")
    return "".join(lines)


def _utf8() -> Charset:
    """Return UTF-8 for headers; b4, once imported, makes everyone else's UTF-8 go unencoded."""
    charset = Charset("utf-8")
    charset.header_encoding = SHORTEST
    return charset


def encode_body(mail: Mail, text: str) -> str:
    """Apply the transfer encoding; the result is ASCII."""
    if mail.encoding == "quoted-printable":
        return quopri.encodestring(text.encode("utf-8")).decode("ascii")
    if not text.isascii():
        raise DemoError(f"{mail.message_id}: text is not ASCII, but sent as {mail.encoding}")
    return text


def render_mbox(source: Source, repo: Repo) -> bytes:
    """Return the mboxrd file of one thread."""
    by_id = {m.message_id: m for m in source.mails}
    parts: list[str] = []
    for mail in source.mails:
        body = encode_body(mail, render_body(mail, repo))
        text = render_headers(mail, by_id) + "\n" + body
        parts.append(MBOX_FROM + re.sub(r"^(>*From )", r">\1", text, flags=re.MULTILINE) + "\n")
    return "".join(parts).encode("ascii")


def read_sources(folder: Path) -> list[Source]:
    """Read all source files, in the order of their names."""
    sources = []
    for path in sorted(folder.glob("*.toml")):
        with path.open("rb") as file:
            sources.append(parse_source(path.stem, tomllib.load(file)))
    return sources


def generate(workdir: Path, demo_dir: Path = DEMO_DIR) -> tuple[Repo, dict[str, bytes]]:
    """Build the repository in `workdir`; return it, and each mbox by file name."""
    repo = create_base_repo(workdir / "repo")
    sources = read_sources(demo_dir / "src")
    make_commits(repo, sources)
    return repo, {f"{s.name}.mbox": render_mbox(s, repo) for s in sources}


def stale_files(wanted: Mapping[str, bytes], demo_dir: Path = DEMO_DIR) -> list[str]:
    """Name the mbox files that are missing, different, or should not be there."""
    stored = {p.name: p.read_bytes() for p in demo_dir.glob("*.mbox")}
    names = sorted(stored.keys() | wanted.keys())
    return [name for name in names if stored.get(name) != wanted.get(name)]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the mbox files, or with --check compare them; 1 if they differ."""
    parser = argparse.ArgumentParser(description="Write the demo threads in series/demo.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if not current")
    parser.add_argument("--base", action="store_true", help="print the base commit and stop")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as tmp:
        try:
            repo, wanted = generate(Path(tmp))
        except DemoError as error:
            print(error, file=sys.stderr)
            return 2
    if args.base:
        print(repo.ids[""])
        return 0
    stale = stale_files(wanted)
    for name in stale:
        print(f"{'not current' if args.check else 'written'}: {name}", file=sys.stderr)
        if not args.check and name in wanted:
            (DEMO_DIR / name).write_bytes(wanted[name])
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
