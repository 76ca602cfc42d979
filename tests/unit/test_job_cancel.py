"""A command that is cancelled before its program is there does not run to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbot.tui.jobs import Job


def test_a_command_cancelled_before_it_began_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    job = Job(("demo",))
    job.cancel()
    told: list[Job] = []
    job.run(told.append)
    assert (job.code, job.failure, told) == (-15, "", [job])
