"""A closed-off environment for every test: a home of its own, and no way out of the machine."""

import os
import socket
import tempfile
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

DEAD_URL = "http://127.0.0.1:9"
"""Where nothing listens: the default server and the proxy of a test that names no other."""

_LEAKS = ("GIT_", "B4_", "XDG_", "PATCHBOT_", "EMAIL", "PAGER", "NO_COLOR", "FORCE_COLOR")
# What tests themselves are asked by; without these an opt-in test could never be had.
_KEPT = ("PATCHBOT_REQUIRE", "PATCHBOT_TEST_")


class ForbiddenConnection(AssertionError):
    """A test tried to reach another machine. No OSError, lest it pass for a dead network."""


def isolate_environment(patch: pytest.MonkeyPatch, top: Path) -> None:
    """Point HOME, XDG_*, PATCHBOT_*, TMPDIR, git and the current folder below ``top``."""
    for name in list(os.environ):
        if name.startswith(_LEAKS) and not name.startswith(_KEPT):
            patch.delenv(name)
    home, work, temporary = (_folder(top / name) for name in ("home", "cwd", "tmp"))
    settings = home / ".gitconfig"
    settings.write_text("[user]\n\tuseConfigOnly = true\n")
    for name, value in _variables(home, temporary, settings, top).items():
        patch.setenv(name, value)
    patch.setattr(tempfile, "tempdir", str(temporary))
    patch.chdir(work)


def forbid_connections(patch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every look-up of and connection to another machine; returns the list of attempts."""
    attempts: list[str] = []
    for method in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method), attempts))
    real_lookup = socket.getaddrinfo

    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        _check(host, attempts)
        return real_lookup(host, *args, **kwargs)

    patch.setattr(socket, "getaddrinfo", lookup)
    return attempts


def _variables(home: Path, temporary: Path, settings: Path, top: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PATCHBOT_HOME": str(home / "patchbot"),
        "PATCHBOT_LORE": DEAD_URL,
        # What a scenario gives on a tree is the same in all tests, and takes seconds.
        "PATCHBOT_SIMULATOR": str(top.parent / "simulator"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(top),
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        # Programs that a test starts are not guarded: they meet a proxy that nobody runs.
        "http_proxy": DEAD_URL,
        "https_proxy": DEAD_URL,
        "no_proxy": "127.0.0.1,localhost",
    }


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _guarded(real: Any, attempts: list[str]) -> Any:
    def call(self: socket.socket, *args: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(args[-1][0], attempts)
        return real(self, *args)

    return call


def _check(host: str | bytes | None, attempts: list[str]) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name == "localhost" or _is_loopback(name):
        return
    attempts.append(name)
    raise ForbiddenConnection(f"a test may not reach {name}")


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
