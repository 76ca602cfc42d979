"""The sandbox: what a program inside can't do, and what is said where there is none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from patchbot.errors import ProcessError
from patchbot.sandbox import Sandbox, find_sandbox, run_sandboxed
from tests.support.require import require


@pytest.fixture
def inside() -> None:
    require("bwrap")
    assert find_sandbox().program is not None, find_sandbox().why_not


@pytest.mark.usefixtures("inside")
def test_only_what_is_named_can_be_written(tmp_path: Path) -> None:
    for name in ("read", "write", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "read" / "file").write_text("seen")
    script = (
        "cat read/file; touch write/made; touch read/made; touch other/made; touch /usr/made; "
        "ls other"
    )
    done = run_sandboxed(
        ["sh", "-c", script],
        readable=[tmp_path / "read"],
        writable=[tmp_path / "write"],
        cwd=tmp_path / "write" / "..",
    )
    assert done.stdout == b"seen"
    assert [path.name for path in sorted(tmp_path.rglob("made"))] == ["made"]
    assert (tmp_path / "write" / "made").exists()
    assert not Path("/usr/made").exists()


@pytest.mark.usefixtures("inside")
def test_no_network_no_home_and_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBOT_SECRET", "walnut")
    home = os.path.expanduser("~")
    script = f"ls -A {home} | wc -l; env; cat /proc/net/dev; cat /etc/shadow"
    text = run_sandboxed(["sh", "-c", script]).stdout.decode()
    assert text.splitlines()[0] == "0"
    assert "walnut" not in text
    assert "eth0" not in text
    assert " lo:" in text
    assert "root:" not in text


@pytest.mark.usefixtures("inside")
def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "late"
    with pytest.raises(ProcessError, match="no answer within"):
        run_sandboxed(
            ["sh", "-c", f"(sleep 2; touch {mark}) & sleep 60"], writable=[tmp_path], timeout_s=0.3
        )
    done = run_sandboxed(["sleep", "2.2"])
    assert done.returncode == 0
    assert not mark.exists()


def test_without_bubblewrap_programs_run_as_they_are(tmp_path: Path) -> None:
    bare = Sandbox(None, "not here")
    assert bare.wrap(["true"], readable=(), writable=()) == ["true"]
    assert run_sandboxed(["pwd"], cwd=tmp_path, sandbox=bare).stdout.decode() == f"{tmp_path}\n"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (None, "bubblewrap is not installed (apt-get install bubblewrap)"),
        ("echo 'bwrap: No permissions' >&2; exit 1", "can't be used here: bwrap: No permissions"),
    ],
)
def test_why_there_is_no_sandbox(
    script: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        program = tmp_path / "bwrap"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    find_sandbox.cache_clear()
    try:
        found = find_sandbox()
    finally:
        find_sandbox.cache_clear()
    assert found.program is None
    assert why in found.why_not
