"""What ends an execution before its time."""

from __future__ import annotations


class Stop(Exception):
    """The execution ends here; `site` says where, None for the site of the last step."""


class Failed(Stop):
    """The program did something wrong: kind and text as in `explore.model.Failure`."""

    def __init__(self, kind: str, text: str, site: int | None = None) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text
        self.site = site


class Unanswered(Stop):
    """The execution cannot go on, for a reason that says nothing about the program."""


class Cut(Stop):
    """The guide does not want to go on."""
