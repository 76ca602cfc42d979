"""The lab's texts: revisions with covers, patches and replies, as `thread.toml` has them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch: the name of its change (see `faults.CHANGES`), and its words."""

    change: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply to a patch (by number, 0 for the cover), some hours after it."""

    to: int
    sender: str
    hours: int
    body: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: its patches in order, its cover, and what was replied.

    `faults` says what is wrong with it, by the patch's number.
    """

    number: int
    faults: Mapping[int, str]
    date: datetime
    patches: tuple[Patch, ...]
    cover: str
    replies: tuple[Reply, ...]

    @property
    def label(self) -> str:
        """Its name, such as "v3"."""
        return f"v{self.number}"


@dataclass(frozen=True, slots=True)
class Story:
    """The whole series."""

    title: str
    list: str
    author: str
    revisions: tuple[Revision, ...]


def load_story() -> Story:
    """Read the lab's thread."""
    text = (files("patchbot.lab") / "thread.toml").read_text("utf-8")
    data = tomllib.loads(text)
    patches = {
        name: Patch(name, each["subject"], each["message"].strip())
        for name, each in data["patches"].items()
    }
    revisions = tuple(_parse_revision(each, patches) for each in data["revision"])
    return Story(data["title"], data["list"], data["author"], revisions)


def _parse_revision(data: Mapping[str, Any], patches: Mapping[str, Patch]) -> Revision:
    replies = (
        Reply(each["to"], each["from"], each["hours"], each["body"].strip())
        for each in data.get("reply", ())
    )
    return Revision(
        number=data["number"],
        faults={int(number): what for number, what in data["faults"].items()},
        date=datetime.fromisoformat(data["date"]),
        patches=tuple(patches[name] for name in data["patches"]),
        cover=data["cover"].strip(),
        replies=tuple(replies),
    )
