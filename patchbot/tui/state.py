"""What is kept between two starts: how the list is shown, where one was, and what was typed."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(slots=True)
class State:
    """`draft` is what was typed for a new review that has not been started.

    `slug` is the series that the cursor was on; `beside` is "yes" where diffs are shown side by
    side.
    """

    sort: str = "reviewed"
    limit: str = ""
    draft: str = ""
    theme: str = ""
    beside: str = ""
    slug: str = ""


def read_state(home: Path) -> State:
    """Return what was kept; what can't be read, or is of another type, is as at the first start."""
    try:
        values = json.loads((home / "tui.json").read_text("utf-8"))
        known = {field.name for field in fields(State)}
        return State(**{k: v for k, v in values.items() if k in known and isinstance(v, str)})
    except (OSError, ValueError, AttributeError):
        return State()


def write_state(home: Path, state: State) -> None:
    """Keep it, whole or not at all; a folder that can't be written to is no reason to complain."""
    path = home / "tui.json"
    aside = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        aside.write_text(json.dumps(asdict(state)), "utf-8")
        aside.replace(path)
