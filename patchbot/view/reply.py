"""A reply to a patch: its head, the hunk quoted, and a finding with its evidence in list style."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from patchbot.report.text import clean_text
from patchbot.view.diff import DiffLine, find_diff_line, parse_lines
from patchbot.view.lists import one_line
from patchbot.view.thread import say_date

_WIDTH: Final = 72
_BEFORE: Final = 24
_AFTER: Final = 3
_CUT: Final = "[...]"
Mail = Mapping[str, Any]


def make_reply(mail: Mail, quoted: Sequence[str], text: str) -> str:
    """Return a whole draft: its head, quoted lines, and text below them."""
    author, date = mail["author"], say_date(mail["date"])
    name = one_line(author["name"])
    said = f"On {date}, {name} wrote:" if date else f"{name} wrote:"
    parts = [_head(mail), "", said, *quote(quoted), "", text.rstrip("\n"), ""]
    return "\n".join(parts)


def _head(mail: Mail) -> str:
    author, subject = mail["author"], one_line(mail["subject"])
    above = " ".join(f"<{one_line(each)}>" for each in [*mail["references"], mail["message_id"]])
    copies = ", ".join(filter(None, (one_line(mail["to"]), one_line(mail["cc"]))))
    heads = {
        "To": one_line(f"{author['name']} <{author['email']}>"),
        "Cc": copies,
        "Subject": subject if re.match("re:", subject, re.I) else f"Re: {subject}",
        "In-Reply-To": f"<{one_line(mail['message_id'])}>",
        "References": above,
    }
    return "\n".join(f"{name}: {value}" for name, value in heads.items() if value)


def quote(lines: Sequence[str]) -> list[str]:
    """Return lines quoted as mailers do; tabs stay, what could command a terminal is shown."""
    return [(f"> {_clean(line)}" if line else ">") for line in lines]


def _clean(line: str) -> str:
    return "\t".join(clean_text(part) for part in line.split("\t"))


def quote_whole(mail: Mail) -> list[str]:
    """Return all lines of a mail but its signature."""
    lines = str(mail["body"]).rstrip("\n").split("\n")
    ends = [at for at, line in enumerate(lines) if line == "-- "]
    return lines[: ends[-1]] if ends else lines


def quote_hunk(body: str, patch_line: int | None, file: str | None) -> list[str]:
    """Return the part of a patch that a finding is about, to be quoted.

    That is the file's head and its hunk up to some lines behind the finding's; of long hunks the
    end. Without a line it is the file's head, and without a file nothing.
    """
    lines = parse_lines(body)
    at = find_diff_line(lines, patch_line) if patch_line else None
    if at is not None:
        return _around(lines, at)
    heads = [n for n, each in enumerate(lines) if each.text.startswith("diff --git ")]
    fits = [n for n in heads if file and lines[n].text.endswith(f" b/{file}")]
    return _file_head(lines, fits[0]) if fits else []


def _around(lines: Sequence[DiffLine], at: int) -> list[str]:
    begin = max((n for n in range(at + 1) if lines[n].kind == "hunk"), default=at)
    file = max((n for n in range(at + 1) if lines[n].text.startswith("diff --git ")), default=at)
    first = max(begin + 1, at - _BEFORE)
    cut = [_CUT] if first > begin + 1 else []
    end = at + 1
    while end < len(lines) and end <= at + _AFTER and lines[end].kind in _IN_HUNK:
        end += 1
    hunk = [lines[begin].text, *cut, *(each.text for each in lines[first:end])]
    return [*_file_head(lines, file), *hunk] if file < begin else hunk


_IN_HUNK: Final = ("added", "removed", "context")


def _file_head(lines: Sequence[DiffLine], at: int) -> list[str]:
    """Return the lines from `diff --git` to the first hunk."""
    end = at
    while end < len(lines) and lines[end].kind == "file":
        end += 1
    return [each.text for each in lines[at:end]]


def say_finding(finding: Mapping[str, Any], stage: str, revision: Mapping[str, Any]) -> str:
    """Return a finding with its evidence as one writes it to a list, and how to repeat it."""
    place = f"{finding['file']}:{finding['line']}" if finding["file"] else ""
    what = f"{finding['severity']}, {finding['rule']}{f', at {place}' if place else ''}"
    blocks = [_wrap(clean_text(finding["message"])), f"({one_line(what)})"]
    if finding["evidence"]:
        evidence = clean_text(finding["evidence"].rstrip("\n"))
        blocks.append(textwrap.indent(evidence, "    "))
    number = revision["label"].removeprefix("v")
    command = f"patchbot review {revision['message_id']} --revision {number} --stages {stage}"
    blocks.append(f"Found by patchbot's {stage} stage; to repeat:\n\n    {one_line(command)}")
    return "\n\n".join(blocks)


def _wrap(text: str) -> str:
    """Return text in lines that a mail takes; words that are longer stay whole."""
    lines = text.split("\n")
    return "\n".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in lines
    )


def choose_mail(revision: Mapping[str, Any], patch: int | None) -> str:
    """Return the message-id of the mail to answer for a finding: its patch, else the cover."""
    ids = {each["number"]: str(each["message_id"]) for each in revision["patches"]}
    if patch is not None and patch in ids:
        return ids[patch]
    return str(revision["cover"] or revision["message_id"])
