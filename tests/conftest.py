"""Fixtures for every test; what they stand on is in tests/support."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from tests.support import ROOT
from tests.support.faulty_http import FaultyServer
from tests.support.git_tree import make_git_tree
from tests.support.isolation import forbid_connections, isolate_environment
from tests.support.kernels import render_matrix
from tests.support.public_inbox import PublicInbox, read_mboxes
from tests.support.require import require, shared_lore

# What explodes on hostile input would take hours or days.
_HANG_S = 240

MakeTree = Callable[..., Path]
MakeInbox = Callable[[str, Sequence[Path]], PublicInbox]

# A busy machine is no failure; the failing example is printed to paste into a test.
settings.register_profile("patchbot", deadline=None, print_blob=True)
settings.load_profile("patchbot")
# Tests stand in a folder of their own, hypothesis's memory belongs to the tree.
set_hypothesis_home_dir(ROOT / ".hypothesis")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what scenarios said of kernels, and how many of the rules' seeded faults were found."""
    done = [each for group in terminalreporter.stats.values() for each in group]
    properties = [
        pair
        for each in done
        if isinstance(each, pytest.TestReport) and each.when == "call"
        for pair in each.user_properties
    ]
    for name, title in (("kernel", "kernels against scenarios"), ("simulated", "simulated faults")):
        rows = [value for each, value in properties if each == name]
        if rows:
            terminalreporter.section(title)
            terminalreporter.write_line(render_matrix(rows))
    scores = [value for name, value in properties if name == "seeds"]
    if scores:
        from tools.seeding.table import Row, render

        found = [Row(*row) for score in scores if isinstance(score, list) for row in score]
        terminalreporter.section("seeded faults")
        terminalreporter.write_line(render(found))


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, settings, temporary and current folder of this test's own; returns their top."""
    top = tmp_path_factory.mktemp("isolated")
    isolate_environment(monkeypatch, top)
    return top


@pytest.fixture(autouse=True)
def network_attempts(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Hosts this test tried to reach; any left at its end fail it, even if the error was caught.

    A test that expects attempts clears the list. ``@pytest.mark.network`` lifts the ban.
    """
    if request.node.get_closest_marker("network"):
        yield []
        return
    attempts = forbid_connections(monkeypatch)
    yield attempts
    assert not attempts, f"tried to reach other machines: {attempts}"


@pytest.fixture
def ends() -> Iterator[None]:
    """Fails a test that does not come to an end; a guard against hangs, no measurement."""

    def hang(number: int, frame: object) -> NoReturn:
        raise AssertionError(f"no end after {_HANG_S} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(_HANG_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def git_tree(tmp_path: Path) -> MakeTree:
    """``git_tree(files, name="tree", message="base\\n")``: a new repository below tmp_path."""

    def make(files: Mapping[str, str | bytes], name: str = "tree", message: str = "base\n") -> Path:
        return make_git_tree(tmp_path / name, files, message)

    return make


@pytest.fixture
def faulty_server() -> Iterator[Callable[..., FaultyServer]]:
    """``faulty_server(upstream=None)``: a running FaultyServer, stopped at the test's end."""
    servers: list[FaultyServer] = []

    def start(upstream: str | None = None) -> FaultyServer:
        servers.append(FaultyServer(upstream))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def public_inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeInbox]:
    """``public_inbox(name, mboxes)``: a running server of these mails, shared, not to be harmed."""
    servers: dict[tuple[str, tuple[Path, ...]], PublicInbox] = {}

    def serve(name: str, mboxes: Sequence[Path]) -> PublicInbox:
        key = (name, tuple(mboxes))
        if key not in servers:
            servers[key] = _serve(tmp_path_factory.mktemp("public-inbox"), name, mboxes)
        return servers[key]

    yield serve
    for server in servers.values():
        server.stop()


@pytest.fixture
def own_public_inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeInbox]:
    """Like ``public_inbox``, for this test alone, which may stop, restart and extend the server."""
    servers: list[PublicInbox] = []

    def serve(name: str, mboxes: Sequence[Path]) -> PublicInbox:
        servers.append(_serve(tmp_path_factory.mktemp("public-inbox"), name, mboxes))
        return servers[-1]

    yield serve
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def lore_inbox(public_inbox: MakeInbox) -> PublicInbox:
    """The real threads of ../shared/lore as the list ``linux-ext4``; skipped where absent."""
    return public_inbox("linux-ext4", shared_lore())


@pytest.fixture(scope="session")
def demo_mboxes() -> list[Path]:
    """The bundled threads of series/demo."""
    found = sorted(path for path in (ROOT / "series" / "demo").rglob("*.mbox*") if path.is_file())
    assert found, "series/demo holds no mbox file"
    return found


@pytest.fixture(scope="session")
def demo_inbox(public_inbox: MakeInbox, demo_mboxes: list[Path]) -> PublicInbox:
    """The bundled threads as the list ``demo``."""
    return public_inbox("demo", demo_mboxes)


def _serve(home: Path, name: str, mboxes: Sequence[Path]) -> PublicInbox:
    """Build and start; the tools are looked for first, so that a lack of them says its name."""
    require("git")
    require("public-inbox-httpd")
    server = PublicInbox(home)
    server.add(name, read_mboxes(mboxes))
    server.start()
    return server
