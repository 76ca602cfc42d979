"""A file that grows, read from where one stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 16 << 20
_AT_ONCE: Final = 1 << 20


class Tail:
    """What a file has, and what is added to it. A file that begins anew is read anew."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._at = 0
        self._rest = b""

    def read(self) -> tuple[bool, list[str]]:
        """Return whether it begins anew, and the lines that are new; the last may grow still.

        What can't be read has nothing new: what was read of it stays.
        """
        try:
            with Path(self.path).open("rb") as file:
                size = file.seek(0, 2)
                anew = size < self._at
                self._at, self._rest = (0, b"") if anew else (self._at, self._rest)
                file.seek(self._at)
                data = file.read(_AT_ONCE) if self._at < _MOST_BYTES else b""
        except OSError:
            return False, []
        self._at += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return anew, [line.decode("utf-8", "replace") for line in whole]

    def read_all(self) -> tuple[bool, list[str]]:
        """Return the same of all that is there by now, however often it begins anew meanwhile."""
        begins, lines = False, list[str]()
        while True:
            anew, more = self.read()
            begins, lines = begins or anew, [*([] if anew else lines), *more]
            if not more:
                return begins, lines

    def read_rest(self) -> str:
        """Return the last line, where it has no end yet."""
        return self._rest.decode("utf-8", "replace")
