"""A real public-inbox on loopback, built from mbox files in about a second.

A v2 inbox is a git repository in which every commit replaces one file, ``m``, by the next mail.
``git fast-import`` writes those commits in one go and ``public-inbox-index`` indexes them once.
Needs Debian's public-inbox and git, and nothing of pytest: the benchmarks use it too.
"""

import contextlib
import gzip
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

_SEPARATOR = re.compile(rb"^From [^\n]*\n", re.MULTILINE)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>\s]+)>", re.MULTILINE | re.IGNORECASE)
_BOUND = re.compile(r"bound https?://127\.0\.0\.1:(\d+)")
_FIRST_COMMIT_TIME = 1_600_000_000


class PublicInboxError(Exception):
    """A public-inbox command failed, or the server did not come up."""


def split_mboxrd(data: bytes) -> list[bytes]:
    """The mails of an mboxrd file, unquoted, in order."""
    chunks = _SEPARATOR.split(data)[1:]
    return [_QUOTED_FROM.sub(rb"\1", _without_final_blank(chunk)) for chunk in chunks]


def read_mboxrd(path: Path) -> list[bytes]:
    """The mails of an mboxrd file, which may be compressed (``.gz``)."""
    data = path.read_bytes()
    return split_mboxrd(gzip.decompress(data) if path.suffix == ".gz" else data)


def read_mboxes(paths: Iterable[Path]) -> list[bytes]:
    """The mails of many mboxrd files in order, each message-id once, as an archive keeps them."""
    seen: dict[bytes, bytes] = {}
    for mail in (mail for path in paths for mail in read_mboxrd(path)):
        found = _MESSAGE_ID.search(mail.partition(b"\n\n")[0])
        seen.setdefault(found[1] if found else mail, mail)
    return list(seen.values())


def build_inbox(home: Path, name: str, mails: Sequence[bytes]) -> Path:
    """Make and index the v2 inbox ``name`` under ``home``; returns its folder.

    ``home`` also takes the public-inbox configuration, to which the inbox is added.
    """
    home.mkdir(parents=True, exist_ok=True)
    inbox = home / name
    url = f"http://127.0.0.1/{name}"
    address = f"{name}@lists.example.org"
    _run(home, "public-inbox-init", "-V2", "-L", "full", name, str(inbox), url, address)
    append_mails(home, inbox, mails)
    return inbox


def append_mails(home: Path, inbox: Path, mails: Sequence[bytes]) -> None:
    """Add mails to a v2 inbox of ``build_inbox`` and index them."""
    epoch = inbox / "git" / "0.git"
    tip = epoch / "refs" / "heads" / "master"
    parent = "refs/heads/master^0" if tip.exists() else ""
    _run(home, "git", f"--git-dir={epoch}", "fast-import", "--quiet", stdin=_commits(mails, parent))
    _run(home, "public-inbox-index", str(inbox))


class PublicInbox:
    """A public-inbox-httpd with any number of inboxes, on a free port of 127.0.0.1.

    A context manager: leaving it kills the server's whole process group.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = 0
        self.inboxes: dict[str, Path] = {}
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's own address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def inbox_url(self, name: str) -> str:
        """The address of one inbox, without a slash at the end: what ``--lore`` takes."""
        return f"{self.url}/{name}"

    def add(self, name: str, mails: Sequence[bytes]) -> None:
        """Make an inbox, or add mails to it; a running server is restarted on its port."""
        if name in self.inboxes:
            append_mails(self.home, self.inboxes[name], mails)
        else:
            self.inboxes[name] = build_inbox(self.home, name, mails)
        if self._server:
            self.stop()
            self.start()

    def start(self, timeout_s: float = 20.0) -> None:
        """Start the server and wait until it answers; the port stays the same after a stop."""
        log = self.home / "httpd.log"
        with log.open("wb") as output:
            self._server = subprocess.Popen(
                ["public-inbox-httpd", "-W0", "-l", f"127.0.0.1:{self.port}"],
                env=_environment(self.home),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(log, time.monotonic() + timeout_s)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill the server at once, as a crash would; harmless when it is not running."""
        server, self._server = self._server, None
        if server is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()

    def __enter__(self) -> "PublicInbox":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_ready(self, log: Path, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self._server is None or self._server.poll() is not None:
                break
            bound = _BOUND.search(log.read_text(errors="replace"))
            if bound:
                self.port = int(bound[1])
            if bound and _answers(self.url):
                return
            time.sleep(0.02)
        raise PublicInboxError(f"public-inbox-httpd did not come up: {log.read_text()}")


def _answers(url: str) -> bool:
    try:
        build_opener(ProxyHandler({})).open(f"{url}/", timeout=5).close()
    except HTTPError as answer:
        answer.close()
    except OSError:
        return False
    return True


def _without_final_blank(chunk: bytes) -> bytes:
    return chunk[:-1] if chunk.endswith(b"\n\n") else chunk


def _commits(mails: Sequence[bytes], parent: str) -> bytes:
    """A fast-import stream: a commit a mail, each holding only the file ``m``."""
    start = f"from {parent}\n".encode() if parent else b""
    return b"".join(
        b"commit refs/heads/master\ncommitter t <t@example.org> %d +0000\ndata 0\n%b"
        b"M 100644 inline m\ndata %d\n%b\n"
        % (_FIRST_COMMIT_TIME + number, b"" if number else start, len(mail), mail)
        for number, mail in enumerate(mails)
    )


def _environment(home: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PI_CONFIG": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def _run(home: Path, *command: str, stdin: bytes = b"") -> None:
    """Run a command with nothing of the user's settings; raises PublicInboxError on failure."""
    done = subprocess.run(
        command, input=stdin, env=_environment(home), cwd=home, capture_output=True, check=False
    )
    if done.returncode:
        raise PublicInboxError(f"{command[0]}: {done.stderr.decode(errors='replace')}")
