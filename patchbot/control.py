"""What a program that follows a review asks of it: JSON lines on standard input."""

from __future__ import annotations

import io
import json
import queue
import threading


class Control:
    """Reads requests from a file descriptor, in a thread of its own until there are no more.

    A line is `{"cancel": [LABEL, STAGE]}`: that stage of that revision is stopped, and says that
    it was; the others go on. Any other line is no request, and is passed over.
    """

    def __init__(self, descriptor: int) -> None:
        self._asked: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(descriptor,), daemon=True).start()

    def _read(self, descriptor: int) -> None:
        # Without a buffer: the thread may stand in one when the interpreter ends, and its lock.
        for line in io.FileIO(descriptor, closefd=False):
            asked = parse_request(line)
            if asked is not None:
                self._asked.put(asked)

    def take(self) -> list[tuple[str, str]]:
        """Return the stages to be stopped, by label and name, that nobody has taken yet."""
        taken: list[tuple[str, str]] = []
        while not self._asked.empty():
            taken.append(self._asked.get())
        return taken


def parse_request(line: str | bytes) -> tuple[str, str] | None:
    """Return the label and the stage that a line asks to stop; None where it asks for nothing."""
    try:
        label, stage = json.loads(line)["cancel"]
    except (ValueError, TypeError, KeyError):
        return None
    return (label, stage) if isinstance(label, str) and isinstance(stage, str) else None


def render_request(label: str, stage: str) -> str:
    """Return the line that asks to stop a stage."""
    return json.dumps({"cancel": [label, stage]}) + "\n"
