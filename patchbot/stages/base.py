"""What a stage is given, and what it must offer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from patchbot.git import Repository
from patchbot.model import Base, Patch, Revision, Series, StageResult

_RELEVANT = re.compile(rb"^(from|date|subject|content-[a-z-]+|mime-version):", re.I)


@dataclass(frozen=True, slots=True)
class StageRequest:
    """One stage's task: a revision on a base, what earlier stages said, and a folder of its own.

    `tree` and `base` are None where there is none, and `why_no_base` says why. `folder` is
    removed afterwards; what is to outlive the run stands below `home`, None where nothing may.
    `locked` runs a call while no other patchbot changes the same tree's refs. `watch` is told of
    logs that grow while the stage runs, from any thread: a name, and the file.
    """

    series: Series
    revision: Revision
    tree: Repository | None
    base: Base | None
    why_no_base: str
    folder: Path
    repeat: str
    locked: Callable[[Callable[[], None]], None]
    earlier: Mapping[str, StageResult] = field(default_factory=dict)
    home: Path | None = None
    watch: Callable[[str, Path], None] = lambda name, path: None


class Stage(Protocol):
    """One kind of check on an applied revision."""

    name: str
    version: str
    needs: tuple[str, ...]
    summary: str

    def key(self, request: StageRequest) -> str | None:
        """Return the hash of all that the result depends on; None for one never to be kept."""

    def run(self, request: StageRequest) -> StageResult:
        """Do the work; may raise, which the pipeline reports as *error*."""

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """Whether a kept result still stands, as far as it names things outside the store."""


def hash_key(*parts: object) -> str:
    """Return a stable hash of JSON-able parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def hash_patch(patch: Patch) -> str:
    """Hash what of a patch mail can matter: author, date, subject, encoding and body.

    Headers that only tell the way a copy of the mail took (Received and the like) do not count.
    """
    head, _, body = patch.mail.raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    kept: list[bytes] = []
    keep = False
    for line in head.split(b"\n"):
        if line[:1] not in (b" ", b"\t"):
            keep = bool(_RELEVANT.match(line))
        if keep:
            kept.append(line)
    return hashlib.sha256(b"\n".join(kept) + b"\n\n" + body).hexdigest()
