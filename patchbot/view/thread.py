"""A thread: a row a mail, below the mail that it answers, and each mail to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patchbot.view.diff import parse_lines, unified
from patchbot.view.lists import cut, one_line
from patchbot.view.reading import Line
from patchbot.view.rows import Row, pad

_AUTHOR = 16
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class MailRow:
    """One line of the tree; `text` is clean and in one line."""

    message_id: str
    text: str
    style: str


def say_threads(document: Mapping[str, Any]) -> list[MailRow]:
    """Return a row for each mail of a thread document, in its order."""
    return [_row(mail) for mail in document["mails"]]


def _row(mail: Mapping[str, Any]) -> MailRow:
    depth = min(mail["depth"], _DEEPEST)
    indent = "  " * (depth - 1) + "└ " if depth else ""
    date = (mail["date"] or "")[:10] or "no date"
    name = pad(cut(one_line(mail["author"]["name"]), _AUTHOR), _AUTHOR)
    text = f"{date:<10} {name} {indent}{one_line(mail['subject'])}"
    return MailRow(mail["message_id"], text, "file" if mail["revision"] else "")


def read_mail(mail: Mapping[str, Any]) -> list[Row]:
    """Return a mail to read: its head, then its text with quotes dimmed and diffs in colour."""
    author = mail["author"]
    heads = [("From", f"{author['name']} <{author['email']}>"), ("Date", say_date(mail["date"]))]
    heads += [("To", mail["to"]), ("Cc", mail["cc"])]
    rows: list[Row] = [(Line(one_line(mail["subject"]), "file"),)]
    rows += [(Line(f"{name}: {one_line(text)}", "dim"),) for name, text in heads if text]
    return [*rows, (), *unified(parse_lines(mail["body"].rstrip("\n")))]


def say_date(date: str | None) -> str:
    """Return a document's date as one reads it: "2026-03-01 12:00", "" for none."""
    return (date or "")[:16].replace("T", " ")


def find_mail(document: Mapping[str, Any] | None, message_id: str) -> Mapping[str, Any] | None:
    """Return a mail of a thread document, None where it has not got it."""
    mails: Sequence[Mapping[str, Any]] = document["mails"] if document else ()
    return next((each for each in mails if each["message_id"] == message_id), None)
