"""Reads a whole mailing list out of one epoch of a public-inbox (a bare git repository)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def read_epoch(epoch: Path) -> Iterator[bytes]:
    """Yield every mail, oldest first; a mail is the file `m` of a commit."""
    git = ["git", "-C", str(epoch)]
    listed = subprocess.run(
        [*git, "rev-list", "--reverse", "--all"], check=True, stdout=subprocess.PIPE
    )
    wanted = b"".join(commit + b":m\n" for commit in listed.stdout.split())
    with (
        subprocess.Popen(
            [*git, "cat-file", "--batch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=1 << 20,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        yield from _exchange(process.stdin, process.stdout, wanted)


def _exchange(requests: IO[bytes], answers: IO[bytes], wanted: bytes) -> Iterator[bytes]:
    """Ask for some hundred objects at a time, so that neither pipe fills up."""
    lines = wanted.splitlines(keepends=True)
    for begin in range(0, len(lines), 256):
        block = lines[begin : begin + 256]
        requests.write(b"".join(block))
        requests.close() if begin + 256 >= len(lines) else requests.flush()
        for _ in block:
            header = answers.readline().split()
            if header and header[-1] != b"missing":
                data = answers.read(int(header[2]))
                answers.read(1)
                yield data
